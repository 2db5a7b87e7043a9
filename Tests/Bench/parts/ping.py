"""The hub's own question: `ping` as JSON in, `pong` with the time out, on signed-in sockets; the floor echoes 32 bytes."""

import functools

from figures import Part, Row, taken, turns
from servers import Floor, Hub

QUESTION = "--ask", '{"type":"ping","id":%S}', "--answer", '{"type":"pong","id":%S,'


def measure(bench):
    plan = bench.plan
    rows = []
    with Hub(bench.stand, reactors=1, pinned=True) as hub, Floor(bench.stand) as floor:
        for count, inflight in (1, 1), (100, 1), (100, 10):
            what = f"{count} {'socket' if count == 1 else 'sockets'}, {inflight} in flight"
            bench.say(f"ping, {what}")
            timing = "-P", inflight, "-d", plan.ping_seconds, "-w", 0.2
            ask = hub.load("echo", count, *hub.subscribing, *timing, *QUESTION)
            results = turns(plan.rounds, {
                "hub": functools.partial(bench.stand.measure, ask),
                "floor": functools.partial(floor.echo, count, inflight, 32, plan.ping_seconds)})
            rows.append(Row(what, "µs", 2, taken(results, lambda result: result["srv_us_per_msg"])))
    return Part("Ping: CPU a question of 32 B of JSON and its answer, to a floor that echoes", rows)
