"""Whether cost grows linearly or better: a delivery with more subscribers, a publish and memory with more channels."""

from figures import Part, Row
from servers import WARM, Hub, expect
from stand import resident_kib

LINEAR = 1.15
DELIVERIES_A_SECOND = 30_000
PUBLISHES_A_SECOND = 1000
PER_SOCKET = 100  # channels of one connection
CHANNEL = "account:"  # the owner of the platform may listen to any, whether or not it exists


def measure(bench):
    with Hub(bench.stand, reactors=1, pinned=True) as hub:
        rows = subscribers(bench, hub)
    for number, count in enumerate(bench.plan.growth_channels):
        bench.say(f"growth, {count:,} channels")
        with Hub(bench.stand, reactors=1, pinned=True) as hub:
            cpu, memory = channels(bench, hub, count)
        if number == 0:
            least = cpu
        rows.append(Row(f"CPU a publish with {count:,} channels, each with a subscriber", "µs", 1,
                        {"hub": [cpu], "least": [least]}, goal=LINEAR))
        rows.append(Row(f"memory a channel with {count:,} of them and as many subscriptions", "KiB", 2, {"hub": [memory]}))
    return Part(
        "Growth of the hub's cost, to the same with the fewest subscribers or channels", rows, base="least")


def subscribers(bench, hub):
    plan, rows = bench.plan, []
    results = {count: [] for count in plan.growth_sockets}
    for _ in range(plan.rounds):
        for count, found in results.items():
            bench.say(f"growth, {count:,} subscribers")
            rate = max(1, min(PUBLISHES_A_SECOND, DELIVERIES_A_SECOND // count))
            found.append(hub.fan_out(count, 1, rate, plan.growth_seconds)["srv_us_per_msg"])
    for count, found in results.items():
        rows.append(Row(f"CPU a delivery to {count:,} subscribers", "µs", 2,
                        {"hub": found, "least": results[plan.growth_sockets[0]]}, goal=LINEAR))
    return rows


def channels(bench, hub, count):
    """CPU of the hub a publish to one of so many channels, and memory a channel."""
    seconds, each = bench.plan.growth_seconds, min(PER_SOCKET, count)
    bearer = f"Authorization: Bearer {hub.token('platform_owner')}"
    subscribe = '{"type":"subscribe","id":%S,"channel":"' + CHANNEL + '%S","snapshot":false}'
    way = "--path", "/ws", "-H", bearer, "--ignore", '{"type":"heartbeat"'
    before = resident_kib(hub.processes)
    load = hub.opened(
        count // each, *way, "--sub", subscribe, "--subs", each, "--skip", 1 + each, "-d", seconds, "-w", WARM,
        "--settle", 1)
    memory = (resident_kib(hub.processes) - before) / count
    published = hub.publish(CHANNEL, 1, PUBLISHES_A_SECOND, seconds, "--channels", count)
    result = bench.stand.result(load)
    expect(published["n"], result["received"], f"events of {count:,} channels")
    return result["srv_us_per_msg"], memory
