"""A worker's life: its database goes away, others hold its locks, chores take their time."""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jobs_toy
import pytest
from jobs_toy import QUICK, Toy, now
from procrastinate import periodic
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from sqlalchemy import text
from sqlalchemy.orm import Session

from certs.serve_authority import AuthorityServer
from documents.errors import KindProblems
from tests.databases import Database, intruder
from tests.postgresql import Server
from tests.steps_office import Sample
from workflow import jobs as queue
from workflow import sqlite_connector, step_render
from workflow.chores import Chore
from workflow.commands import StepRef, StepTrouble
from workflow.errors import Raced
from workflow.eventlog import Appender
from workflow.jobs import RECOVER, Jobs
from workflow.outcomes import StepOutcome, Verdict
from workflow.store import Store
from workflow.workbench import ProfileMissing

YEARLY = "0 0 1 1 *"
LIMIT_S = 180
SHORT_S = 0.1
CALM = replace(QUICK, heartbeat_s=0.9, silent_s=1.9)
only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


@pytest.fixture
def toy(database: Database) -> Iterator[Toy]:
    toy = Toy(jobs_toy.make_store(database.url))
    yield toy
    toy.store.close()


async def until(condition: Callable[[], bool], *, beside: "asyncio.Task[None]") -> None:
    """Wait until something has happened, while a worker works."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert not beside.done(), beside
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def stopped(*working: "asyncio.Task[None]") -> None:
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)


# --- its database


@only_postgresql
def test_a_worker_waits_for_a_server_that_is_away(
    toy: Toy, postgresql: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queue, "OPENED_WITHIN_S", 0.3)
    toy.submit(2)
    postgresql.stop()

    def lost() -> int:
        return [record.getMessage() for record in caplog.records].count("database_lost")

    async def body() -> None:
        working = asyncio.create_task(toy.work(until_idle=False))
        await until(lambda: lost() == 1, beside=working)
        await asyncio.sleep(2)  # several tries, none of which ends it
        assert not working.done()
        monkeypatch.undo()
        postgresql.start()
        await until(lambda: toy.states() == {"end": 2}, beside=working)
        await stopped(working)

    with caplog.at_level(logging.INFO):
        asyncio.run(body())


def test_a_worker_that_is_told_to_try_again_does(toy: Toy) -> None:
    told = 0

    def waiting(session: Session) -> list[StepRef]:
        nonlocal told
        told += 1
        if told == 1:
            raise Raced("The database gave another transaction the way.", hint="Try again.")
        return toy.waiting(session)

    toy.submit(2)
    asyncio.run(
        toy.jobs.run_worker(toy.run_steps, on_gave_up=toy.on_gave_up, waiting=waiting, until_idle=True)
    )
    assert told > 1
    assert toy.states() == {"end": 2}


async def write_fails_once(store: Store) -> None:
    """Let the next thing fail that somebody writes to a job that runs: its lock is held, or its connection
    ends.
    """
    with intruder(store, guarded=True) as other:
        if store.embedded:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(4 * SHORT_S)
            return
        other.execute("SELECT id FROM procrastinate_jobs WHERE status = 'doing' FOR UPDATE")
        ended: list[Any] = []
        while not ended:
            await asyncio.sleep(0.02)
            ended = other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchall()


def test_a_job_whose_end_could_not_be_written_is_taken_up_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker lives and shows it: nobody would ever call the job a dead worker's."""
    monkeypatch.setattr(sqlite_connector, "BUSY_TIMEOUT_S", SHORT_S)
    toy.jobs = Jobs(toy.store, now=now, random=lambda: 0.0, patience=CALM)
    failing: list[asyncio.Task[None]] = []

    async def run_steps(refs: Sequence[StepRef]) -> list[StepOutcome]:
        outcomes = await toy.run_steps(refs)
        if not failing:
            failing.append(asyncio.create_task(write_fails_once(toy.store)))
            await asyncio.sleep(SHORT_S)
        return outcomes

    async def body() -> None:
        working = asyncio.create_task(
            toy.jobs.run_worker(run_steps, on_gave_up=toy.on_gave_up, waiting=toy.waiting)
        )
        await until(lambda: toy.states() == {"end": 1}, beside=working)
        await stopped(working)

    toy.submit(1)
    asyncio.run(body())


