"""Whole requests a second with 1, 2 and 4 workers, on both databases: `python -m benchmarks.workers`.

The workers run before the clock starts. From then on people's commands come in batches of a hundred from
this process, while the workers render, seal and deliver; the clock stops when everything is delivered.
Everybody shares the machine's cores: people, workers, the database server and the development authority.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from time import monotonic, perf_counter, sleep

from sqlalchemy import ColumnElement, func, select

from benchmarks.batch import Batch
from certs.serve_authority import AuthorityServer
from documents.intake import read_bytes
from documents.register import SAMPLE
from tests.postgresql import APPLICATION, Server, url_of
from workflow.office import REGISTER_FILE, Office
from workflow.people import update_people
from workflow.store import FILE, VARIABLE
from workflow.tables import Request

COUNT, WORKERS, ROUNDS = 400, (1, 2, 4), 2
STEPS_EACH = 3  # render, seal, deliver
LIMIT_S = 300


@dataclass(frozen=True)
class Measured:
    """One run: requests a second from submission to delivery."""

    database: str
    workers: int
    rate: float


def measure(*, count: int = COUNT) -> list[Measured]:
    """Every number of workers on both databases; the faster of the rounds is kept."""
    rows = []
    with ExitStack() as stack:
        server = Server.make()
        stack.callback(server.remove)
        for kind in ("sqlite", "postgresql"):
            for workers in WORKERS:
                rates = [_rate(kind, workers, count, server) for _ in range(ROUNDS)]
                rows.append(Measured(kind, workers, max(rates)))
    return rows


def _rate(kind: str, workers: int, count: int, server: Server) -> float:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / FILE}"
        if kind == "postgresql":
            name = stack.enter_context(server.database())
            url = url_of(server.port, name, APPLICATION).render_as_string()
        office = stack.enter_context(_office(folder, url))
        stack.enter_context(AuthorityServer(office.authority.folder))
        for _ in range(workers):
            stack.enter_context(_worker(folder, url))
        _wait(lambda: _alive(office) == workers)
        batch = Batch(office, "A4")
        intake = read_bytes(
            batch.file(count), "employer_declaration", on=batch.today, register=batch.register
        )
        begun = perf_counter()
        requests = batch.submit(intake.rows)
        batch.approve(requests)
        _wait(lambda: not _count(office, Request.state == "rendering"))
        batch.release([number for number, _ in requests])
        _wait(lambda: _count(office, Request.outcome == "done") == count)
        return count / (perf_counter() - begun)


@contextmanager
def _office(folder: Path, url: str) -> Iterator[Office]:
    shutil.copyfile(SAMPLE, folder / REGISTER_FILE)
    office = Office.open(folder, environ={VARIABLE: url})
    assert office.register is not None
    with office.store.write() as session:
        update_people(session, office.register, now=office.clock())
    yield office
    office.close()


@contextmanager
def _worker(folder: Path, url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.workers", "worker", str(folder), url]
    with Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


def _alive(office: Office) -> int:
    with office.store.read() as session:
        return office.jobs.workers(session).alive


def _count(office: Office, condition: ColumnElement[bool]) -> int:
    with office.store.read() as session:
        return session.scalar(select(func.count()).select_from(Request.table()).where(condition)) or 0


def _wait(condition: Callable[[], bool]) -> None:
    end = monotonic() + LIMIT_S
    while not condition():
        assert monotonic() < end, "it took too long"
        sleep(0.02)


def table() -> str:
    """The measurements as text."""
    rows = measure()
    lines = [
        f"{COUNT} requests (A4, B-LTA), whole requests and automatic steps a second",
        f"{'database':<14}{'workers':>8}{'requests/s':>12}{'steps/s':>10}{'× one':>8}",
    ]
    for row in rows:
        one = next(each.rate for each in rows if (each.database, each.workers) == (row.database, 1))
        figures = f"{row.rate:>12.0f}{STEPS_EACH * row.rate:>10.0f}{row.rate / one:>8.2f}"
        lines.append(f"{row.database:<14}{row.workers:>8}{figures}")
    return "\n".join(lines)


def work(folder: str, url: str) -> None:
    """Be a worker until SIGTERM."""
    office = Office.open(Path(folder), environ={VARIABLE: url})
    try:
        asyncio.run(office.work())
    finally:
        office.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        work(*sys.argv[2:])
    else:
        print(table())
