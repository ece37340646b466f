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

from throughput.monitor import Monitor, Month, Printed, before, counting, months
from throughput.month_shape import ALL, Kind
from throughput.month_table import Followed, MonthTold, month_told

ZONE = ZoneInfo("Europe/Amsterdam")
PERIOD = months(Month(2026, 5), Month(2026, 6))
UNITS, KEYS, NORMS, SMALL = ("board", "records"), ("letter", "plan"), 2, 2
REASONS = frozenset({"done", "withdrawn"})
ENDS = ("withdrawn", 0, 1, 2)
"""As cases end: the norm that they meet, if they are done."""
Base = tuple[str, str, Month, str | int]
BASE: list[Base] = list(product(UNITS, KEYS, PERIOD, ENDS))
FAR = 1000
Told = tuple[str, set[Base], int, int]
"""Whether it is of what began or ended, which cases it counts, and the least and the most that it may be."""


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
            REASONS,
        )
        for (unit, key, month, end), count in counts.items()
        for _ in range(count)
    ]


def told_by(monitor: Monitor, report: Printed, norm: int) -> Iterator[Told]:
    """Every count that a report prints, and which kinds of cases it is the sum of; of those that it hides,
    what may be known of them.
    """
    for month, table in monitor.tables.items():
        for kind, ends in _kinds(norm):
            known = table.within(kind, report.unit, report.key)
            yield _what(kind), _cells(report, [month], ends), known.low, int(min(known.high, FAR))
        worst, best, (*_, met, missed) = report.reach[month].worst, report.reach[month].best, _kinds(norm)
        yield "ended", _cells(report, [month], met[1]), int(worst.met), int(min(best.met, FAR))
        yield "ended", _cells(report, [month], missed[1]), int(best.missed), int(min(worst.missed, FAR))
    for kind, ends in _kinds(norm):
        if (count := _of_period(report, kind)) is not None:
            yield _what(kind), _cells(report, list(report.months), ends), count, count


def _what(kind: Kind) -> str:
    return "started" if kind == "started" else "ended"


def _kinds(norm: int) -> list[tuple[Kind, tuple[str | int, ...]]]:
    done = tuple(range(NORMS + 1))
    return [
        ("started", ENDS),
        (("ended", ALL), ENDS),
        (("ended", "done"), done),
        (("ended", "withdrawn"), ("withdrawn",)),
        (("met", norm), done[: norm + 1]),
        (("missed", norm), done[norm + 1 :]),
    ]


def _of_period(report: Printed, kind: Kind) -> int | None:
    match kind:
        case ("ended", reason):
            return report.ended.get((ALL, str(reason)))
        case (name, _):
            return (report.met if name == "met" else report.missed)[ALL]
    return report.started[ALL]


def _cells(report: Printed, some: list[Month], ends: tuple[str | int, ...]) -> set[Base]:
    return {
        one
        for one in BASE
        if report.unit in {None, one[0]}
        and report.key in {None, one[1]}
        and one[2] in some
        and one[3] in ends
    }


def everything(found: list[Followed]) -> list[Told]:
    """All that all reports say that anybody may ask for."""
    told: dict[tuple[str, frozenset[Base], int, int], None] = {}
    counted = Monitor.of(found, PERIOD, ZONE, norms=NORMS).tables
    for first, last in ((0, 0), (1, 1), (0, 1)):
        monitor = Monitor({month: counted[month] for month in PERIOD[first : last + 1]})
        for unit, key, norm in product((None, *UNITS), (None, *KEYS), range(NORMS)):
            for what, cells, *ends in told_by(monitor, monitor.report(unit, key, norm), norm):
                told[what, frozenset(cells), ends[0], ends[1]] = None
    return [(what, set(cells), *ends) for what, cells, *ends in told]  # type: ignore[misc]


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
    told = [(cells, low, high) for what, cells, low, high in everything(cases(counts)) if what == of]
    rows = np.array([[one in some for one in BASE] for some, *_ in told], dtype=float)
    fits = LinearConstraint(rows, [low for _, low, _ in told], [high for *_, high in told])
    true = np.array([counts[one] for one in BASE])
    left = [np.array([one in cells for one in BASE], dtype=float) for cells in small_sums(counts, of)]
    found = []
    while left:
        aim = left[-1]
        for sign in (1, -1):
            solved = milp(sign * aim, constraints=fits, bounds=Bounds(0, FAR), integrality=np.ones(len(BASE)))
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


def test_that_nobody_withdrew_is_hidden_as_that_one_did() -> None:
    """Where requests can be withdrawn: else it would be had from those that ended and were done."""
    told = [
        Monitor.of(
            cases(dict.fromkeys(BASE, 9) | {one: few for one in BASE if one[3] == "withdrawn"}),
            PERIOD,
            ZONE,
            norms=NORMS,
        )
        for few in (0, 1)
    ]
    none, one = (monitor.report("board", "letter") for monitor in told)
    for report in (none, one):
        assert report.reasons == ("done", "withdrawn")
        for at in (*PERIOD, ALL):
            assert report.ended[at, "withdrawn"] is None
            assert None in (report.ended[at, "done"], report.ended[at, ALL])


