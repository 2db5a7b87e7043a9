"""What is measured: a server that was started and pinned, and how the load programs talk to it.

`Floor` is the C program that does the least, `Echo` the hub's sessions alone (`hub echo`), `Hub` a whole hub with its
private Postgres and the demo restaurant. Servers of other people are in peers.py. `with` ends any of them.
"""

import pathlib
import signal
import urllib.parse
import urllib.request

from stand import PROGRAMS, Fault, answers, await_condition, family, free_port, pin

RESTAURANT = "01900000-0000-7000-8000-000000000001"  # what `hub serve --demo` makes
KITCHEN = f"/ws/kitchen/{RESTAURANT}?snapshot=false"
HEARTBEAT = '{"type":"heartbeat"'
EVENT = '{"t":"%T","pad":"%F"}'
EVENT_BYTES = 512
PADDING = 317  # what of a hub's event of 512 bytes is the publisher's
WARM = 0.3


def expect(due, came, what):
    """No figure of a run that lost something."""
    if due != came:
        raise Fault(f"{what}: {due} deliveries were due and {came} came")


class Server:
    """A server with /echo and, where it has one, /hub, which sends what one says to all that said "sub"."""

    has_echo = True
    subscribing = "--path", "/hub", "--sub", "sub"
    publishing = ()

    def __init__(self, stand, name, command, port, ending=signal.SIGKILL, patience=20):
        self.stand, self.name, self.port = stand, name, port
        self.output = stand.folder / f"{name}.{port}"
        self.process = stand.start(command, self.output, stand.server_core, ending)
        try:
            await_condition(lambda: self.ended or answers(port), patience, f"{name} does not listen")
            if self.ended:
                raise Fault(f"{name} did not start: {self.log()}")
        except Fault:
            stand.stop(self.process)
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stand.stop(self.process)

    @property
    def pid(self):
        return self.process.pid

    @property
    def ended(self):
        return self.process.poll() is not None

    @property
    def processes(self):
        """Those whose CPU and memory count."""
        return family(self.pid)

    def log(self):
        return pathlib.Path(f"{self.output}.log").read_text()

    def load(self, mode, count, *options):
        """The command of a load program against this server."""
        pids = ",".join(map(str, self.processes))
        return [
            "wsload", mode, "-p", self.port, "-c", count, "--pid", pids, "--alone", "--json",
            "--cpu", min(self.stand.load_core), *options]

    def echo(self, count, inflight, size, seconds):
        return self.stand.measure(self.load(
            "echo", count, "--path", "/echo", "-s", size, "-P", inflight, "-d", seconds, "-w", 0.15))

    def connect(self, inflight, seconds):
        return self.stand.measure(self.load("connect", inflight, "--path", "/echo", "-d", seconds, "-w", 0.2))

    def opened(self, count, *options):
        """A load program whose subscribers have their answers and now wait for events."""
        ready = self.stand.folder / "ready"
        ready.unlink(missing_ok=True)
        marking = () if "--deflate" in options else ("--count-marker",)
        load = self.stand.load(self.load("fanout", count, *marking, *options, "--ready-file", ready))
        await_condition(lambda: ready.exists() or load.poll() is not None, 300, "the sockets do not open")
        return load

    def idle(self, count, seconds):
        return self.stand.measure(self.load("idle", count, *self.subscribing, "--hold", seconds), patience=300)

    def fan_out(self, count, burst, rate, seconds):
        """Events to many sockets, `burst` of them together, `rate` times a second."""
        return self.stand.measure(self.load(
            "fanout", count, *self.subscribing, *self.publishing, "--pub", EVENT, "--pub-size", EVENT_BYTES,
            "--pub-rate", rate, "--pub-burst", burst, "-d", seconds, "-w", WARM, "--settle", 2, "--count-marker"))


class Floor(Server):
    def __init__(self, stand):
        port = free_port()
        super().__init__(stand, "floor", [PROGRAMS / "wsfloor", port], port)


class Echo(Server):
    """The hub's listener, connections and sessions on one reactor, without sign-in or database."""

    def __init__(self, stand):
        port = free_port()
        super().__init__(
            stand, "hub", [stand.program, "echo", "--listen", f"127.0.0.1:{port}", "--reactors", 1,
                           "--compression", "off", "--log-level", "warning"], port, signal.SIGTERM)


