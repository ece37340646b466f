"""Known answers of the monthly report, and what it keeps to itself."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import starmap
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kept_log import kept_of
from tests.unit.test_throughput_compare import in_order, many
from tests.unit.test_throughput_spans import START
from throughput.errors import PeriodUnusable
from throughput.followed import Norm, Target, followed
from throughput.monitor import ALL, Followed, Monitor, Month, Range, Reach, Share, months
from throughput.monitor_rows import document, rows
from throughput.month_table import MonthTold
from throughput.reporting.monitoring import chart as chart_of
from throughput.reporting.monitoring import counts as counts_of_months
from throughput.reporting.monitoring import verdict
from throughput.reporting.words import report_words
from workflow.calendar import parse_working_duration

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
FUND = [(89, 11), (183, 13), (78, 0), (66, 6), (708, 87), (393, 39), (211, 31), (159, 33), (147, 18)]
FUND += [(174, 30), (228, 31), (294, 30)]
MAY, JUNE = Month(2026, 5), Month(2026, 6)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def done(unit: str, opened: str, ended: str, *, met: bool = True, contacts: int = 2) -> Followed:
    return Followed(unit, at(opened), at(ended), "done", contacts, took=0 if met else 1)


def test_the_fund_of_the_source() -> None:
    """Twelve months: the mean of their shares, and beside it all cases together."""
    period = [Month(2020, 11), Month(2020, 12), *months(Month(2021, 7), Month(2022, 4))]
    cases = fund(period)
    report = Monitor.of(cases, period, AMSTERDAM, small=-1).report()
    assert (report.met[ALL], report.missed[ALL]) == (2730, 329)
    mean = sum(met / (met + missed) for met, missed in FUND) / 12
    assert report.pooled is not None
    assert report.mean is not None
    assert (report.pooled.low, report.pooled.high) == (2730 / 3059, 2730 / 3059)
    assert report.pooled.told(2) == (0.8924, 0.8924)
    assert (report.mean.low, report.mean.high) == pytest.approx((mean, mean))


def test_the_fund_as_it_is_printed() -> None:
    """In one month nobody missed the norm, which is hidden; its figures are the fund's all the same."""
    period = [Month(2020, 11), Month(2020, 12), *months(Month(2021, 7), Month(2022, 4))]
    report = Monitor.of(fund(period), period, AMSTERDAM).report()
    assert [month for month in period if report.missed[month] is None] == [Month(2021, 7)]
    assert (report.ended[ALL, "done"], report.missed[ALL], len(report.shares)) == (3059, None, 11)
    assert report.pooled is not None
    assert report.pooled.told(1) == (0.892, 0.892)  # of 89.24 %
    assert report.mean is not None
    assert report.mean.told(1) == (0.895, 0.898)  # around 89.77 %
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.85)
    met, hidden, together = verdict(report, target, report_words("en"))
    assert met.startswith("The goal was met: in the mean of the months 89.5% to 89.8% met the norm")
    assert hidden.startswith("In 1 of the 12 months counts are hidden.")
    assert together == "Of all requests together 89.2% met the norm."
    one = replace(report, months=(Month(2021, 7),))
    assert verdict(one, target, report_words("en"))[1].startswith("In each month counts are hidden.")
    close = verdict(report, replace(target, goal=0.896), report_words("en"))
    assert close[0].startswith("Whether the goal was met can't be told")


def test_a_hidden_month_tells_its_share_as_far_as_the_printed_counts_do() -> None:
    """78 were done and two or fewer missed the norm. An office in which one did prints the same, or two."""
    period = list(months(Month(2021, 6), Month(2021, 8)))
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.85)
    printed = []
    for missed in (0, 1, 2):
        found = fund(period, [(89, 11), (78 - missed, missed), (66, 6)])
        report = Monitor.of(found, period, AMSTERDAM).report()
        heads, *lines = rows(report)
        table = counts_of_months(report, report_words("nl"))
        printed.append(
            (
                report,
                lines,
                table.rows,
                json.dumps(document(report, target)),
                chart_of(report, target, report_words("nl")),
            )
        )
    assert printed[0] == printed[1] == printed[2]
    assert dict(zip(heads, lines[1], strict=True)).items() >= {
        *(
            ("met", "*"),
            ("missed", "*"),
            ("share", "*"),
            ("share at least", "97.4%"),
            ("share at most", "100.0%"),
        )
    }
    assert [row[-1] for row in table.rows] == ["89,0%", "97,4–100,0%", "91,7%", "92,4–93,2%"]
    assert report.met[ALL] is None
    july = document(report, target)["months"][1]
    assert july["share"] == {"low": 76 / 78, "high": 1.0}
    assert july["missed"] is None


