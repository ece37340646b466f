"""A chart on a page of a report: the drawing of throughput.charts.paper, its words in the report's faces."""

from functools import cache
from typing import Any, cast

from reportlab.lib.colors import Color
from reportlab.pdfgen.canvas import Canvas

from documents.canvas import PageCanvas, Style
from throughput.charts.model import Drawing
from throughput.charts.paper import Chart
from throughput.faces import BOLD


def place_chart(canvas: PageCanvas, drawing: Drawing, x: float, y: float, scale: float) -> None:
    """Draw it with its lower left corner at (x, y)."""
    chart = Chart(drawing, drawing.width * scale)
    canvas.saveState()
    canvas.translate(x, y)
    chart.canv = cast(Canvas, _Writing(canvas))
    chart.draw()
    canvas.restoreState()


class _Writing:
    """The page's canvas, as charts call it: words go to the page in its own faces."""

    def __init__(self, canvas: PageCanvas) -> None:
        self._canvas = canvas
        self._size, self._strong, self._colour = 12.0, False, (0.0, 0.0, 0.0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._canvas, name)

    def setFont(self, name: str, size: float) -> None:  # noqa: N802 (reportlab's names, as below)
        self._size, self._strong = size, name == BOLD

    def setFillColor(self, colour: Color) -> None:  # noqa: N802
        self._colour = (colour.red, colour.green, colour.blue)
        self._canvas.setFillColor(colour)

    def drawString(self, x: float, y: float, text: str) -> None:  # noqa: N802
        self._canvas.text(x, y, text, self._style)

    def drawCentredString(self, x: float, y: float, text: str) -> None:  # noqa: N802
        self._canvas.text(x - self._style.width(text) / 2, y, text, self._style)

    def drawRightString(self, x: float, y: float, text: str) -> None:  # noqa: N802
        self._canvas.text_right(x, y, text, self._style)

    @property
    def _style(self) -> Style:
        return _style_of(self._size, self._colour, self._strong)


@cache
def _style_of(size: float, colour: tuple[float, float, float], strong: bool) -> Style:
    return Style(size, size, colour, strong)
