"""Many files: folders walked, workers kept busy, results in the order in which the files were named."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from multiprocessing.connection import wait
from pathlib import Path

from certs.fenced_fetch import AllowedHosts
from certs.trust import TrustStore
from signing.verify.fence import Assignment, Worker, verifying_context
from signing.verify.findings import Finding
from signing.verify.limits import DEFAULT_LIMITS, Limits
from signing.verify.report import Report
from signing.verify.trust import TrustMaterial
from signing.verify.verdict import unjudged

_AHEAD = 64  # files that may be finished before an earlier, slower one: keeps memory flat


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
    """Judge files, and the PDFs in folders and the folders below them, each in a fenced process.

    With `quick`, a file that differs from one already called authentic in nothing but its slots is cleared
    by a quick look, as its report says; all others get the whole validation.

    Yields one report a file, in order, as soon as it and those before it are ready. A file named by itself
    is read whatever it is called; in folders, files ending in .pdf are taken. Nothing that a file holds ends
    the run. Nobody is called, but for current revocation answers from the hosts of `online`.
    """
    fixed = at is not None or online is None
    assignment = Assignment(TrustMaterial.of(trust), at or now, limits, quick, online, fixed)
    pool = _Pool(assignment, max(1, jobs))
    try:
        yield from pool.run(_found(paths, assignment.at))
    finally:
        pool.close()


def _found(paths: Iterable[Path], at: datetime) -> Iterator[Path | Report]:
    """Files to judge, in a stable order, and reports where there is nothing to judge."""
    for path in paths:
        try:
            if not path.is_dir():
                yield path
                continue
        except OSError as error:  # a name that is too long, say
            finding = Finding("file_unreadable", f"it cannot be opened ({error.strerror})")
            yield unjudged(str(path), finding, at)
            continue
        inside = sorted(_inside(path), key=lambda item: item[0])
        if not inside:
            finding = Finding("folder_without_pdf", "the folder holds no PDF files")
            yield unjudged(str(path), finding, at)
        for found, why in inside:
            yield found if why is None else unjudged(str(found), why, at)


def _inside(folder: Path) -> Iterator[tuple[Path, Finding | None]]:
    """The PDFs below a folder, and the folders that nobody looked into, each with the reason.

    Links to folders are not followed: they lead elsewhere, or round in a circle.
    """
    unread: list[OSError] = []
    for name, folders, names in os.walk(folder, onerror=unread.append):
        here = Path(name)
        for each in folders:
            if (here / each).is_symlink():
                yield here / each, Finding("folder_linked", "a link to a folder is not followed")
        yield from ((here / each, None) for each in names if each.lower().endswith(".pdf"))
    for error in unread:
        told = f"the folder cannot be read ({error.strerror})"
        yield Path(error.filename or folder), Finding("folder_unreadable", told)


class _Pool:
    """Workers that are replaced when they die, and reports put back into order."""

    def __init__(self, assignment: Assignment, jobs: int) -> None:
        self._assignment = assignment
        self._jobs = jobs
        self._context = verifying_context()
        self._workers: list[Worker] = []
        self._numbers: dict[Worker, int] = {}
        self._finished: dict[int, Report] = {}

    def run(self, found: Iterator[Path | Report]) -> Iterator[Report]:
        """Judge everything found."""
        waiting: deque[tuple[int, Path]] = deque()
        next_out = total = 0
        exhausted = False
        while not exhausted or next_out < total:
            while not exhausted and len(waiting) < self._jobs and total - next_out < _AHEAD:
                item = next(found, None)
                if item is None:
                    exhausted = True
                elif isinstance(item, Report):
                    self._finished[total] = item
                    total += 1
                else:
                    waiting.append((total, item))
                    total += 1
            self._hand_out(waiting)
            self._collect()
            while next_out in self._finished:
                yield self._finished.pop(next_out)
                next_out += 1

    def _hand_out(self, waiting: deque[tuple[int, Path]]) -> None:
        while waiting:
            idle = [worker for worker in self._workers if worker.path is None]
            if not idle:
                if len(self._workers) >= self._jobs:
                    return
                idle = [Worker(self._context, self._assignment)]
                self._workers += idle
            number, path = waiting.popleft()
            self._numbers[idle[0]] = number
            idle[0].begin(path)

    def _collect(self) -> None:
        busy = [worker for worker in self._workers if worker.path is not None]
        if not busy:
            return
        wait([worker.connection for worker in busy], timeout=min(worker.remaining_s() for worker in busy))
        for worker in busy:
            report = worker.collect()
            if report is None:
                continue
            self._finished[self._numbers.pop(worker)] = report
            if not worker.alive:
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
