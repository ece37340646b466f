"""The comparison's words and figures; the source's claim is checked, not repeated."""

import json

import pytest

from tests.unit.test_throughput_spans import one_day
from throughput.claims import plausibility
from throughput.compare import Table, as_csv, as_json, as_text
from throughput.measures import SYSTEM_STEPS, measure
from throughput.report import WIDTH, fitting, load_fonts
from throughput.spans import cases_of


def rows():
    return measure(cases_of(one_day().records))


def test_plausibility_of_the_claimed_saving() -> None:
    p = plausibility()
    assert p.saved_h_per_week == pytest.approx(6.5)
    assert p.saved_fte_by_week == pytest.approx(0.18, abs=0.005)
    assert p.all_handling_h_per_week == pytest.approx(16.7, abs=0.05)
    assert p.all_handling_fte_by_week == pytest.approx(0.46, abs=0.005)
    assert not p.possible


def test_text_keeps_claims_apart_from_measurements() -> None:
    text = as_text(rows())
    measured, claimed = text.split("Claimed by the source study (not measured here)")
    assert "6.1" not in measured
    assert "0.18 FTE of 36 h" in claimed
    assert "cannot yield the claimed saving" in claimed
    assert "62.0 min" in measured


def test_json_and_csv_say_where_each_figure_is_from() -> None:
    data = json.loads(json.dumps(as_json(rows())))
    assert {row["origin"] for row in data["measured"]} == {"measured"}
    assert {row["origin"] for row in data["claimed"]} == {"claimed"}
    lines = as_csv(rows()).splitlines()
    assert "declaration,A3,system.sign,ms,1,0.900,0.900,measured" in lines


def test_by_program_is_said_of_its_own_row_only() -> None:
    program = one_day().records
    for record in program:
        record |= {"seq": record["seq"] + 100, "request": 2, "variant": "A4", "channel": "program"}
    people = as_text(measure(cases_of([*one_day().records, *program]))).partition("People")[2]
    by_variant = {line.split()[1]: line.split()[2:] for line in people.splitlines()[3:5]}
    assert by_variant["A3"] == ["1", "62.0", "min", "62.0", "min", "4.0", "min", "4.0", "min"]
    assert by_variant["A4"] == ["0", *4 * ["by", "program"]]
    assert "by program: in this row" in people


def test_nothing_yet_is_said_in_a_sentence() -> None:
    assert as_text([]) == "No requests in this period.\n"


def test_open_requests_do_not_slow_the_delivered_down() -> None:
    open_one = [record | {"seq": record["seq"] + 100, "request": 2} for record in one_day().records[:-1]]
    alone, beside = rows(), measure(cases_of([*one_day().records, *open_one]))
    assert beside[0].open == 1
    assert beside[0].documents_per_s == alone[0].documents_per_s is not None
    assert beside[0].system_total_ms == alone[0].system_total_ms


def test_the_widest_table_keeps_its_last_columns_on_the_page() -> None:
    load_fonts()
    heads = ["process", "variant", *SYSTEM_STEPS, "in all", "p90", "signed/s"]
    drawn = fitting(
        Table("Machine", [heads, ["employer-declaration", "A4-DUAL", *["1234.56"] * (len(heads) - 2)]])
    )
    assert drawn.wrap(WIDTH, 800)[0] <= WIDTH
