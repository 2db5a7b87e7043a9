"""The Python 2.7 that `wstest` needs, made once and kept in a cache folder.

The suite runs on Python 2.7 only. The interpreter is looked for on the PATH and among pyenv's versions; the environment is
made with the last virtualenv that can, and with the pins of requirements.txt (without resolving, since they are whole).
"""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PINS = os.path.join(HERE, "requirements.txt")
VIRTUALENV = "virtualenv==20.21.1"


class CannotPrepare(Exception):
    """A Python 2.7 is there, but no environment could be made of it."""


def python27():
    """The path of a Python 2.7 that runs, or None."""
    candidates = [shutil.which("python2.7")]
    for versions in pyenv_versions():
        for name in sorted(os.listdir(versions), reverse=True):
            if name.startswith("2.7"):
                candidates.append(os.path.join(versions, name, "bin", "python2.7"))
    for candidate in candidates:
        # A shim of pyenv is on the PATH also where its version is not chosen, so each one is tried.
        probe = "import sys, ssl, zlib; sys.stdout.write('%d.%d' % sys.version_info[:2])"
        if candidate and os.access(candidate, os.X_OK):
            done = subprocess.run([candidate, "-c", probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if done.returncode == 0 and done.stdout == b"2.7":
                return candidate
    return None


def pyenv_versions():
    """The folders in which pyenv keeps its versions."""
    roots = [os.environ.get("PYENV_ROOT")]
    if shutil.which("pyenv"):
        done = subprocess.run(["pyenv", "root"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        roots.append(done.stdout.strip())
    found = [os.path.join(root, "versions") for root in roots if root]
    return [folder for folder in dict.fromkeys(found) if os.path.isdir(folder)]


def wstest(interpreter, cache):
    """The path of `wstest` in an environment of that interpreter, which is made if the cache has none of these pins."""
    with open(PINS, encoding="utf-8") as file:
        # Its scripts begin with its own path, so a copy of the folder elsewhere is of no use.
        wanted = f"{cache}\n{interpreter}\n{VIRTUALENV}\n{file.read()}"
    stamp = os.path.join(cache, "made-of")
    program = os.path.join(cache, "python27", "bin", "wstest")
    if os.path.exists(program) and os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted:
                return program
    print("conformance: making the Python 2.7 environment of the Autobahn test suite (about a minute, once)", flush=True)
    shutil.rmtree(cache, ignore_errors=True)
    os.makedirs(cache)
    tools = os.path.join(cache, "tools")
    environment = os.path.join(cache, "python27")
    attempt([sys.executable, "-m", "venv", tools])
    attempt([os.path.join(tools, "bin", "pip"), "install", "--quiet", VIRTUALENV])
    attempt([os.path.join(tools, "bin", "virtualenv"), "--quiet", "--python", interpreter, environment])
    attempt([os.path.join(environment, "bin", "pip"), "install", "--quiet", "--no-deps", "--requirement", PINS])
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)
    return program


def attempt(command):
    """Runs a command to its end; its last lines are the reason when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise CannotPrepare(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")
