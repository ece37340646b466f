"""A child process that reads files nobody vouches for: bounded memory, bounded CPU, and it may die.

The child is forked from a clean server that has the verifier loaded already, so that a new one costs
milliseconds. It gets paths and gives reports; a file that makes it die costs that file its judgment and
nothing else.

While quick looks clear file after file, handing each over by itself costs as much as the look: several go
together then, and their reports come back together. The bounds stay those of one file. Where the process ends
with several unanswered, nobody knows which of them it was: each is handed over again, by itself. So is a
single one when somebody else ended the process: the system for want of memory, say.
"""

import logging
import signal
import time
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from certs.fenced_fetch import FencedFetcher
from certs.hosts import AllowedHosts
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
from signing.verify.unread import too_large, unopened
from signing.verify.verdict import unjudged, verify_pdf
from signing.verify.words import mark

AT_ONCE = 16  # files handed over together, at most
_UNWATCHED_S = 5.0  # after a file's time is up: then nobody looked, for the whole program was stopped
_TOGETHER_S, _TOGETHER_BYTES = 0.02, 64 * 1024  # reports that take longer, or are longer, are sent at once


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
    """One fenced process, judging one file after the other."""

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
        self.unanswered: deque[Source] = deque()
        """Files that were handed over, in order."""
        self.done = 0
        self._again = False  # what it has was handed over before
        self._clears = False  # the last file needed no more than a quick look
        self._deadline = float("inf")

    @property
    def room(self) -> int:
        """How many files may be handed over together, when it has none."""
        return min(AT_ONCE, self._limits.files_per_worker - self.done) if self._clears else 1

    def begin(self, sources: Sequence[Source], *, again: bool = False) -> None:
        """Hand over files, `again` when that was done before.

        That a worker died meanwhile is found when their reports are collected.
        """
        self.unanswered = deque(sources)
        self._again = again
        self._deadline = time.monotonic() + self._limits.wall_s
        with suppress(OSError):
            self.connection.send([(each.name, str(each.path), each.member, each.content) for each in sources])

    def remaining_s(self) -> float:
        """Seconds that are left for the file in hand; 0 when its time is up."""
        return max(0.0, self._deadline - time.monotonic())

    def collect(self) -> list[Report]:
        """The reports that are there, on the first of the unanswered files, in their order.

        When the worker died or took too long over a single one, "reading stopped" is its report. Several are
        left unanswered, and so is a single one, unless it was handed over `again`, when the worker was killed
        by somebody else. After a worker was stopped it is of no more use: `alive` is False.
        """
        reports: list[Report] = []
        if not self.unanswered:
            return reports
        try:
            if self.connection.poll():
                for line in self.connection.recv_bytes(MAX_BYTES).split(b"\n"):
                    report = self._taken(line)
                    reports.append(report)
                self._deadline = time.monotonic() + self._limits.wall_s
                return reports
        except (EOFError, OSError, ValueError):
            return reports + self._ended()
        late_s = time.monotonic() - self._deadline
        if late_s > _UNWATCHED_S:
            self._deadline = time.monotonic() + self._limits.wall_s
        elif late_s >= 0:
            return self._stopped(f"it took longer than {self._limits.wall_s:g} s")
        return reports

    def _taken(self, line: bytes) -> Report:
        """The report on the next file; raises ValueError when it is none."""
        report = unpacked(line)
        if not self.unanswered or report.name != self.unanswered[0].name:
            raise ValueError("a report on another file")
        self.unanswered.popleft()
        self.done += 1
        self._clears = not report.whole
        return report

    def _ended(self) -> list[Report]:
        self._process.join(_UNWATCHED_S)
        if self._process.exitcode == -signal.SIGKILL and not self._again:  # no file does that
            self.close()
            return []
        return self._stopped("its process ended: memory or processor time ran out")

    def _stopped(self, why: str) -> list[Report]:
        self.close()
        if len(self.unanswered) != 1:
            return []
        found = Finding("reading_stopped", "reading the file had to be stopped", why)
        return [unjudged(self.unanswered.popleft().name, found, self._at)]

    @property
    def alive(self) -> bool:
        """Whether more files may be handed over."""
        return not self.connection.closed and self.done < self._limits.files_per_worker

    def close(self) -> None:
        """End the process; at once, whatever it is doing."""
        self.connection.close()
        self._process.kill()
        self._process.join()
        self._process.close()


def _work(connection: Connection, assignment: Assignment) -> None:
    """The child's life: receive paths, send reports, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it reaches all; the parent ends this one
    logging.disable(logging.CRITICAL)  # libraries narrate hostile files at length
    warnings.simplefilter("ignore")  # as above
    limits = assignment.limits
    bound_memory(limits.address_space_bytes)
    trust = Trust(assignment.trust)
    online = _online(assignment)
    # of what is asked, the quick look doesn't know
    alone = assignment.quick and online is None
    quick = Quick(assignment.trust, assignment.at, trust.lists) if alone else None

    def judge(name: str, path: str, member: int | None, content: bytes | None) -> bytes:
        bound_processor_time(limits.cpu_s)
        source = Source(name, Path(path), member, content)
        return packed(judge_file(source, trust, assignment, quick, online))

    while True:
        try:
            _answer(connection, connection.recv(), judge)
        except (EOFError, ConnectionError):  # nobody asks any more
            return


def _answer(
    connection: Connection,
    asked: Sequence[tuple[str, str, int | None, bytes | None]],
    judge: Callable[[str, str, int | None, bytes | None], bytes],
) -> None:
    """Send a report on each file, a line each; those of a few milliseconds together."""
    lines: list[bytes] = []
    told = time.monotonic()
    for each in asked:
        lines.append(judge(*each))
        now = time.monotonic()
        if now - told > _TOGETHER_S or len(lines[-1]) > _TOGETHER_BYTES:
            connection.send_bytes(b"\n".join(lines))
            lines, told = [], now
    if lines:
        connection.send_bytes(b"\n".join(lines))


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


def _within(size: int, limits: Limits) -> Finding | None:
    if size <= limits.file_bytes:
        return None
    return too_large(limits.file_bytes, f"{size} bytes")


def _read(source: Source, limits: Limits) -> bytes | Finding:
    path = source.path
    if source.content is not None:
        return _within(len(source.content), limits) or source.content
    try:
        if not path.is_file():
            return _no_file(path)
        if source.member is not None:
            return read_member(source, limits.file_bytes)
        return _within(path.stat().st_size, limits) or path.read_bytes()
    except OSError as error:
        return unopened("file_unreadable", mark("the file cannot be opened ({why:word})"), error)
    except Exception as error:  # noqa: BLE001 (an archive's reader stumbles in a dozen ways)
        told = f"{type(error).__name__}: {str(error)[:200]}"
        return Finding("file_unreadable", "the file cannot be read from its archive", told)
