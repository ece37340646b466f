"""All figures of a page of an overview, read at once: what a page, and its lists, tell alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from throughput.contrasts import Contrast
from throughput.grouped import By
from throughput.kept import behind
from throughput.little import Little
from throughput.little_weeks import little_weeks
from throughput.overview import Overview, began
from throughput.overview_rows import Compared, Flowed, InHand, MachineStep, Passed, Spent
from throughput.scope import Scope
from throughput.side_by_side import side_by_side, together
from throughput.survival import Durations
from workflow.calendar import ZONE
from workflow.store import Store

ROUND: Final = 5


@dataclass(frozen=True)
class Told:
    """The figures of one process within a scope, as they were at `made_at`; `behind`: events not read yet."""

    scope: Scope
    by: By
    groups: Sequence[Compared]
    whole: Compared
    contrasts: Sequence[Contrast]
    flow: Flowed
    in_hand: Sequence[InHand]
    spent: Sequence[Spent]
    passed: Sequence[Passed]
    load: Sequence[Sequence[int]]
    stages: Mapping[str, Durations]
    machine: Sequence[MachineStep]
    little: Sequence[Little]
    made_at: datetime
    behind: int
    began: datetime | None  # when the first request of the process came

    def weeks_of(self, group: Compared) -> float:
        """How long the period was, from when there was something in it and as far as it is over.

        Of a month, what of that month is in it.
        """
        if self.began is None:
            return 0.0
        if self.by != "month":
            return self.scope.weeks(self.began, self.made_at)
        first = datetime.strptime(group.label, "%Y-%m").replace(tzinfo=ZONE)
        after = (first + timedelta(days=31)).replace(day=1)
        return self.scope.weeks(max(self.began, first), min(self.made_at, after))


def told(store: Store, scope: Scope, by: By, now: datetime) -> Told:
    """Read them; where the scope names no process, of the one of which most was asked.

    Groups are held against each other once nothing is read any more: that draws samples, and takes its time.
    """
    with store.read() as session:
        found = _read(session, scope, by, now)
    return replace(found, contrasts=side_by_side(found.scope.key or "", found.groups, by))


def _read(session: Session, scope: Scope, by: By, now: datetime) -> Told:
    if scope.key is None:
        scope = replace(scope, key=Overview(session, scope, now).busiest())
    overview = Overview(session, scope, now)
    groups = overview.compared(by)
    of_all_units = scope.unit is None and scope.definition is None
    whole = scope.reach is None or scope.reach.everywhere
    return Told(
        scope,
        by,
        groups,
        together("", groups),
        (),
        overview.flow(),
        sorted(overview.in_hand, key=lambda one: one.opened_at),
        overview.spent(),
        overview.passed(),
        overview.load(),
        overview.stages(),
        overview.machine() if whole and of_all_units else [],
        little_weeks(overview, by),
        now,
        behind(session),
        began(session, scope).get(scope.key or ""),
    )


def rounded(count: int) -> int:
    """A count as it is told of how requests fared: to the nearest five, as lists are handed on."""
    return ROUND * ((count + ROUND // 2) // ROUND)
