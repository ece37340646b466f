"""When the work comes: how much in each hour of the week, as a table whose cells are shaded."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from throughput.charts.model import Bar, Drawing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of

_CELL = 26.0
_OFFICE = (8, 17)
"""Hours that are always there; others where something happened in them or beyond."""


@dataclass(frozen=True, kw_only=True)
class Load(About):
    """Counts by weekday (from Monday) and hour of the day: 7 × 24. `total` names the sums."""

    counts: Sequence[Sequence[float]]
    total: str
    decimals: int = 0


def load(told: Load, width: float = WIDE) -> Drawing:
    """Draw it: hours along and days down; on a narrow sheet, or of large numbers, the other way round.

    Where even so there is no room, the sums are left out, and then the numbers: shades remain.
    """
    sheet = Sheet(told, width)
    if not any(map(any, told.counts)):
        return sheet.empty()
    hours = _hours(told)
    days = list(told.wording.weekdays)
    names = [f"{hour}" for hour in hours]
    by_day = [[day[hour] for hour in hours] for day in told.counts]
    by_hour = [list(column) for column in zip(*by_day, strict=True)]
    tables = [
        _Table(told, by_day, days, names),
        _Table(told, by_hour, names, days),
        _Table(told, by_hour, names, days, sums=False),
    ]
    fitting = (table for table in tables if table.room <= width)
    next(fitting, replace(tables[-1], numbers=False)).draw(sheet)
    return sheet.done()


def _hours(told: Load) -> range:
    some = [hour for hour in range(24) if any(day[hour] for day in told.counts)]
    return range(min(some[0], _OFFICE[0]), max(some[-1], _OFFICE[1]) + 1)


@dataclass(frozen=True)
class _Table:
    """Rows of numbers, with the names of rows and columns; with or without `sums`, and `numbers` in cells."""

    told: Load
    rows: Sequence[Sequence[float]]
    downs: Sequence[str]
    alongs: Sequence[str]
    sums: bool = True
    numbers: bool = True

    @property
    def room(self) -> float:
        """How wide it must be at least."""
        return self._left + len(self.alongs) * self._needed + self._right

    @property
    def _left(self) -> float:
        return max(width_of(name) for name in (*self.downs, self.told.total if self.sums else "")) + 2 * GAP

    @property
    def _right(self) -> float:
        if not self.sums:
            return 0.0
        return (
            max(width_of(text) for text in (*map(self._sum, self.rows), self._all, self.told.total)) + 2 * GAP
        )

    @property
    def _needed(self) -> float:
        """The room of a column: of its numbers, its name and its sum."""
        numbers = [self._said(value) for row in self.rows for value in row]
        sums = map(self._sum, self._columns) if self.sums else ()
        return max(map(width_of, (*numbers, *sums, *self.alongs))) + GAP

    @property
    def _columns(self) -> list[tuple[float, ...]]:
        return list(zip(*self.rows, strict=True))

    @property
    def _all(self) -> str:
        return self._said(sum(map(sum, self.rows)))

    def _said(self, value: float) -> str:
        return self.told.wording.number(value, self.told.decimals)

    def _sum(self, values: Sequence[float]) -> str:
        return self._said(sum(values))

    def draw(self, sheet: Sheet) -> None:
        """Heads, cells, and the sums of rows and columns."""
        self._sums_of_rows(sheet)
        each = (sheet.width - self._left - self._right) / len(self.alongs)
        for number, name in enumerate(self.alongs):
            x, column = self._left + number * each, self._columns[number]
            sheet.text(x + each / 2, LINE - 2, name, role="quiet", anchor="middle")
            self._column(sheet, Bar(x + 0.5, 0, each - 1, _CELL - 1, "series-1"), name, column)
        sheet.y = LINE + GAP + len(self.rows) * _CELL + LINE + GAP

    def _sums_of_rows(self, sheet: Sheet) -> None:
        sheet.text(sheet.width, LINE - 2, self.told.total if self.sums else "", role="quiet", anchor="end")
        y = LINE + GAP
        for name, row in zip(self.downs, self.rows, strict=True):
            sheet.text(0, y + _CELL / 2 + 4, name)
            total = self._sum(row) if self.sums else ""
            sheet.text(sheet.width, y + _CELL / 2 + 4, total, role="quiet", anchor="end")
            y += _CELL
        if self.sums:
            sheet.text(0, y + LINE, self.told.total, role="quiet")
            sheet.text(sheet.width, y + LINE, self._all, anchor="end", bold=True)

    def _column(self, sheet: Sheet, box: Bar, name: str, column: Sequence[float]) -> None:
        most = max(map(max, self.rows))
        for number, (down, value) in enumerate(zip(self.downs, column, strict=True)):
            said = f"{name}, {down}: {self._said(value)}"
            cell = replace(box, y=LINE + GAP + number * _CELL + 0.5, said=said)
            sheet.cell(cell, value / most, (self._said(value) if value else "·") if self.numbers else "")
        y = LINE + GAP + len(column) * _CELL + LINE
        total = self._sum(column) if self.sums else ""
        sheet.text(box.x + box.width / 2, y, total, role="quiet", anchor="middle")
