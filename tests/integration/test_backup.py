"""A backup that is made while the office works is one moment of it, and comes back whole or not at all."""

import asyncio
import hashlib
import io
import json
import resource
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from documents.blobs import BlobStore
from tests.campaign import times
from tests.command_line import Terminal
from tests.steps_office import Sample
from workflow.backup import Backup, BackupFailed, make_backup
from workflow.errors import StoreUnavailable
from workflow.logcheck import verify
from workflow.office import Office
from workflow.restore import BackupUnusable, restore
from workflow.snapshot import RestoreRefused
from workflow.store import Store
from workflow.tables import DocumentRow, Event, Request

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """An office with signed documents; tests add to it, and damage only copies."""
    sample = Sample.open(tmp_path_factory.mktemp("office"))
    with AuthorityServer(sample.office.authority.folder):
        drive(sample, sample.submit_mixed())
        yield sample
    sample.office.close()


def drive(sample: Sample, requests: list[int]) -> None:
    """Bring requests to their end."""
    for _ in range(12):
        if not sample.act(requests) and not sample.waiting(*requests):
            return
        asyncio.run(sample.work())


def backup(sample: Sample, out: Path) -> Backup:
    office = sample.office
    return make_backup(
        out,
        store=office.store,
        blobs=office.blobs,
        folder=office.folder,
        now=office.clock,
        release="test",
    )


def restored(file: Path, folder: Path) -> Backup:
    store = Store.unopened(folder, {})
    try:
        return restore(file, folder=folder, store=store, blobs=lambda place: BlobStore(place / "blobs"))
    finally:
        store.close()


def require_whole(folder: Path, held: Backup) -> Office:
    """The log holds up to the head of the backup, and every file that a row names is there."""
    office = Office.open(folder, environ={})
    with office.store.read() as session:
        report = verify(session, anchors=[held.head])
        assert report.ok, report
        assert report.head == held.head
        for document in session.query(DocumentRow):
            office.blobs.get(document.rendered_sha256)
            office.blobs.get(document.current_sha256)
    return office


def test_what_was_acknowledged_before_a_backup_under_load_is_in_it(sample: Sample, tmp_path: Path) -> None:
    """Restores under load: each agrees with its log, and none lacks a file (PARAAF_CAMPAIGN=4: 20)."""
    stop, failed = threading.Event(), []

    def work() -> None:
        try:
            while not stop.is_set():
                drive(sample, sample.submit_mixed()[:4])
        except BaseException as error:
            failed.append(error)
            raise

    load = threading.Thread(target=work)
    load.start()
    heads = []
    try:
        for number in range(times(5)):
            acknowledged = sample.rows(Event)[-1]
            made = backup(sample, tmp_path / f"{number}.tar")
            held = restored(tmp_path / f"{number}.tar", tmp_path / f"office-{number}")
            office = require_whole(tmp_path / f"office-{number}", held)
            with office.store.read() as session:
                event = session.get(Event, acknowledged.seq)
                assert event is not None
                assert event.hash == acknowledged.hash
            office.close()
            assert held == made
            heads.append(held.head.seq)
            (tmp_path / f"{number}.tar").unlink()
    finally:
        stop.set()
        load.join()
    assert not failed
    assert heads[-1] > heads[0], "nothing was done meanwhile: this showed nothing"


def test_a_restored_office_works_on(sample: Sample, tmp_path: Path) -> None:
    begun = sample.submit("A3")
    sample.act([begun])
    backup(sample, tmp_path / "b.tar")
    restored(tmp_path / "b.tar", tmp_path / "office")
    again = Sample(type(sample.office).open(tmp_path / "office", environ={}))
    # its own authority is the same, at the same address, which is served already
    drive(again, [begun])
    again.require_finished([begun])
    again.office.close()


def test_a_step_whose_job_was_not_saved_gets_one(sample: Sample, tmp_path: Path) -> None:
    begun = sample.submit("A4")
    while sample.request(begun).state != "rendering":
        sample.act([begun])
    backup(sample, tmp_path / "b.tar")
    drive(sample, [begun])
    restored(tmp_path / "b.tar", tmp_path / "office")
    again = Sample(type(sample.office).open(tmp_path / "office", environ={}))
    with again.office.store.write() as session:
        session.connection().exec_driver_sql("DELETE FROM procrastinate_jobs")
    drive(again, [begun])
    again.require_finished([begun])
    again.office.close()


