"""Little's law by weeks, where clocks are wrong: the rest of the log is checked all the same."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from tests.kept_log import kept_of
from tests.unit.test_throughput_spans import START, Log, move
from throughput.little import Cause, Little
from throughput.little_weeks import little_weeks
from throughput.overview import Overview
from throughput.scope import Scope

DAY = 24 * 60


def checked(*, backwards: int = 0) -> Little:
    """Five weeks of two requests a day that take a day; so many more left an hour before they came."""
    log = Log()
    for number in range(1, 71 + backwards):
        came = number * DAY / 2 if number <= 70 else 20 * DAY
        log.add(came, "request_submitted", number, **move("request", "manager", mark="requested"))
        left = came + (DAY if number <= 70 else -60)
        log.add(
            left, "document_delivered", number, **move("manager", "end", mark="delivered", outcome="done")
        )
    with kept_of(log.records) as session:
        overview = Overview(session, Scope(key="declaration"), START + timedelta(days=40))
        [found] = little_weeks(overview, "month")
    return found


def test_it_asks_as_often_for_many_groups_as_for_one() -> None:
    asked = []
    for count in (1, 9):
        log = Log()
        for number in range(1, 5 * count + 1):
            came = number * DAY
            log.add(came, "request_submitted", number, **move("request", "manager", mark="requested"))
            log.add(came + 60, "document_delivered", number, **move("manager", "end", mark="delivered"))
        records = [one | {"variant": f"A{one['request'] % count}"} for one in log.records]
        with kept_of(records) as session:
            overview = Overview(session, Scope(key="declaration"), START + timedelta(days=80))
            engine = session.connection().engine
            seen: list[str] = []
            event.listen(engine, "before_cursor_execute", lambda *more, seen=seen: seen.append(more[2]))
            assert len(little_weeks(overview, "variant")) == count
        asked.append(len(seen))
    assert asked[0] == asked[1] > 0


def test_what_left_before_it_came_is_told_and_was_in_hand_for_no_time() -> None:
    sound, wrong = checked(), checked(backwards=3)
    assert (sound.wrong_clocks, sound.causes) == (0, ())
    assert sound.in_hand == pytest.approx(2, rel=0.02)
    assert (wrong.wrong_clocks, wrong.causes) == (3, (Cause.CLOCKS,))
    assert (wrong.arrived - sound.arrived, wrong.ended - sound.ended) == (3, 3)
    assert (wrong.in_hand, wrong.rate_times_lead) == pytest.approx((sound.in_hand, sound.rate_times_lead))
