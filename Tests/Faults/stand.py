"""What the faults happen to: a Postgres of its own and three hubs on it, each with a port, and how they are started, hit
and brought back. Nothing is left running: `Stand.close` ends all of it, and the kernel would (PR_SET_PDEATHSIG)."""

import concurrent.futures
import contextlib
import ctypes
import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

LIBC = ctypes.CDLL(None)
# The kernel ends a child when the thread that started it ends: this one lasts as long as we do.
STARTER = concurrent.futures.ThreadPoolExecutor(1)


class Fault(Exception):
    """The suite itself cannot go on."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command, **options):
    """A process that does not outlive us, whatever becomes of us."""
    ending = lambda: LIBC.prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
    return STARTER.submit(lambda: subprocess.Popen(command, preexec_fn=ending, **options)).result()


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


def programs():
    """Where initdb, postgres and pg_ctl are."""
    found = shutil.which("postgres")
    if found:
        return pathlib.Path(found).resolve().parent
    versions = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"), key=lambda path: int(path.split("/")[4]))
    if not versions:
        raise Fault("there is no PostgreSQL server on this machine")
    return pathlib.Path(versions[-1]).parent


class Postgres:
    """A cluster in the stand's folder, run by an unprivileged user."""

    def __init__(self, folder, is_lasting):
        self.programs = programs()
        self.lock = threading.Lock()
        self.folder = folder / "postgres"
        self.folder.mkdir()
        self.port = free_port()
        self.user = None
        if os.getuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.user = next((name for name in ("postgres", "nobody") if name in names), None)
            shutil.chown(self.folder, self.user)
        self.cluster = self.folder / "cluster"
        self._run("initdb", "-D", self.cluster, "-U", "hub", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self.version = int((self.cluster / "PG_VERSION").read_text())
        settings = {
            "listen_addresses": "'127.0.0.1'", "port": self.port, "unix_socket_directories": f"'{self.folder}'",
            "max_connections": 300, "logging_collector": "off",
            # A crash here is one of the server, not of the machine: the kernel keeps what was written.
            "fsync": "on" if is_lasting else "off",
        }
        if self.version >= 17:
            settings["max_notify_queue_pages"] = 64
        with open(self.cluster / "postgresql.conf", "a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self.start()
        self.sql("CREATE DATABASE hub", database="postgres")

    def _run(self, program, *arguments, patience=60):
        done = subprocess.run(
            [self.programs / program, *map(str, arguments)], user=self.user, extra_groups=[] if self.user else None,
            cwd=self.folder, capture_output=True, text=True, timeout=patience, check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        if done.returncode != 0:
            raise Fault(f"{program} failed: {done.stderr}{done.stdout}")

    def start(self):
        self._run("pg_ctl", "-D", self.cluster, "-l", self.folder / "server.log", "-w", "start")

    def stop(self, mode):
        self._run("pg_ctl", "-D", self.cluster, "-m", mode, "-w", "stop")

    @property
    def pid(self):
        return int((self.cluster / "postmaster.pid").read_text().split()[0])

    def connection(self, database="hub"):
        """How a program beside the hubs connects: through the Unix socket, behind no proxy."""
        return f"host={self.folder} port={self.port} dbname={database} user=hub"

    def command(self, database="hub"):
        return [self.programs / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.connection(database)]

    def sql(self, text, database="hub", patience=20):
        """Runs it in a session of its own."""
        done = subprocess.run(
            self.command(database), input=text, capture_output=True, text=True, timeout=patience, check=False)
        if done.returncode != 0:
            raise Fault(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def signal_all(self, number):
        for member in family(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(member, number)

    def close(self):
        with contextlib.suppress(OSError, ValueError):
            self.signal_all(signal.SIGCONT)
        with contextlib.suppress(Fault, subprocess.TimeoutExpired):
            self.stop("immediate")


class Node:
    """One hub process and its port; a new process takes the place of one that was ended."""

    def __init__(self, number, program, folder, database):
        self.number, self.program, self.folder, self.database = number, program, folder, database
        self.lock = threading.Lock()
        self.port = free_port()
        self.starts = 0
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self, patience=90):
        """Starts it and waits until it is ready, again when it gave up for want of a database."""
        end = time.monotonic() + patience
        while True:
            self.starts += 1
            output = self.folder / f"node{self.number}.{self.starts}"
            with open(output, "wb") as out, open(f"{output}.log", "wb") as log:
                self.process = start(
                    [self.program, "serve", "--listen", f"127.0.0.1:{self.port}", "--database", self.database,
                     "--data", self.folder / "data", "--log-level", "info"],
                    stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                    env={name: value for name, value in os.environ.items()
                         if not name.startswith("HUB_") and name != "DATABASE_URL"})
            while self.process.poll() is None:
                if b"hub: ready\n" in output.read_bytes():
                    return
                if time.monotonic() > end:
                    break
                time.sleep(0.02)
            if time.monotonic() > end:
                log = pathlib.Path(f"{output}.log").read_text()[-2000:]
                raise Fault(f"node {self.number} does not start:\n{log}")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def drain(self, patience):
        """Ends it in peace; answers its status, or None when it did not end."""
        self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    @property
    def has_ended(self):
        return self.process is not None and self.process.poll() is not None

    def close(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()


class Stand:
    def __init__(self, program, is_lasting):
        self.program = pathlib.Path(program).resolve()
        if not os.access(self.program, os.X_OK):
            raise Fault(f"there is no hub at {program}")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hub-faults."))
        self.folder.chmod(0o755)
        self.closing = []
        try:
            self.postgres = self.own(Postgres(self.folder, is_lasting))
        except BaseException:
            self.close(keep=False)
            raise

    def own(self, thing):
        self.closing.append(thing)
        return thing

    def close(self, keep):
        for thing in reversed(self.closing):
            thing.close()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
