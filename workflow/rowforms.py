"""Values that no column of ours can hold: SQLite keeps a text where a number belongs, and says nothing.

A server refuses them itself. What stands in a file has to be looked at before it is compared: a text compares
with no number, and a time that is none can't be read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Select,
    Table,
    and_,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.engine import Connection
from sqlalchemy.types import NULLTYPE

_MOST_NAMED = 100  # rows of one table
_ROWID: ColumnElement[int] = literal_column("rowid")
_IS = {
    "null": "is empty",
    "integer": "holds a whole number",
    "real": "holds a fraction",
    "blob": "holds bytes",
    "text": "holds a text that means nothing there",
}


@dataclass(frozen=True)
class Misshapen:
    """One value: its table and column, the row's number in the file (its rowid), what it is instead; never
    the value itself, which may be personal."""

    table: str
    column: str
    row: int
    what: str

    @property
    def message(self) -> str:
        """What is to be told of it."""
        return f"The column {self.column} of row {self.row} of {self.table} {self.what}."


def misshapen(connection: Connection, tables: Iterable[Table]) -> Iterator[Misshapen]:
    """Every value in these tables that is of another form than its column's; none on a server."""
    if connection.dialect.name != "sqlite":
        return
    for table in tables:
        for number, *found in connection.execute(_misfits(table)).all():
            fit, kind = found[: len(table.columns)], found[len(table.columns) :]
            for column, ok, what in zip(table.columns, fit, kind, strict=True):
                if not ok:
                    yield Misshapen(table.name, column.name, number, _IS[what])


def unreadable(connection: Connection, tables: Iterable[Table]) -> Iterator[Misshapen]:
    """Texts of a file that are none, and can't be given out. It takes long: for when reading has failed."""
    if connection.dialect.name != "sqlite":
        return
    for table in tables:
        for column in table.columns:
            raw = _raw(column)
            query = select(_ROWID, cast(raw, LargeBinary)).select_from(table)
            for number, held in connection.execute(query.where(func.typeof(raw) == "text")):
                try:
                    held.decode()
                except UnicodeDecodeError:
                    yield Misshapen(table.name, column.name, number, "holds a text that can't be read")


@cache  # to write it down takes longer than to have it answered
def _misfits(table: Table) -> Select[*tuple[Any, ...]]:
    """Rows with such a value: their numbers, then of each column whether it fits, then what it is."""
    fits = [_fits(column) for column in table.columns]
    kinds = [func.typeof(_raw(column)) for column in table.columns]
    query = select(_ROWID, *fits, *kinds).select_from(table).where(not_(and_(*fits)))
    return query.order_by(_ROWID).limit(_MOST_NAMED)


def _raw(column: Column[Any]) -> ColumnElement[Any]:
    return type_coerce(column, NULLTYPE)


def _fits(column: Column[Any]) -> ColumnElement[bool]:
    """Whether a value is one of the column's: of the database's kind, and of the form that is read."""
    raw, kind = _raw(column), getattr(column.type, "impl", column.type)
    if isinstance(kind, Integer):
        fits = func.typeof(raw) == "integer"
    elif isinstance(kind, LargeBinary):
        fits = func.typeof(raw) == "blob"
    else:
        fits = and_(func.typeof(raw) == "text", *_form(raw, kind))
    return or_(raw.is_(None), fits) if column.nullable else fits


def _form(raw: ColumnElement[Any], kind: object) -> Iterator[ColumnElement[bool]]:
    """What makes a text a time, a day or JSON; any is a text. A time may end with the second."""
    if isinstance(kind, JSON):
        yield func.json_valid(raw) == 1
    elif isinstance(kind, Date | DateTime):
        size = func.length(cast(raw, LargeBinary))
        yield raw >= "0001"  # the first year that is read
        # no 31st of February; without the fraction, which SQLite would round to the next second, or day
        yield _same(func.date, func.substr(raw, 1, 10))
        if isinstance(kind, DateTime):
            yield _same(func.datetime, func.substr(raw, 1, 19))
            yield or_(size == 19, and_(size == 26, raw.op("GLOB")("*." + "[0-9]" * 6)))
        else:
            yield size == 10


def _same(read: Any, text: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether SQLite reads a text as a time, and writes it as it is."""
    found: ColumnElement[bool] = read(text, "+0 days").is_not_distinct_from(text)
    return found
