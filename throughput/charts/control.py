"""A control chart: each value in its order, with its natural limits and what does not fit them.

Values of a million requests are better taken by the week: too many to be seen apart, they are drawn by least,
median and most of as many as share a place, which the chart says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from throughput.charts.model import Dash, Dot, Drawing, Line, Role, Shape, Text
from throughput.charts.scales import Scale, Tick, timing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, kept_apart, width_of, wrapped
from throughput.charts.xmr import BEYOND_LIMIT, NEAR_LIMIT, ONE_SIDE, Limits, limits_of, signals_of
from throughput.survival import Numbers

_HEIGHT = 230.0
_RANGES = 90.0
_LABELS = 96.0
_EACH = 2.5  # a value's room, below which several share a place
_PLACE = 3.0
_LOOKS: dict[int, tuple[Role, Shape]] = {
    0: ("series-1", "circle"),
    BEYOND_LIMIT: ("warning", "diamond"),
    NEAR_LIMIT: ("series-2", "triangle"),
    ONE_SIDE: ("series-4", "square"),
}


@dataclass(frozen=True, kw_only=True)
class Control(About):
    """Seconds in the order in which they came about, and the day of each.

    `signals` names the three of throughput.charts.xmr; `together` says how many values share a mark.
    """

    days: Sequence[date]
    seconds: Sequence[float]
    value: str
    ranges: str
    mean: str
    upper: str
    lower: str
    signals: tuple[str, str, str]
    together: Callable[[int], str]


def control(told: Control, width: float = WIDE) -> Drawing:
    """Draw it: the values above, by how much each differs from the one before below."""
    sheet = Sheet(told, width)
    if not len(told.seconds):
        return sheet.empty()
    values = np.asarray(told.seconds, dtype=np.float64)
    limits = limits_of(values)
    found = signals_of(values, limits) if limits else np.zeros(len(values), dtype=np.int8)
    axis = timing(0, max(float(values.max()), limits.upper if limits else 0.0), told.wording)
    ranges = np.abs(np.diff(values))
    highest = max(float(ranges.max(initial=0.0)), limits.upper_range if limits else 0.0)
    range_axis = timing(0, highest, told.wording, about=3)
    left = max(width_of(tick.label) for tick in (*axis.ticks, *range_axis.ticks)) + GAP
    along = Scale(0, max(1, len(values) - 1), left + GAP, width - (_LABELS if limits else GAP))
    sheet.y = _key(sheet, told, found, along)
    top = sheet.y + LINE + GAP
    sheet.text(0, top - 2 * GAP + 2, f"{told.value}, {axis.unit}", role="quiet")
    ups = Scale(axis.low, axis.high, top + _HEIGHT, top)
    sheet.level_lines(axis, ups, left, along.end + GAP)
    if limits:
        _limits(sheet, told, limits, along, ups)
    _values(sheet, told, values, found, along=along, ups=ups)
    bottom = ups.start
    if limits:
        top = bottom + 2 * LINE
        sheet.text(0, top - 2 * GAP + 2, f"{told.ranges}, {range_axis.unit}", role="quiet")
        downs = Scale(range_axis.low, range_axis.high, top + _RANGES, top)
        sheet.level_lines(range_axis, downs, left, along.end + GAP)
        _ranges(sheet, told, ranges, limits, along=along, downs=downs)
        bottom = downs.start
    sheet.tick_labels(_dates(told, sheet), along, bottom + LINE + 3)
    sheet.y = bottom + LINE + 2 * GAP
    return sheet.done()


def _key(sheet: Sheet, told: Control, found: NDArray[np.int8], along: Scale) -> float:
    """The signals that there are, with how many values are part of them, and how many share a mark."""
    y = 0.0
    for signal, name in zip((BEYOND_LIMIT, NEAR_LIMIT, ONE_SIDE), told.signals, strict=True):
        count = int((found == signal).sum())
        if count:
            sheet.add(Dot(6, y + LINE - 5, 4.5, *_LOOKS[signal]))
            said = f"{name}\u00a0· {told.wording.count(count)}"
            y = sheet.paragraph(18, y + LINE, said, sheet.width - 18) - LINE
    per_place = _per_place(len(found), along)
    if per_place > 1:
        y = sheet.paragraph(0, y + LINE, told.together(per_place), sheet.width, role="quiet") - LINE
    return y + GAP


def _per_place(count: int, along: Scale) -> int:
    room = along.end - along.start
    return 1 if count * _EACH <= room else -int(-count * _PLACE // room)


def _limits(sheet: Sheet, told: Control, limits: Limits, along: Scale, ups: Scale) -> None:
    shown: list[tuple[float, str, Dash]] = [
        (limits.upper, told.upper, "dashed"),
        (limits.mean, told.mean, "solid"),
    ]
    shown += [(limits.lower, told.lower, "dashed")] if limits.lower is not None else []
    ends = along.end + GAP
    labels = [
        [*wrapped(name, _LABELS - 3 * GAP, most=2), told.wording.time(value)] for value, name, _ in shown
    ]
    sizes = [LINE * len(lines) for lines in labels]
    wanted = [ups.at(value) - size / 2 for (value, *_), size in zip(shown, sizes, strict=True)]
    for (value, _, dash), lines, place in zip(
        shown, labels, kept_apart(wanted, sizes, ups.end - LINE, ups.start + LINE), strict=True
    ):
        y = ups.at(value)
        sheet.add(Line(((along.start - GAP, y), (ends, y)), "ink", 1.2, dash))
        sheet.add(*(Text(ends + GAP, place + 11 + LINE * row, line) for row, line in enumerate(lines)))


def _values(
    sheet: Sheet, told: Control, values: Numbers, found: NDArray[np.int8], *, along: Scale, ups: Scale
) -> None:
    per_place = _per_place(len(values), along)
    if per_place == 1:
        places = [along.at(number if len(values) > 1 else 0.5) for number in range(len(values))]
        r = 3.5 if len(values) * 8 <= along.end - along.start else 2.2
        if len(values) > 1:
            sheet.add(Line(tuple((x, ups.at(v)) for x, v in zip(places, values, strict=True)), "quiet", 0.8))
        for x, value, signal, day in zip(places, values, found, told.days, strict=True):
            said = f"{told.wording.day(day, year=True)}: {told.wording.time(float(value))}"
            bigger = 1.5 if signal else 0.0
            sheet.add(Dot(x, ups.at(float(value)), r + bigger, *_LOOKS[int(signal)], said=said))
        return
    middles = []
    for begins in range(0, len(values), per_place):
        part = values[begins : begins + per_place]
        x = along.at(begins + (len(part) - 1) / 2)
        least, most = ups.at(float(part.min())), ups.at(float(part.max()))
        sheet.add(Line(((x, least), (x, most)), "series-6", 2))
        middles.append((x, ups.at(float(np.median(part)))))
        if (found[begins : begins + per_place] == BEYOND_LIMIT).any():
            sheet.add(Dot(x, most, 3, *_LOOKS[BEYOND_LIMIT]))
    sheet.add(Line(tuple(middles), "ink", 1.6))


def _ranges(
    sheet: Sheet, told: Control, ranges: Numbers, limits: Limits, *, along: Scale, downs: Scale
) -> None:
    y = downs.at(limits.upper_range)
    sheet.add(Line(((along.start - GAP, y), (along.end + GAP, y)), "ink", 1.2, "dashed"))
    lines = [*wrapped(told.upper, _LABELS - 3 * GAP, most=2), told.wording.time(limits.upper_range)]
    first = min(y + 4 - LINE * (len(lines) - 1) / 2, downs.start - LINE * (len(lines) - 1))
    for row, line in enumerate(lines):
        sheet.text(along.end + 2 * GAP, first + LINE * row, line)
    per_place = _per_place(len(ranges) + 1, along)
    points = [
        (
            along.at(begins + 1 + (len(part) - 1) / 2),
            downs.at(float(part.max())),
        )
        for begins in range(0, len(ranges), per_place)
        if len(part := ranges[begins : begins + per_place])
    ]
    sheet.add(Line(tuple(points), "series-1", 1))
    for x, place in points:
        if place < y - 0.01:
            sheet.add(Dot(x, place, 3, "warning", "diamond"))


def _dates(told: Control, sheet: Sheet) -> list[Tick]:
    """Days at equal distances: the values are in their order, and not evenly in time."""
    about = min(len(told.days), 3 if sheet.narrow else 6)
    places = sorted({round(n * (len(told.days) - 1) / max(1, about - 1)) for n in range(about)})
    years = [True, *(told.days[a].year != told.days[b].year for a, b in pairwise(places))]
    return [
        Tick(
            place if len(told.days) > 1 else 0.5,
            told.wording.day(told.days[place], year=year),
        )
        for place, year in zip(places, years, strict=True)
    ]
