"""Requests by what somebody types: a number, or the beginning of a reference or of a person's id or name."""

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, Text, bindparam, func, literal, select, union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import NullType

from workflow.command_form import REQUEST_ID_MAX
from workflow.digits import whole
from workflow.tables import Person, Request

_Numbers = CompoundSelect[tuple[int]]
FEW = 200
_LAST = "\U0010ffff"  # after which no character comes


class starts_with(GenericFunction[Any]):  # noqa: N801  a function of SQL
    """Whether a text begins so; character by character, whatever the database's language: so an index finds
    it (on PostgreSQL one of text_pattern_ops).

    It has no type: of a boolean, SQLAlchemy would ask SQLite whether it is 1, and no index knows that.
    """

    type = NullType()
    inherit_cache = True


@compiles(starts_with)
def _between(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, first, last = (compiler.process(one, **kw) for one in element.clauses)
    return f"({column} >= {first} AND {column} < {last})"


@compiles(starts_with, "postgresql")
def _between_patterns(element: Any, compiler: SQLCompiler, **kw: Any) -> str:
    column, first, last = (compiler.process(one, **kw) for one in element.clauses)
    return f"({column} OPERATOR(pg_catalog.~>=~) {first} AND {column} OPERATOR(pg_catalog.~<~) ({last}))"


def begins(column: ColumnElement[Any], text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a column's text begins so."""
    return starts_with(column, text, text + literal(_LAST))


def few_found(session: Session, text: str, *, open_only: bool) -> list[int] | None:
    """The numbers of the requests that a text finds; None where they are more than FEW."""
    numbers = found_by(open_only=open_only, most=FEW + 1)
    found = [row.id for row in session.connection().execute(numbers, values_of(text))]
    return found if len(found) <= FEW else None


def values_of(text: str) -> dict[str, Any]:
    """What found_by asks for, of what somebody typed."""
    return {"typed": text, "number": whole(text, REQUEST_ID_MAX)}


@cache
def found_by(*, open_only: bool, most: int | None = None) -> _Numbers:
    """The question for the requests that a text finds, each looked for by an index of its own.

    `open_only`: among those that have not ended, which have indexes of their own. `most`: no more than these.
    """
    requests, people = Request.table(), Person.table()
    numbers = select(requests.c.id)
    if open_only:
        numbers = numbers.where(requests.c.closed_at.is_(None))
    typed: BindParameter[Any] = bindparam("typed", type_=Text())
    whom = union(
        select(people.c.id).where(begins(people.c.id, typed)),
        select(people.c.id).where(begins(func.lower(people.c.name), func.lower(typed))),
    )
    by = (
        begins(requests.c.reference, typed),
        requests.c.requester_id.in_(whom),
        requests.c.id == bindparam("number"),
    )
    return union(*(numbers.where(one) for one in by)).limit(most)
