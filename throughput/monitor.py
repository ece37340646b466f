"""The monthly report of a unit: what began, how it ended, what is in hand, and whether a target was met.

Months are the office's. The figure of a period's target is the mean of its months' shares, each month
counting alike; the share of all cases together stands beside it. Both are reckoned on the whole counts; which
of them are printed is decided for all units together, so that one unit's report does not tell what another's
keeps.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from throughput.errors import PeriodUnusable
from throughput.small_cells import Cell, Sum, hidden

ALL = "all"
"""The margin of units, of months and of reasons. No unit is called so: theirs are `("unit", name)`."""
LAST_WEEK = timedelta(days=7)
MONTHS_AT_MOST = 36


@dataclass(frozen=True)
class Followed:
    """What a report knows of one request: when it began and ended, how, by how many tasks, and if in time.

    `met`: whether it met the target; None where it did not end as `done`.
    """

    unit: str
    opened_at: datetime
    ended_at: datetime | None
    outcome: str | None
    contacts: int
    met: bool | None = None


@dataclass(frozen=True)
class Month:
    """A month of the office."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month of a day."""
        return cls(day.year, day.month)

    @property
    def next(self) -> "Month":
        """The one after."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def before(self) -> "Month":
        """The one before."""
        return Month(self.year - (self.month == 1), (self.month - 2) % 12 + 1)

    def begins(self, zone: ZoneInfo) -> datetime:
        """Its first moment, in UTC."""
        return datetime.combine(date(self.year, self.month, 1), time(), zone).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def months(first: Month, last: Month) -> tuple[Month, ...]:
    """All months from the first to the last. Raises PeriodUnusable for none, and for too many."""
    found = [first]
    while found[-1] != last and len(found) <= MONTHS_AT_MOST:
        found.append(found[-1].next)
    if (first.year, first.month) > (last.year, last.month) or len(found) > MONTHS_AT_MOST:
        raise PeriodUnusable(
            f"{first} to {last} is no period of up to {MONTHS_AT_MOST} months.",
            hint="Give the first month, then the last: --from 2026-01 --to 2026-06.",
        )
    return tuple(found)


@dataclass(frozen=True)
class Share:
    """How many met the target, and how many did not."""

    met: int
    missed: int

    @property
    def value(self) -> float | None:
        """The share that met it; None of none."""
        return self.met / (self.met + self.missed) if self.met + self.missed else None


def mean_share(shares: Iterable[Share]) -> float | None:
    """A period's figure: the mean of the months' shares, months without a case left out; None of none."""
    values = [share.value for share in shares if share.value is not None]
    return sum(values) / len(values) if values else None


@dataclass(frozen=True)
class Printed:
    """One unit's report as it may be printed: None is a hidden count (`*`)."""

    unit: str | None
    months: tuple[Month, ...]
    reasons: tuple[str, ...]
    started: Mapping[Month | str, int | None]
    ended: Mapping[tuple[Month | str, str], int | None]  # by reason, and `all` of them
    in_progress: Mapping[Month | str, int | None]
    contacts: Mapping[Month | str, float | None]  # per case that ended; None too where none did
    met: Mapping[Month | str, int | None]
    missed: Mapping[Month | str, int | None]
    mean: float | None  # see `_mean`
    mean_is_rough: bool
    pooled: float | None


