"""The monthly report of a unit: what began, how it ended, what is in hand, and whether a norm was met.

Months are the office's. The figure of a period is the mean of its months' shares, each month counting alike;
the share of all cases together stands beside it.

What is printed of a month is decided once, for all units and processes and all norms together
(throughput.month_table), and on that month's counts alone. Whatever else a report prints of a period is
reckoned from what its months print: so no choice of months, unit, process or norm tells what another one
hides. Its shares are those of all requests, hidden ones too, as closely as that tells them: from the least
that they may be to the most.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

from throughput.bounds import tightened
from throughput.errors import PeriodUnusable
from throughput.month_shape import ALL, Kind
from throughput.month_table import Counted, Followed, MonthTold, month_told
from throughput.small_cells import SMALL, Cell, Sum, Within

__all__ = [
    "ALL",
    "Followed",
    "Monitor",
    "Month",
    "Printed",
    "Range",
    "Reach",
    "Share",
    "months",
]
MONTHS_AT_MOST = 36


@dataclass(frozen=True)
class Month:
    """A month of the office."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month of a day."""
        return cls(day.year, day.month)

    @classmethod
    def read(cls, text: str) -> "Month":
        """The month that `str` wrote."""
        year, month = text.split("-")
        return cls(int(year), int(month))

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


def before(tables: Mapping[Month, MonthTold], month: Month) -> list[MonthTold]:
    """The tables of the months just before one, the last first, as far as they are there without a gap."""
    found = []
    while (month := month.before) in tables:
        found.append(tables[month])
    return found


def counting(
    cases: Callable[[Month], Iterable[Followed]], month: Month, zone: ZoneInfo
) -> Callable[[int], Counted]:
    """Count a month, 0, or one so many before it, from the cases that concern it."""

    def counted(back: int) -> Counted:
        one = month
        for _ in range(back):
            one = one.before
        return Counted(cases(one), one.begins(zone), one.next.begins(zone))

    return counted


@dataclass(frozen=True)
class Share:
    """How many met the target, and how many did not; infinite where that may be any number."""

    met: float
    missed: float

    @property
    def value(self) -> Fraction | None:
        """The share that met it, None of none; exact, as a sum of floats may miss a goal that was met to the
        dot.
        """
        if math.isinf(self.met):
            return Fraction(1)
        if math.isinf(self.missed):
            return Fraction(0)
        every = Fraction(self.met) + Fraction(self.missed)
        return Fraction(self.met) / every if every else None


@dataclass(frozen=True)
class Range:
    """A share of all requests, as far as the counts that are printed tell it: it is not below `low`, nor
    above `high`.
    """

    low: float
    high: float

    def told(self, decimals: int) -> tuple[float, float]:
        """Its ends to so many decimals of a per cent, the same where it is told so far; else outwards."""
        size = 10 ** (decimals + 2)
        if round(self.low * size) == round(self.high * size):
            return round(self.low * size) / size, round(self.high * size) / size
        low, high = (round(end * size, 6) for end in (self.low, self.high))  # 0.29 · 100 is 28.999…
        return math.floor(low) / size, math.ceil(high) / size

    def ends(self, decimals: int) -> tuple[float | None, float]:
        """The same; None in the place of a lower end that tells nothing, as that at least none met it."""
        low, high = self.told(decimals)
        return low if low or not high else None, high


@dataclass(frozen=True)
class Reach:
    """What may be known of a month's share: the worst and the best that it may be; the same if it is told."""

    worst: Share
    best: Share

    @property
    def empty(self) -> bool:
        """Whether for sure no case is in it."""
        return self.worst.value is None and self.best.value is None

    @property
    def ends(self) -> tuple[Fraction, Fraction]:
        """Its worst and its best; a month that may be without a case is reckoned as any."""
        low, high = self.worst.value, self.best.value
        return Fraction(0) if low is None else low, Fraction(1) if high is None else high

    @property
    def range(self) -> Range:
        """The same, to be told."""
        low, high = self.ends
        return Range(float(low), float(high))


@dataclass(frozen=True)
class Printed:
    """One unit's report as it may be printed: None is a hidden count (`*`).

    Of the period it holds a count where all its months print theirs; `reach`: of each month's share.
    """

    unit: str | None
    key: str | None
    months: tuple[Month, ...]
    reasons: tuple[str, ...]
    started: Mapping[Month | str, int | None]
    ended: Mapping[tuple[Month | str, str], int | None]  # by reason, and `all` of them
    in_progress: Mapping[Month | str, int | None]
    contacts: Mapping[Month | str, float | None]  # per case that was done; None where that is hidden
    met: Mapping[Month | str, int | None]
    missed: Mapping[Month | str, int | None]
    reach: Mapping[Month, Reach]

    def tells_contacts(self, place: Month | str) -> bool:
        """Whether it is told how many tasks those that were done took, as where none were, or can be."""
        if "done" not in self.reasons or self.ended[place, "done"] == 0:
            return True
        return self.contacts[place] is not None

    def share(self, month: Month) -> Share | None:
        """How many of a month met the norm; None where that is hidden."""
        met, missed = self.met[month], self.missed[month]
        return None if met is None or missed is None else Share(met, missed)

    @property
    def shares(self) -> tuple[Share, ...]:
        """Those of the months that are told."""
        return tuple(share for share in map(self.share, self.months) if share is not None)

    def between(self, place: Month | str) -> Range | None:
        """The share of a month, or of the period, as far as it is told; None where nothing is."""
        if isinstance(place, str):
            return self.pooled
        return None if self.reach[place].empty else _of_something(self.reach[place].range)

    def is_empty(self, place: Month | str) -> bool:
        """Whether for sure no case of a month, or of the period, was done."""
        return not self._with_cases if isinstance(place, str) else self.reach[place].empty

    @property
    def mean(self) -> Range | None:
        """The mean of the months' shares; None where nothing is told of it."""
        found = [one.ends for one in self._with_cases]
        if not found:
            return None
        low, high = (float(sum(ends) / len(found)) for ends in zip(*found, strict=True))
        return _of_something(Range(low, high))

    @property
    def pooled(self) -> Range | None:
        """The share of all requests of the months; None where nothing is told of it."""
        found = self._with_cases
        worst, best = (
            Share(sum(one.met for one in ends), sum(one.missed for one in ends))
            for ends in ([one.worst for one in found], [one.best for one in found])
        )
        return _of_something(Reach(worst, best).range)

    @property
    def _with_cases(self) -> list[Reach]:
        return [one for one in self.reach.values() if not one.empty]