def test_a_months_share_of_all_units_follows_from_those_of_each() -> None:
    """Of 184 that were done 3 or 4 missed the norm: of each unit's 92 two or fewer did, and 4 are not few.

    All together that hides more than it tells: 3 or more met the norm, and 3 or more missed it.
    """
    cases = [replace(case, unit=unit) for unit in ("board", "records") for case in fund([MAY], [(90, 2)])]
    report = Monitor.of(cases, [MAY], AMSTERDAM).report()
    assert (report.ended[MAY, "done"], report.met[MAY], report.missed[MAY]) == (184, None, None)
    assert report.between(MAY) == Range(180 / 184, 181 / 184)


def test_what_counts_as_small_bounds_what_may_be_known() -> None:
    found = fund([MAY], [(30, 4)])
    report = Monitor.of(found, [MAY], AMSTERDAM, small=4).report()
    assert report.missed[MAY] is None
    assert report.between(MAY) == Range(30 / 34, 1)
    kept = MonthTold.from_json(Monitor.of(found, [MAY], AMSTERDAM, small=4).tables[MAY].to_json())
    assert Monitor({MAY: kept}).report() == report


def mean_of(counts: Sequence[tuple[int, int]]) -> Fraction | None:
    """The mean of the months' shares, months without a case left out."""
    values = [share.value for share in starmap(Share, counts) if share.value is not None]
    return sum(values, Fraction()) / len(values) if values else None


def fund(period: list[Month], counts: list[tuple[int, int]] = FUND) -> list[Followed]:
    """So many of each month met the norm, and missed it."""
    return [
        done("fund", f"{month}-02", f"{month}-20", met=number < met)
        for month, (met, missed) in zip(period, counts, strict=True)
        for number in range(met + missed)
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 6)), min_size=3, max_size=3))
def test_the_figures_of_a_period_hold_those_of_all_requests(counts: list[tuple[int, int]]) -> None:
    """And the goal is not said to be met, or missed, where it was not: whatever is hidden."""
    period = list(months(Month(2026, 1), Month(2026, 3)))
    cases = fund(period, counts)
    true = mean_of(counts), Share(*map(sum, zip(*counts, strict=True))).value
    told = Monitor.of(cases, period, AMSTERDAM).report()
    for found, exact in zip((told.mean, told.pooled), true, strict=True):
        if found is not None and exact is not None:
            assert found.low - 1e-9 <= exact <= found.high + 1e-9
            low, high = found.told(1)
            assert low - 0.0005 - 1e-9 <= exact <= high + 0.0005 + 1e-9


@pytest.mark.parametrize(
    ("took", "withdrawn", "least", "most"),
    [
        ((77, 3, 0), 6, Share(77, 6), Share(77, 3)),  # of 86 that ended three or more were withdrawn
        ((83, 1, 0), 2, Share(82, 2), Share(86, 0)),  # of 86 that ended two or fewer were
    ],
)
def test_what_ended_in_all_tells_how_many_were_done(
    took: tuple[int, ...], withdrawn: int, least: Share, most: Share
) -> None:
    """Where neither those done nor those withdrawn are told, the month's share is not any number."""
    report = Monitor.of(ended("board", took, withdrawn), months(MAY, MAY), AMSTERDAM, norms=2).report()
    assert (report.ended[MAY, "done"], report.missed[MAY], report.ended[MAY, ALL]) == (None, None, 86)
    assert (report.reach[MAY].worst, report.reach[MAY].best) == (least, most)


def ended(unit: str, took: Sequence[int], withdrawn: int) -> list[Followed]:
    """So many met the first norm, the second, none; and so many were withdrawn."""
    ends = [("done", place, count) for place, count in enumerate(took)] + [("withdrawn", None, withdrawn)]
    return [
        Followed(unit, at("2026-05-04"), at("2026-05-20"), outcome, 2, took=place)
        for outcome, place, count in ends
        for _ in range(count)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, most) for most in (20, 5, 5, 6)]), min_size=2, max_size=2))
