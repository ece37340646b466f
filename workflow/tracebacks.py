"""Exceptions as they may be told when a process ends: where, and of which kind, but not what they say.

An exception's message repeats the value that it choked on: a name, an address, a row that a constraint
refused. Only what the system and the database say of themselves is told: that the disk is full, that nobody
answers. The program's log has a way of its own: watching/logs.py.
"""

import sqlite3
import sys
import traceback
from types import TracebackType

import psycopg

from problem import Problem
from workflow.errors import StoreUnavailable


def without_values(error: BaseException) -> str:
    """The traceback of an exception and of its causes, without messages and without notes."""
    lines: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        kind = type(link)
        block = traceback.format_tb(link.__traceback__)
        for inner in getattr(link, "exceptions", ()):
            block.append("".join(f"  | {line}\n" for line in without_values(inner).splitlines()))
        lines.insert(0, "".join([*block, f"{kind.__module__}.{kind.__qualname__}{_said(link)}\n"]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "after which:\n".join(lines).rstrip("\n")


def _said(error: BaseException) -> str:
    """What may be told of an error's message, after its class."""
    if isinstance(error, OSError):
        return f": {error.strerror}" if error.strerror else ""
    # sqlite3 names columns and no values; psycopg's OperationalError speaks of the connection and the server
    if isinstance(error, (sqlite3.Error, psycopg.OperationalError, StoreUnavailable)):
        return f": {error}"
    return f" ({error.code})" if isinstance(error, Problem) else ""


def tell_without_values(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Be sys.excepthook: what ends a process is told without values too."""
    if issubclass(kind, KeyboardInterrupt):
        return
    sys.stderr.write(f"{without_values(error)}\n")