class Monitor:
    """The counts of all units in a period, and what may be printed of them."""

    def __init__(
        self, cases: Sequence[Followed], period: Sequence[Month], zone: ZoneInfo, *, small: int | None = None
    ) -> None:
        self.months = tuple(period)
        self.units = tuple(sorted({case.unit for case in cases}))
        self.reasons = tuple(sorted({case.outcome for case in cases if case.outcome}))
        self._bounds = {month: (month.begins(zone), month.next.begins(zone)) for month in self.months}
        self._contacts: Counter[tuple[Hashable, Hashable]] = Counter()
        self.counts: dict[Cell, int] = dict.fromkeys(self._cells(), 0)
        for case in cases:
            self._count(case)
        self.sums = tuple(self._sums())
        self._add_up()
        self.hidden = hidden(self.counts, self.sums, **({} if small is None else {"small": small}))

    def report(self, unit: str | None = None) -> Printed:
        """The report of one unit, or of all together. A unit without a case has nothing but zeros, hidden."""
        where: Hashable = ALL if unit is None else ("unit", unit)
        places: list[Month | str] = [*self.months, ALL]
        show = self._shown(where)
        shares = [self._share(where, month) for month in self.months]
        open_shares = sum(
            show("met", month) is None or show("missed", month) is None
            for month, share in zip(self.months, shares, strict=True)
            if share.value is not None
        )
        mean, rough = _mean(shares, open_shares)
        whole = self._share(where, ALL)
        pooled_known = show("met", ALL) is not None and show("missed", ALL) is not None
        return Printed(
            unit=unit,
            months=self.months,
            reasons=self.reasons,
            started={at: show("started", at) for at in places},
            ended={
                (at, reason): show(("ended", reason), at) for at in places for reason in (*self.reasons, ALL)
            },
            in_progress={at: show("in_progress", at) for at in self.months},
            contacts={at: self._per_case(where, at, show(("ended", ALL), at)) for at in places},
            met={at: show("met", at) for at in places},
            missed={at: show("missed", at) for at in places},
            mean=mean,
            mean_is_rough=rough,
            pooled=whole.value if pooled_known else None,
        )

    def _shown(self, where: Hashable) -> Callable[[Hashable, Hashable], int | None]:
        def show(kind: Hashable, at: Hashable) -> int | None:
            cell = (kind, where, at)
            return None if cell in self.hidden or cell not in self.counts else self.counts[cell]

        return show

    def _share(self, where: Hashable, at: Hashable) -> Share:
        return Share(self.counts.get(("met", where, at), 0), self.counts.get(("missed", where, at), 0))

    def _per_case(self, where: Hashable, at: Hashable, ended: int | None) -> float | None:
        return self._contacts[where, at] / ended if ended else None

    @property
    def _kinds(self) -> tuple[Hashable, ...]:
        return (
            "started",
            "in_progress",
            "met",
            "missed",
            *(("ended", reason) for reason in (*self.reasons, ALL)),
        )

    @property
    def _wheres(self) -> tuple[Hashable, ...]:
        return (*(("unit", unit) for unit in self.units), ALL)

    def _cells(self) -> Iterable[Cell]:
        for kind in self._kinds:
            for where in self._wheres:
                yield from ((kind, where, month) for month in self.months)
                if kind != "in_progress":  # who is in hand in one month is so in the next: no sum of months
                    yield (kind, where, ALL)

    def _count(self, case: Followed) -> None:
        where = ("unit", case.unit)
        for month, (begins, ends) in self._bounds.items():
            if begins <= case.opened_at < ends:
                self.counts["started", where, month] += 1
            if case.opened_at < ends and (case.ended_at is None or case.ended_at >= ends - LAST_WEEK):
                self.counts["in_progress", where, month] += 1
            if case.ended_at is not None and begins <= case.ended_at < ends:
                self._count_end(case, where, month)

    def _count_end(self, case: Followed, where: Hashable, month: Month) -> None:
        self.counts[("ended", case.outcome), where, month] += 1
        for unit in (where, ALL):
            for at in (month, ALL):
                self._contacts[unit, at] += case.contacts
        if case.met is not None:
            self.counts["met" if case.met else "missed", where, month] += 1

    def _add_up(self) -> None:
        for one in self.sums:  # in this order: what a sum is of is there before it
            self.counts[one.total] = sum(self.counts[part] for part in one.parts)

    def _sums(self) -> Iterable[Sum]:
        single = [kind for kind in self._kinds if kind != ("ended", ALL)]
        for kind in single:
            for month in self.months:
                yield Sum((kind, ALL, month), tuple((kind, ("unit", unit), month) for unit in self.units))
        for kind in (one for one in single if one != "in_progress"):
            for where in self._wheres:
                yield Sum((kind, where, ALL), tuple((kind, where, month) for month in self.months))
        for where in self._wheres:
            for at in (*self.months, ALL):
                parts = tuple((("ended", reason), where, at) for reason in self.reasons)
                yield Sum((("ended", ALL), where, at), parts)
                if "done" in self.reasons:
                    yield Sum((("ended", "done"), where, at), (("met", where, at), ("missed", where, at)))


def _mean(shares: Sequence[Share], not_shown: int) -> tuple[float | None, bool]:
    """The period's figure, and whether it is told in whole per cents only.

    Where one month's share is not printed, the mean and the other months would tell it; where several are
    not, only roughly.
    """
    if not_shown == 1:
        return None, False
    return mean_share(shares), not_shown > 1
