"""What the hand does to hubs, database and network: one function a fault, each of which heals what it did before it returns,
whatever happens. Several run at once; what two of them would do to the same process is kept apart by its lock."""

import contextlib
import signal
import subprocess
import time

from stand import Fault, start


class Hand:
    """The stand with what the faults need of it."""

    def __init__(self, stand, nodes, proxies, network, random, longest):
        self.stand, self.nodes, self.proxies, self.network = stand, nodes, proxies, network
        self.postgres = stand.postgres
        self.random = random
        self.longest = longest
        self.complaints = []

    def a_while(self, least=0.5, most=None):
        return self.random.uniform(least, most or self.longest)

    def wait(self, seconds):
        time.sleep(seconds)

    @contextlib.contextmanager
    def a_node(self):
        """One that no other fault has in hand; None when there is none."""
        nodes = self.nodes[:]
        self.random.shuffle(nodes)
        for node in nodes:
            if node.lock.acquire(blocking=False):
                try:
                    yield node
                finally:
                    node.lock.release()
                return
        yield None

    @contextlib.contextmanager
    def the_database(self):
        taken = self.postgres.lock.acquire(blocking=False)
        try:
            yield self.postgres if taken else None
        finally:
            if taken:
                self.postgres.lock.release()


def kill(hand):
    """a hub is killed (-9) and started again"""
    with hand.a_node() as node:
        if not node:
            return False
        node.kill()
        hand.wait(hand.a_while(0, 3))
        node.start()
        return True


def drain(hand):
    """a hub is drained (SIGTERM) and started again"""
    with hand.a_node() as node:
        if not node:
            return False
        status = node.drain(20)
        if status != 0:
            hand.complaints.append(f"node {node.number} ended with status {status} after SIGTERM")
        node.start()
        return True


def freeze(hand):
    """a hub is frozen (SIGSTOP) and goes on"""
    with hand.a_node() as node:
        if not node:
            return False
        node.signal(signal.SIGSTOP)
        try:
            hand.wait(hand.a_while())
        finally:
            node.signal(signal.SIGCONT)
        return True


def listener(hand):
    """the listeners' sessions are terminated"""
    return terminate(hand, "application_name = 'hub listener'")


def sessions(hand):
    """half of the hubs' other sessions are terminated"""
    return terminate(hand, "application_name = 'hub' AND pid % 2 = 0")


def terminate(hand, which):
    with hand.the_database() as postgres:
        if not postgres:
            return False
        postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which} AND pid <> pg_backend_pid()")
        return True


def immediate(hand):
    """Postgres crashes (immediate) and is started again"""
    return restart(hand, "immediate")


def fast(hand):
    """Postgres is stopped (fast) and started again"""
    return restart(hand, "fast")


def restart(hand, mode):
    with hand.the_database() as postgres:
        if not postgres:
            return False
        postgres.stop(mode)
        try:
            hand.wait(hand.a_while(0, 2))
        finally:
            postgres.start()
        return True


def freeze_postgres(hand):
    """Postgres is frozen (SIGSTOP) and goes on"""
    with hand.the_database() as postgres:
        if not postgres:
            return False
        postgres.signal_all(signal.SIGSTOP)
        try:
            hand.wait(hand.a_while())
        finally:
            # What the postmaster could not have started meanwhile is among them too.
            postgres.signal_all(signal.SIGCONT)
        return True


def idle_listener(hand):
    """a listener idles in a transaction, so that the notification queue cannot be emptied"""
    with hand.the_database() as postgres:
        if not postgres:
            return False
        session = start(postgres.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            session.stdin.write("LISTEN hub;\nBEGIN;\nSELECT 'open';\n")
            session.stdin.flush()
            session.stdout.readline()
            if postgres.version >= 17:
                # With 64 pages it fills in a moment; then every commit that notifies is refused until there is room.
                with contextlib.suppress(Fault):
                    postgres.sql("SELECT pg_notify('other', repeat('x', 7000) || n) FROM generate_series(1, 200) AS n")
            hand.wait(hand.a_while())
        finally:
            session.kill()
            session.wait()
        return True


QUEUE_FULL = """
CREATE OR REPLACE FUNCTION hub.notify(heads jsonb, event jsonb DEFAULT NULL, node text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'too many notifications in the NOTIFY queue' USING ERRCODE = 'program_limit_exceeded';
END $$
"""


def full_queue(hand):
    """no notification is taken, as when their queue is full: commits that notify are refused"""
    with hand.the_database() as postgres:
        if not postgres:
            return False
        # The queue of 8 GiB cannot be filled in a test; what would then be said is said in its place.
        name = "'hub.notify(jsonb, jsonb, text)'::regprocedure"
        original = postgres.sql(f"SELECT pg_get_functiondef({name})")
        postgres.sql(QUEUE_FULL)
        try:
            hand.wait(hand.a_while(1, 4))
        finally:
            postgres.sql(original)
        return True


def delay(hand):
    """a network delays what passes"""
    return at_proxies(hand, lambda proxy: proxy.set_delay(hand.random.uniform(0.005, 0.25)), lambda proxy: proxy.set_delay(0))


def stall(hand):
    """a network lets nothing through, and nobody is told"""
    return at_proxies(hand, lambda proxy: proxy.stall(True), lambda proxy: proxy.stall(False))


def at_proxies(hand, begin, end):
    chosen = hand.random.sample(hand.proxies, hand.random.randint(1, len(hand.proxies)))
    for proxy in chosen:
        begin(proxy)
    try:
        hand.wait(hand.a_while())
    finally:
        for proxy in chosen:
            end(proxy)
    return True


def cut(hand):
    """connections are reset"""
    hand.random.choice(hand.proxies).cut(hand.random.choice([0.3, 1]))
    return True


def cut_midway(hand):
    """connections are reset in the middle of a message"""
    hand.random.choice(hand.proxies).cut_midway(hand.random.choice([0.3, 1]))
    return True


def loss(hand):
    """packets are dropped"""
    if not hand.network or not hand.network.can_lose:
        return False
    hand.network.lose()
    try:
        hand.wait(hand.a_while(1))
    finally:
        hand.network.heal()
    return True


def silence(hand):
    """the network is down: every packet is dropped"""
    if not hand.network:
        return False
    hand.network.down()
    try:
        hand.wait(hand.a_while(0.5, 3))
    finally:
        hand.network.up()
    return True


ALL = (
    kill, drain, freeze, listener, sessions, immediate, fast, freeze_postgres, idle_listener, full_queue, delay, stall, cut,
    cut_midway, loss, silence,
)
