"""Where a value lies on a chart, and which values deserve a tick: round numbers, times, months."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, floor, isfinite, log10

from throughput.charts.wording import Unit, Wording

_STEPS = (1.0, 2.0, 5.0, 10.0)
_CLOCK_STEPS = (1.0, 2.0, 3.0, 5.0, 6.0, 10.0, 12.0, 15.0, 20.0, 30.0)
_SLACK = 1e-9


@dataclass(frozen=True)
class Scale:
    """A straight way from values to places: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value; one beyond the ends lies beyond them."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def within(self, value: float) -> float:
        """The place of a value, at an end where it is beyond."""
        return self.at(min(self.high, max(self.low, value)))


@dataclass(frozen=True)
class Tick:
    """A value with a label."""

    value: float
    label: str


@dataclass(frozen=True)
class Axis:
    """Ticks at round values, from the first to the last that hold all data; `unit` names what they count."""

    ticks: tuple[Tick, ...]
    unit: str = ""

    @property
    def low(self) -> float:
        """The least value of the axis."""
        return self.ticks[0].value

    @property
    def high(self) -> float:
        """The greatest."""
        return self.ticks[-1].value


def counting(low: float, high: float, wording: Wording, *, about: int = 5, whole: bool = True) -> Axis:
    """An axis of numbers from `low` to `high`; of whole numbers unless said otherwise."""
    step = _step(high - low, about, _STEPS)
    if whole:
        step = max(1.0, step)
    decimals = max(0, -floor(log10(step) + _SLACK))
    return Axis(tuple(Tick(value, wording.number(value, decimals)) for value in _values(low, high, step)))


def timing(low: float, high: float, wording: Wording, *, about: int = 5) -> Axis:
    """An axis of seconds, written in the unit that fits, whose name is the axis's."""
    reach = max(abs(low), abs(high), high - low)
    unit = wording.unit_for(reach)
    step = _time_step(high - low, about, unit, wording.units)
    per_unit = step / unit.seconds
    decimals = 0 if abs(per_unit - round(per_unit)) < _SLACK else max(0, -floor(log10(per_unit)))
    return Axis(
        tuple(
            Tick(value, wording.number(value / unit.seconds, decimals)) for value in _values(low, high, step)
        ),
        unit.name,
    )


def shares(wording: Wording) -> Axis:
    """From nothing to all."""
    return Axis(tuple(Tick(value / 4, wording.percent(value / 4, 0)) for value in range(5)))


def dating(first: date, last: date, wording: Wording, *, about: int = 6) -> tuple[Tick, ...]:
    """Ticks of days, as ordinals: days, Mondays, months, quarters or years, whichever are about so many."""
    days = (last - first).days + 1
    if days <= about:
        return tuple(
            Tick(day.toordinal(), wording.day(day))
            for day in (first + timedelta(number) for number in range(days))
        )
    if days <= 10 * about:
        return _mondays(first, last, wording, about)
    return _months(first, last, wording, about)


def _mondays(first: date, last: date, wording: Wording, about: int) -> tuple[Tick, ...]:
    monday = first.toordinal() + -first.weekday() % 7
    weeks = max(1, ceil(((last - first).days + 1) / 7 / about))
    days = range(monday, last.toordinal() + 1, 7 * weeks)
    return tuple(Tick(day, wording.day(date.fromordinal(day))) for day in days)


def _months(first: date, last: date, wording: Wording, about: int) -> tuple[Tick, ...]:
    whole = (last.year - first.year) * 12 + last.month - first.month + 1
    step = next(
        (step for step in (1, 2, 3, 6, 12) if whole / step <= about + 1), 12 * ceil(whole / 12 / about)
    )
    number = first.year * 12 + first.month - 1 + (first.day > 1)
    number += -number % step
    found: list[Tick] = []
    while number <= last.year * 12 + last.month - 1:
        day = date(number // 12, number % 12 + 1, 1)
        found.append(Tick(day.toordinal(), wording.month(day, year=not found or day.month == 1)))
        number += step
    return tuple(found)


def _step(span: float, about: int, steps: Sequence[float]) -> float:
    """The round number that divides a span into about so many, no more."""
    if not isfinite(span) or span <= 0:
        return 1.0
    rough = span / about
    size = 10.0 ** floor(log10(rough))
    return next(step * size for step in steps if step * size >= rough * (1 - _SLACK))


def _time_step(span: float, about: int, unit: Unit, units: Sequence[Unit]) -> float:
    """Of the clock where a larger unit follows (15 minutes, 6 hours), else round."""
    rough = max(span, _SLACK) / about / unit.seconds
    has_larger = unit != units[-1]
    if has_larger and 1 <= rough <= _CLOCK_STEPS[-1]:
        return next(step for step in _CLOCK_STEPS if step >= rough * (1 - _SLACK)) * unit.seconds
    return _step(span / unit.seconds, about, _STEPS) * unit.seconds


def _values(low: float, high: float, step: float) -> list[float]:
    first, last = floor(low / step + _SLACK), ceil(high / step - _SLACK)
    last = max(last, first + 1)
    return [number * step for number in range(first, last + 1)]
