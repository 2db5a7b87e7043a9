"""One event to many sockets: CPU of the server a delivery, alone and sixteen together; and compressions a publish."""

import contextlib
import functools

import peers
from figures import Part, Row, taken, turns
from servers import EVENT_BYTES, WARM, Floor, Hub, expect

ALONE, TOGETHER = 1.15, 1.25
DELIVERIES_A_SECOND = 30_000  # what every server keeps up with
SWIFT_DELIVERIES_A_SECOND = 160_000  # what those keep up with that send once for what comes together
SWIFT = "hub", "floor", "socketify"


def measure(bench):
    plan = bench.plan
    # A hub also looks after its sockets (heartbeats, the log's heads): once a second, with cold caches, that is a quarter
    # of what sixteen events cost it. So they are measured at a rate where events are what is paid for, and the slow rate
    # that every peer keeps up with is there for the peers.
    few = plan.fanout_sockets[0]
    cells = [(1, count, DELIVERIES_A_SECOND, ALONE) for count in plan.fanout_sockets]
    cells += [(16, few, SWIFT_DELIVERIES_A_SECOND, TOGETHER), (16, few, DELIVERIES_A_SECOND, None)]
    rows = []
    with contextlib.ExitStack() as stack:
        own = [stack.enter_context(Hub(bench.stand, reactors=1, pinned=True)), stack.enter_context(Floor(bench.stand))]
        others = peers.started(bench.peers, bench.stand, stack, bench.say)
        for burst, count, deliveries, goal in cells:
            together = f"{burst} events together" if burst > 1 else "an event"
            bench.say(f"fan-out, {together} to {count:,} sockets")
            rate = max(1, deliveries // (burst * count))
            seconds = plan.fanout_seconds * (2 if burst > 1 else 1)
            everybody = plan.peers_everywhere or burst == 1
            asked = [server for server in own + (others if everybody else [])
                     if deliveries == DELIVERIES_A_SECOND or server.name in SWIFT]
            results = turns(plan.rounds, {
                server.name: functools.partial(server.fan_out, count, burst, rate, seconds)
                for server in asked})
            often = f", {rate} times a second" if burst > 1 else ""
            rows.append(Row(
                f"{together} of {EVENT_BYTES} B to {count:,} sockets{often}", "µs", 2,
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
