"""How timestamp authorities are, shared by workers: who fails rests, one tries, an answer ends it for all."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from signing.authorities import COOL_DOWN
from signing.errors import RevocationUnavailableError, TimestampError
from tests.databases import Database
from tests.steps_office import Sample
from workflow import authority_health, preflight
from workflow.authority_health import Rests, SharedHealth, health_of
from workflow.figures import Figures
from workflow.outcomes import Patience
from workflow.store import Store
from workflow.tables import AuthorityHealth

REFUSED = TimestampError("refused the request with status 2.")
LONG = Rests(timedelta(seconds=100), timedelta(hours=1))
SHORT = Rests(timedelta(milliseconds=1), timedelta(milliseconds=1))
HOUR = {"tsa": timedelta(hours=1)}


@pytest.fixture
def stores(database: Database) -> Iterator[list[Store]]:
    """The same database, as two workers have it."""
    both = [Store(database.url), Store(database.url)]
    yield both
    for each in both:
        each.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody goes by what was read before."""
    monkeypatch.setattr(authority_health, "EXCHANGED_EVERY_S", 0.0)


def workers(stores: Sequence[Store], rests: Rests = LONG) -> list[SharedHealth]:
    return [SharedHealth(store, HOUR, rests=rests) for store in stores]


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def told() -> None:
        await story()

    asyncio.run(told())


def row_of(store: Store, authority: str = "tsa") -> AuthorityHealth:
    with store.read() as session:
        row = health_of(session, authority)
        assert row is not None
        session.expunge(row)
    return row


def test_all_workers_leave_alone_what_failed_at_one_until_it_answers_one(stores: list[Store]) -> None:
    async def story() -> None:
        one, other = workers(stores)
        assert await other.rest_s("tsa") == 0.0
        one.failed("tsa", REFUSED, took_s=0.1)
        await one.close()
        assert 90 < await one.rest_s("tsa") <= 100
        assert 90 < await other.rest_s("tsa") <= 100
        assert await other.rest_s("another") == 0.0
        row = row_of(stores[0])
        assert (row.failures, row.code, row.message) == (1, "signing-timestamp", str(REFUSED))
        assert (row.answered_at, row.cool_until - row.failed_at) == (None, LONG.first)  # type: ignore[operator]
        other.answered("tsa")
        await other.close()
        assert await one.rest_s("tsa") == 0.0
        row = row_of(stores[0])
        assert (row.failures, row.cool_until) == (0, None)
        assert row.answered_at is not None
        assert row.code == "signing-timestamp"  # the last trouble is told still

    run(story)


def test_a_failure_of_many_at_the_same_time_is_one_and_the_next_doubles_the_rest(stores: list[Store]) -> None:
    async def story() -> None:
        one, other = workers(stores)
        for health in (one, other, one):
            health.failed("tsa", REFUSED, took_s=5.0)
            await health.close()
        assert row_of(stores[0]).failures == 1
        other.failed("tsa", REFUSED, took_s=0.0)
        await other.close()
        assert row_of(stores[0]).failures == 2
        assert 190 < await one.rest_s("tsa") <= 200
        one.failed("tsa", REFUSED, took_s=0.0, asks_for_s=1000)
        await one.close()
        assert 990 < await other.rest_s("tsa") <= 1000
        one.failed("tsa", REFUSED, took_s=0.0, asks_for_s=1e9)
        await one.close()
        assert 3590 < await other.rest_s("tsa") <= 3600

    run(story)


def test_when_the_rest_is_over_one_tries_and_the_others_wait_for_what_comes_of_it(
    stores: list[Store],
) -> None:
    async def story() -> None:
        (health,) = workers(stores[:1], Rests(timedelta(seconds=0.3), timedelta(hours=1)))
        health.failed("tsa", REFUSED, took_s=0.0)
        await health.close()
        waited = [await health.rest_s("tsa")]
        await asyncio.sleep(waited[0] + 0.05)
        assert [await health.rest_s("tsa") > 0 for _ in range(3)] == [False, True, True]
        health.answered("tsa")
        assert [await health.rest_s("tsa") for _ in range(3)] == [0.0] * 3

    run(story)


def test_who_looks_whether_it_is_well_is_told_to_ask(stores: list[Store]) -> None:
    async def story() -> None:
        health = SharedHealth(stores[0], HOUR, rests=LONG, heed=False)
        health.failed("tsa", REFUSED, took_s=0.0)
        assert await health.rest_s("tsa") == 0.0
        await health.close()
        assert row_of(stores[0]).failures == 1

    run(story)


