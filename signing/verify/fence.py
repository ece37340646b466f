"""A child process that reads files nobody vouches for: bounded memory, bounded CPU, and it may die.

The child is forked from a clean server that has the verifier loaded already, so that a new one costs
milliseconds. It gets paths and gives reports; a file that makes it die costs that file its judgment and
nothing else.
"""

import logging
import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from types import ModuleType

from signing.verify.findings import Finding
from signing.verify.limits import Limits
from signing.verify.report import Report
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import unjudged, verify_pdf


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to know once."""

    trust: TrustMaterial
    at: datetime
    limits: Limits


def fence_context() -> ForkServerContext:
    """The process context for workers: a fork server with the verifier preloaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@contextmanager
def _main_left_alone() -> Iterator[None]:
    """Keep a starting child from running the caller's main program over again, as multiprocessing would.

    A worker needs nothing from there, and a script without a `__main__` guard would start itself anew.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Worker:
    """One fenced process, judging one file at a time."""

    def __init__(self, context: ForkServerContext, assignment: Assignment) -> None:
        self._limits = assignment.limits
        self._at = assignment.at
        self.connection, theirs = context.Pipe()
        self._process: ForkServerProcess = context.Process(
            target=_work, args=(theirs, assignment), daemon=True, name="paraaf-verify"
        )
        with _main_left_alone():
            self._process.start()
        theirs.close()
        self.path: Path | None = None
        self.done = 0
        self._deadline = float("inf")

    def begin(self, path: Path) -> None:
        """Hand over a file. That a worker died meanwhile is found when its report is collected."""
        self.path = path
        self._deadline = time.monotonic() + self._limits.wall_s
        with suppress(BrokenPipeError):
            self.connection.send(str(path))

    def remaining_s(self) -> float:
        """Seconds that are left for the file in hand; 0 when its time is up."""
        return max(0.0, self._deadline - time.monotonic())

    def collect(self) -> Report | None:
        """The report when it is there, a "reading stopped" one when the worker died or took too long, else
        None.

        After a worker was stopped it is of no more use: `alive` is False.
        """
        if self.path is None:
            return None
        name = str(self.path)
        try:
            if self.connection.poll():
                report: Report = self.connection.recv()
                self.path, self.done = None, self.done + 1
                return report
        except (EOFError, OSError):
            return self._stopped(name, "its process ended: memory or processor time ran out")
        if self.remaining_s() == 0.0:
            return self._stopped(name, f"it took longer than {self._limits.wall_s:g} s")
        return None

    def _stopped(self, name: str, why: str) -> Report:
        self.path = None
        self.close()
        return unjudged(name, Finding("reading_stopped", "reading the file had to be stopped", why), self._at)

    @property
    def alive(self) -> bool:
        """Whether another file may be handed over."""
        return not self.connection.closed and self.done < self._limits.files_per_worker

    def close(self) -> None:
        """End the process; at once, whatever it is doing."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _work(connection: Connection, assignment: Assignment) -> None:
    """The child's life: receive a path, send a report, until nobody asks any more."""
    logging.disable(logging.CRITICAL)  # libraries narrate hostile files at length
    limits = assignment.limits
    _bound(resource.RLIMIT_AS, limits.address_space_bytes)
    _bound(resource.RLIMIT_CORE, 0)
    trust = Trust(assignment.trust)
    while True:
        try:
            path = connection.recv()
        except EOFError:
            return
        _bound(resource.RLIMIT_CPU, int(time.process_time()) + limits.cpu_s)
        connection.send(judge_file(Path(path), trust, assignment))


def _bound(what: int, soft: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def judge_file(path: Path, trust: Trust, assignment: Assignment) -> Report:
    """Read one file and judge it; a file that can't be read gets a report that says so."""
    try:
        if not path.exists():
            return unjudged(str(path), Finding("file_not_found", "there is no such file"), assignment.at)
        size = path.stat().st_size
        if size > assignment.limits.file_bytes:
            told = f"the file is larger than {assignment.limits.file_bytes // 1024 // 1024} MiB"
            return unjudged(str(path), Finding("file_too_large", told, f"{size} bytes"), assignment.at)
        pdf = path.read_bytes()
    except OSError as error:
        finding = Finding("file_unreadable", f"the file cannot be opened ({error.strerror})")
        return unjudged(str(path), finding, assignment.at)
    return verify_pdf(pdf, trust=trust, now=assignment.at, name=str(path), limits=assignment.limits)
