"""Small HTTP requests on connections that stay: GET /health by wrk, to nginx answering with the same bytes."""

import re
import urllib.request

from figures import Part, Row, taken, turns
from peers import FixedAnswer, nginx
from servers import Hub
from stand import Fault, cpu_seconds

SOCKETS = 32


def measure(bench):
    plan, stand = bench.plan, bench.stand
    if not nginx():
        return Part("HTTP with keep-alive", [], ["Left out: Debian's nginx is not installed."], "nginx")
    bench.say("requests with keep-alive")
    with Hub(stand, reactors=1, pinned=True) as hub:
        with urllib.request.urlopen(f"http://127.0.0.1:{hub.port}/health", timeout=10) as answer:
            body = answer.read().decode()
        with FixedAnswer(stand, body) as fixed:
            results = turns(plan.rounds, {
                server.name: lambda server=server: requests(stand, server, plan.request_seconds)
                for server in (hub, fixed)})
    rows = [
        Row("requests a second", "", 0, taken(results, lambda result: result[0]), goal=1, more_is_better=True),
        Row("CPU a request", "µs", 2, taken(results, lambda result: result[1]), goal=1),
    ]
    return Part(
        "HTTP with keep-alive", rows,
        [f"GET /health, {SOCKETS} connections; nginx answers with the same {len(body)} bytes."], "nginx")


def requests(stand, server, seconds):
    before = cpu_seconds(server.processes)
    text = stand.run(
        ["wrk", "-t", 1, "-c", SOCKETS, "-d", f"{max(1, round(seconds))}s", f"http://127.0.0.1:{server.port}/health"],
        stand.load_core)
    used = cpu_seconds(server.processes) - before
    number = re.search(r"(\d+) requests in ", text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not number or not rate or "Non-2xx" in text or "Socket errors" in text:
        raise Fault(f"wrk at {server.name}: {text}")
    return float(rate[1]), used / int(number[1]) * 1e6
