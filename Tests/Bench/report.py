"""The table, and the page docs/reference/performance.md around it."""

import os
import pathlib
import platform
import time

HEADINGS = "ratio", "from – to", "hub", "floor", "unit", "what"


def cells(row):
    ratios = row.ratios
    return (
        f"{row.median(ratios):.2f}", f"{min(ratios):.2f} – {max(ratios):.2f}", f"{row.median(row.hub):.{row.digits}f}",
        f"{row.median(row.floor):.{row.digits}f}", row.unit, row.name)


def table(rows):
    """For a terminal."""
    lines = [HEADINGS, *map(cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column > 3 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths))).rstrip() for line in lines)


def markdown(rows):
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---:|:---:|---:|---:|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(cells(row)) + " |" for row in rows])


def file_system(folder):
    """The type of the file system that a folder is on: what a COMMIT waits for."""
    mounts = [line.split()[1:3] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    path = str(pathlib.Path(folder).resolve())
    fitting = [(len(place), kind) for place, kind in mounts if place == "/" or f"{path}/".startswith(f"{place}/")]
    return max(fitting, default=(0, "unknown"))[1]


def machine(postgres, disk):
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    model = next(
        (line.partition(":")[2].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.machine())
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB; Linux {platform.release()}; {postgres} on {disk}; "
        f"{time.strftime('%Y-%m-%d', time.gmtime())}")


def remarks(notes, busy):
    """What the table has no floor for."""
    lines = [
        f"While idle the hub used {notes['idle_cpu']:.1f} % of a core for {notes['idle_sockets']:,} sockets "
        f"(heartbeats, the look at every connection each second, the re-scan of heads); opening one, signed in and "
        f"subscribed, took {notes['opened']:.0f} µs.",
        f"The orders: {notes['rate']:.0f} a second placed and confirmed of {notes['asked']} asked; a client waited "
        f"p50 {notes['place'][0]:.1f} ms, p99 {notes['place'][1]:.1f} ms for placing, p50 {notes['confirm'][0]:.1f} ms, "
        f"p99 {notes['confirm'][1]:.1f} ms for confirming. CPU an order (both commands and the kitchen's "
        f"{notes['kitchen_sockets']} deliveries): hub {notes['hub_cpu']:.2f} ms, Postgres {notes['postgres_cpu']:.2f} ms. "
        f"A ticket's event has {notes['event_bytes']:.0f} bytes.",
    ]
    if notes["rate"] < 0.95 * notes["asked"]:
        lines.append("The machine did not reach the rate asked for: latencies above are those of an overloaded machine.")
    if busy > 0.3:
        lines.append(
            f"Something else kept {busy:.1f} cores busy just before the start: read ratios, and those with doubt.")
    return lines


PAGE = """\
# Performance

Made by `make bench`; do not edit it by hand, run it again. Figures of one machine say little about another: the **ratio**,
hub to floor, is what to compare, and it was measured turn by turn in one run.

Machine: {machine}.

{table}

{remarks}

## How to read it

- *ratio* is the median over {rounds} rounds of hub ÷ floor in the same round, *from – to* the smallest and the largest;
  *hub* and *floor* are medians for themselves. 1.00 would be the least that a server can do.
- **The floor** of memory and CPU is `Tests/Bench/wsfloor.c`: one thread of C that frames and sends, and has no users, no
  rights, no UTF-8 check, no limits, no heartbeat, no log and no database. It is a yardstick, not a server.
- **The floor of latency** is `Tests/Bench/pgfeed.c`: a program that does nothing but LISTEN through libpq, while others
  insert rows of the same size with `pg_notify` in the same Postgres at the rate of the orders.

## How it is measured

- **Memory**: resident memory of the process with {idle_sockets:,} sockets less that before them, divided by their number,
  in a fresh process each round that has seen 20 sockets come and go, {idle_seconds:g} s after the last has opened.
  Each is a WebSocket that has signed in and subscribed to a kitchen. Memory of the kernel's sockets is not in it.
- **CPU** is that of the server process alone, all threads, by the scheduler's nanoseconds (`/proc/PID/task/*/schedstat`),
  kernel time of its system calls included, divided by the messages answered or delivered in the same time. The server
  has one core and one reactor, load and Postgres have the other core{pinning}. A message and its answer: the
  hub reads `{{"type":"ping","id":…}}`, 32 bytes of JSON, and answers `pong` with the time, 64 bytes; the floor sends the
  32 bytes back. Deliveries: `hub.publish` in a session of psql's kind (50 commits a second of one event, 10 of sixteen
  events), so the hub's figure has the notification, the log and the framing in it; the floor is handed the event ready
  by a WebSocket. Every answer is compared and every delivery counted; a lost one fails the run.
- **Latency**: {orders_a_second} orders a second are placed and confirmed over HTTP by {tills} connections, each command
  with an idempotency key; {kitchen_sockets} kitchen sockets listen; hub, Postgres and load share the machine as they
  come, with a reactor a core. Measured is, for every ticket event at every socket, the wall clock when the client's
  `recv` has returned less the event's `at`, which Postgres reads in the confirming transaction after it has locked the
  channels and before it writes the events. So the writing of events, the COMMIT with its flush to disk, the way to the
  hub, the fan-out, the socket and the client's queue before it are in it; the rest of the command, before `at`, is not.
  The bare listener: the wall clock when libpq hands the notification over less `clock_timestamp()` in the INSERT; the
  row's writing, the notification, the COMMIT with its flush and the way to the client are in it. It is measured with
  nothing else to do, and once more at 20 rows a second while the orders run: the first shows what the work costs, the
  second what of it is the hub's own and what the loaded machine's.
- Noise: medians of {rounds} rounds; on a machine that does other things expect ±20 %.
"""


def page(rows, lines, plan, where, pinned):
    return PAGE.format(
        machine=where, table=markdown(rows), remarks="\n\n".join(lines), rounds=plan.rounds,
        idle_sockets=plan.idle_sockets, idle_seconds=plan.idle_seconds, orders_a_second=plan.orders_a_second,
        tills=plan.tills, kitchen_sockets=plan.kitchen_sockets,
        pinning="" if pinned else " (this machine has but one: all share it)")
