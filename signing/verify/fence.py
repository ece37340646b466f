"""A child process that reads files nobody vouches for: bounded memory, bounded CPU, and it may die.

The child is forked from a clean server that has the verifier loaded already, so that a new one costs
milliseconds. It gets paths and gives reports; a file that makes it die costs that file its judgment and
nothing else.
"""

import logging
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from certs.fenced_fetch import AllowedHosts, FencedFetcher
from signing.fence import bound_memory, bound_processor_time, fence_context, main_left_alone
from signing.verify.findings import Finding
from signing.verify.limits import Limits
from signing.verify.online import Online
from signing.verify.quick import Quick
from signing.verify.register import traces_of
from signing.verify.report import Report
from signing.verify.sources import Source, read_member
from signing.verify.transport import MAX_BYTES, packed, unpacked
from signing.verify.trust import Trust, TrustMaterial
from signing.verify.verdict import unjudged, verify_pdf


@dataclass(frozen=True)
class Assignment:
    """What a worker needs to know once."""

    trust: TrustMaterial
    at: datetime
    limits: Limits
    quick: bool = False  # clear what can be cleared with a quick look
    online: AllowedHosts | None = None
    fixed: bool = True  # judge as of `at`, however late it gets
    traces: bool = False  # take what a register of issued files may know a file by


def verifying_context() -> ForkServerContext:
    """The process context for workers: a fork server with the verifier preloaded."""
    return fence_context(__name__)


class Worker:
    """One fenced process, judging one file at a time."""

    def __init__(self, context: ForkServerContext, assignment: Assignment) -> None:
        self._limits = assignment.limits
        self._at = assignment.at
        self.connection, theirs = context.Pipe()
        self._process: ForkServerProcess = context.Process(
            target=_work, args=(theirs, assignment), daemon=True, name="paraaf-verify"
        )
        with main_left_alone():
            self._process.start()
        theirs.close()
        self.source: Source | None = None
        self.done = 0
        self._deadline = float("inf")

    def begin(self, source: Source) -> None:
        """Hand over a file. That a worker died meanwhile is found when its report is collected."""
        self.source = source
        self._deadline = time.monotonic() + self._limits.wall_s
        with suppress(BrokenPipeError):
            self.connection.send((source.name, str(source.path), source.member))

    def remaining_s(self) -> float:
        """Seconds that are left for the file in hand; 0 when its time is up."""
        return max(0.0, self._deadline - time.monotonic())

    def collect(self) -> Report | None:
        """The report when it is there, a "reading stopped" one when the worker died or took too long, else
        None.

        After a worker was stopped it is of no more use: `alive` is False.
        """
        if self.source is None:
            return None
        name = self.source.name
        try:
            if self.connection.poll():
                report = unpacked(self.connection.recv_bytes(MAX_BYTES))
                if report.name != name:
                    raise ValueError("a report on another file")
                self.source, self.done = None, self.done + 1
                return report
        except (EOFError, OSError, ValueError):
            return self._stopped(name, "its process ended: memory or processor time ran out")
        if self.remaining_s() == 0.0:
            return self._stopped(name, f"it took longer than {self._limits.wall_s:g} s")
        return None

    def _stopped(self, name: str, why: str) -> Report:
        self.source = None
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
    warnings.simplefilter("ignore")  # as above
    limits = assignment.limits
    bound_memory(limits.address_space_bytes)
    trust = Trust(assignment.trust)
    online = _online(assignment)
    # of what is asked, the quick look doesn't know
    alone = assignment.quick and online is None
    quick = Quick(assignment.trust, assignment.at, trust.lists) if alone else None
    while True:
        try:
            name, path, member = connection.recv()
        except EOFError:
            return
        bound_processor_time(limits.cpu_s)
        source = Source(name, Path(path), member)
        connection.send_bytes(packed(judge_file(source, trust, assignment, quick, online)))


def _online(assignment: Assignment) -> Online | None:
    if assignment.online is None:
        return None
    return Online(FencedFetcher(assignment.online), clock=lambda: datetime.now(UTC))


def judge_file(
    source: Source,
    trust: Trust,
    assignment: Assignment,
    quick: Quick | None = None,
    online: Online | None = None,
) -> Report:
    """Read one file and judge it; a file that can't be read gets a report that says so."""
    pdf = _read(source, assignment.limits)
    if isinstance(pdf, Finding):
        return unjudged(source.name, pdf, assignment.at)
    report = _judged(pdf, source, trust, assignment, quick=quick, online=online)
    return replace(report, traces=traces_of(pdf)) if assignment.traces else report


def _judged(
    pdf: bytes,
    source: Source,
    trust: Trust,
    assignment: Assignment,
    *,
    quick: Quick | None,
    online: Online | None,
) -> Report:
    cleared = quick.clear(pdf, source.name) if quick else None
    if cleared is not None:
        return cleared
    report = verify_pdf(
        pdf,
        trust=trust,
        at=assignment.at if assignment.fixed else None,
        now=assignment.at,
        name=source.name,
        limits=assignment.limits,
        online=online,
    )
    if quick:
        quick.learn(pdf, report)
    return report


def _no_file(path: Path) -> Finding:
    if path.exists():  # a pipe gives nothing, and keeps whoever reads it waiting
        return Finding("file_unreadable", "it is not a file that can be read")
    return Finding("file_not_found", "there is no such file")


def _read(source: Source, limits: Limits) -> bytes | Finding:
    path = source.path
    try:
        if not path.is_file():
            return _no_file(path)
        if source.member is not None:
            return read_member(path, source.member, limits.file_bytes)
        size = path.stat().st_size
        if size > limits.file_bytes:
            told = f"the file is larger than {limits.file_bytes // 1024 // 1024} MiB"
            return Finding("file_too_large", told, f"{size} bytes")
        return path.read_bytes()
    except OSError as error:
        return Finding("file_unreadable", f"the file cannot be opened ({error.strerror})")
    except Exception as error:  # noqa: BLE001 (an archive's reader stumbles in a dozen ways)
        told = f"{type(error).__name__}: {str(error)[:200]}"
        return Finding("file_unreadable", "the file cannot be read from its archive", told)
