"""Worker processes that are there at once: born of one that has imported everything and does nothing else.

A worker by itself takes more than a second of processor time to import what it needs. Here it is a process of
its own too, with its own connections and threads; only the imports are shared.
"""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

from tests.steps_office import Sample

LIMIT_S = 60
Asked = tuple[str, str, str] | int


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
    nurse = _nurse()
    nurse.send((str(sample.office.folder), url, kill_point))
    pid = nurse.recv()
    assert pid is not None
    worker = Born(pid, nurse)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


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
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                asked.close()
                folder, url, kill_point = one
                work_to_point(Path(folder), url, kill_point)
                code = 0
            finally:
                os._exit(code)
        asked.send(pid)
