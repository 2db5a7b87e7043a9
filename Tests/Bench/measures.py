"""What is measured: everything of the hub and of a floor, turn by turn, so that both meet the same machine."""

import dataclasses
import json
import math
import statistics
import urllib.request

from stand import RESTAURANT, Fault, Hub, await_condition, cpu_seconds, family

KITCHEN = f"/ws/kitchen/{RESTAURANT}?snapshot=false"
HEARTBEAT = '{"type":"heartbeat"'


@dataclasses.dataclass
class Plan:
    """How long and how often."""

    rounds: int = 3
    idle_rounds: int = 3
    idle_sockets: int = 5000
    idle_seconds: float = 12
    ping_seconds: float = 1.5
    fanout_seconds: float = 3
    fanout_sockets: int = 1000
    order_seconds: float = 8
    orders_a_second: int = 200
    kitchen_sockets: int = 100
    tills: int = 8


SHORT = Plan(
    idle_rounds=2, idle_sockets=1000, idle_seconds=0.5, ping_seconds=0.3, fanout_seconds=0.6, order_seconds=2)


@dataclasses.dataclass
class Row:
    """One figure of the hub and of its floor, round by round."""

    name: str
    unit: str
    digits: int
    hub: list = dataclasses.field(default_factory=list)
    floor: list = dataclasses.field(default_factory=list)

    def add(self, hub, floor):
        self.hub.append(hub)
        self.floor.append(floor)

    @property
    def ratios(self):
        return [hub / floor if floor > 0 else math.inf for hub, floor in zip(self.hub, self.floor)]

    @staticmethod
    def median(values):
        return statistics.median(values) if values else math.nan


def sockets(stand, hub, token, mode, count, *options):
    """The load program against kitchen sockets of a hub: signed in, subscribed, heartbeats not counted."""
    return [
        "wsload", mode, "-p", hub.port, "-c", count, "--path", KITCHEN, "-H", f"Authorization: Bearer {token}",
        "--skip", 2, "--ignore", HEARTBEAT, "--pid", hub.pid, "--alone", "--json", *placed(stand), *options]


def placed(stand):
    return ["--cpu", min(stand.load_core)]


def bare(stand, floor, mode, count, *options):
    process, port = floor
    return [
        "wsload", mode, "-p", port, "-c", count, "--pid", process.pid, "--alone", "--json", *placed(stand), *options]


def turns(rounds, *sides):
    """Runs every side once a round, each round beginning with another one."""
    results = [[] for _ in sides]
    for number in range(rounds):
        order = range(len(sides))
        for side in order if number % 2 == 0 else reversed(order):
            results[side].append(sides[side]())
    return results


def idle(stand, plan, say):
    """Memory of idle sockets. A fresh process each time: memory once used and freed stays with a process. A few sockets
    come and go before: what the first ones make a process load and set up is not a connection's."""

    def of_hub():
        with Hub(stand, reactors=1, pinned=True) as hub:
            token = hub.token("kitchen")
            stand.measure(sockets(stand, hub, token, "idle", 20, "--hold", 0.2))
            return stand.measure(
                sockets(stand, hub, token, "idle", plan.idle_sockets, "--hold", plan.idle_seconds))

    def of_floor():
        floor = stand.floor()
        try:
            stand.measure(bare(stand, floor, "idle", 20, "--hold", 0.2))
            return stand.measure(bare(stand, floor, "idle", plan.idle_sockets, "--hold", 1))
        finally:
            stand.stop(floor[0])

    say(f"idle memory, {plan.idle_sockets} sockets")
    hub, floor = turns(plan.idle_rounds, of_hub, of_floor)
    memory = Row(f"idle memory a connection, {plan.idle_sockets:,} sockets", "KiB", 2)
    memory.hub = [result["rss_kb_per_conn"] for result in hub]
    memory.floor = [result["rss_kb_per_conn"] for result in floor]
    notes = {
        "idle_cpu": statistics.median(result["srv_util"] for result in hub) * 100,
        "opened": statistics.median(result["open_s"] for result in hub) / plan.idle_sockets * 1e6,
    }
    return [memory], notes


