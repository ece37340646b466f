"""A comparison of months or units tells of no person: not by a count, nor by what stands beside it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.kept_log import kept_of
from tests.unit.test_throughput_compare import in_order, many
from tests.unit.test_throughput_spans import START
from throughput.compare import Comparison
from throughput.compare_data import as_csv, as_json
from throughput.compare_text import as_text
from throughput.discreet import PartTold, marks, part_told, quantile, right_first_time
from throughput.grouped import By
from throughput.measures import Reached, Spread
from throughput.panels import Times
from throughput.said import _times
from throughput.steps import _spread
from throughput.survival import Durations, Survival

NOW = START + timedelta(days=9)


def of_units(*units: tuple[str, int, int]) -> list[dict[str, Any]]:
    """Requests of units: so many delivered, so many open."""
    groups, number = [], 1
    for unit, delivered, still_open in units:
        some = many("A3", [5.0 + n for n in range(delivered)], number)
        some += many("A3", [1.0] * still_open, number + delivered, delivered=False)
        groups.append([record | {"unit": unit} for record in some])
        number += delivered + still_open
    return in_order(*groups)


def told(records: list[dict[str, Any]], by: By) -> Comparison:
    with kept_of(records) as session:
        return Comparison.of(session, now=NOW, by=by)


def test_few_are_hidden_and_so_is_what_would_tell_them() -> None:
    found = told(of_units(("large", 30, 9), ("middle", 20, 8), ("small", 7, 2)), "unit")
    rows = {row["unit"]: row for row in as_json(found)["groups"]}
    assert rows["small"]["open"] is None
    opened = [rows["large"]["open"], rows["middle"]["open"]]
    assert opened.count(None) == 1  # or it were the rest of all
    for row in rows.values():
        assert [row["n"], row["delivered"], row["open"]].count(None) != 1  # nor does its own sum tell it
    hidden = [name for name, row in rows.items() if None in (row["n"], row["delivered"])]
    assert hidden
    for name in hidden:
        assert (rows[name]["lead_s"]["n"], rows[name]["lead_s"]["median"] > 0) == (None, True)
    for one in as_json(found)["differences"]:
        assert (one["open_a"] is None) == (one["a"] in hidden)
        assert one["n_b"] is None
    assert "*" in as_text(found)
    assert ",small,open,requests,*," in as_csv(found)


def test_two_that_are_not_over_are_told_nowhere() -> None:
    """One is open and one was withdrawn: that is two, however each is hidden."""
    large = [record | {"unit": "large"} for record in of_unit("large", 1, 40, 9, 0)]
    small = of_unit("small", 100, 25, 1, 0) + [
        record | {"unit": "small"} for record in many("A3", [1.0], 200, delivered=False)
    ]
    found = told(
        in_order(
            large, small, [one | {"unit": "large"} for one in many("A3", [1.0] * 9, 300, delivered=False)]
        ),
        "unit",
    )
    rows = {row["unit"]: row for row in as_json(found)["groups"]}
    assert None in (rows["small"]["n"], rows["small"]["delivered"])
    [lead] = [one for one in as_json(found)["differences"] if one["figure"] == "lead" and one["a"] == "small"]
    assert (lead["n_a"], lead["open_a"]) == (None, None)
    assert "(2)" not in as_text(found)


def test_two_of_peoples_are_told_nowhere_either() -> None:
    """Nine more are open that a program drives: they are in no figure of people's time."""
    mixed = of_units(("mixed", 25, 2), ("large", 30, 9))
    driven = [
        one | {"unit": "mixed", "channel": "program"} for one in many("A3", [1.0] * 9, 300, delivered=False)
    ]
    found = told(in_order(mixed, driven), "unit")
    [lead] = [one for one in as_json(found)["differences"] if one["figure"] == "lead" and one["a"] == "mixed"]
    assert (lead["n_a"], lead["open_a"]) == (None, None)
    assert "(2)" not in as_text(found)


def test_of_fewer_than_five_no_times_are_told() -> None:
    found = told(of_units(("large", 30, 9), ("four", 4, 0)), "unit")
    [four] = [row for row in found.rows if row.variant == "four"]
    assert (four.lead_s, four.touch_total_s, four.touch_s, four.first_time_right) == (None, None, {}, None)
    assert found.contrasts == []


def test_each_unit_is_put_beside_all_others() -> None:
    found = told(of_units(("a", 30, 5), ("b", 20, 5), ("c", 25, 5)), "unit")
    assert [(one.a, one.b, one.n_a) for one in found.contrasts if one.figure == "handling"] == [
        ("a", "all others", 30),
        ("b", "all others", 20),
        ("c", "all others", 25),
    ]


def test_each_month_is_put_beside_the_one_before() -> None:
    months = []
    for days in (0, 31, 62):
        some = of_units(("a", 20, 5))
        later = timedelta(days=days)
        for record in some:
            at = START.fromisoformat(record["at"]) + later
            months.append(record | {"at": at.isoformat(), "request": record["request"] + 100 * days})
    found = told(in_order(months), "month")
    assert [row.variant for row in found.rows] == ["2026-03", "2026-04", "2026-05"]
    pairs = [(one.a, one.b) for one in found.contrasts if one.figure == "handling"]
    assert pairs == [("2026-04", "2026-03"), ("2026-05", "2026-04")]


def test_variants_of_a_whole_process_are_told_as_they_are() -> None:
    found = told(of_units(("a", 2, 1)), "variant")
    assert (found.hidden, found.rows[0].open) == (frozenset(), 1)


