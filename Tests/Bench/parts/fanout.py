"""One event to many sockets: CPU of the server a delivery, alone and sixteen together; and compressions a publish."""

import contextlib
import functools

import peers
from figures import Part, Row, taken, turns
from servers import EVENT_BYTES, WARM, Floor, Hub, expect

ALONE, TOGETHER = 1.15, 1.25
DELIVERIES_A_SECOND = 30_000  # what every server keeps up with


def measure(bench):
    plan = bench.plan
    cells = [(1, count, ALONE) for count in plan.fanout_sockets] + [(16, plan.fanout_sockets[0], TOGETHER)]
    rows = []
    with contextlib.ExitStack() as stack:
        own = [stack.enter_context(Hub(bench.stand, reactors=1, pinned=True)), stack.enter_context(Floor(bench.stand))]
        others = peers.started(bench.peers, bench.stand, stack, bench.say)
        for burst, count, goal in cells:
            together = f"{burst} events together" if burst > 1 else "an event"
            bench.say(f"fan-out, {together} to {count:,} sockets")
            rate = max(1, DELIVERIES_A_SECOND // (burst * count))
            seconds = plan.fanout_seconds * (2 if burst > 1 else 1)
            everybody = plan.peers_everywhere or burst == 1
            results = turns(plan.rounds, {
                server.name: functools.partial(server.fan_out, count, burst, rate, seconds)
                for server in own + (others if everybody else [])})
            rows.append(Row(
                f"{together} of {EVENT_BYTES} B to {count:,} sockets", "µs", 2,
                taken(results, lambda result: result["srv_us_per_msg"]), goal=goal))
        words = deflated(bench, *own, rows)
    return Part("Fan-out: CPU a delivery", rows, words)


def deflated(bench, hub, floor, rows):
    """All sockets offer permessage-deflate: what a delivery costs then, and how often an event is compressed."""
    plan, count = bench.plan, bench.plan.fanout_sockets[0]
    rate = max(1, DELIVERIES_A_SECOND // count)
    bench.say(f"fan-out, compressed, to {count:,} sockets")
    compressions, published = [], []

    def of_hub():
        before = hub.metric("hub_compressions_total")
        load = hub.opened(
            count, *hub.subscribing, "--deflate", "-d", plan.fanout_seconds, "-w", WARM, "--settle", 1)
        feed = hub.publish(hub.kitchen, 1, rate, plan.fanout_seconds)
        result = bench.stand.result(load)
        expect(feed["n"] * count, result["received"], "compressed fan-out")
        expect(feed["n"] * count, result["deflated"], "compressed fan-out, deliveries that are compressed")
        compressions.append(hub.metric("hub_compressions_total") - before)
        published.append(feed["n"])
        return result

    results = turns(plan.rounds, {
        "hub": of_hub, "floor": lambda: floor.fan_out(count, 1, rate, plan.fanout_seconds)})
    rows.append(Row(
        f"an event of {EVENT_BYTES} B to {count:,} sockets, permessage-deflate; the floor sends it as it is", "µs", 2,
        taken(results, lambda result: result["srv_us_per_msg"])))
    rows.append(Row(
        f"compressions a publish to {count:,} sockets", "", 2,
        {"hub": [made / events for made, events in zip(compressions, published)]}, limit=1))
    return [f"A compressed delivery has {results['hub'][0]['bytes_per_msg']:.0f} bytes of payload."]
