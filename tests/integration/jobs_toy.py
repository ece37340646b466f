"""A toy of the workflow for the queue's tests: requests in automatic states, each step recorded once.

Started as a program it is a worker process: `python jobs_toy.py URL [until-idle]`; TOY_… say how it behaves.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from tests.databases import intruder
from tests.nursery import Born, born_module
from tests.postgresql import APPLICATION
from workflow.commands import StepRef, StepTrouble
from workflow.jobs import Jobs
from workflow.outcomes import Patience, StepOutcome
from workflow.store import Store

ROOT = Path(__file__).resolve().parents[2]
NEXT = {"one": "two", "two": "three", "three": "end"}
TABLES = (
    "CREATE TABLE toy (id INTEGER PRIMARY KEY, state TEXT, step_seq INTEGER, trouble TEXT)",
    "CREATE TABLE toy_done (id INTEGER, state TEXT, worker INTEGER, PRIMARY KEY (id, state))",
    "CREATE TABLE toy_runs (id INTEGER, state TEXT, worker INTEGER, at DOUBLE PRECISION)",
)
QUICK = Patience(
    tries=4, first_wait_s=0.02, longest_wait_s=0.1, heartbeat_s=0.15, silent_s=0.7, poll_s=0.05, deaths=3
)


def now() -> datetime:
    return datetime.now(UTC)


def make_store(url: URL) -> Store:
    store = Store(url)
    with intruder(store, guarded=True) as owner:
        for table in TABLES:
            owner.execute(table)
            if not store.embedded:
                owner.execute(f"GRANT ALL ON {table.split()[2]} TO {APPLICATION}")
    return store


@dataclass
class Toy:
    """The toy's requests, its steps and what went wrong in them."""

    store: Store
    patience: Patience = QUICK
    poison: frozenset[int] = frozenset()  # requests whose step kills the process
    bad: frozenset[int] = frozenset()  # requests whose step never works
    flaky: dict[int, int] = field(default_factory=dict)  # requests whose step fails so many times
    body_s: float = 0.0
    note_runs: bool = False
    jobs: Jobs = field(init=False)

    def __post_init__(self) -> None:
        self.jobs = Jobs(self.store, now=now, random=random.random, patience=self.patience)

    def submit(self, count: int, *, first: int = 1, together: bool = True) -> list[StepRef]:
        refs = [StepRef(number, "one", 1) for number in range(first, first + count)]
        with self.store.write() as session:
            for ref in refs:
                session.execute(text("INSERT INTO toy VALUES (:id, 'one', 1, NULL)"), {"id": ref.request_id})
            if together:
                self.jobs.defer(session, refs)
            else:
                for ref in refs:
                    self.jobs.defer(session, [ref])
        return refs

    async def run_steps(self, refs: Sequence[StepRef]) -> list[StepOutcome]:
        return [await self._run(ref) for ref in refs]

    async def _run(self, ref: StepRef) -> StepOutcome:
        if self.note_runs:
            with self.store.write() as session:
                self._note(session, ref)
        if ref.request_id in self.poison:
            os.kill(os.getpid(), signal.SIGKILL)
        if ref.request_id in self.bad:
            return StepOutcome.retry(ref, "toy-bad", "It never works.")
        if self.flaky.get(ref.request_id, 0) > 0:
            self.flaky[ref.request_id] -= 1
            return StepOutcome.retry(ref, "toy-flaky", "Not yet.")
        await asyncio.sleep(self.body_s)
        with self.store.write() as session:
            self._record(session, ref)
        return StepOutcome.done(ref)

    def _note(self, session: Session, ref: StepRef) -> None:
        session.execute(
            text("INSERT INTO toy_runs VALUES (:id, :state, :worker, :at)"),
            {"id": ref.request_id, "state": ref.state, "worker": os.getpid(), "at": time.monotonic()},
        )

    def _record(self, session: Session, ref: StepRef) -> None:
        following = StepRef(ref.request_id, NEXT[ref.state], ref.step_seq + 1)
        moved = session.execute(
            text(
                "UPDATE toy SET state = :new, step_seq = :new_seq"
                " WHERE id = :id AND state = :state AND step_seq = :seq RETURNING id"
            ),
            {
                "id": ref.request_id,
                "state": ref.state,
                "seq": ref.step_seq,
                "new": following.state,
                "new_seq": following.step_seq,
            },
        ).all()
        if not moved:
            return
        session.execute(
            text("INSERT INTO toy_done VALUES (:id, :state, :worker)"),
            {"id": ref.request_id, "state": ref.state, "worker": os.getpid()},
        )
        if following.state != "end":
            self.jobs.defer(session, [following])

    def on_gave_up(self, trouble: StepTrouble) -> None:
        with self.store.write() as session:
            session.execute(
                text("UPDATE toy SET trouble = :trouble WHERE id = :id"),
                {"id": trouble.ref.request_id, "trouble": f"{trouble.code}: {trouble.message}"},
            )

    def waiting(self, session: Session) -> list[StepRef]:
        found = session.execute(
            text("SELECT id, state, step_seq FROM toy WHERE state <> 'end' AND trouble IS NULL")
        )
        return [StepRef(*row) for row in found]

    async def work(self, *, until_idle: bool = True, concurrency: int = 1) -> None:
        await self.jobs.run_worker(
            self.run_steps,
            on_gave_up=self.on_gave_up,
            waiting=self.waiting,
            until_idle=until_idle,
            concurrency=concurrency,
        )

    def states(self) -> dict[str, int]:
        with self.store.read() as session:
            found = session.execute(text("SELECT state, count(*) FROM toy GROUP BY state")).all()
            return dict(found)

    def troubles(self) -> dict[int, str]:
        with self.store.read() as session:
            found = session.execute(text("SELECT id, trouble FROM toy WHERE trouble IS NOT NULL")).all()
            return dict(found)

    def count(self, table: str) -> int:
        with self.store.read() as session:
            return int(session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608


def url_of(toy: Toy) -> str:
    """Where the toy's database is, for another process."""
    return toy.store.url.render_as_string(hide_password=False)


def born(toy: Toy, *words: str, **settings: str) -> AbstractContextManager[Born]:
    """The same at once, where nothing but its end is asked of it."""
    return born_module(__name__, [url_of(toy), *words], settings)


@contextmanager
def worker(toy: Toy, *words: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; killed at the end if it still runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    process = subprocess.Popen(
        [sys.executable, __file__, url_of(toy), *words], env=environment, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition: Callable[[], bool], limit_s: float = 180) -> None:
    """Wait until something has happened in another process."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def main() -> None:
    poison, body_s = os.environ.get("TOY_POISON", ""), os.environ.get("TOY_BODY", "0")
    toy = Toy(
        Store(sys.argv[1]),
        poison=frozenset(int(number) for number in poison.split(",") if number),
        patience=replace(QUICK, deaths=int(os.environ.get("TOY_DEATHS", QUICK.deaths))),
        body_s=float(body_s),
        note_runs="TOY_NOTE" in os.environ,
    )
    asyncio.run(
        toy.work(until_idle="until-idle" in sys.argv, concurrency=int(os.environ.get("TOY_CONCURRENCY", "1")))
    )


if __name__ == "__main__":
    main()