def _of_something(found: Range) -> Range | None:
    """As it is printed: what may be any share as far as that goes is not told."""
    return None if found.ends(1) == (None, 1) else found


@dataclass(frozen=True)
class Monitor:
    """What may be printed of some months, of all units and processes.

    `known`: all months that there are. For which reasons requests end in any of them is told of each.
    """

    tables: Mapping[Month, MonthTold]
    known: Mapping[Month, MonthTold] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        cases: Sequence[Followed],
        period: Sequence[Month],
        zone: ZoneInfo,
        *,
        norms: int = 1,
        small: int = SMALL,
    ) -> "Monitor":
        """Count them, from the first on."""
        tables: dict[Month, MonthTold] = {}
        for month in period:
            counted = counting(lambda _: cases, month, zone)
            tables[month] = month_told(counted, norms, before=before(tables, month), small=small)
        return cls(tables)

    @property
    def units(self) -> tuple[str, ...]:
        """Those with a case in these months, or not long before them."""
        return tuple(sorted({unit for table in self.tables.values() for unit in table.units}))

    @property
    def reasons(self) -> tuple[str, ...]:
        """For which cases end, in whichever month: the same ones whatever months are printed."""
        every = (*self.tables.values(), *self.known.values())
        return tuple(sorted({reason for table in every for reason in table.reasons}))

    def report(self, unit: str | None = None, key: str | None = None, norm: int = 0) -> Printed:
        """The report of one unit, or of all together; of one process, or of all; by one of the norms."""
        of = (self.tables, unit, key)
        return Printed(
            unit=unit,
            key=key,
            months=tuple(self.tables),
            reasons=self.reasons,
            started=_row(*of, "started"),
            ended={
                (at, reason): count
                for reason in (*self.reasons, ALL)
                for at, count in _row(*of, ("ended", reason)).items()
            },
            in_progress={
                month: table.shown("in_progress", unit, key) for month, table in self.tables.items()
            },
            contacts=self._contacts(unit, key),
            met=_row(*of, ("met", norm)),
            missed=_row(*of, ("missed", norm)),
            reach={month: _reach(table, unit, key, norm) for month, table in self.tables.items()},
        )

    def _contacts(self, unit: str | None, key: str | None) -> Mapping[Month | str, float | None]:
        """Per case that was done: of the period, too, where all months tell it.

        Of all that ended it would tell how many were withdrawn: those take fewer.
        """
        done = _row(self.tables, unit, key, ("ended", "done"))
        taken = {month: table.tasks.get((unit, key)) for month, table in self.tables.items()}
        found: dict[Month | str, float | None] = {
            month: None if (tasks := taken[month]) is None or not (count := done[month]) else tasks / count
            for month in self.tables
        }
        told = all(tasks is not None or done[month] == 0 for month, tasks in taken.items())
        found[ALL] = sum(filter(None, taken.values())) / every if told and (every := done[ALL]) else None
        return found


def _reach(table: MonthTold, unit: str | None, key: str | None, norm: int) -> Reach:
    """What may be known of a share by all that is printed of its month, of other units and ends, too."""
    met, missed, done, ended = ("met", norm), ("missed", norm), ("ended", "done"), ("ended", ALL)
    reasons = [("ended", reason) for reason in sorted(table.reasons)]
    units = sorted(table.units)
    places = {None, unit, *units}
    known: dict[Cell, Within] = {
        (kind, place): table.within(kind, place, key)
        for kind in {met, missed, done, ended, *reasons}
        for place in places
    }
    sums = [Sum((done, place), ((met, place), (missed, place))) for place in places]
    if reasons:
        sums += [Sum((ended, place), tuple((kind, place) for kind in reasons)) for place in places]
    if units:
        kinds = [met, missed, done, ended, *reasons]
        sums += [Sum((kind, None), tuple((kind, one) for one in units)) for kind in dict.fromkeys(kinds)]
    found = tightened(known, sums)
    of_met, of_missed = found[met, unit], found[missed, unit]
    return Reach(Share(of_met.low, of_missed.high), Share(of_met.high, of_missed.low))


def _row(
    tables: Mapping[Month, MonthTold], unit: str | None, key: str | None, kind: Kind
) -> Mapping[Month | str, int | None]:
    """What the months print of one kind, and the sum of it where they all do."""
    found: dict[Month | str, int | None] = {
        month: table.shown(kind, unit, key) for month, table in tables.items()
    }
    told = [count for count in found.values() if count is not None]
    found[ALL] = sum(told) if told and len(told) == len(found) else None
    return found
