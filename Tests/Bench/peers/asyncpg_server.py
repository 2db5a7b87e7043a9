"""A hub of FastAPI on uvicorn (uvloop, httptools, websockets) and asyncpg: LISTEN feed, and every notification to every
socket of /hub. usage: asyncpg_server.py PORT SOCKET_FOLDER DATABASE

It keeps no log and has no rights; the server is set as fastapi_server.py is.
"""

import asyncio
import contextlib
import sys

import asyncpg
import fastapi
import uvicorn

subscribers = set()


async def broadcast(queue):
    while True:
        text = await queue.get()
        for subscriber in list(subscribers):
            try:
                await subscriber.send_text(text)
            except (RuntimeError, fastapi.WebSocketDisconnect):  # it has just left
                subscribers.discard(subscriber)


@contextlib.asynccontextmanager
async def listening(_):
    queue = asyncio.Queue()
    connection = await asyncpg.connect(host=sys.argv[2], port=5432, user="hub", database=sys.argv[3])
    await connection.add_listener("feed", lambda _connection, _process, _channel, payload: queue.put_nowait(payload))
    task = asyncio.create_task(broadcast(queue))
    yield
    task.cancel()
    await connection.close()


app = fastapi.FastAPI(lifespan=listening)


@app.websocket("/hub")
async def hub(socket: fastapi.WebSocket):
    await socket.accept()
    subscribers.add(socket)
    try:
        async for _ in socket.iter_text():
            pass
    finally:
        subscribers.discard(socket)


uvicorn.run(
    app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, ws_max_size=16 << 20,
    ws_per_message_deflate=False, ws_ping_interval=None, backlog=4096)
