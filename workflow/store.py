"""The database: how it is opened, what a transaction is, how its tables get there.

What differs between the databases is here and in the migrations, but for what has a place of its own: the
types of the tables, the queue, the copy for a backup (snapshot), the application role, what is known of the
guards.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self, cast

from sqlalchemy import Engine, Table, create_engine, event, insert, inspect, make_url, select, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.orm import Session

from disk import sync_with_parents
from workflow.canonical import encode
from workflow.errors import Raced, RestoreUnfinished, StoreOutdated, StoreUnavailable, WorkflowError
from workflow.unavailable import is_wrong_url, unavailable

Moment = Callable[[Session], datetime]
"""The time that all processes share: `Store.now`, where nothing else is said."""
FILE = "paraaf.sqlite3"
VARIABLE = "PARAAF_DATABASE"
VERSION_TABLE = "alembic_version"
"""Alembic's own, whose one row says of which revision the tables are."""
BUSY_TIMEOUT_MS = 30_000
MIGRATIONS = Path(__file__).parent / "migrations"
SMALL_BYTES = 200 * 1024**2
"""Up to this size a SQLite file is written anew by itself, which takes some seconds; others wait for it."""
CACHE_KIB = 65_536
"""So much of a SQLite file each connection keeps at hand, at most: what the queues of all units show of an
office with a million requests does not fit in less. Five that read are kept, and the one that writes."""
WIPED_FROM = "0010"
"""SQLite files of earlier revisions may hold what was deleted: an upgrade writes them anew, once."""
EMPTYING_MS = 5_000  # so long it is waited for who reads, while nobody else can go on
STATISTICS = "pg_statistic"
"""Where PostgreSQL keeps samples of the values of all columns; the owner of the database may vacuum it."""
_OWNS_ALL = text(
    "SELECT bool_and(pg_has_role(t.relowner, 'USAGE')) AND bool_and(pg_has_role(d.datdba, 'USAGE'))"
    " FROM unnest(CAST(:tables AS text[])) AS name JOIN pg_class t ON t.oid = name::regclass"
    " JOIN pg_database d ON d.datname = current_database()"
)
# Full transaction numbers: a table's oldest that is not frozen is told with 32 bits, and by its age.
_FILES = text(
    "SELECT name, pg_relation_filenode(t.oid) AS file, s.last_analyze, s.last_autoanalyze,"
    " pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,"
    " pg_snapshot_xmax(pg_current_snapshot())::text::bigint - age(t.relfrozenxid) AS frozen_to"
    " FROM unnest(CAST(:tables AS text[])) AS name JOIN pg_class t ON t.oid = name::regclass"
    " JOIN pg_stat_all_tables s ON s.relid = t.oid"
)
_MOMENT = text("SELECT pg_current_xact_id()::text::bigint, extract(epoch FROM clock_timestamp())::float8")
# A server that is gone without a word is noticed within a minute; what the URL says comes first.
PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# PostgreSQL's codes, as its manual lists them (appendix A).
TRY_AGAIN = frozenset({"40001", "40P01"})  # serialization_failure, deadlock_detected
NO_PRIVILEGE = "42501"
LOCKED = "55P03"  # waited for a lock as long as it may
RAISED = "P0001"  # a trigger's own refusal
# idle too long; no such table; a page, or an index, that is damaged
OF_THE_DATABASE = frozenset({"25P03", NO_PRIVILEGE, "42P01", "XX001", "XX002"})