class Hub(Server):
    """A hub with the demo restaurant; its sockets are signed in as kitchen screens of it."""

    def __init__(self, stand, reactors=None, pinned=False):
        self.data = stand.folder / "data"
        port = free_port()
        command = [stand.program, "serve", "--demo", "--data", self.data, "--listen", f"127.0.0.1:{port}"]
        command += ["--log-level", "warning"] + (["--reactors", reactors] if reactors else [])
        self.stand, self.name, self.port = stand, "hub", port
        self.output = stand.folder / "hub"
        self.output.unlink(missing_ok=True)
        self.process = stand.start(command, self.output, ending=signal.SIGTERM)

        def ready():
            if self.ended:
                raise Fault(f"the hub did not start: {self.log()}")
            return "hub: ready\n" in self.output.read_text()

        await_condition(ready, 60, "the hub is not ready after a minute")
        lines = next(self.data.rglob("postmaster.pid")).read_text().splitlines()
        self.postmaster, self.socket_folder = int(lines[0]), lines[4]
        if pinned:
            pin(self.pid, stand.server_core)
            for process in family(self.postmaster):
                pin(process, stand.load_core)
        self.bearer = f"Authorization: Bearer {self.token('kitchen')}"

    def neighbour(self, number):
        """Another node on this one's database, with the same secret."""
        return Neighbour(self, number)

    @property
    def processes(self):
        return [self.pid]

    @property
    def subscribing(self):
        return "--path", KITCHEN, "-H", self.bearer, "--skip", 2, "--ignore", HEARTBEAT

    def database(self, name="hub"):
        return f"host='{self.socket_folder}' port=5432 dbname={name} user=hub"

    def make_floor(self):
        """The bare listener's own database in the hub's cluster: the same server and disk, none of the hub's tables. The
        cluster may be that of an earlier part."""
        psql = "psql", "-qXtA", "-v", "ON_ERROR_STOP=1", "-c"
        if not self.stand.run([*psql, "SELECT 1 FROM pg_database WHERE datname = 'floor'", self.database()]).strip():
            self.stand.run([*psql, "CREATE DATABASE floor", self.database()])

    def token(self, role, *options):
        return self.stand.run(
            [self.stand.program, "token", "--role", role, "--restaurant", RESTAURANT, "--data", self.data, *options])

    def connect(self, inflight, seconds):
        return self.stand.measure(self.load(
            "connect", inflight, "--path", KITCHEN, "-H", self.bearer, "-d", seconds, "-w", 0.2))

    def fan_out(self, count, burst, rate, seconds, *options):
        """The events come from hub.publish in a session of Postgres, as another program would publish them."""
        load = self.opened(count, *self.subscribing, "-d", seconds, "-w", WARM, "--settle", 1, *options)
        published = self.publish(self.kitchen, burst, rate, seconds)
        result = self.stand.result(load)
        expect(published["n"] * count, result["received"], "fan-out")
        return result

    def publish(self, channel, burst, rate, seconds, *options):
        return self.stand.measure(
            ["pgfeed", "--dsn", self.database(), "-w", 1, "-m", "publish", "--channel", channel, "-l", "none",
             "-s", PADDING, "-b", burst, "-r", rate, "-d", seconds + WARM + 0.3, "--json", *options],
            self.stand.load_core)

    @property
    def kitchen(self):
        return f"kitchen:{RESTAURANT}"

    def metric(self, name):
        """The value of a counter of the hub's own."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith(f"{name} "):
                    return float(line.split()[1])
        raise Fault(f"the hub has no metric {name}")


class Neighbour(Server):
    """A node beside a hub, on its database, with one reactor; it ends before the hub does."""

    def __init__(self, hub, number):
        port = free_port()
        folder = urllib.parse.quote(hub.socket_folder, safe="")
        super().__init__(
            hub.stand, f"node{number}",
            [hub.stand.program, "serve", "--database", f"postgresql://hub@/hub?host={folder}&port=5432", "--secret-file",
             next(hub.data.rglob("secret")), "--listen", f"127.0.0.1:{port}", "--log-level", "warning",
             "--reactors", 1],
            port, signal.SIGTERM, patience=60)

    @property
    def processes(self):
        return [self.pid]
