"""kill -9 at every point of a destruction: the next run ends it, and everything is destroyed once."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from certs.serve_authority import AuthorityServer
from tests.marked_office import MarkedOffice, found_in
from tests.steps_office import ROOT
from workflow.faults import DESTRUCTION
from workflow.logcheck import verify
from workflow.office import Office, utc_now
from workflow.tables import BlobRemoval, Event, RetentionRow

pytestmark = pytest.mark.slow
PEOPLE, DAYS = 4, 100


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which everything has come to its end, and everybody has left."""
    folder = tmp_path_factory.mktemp("office")
    marked = MarkedOffice(folder, PEOPLE)
    marked.submit_all()
    with AuthorityServer(marked.sample.office.authority.folder):
        asyncio.run(marked.work())
    marked.leave()
    marked.sample.office.close()
    return folder


@pytest.fixture(scope="module")
def killed(ended: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A copy of it for every point, in which a process was killed there."""
    folders = {point: tmp_path_factory.mktemp("killed") / point for point in sorted(DESTRUCTION)}
    for folder in folders.values():
        shutil.copytree(ended, folder)
    command = [sys.executable, "-m", "tests.retention_runner", str(DAYS), *map(str, folders.values())]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=120, stdout=subprocess.PIPE)
    ends = dict(zip(folders, map(int, done.stdout.split()), strict=True))
    assert ends == dict.fromkeys(folders, int(signal.SIGKILL)), "a point was not reached"
    return folders


@pytest.mark.parametrize("point", sorted(DESTRUCTION))
def test_killed_at_a_point_it_ends_destroyed_and_once(killed: dict[str, Path], point: str) -> None:
    folder = killed[point]
    office = Office.open(folder, clock=lambda: utc_now() + timedelta(days=DAYS), environ={})
    with office.store.read() as session:  # between the two runs, too, the log and the rows agree
        assert verify(session).ok
    office.retention.run(clock_is_right=True)
    with office.store.read() as session:
        assert verify(session).ok
        kinds = session.scalars(select(Event.type)).all()
        assert not session.scalars(select(BlobRemoval.sha256)).all()
        assert session.scalars(select(RetentionRow.unclean_since)).all() == [None]
    office.close()
    assert kinds.count("request_destroyed") == kinds.count("personal_data_erased") == PEOPLE
    assert not found_in(folder)
    assert not list((folder / "blobs").glob("?/*"))


def test_a_worker_destroys_what_is_due_when_it_begins(ended: Path, tmp_path: Path) -> None:
    folder = tmp_path / "office"
    shutil.copytree(ended, folder)
    office = Office.open(folder, environ={})
    asyncio.run(office.work(until_idle=True))
    clock = office.clock
    for days in range(2, DAYS, 3):  # it looks often enough to believe its clock
        replace(office, clock=lambda days=days: clock() + timedelta(days=days)).retention.run()
    later = replace(office, clock=lambda: clock() + timedelta(days=DAYS))
    asyncio.run(later.work(until_idle=True))
    assert not found_in(folder)
    office.close()
