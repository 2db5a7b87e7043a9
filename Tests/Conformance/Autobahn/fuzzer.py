"""Runs `wstest` as the fuzzing client on chunks of cases, two at a time, and collects what it reports of each case."""
import json
import os
import queue
import subprocess
import threading
from dataclasses import dataclass

import cases

SIDE_BY_SIDE = 2


@dataclass
class Outcome:
    """What the suite says of one case."""
    behavior: str
    closing: str
    reason: str = ""
    milliseconds: int = 0

    def is_as_wanted(self, name):
        """OK in behaviour and in closing; the three cases with an open outcome are only told about."""
        wanted = "INFORMATIONAL" if name in cases.INFORMATIONAL else "OK"
        return self.behavior == wanted and self.closing == wanted


class Fuzzer:
    """One pass over a list of cases against one server."""

    def __init__(self, wstest, server, folder):
        self.wstest = wstest
        self.server = server
        self.folder = folder
        self.outcomes = {}
        self.lock = threading.Lock()
        self.chunk_count = 0

    def run(self, names):
        """Runs the cases; answers the outcome of each of them."""
        waiting = queue.Queue()
        for chunk in cases.chunks(names):
            waiting.put(chunk)
        threads = [threading.Thread(target=self.work, args=(waiting,)) for _ in range(SIDE_BY_SIDE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.outcomes

    def work(self, waiting):
        while True:
            try:
                chunk = waiting.get_nowait()
            except queue.Empty:
                return
            found = self.run_chunk(chunk)
            if len(chunk) > 1:
                # One case that hangs takes the report of its chunk along, so each of them is run once more alone.
                for name in chunk:
                    if name not in found:
                        found.update(self.run_chunk([name]))
            for name in chunk:
                found.setdefault(name, Outcome("NO REPORT", "NO REPORT", self.reason_for_no_report(name)))
            with self.lock:
                self.outcomes.update(found)

    def reason_for_no_report(self, name):
        if not self.server.runs():
            return "the server has ended"
        return f"wstest did not end within {cases.limit([name]):.0f} s or failed"

    def run_chunk(self, chunk):
        """Runs one `wstest`; answers what it reported, which is nothing when it was ended at its time limit."""
        if not self.server.runs():
            return {}
        with self.lock:
            self.chunk_count += 1
            folder = os.path.join(self.folder, f"chunk-{self.chunk_count}")
        os.makedirs(folder)
        specification = os.path.join(folder, "specification.json")
        with open(specification, "w", encoding="utf-8") as file:
            json.dump({"servers": [{"agent": "hub", "url": self.server.url}], "outdir": folder, "cases": chunk,
                       "exclude-cases": [], "exclude-agent-cases": {}}, file)
        with open(os.path.join(folder, "wstest.log"), "wb") as log:
            try:
                subprocess.run([self.wstest, "-m", "fuzzingclient", "-s", specification], cwd=folder, check=False,
                               stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=cases.limit(chunk))
            except subprocess.TimeoutExpired:
                return {}
        return read_report(folder)


def read_report(folder):
    """The outcomes in the report that `wstest` wrote into a folder."""
    try:
        with open(os.path.join(folder, "index.json"), encoding="utf-8") as file:
            index = json.load(file)
    except FileNotFoundError:
        return {}
    found = {}
    for name, entry in index.get("hub", {}).items():
        found[name] = outcome = Outcome(entry["behavior"], entry["behaviorClose"], milliseconds=entry["duration"])
        if not outcome.is_as_wanted(name):
            outcome.reason = reason(os.path.join(folder, entry["reportfile"]))
    return found


def reason(path):
    """What the report of one case says of its behaviour and of its closing."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            report = json.load(file)
    except (FileNotFoundError, ValueError):
        return ""
    return f"{report['result']} {report['resultClose']} (close code {report['remoteCloseCode']})"
