"""When the work comes: how much in each hour of the week, as a table whose cells are shaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from throughput.charts.model import SHADES, Bar, Drawing
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
    """Draw it: hours along and days down; on a narrow sheet, or of large numbers, the other way round."""
    sheet = Sheet(told, width)
    if not any(map(any, told.counts)):
        return sheet.empty()
    hours = _hours(told)
    days = told.wording.weekdays
    by_hour = [[told.counts[day][hour] for hour in hours] for day in range(7)]
    names = [f"{hour}" for hour in hours]
    wide = _Table(told, by_hour, list(days), names)
    tall = _Table(told, [list(column) for column in zip(*by_hour, strict=True)], names, list(days))
    table = wide if wide.room <= width else tall
    table.draw(sheet)
    return sheet.done()


def _hours(told: Load) -> range:
    some = [hour for hour in range(24) if any(day[hour] for day in told.counts)]
    return range(min(some[0], _OFFICE[0]), max(some[-1], _OFFICE[1]) + 1)


@dataclass(frozen=True)
class _Table:
    told: Load
    rows: Sequence[Sequence[float]]
    downs: Sequence[str]
    alongs: Sequence[str]

    @property
    def _left(self) -> float:
        return max(width_of(name) for name in (*self.downs, self.told.total)) + 2 * GAP

    @property
    def _right(self) -> float:
        sums = [self._said(sum(row)) for row in self.rows] + [self._said(sum(map(sum, self.rows)))]
        return max(width_of(text) for text in (*sums, self.told.total)) + 2 * GAP

    @property
    def _needed(self) -> float:
        """The room of a column: of its numbers, its name and its sum."""
        numbers = [self._said(value) for row in self.rows for value in row]
        sums = [self._said(sum(column)) for column in zip(*self.rows, strict=True)]
        return max(map(width_of, (*numbers, *sums, *self.alongs))) + GAP

    @property
    def room(self) -> float:
        """How wide it must be at least."""
        return self._left + len(self.alongs) * self._needed + self._right

    def _said(self, value: float) -> str:
        return self.told.wording.number(value, self.told.decimals)

    def draw(self, sheet: Sheet) -> None:
        """Heads, cells, and the sums of rows and columns."""
        most = max(map(max, self.rows))
        each = (sheet.width - self._left - self._right) / len(self.alongs)
        for number, name in enumerate(self.alongs):
            middle = self._left + (number + 0.5) * each
            sheet.text(middle, LINE - 2, name, role="quiet", anchor="middle")
        sheet.text(sheet.width, LINE - 2, self.told.total, role="quiet", anchor="end")
        y = LINE + GAP
        for name, row in zip(self.downs, self.rows, strict=True):
            sheet.text(0, y + _CELL / 2 + 4, name)
            for number, value in enumerate(row):
                box = Bar(self._left + number * each + 0.5, y + 0.5, each - 1, _CELL - 1, "series-1", SHADES)
                sheet.cell(box, value / most, self._said(value) if value else "·")
            sheet.text(sheet.width, y + _CELL / 2 + 4, self._said(sum(row)), role="quiet", anchor="end")
            y += _CELL
        sheet.text(0, y + LINE, self.told.total, role="quiet")
        for number, column in enumerate(zip(*self.rows, strict=True)):
            middle = self._left + (number + 0.5) * each
            sheet.text(middle, y + LINE, self._said(sum(column)), role="quiet", anchor="middle")
        whole = self._said(sum(map(sum, self.rows)))
        sheet.text(sheet.width, y + LINE, whole, role="quiet", anchor="end", bold=True)
        sheet.y = y + LINE + GAP
