"""Why a database does not answer: in one line, with the next step for just that.

What goes wrong before a connection to PostgreSQL stands has no code: libpq and the server say it in words.
They are looked for in English; of a server that speaks another language the general advice is given.
"""

import re
import shutil
import sqlite3
from pathlib import Path

from workflow.errors import StoreUnavailable

LITTLE_ROOM = 1 << 20
"""Bytes. SQLite needs a few pages and an index of its log of 32 KiB even to read."""
_OF_THE_DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_OF_THE_FILE = "See that its disk is there and has room, and that no other program holds it."
_OF_THE_SERVER = "See that the server is well: its own log says more."
_HINTS = (
    (
        "password authentication failed",
        "Give the role's password, in the URL or in libpq's password file. If it is right, see that the role"
        " is there.",
    ),
    (
        "no password supplied",
        "Give the password, in the URL or in libpq's password file: PGPASSFILE, else ~/.pgpass, with mode"
        " 0600, because libpq passes over one that others may read.",
    ),
    (
        r"database \".*\" does not exist",
        "Correct the database's name in the URL, or have the server's administrator make it"
        " (docs/how-to/run-on-postgresql.md).",
    ),
    (
        r"role \".*\" does not exist",
        "Correct the role's name in the URL, or have the server's administrator make it"
        " (docs/how-to/run-on-postgresql.md).",
    ),
    (
        "server does not support SSL",
        "Switch TLS on at the server (`ssl = on`, with a certificate); on the same host sslmode may be left"
        " out of the URL.",
    ),
    (
        "root certificate file|certificate verify failed|server certificate for",
        "Name the server as its certificate does, and the root of that certificate with `sslrootcert` in the"
        " URL.",
    ),
    (
        "no pg_hba.conf entry .*no encryption",
        "The server lets this role in over TLS only, or not at all: add `?sslmode=verify-full` to the URL, or"
        " have a line for it added to the server's pg_hba.conf.",
    ),
    (
        "no pg_hba.conf entry",
        "Have a line for this host, role and database added to the server's pg_hba.conf.",
    ),
    (
        "Connection refused|No such file or directory",
        "Start the server, or correct host and port in the URL. `pg_isready` tells whether it answers.",
    ),
    (
        "failed to resolve host|could not translate host name",
        "Correct the host's name in the URL, or see that names are resolved here.",
    ),
    (
        "lock timeout",
        "Somebody holds what is needed: a long transaction, or a cleaning of the tables. Try again later.",
    ),
    (
        "idle-in-transaction",
        "This process was stopped in mid-transaction, and the server let others go on. Try again.",
    ),
    (
        "timeout|timed out|No route to host|Network is unreachable|couldn't get a connection"
        "|pool initialization",
        "See that the server runs, and that this host reaches it: network, firewall, address and port.",
    ),
    (
        "too many (clients|connections)|remaining connection slots",
        "Raise `max_connections` at the server, or run fewer workers.",
    ),
    ("starting up|shutting down|in recovery mode", "Wait until the server has started, then try again."),
    (
        "terminating connection|server closed the connection|connection is (lost|closed)|SSL SYSCALL"
        "|Connection reset",
        "See whether the server still runs, and why it let go: its log says so. Then try again.",
    ),
    ("No space left on device|could not extend file", "Make room on the server's disk."),
    (
        "invalid URI query parameter|invalid connection option|invalid sslmode",
        "Correct the options behind `?` in the URL: they are libpq's.",
    ),
)


def unavailable(error: BaseException | None, file: Path | None = None) -> StoreUnavailable:
    """What to tell of an error of the database's driver; `file` is the SQLite file, if it is one."""
    if isinstance(error, sqlite3.Error):
        full = _full(error, file)
        return full or StoreUnavailable(_said(error), hint=_OF_THE_FILE)
    said = _said(error)
    hints = (hint for pattern, hint in _HINTS if re.search(pattern, said, re.IGNORECASE))
    return StoreUnavailable(said, hint=next(hints, _OF_THE_SERVER))


def is_wrong_url(error: BaseException | None) -> bool:
    """Whether libpq takes the URL for wrong; that comes as an error of a statement."""
    return "invalid URI query parameter" in str(error) or "invalid connection option" in str(error)


def _said(error: BaseException | None) -> str:
    # of a statement that failed only what the server says of it, and not the statement
    primary = getattr(getattr(error, "diag", None), "message_primary", None)
    line = " ".join((primary or str(error)).split()).removesuffix("?").removesuffix(".")
    return f"The database does not answer as it should: {line}."


def _full(error: sqlite3.Error, file: Path | None) -> StoreUnavailable | None:
    """SQLite calls a full disk an I/O error, or a file that can't be opened; the disk itself says which."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_FULL) & 0xFF
    if file is None or code not in _OF_THE_DISK or not file.parent.is_dir():
        return None
    free = shutil.disk_usage(file.parent).free
    if free >= LITTLE_ROOM and code != sqlite3.SQLITE_FULL:
        return None
    return StoreUnavailable(
        f"The disk is full: {free} bytes free at {file.parent}.",
        hint="Make room there, then try again: what was recorded is kept, and workers go on by themselves.",
    )