def ping(stand, plan, hub, floor, say):
    """CPU of the server for a small message and its answer."""
    token = hub.token("kitchen")
    question = ["--ask", '{"type":"ping","id":%S}', "--answer", '{"type":"pong","id":%S,']
    rows = []
    for count, inflight in (1, 1), (1, 10), (100, 1), (100, 10):
        say(f"ping, {count} sockets, {inflight} in flight")
        timing = ["-P", inflight, "-d", plan.ping_seconds, "-w", 0.2]
        of_hub, of_floor = turns(
            plan.rounds,
            lambda: stand.measure(sockets(stand, hub, token, "echo", count, *timing, *question)),
            lambda: stand.measure(bare(stand, floor, "echo", count, "--path", "/echo", "-s", 32, *timing)))
        word = "socket" if count == 1 else "sockets"
        row = Row(f"CPU a 32 B message and its answer, {count} {word}, {inflight} in flight", "µs", 2)
        row.hub = [result["srv_us_per_msg"] for result in of_hub]
        row.floor = [result["srv_us_per_msg"] for result in of_floor]
        rows.append(row)
    return rows


def fanout(stand, plan, hub, floor, say):
    """CPU of the server for one event to one of many sockets; the hub's events come from hub.publish in a session."""
    token, rows = hub.token("kitchen"), []
    count, seconds, warm = plan.fanout_sockets, plan.fanout_seconds, 0.3
    for burst, rate, size, pad in (1, 50, 512, 317), (16, 10, 512, 317):
        say(f"fan-out, {burst} at once to {count} sockets")
        timing = ["-d", seconds, "-w", warm, "--settle", 0.5, "--count-marker"]

        def of_hub():
            ready = stand.folder / "ready"
            ready.unlink(missing_ok=True)
            load = stand.load(sockets(stand, hub, token, "fanout", count, *timing, "--ready-file", ready))
            await_condition(lambda: ready.exists() or load.poll() is not None, 60, "the sockets do not open")
            published = stand.measure(
                ["pgfeed", "--dsn", hub.database(), "-w", 1, "-m", "publish", "--channel", f"kitchen:{RESTAURANT}",
                 "-l", "none", "-s", pad, "-b", burst, "-r", rate, "-d", seconds + warm + 0.3, "--json"],
                stand.load_core)
            result = stand.result(load)
            expect(published["n"] * count, result["received"], "fan-out")
            return result

        def of_floor():
            return stand.measure(bare(
                stand, floor, "fanout", count, "--path", "/hub", "--sub", "sub", "--pub", '{"t":"%T","pad":"%F"}',
                "--pub-size", size, "--pub-rate", rate, "--pub-burst", burst, *timing))

        of_hub, of_floor = turns(plan.rounds, of_hub, of_floor)
        bytes_hub = statistics.median(result["bytes_per_msg"] for result in of_hub)
        what = f"one {bytes_hub:.0f} B event" if burst == 1 else f"{burst} events of {bytes_hub:.0f} B at once"
        row = Row(f"CPU a delivery, {what} to {count:,} sockets", "µs", 2)
        row.hub = [result["srv_us_per_msg"] for result in of_hub]
        row.floor = [result["srv_us_per_msg"] for result in of_floor]
        rows.append(row)
    return rows


