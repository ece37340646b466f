"""What SQLAlchemy makes of a statement, and Jinja of a template, once and not anew for each office.

An engine keeps it for itself, by its own dialect, and a desk by its own environment; each of thousands of
tests opens engines and desks of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
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


class Templates(BytecodeCache):
    """Kept in memory, by name and content."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


@contextmanager
def compiled_once() -> Iterator[None]:
    """Have every store and every desk of this process share it."""
    shared: LRUCache[Any, Any] = LRUCache(STATEMENTS)

    def create(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        engine._compiled_cache = shared
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflow.store.create_engine", create)
        patch.setattr("web.pages.Environment", partial(Environment, bytecode_cache=Templates()))
        for kind in KINDS:
            patch.setattr(kind, "__eq__", _is_like)
            patch.setattr(kind, "__hash__", _hash)
        yield
