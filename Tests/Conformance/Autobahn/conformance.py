"""The Autobahn test suite against `hub echo`: prepares it, runs the passes asked for and ends with the counts.

  conformance.py quick|whole [--transport ws|wss]… [--cases 1.1.1,12.*]… [--hub PROGRAM] [--url URL] [--cache FOLDER]

Every case has to be OK in behaviour and in closing, but for the three whose outcome RFC 6455 leaves open; else it fails.
"""
import argparse
import fcntl
import fnmatch
import os
import shutil
import signal
import sys
import time

import cases
import environment
import fuzzer
import report
import server

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
REPORTS = os.path.join(PROJECT, ".build", "conformance")
# Each transport with another use of compression, so that both are seen without a pass more.
COMPRESSION = {"ws": "takeover", "wss": "shared"}


def arguments():
    parser = argparse.ArgumentParser(prog="Tests/Conformance/run", description=__doc__.splitlines()[0])
    parser.add_argument("extent", choices=["quick", "whole"], help="301 cases and a slice of compression, or all 517")
    parser.add_argument("--transport", action="append", choices=["ws", "wss"], help="both, when not said")
    parser.add_argument("--cases", help="only these of them: names or patterns, separated by commas")
    parser.add_argument("--hub", help="the program (the debug build for quick, the release build for whole)")
    parser.add_argument("--url", help="test the server there instead of a hub")
    parser.add_argument("--cache", default=os.path.join(PROJECT, ".build", "autobahn"), help="where Python 2.7's things are")
    return parser.parse_args()


def main():
    asked = arguments()
    # Ended from outside, it still ends its hub, without which every `wstest` ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = cases.whole() if asked.extent == "whole" else cases.quick()
    if asked.cases:
        patterns = asked.cases.split(",")
        names = [name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
        if not names:
            sys.exit(f"conformance: no case is called {asked.cases}")
    transports = ["other"] if asked.url else asked.transport or ["ws", "wss"]
    passed, failed, skipped = 0, 0, 0
    interpreter = environment.python27()
    if interpreter is None:
        skipped = len(names) * len(transports)
        print("conformance: SKIPPED: the Autobahn test suite runs on Python 2.7 only, and none was found on the PATH or in"
              " pyenv.\nconformance: `pyenv install 2.7.18` provides it; our own table of the same cases runs without it.")
    else:
        lock = only_run()
        try:
            wstest = environment.wstest(interpreter, asked.cache)
            for transport in transports:
                good, bad = one_pass(asked, transport, names, wstest)
                passed += good
                failed += bad
        except (environment.CannotPrepare, server.DidNotStart) as error:
            print(f"conformance: {error}")
            failed += 1
        lock.close()
    print(f"conformance: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def only_run():
    """Waits until no other run writes to the same folders; the lock holds until it is closed."""
    os.makedirs(REPORTS, exist_ok=True)
    lock = open(os.path.join(REPORTS, "lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("conformance: another run is under way; waiting for its end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def one_pass(asked, transport, names, wstest):
    """Runs the cases over one transport; answers how many passed and failed."""
    started = time.monotonic()
    folder = os.path.join(REPORTS, transport)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    if asked.url:
        tested, said = server.OtherServer(asked.url), asked.url
    else:
        build = "debug" if asked.extent == "quick" else "release"
        program = asked.hub or os.path.join(PROJECT, ".build", build, "hub")
        tested = server.EchoHub(program, folder, transport == "wss", COMPRESSION[transport])
        said = f"{transport}, compression {COMPRESSION[transport]}"
    try:
        outcomes = fuzzer.Fuzzer(wstest, tested, folder).run(names)
    finally:
        status = tested.stop()
    passed, failed = report.print_table(f"Autobahn, {said}: {len(names)} cases", outcomes)
    if status != 0:
        print(f"  the server ended with status {status}:\n{tested.log()}")
        failed += 1
    print(f"  {passed} as wanted, {failed} not, {time.monotonic() - started:.0f} s; reports in {folder}", flush=True)
    return passed, failed


if __name__ == "__main__":
    sys.exit(main())
