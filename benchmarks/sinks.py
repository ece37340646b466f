"""Where rows go by the million: past the ORM, without guards, keys and indexes until all are there.

A fill that is killed leaves a database that is to be thrown away.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import psycopg

from tests.postgresql import OWNER
from workflow.store import Store

Row = tuple[Any, ...]


class Sink(Protocol):
    """A database that is being filled."""

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Write rows."""

    def finish(self, seq: int, head: str) -> None:
        """Say how long the log is, and have guards, indexes and statistics as they belong."""


def sink_of(store: Store) -> Sink:
    """The one for a database."""
    return _SqliteSink(store) if store.embedded else _ServerSink(store)


class _SqliteSink:
    def __init__(self, store: Store) -> None:
        store.close()
        self._file = sqlite3.connect(str(store.file), isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "foreign_keys=OFF"):
            self._file.execute(f"PRAGMA {setting}")
        query = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql NOTNULL"
        self._laid_by = self._file.execute(query).fetchall()
        for kind, name, _ in self._laid_by:
            self._file.execute(f"DROP {kind} {name}")

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Write rows in a transaction."""
        places = ", ".join("?" * len(columns))
        self._file.execute("BEGIN")
        self._file.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})",  # noqa: S608 (our own names)
            ([_sqlite_time(one) if isinstance(one, datetime) else one for one in row] for row in rows),
        )
        self._file.execute("COMMIT")

    def finish(self, seq: int, head: str) -> None:
        """The head, then everything that was laid by."""
        self._file.execute("UPDATE log_head SET seq = ?, hash = ?", (seq, head))
        for _, _, statement in self._laid_by:
            self._file.execute(statement)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.close()


class _ServerSink:
    def __init__(self, store: Store) -> None:
        url = store.url.set(drivername="postgresql", username=OWNER)
        self._server = psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
        self._run("SET session_replication_role = replica")
        self._run("SET synchronous_commit = off")
        self._run("SET maintenance_work_mem = '256MB'")
        query = (
            "SELECT indexdef, indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT IN"
            " (SELECT conname FROM pg_constraint) AND tablename NOT LIKE 'procrastinate%'"
        )
        self._laid_by = self._server.execute(query).fetchall()
        for _, name in self._laid_by:
            self._run(f"DROP INDEX {name}")

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Write rows by COPY."""
        copied = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._server.cursor() as cursor, cursor.copy(copied) as copy:
            copy.write("".join("\t".join(map(_copied, row)) + "\n" for row in rows))

    def finish(self, seq: int, head: str) -> None:
        """The head, then everything that was laid by."""
        self._server.execute("UPDATE log_head SET seq = %s, hash = %s", (seq, head))
        for statement, _ in self._laid_by:
            self._run(statement)
        self._run("VACUUM (ANALYZE)")
        self._server.close()

    def _run(self, statement: str) -> None:
        self._server.execute(statement)


def _sqlite_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _copied(value: Any) -> str:
    """A value as COPY's text form has it."""
    written = _WRITTEN.get(type(value))
    return str(value) if written is None else written(value)


_WRITTEN: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: r"\N",
    str: lambda text: text.replace("\\", "\\\\") if "\\" in text else text,
    bytes: lambda content: rf"\\x{content.hex()}",
    datetime: datetime.isoformat,
}
