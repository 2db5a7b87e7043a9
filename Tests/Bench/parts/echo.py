"""A message and its answer: CPU of the server, for every number of sockets, number in flight and size."""

import contextlib
import functools
import itertools

import peers
from figures import Part, Row, taken, turns
from servers import Echo, Floor

GOAL = 1.15
LARGE = 100 << 20  # bytes under way at once past which a round takes its time


def measure(bench):
    plan = bench.plan
    rows = []
    with contextlib.ExitStack() as stack:
        own = [stack.enter_context(start(bench.stand)) for start in (Echo, Floor)]
        others = peers.started(bench.peers, bench.stand, stack, bench.say, lambda server: server.has_echo)
        for size, count, inflight in itertools.product(plan.echo_sizes, plan.echo_sockets, (1, 10)):
            what = f"{volume(size)}, {count:,} {'socket' if count == 1 else 'sockets'}, {inflight} in flight"
            bench.say(f"echo, {what}")
            everybody = plan.peers_everywhere or (size, count, inflight) == (32, 100, 10)
            seconds = plan.echo_seconds * (3 if size * count * inflight > LARGE else 1)
            results = turns(plan.rounds, {
                server.name: functools.partial(server.echo, count, inflight, size, seconds)
                for server in own + (others if everybody else [])})
            rows.append(Row(
                what, "µs", 2, taken(results, lambda result: result["srv_us_per_msg"]), goal=GOAL, beats_peers=True))
    return Part("Echo: CPU a message and its answer", rows)


def volume(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"
