"""uWebSockets by way of socketify: /echo and /hub as wsfloor has them. usage: socketify_server.py PORT

No compression, and limits so wide that nothing is dropped for a socket that takes its time (uWebSockets drops what is
over max_backpressure). Fan-out is uWebSockets' own publish: one framing, one write a socket and turn of its loop. That loop
runs alone and sleeps while nothing happens: `App.run` would poll it from asyncio without a pause, which echo does not
need and which would count as CPU a message.
"""

import sys

from socketify import App, AppListenOptions, CompressOptions, OpCode

LIMITS = {
    "compression": CompressOptions.DISABLED, "max_payload_length": 16 << 20, "max_backpressure": 64 << 20,
    "idle_timeout": 0}


def echo(socket, message, opcode):
    socket.send(message, opcode)


def main():
    app = App()

    def hub(socket, message, _):
        if message == "sub":
            socket.subscribe("hub")
        else:
            app.publish("hub", message, OpCode.TEXT)

    app.ws("/echo", LIMITS | {"message": echo})
    app.ws("/hub", LIMITS | {"message": hub})
    app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), lambda _: None)
    app.loop.uv_loop.run()


main()