@pytest.fixture(scope="module")
def made(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "b.tar"
    backup(sample, file)
    return file


Change = Callable[[list[tuple[tarfile.TarInfo, bytes]]], None]


def rewritten(file: Path, out: Path, change: Change) -> Path:
    with tarfile.open(file) as tar:
        members = [(info, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]
    change(members)
    with tarfile.open(out, "w") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out


def at(members: list[tuple[tarfile.TarInfo, bytes]], start: str) -> int:
    return next(index for index, (info, _) in enumerate(members) if info.name.startswith(start))


def changed(start: str) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        index = at(members, start)
        info, content = members[index]
        members[index] = (info, content[:-1] + bytes([content[-1] ^ 1]))

    return change


def dropped(start: str) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        del members[at(members, start)]

    return change


def added(name: str, *, kind: bytes = tarfile.REGTYPE) -> Change:
    def change(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/passwd"
        members.insert(0, (info, b"" if kind != tarfile.REGTYPE else b"x"))

    return change


def twice(start: str) -> Change:
    return lambda members: members.insert(0, members[at(members, start)])


def stored_file_swapped(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """A stored file that fits its name, but that no manifest mentions."""
    index = at(members, "blobs/")
    info = tarfile.TarInfo(f"blobs/{hashlib.sha256(b'other').hexdigest()}")
    members[index] = (info, b"other")


def of_a_later_format(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    info, content = members[-1]
    members[-1] = (info, json.dumps(json.loads(content) | {"format": 2}).encode())


CHANGES = {
    "database changed": changed("database/"),
    "stored file changed": changed("blobs/"),
    "key changed": changed("authority/root.pem"),
    "register changed": changed("hr_register.csv"),
    "manifest changed": changed("manifest.json"),
    "database dropped": dropped("database/"),
    "stored file dropped": dropped("blobs/"),
    "key dropped": dropped("authority/"),
    "manifest dropped": dropped("manifest.json"),
    "out of the folder": added("../evil"),
    "absolute": added("/tmp/evil"),  # noqa: S108 (refused by its name)
    "deep": added("authority/../../evil"),
    "hidden": added("authority/.evil"),
    "link": added("authority/evil", kind=tarfile.SYMTYPE),
    "hard link": added("authority/evil", kind=tarfile.LNKTYPE),
    "device": added("authority/evil", kind=tarfile.CHRTYPE),
    "more than it says": added("authority/evil"),
    "twice": twice("blobs/"),
    "swapped": stored_file_swapped,
    "later format": of_a_later_format,
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_changed_backup_is_refused_and_leaves_nothing(made: Path, tmp_path: Path, kind: str) -> None:
    file = rewritten(made, tmp_path / "changed.tar", CHANGES[kind])
    with pytest.raises(BackupUnusable, match="no whole backup"):
        restored(file, tmp_path / "office")
    assert [path.name for path in tmp_path.iterdir()] == ["changed.tar"]


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_backup_cut_short_is_refused(made: Path, tmp_path: Path, share: float) -> None:
    whole = made.read_bytes().rstrip(b"\0")
    (tmp_path / "cut.tar").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BackupUnusable):
        restored(tmp_path / "cut.tar", tmp_path / "office")
    assert not (tmp_path / "office").exists()


def test_nothing_is_restored_over_an_office(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "letter").write_text("mine")
    with pytest.raises(RestoreRefused):
        restored(made, folder)
    assert (folder / "letter").read_text() == "mine"


def test_a_damaged_file_is_named_and_the_rest_is_saved(
    sample: Sample, made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    restored(made, tmp_path / "office")
    hurt = Sample(type(sample.office).open(tmp_path / "office", environ={}))
    missing, changed_ = [document.current_sha256 for document in hurt.rows(DocumentRow)][:2]
    hurt.office.blobs.path(missing).unlink()
    hurt.office.blobs.path(changed_).chmod(0o600)
    hurt.office.blobs.path(changed_).write_bytes(b"%PDF-other")
    said = Terminal(tmp_path, capsys)(
        "backup", "-o", tmp_path / "b.tar", "--data", tmp_path / "office", "--json"
    )
    assert said.status == 1, said
    assert {fault["sha256"] for fault in said.json["faults"]} == {missing, changed_}
    again = Terminal(tmp_path, capsys)("restore", tmp_path / "b.tar", "--data", tmp_path / "again", "--json")
    assert again.status == 1
    assert again.json["log_ok"]
    assert {fault["sha256"] for fault in again.json["missing"]} == {missing, changed_}
    hurt.office.close()


def test_a_full_disk_leaves_no_backup_and_the_office_unharmed(sample: Sample, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (1_000, 100_000, 1_500_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            with pytest.raises((BackupFailed, StoreUnavailable)):
                backup(sample, tmp_path / "b.tar")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(tmp_path.iterdir()) == []
    backup(sample, tmp_path / "b.tar")


def test_nothing_is_overwritten(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("mine")
    with pytest.raises(BackupFailed, match="file of this name"):
        backup(sample, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "mine"


def test_it_is_for_its_owner_alone(made: Path, tmp_path: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o600
    restored(made, tmp_path / "office")
    files = [path for path in (tmp_path / "office").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_requests_keep_their_numbers_and_states(sample: Sample, made: Path, tmp_path: Path) -> None:
    restored(made, tmp_path / "office")
    office = Office.open(tmp_path / "office", environ={})
    with office.store.read() as session:
        states = {row.id: row.state for row in session.query(Request)}
    office.close()
    now = {request.id: request.state for request in sample.requests() if request.id in states}
    ended = {number: state for number, state in now.items() if state == "delivered"}
    assert {number: states[number] for number in ended if number <= 13} == {
        number: state for number, state in ended.items() if number <= 13
    }
