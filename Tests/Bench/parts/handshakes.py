"""Connections made: a TCP connection, the handshake and its end, fifty at once; and the same signed in at a whole hub."""

import contextlib
import functools
import statistics

import peers
from figures import Part, Row, taken, turns
from servers import Echo, Floor, Hub

GOAL = 0.8


def measure(bench):
    plan, stand = bench.plan, bench.stand
    bench.say("handshakes")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(start(stand)) for start in (Echo, Floor)]
        servers += peers.started(bench.peers, stand, stack, bench.say, lambda server: server.has_echo)
        hub = stack.enter_context(Hub(stand, reactors=1, pinned=True))
        sides = {server.name: functools.partial(server.connect, 50, plan.connect_seconds) for server in servers}
        results = turns(plan.rounds, sides | {"signed in": functools.partial(hub.connect, 50, plan.connect_seconds)})
    whole = results.pop("signed in")
    rows = [
        Row("handshakes a second", "", 0, taken(results, lambda result: result["rate"]), goal=GOAL, more_is_better=True),
        Row("CPU a handshake", "µs", 1, taken(results, lambda result: result["srv_us_per_msg"]), goal=1 / GOAL),
        Row("CPU a handshake, signed in and subscribing at a hub with its database", "µs", 1,
            {"hub": [result["srv_us_per_msg"] for result in whole],
             "floor": [result["srv_us_per_msg"] for result in results["floor"]]}),
    ]
    busy = statistics.median(result["srv_util"] for result in results["floor"])
    words = [] if busy > 0.9 else [
        f"The floor was busy for {busy:.0%} of the time: the load's own core is what bounds its rate, so CPU a handshake "
        "is the fairer figure."]
    return Part("Handshakes", rows, words)
