"""A disk that is full at any write of the office: a clear error, nothing half done, and no repair.

Each disk has room for a few pages more than the last; then it is made large, and the same folder goes on.
PARAAF_CAMPAIGN=10 tries ten times as many sizes.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from certs.authority import DevelopmentAuthority
from certs.errors import AuthorityError
from certs.serve_authority import AuthorityServer
from problem import Problem
from tests.campaign import times
from tests.command_line import Terminal
from tests.databases import NOW
from tests.integration.test_store_upgrade import FIRST_RELEASE
from tests.power_run import back_up
from tests.small_disk import PAGE, pages_used, small_disk
from tests.steps_office import QUICK, KeyedOffice, Sample
from workflow.anchors import AnchorNotKept, kept
from workflow.backup import BackupFailed
from workflow.copies import FOLDER as BEFORE_UPGRADE
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
        asyncio.run(asyncio.wait_for(sample.office.work(until_idle=True), 180))
        if not sample.act():
            return


def try_on(sample: Sample, patience_s: float = PATIENCE_S) -> bool:
    """The same for a while, on a disk that may be full; whether that was told, by an error or by waiting."""
    try:
        sample.submit("A3")
        for _ in range(12):
            asyncio.run(asyncio.wait_for(sample.office.work(until_idle=True), patience_s))
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
    """The office of a folder, whose commands are not taken for those of the template."""
    sample = Sample(KeyedOffice.open(folder, environ={}, patience=QUICK))
    sample.count = 1000
    return sample


def pages_of_a_request(template: Path, folder: Path) -> tuple[int, int]:
    """What the template takes on a disk, and what it takes after another request."""
    with small_disk(folder, 65536):
        shutil.copytree(template, folder, dirs_exist_ok=True)
        before = pages_used(folder)
        with closing((sample := opened(folder)).office):
            assert not try_on(sample, 60)
            return before, pages_used(folder)


def test_an_office_on_a_full_disk_says_so_and_goes_on_when_there_is_room(
    template: Path, tmp_path: Path
) -> None:
    before, after = pages_of_a_request(template, tmp_path)
    sizes = times(9)
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
        if not sample.waiting() and all(request.closed_at for request in sample.requests()):
            sample.submit("A1")  # that of before was refused
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


def test_a_worker_stays_while_the_disk_is_full_and_then_goes_on_by_itself(
    template: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path, 4096) as make_room:
        shutil.copytree(template, tmp_path, dirs_exist_ok=True)
        with closing((sample := opened(tmp_path)).office):
            request = sample.submit("A3")
            asyncio.run(sample.run_until("sealing", request))
            fill(tmp_path / "filler")
            asyncio.run(through_a_full_disk(sample, request, make_room))
            sample.require_finished([request])


def fill(file: Path) -> None:
    """Leave not a page on the disk."""
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(PAGE))


async def through_a_full_disk(sample: Sample, request: int, make_room: Callable[[], None]) -> None:
    """A worker begins on a full disk, and there is room a while later."""
    working = asyncio.create_task(sample.office.work())
    await asyncio.sleep(PATIENCE_S)
    assert not working.done()
    assert sample.request(request).state == "sealing"
    make_room()
    async with asyncio.timeout(60):
        while sample.request(request).state != "delivered":
            assert not working.done()
            await asyncio.sleep(0.05)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


@pytest.mark.parametrize("pages", [1, 10, 60, 100, 140])
def test_a_backup_without_room_leaves_nothing(template: Path, tmp_path: Path, pages: int) -> None:
    with closing((sample := opened(template)).office), small_disk(tmp_path, pages) as make_room:
        with pytest.raises((BackupFailed, StoreUnavailable)) as caught:
            back_up(sample, tmp_path / "office.tar")
        require_clear(caught.value)
        assert not list(tmp_path.iterdir())
        make_room()
        back_up(sample, tmp_path / "office.tar")
        require_log(sample.office.store)


@pytest.mark.parametrize("free", [0, 1, 5, 20, 60, 80])
def test_an_upgrade_without_room_changes_nothing_and_needs_no_repair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], older: bytes, free: int
) -> None:
    with small_disk(tmp_path, len(older) // PAGE + 2 + free) as make_room:
        (tmp_path / FILE).write_bytes(older)
        terminal = Terminal(tmp_path, capsys)
        said = terminal.office("upgrade")
        assert said.status == 1
        assert "Traceback" not in said.err
        assert any(word in said.err for word in ("room", "disk", "space")), said.err
        copies = list((tmp_path / BEFORE_UPGRADE).glob("*"))
        make_room()  # without 8 pages for SQLite's index of its log, nothing can even be read
        with closing(Store.unopened(tmp_path, {})) as store:
            assert store.revision() == FIRST_RELEASE
        said = terminal.office("upgrade")
        assert said.status == 0, said
        with closing(Store.open(tmp_path, {})) as store:
            require_log(store)
        for copy in {*copies, *(tmp_path / BEFORE_UPGRADE).iterdir()}:
            with closing(Store.unopened(copy, {"PARAAF_DATABASE": f"sqlite:///{copy}"})) as store:
                assert store.revision() == FIRST_RELEASE, f"{copy} is a part of a copy"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database of the first release."""
    folder = tmp_path_factory.mktemp("older")
    with closing(Store.unopened(folder, {})) as store:
        store.migrate(FIRST_RELEASE)
    return (folder / FILE).read_bytes()


def test_an_anchor_without_room_is_written_later(template: Path, tmp_path: Path) -> None:
    shutil.copytree(template, tmp_path / "office")
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    with small_disk(anchors, 2) as make_room:
        fill(anchors / "filler")
        office = KeyedOffice.open(tmp_path / "office", environ={ANCHORS: str(anchors)}, patience=QUICK)
        with closing(office):
            with pytest.raises(AnchorNotKept) as caught:
                asyncio.run(office.anchor())
            require_clear(caught.value)
            assert [path.name for path in anchors.iterdir()] == ["filler"]
            make_room()
            office.write_anchors()
            with office.store.read() as session:
                assert verify(session, trust=office.authority.trust).ok
                [anchor] = kept(session)
            assert (anchors / anchor.file_name).read_bytes() == anchor.line


@pytest.mark.parametrize("pages", range(9))
def test_an_authority_without_room_is_made_later(tmp_path: Path, pages: int) -> None:
    folder = tmp_path / "authority"
    with small_disk(tmp_path, pages or 1) as make_room:
        if pages == 0:
            fill(tmp_path / "filler")
        with pytest.raises(AuthorityError) as caught:
            DevelopmentAuthority.open_or_create(folder, now=NOW).person("P1", "A Person", now=NOW)
        require_clear(caught.value)
        make_room()
        authority = DevelopmentAuthority.open_or_create(folder, now=NOW)
        person = authority.person("P1", "A Person", now=NOW)
        assert DevelopmentAuthority.open(folder).person("P1", "A Person", now=NOW) == person
        assert not [path for path in folder.rglob(".*") if path.is_file()]
