"""The same drawing on paper: drawn with reportlab, in the light colours of the pages."""

from typing import Final

from reportlab.lib.colors import Color, HexColor
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

from throughput.charts.model import (
    SHADES,
    SIZES,
    Area,
    Bar,
    Dash,
    Dot,
    Drawing,
    Line,
    Mark,
    Point,
    Role,
    Text,
    Whisker,
)
from throughput.faces import BOLD, REGULAR, load_fonts, printable

COLOURS: Final[dict[Role, str]] = {
    "ink": "#1a2130",
    "quiet": "#515b6e",
    "grid": "#c5ccd8",
    "accent": "#1d4e89",
    "warning": "#9b1c1c",
    "paper": "#ffffff",
    "series-1": "#0a4480",
    "series-2": "#c4380a",
    "series-3": "#148656",
    "series-4": "#a445a5",
    "series-5": "#6a741e",
    "series-6": "#3956cf",
    "series-7": "#57250a",
    "series-8": "#647880",
}
"""As in web/static/charts.css and paraaf.css for a light page."""
SHADE_OPACITY: Final = {1: 0.12, 2: 0.28, 3: 0.48, 4: 0.72, SHADES: 1.0}
_DASHES: Final[dict[Dash, list[float]]] = {"solid": [], "dashed": [5, 3], "dotted": [1.5, 2.5]}


class Chart(Flowable):
    """A drawing in a reportlab story, as wide as told; `alt` says it to those who don't see it."""

    def __init__(self, drawing: Drawing, width: float) -> None:
        super().__init__()
        load_fonts()
        self.drawing = drawing
        self.scale = width / drawing.width
        self.width, self.height = width, drawing.height * self.scale

    @property
    def alt(self) -> str:
        """The title and the description."""
        return f"{self.drawing.title}. {self.drawing.desc}"

    def draw(self) -> None:
        """Draw it with its lower left corner at the canvas's origin."""
        canvas = self.canv
        canvas.saveState()
        canvas.scale(self.scale, self.scale)
        canvas.setLineCap(1)
        canvas.setLineJoin(1)
        pen = _Pen(canvas, self.drawing.height)
        for mark in self.drawing.marks:
            pen.draw(mark)
        canvas.restoreState()


class _Pen:
    """Draws marks, whose y grows downwards, on a canvas, whose y grows upwards."""

    def __init__(self, canvas: Canvas, height: float) -> None:
        self._canvas, self._height = canvas, height

    def draw(self, mark: Mark) -> None:
        match mark:
            case Text():
                self._text(mark)
            case Line():
                self._stroke(mark.role, mark.width, mark.dash)
                self._polyline(mark.points)
            case Area():
                self._stroke("paper", 0.75, "solid")
                self._fill(mark.role, mark.shade)
                self._polygon(mark.points)
            case Bar():
                self._bar(mark)
            case Dot():
                self._dot(mark)
            case Whisker():
                self._stroke(mark.role, 2, "solid")
                for stroke in mark.strokes:
                    self._polyline(stroke)

    def _text(self, mark: Text) -> None:
        canvas = self._canvas
        canvas.setFont(BOLD if mark.bold else REGULAR, SIZES[mark.size])
        canvas.setFillColor(HexColor(COLOURS[mark.role]))
        write = {
            "start": canvas.drawString,
            "middle": canvas.drawCentredString,
            "end": canvas.drawRightString,
        }[mark.anchor]
        write(mark.x, self._height - mark.y, printable(mark.text))

    def _bar(self, bar: Bar) -> None:
        y = self._height - bar.y - bar.height
        if bar.hollow:
            self._stroke(bar.role, 1, "solid")
        else:
            self._fill(bar.role, bar.shade)
        self._canvas.rect(bar.x, y, bar.width, bar.height, stroke=bar.hollow, fill=not bar.hollow)

    def _dot(self, dot: Dot) -> None:
        self._stroke(dot.role if dot.hollow else "paper", 1.5 if dot.hollow else 1, "solid")
        self._fill("paper" if dot.hollow else dot.role, SHADES)
        if dot.corners:
            self._polygon(dot.corners)
        else:
            self._canvas.circle(dot.x, self._height - dot.y, dot.r, stroke=1, fill=1)

    def _stroke(self, role: Role, width: float, dash: Dash) -> None:
        self._canvas.setStrokeColor(HexColor(COLOURS[role]))
        self._canvas.setLineWidth(width)
        self._canvas.setDash(_DASHES[dash])

    def _fill(self, role: Role, shade: int) -> None:
        self._canvas.setFillColor(_mixed(HexColor(COLOURS[role]), SHADE_OPACITY[shade]))

    def _polyline(self, points: tuple[Point, ...]) -> None:
        self._canvas.drawPath(self._path(points, closed=False), stroke=1, fill=0)

    def _polygon(self, points: tuple[Point, ...]) -> None:
        self._canvas.drawPath(self._path(points, closed=True), stroke=1, fill=1)

    def _path(self, points: tuple[Point, ...], *, closed: bool) -> object:
        path = self._canvas.beginPath()
        for number, (x, y) in enumerate(points):
            (path.lineTo if number else path.moveTo)(x, self._height - y)
        if closed:
            path.close()
        return path


def _mixed(colour: Color, share: float) -> Color:
    """The colour as it looks through so much of it on white: paper is not transparent in an archive."""
    return Color(*(1 - share * (1 - part) for part in (colour.red, colour.green, colour.blue)))
