"""The frame of all reports: head and foot, headings, tables, charts, the seal; a PDF/A-3b file in the end.

The figures themselves are attached to it as JSON, so that who doubts the paper can reckon with them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import rfc8785

from documents.bookmarks import Bookmark
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
    TINT,
    TITLE,
    WIDTH,
    Box,
    Sheet,
)
from documents.words import words_in as document_words
from throughput.charts.model import Drawing
from throughput.origins import document
from throughput.reporting.flow import BETWEEN, TORN, Flow, Piece, white
from throughput.reporting.placed import place_chart
from throughput.reporting.seal import SEAL_FIELD, Seal
from throughput.reporting.table import Table, pieces_of, safe
from throughput.reporting.words import ReportWords
from workflow.invented import Invented

CHART_WIDTH = 640.0
"""The natural width of charts in reports: words in them are then 8.8 points high."""
_LEAD = Style(10.5, 14.5, INK)
_NOTE = Style(8.5, 11.8, MUTED)
_SMALLER_TITLE = Style(17, 22, ACCENT, strong=True)  # of a title that is on one line so
_TOP = A4[1] - 48
_FOOT = 44.0
_APART = 24.0  # between the report's title and what a page goes on with
_UNSIGNED, _ARCHIVE = "Not signed yet", "Archive timestamp"  # words of documents
_ROOM_ABOVE = 6.0  # above what a bookmark leads to
_CHART_ROOM = 600.0  # of a page, under a heading


Draw = Callable[[Sheet], None]


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


class Report:
    """A report that is written from top to bottom, then finished."""

    def __init__(self, cover: Cover, words: ReportWords) -> None:
        self._cover, self._words = cover, words
        self._title = safe(cover.title)
        self._flow, self._part = Flow(), ""
        self._bookmarks: list[Bookmark] = []
        self._sheet = Sheet(self._start_page)

    def heading(self, text: str) -> None:
        """A heading, on one page with what follows."""
        lines = broken(safe(text), HEADING, WIDTH)
        height = len(lines) * HEADING.leading + HEADING_RULE
        self._flow.under = ""
        draw = self._bookmarked(safe(text), lambda sheet: sheet.headed(lines), in_part=bool(self._part))
        self._flow.add(Piece(height, draw, above=HEADING_SPACE, before=0.0), heads=True)
        self._flow.under = f"{self._part}: {safe(text)}" if self._part else safe(text)

    def title(self, text: str) -> None:
        """The title of a part, on one page with what follows."""
        self._flow.under, self._part = "", safe(text)
        self._running(safe(text), TITLE, above=2 * HEADING_SPACE, before=0.0, heads=True, bookmark=True)

    def lead(self, *texts: str) -> None:
        """The sentences that matter, larger."""
        for text in texts:
            self._running(safe(text, 1000), _LEAD, below=4)

    def paragraph(self, *texts: str, heads: bool = False) -> None:
        """Running text; one that `heads` what follows is on one page with it."""
        for text in texts:
            self._running(safe(text, 2000), BODY, below=4, heads=heads)

    def note(self, *texts: str) -> None:
        """What explains a table or a chart, below it."""
        for text in texts:
            self._running(safe(text, 1000), _NOTE, below=2, before=None)

    def table(self, table: Table) -> None:
        """A table; its heads come again on further pages."""
        for number, piece in enumerate(pieces_of(table)):
            self._flow.add(piece, heads=number == 0)

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
        before: float | None = BETWEEN,
        heads: bool = False,
        bookmark: bool = False,
    ) -> None:
        """Lines of text, of which neither one nor two stand alone where there are more."""
        lines = broken(text, style, WIDTH)
        for number, line in enumerate(lines):
            torn = TORN if 2 <= number <= len(lines) - 2 else None
            draw: Draw = partial(Sheet.line, line=line, style=style)
            piece = Piece(
                style.leading,
                self._bookmarked(text, draw) if bookmark and not number else draw,
                above=0.0 if number else above,
                before=torn if number else before,
            )
            self._flow.add(piece)
        self._flow.add(white(below), heads=heads)

    def _bookmarked(self, text: str, draw: Draw, *, in_part: bool = False) -> Draw:
        """Draw it, and remember where it stands."""

        def drawn(sheet: Sheet) -> None:
            self._bookmarks.append(Bookmark(text, sheet.page, sheet.y + _ROOM_ABOVE, in_part))
            draw(sheet)

        return drawn

    def finished(self, figures: Mapping[str, Any], *, identifier: str) -> bytes:
        """The file, with the figures attached; with an empty field for the seal if there will be one."""
        signing = None if self._cover.seal is None else self._signing(self._cover.seal)
        end = 0.0 if signing is None else HEADING_HEIGHT + HEADING_RULE + signing.height
        self._flow.draw(self._sheet, self._start_page(PageCanvas(), 1) - BOTTOM, end=end)
        if signing is not None:
            self._bookmarks.append(Bookmark(signing.heading, self._sheet.page, self._sheet.y))
        fields = [] if signing is None else self._fields(signing)
        made_on = self._cover.made_at.date()
        return write_pdfa(
            self._sheet.end(self._draw_foot),
            description=Description(self._title, identifier, self._words.language, made_on),
            data_file=DataFile(
                "figures.json",
                self._words.text("The figures of this report"),
                "application/json",
                rfc8785.dumps(document(figures, self._cover.invented)),
            ),
            fields=fields,
            bookmarks=self._bookmarks,
        )

    # the frame around it

    def _start_page(self, canvas: PageCanvas, page: int) -> float:
        y = self._note(canvas, _TOP)
        if page:
            canvas.text(LEFT, y - RUNNING.leading, self._title, RUNNING)
            if RUNNING.width(self._title) + RUNNING.width(self._flow.goes_on) + _APART <= WIDTH:
                canvas.text_right(RIGHT, y - RUNNING.leading, self._flow.goes_on, RUNNING)
            canvas.rule(LEFT, y - RUNNING.leading - 7, WIDTH, ACCENT, 0.8)
            return y - RUNNING.leading - 20
        style = (
            _SMALLER_TITLE if TITLE.width(self._title) > WIDTH >= _SMALLER_TITLE.width(self._title) else TITLE
        )
        for line in broken(self._title, style, WIDTH):
            y -= style.leading
            canvas.text(LEFT, y + 6, line, style)
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
