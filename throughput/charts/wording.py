"""What a chart must be told to speak a language: its numbers, its units of time, its months."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

_NO_BREAK = "\u00a0"


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

    def unit_for(self, seconds: float) -> Unit:
        """The largest unit of which there are at least two; the smallest where none is so small."""
        fitting = [unit for unit in self.units if unit.seconds * 2 <= seconds]
        return fitting[-1] if fitting else self.units[0]

    def time(self, seconds: float) -> str:
        """So long, in the unit that fits: three figures at most say enough."""
        unit = self.unit_for(abs(seconds))
        value = seconds / unit.seconds
        decimals = 1 if abs(value) < 10 and round(value, 1) != round(value) else 0
        return f"{self.number(value, decimals)}{_NO_BREAK}{unit.sign}"

    def count(self, value: float) -> str:
        """A whole number."""
        return self.number(value, 0)

    def month(self, day: date, *, year: bool = True) -> str:
        """A month, with its year."""
        name = self.months[day.month - 1]
        return f"{name}{_NO_BREAK}{day.year}" if year else name
