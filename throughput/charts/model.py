"""What a chart is made of: marks in a box, in colours that are named by what they are for.

A mark says where it is, which role its colour plays and, where a pointer may ask, what it stands for. How it
looks on a page or on paper is the writers' (throughput.charts.svg, throughput.charts.paper). Units are those
of a page at its natural size; y grows downwards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

Point = tuple[float, float]
Role = Literal[
    "ink",
    "quiet",
    "grid",
    "accent",
    "warning",
    "paper",
    "series-1",
    "series-2",
    "series-3",
    "series-4",
    "series-5",
    "series-6",
    "series-7",
    "series-8",
]
Dash = Literal["solid", "dashed", "dotted"]
Shape = Literal["circle", "square", "diamond", "triangle"]
Anchor = Literal["start", "middle", "end"]
Size = Literal["small", "normal", "large"]

Fill = Literal["full", "pale", "hatched"]
Entry = tuple[Role, Fill, str]
"""Of a key: a colour, how it fills, and what it stands for."""
SERIES: tuple[Role, ...] = (
    "series-1",
    "series-2",
    "series-3",
    "series-4",
    "series-5",
    "series-6",
    "series-7",
    "series-8",
)
SIZES: dict[Size, float] = {"small": 12.0, "normal": 13.0, "large": 16.0}
_SIDE = 0.886  # as much ink as a circle has
_CORNERS: dict[Shape, tuple[Point, ...]] = {
    "circle": (),
    "square": ((-_SIDE, -_SIDE), (_SIDE, -_SIDE), (_SIDE, _SIDE), (-_SIDE, _SIDE)),
    "diamond": ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    "triangle": ((0, -1.25), (1.2, 1), (-1.2, 1)),
}
SHADES = 5
"""Steps of one colour from pale to full, where shade says how much."""


@dataclass(frozen=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    role: Role = "ink"
    width: float = 1.0
    dash: Dash = "solid"
    said: str = ""


@dataclass(frozen=True)
class Area:
    """A filled shape; `shade` from 1 (pale) to `SHADES` (full)."""

    points: tuple[Point, ...]
    role: Role
    shade: int = SHADES
    said: str = ""


@dataclass(frozen=True)
class Bar:
    """A filled rectangle; a hollow one has its edge only."""

    x: float
    y: float
    width: float
    height: float
    role: Role
    shade: int = SHADES
    hollow: bool = False
    said: str = ""


@dataclass(frozen=True)
class Dot:
    """One shape around a point; `r` is half its width."""

    x: float
    y: float
    r: float
    role: Role
    shape: Shape = "circle"
    hollow: bool = False
    said: str = ""

    @property
    def corners(self) -> tuple[Point, ...]:
        """Those of a shape that has some."""
        return tuple(
            (self.x + right * self.r, self.y + down * self.r) for right, down in _CORNERS[self.shape]
        )


@dataclass(frozen=True)
class Whisker:
    """An interval along a row: an end that is `open` lies beyond what was seen, and is an arrow."""

    low: float
    high: float
    y: float
    role: Role = "ink"
    open_low: bool = False
    open_high: bool = False
    said: str = ""

    @property
    def strokes(self) -> tuple[tuple[Point, ...], ...]:
        """The lines it is drawn with: the interval, and a tick or an arrow's head at either end."""
        return (
            ((self.low, self.y), (self.high, self.y)),
            self._end(self.low, self.open_low, -1),
            self._end(self.high, self.open_high, 1),
        )

    def _end(self, x: float, is_open: bool, way: int) -> tuple[Point, ...]:
        if is_open:
            return ((x - 6 * way, self.y - 4), (x, self.y), (x - 6 * way, self.y + 4))
        return ((x, self.y - 4), (x, self.y + 4))


@dataclass(frozen=True)
class Text:
    """Words on one line, from, around or up to a point on their baseline."""

    x: float
    y: float
    text: str
    role: Role = "ink"
    anchor: Anchor = "start"
    size: Size = "small"
    bold: bool = False


Mark = Line | Area | Bar | Dot | Whisker | Text


@dataclass(frozen=True)
class Drawing:
    """A chart, ready to be written. `title` and `desc` say it to those who don't see it."""

    width: float
    height: float
    title: str
    desc: str
    marks: tuple[Mark, ...]

    def of(self, *kinds: type[Mark]) -> list[Mark]:
        """The marks of some kinds, in the order in which they are drawn."""
        return [mark for mark in self.marks if isinstance(mark, kinds)]

    @property
    def texts(self) -> list[str]:
        """All words in it."""
        return [mark.text for mark in self.marks if isinstance(mark, Text)]


def hatched(bar: Bar, *, role: Role = "ink", step: float = 6.0) -> Iterator[Mark]:
    """The bar's outline with slanting lines in it: what is not to be taken for a filled one."""
    yield replace(bar, role=role, hollow=True)
    x, y, width, height = bar.x, bar.y, bar.width, bar.height
    reach = step
    while reach < width + height:
        from_left = (x + max(0.0, reach - height), y + min(height, reach))
        to_right = (x + min(width, reach), y + max(0.0, reach - width))
        yield Line((from_left, to_right), role, 0.8)
        reach += step


def pale(bar: Bar) -> Iterator[Mark]:
    """The bar's outline, pale within: told apart from a full one where there are no colours, too."""
    yield replace(bar, shade=2)
    yield replace(bar, hollow=True, said="")


def stairs(points: Iterable[Point]) -> tuple[Point, ...]:
    """The points joined by level and upright lines: a value holds until the next."""
    given = list(points)
    found = given[:1]
    for (_, before), (x, y) in pairwise(given):
        found += [(x, before), (x, y)]
    return tuple(found)
