"""The test stand: processes started, pinned to cores, measured from outside and stopped.

Whatever happens nothing is left behind: every process started here is ended by `Stand.close`, and should this
process itself be killed, the kernel ends its children (PR_SET_PDEATHSIG), a hub by SIGTERM so that it stops its Postgres.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
PROGRAMS = FOLDER / "bin"
LIBC = ctypes.CDLL(None)


class Fault(Exception):
    """A measurement that cannot be trusted, or a process that did not do its part."""


def cores():
    """The core of the server and the cores of the load: apart when there are two."""
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[0]}, {usable[1]}) if len(usable) > 1 else ({usable[0]}, {usable[0]})


def pin(process, where):
    """Puts every thread of a process on these cores; what it starts later follows the thread that starts it."""
    with contextlib.suppress(FileNotFoundError):  # it has ended
        for thread in os.listdir(f"/proc/{process}/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread), where)


def family(process):
    """The process and all that descend from it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(name)] = int(pathlib.Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
    members = [process]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def cpu_seconds(processes):
    """CPU time that these processes have used, all threads, from the scheduler's own nanoseconds."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{process}/task"):
                with contextlib.suppress(OSError):
                    total += int(pathlib.Path(f"/proc/{process}/task/{thread}/schedstat").read_text().split()[0])
    return total / 1e9


def resident_kib(processes):
    """Resident memory of these processes."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return total


def descriptors():
    """How many files a process of this user may open; from now on this process and what it starts may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def busy_cores(seconds=1.0):
    """How many cores are busy with anything at all, over a while."""

    def busy():
        fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")

    before = busy()
    time.sleep(seconds)
    return (busy() - before) / seconds


class Stand:
    """Everything that runs during a measurement, in a folder of its own."""

    def __init__(self, hub):
        self.program = pathlib.Path(hub).resolve()
        if not os.access(self.program, os.X_OK):
            raise Fault(f"there is no hub at {hub}; build it with `swift build -c release`")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hub-bench."))
        self.folder.chmod(0o755)  # the private Postgres of a hub run by root is another user's
        self.running = []
        self.server_core, self.load_core = cores()
        self.descriptors = descriptors()
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("HUB_") and name != "DATABASE_URL"
        }
        self.environment["LC_ALL"] = "C"

    def close(self):
        for process in reversed(self.running):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, output, where=None, ending=signal.SIGKILL):
        def prepare():
            LIBC.prctl(1, int(ending), 0, 0, 0)  # PR_SET_PDEATHSIG
            if where:
                os.sched_setaffinity(0, where)

        with open(output, "wb") as out, open(f"{output}.log", "wb") as log:
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=self.folder,
                env=self.environment, preexec_fn=prepare)
        process.ending = ending
        self.running.append(process)
        return process

    def stop(self, process):
        """Ends a process and whatever it leaves behind."""
        if process.poll() is None:
            members = family(process.pid)
            process.send_signal(process.ending)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                for member in members:
                    with contextlib.suppress(OSError):
                        os.kill(member, signal.SIGKILL)
                process.wait()
        if process in self.running:
            self.running.remove(process)

    def load(self, command, where=None):
        """Starts a load program that ends by itself and prints one line of JSON; `result` waits for it."""
        name = f"{pathlib.Path(command[0]).name}.{len(os.listdir(self.folder))}"
        process = self.start([PROGRAMS / command[0], *command[1:]], self.folder / name, where)
        process.output = self.folder / name
        process.command = command
        return process

    def result(self, process, patience=120):
        try:
            status = process.wait(patience)
        except subprocess.TimeoutExpired:
            self.stop(process)
            raise Fault(f"{process.command[0]} did not end in {patience} s") from None
        self.running.remove(process)
        text = process.output.read_text()
        if status != 0:
            why = pathlib.Path(f"{process.output}.log").read_text()
            raise Fault(f"{' '.join(str(part) for part in process.command[:2])} failed ({status}): {text}{why}")
        return json.loads(text.splitlines()[-1])

    def run(self, command, where=None, patience=30):
        """Runs a command that ends by itself; what it printed."""
        try:
            done = subprocess.run(
                [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=patience, env=self.environment, check=False,
                preexec_fn=(lambda: os.sched_setaffinity(0, where)) if where else None)
        except subprocess.TimeoutExpired:
            raise Fault(f"{command[0]} did not end in {patience} s") from None
        if done.returncode != 0:
            raise Fault(f"{command[0]} failed ({done.returncode}): {done.stderr}")
        return done.stdout.strip()

    def measure(self, command, where=None, patience=120):
        return self.result(self.load(command, where), patience)


def free_port():
    """A port that is free and below those that the kernel gives to clients, so that it stays free until it is taken."""
    first = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10_000, first if first > 11_000 else 60_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise Fault("there is no free port")


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def await_condition(condition, patience, complaint):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise Fault(complaint)
        time.sleep(0.005)
