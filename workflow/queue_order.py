"""In which order a queue is read, and where a page ends: what comes next is found by an index, not counted.

What has no due time is due after all that has one.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, FromClause, and_, bindparam, or_, true, tuple_
from sqlalchemy.engine import Row

from wording import Sentence
from workflow.command_form import REQUEST_ID_MAX
from workflow.errors import Reason, Refused
from workflow.eventlog import utc_text
from workflow.queue_filter import QueueFilter, Sort, turned
from workflow.tables import Task

_COLUMNS = {"due": "due_at", "age": "offered_at", "number": "request_id"}
KEYS = tuple(_COLUMNS.values())
_AFTER_TASK: BindParameter[Any] = bindparam("after_task", type_=Task.table().c.id.type)


@dataclass(frozen=True)
class Place:
    """Where a page ended: the value that it is sorted by, and the task's number."""

    value: datetime | int | None
    task: int


@dataclass(frozen=True)
class Order:
    """A sort; `after`: whether it goes on after a place, and that of a task with a value or without.

    What that place is are the values of its conditions: so an order of one page is that of all others.
    """

    sort: Sort
    descending: bool
    after: Literal["value", "none"] | None

    @classmethod
    def of(cls, wanted: QueueFilter) -> tuple["Order", dict[str, Any]]:
        """What a filter asks for, and the values that its conditions ask for. Raises Refused for a place that
        is none of its sort."""
        if wanted.after is None:
            return cls(wanted.sort, wanted.descending, None), {}
        place = _place(wanted.sort, wanted.after)
        order = cls(wanted.sort, wanted.descending, "none" if place.value is None else "value")
        return order, {"after_value": place.value, "after_task": place.task}

    def turned(self) -> "Order":
        """The same the other way round, from its beginning."""
        return Order(turned(self.sort), not self.descending, None)

    @property
    def column(self) -> str:
        """The column of tasks that it goes by."""
        return _COLUMNS[self.sort.removeprefix("-")]

    def cursor(self, row: Row[Any]) -> str:
        """The place of a row, for who asks for the next page."""
        value = getattr(row, self.column)
        said = utc_text(value) if isinstance(value, datetime) else value
        text = json.dumps([self.sort, said, row.id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def by(self, table: FromClause) -> Sequence[ColumnElement[Any]]:
        """The order of rows, whatever their values are."""
        key = table.c[self.column]
        columns = [key.is_(None), key, table.c.id] if self.column == "due_at" else [key, table.c.id]
        return [column.desc() if self.descending else column for column in columns]

    def stretches(
        self, *, due: bool = False
    ) -> Iterator[tuple[list[ColumnElement[bool]], Sequence[ColumnElement[Any]]]]:
        """The stretches of an index that hold what comes after the place: conditions, and an order that the
        index has. Those that are due, and those that never are, are two; who asks for what is `due` is spared
        the second, in which SQLite would look at all that is due."""
        tasks = Task.table()
        key, number = tasks.c[self.column], tasks.c.id
        ordered = [key.desc(), number.desc()] if self.descending else [key, number]
        if self.column != "due_at":
            yield self._beyond(key), ordered
            return
        if self.after != "none" or self.descending:
            past = self.after == "none"  # all that are due come after it
            yield [key.is_not(None), *([] if past else self._beyond(key))], ordered
        if not due and (self.after != "value" or not self.descending):
            here = self.after == "none"
            yield [key.is_(None), *(self._numbered() if here else [])], ordered[1:]

    def beyond(self) -> list[ColumnElement[bool]]:
        """What comes after the place, for rows that are few and found otherwise."""
        return [or_(*(and_(true(), *where) for where, _ in self.stretches()))]

    def _beyond(self, key: ColumnElement[Any]) -> list[ColumnElement[bool]]:
        if self.after is None:
            return []
        here = tuple_(key, Task.table().c.id)
        there = tuple_(bindparam("after_value", type_=key.type), _AFTER_TASK)
        return [here < there if self.descending else here > there]

    def _numbered(self) -> list[ColumnElement[bool]]:
        number = Task.table().c.id
        return [number < _AFTER_TASK if self.descending else number > _AFTER_TASK]


def _place(sort: str, cursor: str) -> Place:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        said, value, task = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if said != sort or not _is_number(task):
            raise ValueError
        return Place(_value(sort, value), task)
    except (ValueError, TypeError, OverflowError, RecursionError):
        message = Sentence.for_both(
            "Send what a page gave as its `after`, with the same sort; or leave it out.",
            "This page is not there any more: begin at the first one.",
        )
        raise Refused([Reason("form", message, "after")]) from None


def _value(sort: str, value: object) -> datetime | int | None:
    if sort.endswith("number"):
        if not _is_number(value):
            raise ValueError
        return value  # type: ignore[return-value]
    if value is None and sort.endswith("due"):
        return None
    moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value <= REQUEST_ID_MAX
