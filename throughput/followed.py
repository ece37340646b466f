"""The requests of a monthly report, from what is kept of them.

One that goes on after it was delivered, as a plan does that runs, ended as `done` when it was delivered: its
norm is over then, and what is done for it later is another matter (throughput.figures, too).
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from throughput.grouped import NO_UNIT
from throughput.kept import Clocks
from throughput.monitor import Followed, Month
from workflow.calendar import CALENDARS, Duration
from workflow.definition_model import DELIVERED
from workflow.tables import DefinitionSource, TimingCase, TimingTask

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
    processes = {
        digest: _Process.of(source)
        for digest, source in session.execute(select(DefinitionSource.sha256_hex, DefinitionSource.source))
    }
    contacts = _contacts_until_delivered(session, [digest for digest, one in processes.items() if one.runs])
    wanted = select(table)
    if since is not None:
        wanted = wanted.where(or_(table.c.ended_at.is_(None), table.c.ended_at >= since.begins(zone)))
    if until is not None:
        wanted = wanted.where(table.c.opened_at < until.next.begins(zone))
    for row in session.execute(wanted.execution_options(yield_per=5000)):
        process = processes.get(row.definition_sha256, _Process())
        runs = process.runs and row.delivered_at is not None
        outcome = "done" if runs else row.outcome
        yield Followed(
            unit=row.unit or NO_UNIT,
            opened_at=row.opened_at,
            ended_at=row.delivered_at if runs else row.ended_at,
            outcome=outcome,
            contacts=contacts.get(row.request_id, 0) if runs else row.contacts,
            took=_took(row, norms, clocks, session, calendar) if outcome == "done" else None,
            key=row.key,
            ends=process.ends,
        )


@dataclass(frozen=True)
class _Process:
    """How requests of a definition end, and whether they go on once they are delivered."""

    ends: frozenset[str] = frozenset()
    runs: bool = False

    @classmethod
    def of(cls, source: str) -> "_Process":
        """As its text says."""
        states = tomllib.loads(source).get("state", {})
        ends = {name: state["end"] for name, state in states.items() if "end" in state}
        triggers = [one for state in states.values() for one in state.get("on", {}).values()]
        branches = [branch for one in triggers for branch in one.get("branches", [one])]
        delivered = [branch["to"] for branch in branches if branch.get("mark") == DELIVERED]
        return cls(frozenset(ends.values()), any(to not in ends for to in delivered))


def _contacts_until_delivered(session: Session, running: Sequence[str]) -> dict[int, int]:
    """How many tasks each request took until it was delivered, of those that go on by their definitions."""
    if not running:
        return {}
    table, tasks = TimingCase.table(), TimingTask.table()
    query = (
        select(tasks.c.request_id, func.count())
        .join_from(table, tasks, tasks.c.request_id == table.c.request_id)
        .where(
            table.c.definition_sha256.in_(running),
            tasks.c.ended_at.is_not(None),
            tasks.c.offered_at < table.c.delivered_at,
        )
        .group_by(tasks.c.request_id)
    )
    return {number: int(count) for number, count in session.execute(query)}


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