def test_what_may_be_known_of_a_share_holds_it(counts: list[tuple[int, int, int, int]]) -> None:
    """By either norm, of either unit and of both together, whatever is hidden."""
    units = dict(zip(("board", "records"), counts, strict=True))
    cases = [case for unit, (*took, withdrawn) in units.items() for case in ended(unit, took, withdrawn)]
    monitor = Monitor.of(cases, months(MAY, MAY), AMSTERDAM, norms=2)
    together = [sum(parts) for parts in zip(*counts, strict=True)]
    for unit, (first, second, none, _) in [*units.items(), (None, together)]:
        for norm, true in enumerate((Share(first, second + none), Share(first + second, none))):
            found = monitor.report(unit, norm=norm).reach[MAY]
            if true.value is not None:
                assert found.range.low - 1e-9 <= true.value <= found.range.high + 1e-9
                assert found.worst.met <= true.met <= found.best.met
                assert found.best.missed <= true.missed <= found.worst.missed


def test_the_goal_is_told_of_though_nothing_is_of_all_requests_together() -> None:
    """One month's share is printed; of two others the counts may be any, met and missed alike."""
    period = months(Month(2026, 5), Month(2026, 7))
    told = Monitor.of(fund(list(period), [(84, 4), (5, 5), (5, 5)]), period, AMSTERDAM).report()
    any_number = Reach(Share(0, inf), Share(inf, 0))
    told = replace(told, reach={**told.reach, period[1]: any_number, period[2]: any_number})
    assert told.pooled is None
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.85)
    said = verdict(told, target, report_words("en"))
    assert said[0].startswith("Whether the goal was met can't be told without telling what is hidden: in the")
    assert "31.8% to 98.5% met the norm" in said[0]
    assert len(said) == 1


def test_a_month_without_a_case_does_not_count_in_the_mean() -> None:
    period = list(months(Month(2026, 5), Month(2026, 7)))
    report = Monitor.of(fund(period, [(1, 1), (0, 0), (3, 0)]), period, AMSTERDAM, small=-1).report()
    assert report.mean == Range(0.75, 0.75)
    assert report.between(JUNE) is None
    assert report.is_empty(JUNE)


def test_counts_of_a_month_by_hand() -> None:
    """Months are the office's: 31 May 22:30 UTC is June in Amsterdam."""
    cases = [
        *(done("records", "2026-05-04", "2026-05-20") for _ in range(5)),
        *(done("records", "2026-05-30", "2026-05-31T22:30", met=False, contacts=4) for _ in range(4)),
        *(Followed("records", at("2026-05-10"), None, None, 0) for _ in range(3)),
        *(Followed("records", at("2026-06-10"), at("2026-06-12"), "withdrawn", 1) for _ in range(3)),
    ]
    report = Monitor.of(cases, months(MAY, JUNE), AMSTERDAM, small=-1).report()
    assert [report.started[place] for place in (MAY, JUNE, ALL)] == [12, 3, 15]
    assert [report.ended[place, "done"] for place in (MAY, JUNE, ALL)] == [5, 4, 9]
    assert report.in_progress[MAY] == 7  # three that are open, and four of June
    assert report.contacts[MAY] == 2
    assert report.contacts[JUNE] == 4  # of those that were done: with the others it would tell how many


def test_a_small_count_can_not_be_had_from_another_units_report() -> None:
    cases = [
        *(done("board", "2026-05-04", "2026-05-20") for _ in range(20)),
        *(done("board", "2026-05-04", "2026-05-20", met=False) for _ in range(1)),
        *(done("records", "2026-05-04", "2026-05-20") for _ in range(30)),
        *(done("records", "2026-05-04", "2026-05-20", met=False) for _ in range(9)),
    ]
    monitor = Monitor.of(cases, months(MAY, MAY), AMSTERDAM)
    board, records, whole = monitor.report("board"), monitor.report("records"), monitor.report()
    assert board.missed[MAY] is None
    known = [records.missed[MAY], whole.missed[MAY]]
    assert None in known
    assert board.met[MAY] is None or board.ended[MAY, "done"] is None
    assert board.pooled == board.mean == Range(19 / 21, 1)
    assert board.shares == ()


def test_a_period_is_some_months_in_order() -> None:
    assert [str(month) for month in months(Month(2026, 11), Month(2027, 2))] == [
        *("2026-11", "2026-12", "2027-01", "2027-02")
    ]
    with pytest.raises(PeriodUnusable):
        months(JUNE, MAY)
    with pytest.raises(PeriodUnusable):
        months(MAY, Month(2036, 5))


