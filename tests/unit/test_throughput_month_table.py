"""No choice of months, units, processes and norms tells a hidden count: by trying all counts that fit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from throughput.monitor import Monitor, Month, Printed, months
from throughput.month_table import ALL, Followed, MonthTold

ZONE = ZoneInfo("Europe/Amsterdam")
PERIOD = months(Month(2026, 5), Month(2026, 6))
UNITS, KEYS, NORMS, SMALL = ("board", "records"), ("letter", "plan"), 2, 2
ENDS = ("withdrawn", 0, 1, 2)
"""As cases end: the norm that they meet, if they are done."""
Base = tuple[str, str, Month, str | int]
BASE: list[Base] = list(product(UNITS, KEYS, PERIOD, ENDS))


def cases(counts: dict[Base, int]) -> list[Followed]:
    """So many of each kind; each begins and ends within a month."""
    return [
        Followed(
            unit,
            datetime(month.year, month.month, 4, tzinfo=UTC),
            datetime(month.year, month.month, 12, tzinfo=UTC),
            "withdrawn" if end == "withdrawn" else "done",
            1,
            None if isinstance(end, str) else end,
            key,
        )
        for (unit, key, month, end), count in counts.items()
        for _ in range(count)
    ]


def told_by(report: Printed, norm: int) -> Iterator[tuple[str, set[Base], int]]:
    """Every count that a report prints, and which kinds of cases it is the sum of."""
    for month in report.months:
        yield from _of(report, norm, [month], month)
    yield from _of(report, norm, list(report.months), ALL)


def _of(
    report: Printed, norm: int, some: list[Month], at: Month | str
) -> Iterator[tuple[str, set[Base], int]]:
    def cells(*ends: str | int) -> set[Base]:
        return {
            one
            for one in BASE
            if report.unit in {None, one[0]}
            and report.key in {None, one[1]}
            and one[2] in some
            and one[3] in ends
        }

    done = tuple(range(NORMS + 1))
    kinds = [
        ("started", report.started[at], ENDS),
        ("ended", report.ended[at, ALL], ENDS),
        ("ended", report.ended.get((at, "done")), done),
        ("ended", report.ended.get((at, "withdrawn")), ("withdrawn",)),
        ("ended", report.met[at], done[: norm + 1]),
        ("ended", report.missed[at], done[norm + 1 :]),
    ]
    yield from ((what, cells(*ends), count) for what, count, ends in kinds if count is not None)


def everything(found: list[Followed]) -> list[tuple[str, set[Base], int]]:
    """All counts of all reports that anybody may ask for, each period counted by itself."""
    told: dict[tuple[str, frozenset[Base], int], None] = {}
    for first, last in ((0, 0), (1, 1), (0, 1)):
        monitor = Monitor.of(found, PERIOD[first : last + 1], ZONE, norms=NORMS)
        for unit, key, norm in product((None, *UNITS), (None, *KEYS), range(NORMS)):
            for what, cells, count in told_by(monitor.report(unit, key, norm), norm):
                told[what, frozenset(cells), count] = None
    return [(what, set(cells), count) for what, cells, count in told]


def small_sums(counts: dict[Base, int], of: str) -> Iterator[set[Base]]:
    """What is counted in a month for some unit and process, or all, and comes to two or fewer."""
    done = tuple(range(NORMS + 1))
    of_ended = [ENDS, done, *((end,) for end in ENDS), done[:2], done[1:]]
    kinds = [ENDS] if of == "started" else of_ended
    for unit, key, month, kind in product((None, *UNITS), (None, *KEYS), PERIOD, kinds):
        cells = {
            one
            for one in BASE
            if unit in {None, one[0]} and key in {None, one[1]} and one[2] == month and one[3] in kind
        }
        if 0 < sum(counts[one] for one in cells) <= SMALL:
            yield cells


def untold(counts: dict[Base, int], of: str) -> list[set[Base]]:
    """The small sums that somebody could tell who reads all reports: scipy finds no whole counts that
    fit all that is told and come to another sum.
    """
    told = [(cells, count) for what, cells, count in everything(cases(counts)) if what == of]
    rows = np.array([[one in some for one in BASE] for some, _ in told] or [[0] * len(BASE)], dtype=float)
    sums = np.array([total for _, total in told] or [0], dtype=float)
    fits = LinearConstraint(rows, sums, sums)
    true = np.array([counts[one] for one in BASE])
    left = [np.array([one in cells for one in BASE], dtype=float) for cells in small_sums(counts, of)]
    found = []
    while left:
        aim = left[-1]
        for sign in (1, -1):
            solved = milp(
                sign * aim, constraints=fits, bounds=Bounds(0, 1000), integrality=np.ones(len(BASE))
            )
            other = np.round(solved.x)
            if aim @ other != aim @ true:
                break
        else:
            found.append({one for one, there in zip(BASE, aim, strict=True) if there})
            left.pop()
        left = [one for one in left if one @ other == one @ true]
    return found


@pytest.mark.parametrize("of", ["started", "ended"])
@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 5, 9, 30]), min_size=len(BASE), max_size=len(BASE)))
def test_all_reports_together_tell_no_small_count(of: str, values: list[int]) -> None:
    assert untold(dict(zip(BASE, values, strict=True)), of) == []


def test_what_is_hidden_in_one_period_is_hidden_in_all() -> None:
    counts = {one: 9 + n for n, one in enumerate(BASE)}
    counts["board", "letter", PERIOD[0], 2] = 1
    found = cases(counts)
    alone = Monitor.of(found, PERIOD[:1], ZONE, norms=NORMS).report("board", "letter", 1)
    both = Monitor.of(found, PERIOD, ZONE, norms=NORMS).report("board", "letter", 1)
    assert alone.missed[PERIOD[0]] is both.missed[PERIOD[0]] is None
    assert both.missed[PERIOD[1]] is not None
    assert both.missed[ALL] is None
    assert both.mean == Monitor.of(found, PERIOD[1:], ZONE, norms=NORMS).report("board", "letter", 1).mean


@pytest.mark.parametrize("month", PERIOD)
def test_what_is_kept_of_a_month_holds_nothing_hidden(month: Month) -> None:
    counts = dict.fromkeys(BASE, 12) | {("board", "letter", month, 2): 1}
    told = Monitor.of(cases(counts), PERIOD, ZONE, norms=NORMS).tables[month]
    assert MonthTold.from_json(told.to_json()) == told
    assert min(told.counts.values()) > SMALL


def test_a_unit_elsewhere_changes_nothing_in_a_month_in_which_it_has_no_case() -> None:
    found = cases(dict.fromkeys(BASE, 4))
    later = [replace(one, unit="new") for one in found if one.opened_at.month == 6]
    before = Monitor.of(found, PERIOD, ZONE, norms=NORMS).tables[PERIOD[0]]
    assert Monitor.of([*found, *later], PERIOD, ZONE, norms=NORMS).tables[PERIOD[0]] == before
