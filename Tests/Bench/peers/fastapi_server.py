"""FastAPI on uvicorn, with uvloop, httptools and websockets as `pip install "uvicorn[standard]"` gives them: /echo and /hub
as wsfloor has them. usage: fastapi_server.py PORT

No compression, no access log, no pings of its own, messages of up to 16 MiB.
"""

import sys

import fastapi
import uvicorn

app = fastapi.FastAPI()
subscribers = set()


@app.websocket("/echo")
async def echo(socket: fastapi.WebSocket):
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@app.websocket("/hub")
async def hub(socket: fastapi.WebSocket):
    await socket.accept()
    try:
        async for text in socket.iter_text():
            if text == "sub":
                subscribers.add(socket)
            else:
                for subscriber in list(subscribers):
                    try:
                        await subscriber.send_text(text)
                    except (RuntimeError, fastapi.WebSocketDisconnect):  # it has just left
                        subscribers.discard(subscriber)
    finally:
        subscribers.discard(socket)


uvicorn.run(
    app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False, ws_max_size=16 << 20,
    ws_per_message_deflate=False, ws_ping_interval=None, backlog=4096)
