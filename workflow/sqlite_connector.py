"""Procrastinate's connector interface over SQLite, query by query. Long on purpose: one function a query.

Procrastinate speaks to its database through named SQL queries (its sql/queries.sql). Each has a function here
that does the same with SQLite's means; a query that is not in the table is refused, and a test compares the
names of both.

What differs from PostgreSQL, and why it may:

- `SKIP LOCKED` is not needed: a job is taken in a transaction that holds the only write lock (`BEGIN
  IMMEDIATE`).
- Times are text in UTC with six decimals, so that they sort; the clock is an argument, not the database's.
- Instead of a table of job events, a job carries the time of its last change of status, `status_at`.
  Procrastinate asks the events for nothing else.
- There is no NOTIFY: the worker looks at `PRAGMA data_version`, which changes when another connection has
  committed.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from procrastinate import connector, exceptions, manager, sql
from procrastinate.types import JobToDefer

Row = dict[str, Any]
Arguments = Mapping[str, Any]

BUSY_TIMEOUT_S = 30.0
WATCH_S = 0.05  # halving it halves the latency of a first job and doubles an idle worker's CPU time

COLUMNS = (
    "id",
    "status",
    "task_name",
    "priority",
    "lock",
    "queueing_lock",
    "args",
    "scheduled_at",
    "queue_name",
    "attempts",
    "worker_id",
)
JOB = ", ".join(COLUMNS)

# Procrastinate recognises a violation by its index's name; SQLite tells the column.
CONSTRAINT_OF_COLUMN = {
    "procrastinate_jobs.queueing_lock": manager.QUEUEING_LOCK_CONSTRAINT,
    "procrastinate_jobs.lock": "procrastinate_jobs_lock_idx_v1",
}

# The next job: due, in one of the queues, with the highest priority; of those that share a lock only the
# first, and only while none of them runs.
NEXT_JOB = """
SELECT id FROM procrastinate_jobs AS job
WHERE status = 'todo'
  AND (scheduled_at IS NULL OR scheduled_at <= :now)
  AND (:queues IS NULL OR queue_name IN (SELECT value FROM json_each(:queues)))
  AND NOT EXISTS (
    SELECT 1 FROM procrastinate_jobs AS other
    WHERE other.lock = job.lock AND other.status IN ('todo', 'doing')
      AND (other.status = 'doing'
           OR other.priority > job.priority OR (other.priority = job.priority AND other.id < job.id)))
ORDER BY priority DESC, id LIMIT 1
"""

FILTER = """
    (:queue_name IS NULL OR queue_name = :queue_name)
AND (:task_name IS NULL OR task_name = :task_name)
AND (:status IS NULL OR status = :status)
AND (:lock IS NULL OR lock = :lock)
"""


@dataclass(frozen=True)
class Call:
    """One query under way: where, with what, and at which time."""

    connection: sqlite3.Connection
    arguments: Arguments
    now: datetime

    def rows(self, statement: str, **more: Any) -> list[Row]:
        """Run a statement with the query's arguments and `now`; its rows by column name."""
        values = {**self.arguments, "now": time_text(self.now), **more}
        cursor = self.connection.execute(statement, values)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def ago(self, seconds: float) -> str:
        """The time so many seconds before now."""
        return time_text(self.now - timedelta(seconds=float(seconds)))


@dataclass(frozen=True)
class Query:
    """How a query is done; `pointless` tells, without the write lock, that it would find nothing."""

    run: Callable[[Call], list[Row]]
    writes: bool
    pointless: Callable[[Call], bool] | None = None


