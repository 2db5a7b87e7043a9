"""The whole path: insert, log, and an event of 512 bytes on every socket, as many a second as are sustained.

Beside it a hub of FastAPI and asyncpg, which is handed plain pg_notify: no row, no log. Both have one core for themselves,
their Postgres and the load have the other. A rate is sustained when everything came and 99 of 100 deliveries took less
than a quarter of a second from before the transaction was sent.
"""

import peers
from figures import Part, Row, turns
from servers import EVENT_BYTES, PADDING, WARM, Hub
from stand import Fault

GOAL = 6
LATEST = 250_000  # µs
WRITERS = 4
GUESS = 60_000  # deliveries a second of a Python server, to begin with
PEER = "FastAPI"


def measure(bench):
    plan, rows = bench.plan, []
    with Hub(bench.stand, reactors=1, pinned=True) as hub:
        hub.make_floor()
        for count in plan.whole_sockets:
            bench.say(f"feed, the whole path, {count:,} sockets")
            rounds = turns(plan.whole_rounds, {
                PEER: lambda: sustained(plan.whole_tries, lambda rate: of_peer(bench, hub, count, rate), GUESS / count)
                if "fastapi" in bench.peers else None,
            } | {
                batch: lambda batch=batch: sustained(
                    plan.whole_tries, lambda rate: of_hub(bench, hub, count, batch, rate), None)
                for batch in plan.whole_batches})
            peer = [figure for figure in rounds[PEER] if figure]
            rows += [Row(f"events a second on each of {count:,} sockets; hub's transactions of {batch}", "", 0,
                         {"hub": rounds[batch], PEER: peer}, goal=GOAL if peer else None, more_is_better=True)
                     for batch in plan.whole_batches]
    return Part("Feed: the whole path, sustained", rows, [
        f"{WRITERS} writers, one channel, events of {EVENT_BYTES} bytes. The hub's events are rows of its log, published by "
        "`hub.publish` with NOTIFY in the transaction, one or several in each; FastAPI's (uvloop, asyncpg) are "
        "`pg_notify` alone, one in each, where the Python server is the bound."], base=PEER)


def sustained(tries, attempt, rate):
    """The greatest rate found that is sustained: downwards until one is, then upwards until one is not. None for a rate is
    as many as the writers can."""
    best = 0
    while tries > 0 or not best:
        tries -= 1
        result = attempt(rate)
        if result["holds"]:
            best = max(best, result["events"])
            if rate is None:
                break
            rate *= 1.2
        elif best:
            break
        else:
            rate = result["transactions"] * min(0.85, max(0.4, result["share"]))
            if rate < 1:
                raise Fault("the whole path: not even one event a second is sustained")
    return best


def of_hub(bench, hub, count, batch, rate):
    load = hub.opened(count, *hub.subscribing, *window(bench))
    return judged(bench, load, count, write(bench, hub.database(), "publish", PADDING, batch, rate, hub.kitchen))


def of_peer(bench, hub, count, rate):
    with peers.Listening(bench.stand, hub.socket_folder, "floor") as server:
        load = server.opened(count, "--path", "/hub", *window(bench))
        return judged(bench, load, count, write(bench, hub.database("floor"), "notify", EVENT_BYTES, 1, rate, "-"))


def window(bench):
    return "-d", bench.plan.whole_seconds, "-w", WARM, "--settle", 1


def write(bench, database, mode, size, batch, rate, channel):
    return bench.stand.measure(
        ["pgfeed", "--dsn", database, "-w", WRITERS, "-m", mode, "--channel", channel, "-l", "none", "-s", size,
         "-b", batch, "-r", rate or 0, "-d", bench.plan.whole_seconds + WARM + 0.3, "--json"], bench.stand.load_core)


def judged(bench, load, count, written):
    result = bench.stand.result(load)
    events = result["rate"] / count
    return {
        "events": events, "transactions": written["tx_s"], "share": events / written["msgs_s"],
        "holds": result["received"] == written["n"] * count and result["p99_us"] < LATEST}
