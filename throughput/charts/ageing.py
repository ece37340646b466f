"""Work in hand by its age: a dot for each open request in the row of its state.

Upright lines say by when so many of the completed ones were done; what is older than the last of them is told
apart by shape and colour. Where a state holds more than can be seen apart, its requests are counted by age.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from throughput.charts.model import SHADES, Bar, Dot, Drawing, Line, Role, Shape
from throughput.charts.scales import Axis, Scale, timing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of, wrapped

_SIZES = ((5.0, 7), (4.0, 12))
"""A dot's size, and lanes beside each other in which such dots find room."""
_R = _SIZES[0][0]
_CELL = 24.0
_LOOKS: tuple[tuple[Role, Shape], ...] = (
    ("series-1", "circle"),
    ("series-6", "square"),
    ("series-2", "triangle"),
    ("warning", "diamond"),
)


@dataclass(frozen=True)
class Open:
    """A request in hand: how long since it was asked for, and what a pointer on it is told."""

    seconds: float
    said: str = ""


@dataclass(frozen=True)
class Waiting:
    """A state with what is in it."""

    name: str
    requests: Sequence[Open]


@dataclass(frozen=True)
class Done:
    """By `seconds` a share of the completed requests was done, as `name` says ("85 %")."""

    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Ageing(About):
    """States in the order of the process, and up to three times of the completed ones, rising."""

    states: Sequence[Waiting]
    done: Sequence[Done] = ()


def ageing(told: Ageing, width: float = WIDE) -> Drawing:
    """Draw it: age along, a row per state."""
    sheet = Sheet(told, width)
    ages = [one.seconds for state in told.states for one in state.requests]
    if not ages:
        return sheet.empty()
    axis = timing(
        0, max(ages + [one.seconds for one in told.done]), told.wording, about=4 if sheet.narrow else 8
    )
    along = Scale(axis.low, axis.high, _R + 2, width - _R - 2)
    heights = [_height(state, along) for state in told.states]
    labels = [
        (along.at(one.seconds), f"{one.name}\u00a0· {told.wording.time(one.seconds)}") for one in told.done
    ]
    below = Sheet(told, width)  # what lies under the lines, drawn first
    total = sum(heights)
    top = below.marked_lines(labels, 0, 0)
    sheet.upright_lines(axis, along, [(top, top + total)])
    sheet.marked_lines(labels, 0, top + total)
    sheet.y = top
    for state, height in zip(told.states, heights, strict=True):
        _row(sheet, told, state, along, axis=axis, height=height)
    sheet.foot(axis, along, sheet.y)
    return sheet.done()


def _height(state: Waiting, along: Scale) -> float:
    dots = _dots(state, along)
    deep = _CELL if dots is None else max((y + r for _, y, r in dots), default=2 * _R)
    return LINE + 3 * GAP + deep


def _dots(state: Waiting, along: Scale) -> list[tuple[Open, float, float]] | None:
    """Each request with its dot's y below the first and its size; None where they don't find room."""
    return next(
        (found for r, lanes in _SIZES if (found := _in_lanes(state, along, r, lanes)) is not None), None
    )


def _in_lanes(state: Waiting, along: Scale, r: float, most: int) -> list[tuple[Open, float, float]] | None:
    """Each in the first lane in which it touches none."""
    apart = 2 * r + 1
    if len(state.requests) > most * (along.end - along.start + apart) / apart:
        return None
    free: list[float] = []
    found = []
    for one in sorted(state.requests, key=lambda one: one.seconds):
        x = along.at(one.seconds)
        lane = next((number for number, until in enumerate(free) if until <= x), len(free))
        if lane == most:
            return None
        free[lane : lane + 1] = [x + apart]
        found.append((one, r + lane * apart, r))
    return found


def _row(sheet: Sheet, told: Ageing, state: Waiting, along: Scale, *, axis: Axis, height: float) -> None:
    y = sheet.y
    sheet.add(Line(((0, y), (sheet.width, y)), "quiet", 0.8))
    name = f"{state.name}\u00a0· {told.wording.count(len(state.requests))}"
    [shown] = wrapped(name, sheet.width, bold=True, most=1)
    sheet.backed(0, y + LINE - 1, shown, bold=True)
    first = y + LINE + GAP
    dots = _dots(state, along)
    if dots is None:
        _cells(sheet, told, state, along, axis=axis, y=first)
    for one, down, r in dots or ():
        role, shape = _look(told, one)
        sheet.add(Dot(along.at(one.seconds), first + down, r, role, shape, said=one.said))
    sheet.y += height


def _look(told: Ageing, one: Open) -> tuple[Role, Shape]:
    passed = sum(one.seconds > mark.seconds for mark in told.done)
    return _LOOKS[0] if not passed else _LOOKS[-1] if passed == len(told.done) else _LOOKS[min(passed, 2)]


def _cells(sheet: Sheet, told: Ageing, state: Waiting, along: Scale, *, axis: Axis, y: float) -> None:
    """Counts by age, in equal steps that divide those of the axis, each wide enough for its number."""
    wording = told.wording
    step = axis.ticks[1].value - axis.ticks[0].value
    needed = width_of(wording.count(len(state.requests))) + GAP
    parts = next(
        (n for n in (10, 6, 5, 4, 3, 2) if (along.at(step / n) - along.at(0)) >= max(needed, _CELL)), 1
    )
    each = step / parts
    counts = Counter(int(one.seconds // each) for one in state.requests)
    most = max(counts.values())
    for place, count in sorted(counts.items()):
        x, end = along.at(place * each), along.at((place + 1) * each)
        said = f"{wording.time(place * each)}–{wording.time((place + 1) * each)}: {wording.count(count)}"
        box = Bar(x + 0.5, y, end - x - 1, _CELL, "series-1", SHADES, said=said)
        sheet.cell(box, count / most, wording.count(count))