def time_text(moment: datetime) -> str:
    """An aware time as text that sorts."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def defer_jobs(call: Call) -> list[Row]:
    """Insert the jobs; their ids in the same order."""
    jobs: Sequence[JobToDefer] = call.arguments["jobs"]
    return [{"id": _insert(call, job)} for job in jobs]


def _insert(call: Call, job: JobToDefer) -> int:
    try:
        cursor = call.connection.execute(
            "INSERT INTO procrastinate_jobs"
            " (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at, status_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                job.queue_name,
                job.task_name,
                job.priority,
                job.lock,
                job.queueing_lock,
                json.dumps(job.args, separators=(",", ":")),
                job.scheduled_at and time_text(job.scheduled_at),
                time_text(call.now),
            ),
        )
    except sqlite3.IntegrityError as error:
        raise _violation(error, queueing_lock=job.queueing_lock) from error
    assert cursor.lastrowid is not None  # noqa: S101  an INSERT of one row has one
    return cursor.lastrowid


def defer_periodic_job(call: Call) -> list[Row]:
    """Insert a tick's job unless a worker has done so already; forget earlier ticks."""
    taken = call.rows(
        "INSERT INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)"
        " VALUES (:task_name, :periodic_id, :defer_timestamp) ON CONFLICT DO NOTHING RETURNING id"
    )
    if not taken:
        return [{"id": None}]
    given = call.arguments
    job = JobToDefer(
        queue_name=given["queue"],
        task_name=given["task_name"],
        priority=given["priority"],
        lock=given["lock"],
        queueing_lock=given["queueing_lock"],
        args=given["args"],
        scheduled_at=None,
    )
    job_id = _insert(call, job)
    call.connection.execute(
        "UPDATE procrastinate_periodic_defers SET job_id = ? WHERE id = ?", (job_id, taken[0]["id"])
    )
    call.connection.execute(
        "DELETE FROM procrastinate_periodic_defers"
        " WHERE task_name = ? AND periodic_id = ? AND defer_timestamp < ?",
        (given["task_name"], given["periodic_id"], given["defer_timestamp"]),
    )
    return [{"id": job_id}]


def fetch_job(call: Call) -> list[Row]:
    """Take the next job for a worker; a row of None when there is none."""
    found = call.rows(NEXT_JOB, queues=_json_list(call.arguments["queues"]))
    if not found:
        return [dict.fromkeys(COLUMNS)]
    return _jobs(
        call.rows(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker_id, status_at = :now"  # noqa: S608  words of this module
            f" WHERE id = :id RETURNING {JOB}",
            id=found[0]["id"],
        )
    )


def nothing_to_fetch(call: Call) -> bool:
    """Whether fetch_job would find nothing now."""
    return not call.rows(NEXT_JOB, queues=_json_list(call.arguments["queues"]))


def select_stalled_jobs_by_started(call: Call) -> list[Row]:
    """Jobs that have been running for longer than `nb_seconds`."""
    return _jobs(
        call.rows(
            f"SELECT {JOB}, status_at AS started_at FROM procrastinate_jobs"  # noqa: S608  words of this module
            " WHERE status = 'doing' AND status_at < :before"
            " AND (:queue IS NULL OR queue_name = :queue) AND (:task_name IS NULL OR task_name = :task_name)",
            before=call.ago(call.arguments["nb_seconds"]),
        )
    )


def select_stalled_jobs_by_heartbeat(call: Call) -> list[Row]:
    """Running jobs whose worker is gone, or silent for longer than `seconds_since_heartbeat`.

    A heartbeat from as far in the future is a dead worker's too: the clock was ahead when it was written.
    """
    return _jobs(
        call.rows(
            f"SELECT {JOB} FROM procrastinate_jobs"  # noqa: S608  words of this module
            " WHERE status = 'doing'"
            " AND (:queue IS NULL OR queue_name = :queue) AND (:task_name IS NULL OR task_name = :task_name)"
            " AND (worker_id IS NULL"
            "      OR worker_id IN (SELECT id FROM procrastinate_workers"
            "                       WHERE last_heartbeat < :before OR last_heartbeat > :after))",
            before=call.ago(call.arguments["seconds_since_heartbeat"]),
            after=call.ago(-call.arguments["seconds_since_heartbeat"]),
        )
    )


def delete_old_jobs(call: Call) -> list[Row]:
    """Delete jobs that ended in one of the statuses more than `nb_hours` ago."""
    return call.rows(
        "DELETE FROM procrastinate_jobs WHERE status IN (SELECT value FROM json_each(:statuses))"
        " AND (:queue IS NULL OR queue_name = :queue) AND status_at < :before",
        statuses=_json_list(call.arguments["statuses"]),
        before=call.ago(3600 * call.arguments["nb_hours"]),
    )


def finish_job(call: Call) -> list[Row]:
    """End a job, or delete it; an error when it isn't waiting or running."""
    if call.arguments["delete_job"]:
        done = call.rows(
            "DELETE FROM procrastinate_jobs WHERE id = :job_id AND status IN ('todo', 'doing') RETURNING id"
        )
    else:
        done = call.rows(
            "UPDATE procrastinate_jobs SET status = :status, abort_requested = 0, status_at = :now,"
            " attempts = attempts + (status = 'doing')"
            " WHERE id = :job_id AND status IN ('todo', 'doing') RETURNING id"
        )
    if not done:
        raise exceptions.ConnectorException(
            f'Job was not found or not in "doing" or "todo" status (job id: {call.arguments["job_id"]})'
        )
    return []


