"""The comparison's words and figures; the source's claim is checked, not repeated."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.kept_log import kept_of
from tests.unit.test_throughput_spans import START, Log, move, one_day
from throughput.claims import plausibility
from throughput.compare import Comparison
from throughput.compare_data import as_csv, as_json
from throughput.compare_text import as_text
from throughput.difference import Difference, Faster, Interval
from throughput.grouped import By
from throughput.reporting.amounts import difference, interval, medians
from throughput.reporting.words import report_words
from throughput.text_table import alike, length

NOW = START + timedelta(days=9)


def told(*records: dict[str, Any], by: By = "variant") -> Comparison:
    with kept_of(records or one_day().records) as session:
        return Comparison.of(session, now=NOW, by=by)


def days(count: int, *, first: int = 1, **more: Any) -> list[dict[str, Any]]:
    """So many requests, each of them the same day's work."""
    found: list[dict[str, Any]] = []
    for number in range(first, first + count):
        found += [record | {"request": number} | more for record in one_day().records]
    return found


def test_plausibility_of_the_claimed_saving() -> None:
    p = plausibility()
    assert p.saved_h_per_week == pytest.approx(6.5)
    assert p.saved_fte_by_week == pytest.approx(0.18, abs=0.005)
    assert p.all_handling_h_per_week == pytest.approx(16.7, abs=0.05)
    assert p.all_handling_fte_by_week == pytest.approx(0.46, abs=0.005)
    assert not p.possible


def test_text_keeps_claims_apart_from_measurements() -> None:
    text = as_text(told(*in_order(days(5))))
    measured, claimed = text.split("Claimed by the source study (not measured here)")
    assert "6.1" not in measured
    assert "0.18 FTE of 36 h" in claimed
    assert "cannot yield the claimed saving" in claimed
    assert "62.0 min" in measured


def test_json_and_csv_say_where_each_figure_is_from() -> None:
    data = json.loads(json.dumps(as_json(told())))
    assert {row["origin"] for row in data["groups"]} == {"measured"}
    assert {row["origin"] for row in data["claimed"]} == {"claimed"}
    lines = as_csv(told()).splitlines()
    assert "declaration,A3,touch,s,1,240.000,240.000,measured,,," in lines
    [sign] = [line.split(",") for line in lines if ",system.sign," in line]
    assert (sign[:5], sign[7]) == (["declaration", "A3", "system.sign", "ms", "1"], "measured")
    assert float(sign[5]) == pytest.approx(0.9, rel=0.01)


def test_the_name_of_a_unit_is_no_formula_in_csv() -> None:
    found = told(by="unit")
    found = replace(found, rows=[replace(row, variant="=1+1") for row in found.rows])
    costs = ["declaration", "=1+1", "cost.saved", "=EUR/year", "", "", "", "given", "-1.5e+06", "", ""]
    lines = as_csv(found, [costs]).splitlines()
    assert len(lines) > 1
    assert all(line.startswith("declaration,'=1+1,") for line in lines[1:])
    assert lines[-1].endswith(",cost.saved,'=EUR/year,,,,given,-1.5e+06,,")


def test_by_program_is_said_of_its_own_row_only() -> None:
    records = in_order(days(5), days(5, first=10, variant="A4", channel="program"))
    people = as_text(told(*records)).partition("People")[2]
    told_of = {tuple(line.split()[1:3]): line.split()[3:] for line in people.splitlines()[3:7]}
    assert told_of["A3", "lead"] == ["5", "62.0", "min", "–"]
    assert told_of["A3", "touch"] == ["5", "4.0", "min", "–"]
    assert told_of["A4", "lead"] == told_of["A4", "touch"] == ["0", *2 * ["by", "program"]]
    assert "by program: in this row" in people


def test_nothing_yet_is_said_in_a_sentence() -> None:
    assert as_text(Comparison([])) == "No requests in this period.\n"


def test_open_requests_do_not_slow_the_delivered_down() -> None:
    open_one = [record | {"seq": record["seq"] + 100, "request": 2} for record in one_day().records[:-1]]
    alone, beside = told().rows, told(*one_day().records, *open_one).rows
    assert beside[0].open == 1
    assert beside[0].documents_per_s == alone[0].documents_per_s is not None
    assert beside[0].system_total_ms == alone[0].system_total_ms


def many(variant: str, minutes: list[float], first: int, *, delivered: bool = True) -> list[dict[str, Any]]:
    """Requests whose manager works on each for so many minutes, and which then are delivered."""
    records: list[dict[str, Any]] = []
    for number, taken in enumerate(minutes, start=first):
        log = Log()
        log.add(
            0, "request_submitted", number, **move("request", "manager", mark="requested", task="manager")
        )
        log.add(1, "task_started", number)
        if delivered:
            log.add(1 + taken, "request_advanced", number, **move("manager", "end", mark="delivered"))
        records += [record | {"variant": variant} for record in log.records]
    return records


