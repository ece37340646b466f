"""What is a value of its column in a SQLite file: every time and day that we write, and no other text."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Date, Integer, MetaData, Table, create_engine, text

from workflow.rowforms import misshapen
from workflow.tables import UtcTime

TABLE = Table(
    "t", MetaData(), Column("id", Integer, primary_key=True), Column("at", UtcTime()), Column("on", Date)
)


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with create_engine("sqlite://").connect() as connection:
        TABLE.create(connection)
        yield connection


def told(connection: Connection) -> list[str]:
    found = [one.column for one in misshapen(connection, [TABLE])]
    connection.execute(TABLE.delete())
    return found


@given(at=st.datetimes(timezones=st.just(UTC)), on=st.dates())
def test_what_we_write_fits(connection: Connection, at: datetime, on: date) -> None:
    connection.execute(TABLE.insert().values(at=at, on=on))
    assert told(connection) == []


@pytest.mark.parametrize("moment", ["23:59:59.999999", "03:16:04.999700", "00:00:00.000000"])
@pytest.mark.parametrize("day", ["2026-12-31", "2024-02-29", "9999-12-31", "0001-01-01"])
def test_a_time_just_before_the_next_second_fits(connection: Connection, day: str, moment: str) -> None:
    at = datetime.fromisoformat(f"{day} {moment}+00:00")
    connection.execute(TABLE.insert().values(at=at, on=at.date()))
    assert told(connection) == []


@pytest.mark.parametrize(
    "value",
    [
        *("once", "2026-02-31 09:00:00.000000", "2026-11-20", "2026-11-20 25:00:00", "2026-11-20T09:00:00"),
        *("2026-11-20 09:00:00.1", "2026-11-20 09:00:00+00:00", "2026-11-20 09:00:60", ""),
    ],
)
def test_a_text_that_is_no_time_is_named(connection: Connection, value: str) -> None:
    connection.execute(text("INSERT INTO t (at) VALUES (:value)"), {"value": value})
    assert told(connection) == ["at"]
