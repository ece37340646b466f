"""What libraries say of a lost database becomes one line, and old news none."""

import logging

import pytest
from psycopg import OperationalError

from workflow.errors import StoreUnavailable
from workflow.lost import OLD_NEWS_S, Link


def says(link: Link) -> None:
    """As the pool of connections does of a try in vain."""
    error = OperationalError("connection failed: server closed the connection unexpectedly")
    record = logging.LogRecord("psycopg.pool", logging.WARNING, "", 0, "error connecting: %s", (error,), None)
    assert not link.filter(record)


def test_a_try_that_began_before_the_database_was_back_is_no_second_loss(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    link = Link(clock=lambda: now[0])
    says(link)
    says(link)
    link.found()
    now[0] += OLD_NEWS_S / 2
    says(link)
    assert [record.msg for record in caplog.records] == ["database_lost", "database_back"]
    now[0] += OLD_NEWS_S
    says(link)
    assert [record.msg for record in caplog.records][2:] == ["database_lost"]


def test_a_worker_that_finds_it_lost_again_at_once_says_so(caplog: pytest.LogCaptureFixture) -> None:
    link = Link(clock=lambda: 100.0)
    link.lost(StoreUnavailable("It is away.", hint="Start it."))
    link.found()
    link.lost(StoreUnavailable("It is away.", hint="Start it."))
    assert [record.msg for record in caplog.records] == ["database_lost", "database_back", "database_lost"]