class Store:
    """One database. `write()` and `read()` are transactions; nothing is opened before the first."""

    def __init__(self, url: str | URL, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.url = make_url(url)
        self._busy_timeout_ms = busy_timeout_ms
        self._writer = self._engine(readonly=False)
        self._reader = self._engine(readonly=True)

    @classmethod
    def open(
        cls,
        folder: Path,
        environ: Mapping[str, str] = os.environ,
        variable: str = VARIABLE,
        *,
        make: bool = True,
        earlier: bool = False,
    ) -> Self:
        """Open the database of a data folder; it has to have the tables of this release, or of an `earlier`.

        The embedded default is a file in the folder, made at its first use unless `make` is false;
        PARAAF_DATABASE, or another variable, names another database by its URL. Nothing that is there is
        changed: that is `paraaf upgrade`'s. Raises StoreUnavailable, StoreOutdated, RestoreUnfinished.
        """
        store = cls.unopened(folder, environ, variable)
        if not make and store.file is not None and not store.file.exists():
            raise StoreUnavailable(
                f"There is no database {store.file}.",
                hint="Name the data folder with --data or PARAAF_DATA, and a database that lies elsewhere in"
                f" {VARIABLE}.",
            )
        if store.file is not None:
            _make_private(store.file)
        try:
            found = store.revision()
            if found is None and store.embedded:
                store.migrate()
            elif found is None:
                require_new(folder)
                _require_latest(found, embedded=False)
            elif not (earlier and store.behind(found)):
                _require_latest(found, embedded=store.embedded)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def unopened(
        cls, folder: Path, environ: Mapping[str, str] = os.environ, variable: str = VARIABLE
    ) -> Self:
        """The database that a variable names by its URL, else the data folder's; there or not, whatever is
        in it. Raises StoreUnavailable when the URL is none.
        """
        try:
            return cls(environ.get(variable) or URL.create("sqlite", database=str(folder / FILE)))
        except (ArgumentError, ImportError) as error:  # told without the URL, which may hold a password
            raise StoreUnavailable(
                f"{variable} names no database that can be used.",
                hint="Write it like postgresql+psycopg://user@host/name; without it the data folder is used.",
            ) from error

    @property
    def embedded(self) -> bool:
        """Whether it is SQLite, and so ours alone: made at first use, without roles."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def idle_ms(self) -> int:
        """How long a server lets a transaction of a process that was stopped stand, in milliseconds."""
        return self._busy_timeout_ms * 5 // 6

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a server or a database in memory."""
        if not self.embedded or not self.url.database:
            return None
        return Path(self.url.database)

    @property
    def _is_kept(self) -> bool:
        """Whether it is more than a database in memory, which is its one connection's."""
        return self.url.database not in {None, "", ":memory:"}

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back when an exception leaves it.

        On SQLite it has the write lock from its first statement on; on PostgreSQL each statement sees what
        others have committed by then. Raises StoreUnavailable, and Raced when the database gave another
        transaction the way.
        """
        with self._session(self._writer) as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one moment and can't write. Raises StoreUnavailable."""
        with self._session(self._reader) as session:
            yield session

    def have_row(self, table: Table, row: Mapping[str, Any]) -> None:
        """Have a row with this primary key there, for transactions to lock; one that is there stays as it is.

        A transaction of its own. Raises StoreUnavailable, Raced.
        """
        here = [column == row[column.name] for column in table.primary_key]
        with self.read() as session:
            if session.connection().execute(select(*table.primary_key).where(*here)).first() is not None:
                return
        try:
            with self.write() as session:
                session.connection().execute(insert(table), [dict(row)])
        except IntegrityError:
            pass  # another process has just made it

    @contextmanager
    def moment(self) -> Iterator[tuple[Session, str]]:
        """A transaction on PostgreSQL that sees one moment, and the name by which pg_dump sees the same."""
        with self.read() as session:
            yield session, str(session.scalar(text("SELECT pg_export_snapshot()")))

    def revision(self) -> str | None:
        """The revision of the tables that are there; None while there are none.

        Raises StoreUnavailable, and RestoreUnfinished for tables that a restore left without a revision.
        """
        with self.read() as session:
            if not inspect(session.connection()).has_table(VERSION_TABLE):
                return None
            found = session.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()  # noqa: S608 (our own constant)
        if found is None and not self.embedded:
            raise RestoreUnfinished(
                "A restore into this database was not finished: it is no office.",
                hint="Make a new, empty database, empty the data folder, and restore again.",
            )
        return found

    def complete(self, session: Session, revision: str) -> None:
        """End a restore: say of which revision the tables are that were loaded."""
        session.execute(text(f"INSERT INTO {VERSION_TABLE} VALUES (:revision)"), {"revision": revision})  # noqa: S608 (our own constant)

    def require_latest(self) -> None:
        """Refuse tables of another release, or none. Raises StoreOutdated, StoreUnavailable."""
        _require_latest(self.revision(), embedded=self.embedded)

    def behind(self, found: str | None, to: str | None = None) -> bool:
        """Whether a revision is one of an earlier release, or earlier than another; not one of a later
        release, which is unknown."""
        known = revisions()
        return found in known[: known.index(to or known[-1])]

    def migrate(self, to: str = "heads", then: Callable[[Connection], object] | None = None) -> None:
        """Bring the tables up to date, or to an earlier revision; several processes may do so at once.

        `then` is done in the same transaction. A SQLite file of an earlier release is written anew first:
        deleted rows may still be in it. Raises StoreOutdated when the database was made by a later release.
        """
        if self.file is not None:
            _make_private(self.file)
            self._wipe_once()
        with _told(self.file), self._writer.begin() as connection:
            _upgrade(connection, to)
            if then is not None:
                then(connection)

    def _wipe_once(self) -> None:
        if self.behind(self.revision(), WIPED_FROM):
            with _told(self.file):
                _rewrite(self._writer, self.file)

    def mark(self, session: Session, tables: Sequence[str]) -> dict[str, Any]:
        """How the files of these tables stand in a transaction that deletes something from them.

        PostgreSQL: the transaction's number and the server's time, and the number of each table's file.
        """
        if self.embedded:
            return {}
        number, at = session.execute(_MOMENT).one()
        rows = session.execute(_FILES, {"tables": [*tables, STATISTICS]})
        return {"transaction": number, "at": at, "files": {row.name: row.file for row in rows}}

    @property
    def is_small(self) -> bool:
        """Whether the file is written anew by itself, if it is a file: nobody waits long for it."""
        return self.file is None or self.file.stat().st_size <= SMALL_BYTES

    def clean(self, mark: Mapping[str, Any], *, whole: bool = False) -> bool:
        """Have nothing left in the database's files of what was deleted up to a mark; whether it is so.

        SQLite: the write-ahead log is emptied, which can't be while somebody reads; before that the file is
        written anew, if it is small or `whole` is asked for: nobody can write meanwhile. PostgreSQL: the
        tables' files are written anew, which only the owner can; it counts whoever has done it. Who waits for
        a table that somebody reads holds up all others, and gives up soon. Raises StoreUnavailable.
        """
        with _told(self.file):
            if self.embedded:
                rewritten = whole or self.is_small
                if rewritten:
                    _rewrite(self._writer, self.file)
                return _empty_wal(self._writer, self.file) and rewritten
            tables = {"tables": list(mark["files"])}
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if not _is_rewritten(connection.execute(_FILES, tables), mark):
                    if not connection.execute(_OWNS_ALL, {"tables": _without_statistics(mark)}).scalar():
                        return False
                    if not self._rewrite_tables(connection, _without_statistics(mark)):
                        return False
                return _is_rewritten(connection.execute(_FILES, tables), mark)

    def _rewrite_tables(self, connection: Connection, tables: Sequence[str]) -> bool:
        """Write the files of a server's tables anew; whether nobody who reads was in the way of one."""
        patience_ms = min(self._busy_timeout_ms, EMPTYING_MS)
        connection.exec_driver_sql(f"SET lock_timeout = {patience_ms}")
        try:
            connection.exec_driver_sql(_rewriting(tables))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCKED:
                raise
            return False
        finally:
            connection.exec_driver_sql(f"SET lock_timeout = {self._busy_timeout_ms}")
        return True

    def cleaning(self, tables: Sequence[str]) -> str | None:
        """The statement with which the owner cleans the files of these tables; None on SQLite.

        The statistics come last: they hold samples of what was in the tables until those are analysed.
        """
        return None if self.embedded else _rewriting(tables)

    def now(self, session: Session) -> datetime:
        """The time that all who use this database share: a server's own, or this machine's."""
        if self.embedded:
            return datetime.now(UTC)
        now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now.astimezone(UTC)

    def server_version(self, session: Session) -> int:
        """The major version of a PostgreSQL server."""
        return int(session.execute(text("SHOW server_version_num")).scalar_one()) // 10_000

    def size_bytes(self, session: Session) -> int:
        """How much room the database takes."""
        if not self.embedded:
            return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        file = self.file
        parts = [] if file is None else [file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))]
        return sum(part.stat().st_size for part in parts if part.exists())

    def hurry(self) -> None:
        """Have a SQLite file flushed to the disk less often by this process: for what is made anew when the
        machine stops."""
        if self.embedded:
            with _bare(self._writer, self.file) as cursor:
                cursor.execute("PRAGMA synchronous=NORMAL")

    def close(self) -> None:
        """Close the connections that are kept."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with (
            _told(self.file),
            Session(engine, expire_on_commit=False, autoflush=False) as session,
            session.begin(),
        ):
            yield session

    def _engine(self, *, readonly: bool) -> Engine:
        return self._sqlite_engine(readonly=readonly) if self.embedded else self._server(readonly=readonly)

    def _server(self, *, readonly: bool) -> Engine:
        """An engine for PostgreSQL: a reader sees one moment, a writer waits as long as on SQLite."""
        isolation = "REPEATABLE READ" if readonly else "READ COMMITTED"
        patience = {name: value for name, value in PATIENCE.items() if name not in self.url.query}
        engine = create_engine(
            self.url,
            json_serializer=encode,
            connect_args=patience if self.url.get_backend_name() == "postgresql" else {},
            execution_options={"isolation_level": isolation, "postgresql_readonly": readonly},
            hide_parameters=True,
            pool_pre_ping=True,  # connections of before a restart of the server are replaced
            pool_timeout=self._busy_timeout_ms / 1000,
        )
        if self.url.get_backend_name() == "postgresql":
            event.listen(engine, "connect", _pin, insert=True)  # before the tables are first looked for
        # who reads may be long about it: a backup is
        idle_ms = 0 if readonly else self.idle_ms
        event.listen(engine, "connect", _timeouts(self._busy_timeout_ms, idle_ms))
        return engine

    def _sqlite_engine(self, *, readonly: bool) -> Engine:
        """An engine for SQLite: one writes at a time, and who waits for it in this process stands in a queue,
        instead of asking the file again and again."""
        pool: dict[str, Any] = {"pool_timeout": self._busy_timeout_ms / 1000}
        if not readonly:
            pool |= {"pool_size": 1, "max_overflow": 0}
        engine = create_engine(
            self.url,
            json_serializer=encode,
            connect_args={"timeout": self._busy_timeout_ms / 1000},
            hide_parameters=True,  # an error's text goes into logs, and the values of a statement must not
            **(pool if self._is_kept else {}),
        )
        event.listen(engine, "connect", _pragmas(readonly=readonly))
        event.listen(engine, "begin", _begin_deferred if readonly else _begin_immediate)
        return engine


def plan_once(session: Session) -> None:
    """Have a server keep the plans of this transaction's statements, whatever their values are.

    It is for statements that every value takes the same way: to plan a queue's page takes a server several
    times as long as to read it.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")


