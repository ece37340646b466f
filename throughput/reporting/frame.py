"""The frame of all reports: head and foot, headings, tables, charts, the seal; a PDF/A-3b file in the end.

The figures themselves are attached to it as JSON, so that who doubts the paper can reckon with them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import rfc8785

from documents.canvas import A4, PageCanvas, Style
from documents.layout.letterhead import NOTE, RUNNING
from documents.layout.signing_block import Place, Signing, unsigned_appearance
from documents.lines import broken
from documents.pdfa import DataFile, Description, SignatureField, write_pdfa
from documents.render import ARCHIVE_TIMESTAMP
from documents.sheet import (
    ACCENT,
    BODY,
    BOTTOM,
    CELL_MARGINS,
    HAIRLINE,
    HEADING,
    HEADING_HEIGHT,
    HEADING_RULE,
    HEADING_SPACE,
    INK,
    LEFT,
    MUTED,
    RIGHT,
    SMALL,
    TABLE_GAP,
    TINT,
    TITLE,
    WIDTH,
    Box,
    Column,
    Sheet,
    head_height,
    head_style,
    row_height,
)
from documents.words import words_in as document_words
from throughput.charts.model import Drawing
from throughput.faces import printable
from throughput.reporting.flow import Flow, Piece
from throughput.reporting.placed import place_chart
from throughput.reporting.seal import SEAL_FIELD, Seal
from throughput.reporting.words import ReportWords

CHART_WIDTH = 640.0
"""The natural width of charts in reports: words in them are then 8.8 points high."""
_LEAD = Style(11, 15.5, INK)
_NOTE = Style(8.5, 11.8, MUTED)
_TOP = A4[1] - 48
_FOOT = 44.0
_NARROWEST = 80.0
_BREAKS = re.compile(r" |(?<=[^\W\d_]-)(?=[^\W\d_])")  # as documents.lines breaks
_WIDEST = 0.36 * WIDTH  # a column need not be wider: what is longer is broken into lines
_UNSIGNED, _ARCHIVE = "Not signed yet", "Archive timestamp"  # words of documents
_CHART_ROOM = 600.0  # of a page, under a heading
_MOST = 240  # characters of one cell or name: a longer one is cut, and no page is filled by it
_ROWS = (BODY, Style(8.5, 11.6, INK), Style(7.5, 10.4, INK), Style(6.6, 9.4, INK))
"""Of tables: the first in which no word has to be cut."""
_FEWEST_ROWS = 3  # of a table on either side of a page's end
_BETWEEN, _TORN = 0.1, 0.3  # what it costs to end a page within a section, and within a table or paragraph


@dataclass(frozen=True)
class Cover:
    """What a report is, what it is about, when it was made, and who seals it; None: nobody does."""

    title: str
    about: Sequence[str]
    made_at: datetime
    seal: Seal | None = None


@dataclass(frozen=True)
class Table:
    """Rows of cells below heads: the first `words` columns stand to the left, the others to the right."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1

    @property
    def without_first(self) -> "Table":
        """The same without the first column, for where all its cells would be alike."""
        return Table(self.heads[1:], [row[1:] for row in self.rows], self.words - 1)


