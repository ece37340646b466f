"""Little's law by weeks: of sound logs, lost ends and wrong clocks, and where it does not apply."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from tests.kept_log import kept_of
from tests.known_truth import BEGINS, Law, office
from tests.unit.test_throughput_compare import in_order
from tests.unit.test_throughput_spans import START, Log, move
from throughput.figures import moment_of
from throughput.little import Cause, Little
from throughput.little_weeks import little_weeks
from throughput.overview import Overview
from throughput.reporting.words import report_words
from throughput.said import little_said
from throughput.scope import Scope
from web.figures_parts import Names
from web.figures_sound import SoundParts
from web.figures_wording import wording
from web.languages import translations

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
    return told(log, START + timedelta(days=40))


def of_law(law: Law, seed: int, since: datetime | None = None) -> Little:
    """The check of an office whose truth is known, as the log ends."""
    group, log = office(law, seed), Log()
    for number, (came, left) in enumerate(zip(group.opened_us, group.left_us, strict=True), start=1):
        log.add(minutes(came), "request_submitted", number, **move("request", "manager", mark="requested"))
        if not np.isnan(left):
            log.add(
                minutes(left),
                "document_delivered",
                number,
                **move("manager", "end", mark="delivered", outcome="done"),
            )
    return told(log, moment_of(group.now_us), since)


def minutes(us: float) -> float:
    """As records of a log are added."""
    return (moment_of(us) - START) / timedelta(minutes=1)


def test_it_holds_in_sound_logs_and_misses_where_ends_are_lost() -> None:
    for seed in range(6):
        sound = of_law(Law(), seed)
        assert (sound.told, sound.causes) == (True, ())
        lost = of_law(Law(ends_lost=0.05), seed)
        assert lost.causes == (Cause.MISSING_ENDS,)
        assert lost.tolerance is not None
        assert lost.misses_by is not None
        assert lost.misses_by > lost.tolerance


def test_of_a_period_it_counts_what_was_in_hand_before() -> None:
    """A cohort begins with nothing in hand: it would fill up, and the law would be broken for no reason."""
    for seed in range(6):
        found = of_law(Law(), seed, since=BEGINS + timedelta(weeks=20))
        assert found.in_hand_first > 5
        assert (found.told, found.steady, found.causes) == (True, True, ())


def test_where_much_more_is_in_hand_at_one_end_it_says_so_and_nothing_of_the_log() -> None:
    filling, emptying = rising(range(2, 26)), rising(range(25, 1, -1))
    assert filling.causes == (Cause.FILLING,)
    assert filling.in_hand_last > 2 * filling.in_hand_first
    assert emptying.causes == (Cause.EMPTYING,)
    assert emptying.in_hand_first > 2 * emptying.in_hand_last
    for found in (filling, emptying):
        assert (found.told, found.steady, found.sound) == (True, False, True)
        assert "not told, as many" in little_said(found)
        figures: Any = SimpleNamespace(little=[found], by="month")
        names = Names(str, str, ())
        parts = SoundParts(
            figures, names, wording("en"), translations("en").gettext, True, report_words("en")
        )
        assert parts.doubts() == []
        assert parts.all()[0].said[0].startswith("Whether the log can be right is not told, as ")


def rising(a_day: Iterable[int]) -> Little:
    """So many requests on each day of half a week, which all take a fortnight."""
    log = Log()
    days = [n for n in a_day for _ in range(4)]
    for number, day in enumerate((day for day, n in enumerate(days) for _ in range(n)), start=1):
        log.add(day * DAY, "request_submitted", number, **move("request", "manager", mark="requested"))
        if day + 14 < len(days):
            left = (day + 14) * DAY + number % 60
            log.add(
                left, "document_delivered", number, **move("manager", "end", mark="delivered", outcome="done")
            )
    return told(log, START + timedelta(days=len(days)))


def told(log: Log, now: datetime, since: datetime | None = None) -> Little:
    """Of all requests together."""
    with kept_of(in_order(log.records)) as session:
        [found] = little_weeks(Overview(session, Scope(key="declaration", since=since), now), "month")
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
