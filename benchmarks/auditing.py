"""How fast the log leaves the office and is judged elsewhere: `python -m benchmarks.auditing [EVENTS]`.

The log is a real one on SQLite, with an anchor; a million events take a minute or two to make.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from audit import verify_log
from benchmarks.engine import FACTS
from certs.serve_authority import AuthorityServer
from workflow.eventlog import Appender
from workflow.logcheck import verify
from workflow.logexport import Export
from workflow.office import Office
from workflow.store import Store

EVENTS = 100_000
BATCH = 1000
ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """One kind of work: events a second of processor time, best of the rounds."""

    name: str
    a_second: float


def fill(store: Store, events: int) -> None:
    """Events such as the engine writes, each with a body."""
    for _ in range(0, events, BATCH):
        with store.write() as session:
            log = Appender.lock(session, bytes)
            for _ in range(BATCH):
                log.append(
                    "request_advanced",
                    at=datetime.now(UTC),
                    request_id=None,
                    facts={**FACTS, "task": log.head.seq},
                    body={"actor": "clerk"},
                )
            log.write()


def rate(name: str, events: int, work: Callable[[], object]) -> Measured:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return Measured(name, events / min(times))


def write_export(store: Store, file: Path, *, with_bodies: bool) -> None:
    with store.read() as session, file.open("wb") as out:
        out.writelines(Export.begin(session, with_bodies=with_bodies).lines(now=datetime.now(UTC)))


def measure(folder: Path, events: int) -> list[Measured]:
    office = Office.open(folder, environ={})
    fill(office.store, events)
    with AuthorityServer(office.authority.folder):
        asyncio.run(office.anchor())
    plain, full = folder / "plain.jsonl", folder / "full.jsonl"

    def judge(file: Path) -> None:
        report = verify_log.verify(verify_log.read_lines(file), trust=[office.authority.root])
        assert report.ok
        assert report.anchored_to == events

    def judge_here() -> None:
        with office.store.read() as session:
            report = verify(session, trust=office.authority.trust)
        assert report.ok
        assert report.anchored_to == events

    measured = [
        rate("verified in the office", events, judge_here),
        rate("exported", events, lambda: write_export(office.store, plain, with_bodies=False)),
        rate("verified offline", events, lambda: judge(plain)),
        rate("exported with bodies", events, lambda: write_export(office.store, full, with_bodies=True)),
        rate("verified offline, with bodies", events, lambda: judge(full)),
    ]
    office.close()
    return measured


def table(events: int = EVENTS) -> str:
    """The figures as a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), events)
    lines = [
        f"A log of {events:,} events and an anchor; a second of CPU, on one core.",
        "",
        "| what is done with the log | events a second | a million takes |",
        "|---|---|---|",
    ]
    lines += [f"| {one.name} | {one.a_second:,.0f} | {1e6 / one.a_second:.1f} s |" for one in measured]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS))
