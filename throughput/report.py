"""The comparison as a PDF that can be handed on: the same tables as on the screen, on paper."""

import io
from collections.abc import Iterator
from datetime import datetime
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, KeepTogether, PageTemplate, Paragraph, Spacer
from reportlab.platypus import Table as Drawn
from reportlab.platypus.tables import TableStyle

from throughput.compare import WORDS, Comparison, Table, tables
from throughput.faces import BOLD, REGULAR, load_fonts, printable

TITLE = "Ways of signing compared"
_MARGIN = 40.0
WIDTH = A4[0] - 2 * _MARGIN
_SIZES = (
    7.8,
    7.2,
    6.6,
    6.0,
    5.4,
    4.8,
)  # of the tables in points: the first at which all columns are on the page
_RULE = colors.HexColor("#8a94a6")
_GREY = colors.HexColor("#52596b")


def report_pdf(told: Comparison, *, period: str, made_at: datetime) -> bytes:
    """Lay the comparison out on A4. `period` says which requests it is about."""
    load_fonts()
    out = io.BytesIO()
    frame = Frame(
        _MARGIN,
        _MARGIN,
        WIDTH,
        A4[1] - 2 * _MARGIN,
        leftPadding=0,
        rightPadding=0,
        topPadding=0,
        bottomPadding=0,
    )

    def foot(canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFont(REGULAR, 8)
        canvas.setFillColor(_GREY)
        canvas.drawString(_MARGIN, 28, f"Made {made_at:%Y-%m-%d %H:%M} UTC by paraaf throughput")
        canvas.drawRightString(A4[0] - _MARGIN, 28, f"page {canvas.getPageNumber()}")

    document = BaseDocTemplate(
        out,
        pagesize=A4,
        title=TITLE,
        author="Paraaf",
        invariant=1,
        pageTemplates=[PageTemplate(frames=[frame], onPage=foot)],
    )
    document.build(list(_story(told, period)))
    return out.getvalue()


def _story(told: Comparison, period: str) -> Iterator[Flowable]:
    yield Paragraph(TITLE, _style(BOLD, 18, after=4))
    yield Paragraph(_drawable(period), _style(REGULAR, 10, after=14, grey=True))
    if not told.rows:
        yield Paragraph("No requests in this period.", _style(REGULAR, 10))
    for table in tables(told):
        notes = [Paragraph(_drawable(note), _style(REGULAR, 9, grey=True)) for note in table.notes]
        heading = Paragraph(_drawable(table.title), _style(BOLD, 11, after=4))
        yield KeepTogether([heading, fitting(table), Spacer(0, 4), *notes, Spacer(0, 14)])


def fitting(table: Table) -> Drawn:
    """The table no wider than the page: else the widest loses its last columns."""
    for size in _SIZES:
        drawn = _drawn(table, size)
        if drawn.wrap(WIDTH, A4[1])[0] <= WIDTH:
            break
    return drawn


def _drawn(table: Table, size: float) -> Drawn:
    """Words to the left, figures to the right, heads in bold; wide enough for its longest cells only."""
    between = size * 0.6
    figures = [
        ("ALIGN", (column, 0), (column, -1), "RIGHT")
        for column, head in enumerate(table.rows[0])
        if head not in WORDS
    ]
    style = TableStyle(
        [
            ("FONT", (0, 0), (-1, 0), BOLD, size),
            ("FONT", (0, 1), (-1, -1), REGULAR, size),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, _RULE),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, _RULE),
            ("LEFTPADDING", (0, 0), (-1, -1), between),
            ("RIGHTPADDING", (0, 0), (-1, -1), between),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
            *figures,
        ]
    )
    return Drawn(
        [[printable(cell) for cell in row] for row in table.rows], style=style, hAlign="LEFT", repeatRows=1
    )


def _drawable(text: str) -> str:
    """Text for a paragraph, whose markup it must not be taken for."""
    return escape(printable(text))


def _style(font: str, size: float, *, after: float = 0, grey: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        f"{font}-{size}-{after}-{grey}",
        fontName=font,
        fontSize=size,
        leading=size * 1.35,
        spaceAfter=after,
        textColor=_GREY if grey else colors.black,
    )
