"""Many files: folders walked, workers kept busy, results in the order in which the files were named."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from multiprocessing.connection import wait
from pathlib import Path

from certs.hosts import AllowedHosts
from certs.trust import TrustStore
from signing.verify.fence import AT_ONCE, Assignment, Worker, verifying_context
from signing.verify.limits import DEFAULT_LIMITS, Limits
from signing.verify.report import Report
from signing.verify.sources import Source, Unjudged, sources
from signing.verify.trust import TrustMaterial
from signing.verify.verdict import unjudged

_AHEAD = 64  # files that may be finished before an earlier, slower one: keeps memory flat

_Numbered = tuple[int, Source]  # its place among the results


def verify_paths(
    paths: Iterable[Path],
    trust: TrustStore,
    *,
    jobs: int = 1,
    at: datetime | None = None,
    now: datetime,
    limits: Limits = DEFAULT_LIMITS,
    quick: bool = False,
    online: AllowedHosts | None = None,
) -> Iterator[Report]:
    """Judge files, and the PDFs in folders and archives, each in a fenced process.

    With `quick`, a file that differs from one already called authentic in nothing but its slots is cleared
    by a quick look, as its report says; all others get the whole validation.

    Yields one report a file, in order, as soon as it and those before it are ready: see `sources`. Nothing
    that a file holds ends the run. Nobody is called, but for current revocation answers from the hosts of
    `online`.
    """
    found = sources(paths)
    yield from verify_sources(
        found, trust, jobs=jobs, at=at, now=now, limits=limits, quick=quick, online=online
    )


def verify_sources(
    found: Iterable[Source | Unjudged],
    trust: TrustStore,
    *,
    jobs: int = 1,
    at: datetime | None = None,
    now: datetime,
    limits: Limits = DEFAULT_LIMITS,
    quick: bool = False,
    online: AllowedHosts | None = None,
    traces: bool = False,
) -> Iterator[Report]:
    """As `verify_paths`, of what was found already; with `traces`, reports hold what a register needs."""
    fixed = at is not None or online is None
    assignment = Assignment(TrustMaterial.of(trust), at or now, limits, quick, online, fixed, traces)
    pool = _Pool(assignment, max(1, jobs))
    try:
        yield from pool.run(
            unjudged(one.name, one.finding, assignment.at) if isinstance(one, Unjudged) else one
            for one in found
        )
    finally:
        pool.close()


class _Pool:
    """Workers that are replaced when they die, and reports put back into order."""

    def __init__(self, assignment: Assignment, jobs: int) -> None:
        self._assignment = assignment
        self._jobs = jobs
        self._context = verifying_context()
        self._workers: list[Worker] = []
        self._numbers: dict[Worker, deque[int]] = {}
        self._finished: dict[int, Report] = {}
        self._waiting: deque[_Numbered] = deque()
        self._again: deque[_Numbered] = deque()  # each by itself: their process ended

    def run(self, found: Iterator[Source | Report]) -> Iterator[Report]:
        """Judge everything found."""
        next_out = total = 0
        exhausted = False
        while not exhausted or next_out < total:
            while not exhausted and len(self._waiting) < self._wanted and total - next_out < _AHEAD:
                item = next(found, None)
                if item is None:
                    exhausted = True
                elif isinstance(item, Report):
                    self._finished[total] = item
                    total += 1
                else:
                    self._waiting.append((total, item))
                    total += 1
            self._hand_out()
            self._collect()
            while next_out in self._finished:
                yield self._finished.pop(next_out)
                next_out += 1

    @property
    def _wanted(self) -> int:
        """How many files to have ready: no more than needed, for who names them may take a while."""
        idle = (worker for worker in self._workers if not worker.unanswered)
        return max(self._jobs, sum(min(worker.room, self._at_once) for worker in idle))

    @property
    def _at_once(self) -> int:
        """How many files go to a worker together, at most: so few that all workers have some."""
        return max(1, min(AT_ONCE, _AHEAD // (2 * self._jobs)))

    def _hand_out(self) -> None:
        while self._again or self._waiting:
            idle = [worker for worker in self._workers if not worker.unanswered]
            if not idle:
                if len(self._workers) >= self._jobs:
                    return
                idle = [Worker(self._context, self._assignment)]
                self._workers += idle
            again = bool(self._again)
            taken = self._next(min(idle[0].room, self._at_once))
            self._numbers[idle[0]] = deque(number for number, _ in taken)
            idle[0].begin([source for _, source in taken], again=again)

    def _next(self, most: int) -> "list[_Numbered]":
        if self._again:
            return [self._again.popleft()]
        return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def _collect(self) -> None:
        busy = [worker for worker in self._workers if worker.unanswered]
        if not busy:
            return
        wait([worker.connection for worker in busy], timeout=min(worker.remaining_s() for worker in busy))
        for worker in busy:
            numbers = self._numbers[worker]
            for report in worker.collect():
                self._finished[numbers.popleft()] = report
            if not worker.alive:
                self._again += zip(numbers, worker.unanswered, strict=True)
                del self._numbers[worker]
                self._workers.remove(worker)
                _end([worker])

    def close(self) -> None:
        """End all workers."""
        _end(self._workers)
        self._workers = []


def _end(workers: Sequence[Worker]) -> None:
    for worker in workers:
        if not worker.connection.closed:
            worker.close()
