"""A network of our own, in which packets may be lost: a network namespace with nothing but a loopback. It needs root; without
it the proxies alone are the bad network."""

import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


class Network:
    """The namespace that this process has moved into, with all that it starts from now on."""

    def __init__(self):
        self.up()
        self.tc = shutil.which("tc") or shutil.which("tc", path="/usr/sbin:/sbin")
        self.lossy = None
        # A kernel may lack netem; one that shapes traffic drops what its short queue does not take.
        for discipline in ("netem loss 3% delay 2ms 2ms", "tbf rate 40mbit burst 16kb limit 24kb"):
            if self.tc and self._discipline("add", discipline):
                self.lossy = discipline
                self.heal()
                break

    @property
    def can_lose(self):
        return self.lossy is not None

    def lose(self):
        self._discipline("replace", self.lossy)

    def heal(self):
        self._discipline("del")

    def _discipline(self, verb, discipline=""):
        command = [self.tc, "qdisc", verb, "dev", "lo", "root", *discipline.split()]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def up(self):
        self._set(lambda flags: flags | IFF_UP)

    def down(self):
        self._set(lambda flags: flags & ~IFF_UP)

    def _set(self, change):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            answer = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH22x", b"lo", 0))
            flags = struct.unpack("16sH22x", answer)[1]
            fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", change(flags)))


def enter():
    """Moves this process into a network of its own; None when it may not. Threads would stay behind: call it first."""
    if os.getuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return None
    with contextlib.suppress(OSError):
        return Network()
    return None
