"""Calendar arithmetic of keeping: months are calendar months, and a term is never cut short."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.calendar import Duration, later_by, parse_duration
from workflow.definition import load_folder
from workflow.keeping import due_day, ended_before
from workflow.names import known_names

DECLARATION = load_folder(known_names()).get("employer-declaration", "A3")
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("day", "keep", "due"),
    [
        ("2026-11-20", "P3M", "2027-02-20"),
        ("2026-11-30", "P3M", "2027-02-28"),
        ("2023-11-30", "P3M", "2024-02-29"),
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2024-01-31", "P1M", "2024-02-29"),
        ("2026-08-31", "P1M", "2026-09-30"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2026-12-31", "P2M", "2027-02-28"),
        ("2026-01-31", "P1M1D", "2026-03-01"),
        ("2026-11-20", "P2W", "2026-12-04"),
        ("2026-11-20", "P1D", "2026-11-21"),
        ("2026-11-20", "PT1S", "2026-11-21"),
        ("2026-11-20", "PT24H", "2026-11-21"),
        ("2026-11-20", "PT25H", "2026-11-22"),
        ("2026-11-20", "P100000Y", "9999-12-31"),
        ("2026-11-20", "P100000W", "3943-06-04"),
        ("9999-12-01", "P100D", "9999-12-31"),
        ("9999-12-01", "P1M", "9999-12-31"),
    ],
)
def test_the_day_so_much_later(day: str, keep: str, due: str) -> None:
    assert later_by(date.fromisoformat(day), parse_duration(keep)).isoformat() == due


@given(day=DAYS, other=DAYS, months=st.integers(0, 40), days=st.integers(0, 400))
def test_who_ended_later_is_never_due_earlier(day: date, other: date, months: int, days: int) -> None:
    keep = Duration("", months=months, days=days)
    first, second = sorted((day, other))
    assert later_by(first, keep) <= later_by(second, keep)


@given(day=DAYS, ended=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 (hypothesis wants it so)
def test_the_moment_that_is_asked_of_the_database_is_that_of_the_rule(day: date, ended: datetime) -> None:
    assert (ended < ended_before(DECLARATION, day)) == (due_day(DECLARATION, ended) <= day)


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        ("2026-11-20T22:59:59+00:00", "2027-02-20"),  # 23:59:59 in the office
        ("2026-11-20T23:00:00+00:00", "2027-02-21"),  # midnight in the office
        ("2026-06-30T22:00:00+00:00", "2026-10-01"),  # summer time: midnight, 1 July
        ("2026-06-30T21:59:59+00:00", "2026-09-30"),
    ],
)
def test_the_day_is_the_offices(ended: str, due: str) -> None:
    assert due_day(DECLARATION, datetime.fromisoformat(ended)).isoformat() == due
