"""Cumulative flow: how many requests were in each state at the end of each day.

The height of a band is what is in hand there; the band of what is done grows from the period's beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from throughput.charts.model import SERIES, Area, Bar, Drawing, Line, Role, Text
from throughput.charts.scales import Scale, counting, dating
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, kept_apart, width_of, wrapped

_HEIGHT = 300.0
_LABELS = (190.0, 112.0)  # room beside the bands, at most: wide and narrow


@dataclass(frozen=True)
class Band:
    """A state: how many were in it at the end of each day. `done`: those that ended, since the first day."""

    name: str
    counts: Sequence[int]
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Flow(About):
    """Bands in the order of the process, over days that rise; `unit` names what is counted."""

    days: Sequence[date]
    bands: Sequence[Band]
    unit: str


def flow(told: Flow, width: float = WIDE) -> Drawing:
    """Draw it, the first state on top: what is done lies at the bottom."""
    sheet = Sheet(told, width)
    if not told.days or not told.bands:
        return sheet.empty()
    labels = [_label(told, band, sheet) for band in told.bands]
    axis = counting(0, max(map(sum, zip(*(band.counts for band in told.bands), strict=True))), told.wording)
    left = max(width_of(tick.label) for tick in axis.ticks) + GAP
    right = width - max(width_of(line) for lines in labels for line in lines) - 3 * GAP
    top = LINE + GAP
    height = max(_HEIGHT, sum(LINE * len(lines) + 2 for lines in labels))
    bottom = top + height
    ups = Scale(axis.low, axis.high, bottom, top)
    first, last = told.days[0].toordinal(), told.days[-1].toordinal()
    along = Scale(first, last, left, right)
    sheet.text(0, LINE - 3, told.unit, role="quiet")
    sheet.level_lines(axis, ups, left, right)
    _bands(sheet, told, along, ups)
    ticks = dating(told.days[0], told.days[-1], told.wording, about=3 if sheet.narrow else 6)
    sheet.add(*(Line(((x := along.at(tick.value), bottom), (x, bottom + 4)), "quiet") for tick in ticks))
    sheet.tick_labels(ticks, along, bottom + LINE + 3)
    _labels(sheet, told, labels, ups, right)
    sheet.y = bottom + 2 * LINE
    return sheet.done()


def _label(told: Flow, band: Band, sheet: Sheet) -> list[str]:
    said = f"{band.name}\u00a0· {told.wording.count(band.counts[-1])}"
    return wrapped(said, _LABELS[sheet.narrow])


def _role(told: Flow, number: int) -> tuple[Role, int]:
    """Its colour, and how full it is: what is done is pale, for there is nothing to be done about it."""
    return ("quiet", 2) if told.bands[number].done else (SERIES[number % len(SERIES)], 5)


def _bands(sheet: Sheet, told: Flow, along: Scale, ups: Scale) -> None:
    floor = [0] * len(told.days)
    for number in reversed(range(len(told.bands))):
        band = told.bands[number]
        roof = [low + count for low, count in zip(floor, band.counts, strict=True)]
        role, shade = _role(told, number)
        above = _outline(told.days, roof, along, ups)
        below = _outline(told.days, floor, along, ups)
        sheet.add(Area((*above, *reversed(below)), role, shade, band.name), Line(above, "paper", 1.5))
        floor = roof


def _outline(
    days: Sequence[date], counts: Sequence[int], along: Scale, ups: Scale
) -> tuple[tuple[float, float], ...]:
    """A day alone is as wide as the chart."""
    if len(days) == 1:
        return ((along.start, ups.at(counts[0])), (along.end, ups.at(counts[0])))
    return tuple((along.at(day.toordinal()), ups.at(count)) for day, count in zip(days, counts, strict=True))


def _labels(sheet: Sheet, told: Flow, labels: Sequence[Sequence[str]], ups: Scale, right: float) -> None:
    """Beside the end of each band its name and last count, with a line to it where it had to move."""
    middles = []
    floor = 0
    for band in reversed(told.bands):
        middles.insert(0, ups.at(floor + band.counts[-1] / 2))
        floor += band.counts[-1]
    sizes = [LINE * len(lines) + 2 for lines in labels]
    wanted = [middle - size / 2 for middle, size in zip(middles, sizes, strict=True)]
    places = kept_apart(wanted, sizes, ups.end, ups.start)
    for number, (lines, place, size) in enumerate(zip(labels, places, sizes, strict=True)):
        role, shade = _role(told, number)
        y = place + size / 2
        sheet.add(
            Line(((right + 1, middles[number]), (right + GAP, y)), "quiet", 0.8),
            Bar(right + GAP, place + 1, 4, size - 3, role, shade),
        )
        for row, line in enumerate(lines):
            sheet.add(Text(right + 3 * GAP, place + 12 + row * LINE, line))
