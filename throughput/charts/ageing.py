"""Work in hand by its age: a dot for each open request in the row of its state.

Upright lines say by when so many of the completed ones were done; what is older than the last of them is told
apart by shape and colour. Where a state holds more than can be seen apart, its requests are counted by age.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from throughput.charts.model import SHADES, Bar, Dot, Drawing, Line, Role, Shape
from throughput.charts.scales import Axis, Scale, timing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, labelled, width_of

_SIZES = ((5.0, 7), (4.0, 12))
"""A dot's size, and lanes beside each other in which such dots find room."""
_R = _SIZES[0][0]
_CELL = 24.0
_TAIL = 0.98
_FAR = 3.0
_BEYOND = 56.0
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


@dataclass(frozen=True)
class _Plan:
    """Where ages lie; those above the axis, few and far off, are counted in the room at its end."""

    told: Ageing
    axis: Axis
    along: Scale

    @classmethod
    def of(cls, told: Ageing, ages: Sequence[float], sheet: Sheet) -> "_Plan":
        longest, about = max(ages), 4 if sheet.narrow else 8
        marks = [one.seconds for one in told.done]
        tail = max(float(np.quantile(ages, _TAIL)), *marks, 0.0)
        far = longest > _FAR * tail > 0
        axis = timing(0, tail if far else max(longest, *marks, 0.0), told.wording, about=about)
        return cls(told, axis, Scale(0, axis.high, _R + 2, sheet.width - (_BEYOND if far else _R + 2)))

    def near(self, state: Waiting) -> list[Open]:
        """The requests that the axis holds, the youngest first."""
        found = [one for one in state.requests if one.seconds <= self.axis.high]
        return sorted(found, key=lambda one: one.seconds)

    def dots(self, state: Waiting) -> list[tuple[Open, float, float]] | None:
        """Each request with its dot's y below the first and its size; None where they don't find room."""
        near = self.near(state)
        found = (self._in_lanes(near, r, lanes) for r, lanes in _SIZES)
        return next((dots for dots in found if dots is not None), None)

    def _in_lanes(
        self, requests: Sequence[Open], r: float, most: int
    ) -> list[tuple[Open, float, float]] | None:
        """Each in the first lane in which it touches none."""
        apart = 2 * r + 1
        if len(requests) > most * (self.along.end - self.along.start + apart) / apart:
            return None
        free: list[float] = []
        found = []
        for one in requests:
            x = self.along.at(one.seconds)
            lane = next((number for number, until in enumerate(free) if until <= x), len(free))
            if lane == most:
                return None
            free[lane : lane + 1] = [x + apart]
            found.append((one, r + lane * apart, r))
        return found


def ageing(told: Ageing, width: float = WIDE) -> Drawing:
    """Draw it: age along, a row per state."""
    sheet = Sheet(told, width)
    ages = [one.seconds for state in told.states for one in state.requests]
    if not ages:
        return sheet.empty()
    plan = _Plan.of(told, ages, sheet)
    drawn = [plan.dots(state) for state in told.states]
    heights = [
        LINE * len(_name(told, state, width)) + 3 * GAP + _deep(dots)
        for state, dots in zip(told.states, drawn, strict=True)
    ]
    lines = [
        (plan.along.at(one.seconds), f"{one.name}\u00a0· {told.wording.time(one.seconds)}")
        for one in told.done
    ]
    top = Sheet(told, width).marked_lines(lines, 0, 0)
    sheet.upright_lines(plan.axis, plan.along, [(top, top + sum(heights))])
    sheet.marked_lines(lines, 0, top + sum(heights))
    sheet.y = top
    for state, dots, height in zip(told.states, drawn, heights, strict=True):
        _row(sheet, plan, state, dots)
        sheet.y += height
    if max(ages) > plan.axis.high:
        beyond = f">\u00a0{told.wording.time(plan.axis.high)}"
        sheet.text(width, sheet.y + 2 * LINE, beyond, role="quiet", anchor="end")
    sheet.foot(plan.axis, plan.along, sheet.y)
    return sheet.done()


def _name(told: Ageing, state: Waiting, width: float) -> list[str]:
    return labelled(state.name, told.wording.count(len(state.requests)), width, bold=True)


def _deep(dots: Sequence[tuple[Open, float, float]] | None) -> float:
    """The height of what is below the name."""
    return _CELL if dots is None else max((y + r for _, y, r in dots), default=LINE)


def _row(sheet: Sheet, plan: _Plan, state: Waiting, dots: Sequence[tuple[Open, float, float]] | None) -> None:
    y, wording = sheet.y, plan.told.wording
    sheet.add(Line(((0, y), (sheet.width, y)), "quiet", 0.8))
    for line in _name(plan.told, state, sheet.width):
        y += LINE
        sheet.backed(0, y - 1, line, bold=True)
    y += GAP
    if dots is None:
        _cells(sheet, plan, state, y)
    for one, down, r in dots or ():
        role, shape = _look(plan.told, one)
        sheet.add(Dot(plan.along.at(one.seconds), y + down, r, role, shape, said=one.said))
    far = sum(one.seconds > plan.axis.high for one in state.requests)
    if far:
        x, count = plan.along.end + GAP, wording.count(far)
        said = f">\u00a0{wording.time(plan.axis.high)}: {count}"
        box = Bar(x, y, sheet.width - x, _CELL if dots is None else LINE, "warning", SHADES, said=said)
        sheet.cell(box, 1, count)


def _look(told: Ageing, one: Open) -> tuple[Role, Shape]:
    passed = sum(one.seconds > mark.seconds for mark in told.done)
    return _LOOKS[0] if not passed else _LOOKS[-1] if passed == len(told.done) else _LOOKS[min(passed, 2)]


def _cells(sheet: Sheet, plan: _Plan, state: Waiting, y: float) -> None:
    """Counts by age, in equal steps that divide those of the axis, each wide enough for its number."""
    wording, along, near = plan.told.wording, plan.along, plan.near(state)
    step = plan.axis.ticks[1].value
    needed = max(_CELL, width_of(wording.count(len(near))) + GAP)
    parts = next((n for n in (10, 6, 5, 4, 3, 2) if along.at(step / n) - along.at(0) >= needed), 1)
    each = step / parts
    last = round(plan.axis.high / each) - 1
    counts = Counter(min(last, int(one.seconds // each)) for one in near)
    most = max(counts.values())
    for place, count in sorted(counts.items()):
        x, end = along.at(place * each), along.at((place + 1) * each)
        said = f"{wording.time(place * each)}–{wording.time((place + 1) * each)}: {wording.count(count)}"
        box = Bar(x + 0.5, y, end - x - 1, _CELL, "series-1", SHADES, said=said)
        sheet.add(replace(box, role="paper", said=""))
        sheet.cell(box, count / most, wording.count(count))
