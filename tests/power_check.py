"""Looking at a state that a power cut left: nothing promised is lost, it opens, and the office goes on."""

import asyncio
import pickle
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import URL

from certs.serve_authority import AuthorityServer
from tests import in_memory
from tests.integration.test_store_upgrade import FIRST_RELEASE
from tests.power_loss import Disk, Recording, State, chance_of
from tests.power_run import opened, peopled
from tests.steps_office import QUICK
from workflow import office
from workflow.backup import referred_to
from workflow.copies import FOLDER as COPIES
from workflow.copies import copy_before_upgrade
from workflow.eventlog import Head
from workflow.logcheck import verify
from workflow.names import known_names
from workflow.store import FILE, Store, revisions
from workflow.tables import Person
from workflow.upgrade import upgrade

Point = tuple[int, str, int]
"""Operations done, variant, seed."""


@dataclass
class Promised:
    """What the run had been promised before the cut: heads of the log, blobs, files by their digest; that an
    office is made, its database upgraded, blobs destroyed. Of blobs that are `going` nothing is promised.
    """

    heads: list[Head] = field(default_factory=list)
    blobs: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)
    made: bool = False
    upgraded: bool = False
    going: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, said: Iterable[Mapping[str, Any]]) -> "Promised":
        promised = cls()
        for each in said:
            promised.blobs.update(each.get("blobs", ()))
            promised.files.update(each.get("files", {}))
            promised.going.update(each.get("going", ()))
            promised.gone.update(each.get("gone", ()))
            promised.made |= "made" in each
            promised.upgraded |= "upgraded" in each
            if "head" in each:
                promised.heads.append(Head(*each["head"]))
        return promised


def require_whole(root: Path, promised: Promised) -> None:
    """All that was promised is there; the database is in order, the log verifies, no row lacks its file."""
    _require_files(root, promised)
    with closing(opened(root)) as found:
        _require_database(root / "office" / FILE)
        with found.store.read() as session:
            report = verify(session, anchors=promised.heads, trust=found.authority.trust)
            assert report.ok, report.findings
            needed = referred_to(session)
        for digest in promised.blobs.union(needed) - promised.going:
            found.blobs.get(digest)
        for digest in promised.gone:
            assert not found.blobs.exists(digest), f"{digest} is back"


def _require_files(root: Path, promised: Promised) -> None:
    for path, digest in promised.files.items():
        assert (root / path).exists(), f"{path} was promised and is gone"
        assert sha256((root / path).read_bytes()).hexdigest() == digest, f"{path} has changed"


def require_upgradable(root: Path, promised: Promised) -> None:
    """The database is of the one release or of the other, whole; an upgrade goes through, also once more;
    a copy that has its name is whole.
    """
    _require_files(root, promised)
    if promised.made:
        Store.open(root / "new" / "office", {}, make=False).close()
    folder = root / "office"
    _require_database(folder / FILE)
    copies = list((folder / COPIES).glob("[0-9]*"))
    for copy in copies:
        with closing(Store(URL.create("sqlite", database=str(copy)))) as store:
            assert store.revision() == FIRST_RELEASE, f"{copy} is no whole copy"
    before = upgrade(folder, {}, before_upgrade=partial(_copy_first, folder)).before
    if promised.upgraded:
        assert before == revisions()[-1]
    assert copies or before == FIRST_RELEASE, "the tables were changed, and there is no copy"
    with closing(Store.open(folder, {})) as store, store.read() as session:
        assert session.get(Person, "p") is not None
        assert verify(session, rows=False).ok


def _copy_first(folder: Path, store: Store, revision: str) -> None:
    copy_before_upgrade(store, folder, revision, now=datetime.now(UTC))


def _require_database(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert not database.execute("PRAGMA foreign_key_check").fetchall()


def go_on(root: Path) -> int:
    """The office works until all requests are at their end, and one more; how many there were."""
    sample = peopled(root)
    with closing(sample.office), AuthorityServer(sample.office.authority.folder):
        requests = [*(request.id for request in sample.requests()), sample.submit("A3")]
        time.sleep(QUICK.silent_s)  # then the worker that had the power cut is taken for dead
        for _ in range(12):
            asyncio.run(sample.work())
            if not sample.act(requests):
                break
        sample.require_finished(requests)
    return len(requests)


@contextmanager
def written(state: State) -> Any:
    """A state as a folder, in memory if there is room: its fsyncs say nothing here."""
    with tempfile.TemporaryDirectory(dir=in_memory.place()) as folder:
        state.write(Path(folder))
        yield Path(folder)


def check_all(recording: Path, points: Sequence[Point], run: str = "live") -> list[str]:
    """Look at the states of a recording, pickled, at points in order; what is wrong with which."""
    require = {"live": require_whole, "upgrade": require_upgradable}[run]
    loaded: Recording = pickle.loads(recording.read_bytes())  # noqa: S301 (our own)
    catalogue = office.load_folder(names=known_names())  # type: ignore[attr-defined]  # it is no part of a state
    disk, wrong = Disk(loaded), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflow.office.load_folder", lambda names: catalogue)
        for done, variant, seed in points:
            disk.advance(done)
            with written(disk.crash(variant, chance_of(seed))) as root:
                try:
                    require(root, Promised.of(disk.acknowledged))
                except Exception:  # noqa: BLE001 (whatever it is, it is told with its state)
                    wrong.append(
                        f"after {done} operations, {variant!r}, seed {seed}:\n{traceback.format_exc()}"
                    )
    return wrong
