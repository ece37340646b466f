"""Estimates with their intervals, one below the other: differences of variants, simulated beside measured.

Where an interval leaves the zero line out, its dot is filled: there is a difference, as sure as the interval.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from throughput.charts.model import Dot, Drawing, Line, Shape, Whisker
from throughput.charts.scales import Axis, Scale, timing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of, wrapped
from throughput.origins import Origin

SHAPES: dict[Origin, Shape] = {"measured": "circle", "simulated": "square", "claimed": "diamond"}
_ROW = 30.0


@dataclass(frozen=True)
class Estimate:
    """A value in seconds and its interval; None where it, or an end, lies beyond what was seen.

    `said` is the value in words; `sure` fills the dot.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    said: str
    origin: Origin = "measured"
    sure: bool = True


@dataclass(frozen=True, kw_only=True)
class Forest(About):
    """Estimates in seconds. `zero`: they are differences, `less` and `more` say what either side means.

    `origins` names the origins in use, for the key.
    """

    rows: Sequence[Estimate]
    zero: bool = True
    less: str = ""
    more: str = ""
    origins: Sequence[tuple[Origin, str]] = ()


def forest(told: Forest, width: float = WIDE) -> Drawing:
    """Draw it: a name, an interval along the axis, and the value in words for each row."""
    sheet = Sheet(told, width)
    if not told.rows:
        return sheet.empty()
    names = 0.0 if sheet.narrow else min(200.0, max(width_of(row.name) for row in told.rows) + 2 * GAP)
    words = 0.0 if sheet.narrow else min(240.0, max(width_of(row.said) for row in told.rows) + 2 * GAP)
    axis = _axis(told, 3 if sheet.narrow else 5)
    along = Scale(axis.low, axis.high, names + 2 * GAP, width - words - 2 * GAP)
    sheet.y = _key(sheet, told)
    if told.zero:
        sheet.y = _sides(sheet, told, along)
    top = sheet.y
    drawn = [(row, _words(sheet, row, names, words)) for row in told.rows]
    rows = [(y - 10, y + 10) for _, y in drawn] if sheet.narrow else [(top, sheet.y)]
    sheet.upright_lines(axis, along, rows)
    if told.zero:
        zero = along.at(0)
        sheet.add(*(Line(((zero, above), (zero, below)), "ink", 1.4) for above, below in rows))
    for row, y in drawn:
        _interval(sheet, row, along, y)
    sheet.foot(axis, along, sheet.y)
    return sheet.done()


def _axis(told: Forest, about: int) -> Axis:
    ends = [end for row in told.rows for end in (row.low, row.value, row.high) if end is not None]
    ends += [0.0]
    return timing(min(ends), max(ends), told.wording, about=about)


def _key(sheet: Sheet, told: Forest) -> float:
    x = 5.0
    for origin, name in told.origins:
        sheet.add(Dot(x, LINE - 5, 4.5, "accent", SHAPES[origin]))
        sheet.text(x + 10, LINE - 1, name)
        x += width_of(name) + 4 * GAP
    return LINE + 2 * GAP if told.origins else 0.0


def _sides(sheet: Sheet, told: Forest, along: Scale) -> float:
    """What either side of nothing means, with an arrow that way: at the line, or at the sheet's edges."""
    zero, y, arrow = along.at(0), sheet.y + LINE, 3 * GAP
    less, more = width_of(told.less) + arrow, width_of(told.more) + arrow
    if less + GAP <= zero and zero + GAP + more <= sheet.width:
        left, right = zero - GAP - less, zero + GAP + more
    else:
        left, right = 0.0, sheet.width
    _arrow(sheet, left, y - 4, 1)
    sheet.text(left + arrow, y, told.less, role="quiet")
    if left + less > right - more - GAP:
        y += LINE
    _arrow(sheet, right, y - 4, -1)
    sheet.text(right - arrow, y, told.more, role="quiet", anchor="end")
    return y + GAP


def _arrow(sheet: Sheet, tip: float, y: float, way: int) -> None:
    sheet.add(Line(((tip + 12 * way, y), (tip, y)), "quiet"))
    sheet.add(Line(((tip + 4 * way, y - 3), (tip, y), (tip + 4 * way, y + 3)), "quiet"))


def _words(sheet: Sheet, row: Estimate, names: float, words: float) -> float:
    """The row's words; gives the y of its interval."""
    if sheet.narrow:
        y = sheet.y + LINE
        if width_of(row.name, bold=True) + width_of(row.said) + 2 * GAP <= sheet.width:
            sheet.text(0, y, row.name, bold=True)
            sheet.text(sheet.width, y, row.said, anchor="end")
            y += LINE
        elif (room := sheet.width - width_of(row.said) - 2 * GAP) >= sheet.width / 2:
            sheet.text(sheet.width, y, row.said, anchor="end")
            y = sheet.paragraph(0, y, row.name, room, bold=True)
        else:
            y = sheet.paragraph(0, y, row.name, sheet.width, bold=True)
            y = sheet.paragraph(0, y, row.said, sheet.width)
        sheet.y = y + 2 * GAP
        return y - 2
    name_lines = wrapped(row.name, names - GAP)
    said_lines = wrapped(row.said, words - GAP)
    height = max(_ROW, LINE * max(len(name_lines), len(said_lines)) + GAP)
    middle = sheet.y + height / 2
    for lines, x in ((name_lines, 0.0), (said_lines, sheet.width - words + GAP)):
        for number, line in enumerate(lines):
            sheet.text(x, middle + 4 + (number - (len(lines) - 1) / 2) * LINE, line)
    sheet.y += height
    return middle


def _interval(sheet: Sheet, row: Estimate, along: Scale, y: float) -> None:
    if row.value is None and row.low is None and row.high is None:
        return
    low = along.start if row.low is None else along.at(row.low)
    high = along.end if row.high is None else along.at(row.high)
    if row.low != row.high or row.low is None:
        sheet.add(
            Whisker(low, high, y, "accent", row.low is None, row.high is None, f"{row.name}: {row.said}")
        )
    if row.value is not None:
        dot = Dot(
            along.at(row.value), y, 5, "accent", SHAPES[row.origin], not row.sure, f"{row.name}: {row.said}"
        )
        sheet.add(dot)
