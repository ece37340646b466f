"""What pages of figures tell of requests that go on once they were delivered: plans run for a year."""

from datetime import timedelta

import pytest

from tests.kept_log import kept_of
from tests.unit.test_throughput_compare import in_order
from tests.unit.test_throughput_spans import START, Log, move
from throughput.overview import Overview
from throughput.scope import Scope
from web.figures_parts import quantile

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
    assert (group.came, group.open, group.delivered, group.returned) == (30, 30, 20, 5)
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