def latency(stand, plan, say):
    """From the instant in an event, taken in its transaction just before COMMIT, to its receipt at the sockets."""
    with Hub(stand) as hub:
        kitchen, till = hub.token("kitchen"), hub.token("manager")
        body = order(hub, till)
        make_floor_database(stand, hub)
        marker = '"event":"ticket.created","at":"'
        size = [1000]
        warm = 1.0

        def of_hub():
            ready = stand.folder / "ready"
            ready.unlink(missing_ok=True)
            load = stand.load(sockets(
                stand, hub, kitchen, "fanout", plan.kitchen_sockets, "-d", plan.order_seconds, "-w", warm,
                "--settle", 1, "--count-marker", "--event-time", "--marker", marker, "--ready-file", ready))
            await_condition(lambda: ready.exists() or load.poll() is not None, 60, "the sockets do not open")
            seconds = plan.order_seconds + warm + 0.2
            before = cpu_seconds([hub.pid]), cpu_seconds(family(hub.postmaster))
            beside = stand.load(
                ["pgfeed", "--dsn", hub.database("floor"), "-w", 1, "-m", "row", "-l", "notify", "-s", size[0],
                 "-r", 20, "-d", seconds, "--json"])
            tills = stand.measure(
                ["orders", "-p", hub.port, "--token", till, "--body", body, "-c", plan.tills,
                 "-r", plan.orders_a_second, "-d", seconds])
            beside = stand.result(beside)
            result = stand.result(load)
            after = cpu_seconds([hub.pid]), cpu_seconds(family(hub.postmaster))
            expect(tills["confirmed"] * plan.kitchen_sockets, result["received"], "the kitchen's tickets")
            size[0] = max(100, min(7000, round(result["bytes_per_msg"])))
            return {
                "sockets": result, "tills": tills, "beside": beside,
                "hub_cpu": (after[0] - before[0]) / tills["confirmed"] * 1e3,
                "postgres_cpu": (after[1] - before[1]) / tills["confirmed"] * 1e3,
            }

        def of_floor():
            return stand.measure(
                ["pgfeed", "--dsn", hub.database("floor"), "-w", 4, "-m", "row", "-l", "notify", "-s", size[0],
                 "-r", plan.orders_a_second, "-d", max(2, plan.order_seconds * 0.6), "--json"])

        say(f"latency, {plan.orders_a_second} orders a second, {plan.kitchen_sockets} kitchen sockets")
        of_hub, of_floor = turns(plan.rounds, of_hub, of_floor)
    rows = []
    for percentile in "p50", "p99":
        row = Row(f"commit to socket {percentile}; floor: a bare listener with nothing else to do", "ms", 2)
        row.hub = [result["sockets"][f"{percentile}_us"] / 1e3 for result in of_hub]
        row.floor = [result[f"{percentile}_us"] / 1e3 for result in of_floor]
        rows.append(row)
    for percentile in "p50", "p99":
        row = Row(f"commit to socket {percentile}; floor: a bare listener while the orders run", "ms", 2)
        row.hub = [result["sockets"][f"{percentile}_us"] / 1e3 for result in of_hub]
        row.floor = [result["beside"][f"{percentile}_us"] / 1e3 for result in of_hub]
        rows.append(row)

    def median(read):
        return statistics.median(read(result) for result in of_hub)

    return rows, {
        "rate": median(lambda result: result["tills"]["rate"]),
        "place": [median(lambda result: result["tills"][f"place_{part}_us"] / 1e3) for part in ("p50", "p99")],
        "confirm": [median(lambda result: result["tills"][f"confirm_{part}_us"] / 1e3) for part in ("p50", "p99")],
        "hub_cpu": median(lambda result: result["hub_cpu"]),
        "postgres_cpu": median(lambda result: result["postgres_cpu"]),
        "event_bytes": size[0],
    }


def expect(sent, received, what):
    """No figure of a run that lost something."""
    if sent != received:
        raise Fault(f"{what}: {sent} deliveries were due and {received} came")


def order(hub, token):
    """The body of an order of two dishes of one station, so that it makes one ticket."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{hub.port}/api/v1/restaurants/{RESTAURANT}/menu",
        headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        menu = json.load(answer)
    stations = {}
    for product in (product for category in menu["categories"] for product in category["products"]):
        if product["available"] and product["stock"] is None and product["station_id"]:
            dishes = stations.setdefault(product["station_id"], [])
            dishes.append(product["id"])
            if len(dishes) == 2:
                items = [{"product_id": dish, "quantity": 1} for dish in dishes]
                return json.dumps({"restaurant_id": RESTAURANT, "order_type": "dine_in", "table": "12", "items": items})
    raise Fault("the demo's menu has no station with two dishes of uncounted stock")


def make_floor_database(stand, hub):
    """The bare listener's own database in the hub's cluster: the same server and disk, none of the hub's tables."""
    stand.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-c", "CREATE DATABASE floor", hub.database()])