class Report:
    """A report that is written from top to bottom, then finished."""

    def __init__(self, cover: Cover, words: ReportWords) -> None:
        self._cover, self._words = cover, words
        self._title = safe(cover.title)
        self._sheet = Sheet(self._start_page)
        self._flow = Flow()

    def heading(self, text: str) -> None:
        """A heading, on one page with what follows."""
        lines = broken(safe(text), HEADING, WIDTH)
        height = len(lines) * HEADING.leading + HEADING_RULE
        self._flow.add(
            Piece(height, lambda sheet: sheet.headed(lines), above=HEADING_SPACE, before=0.0), heads=True
        )

    def title(self, text: str) -> None:
        """The title of a part, on one page with what follows."""
        self._running(safe(text), TITLE, above=2 * HEADING_SPACE, before=0.0, heads=True)

    def lead(self, *texts: str) -> None:
        """The sentences that matter, larger."""
        for text in texts:
            self._running(safe(text, 1000), _LEAD, below=6)

    def paragraph(self, *texts: str) -> None:
        """Running text."""
        for text in texts:
            self._running(safe(text, 2000), BODY, below=4)

    def note(self, *texts: str) -> None:
        """What explains a table or a chart, below it."""
        for text in texts:
            self._running(safe(text, 1000), _NOTE, below=2, before=None)

    def table(self, table: Table) -> None:
        """A table; its heads come again on further pages."""
        if not table.rows:
            return
        heads = [safe(head) for head in table.heads]
        rows = [[safe(cell) for cell in row] for row in table.rows]
        style, widths = _fitted(heads, rows, table.words)
        columns = [
            Column(head, width, right=number >= table.words)
            for number, (head, width) in enumerate(zip(heads, widths, strict=True))
        ]
        head = Piece(
            head_height(columns, style), lambda sheet: sheet.table_head(columns, style), before=_BETWEEN
        )
        self._flow.add(head, heads=True)
        for number in range(len(rows)):
            self._flow.add(_row(columns, rows, number, style, head))
        self._flow.add(_white(TABLE_GAP))

    def chart(self, heading: str, drawing: Drawing) -> None:
        """A chart over the whole width under its heading, both on one page."""
        scale = min(WIDTH / drawing.width, _CHART_ROOM / drawing.height)
        height = drawing.height * scale

        def draw(sheet: Sheet) -> None:
            sheet.y -= height + 4
            place_chart(sheet.canvas, drawing, LEFT, sheet.y, scale)
            sheet.y -= 8

        self.heading(heading)
        self._flow.add(Piece(height + 12, draw))

    def _running(
        self,
        text: str,
        style: Style,
        *,
        below: float = 0.0,
        above: float = 0.0,
        before: float | None = _BETWEEN,
        heads: bool = False,
    ) -> None:
        """Lines of text, of which neither one nor two stand alone where there are more."""
        lines = broken(text, style, WIDTH)
        for number, line in enumerate(lines):
            torn = _TORN if 2 <= number <= len(lines) - 2 and not heads else None
            piece = Piece(
                style.leading,
                partial(Sheet.line, line=line, style=style),
                above=0.0 if number else above,
                before=torn if number else before,
            )
            self._flow.add(piece, heads=heads and number == len(lines) - 1)
        if below:
            self._flow.add(_white(below))

    def finished(self, figures: Mapping[str, Any], *, identifier: str) -> bytes:
        """The file, with the figures attached; with an empty field for the seal if there will be one."""
        signing = None if self._cover.seal is None else self._signing(self._cover.seal)
        end = 0.0 if signing is None else HEADING_HEIGHT + HEADING_RULE + signing.height
        self._flow.draw(self._sheet, self._start_page(PageCanvas(), 1) - BOTTOM, end=end)
        fields = [] if signing is None else self._fields(signing)
        made_on = self._cover.made_at.date()
        return write_pdfa(
            self._sheet.end(self._draw_foot),
            description=Description(self._title, identifier, self._words.language, made_on),
            data_file=DataFile(
                "figures.json",
                self._words.text("The figures of this report"),
                "application/json",
                rfc8785.dumps(dict(figures)),
            ),
            fields=fields,
        )

    # the frame around it

    def _start_page(self, canvas: PageCanvas, page: int) -> float:
        y = self._note(canvas, _TOP)
        if page:
            canvas.text(LEFT, y - RUNNING.leading, self._title, RUNNING)
            canvas.rule(LEFT, y - RUNNING.leading - 7, WIDTH, ACCENT, 0.8)
            return y - RUNNING.leading - 20
        for line in broken(self._title, TITLE, WIDTH):
            y -= TITLE.leading
            canvas.text(LEFT, y + 6, line, TITLE)
        y -= 2
        for about in (*self._cover.about, self._made(), self._sealing()):
            for line in broken(safe(about, 600), _NOTE, WIDTH):
                y -= _NOTE.leading
                canvas.text(LEFT, y + 3, line, _NOTE)
        y -= 5
        canvas.rule(LEFT, y, WIDTH, ACCENT, 1.4)
        return y - 10

    def _note(self, canvas: PageCanvas, y: float) -> float:
        """The warning on every page of a report that a development key seals."""
        if self._cover.seal is None or not self._cover.seal.development:
            return y
        text = self._words.text(
            "Sealed with a development key: for trials only, it proves nothing about anyone."
        )
        lines = broken(text, NOTE, WIDTH - 20)
        height = len(lines) * NOTE.leading + 8
        y += 14
        canvas.panel(LEFT, y - height, WIDTH, height, TINT)
        for number, line in enumerate(lines):
            canvas.text(LEFT + 10, y - 4 - (number + 1) * NOTE.leading + 2.6, line, NOTE)
        return y - height - 8

    def _made(self) -> str:
        return self._words.text("Made on {moment} by Paraaf.", moment=self._words.moment(self._cover.made_at))

    def _sealing(self) -> str:
        seal = self._cover.seal
        if seal is None:
            return self._words.text(
                "This report is not signed: nothing shows who made it, or that it was not changed."
            )
        return self._words.text(
            "Sealed by {name} under the profile {profile}, level {level}; the seal is on the last page.",
            name=safe(seal.name),
            profile=safe(seal.profile),
            level=seal.level,
        )

    def _signing(self, seal: Seal) -> Signing:
        words = self._words
        return Signing(
            words.text("Seal"),
            words.text(
                "The seal covers the whole report and the figures attached to it. Whoever changes one of them"
                " breaks it: check it with paraaf verify, or another reader of PAdES."
            ),
            (
                (words.text("By"), safe(seal.name)),
                (words.text("Profile"), safe(seal.profile)),
                (words.text("Level"), seal.level),
            ),
            (Place(SEAL_FIELD, words.text("Seal of the report")),),
        )

    def _fields(self, signing: Signing) -> list[SignatureField]:
        """What is filled in when the report is sealed, drawn on its last page."""
        documents = document_words(self._words.language)
        unsigned = documents.text(_UNSIGNED)
        fields = [_field(place.label, box, place, unsigned) for place, box in signing.draw(self._sheet)]
        if self._cover.seal is not None and self._cover.seal.level == "B-LTA":
            fields.append(SignatureField(ARCHIVE_TIMESTAMP, documents.text(_ARCHIVE), None))
        return fields

    def _draw_foot(self, canvas: PageCanvas, page: int, pages: int) -> None:
        canvas.rule(LEFT, _FOOT + 14, WIDTH, HAIRLINE)
        canvas.text(LEFT, _FOOT, self._title, SMALL)
        canvas.text_right(RIGHT, _FOOT, f"{page + 1} / {pages}", SMALL)


