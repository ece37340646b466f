"""Looking at a state that a power cut left: nothing promised is lost, it opens, and the office goes on."""

import asyncio
import pickle
import random
import sqlite3
import tempfile
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from certs.serve_authority import AuthorityServer
from tests.power_loss import Disk, Recording, State
from tests.power_run import opened, peopled
from tests.steps_office import QUICK
from workflow import office
from workflow.backup import referred_to
from workflow.eventlog import Head
from workflow.logcheck import verify
from workflow.names import known_names
from workflow.store import FILE

Point = tuple[int, str, int]
"""Operations done, variant, seed."""


@dataclass
class Promised:
    """What the run had been promised before the cut: heads of the log, blobs, files by their digest."""

    heads: list[Head] = field(default_factory=list)
    blobs: set[str] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Iterable[Mapping[str, Any]]) -> "Promised":
        promised = cls()
        for each in said:
            promised.blobs.update(each.get("blobs", ()))
            promised.files.update(each.get("files", {}))
            if "head" in each:
                promised.heads.append(Head(*each["head"]))
        return promised


def require_whole(root: Path, promised: Promised) -> None:
    """Everything promised is there; the database is in order, the log verifies, no file of a row is missing."""
    for path, digest in promised.files.items():
        assert (root / path).exists(), f"{path} was promised and is gone"
        assert sha256((root / path).read_bytes()).hexdigest() == digest, f"{path} has changed"
    with closing(opened(root)) as found:
        _require_database(root / "office" / FILE)
        with found.store.read() as session:
            report = verify(session, anchors=promised.heads, trust=found.authority.trust)
            assert report.ok, report.findings
            needed = referred_to(session)
        for digest in promised.blobs.union(needed):
            found.blobs.get(digest)


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
    """A state as a folder, in memory if there is such a disk: its fsyncs say nothing here."""
    memory = Path("/dev/shm")  # noqa: S108 (a folder of a random name in it, for its owner alone)
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        state.write(Path(folder))
        yield Path(folder)


def check_all(recording: Path, points: Sequence[Point]) -> list[str]:
    """Look at the states of a recording, pickled, at points in order; what is wrong with which."""
    loaded: Recording = pickle.loads(recording.read_bytes())
    catalogue = office.load_folder(names=known_names())  # type: ignore[attr-defined]
    office.load_folder = lambda names: catalogue  # type: ignore[attr-defined]  # it is no part of a state
    disk, wrong = Disk(loaded), []
    for done, variant, seed in points:
        disk.advance(done)
        with written(disk.crash(variant, random.Random(seed))) as root:
            try:
                require_whole(root, Promised.of(disk.acknowledged))
            except Exception:
                wrong.append(f"after {done} operations, {variant!r}, seed {seed}:\n{traceback.format_exc()}")
    return wrong
