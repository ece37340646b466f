"""The database: how it is opened, what a transaction is, how its tables get there.

The only module, beside the migrations, that knows which database it is.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError
from sqlalchemy.orm import Session

from workflow.canonical import encode
from workflow.errors import StoreOutdated, StoreUnavailable
from workflow.tables import Base

FILE = "paraaf.sqlite3"
VARIABLE = "PARAAF_DATABASE"
BUSY_TIMEOUT_MS = 30_000
MIGRATIONS = Path(__file__).parent / "migrations"
_OWNS_ALL = (
    "SELECT bool_and(pg_has_role(relowner, 'USAGE')) FROM pg_class"
    " WHERE oid IN ('requests'::regclass, 'bodies'::regclass, 'people'::regclass)"
)


class Store:
    """One database. `write()` and `read()` are transactions; nothing is opened before the first."""

    def __init__(self, url: str | URL, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.url = make_url(url)
        self._busy_timeout_ms = busy_timeout_ms
        self._writer = self._engine(readonly=False)
        self._reader = self._engine(readonly=True)

    @classmethod
    def unopened(cls, folder: Path, environ: Mapping[str, str] = os.environ) -> Self:
        """The database of a data folder, there or not, whatever is in it. Raises StoreUnavailable.

        The embedded default is a file in the folder; PARAAF_DATABASE names another database by its URL.
        """
        try:
            return cls(environ.get(VARIABLE) or URL.create("sqlite", database=str(folder / FILE)))
        except (ArgumentError, ImportError) as error:  # told without the URL, which may hold a password
            raise StoreUnavailable(
                f"{VARIABLE} names no database that can be used.",
                hint="Write it like postgresql+psycopg://user@host/name; without it the data folder is used.",
            ) from error

    @classmethod
    def open(cls, folder: Path, environ: Mapping[str, str] = os.environ, *, make: bool = True) -> Self:
        """Open the database of a data folder and bring it up to date; unless `make` is false, make it.

        Raises StoreUnavailable, StoreOutdated.
        """
        store = cls.unopened(folder, environ)
        if not make and store.file is not None and not store.file.exists():
            raise StoreUnavailable(
                f"There is no database {store.file}.", hint="Name the data folder with --data or PARAAF_DATA."
            )
        store.migrate()
        return store

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for a server or a database in memory."""
        if self.url.get_backend_name() != "sqlite" or not self.url.database:
            return None
        return Path(self.url.database)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, rolled back when an exception leaves it.

        On SQLite it has the write lock from its first statement on. Raises StoreUnavailable.
        """
        with self._session(self._writer) as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one moment and can't write. Raises StoreUnavailable."""
        with self._session(self._reader) as session:
            yield session

    @contextmanager
    def moment(self) -> Iterator[tuple[Session, str]]:
        """A transaction on PostgreSQL that sees one moment, and the name by which pg_dump sees the same."""
        with self.read() as session:
            yield session, str(session.scalar(text("SELECT pg_export_snapshot()")))

    def migrate(self) -> None:
        """Bring the tables up to date; several processes may do so at once.

        Raises StoreOutdated when the database was made by a later release.
        """
        if self.file is not None:
            _make_private(self.file)
        with _told(), self._writer.begin() as connection:
            _upgrade(connection)

    def clean(self) -> bool:
        """Have nothing of what was deleted left in the database's files; whether that could be done.

        SQLite: the file is written anew, and its write-ahead log emptied. It can't be emptied while somebody
        reads. PostgreSQL: the tables are vacuumed, which only their owner can. Raises StoreUnavailable.
        """
        with _told():
            if self.url.get_backend_name() == "sqlite":
                return _rewrite(self._writer)
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                if not connection.execute(text(_OWNS_ALL)).scalar():
                    return False
                connection.exec_driver_sql(f"VACUUM (ANALYZE) {', '.join(Base.metadata.tables)}")
                return True

    def now(self, session: Session) -> datetime:
        """The time that all who use this database share: a server's own, or this machine's."""
        if self.url.get_backend_name() == "sqlite":
            return datetime.now(UTC)
        now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        return now.astimezone(UTC)

    def size_bytes(self, session: Session) -> int:
        """How much room the database takes."""
        if self.url.get_backend_name() != "sqlite":
            return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
        file = self.file
        parts = [] if file is None else [file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))]
        return sum(part.stat().st_size for part in parts if part.exists())

    def revision(self, session: Session) -> tuple[str, str]:
        """The migration that the database is at, and the last one that this release has."""
        from alembic.migration import MigrationContext  # noqa: PLC0415  as in _upgrade

        there = MigrationContext.configure(session.connection()).get_current_heads()
        return ",".join(sorted(there)), last_revision()

    def close(self) -> None:
        """Close the connections that are kept."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with _told(), Session(engine, expire_on_commit=False, autoflush=False) as session, session.begin():
            yield session

    def _engine(self, *, readonly: bool) -> Engine:
        if self.url.get_backend_name() != "sqlite":
            # whoever reads sees one moment; a writer sees what others committed before its statement
            level = "REPEATABLE READ" if readonly else "READ COMMITTED"
            isolation = {"isolation_level": level, "postgresql_readonly": readonly}
            return create_engine(
                self.url, json_serializer=encode, execution_options=isolation, hide_parameters=True
            )
        engine = create_engine(
            self.url,
            json_serializer=encode,
            connect_args={"timeout": self._busy_timeout_ms / 1000},
            hide_parameters=True,  # an error's text goes into logs, and the values of a statement must not
        )
        event.listen(engine, "connect", _pragmas(readonly=readonly))
        event.listen(engine, "begin", _begin_deferred if readonly else _begin_immediate)
        return engine


def _pragmas(*, readonly: bool) -> Any:
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        # recursive_triggers: or REPLACE deletes rows without firing the triggers that forbid it
        settings = ["foreign_keys=ON", "recursive_triggers=ON", "synchronous=FULL", "secure_delete=ON"]
        settings.append("query_only=ON" if readonly else "journal_mode=WAL")
        for setting in settings:
            connection.execute(f"PRAGMA {setting}")

    return connect


def _rewrite(engine: Engine) -> bool:
    connection = engine.raw_connection()  # outside of any transaction: the engine would begin one
    try:
        # secure_delete wipes what is deleted, but a page that was split keeps copies of what moved to another
        connection.cursor().execute("VACUUM")
        busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error as error:
        raise _unavailable(error) from error
    finally:
        connection.close()
    return not busy


def _begin_immediate(connection: Connection) -> None:
    # a deferred transaction that reads first can't become a writer when another wrote in between
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_deferred(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _make_private(file: Path) -> None:
    """Make the folder and the file for its owner alone; SQLite gives its side files the same mode."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"The database file {file} can't be made or opened: {error.strerror}.",
            hint="Choose a data folder that may be written, with --data or PARAAF_DATA.",
        ) from error


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  it takes 0.1 s, and nothing else needs it
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('paraaf-migrate'))"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "heads")
    except CommandError as error:
        raise StoreOutdated(
            "The database was made by a later release than this one.",
            hint="Install that release, or use another data folder.",
        ) from error


@cache
def last_revision() -> str:
    """The last migration of this release."""
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return ",".join(sorted(ScriptDirectory.from_config(config).get_heads()))


@contextmanager
def _told() -> Iterator[None]:
    """Turn what the driver says of the database itself into ours."""
    try:
        yield
    except DatabaseError as error:
        # its other subclasses speak of a statement and its values, not of the database
        if type(error) not in {DatabaseError, OperationalError}:
            raise
        raise _unavailable(error.orig) from error


def _unavailable(error: BaseException | None) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database does not answer as it should: {error}.",
        hint="See that its disk is there and has room, and that no other program holds it.",
    )
