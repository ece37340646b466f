"""Commands of ours that need not import everything at each start.

One process imports all that they need, and forks for each: with its words, folder, environment and open
files. Importing takes up to two seconds of work; the tour of README types forty commands, and hundreds of
tests start the development authority's server. It ends when its standard input closes, with the tests at the
latest.
"""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from cli.main import COMMANDS
from tests.campaign import times

ROOT = Path(__file__).resolve().parents[1]
CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as warm:
    warm.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(warm, [len(asked).to_bytes(4, "big")], [0, 1, 2])
    warm.sendall(asked)
    sys.exit(int(warm.recv(8) or b"70"))
"""


@contextmanager
def warm(command: Path, module: str, more: Sequence[str] = ()) -> Iterator[None]:
    """Have `command` be `main` of this module, until the block ends; `more` is imported, too."""
    address = str(command.with_suffix(".socket"))
    command.write_text(CLIENT.format(python=sys.executable, address=address))
    command.chmod(0o755)
    words = [sys.executable, "-m", "tests.warm", address, module, *more]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        assert server.stdout.readline() == b"ready\n"
        yield
        server.stdin.close()


@contextmanager
def warm_paraaf(command: Path) -> Iterator[None]:
    """Have `command` be `paraaf`; in a campaign it is started anew each time, as a person starts it."""
    if times(1) == 1:
        with warm(command, "cli.main", [f"cli.{name.replace('-', '_')}" for name in COMMANDS]):
            yield
        return
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m cli.main "$@"\n')
    command.chmod(0o755)
    yield


def serve(address: str, module: str, more: Sequence[str]) -> None:
    for name in (module, *more):
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a command here
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening, selectors.DefaultSelector() as selector:
        listening.bind(address)
        listening.listen(64)
        selector.register(listening, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while [key.fileobj for key, _ in selector.select()] == [listening]:
            asking, _ = listening.accept()
            with asking:
                if os.fork() == 0:
                    listening.close()
                    _run(module, asking)


def _run(module: str, asking: socket.socket) -> None:
    """Be the command, in a process of its own, and tell its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    length, files, *_ = socket.recv_fds(asking, 4, 3)
    with asking.makefile("rb") as reader:
        words, folder, environ = json.loads(reader.read(int.from_bytes(length, "big")))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    # what was opened with the server's own would still seek in those
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", 1)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    status = 70
    try:
        status = sys.modules[module].main(words)
    except SystemExit as left:
        status = int(str(left.code or 0))
    except BaseException:  # noqa: BLE001 (told as the interpreter would)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        asking.sendall(str(status).encode())
        os._exit(status)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3:])
