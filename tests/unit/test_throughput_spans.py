"""Known answers: a hand-written log and the spans and figures a person computes from it with a watch."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.kept_log import kept_of
from throughput.errors import LogOutOfOrder
from throughput.estimates import quantile
from throughput.figures import read_cases, read_tasks
from throughput.measures import VariantMeasures, measure, spread
from throughput.scope import Scope
from throughput.spans import Wait, cases_of
from throughput.steps import read_steps
from throughput.survival import Durations

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = START + timedelta(days=9)


class Log:
    """Writes records as the engine does, a minute-hand at a time."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def add(self, minute: float, type_: str, request: int = 1, **facts: Any) -> "Log":
        at = START + timedelta(minutes=minute)
        head = {"seq": len(self.records) + 1, "at": at.isoformat(), "type": type_, "request": request}
        self.records.append(head | {"key": "declaration", "variant": "A3", "channel": "person"} | facts)
        return self


def move(from_: str, to: str, **facts: Any) -> dict[str, Any]:
    return {"from": from_, "to": to, "trigger": "go", **facts}


def measured(records: Sequence[Mapping[str, Any]]) -> list[VariantMeasures]:
    with kept_of(records) as session:
        cases = read_cases(session)
        return measure(cases, read_tasks(session, cases), read_steps(session, Scope()), now=NOW)


def one_day() -> Log:
    log = Log()
    log.add(0, "request_submitted", **move("request", "manager", mark="requested", task="manager"))
    log.add(10, "task_claimed").add(12, "task_started")
    log.add(13, "request_suspended").add(33, "request_resumed")
    log.add(35, "request_advanced", **move("manager", "rendering", mark="approved"))
    log.add(35, "document_rendered", **move("rendering", "sign", task="sign"), durations_us={"render": 2000})
    log.add(60, "task_started")
    log.add(61, "request_advanced", **move("sign", "sealing"))
    signed = {"sign": 900, "timestamp": 3100}
    log.add(61, "document_signed", **move("sealing", "done", mark="signed"), durations_us=signed)
    log.add(62, "document_delivered", **move("done", "end", mark="delivered"), durations_us={"deliver": 500})
    return log


def test_work_before_a_release_stays_work_and_no_time_is_counted_twice() -> None:
    log = Log()
    log.add(0, "request_submitted", **move("request", "manager", mark="requested", task="manager"))
    log.add(10, "task_claimed").add(20, "task_started").add(50, "task_released")  # half an hour of work
    log.add(60, "request_suspended").add(80, "request_resumed").add(90, "task_claimed")
    log.add(95, "request_suspended").add(155, "request_resumed").add(160, "task_started")
    log.add(161, "request_advanced", **move("manager", "end"))
    (case,) = cases_of(log.records)
    spent = {span.kind: span.seconds / 60 for span in case.spans}
    assert spent == {Wait.QUEUE: 30, Wait.DESK: 20, Wait.TOUCH: 31, Wait.SUSPENDED: 80}
    assert sum(spent.values()) == 161


def test_paper_counts_from_the_day_that_a_person_reports_not_from_when_it_was_typed() -> None:
    log, day = Log(), 24 * 60
    log.add(0, "request_submitted", **move("request", "manager", mark="requested", task="manager"))
    log.add(9 * day, "request_advanced", **move("a", "b", mark="signed", signed_on="2026-03-04"))
    log.add(9 * day, "request_advanced", **move("b", "c", mark="delivered", posted_on="2026-03-11"))
    (case,) = cases_of(log.records)
    assert case.milestones["signed"] == datetime(2026, 3, 4, 23, 59, 59, 999999, tzinfo=UTC)
    # typed in on the same day: not later than the event
    assert case.milestones["delivered"] == START + timedelta(days=9)


def test_whoever_brings_a_file_moves_the_request_and_its_judging_is_the_machines_time() -> None:
    log, us = Log(), {"validate": 250_000, "store": 4_000}
    log.add(0, "request_submitted", **move("request", "away", mark="requested", task="away"))
    log.add(1, "task_claimed").add(2, "task_started")
    log.add(5, "document_imported", **move("away", "end"), fields=["a"], durations_us=us, channel="program")
    (case,) = cases_of(log.records)
    assert case.channels == {"person", "program"}
    assert case.system_us == {"validate": [250_000], "store": [4_000]}
    assert [span.seconds for span in case.spans if span.kind is Wait.TOUCH] == [180]


def test_spans_are_what_a_watch_says() -> None:
    (case,) = cases_of(one_day().records)
    manager = {span.kind: span.seconds / 60 for span in case.spans if span.state == "manager"}
    assert manager == {Wait.QUEUE: 10, Wait.DESK: 2, Wait.TOUCH: 3, Wait.SUSPENDED: 20}
    assert case.lead_s("requested", "delivered") == 62 * 60
    assert case.system_us == {"render": [2000], "sign": [900], "timestamp": [3100], "deliver": [500]}


