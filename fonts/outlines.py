"""The outlines of a text's letters as a shape to be filled: drawn, it is no text that could be extracted."""

from functools import cache
from io import BytesIO

from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont

from fonts.face import Face


@cache
def outlines(face: Face, text: str) -> str:
    """The path of one line that begins at the origin, in 1/1000 of the font size, as operators of a page.

    Raises UnprintableText.
    """
    face.width(text, 1)
    with TTFont(BytesIO(face.data), lazy=True) as font:
        glyphs, names = font.getGlyphSet(), font.getBestCmap()
        pen = _Path(glyphs, 1000 / font["head"].unitsPerEm)
        for character in text:
            glyph = glyphs[names[ord(character)]]
            glyph.draw(pen)
            pen.along += glyph.width
    return " ".join(pen.code)


class _Path(BasePen):  # type: ignore[misc]  # fontTools has no types
    """Writes what it is led along; quadratic curves come as cubic ones."""

    def __init__(self, glyphs: object, scale: float) -> None:
        super().__init__(glyphs)
        self.code: list[str] = []
        self.along = 0.0
        self._scale = scale

    def _moveTo(self, point: tuple[float, float]) -> None:  # noqa: N802 (fontTools' names)
        self._add(point, "m")

    def _lineTo(self, point: tuple[float, float]) -> None:  # noqa: N802
        self._add(point, "l")

    def _curveToOne(self, *points: tuple[float, float]) -> None:  # noqa: N802
        for point in points[:-1]:
            self._add(point, "")
        self._add(points[-1], "c")

    def _closePath(self) -> None:  # noqa: N802
        self.code.append("h")

    def _add(self, point: tuple[float, float], operator: str) -> None:
        x, y = (point[0] + self.along) * self._scale, point[1] * self._scale
        self.code += [f"{x:.0f}", f"{y:.0f}", *([operator] if operator else [])]
