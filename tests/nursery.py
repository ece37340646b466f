"""Worker processes that are there at once: born of one that has imported everything and does nothing else.

A worker by itself takes more than a second of processor time to import what it needs. Here it is a process of
its own too, with its own connections and threads; only the imports are shared.
"""

import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path

from tests.steps_office import Sample

LIMIT_S = 180
Typed = tuple[list[str], dict[str, str]]
"""The words of a command, and the environment that it has beside this process's."""
Called = tuple[str, list[str], dict[str, str]]
"""The name of a module whose `main` reads such words from `sys.argv`, and the environment."""
Asked = tuple[str, str, str] | Typed | Called | int


@dataclass
class Born:
    """A worker process."""

    pid: int
    nurse: "Connection[Asked, int | None]"
    _ended: int | None = None

    def kill(self) -> None:
        """End it by SIGKILL, if it has not ended; it is not waited for."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def poll(self) -> int | None:
        """How it ended: its exit code, or minus the signal's number; None while it runs."""
        if self._ended is None:
            self.nurse.send(self.pid)
            self._ended = self.nurse.recv()
        return self._ended

    def wait(self, limit_s: float = LIMIT_S) -> int:
        """How it ended, once it has."""
        end = time.monotonic() + limit_s
        while (code := self.poll()) is None:
            assert time.monotonic() < end, "the worker does not end"
            time.sleep(0.005)
        return code


@contextmanager
def born_worker(sample: Sample, kill_point: str = "") -> Iterator[Born]:
    """As `steps_office.worker`."""
    url = sample.office.store.url.render_as_string(hide_password=False)
    with _born((str(sample.office.folder), url, kill_point)) as worker:
        yield worker


@contextmanager
def born_command(words: Sequence[str], environ: Mapping[str, str]) -> Iterator[Born]:
    """`paraaf` with these words; what it prints is thrown away."""
    with _born((list(words), dict(environ))) as command:
        yield command


@contextmanager
def born_module(name: str, words: Sequence[str], environ: Mapping[str, str]) -> Iterator[Born]:
    """A module that can be started as a program, with these words."""
    with _born((name, list(words), dict(environ))) as program:
        yield program


@contextmanager
def _born(asked: Asked) -> Iterator[Born]:
    nurse = _nurse()
    nurse.send(asked)
    pid = nurse.recv()
    assert pid is not None
    born = Born(pid, nurse)
    try:
        yield born
    finally:
        born.kill()
        born.wait()


@cache
def _nurse() -> "Connection[Asked, int | None]":
    """The one of this process, which ends with it."""
    context = multiprocessing.get_context("spawn")
    ours, hers = context.Pipe()
    context.Process(target=_nurse_workers, args=(hers,), daemon=True).start()
    hers.close()
    return ours


def _nurse_workers(asked: "Connection[int | None, Asked]") -> None:
    from tests.steps_worker import work_to_point  # once, here: it takes a second

    while True:
        try:
            one = asked.recv()
        except EOFError:
            return
        if isinstance(one, int):
            pid, status = os.waitpid(one, os.WNOHANG)
            asked.send(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        if len(one) == 2:
            main = _ready_for_commands()
        elif isinstance(one[1], list):
            import_module(one[0])
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                asked.close()
                if len(one) == 2:
                    code = _typed(main, *one)
                elif isinstance(one[1], list):
                    name, sys.argv[1:], environ = one
                    os.environ.update(environ)
                    sys.modules[name].main()
                    code = 0
                else:
                    folder, url, kill_point = one
                    work_to_point(Path(folder), url, kill_point)
                    code = 0
            finally:
                os._exit(code)
        asked.send(pid)


@cache
def _ready_for_commands() -> Callable[[list[str]], int]:
    """What runs a command, with all that it imports, and the fork server of its fenced processes running."""
    from certs import serve_authority  # noqa: F401  here, as workers need none of it
    from cli.main import main
    from signing import pades, scans  # noqa: F401
    from signing.fence import fence_context
    from workflow import office, outside_given, outside_scans, outside_signed  # noqa: F401

    fence_context("signing.outside")
    forkserver.ensure_running()
    return main


def _typed(main: Callable[[list[str]], int], words: list[str], environ: dict[str, str]) -> int:
    os.environ.update(environ)
    tempfile.tempdir = None  # which the environment may have moved
    multiprocessing.process.current_process()._config["daemon"] = False  # a command has children of its own
    # the fork server is the nurse's child, and of a process's own alone it can tell whether it runs
    vars(forkserver._forkserver)["ensure_running"] = lambda: None
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return main(words)
