"""Events a second, and how late they come to sockets, as a foreign program publishes them: beside a bare listener.

The channels are many, as restaurants are, and every event goes to one or to four of them chosen at random; each has one
subscriber. The floor is a program that listens through libpq to rows whose INSERT notifies in its transaction.
"""

from figures import Part, Row, turns
from servers import WARM, Hub, expect

CHANNEL = "account:"  # the owner of the platform may listen to any, whether or not it exists
CHANNELS, SOCKETS = 64, 8
WRITERS = 4
MARKER = '"event":"bench.event","at":"'
SUBSCRIBE = '{"type":"subscribe","id":%S,"channel":"' + CHANNEL + '%S","snapshot":false}'
PADDING, EVENT = 317, 512
P50_ABOVE, P99_ABOVE = 2, 10


def measure(bench):
    plan, rows, most = bench.plan, [], {}
    with Hub(bench.stand) as hub:
        hub.make_floor()
        feed = Feed(bench, hub)
        for rate in (*plan.feed_rates, 0):
            bench.say(f"feed, {rate or 'as many as it takes'} publishes a second")
            results = turns(plan.rounds, {
                1: lambda: feed.of_hub(rate, 1), 4: lambda: feed.of_hub(rate, 4), "floor": lambda: feed.of_floor(rate)})
            for spread in 1, 4:
                found = results[spread], results["floor"]
                rows += lateness(f"{rate:,} a second asked" if rate else "as many as it takes", spread, *found)
                reached = f"reached of {rate:,} asked" if rate else "as many as it takes"
                rows.append(Row(f"publishes a second, {reached}, {named(spread)}", "", 0, sides("rate", 1, *found)))
                most[spread] = rows[-1].median("hub")  # the last rate is the greatest
        for spread, rate in most.items():
            bench.say(f"feed, half of what it takes, {named(spread)}")
            results = turns(plan.rounds, {
                "hub": lambda: feed.of_hub(rate / 2, spread), "floor": lambda: feed.of_floor(rate / 2)})
            found = results["hub"], results["floor"]
            rows += lateness(f"{rate / 2:,.0f} a second, half of the most", spread, *found)
            for percentile, limit in (("p50", P50_ABOVE), ("p99", P99_ABOVE)):
                figures = sides(f"{percentile}_us", 1e3, *found)
                above = [hub - floor for hub, floor in zip(figures["hub"], figures["floor"])]
                rows.append(Row(f"{percentile} above the floor at half of the most, {named(spread)}", "ms", 2,
                                {"hub": above}, limit=limit))
    return Part("Feed: events a second, commit to socket", rows, [
        f"{WRITERS} writers publish by `hub.publish` with a commit each, so with NOTIFY in the transaction; "
        f"{CHANNELS} channels, {SOCKETS} sockets. An event to four channels is four deliveries. Time runs from the event's "
        "`at` (the floor's: from its INSERT) to the receipt; nothing was lost."])


def named(spread):
    return "1 channel" if spread == 1 else f"{spread} channels"


def sides(name, scale, hub, floor):
    return {"hub": [result[name] / scale for result in hub], "floor": [result[name] / scale for result in floor]}


def lateness(rate, spread, hub, floor):
    return [Row(f"{percentile}, {rate}, {named(spread)}", "ms", 2, sides(f"{percentile}_us", 1e3, hub, floor))
            for percentile in ("p50", "p99")]


class Feed:
    """A hub's subscribers with writers, and a bare listener with writers of as many bytes."""

    def __init__(self, bench, hub):
        self.bench, self.hub = bench, hub
        bearer = f"Authorization: Bearer {hub.token('platform_owner')}"
        each = CHANNELS // SOCKETS
        self.way = (
            "--path", "/ws", "-H", bearer, "--ignore", '{"type":"heartbeat"', "--sub", SUBSCRIBE, "--subs", each,
            "--skip", 1 + each, "--event-time", "--marker", MARKER)

    def of_hub(self, rate, spread):
        seconds = self.bench.plan.feed_seconds
        load = self.hub.opened(SOCKETS, *self.way, "-d", seconds, "-w", WARM, "--settle", 1)
        published = self.write(self.hub.database(), rate, "publish", PADDING, "none", "--channel", CHANNEL,
                               "--channels", CHANNELS, "--spread", spread)
        result = self.bench.stand.result(load)
        expect(published["n"] * spread, result["received"], f"feed at {rate:.0f} a second, {named(spread)}")
        return result | {"rate": published["tx_s"]}

    def of_floor(self, rate):
        result = self.write(self.hub.database("floor"), rate, "row", EVENT, "notify")
        return result | {"rate": result["tx_s"]}

    def write(self, database, rate, mode, size, listener, *options):
        return self.bench.stand.measure(
            ["pgfeed", "--dsn", database, "-w", WRITERS, "-m", mode, "-l", listener, "-s", size, "-r", rate,
             "-d", self.bench.plan.feed_seconds + WARM + 0.3, "--json", *options])