def test_a_chore_whose_end_could_not_be_written_comes_again(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connector, "BUSY_TIMEOUT_S", SHORT_S)
    toy.jobs = Jobs(toy.store, now=now, random=lambda: 0.0, patience=CALM)
    done: list[int] = []

    async def body() -> None:
        loop = asyncio.get_running_loop()

        def chore() -> None:
            done.append(len(done))
            if len(done) == 1:
                asyncio.run_coroutine_threadsafe(write_fails_once(toy.store), loop)
                time.sleep(SHORT_S)

        working = asyncio.create_task(
            toy.jobs.run_worker(
                toy.run_steps,
                on_gave_up=toy.on_gave_up,
                waiting=toy.waiting,
                chores=[Chore("one", YEARLY, chore)],
            )
        )
        await until(lambda: len(done) > 1, beside=working)
        await stopped(working)

    asyncio.run(body())


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_worker_is_seen_whatever_the_clock_of_who_looks(toy: Toy, ahead: timedelta) -> None:
    """A server's clock is another than ours; on SQLite a heartbeat is written by the worker's own."""
    toy.jobs = Jobs(toy.store, now=lambda: now() + ahead, random=lambda: 0.0, patience=QUICK)

    def seen() -> tuple[int, int]:
        with toy.store.read() as session:
            workers = toy.jobs.workers(session)
        return workers.alive, workers.silent

    async def body() -> None:
        working = asyncio.create_task(toy.work(until_idle=False))
        await until(lambda: seen() == (1, 0), beside=working)
        await stopped(working)

    asyncio.run(body())
    with toy.store.write() as session:  # one that was stopped while it began may have left its row
        session.execute(text("DELETE FROM procrastinate_workers"))
        session.execute(
            text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at)"),
            {"at": (now() - timedelta(hours=2)).isoformat(timespec="microseconds")},
        )
    assert seen() == (0, 1)


