"""Debian's PostgreSQL, started by the tests: one server per test process, one fresh database per test.

The server listens on a free port of loopback and has its data in memory where there is room for it; it never
outlives the process that started it. fsync stays on, as in production. `OWNER` owns the tables, `APPLICATION`
is the role that owns nothing. `OWNER` is the server's administrator too; `PLAIN_OWNER` is none, and owns the
databases that are restored.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL

from tests import in_memory
from workflow.application_role import grant
from workflow.store import Store

BINARIES = "usr/lib/postgresql/*/bin/initdb"
OWNER, APPLICATION, PLAIN_OWNER = "paraaf_owner", "paraaf", "paraaf_plain"
PREFIX = "paraaf-pg-"
TEMPLATE, NOTHING = "migrated", "template1"
START_LIMIT_S = 60
SETTINGS = (
    "max_connections=200",
    "shared_buffers=64MB",
    "log_min_messages=fatal",
    "fsync=on",
    "wal_recycle=off",  # else old log, with what was destroyed, stands in files that wait for the next
    "timezone=UTC",
)


def url_of(port: int, database: str, user: str = OWNER) -> URL:
    """The URL that names a database of a server here."""
    return URL.create("postgresql+psycopg", username=user, host="127.0.0.1", port=port, database=database)


@dataclass
class Server:
    """A PostgreSQL server in a folder of its own. Give it up with `remove`."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    settings: Sequence[str] = ()
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _own: psycopg.Connection[Any] | None = None

    @classmethod
    def make(cls, place: Path | None = None, settings: Sequence[str] = ()) -> "Server":
        """Make a cluster and start it; there is one database in it with all tables, to be copied.

        Where there is room, in memory; or in a folder of this `place`.
        """
        place = place or in_memory.place()
        _remove_leftovers(place)
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=place))
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "postgres", "postgres")
        server = cls(folder, _free_port(), settings=settings)
        try:
            made = [*_as_somebody(), binary("initdb"), "-D", folder / "data", "-U", OWNER, "-A", "trust"]
            subprocess.run(
                [*made, "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-sync"],
                check=True,
                capture_output=True,
                cwd="/",
            )
            server.start()
            for role in (APPLICATION, PLAIN_OWNER):
                server.run(f"CREATE ROLE {role} LOGIN")
            server.run(f"CREATE DATABASE {TEMPLATE}")
            store = Store(url_of(server.port, TEMPLATE))
            store.migrate()
            with store.write() as session:
                grant(session, APPLICATION)
            store.close()
        except BaseException:
            server.remove()
            raise
        return server

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = [
            *_as_somebody("--pdeathsig", "QUIT"),  # it ends with this process, however that ends
            *(binary("postgres"), "-D", self.folder / "data", "-c", f"port={self.port}"),
            *("-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.folder}"),
            *(word for setting in (*SETTINGS, *self.settings) for word in ("-c", setting)),
        ]
        ready = [binary("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(START_LIMIT_S * 20):
            if self.process is None or self.process.poll() is not None:
                # again, too: after SIGKILL the server's children may still hold its memory
                with (self.folder / "log").open("ab") as log:
                    self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd="/")
            elif subprocess.run(ready, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError(f"PostgreSQL does not start: {(self.folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT is an orderly end, SIGQUIT one without a checkpoint, as by `-m immediate`."""
        if self._own is not None:
            self._own.close()
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_LIMIT_S)
            self.process = None

    def remove(self) -> None:
        """Stop it and remove its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as the owner of everything, outside of a transaction."""
        with self.connection(database) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def _copy(self, template: str, name: str) -> None:
        """Make a database, on a connection that stays: a new one costs half as much again."""
        # its files copied as they are: through the write-ahead log it takes half as much processor time again
        how = " STRATEGY file_copy" if self.version >= 15 else ""
        if self._own is None or self._own.closed:
            self._own = self._connect("postgres", OWNER)
        self._own.execute(f"CREATE DATABASE {name} TEMPLATE {template}{how}")  # type: ignore[call-overload]

    def settle(self) -> None:
        """Have everything written where it belongs, and none of the write-ahead log left of before."""
        self.run("SELECT pg_switch_wal()")
        self.run("CHECKPOINT")

    def files_of(self, database: str) -> Iterator[Path]:
        """Every file of the server but those of other databases: tables, write-ahead log, messages."""
        with self.connection(database) as connection:
            query = "SELECT pg_relation_filepath('pg_class')"
            (own,) = connection.execute(query).fetchone()  # type: ignore[misc]  (there is one row)
        others = self.folder / "data" / "base"
        for path in sorted(self.folder.rglob("*")):
            mine = others not in path.parents or (self.folder / "data" / own).parent in path.parents
            if mine and path.is_file():
                yield path

    @contextmanager
    def connection(self, database: str, user: str = OWNER) -> Iterator[psycopg.Connection[Any]]:
        """A plain connection that commits every statement."""
        with self._connect(database, user) as connection:
            yield connection

    def _connect(self, database: str, user: str) -> psycopg.Connection[Any]:
        where = {"host": "127.0.0.1", "port": self.port, "dbname": database, "user": user}
        return psycopg.connect(**where, autocommit=True)  # type: ignore[arg-type]

    @property
    def version(self) -> int:
        """The major one."""
        return int(binary("postgres").parts[-3])

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """A fresh copy of a database, for the length of the block; its name."""
        name = f"d{next(self.numbers)}"
        self._copy(template, name)
        try:
            yield name
        finally:
            if self.process is None:
                self.start()
            # on a new one: while it is made, who was connected leaves, and nobody is waited for
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def without_checksums(server: Server) -> Iterator[None]:
    """The server as one whose pages have no checksums, for the length of the block."""
    _set_checksums(server, "--disable")
    try:
        yield
    finally:
        _set_checksums(server, "--enable")


def _set_checksums(server: Server, option: str) -> None:
    server.stop()
    command = [*_as_somebody(), binary("pg_checksums"), option, "--no-sync", "-D", server.folder / "data"]
    subprocess.run(command, check=True, capture_output=True, cwd="/")
    server.start()


def _remove_leftovers(place: Path) -> None:
    """Remove the folders of processes that were killed; their servers ended with them."""
    for folder in place.glob(f"{PREFIX}*"):
        if not Path("/proc", folder.name.removeprefix(PREFIX).split("-")[0]).exists():
            shutil.rmtree(folder, ignore_errors=True)


def binary(name: str) -> Path:
    """The newest PostgreSQL's program of this name."""
    found = sorted(Path("/").glob(BINARIES), key=lambda file: int(file.parts[-3]))
    assert found, "PostgreSQL is not installed: see tests/debian-packages"
    return found[-1].with_name(name)


def _as_somebody(*options: str) -> list[str]:
    """The words before a command that must not run as root."""
    if os.geteuid() != 0:
        return ["setpriv", *options] if options else []
    user = pwd.getpwnam("postgres")
    return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", *options]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