def cancel_job(call: Call) -> list[Row]:
    """Cancel a waiting job, or ask a running one to abort; its id, or None when there was nothing to do."""
    done: list[Row] = []
    if call.arguments["delete_job"]:
        done = call.rows("DELETE FROM procrastinate_jobs WHERE id = :job_id AND status = 'todo' RETURNING id")
    if not done:
        done = call.rows(
            "UPDATE procrastinate_jobs SET abort_requested = :abort,"
            " status = CASE status WHEN 'todo' THEN 'cancelled' ELSE status END,"
            " status_at = CASE status WHEN 'todo' THEN :now ELSE status_at END"
            " WHERE id = :job_id AND (status = 'todo' OR (:abort AND status = 'doing')) RETURNING id"
        )
    return done or [{"id": None}]


def get_job_status(call: Call) -> list[Row]:
    """A job's status."""
    return call.rows("SELECT status FROM procrastinate_jobs WHERE id = :job_id")


def retry_job(call: Call) -> list[Row]:
    """Let a running or failed job wait again; a running one that is to be aborted fails instead."""
    done = call.rows(
        "UPDATE procrastinate_jobs SET status = 'failed', status_at = :now"
        " WHERE id = :job_id AND status = 'doing' AND abort_requested RETURNING id"
    ) or call.rows(
        "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, status_at = :now,"
        " scheduled_at = :retry_at_text, abort_requested = 0, priority = COALESCE(:new_priority, priority),"
        " queue_name = COALESCE(:new_queue_name, queue_name), lock = COALESCE(:new_lock, lock)"
        " WHERE id = :job_id AND status IN ('doing', 'failed') RETURNING id",
        retry_at_text=time_text(call.arguments["retry_at"]),
    )
    if not done:
        raise exceptions.ConnectorException(
            f"Job was not found or has an invalid status to retry (job id: {call.arguments['job_id']})"
        )
    return []


def listen_queue(_: Call) -> NoReturn:
    """Refused: SQLite has no LISTEN, see SqliteConnector.listen_notify."""
    raise exceptions.ConnectorException("SQLite has no LISTEN; listen_notify watches the file instead.")


def check_connection(call: Call) -> list[Row]:
    """The jobs table's name, or None while there is no such table."""
    return call.rows(
        'SELECT MAX(name) AS "check" FROM sqlite_master'
        " WHERE type = 'table' AND name = 'procrastinate_jobs'"
    )


def count_jobs_status(call: Call) -> list[Row]:
    """How many jobs have each status."""
    return call.rows("SELECT count(*) AS count, status FROM procrastinate_jobs GROUP BY status")


def list_jobs(call: Call) -> list[Row]:
    """The jobs that fit all filters."""
    rows = call.rows(
        f"SELECT {JOB}, abort_requested FROM procrastinate_jobs WHERE {FILTER}"  # noqa: S608  words of this module
        " AND (:id IS NULL OR id = :id) AND (:queueing_lock IS NULL OR queueing_lock = :queueing_lock)"
        " AND (:worker_id IS NULL OR worker_id = :worker_id) ORDER BY id"
    )
    return [{**row, "abort_requested": bool(row["abort_requested"])} for row in _jobs(rows)]


def list_queues(call: Call) -> list[Row]:
    """How many jobs each queue has, by status."""
    return _counted(call, "queue_name")


def list_tasks(call: Call) -> list[Row]:
    """How many jobs each task has, by status."""
    return _counted(call, "task_name")


def list_locks(call: Call) -> list[Row]:
    """How many jobs each lock has, by status."""
    return _counted(call, "lock")


def _counted(call: Call, column: str) -> list[Row]:
    groups = call.rows(
        f"SELECT {column} AS name, status, count(*) AS jobs FROM procrastinate_jobs"  # noqa: S608  words of this module
        f" WHERE {FILTER} AND {column} IS NOT NULL GROUP BY name, status ORDER BY name"
    )
    found: dict[str, Row] = {}
    for group in groups:
        one = found.setdefault(group["name"], {"name": group["name"], "jobs_count": 0, "stats": {}})
        one["jobs_count"] += group["jobs"]
        one["stats"][group["status"]] = group["jobs"]
    return list(found.values())


