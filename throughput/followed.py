"""The requests of a monthly report, from what is kept of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from throughput.kept import Clocks
from throughput.monitor import Followed, Month
from workflow.calendar import CALENDARS, Duration
from workflow.tables import TimingCase

NO_UNIT = "–"
Milestone = Literal["approved", "signed", "delivered"]
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Norm:
    """What a request should not take longer than: working time from its request to a milestone."""

    within: Duration
    until: Milestone = "delivered"

    def most_us(self, calendar: str) -> int:
        """The norm in microseconds; a working day is as long as that calendar's."""
        return CALENDARS[calendar].length(self.within) // _MICROSECOND


def followed(
    session: Session, norm: Norm, *, calendar: str, since: Month | None = None, key: str | None = None
) -> Iterator[Followed]:
    """Every request that was open at some time since the month began, of one process or of all.

    One that ended as `done` met the norm or did not; what its own calendar does not tell of counts as missed.
    """
    table, clocks = TimingCase.table(), Clocks()
    wanted = select(table)
    if key is not None:
        wanted = wanted.where(table.c.key == key)
    if since is not None:
        begins = since.begins(ZoneInfo(CALENDARS[calendar].zone))
        wanted = wanted.where(or_(table.c.ended_at.is_(None), table.c.ended_at >= begins))
    most_us = norm.most_us(calendar)
    for row in session.execute(wanted.execution_options(yield_per=5000)):
        yield Followed(
            unit=row.unit or NO_UNIT,
            opened_at=row.opened_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
            contacts=row.contacts,
            met=_met(row, norm, clocks, session, most_us) if row.outcome == "done" else None,
        )


def _met(row: Row[tuple[object, ...]], norm: Norm, clocks: Clocks, session: Session, most_us: int) -> bool:
    reached = getattr(row, f"{norm.until}_at") or row.ended_at
    clock = clocks.of(session, row.definition_sha256)
    taken = clock.between_us(row.requested_at or row.opened_at, reached) if clock else None
    return taken is not None and taken <= most_us
