"""How long requests take: how many took how long, and by when which share was done.

Open requests have taken at least as long as until now: they stand on top of the others, hatched, and count in
the share as Kaplan and Meier have it (throughput.survival).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from throughput.charts.ageing import Done
from throughput.charts.model import SHADES, Bar, Drawing, Entry, Line, hatched, stairs
from throughput.charts.scales import Axis, Scale, counting, shares, timing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of, wrapped
from throughput.charts.wording import Wording
from throughput.survival import Durations, Survival

_HEIGHT = 190.0
_CURVE = 120.0
_BEYOND = 46.0
_TAIL = 0.98
_POINTS = 400


@dataclass(frozen=True)
class Bin:
    """From `low` to `high` (None: no end) so many ended, and so many are open still."""

    low: float
    high: float | None
    ended: int
    open: int


@dataclass(frozen=True, kw_only=True)
class Leads(About):
    """Bins that follow on each other, the curve of the share that was done by a time, and times of interest.

    `unit` names what is counted, `ended` and `still_open` the two kinds, `share` the curve. `curve` holds
    rising (seconds, share).
    """

    bins: Sequence[Bin]
    unit: str
    ended: str
    still_open: str
    share: str
    curve: Sequence[tuple[float, float]] = ()
    done: Sequence[Done] = ()


def bins_of(durations: Durations, wording: Wording) -> list[Bin]:
    """Count durations in seconds into equal bins of round times; a long tail goes into one without an end."""
    if not len(durations):
        return []
    about = min(24, ceil(2 * len(durations) ** (1 / 3)))
    longest = float(durations.taken[-1])
    tail = float(durations.taken[int(_TAIL * (len(durations) - 1))])
    axis = timing(0, longest if longest <= 2 * tail else tail, wording, about=about)
    edges = [tick.value for tick in axis.ticks]
    ends: list[float | None] = [*edges[1:], None] if longest > edges[-1] else [*edges[1:]]
    borders = [*edges, np.inf] if longest > edges[-1] else edges
    over = np.histogram(durations.taken[durations.over], borders)[0]
    still = np.histogram(durations.taken[~durations.over], borders)[0]
    lows = edges[: len(ends)]
    return [
        Bin(low, high, int(ended), int(left))
        for low, high, ended, left in zip(lows, ends, over, still, strict=True)
    ]


def curve_of(durations: Durations) -> list[tuple[float, float]]:
    """The share done by each time; of many times so many that none differs by more than a line's width."""
    survival = Survival.of(durations)
    done = 1 - survival.going_on
    if len(done) > _POINTS:
        kept = np.unique(np.searchsorted(done, np.linspace(0, done[-1], _POINTS)))
        kept = np.unique(np.append(kept, len(done) - 1))
        return [(float(t), float(s)) for t, s in zip(survival.times[kept], done[kept], strict=True)]
    return [(float(t), float(s)) for t, s in zip(survival.times, done, strict=True)]


def leads(told: Leads, width: float = WIDE) -> Drawing:
    """Draw it: the counts above, the share below, along the same time."""
    sheet = Sheet(told, width)
    if not any(one.ended or one.open for one in told.bins):
        return sheet.empty()
    beyond = told.bins[-1].high is None
    ends = [one.high for one in told.bins if one.high is not None] or [told.bins[0].low + 1]
    axis = timing(0, max(ends), told.wording, about=4 if sheet.narrow else 8)
    most = max(one.ended + one.open for one in told.bins)
    counts = counting(0, most, told.wording, about=4)
    left = max(width_of(tick.label) for tick in (*counts.ticks, *shares(told.wording).ticks)) + GAP
    along = Scale(0, max(ends), left, width - 2 * GAP - (_BEYOND + GAP if beyond else 0))
    sheet.y = sheet.key(_kinds(told), 0)
    lines = [
        (along.within(one.seconds), f"{one.name}\u00a0· {told.wording.time(one.seconds)}")
        for one in told.done
    ]
    begins = Sheet(told, width).marked_lines(lines, sheet.y + LINE, 0)
    sheet.text(0, sheet.y + LINE - 3, told.unit, role="quiet")
    ups = Scale(counts.low, counts.high, begins + _HEIGHT, begins)
    sheet.level_lines(counts, ups, left, width)
    for one in told.bins:
        _bin(sheet, told, one, along, ups)
    name = wrapped(told.share, width) if told.curve else []
    named = ups.start + LINE + 2 * GAP
    top = named + len(name) * LINE
    lowest = top + _CURVE if told.curve else ups.start
    sheet.marked_lines(lines, sheet.y + LINE, lowest)
    if told.curve:
        _curve(sheet, told, along, top)
    for number, line in enumerate(name):
        sheet.backed(0, named + number * LINE, line, role="quiet")
    _foot(sheet, told, axis, along, lowest)
    sheet.y = lowest + 2 * LINE + GAP
    return sheet.done()


def _kinds(told: Leads) -> list[Entry]:
    ended: Entry = ("series-1", "full", told.ended)
    still: Entry = ("series-2", "hatched", told.still_open)
    return [ended, still] if any(one.open for one in told.bins) else [ended]


def _bin(sheet: Sheet, told: Leads, one: Bin, along: Scale, ups: Scale) -> None:
    if one.high is None:
        x, end = along.end + GAP, along.end + GAP + _BEYOND
    else:
        x, end = along.at(one.low) + 0.5, along.at(one.high) - 0.5
    until = "" if one.high is None else told.wording.time(one.high)
    span = f"{told.wording.time(one.low)}–{until}"
    middle, top = ups.at(one.ended), ups.at(one.ended + one.open)
    if one.ended:
        said = f"{span}: {told.wording.count(one.ended)} {told.ended}"
        sheet.add(Bar(x, middle, end - x, ups.start - middle, "series-1", SHADES, said=said))
    if one.open:
        said = f"{span}: {told.wording.count(one.open)} {told.still_open}"
        bar = Bar(x, top, end - x, middle - top, "series-2", SHADES, said=said)
        sheet.add(*hatched(bar, role="series-2", step=5))


def _curve(sheet: Sheet, told: Leads, along: Scale, top: float) -> None:
    """The panel of the share; what is beyond the last bin is not in it."""
    axis = shares(told.wording)
    ups = Scale(0, 1, top + _CURVE, top)
    sheet.level_lines(axis, ups, along.start, along.end)
    inside = [(time, share) for time, share in told.curve if time <= along.high]
    last = inside[-1][1] if inside else 0.0
    reached = along.high if len(inside) < len(told.curve) else inside[-1][0]
    points = [(0.0, 0.0), *inside, (reached, last)]
    sheet.add(Line(stairs((along.at(time), ups.at(share)) for time, share in points), "series-1", 2))


def _foot(sheet: Sheet, told: Leads, axis: Axis, along: Scale, y: float) -> None:
    ticks = [tick for tick in axis.ticks if tick.value <= along.high * (1 + 1e-9)]
    sheet.add(*(Line(((x := along.at(tick.value), y), (x, y + 4)), "quiet") for tick in ticks))
    sheet.tick_labels(ticks, along, y + LINE + 3)
    sheet.text(along.end, y + 2 * LINE + 3, axis.unit, role="quiet", anchor="end")
    if told.bins[-1].high is None:
        said = f">\u00a0{told.wording.time(told.bins[-1].low)}"
        sheet.text(sheet.width, y + LINE + 3, said, role="quiet", anchor="end")
