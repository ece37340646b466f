"""Many months in a row tell no hidden count: what is in hand at the end of one is so when the next begins."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from throughput.monitor import Monitor, Month, months
from throughput.month_shape import ALL, Kind
from throughput.month_table import Followed, MonthTold, month_told

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
    for month, (began, *ended, late) in zip(PERIOD, flows, strict=True):
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


def told(tables: dict[Month, MonthTold], unit: str) -> list[tuple[str, Kind]]:
    """The hidden counts of a unit that follow from all that its report prints: scipy finds no other ones."""
    size = 6 * len(PERIOD) + 1  # and how many were in hand before
    rows, lows, highs, hidden = [], [], [], []
    for at, month in enumerate(PERIOD):
        tie, late = np.zeros(size), np.zeros(size)
        tie[[6 * at + BEGAN, 6 * (at - 1) + OPEN if at else -1]] = 1
        tie[[6 * at + one for one in (OPEN, MET, MISSED, WITHDRAWN)]] = -1
        late[[6 * at + one for one in (MET, MISSED, WITHDRAWN)]], late[6 * at + LATE] = 1, -1
        rows, lows, highs = [*rows, tie, late], [*lows, 0, 0], [*highs, 0, np.inf]
        for kind, parts in KINDS.items():
            row, known = np.zeros(size), tables[month].within(kind, unit, "letter")
            row[[6 * at + part for part in parts]] = 1
            rows, lows, highs = [*rows, row], [*lows, known.low], [*highs, known.high]
            if known.low < known.high:
                hidden.append((str(month), kind, row))
    fits = LinearConstraint(np.array(rows), lows, highs)

    def least(aim: np.ndarray) -> int:
        found = milp(aim, constraints=fits, bounds=Bounds(0, 1000), integrality=np.ones(size))
        return round(float(aim @ np.round(found.x)))

    return [(month, kind) for month, kind, row in hidden if least(row) == -least(-row)]


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
    assert told(dict(tables), "a") == []


def test_requests_of_one_unit_that_are_destroyed_tell_nothing_of_another() -> None:
    """What was told of that one fits no more; of the other 10 and then 12 in hand would tell that 2 began."""
    may, june, july = (month.begins(ZONE) for month in PERIOD[4:7])
    own = [request("a", BEFORE)] * 10
    told_of_may = month_told([*own, *[request("b", BEFORE)] * 10], may, june, 1)
    left = [*own, *[request("a", PERIOD[5])] * 2, *[request("b", BEFORE)] * 4]
    told_of_june = month_told(left, june, july, 1, before=[told_of_may])
    assert told_of_may.shown("in_progress", "a", "letter") == 10
    assert told_of_june.shown("in_progress", "a", "letter") is None
