"""From the instant in an event, taken in its transaction just before COMMIT, to its receipt at the sockets."""

import json
import statistics
import urllib.request

from figures import Part, Row, turns
from servers import RESTAURANT, Hub, expect
from stand import Fault, cpu_seconds, family

MARKER = '"event":"ticket.created","at":"'
WARM = 1.0


def measure(bench):
    plan = bench.plan
    with Hub(bench.stand) as hub:
        evening = Evening(bench, hub)
        bench.say(f"latency, {plan.orders_a_second} orders a second, {plan.kitchen_sockets} kitchen sockets")
        results = turns(plan.rounds, {"hub": evening.of_hub, "floor": evening.of_floor})
        size = evening.size
    rows = []
    for meanwhile, least in (
        ("with nothing else to do", lambda part: [result[part] for result in results["floor"]]),
        ("while the orders run", lambda part: [result["beside"][part] for result in results["hub"]]),
    ):
        for percentile in "p50", "p99":
            part = f"{percentile}_us"
            rows.append(Row(
                f"commit to socket {percentile}; floor: a bare listener {meanwhile}", "ms", 2,
                {"hub": [result["sockets"][part] / 1e3 for result in results["hub"]],
                 "floor": [figure / 1e3 for figure in least(part)]}))
    return Part("Latency", rows, remarks(plan, results["hub"], size))


class Evening:
    """Orders placed and confirmed while the kitchen listens, and a bare listener beside them and alone."""

    def __init__(self, bench, hub):
        self.plan, self.stand, self.hub = bench.plan, bench.stand, hub
        self.till = hub.token("manager")
        # The sockets take events and give no receipts, so every ticket would be told again as unseen.
        call(hub, self.till, "", {"unseen_seconds": 0})
        self.body = order(hub, self.till)
        self.size = 1000
        hub.make_floor()

    def of_hub(self):
        plan, stand, hub = self.plan, self.stand, self.hub
        load = hub.opened(
            plan.kitchen_sockets, *hub.subscribing, "-d", plan.order_seconds, "-w", WARM, "--settle", 1, "--event-time",
            "--marker", MARKER)
        seconds = plan.order_seconds + WARM + 0.2
        before = cpu_seconds([hub.pid]), cpu_seconds(family(hub.postmaster))
        beside = stand.load(
            ["pgfeed", "--dsn", hub.database("floor"), "-w", 1, "-m", "row", "-l", "notify", "-s", self.size, "-r", 20,
             "-d", seconds, "--json"])
        tills = stand.measure(
            ["orders", "-p", hub.port, "--token", self.till, "--body", self.body, "-c", plan.tills,
             "-r", plan.orders_a_second, "-d", seconds])
        beside = stand.result(beside)
        result = stand.result(load)
        after = cpu_seconds([hub.pid]), cpu_seconds(family(hub.postmaster))
        expect(tills["confirmed"] * plan.kitchen_sockets, result["received"], "the kitchen's tickets")
        self.size = max(100, min(7000, round(result["bytes_per_msg"])))
        return {
            "sockets": result, "tills": tills, "beside": beside,
            "hub_cpu": (after[0] - before[0]) / tills["confirmed"] * 1e3,
            "postgres_cpu": (after[1] - before[1]) / tills["confirmed"] * 1e3,
        }

    def of_floor(self):
        return self.stand.measure(
            ["pgfeed", "--dsn", self.hub.database("floor"), "-w", 4, "-m", "row", "-l", "notify", "-s", self.size,
             "-r", self.plan.orders_a_second, "-d", max(2, self.plan.order_seconds * 0.6), "--json"])


def remarks(plan, results, size):
    def median(read):
        return statistics.median(read(result) for result in results)

    def milliseconds(name):
        return median(lambda result: result["tills"][name] / 1e3)

    rate = median(lambda result: result["tills"]["rate"])
    lines = [
        f"The orders: {rate:.0f} a second placed and confirmed of {plan.orders_a_second} asked; a client waited "
        f"p50 {milliseconds('place_p50_us'):.1f} ms, p99 {milliseconds('place_p99_us'):.1f} ms for placing, "
        f"p50 {milliseconds('confirm_p50_us'):.1f} ms, p99 {milliseconds('confirm_p99_us'):.1f} ms for confirming. CPU an "
        f"order (both commands and the kitchen's {plan.kitchen_sockets} deliveries): hub "
        f"{median(lambda result: result['hub_cpu']):.2f} ms, Postgres "
        f"{median(lambda result: result['postgres_cpu']):.2f} ms. A ticket's event has {size:.0f} bytes."]
    if rate < 0.95 * plan.orders_a_second:
        lines.append("The machine did not reach the rate asked for: latencies above are those of an overloaded machine.")
    return lines


def call(hub, token, path, change=None):
    """Reads something of the restaurant, or changes the restaurant."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{hub.port}/api/v1/restaurants/{RESTAURANT}{path}",
        None if change is None else json.dumps(change).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="GET" if change is None else "PATCH")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def order(hub, token):
    """The body of an order of two dishes of one station, so that it makes one ticket."""
    menu = call(hub, token, "/menu")
    stations = {}
    for product in (product for category in menu["categories"] for product in category["products"]):
        if product["available"] and product["stock"] is None and product["station_id"]:
            dishes = stations.setdefault(product["station_id"], [])
            dishes.append(product["id"])
            if len(dishes) == 2:
                items = [{"product_id": dish, "quantity": 1} for dish in dishes]
                return json.dumps({"restaurant_id": RESTAURANT, "order_type": "dine_in", "table": "12", "items": items})
    raise Fault("the demo's menu has no station with two dishes of uncounted stock")
