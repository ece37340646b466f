"""Reminders and escalations come by working time, once each, whatever the server was doing meanwhile."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_bytes

import pytest
from sqlalchemy.orm import Session

from tests.databases import Database
from tests.integration.engine_office import Office
from workflow.eventlog import Appender
from workflow.reminders import Due, Reminders
from workflow.retention import begin_anew
from workflow.tables import RetentionRow

# The request comes in on Friday 20 November 2026 at ten in the morning, Amsterdam: nine o'clock UTC.
FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MONDAY, WEDNESDAY = FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=5)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


def remind(office: Office, at: datetime, *, looked: bool = True) -> int:
    """Remind then; retention has looked at the clock a moment before, as it does every hour."""
    office.now = at
    if looked:
        with office.store.write() as session:
            Appender.lock(session, token_bytes)  # as retention does: of several first looks one makes the row
            session.merge(RetentionRow(id=1, looked_at=at, waits_until=None))
    return Reminders(office.store, definition_of=office.engine.definition, now=lambda: office.now).run()


def told(office: Office, number: int) -> list[tuple[str, str]]:
    return [
        (record["type"], record["after"])
        for record in office.records(number)
        if record["type"].startswith("task_") and "after" in record
    ]


def test_a_manager_is_reminded_after_a_working_day_and_it_is_escalated_after_three(office: Office) -> None:
    number = office.submit()
    version = office.version(number)
    assert remind(office, MONDAY - MINUTE) == 0
    assert remind(office, MONDAY) == 1
    assert told(office, number) == [("task_reminded", "PT8H")]
    assert remind(office, WEDNESDAY - MINUTE) == 0
    assert remind(office, WEDNESDAY) == 1
    assert told(office, number)[1:] == [("task_escalated", "PT24H")]
    assert remind(office, WEDNESDAY + timedelta(days=30)) == 0
    assert office.version(number) == version, "a reminder must not make what a person saw out of date"
    assert office.report().ok


def test_after_a_pause_of_the_server_each_is_told_once(office: Office) -> None:
    number = office.submit()
    assert remind(office, WEDNESDAY + timedelta(days=7)) == 2
    assert told(office, number) == [("task_reminded", "PT8H"), ("task_escalated", "PT24H")]
    assert remind(office, WEDNESDAY + timedelta(days=8)) == 0


def test_workers_that_remind_at_once_tell_once(office: Office) -> None:
    numbers = [office.submit(reference=str(count)) for count in range(10)]
    office.now = MONDAY
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda _: remind(office, MONDAY), range(12)))
    assert sum(done) == len(numbers)
    assert [told(office, number) for number in numbers] == [[("task_reminded", "PT8H")]] * len(numbers)


def test_a_new_task_has_reminders_of_its_own(office: Office) -> None:
    number = office.submit()
    remind(office, MONDAY)
    office.fire("approve", "manager", number)
    assert remind(office, MONDAY + timedelta(hours=23, minutes=59)) == 0
    assert remind(office, MONDAY + timedelta(days=1)) == 1  # the clerk, who has had it since Monday
    assert [kind for kind, _ in told(office, number)] == ["task_reminded", "task_reminded"]


def test_the_clock_stands_still_while_a_request_waits_for_an_outsider(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    office.now = FRIDAY + timedelta(hours=6)  # 16:00, six hours waited
    office.do("suspend", "manager", number, remark="Waits for the pension fund.")
    assert remind(office, MONDAY + timedelta(hours=5)) == 0
    office.do("resume", "manager", number)  # Monday 15:00: seven of its working hours were suspended
    assert remind(office, MONDAY + timedelta(hours=7) - MINUTE) == 0
    assert remind(office, MONDAY + timedelta(hours=7)) == 1


def test_the_queue_says_when_a_task_is_due_and_that_it_was_reminded_of(office: Office) -> None:
    number = office.submit()
    [item] = office.engine.queue("manager").items
    assert item.due_at == FRIDAY + timedelta(days=4)  # 16 hours: two working days
    assert item.reminded_at is None
    remind(office, MONDAY)
    assert [one.reminded_at for one in office.engine.queue("manager").items] == [MONDAY]
    assert [one.escalated_at for one in office.engine.queue("manager").items] == [None]
    office.do("claim", "manager", number)
    office.do("suspend", "manager", number, remark="Waits.")
    office.now = MONDAY + timedelta(hours=2)
    office.do("resume", "manager", number)
    assert [one.due_at for one in office.engine.queue("manager").items] == [
        FRIDAY + timedelta(days=4, hours=2)
    ]
    remind(office, WEDNESDAY + timedelta(hours=2))
    [item] = office.engine.queue("manager").items
    assert item.escalated_at == item.reminded_at == office.now


def test_a_clock_behind_the_log_reminds_of_nothing(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.submit()
    remind(office, MONDAY)
    assert remind(office, FRIDAY + timedelta(hours=1)) == 0
    assert "by this machine" in caplog.text


def test_a_clock_that_jumps_ahead_reminds_of_nothing_for_a_day(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A reminder is told once: under a wrong clock it would come too early, and never again."""
    number = office.submit()
    assert remind(office, FRIDAY) == 0
    wrong = FRIDAY + timedelta(days=60)
    reminders = Reminders(office.store, definition_of=office.engine.definition, now=lambda: office.now)
    office.now = wrong
    assert [reminders.run() for _ in range(3)] == [0, 0, 0]
    assert caplog.text.count("went forward by days") == 1
    assert remind(office, MONDAY, looked=False) == 1  # it was set right
    with office.store.write() as session:
        session.merge(RetentionRow(id=1, looked_at=wrong, waits_until=wrong + timedelta(days=1)))
    assert remind(office, wrong + timedelta(hours=1), looked=False) == 0
    assert remind(office, wrong + timedelta(hours=1)) == 1  # a person said that it is right
    assert [kind for kind, _ in told(office, number)] == ["task_reminded", "task_escalated"]