def test_what_is_hidden_in_one_period_is_hidden_in_all() -> None:
    counts = {one: 9 + n for n, one in enumerate(BASE)}
    counts["board", "letter", PERIOD[0], 2] = 1
    found = cases(counts)
    alone = Monitor.of(found, PERIOD[:1], ZONE, norms=NORMS).report("board", "letter", 1)
    both = Monitor.of(found, PERIOD, ZONE, norms=NORMS).report("board", "letter", 1)
    assert alone.missed[PERIOD[0]] is both.missed[PERIOD[0]] is None
    assert both.missed[PERIOD[1]] is not None
    assert both.missed[ALL] is None
    assert both.shares == Monitor.of(found, PERIOD[1:], ZONE, norms=NORMS).report("board", "letter", 1).shares


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


# --- what began has ended, or is in hand, and so it is at the end of a month and when the next begins


THREE = months(Month(2026, 5), Month(2026, 7))
ENDED: tuple[tuple[int, int] | None, ...] = (*product((5, 6, 7), (12, 29)), None)
Stay = tuple[str, int, tuple[int, int] | None, str]
"""Of a unit: the month in which some began, month and day on which they ended if they did, and how."""
STAYS: list[Stay] = [
    (unit, begun, ended, end)
    for unit, begun, ended, end in product(UNITS, (4, 5, 6, 7), ENDED, ("done", "withdrawn"))
    if ended is None or begun <= ended[0]
]


def stays(counts: dict[Stay, int]) -> list[Followed]:
    return [
        Followed(
            unit,
            datetime(2026, begun, 4, tzinfo=UTC),
            datetime(2026, *ended, tzinfo=UTC) if ended else None,
            end if ended else None,
            1,
            0 if ended and end == "done" else None,
            "letter",
            REASONS,
        )
        for (unit, begun, ended, end), count in counts.items()
        for _ in range(count)
    ]


def counted_as(kind: Kind, month: int, one: Stay) -> bool:
    _, begun, ended, end = one
    match kind:
        case "started":
            return begun == month
        case "in_progress":
            return begun <= month and (ended is None or ended >= (month, 29))
        case (_, reason):
            return ended is not None and ended[0] == month and reason in {end, ALL}
    return False


def told_of(counts: dict[Stay, int]) -> list[tuple[Month, Kind, str | None]]:
    """The hidden small counts of three months that follow from what is printed of all of them: scipy finds no
    other stays that fit.
    """
    tables = Monitor.of(stays(counts), THREE, ZONE).tables
    kinds: tuple[Kind, ...] = (
        "started",
        "in_progress",
        *(("ended", one) for one in ("done", "withdrawn", ALL)),
    )
    places = [  # of a unit that had none yet nothing is kept
        (month, kind, unit)
        for month, kind, unit in product(THREE, kinds, (None, *UNITS))
        if unit is None or any(unit in tables[one].units for one in THREE[: THREE.index(month) + 1])
    ]
    rows = np.array(
        [
            [unit in {None, one[0]} and counted_as(kind, month.month, one) for one in STAYS]
            for month, kind, unit in places
        ],
        float,
    )
    known = [tables[month].within(kind, unit, None) for month, kind, unit in places]
    true = rows @ np.array([counts.get(one, 0) for one in STAYS])
    fits = LinearConstraint(rows, [one.low for one in known], [min(one.high, FAR) for one in known])
    limits = {"bounds": Bounds(0, FAR), "integrality": np.ones(len(STAYS))}
    found, others = [], [true]
    for place, row, count, within in zip(places, rows, true, known, strict=True):
        if count > SMALL or within.low == within.high:
            continue
        at = places.index(place)
        for sign in (1, -1):
            if all(round(other[at]) == round(count) for other in others):
                others.append(rows @ np.round(milp(sign * row, constraints=fits, **limits).x))
        if all(round(other[at]) == round(count) for other in others):
            found.append(place)
    return found


@pytest.mark.parametrize(
    "counts",
    [
        {("board", 5, None, "done"): 8, ("board", 5, (5, 12), "done"): 2},
        {
            ("board", 5, None, "done"): 2,
            ("board", 4, (5, 29), "done"): 9,
            ("records", 5, (5, 12), "done"): 2,
            ("records", 5, None, "done"): 7,
        },
    ],
)
def test_that_few_ended_is_not_told_by_what_began_and_is_in_hand(counts: dict[Stay, int]) -> None:
    assert told_of(counts) == []


@pytest.mark.parametrize(
    "counts",
    [
        {("board", 4, None, "done"): 10, ("board", 6, None, "done"): 2},
        {("board", 4, None, "done"): 10, ("board", 6, None, "done"): 1, ("board", 7, None, "done"): 2},
        {("board", 4, None, "done"): 12, ("board", 5, (5, 29), "done"): 3, ("board", 7, None, "done"): 2},
        {  # of June nothing may follow from May and July together
            ("board", 6, None, "done"): 12,
            ("board", 5, (7, 29), "withdrawn"): 3,
            ("board", 7, (7, 29), "done"): 8,
        },
    ],
)
def test_that_few_began_is_not_told_by_what_is_in_hand_from_month_to_month(counts: dict[Stay, int]) -> None:
    """Of 10 in hand, and then 12, two at least began. The last takes two months before to be kept."""
    assert told_of(counts) == []


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(STAYS), st.sampled_from([1, 2, 4, 8, 12]), min_size=2, max_size=9))
def test_months_tell_no_small_count_by_what_began_ended_and_is_in_hand(counts: dict[Stay, int]) -> None:
    assert told_of(counts) == []


