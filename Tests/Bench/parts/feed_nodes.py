"""Many hub nodes on one database, all of them busy: tills order at every node, kitchens listen at every node.

So each event is committed by one node without a notification, announced to the others, and sent by all.
"""

import contextlib

from figures import Part, Row
from parts.latency import MARKER, call, order
from servers import Hub, expect

WARM = 1.0


def measure(bench):
    plan, stand = bench.plan, bench.stand
    with contextlib.ExitStack() as stack:
        # One reactor each: with more, ten nodes' pools take the hundred connections that a Postgres has unless told.
        first = stack.enter_context(Hub(stand, reactors=1))
        nodes = [first, *(stack.enter_context(first.neighbour(number)) for number in range(1, plan.nodes))]
        till = first.token("manager")
        call(first, till, "", {"unseen_seconds": 0})
        body = order(first, till)
        bench.say(f"feed, {len(nodes)} nodes, {plan.node_orders} orders a second at each")
        results = [evening(bench, nodes, till, body) for _ in range(plan.rounds)]
    rows = [
        Row(f"events delivered a second by {len(nodes)} nodes in all", "", 0,
            {"hub": [delivered(*result) for result in results]}),
        Row("orders placed and confirmed a second in all", "", 0,
            {"hub": [sum(tills["rate"] for tills in done) for _, done in results]}),
        Row("commit to socket p50, the node in the middle", "ms", 2,
            {"hub": [middle(result["p50_us"] for result in found) / 1e3 for found, _ in results]}),
        Row("commit to socket p99, the worst node", "ms", 2,
            {"hub": [max(result["p99_us"] for result in found) / 1e3 for found, _ in results]})]
    return Part(f"Feed: {len(nodes)} busy nodes on one database", rows, [
        f"At every node {plan.node_orders} orders a second are asked for, placed and confirmed over HTTP, and "
        f"{plan.node_sockets} kitchen sockets listen; every ticket came once to every socket of every node."])


def delivered(found, done):
    """Events a second on all sockets, over the time that the tills took."""
    received, confirmed = sum(result["received"] for result in found), sum(tills["confirmed"] for tills in done)
    return received / confirmed * sum(tills["rate"] for tills in done)


def middle(figures):
    figures = sorted(figures)
    return figures[len(figures) // 2]


def evening(bench, nodes, till, body):
    """What the sockets of each node say, and what the tills of each do."""
    plan, stand = bench.plan, bench.stand
    sockets = [
        node.opened(plan.node_sockets, *nodes[0].subscribing, "-d", plan.node_seconds + number * 0.05, "-w", WARM + 1,
                    "--settle", 2, "--event-time", "--marker", MARKER) for number, node in enumerate(nodes)]
    tills = [stand.load(
        ["orders", "-p", node.port, "--token", till, "--body", body, "-c", 1, "-r", plan.node_orders,
         "-d", plan.node_seconds + WARM]) for node in nodes]
    done = [stand.result(process) for process in tills]
    found = [stand.result(process) for process in sockets]
    confirmed = sum(result["confirmed"] for result in done)
    for node, result in zip(nodes, found):
        expect(confirmed * plan.node_sockets, result["received"], f"tickets at {node.name}")
    return found, done