def list_jobs_to_abort(call: Call) -> list[Row]:
    """Running jobs that somebody wants aborted."""
    return call.rows(
        "SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND abort_requested"
        " AND (:queue_name IS NULL OR queue_name = :queue_name)"
    )


def register_worker(call: Call) -> list[Row]:
    """A new worker's number; numbers are never used again."""
    return call.rows(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:now) RETURNING id AS worker_id"
    )


def unregister_worker(call: Call) -> list[Row]:
    """Forget a worker that has ended."""
    return call.rows("DELETE FROM procrastinate_workers WHERE id = :worker_id")


def update_heartbeat(call: Call) -> list[Row]:
    """Note that a worker is alive."""
    return call.rows("UPDATE procrastinate_workers SET last_heartbeat = :now WHERE id = :worker_id")


def prune_stalled_workers(call: Call) -> list[Row]:
    """Forget workers that have been silent for longer than `seconds_since_heartbeat`; their numbers."""
    return call.rows(
        "DELETE FROM procrastinate_workers WHERE last_heartbeat < :before OR last_heartbeat > :after"
        " RETURNING id AS worker_id",
        before=call.ago(call.arguments["seconds_since_heartbeat"]),
        after=call.ago(-call.arguments["seconds_since_heartbeat"]),
    )


QUERIES: Mapping[str, Query] = {
    "defer_jobs": Query(defer_jobs, writes=True),
    "defer_periodic_job": Query(defer_periodic_job, writes=True),
    "fetch_job": Query(fetch_job, writes=True, pointless=nothing_to_fetch),
    "select_stalled_jobs_by_started": Query(select_stalled_jobs_by_started, writes=False),
    "select_stalled_jobs_by_heartbeat": Query(select_stalled_jobs_by_heartbeat, writes=False),
    "delete_old_jobs": Query(delete_old_jobs, writes=True),
    "finish_job": Query(finish_job, writes=True),
    "cancel_job": Query(cancel_job, writes=True),
    "get_job_status": Query(get_job_status, writes=False),
    "retry_job": Query(retry_job, writes=True),
    "listen_queue": Query(listen_queue, writes=False),
    "check_connection": Query(check_connection, writes=False),
    "count_jobs_status": Query(count_jobs_status, writes=False),
    "list_jobs": Query(list_jobs, writes=False),
    "list_queues": Query(list_queues, writes=False),
    "list_tasks": Query(list_tasks, writes=False),
    "list_locks": Query(list_locks, writes=False),
    "list_jobs_to_abort": Query(list_jobs_to_abort, writes=False),
    "register_worker": Query(register_worker, writes=True),
    "unregister_worker": Query(unregister_worker, writes=True),
    "update_heartbeat": Query(update_heartbeat, writes=True),
    "prune_stalled_workers": Query(prune_stalled_workers, writes=True),
}

NAME_OF_SQL = {text: name for name, text in sql.queries.items()}


