"""A disk that is full at any write of the office: a clear error, nothing half done, and no repair.

Each disk has room for a few pages more than the last; then it is made large, and the same folder goes on.
PARAAF_CAMPAIGN=10 tries ten times as many sizes.
"""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.errors import AuthorityError, AuthorityMissing
from certs.loopback import free_base_url
from certs.serve_authority import AuthorityServer
from problem import Problem
from tests.campaign import times
from tests.databases import NOW
from tests.power_run import back_up
from tests.small_disk import PAGE, pages_used, small_disk
from tests.steps_office import QUICK, KeyedOffice, Sample
from workflow.anchors import AnchorNotKept
from workflow.backup import BackupFailed
from workflow.copies import copy_before_upgrade
from workflow.errors import StoreUnavailable
from workflow.logcheck import verify
from workflow.office import ANCHORS
from workflow.store import FILE, Store

pytestmark = pytest.mark.slow

PATIENCE_S = 1.5
"""So long a worker may try on a full disk before room is made."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An office that has brought one request to its end, closed; its authority answers."""
    folder = tmp_path_factory.mktemp("office")
    sample = Sample.open(folder)
    with AuthorityServer(sample.office.authority.folder):
        request = sample.submit("A3")
        work_on(sample)
        sample.require_finished([request])
        sample.office.close()
        yield folder


def work_on(sample: Sample) -> None:
    """Whoever's turn it is acts, until all requests are at their end. Raises what the worker raises."""
    for _ in range(12):
        asyncio.run(asyncio.wait_for(sample.office.work(until_idle=True), 60))
        if not sample.act():
            return


def try_on(sample: Sample) -> bool:
    """The same for a while, on a disk that may be full; whether it told of that, by an error or by waiting."""
    try:
        sample.submit("A3")
        for _ in range(12):
            asyncio.run(asyncio.wait_for(sample.office.work(until_idle=True), PATIENCE_S))
            if not sample.act():
                return False
    except TimeoutError:
        return True
    except Problem as problem:
        require_clear(problem)
        return True
    raise AssertionError("it goes in circles")


def require_clear(problem: Problem) -> None:
    assert problem.hint
    assert any(word in f"{problem} {problem.hint}" for word in ("room", "disk", "space"))


def opened(folder: Path) -> Sample:
    return Sample(KeyedOffice.open(folder, environ={}, patience=QUICK))


def pages_of_a_request(template: Path, folder: Path) -> tuple[int, int]:
    """What the template takes on a disk, and what it takes after another request."""
    with small_disk(folder, 65536):
        shutil.copytree(template, folder, dirs_exist_ok=True)
        before = pages_used(folder)
        with closing((sample := opened(folder)).office):
            assert not try_on(sample)
            return before, pages_used(folder)


def test_an_office_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    template: Path, tmp_path: Path
) -> None:
    before, after = pages_of_a_request(template, tmp_path)
    sizes = times(16)
    told = 0
    for number in range(sizes):
        pages = before + 1 + (after - before) * number // sizes
        with small_disk(tmp_path, pages) as make_room:
            shutil.copytree(template, tmp_path, dirs_exist_ok=True)
            told += lives_through(tmp_path, make_room)
    assert told > sizes // 2, "the disk was hardly ever full"


def lives_through(folder: Path, make_room: Callable[[], None]) -> bool:
    """Work until the disk is full, make room, work to the end; whether it was full."""
    full = False
    try:
        sample = opened(folder)
    except Problem as problem:
        require_clear(problem)
        full = True
        make_room()
        sample = opened(folder)
    with closing(sample.office):
        full = try_on(sample) or full
        require_log(sample.office.store)
        make_room()
        sample.submit("A1")
        work_on(sample)
        sample.require_finished([request.id for request in sample.requests()])
    with closing(sqlite3.connect(folder / FILE)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return full


def require_log(store: Store) -> None:
    """Nothing half written, also while the disk is full."""
    with store.read() as session:
        report = verify(session)
    assert report.ok, report.findings
