"""The share of each month that met a target, beside the goal.

What is kept from readers is drawn as kept, and a month without a case as such: neither is a share of nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from throughput.charts.model import Bar, Drawing, Entry, Role, hatched, pale
from throughput.charts.scales import Scale, shares
from throughput.charts.sheet import GAP, LINE, WIDE, About, Sheet, width_of

_HEIGHT = 168.0
_ROW = 24.0
_BESIDE = 13
"""So many months stand beside each other; more are rows."""


@dataclass(frozen=True)
class MonthShare:
    """A month's share, None where there is none: kept from readers if `hidden`, else without a case."""

    month: date
    share: float | None
    hidden: bool = False


@dataclass(frozen=True, kw_only=True)
class Months(About):
    """Shares of months in their order, the goal and its name, and the names of what has no bar."""

    months: Sequence[MonthShare]
    goal: float
    goal_name: str
    hidden: str
    no_case: str
    met: str
    missed: str


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
    found: list[Entry] = []
    if any(_met(told, one) for one in told.months):
        found.append(("series-1", "full", told.met))
    if any(_met(told, one) is False for one in told.months):
        found.append(("series-2", "pale", told.missed))
    if any(one.hidden for one in told.months):
        found.append(("quiet", "hatched", f"* {told.hidden}"))
    if any(one.share is None and not one.hidden for one in told.months):
        found.append(("paper", "full", f"– {told.no_case}"))
    return found


def _met(told: Months, one: MonthShare) -> bool | None:
    return None if one.share is None or one.hidden else one.share >= told.goal


def _said(told: Months, one: MonthShare) -> str:
    if one.hidden:
        return "*"
    if one.share is None:
        return "–"
    return told.wording.percent(one.share, _decimals(told))


def _decimals(told: Months) -> int:
    """As many as tell every share that missed the goal from one that met it."""
    shares_ = [one.share for one in told.months if one.share is not None and not one.hidden]
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
        inside = one.share is not None and not one.hidden and bottom - ups.at(one.share) > LINE
        floor = bottom if inside or one.share is None or one.hidden else ups.at(one.share)
        role: Role = "paper" if inside and _met(told, one) else "ink"
        write = sheet.backed if one.hidden else sheet.text
        write(middle, floor - 5, _said(told, one), role=role, anchor="middle", bold=True)
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
    bottom = sheet.y + GAP + _ROW * len(told.months)
    axis = shares(told.wording)
    top = sheet.y + GAP
    sheet.upright_lines(axis, along, [(top, bottom)])
    for number, (one, name) in enumerate(zip(told.months, names, strict=True)):
        y = top + number * _ROW
        sheet.text(0, y + _ROW / 2 + 4, name)
        _bar(sheet, told, one, Bar(left, y + 3, right - left, _ROW - 6, "quiet"), upright=False)
        sheet.text(sheet.width, y + _ROW / 2 + 4, _said(told, one), anchor="end", bold=True)
    sheet.cased(((goal, top), (goal, bottom)))
    sheet.text(goal, sheet.y, _goal(told), anchor="end" if goal > sheet.width / 2 else "start")
    sheet.foot(axis, along, bottom)


def _goal(told: Months) -> str:
    decimals = 0 if round(told.goal, 2) == told.goal else 1
    return f"{told.goal_name}\u00a0{told.wording.percent(told.goal, decimals)}"


def _bar(sheet: Sheet, told: Months, one: MonthShare, room: Bar, *, upright: bool) -> None:
    """The bar within its room; hatched all over where the share is kept, none where there is none."""
    if one.hidden:
        sheet.add(*hatched(room, role="quiet", step=9))
    elif one.share:
        met = _met(told, one)
        said = f"{told.wording.month(one.month)}: {told.wording.percent(one.share, _decimals(told))}"
        size = room.height * one.share if upright else room.width * one.share
        bar = replace(room, role="series-1" if met else "series-2", said=said)
        if upright:
            bar = replace(bar, y=room.y + room.height - size, height=size)
        else:
            bar = replace(bar, width=size)
        sheet.add(*((bar,) if met else pale(bar)))
