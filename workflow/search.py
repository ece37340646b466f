"""Requests by what somebody types: a number, or the beginning of a reference or of a person's id or name."""

from typing import Any

from sqlalchemy import Boolean, CompoundSelect, Select, func, literal, select, union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from workflow.command_form import REQUEST_ID_MAX
from workflow.tables import Person, Request

_LAST = "\U0010ffff"  # after which no character comes


class starts_with(GenericFunction[bool]):  # noqa: N801  a function of SQL
    """Whether a text begins so; character by character, whatever the database's language: so an index finds
    it (on PostgreSQL one of text_pattern_ops)."""

    type = Boolean()
    inherit_cache = True


@compiles(starts_with)
def _between(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, first, last = (compiler.process(one, **kw) for one in element.clauses)
    return f"({column} >= {first} AND {column} < {last})"


@compiles(starts_with, "postgresql")
def _between_patterns(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, first, last = (compiler.process(one, **kw) for one in element.clauses)
    return f"({column} OPERATOR(pg_catalog.~>=~) {first} AND {column} OPERATOR(pg_catalog.~<~) {last})"


def begins(column: ColumnElement[Any], text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a column's text begins so."""
    return starts_with(column, text, text + literal(_LAST))


def found_by(text: str, *, open_only: bool) -> CompoundSelect[tuple[int]] | Select[tuple[int]]:
    """The numbers of the requests that a text finds, each looked for by an index of its own.

    `open_only`: among those that have not ended, which have indexes of their own.
    """
    requests, people = Request.table(), Person.table()
    numbers = select(requests.c.id)
    if open_only:
        numbers = numbers.where(requests.c.closed_at.is_(None))
    typed = literal(text)
    named = select(people.c.id).where(begins(func.lower(people.c.name), func.lower(typed)))
    by = [
        begins(requests.c.reference, typed),
        begins(requests.c.requester_id, typed),
        requests.c.requester_id.in_(named),
    ]
    if text.isascii() and text.isdecimal() and int(text) <= REQUEST_ID_MAX:
        by.append(requests.c.id == int(text))
    return union(*(numbers.where(one) for one in by))
