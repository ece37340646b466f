"""Copies of the database as of one moment, and a database from such a copy: one way for each database."""

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import URL, create_engine, inspect, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from workflow.errors import StoreUnavailable
from workflow.store import FILE, VARIABLE, VERSION_TABLE, Store

DUMP = "paraaf.dump"


class RestoreRefused(StoreUnavailable):
    """An office can't be restored to this place: there is something already, or its database is of the other
    kind."""

    code = "workflow-restore-refused"


class ClientUnfit(StoreUnavailable):
    """PostgreSQL's own client programs are not installed here, or are older than the server."""

    code = "workflow-database-client"


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
        engine = create_engine("sqlite://", creator=partial(_connect, into, "ro"), poolclass=NullPool)
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


def require_place(store: Store, folder: Path) -> None:
    """Refuse a database that a data folder could not be restored with.

    A server's must hold no tables, and be at hand for PostgreSQL's own programs; a file has its place in the
    folder, by which it is judged. Raises RestoreRefused, StoreUnavailable.
    """
    if store.embedded:
        if store.file is None or store.file.resolve() != (folder / FILE).resolve():
            raise RestoreRefused(
                f"An SQLite database is restored into the data folder, and {VARIABLE} names another file.",
                hint=f"Leave {VARIABLE} out, or name a PostgreSQL database.",
            )
        return
    _require_client("pg_restore", store)
    with store.read() as session:
        tables = inspect(session.connection()).get_table_names()
    if tables:
        raise RestoreRefused(
            "The database holds tables already.", hint="Make a new, empty database, and name that one."
        )


def require_kind(store: Store, name: str) -> None:
    """Refuse a copy, by the name of its file, that is of another kind of database. Raises RestoreRefused."""
    if name != copy_name(store):
        kinds = {FILE: "an SQLite file", DUMP: "a dump of PostgreSQL"}
        raise RestoreRefused(
            f"The backup holds {kinds.get(name, 'something else')}, not {kinds[copy_name(store)]}.",
            hint=f"Restore it as it was made: on PostgreSQL with {VARIABLE}, else without.",
        )


def load(store: Store, copy: Path) -> str:
    """Fill the empty database of a server from a copy, wholly or not at all, but for its tables' revision.

    Without that nobody opens it: `Store.complete` writes it, when all is done. Gives the revision. Raises
    RestoreRefused, StoreUnavailable.
    """
    said = _client("pg_restore", ["--list"], store, copy, connected=False)
    ours = _SCHEMA.search(said)
    schema = ours[1] if ours else "public"  # others may have tables of the same name in theirs
    _require_seen(store, schema)
    contents = said.splitlines()
    left_out = [line for line in contents if f" TABLE DATA {schema} {VERSION_TABLE} " in line]
    named = ["--data-only", f"--schema={schema}", f"--table={VERSION_TABLE}", "--file=-"]
    found = _VERSION_ROW.search(_client("pg_restore", named, store, copy, connected=False))
    if len(left_out) != 1 or found is None:
        raise StoreUnavailable(
            "The backup's dump does not say of which release its tables are.", hint="Take another backup."
        )
    wanted = copy.with_name(f"{copy.name}.list")
    there = [*left_out, *(line for line in contents if f" SCHEMA - {schema} " in line)]
    wanted.write_text("\n".join(line for line in contents if line not in there), encoding="utf-8")
    _client(
        "pg_restore",
        [
            "--no-owner",
            "--no-privileges",
            "--exit-on-error",
            "--single-transaction",
            f"--use-list={wanted}",
        ],
        store,
        copy,
    )
    return found[1]


