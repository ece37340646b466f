"""What Procrastinate may expect of a connector: one contract, kept by its own for PostgreSQL and by ours."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App, PsycopgConnector, exceptions, jobs, sql
from procrastinate.manager import JobManager
from procrastinate.schema import SchemaManager
from sqlalchemy import text

from tests.databases import Database
from workflow.sqlite_connector import NEXT_JOB, QUERIES, SqliteConnector, time_text
from workflow.store import MIGRATIONS, Store

Job = jobs.Job
Status = jobs.Status


@dataclass
class Place:
    """A migrated database and how to connect Procrastinate to it."""

    store: Store
    connector: Callable[[], Any]

    @asynccontextmanager
    async def manager(self) -> AsyncIterator[JobManager]:
        app = App(connector=self.connector())
        async with app.open_async():
            yield app.job_manager


@pytest.fixture
def place(database: Database) -> Iterator[Place]:
    store = Store(database.url)
    conninfo = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    file = database.url.database or ""
    yield Place(
        store,
        lambda: (
            SqliteConnector(file, now=lambda: datetime.now(UTC))
            if database.kind == "sqlite"
            else PsycopgConnector(conninfo=conninfo)
        ),
    )
    store.close()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def job(name: str = "task", **more: Any) -> Job:
    given: dict[str, Any] = {"queue": "q", "lock": None, "queueing_lock": None, **more}
    return Job(task_name=name, **given)


async def take(manager: JobManager, worker: int, queues: list[str] | None = None) -> str | None:
    found = await manager.fetch_job(queues, worker)
    return found and found.task_name


def test_every_query_of_procrastinate_is_known_and_no_other() -> None:
    assert set(QUERIES) == set(sql.queries)


def test_the_tables_of_the_installed_procrastinate_are_those_of_our_migrations() -> None:
    """When it changes them, write a migration that does so too (its own are in procrastinate/sql/migrations),
    and have this compare with what they come to together."""
    frozen = MIGRATIONS / "versions" / "0002_procrastinate_3_10.sql"
    notice, _, tables = frozen.read_text(encoding="utf-8").partition("*/\n")
    assert tables == SchemaManager.get_schema()
    assert "MIT License" in notice
    assert "Joachim Jablon" in notice


def test_jobs_come_by_priority_then_age_and_once(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async(
                [job("a"), job("b", priority=5), job("c"), job("late", priority=-1)]
            )
            assert [await take(manager, worker) for _ in range(5)] == ["b", "a", "c", "late", None]

    run(body())


def test_a_job_comes_back_as_it_was_deferred(place: Place) -> None:
    due = datetime(2020, 2, 29, 12, 0, 0, 123456, tzinfo=UTC)

    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            args: dict[str, Any] = {"refs": [[1, "é", 2]], "n": None}
            made = await manager.defer_job_async(
                job("a", lock="l", queueing_lock="ql", task_kwargs=args, scheduled_at=due, priority=3)
            )
            found = await manager.fetch_job(None, worker)
            assert found is not None
            assert found == made.evolve(status="doing", worker_id=worker)

    run(body())


def test_a_worker_takes_from_its_queues_only(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async([job("a", queue="other"), job("b", queue="mine")])
            assert [await take(manager, worker, ["mine", "more"]) for _ in range(2)] == ["b", None]
            assert await take(manager, worker) == "a"

    run(body())


def test_a_job_waits_for_its_time(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            soon = datetime.now(UTC) + timedelta(seconds=0.3)
            await manager.defer_job_async(job("a", scheduled_at=soon))
            assert await take(manager, worker) is None
            await asyncio.sleep(0.35)
            assert await take(manager, worker) == "a"

    run(body())


def test_one_job_of_a_lock_at_a_time_in_order(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async([job("a", lock="x"), job("b", lock="x"), job("free")])
            first = await manager.fetch_job(None, worker)
            assert first is not None
            assert first.task_name == "a"
            assert [await take(manager, worker) for _ in range(2)] == ["free", None]
            await manager.finish_job(first, Status.SUCCEEDED, delete_job=True)
            assert await take(manager, worker) == "b"

    run(body())


def test_a_waiting_job_holds_later_ones_of_its_lock(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            await manager.defer_job_async(job("later", lock="x", scheduled_at=tomorrow))
            await manager.defer_job_async(job("held", lock="x"))
            assert await take(manager, worker) is None
            await manager.defer_job_async(job("urgent", lock="x", priority=1))
            assert await take(manager, worker) == "urgent"

    run(body())


def test_a_queueing_lock_admits_one_waiting_job(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.defer_job_async(job("a", queueing_lock="x"))
            with pytest.raises(exceptions.AlreadyEnqueued):
                await manager.batch_defer_jobs_async([job("never"), job("b", queueing_lock="x")])
            assert await take(manager, worker) == "a"
            await manager.defer_job_async(job("c", queueing_lock="x"))
            assert [found.task_name for found in await manager.list_jobs_async()] == ["a", "c"]

    run(body())


def test_finished_jobs_are_kept_or_deleted_as_asked(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async([job("kept"), job("gone")])
            kept, gone = [await manager.fetch_job(None, worker) for _ in range(2)]
            assert kept is not None
            assert gone is not None
            await manager.finish_job(kept, Status.FAILED, delete_job=False)
            await manager.finish_job(gone, Status.SUCCEEDED, delete_job=True)
            left = list(await manager.list_jobs_async())
            assert [(one.task_name, one.status, one.attempts) for one in left] == [("kept", "failed", 1)]
            with pytest.raises(exceptions.ConnectorException):
                await manager.finish_job(gone, Status.SUCCEEDED, delete_job=True)
            with pytest.raises(exceptions.ConnectorException):
                await manager.finish_job(kept, Status.SUCCEEDED, delete_job=False)

    run(body())


def test_a_retried_job_waits_again_and_counts_the_attempt(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.defer_job_async(job("a", lock="x"))
            found = await manager.fetch_job(None, worker)
            assert found is not None
            due = datetime.now(UTC) - timedelta(seconds=1)
            await manager.retry_job(found, retry_at=due, priority=-2, queue="r", lock="y")
            again = await manager.fetch_job(["r"], worker)
            assert again is not None
            assert (again.id, again.attempts, again.priority, again.lock) == (found.id, 1, -2, "y")
            assert again.scheduled_at == due
            await manager.finish_job(again, Status.FAILED, delete_job=False)
            await manager.retry_job(again)
            assert await take(manager, worker) == "a"
            await manager.finish_job(again, Status.SUCCEEDED, delete_job=False)
            with pytest.raises(exceptions.ConnectorException):
                await manager.retry_job(again)

    run(body())


def test_cancelling_and_aborting(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            made = await manager.batch_defer_jobs_async([job("runs"), job("a"), job("b"), job("c")])
            runs, a, b, c = [one.id or 0 for one in made]
            assert await take(manager, worker) == "runs"
            assert await manager.cancel_job_by_id_async(a)
            assert await manager.get_job_status_async(a) is Status.CANCELLED
            assert await manager.cancel_job_by_id_async(b, abort=True)
            assert await manager.get_job_status_async(b) is Status.CANCELLED
            assert await manager.cancel_job_by_id_async(c, delete_job=True)
            assert not await manager.cancel_job_by_id_async(runs)
            assert list(await manager.list_jobs_to_abort_async()) == []
            assert await manager.cancel_job_by_id_async(runs, abort=True)
            assert list(await manager.list_jobs_to_abort_async("q")) == [runs]
            assert list(await manager.list_jobs_to_abort_async("other")) == []
            await manager.retry_job_by_id_async(runs, retry_at=datetime.now(UTC))
            assert await manager.get_job_status_async(runs) is Status.FAILED
            assert {one.id for one in await manager.list_jobs_async()} == {runs, a, b}

    run(body())


def test_jobs_of_silent_and_vanished_workers_are_stalled(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            silent, alive, gone = [await manager.register_worker() for _ in range(3)]
            await manager.batch_defer_jobs_async([job("s"), job("a"), job("g"), job("waits")])
            for worker in (silent, alive, gone):
                await manager.fetch_job(None, worker)
            await manager.unregister_worker(gone)
            await asyncio.sleep(0.3)
            await manager.update_heartbeat(alive)
            stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=0.2)
            assert sorted(one.task_name for one in stalled) == ["g", "s"]
            assert not list(await manager.get_stalled_jobs(task_name="a", seconds_since_heartbeat=0.2))
            assert await manager.prune_stalled_workers(0.2) == [silent]
            vanished = await manager.get_stalled_jobs(seconds_since_heartbeat=1000)
            assert sorted(one.task_name for one in vanished) == ["g", "s"]
            assert {one.worker_id for one in vanished} == {None}
            with pytest.raises(exceptions.ConnectorException):
                await manager.fetch_job(None, silent)
            assert await manager.register_worker() > gone

    run(body())


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_heartbeat_from_the_future_is_no_sign_of_life(place: Place) -> None:
    """The clock was a day ahead when the worker wrote it, and died: it would count as alive for a day."""

    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async([job("a")])
            await manager.fetch_job(None, worker)
            with place.store.write() as session:
                ahead = time_text(datetime.now(UTC) + timedelta(days=1))
                beat = text("UPDATE procrastinate_workers SET last_heartbeat = :ahead")
                session.execute(beat, {"ahead": ahead})
            stalled = await manager.get_stalled_jobs(seconds_since_heartbeat=20)
            assert [one.task_name for one in stalled] == ["a"]
            assert await manager.prune_stalled_workers(20) == [worker]

    run(body())


@pytest.mark.filterwarnings("ignore:The `nb_seconds` parameter:DeprecationWarning")
def test_jobs_running_for_long_are_stalled(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.defer_job_async(job("a"))
            await manager.fetch_job(None, worker)
            await asyncio.sleep(1.1)
            await manager.update_heartbeat(worker)
            assert [one.task_name for one in await manager.get_stalled_jobs(nb_seconds=1)] == ["a"]
            assert not list(await manager.get_stalled_jobs(nb_seconds=10))
            assert not list(await manager.get_stalled_jobs(nb_seconds=1, queue="other"))

    run(body())


def test_a_periodic_tick_makes_one_job_whoever_asks(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            for tick, first in ((100, True), (100, False), (160, True)):
                made = await manager.defer_periodic_job(
                    job("tick", task_kwargs={"timestamp": tick}), periodic_id="p", defer_timestamp=tick
                )
                assert (made is not None) is first
            other = await manager.defer_periodic_job(
                job("tick", task_kwargs={"timestamp": 160}), periodic_id="another", defer_timestamp=160
            )
            assert other is not None
            worker = await manager.register_worker()
            found = await manager.fetch_job(None, worker)
            assert found is not None
            await manager.finish_job(found, Status.SUCCEEDED, delete_job=True)  # nothing holds on to it
            assert len(list(await manager.list_jobs_async())) == 2

    run(body())


def test_old_finished_jobs_are_deleted_by_status(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async([job("good"), job("bad"), job("runs")])
            good, bad, _ = [await manager.fetch_job(None, worker) for _ in range(3)]
            assert good is not None
            assert bad is not None
            await manager.finish_job(good, Status.SUCCEEDED, delete_job=False)
            await manager.finish_job(bad, Status.FAILED, delete_job=False)
            await manager.delete_old_jobs(1)
            assert len(list(await manager.list_jobs_async())) == 3
            await asyncio.sleep(0.01)
            await manager.delete_old_jobs(0)
            assert [one.task_name for one in await manager.list_jobs_async()] == ["bad", "runs"]
            await manager.delete_old_jobs(0, queue="other", include_failed=True)
            await manager.delete_old_jobs(0, include_failed=True)
            assert [one.task_name for one in await manager.list_jobs_async()] == ["runs"]

    run(body())


def test_lists_count_by_status(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            worker = await manager.register_worker()
            await manager.batch_defer_jobs_async(
                [job("a", lock="x"), job("a", lock="y"), job("b", queue="p", queueing_lock="z")]
            )
            await manager.fetch_job(None, worker)
            assert await manager.check_connection_async()

            def short(rows: Any) -> dict[str, tuple[int, int]]:
                return {row["name"]: (row["todo"], row["doing"]) for row in rows}

            assert short(await manager.list_queues_async()) == {"p": (1, 0), "q": (1, 1)}
            assert short(await manager.list_queues_async(task="b")) == {"p": (1, 0)}
            assert short(await manager.list_tasks_async()) == {"a": (1, 1), "b": (1, 0)}
            assert short(await manager.list_locks_async()) == {"x": (0, 1), "y": (1, 0)}
            listed = await manager.list_jobs_async(queue="q", status="todo", task="a", lock="y")
            assert [one.lock for one in listed] == ["y"]
            assert len(list(await manager.list_jobs_async(queueing_lock="z"))) == 1
            assert len(list(await manager.list_jobs_async(worker_id=worker))) == 1
            counted = await manager.connector.execute_query_all_async(sql.queries["count_jobs_status"])
            assert {row["status"]: row["count"] for row in counted} == {"todo": 2, "doing": 1}

    run(body())


def test_a_new_job_wakes_a_listener(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager, place.manager() as other:
            woken = asyncio.Event()

            async def told(*, channel: str, notification: Any) -> None:
                assert channel == "procrastinate_queue_v1#q"
                assert notification["type"] == "job_inserted"
                woken.set()

            listening = asyncio.create_task(manager.listen_for_jobs(on_notification=told, queues=["q"]))
            await asyncio.sleep(0.3)
            assert not woken.is_set()
            for _ in range(90):  # of what comes before it listens nobody is told
                await other.defer_job_async(job("a"))
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), 2)
                    break
            assert woken.is_set()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    run(body())


def test_deferring_belongs_to_the_callers_transaction(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as manager:
            connector = place.connector().get_sync_connector()
            sync = JobManager(connector)  # never opened
            with place.store.write() as session:
                driver = session.connection().connection.driver_connection
                sync.batch_defer_jobs([job("never")], connection=driver)
                session.rollback()
            assert not list(await manager.list_jobs_async())
            with place.store.write() as session:
                driver = session.connection().connection.driver_connection
                made = sync.batch_defer_jobs([job("a"), job("b")], connection=driver)
            listed = await manager.list_jobs_async()
            assert [(one.id, one.task_name) for one in listed] == [(one.id, one.task_name) for one in made]

    run(body())


def test_two_workers_never_get_the_same_job(place: Place) -> None:
    async def body() -> None:
        async with place.manager() as one, place.manager() as two:
            await one.batch_defer_jobs_async([job(str(number)) for number in range(60)])

            async def all_of(manager: JobManager) -> list[str]:
                # who takes how many is a matter of luck: one may take them all
                worker, found = await manager.register_worker(), []
                while (name := await take(manager, worker)) is not None:
                    found.append(name)
                return found

            first, second = await asyncio.gather(all_of(one), all_of(two))
            assert sorted(first + second, key=int) == [str(number) for number in range(60)]

    run(body())


def test_an_unknown_query_is_refused(tmp_path: Path) -> None:
    connector = SqliteConnector(str(tmp_path / "x.sqlite3"), now=lambda: datetime.now(UTC))
    connector.open()
    with pytest.raises(exceptions.ConnectorException, match="does not know"):
        connector.execute_query_all("SELECT 1")
    connector.close()
    with pytest.raises(exceptions.AppNotOpen):
        connector.execute_query_all(sql.queries["list_jobs_to_abort"], queue_name=None)


def test_a_locked_file_is_an_error_of_the_connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.sqlite_connector.BUSY_TIMEOUT_S", 0.05)
    file = tmp_path / "x.sqlite3"
    store = Store(f"sqlite:///{file}")
    store.migrate()
    store.close()
    connector = SqliteConnector(str(file), now=lambda: datetime.now(UTC))
    connector.open()
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(exceptions.ConnectorException, match="locked"):
        connector.execute_query_one(sql.queries["register_worker"])
    holder.execute("ROLLBACK")
    assert connector.execute_query_one(sql.queries["register_worker"]) == {"worker_id": 1}
    holder.close()
    connector.close()


def test_fetching_finds_its_job_by_index(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'jobs.sqlite3'}")
    store.migrate()
    with store.read() as session:
        raw = session.connection().connection.driver_connection
        assert raw is not None
        plan = raw.execute(f"EXPLAIN QUERY PLAN {NEXT_JOB}", {"now": "", "queues": None}).fetchall()
    store.close()
    used = " ".join(row[3] for row in plan)
    assert "procrastinate_jobs_priority_idx_v1" in used
    assert "procrastinate_jobs_id_lock_idx_v1" in used
    assert "TEMP B-TREE" not in used


def test_what_waited_for_the_write_lock_bears_the_time_when_it_was_done(tmp_path: Path) -> None:
    store = Store.open(tmp_path, environ={})
    at = datetime(2026, 7, 1, tzinfo=UTC)
    connector = SqliteConnector(str(store.file), now=lambda: at)

    async def body() -> None:
        nonlocal at
        app = App(connector=connector)
        async with app.open_async():
            worker = await app.job_manager.register_worker()
            with store.write() as session:
                session.execute(text("SELECT 1"))
                beat = asyncio.create_task(app.job_manager.update_heartbeat(worker))
                await asyncio.sleep(0.2)
                at += timedelta(seconds=26)
            await beat
            assert await app.job_manager.prune_stalled_workers(20) == []

    run(body())
    store.close()
