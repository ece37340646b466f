"""A document that grows downwards over as many pages as it needs: headings, fields, paragraphs, tables.

Layouts say what there is; the sheet decides where it goes. Each method is one kind of structure, so that a
layer of tags can be laid over them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from documents.canvas import A4, Colour, PageCanvas, Style
from documents.errors import DocumentError
from documents.lines import broken, holds_words

INK: Colour = (0.106, 0.122, 0.141)
MUTED: Colour = (0.353, 0.388, 0.439)  # 6.3 : 1 on white
ACCENT: Colour = (0.11, 0.224, 0.376)
HAIRLINE: Colour = (0.784, 0.812, 0.847)
_TABLE_LINE: Colour = (0.882, 0.898, 0.918)
TINT: Colour = (0.949, 0.961, 0.973)

PAGES_MAX = 60
LEFT, RIGHT = 62.0, A4[0] - 62.0
WIDTH = RIGHT - LEFT
BOTTOM = 65.0

BODY = Style(9.5, 12.8, INK)
LABEL = Style(9, 12.8, MUTED)
STRONG = Style(9.5, 12.8, INK, strong=True)
HEADING = Style(11, 15, ACCENT, strong=True)
TITLE = Style(21, 26, ACCENT, strong=True)
SMALL = Style(7.5, 10, MUTED)
COLUMN = Style(8, 11, MUTED, strong=True)

GUTTER = 18.0
HALF = (WIDTH - GUTTER) / 2
_ROW_GAP = 2.0
HEADING_SPACE = 10.0
_CELL_PADDING = 2.0
_HEAD_SPACE = 2.0
TABLE_GAP = 3 * _ROW_GAP  # below a table
CELL_MARGINS = 12.0  # at the left and the right of a cell together
HEADING_RULE = 7.0
HEADING_HEIGHT = HEADING_SPACE + HEADING.leading + HEADING_RULE
# Beside each other sections are easy to read as long as they are short.
BESIDE_MAX = 170.0

Rows = Sequence[tuple[str, str]]
Lines = tuple[str, ...]


class DocumentTooLong(DocumentError):
    """The texts fill more pages than one document may have."""

    code = "document-too-long"


@dataclass(frozen=True)
class Box:
    """A rectangle on a page: `page` counts from 0; lower left corner and size in points."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Strip:
    """A column of rows: its left edge, and how wide labels and values may be, in points."""

    x: float
    label_width: float
    value_width: float
    gap: float

    @property
    def value_x(self) -> float:
        """The left edge of the values."""
        return self.x + self.label_width + self.gap

    def cells(self, label: str, value: str) -> tuple[Lines, Lines]:
        """A row's label and value, broken into lines."""
        return broken(label, LABEL, self.label_width), broken(value, BODY, self.value_width)

    def holds(self, rows: Rows) -> bool:
        """Whether no word of these rows has to be cut."""
        return all(
            holds_words(label, LABEL, self.label_width) and holds_words(value, BODY, self.value_width)
            for label, value in rows
        )

    def height(self, rows: Rows) -> float:
        """How much these rows take, one below the other."""
        return sum(max(map(len, self.cells(*row))) * BODY.leading + _ROW_GAP for row in rows)


# Labels and values stand at the same places in the whole width and in its left half.
WHOLE = Strip(LEFT, 168, WIDTH - 182, gap=14)
# Room for yes and no alone: unlike things beside each other would be hard to read.
_HALVES = tuple(Strip(x, 168, 24, gap=14) for x in (LEFT, LEFT + HALF + GUTTER))
NARROW = tuple(Strip(x, 100, HALF - 106, gap=6) for x in (LEFT, LEFT + HALF + GUTTER))


@dataclass(frozen=True)
class Section:
    """A heading and the rows under it."""

    heading: str
    rows: Rows


@dataclass(frozen=True)
class Column:
    """One column of a table: `width` in points, amounts stand to the right."""

    heading: str
    width: float
    right: bool = False


