"""Many months in a row tell no hidden count: what is in hand at the end of one is so when the next begins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from throughput import changes, month_table, small_cells
from throughput.monitor import Monitor, Month, before, counting, months
from throughput.month_shape import ALL, Kind
from throughput.month_table import Counted, Followed, MonthTold, month_told
from throughput.whole_numbers import Shifts, WholeNumbers

ZONE = ZoneInfo("Europe/Amsterdam")
PERIOD = months(Month(2026, 1), Month(2026, 12))
BEFORE = Month(2025, 12)
Flow = tuple[int, int, int, int, int]
"""Of a month: how many began, met the norm, missed it, were withdrawn, and ended in its last week."""
BEGAN, MET, MISSED, WITHDRAWN, LATE, OPEN = range(6)
KINDS: dict[Kind, tuple[int, ...]] = {
    "started": (BEGAN,),
    "in_progress": (OPEN, LATE),
    ("met", 0): (MET,),
    ("missed", 0): (MISSED,),
    ("ended", "done"): (MET, MISSED),
    ("ended", "withdrawn"): (WITHDRAWN,),
    ("ended", ALL): (MET, MISSED, WITHDRAWN),
}
ENDS = (("done", 0), ("done", 1), ("withdrawn", None))


def requests(flows: Sequence[Flow], in_hand: int, unit: str = "a") -> list[Followed]:
    """Those who flow so; the oldest end first."""
    waiting, found = [BEFORE] * in_hand, []
    for month, (began, *ended, late) in zip(PERIOD, flows, strict=False):
        waiting += [month] * began
        ends = [end for end, many in zip(ENDS, ended, strict=True) for _ in range(many)]
        for n, (outcome, took) in enumerate(ends):
            day = datetime(month.year, month.month, 28 if n < late else 12, tzinfo=UTC)
            found.append(request(unit, waiting.pop(0), day, outcome, took))
    return [*found, *(request(unit, month) for month in waiting)]


def request(
    unit: str, month: Month, day: datetime | None = None, outcome: str | None = None, took: int | None = None
) -> Followed:
    opened = datetime(month.year, month.month, 4, tzinfo=UTC)
    return Followed(unit, opened, day, outcome, 1, took, "letter", frozenset({"done", "withdrawn"}))


def told(
    tables: Mapping[Month, MonthTold], *, in_hand_before: float = 50, idle: Mapping[str, int] | None = None
) -> list[tuple[str, Kind, str | None]]:
    """The small counts of months that follow from all that their reports print of units and of all together:
    scipy finds no other ones. So many at most were in hand of a unit before the first: 0 where the office
    began with it, as everybody knows who works there. `idle`: units that had nothing from some month on.
    """
    idle = idle or {}
    period, units = list(tables), sorted(set().union(*(table.units for table in tables.values())))
    size, per = len(units) * (6 * len(period) + 1), 6 * len(period) + 1
    rows, lows, highs, hidden = [], [], [], []
    for n, at in product(range(len(units)), range(len(period))):
        first, tie, late = n * per + 6 * at, np.zeros(size), np.zeros(size)
        tie[[first + BEGAN, first - 6 + OPEN if at else n * per + per - 1]] = 1
        tie[[first + one for one in (OPEN, MET, MISSED, WITHDRAWN)]] = -1
        late[[first + one for one in (MET, MISSED, WITHDRAWN)]], late[first + LATE] = 1, -1
        rows, lows, highs = [*rows, tie, late], [*lows, 0, 0], [*highs, 0, np.inf]
    for (at, month), (kind, parts), unit in product(enumerate(period), KINDS.items(), (None, *units)):
        row, known = np.zeros(size), tables[month].within(kind, unit, "letter")
        own = [n for n, one in enumerate(units) if unit in {None, one}]
        row[[n * per + 6 * at + part for n in own for part in parts]] = 1
        rows, lows, highs = [*rows, row], [*lows, known.low], [*highs, known.high]
        is_there = unit is None or any(unit in tables[one].units for one in period[: at + 1])
        is_there &= at < idle.get(unit or "", len(period))
        if is_there and known.low < known.high and known.low <= 2:
            hidden.append(((str(month), kind, unit), row))
    fits = LinearConstraint(np.array(rows), lows, highs)
    most = np.full(size, 50.0)
    most[per - 1 :: per] = in_hand_before
    for unit, since in idle.items():
        first = units.index(unit) * per
        most[first + 6 * since : first + per - 1] = 0
    found: list[np.ndarray] = []

    def is_told(row: np.ndarray) -> bool:
        for sign in (1, -1):
            if len({round(float(row @ one)) for one in found}) < 2:
                best = milp(sign * row, constraints=fits, bounds=Bounds(0, most), integrality=np.ones(size))
                found.append(np.round(best.x))
        return len({round(float(row @ one)) for one in found}) < 2

    return [place for place, row in hidden if is_told(row)]


def sparse(seed: int, units: Sequence[str], in_a_month: float) -> list[Followed]:
    """Requests of a year that go on from month to month."""
    draw, found = Random(seed), []  # noqa: S311 (the same each time)
    for unit in units:
        for _ in range(round(in_a_month * 12)):
            opened = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=draw.uniform(0, 365))
            lasts = draw.lognormvariate(2.5, 1)
            ended = opened + timedelta(days=lasts)
            outcome = "withdrawn" if draw.random() < 0.1 else "done"
            took = int(lasts > 10) if outcome == "done" else None
            if ended.year > 2026:
                ended, outcome, took = None, None, None
            reasons = frozenset({"done", "withdrawn"})
            found.append(Followed(unit, opened, ended, outcome, 1, took, "letter", reasons))
    return found


@pytest.mark.parametrize(
    ("units", "in_a_month", "offices"), [("a", 4, 6), ("a", 8, 6), ("ab", 3, 3), ("abcd", 3, 1)]
)
def test_a_year_tells_none_of_its_small_counts(units: str, in_a_month: float, offices: int) -> None:
    """Longer than the months that one is decided with; with the first of them the office began. After half a
    year each is kept for good.
    """
    for seed in range(offices):
        tables = Monitor.of(sparse(seed, units, in_a_month), PERIOD, ZONE).tables
        assert told(tables, in_hand_before=0) == [], seed
        assert all(back < 6 for table in tables.values() for back, _ in table.unsure), seed


def test_that_nothing_was_in_hand_before_the_first_month_tells_nothing_of_those_after_it() -> None:
    """Of 5 and 7 that began 3 and 7 have ended: of 4 that end in March two at least began in it."""
    flows = [(5, 2, 1, 0, 2), (7, 5, 2, 0, 3), (2, 1, 3, 0, 0)]
    tables = Monitor.of(requests(flows, in_hand=0), PERIOD[:3], ZONE).tables
    assert told(tables, in_hand_before=0) == []


def test_what_is_in_hand_at_the_end_of_a_year_tells_nothing_of_its_spring() -> None:
    """By what is printed of June to December two were in hand in May, where four months alone are reckoned
    with; and so nobody withdrew in August and September.
    """
    flows = [
        *(
            (6, 4, 2, 1, 1),
            (6, 3, 0, 1, 1),
            (6, 6, 1, 2, 2),
            (7, 4, 1, 0, 3),
            (5, 5, 0, 1, 0),
            (6, 4, 1, 2, 1),
        ),
        *(
            (6, 3, 2, 0, 1),
            (7, 4, 3, 0, 2),
            (7, 4, 3, 0, 3),
            (3, 3, 2, 0, 2),
            (6, 3, 0, 1, 1),
            (7, 2, 4, 0, 0),
        ),
    ]
    tables = Monitor.of(requests(flows, in_hand=3), PERIOD, ZONE).tables
    assert told(tables) == []


def test_requests_of_one_unit_that_are_destroyed_tell_nothing_of_another() -> None:
    """What was told of that one fits no more; of the other 10 and then 12 in hand would tell that 2 began."""
    may, june, july = (month.begins(ZONE) for month in PERIOD[4:7])
    own = [request("a", BEFORE)] * 10
    told_of_may = month_told(lambda _: Counted([*own, *[request("b", BEFORE)] * 10], may, june), 1)
    left = [*own, *[request("a", PERIOD[5])] * 2, *[request("b", BEFORE)] * 4]
    told_of_june = month_told(
        lambda back: Counted(left, *((may, june) if back else (june, july))), 1, before=[told_of_may]
    )
    assert told_of_may.shown("in_progress", "a", "letter") == 10
    assert told_of_june.shown("in_progress", "a", "letter") is None


@pytest.mark.parametrize("seed", range(3))
def test_no_count_is_kept_by_a_unit_that_turns_out_to_have_had_none(seed: int) -> None:
    """Five months on it is among those of the month no longer: it had none in the four before, either."""
    found = [one for one in sparse(seed, "abc", 4) if one.unit != "b" or one.opened_at.month < 3]
    found = [one if one.unit != "b" else ended_by(one, PERIOD[3].begins(ZONE)) for one in found]
    assert told(Monitor.of(found, PERIOD, ZONE).tables, idle={"b": 3}) == []


def ended_by(one: Followed, day: datetime) -> Followed:
    if one.ended_at is not None and one.ended_at < day:
        return one
    return replace(one, ended_at=day - timedelta(days=9), outcome="done", took=1)


@pytest.mark.parametrize(("seed", "days"), [(9, 62), (9, 35)])
def test_requests_that_are_destroyed_after_their_month_let_no_count_be_told(seed: int, days: int) -> None:
    """Each month is counted of what is there when it is over: all of its own, and less of those before."""
    found, tables = sparse(seed, "ab", 5), dict[Month, MonthTold]()
    for month in PERIOD:
        since = month.next.begins(ZONE) - timedelta(days=days)
        there = [one for one in found if one.ended_at is None or one.ended_at > since]
        counted = counting(lambda _, there=there: there, month, ZONE)
        tables[month] = month_told(counted, 1, before=before(tables, month))
    assert told(tables) == []


def test_a_month_of_which_a_search_is_given_up_prints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not what it would print alone: of that the months before may tell what it hides."""
    found = sparse(1, "a", 8)
    tables = Monitor.of(found, PERIOD[:4], ZONE).tables
    earlier, last = before(tables, PERIOD[3]), counting(lambda _: found, PERIOD[3], ZONE)
    assert month_told(last, 1, before=earlier).counts

    class GivenUp(Shifts):
        """It finds nothing, and can't say that there is nothing."""

        def of(self, *_: object, **__: object) -> None:  # type: ignore[override]
            self._solver.gave_up = True

    def hidden(*of: Any, before: small_cells.Before, **more: Any) -> small_cells.Hidden:
        with monkeypatch.context() as patch:
            if before.known:
                patch.setattr(changes, "Shifts", GivenUp)
                patch.setattr(WholeNumbers, "least", lambda *_, **__: None)
            return small_cells.hidden(*of, before=before, **more)

    monkeypatch.setattr(month_table, "hidden", hidden)
    assert month_told(last, 1, before=earlier).counts == {}