@cache
def revisions() -> tuple[str, ...]:
    """The revisions that this release knows, in order, as the migrations' files say: Alembic takes 0.1 s."""
    after: dict[str | None, str] = {}
    for file in (MIGRATIONS / "versions").glob("[0-9]*.py"):
        before, own = None, ""
        for name, value in _REVISION.findall(file.read_text(encoding="utf-8")):
            before, own = (value, own) if name else (before, value)
        after[before] = own
    found = [after[None]]
    while found[-1] in after:
        found.append(after[found[-1]])
    return tuple(found)


def _require_latest(found: str | None, *, embedded: bool) -> None:
    """Raises StoreOutdated when the tables are of another release, or there are none."""
    known, upgrade = revisions(), _UPGRADE_FILE if embedded else _UPGRADE
    if found is None:
        raise StoreOutdated("The database has no tables yet.", hint=upgrade)
    if found not in known:
        raise StoreOutdated(_TOO_NEW, hint=_TOO_NEW_HINT)
    if found != known[-1]:
        raise StoreOutdated(
            f"The database was made by an earlier release: it is at {found}, this one needs {known[-1]}.",
            hint=upgrade,
        )


def require_new(folder: Path) -> None:
    """Refuse to take a server's database without tables for a new one, where a data folder is an office's.

    Before there are tables nobody loads a register, nor stores files. Raises RestoreUnfinished.
    """
    # who makes the tables need not be somebody who may look into the folder: then nothing is found
    if any(next(folder.glob(pattern), None) for pattern in _OF_AN_OFFICE):
        raise RestoreUnfinished(
            f"The folder {folder} holds the register or files of an office, and the database nothing.",
            hint="Was a restore cut off, empty the folder, and restore again into this database. Else name"
            f" the database of that office in {VARIABLE}, or another folder with --data.",
        )