class Sheet:
    """Flowing content on A4 pages; `y` is the next free height.

    `start_page(canvas, page)` draws a page's head and gives the height where its content begins.
    """

    def __init__(self, start_page: Callable[[PageCanvas, int], float]) -> None:
        self.canvas = PageCanvas()
        self._start_page = start_page
        self.y = self._start_page(self.canvas, 0)
        self._fresh = True

    @property
    def page(self) -> int:
        """The number of the current page, from 0."""
        return self.canvas.page_count

    def keep(self, height: float) -> None:
        """Begin a new page unless `height` points are left on this one."""
        if self.y - height < BOTTOM and not self._fresh:
            self.turn()

    def turn(self) -> None:
        """Begin a new page; raises DocumentTooLong."""
        if self.page + 1 >= PAGES_MAX:
            raise DocumentTooLong(
                f"The document is longer than {PAGES_MAX} pages",
                hint="Shorten the longest texts, or split the document in two.",
            )
        self.canvas.showPage()
        self.y = self._start_page(self.canvas, self.page)
        self._fresh = True

    def heading(self, text: str, *, keep: float = 44.0) -> None:
        """A section's heading with a line under it, on one page with the next `keep` points."""
        lines = broken(text, HEADING, WIDTH)
        self._space_above(len(lines) * HEADING.leading + keep)
        self.headed(lines)

    def _space_above(self, height: float) -> None:
        """Keep `height` points together, and leave white above them unless a page begins."""
        self.keep(HEADING_SPACE + height)
        if not self._fresh:
            self.y -= HEADING_SPACE

    def headed(self, lines: Sequence[str], x: float = LEFT, width: float = WIDTH) -> None:
        """The lines of a heading with a line under them."""
        for line in lines:
            self.y -= HEADING.leading
            self.canvas.text(x, self.y + 4, line, HEADING)
        self.canvas.rule(x, self.y - 2, width, HAIRLINE)
        self.y -= HEADING_RULE
        self._fresh = False

    def beside(self, sections: Sequence[Section]) -> None:
        """Two short sections beside each other; long ones, and words too wide, stand below each other."""
        height = max(strip.height(section.rows) for strip, section in zip(NARROW, sections, strict=True))
        headings = [broken(section.heading, HEADING, HALF) for section in sections]
        held = all(strip.holds(section.rows) for strip, section in zip(NARROW, sections, strict=True))
        if height > BESIDE_MAX or not held or max(map(len, headings)) > 1:
            for section in sections:
                self.heading(section.heading)
                self.fields(section.rows)
            return
        self._space_above(HEADING.leading + HEADING_RULE + height)
        top = self.y
        for strip, section, heading in zip(NARROW, sections, headings, strict=True):
            self.y = top
            self.headed(heading, strip.x, HALF)
            self.strip(strip, section.rows)
        self.y = top - HEADING.leading - HEADING_RULE - height

    def strip(self, strip: Strip, rows: Rows) -> None:
        """Rows in a part of the width; the caller has kept room for them."""
        for row in rows:
            self._row(strip, *strip.cells(*row))

    def fields(self, rows: Rows) -> None:
        """Rows of a label and its value; a long value flows on, also to a further page.

        Two answers of yes or no that follow each other stand beside each other.
        """
        for row in _paired(rows):
            if len(row) == 1:
                self._row(WHOLE, *WHOLE.cells(*row[0]))
                continue
            self.keep(BODY.leading + _ROW_GAP)
            top = self.y
            for strip, cell in zip(_HALVES, row, strict=True):
                self.y = top
                self._row(strip, *strip.cells(*cell))

    def _row(self, strip: Strip, labels: Lines, values: Lines) -> None:
        # a row that fits on a page stays in one piece when that costs little; a longer one may break
        height = max(len(labels), len(values))
        self.keep(min(height, max(4, len(labels))) * BODY.leading + _ROW_GAP)
        for index in range(height):
            self.keep(BODY.leading)
            self.y -= BODY.leading
            if index < len(labels):
                self.canvas.text(strip.x, self.y + 3, labels[index], LABEL)
            if index < len(values):
                self.canvas.text(strip.value_x, self.y + 3, values[index], BODY)
            self._fresh = False
        self.y -= _ROW_GAP

    def paragraph(self, text: str, style: Style = BODY) -> None:
        """Running text over the whole width."""
        lines = broken(text, style, WIDTH)
        self.keep(min(len(lines), 3) * style.leading)
        for line in lines:
            self.keep(style.leading)
            self.line(line, style)
        self.y -= _ROW_GAP

    def line(self, line: str, style: Style = BODY) -> None:
        """One line of running text."""
        self.y -= style.leading
        self.canvas.text(LEFT, self.y + 3, line, style)
        self._fresh = False

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]], style: Style = BODY) -> None:
        """A table under a tinted head, which comes again on a further page."""
        self.table_head(columns, style)
        for row in rows:
            if self.y - row_height(columns, row, style) < BOTTOM:
                self.turn()
                self.table_head(columns, style)
            self.table_row(columns, row, style)
        self.y -= TABLE_GAP

    def table_head(self, columns: Sequence[Column], style: Style = BODY) -> None:
        """The tinted head of a table whose cells are written in `style`."""
        self.y -= head_height(columns, style)
        self.canvas.panel(LEFT, self.y, WIDTH, head_height(columns, style) - _HEAD_SPACE, TINT)
        style = head_style(style)
        for column, x in _placed(columns):
            lines = _cell(column.heading, column, style)
            y = self.y + 5.4 + len(lines) * style.leading
            for line in lines:
                y -= style.leading
                self._in_cell(column, x, y, line, style)
        self._fresh = False

    def table_row(self, columns: Sequence[Column], row: Sequence[str], style: Style = BODY) -> None:
        """A row of a table, with a line under it."""
        for (column, x), cell in zip(_placed(columns), row, strict=True):
            y = self.y - _CELL_PADDING
            for line in _cell(cell, column, style):
                y -= style.leading
                self._in_cell(column, x, y + 3.4, line, style)
        self.y -= row_height(columns, row, style)
        self.canvas.rule(LEFT, self.y, WIDTH, _TABLE_LINE, 0.5)

    def _in_cell(self, column: Column, x: float, y: float, line: str, style: Style) -> None:
        margin = CELL_MARGINS / 2
        if column.right:
            self.canvas.text_right(x + column.width - margin, y, line, style)
        else:
            self.canvas.text(x + margin, y, line, style)

    def end(self, draw_foot: Callable[[PageCanvas, int, int], None]) -> list[bytes]:
        """Close the last page and give the content streams.

        `draw_foot(canvas, page, pages)` draws the foot of each page, when their number is known.
        """
        self.canvas.showPage()
        pages = self.canvas.page_count
        self.canvas.on_every_page(lambda page: draw_foot(self.canvas, page, pages))
        return self.canvas.streams()


