"""Panels of hand-made logs, reckoned with a watch; and of offices whose truth is known."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests import known_truth
from tests.kept_log import kept_of
from tests.known_truth import FEWEST, Law, office
from tests.unit.test_throughput_compare import in_order
from tests.unit.test_throughput_spans import START, Log, move
from throughput.bottleneck import bottleneck
from throughput.capacity import capacity
from throughput.compare import Comparison
from throughput.figures import read_cases, read_tasks
from throughput.flows import Flow, flows_of
from throughput.panels import Counts, handling, leads
from throughput.rework import rework
from throughput.said import tables
from throughput.whole import Given, panels

NOW = START + timedelta(days=1)


def returned_once() -> list[dict[str, Any]]:
    """Manager 5 min of work, clerk 4, back to the manager 3, clerk 2, signer 1; an hour each in the queue."""
    log, minute = Log(), 0.0
    log.add(0, "request_submitted", **move("request", "manager", mark="requested", task="manager"))
    steps = [("manager", "review", 5), ("review", "manager", 4), ("manager", "review", 3)]
    for here, there, taken in [*steps, ("review", "sign", 2)]:
        kind = "request_returned" if (here, there) == ("review", "manager") else "request_advanced"
        mark = {"mark": "approved"} if there == "sign" else {}
        log.add(minute + 60, "task_started")
        minute += 60 + taken
        log.add(minute, kind, **move(here, there, task=there, **mark))
    log.add(minute + 60, "task_started")
    log.add(minute + 61, "request_advanced", **move("sign", "sealing", mark="signed"))
    log.add(minute + 62, "document_delivered", **move("sealing", "end", mark="delivered", outcome="done"))
    return log.records


def only(records: list[dict[str, Any]]) -> Flow:
    """The requests of a log, all of one variant."""
    with kept_of(records) as session:
        cases = read_cases(session)
        (group,) = flows_of(cases, read_tasks(session, cases), now=NOW)
    return group


def test_a_request_that_went_back_once() -> None:
    group = only(returned_once())
    back = rework(group)
    assert handling(group).touch_s.median.value == 15 * 60
    assert (back.loops.value, back.first_time_right.value) == (1, 0)
    assert back.of_touch.value == pytest.approx(5 / 15)  # the manager's 3 and the clerk's 2; signing was new
    assert [(one.state, one.returned, one.share.value) for one in back.states] == [("review", 1, 0.5)]
    found = leads(group)
    assert found.efficiency.value == pytest.approx(15 / 316)
    whole, signing = found.between("requested", "delivered"), found.between("approved", "signed")
    assert whole is not None
    assert signing is not None
    assert (whole.taken_s.median.value, signing.taken_s.median.value) == (316 * 60, 61 * 60)
    assert whole.counts == Counts(started=1, closed=1, open=0, withdrawn=0)


def test_a_state_in_which_nobody_had_a_task_has_no_line() -> None:
    """Where programs did all of it, there is none."""
    group = office(Law(weeks=8), 1)
    for driven, lines in ((group.by_program, 3), (np.ones(len(group), bool), 0)):
        told = tables(panels([replace(group, by_program=driven)], reached={}, given=Given()))
        (waits,) = (table for table in told if table.title.startswith("Where requests wait"))
        assert len(waits.rows) == 1 + lines


def test_waiting_is_by_state_and_an_open_task_waits_until_now() -> None:
    records = returned_once()[:4]  # the clerk has begun
    group = only(records)
    found = {one.state: one for one in bottleneck(group).states}
    assert found["manager"].of_lead.value == pytest.approx(60 / 1440)
    assert found["review"].of_lead.value == pytest.approx(60 / 1440)
    waiting = only(records[:3])  # has not begun: in the queue since minute 65
    assert bottleneck(waiting).state == "review"
    assert bottleneck(waiting).states[0].of_lead.value == pytest.approx((1440 - 65) / 1440)


def test_each_that_was_started_is_closed_open_or_withdrawn() -> None:
    log = Log()
    for number in (2, 3):
        log.add(
            0, "request_submitted", number, **move("request", "manager", mark="requested", task="manager")
        )
    log.add(9, "request_withdrawn", 3, **move("manager", "withdrawn", outcome="withdrawn"))
    every = [record | {"seq": seq} for seq, record in enumerate([*returned_once(), *log.records], start=1)]
    group = only(every)
    assert handling(group).counts == Counts(started=3, closed=1, open=1, withdrawn=1)
    whole = leads(group).between("requested", "delivered")
    assert whole is not None
    assert whole.counts == Counts(started=3, closed=1, open=1, withdrawn=1)
    # One of three was cut off at 9 minutes, so half of the two others had ended with the one that did.
    assert whole.taken_s.median.value == 316 * 60
    assert whole.taken_s.p90.value is None


def test_what_a_program_did_is_no_handling_and_no_lead_of_people() -> None:
    group = only([record | {"channel": "program"} for record in returned_once()])
    assert handling(group).by_program == 1
    assert handling(group).touch_s.n == 0
    assert leads(group).leads == ()
    assert bottleneck(group).state is None


def test_capacity_is_measured_or_else_claimed_and_says_which() -> None:
    renamed = [record | {"key": "employer-declaration"} for record in returned_once()]
    measured = capacity(only(renamed), per_week=100)
    assert (measured.handling_min.origin, measured.handling_min.n) == ("measured", 1)
    assert (measured.per_week_origin, measured.fte_by_week.origin) == ("given", "given")  # nobody counted 100
    assert measured.hours_per_week.value == pytest.approx(25)
    assert measured.fte_by_week.value == pytest.approx(25 / 36)
    assert measured.fte_by_year.value == pytest.approx(25 * 52 / 1363)
    claimed = capacity(only(renamed[:1]), per_week=100)
    assert (claimed.handling_min.value, claimed.handling_min.origin) == (6.1, "claimed")
    assert claimed.fte_by_week.value == pytest.approx(610 / 60 / 36)
    assert claimed.fte_by_week.origin == "claimed"
    came = capacity(only(renamed))
    assert came.per_week == pytest.approx(7)  # one in the day that the log is long
    assert (came.per_week_origin, came.fte_by_week.origin) == ("measured", "measured")
    assert (
        capacity(only(returned_once()[:1])).handling_min.value is None
    )  # the source studied no such process


def test_the_intervals_hold_the_truth_in_95_of_100_logs() -> None:
    """Touch, queue, suspended and what is cut off are known: 200 logs, by eleven figures each."""
    held = known_truth.held(Law(), seeds=200)
    assert len(held) == 11
    assert {name: count for name, count in held.items() if count < FEWEST} == {}


def test_few_requests_and_many_open_ones_hold_the_truth_as_well() -> None:
    """Forty requests, of which a third are still open when the log ends."""
    held = known_truth.held(Law(per_week=20, weeks=2), seeds=200)
    assert min(held["lead.median"], held["lead.approved.signed.median"], held["handling.median"]) >= FEWEST


def test_what_was_opened_later_than_was_asked_for_makes_no_rate_smaller() -> None:
    """Two weeks of requests, asked for half a year later: the rate is of the two weeks."""
    group = replace(office(Law(weeks=2), 1), now_us=office(Law(), 1).now_us)
    assert capacity(group).per_week == pytest.approx(len(group) / 2, rel=0.1)


def test_the_bottleneck_is_the_clerks_queue_and_surely_so() -> None:
    for seed in range(20):
        found = bottleneck(office(Law(), seed))
        assert (found.state, found.sure) == ("review", True)
    equal = Law(queue_h=(20, 20, 10), suspended=0, returned=0)
    sure = sum(bottleneck(office(equal, seed)).sure for seed in range(40))
    assert sure < 20  # two are as long as each other: chance alone says which is first


def test_drawing_requests_and_drawing_their_sums_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    group = office(Law(queue_h=(24, 20, 20), suspended=0.1, weeks=12), 3)
    asked = {one.state: one.first for one in bottleneck(group).states}
    monkeypatch.setattr("throughput.bottleneck._FEW", 10**6)
    drawn = {one.state: one.first for one in bottleneck(group).states}
    assert 0.02 < max(asked.values()) < 1
    assert np.allclose([asked[name] for name in asked], [drawn[name] for name in asked], atol=0.04)


def test_what_people_do_once_a_plan_is_delivered_is_no_handling_of_it_and_no_waiting_for_it() -> None:
    """It runs for a year then, and is followed up: it was delivered in an hour, and waited six minutes."""
    logs = []
    for number in range(1, 31):
        log = Log()
        log.add(0, "request_submitted", number, **move("draft", "approve", mark="requested", task="approve"))
        log.add(6, "task_started", number)
        log.add(
            60, "document_delivered", number, **move("approve", "running", mark="delivered", task="running")
        )
        log.add(60 * 24 * 90, "task_started", number)
        log.add(60 * 24 * 90 + 30, "request_advanced", number, **move("running", "running", task="running"))
        logs.append(log.records)
    with kept_of(in_order(*logs)) as session:
        now = START + timedelta(days=200)
        cases = read_cases(session)
        [group] = flows_of(cases, read_tasks(session, cases), now=now)
        compared = Comparison.of(session, now=now)
    neck, lead, hands = bottleneck(group), leads(group), handling(group)
    assert [state.state for state in neck.states] == ["approve"]
    assert neck.states[0].of_lead.value == pytest.approx(0.1)
    assert lead.efficiency.value == pytest.approx(0.9)
    assert hands.touch_mean_s.value == pytest.approx(54 * 60)
    assert [state.state for state in hands.by_state] == ["approve"]
    assert (row := compared.rows[0]).touch_total_s is not None
    assert row.touch_total_s.median == pytest.approx(54 * 60)
