"""A TCP proxy of our own that can be told to be a bad network: it delays, stops passing anything on, cuts connections
between or within what it passes on, and, to prove that the checker would notice, drops, repeats and swaps frames."""

import collections
import contextlib
import heapq
import itertools
import selectors
import socket
import struct
import threading
import time

CHUNK = 64 * 1024
MOST_WAITING = 512 * 1024


class Side:
    """One direction's end: the socket that is read, the one that is written, and what is under way between them."""

    def __init__(self, source, target, pair, tamper):
        self.source, self.target, self.pair, self.tamper = source, target, pair, tamper
        self.waiting = collections.deque()
        self.bytes = 0
        self.ended = False


class Proxy:
    """Listens on a port and passes on to another; one thread for all of its connections."""

    def __init__(self, target, random, tamper=None):
        self.target, self.random, self.make_tamper = target, random, tamper
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.wake_read, self.wake_write = socket.socketpair()
        self.selector.register(self.wake_read, selectors.EVENT_READ, None)
        self.lock = threading.Lock()
        self.orders = collections.deque()
        self.delay = 0.0
        self.is_stalled = False
        self.pairs = set()
        self.later = []
        self.counter = itertools.count()
        self.is_closed = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    # What the hand may ask for, from any thread.

    def set_delay(self, seconds):
        self._order(lambda: setattr(self, "delay", seconds))

    def stall(self, is_stalled):
        self._order(lambda: self._stall(is_stalled))

    def cut(self, share=1.0):
        self._order(lambda: [self._close(pair) for pair in list(self.pairs) if self.random.random() < share])

    def cut_midway(self, share=1.0):
        """The next chunk of each connection is passed on in part, then the connection is reset."""
        self._order(lambda: [setattr(pair, "is_doomed", True) for pair in self.pairs if self.random.random() < share])

    def close(self):
        self._order(lambda: setattr(self, "is_closed", True))
        self.thread.join(5)

    def _order(self, order):
        with self.lock:
            self.orders.append(order)
        self.wake_write.send(b"x")

    # The thread.

    def _run(self):
        while not self.is_closed:
            wait = max(0, self.later[0][0] - time.monotonic()) if self.later else 1
            for key, events in self.selector.select(min(wait, 1)):
                if key.fileobj is self.listener:
                    self._accept()
                elif key.fileobj is self.wake_read:
                    self.wake_read.recv(4096)
                else:
                    self._ready(key.data, key.fileobj, events)
            with self.lock:
                orders, self.orders = self.orders, collections.deque()
            for order in orders:
                order()
            self._deliver_late()
        for pair in list(self.pairs):
            self._close(pair)
        for thing in (self.listener, self.wake_read, self.wake_write, self.selector):
            thing.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            client, _ = self.listener.accept()
            server = socket.socket()
            server.setblocking(False)
            client.setblocking(False)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(BlockingIOError):
                server.connect(("127.0.0.1", self.target))
            pair = Pair(client, server, self.make_tamper() if self.make_tamper else None)
            self.pairs.add(pair)
            for end in pair.ends:
                self.selector.register(end, selectors.EVENT_READ, pair)
            self._watch(pair)

    def _stall(self, is_stalled):
        self.is_stalled = is_stalled
        for pair in list(self.pairs):
            self._watch(pair)

    def _watch(self, pair):
        """What each end is waited for: bytes while there is room, room while there are bytes."""
        if pair.is_closed:
            return
        for end in pair.ends:
            reading, writing = pair.reads[end], pair.writes[end]
            events = 0
            if not self.is_stalled:
                if not reading.ended and reading.bytes < MOST_WAITING:
                    events |= selectors.EVENT_READ
                if writing.waiting:
                    events |= selectors.EVENT_WRITE
            if end in pair.registered and not events:
                self.selector.unregister(end)
                pair.registered.discard(end)
            elif events and end in pair.registered:
                self.selector.modify(end, events, pair)
            elif events:
                self.selector.register(end, events, pair)
                pair.registered.add(end)

    def _ready(self, pair, end, events):
        if pair.is_closed or self.is_stalled:
            return
        try:
            if events & selectors.EVENT_WRITE:
                self._write(pair, pair.writes[end])
            if events & selectors.EVENT_READ and not pair.is_closed:
                self._read(pair, pair.reads[end])
        except OSError:
            self._close(pair)
        self._watch(pair)

    def _read(self, pair, side):
        try:
            data = side.source.recv(CHUNK)
        except BlockingIOError:
            return
        if side.tamper and data:
            data = side.tamper(data)
            if not data:
                return
        if not data:
            side.ended = True
        elif pair.is_doomed:
            with contextlib.suppress(OSError):
                side.target.send(data[: max(1, len(data) // 2)])
            self._close(pair)
            return
        side.bytes += len(data)
        if self.delay or side.bytes > len(data):
            moment = time.monotonic() + self.delay * (0.5 + self.random.random())
            # Never before what was read earlier: delays change, the order does not.
            side.last = max(moment, getattr(side, "last", 0))
            heapq.heappush(self.later, (side.last, next(self.counter), pair, side, data))
        else:
            side.waiting.append(data)
            self._write(pair, side)

    def _deliver_late(self):
        now = time.monotonic()
        while self.later and self.later[0][0] <= now:
            _, _, pair, side, data = heapq.heappop(self.later)
            if pair.is_closed:
                continue
            side.waiting.append(data)
            if not self.is_stalled:
                try:
                    self._write(pair, side)
                except OSError:
                    self._close(pair)
            self._watch(pair)

    def _write(self, pair, side):
        while side.waiting:
            data = side.waiting[0]
            if not data:
                with contextlib.suppress(OSError):
                    side.target.shutdown(socket.SHUT_WR)
                side.waiting.popleft()
                pair.finished += 1
                if pair.finished == 2:
                    self._close(pair, is_reset=False)
                return
            try:
                count = side.target.send(data)
            except BlockingIOError:
                return
            side.bytes -= count
            if count == len(data):
                side.waiting.popleft()
            else:
                side.waiting[0] = data[count:]

    def _close(self, pair, is_reset=True):
        if pair.is_closed:
            return
        pair.is_closed = True
        self.pairs.discard(pair)
        for end in pair.ends:
            if end in pair.registered:
                self.selector.unregister(end)
            if is_reset:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()


class Pair:
    """A client's connection and ours to the server."""

    def __init__(self, client, server, tamper):
        upward, downward = Side(client, server, self, None), Side(server, client, self, tamper)
        self.ends = (client, server)
        self.reads = {client: upward, server: downward}
        self.writes = {server: upward, client: downward}
        self.registered = {client, server}
        self.is_doomed = False
        self.is_closed = False
        self.finished = 0


class Tamper:
    """Looks for event frames in what the hub sends, and drops, repeats or swaps one now and then."""

    def __init__(self, deed, every):
        self.deed, self.every = deed, every
        self.bytes = b""
        self.is_upgraded = False
        self.seen = 0
        self.held = b""

    def __call__(self, data):
        self.bytes += data
        passed = b""
        if not self.is_upgraded:
            end = self.bytes.find(b"\r\n\r\n")
            if end < 0:
                return b""
            passed, self.bytes = self.bytes[: end + 4], self.bytes[end + 4 :]
            self.is_upgraded = b" 101 " in passed[:20]
        if not self.is_upgraded:
            passed, self.bytes = passed + self.bytes, b""
            return passed
        while frame := self._frame():
            passed += self._do(frame) if b'"type":"event"' in frame[:24] else self._release() + frame
        return passed

    def _release(self):
        held, self.held = self.held, b""
        return held

    def _frame(self):
        if len(self.bytes) < 2:
            return None
        length, start = self.bytes[1] & 127, 2
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(self.bytes) < start:
                return None
            length = int.from_bytes(self.bytes[2:start], "big")
        if len(self.bytes) < start + length:
            return None
        frame, self.bytes = self.bytes[: start + length], self.bytes[start + length :]
        return frame

    def _do(self, frame):
        self.seen += 1
        if self.held:
            return frame + self._release()
        if self.seen % self.every:
            return frame
        if self.deed == "drop":
            return b""
        if self.deed == "repeat":
            return frame + frame
        self.held = frame
        return b""
