"""Copies of the database as of one moment, and a database from such a copy: one way for each database."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, inspect
from sqlalchemy.orm import Session

from workflow.errors import StoreUnavailable
from workflow.store import FILE, Store

DUMP = "paraaf.dump"


class RestoreRefused(StoreUnavailable):
    """There is something already where the office would be restored to."""

    code = "workflow-restore-refused"


def copy_name(store: Store) -> str:
    """The name of a copy's file, which says what it is."""
    return FILE if store.file is not None else DUMP


@contextmanager
def snapshot(store: Store, into: Path) -> Iterator[Session]:
    """Copy the database to a new file; the session given sees exactly what the copy holds.

    Writers go on meanwhile. Raises StoreUnavailable.
    """
    if store.file is not None:
        _vacuum_into(store.file, into)
        engine = create_engine(f"sqlite:///file:{into}?mode=ro&uri=true")
        try:
            with Session(engine) as session:
                yield session
        finally:
            engine.dispose()
        return
    with store.moment() as (session, moment):
        _client(
            "pg_dump",
            ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={moment}"],
            store,
            into,
        )
        yield session


def require_empty(store: Store) -> None:
    """Refuse a database server's database that holds tables; a file is judged by its folder."""
    if store.file is None:
        with store.read() as session:
            tables = inspect(session.connection()).get_table_names()
        if tables:
            raise RestoreRefused(
                "The database holds tables already.", hint="Make a new, empty database, and name that one."
            )


def load(store: Store, copy: Path, folder: Path) -> None:
    """Make the database from a copy: a file in `folder`, or the empty database of the store."""
    if store.file is not None:
        shutil.move(copy, folder / FILE)
    else:
        _client(
            "pg_restore",
            ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"],
            store,
            copy,
        )


def _vacuum_into(source: Path, into: Path) -> None:
    """Copy in one read transaction; free pages, and what was deleted in them, stay behind."""
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=rw", uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA busy_timeout=30000")
            connection.execute("VACUUM INTO ?", [str(into)])
    except sqlite3.Error as error:
        raise StoreUnavailable(
            f"The database can't be copied: {error}.", hint="See that there is room for a second one."
        ) from error


def _client(program: str, options: Sequence[str], store: Store, file: Path) -> None:
    """Run one of PostgreSQL's own programs; the password goes by the environment, never by an argument."""
    target = store.url.set(drivername="postgresql", password=None).render_as_string()
    place = f"--file={file}" if program == "pg_dump" else str(file)
    command = [program, *options, f"--dbname={target}", place]
    try:
        done = subprocess.run(  # noqa: S603 (our own arguments; the program is PostgreSQL's)
            command, env=_environment(store), capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise StoreUnavailable(
            f"{program} is not installed here.",
            hint="Install PostgreSQL's client programs of the server's version.",
        ) from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise StoreUnavailable(
            f"{program} failed: {said[0] if said else done.returncode}.",
            hint="Name a role that may read all tables, and have a client of the server's version.",
        )


def _environment(store: Store) -> Mapping[str, str]:
    password = store.url.password
    return {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
