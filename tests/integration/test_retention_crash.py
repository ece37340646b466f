"""kill -9 at every point of a destruction: the next run ends it, and everything is destroyed once."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.engine import URL

from certs.serve_authority import AuthorityServer
from tests.databases import KINDS, Database, as_owner, fresh
from tests.marked_office import MarkedOffice, found_in, found_in_tables
from tests.postgresql import OWNER
from tests.steps_office import ROOT
from workflow.faults import DESTRUCTION
from workflow.logcheck import verify
from workflow.office import Office, utc_now
from workflow.store import FILE
from workflow.tables import BlobRemoval, Event, RetentionRow

pytestmark = pytest.mark.slow
PEOPLE, DAYS = 4, 100
CLEANED = "destroy.cleaned"


@dataclass(frozen=True)
class Place:
    """A data folder and its database."""

    folder: Path
    database: Database

    def copied(self, into: Path, request: pytest.FixtureRequest) -> AbstractContextManager[Database]:
        """Copy both; the database is there for the length of the block."""
        shutil.copytree(self.folder, into)
        if self.database.kind == "sqlite":
            url = self.database.url.set(database=str(into / FILE))
            return nullcontext(Database(url, {}))
        return fresh(self.database.kind, into, request, template=self.database.url.database or "")


@pytest.fixture(scope="module", params=KINDS)
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An office in which everything has come to its end, and everybody has left."""
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        marked = MarkedOffice(folder, PEOPLE, database.environ)
        marked.submit_all()
        with AuthorityServer(marked.sample.office.authority.folder):
            asyncio.run(marked.work())
        marked.leave()
        marked.sample.office.close()
        yield Place(folder, database)


@pytest.fixture(scope="module")
def killed(
    ended: Place, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Place]]:
    """A copy of it for every point, in which a process was killed there."""
    with ExitStack() as databases:
        places = {}
        for point in sorted(DESTRUCTION):
            folder = tmp_path_factory.mktemp("killed") / point
            places[point] = Place(folder, databases.enter_context(ended.copied(folder, request)))
        words = [
            word
            for point, place in places.items()
            for word in (str(place.folder), runner_of(place, point).render_as_string(hide_password=False))
        ]
        command = [sys.executable, "-m", "tests.retention_runner", str(DAYS), *words]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, env=environment, cwd=ROOT, check=True, timeout=120, stdout=subprocess.PIPE
        )
        ends = dict(zip(places, map(int, done.stdout.split()), strict=True))
        assert ends == dict.fromkeys(places, int(signal.SIGKILL)), "a point was not reached"
        yield places


def runner_of(place: Place, point: str) -> URL:
    """As whom the process runs that is killed: the tables' owner where only the owner comes."""
    url = place.database.url
    return url.set(username=OWNER) if place.database.kind == "postgresql" and point == CLEANED else url


def test_killed_at_any_point_it_ends_destroyed_and_once(killed: dict[str, Place]) -> None:
    for point, place in killed.items():
        print(f"killed at {point}")
        goes_on(place, point)


def goes_on(place: Place, point: str) -> None:
    """What the next run makes of an office in which a process was killed."""
    folder, database = place.folder, place.database
    office = Office.open(folder, clock=lambda: utc_now() + timedelta(days=DAYS), environ=database.environ)
    with office.store.read() as session:  # between the two runs, too, the log and the rows agree
        assert verify(session).ok
    run = office.retention.run(clock_is_right=True)
    if database.kind == "postgresql":
        assert run.clean is (point == CLEANED)
        as_owner(office.store, office.retention.cleaning or "")
        assert office.retention.run(clock_is_right=True).clean
    with office.store.read() as session:
        assert verify(session).ok
        kinds = session.scalars(select(Event.type)).all()
        assert not session.scalars(select(BlobRemoval.sha256)).all()
        assert session.scalars(select(RetentionRow.unclean_since)).all() == [None]
    assert not found_in_tables(office.store)
    office.close()
    assert kinds.count("request_destroyed") == PEOPLE
    assert kinds.count("personal_data_erased") == PEOPLE + 1  # and of who stood in for whom
    assert not found_in(folder)
    assert not list((folder / "blobs").glob("?/*"))


def test_a_worker_destroys_what_is_due_when_it_begins(
    ended: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "office"
    with ended.copied(folder, request) as database:
        destroys_when_it_begins(folder, database)


def destroys_when_it_begins(folder: Path, database: Database) -> None:
    office = Office.open(folder, environ=database.environ)
    asyncio.run(office.work(until_idle=True))
    clock = office.clock
    for days in range(2, DAYS, 3):  # it looks often enough to believe its clock
        replace(office, clock=lambda days=days: clock() + timedelta(days=days)).retention.run()
    later = replace(office, clock=lambda: clock() + timedelta(days=DAYS))
    asyncio.run(later.work(until_idle=True))
    assert not found_in(folder)
    assert not found_in_tables(office.store)
    office.close()
