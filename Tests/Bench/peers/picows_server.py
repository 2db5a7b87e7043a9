"""picows on uvloop: /echo and /hub as wsfloor has them. usage: picows_server.py PORT

No extensions, no pings of its own, frames of up to 16 MiB.
"""

import asyncio
import sys

import picows
import uvloop

SUBSCRIBERS = set()


class Echo(picows.WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
        else:
            transport.send(frame.msg_type, frame.get_payload_as_memoryview(), frame.fin)


class Hub(picows.WSListener):
    def on_ws_frame(self, transport, frame):
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code(), frame.get_close_message())
            transport.disconnect()
            return
        message = frame.get_payload_as_bytes()
        if message == b"sub":
            SUBSCRIBERS.add(transport)
        else:
            for subscriber in SUBSCRIBERS:
                subscriber.send(picows.WSMsgType.TEXT, message)

    def on_ws_disconnected(self, transport):
        SUBSCRIBERS.discard(transport)


async def main():
    server = await picows.ws_create_server(
        lambda request: Hub() if request.path == b"/hub" else Echo(), "127.0.0.1", int(sys.argv[1]),
        max_frame_size=16 << 20, backlog=4096)
    await server.serve_forever()


uvloop.run(main())
