"""A sheet to draw a chart on: what all charts have, such as axes, keys and labels that keep apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from fonts import bold as bold_face
from fonts import regular
from throughput.charts.model import (
    SHADES,
    SIZES,
    Anchor,
    Bar,
    Drawing,
    Entry,
    Line,
    Mark,
    Point,
    Role,
    Size,
    Text,
    hatched,
    pale,
)
from throughput.charts.scales import Axis, Scale, Tick
from throughput.charts.wording import Wording

WIDE, NARROW = 720.0, 358.0
"""Natural widths: of a page on a desk, and of one on a phone. Charts take any width."""
LINE = 15.0
GAP = 6.0
_NARROW_BELOW = 560.0
_DARK = 4  # from this shade on words are light
_UNKNOWN = "W"  # as wide as what the face lacks may be


@dataclass(frozen=True, kw_only=True)
class About:
    """What every chart is told: its title, what it shows in words, and what to say where nothing is."""

    title: str
    desc: str
    nothing: str
    wording: Wording


@dataclass
class Sheet:
    """Marks so far, on a sheet of a width that grows downwards."""

    about: About
    width: float
    y: float = 0.0
    marks: list[Mark] = field(default_factory=list)

    @property
    def narrow(self) -> bool:
        """Whether names stand above what they name, for want of room beside it."""
        return self.width < _NARROW_BELOW

    def add(self, *marks: Mark) -> None:
        """Put marks on top."""
        self.marks += marks

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        role: Role = "ink",
        anchor: Anchor = "start",
        size: Size = "small",
        bold: bool = False,
    ) -> None:
        """Write on one line; nothing for an empty text."""
        if text:
            self.add(Text(x, y, text, role, anchor, size, bold))

    def paragraph(
        self,
        x: float,
        y: float,
        text: str,
        room: float,
        *,
        role: Role = "ink",
        bold: bool = False,
        most: int = 3,
    ) -> float:
        """Write on as many lines as it takes; gives the baseline of the line below."""
        for line in wrapped(text, room, bold=bold, most=most):
            self.text(x, y, line, role=role, bold=bold)
            y += LINE
        return y

    def done(self) -> Drawing:
        """The drawing, as high as has been drawn."""
        return Drawing(self.width, self.y, self.about.title, self.about.desc, tuple(self.marks))

    def empty(self) -> Drawing:
        """A drawing that says that there is nothing."""
        y = self.paragraph(0, LINE, self.about.nothing, self.width, role="quiet", most=6)
        self.y = y - LINE + GAP
        return self.done()

    def level_lines(self, axis: Axis, scale: Scale, left: float, right: float) -> None:
        """An upright axis: a level line and a label to the left of it for each tick."""
        for tick in axis.ticks:
            y = scale.at(tick.value)
            self.add(Line(((left, y), (right, y)), "grid"))
            self.text(left - GAP, y + 4, tick.label, role="quiet", anchor="end")

    def upright_lines(self, axis: Axis, scale: Scale, rows: Iterable[tuple[float, float]]) -> None:
        """For each tick of a level axis an upright line, from top to bottom of each row."""
        for top, bottom in rows:
            self.add(*(Line(((x := scale.at(tick.value), top), (x, bottom)), "grid") for tick in axis.ticks))

    def foot(self, axis: Axis, scale: Scale, bottom: float) -> None:
        """The labels of a level axis, and its unit below them at the end; the sheet ends there."""
        self.tick_labels(axis.ticks, scale, bottom + LINE)
        self.text(scale.end, bottom + 2 * LINE, axis.unit, role="quiet", anchor="end")
        self.y = bottom + (2 * LINE if axis.unit else LINE) + GAP

    def tick_labels(self, ticks: Sequence[Tick], scale: Scale, y: float) -> None:
        """Labels below a level axis: within the sheet, and those left out that would touch the one before."""
        free = -2 * GAP
        for tick in ticks:
            half = width_of(tick.label) / 2
            middle = min(max(scale.at(tick.value), half), self.width - half)
            if middle - half >= free + 1.5 * GAP:
                self.text(middle, y, tick.label, role="quiet", anchor="middle")
                free = middle + half

    def key(self, entries: Iterable[Entry], y: float) -> float:
        """Swatches, full, pale or hatched, with names; as many lines as needed. Gives the y below."""
        x = 0.0
        for role, fill, name in entries:
            room = 16 + width_of(name)
            if x and x + room > self.width:
                x, y = 0.0, y + LINE + 3
            swatch = Bar(x, y, 11, 11, role)
            match fill:
                case "full":
                    self.add(swatch)
                case "pale":
                    self.add(*pale(swatch))
                case "hatched":
                    self.add(*hatched(swatch, role=role))
            self.text(x + 16, y + 10, name)
            x += room + 3 * GAP
        return y + LINE + GAP

    def cell(self, box: Bar, share: float, text: str) -> None:
        """A box whose shade says how much, with the number in it; nothing at all is left blank."""
        shade = min(SHADES, max(1, ceil(share * SHADES))) if share > 0 else 0
        if shade:
            self.add(replace(box, shade=shade))
        role: Role = "paper" if shade >= _DARK else "ink" if shade else "quiet"
        self.text(box.x + box.width / 2, box.y + box.height / 2 + 4, text, role=role, anchor="middle")

    def marked_lines(self, marked: Sequence[tuple[float, str]], top: float, bottom: float) -> float:
        """Upright lines down to `bottom` with labels below `top`, in rows where they would touch.

        Gives the y below the labels, where what the lines cross may begin.
        """
        placed = _in_rows(marked, self.width)
        begins = top + LINE * (1 + max((row for *_, row in placed), default=-1)) + GAP
        heights = [top + LINE * (row + 1) - 3 for *_, row in placed]
        for (x, *_), y in zip(placed, heights, strict=True):
            self.cased(((x, y + 3), (x, bottom)))
        for (_, middle, label, _), y in zip(placed, heights, strict=True):
            self.backed(middle, y, label, anchor="middle")
        return begins

    def cased(self, points: tuple[Point, ...]) -> None:
        """A dashed line that can be seen on dark and on light."""
        self.add(Line(points, "paper", 3), Line(points, "ink", 1.4, "dashed"))

    def backed(
        self,
        x: float,
        y: float,
        text: str,
        *,
        role: Role = "ink",
        anchor: Anchor = "start",
        bold: bool = False,
    ) -> None:
        """Write where lines pass, which end before the words and go on behind them."""
        room = width_of(text, bold=bold) + 4
        left = x - {"start": 2.0, "middle": room / 2, "end": room - 2}[anchor]
        begins = max(0.0, left)
        self.add(Bar(begins, y - 11, min(self.width, left + room) - begins, 14, "paper"))
        self.text(x, y, text, role=role, anchor=anchor, bold=bold)


def _in_rows(marked: Sequence[tuple[float, str]], width: float) -> list[tuple[float, float, str, int]]:
    """Each label with its middle and the first row where it touches none to the left of it."""
    rows: list[float] = []
    found = []
    for x, label in sorted(marked):
        half = width_of(label) / 2
        middle = min(max(x, half), width - half)
        row = next((number for number, free in enumerate(rows) if middle - half >= free + GAP), len(rows))
        rows[row : row + 1] = [middle + half]
        found.append((x, middle, label, row))
    return found


def width_of(text: str, size: Size = "small", *, bold: bool = False) -> float:
    """The width of a text on paper; on a page, whose typeface is the reader's, it is about so wide."""
    face = bold_face() if bold else regular()
    known = text
    for character in face.missing(text):
        known = known.replace(character, _UNKNOWN)
    return face.width(known, SIZES[size])


