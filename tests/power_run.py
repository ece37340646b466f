"""Runs to be recorded, `python -m tests.power_run FOLDER SAID RUN`: what writes to an office's folders.

`live` makes `office` in FOLDER, and works in it; anchors go to `anchors` and a backup to `backups`, which are
there already. `upgrade` brings the database of an `office` that is there to this release, and makes one in
`new`. Each promise is a line of JSON in the file SAID, written when the call that gives it has returned: the
head of the log after each commit, the digests of blobs, the content of other files.
"""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from certs.serve_authority import AuthorityServer
from cli.files import write_whole
from cli.main import main as cli
from documents.blobs import BlobStore
from documents.register import SAMPLE
from tests.steps_office import QUICK, KeyedOffice, Sample, signers_stand_in
from workflow.backup import make_backup
from workflow.office import ANCHORS, REGISTER_FILE
from workflow.people import update_people
from workflow.store import Store
from workflow.tables import LogHead, Substitute

NOT_PROMISED = frozenset({"lock"})
# Of the sample people the first fifty: each state reads them all.
REGISTER = b"".join(SAMPLE.read_bytes().splitlines(keepends=True)[:51])


class Promises:
    """The file in which this run says what it has been promised."""

    def __init__(self, root: Path, file: Path) -> None:
        self._root = root
        self._descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def say(self, **what: Any) -> None:
        os.write(self._descriptor, json.dumps(what).encode() + b"\n")

    def files(self, folder: Path) -> None:
        """Every file of a folder, as it is now."""
        paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in NOT_PROMISED]
        found = {str(path.relative_to(self._root)): sha256(path.read_bytes()).hexdigest() for path in paths}
        self.say(files=found)

    def of_commits(self) -> None:
        """From now on, after each commit the head of the log."""
        write = Store.write

        @contextmanager
        def promising(store: Store) -> Iterator[Session]:
            with write(store) as session:
                yield session
            with store.read() as session:
                head = session.execute(select(LogHead.seq, LogHead.hash)).one()
            self.say(head=[head.seq, head.hash])

        Store.write = promising  # type: ignore[method-assign, assignment]

    def of_blobs(self) -> None:
        """From now on, the digests that were put."""
        put_many = BlobStore.put_many

        def promising(blobs: BlobStore, contents: Sequence[bytes]) -> list[str]:
            digests = put_many(blobs, contents)
            self.say(blobs=digests)
            return digests

        BlobStore.put_many = promising  # type: ignore[method-assign]


def opened(root: Path) -> KeyedOffice:
    """The office of a root folder."""
    environ = {ANCHORS: str(root / "anchors")}
    return KeyedOffice.open(root / "office", environ=environ, patience=QUICK)


def peopled(root: Path) -> Sample:
    """The office with its people; what is there already stays."""
    register = root / "office" / REGISTER_FILE
    if not register.exists():
        opened(root).close()
        write_whole(register, REGISTER, force=True, private=True)
    sample = Sample(opened(root))
    sample.count = 1_000_000 * (1 + len(sample.requests()))  # no key of a command is one of an earlier run
    with sample.office.store.write() as session:
        update_people(session, sample.register, now=sample.office.clock())
        if session.scalars(select(Substitute)).first() is None:
            session.add_all(signers_stand_in(sample.today))
    return sample


def upgrade(root: Path, promises: Promises) -> None:
    """Bring a database of the first release to this one; then make a new one."""
    folder = root / "office"
    assert cli(["upgrade", "--data", str(folder)]) == 0
    promises.files(folder / "before-upgrade")
    promises.say(upgraded=True)
    # last: whatever comes after it may sync what this forgot
    Store.open(root / "new" / "office", {}).close()
    promises.say(made=True)


def live(root: Path, promises: Promises) -> None:
    """Make an office, bring requests to their end, anchor, back up."""
    promises.of_commits()
    promises.of_blobs()
    opened(root).close()
    promises.files(root / "office" / "authority")
    sample, backup = peopled(root), root / "backups" / "office.tar"
    promises.say(files={f"office/{REGISTER_FILE}": sha256(REGISTER).hexdigest()})
    with AuthorityServer(sample.office.authority.folder):
        requests = [sample.submit("A3"), sample.submit("A1", temporary=True), sample.submit_plan()]
        for turn in range(6):
            asyncio.run(sample.work())
            promises.files(root / "office" / "authority")
            if turn == 2:
                asyncio.run(sample.office.anchor())
                promises.files(root / "anchors")
                back_up(sample, backup)
                promises.files(root / "backups")
                sample.office.store.clean({})
                come_and_go(sample.office.blobs, promises)
                assert cli(["restore", str(backup), "--data", str(root / "new" / "office")]) == 0
                promises.files(root / "new" / "office" / "blobs")
                requests.append(sample.submit("A4"))
            if not sample.act(requests):
                break
        sample.require_finished(requests)
    sample.office.close()


def come_and_go(blobs: BlobStore, promises: Promises) -> None:
    """A stored file, and its destruction."""
    [gone] = blobs.put_many([b"of a request whose term is over"])
    promises.say(going=[gone])
    assert blobs.delete(gone)
    promises.say(gone=[gone])


def back_up(sample: Sample, out: Path) -> None:
    """A backup of an office."""
    office = sample.office
    make_backup(
        out, store=office.store, blobs=office.blobs, folder=office.folder, now=office.clock, release="test"
    )


if __name__ == "__main__":
    runs = {"live": live, "upgrade": upgrade}
    runs[sys.argv[3]](Path(sys.argv[1]), Promises(Path(sys.argv[1]), Path(sys.argv[2])))
