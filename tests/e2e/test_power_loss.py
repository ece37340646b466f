"""A power cut at any moment of an office's life: what was promised is there, it opens, and it goes on.

A run from an office's first file to its backup is recorded once, under strace; states are derived from it
(tests/power_loss.py has the model) and looked at. PARAAF_CAMPAIGN=21 looks at 2,100, has 21 more go on to
the end of every request, and looks at 567 of an upgrade.
"""

import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from tests.campaign import times
from tests.databases import NOW
from tests.integration.test_store_upgrade import FIRST_RELEASE, HELD
from tests.power_check import Point, Promised, check_all, go_on, require_whole, written
from tests.power_loss import (
    ROOT,
    Acknowledged,
    Disk,
    Operation,
    Recording,
    Rename,
    State,
    Sync,
    Write,
    chance_of,
    crash_points,
    record,
)
from workflow.eventlog import Appender
from workflow.store import FILE, Store

pytestmark = pytest.mark.slow

STATES, GOING_ON, UPGRADES = 100, 1, 27


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recorded") / "root"
    for name in ("anchors", "backups"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture(scope="module")
def recording(root: Path) -> Recording:
    """The run; strace is one of the packages that tests/debian-packages installs."""
    said, log = root.parent / "said", root.parent / "strace.log"
    command = [sys.executable, "-m", "tests.power_run", str(root), str(said), "live"]
    return record(command, root, said, environ=os.environ, log=log)


def test_no_state_that_a_power_cut_leaves_lacks_what_was_promised(recording: Recording, root: Path) -> None:
    """One test, so that the run is recorded by one process of the suite only."""
    _require_same(last_of(recording).crash("everything", chance_of(0)), root)
    chance = chance_of(os.environ.get("PARAAF_CAMPAIGN", ""))
    points = crash_points(recording, times(STATES), chance)
    file = root.parent / "recording"
    file.write_bytes(pickle.dumps(recording))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        other = pool.submit(check_all, file, points[::2])
        for disk, state in _states(recording, crash_points(recording, times(GOING_ON), chance)):
            with written(state) as folder:
                require_whole(folder, Promised.of(disk.acknowledged))
                go_on(folder)
        wrong = [*check_all(file, points[1::2]), *other.result()]
    assert not wrong, f"{len(wrong)} of {len(points)} states:\n{wrong[0]}"


def test_an_upgrade_that_a_power_cut_ends_is_done_or_undone_and_can_be_repeated(tmp_path: Path) -> None:
    root, said = tmp_path / "root", tmp_path / "said"
    (root / "office").mkdir(parents=True)
    write_first_release(root / "office" / FILE)
    command = [sys.executable, "-m", "tests.power_run", str(root), str(said), "upgrade"]
    recording = record(command, root, said, environ=os.environ, log=tmp_path / "log")
    _require_same(last_of(recording).crash("everything", chance_of(0)), root)
    (tmp_path / "recording").write_bytes(pickle.dumps(recording))
    points = crash_points(recording, times(UPGRADES), chance_of(os.environ.get("PARAAF_CAMPAIGN")))
    wrong = check_all(tmp_path / "recording", points, "upgrade")
    assert not wrong, f"{len(wrong)} of {len(points)} states:\n{wrong[0]}"


def write_first_release(file: Path) -> None:
    """A database of the first release, with a request and its event in it."""
    with closing(Store(URL.create("sqlite", database=str(file)))) as store:
        store.migrate(FIRST_RELEASE)
        with store.write() as session:
            for statement in HELD:
                session.execute(text(statement))
            log = Appender.lock(session, bytes)
            log.append("noted", at=NOW, request_id=1, facts={}, body={"actor": "p"})
            log.write()


def last_of(recording: Recording) -> Disk:
    disk = Disk(recording)
    disk.advance(len(recording.operations))
    return disk


def _states(recording: Recording, points: Sequence[Point]) -> Iterator[tuple[Disk, State]]:
    disk = Disk(recording)
    for done, variant, seed in points:
        disk.advance(done)
        yield disk, disk.crash(variant, chance_of(seed))


def _require_same(state: State, root: Path) -> None:
    """Without a power cut the model has every file as the real disk has it: nothing was overlooked."""
    real = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert state.files == {path: content for path, content in real.items() if not path.endswith("-shm")}


# --- the model itself, on a run that fits on a screen: a file is written under another name, then renamed

OLD, FRESH = 1, 2


def _run(*operations: Operation) -> Disk:
    names = {ROOT: {"file": OLD}}
    return last_of(Recording({ROOT}, names, {OLD: b"old", FRESH: b""}, list(operations)))


MADE = Rename(0, 0, ((ROOT, "new", FRESH),))
WRITTEN = Write(1, 1, FRESH, 0, b"n" * 1024)
SYNCED = Sync(2, 2, FRESH)
RENAMED = Rename(3, 3, ((ROOT, "new", None), (ROOT, "file", FRESH)))
FOLDER_SYNCED = Sync(4, 4, ROOT)


def _left(disk: Disk, variant: str) -> set[bytes]:
    """What the file may hold, by many chances."""
    return {disk.crash(variant, chance_of(seed)).files["file"] for seed in range(60)}


def test_what_was_not_synced_may_be_there_or_not() -> None:
    under_way = _run(MADE, WRITTEN, SYNCED, RENAMED)
    assert _left(under_way, "nothing") == {b"old"}
    assert _left(under_way, "everything") == {b"n" * 1024}
    assert _left(under_way, "any") == {b"old", b"n" * 1024}


def test_what_was_synced_is_there() -> None:
    done = _run(MADE, WRITTEN, SYNCED, RENAMED, FOLDER_SYNCED, Acknowledged(5, "done"))
    for variant in ("nothing", "everything", "in order", "names only", "data only", "sectors", "any"):
        assert _left(done, variant) == {b"n" * 1024}
    assert done.acknowledged == ["done"]


def test_a_rename_before_the_content_is_synced_may_leave_an_empty_or_torn_file() -> None:
    hasty = _run(MADE, WRITTEN, RENAMED, FOLDER_SYNCED)
    assert _left(hasty, "names only") == {b""}
    torn = _left(hasty, "any")
    assert {b"n" * 512, bytes(512) + b"n" * 512} <= torn
    assert {len(content) % 512 for content in _left(hasty, "in order")} != {0} or len(torn) > 2


def test_an_fsync_covers_what_had_ended_when_it_began() -> None:
    late = Write(1, 3, FRESH, 0, b"n" * 1024)
    overlapping = _run(MADE, late, Sync(2, 4, FRESH), Sync(5, 6, ROOT))
    assert overlapping.crash("nothing", chance_of(0)).files["new"] == b""