def wrapped(text: str, room: float, *, bold: bool = False, most: int = 3) -> list[str]:
    """The text on lines that fit, broken at blanks and within a word only where it is longer than a line.

    What does not fit on so many lines ends in an ellipsis.
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if width_of(joined, bold=bold) <= room:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, room, bold=bold)
        lines += full
    lines.append(line)
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], shortened(" ".join(lines[most - 1 :]), room, bold=bold)]


def labelled(name: str, value: str, room: float, *, bold: bool = False) -> list[str]:
    """A name with its value, on lines that fit: the value is never cut off."""
    *before, last = wrapped(name, room, bold=bold)
    joined = f"{last}\u00a0· {value}"
    return [*before, joined] if width_of(joined, bold=bold) <= room else [*before, last, value]


def shortened(text: str, room: float, *, bold: bool = False) -> str:
    """The text, cut where it is too long for the room, with an ellipsis then."""
    if width_of(text, bold=bold) <= room:
        return text
    while text and width_of(f"{text}…", bold=bold) > room:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _pieces(word: str, room: float, *, bold: bool) -> list[str]:
    pieces = []
    while width_of(word, bold=bold) > room and len(word) > 1:
        size = next(
            (n for n in range(len(word) - 1, 1, -1) if width_of(f"{word[:n]}-", bold=bold) <= room), 1
        )
        pieces.append(f"{word[:size]}-")
        word = word[size:]
    return [*pieces, word]


def kept_apart(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Places as near as may be to the wanted ones, rising, each its size away from the next, within bounds.

    Where all do not fit, they go beyond `high`.
    """
    found: list[float] = []
    free = low
    for place, size in zip(wanted, sizes, strict=True):
        found.append(max(place, free))
        free = found[-1] + size
    limit = high
    for number in reversed(range(len(found))):
        limit -= sizes[number]
        found[number] = max(min(found[number], limit), low + sum(sizes[:number]))
        limit = found[number]
    return found
