"""A clock behind the log is told, whatever was recorded under it, until a person says that it is right."""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from documents.blobs import BlobStore
from tests.databases import Database
from tests.integration.engine_office import NOW, Office
from workflow.clock import ClockImplausible, require_plausible
from workflow.office import Office as RealOffice
from workflow.office import utc_now
from workflow.retention import Retention, Run
from workflow.store import Store


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


def look(office: Office) -> None:
    with office.store.read() as session:
        require_plausible(session, office.now)


def test_commands_under_a_clock_that_is_behind_do_not_hide_it(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    number = office.submit()
    office.now = NOW - timedelta(days=365)
    with pytest.raises(ClockImplausible):
        look(office)
    office.do("claim", "manager", number)
    office.do("release", "manager", number)
    with pytest.raises(ClockImplausible, match="an event was recorded at 2026-11-20"):
        look(office)
    assert caplog.text.count("clock_behind") == 1
    office.now = NOW + timedelta(hours=1)
    look(office)
    office.do("claim", "manager", number)
    office.now = NOW
    office.do("release", "manager", number)
    assert caplog.text.count("clock_behind") == 2, "told again when it is wrong again"


def test_a_command_of_another_process_tells_it_too(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    number = office.submit()
    Office(office.store, now=NOW - timedelta(days=2)).do("claim", "manager", number, key="other")
    assert caplog.text.count("clock_behind") == 1


def test_a_person_says_that_the_clock_is_right_after_it_was_ahead(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    office.now = NOW + timedelta(days=60)
    number = office.submit()
    office.now = NOW
    with pytest.raises(ClockImplausible) as caught:
        look(office)
    assert "--clock-is-right" in caught.value.hint
    retention = Retention(
        store=office.store,
        blobs=BlobStore(tmp_path / "blobs"),
        definition_of=office.engine.definition,
        clock=lambda: office.now,
        random_bytes=secrets.token_bytes,
    )
    retention.run()
    with pytest.raises(ClockImplausible):
        look(office)
    retention.run(clock_is_right=True)
    look(office)
    office.now = NOW + timedelta(minutes=1)
    office.do("claim", "manager", number)
    look(office)
    assert "clock_behind" not in caplog.text


def test_a_clock_that_differs_from_the_database_s_destroys_and_reminds_of_nothing(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of two hosts with one database one may have a wrong clock: what can't be undone does not go by it."""
    with closing(RealOffice.open(tmp_path, environ={**os.environ, **database.environ})) as office:
        assert office.retention.run() == Run()
        monkeypatch.setattr(Store, "now", lambda *_: utc_now() - timedelta(minutes=6))
        chores = {chore.name: chore for chore in office.chores()}
        with pytest.raises(ClockImplausible, match="database's differ"):
            chores["destroy"].run()
        assert office.retention.run(clock_is_right=True) == Run()
        assert chores["remind"].run() == 0
    assert "database's differ" in caplog.text