def test_rests_double_up_to_the_cool_down() -> None:
    rests = Rests.of(Patience())
    told = [rests.after(failures, COOL_DOWN).total_seconds() for failures in (1, 2, 3, 6, 7, 8, 10_000)]
    assert told == [1, 2, 4, 32, 60, 60, 60]


def test_what_is_kept_holds_no_secret_and_names_nobody(stores: list[Store]) -> None:
    trouble = RevocationUnavailableError("Nobody says whether the certificate of Bram is revoked.")

    async def story() -> None:
        (health,) = workers(stores[:1])
        health.failed("https://tsa.example.org:8443/secret?key=secret", trouble, took_s=0.0)
        await health.close()

    run(story)
    with stores[0].read() as session:
        rows = session.execute(text("SELECT * FROM authority_health")).all()
    assert [row.authority for row in rows] == ["tsa.example.org:8443"]
    assert "Bram" not in repr(rows)
    assert "secret" not in repr(rows)


def test_an_answer_is_written_when_it_is_news(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    usual = SharedHealth._write
    monkeypatch.setattr(
        SharedHealth,
        "_write",
        lambda self, s, one, clocks: (written.append(one.code), usual(self, s, one, clocks)),
    )

    async def story() -> None:
        (health,) = workers(stores[:1])
        for _ in range(5):
            health.answered("tsa")
            await health.close()
        health.failed("tsa", REFUSED, took_s=0.0)
        for _ in range(5):
            health.answered("tsa")
            await health.close()
        monkeypatch.setattr(authority_health, "ANSWER_KEPT_S", 0.0)
        health.answered("tsa")
        await health.close()

    run(story)
    assert written == ["", "signing-timestamp", "", ""]


def test_a_database_that_is_away_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The process goes by what it has seen itself, and tells once."""

    async def story() -> None:
        health = SharedHealth(Store(f"sqlite:///{tmp_path}/nowhere/x.sqlite3"), HOUR, rests=LONG)
        assert await health.rest_s("tsa") == 0.0
        health.answered("tsa")
        for _ in range(3):  # who asked at the same time
            health.failed("tsa", REFUSED, took_s=60.0)
        assert 90 < await health.rest_s("tsa") <= 100
        health.answered("tsa")
        assert await health.rest_s("tsa") == 0.0
        await health.close()

    run(story)
    assert [one.message for one in caplog.records] == ["authority_health_not_kept"]


def test_a_database_that_is_slow_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> Mapping[str, Any]:
        asked.set()
        assert go_on.wait(60)
        return {}

    monkeypatch.setattr(SharedHealth, "_exchange_rows", slow)

    async def story() -> None:
        health = SharedHealth(Store("sqlite://"), HOUR, rests=LONG)
        assert await health.rest_s("tsa") == 0.0
        health.failed("tsa", REFUSED, took_s=0.0)
        assert await health.rest_s("tsa") > 0
        assert asked.is_set()
        go_on.set()  # whoever waited for it above would not have come here
        await health.close()

    run(story)


def test_a_clock_that_goes_back_keeps_nobody_from_asking(stores: list[Store]) -> None:
    async def story() -> None:
        one, other = workers(stores, SHORT)
        one.failed("tsa", REFUSED, took_s=0.0)
        await one.close()
        with stores[0].write() as session:
            row = session.get_one(AuthorityHealth, "tsa")
            assert row.failed_at is not None
            row.failed_at, row.cool_until = (
                row.failed_at + timedelta(days=9),
                row.failed_at + timedelta(days=9),
            )
        assert 0 < await other.rest_s("tsa") <= 3600
        other.answered("tsa")
        await other.close()
        assert row_of(stores[0]).failures == 0
        assert await one.rest_s("tsa") == 0.0

    run(story)


@pytest.mark.usefixtures("authority_server")
def test_check_and_figures_tell_how_an_authority_is(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path)
    office = sample.office

    async def story() -> None:
        health = SharedHealth(office.store, {}, rests=LONG)
        for _ in range(2):
            health.failed("development", REFUSED, took_s=0.0)
            await health.close()

    run(story)
    found = {
        (one.name, one.labels.get("authority")): one.value
        for family in Figures(office).families()
        for one in family.samples
    }
    assert found["paraaf_timestamp_authority_failures_in_a_row", "development"] == 2
    assert 0 < found["paraaf_timestamp_authority_rest_seconds", "development"] <= COOL_DOWN.total_seconds()
    told = [one for one in asyncio.run(preflight.look_at_all(office)) if "2 times in a row" in one.message]
    assert [(one.area, one.state) for one in told] == [("signing", "warning")]
    assert "refused the request with status 2" in told[0].message
    assert "left alone until" in told[0].message
    office.close()
