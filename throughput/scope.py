"""Which requests figures are about: what a command has as options, and a page in its address."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table

from workflow.staff import Reach
from workflow.tables import TimingCase


@dataclass(frozen=True)
class Scope:
    """Requests of one process, variant, unit or definition (its digest), opened from `since` until `before`.

    What is None narrows nothing. `reach` are the units of which somebody may see figures.
    """

    key: str | None = None
    variant: str | None = None
    unit: str | None = None
    definition: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    reach: Reach | None = None

    @property
    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """What rows of `timing_cases` have to meet: give it to a query's `where`."""
        table = TimingCase.table()
        wanted = list(self.narrowing(table))
        if self.since is not None:
            wanted.append(table.c.opened_at >= self.since)
        if self.before is not None:
            wanted.append(table.c.opened_at < self.before)
        return tuple(wanted)

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
