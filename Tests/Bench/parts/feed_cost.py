"""What publishing costs the writer, beside the plain INSERT of the same row.

Every transaction is one round trip (its statements are sent together) and one commit that waits for the disk. The plain
INSERT is into a table with one index in the same database. Every writer publishes to channels of its own.
"""

from figures import Part, Row, taken, turns
from servers import Hub

GOAL = 1.5
ROW = 400
PLAIN = "plain"
SIDES = {
    PLAIN: ("plain",),
    "row and pg_notify": ("notified",),
    "row and 1 channel, hub's own path": ("flushed",),
    "row and 4 channels, hub's own path": ("flushed", "--spread", 4),
    "row and 1 channel, foreign program": ("published",),
    "row and 4 channels, foreign program": ("published", "--spread", 4),
    "1 channel and no other row, hub's own path": ("logged",),
    "1 channel and no other row, foreign program": ("publish",),
}
AIMED = [name for name in SIDES if "channel" in name]


def measure(bench):
    plan, rows = bench.plan, []
    with Hub(bench.stand) as hub:
        for writers in plan.cost_writers:
            bench.say(f"feed, what publishing costs, {writers} writers")
            results = turns(plan.cost_rounds, {
                name: lambda mode=mode: transactions(bench, hub, writers, *mode) for name, mode in SIDES.items()})
            rows += table(writers, results)
    return Part(
        "Feed: what publishing costs the writer", rows,
        ["“Hub” is the transaction that the row names, “plain” the INSERT alone, in the same round. Time is what a writer "
         "takes for a transaction, the commit's wait for the disk included (writers ÷ transactions a second); CPU is that "
         "of the writers' sessions in Postgres a transaction."],
        base=PLAIN)


def transactions(bench, hub, writers, mode, *options):
    return bench.stand.measure(
        ["pgfeed", "--dsn", hub.database(), "-w", writers, "-m", mode, "-l", "none", "--channel", "account:", "--own",
         "-s", ROW, "-d", bench.plan.cost_seconds, "--json", *options])


def table(writers, results):
    who = "1 writer" if writers == 1 else f"{writers} writers"
    time = taken(results, lambda result: writers / result["tx_s"] * 1e3)
    cpu = taken(results, lambda result: result["cpu_us"])
    rows = []
    for name in SIDES:
        if name == PLAIN:
            continue
        rows.append(Row(f"time, {who}: {name}", "ms", 2, {"hub": time[name], PLAIN: time[PLAIN]},
                        goal=GOAL if name in AIMED else None))
    for name in SIDES:
        if name != PLAIN:
            rows.append(Row(f"CPU, {who}: {name}", "µs", 0, {"hub": cpu[name], PLAIN: cpu[PLAIN]},
                            goal=GOAL if name in AIMED else None))
    return rows