def of_unit(unit: str, first: int, delivered: int, withdrawn: int, returned: int) -> list[dict[str, Any]]:
    """Requests that came to their end, so many of them otherwise than asked, so many after a return."""
    some = many("A3", [5.0] * delivered, first)
    for number in range(first, first + returned):
        place = next(n for n, one in enumerate(some) if one["request"] == number)
        back = some[place] | {
            "type": "request_returned",
            "from": "manager",
            "to": "manager",
            "trigger": "return",
        }
        some.insert(place + 1, {name: value for name, value in back.items() if name != "mark"})
    for number in range(first + delivered, first + delivered + withdrawn):
        opened, *_ = many("A3", [1.0], number, delivered=False)
        ended = {"type": "request_withdrawn", "from": "manager", "to": "end", "trigger": "withdraw"}
        some += [opened, opened | ended | {"outcome": "withdrawn", "mark": None}]
    return [record | {"unit": unit} for record in some]


def test_a_share_does_not_tell_a_hidden_count() -> None:
    """19 of 20 delivered, four of them returned: 15 / 19 would say how many were withdrawn."""
    found = told(in_order(of_unit("a", 1, 19, 1, 4), of_unit("b", 100, 30, 9, 4)), "unit")
    rows = {row["unit"]: row for row in as_json(found)["groups"]}
    assert (rows["a"]["withdrawn"], rows["a"]["delivered"], rows["a"]["returned"]) == (None, None, 4)
    assert rows["a"]["first_time_right"] is None


def test_how_often_the_machine_did_a_step_does_not_tell_how_many_there_were() -> None:
    """A step a request: two deliveries in a month are two requests."""
    later = timedelta(days=31)
    months = []
    for days, delivered in ((timedelta(0), 20), (later, 2)):
        for record in of_units(("a", delivered, 5)):
            at = START.fromisoformat(record["at"]) + days
            one = record | {"at": at.isoformat(), "request": record["request"] + 100 * days.days}
            if record.get("mark") == "delivered":
                one |= {"outcome": "done", "durations_us": {"deliver": 900}, "channel": "person"}
            months.append(one)
    found = told(in_order(months), "month")
    rows = {row["month"]: row for row in as_json(found)["groups"]}
    assert rows["2026-04"]["delivered"] is None
    assert [row["system_ms"].get("deliver", {}).get("n") for row in rows.values()] == [None, None]
    assert not any("system.deliver" in line for line in as_csv(found).splitlines() if ",2026-04," in line)


def test_a_share_is_that_of_exact_counts_and_tells_of_no_few() -> None:
    """Of 78 delivered 17 went back: from counts to the nearest five it would be another one."""
    assert part_told(61 / 78, 61, 17) == PartTold(61 / 78)
    few = {part_told((78 - back) / 78, 78 - back, back) for back in range(5)}
    assert few == {PartTold(0.9, over=True)}
    assert part_told(0.5, 24, 25) is None
    assert part_told(0.05, 4, 76) is None
    assert part_told(0.88, 76, 4) is None  # as they count: it is not nearly all


@pytest.mark.parametrize(("beyond", "told_of"), [(4, (7.0, None)), (5, (7.0, 9.0))])
def test_a_high_mark_is_told_where_enough_lie_beyond_it_whatever_their_number(
    beyond: int, told_of: tuple[float | None, float | None]
) -> None:
    assert marks(Spread(80, 7.0, 9.0, beyond)) == marks(Reached(80, 7.0, 9.0, beyond)) == told_of


def test_of_a_lead_it_is_known_how_many_lie_beyond_its_90th_percentile() -> None:
    """Whose slowest count for many, as they do where most of those who came later are open."""
    slow = Durations.of([*range(1, 61)], weight=[1.0] * 54 + [10.0] * 6)
    assert Reached.of(slow) == Reached(60, 55.0, 59.0, 1)
    assert marks(Reached.of(slow)) == (55.0, None)
    open_still = Reached.of(Durations.of([1.0] * 30 + [9.0] * 30, [True] * 30 + [False] * 30))
    assert open_still == Reached(30, 1.0, None, 0)


def test_of_handling_and_of_the_machine_it_is_known_how_many_lie_beyond_too() -> None:
    found = told(in_order(of_unit("a", 1, 30, 0, 0)), "variant")
    [row] = found.rows
    assert row.touch_total_s is not None
    assert row.touch_total_s.beyond == 29  # all took as long
    assert row.lead_s is not None
    assert row.lead_s.beyond == 29
    assert _spread({1: 30}).beyond == _spread({1: 20, 2: 10}).beyond == 3  # in classes, by rank


def test_text_and_page_tell_the_same_marks_of_what_does_not_count_alike() -> None:
    """Where the slowest count for many, fewer lie beyond nine tenths of all than a tenth of their number."""
    slow = Durations.of([*range(1, 61)], weight=[1.0] * 54 + [10.0] * 6)
    assert len(slow) >= 50
    assert (slow.beyond(Survival.of(slow).quantile(0.9) or 0.0), quantile(slow, 0.9)) == (1, None)
    assert "–" in _times(Times.of(slow), 60)
    alike = Durations.of([*range(1, 61)])
    assert quantile(alike, 0.9) == 54
    assert "–" not in _times(Times.of(alike), 60)


def test_of_four_that_were_delivered_it_is_not_told_how_many_came_back() -> None:
    """By variant, where counts are told as they are."""
    for delivered in (4, 5):
        [row] = told(in_order(of_unit("a", 1, delivered, 0, 0)), "variant").rows
        assert right_first_time(row) == (1.0 if delivered == 5 else None)