def head_style(style: Style) -> Style:
    """How a table's heads are written whose cells are written so: not larger than these."""
    return COLUMN if style.size >= COLUMN.size else Style(style.size, style.leading, MUTED, strong=True)


def head_height(columns: Sequence[Column], style: Style = BODY) -> float:
    """How much `Sheet.table_head` takes."""
    head = head_style(style)
    lines = max(len(_cell(column.heading, column, head)) for column in columns)
    return _HEAD_SPACE + 17 + (lines - 1) * head.leading


def row_height(columns: Sequence[Column], row: Sequence[str], style: Style = BODY) -> float:
    """How much `Sheet.table_row` takes."""
    lines = max(len(_cell(cell, column, style)) for cell, column in zip(row, columns, strict=True))
    return lines * style.leading + 2 * _CELL_PADDING


def _cell(text: str, column: Column, style: Style) -> Lines:
    return broken(text, style, column.width - CELL_MARGINS)


def _paired(rows: Rows) -> Iterator[Rows]:
    """The rows one by one, but two neighbours that fit into the halves together."""
    waiting: tuple[str, str] | None = None
    for row in rows:
        short = max(map(len, _HALVES[0].cells(*row))) == 1
        if waiting is not None and short:
            yield (waiting, row)
            waiting = None
        else:
            if waiting is not None:
                yield (waiting,)
            waiting = row if short else None
            if not short:
                yield (row,)
    if waiting is not None:
        yield (waiting,)


def fields_height(rows: Rows) -> float:
    """How much `Sheet.fields` takes for these rows."""
    return sum(WHOLE.height(row[:1]) for row in _paired(rows))


def _placed(columns: Sequence[Column]) -> list[tuple[Column, float]]:
    """Each column with its left edge."""
    placed, x = [], LEFT
    for column in columns:
        placed.append((column, x))
        x += column.width
    return placed