def in_order(*groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    records = [record for group in groups for record in group]
    return [record | {"seq": seq} for seq, record in enumerate(records, start=1)]


def test_a_difference_says_how_sure_it_is() -> None:
    slow, fast = [10 + n % 5 for n in range(40)], [6 + n % 5 for n in range(40)]
    found = told(*in_order(many("A0", slow, 1), many("A3", fast, 100)))
    lead, handling = found.contrasts
    assert (lead.figure, lead.verdict) == ("lead", "A3 is faster")
    assert handling.found.value == 4 * 60
    assert (handling.n_a, handling.n_b) == (40, 40)
    assert handling.found.faster.high < 0.05
    assert handling.smallest_s is not None
    assert handling.smallest_s < 4 * 60
    assert "A3 is faster" in as_text(found)


def test_what_differs_is_told_before_what_it_is_read_from() -> None:
    """And the chance that the one is faster is one figure, where its two ends come to the same."""
    slow, fast = [10 + n % 5 for n in range(40)], [6 + n % 5 for n in range(40)]
    found = told(*in_order(many("A0", slow, 1), many("A3", fast, 100)))
    faster = Faster(0.061, 0.064)
    rounded = [replace(one, found=replace(one.found, faster=faster)) for one in found.contrasts]
    shown = as_text(replace(found, contrasts=rounded))
    assert shown.index("What may be said of them") < shown.index("People (measured")
    lead = next(line for line in shown.splitlines() if "  lead  " in line)
    assert lead.endswith(" 6%")


def test_what_so_few_can_not_tell_apart_is_said_to_be_so() -> None:
    found = told(*in_order(many("A0", [6, 9, 12, 9, 9], 1), many("A3", [7, 8, 11, 8, 8], 100)))
    assert {one.verdict for one in found.contrasts} == {"not distinguishable at this n"}
    assert found.contrasts[1].needed is not None
    assert found.contrasts[1].needed > 5


def test_of_so_few_nothing_is_told_whatever_came_out() -> None:
    """Two on paper that took ten times as long say nothing of paper: nor do the machine's times of four."""
    few = in_order(many("A0", [60, 90], 1), many("A3", [6 + n % 5 for n in range(40)], 100))
    found = told(*few)
    assert list(found.contrasts) == as_json(found)["differences"] == []
    for line in (
        r"A0 +lead +2 +– +–",
        r"A0 +touch +2 +– +–",
        r"A3 +lead +40 +9.0 min +–",
        r"A3 +touch +40 +8.0 min +–",
    ):
        assert re.search(rf"{line}\n", as_text(found))
    for count, shown in ((4, "–"), (5, r"0\.90?")):
        assert re.search(rf"A3 .*{shown}", as_text(told(*in_order(days(count)))).partition("Machine")[2])


def test_what_is_still_open_makes_a_variant_no_faster() -> None:
    """Six of A0's eleven are open for nine days: its median is not reached; nobody knows by how much."""
    open_ones = many("A0", [1] * 6, 10, delivered=False)
    found = told(*in_order(many("A0", [5, 6, 5, 6, 5], 1), open_ones, many("A3", [20, 21, 22, 23, 24], 100)))
    lead = found.contrasts[0]
    assert (lead.n_a, lead.open_a, lead.found.a, lead.found.value) == (11, 6, None, None)
    assert as_json(found)["differences"][0]["median_a"] is None
    assert "open" in as_text(found)


def test_a_lead_with_many_open_is_not_told_of_the_quick_ones_alone() -> None:
    """20 done in an hour, 30 open for days: half are not delivered yet, wherever a median is told."""
    records = in_order(
        many("A1", [60.0] * 20, 1),
        many("A1", [1.0] * 30, 21, delivered=False),
        many("A3", [60.0 + n for n in range(20)], 100),
        many("A3", [1.0] * 5, 120, delivered=False),
    )
    found = told(*records)
    rows = {row["variant"]: row["lead_s"] for row in as_json(found)["groups"]}
    assert rows["A1"] == {"n": 20, "median": None, "p90": None}
    [lead] = [one for one in as_json(found)["differences"] if one["figure"] == "lead"]
    assert (lead["median_a"], lead["median_b"]) == (None, rows["A3"]["median"])
    assert rows["A3"]["p90"] is None  # 20 of 25
    assert "declaration,A1,lead,s,20,,,measured" in as_csv(found)
    assert re.search(r"A1 +lead +20 +– +–\n.*A1 +touch +20 +60.0 min", as_text(found))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((12_000.0, 200_000.0), ["0.1 d", "2.3 d"]),
        ((600.0, 200_000.0), ["0.2 h", "55.6 h"]),
        ((354_240.0, -7_200.0), ["4.1 d", "-0.1 d"]),
        ((0.0, None), ["0.0 s"]),
    ],
)
def test_a_row_is_told_in_one_unit_in_which_none_of_it_is_nothing(
    row: tuple[float | None, ...], said: list[str]
) -> None:
    assert [length(one, like=alike(*row)) for one in row if one is not None] == said


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ((100.1, 100.0, -99.7, 58.2), "4.2 d|4.2 d|+6.0 min|−4.2 d … +2.4 d"),
        ((100.1, 97.7, -99.7, 0.5), "4.2 d|4.1 d|+0.1 d|−4.2 d … +30.0 min"),
        ((25.5, 47.4, -99.7, 58.2), "1.1 d|2.0 d|−0.9 d|−4.2 d … +2.4 d"),
        ((0.3, 0.4, -0.2, 0.1), "18.0 min|24.0 min|−6.0 min|−12.0 min … +6.0 min"),
        ((None, 100.0, -99.7, None), "–|4.2 d|–|−4.2 d …"),
    ],
)
def test_a_small_difference_leaves_the_medians_in_their_unit(
    hours: tuple[float | None, ...], said: str
) -> None:
    a, b, low, high = (None if one is None else 3600 * one for one in hours)
    found, words = Difference(0.5, a, b, Interval(low, high), Faster(0.5, 0.5)), report_words("en")
    cells = [*medians(found, words), difference(found, words), interval(found, words)]
    assert "|".join(cells).replace("\u00a0", " ") == said
