"""The server under test: `hub echo` on a free loopback port, in clear or under TLS with a certificate made for the run."""
import os
import re
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DEV_CERT = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(HERE))), "scripts", "dev-cert")


class DidNotStart(Exception):
    """The server did not say its address."""


class EchoHub:
    """One `hub echo`; its log is a file in the folder given."""

    def __init__(self, program, folder, secure, compression):
        command = [program, "echo", "--listen", "127.0.0.1:0", "--compression", compression]
        if secure:
            command += certificate(folder)
        self.log_path = os.path.join(folder, "hub.log")
        output = os.path.join(folder, "hub.out")
        with open(output, "wb") as out, open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)
        end = time.monotonic() + 30
        port = None
        while port is None:
            with open(output, encoding="utf-8", errors="replace") as out:
                match = re.search(r"127\.0\.0\.1:(\d+)\D", out.read())
            port = match and int(match.group(1))
            if port is None and (self.process.poll() is not None or time.monotonic() > end):
                self.process.kill()
                self.process.wait()
                raise DidNotStart(f"{' '.join(command)} did not say where it listens:\n{self.log()}")
            if port is None:
                time.sleep(0.02)
        self.url = f"{'wss' if secure else 'ws'}://127.0.0.1:{port}/"

    def runs(self):
        return self.process.poll() is None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def stop(self):
        """Ends it as a user does; answers its status, which is 0 when all is well."""
        if self.runs():
            self.process.terminate()
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -9


class OtherServer:
    """A server that runs already, to see how another one does."""

    def __init__(self, url):
        self.url = url

    def runs(self):
        return True

    def log(self):
        return ""

    def stop(self):
        return 0


def certificate(folder):
    """A certificate for 127.0.0.1, made as for trying; the options that give it to the hub."""
    subprocess.run([DEV_CERT, folder], check=True, stdout=subprocess.DEVNULL)
    return ["--tls-cert", os.path.join(folder, "localhost.pem"), "--tls-key", os.path.join(folder, "localhost.key")]