def test_a_small_step_back_of_a_clock_that_jumped_ahead_ends_no_wait(office: Office) -> None:
    office.submit()
    wrong = FRIDAY + timedelta(days=60)
    said = {"looked_at": wrong, "waits_until": wrong + timedelta(days=1), "steady_at": FRIDAY}
    with office.store.write() as session:
        session.merge(RetentionRow(id=1, **said))
    assert remind(office, wrong - timedelta(milliseconds=40), looked=False) == 0
    assert remind(office, MONDAY, looked=False) == 1  # it is back


def test_reminders_do_not_wait_after_a_restore(office: Office) -> None:
    office.submit()
    begin_anew(office.store, now=MONDAY - MINUTE)
    assert remind(office, MONDAY, looked=False) == 1


def test_under_the_lock_only_what_was_found_is_looked_at_some_at_a_time(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.reminders.TASKS", 2)
    numbers = [office.submit(reference=str(count)) for count in range(5)]
    asked: list[int] = []
    due = Reminders.due

    def watched(self: Reminders, session: Session, tasks: Sequence[int] | None = None) -> Iterator[Due]:
        asked.append(len(tasks) if tasks is not None else -1)
        return due(self, session, tasks)

    monkeypatch.setattr(Reminders, "due", watched)
    assert remind(office, MONDAY) == 5
    assert asked == [-1, 2, 2, 1]
    assert [told(office, number) for number in numbers] == [[("task_reminded", "PT8H")]] * 5


def test_a_calendar_that_ends_is_told_and_stops_nobody(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.now = datetime(2028, 12, 29, 15, 0, tzinfo=UTC)
    office.submit()
    [item] = office.engine.queue("manager").items
    assert item.due_at is None
    assert remind(office, datetime(2029, 1, 8, 15, 0, tzinfo=UTC)) == 0
    assert "lists holidays for 2025 to 2028" in caplog.text


def test_what_is_reminded_of_names_nobody(office: Office) -> None:
    number = office.submit()
    remind(office, MONDAY)
    [record] = [one for one in office.records(number) if one["type"] == "task_reminded"]
    assert record.pop("body") is None
    assert set(record) == {"seq", "at", "type", "prev", "request", "state", "task", "after", "channel"}