def test_periodic_work_goes_on_when_a_clock_that_was_ahead_is_set_right(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.jobs.EVERY_FIVE_SECONDS", "* * * * * *")
    ahead_s, asked = 3600.0, []
    monkeypatch.setattr(periodic, "time", SimpleNamespace(time=lambda: time.time() + ahead_s))
    defer = JobManager.defer_periodic_job

    async def counted(self: JobManager, job: Job, *rest: Any, **named: Any) -> int | None:
        asked.append(job.task_name)
        return await defer(self, job, *rest, **named)

    monkeypatch.setattr(JobManager, "defer_periodic_job", counted)

    async def body() -> None:
        nonlocal ahead_s
        working = asyncio.create_task(toy.work(until_idle=False))
        await until(lambda: RECOVER in asked, beside=working)
        ahead_s = 0.0
        asked.clear()
        await until(lambda: asked.count(RECOVER) > 1, beside=working)
        await stopped(working)

    asyncio.run(body())


# --- others' locks


@contextmanager
def locked(store: Store) -> Iterator[threading.Event]:
    """Somebody else holds the log's write lock, until told to let go."""
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with store.write() as session:
            Appender.lock(session, os.urandom)
            held.set()
            let_go.wait(LIMIT_S)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(LIMIT_S)
    try:
        yield let_go
    finally:
        let_go.set()
        thread.join()


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    sample = Sample.open(tmp_path, database.environ)
    yield sample
    sample.office.close()


def at_rendering(sample: Sample) -> int:
    number = sample.submit("A4")
    while sample.request(number).state != "rendering":
        sample.act([number])
    return number


def test_a_step_that_waits_for_a_lock_stops_nothing_else(sample: Sample) -> None:
    """What lets go of the lock runs in the worker's own event loop."""
    number = at_rendering(sample)

    async def body() -> None:
        with locked(sample.office.store) as let_go:
            working = asyncio.create_task(sample.run_steps())
            await asyncio.sleep(1)
            assert not working.done()
            let_go.set()
            assert [outcome.code for outcome in await working] == [""]

    asyncio.run(body())
    assert sample.request(number).state == "sign"


def test_no_step_writes_in_the_event_loop(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """Render, sign and deliver; a step that goes back, and one that is given up."""
    writers: list[threading.Thread] = []
    write = Store.write

    def noted(store: Store) -> "object":
        writers.append(threading.current_thread())
        return write(store)

    async def worker() -> None:
        async with sample.office.steps() as steps:
            await sample.office.jobs.run_worker(
                steps.run, on_gave_up=steps.give_up, waiting=steps.waiting, until_idle=True
            )

    def work() -> None:
        writers.clear()
        with monkeypatch.context() as patched:
            patched.setattr(Store, "write", noted)
            asyncio.run(worker())
        assert writers
        assert threading.current_thread() not in writers

    number, bad, worse = (at_rendering(sample) for _ in range(3))
    draw = step_render._draw

    def drawn(bench: object, one: object) -> object:
        if one.ref.request_id == bad:  # type: ignore[attr-defined]
            raise KindProblems("employer_declaration", [])
        if one.ref.request_id == worse:  # type: ignore[attr-defined]
            raise ProfileMissing("It never works.", hint="Put it back.")
        return draw(bench, one)  # type: ignore[arg-type]

    monkeypatch.setattr(step_render, "_draw", drawn)
    with AuthorityServer(sample.office.authority.folder):
        work()
        sample.act([number])
        work()
    assert sample.request(number).state == "delivered"
    assert sample.request(bad).state != "rendering"
    assert len(sample.incidents(worse)) == 1


@only_sqlite
@pytest.mark.slow
def test_who_waits_for_the_write_lock_with_everybody_is_not_taken_for_dead(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker has a step in hand, another looks for the dead, and a third party stops all heartbeats."""
    monkeypatch.setattr(queue, "EVERY_FIVE_SECONDS", "* * * * * *")
    patience = replace(QUICK, heartbeat_s=0.5, silent_s=2.0)
    both = [Jobs(toy.store, now=now, random=lambda: 0.0, patience=patience) for _ in range(2)]
    begun, runs = asyncio.Event(), []

    async def slow(refs: Sequence[StepRef]) -> list[StepOutcome]:
        runs.append(refs)
        begun.set()
        await asyncio.sleep(6)
        return [StepOutcome.done(ref) for ref in refs]

    def work(jobs: Jobs) -> Awaitable[None]:
        return jobs.run_worker(slow, on_gave_up=toy.on_gave_up, waiting=lambda _: [])

    async def body() -> None:
        working = [asyncio.ensure_future(work(jobs)) for jobs in both]
        await begun.wait()
        with locked(Store(toy.store.url)):
            await asyncio.sleep(4)
        await until(
            lambda: toy.count("procrastinate_jobs WHERE queue_name = 'steps'") == 0, beside=working[0]
        )
        await stopped(*working)

    toy.submit(1)
    asyncio.run(body())
    assert len(runs) == 1
    assert [jobs.meters.recovered._value.get() for jobs in both] == [0, 0]


# --- its chores


def test_a_chore_takes_no_steps_place(toy: Toy) -> None:
    """It is in hand from the start on; meanwhile the worker is there, and does what it is there for."""
    begun, let_go, ends = threading.Event(), threading.Event(), []

    def chore() -> None:
        begun.set()
        ends.append(let_go.wait(LIMIT_S))

    def alive() -> int:
        with toy.store.read() as session:
            return toy.jobs.workers(session).alive

    async def body() -> None:
        working = asyncio.ensure_future(
            toy.jobs.run_worker(
                toy.run_steps,
                on_gave_up=toy.on_gave_up,
                waiting=toy.waiting,
                chores=[Chore("slow", YEARLY, chore)],
            )
        )
        await until(begun.is_set, beside=working)
        toy.submit(2)
        await until(lambda: toy.states() == {"end": 2}, beside=working)
        assert alive() == 1
        working.cancel()
        await asyncio.sleep(0.2)
        assert not working.done()  # it finishes what is in hand
        let_go.set()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(body())
    assert ends == [True]
    assert toy.count("procrastinate_jobs WHERE queue_name = 'chores'") == 0


def test_a_chore_is_done_by_one_worker_at_a_time(toy: Toy) -> None:
    inside, most, done = 0, 0, 0
    lock = threading.Lock()

    def chore() -> None:
        nonlocal inside, most, done
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.2)
        with lock:
            inside -= 1
            done += 1

    async def body() -> None:
        chores = [Chore("one", YEARLY, chore)]
        working = [
            asyncio.ensure_future(
                toy.jobs.run_worker(
                    toy.run_steps, on_gave_up=toy.on_gave_up, waiting=toy.waiting, chores=chores
                )
            )
            for _ in range(4)
        ]
        await until(
            lambda: done > 0 and toy.count("procrastinate_jobs WHERE queue_name = 'chores'") == 0,
            beside=working[0],
        )
        await stopped(*working)

    asyncio.run(body())
    assert most == 1


def test_until_idle_the_chores_are_done_too_and_a_bad_one_ends_nothing(
    toy: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def bad() -> None:
        raise ZeroDivisionError

    chores = [Chore("bad", YEARLY, bad), Chore("good", YEARLY, lambda: done.append("good"))]
    toy.submit(2)
    asyncio.run(
        toy.jobs.run_worker(
            toy.run_steps, on_gave_up=toy.on_gave_up, waiting=toy.waiting, chores=chores, until_idle=True
        )
    )
    assert done == ["good"]
    assert toy.states() == {"end": 2}
    assert "chore_failed" in [record.getMessage() for record in caplog.records]


@only_sqlite
def test_what_a_dead_worker_had_in_hand_of_chores_stops_no_later_one(toy: Toy) -> None:
    done: list[str] = []
    columns = "queue_name, task_name, lock, queueing_lock, status, status_at"
    values = "'chores', 'paraaf.one', 'paraaf.one', 'paraaf.one', 'doing', '2026'"
    with toy.store.write() as session:
        session.execute(text(f"INSERT INTO procrastinate_jobs ({columns}) VALUES ({values})"))  # noqa: S608 (ours)
    asyncio.run(
        toy.jobs.run_worker(
            toy.run_steps,
            on_gave_up=toy.on_gave_up,
            waiting=toy.waiting,
            chores=[Chore("one", YEARLY, lambda: done.append("one"))],
            until_idle=True,
        )
    )
    assert done == ["one"]
    assert toy.count("procrastinate_jobs WHERE queue_name = 'chores'") == 0


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_server_ends_a_transaction_of_the_queue_that_stands_idle(
    tmp_path: Path, database: Database
) -> None:
    """That of a worker that was stopped in the middle of one: it would hold all others for ever."""
    office = Sample.open(tmp_path, environ=database.environ).office

    async def limit() -> str:
        async with office.jobs._app().open_async() as app:
            [row] = await app.connector.execute_query_all_async("SHOW idle_in_transaction_session_timeout")
            return str(row["idle_in_transaction_session_timeout"])

    assert asyncio.run(limit()) == f"{office.store.idle_ms // 1000}s"
    office.close()


def test_an_incident_that_cannot_be_written_keeps_no_other_of_its_chunk_from_its_own(toy: Toy) -> None:
    refs, given = toy.submit(3), set[int]()

    async def hopeless(refs: Sequence[StepRef]) -> list[StepOutcome]:
        return [StepOutcome.gave_up(ref, "toy-hopeless", "Never.") for ref in refs]

    def give_up(trouble: StepTrouble) -> None:
        if trouble.ref == refs[0]:
            raise ValueError("this row can't be read")
        given.add(trouble.ref.request_id)

    def retried() -> list[tuple[StepRef, str]]:
        with toy.store.read() as session:
            return [(retry.ref, retry.code) for retry in toy.jobs.retries(session)]

    async def work() -> None:
        worker = asyncio.ensure_future(
            toy.jobs.run_worker(hopeless, on_gave_up=give_up, waiting=lambda _: [])
        )
        await until(lambda: given == {2, 3} and retried() == [(refs[0], "toy-hopeless")], beside=worker)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work(), LIMIT_S))


@only_sqlite  # PostgreSQL takes nothing that is no JSON
def test_a_request_whose_data_cannot_be_read_gets_its_incident(tmp_path: Path, database: Database) -> None:
    sample = Sample.open(tmp_path, database.environ, patience=replace(QUICK, tries=2))
    number = sample.submit("A3")
    while sample.request(number).state != "rendering":
        sample.act([number])
    with intruder(sample.office.store, guarded=False) as owner:
        owner.execute("UPDATE requests SET data = '{' WHERE id = ?", (number,))

    def incident() -> bool:
        with sample.office.store.read() as session:
            return session.scalars(text("SELECT code FROM incidents")).all() == ["step-crashed"]

    async def work() -> None:
        worker = asyncio.ensure_future(sample.office.work())
        await until(incident, beside=worker)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    asyncio.run(asyncio.wait_for(work(), LIMIT_S))
    sample.office.close()


def test_a_step_that_cannot_be_recorded_keeps_no_other_of_its_batch_from_being_recorded(
    tmp_path: Path, database: Database
) -> None:
    sample = Sample.open(tmp_path, database.environ)
    with AuthorityServer(sample.office.authority.folder):
        bad, good = sample.submit("A3"), sample.submit("A3")
        for number in (bad, good):
            asyncio.run(sample.run_until("sealing", number))
        data = dict(sample.request(bad).data)
        data["employment"] = {key: value for key, value in data["employment"].items() if key != "contract"}
        with intruder(sample.office.store, guarded=False) as owner:
            owner.execute("UPDATE requests SET data = ? WHERE id = ?", (json.dumps(data), bad))
        refs = [*sample.waiting(bad), *sample.waiting(good)]
        told = {outcome.ref.request_id: outcome for outcome in asyncio.run(sample.run_steps(refs))}
    assert (told[bad].verdict, told[bad].code) == (Verdict.GAVE_UP, "workflow-fact-missing")
    assert told[good].verdict is Verdict.DONE
    assert sample.request(bad).state == "sealing"
    assert sample.request(good).state != "sealing"
    assert sample.documents(good)[-1].level_reached is not None
    sample.office.close()
