"""Little's law by the sums of weeks: whether the log can be right, for pages and reports alike.

No request that has ended is read. How many were in hand on average follows from how many there were when the
weeks began, and from when others came and left (throughput.kept_days). How long those took that left is known
by classes of 2 %.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import inf
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select

from throughput.grouped import By
from throughput.kept_days import BACKWARDS, Figure, beginning_of, week_of
from throughput.lengths import seconds_of
from throughput.little import USUAL, Little, enough, judged, tolerance, weeks_checked
from throughput.overview import Overview, group_column, label_of, text_of
from throughput.overview_rows import InHand
from throughput.survival import Numbers
from workflow.tables import TimingGroup, TimingSum

_WEEK = timedelta(weeks=1)
_CLASS = 1.01
"""A length is at most so many times the middle of its class."""


def little_weeks(overview: Overview, by: By) -> list[Little]:
    """Check each group by the whole weeks of the period, all requests in them; months as one."""
    scope, now = overview.scope, overview.now
    since = None if scope.since is None else week_of(scope.since + _WEEK - timedelta(microseconds=1))
    end = week_of(now if scope.before is None else min(now, scope.before))
    return _Checks(overview, by, since, end).all()


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
    lengths: Counter[int] = field(default_factory=Counter)
    """How long those took that left in the weeks that were read."""

    def in_hand_at(self, begin: date) -> int:
        """How many requests were in hand when a week began."""
        came = sum(n for week, n in self.came.items() if week < begin)
        return self.earlier + came - sum(n for week, n in self.left.items() if week < begin)

    def in_hand_s(self, begin: date, end: date) -> float:
        """The time that requests were in hand in these weeks, of all of them together."""
        until, length = beginning_of(end), (beginning_of(end) - beginning_of(begin)).total_seconds()
        whole = self.in_hand_at(begin) * length
        for figure, counts, sign in ((Figure.IN, self.came, 1), (Figure.OUT, self.left, -1)):
            for week in _weeks(begin, end):
                rest = counts[week] * (until - beginning_of(week)).total_seconds()
                whole += sign * (rest - self.moments_us[week, figure] / 1e6)
        return whole

    def wrong_clocks(self, now: datetime) -> int:
        """Those that left before they were opened, or are told of in moments that are yet to come."""
        wrong = self.lengths[BACKWARDS]
        wrong += sum(
            n for counts in (self.came, self.left) for week, n in counts.items() if week > week_of(now)
        )
        moments = ("opened_at", "requested_at", "approved_at", "signed_at", "delivered_at")
        told = ([getattr(one, name) for name in moments] for one in self.still_open)
        return wrong + sum(any(at is not None and at > now for at in each) for each in told)


@dataclass(frozen=True)
class _Checks:
    """Reads the sums of the weeks from `since` on, and checks them up to `end`: both Mondays."""

    overview: Overview
    by: By
    since: date | None
    end: date

    def all(self) -> list[Little]:
        """A check of each group, by their labels."""
        found = self._read()
        for one in self.overview.in_hand:
            found["" if self.by == "month" else label_of(one, self.by)].still_open.append(one)
        begins = {label: self._begin(group) for label, group in found.items()}
        later = self._lengths({label: begin for label, begin in begins.items() if begin != self.since})
        took = {
            label: later[label] if begins[label] != self.since else found[label].lengths for label in found
        }
        return [
            self._checked(label, found[label], begins[label], _seconds(took[label]))
            for label in sorted(found)
        ]

    def _read(self) -> defaultdict[str, _Weeks]:
        table, rows = TimingSum.table(), self.overview.session.execute
        figure, day, bucket = table.c.figure, table.c.day, table.c.bucket
        found: defaultdict[str, _Weeks] = defaultdict(_Weeks)
        if self.since is not None:
            earlier = self._query(figure).add_columns(func.min(day)).where(day < self.since)
            for label, of, n, _, first in rows(earlier):
                group = found[text_of(label)]
                group.first = min(group.first, first)
                group.earlier += int(n) if of == Figure.IN else -int(n)
        for label, of, week, n, us in rows(self._since(self._query(figure, day))):
            group = found[text_of(label)]
            group.first = min(group.first, week)
            (group.came if of == Figure.IN else group.left)[week] += int(n)
            group.moments_us[week, Figure(of)] += int(us)
        for label, length, n, _ in rows(self._out(self._query(bucket))):
            found[text_of(label)].lengths[length] += int(n)
        return found

    def _query(self, *apart: ColumnElement[Any]) -> Select[Any]:
        """The sums of each group, kept apart by these columns."""
        table, groups = TimingSum.table(), TimingGroup.table()
        label = (literal("") if self.by == "month" else group_column(self.by)).label("label")
        return (
            select(label, *apart, func.sum(table.c.n), func.sum(table.c.sum_us))
            .select_from(table)
            .join(groups, groups.c.id == table.c.group_id)
            .where(table.c.figure.in_([Figure.IN.value, Figure.OUT.value]))
            .where(*self.overview.scope.narrowing(groups))
            .group_by("label", *apart)
        )

    def _since(self, query: Select[Any]) -> Select[Any]:
        return query if self.since is None else query.where(TimingSum.table().c.day >= self.since)

    def _out(self, query: Select[Any]) -> Select[Any]:
        """Of those alone that left in these weeks."""
        table = TimingSum.table()
        return self._since(query).where(table.c.figure == Figure.OUT.value, table.c.day < self.end)

    def _checked(self, label: str, group: _Weeks, begin: date, took: Numbers) -> Little:
        now, end, ever = self.overview.now, self.end, _seconds(group.lengths)
        length = (beginning_of(end) - beginning_of(begin)).total_seconds()
        ended = sum(group.left[week] for week in _weeks(begin, end))
        told = enough(took, length, (end - begin) // _WEEK)
        longest = _CLASS * float(ever.max()) if len(ever) else inf
        waiting = [one for one in group.still_open if one.delivered_at is None]
        return judged(
            Little(
                key=self.overview.scope.key or "",
                variant=label,
                days=length / 86_400,
                arrived=sum(group.came[week] for week in _weeks(begin, end)),
                ended=ended,
                in_hand_first=group.in_hand_at(begin),
                in_hand=group.in_hand_s(begin, end) / length if told else None,
                rate_times_lead=float(took.sum()) / length if told else None,
                tolerance=tolerance(took, length) if told else None,
                wrong_clocks=group.wrong_clocks(now),
                overdue=sum((now - one.opened_at).total_seconds() > longest for one in waiting),
                causes=(),
            )
        )

    def _begin(self, group: _Weeks) -> date:
        """The Monday from which on the first requests there ever were have had time to leave."""
        took = _seconds(group.lengths)
        warm = timedelta(seconds=float(np.quantile(took, USUAL))) if len(took) else timedelta(0)
        begin = weeks_checked(group.first, warm, self.end)
        return begin if self.since is None else min(self.end, max(begin, self.since))

    def _lengths(self, begins: Mapping[str, date]) -> Mapping[str, Counter[int]]:
        """How long those of each group took that left from a week on."""
        found: defaultdict[str, Counter[int]] = defaultdict(Counter)
        if begins:
            table = TimingSum.table()
            since = {label: table.c.day >= begin for label, begin in begins.items()}
            if self.by != "month":  # of which all are one
                of = func.coalesce(group_column(self.by), "")
                since = {label: and_(of == label, condition) for label, condition in since.items()}
            query = self._out(self._query(table.c.bucket)).where(or_(*since.values()))
            for label, length, n, _ in self.overview.session.execute(query):
                found[text_of(label)][length] += int(n)
        return found


def _seconds(lengths: Counter[int]) -> Numbers:
    """Each length, those apart whose clocks were wrong."""
    known = {length: n for length, n in lengths.items() if length != BACKWARDS}
    return np.repeat(seconds_of(list(known)), list(known.values()))


def _weeks(begin: date, end: date) -> list[date]:
    """The Mondays from one until before another."""
    return [begin + n * _WEEK for n in range((end - begin) // _WEEK)]
