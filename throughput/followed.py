"""The requests of a monthly report, from what is kept of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from throughput.grouped import NO_UNIT
from throughput.kept import Clocks
from throughput.monitor import Followed, Month
from workflow.calendar import CALENDARS, Duration
from workflow.tables import TimingCase

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


@dataclass(frozen=True)
class Target:
    """What was to be met: the norm by a calendar, and by which share of requests."""

    norm: Norm
    calendar: str
    goal: float


def followed(
    session: Session,
    norms: Sequence[Norm],
    *,
    calendar: str,
    since: Month | None = None,
    until: Month | None = None,
) -> Iterator[Followed]:
    """Every request that was open at some time from one month to another; the norms from the strictest on.

    One that ended as `done` met a norm or did not; what its own calendar does not tell of counts as missed.
    """
    table, clocks, zone = TimingCase.table(), Clocks(), ZoneInfo(CALENDARS[calendar].zone)
    wanted = select(table)
    if since is not None:
        wanted = wanted.where(or_(table.c.ended_at.is_(None), table.c.ended_at >= since.begins(zone)))
    if until is not None:
        wanted = wanted.where(table.c.opened_at < until.next.begins(zone))
    for row in session.execute(wanted.execution_options(yield_per=5000)):
        yield Followed(
            unit=row.unit or NO_UNIT,
            opened_at=row.opened_at,
            ended_at=row.ended_at,
            outcome=row.outcome,
            contacts=row.contacts,
            took=_took(row, norms, clocks, session, calendar) if row.outcome == "done" else None,
            key=row.key,
        )


def _took(
    row: Row[tuple[object, ...]], norms: Sequence[Norm], clocks: Clocks, session: Session, calendar: str
) -> int:
    clock = clocks.of(session, row.definition_sha256)
    for place, norm in enumerate(norms):
        reached = getattr(row, f"{norm.until}_at") or row.ended_at
        taken = clock.between_us(row.requested_at or row.opened_at, reached) if clock else None
        if taken is not None and taken <= norm.most_us(calendar):
            return place
    return len(norms)
