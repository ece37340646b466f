"""The databases that a test runs on, SQLite and PostgreSQL in turn, and how an intruder gets at them."""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from shutil import copyfile
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL
from sqlalchemy.orm import Session

from tests.postgresql import APPLICATION, NOTHING, OWNER, PLAIN_OWNER, TEMPLATE, Server, url_of
from workflow.eventlog import Appender
from workflow.store import FILE, VARIABLE, Store
from workflow.tables import DefinitionSource, DocumentRow, Person, Request
from workflow.upgrade import OWNER as OWNERS
from workflow.upgrade import ROLE

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

KINDS = ("sqlite", "postgresql")
Refusal = (sqlite3.IntegrityError, psycopg.errors.RestrictViolation, psycopg.errors.IntegrityError)
"""What a database raises when a guard or a key objects."""


@dataclass(frozen=True)
class Database:
    """A fresh database: where it is, and the environment that leads an office to it."""

    url: URL
    environ: Mapping[str, str]

    @property
    def kind(self) -> str:
        return self.url.get_backend_name()


@contextmanager
def fresh(
    kind: str, folder: Path, request: pytest.FixtureRequest, *, template: str = TEMPLATE
) -> Iterator[Database]:
    """A database of a kind with all tables, empty: the folder's own file, or one of the server's.

    The server's is opened as the application role, which owns nothing; a copy of an empty one as the owner.
    """
    if kind == "sqlite":
        copyfile(request.getfixturevalue("migrated_file"), folder / FILE)
        (folder / FILE).chmod(0o600)
        yield Database(URL.create("sqlite", database=str(folder / FILE)), {})
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.database(template) as name:
        url = url_of(server.port, name, OWNER if template == NOTHING else APPLICATION)
        yield Database(url, {VARIABLE: url.render_as_string(hide_password=False)})


only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
only_postgresql = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


class Intruder:
    """A connection without our settings. Statements are SQLite's: `?` for values, x'00' for bytes."""

    def __init__(self, connection: Any, *, server: bool) -> None:
        self.connection = connection
        self._server = server

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> Any:
        """Run a statement; its cursor."""
        if self._server:
            statement = re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)
            statement = statement.replace("%", "%%").replace("?", "%s")
        return self.connection.execute(statement, values)


@contextmanager
def intruder(store: Store, *, guarded: bool) -> Iterator[Intruder]:
    """Somebody who has the file, or the rights of the tables' owner; without triggers unless `guarded`.

    What they did is committed at the end.
    """
    if store.file is not None:
        with closing(sqlite3.connect(store.file)) as database, database:
            triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            dropped = [] if guarded else database.execute(triggers).fetchall()
            for name, _ in dropped:
                database.execute(f"DROP TRIGGER {name}")
            yield Intruder(database, server=False)
            for _, statement in dropped:
                database.execute(statement)
        return
    owners = store.url.set(drivername="postgresql", username=OWNER)
    with psycopg.connect(owners.render_as_string(hide_password=False)) as own:
        if not guarded:
            own.execute("SET session_replication_role = replica")
        yield Intruder(own, server=True)


@dataclass(frozen=True)
class Place:
    """Where an office may be restored to: the environment of who does that, and that of who works there."""

    owner: Mapping[str, str]
    application: Mapping[str, str]


@contextmanager
def vacant(kind: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A database to restore to: a data folder's own file, or an empty one on the server, of an owner."""
    if kind == "sqlite":
        yield Place({}, {})
        return
    server: Server = request.getfixturevalue("postgresql")
    with server.database(NOTHING) as name:
        server.run(f"ALTER DATABASE {name} OWNER TO {PLAIN_OWNER}")
        owner, application = (
            url_of(server.port, name, role).render_as_string() for role in (PLAIN_OWNER, APPLICATION)
        )
        yield Place({OWNERS: owner, ROLE: APPLICATION}, {VARIABLE: application})


@contextmanager
def copy_of(database: Database, folder: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A copy of a database that nobody is connected to; `folder` is a copy of its data folder."""
    if database.kind == "sqlite":
        yield Database(URL.create("sqlite", database=str(folder / FILE)), {})
    else:
        with fresh(database.kind, folder, request, template=str(database.url.database)) as copy:
            yield copy


@contextmanager
def gone(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """A file that is none of SQLite's any more; a server that is stopped, for the length of the block."""
    if database.kind == "sqlite":
        Path(str(database.url.database)).write_bytes(b"a letter to the office\n" * 400)
        yield
        return
    server: Server = request.getfixturevalue("postgresql")
    server.stop()
    try:
        yield
    finally:
        server.start()


def as_owner(store: Store, statement: str) -> None:
    """Have the owner of a server's tables run a statement, outside of any transaction."""
    owners = store.url.set(drivername="postgresql", username=OWNER)
    with psycopg.connect(owners.render_as_string(hide_password=False), autocommit=True) as own:
        own.execute(statement)  # type: ignore[call-overload]


def add_lone_request(session: Session) -> None:
    """Request 1, and what it refers to: for tests of other rows that refer to it."""
    session.add(Person(id="p", name="P", unit="u"))
    session.add(DefinitionSource(sha256_hex="d", key="k", variant="v", version=1, source=""))
    session.flush()
    session.add(
        Request(
            id=1,
            key="k",
            variant="v",
            definition_sha256="d",
            state="s",
            version=1,
            step_seq=1,
            requester_id="p",
            unit="u",
            language="en",
            data={},
            data_sha256="",
            opened_at=NOW,
        )
    )
    session.flush()


def add_lone_document(session: Session, sha256: str = "0") -> None:
    """Document 1 of request 1, rendered by event 1; its file is the stored one of this digest."""
    add_lone_request(session)
    log = Appender.lock(session, bytes)
    log.append("document_rendered", at=NOW, request_id=1, facts={})
    log.write()
    session.add(
        DocumentRow(
            id=1,
            request_id=1,
            name="declaration",
            kind="k",
            revision_no=1,
            number="1",
            verification_code="c",
            language="en",
            issued_on=date(2026, 11, 20),
            data_sha256="",
            rendered_sha256=sha256,
            current_sha256=sha256,
            created_seq=1,
        )
    )
    session.flush()