def _require_seen(store: Store, schema: str) -> None:
    """Refuse a copy of tables in a schema that is not there, or not on the path. Raises RestoreRefused."""
    with store.read() as session:
        session.execute(text("SET LOCAL search_path TO DEFAULT"))  # else pinned to the first
        path = list(session.scalars(text("SELECT unnest(current_schemas(false))::text")))
    if schema not in path:
        raise RestoreRefused(
            f"The backup's tables are in the schema {schema}, and this role sees {' and '.join(path)}.",
            hint="Make it with `CREATE SCHEMA`, and set `search_path` to it for the owner and the application"
            " role, as where the backup was made.",
        )


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    """Open a file that is there: a name may hold what means something in a URI, such as % and #."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def _vacuum_into(source: Path, into: Path) -> None:
    """Copy in one read transaction; free pages, and what was deleted in them, stay behind."""
    try:
        with closing(_connect(source, "rw")) as connection:
            connection.execute("PRAGMA busy_timeout=30000")
            connection.execute("VACUUM INTO ?", [str(into)])
    except sqlite3.Error as error:
        raise StoreUnavailable(
            f"The database can't be copied: {error}.", hint="See that there is room for a second one."
        ) from error


def _client(program: str, options: Sequence[str], store: Store, file: Path, *, connected: bool = True) -> str:
    """Run one of PostgreSQL's own programs on the database, or `connected` to none; what it said.

    The password goes by the environment, never by an argument.
    """
    _require_client(program, store)
    target = ["--no-password", f"--dbname={_without_password(store.url)}"] if connected else []
    place = f"--file={file}" if program == "pg_dump" else str(file)
    done = _run([program, *options, *target, place], store)
    if done.returncode != 0:
        raise StoreUnavailable(
            f"{program} failed: {_why(done)}.",
            hint="See that there is room, and that the role may read all tables."
            if program == "pg_dump"
            else "Restore as the database's owner, see docs/how-to/back-up-and-restore.md.",
        )
    return done.stdout


def _without_password(url: URL) -> str:
    """A database's URL as PostgreSQL's programs take it, to be seen by whoever lists the processes.

    Raises ClientUnfit for the passphrase of a key, which they take in the URL alone.
    """
    if "sslpassword" in url.query:
        raise ClientUnfit(
            "PostgreSQL's programs take `sslpassword` where whoever lists the processes sees it.",
            hint="Give a client key without a passphrase, that the office's user alone can read.",
        )
    bare = URL.create(
        "postgresql",
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query={name: value for name, value in url.query.items() if name != "password"},
    )
    return bare.render_as_string()


def _require_client(program: str, store: Store) -> None:
    """A program of the server's major version or a later one: an older one can't know all that is there."""
    said = _run([program, "--version"], store).stdout
    ours = _VERSION.search(said)
    with store.read() as session:
        theirs = store.server_version(session)
    if ours is None or int(ours[1]) < theirs:
        raise ClientUnfit(
            f"{program} is of version {ours[1] if ours else 'unknown'}, and the server of {theirs}.",
            hint=_INSTALL,
        )


def _run(command: Sequence[str], store: Store) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(  # noqa: S603 (our own arguments; the program is PostgreSQL's)
            command, env=_environment(store), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ClientUnfit(f"{command[0]} can't be run here: {error.strerror}.", hint=_INSTALL) from error


def _why(done: "subprocess.CompletedProcess[str]") -> str:
    """Its own first word on the error; it may have been ended without one."""
    if done.returncode < 0:
        return f"it was ended by {signal.Signals(-done.returncode).name}"
    lines = done.stderr.strip().splitlines()
    said = next((line for line in lines if "error: " in line), lines[0] if lines else str(done.returncode))
    return said.partition("error: ")[2].rstrip(".") or said


_SCHEMA = re.compile(r" TABLE DATA (.+) log_head ")
_VERSION_ROW = re.compile(r"FROM stdin;\n(\w{1,32})\n\\\.\n")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_INSTALL = "Install PostgreSQL's client programs of the server's version, or of a later one."


def _environment(store: Store) -> Mapping[str, str]:
    """Ours, in English so that errors are told alike everywhere, and with the URL's password."""
    password = store.url.query.get("password") or store.url.password  # the driver, too, takes the first
    return {**os.environ, "LC_ALL": "C", **({"PGPASSWORD": str(password)} if password else {})}