def _field(label: str, box: Box, place: Place, unsigned: str) -> SignatureField:
    return SignatureField(SEAL_FIELD, label, box, unsigned_appearance(unsigned, place.height))


def _row(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], number: int, style: Style, head: Piece
) -> Piece:
    """A row; a page begins with it where neither it nor the first rows are left alone."""
    row = rows[number]
    return Piece(
        row_height(columns, row, style),
        lambda sheet: sheet.table_row(columns, row, style),
        before=_TORN if _FEWEST_ROWS <= number <= len(rows) - _FEWEST_ROWS else None,
        again=head.height,
        head=head.draw,
    )


def _white(height: float) -> Piece:
    def draw(sheet: Sheet) -> None:
        sheet.y -= height

    return Piece(height, draw)


def safe(text: str, most: int = _MOST) -> str:
    """A text that can be printed and fills no page: one line, cut where it is too long."""
    line = " ".join(text.split(" ")).replace("\n", " ")
    return printable(line if len(line) <= most else f"{line[: most - 1]}…")


def _fitted(heads: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> tuple[Style, list[float]]:
    """In which size, and how wide its columns: no figure is broken if a size near the text's can hold it.

    No word is cut if there is a size in which none has to be.
    """
    whole = [_longest_word] * words + [_width] * (len(heads) - words)
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


def _longest_word(text: str, style: Style) -> float:
    return max((style.width(word) for word in _BREAKS.split(text)), default=0.0)
