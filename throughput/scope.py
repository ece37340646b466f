"""Which requests figures are about: what a command has as options, and a page in its address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, false, or_

from workflow.calendar import ZONE
from workflow.staff import Reach
from workflow.tables import TimingCase


@dataclass(frozen=True)
class Scope:
    """Requests of one process, variant, unit or definition (its digest), opened from `since` until `before`.

    What is None narrows nothing. `reach` are the units of which somebody may see figures; `months`, by their
    first days, those of which they may.
    """

    key: str | None = None
    variant: str | None = None
    unit: str | None = None
    definition: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    reach: Reach | None = None
    months: tuple[date, ...] | None = None

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """What rows of `timing_cases` have to meet: give it to a query's `where`."""
        table = TimingCase.table()
        wanted = list(self.narrowing(table))
        if self.since is not None:
            wanted.append(table.c.opened_at >= self.since)
        if self.before is not None:
            wanted.append(table.c.opened_at < self.before)
        if self.months is not None:
            ends = [(_begins(month), _begins(_after(month))) for month in self.months]
            wanted.append(_between(table.c.opened_at, ends))
        return tuple(wanted)

    def days(self, day: ColumnElement[date]) -> Iterator[ColumnElement[bool]]:
        """What a day has to meet to be in these months."""
        if self.months is not None:
            yield _between(day, [(month, _after(month)) for month in self.months])

    def weeks(self, began: datetime, until: datetime) -> float:
        """How long its period is, from when there was anything at all, and as far as it is over."""
        since = began if self.since is None else max(self.since, began)
        until = until if self.before is None else min(self.before, until)
        return max(0.0, (until - since) / timedelta(weeks=1))

    def narrowing(self, table: Table) -> Iterator[ColumnElement[bool]]:
        """The same, but for times, of any table with a process, variant, unit and definition."""
        same = {
            table.c.key: self.key,
            table.c.variant: self.variant,
            table.c.unit: self.unit,
            table.c.definition_sha256: self.definition,
        }
        yield from (column == value for column, value in same.items() if value is not None)
        if self.reach is not None and not self.reach.everywhere:  # also those of no unit, then
            yield self.reach.of(table.c.unit)


def _between(column: ColumnElement[Any], ends: Sequence[tuple[date, date]]) -> ColumnElement[bool]:
    return or_(false(), *(and_(column >= first, column < after) for first, after in ends))


def _after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _begins(month: date) -> datetime:
    return datetime.combine(month, time(), ZONE)
