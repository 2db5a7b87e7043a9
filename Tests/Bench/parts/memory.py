"""Memory: of idle sockets, of as many as are asked for, and after many have come and gone.

A fresh process for each figure: memory once used and freed stays with a process. A few sockets come and go before, since
what the first ones make a process load and set up is not a connection's.
"""

import functools
import statistics
import time

from figures import Part, Row, taken, turns
from servers import Floor, Hub
from stand import Fault, resident_kib

KIB_A_SOCKET = 1


def measure(bench):
    idle_row, words = idle(bench)
    held_row, more = held(bench)
    churned, most = churn(bench)
    return Part("Memory of the process", [idle_row, held_row, *churned], words + more + most)


def idle(bench):
    plan, stand = bench.plan, bench.stand

    def fresh(start, seconds):
        with start(stand) as server:
            server.idle(20, 0.2)
            return server.idle(plan.idle_sockets, seconds)

    bench.say(f"idle memory, {plan.idle_sockets:,} sockets")
    results = turns(plan.rounds, {
        "hub": functools.partial(fresh, whole_hub, plan.idle_seconds), "floor": functools.partial(fresh, Floor, 1)})
    for name, start in bench.peers.items():
        try:
            results[name] = [fresh(start, 1)]
        except Fault as fault:
            bench.say(f"{name} is left out: {fault}")
    hub = results["hub"]
    row = Row(
        f"an idle socket, of {plan.idle_sockets:,}", "KiB", 2, taken(results, lambda result: result["rss_kb_per_conn"]),
        limit=KIB_A_SOCKET)
    cpu = statistics.median(result["srv_util"] for result in hub) * 100
    opened = statistics.median(result["open_s"] for result in hub) / plan.idle_sockets * 1e6
    return row, [
        f"While idle the hub used {cpu:.1f} % of a core for {plan.idle_sockets:,} sockets (heartbeats, the look at every "
        f"connection each second, the re-scan of heads); opening one, signed in and subscribed, took {opened:.0f} µs."]


def whole_hub(stand):
    return Hub(stand, reactors=1, pinned=True)


def held(bench):
    """As many sockets as asked for, or as a process may have here, held over heartbeats; none may be lost."""
    plan, stand = bench.plan, bench.stand
    count = min(plan.held_sockets, int(stand.descriptors * 0.95))
    bench.say(f"{count:,} sockets held")
    with whole_hub(stand) as hub:
        workers = -(-count // (stand.descriptors - 1000))
        result = stand.measure(
            hub.load("idle", count, *hub.subscribing, "-j", workers, "--hold", plan.idle_seconds), patience=300)
    row = Row(f"{count:,} sockets held, each", "KiB", 2, {"hub": [result["rss_kb_per_conn"]]})
    words = [f"{count:,} sockets were opened in {result['open_s']:.1f} s and held for {plan.idle_seconds:g} s without a "
             f"loss; the hub then had {result['rss_kb'] / 1024:.0f} MiB."]
    if count < plan.held_sockets:
        words.append(f"{plan.held_sockets:,} could not be tried: a process may open {stand.descriptors:,} files here "
                     "(`ulimit -Hn`).")
    return row, words


def churn(bench):
    """Sockets that connect, sign in, subscribe and are torn down: the memory after a fifth of them and after all."""
    plan, stand = bench.plan, bench.stand
    bench.say(f"churn, {plan.churned:,} connections")
    with whole_hub(stand) as hub:
        memory, done = {}, 0
        until = time.monotonic() + plan.churn_limit
        while done < plan.churned and time.monotonic() < until:
            done += hub.connect(50, plan.connect_seconds)["measured"]
            if not memory and done >= plan.churned / 5:
                memory["early"], early = resident_kib(hub.processes), done
        memory["late"] = resident_kib(hub.processes)
    if "early" not in memory:
        return [], [f"Churn: only {done:,} connections were made in {plan.churn_limit:g} s."]
    row = Row(
        f"the hub after {done:,} connections, to the same after {early:,}", "MiB", 1,
        {"hub": [memory["late"] / 1024], "floor": [memory["early"] / 1024]}, goal=1.05)
    return [row], []
