"""What a chart must be told to speak a language: its numbers, its units of time, its months."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from languages import Writing

_NO_BREAK = "\u00a0"
_SHORT = {"maart": "mrt"}
"""Months whose short names are not their first three letters (Unicode CLDR)."""


@dataclass(frozen=True)
class Unit:
    """A unit of time as it is written: its name beside an axis ("days"), its sign behind a number ("d")."""

    seconds: float
    name: str
    sign: str


@dataclass(frozen=True)
class Wording:
    """A language's way to write what stands on axes and beside marks.

    `number` writes a value with so many decimals, `percent` a share. `units` rise: seconds, minutes, hours,
    days, say. `months` and `weekdays` are short names, from January and from Monday on.
    """

    number: Callable[[float, int], str]
    percent: Callable[[float, int], str]
    units: Sequence[Unit]
    months: Sequence[str]
    weekdays: Sequence[str]
    day_pattern: str = "{day} {month}"

    @classmethod
    def of(cls, writing: Writing, units: Sequence[Unit], weekdays: Sequence[str]) -> "Wording":
        """As a language writes; `units` and `weekdays` are words, which a catalogue holds."""

        def number(value: float, decimals: int) -> str:
            whole, _, part = f"{abs(value):.{decimals}f}".partition(".")
            sign = "−" if value < 0 and (whole + part).strip("0") else ""
            return sign + writing.whole(int(whole)) + (writing.decimal + part if part else "")

        return cls(
            number=number,
            percent=lambda share, decimals: writing.percent.format(number(100 * share, decimals)),
            units=units,
            months=[_SHORT.get(name, name[:3]) for name in writing.months],
            weekdays=weekdays,
            day_pattern=writing.day_pattern.replace(" {year}", ""),
        )

    def unit_for(self, seconds: float) -> Unit:
        """The largest unit of which there are at least two; the smallest where none is so small."""
        fitting = [unit for unit in self.units if unit.seconds * 2 <= seconds]
        return fitting[-1] if fitting else self.units[0]

    def time(self, seconds: float, *, like: float | None = None) -> str:
        """So long, in the unit that fits it, or `like`: three figures at most say enough."""
        unit = self.unit_for(abs(seconds if like is None else like))
        value = seconds / unit.seconds
        decimals = 1 if abs(value) < 10 and round(value, 1) != round(value) else 0
        return f"{self.number(value, decimals)}{_NO_BREAK}{unit.sign}"

    def alike(self, *seconds: float) -> list[str]:
        """Lengths told in one breath: in one unit, and as closely as each other, where that fits them all."""
        unit = self.unit_for(max(seconds))
        values = [one / unit.seconds for one in seconds]
        if min(values) < 1:
            return [self.time(one) for one in seconds]
        decimals = 1 if max(values) < 10 else 0
        return [f"{self.number(value, decimals)}{_NO_BREAK}{unit.sign}" for value in values]

    def count(self, value: float) -> str:
        """A whole number."""
        return self.number(value, 0)

    def day(self, day: date, *, year: bool = False) -> str:
        """A day of a month, with its year if it is told."""
        told = self.day_pattern.format(day=day.day, month=self.months[day.month - 1])
        return f"{told} {day.year}".replace(" ", _NO_BREAK) if year else told.replace(" ", _NO_BREAK)

    def month(self, day: date, *, year: bool = True) -> str:
        """A month, with its year."""
        name = self.months[day.month - 1]
        return f"{name}{_NO_BREAK}{day.year}" if year else name