_OF_AN_OFFICE = ("hr_register.csv", "office.json", "blobs/?/*")
"""As those have them that make these: office, identity, documents.blobs. Not its keys: `paraaf sign` makes
some without any database."""
_REVISION = re.compile(r'^(down_)?revision = "(\w+)"$', re.MULTILINE)
_UPGRADE = "Have the owner of the database run `paraaf upgrade`."
_UPGRADE_FILE = "Run `paraaf upgrade`."
_TOO_NEW = "The database was made by a later release than this one."
_TOO_NEW_HINT = "Install that release, or use another data folder."


PIN = """SELECT count(ours), set_config('search_path', quote_ident(coalesce(max(ours), current_schema(),
'public')) || ', pg_temp', false) FROM (SELECT name::text AS ours FROM unnest(current_schemas(false)) AS name
WHERE to_regclass(quote_ident(name) || '.log_head') IS NOT NULL) AS path"""
"""Lets a connection see one schema alone: the one on its path that has our tables, of which there may be one
only, else the first. A table or function of the same name in a schema before it would be taken for ours."""


def require_one(schemas: int) -> None:
    """Refuse a path with our tables in several schemas. Raises StoreUnavailable."""
    if schemas > 1:
        raise StoreUnavailable(
            "Several schemas on the search path of this role have tables of Paraaf.",
            hint="Find out who made the others, and remove them: `SHOW search_path` tells where to look.",
        )


