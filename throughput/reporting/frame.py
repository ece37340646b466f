"""The frame of all reports: head and foot, headings, tables, charts, the seal; a PDF/A-3b file in the end.

The figures themselves are attached to it as JSON, so that who doubts the paper can reckon with them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
    CELL_MARGINS,
    HAIRLINE,
    INK,
    LEFT,
    MUTED,
    RIGHT,
    SMALL,
    TINT,
    TITLE,
    WIDTH,
    Box,
    Column,
    Sheet,
    head_style,
)
from documents.words import words_in as document_words
from throughput.charts.model import Drawing
from throughput.faces import printable
from throughput.reporting.placed import place_chart
from throughput.reporting.seal import SEAL_FIELD, Seal
from throughput.reporting.words import ReportWords
from workflow.invented import Invented

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


@dataclass(frozen=True)
class Cover:
    """What a report is, what it is about, when it was made, and who seals it; None: nobody does.

    `invented`: the past of a sample office, which every page has to tell of.
    """

    title: str
    about: Sequence[str]
    made_at: datetime
    seal: Seal | None = None
    invented: Invented | None = None


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

    def heading(self, text: str, *, keep: float = 130.0) -> None:
        """A heading, on one page with what follows."""
        self._sheet.heading(safe(text), keep=keep)

    def title(self, text: str) -> None:
        """The title of a part, on top of its page."""
        self._sheet.paragraph(safe(text), TITLE)

    def lead(self, *texts: str) -> None:
        """The sentences that matter, larger."""
        for text in texts:
            self._sheet.paragraph(safe(text, 1000), _LEAD)
            self._sheet.y -= 4

    def paragraph(self, *texts: str) -> None:
        """Running text."""
        for text in texts:
            self._sheet.paragraph(safe(text, 2000))
            self._sheet.y -= 2

    def note(self, *texts: str) -> None:
        """What explains a table or a chart, below it."""
        for text in texts:
            self._sheet.paragraph(safe(text, 1000), _NOTE)

    def table(self, table: Table) -> None:
        """A table; its heads come again on further pages."""
        heads = [safe(head) for head in table.heads]
        rows = [[safe(cell) for cell in row] for row in table.rows]
        style, widths = _fitted(heads, rows)
        columns = [
            Column(head, width, right=number >= table.words)
            for number, (head, width) in enumerate(zip(heads, widths, strict=True))
        ]
        head = head_style(style)
        lines = max(len(broken(column.heading, head, column.width - CELL_MARGINS)) for column in columns)
        self._sheet.keep(24 + lines * head.leading + 2 * (style.leading + 4))
        self._sheet.table(columns, rows, style)

    def chart(self, heading: str, drawing: Drawing) -> None:
        """A chart over the whole width under its heading, both on one page."""
        scale = min(WIDTH / drawing.width, _CHART_ROOM / drawing.height)
        height = drawing.height * scale
        self._sheet.heading(safe(heading), keep=height + 24)
        self._sheet.y -= height + 4
        place_chart(self._sheet.canvas, drawing, LEFT, self._sheet.y, scale)
        self._sheet.y -= 8

    def page(self) -> None:
        """Go on on a new page."""
        self._sheet.turn()

    def finished(self, figures: Mapping[str, Any], *, identifier: str) -> bytes:
        """The file, with the figures attached; with an empty field for the seal if there will be one."""
        fields = [] if self._cover.seal is None else self._seal_fields(self._cover.seal)
        made_on, invented = self._cover.made_at.date(), self._cover.invented
        figures = {**figures, "invented_until": None if invented is None else invented.told}
        return write_pdfa(
            self._sheet.end(self._draw_foot),
            description=Description(self._title, identifier, self._words.language, made_on),
            data_file=DataFile(
                "figures.json",
                self._words.text("The figures of this report"),
                "application/json",
                rfc8785.dumps(figures),
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
        """What every page warns of."""
        lines = [line for text in self._warnings() for line in broken(text, NOTE, WIDTH - 20)]
        if not lines:
            return y
        height = len(lines) * NOTE.leading + 8
        y += 14
        canvas.panel(LEFT, y - height, WIDTH, height, TINT)
        for number, line in enumerate(lines):
            canvas.text(LEFT + 10, y - 4 - (number + 1) * NOTE.leading + 2.6, line, NOTE)
        return y - height - 8

    def _warnings(self) -> Iterator[str]:
        if self._cover.invented is not None:
            until = self._words.moment(self._cover.invented.until)
            yield self._words.text(
                "Sample data: what happened before {moment} was invented by a program, and tells of nobody's"
                " work.",
                moment=until,
            )
        if self._cover.seal is not None and self._cover.seal.development:
            yield self._words.text(
                "Sealed with a development key: for trials only, it proves nothing about anyone."
            )

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

    def _seal_fields(self, seal: Seal) -> list[SignatureField]:
        words, documents = self._words, document_words(self._words.language)
        label = words.text("Seal of the report")
        signing = Signing(
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
            (Place(SEAL_FIELD, label),),
        )
        unsigned = documents.text(_UNSIGNED)
        boxes = signing.draw(self._sheet)
        fields = [_field(label, box, place, unsigned) for place, box in boxes]
        if seal.level == "B-LTA":
            fields.append(SignatureField(ARCHIVE_TIMESTAMP, documents.text(_ARCHIVE), None))
        return fields

    def _draw_foot(self, canvas: PageCanvas, page: int, pages: int) -> None:
        canvas.rule(LEFT, _FOOT + 14, WIDTH, HAIRLINE)
        canvas.text(LEFT, _FOOT, self._title, SMALL)
        canvas.text_right(RIGHT, _FOOT, f"{page + 1} / {pages}", SMALL)


def _field(label: str, box: Box, place: Place, unsigned: str) -> SignatureField:
    return SignatureField(SEAL_FIELD, label, box, unsigned_appearance(unsigned, place.height))


def safe(text: str, most: int = _MOST) -> str:
    """A text that can be printed and fills no page: one line, cut where it is too long."""
    line = " ".join(text.split(" ")).replace("\n", " ")
    return printable(line if len(line) <= most else f"{line[: most - 1]}…")


def _fitted(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Style, list[float]]:
    """In which size, and how wide its columns: no word is cut if there is a size in which none has to be."""
    for style in _ROWS:
        least = _widths(heads, rows, style, _longest_word)
        if sum(least) <= WIDTH:
            break
    wished = _widths(heads, rows, style, lambda text, style: style.width(text))
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
    heads: Sequence[str], rows: Sequence[Sequence[str]], style: Style, measure: Callable[[str, Style], float]
) -> list[float]:
    found, of_head = [], head_style(style)
    for number, head in enumerate(heads):
        cells = min(max((measure(row[number], style) for row in rows), default=0.0), _WIDEST)
        heading = max(_longest_word(head, of_head), measure(head, of_head) / 2)  # on two lines or three
        found.append(max(cells, heading) + CELL_MARGINS + 0.1)
    return found


def _longest_word(text: str, style: Style) -> float:
    return max((style.width(word) for word in _BREAKS.split(text)), default=0.0)
