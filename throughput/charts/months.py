"""The share of each month that met a target, beside the goal.

What is kept from readers is drawn as kept, and a month without a case as such: neither is a share of nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil, floor

from throughput.charts.model import Bar, Drawing, Entry, Fill, Role, hatched, pale
from throughput.charts.scales import Scale, shares
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of

_HEIGHT = 168.0
_ROW, _LEAST_ROW, _ROWS = 24.0, 15.0, 490.0
"""How high a row is: less where there are many, so that they fit below the words of a first page."""
_BESIDE = 13
"""So many months stand beside each other; more are rows."""


@dataclass(frozen=True)
class MonthShare:
    """A month's share, from `low` to `high` where hidden counts leave it open.

    None where there is none: kept from readers if `hidden`, else without a case.
    """

    month: date
    low: float | None
    high: float | None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Months(About):
    """Shares of months in their order, the goal and its name, and the names of what the key tells.

    `unsure`: of what a share may be up to; `unclear`: of one that may meet the goal, or miss it.
    """

    months: Sequence[MonthShare]
    goal: float
    goal_name: str
    hidden: str
    no_case: str
    met: str
    missed: str
    unsure: str
    unclear: str


def months(told: Months, width: float = WIDE) -> Drawing:
    """Draw it: months along; on a narrow sheet, or of many months, each in a row."""
    sheet = Sheet(told, width)
    if not told.months:
        return sheet.empty()
    sheet.y = sheet.key(_kinds(told), 0) + LINE
    if sheet.narrow or len(told.months) > _BESIDE:
        _rows(sheet, told)
    else:
        _columns(sheet, told)
    return sheet.done()


def _kinds(told: Months) -> list[Entry]:
    """What is to be seen, for the key."""
    roles = {_role(told, one.low, one.high) for one in told.months}
    names: list[tuple[Role, Fill, str]] = [
        ("series-1", "full", told.met),
        ("series-2", "pale", told.missed),
        ("quiet", "full", told.unclear),
    ]
    found: list[Entry] = [entry for entry in names if entry[0] in roles]
    if any(one.low != one.high for one in told.months):
        found.append(("quiet", "hatched", told.unsure))
    if any(one.hidden for one in told.months):
        found.append(("quiet", "hatched", f"* {told.hidden}"))
    if any(one.low is None and not one.hidden for one in told.months):
        found.append(("paper", "full", f"– {told.no_case}"))
    return found


def _role(told: Months, low: float | None, high: float | None) -> Role | None:
    """The colour that says whether a share meets the goal."""
    if low is None or high is None:
        return None
    return "series-1" if low >= told.goal else "series-2" if high < told.goal else "quiet"


def _said(told: Months, one: MonthShare) -> str:
    if one.low is None or one.high is None:
        return "*" if one.hidden else "–"
    if one.low == one.high:
        return told.wording.percent(one.low, _decimals(told))
    low, high = (round(100 * end, 6) for end in (one.low, one.high))  # 100 · 0.29 is 28.999…
    return f"{floor(low)}–{told.wording.percent(ceil(high) / 100, 0)}"


def _lines(said: str, room: float) -> list[str]:
    """A label below each other where it does not fit: it is cut behind the dash."""
    first, dash, last = said.partition("–")
    return [said] if not (first and last) or width_of(said, bold=True) <= room else [first + dash, last]


def _decimals(told: Months) -> int:
    """As many as tell every share that missed the goal from one that met it."""
    shares_ = [one.low for one in told.months if one.low is not None and one.low == one.high]
    unclear = (
        decimals
        for decimals in range(3)
        if all((round(share, 2 + decimals) >= told.goal) == (share >= told.goal) for share in shares_)
    )
    return next(unclear, 3)


def _columns(sheet: Sheet, told: Months) -> None:
    axis = shares(told.wording)
    left = max(width_of(tick.label) for tick in axis.ticks) + GAP
    top, bottom = sheet.y + LINE, sheet.y + LINE + _HEIGHT
    ups = Scale(0, 1, bottom, top)
    sheet.level_lines(axis, ups, left, sheet.width)
    each = (sheet.width - left) / len(told.months)
    size = min(48.0, each - 2 * GAP)
    for number, one in enumerate(told.months):
        middle = left + (number + 0.5) * each
        _bar(sheet, told, one, Bar(middle - size / 2, top, size, bottom - top, "quiet"), upright=True)
        begins = bottom if one.low is None else ups.at(one.low)
        lines = _lines(_said(told, one), size - GAP)
        inside = bottom - begins > LINE * len(lines)
        write = sheet.text if inside or not (one.hidden or one.low != one.high) else sheet.backed
        dark = inside and _role(told, one.low, one.high) != "series-2"
        for line, text in enumerate(reversed(lines)):
            y = (bottom if inside else begins) - 5 - line * LINE
            write(middle, y, text, role="paper" if dark else "ink", anchor="middle", bold=True)
        name = told.wording.months[one.month.month - 1]
        sheet.text(middle, bottom + LINE, name, anchor="middle")
        if number == 0 or one.month.month == 1:
            sheet.text(middle, bottom + 2 * LINE, f"{one.month.year}", role="quiet", anchor="middle")
    y = ups.at(told.goal)
    sheet.cased(((left, y), (sheet.width, y)))
    sheet.text(sheet.width, sheet.y, _goal(told), anchor="end")
    sheet.y = bottom + 2 * LINE + GAP


def _rows(sheet: Sheet, told: Months) -> None:
    names = [told.wording.month(one.month) for one in told.months]
    left = max(map(width_of, names)) + 2 * GAP
    right = sheet.width - max(width_of(_said(told, one), bold=True) for one in told.months) - GAP
    along = Scale(0, 1, left, right)
    goal = along.at(told.goal)
    row = max(_LEAST_ROW, min(_ROW, _ROWS / len(told.months)))
    bottom = sheet.y + GAP + row * len(told.months)
    axis = shares(told.wording)
    top = sheet.y + GAP
    sheet.upright_lines(axis, along, [(top, bottom)])
    for number, (one, name) in enumerate(zip(told.months, names, strict=True)):
        y = top + number * row
        sheet.text(0, y + row / 2 + 4, name)
        _bar(sheet, told, one, Bar(left, y + row / 8, right - left, row * 3 / 4, "quiet"), upright=False)
        sheet.text(sheet.width, y + row / 2 + 4, _said(told, one), anchor="end", bold=True)
    sheet.cased(((goal, top), (goal, bottom)))
    sheet.text(goal, sheet.y, _goal(told), anchor="end" if goal > sheet.width / 2 else "start")
    sheet.foot(axis, along, bottom)


def _goal(told: Months) -> str:
    decimals = 0 if round(told.goal, 2) == told.goal else 1
    return f"{told.goal_name}\u00a0{told.wording.percent(told.goal, decimals)}"


def _bar(sheet: Sheet, told: Months, one: MonthShare, room: Bar, *, upright: bool) -> None:
    """The bar within its room; hatched where the share is left open, all over where it is kept."""
    if one.hidden:
        sheet.add(*hatched(room, role="quiet", step=9))
    role = _role(told, one.low, one.high)
    if role is None or one.low is None or one.high is None:
        return
    said = f"{told.wording.month(one.month)}: {_said(told, one)}"
    if one.high > one.low:
        open_ = replace(_part(room, one.low, one.high, upright=upright), said=said)
        sheet.add(*hatched(open_, role=role))
    if one.low:
        sure = replace(_part(room, 0, one.low, upright=upright), role=role, said=said)
        sheet.add(*(pale(sure) if role == "series-2" else (sure,)))


def _part(room: Bar, low: float, high: float, *, upright: bool) -> Bar:
    """The part of a bar's room from one share to another."""
    size = high - low
    if upright:
        return replace(room, y=room.y + room.height * (1 - high), height=room.height * size)
    return replace(room, x=room.x + room.width * low, width=room.width * size)
