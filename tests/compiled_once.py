"""What SQLAlchemy makes of a statement, once for all databases of a kind and not anew for each.

An engine keeps it for itself, by its own dialect; each of thousands of tests opens engines of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

KINDS = (SQLiteDialect_pysqlite, PGDialect_psycopg)
STATEMENTS = 5_000


def _told(dialect: Any) -> tuple[Any, ...]:
    """All that our dialects differ by."""
    server = getattr(dialect, "server_version_info", None)
    return server, dialect._json_serializer, dialect._json_deserializer


def _is_like(one: Any, other: object) -> bool:
    return type(one) is type(other) and _told(one) == _told(other)


def _hash(one: Any) -> int:
    return hash(type(one))


@contextmanager
def compiled_once() -> Iterator[None]:
    """Have every store of this process share it."""
    shared: LRUCache[Any, Any] = LRUCache(STATEMENTS)

    def create(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        engine._compiled_cache = shared
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflow.store.create_engine", create)
        for kind in KINDS:
            patch.setattr(kind, "__eq__", _is_like)
            patch.setattr(kind, "__hash__", _hash)
        yield