def _pin(connection: Any, _: object) -> None:
    ((schemas, _path),) = connection.execute(PIN)
    connection.commit()
    require_one(schemas)


def _timeouts(busy_timeout_ms: int, idle_ms: int) -> Any:
    """Wait for a lock as long as on SQLite, and be cut off first when stopped while holding one (0: never).

    A process that is stopped in mid-transaction would hold everybody else for ever. Nothing is compiled
    before it is run (jit): for a statement that reads a page, that takes a hundred times as long as the rest.
    """

    def connect(connection: Any, _: object) -> None:
        for name, milliseconds in (
            ("lock_timeout", busy_timeout_ms),
            ("idle_in_transaction_session_timeout", idle_ms),
        ):
            connection.execute("SELECT set_config(%s, %s, false)", (name, str(milliseconds)))
        connection.execute("SET jit = off")
        connection.commit()

    return connect


def _pragmas(*, readonly: bool) -> Any:
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        # recursive_triggers: or REPLACE deletes rows without firing the triggers that forbid it
        settings = ["foreign_keys=ON", "recursive_triggers=ON", "synchronous=FULL", "secure_delete=ON"]
        settings.append("query_only=ON" if readonly else "journal_mode=WAL")
        settings.append(f"cache_size=-{CACHE_KIB}")
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")

    return connect


@contextmanager
def _bare(engine: Engine, file: Path | None) -> Iterator[sqlite3.Cursor]:
    """A SQLite connection outside of any transaction: the engine would begin one. Raises StoreUnavailable."""
    connection = engine.raw_connection()
    try:
        # closed before the connection is another's: what is not read to its end would be in its way
        with closing(cast(sqlite3.Cursor, connection.cursor())) as cursor:
            yield cursor
    except sqlite3.Error as error:
        raise unavailable(error, file) from error
    finally:
        connection.close()


def _rewrite(engine: Engine, file: Path | None) -> None:
    # secure_delete wipes what is deleted, but a page that was split may keep copies of what moved to another
    with _bare(engine, file) as cursor:
        cursor.execute("VACUUM")


