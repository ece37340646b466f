"""Figures of many requests at once, from the sums that are kept: for pages, whatever the number of requests.

Nothing here reads the log, or a row for each request that has ended: what has ended is in sums by day and by
month (throughput.kept_days), and what is open is read request by request.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from throughput.grouped import By
from throughput.kept_days import ENDED, HOURS, PAIRS, SPENT, Figure, SumGroup, Way, month_of
from throughput.lengths import median_and_p90
from throughput.overview_rows import Compared, Flowed, InHand, MachineStep, Passed, Spent, Ways
from throughput.scope import Scope
from throughput.small_cells import FEWEST
from throughput.spans import Wait
from throughput.survival import Durations
from workflow.calendar import ZONE
from workflow.tables import TimingCase, TimingGroup, TimingStep, TimingSum

WHOLE_LEAD: Final = "requested-delivered"
POINTS: Final = 200
"""So many days at most are told of one by one; of more, the last of each week."""


def began(session: Session, scope: Scope) -> dict[str, datetime]:
    """The beginning of the day on which the first request of each process came, whenever that was."""
    table, groups = TimingSum.table(), TimingGroup.table()
    query = (
        select(groups.c.key, func.min(table.c.day))
        .join_from(table, groups, groups.c.id == table.c.group_id)
        .where(table.c.figure == Figure.MOVED.value, *scope.narrowing(groups))
        .group_by(groups.c.key)
    )
    return {key: datetime.combine(day, time.min, ZONE) for key, day in session.execute(query)}


@dataclass(frozen=True)
class Overview:
    """Reads the figures of a scope, whose times are the beginnings of months; `now` ends what is open."""

    session: Session
    scope: Scope
    now: datetime

    def busiest(self) -> str | None:
        """The process of which most was asked in the period."""
        counts = self._sums(TimingGroup.table().c.key, Figure.CAME)
        return max(counts, key=lambda key: (counts[key], key), default=None)

    def units(self) -> list[str]:
        """The units of which there ever was a request within reach."""
        table = TimingGroup.table()
        found = select(table.c.unit).where(*self.scope.narrowing(table), table.c.unit.is_not(None))
        return sorted(self.session.scalars(found.distinct()))

    def definitions(self) -> list[str]:
        """The digests of the definitions with which requests began."""
        table = TimingGroup.table()
        found = select(table.c.definition_sha256).where(*self.scope.narrowing(table))
        return sorted(self.session.scalars(found.distinct()))

    def first_month(self) -> date | None:
        """The month in which the first request came; None before there is one."""
        table = TimingSum.table()
        came = table.c.figure == Figure.CAME.value
        found: date | None = self.session.scalar(select(func.min(table.c.day)).where(came))
        return found

    @cached_property
    def in_hand(self) -> list[InHand]:
        """All requests in the scope that are open, whenever they were asked for."""
        table = TimingCase.table()
        wanted = select(
            table.c.request_id,
            table.c.state,
            table.c.opened_at,
            table.c.requested_at,
            table.c.approved_at,
            table.c.signed_at,
            table.c.delivered_at,
            table.c.returns,
            table.c.by_program,
            table.c.key,
            table.c.variant,
            table.c.unit,
            table.c.definition_sha256,
        ).where(table.c.ended_at.is_(None), *self.scope.narrowing(table))
        rows = self.session.execute(wanted)
        return [InHand(number, SumGroup(*rest[-4:]), *rest[:-4]) for number, *rest in rows]

    def compared(self, by: By) -> list[Compared]:
        """The groups, by their labels: those of which something was asked in the period."""
        found: defaultdict[str, Compared] = defaultdict(lambda: Compared(""))
        for label, figure, state, bucket, n in self._by(by):
            _take(found[label], figure, state, bucket, n)
        for one in self.in_hand:
            if self._in_period(one.opened_at):
                group = found[label_of(one, by)]
                group.take_open(one, self.now)
        for label, group in found.items():
            group.label = label
        return [found[label] for label in sorted(found) if found[label].came]

    def _by(self, by: By) -> list[tuple[str, Figure, str, int, int]]:
        table = TimingSum.table()
        label: ColumnElement[Any] = table.c.day if by == "month" else group_column(by)
        wanted = [Figure.CAME, Figure.ENDED, Figure.PROGRAM, Figure.LEAD, Figure.GIVEN_UP, Figure.TOUCH]
        bucket = table.c.bucket
        every_state = table.c.figure.not_in([Figure.LEAD, Figure.GIVEN_UP])
        query = (
            self._query(label, table.c.figure, table.c.state, bucket, func.sum(table.c.n))
            .where(table.c.figure.in_(wanted), or_(every_state, table.c.state == WHOLE_LEAD))
            .group_by(label, table.c.figure, table.c.state, bucket)
        )
        return [
            (text_of(one), Figure(figure), state, place, int(n))
            for one, figure, state, place, n in self.session.execute(query)
        ]

    def stages(self) -> dict[str, Durations]:
        """How long each way from milestone to milestone took; what is on it counts with what it has taken."""
        table = TimingSum.table()
        query = (
            self._query(table.c.state, table.c.figure, table.c.bucket, func.sum(table.c.n))
            .where(table.c.figure.in_([Figure.LEAD, Figure.GIVEN_UP]))
            .group_by(table.c.state, table.c.figure, table.c.bucket)
        )
        found: defaultdict[str, Ways] = defaultdict(Ways)
        for way, figure, place, n in self.session.execute(query):
            (found[way].ended if figure == Figure.LEAD else found[way].left)[place] += int(n)
        for one in self.in_hand:
            if self._in_period(one.opened_at) and not one.by_program and one.delivered_at is None:
                for way in PAIRS:
                    found["-".join(way)].take_open(one, way, self.now)
        return {way: one.durations for way, one in found.items()}

    def spent(self) -> list[Spent]:
        """Where the time of people's tasks went, in each state."""
        table = TimingSum.table()
        query = (
            self._query(table.c.state, table.c.figure, func.sum(table.c.n), func.sum(table.c.sum_us))
            .where(table.c.figure.in_([one.value for one in SPENT.values()]))
            .group_by(table.c.state, table.c.figure)
        )
        kinds = {figure.value: kind for kind, figure in SPENT.items()}
        found: defaultdict[str, dict[Wait, float]] = defaultdict(dict)
        counts: dict[str, int] = {}
        for state, figure, n, us in self.session.execute(query):
            counts[state] = int(n)
            found[state][kinds[figure]] = float(us) / float(n) / 1e6
        return [Spent(state, counts[state], seconds) for state, seconds in found.items()]

    def passed(self) -> list[Passed]:
        """The deliveries of the period by week; by month where most weeks have too few."""
        table = TimingSum.table()
        query = (
            self._query(table.c.day, table.c.bucket, func.sum(table.c.n))
            .where(table.c.figure == Figure.WEEK.value)
            .group_by(table.c.day, table.c.bucket)
        )
        weeks: defaultdict[date, Counter[int]] = defaultdict(Counter)
        months: defaultdict[date, Counter[int]] = defaultdict(Counter)
        for day, bucket, n in self.session.execute(query):
            weeks[day][bucket] += int(n)
            months[day.replace(day=1)][bucket] += int(n)
        enough = sum(counts.total() >= FEWEST for counts in weeks.values())
        return _medians(weeks if 2 * enough >= len(weeks) else months)

    def load(self) -> list[list[int]]:
        """How many requests came in each hour of the week: from Monday, from midnight."""
        table = TimingSum.table()
        query = (
            self._query(table.c.bucket, func.sum(table.c.n))
            .where(table.c.figure == Figure.HOUR.value)
            .group_by(table.c.bucket)
        )
        hours = [[0] * HOURS for _ in range(7)]
        for bucket, n in self.session.execute(query):
            hours[bucket // HOURS][bucket % HOURS] = int(n)
        return hours

    def flow(self) -> Flowed:
        """Back from what is in hand now, by what moved since."""
        last = self.now.astimezone(ZONE).date()
        states: Counter[str] = Counter(one.state for one in self.in_hand)
        moved = self._moved()
        first = self._first_day or min(moved, default=last)
        until = min(last, self._last_day or last)
        ended_later, days, rows = 0, [], []
        while last >= first:
            if last <= until:
                days.append(last)
                rows.append((dict(states), ended_later))
            for state, n in moved.get(last, {}).items():
                if state == ENDED:
                    ended_later += n
                else:
                    states[state] -= n
            last -= timedelta(days=1)
        while len(rows) > 1 and rows[-1][1] == ended_later and not any(rows[-1][0].values()):
            days.pop()  # before anything was there
            rows.pop()
        days.reverse()
        rows.reverse()
        kept = _kept_days(days)
        names = {state for counts, _ in rows for state, n in counts.items() if n > 0}
        return Flowed(
            [days[n] for n in kept],
            {name: [max(0, rows[n][0].get(name, 0)) for n in kept] for name in sorted(names)},
            [ended_later - rows[n][1] for n in kept],
        )

    def _moved(self) -> dict[date, dict[str, int]]:
        table, groups = TimingSum.table(), TimingGroup.table()
        query = (
            select(table.c.day, table.c.state, func.sum(table.c.n))
            .join(groups, groups.c.id == table.c.group_id)
            .where(table.c.figure == Figure.MOVED.value, *self.scope.narrowing(groups))
            .group_by(table.c.day, table.c.state)
        )
        if self._first_day is not None:
            query = query.where(table.c.day >= self._first_day)
        found: defaultdict[date, dict[str, int]] = defaultdict(dict)
        for day, state, n in self.session.execute(query):
            found[day][state] = int(n)
        return found

    def machine(self) -> list[MachineStep]:
        """The machine's own time by step; it is kept of all units and definitions together."""
        table = TimingStep.table()
        query = select(table.c.part, table.c.step, table.c.bucket, func.sum(table.c.n)).group_by(
            table.c.part, table.c.step, table.c.bucket
        )
        for column, value in ((table.c.key, self.scope.key), (table.c.variant, self.scope.variant)):
            if value is not None:
                query = query.where(column == value)
        found: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for part, step, bucket, n in self.session.execute(self._within(query, table.c.day)):
            found[part, step][bucket] = int(n)
        return [
            MachineStep(part, step, counts.total(), 1000 * median_and_p90(counts)[0])
            for (part, step), counts in sorted(found.items())
        ]

    @property
    def _first_day(self) -> date | None:
        return None if self.scope.since is None else month_of(self.scope.since)

    @property
    def _last_day(self) -> date | None:
        return None if self.scope.before is None else month_of(self.scope.before) - timedelta(days=1)

    def _in_period(self, moment: datetime) -> bool:
        since, before, months = self.scope.since, self.scope.before, self.scope.months
        if months is not None and month_of(moment) not in months:
            return False
        return (since is None or moment >= since) and (before is None or moment < before)

    def _query(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Sums of the groups in the scope, of days in its period."""
        table, groups = TimingSum.table(), TimingGroup.table()
        query = (
            select(*columns)
            .select_from(table)
            .join(groups, groups.c.id == table.c.group_id)
            .where(*self.scope.narrowing(groups))
        )
        return self._within(query, table.c.day)

    def _within(self, query: Select[Any], day: ColumnElement[date]) -> Select[Any]:
        if self._first_day is not None:
            query = query.where(day >= self._first_day)
        if self._last_day is not None:
            query = query.where(day <= self._last_day)
        return query.where(*self.scope.days(day))

    def _sums(self, label: ColumnElement[Any], figure: Figure) -> dict[str, int]:
        table = TimingSum.table()
        query = self._query(label, func.sum(table.c.n)).where(table.c.figure == figure.value).group_by(label)
        return {one: int(n) for one, n in self.session.execute(query)}


def _take(group: Compared, figure: Figure, state: str, bucket: int, n: int) -> None:
    match figure:
        case Figure.CAME:
            group.came += n
        case Figure.ENDED:
            group.take_left(state, Way.of_bucket(bucket), n)
        case Figure.PROGRAM:
            group.by_program[bucket] += n
        case Figure.LEAD:
            group.lead_ended[bucket] += n
        case Figure.GIVEN_UP:
            group.lead_left[bucket] += n
        case Figure.TOUCH:
            group.handled[int(state), bucket] += n


def group_column(by: By) -> ColumnElement[Any]:
    """What groups of a kind other than months are called by, in the table of groups."""
    groups = TimingGroup.table()
    return groups.c["definition_sha256" if by == "definition" else by]


def label_of(one: InHand, by: By) -> str:
    """What the group of a request in hand is called."""
    return text_of(month_of(one.opened_at) if by == "month" else getattr(one.group, by))


def text_of(label: str | date | None) -> str:
    """A group's label as text."""
    if isinstance(label, date):
        return f"{label:%Y-%m}"
    return label or ""


def _kept_days(days: Sequence[date]) -> list[int]:
    """The places of days to tell of: all, or the last of each week, and the last of all."""
    if len(days) <= POINTS:
        return list(range(len(days)))
    return [n for n, day in enumerate(days) if day.weekday() == 6 or n == len(days) - 1]


def _medians(periods: Mapping[date, Counter[int]]) -> list[Passed]:
    return [
        Passed(first, counts.total(), median_and_p90(counts)[0])
        for first, counts in sorted(periods.items())
        if counts.total() >= FEWEST
    ]
