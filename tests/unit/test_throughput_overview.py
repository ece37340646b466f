"""What pages of figures tell of requests that go on once they were delivered: plans run for a year."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import insert

from tests.kept_log import kept_of
from tests.unit.test_throughput_compare import in_order
from tests.unit.test_throughput_spans import START, Log, move
from throughput.figures import read_cases, read_tasks
from throughput.flows import flows_of
from throughput.followed import followed
from throughput.kept_days import PAIRS
from throughput.monitor import ALL, Monitor, Month, months
from throughput.overview import Overview
from throughput.panels import between, handling, leads
from throughput.rework import rework
from throughput.scope import Scope
from throughput.survival import Survival
from web.figures_parts import quantile
from workflow.calendar import ZONE
from workflow.tables import DefinitionSource

NOW = START + timedelta(days=200)


def plan(number: int, *, delivered: bool = True, returned: bool = False) -> Log:
    """Asked for, and if so delivered within an hour."""
    log = Log()
    log.add(0, "request_submitted", number, **move("draft", "approve", mark="requested", task="approve"))
    if returned:
        log.add(9, "request_returned", number, **move("approve", "draft", task="draft"))
        log.add(20, "request_submitted", number, **move("draft", "approve", task="approve"))
    if delivered:
        log.add(
            60, "document_delivered", number, **move("approve", "running", mark="delivered", task="running")
        )
    return log


def test_a_plan_that_runs_was_delivered_when_it_was() -> None:
    plans = [plan(number, returned=number <= 5) for number in range(1, 21)]
    plans += [plan(number, delivered=False) for number in range(21, 31)]
    with kept_of(in_order(*(one.records for one in plans))) as session:
        [group] = Overview(session, Scope(), NOW).compared("variant")
    assert (group.came, group.open, group.delivered, group.returned) == (
        30,
        10,
        20,
        5,
    )  # `paraaf throughput` counts those that run as delivered, too
    assert (len(group.lead), group.lead.ended) == (30, 20)
    assert quantile(group.lead, 0.5) == pytest.approx(3600, rel=0.01)
    assert quantile(group.lead, 0.9) is None


def test_a_plan_that_was_closed_is_told_as_it_was_while_it_ran() -> None:
    ended = [plan(number) for number in range(1, 21)]
    for number, one in enumerate(ended, start=1):
        one.add(60 * 24 * 100, "request_advanced", number, **move("running", "closed", outcome="done"))
    with kept_of(in_order(*(one.records for one in ended))) as session:
        [group] = Overview(session, Scope(), NOW).compared("variant")
    assert (group.open, group.delivered, group.lead.ended) == (0, 20, 20)
    assert quantile(group.lead, 0.5) == pytest.approx(3600, rel=0.01)


SOURCE = """
[state.approve.on]
approve = { to = "sign", mark = "approved" }
[state.deliver.on]
deliver = { to = "running", mark = "delivered" }
[state.closed]
end = "done"
[state.withdrawn]
end = "withdrawn"
"""
DAY = 60 * 24


def test_page_command_and_report_tell_the_same_of_plans() -> None:
    """Of those that wait, run, are closed or withdrawn; a program has a part in some, in some only later."""
    records = in_order(*(plan_of(number, Random(number)) for number in range(1, 121)))  # noqa: S311 (the same each time)
    with kept_of(records, cuts=(50, 51, 700)) as session:
        session.execute(
            insert(DefinitionSource.table()),
            [{"sha256_hex": "d", "key": "plan", "variant": "A3", "version": 1, "source": SOURCE}],
        )
        overview = Overview(session, Scope(), NOW)
        [page], stages, spent = overview.compared("variant"), overview.stages(), overview.spent()
        every = read_cases(session)
        [command] = flows_of(every, read_tasks(session, every), now=NOW)
        first, last = Month(2026, 3), Month.of(NOW.astimezone(ZONE).date())
        cases = list(followed(session, [], calendar="office-nl"))
        report = Monitor.of(cases, months(first, last), ZONE, norms=0, small=-1).report()
    counts = leads(command).counts
    counted = (page.running, page.ended["done"], page.ended["withdrawn"], page.open, page.by_program.total())
    assert min(counted) > 5
    assert (page.came, page.open) == (counts.started, counts.open)
    assert page.delivered == int(command.delivered.sum())
    hands = handling(command).touch_s
    assert len(page.touch) == hands.n
    assert quantile(page.touch, 0.5) == pytest.approx(hands.median.value, rel=0.02)
    assert page.touch.mean == pytest.approx(handling(command).touch_mean_s.value, rel=0.01)
    assert page.right_first_time == rework(command).first_time_right.value == 1
    for way in PAIRS:
        there = ~command.by_program & (command.milestones_us[way[0]] > 0)
        said, told = between(command, *way, among=there), stages["-".join(way)]
        assert (len(told), told.ended) == (len(said), said.ended), way
        assert Survival.of(told).quantile(0.5) == pytest.approx(Survival.of(said).quantile(0.5), rel=0.02)
    tasks = command.tasks
    done = Counter(tasks.states[place] for place in tasks.state[tasks.over & tasks.by_person].tolist())
    assert {one.state: one.n for one in spent} == dict(done)
    ended = Counter(
        Month.of(datetime.fromisoformat(record["at"]).astimezone(ZONE).date())
        for record in records
        if record.get("mark") == "delivered"
    )
    assert {month: report.ended[month, "done"] for month in ended} == dict(ended)
    assert report.ended[ALL, "done"] == page.delivered
    assert report.ended[ALL, "withdrawn"] == page.ended["withdrawn"]
    assert report.in_progress[last] == page.open
    assert {one.contacts for one in cases if one.outcome == "done"} == {2}  # approved and signed


def plan_of(number: int, luck: Random) -> list[dict[str, Any]]:
    """What the log says of one: it is cut off anywhere, or closed after some months."""
    log, at = Log(), luck.uniform(0, 120 * DAY)
    for minutes, type_, facts in list(_happens(luck))[: luck.choice([2, 4, 6, 8, *[99] * 6])]:
        at += minutes
        if at < 200 * DAY:
            log.add(at, type_, number, definition="d", unit="records", **facts)
    return log.records


def _happens(luck: Random) -> Iterator[tuple[float, str, dict[str, Any]]]:
    yield 0, "request_submitted", move("draft", "approve", mark="requested", task="approve")
    steps = [("approve", "sign", "approved"), ("sign", "deliver", "signed")]
    program = luck.random() < 0.15
    for state, to, mark in steps:
        yield luck.expovariate(1 / DAY), "task_started", {}
        if luck.random() < 0.08:
            yield 5, "request_withdrawn", move(state, "withdrawn", outcome="withdrawn")
            return
        done = move(state, to, mark=mark, task=to if to == "sign" else None)
        yield luck.uniform(5, 30), "request_advanced", done | ({"channel": "program"} if program else {})
    yield 1, "document_delivered", move("deliver", "running", mark="delivered", task="running")
    for _ in range(luck.randrange(3)):
        yield luck.expovariate(1 / (30 * DAY)), "task_started", {}
        channel = luck.choice(["person", "program"])
        yield 20, "request_advanced", move("running", "running", task="running") | {"channel": channel}
    yield luck.uniform(0, 120 * DAY), "request_advanced", move("running", "closed", outcome="done")