def _empty_wal(engine: Engine, file: Path | None) -> bool:
    """Empty the write-ahead log; whether nobody who reads was in the way."""
    with _bare(engine, file) as cursor:
        [patience_ms] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute(f"PRAGMA busy_timeout={min(patience_ms, EMPTYING_MS)}")
        try:
            busy, *_ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            cursor.execute(f"PRAGMA busy_timeout={patience_ms}")
    return not busy


def _rewriting(tables: Sequence[str]) -> str:
    return f"VACUUM (FULL, ANALYZE) {', '.join((*tables, STATISTICS))}"


def _without_statistics(mark: Mapping[str, Any]) -> list[str]:
    return [name for name in mark["files"] if name != STATISTICS]


def _is_rewritten(rows: Iterable[Any], mark: Mapping[str, Any]) -> bool:
    """Whether every table was written anew after the mark, and what was deleted was not taken along.

    VACUUM FULL gives a table another file. It takes along what a transaction that still runs may see: then it
    freezes no further than to that one. The statistics were made after the mark, and written anew last. A
    mark from the future is another server's: the database was restored from a backup, which has no old rows.
    """
    found = {row.name: row for row in rows}
    statistics = found.pop(STATISTICS)
    if mark["transaction"] >= statistics.next:
        return True
    for row in (*found.values(), statistics):
        if row.file == mark["files"][row.name] or row.frozen_to <= mark["transaction"]:
            return False
    analysed = [[at.timestamp() for at in row[2:4] if at is not None] for row in found.values()]
    return all(max(times, default=0) > mark["at"] for times in analysed) and (
        statistics.frozen_to > max(row.frozen_to for row in found.values())
    )


def _begin_immediate(connection: Connection) -> None:
    # a deferred transaction that reads first can't become a writer when another wrote in between
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _make_private(file: Path) -> None:
    """Make the folder and the file for its owner alone; SQLite gives its side files the same mode.

    Their names are on the disk on return: SQLite sees to those in the folder, and not to the folder's own.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        if file.stat().st_size == 0:  # nothing is in it yet: it may be new, by us or by another process
            sync_with_parents(file.parent)
    except OSError as error:
        raise StoreUnavailable(
            f"The database file {file} can't be made or opened: {error.strerror}.",
            hint="Choose a data folder that may be written, with --data or PARAAF_DATA.",
        ) from error


def _upgrade(connection: Connection, to: str) -> None:
    from alembic import command  # noqa: PLC0415  it takes 0.1 s, and nothing else needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('paraaf-migrate'))"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, to)
    except CommandError as error:
        raise StoreOutdated(_TOO_NEW, hint=_TOO_NEW_HINT) from error


@contextmanager
def _told(file: Path | None) -> Iterator[None]:
    """Turn what the driver says of the database itself into ours; `file` is the SQLite file, if it is one."""
    try:
        yield
    except NoneFree as error:
        raise StoreUnavailable(
            "There is much to do: no connection to the database came free in time.",
            hint="Try again. If it stays so, see which long work holds them: `paraaf check` tells.",
        ) from error
    except DatabaseError as error:
        problem = _ours(error, file)
        if problem is None:
            raise
        raise problem from error


def refuses_row(error: DBAPIError) -> bool:
    """Whether the database answers, and takes no such row: a constraint, a trigger, a right is against it."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in {
        RAISED,
        NO_PRIVILEGE,
    }


def _ours(error: DatabaseError, file: Path | None) -> WorkflowError | None:
    """What it means to us; None when it speaks of a statement and its values, not of the database."""
    code = getattr(error.orig, "sqlstate", None)
    if code in TRY_AGAIN:
        return Raced("The database gave another transaction the way.", hint="Try again.")
    lost = error.connection_invalidated or code in OF_THE_DATABASE or is_wrong_url(error.orig)
    if not lost and type(error) not in {DatabaseError, OperationalError}:
        return None
    if code == NO_PRIVILEGE:
        said = str(getattr(getattr(error.orig, "diag", None), "message_primary", "") or error.orig)
        return StoreUnavailable(f"The database refuses this role: {said}.", hint=_UPGRADE)
    return unavailable(error.orig, file)