def test_a_unit_that_has_no_request_any_more_tells_nothing_of_the_month_before() -> None:
    """That nobody was open when a month began is a small count of the one before."""
    few: dict[Stay, int] = {("board", 5, (5, 12), "done"): 9, ("records", 5, None, "done"): 30}
    gone, there = (stays({**few, ("board", 5, ended, "done"): 2}) for ended in ((5, 29), (6, 12)))
    for found in (gone, there):
        june = Monitor.of(found, THREE[:2], ZONE).tables[THREE[1]]
        assert june.shown("in_progress", "board", None) is None
        assert june.shown(("ended", ALL), "board", None) is None


def test_what_does_not_fit_any_more_is_not_reckoned_with() -> None:
    """Requests that are destroyed are counted no longer; what was told of them stays."""
    counts: dict[Stay, int] = {("board", 4, None, "done"): 10, ("board", 6, None, "done"): 9}
    may = Monitor.of(stays(counts), THREE[:1], ZONE).tables[THREE[0]]
    left = stays({("board", 6, None, "done"): 9})
    june = month_told(counting(lambda _: left, THREE[1], ZONE), 1, before=[may])
    assert june.shown("started", "board", None) == 9


def test_an_end_without_a_name_ties_nothing() -> None:
    """It has ended, and no reason counts it."""
    several = stays({("board", 5, None, "done"): 9})
    gone = replace(several[0], ended_at=datetime(2026, 5, 12, tzinfo=UTC), outcome=None)
    may = Monitor.of([*several, gone], THREE[:2], ZONE).tables[THREE[0]]
    assert (may.shown("started", "board", None), may.shown("in_progress", "board", None)) == (10, 9)


def test_months_before_a_gap_are_not_reckoned_with() -> None:
    tables = Monitor.of(stays({("board", 4, None, "done"): 9}), THREE, ZONE).tables
    assert before(tables, THREE[2]) == [tables[THREE[1]], tables[THREE[0]]]
    assert before({month: tables[month] for month in (THREE[0], THREE[2])}, THREE[2].next) == [
        tables[THREE[2]]
    ]


def many(
    unit: str, month: Month, count: int, took: int, key: str = "letter", tasks: int = 1
) -> list[Followed]:
    """So many that begin in a month and are done in it."""
    opened, ended = (datetime(month.year, month.month, day, tzinfo=UTC) for day in (4, 12))
    return [Followed(unit, opened, ended, "done", tasks, took, key, REASONS)] * count


def test_a_share_is_reckoned_with_a_unit_that_pauses() -> None:
    """Of 12 that met the norm two units had 10 and 2: who knew that a third had none this month knew both."""
    found = many("rest", THREE[0], 7, 0) + many("rest", THREE[0], 4, 1)
    for month in THREE:
        found += many("board", month, 10, 0) + many("board", month, 5, 1)
        found += many("records", month, 2, 0) + many("records", month, 4, 1)
    monitor = Monitor.of(found, THREE, ZONE)
    for unit in UNITS:
        report = monitor.report(unit)
        for month in THREE:
            reach = report.reach[month]
            assert report.met[month] is None
            assert reach.worst.met < (10 if unit == "board" else 2) or reach.best.met > reach.worst.met


def test_a_unit_that_pauses_is_among_those_of_the_month() -> None:
    """Which month it had none in is not told."""
    found = [*many("rest", THREE[0], 7, 0), *(one for month in THREE for one in many("board", month, 10, 0))]
    assert [table.units for table in Monitor.of(found, THREE, ZONE).tables.values()] == [
        {"rest", "board"}
    ] * 3


def test_tasks_of_several_processes_do_not_tell_how_many_were_of_each() -> None:
    """Of 10 with 18 tasks two were of the process that takes five, and eight of that which takes one."""
    month, begun = THREE[0], datetime(2026, 5, 5, tzinfo=UTC)
    waiting = [Followed("board", begun, None, None, 1, None, key, REASONS) for key in KEYS] * 9
    letters = many("board", month, 8, 0, "letter")
    few, more = (
        Monitor.of(
            [*letters, *many("board", month, plans, 0, "plan", tasks=5), *waiting], [month], ZONE
        ).report("board")
        for plans in (2, 7)
    )
    assert few.ended[month, "done"] == 10
    assert few.contacts == {month: None, ALL: None}
    assert not few.tells_contacts(month)
    assert not few.tells_contacts(ALL)
    assert more.contacts == dict.fromkeys((month, ALL), 43 / 15)
    assert more.tells_contacts(ALL)
