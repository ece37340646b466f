"""Tables of reports: in which size, how wide their columns are, and where a page may end in them."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from documents.canvas import Style
from documents.sheet import (
    BODY,
    CELL_MARGINS,
    INK,
    LEFT,
    MUTED,
    TABLE_GAP,
    WIDTH,
    Column,
    Sheet,
    head_height,
    head_style,
    row_height,
)
from throughput.faces import printable
from throughput.reporting.flow import BETWEEN, TORN, Piece, white

_NARROWEST = 80.0
_BREAKS = re.compile(r" |(?<=[^\W\d_]-)(?=[^\W\d_])")  # as documents.lines breaks
_LONGEST = 140.0  # a word that is longer is cut: all cells would be written small for it
_SHORT = 72.0  # a name so wide is better not broken
_WIDEST = 0.36 * WIDTH  # a column need not be wider: what is longer is broken into lines
_MOST = 240  # characters of one cell or name: a longer one is cut, and no page is filled by it
_ROWS = (BODY, Style(8.5, 11.6, INK), Style(7.5, 10.4, INK), Style(6.6, 9.4, INK))
"""Of tables: the first in which no word has to be cut."""
_FEWEST_ROWS = 3  # of a table on either side of a page's end
_WHOLE = 8  # a table of no more rows is on one page


@dataclass(frozen=True)
class Table:
    """Rows of cells below heads: the first `words` columns stand to the left, the others to the right.

    Of the first `same` columns a cell like the one above it is not printed again. With `total` the last row
    is the sum of the others, under a line.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    same: int = 0
    total: bool = False

    @property
    def without_first(self) -> "Table":
        """The same without the first column, for where all its cells would be alike."""
        return Table(self.heads[1:], [row[1:] for row in self.rows], self.words - 1, max(0, self.same - 1))


@dataclass(frozen=True)
class _Grid:
    """A table as it is drawn."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    style: Style
    same: int
    total: bool

    def head(self, sheet: Sheet) -> None:
        sheet.table_head(self.columns, self.style)

    def row(self, number: int) -> Piece:
        """A row; a page begins with it where neither it nor the first rows are left alone."""
        row, alike = self.rows[number], 0
        while number and alike < self.same and row[alike] == self.rows[number - 1][alike]:
            alike += 1

        def draw(sheet: Sheet) -> None:
            if self.total and number == len(self.rows) - 1:
                sheet.canvas.rule(LEFT, sheet.y, WIDTH, MUTED, 0.9)
            sheet.table_row(self.columns, [*[""] * alike, *row[alike:]], self.style)

        def first(sheet: Sheet) -> None:
            self.head(sheet)
            sheet.table_row(self.columns, row, self.style)

        return Piece(
            row_height(self.columns, row, self.style),
            draw,
            before=TORN * (1 + alike) if self._may_end_at(number) else None,
            again=head_height(self.columns, self.style),
            first=first,
        )

    def _may_end_at(self, number: int) -> bool:
        """Whether a page may end before this row."""
        rows = len(self.rows)
        return rows > _WHOLE and _FEWEST_ROWS <= number <= rows - _FEWEST_ROWS


def pieces_of(table: Table) -> Iterator[Piece]:
    """The head of a table and its rows; nothing where there are none."""
    if not table.rows:
        return
    heads = [safe(head) for head in table.heads]
    rows = [[safe(cell) for cell in row] for row in table.rows]
    style, widths = _fitted(heads, rows, table.words)
    columns = [
        Column(head, width, right=number >= table.words)
        for number, (head, width) in enumerate(zip(heads, widths, strict=True))
    ]
    grid = _Grid(columns, rows, style, table.same, table.total)
    yield Piece(head_height(columns, style), grid.head, before=BETWEEN)
    yield from map(grid.row, range(len(rows)))
    yield white(TABLE_GAP)


def safe(text: str, most: int = _MOST) -> str:
    """A text that can be printed and fills no page: one line, cut where it is too long."""
    line = " ".join(text.split(" ")).replace("\n", " ")
    return printable(line if len(line) <= most else f"{line[: most - 1]}…")


def _fitted(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> tuple[Style, list[float]]:
    """In which size, and how wide its columns: no figure is broken if a size near the text's can hold it.

    No word is cut if there is a size in which none has to be.
    """
    whole = [_short_or_word] * words + [_width] * (len(heads) - words)
    ways = [(style, whole) for style in _ROWS[:2]] + [
        (style, [_longest_word] * len(heads)) for style in _ROWS
    ]
    for style, measures in ways:
        least = _widths(heads, rows, style, measures, 3)
        if sum(least) <= WIDTH:
            break
    wished = _widths(heads, rows, style, [_width] * len(heads), 2)
    if sum(least) > WIDTH:
        return style, _narrowed(least)
    if sum(wished) <= WIDTH:
        return style, [width + (WIDTH - sum(wished)) / len(wished) for width in wished]
    share = (WIDTH - sum(least)) / (sum(wished) - sum(least))
    return style, [low + (high - low) * share for low, high in zip(least, wished, strict=True)]


def _narrowed(widths: Sequence[float]) -> list[float]:
    """Made to fit: the widest gives way first, then all do."""
    found = list(widths)
    widest = found.index(max(found))
    found[widest] = max(_NARROWEST, found[widest] - (sum(found) - WIDTH))
    return [width * min(1.0, WIDTH / sum(found)) for width in found]


def _widths(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    style: Style,
    measures: Sequence[Callable[[str, Style], float]],
    lines: int,
) -> list[float]:
    """How wide columns have to be for cells that are measured so, and for heads on so many lines."""
    found, of_head = [], head_style(style)
    for number, (head, measure) in enumerate(zip(heads, measures, strict=True)):
        cells = min(max((measure(row[number], style) for row in rows), default=0.0), _WIDEST)
        heading = max(_longest_word(head, of_head), of_head.width(head) / lines)
        found.append(max(cells, heading) + CELL_MARGINS + 0.1)
    return found


def _width(text: str, style: Style) -> float:
    return style.width(text)


def _short_or_word(text: str, style: Style) -> float:
    """The width of a short text, of a longer one that of its longest word."""
    width = style.width(text)
    return width if width <= _SHORT else _longest_word(text, style)


def _longest_word(text: str, style: Style) -> float:
    return min(_LONGEST, max((style.width(word) for word in _BREAKS.split(text)), default=0.0))
