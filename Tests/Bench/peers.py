"""Servers of other people, each as its own users run it and set so that the comparison is fair to it: no compression,
no log of requests, wide limits. The servers themselves are in peers/.

socketify, picows and FastAPI (with asyncpg for the feed) come from PyPI into .build/bench, made at first use and kept; nginx and nchan are
Debian's, started here with a configuration and a folder of their own. One that cannot be had is named and left out.
"""

import hashlib
import pathlib
import shutil
import signal
import string
import subprocess
import sys

from servers import Server
from stand import FOLDER, Fault, free_port

PEERS = FOLDER / "peers"
ENVIRONMENT = FOLDER.parents[1] / ".build/bench"
PACKAGES = (PEERS / "requirements.txt").read_text()
NCHAN = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


def nginx():
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")


class Python(Server):
    """One of the three from PyPI."""

    def __init__(self, stand, name):
        port = free_port()
        super().__init__(stand, name, [ENVIRONMENT / "bin/python", PEERS / f"{name}_server.py", port], port)


class Listening(Server):
    """FastAPI with asyncpg, which sends what is notified in a database to every socket of /hub."""

    has_echo = False

    def __init__(self, stand, socket_folder, database):
        port = free_port()
        super().__init__(stand, "asyncpg", [
            ENVIRONMENT / "bin/python", PEERS / "asyncpg_server.py", port, socket_folder, database], port)


class Nginx(Server):
    """nginx in the stand's folder, with one of the configurations in peers/."""

    has_echo = False
    subscribing = "--path", "/hub"
    publishing = "--pub-path", "/publish"

    def __init__(self, stand, name, configuration, **values):
        port = free_port()
        prefix = stand.folder / f"prefix.{port}"
        prefix.mkdir()
        files = stand.descriptors
        text = string.Template((PEERS / configuration).read_text()).substitute(
            PORT=port, FILES=files, CONNECTIONS=files - 100, **values)
        (prefix / "nginx.conf").write_text(text)
        super().__init__(
            stand, name, [nginx(), "-p", f"{prefix}/", "-c", prefix / "nginx.conf", "-e", "stderr"], port,
            # Its master ends its worker; killed, it would leave it behind.
            signal.SIGTERM)


class Nchan(Nginx):
    def __init__(self, stand):
        super().__init__(stand, "nchan", "nchan.conf")


class FixedAnswer(Nginx):
    """nginx that answers /health with the same bytes as the hub."""

    def __init__(self, stand, body):
        super().__init__(stand, "nginx", "fixed.conf", BODY=body, LENGTH=len(body))


def prepare(say):
    """The peers that can be had here, name to what starts them."""
    found = {}
    if environment(say):
        for name in "socketify", "picows", "fastapi":
            found[name] = lambda stand, name=name: Python(stand, name)
    else:
        say("socketify, picows and FastAPI are left out: they could not be installed from PyPI")
    if nginx() and NCHAN.exists():
        found["nchan"] = Nchan
    else:
        say("nchan is left out: Debian's nginx and libnginx-mod-nchan are not installed")
    return found


def environment(say):
    """Makes the virtual environment unless it is there with these very packages."""
    mark = ENVIRONMENT / "made-of"
    wanted = hashlib.sha256(PACKAGES.encode()).hexdigest()
    if mark.exists() and mark.read_text() == wanted:
        return True
    say("installing socketify, picows and FastAPI from PyPI")
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", ENVIRONMENT], check=True, capture_output=True)
        subprocess.run(
            [ENVIRONMENT / "bin/pip", "install", "--quiet", "-r", PEERS / "requirements.txt"], check=True,
            capture_output=True, timeout=600)
    except (subprocess.SubprocessError, OSError) as error:
        say(f"{error}: {getattr(error, 'stderr', b'') or b''}")
        return False
    mark.write_text(wanted)
    return True


def started(found, stand, stack, say, wanted=lambda server: True):
    """Those of the peers that are wanted, started; the stack stops them."""
    servers = []
    for name, start in found.items():
        try:
            server = stack.enter_context(start(stand))
        except Fault as fault:
            say(f"{name} is left out: {fault}")
            continue
        if wanted(server):
            servers.append(server)
    return servers