def test_machine_time_is_never_peoples_time() -> None:
    (row,) = measured(one_day().records)
    assert row.system_total_ms is not None
    assert row.system_total_ms.median == pytest.approx(6.5)
    assert row.touch_total_s is not None
    assert row.touch_total_s.median == 4 * 60
    assert row.documents_per_s == pytest.approx(1 / 0.0065)


def test_a_median_of_an_even_number_is_the_one_that_the_panels_tell() -> None:
    """Half-way between two of them beside Kaplan and Meier's in one report: which of them is right?"""
    for values in ([4.0, 1.0, 9.0, 5.0], [3.0], [2.0, 8.0], [7.0, 5.0, 6.0]):
        told = spread(values)
        assert told is not None
        assert told.median == quantile(Durations.of(np.array(values)), 0.5).value


def test_a_return_is_not_right_the_first_time() -> None:
    log = one_day()
    log.add(0, "request_submitted", 2, **move("request", "manager", mark="requested", task="manager"))
    log.add(5, "request_returned", 2, **move("manager", "request", task="request"))
    log.add(9, "request_advanced", 2, **move("request", "manager", task="manager"))
    log.add(9, "document_delivered", 2, **move("manager", "end", mark="delivered"))
    (row,) = measured(log.records)
    assert (row.n, row.returned, row.first_time_right) == (2, 1, 0.5)


def test_steps_carried_out_by_a_program_are_no_human_time() -> None:
    log = one_day()
    for record in log.records:
        record["channel"] = "program"
    (row,) = measured(log.records)
    assert row.touch_total_s is None
    assert not row.touch_s
    assert row.lead_driven_by_program


def test_a_persons_request_is_timed_among_a_programs() -> None:
    program = one_day()
    for record in program.records:
        record |= {"seq": record["seq"] + 100, "request": 2, "channel": "program"}
    (row,) = measured([*one_day().records, *program.records])
    assert (row.n, row.delivered, row.lead_driven_by_program) == (2, 2, False)
    assert row.lead_s is not None
    assert (row.lead_s.n, row.lead_s.median) == (1, 62 * 60)
    assert row.touch_total_s is not None
    assert (row.touch_total_s.n, row.touch_total_s.median) == (1, 4 * 60)
    assert {figures.n for figures in row.touch_s.values()} == {1}


def test_a_request_that_a_program_had_a_part_in_is_no_persons() -> None:
    log = one_day()
    log.records[-4]["channel"] = "program"
    (row,) = measured(log.records)
    assert (row.lead_driven_by_program, row.touch_total_s, row.touch_s) == (True, None, {})


def test_open_cases_are_counted_not_left_out() -> None:
    log = Log().add(0, "request_submitted", **move("request", "manager", mark="requested", task="manager"))
    (row,) = measured(log.records)
    assert (row.n, row.open, row.delivered, row.first_time_right) == (1, 1, 0, None)


@pytest.mark.parametrize("outcome", ["withdrawn", "refused"])
def test_a_case_that_ended_otherwise_is_not_open(outcome: str) -> None:
    log = Log().add(0, "request_submitted", **move("request", "manager", mark="requested", task="manager"))
    log.add(5, "request_advanced", **move("manager", outcome, outcome=outcome))
    (row,) = measured(log.records)
    assert (row.n, row.open, row.delivered, row.withdrawn) == (1, 0, 0, outcome == "withdrawn")


def test_a_log_out_of_order_is_refused() -> None:
    log = one_day()
    log.records.reverse()
    with pytest.raises(LogOutOfOrder, match="came after"):
        cases_of(log.records)


@pytest.mark.parametrize(("n", "p90"), [(1, 1), (10, 9), (11, 10), (100, 90)])
def test_the_90th_percentile_is_by_nearest_rank(n: int, p90: int) -> None:
    found = spread(list(range(1, n + 1)))
    assert found is not None
    assert (found.p90, found.beyond) == (p90, n - p90)


def test_who_took_as_long_as_the_90th_percentile_lies_beyond_it_too() -> None:
    """Beside the one whose time it is, as of lengths that Kaplan and Meier's estimate is of."""
    for values, beyond in (([7.0] * 20, 19), ([1.0] * 15 + [3.0] * 5, 4), ([1.0] * 18 + [2.0, 3.0], 19)):
        told = spread(values)
        assert told is not None
        assert told.beyond == Durations.of(values).beyond(told.p90) == beyond


def test_steps_of_the_day_after_a_period_are_not_in_it() -> None:
    """Until a day's end is until the next one begins: `--to 2026-03-02` asks nothing of the third."""
    later = [record | {"at": record["at"].replace("03-02", "03-03")} for record in one_day().records]
    later = [record | {"seq": record["seq"] + 100, "request": 2} for record in later]
    with kept_of([*one_day().records, *later]) as session:
        [told] = read_steps(session, Scope(before=START.replace(day=3, hour=0))).values()
        [whole] = read_steps(session, Scope(before=START.replace(day=3, hour=1))).values()
    assert (told["system", "render"].n, whole["system", "render"].n) == (1, 2)