class SqliteConnector(connector.BaseAsyncConnector):
    """Procrastinate's connector for a SQLite file.

    Opened, it has one connection of its own, used in one thread of its own: waiting for the write lock never
    stops the event loop, and so never a heartbeat. Unopened, it can still defer on somebody else's connection
    (the `…_with_connection` methods), inside the transaction that is open there: it neither begins nor
    commits.
    """

    def __init__(self, path: str, *, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._path = path
        self._now = now
        self._connection: sqlite3.Connection | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    def get_sync_connector(self) -> connector.BaseConnector:
        """Itself: the same queries without an event loop."""
        return self

    def open(self, pool: Any = None) -> None:  # noqa: ARG002  the interface's argument
        """Connect to the file."""
        if self._connection is None:
            with _told():
                self._connection = self._connect()

    def close(self) -> None:
        """Close the connection; unfinished work in it is rolled back."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def open_async(self, pool: Any = None) -> None:  # noqa: ARG002  the interface's argument
        """Connect to the file."""
        self.open()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jobs")

    async def close_async(self) -> None:
        """Finish the query in hand and close the connection."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None
        self.close()

    def execute_query(self, query: str, **arguments: Any) -> None:
        """Run a query of Procrastinate's for its effect."""
        self._run(query, arguments)

    def execute_query_one(self, query: str, **arguments: Any) -> Row:
        """Run a query of Procrastinate's that gives one row. Raises NoResult."""
        return _first(self._run(query, arguments))

    def execute_query_all(self, query: str, **arguments: Any) -> list[Row]:
        """Run a query of Procrastinate's; all its rows."""
        return self._run(query, arguments)

    async def execute_query_async(self, query: str, **arguments: Any) -> None:
        """As execute_query, without stopping the event loop."""
        await self._run_in_thread(query, arguments)

    async def execute_query_one_async(self, query: str, **arguments: Any) -> Row:
        """As execute_query_one, without stopping the event loop."""
        return _first(await self._run_in_thread(query, arguments))

    async def execute_query_all_async(self, query: str, **arguments: Any) -> list[Row]:
        """As execute_query_all, without stopping the event loop."""
        return await self._run_in_thread(query, arguments)

    def execute_query_one_with_connection(self, connection: Any, query: str, **arguments: Any) -> Row:
        """Run a query in the transaction that is open on `connection`; one row. Raises NoResult."""
        return _first(self.execute_query_all_with_connection(connection, query, **arguments))

    def execute_query_all_with_connection(self, connection: Any, query: str, **arguments: Any) -> list[Row]:
        """Run a query in the transaction that is open on `connection`; all its rows."""
        with _told():
            return _known(query).run(Call(connection, arguments, self._now()))

    async def execute_query_one_async_with_connection(
        self, connection: Any, query: str, **arguments: Any
    ) -> Row:
        """As execute_query_one_with_connection; in this thread, to which the connection belongs."""
        return self.execute_query_one_with_connection(connection, query, **arguments)

    async def execute_query_all_async_with_connection(
        self, connection: Any, query: str, **arguments: Any
    ) -> list[Row]:
        """As execute_query_all_with_connection; in this thread, to which the connection belongs."""
        return self.execute_query_all_with_connection(connection, query, **arguments)

    async def listen_notify(self, on_notification: connector.Notify, channels: Iterable[str]) -> None:
        """Tell of new jobs whenever another connection has committed something; never returns."""
        payload = json.dumps({"type": "job_inserted", "job_id": 0})  # which job it is, nobody asks
        watched = list(channels)
        with _told():
            watcher = self._connect()
        try:
            seen = _data_version(watcher)
            while True:
                await asyncio.sleep(WATCH_S)
                if (version := _data_version(watcher)) != seen:
                    seen = version
                    for channel in watched:
                        await on_notification(channel=channel, payload=payload)
        finally:
            watcher.close()

    async def _run_in_thread(self, query: str, arguments: Arguments) -> list[Row]:
        if self._thread is None:
            raise exceptions.AppNotOpen
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, query, arguments)

    def _run(self, query: str, arguments: Arguments) -> list[Row]:
        known = _known(query)
        with self._lock, _told():
            if self._connection is None:
                raise exceptions.AppNotOpen
            call = Call(self._connection, arguments, self._now())
            if not known.writes:
                return known.run(call)
            if known.pointless is not None and known.pointless(call):
                return [{"id": None}]
            with _transaction(self._connection):
                # the lock may have been waited for: a heartbeat of before the wait would be a dead worker's
                return known.run(replace(call, now=self._now()))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")
        return connection


def _known(query: str) -> Query:
    name = NAME_OF_SQL.get(query, "")
    if name not in QUERIES:
        raise exceptions.ConnectorException(f"This connector does not know the query {name or query[:60]!r}.")
    return QUERIES[name]


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _told() -> Iterator[None]:
    """Turn SQLite's errors into the ones that Procrastinate expects."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise _violation(error, queueing_lock=None) from error
    except sqlite3.Error as error:
        raise exceptions.ConnectorException(f"Database error: {error}") from error


def _violation(error: sqlite3.IntegrityError, *, queueing_lock: str | None) -> exceptions.ConnectorException:
    column = str(error).removeprefix("UNIQUE constraint failed: ")
    if column == str(error):
        return exceptions.ConnectorException(f"Database error: {error}")
    return exceptions.UniqueViolation(
        constraint_name=CONSTRAINT_OF_COLUMN.get(column), queueing_lock=queueing_lock
    )


def _jobs(rows: list[Row]) -> list[Row]:
    for row in rows:
        row["args"] = json.loads(row["args"])
        row["scheduled_at"] = row["scheduled_at"] and datetime.fromisoformat(row["scheduled_at"])
    return rows


def _json_list(values: Iterable[str] | None) -> str | None:
    return None if values is None else json.dumps(list(values))


def _first(rows: list[Row]) -> Row:
    if not rows:
        raise exceptions.NoResult
    return rows[0]


def _data_version(connection: sqlite3.Connection) -> int:
    with _told():
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version
