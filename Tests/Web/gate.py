"""A TCP door between a browser and the hub that can be shut in three ways, to see what a screen says then.

freeze: connections stay, not a byte passes (a dead switch, a sleeping router). cut: every connection breaks and no new
one is taken. drop: every connection breaks, new ones are welcome. It knows nothing of HTTP or WebSocket.
"""

import asyncio
import threading
import urllib.parse


class Gate:
    def __init__(self, target):
        parts = urllib.parse.urlsplit(target)
        self._target = (parts.hostname, parts.port or 80)
        self._loop = asyncio.new_event_loop()
        self._writers = set()
        self._is_cut = False
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._start())

    async def _start(self):
        self._passing = asyncio.Event()
        self._passing.set()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = "http://127.0.0.1:%d" % self._server.sockets[0].getsockname()[1]

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _accept(self, reader, writer):
        if self._is_cut:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            await self._passing.wait()
            hub_reader, hub_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(hub_writer)
        await asyncio.gather(self._pump(reader, hub_writer), self._pump(hub_reader, writer))

    async def _pump(self, reader, writer):
        try:
            while chunk := await reader.read(65536):
                await self._passing.wait()
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def freeze(self):
        self._loop.call_soon_threadsafe(self._passing.clear)

    def cut(self):
        self._run(self._break(is_cut=True))

    def drop(self):
        self._run(self._break(is_cut=False))

    async def _break(self, is_cut):
        self._is_cut = is_cut
        for writer in list(self._writers):
            writer.transport.abort()
        self._writers.clear()

    def open(self):
        self._run(self._open())

    async def _open(self):
        self._is_cut = False
        self._passing.set()

    def close(self):
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _shut(self):
        self._server.close()
        self._passing.set()
        await self._break(is_cut=True)
