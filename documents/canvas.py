"""reportlab's canvas with text in our own faces: a page becomes the operators of its content stream.

reportlab's document half is left aside: it would write a date, a producer and an unembedded Helvetica into
every file. Nothing is registered with reportlab, and none of its settings are changed.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from reportlab.pdfgen.canvas import Canvas

from fonts import Face, bold, regular

A4 = (595.28, 841.89)  # points

Colour = tuple[float, float, float]


@dataclass(frozen=True, eq=False)  # compared by identity: styles are keys of caches
class Style:
    """How a text looks: `size` and `leading` (baseline to baseline) in points, `colour` in parts of 1."""

    size: float
    leading: float
    colour: Colour
    strong: bool = False

    @property
    def face(self) -> Face:
        """The face this style prints in."""
        return bold() if self.strong else regular()

    @cached_property
    def operators(self) -> str:
        """What opens a text object in this style."""
        red, green, blue = self.colour
        return f"BT /{self.face.resource_name} {self.size:g} Tf {red:g} {green:g} {blue:g} rg"

    def width(self, text: str) -> float:
        """The width of one line in points; raises UnprintableText."""
        return self.face.width(text, self.size)


class PageCanvas(Canvas):
    """Draws pages; `streams` gives their content streams.

    The origin is the lower left corner, the unit a point. Only drawing methods may be used, never `save`.
    """

    _code: list[str]

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), pagesize=A4, pageCompression=0, invariant=1)
        self._finished: list[list[str]] = []

    def text(self, x: float, y: float, text: str, style: Style) -> None:
        """One line of text, its baseline starting at (x, y); raises UnprintableText."""
        self._code.append(f"{style.operators} {x:.2f} {y:.2f} Td <{style.face.hex(text)}> Tj ET")

    def text_right(self, x: float, y: float, text: str, style: Style) -> None:
        """One line of text that ends at x."""
        self.text(x - style.width(text), y, text, style)

    def operators(self, code: str) -> None:
        """Operators as they are, for drawings that would be slow call by call."""
        self._code.append(code)

    def panel(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A filled rectangle without a border; (x, y) is its lower left corner."""
        self.setFillColorRGB(*colour)
        self.rect(x, y, width, height, stroke=0, fill=1)

    def frame(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """A rectangle of a thin line."""
        self.setStrokeColorRGB(*colour)
        self.setLineWidth(0.6)
        self.rect(x, y, width, height)

    def rule(self, x: float, y: float, width: float, colour: Colour, thickness: float = 0.5) -> None:
        """A horizontal line."""
        self.setStrokeColorRGB(*colour)
        self.setLineWidth(thickness)
        self.line(x, y, x + width, y)

    def showPage(self) -> None:  # noqa: N802 (reportlab's name)
        """End the page; the next mark goes on a new one."""
        self._finished.append(self._code)
        self._code = []
        self.init_graphics_state()

    @property
    def page_count(self) -> int:
        """How many pages have been ended."""
        return len(self._finished)

    def on_every_page(self, draw: Callable[[int], None]) -> None:
        """Add to all ended pages what was not known earlier; `draw` gets the number of a page, from 0."""
        for index, code in enumerate(self._finished):
            self._code = code
            draw(index)
        self._code = []

    def streams(self) -> list[bytes]:
        """The content streams of the ended pages, not deflated."""
        return ["\n".join(code).encode("ascii") for code in self._finished]
