"""Where the time of a state goes: waiting, at the desk, in hand, suspended; one bar per state."""

from collections.abc import Sequence
from dataclasses import dataclass

from throughput.charts.model import SERIES, SHADES, Bar, Drawing, Entry, Role, hatched
from throughput.charts.scales import Axis, Scale, timing
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of, wrapped

_BAR = 20.0
_COLOURS = (SERIES[5], SERIES[4], SERIES[0], SERIES[7])


@dataclass(frozen=True)
class Part:
    """A kind of time; `hatched` where nobody here can do anything about it."""

    name: str
    hatched: bool = False


@dataclass(frozen=True)
class Spent:
    """A state: seconds of each part, in their order."""

    name: str
    seconds: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Spans(About):
    """Bars whose lengths are times; a part that is nothing has none."""

    parts: Sequence[Part]
    rows: Sequence[Spent]


def spans(told: Spans, width: float = WIDE) -> Drawing:
    """Draw it; every part's time stands in words below its bar."""
    sheet = Sheet(told, width)
    longest = max((sum(row.seconds) for row in told.rows), default=0.0)
    if not longest:
        return sheet.empty()
    names = 0.0 if sheet.narrow else min(210.0, max(width_of(row.name) for row in told.rows) + 2 * GAP)
    totals = max(width_of(told.wording.time(sum(row.seconds)), bold=True) for row in told.rows) + GAP
    axis = timing(0, longest, told.wording, about=3 if sheet.narrow else 6)
    along = Scale(0, axis.high, names, width - totals)
    entries: list[Entry] = [
        (_colour(n), "hatched" if part.hatched else "full", part.name) for n, part in enumerate(told.parts)
    ]
    sheet.y = sheet.key(entries, 0)
    heights = [_height(told, row, names, width, narrow=sheet.narrow) for row in told.rows]
    for row, height in zip(told.rows, heights, strict=True):
        _row(sheet, told, row, along, axis)
        sheet.y += height
    sheet.foot(axis, along, sheet.y - GAP)
    return sheet.done()


def _colour(number: int) -> Role:
    return _COLOURS[number % len(_COLOURS)]


def _words(told: Spans, row: Spent, room: float) -> list[str]:
    """The parts' times, as many to a line as fit."""
    said = [
        f"{part.name}\u00a0{told.wording.time(seconds)}".replace(" ", "\u00a0")
        for part, seconds in zip(told.parts, row.seconds, strict=True)
        if seconds
    ]
    return (
        wrapped(" · ".join(said).replace("\u00a0· ", " · "), room, most=len(told.parts) + 1)
        if said
        else ["–"]
    )


def _height(told: Spans, row: Spent, names: float, width: float, *, narrow: bool) -> float:
    words = LINE * len(_words(told, row, width - names))
    if narrow:
        return LINE * len(wrapped(row.name, width, bold=True)) + _BAR + words + 3 * GAP
    return max(LINE * len(wrapped(row.name, names - 2 * GAP)), _BAR + words) + 3 * GAP


def _row(sheet: Sheet, told: Spans, row: Spent, along: Scale, axis: Axis) -> None:
    y = sheet.y + GAP
    if sheet.narrow:
        y = sheet.paragraph(0, y + LINE - 4, row.name, sheet.width, bold=True) - LINE + GAP
    else:
        sheet.paragraph(0, y + LINE, row.name, along.start - 2 * GAP)
    sheet.upright_lines(axis, along, [(y - 3, y + _BAR + 3)])
    x = along.start
    for number, (part, seconds) in enumerate(zip(told.parts, row.seconds, strict=True)):
        end = x + along.at(seconds) - along.at(0)
        if seconds:
            said = f"{row.name}, {part.name}: {told.wording.time(seconds)}"
            bar = Bar(x, y, end - x, _BAR, _colour(number), SHADES, said=said)
            sheet.add(*(hatched(bar, role=bar.role) if part.hatched else (bar,)))
        x = end
    total = told.wording.time(sum(row.seconds))
    sheet.backed(x + GAP, y + _BAR - 6, total, bold=True)
    for number, line in enumerate(_words(told, row, sheet.width - along.start)):
        sheet.text(along.start, y + _BAR + LINE * (number + 1) - 1, line, role="quiet")
