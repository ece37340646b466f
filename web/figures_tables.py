"""Figures as tables: for people on a page, and as CSV with plain numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from throughput.charts.wording import Wording
from throughput.discreet import NEARLY_ALL
from throughput.signs import NOTHING
from throughput.told import ROUND, rounded


class Cell(Protocol):
    """What stands in a table: `written` for people, `plain` for a spreadsheet."""

    def written(self, wording: Wording, /) -> str:
        """As the language writes it."""

    def plain(self) -> str | int | None:
        """Seconds, shares of one, days as 2026-11-27."""


@dataclass(frozen=True)
class Words:
    """A name; `href` leads to what it is of."""

    text: str
    href: str = ""

    def written(self, _wording: Wording, /) -> str:
        """As it is."""
        return self.text

    def plain(self) -> str:
        """As it is."""
        return self.text


@dataclass(frozen=True)
class Count:
    """How many, of something that tells of people: to the nearest five, and of few only that they are few."""

    n: int

    def written(self, wording: Wording, /) -> str:
        """Of few only that they are few."""
        return f"<\N{NO-BREAK SPACE}{ROUND}" if self.n < ROUND else wording.count(rounded(self.n))

    def plain(self) -> str | int:
        """The same."""
        return f"<{ROUND}" if self.n < ROUND else rounded(self.n)


@dataclass(frozen=True)
class Number:
    """Any number, with so many decimals; None where it is not told."""

    value: float | None
    decimals: int = 0

    def written(self, wording: Wording, /) -> str:
        """As the language writes it."""
        return NOTHING if self.value is None else wording.number(self.value, self.decimals)

    def plain(self) -> str | None:
        """With a point."""
        return None if self.value is None else f"{self.value:.{self.decimals}f}"


@dataclass(frozen=True)
class Seconds:
    """A length of time; None where it is not known, or not told. `like`: beside which others it stands."""

    value: float | None
    like: float | None = None

    def written(self, wording: Wording, /) -> str:
        """In the unit that fits."""
        if self.value is None:
            return NOTHING
        return ("−" if self.value < 0 else "") + wording.time(abs(self.value), like=self.like)

    def plain(self) -> str | None:
        """In seconds."""
        return None if self.value is None else f"{self.value:.3f}"


@dataclass(frozen=True)
class Share:
    """Of all; None where there is nothing to share. `over`: it is more than that."""

    value: float | None
    over: bool = False

    def written(self, wording: Wording, /) -> str:
        """In whole percents."""
        if self.value is None:
            return NOTHING
        told = wording.percent(self.value, 0)
        return f">\N{NO-BREAK SPACE}{told}" if self.over else told

    def plain(self) -> str | None:
        """Of one."""
        return None if self.value is None else f"{'>' * self.over}{self.value:.2f}"


@dataclass(frozen=True)
class Shares:
    """Of all: between what it lies; one figure where both ends are written alike."""

    low: float
    high: float

    def written(self, wording: Wording, /) -> str:
        """In whole percents."""
        low, high = wording.number(100 * self.low, 0), wording.percent(self.high, 0)
        return high if wording.percent(self.low, 0) == high else f"{low}–{high}"

    def plain(self) -> str:
        """Of one."""
        return _ranged(f"{self.low:.2f}", f"{self.high:.2f}")


def _ranged(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"


@dataclass(frozen=True)
class Day:
    """A day."""

    day: date

    def written(self, wording: Wording, /) -> str:
        """With its month in letters."""
        return wording.day(self.day, year=True)

    def plain(self) -> str:
        """As 2026-11-27."""
        return self.day.isoformat()


@dataclass(frozen=True)
class RequestNumber:
    """A request, which leads to its page."""

    request: int

    @property
    def href(self) -> str:
        """Its page."""
        return f"/requests/{self.request}"

    def written(self, _wording: Wording, /) -> str:
        """As it stands in its address."""
        return str(self.request)

    def plain(self) -> int:
        """The same."""
        return self.request


@dataclass(frozen=True)
class Table:
    """A table: `name` in the address of its CSV, columns as (key in the CSV, heading), rows of cells."""

    name: str
    caption: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


def without_counts(table: Table) -> Table:
    """The same for who may not know how many requests something is of."""
    if not table.rows:
        return table
    kept = [n for n, cell in enumerate(table.rows[0]) if not isinstance(cell, Count | Number)]
    rows = [[_coarse(row[n]) for n in kept] for row in table.rows]
    return replace(table, columns=[table.columns[n] for n in kept], rows=rows)


def _coarse(cell: Cell) -> Cell:
    """A share as twentieths: an exact one tells of how many it is. Above nine tenths all are told alike."""
    if isinstance(cell, Share) and cell.value is not None and not cell.over:
        told = round(20 * cell.value) / 20
        return Share(NEARLY_ALL, over=True) if told > NEARLY_ALL else Share(told)
    return cell
