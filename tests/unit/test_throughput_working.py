"""Working time reckoned fast is working time reckoned day by day."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from throughput.working import work_clock
from workflow.calendar import CALENDARS

OFFICE = CALENDARS["office-nl"]
FIRST, LAST = datetime(2025, 1, 3, tzinfo=UTC), datetime(2028, 12, 30, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), LAST - FIRST).map(lambda since: FIRST + since)


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_it_agrees_with_the_calendar(start: datetime, length: timedelta) -> None:
    clock = work_clock("office-nl")
    assert clock is not None
    end = min(start + length, LAST)
    assert clock.between_us(start, end) == OFFICE.working_between(start, end) // timedelta(microseconds=1)


def test_a_weekend_and_a_clock_change_are_no_work() -> None:
    clock = work_clock("office-nl")
    assert clock is not None
    friday, monday = datetime(2026, 3, 27, 15, 0, tzinfo=UTC), datetime(2026, 3, 30, 8, 0, tzinfo=UTC)
    assert clock.between_us(friday, monday) == 2 * 3600 * 10**6  # 16:00-17:00 CET, 9:00-10:00 CEST


def test_outside_the_calendar_nothing_is_known() -> None:
    clock = work_clock("office-nl")
    assert clock is not None
    assert clock.between_us(datetime(2024, 12, 31, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)) is None
    assert work_clock("no-such") is None