def test_what_is_in_hand_counts_in_each_month_it_is_so() -> None:
    opened = at("2026-05-04")
    cases = [Followed("records", opened, opened + timedelta(days=40), "done", 1, 0) for _ in range(4)]
    report = Monitor.of(cases, months(MAY, JUNE), AMSTERDAM).report()
    assert report.in_progress[MAY] == 4
    assert report.in_progress[JUNE] is None  # none: too few to be printed


def test_a_period_without_months_tells_nothing() -> None:
    assert Monitor({}).report().started == {ALL: None}


def test_a_month_is_counted_from_its_own_requests_alone() -> None:
    """Not from all that came since: the worker counts up to 36 months, one after the other."""
    records = []
    for number, days in enumerate((0, 31, 62), start=1):  # in March, in April, in May; none has ended
        [opened, _started] = many("A3", [1.0], number, delivered=False)
        records.append(opened | {"at": (START + timedelta(days=days)).isoformat(), "unit": f"of {days}"})
    april = Month(2026, 4)
    with kept_of(in_order(records)) as session:
        found = list(followed(session, [], calendar="office-nl", since=april, until=april))
        since = list(followed(session, [], calendar="office-nl", since=april))
    assert sorted(one.unit for one in found) == ["of 0", "of 31"]
    assert len(since) == 3


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [(0.29, 0.31, (0.29, 0.31)), (0.285, 0.31, (0.28, 0.31)), (0.29, 0.551, (0.29, 0.56))],
)
def test_an_end_that_is_told_whole_is_not_moved_outwards(
    low: float, high: float, told: tuple[float, float]
) -> None:
    assert Range(low, high).told(0) == told  # 0.29 · 100 is 28.999… of a float


@pytest.mark.parametrize("counts", [[(17, 3)] * 12, [(16, 4), (27, 3)] * 6])
def test_a_goal_that_is_met_to_the_dot_is_met(counts: list[tuple[int, int]]) -> None:
    """A sum of floats, such as twelve times 0.85, may be less than that of what they stand for."""
    period = list(months(Month(2026, 1), Month(2026, 12)))
    report = Monitor.of(fund(period, counts), period, AMSTERDAM).report()
    assert report.mean == Range(0.85, 0.85)
    assert mean_of(counts) == Fraction(17, 20)
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.85)
    assert verdict(report, target, report_words("en"))[0].startswith("The goal was met")


def test_a_reason_is_told_of_in_each_period_though_none_ended_so_in_it() -> None:
    """Else a column that comes and goes would tell in which months somebody could."""
    cases = [
        *(done("records", "2026-05-04", "2026-05-20") for _ in range(5)),
        *(Followed("records", at("2026-06-10"), at("2026-06-12"), "withdrawn", 1) for _ in range(5)),
    ]
    tables = Monitor.of(cases, months(MAY, JUNE), AMSTERDAM).tables
    may = {MAY: tables[MAY]}
    assert Monitor(may).reasons == ("done",)
    assert Monitor(may, tables).reasons == Monitor(tables).reasons == ("done", "withdrawn")
    assert Monitor(may, tables).report().ended[MAY, "withdrawn"] is None


@pytest.mark.parametrize(
    ("found", "said", "row"),
    [
        (Range(0.0, 0.625), "at most 62.5%", ("*", "62.5%")),
        (Range(0.0, 0.0), "0.0%", ("0.0%", "0.0%")),
        (Range(0.974, 1.0), "97.4% to 100.0%", ("97.4%", "100.0%")),
    ],
)
def test_what_says_nothing_of_the_least_is_not_told_as_none(
    found: Range, said: str, row: tuple[str, str]
) -> None:
    period = months(MAY, MAY)
    report = Monitor.of(fund(list(period), [(84, 4)]), period, AMSTERDAM).report()
    ends = Share(found.low, 1 - found.low), Share(found.high, 1 - found.high)
    report = replace(report, reach={MAY: Reach(*ends)}, met={MAY: None, ALL: None})
    target = Target(Norm(parse_working_duration("P5D")), "office-nl", 0.999)
    assert f"in the mean of the months {said} met the norm" in verdict(report, target, report_words("en"))[0]
    assert tuple(list(rows(report))[1][-2:]) == row


def test_a_share_that_may_be_any_as_far_as_it_is_printed_is_not_told() -> None:
    period = months(MAY, MAY)
    report = Monitor.of(fund(list(period), [(84, 4)]), period, AMSTERDAM).report()
    nearly_any = Reach(Share(1, 9999), Share(9999, 1))
    assert replace(report, reach={MAY: nearly_any}).between(MAY) is None
