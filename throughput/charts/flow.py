"""Cumulative flow: how many requests were in each state at the end of each day.

The height of a band is what is in hand there; the band of what is done grows from the period's beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from throughput.charts.model import SERIES, SHADES, Area, Bar, Drawing, Line, Role
from throughput.charts.scales import Axis, Scale, counting, dating
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, kept_apart, labelled, width_of

_HEIGHT = 300.0
_WHOLE = 130.0  # of the panel of all, where another shows what is in hand
_SMALL = 0.25
_EACH = 3.0  # room of a day
_LABELS = (190.0, 112.0)  # room beside the bands, at most: wide and narrow


@dataclass(frozen=True)
class Band:
    """A state: how many were in it at the end of each day. `done`: those that ended, since the first day."""

    name: str
    counts: Sequence[int]
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Flow(About):
    """Bands in the order of the process, over days that rise.

    `unit` names what is counted, `in_hand` all bands but what is done: where they are small beside it, they
    are drawn once more by themselves. `others` is what those with the fewest are called together, where there
    are more states than colours.
    """

    days: Sequence[date]
    bands: Sequence[Band]
    unit: str
    in_hand: str
    others: str


@dataclass(frozen=True)
class _Layer:
    name: str
    counts: Sequence[int]
    role: Role
    shade: int
    label: Sequence[str]

    @property
    def size(self) -> float:
        """The height of its label."""
        return LINE * len(self.label) + 2


@dataclass(frozen=True)
class _Panel:
    layers: Sequence[_Layer]
    axis: Axis
    height: float
    title: str

    @property
    def left(self) -> float:
        """The room of its axis's labels."""
        return max(width_of(tick.label) for tick in self.axis.ticks) + GAP

    @property
    def right(self) -> float:
        """The room of its layers' labels."""
        return max(width_of(line) for layer in self.layers for line in layer.label) + 3 * GAP


def flow(told: Flow, width: float = WIDE) -> Drawing:
    """Draw it, the first state on top: what is done lies at the bottom."""
    sheet = Sheet(told, width)
    if not told.days or not told.bands:
        return sheet.empty()
    panels = _panels(told, _LABELS[sheet.narrow])
    left, right = max(one.left for one in panels), width - max(one.right for one in panels)
    along = Scale(told.days[0].toordinal(), told.days[-1].toordinal(), left, right)
    for panel in panels:
        sheet.text(0, sheet.y + LINE - 3, panel.title, role="quiet")
        top = sheet.y + LINE + GAP
        ups = Scale(panel.axis.low, panel.axis.high, top + panel.height, top)
        sheet.level_lines(panel.axis, ups, left, right)
        _areas(sheet, told.days, panel, along, ups)
        _labels(sheet, panel, ups, right)
        sheet.y = ups.start + 2 * GAP
    bottom = sheet.y - 2 * GAP
    ticks = dating(told.days[0], told.days[-1], told.wording, about=3 if sheet.narrow else 6)
    sheet.add(*(Line(((x := along.at(tick.value), bottom), (x, bottom + 4)), "quiet") for tick in ticks))
    sheet.tick_labels(ticks, along, bottom + LINE + 3)
    sheet.y = bottom + 2 * LINE
    return sheet.done()


def _panels(told: Flow, room: float) -> list[_Panel]:
    """All in one; or all with what is in hand as one, and below it that by state."""

    def layer(name: str, counts: Sequence[int], role: Role, shade: int = SHADES) -> _Layer:
        return _Layer(name, counts, role, shade, labelled(name, told.wording.count(counts[-1]), room))

    ended = [layer(band.name, band.counts, "quiet", 2) for band in told.bands if band.done]
    states = _told_apart([band for band in told.bands if not band.done], told.others)
    layers = [layer(band.name, band.counts, role) for band, role in zip(states, SERIES, strict=False)]
    both = _panel(told, [*layers, *ended], _HEIGHT, told.unit)
    if not (layers and ended):
        return [both]
    in_hand = [sum(counts) for counts in zip(*(band.counts for band in states), strict=True)]
    if max(in_hand) >= _SMALL * both.axis.high:
        return [both]
    whole = [layer(told.in_hand, in_hand, "ink"), *ended]
    return [_panel(told, whole, _WHOLE, told.unit), _panel(told, layers, _HEIGHT - _WHOLE, told.in_hand)]


def _told_apart(states: list[Band], others: str) -> list[Band]:
    """Each with a colour of its own: of too many those with the fewest are one, below the rest."""
    if len(states) <= len(SERIES):
        return states
    by_size = sorted(states, key=lambda band: sum(band.counts), reverse=True)
    large, small = by_size[: len(SERIES) - 1], by_size[len(SERIES) - 1 :]
    together = [sum(counts) for counts in zip(*(band.counts for band in small), strict=True)]
    return [*(band for band in states if band in large), Band(others, together)]


def _panel(told: Flow, layers: Sequence[_Layer], least: float, title: str) -> _Panel:
    most = max(map(sum, zip(*(layer.counts for layer in layers), strict=True)))
    height = max(least, sum(layer.size for layer in layers))
    return _Panel(layers, counting(0, most, told.wording, about=5 if height > 200 else 3), height, title)


def _areas(sheet: Sheet, days: Sequence[date], panel: _Panel, along: Scale, ups: Scale) -> None:
    floor = [0] * len(days)
    for layer in reversed(panel.layers):
        roof = [low + count for low, count in zip(floor, layer.counts, strict=True)]
        above = _outline(days, roof, along, ups)
        below = _outline(days, floor, along, ups)
        sheet.add(Area((*above, *reversed(below)), layer.role, layer.shade, layer.name))
        floor = roof


def _outline(
    days: Sequence[date], counts: Sequence[int], along: Scale, ups: Scale
) -> tuple[tuple[float, float], ...]:
    """Up to the last day; every second or third of too many to be told apart. A day alone is a level."""
    if len(days) == 1:
        return ((along.start, ups.at(counts[0])), (along.end, ups.at(counts[0])))
    each = ceil(len(days) * _EACH / (along.end - along.start))
    kept = range((len(days) - 1) % each, len(days), each)
    points = ((along.at(days[number].toordinal()), ups.at(counts[number])) for number in kept)
    first = (along.start, ups.at(counts[0]))
    return (*(() if kept.start == 0 else (first,)), *points)


def _labels(sheet: Sheet, panel: _Panel, ups: Scale, right: float) -> None:
    """Beside the end of each layer its name and last count, with a line to it where it had to move."""
    middles: list[float] = []
    floor = 0
    for layer in reversed(panel.layers):
        middles.insert(0, ups.at(floor + layer.counts[-1] / 2))
        floor += layer.counts[-1]
    sizes = [layer.size for layer in panel.layers]
    wanted = [middle - size / 2 for middle, size in zip(middles, sizes, strict=True)]
    for layer, middle, place in zip(
        panel.layers, middles, kept_apart(wanted, sizes, ups.end, ups.start), strict=True
    ):
        sheet.add(
            Line(((right + 1, middle), (right + GAP, place + layer.size / 2)), "quiet", 0.8),
            Bar(right + GAP, place + 1, 4, layer.size - 3, layer.role, layer.shade),
        )
        for row, line in enumerate(layer.label):
            sheet.text(right + 3 * GAP, place + 12 + row * LINE, line)
