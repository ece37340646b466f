"""Little's law by the sums of weeks: whether the log can be right, for pages that read no ended request.

How many were in hand on average follows from how many there were when the weeks began, and from when others
came and left (throughput.kept_days). How long those took that left is known by classes of 2 %.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, func, literal, select

from throughput.grouped import By
from throughput.kept_days import BACKWARDS, Figure, beginning_of, week_of
from throughput.lengths import seconds_of
from throughput.little import LEAST_ENDED, LEAST_LEADS, USUAL, Little, judged, tolerance
from throughput.overview import Overview, group_column, label_of, text_of
from throughput.overview_rows import InHand
from throughput.survival import Numbers
from workflow.tables import TimingGroup, TimingSum

_WEEK = timedelta(weeks=1)
_CLASS = 1.01
"""A length is at most so many times the middle of its class."""
_FEWEST_WEEKS = 2


@dataclass
class _Weeks:
    """What is kept of a group: of each week how many came and left, and the sum of the moments when."""

    still_open: list[InHand] = field(default_factory=list)
    earlier: int = 0
    """How many were in hand when the first of the weeks that were read began."""
    first: date = date.max
    came: Counter[date] = field(default_factory=Counter)
    left: Counter[date] = field(default_factory=Counter)
    moments_us: Counter[tuple[date, Figure]] = field(default_factory=Counter)
    lengths: defaultdict[date, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def take(self, figure: Figure, week: date, length: int, n: int, us: int) -> None:
        """Take in a row of sums."""
        (self.came if figure is Figure.IN else self.left)[week] += n
        self.moments_us[week, figure] += us
        if figure is Figure.OUT:
            self.lengths[week][length] += n

    def in_hand_s(self, begin: date, end: date) -> float:
        """The time that requests were in hand in these weeks, of all of them together."""
        until, length = beginning_of(end), (beginning_of(end) - beginning_of(begin)).total_seconds()
        there = self.earlier + sum(n for week, n in self.came.items() if week < begin)
        there -= sum(n for week, n in self.left.items() if week < begin)
        whole = there * length
        for figure, counts, sign in ((Figure.IN, self.came, 1), (Figure.OUT, self.left, -1)):
            for week in weeks(begin, end):
                rest = counts[week] * (until - beginning_of(week)).total_seconds()
                whole += sign * (rest - self.moments_us[week, figure] / 1e6)
        return whole

    def took_s(self, begin: date, end: date) -> Numbers:
        """How long each took that left in these weeks."""
        counts = sum((self.lengths[week] for week in weeks(begin, end)), Counter[int]())
        del counts[BACKWARDS]
        return np.repeat(seconds_of(list(counts)), list(counts.values()))


def weeks(begin: date, end: date) -> list[date]:
    """The Mondays from one until before another."""
    return [begin + n * _WEEK for n in range((end - begin) // _WEEK)]


def little_weeks(overview: Overview, by: By) -> list[Little]:
    """Check each group by the whole weeks of the period, all requests in them; months as one."""
    scope, now = overview.scope, overview.now
    since = None if scope.since is None else week_of(scope.since + _WEEK - timedelta(microseconds=1))
    end = week_of(now if scope.before is None else min(now, scope.before))
    found = _read(overview, by, since)
    for one in overview.in_hand:
        found["" if by == "month" else label_of(one, by)].still_open.append(one)
    checked = ((label, _checked(found[label], since, end, now)) for label in sorted(found))
    return [replace(one, key=scope.key or "", variant=label) for label, one in checked]


def _read(overview: Overview, by: By, since: date | None) -> defaultdict[str, _Weeks]:
    table = TimingSum.table()
    found: defaultdict[str, _Weeks] = defaultdict(_Weeks)
    sums = (table.c.figure, table.c.day, table.c.bucket, func.sum(table.c.n), func.sum(table.c.sum_us))
    rows = _query(overview, by, *sums).group_by("label", table.c.figure, table.c.day, table.c.bucket)
    if since is not None:
        rows = rows.where(table.c.day >= since)
        earlier = _query(overview, by, table.c.figure, func.min(table.c.day), func.sum(table.c.n))
        earlier = earlier.where(table.c.day < since).group_by("label", table.c.figure)
        for label, figure, day, n in overview.session.execute(earlier):
            group = found[text_of(label)]
            group.first = min(group.first, day)
            group.earlier += int(n) if figure == Figure.IN else -int(n)
    for label, figure, day, length, n, us in overview.session.execute(rows):
        group = found[text_of(label)]
        group.first = min(group.first, day)
        group.take(Figure(figure), day, length, int(n), int(us))
    return found


def _query(overview: Overview, by: By, *columns: ColumnElement[Any]) -> Select[Any]:
    table, groups = TimingSum.table(), TimingGroup.table()
    label = (literal("") if by == "month" else group_column(by)).label("label")
    return (
        select(label, *columns)
        .select_from(table)
        .join(groups, groups.c.id == table.c.group_id)
        .where(table.c.figure.in_([Figure.IN.value, Figure.OUT.value]))
        .where(*overview.scope.narrowing(groups))
    )


def _checked(group: _Weeks, since: date | None, end: date, now: datetime) -> Little:
    begin = min(end, _begin(group, since, end))
    length = (beginning_of(end) - beginning_of(begin)).total_seconds()
    took, ever = group.took_s(begin, end), group.took_s(since or group.first, end)
    ended = sum(group.left[week] for week in weeks(begin, end))
    enough = (
        (end - begin) // _WEEK >= _FEWEST_WEEKS
        and ended >= LEAST_ENDED
        and length >= LEAST_LEADS * float(took.mean())
    )
    longest = _CLASS * float(ever.max()) if len(ever) else float("inf")
    waiting = [one for one in group.still_open if one.delivered_at is None]
    return judged(
        Little(
            key="",
            variant="",
            days=length / 86_400,
            arrived=sum(group.came[week] for week in weeks(begin, end)),
            ended=ended,
            in_hand=group.in_hand_s(begin, end) / length if enough else None,
            rate_times_lead=float(took.sum()) / length if enough else None,
            tolerance=tolerance(float((took**3).mean()), float(took.sum()), ended / length)
            if enough
            else None,
            wrong_clocks=_wrong_clocks(group, now),
            overdue=sum((now - one.opened_at).total_seconds() > longest for one in waiting),
            causes=(),
        )
    )


def _begin(group: _Weeks, since: date | None, end: date) -> date:
    """The Monday from which on the first requests there ever were have had time to leave."""
    if group.first >= end:
        return end
    took = group.took_s(since or group.first, end)
    warm = timedelta(seconds=float(np.quantile(took, USUAL))) if len(took) else timedelta(0)
    begin = week_of(min(beginning_of(group.first) + warm, _middle(group.first, end)) + _WEEK)
    return begin if since is None else max(begin, since)


def _middle(first: date, end: date) -> datetime:
    return beginning_of(first) + (beginning_of(end) - beginning_of(first)) / 2


def _wrong_clocks(group: _Weeks, now: datetime) -> int:
    """Those that left before they were opened, or are told of in weeks or moments that are yet to come."""
    wrong = sum(counts[BACKWARDS] for counts in group.lengths.values())
    wrong += sum(n for counts in (group.came, group.left) for week, n in counts.items() if week > now.date())
    moments = ("opened_at", "requested_at", "approved_at", "signed_at", "delivered_at")
    told = ([getattr(one, name) for name in moments] for one in group.still_open)
    return wrong + sum(any(at is not None and at > now for at in each) for each in told)
