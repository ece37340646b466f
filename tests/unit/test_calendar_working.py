"""Working time: office hours of the Netherlands, holidays by name, clock changes, ISO 8601 durations."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.easter import easter
from hypothesis import assume, given
from hypothesis import strategies as st

from workflow.calendar import CALENDARS, WorkingCalendar, parse_duration, parse_working_duration
from workflow.definition_errors import CalendarEnded, DurationInvalid

OFFICE = CALENDARS["office-nl"]
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=AMSTERDAM)


@pytest.mark.parametrize(
    ("start", "duration", "due"),
    [
        ("2026-11-18T10:00", "PT2H", "2026-11-18T12:00"),
        ("2026-11-18T16:30", "PT1H", "2026-11-19T09:30"),  # over the night
        ("2026-11-20T16:30", "PT1H", "2026-11-23T09:30"),  # over the weekend
        ("2026-11-18T07:00", "PT1H", "2026-11-18T10:00"),  # before opening
        ("2026-11-21T12:00", "PT1H", "2026-11-23T10:00"),  # on a Saturday
        ("2026-11-18T10:00", "PT16H", "2026-11-20T10:00"),
        ("2026-11-18T10:00", "P2D", "2026-11-20T10:00"),  # a working day is eight hours
        (
            "2026-11-18T09:00",
            "PT8H",
            "2026-11-18T17:00",
        ),  # due when the office closes, not at the next opening
        ("2026-12-24T16:00", "PT2H", "2026-12-28T10:00"),  # over Christmas and the weekend after it
        ("2026-04-03T16:00", "PT2H", "2026-04-07T10:00"),  # over Easter; Good Friday is worked
        ("2026-05-04T16:00", "PT2H", "2026-05-06T10:00"),  # over Liberation Day
        ("2025-04-25T16:00", "PT2H", "2025-04-28T10:00"),  # King's Day 2025 was on the Saturday
        ("2026-03-27T16:00", "PT2H", "2026-03-30T10:00"),  # summer time begins in that weekend
        ("2026-10-23T16:00", "PT2H", "2026-10-26T10:00"),  # and ends in this one
    ],
)
def test_working_time_is_added_in_office_hours(start: str, duration: str, due: str) -> None:
    end = OFFICE.after_working(local(start), OFFICE.length(parse_working_duration(duration)))
    assert end == local(due)
    assert end.tzinfo is UTC


def test_a_clock_change_within_opening_hours_counts_as_it_passes() -> None:
    night = WorkingCalendar(
        "night",
        "Europe/Amsterdam",
        time(1),
        time(5),
        frozenset(range(7)),
        {},
        first_year=2025,
        last_year=2028,
    )
    spring, autumn = local("2026-03-29T01:00"), local("2026-10-25T01:00")
    assert night.working_between(spring, local("2026-03-29T05:00")) == timedelta(hours=3)
    assert night.working_between(autumn, local("2026-10-25T05:00")) == timedelta(hours=5)
    assert night.after_working(spring, night.length(parse_duration("PT2H"))) == local("2026-03-29T04:00")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-18T10:00", "2026-11-18T12:00", 2),
        ("2026-11-20T16:00", "2026-11-23T10:00", 2),
        ("2026-11-21T00:00", "2026-11-22T23:59", 0),
        ("2026-11-16T00:00", "2026-11-23T00:00", 40),
        ("2026-12-21T00:00", "2027-01-04T00:00", 9 * 8 - 8),  # four days, four days; 1 January is a Friday
        ("2026-11-18T12:00", "2026-11-18T10:00", -2),
    ],
)
def test_working_time_between(start: str, end: str, hours: int) -> None:
    assert OFFICE.working_between(local(start), local(end)) == timedelta(hours=hours)


MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 6, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(start=MOMENTS, minutes=st.integers(1, 60 * 300))
def test_what_was_added_lies_between(start: datetime, minutes: int) -> None:
    end = OFFICE.after_working(start, OFFICE.length(parse_duration(f"PT{minutes}M")))
    assert OFFICE.working_between(start, end) == timedelta(minutes=minutes)
    assert OFFICE.is_working_day(end.astimezone(AMSTERDAM).date())


@given(first=MOMENTS, second=MOMENTS, third=MOMENTS)
def test_working_time_adds_up(first: datetime, second: datetime, third: datetime) -> None:
    assume(abs(third - first) < timedelta(days=400))
    whole = OFFICE.working_between(first, third)
    assert OFFICE.working_between(first, second) + OFFICE.working_between(second, third) == whole


@pytest.mark.parametrize("year", range(2025, 2029))
def test_holidays_that_hang_on_easter_are_where_easter_is(year: int) -> None:
    named = {name: day for day, name in OFFICE.holidays.items() if day.year == year}
    distances = {name: (day - easter(year)).days for name, day in named.items()}
    hanging = ("Easter Sunday", "Easter Monday", "Ascension Day", "Whit Sunday", "Whit Monday")
    assert [distances[name] for name in hanging] == [0, 1, 39, 49, 50]
    assert named["New Year's Day"] == date(year, 1, 1)
    assert {named["Christmas Day"], named["Second Christmas Day"]} == {date(year, 12, 25), date(year, 12, 26)}
    assert len(named) == 10


def test_a_year_without_listed_holidays_is_refused_not_guessed() -> None:
    with pytest.raises(CalendarEnded, match="not for 2029"):
        OFFICE.after_working(local("2028-12-29T16:00"), OFFICE.length(parse_duration("PT2H")))
    with pytest.raises(CalendarEnded):
        OFFICE.working_between(local("2024-12-31T12:00"), local("2025-01-02T12:00"))


def test_naive_times_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match="aware"):
        OFFICE.after_working(datetime(2026, 11, 18, 10), OFFICE.length(parse_duration("PT1H")))  # noqa: DTZ001


def test_durations_keep_their_parts_and_their_text() -> None:
    duration = parse_duration("P1Y2M3W4DT5H6M7S")
    assert (duration.years, duration.months, duration.weeks, duration.days) == (1, 2, 3, 4)
    assert duration.clock == timedelta(hours=5, minutes=6, seconds=7)
    assert str(duration) == "P1Y2M3W4DT5H6M7S"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1",
        "1D",
        "P1DT",
        "PT0S",
        "P0D",
        "-P1D",
        "P1.5D",
        "PT1H ",
        "pt1h",
        "P1H",
        "PT1D",
        "P٣D",
        "PT99999999H",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(DurationInvalid):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P1Y", "P3M", "P2W", "P1M2D"])
def test_working_time_has_no_months(text: str) -> None:
    with pytest.raises(DurationInvalid, match="working time"):
        parse_working_duration(text)
    with pytest.raises(DurationInvalid):
        OFFICE.after_working(local("2026-11-18T10:00"), OFFICE.length(parse_duration(text)))
