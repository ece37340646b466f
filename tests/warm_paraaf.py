"""`paraaf` as a command of its own that needs not import everything at each start.

One process imports all of it, and forks for each command: with its words, folder, environment and open files.
Importing takes a second or two of work, and README's tour types forty commands.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from cli.main import COMMANDS, main

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
def warm_paraaf(command: Path) -> Iterator[None]:
    """Have `command` be paraaf, until the block ends."""
    address = str(command.with_suffix(".socket"))
    command.write_text(CLIENT.format(python=sys.executable, address=address))
    command.chmod(0o755)
    words = [sys.executable, "-m", "tests.warm_paraaf", address]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            assert server.stdout.readline() == b"ready\n"
            yield
        finally:
            server.terminate()


def serve(address: str) -> None:
    for name in COMMANDS:
        import_module(f"cli.{name}")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a command here
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            asking, _ = listening.accept()
            with asking:
                if os.fork() == 0:
                    listening.close()
                    _run(asking)


def _run(asking: socket.socket) -> None:
    """Be the command, in a process of its own, and tell its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
        status = main(words)
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
    serve(sys.argv[1])
