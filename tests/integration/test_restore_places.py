"""Where an office can be restored to, what is left when that fails, and what is told afterwards."""

import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.main import main
from documents.blobs import BlobStore
from documents.errors import BlobError, BlobsForeign
from documents.register import SAMPLE
from tests.command_line import Terminal
from tests.databases import KINDS, Place, add_lone_document, fresh, vacant
from tests.nursery import born_command
from tests.postgresql import APPLICATION, PLAIN_OWNER, Server
from tests.small_disk import small_disk
from workflow import backup as backing_up
from workflow.backup import MANIFEST, Backup, BackupFailed, make_backup
from workflow.clock import ClockImplausible
from workflow.errors import RestoreUnfinished, StoreUnavailable
from workflow.faults import BEFORE_THE_TABLES, RESTORATION
from workflow.faults import VARIABLE as KILL
from workflow.identity import WrongOffice
from workflow.office import Office
from workflow.restore import BackupUnusable, RestoreFailed, examine, restore
from workflow.retention import Retention
from workflow.snapshot import RestoreRefused
from workflow.store import FILE, VARIABLE, Store, revisions
from workflow.tables import Event, OfficeRow, RetentionRow
from workflow.upgrade import OWNER, owners_store, upgrade

NOW = datetime.now(UTC) + timedelta(days=1)
"""When it is restored: after the backups that the tests make."""
FILES = 20


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database the office has, and those that are restored."""
    return str(request.param)


@pytest.fixture(scope="module")
def office(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Office]:
    """An office with an event, a register, an authority and a stored document."""
    folder = tmp_path_factory.mktemp("office")
    (folder / "hr_register.csv").write_bytes(SAMPLE.read_bytes())
    with (
        fresh(kind, folder, request) as database,
        closing(Office.open(folder, environ=database.environ)) as office,
    ):
        digest = office.blobs.put(b"%PDF-a document")
        with office.store.write() as session:
            add_lone_document(session, digest)
        yield office


def backup(office: Office, out: Path) -> Backup:
    return make_backup(
        out, store=office.store, blobs=office.blobs, folder=office.folder, now=office.clock, release="test"
    )


@pytest.fixture(scope="module")
def made(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "b.tar"
    assert backup(office, file).faults == ()
    return file


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    with vacant(kind, request) as place:
        yield place


def restored(
    file: Path,
    folder: Path,
    place: Place,
    sha256: str | None = None,
    *,
    now: datetime = NOW,
    sure: bool = False,
) -> Backup:
    with closing(owners_store(folder, place.owner)) as store:
        return restore(
            file,
            folder=folder,
            store=store,
            blobs=lambda made: BlobStore(made / "blobs"),
            now=now,
            sha256=sha256,
            clock_is_right=sure,
        )


def require_office(folder: Path, place: Place, held: Backup) -> None:
    """All of it is there, and nothing else; nothing is destroyed for a day."""
    there = {path.name for path in folder.iterdir()} - {"lost+found"}
    assert there == {"authority", "blobs", "hr_register.csv", "office.json", *([] if place.owner else [FILE])}
    assert not list(folder.parent.glob(".paraaf-*"))
    assert len(list((folder / "blobs").glob("?/*"))) == held.blobs == 1
    with closing(owners_store(folder, place.owner)) as store, store.read() as session:
        name = json.loads((folder / "office.json").read_text())["office"]
        assert name == BlobStore(folder / "blobs").owner() == session.scalars(select(OfficeRow.name)).one()
        assert session.scalars(select(Event.seq)).all() == [1]
        assert session.scalars(select(RetentionRow.restored_until)).all() == [NOW + timedelta(days=1)]


# --- places


@contextmanager
def mount(folder: Path) -> Iterator[None]:
    folder.mkdir()
    with small_disk(folder, 2000):
        (folder / "lost+found").mkdir(mode=0o700)
        yield
        assert folder.is_mount()


@contextmanager
def link(folder: Path) -> Iterator[None]:
    (folder.parent / "elsewhere").mkdir()
    folder.symlink_to("elsewhere")
    yield
    assert folder.is_symlink()


@contextmanager
def empty(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o755)
    yield
    assert folder.stat().st_mode & 0o777 == 0o700


@contextmanager
def missing(folder: Path) -> Iterator[None]:
    yield
    assert folder.stat().st_mode & 0o777 == 0o700


@contextmanager
def left_by_a_killed_one(folder: Path) -> Iterator[None]:
    folder.mkdir()
    (folder / ".paraaf-restore-abc" / "data").mkdir(parents=True)
    (folder / ".paraaf-restore-abc" / "data" / FILE).write_text("half")
    yield


PLACES: dict[str, Callable[[Path], Any]] = {
    "mount": mount,
    "link": link,
    "empty": empty,
    "missing": missing,
    "left by a killed one": left_by_a_killed_one,
}


@pytest.mark.parametrize("where", PLACES)
def test_an_office_is_restored_to(where: str, made: Path, tmp_path: Path, place: Place) -> None:
    folder = tmp_path / "data"
    with PLACES[where](folder):
        require_office(folder, place, restored(made, folder, place))


@pytest.mark.parametrize("where", ["mount", "missing"])
def test_a_restore_that_fails_at_the_end_leaves_nothing_and_can_be_repeated(
    where: str, made: Path, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are in their place when a server's database is filled; an own one goes with the files."""
    folder = tmp_path / "data"
    with PLACES[where](folder):
        before = sorted(tmp_path.rglob("*"))
        with monkeypatch.context() as broken:
            if place.owner:
                unfit = Place({**place.owner, OWNER: place.application[VARIABLE]}, {})
                with pytest.raises(StoreUnavailable, match="permission denied"):
                    restored(made, folder, unfit)
            else:
                rename = Path.rename

                def fails_late(path: Path, target: Path) -> Path:
                    if path.name == "data" or (target.parent == folder and path.name == FILE):
                        raise OSError(16, "Device or resource busy")
                    return rename(path, target)

                broken.setattr(Path, "rename", fails_late)
                with pytest.raises(RestoreFailed, match="Device or resource busy"):
                    restored(made, folder, place)
        assert sorted(tmp_path.rglob("*")) == before
        require_office(folder, place, restored(made, folder, place))


def test_a_restore_that_fails_after_a_server_was_filled_says_what_is_left(
    made: Path, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> str:
        raise BlobError("The files can't be named.", hint="Look at the disk.")

    with monkeypatch.context() as broken:
        broken.setattr(BlobStore, "claim", refused)
        with pytest.raises(BlobError, match="can't be named") as told:
            restored(made, tmp_path / "data", place)
    assert told.value.hint.startswith("Look at the disk.")
    assert not (tmp_path / "data").exists()
    if place.owner:
        assert "make a new, empty one" in told.value.hint
        with pytest.raises(RestoreUnfinished):
            Store.open(tmp_path / "data", place.owner, OWNER)
    else:
        require_office(tmp_path / "data", place, restored(made, tmp_path / "data", place))


def test_an_office_is_backed_up_to_a_disk_without_links(
    office: Office, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as an exFAT stick, or many a network mount."""

    def no_link(*_: Any, **__: Any) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    backup(office, tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar"]
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600
    with pytest.raises(BackupFailed, match="file of this name"):
        backup(office, tmp_path / "b.tar")
    require_office(tmp_path / "data", place, restored(tmp_path / "b.tar", tmp_path / "data", place))


def typed(made: Path, folder: Path, place: Place, point: str) -> int:
    """How `paraaf restore` ends that is killed at a point."""
    words = ["restore", str(made), "--data", str(folder)]
    with born_command(words, {**place.owner, KILL: point}) as command:
        return command.wait()


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("point", sorted(RESTORATION))
def test_what_a_killed_restore_left_on_a_server_is_no_office(
    point: str, made: Path, tmp_path: Path, place: Place
) -> None:
    """An own file comes to its place when all is in it; a server's tables are there before."""
    folder = tmp_path / "data"
    assert typed(made, folder, place, point) == -signal.SIGKILL
    with pytest.raises(RestoreUnfinished, match="was not finished"):
        Store.open(folder, place.owner, OWNER)
    with pytest.raises(RestoreUnfinished):
        upgrade(folder, place.owner, before_upgrade=lambda *_: None)
    with pytest.raises(RestoreRefused, match="holds tables"):
        restored(made, tmp_path / "again", place)


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_where_a_restore_was_killed_before_it_filled_a_server_no_tables_are_made(
    made: Path, tmp_path: Path, place: Place
) -> None:
    folder = tmp_path / "data"
    assert typed(made, folder, place, BEFORE_THE_TABLES) == -signal.SIGKILL
    for refused in (
        lambda: Store.open(folder, place.owner, OWNER),
        lambda: upgrade(folder, place.owner, before_upgrade=lambda *_: None),
    ):
        with pytest.raises(RestoreUnfinished, match="the database nothing") as told:
            refused()
        assert "empty the folder, and restore again into this database" in told.value.hint
    shutil.rmtree(folder)  # as the hint says: into the same database
    require_office(folder, place, restored(made, folder, place))


@contextmanager
def a_schema_of_its_own(server: Server, request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty database where the tables go into another schema than the server's usual one."""
    with vacant("postgresql", request) as place:
        name = Store(place.owner[OWNER]).url.database or ""
        server.run(f"CREATE SCHEMA bureau AUTHORIZATION {PLAIN_OWNER}", name)
        server.run(f"GRANT USAGE ON SCHEMA bureau TO {APPLICATION}", name)
        server.run(f"ALTER DATABASE {name} SET search_path = bureau")
        yield place


def test_an_office_in_a_schema_of_its_own_is_restored_into_one(
    tmp_path: Path, postgresql: Server, request: pytest.FixtureRequest
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with (
        a_schema_of_its_own(postgresql, request) as source,
        a_schema_of_its_own(postgresql, request) as place,
        vacant("postgresql", request) as elsewhere,
    ):
        upgrade(first, source.owner, before_upgrade=lambda *_: None)
        with closing(Office.open(first, environ=source.application)) as office:
            digest = office.blobs.put(b"%PDF-a document")
            with office.store.write() as session:
                add_lone_document(session, digest)
            (first / "hr_register.csv").write_bytes(SAMPLE.read_bytes())
            backup(office, tmp_path / "b.tar")
        with pytest.raises(RestoreRefused, match="the schema bureau, and this role sees public"):
            restored(tmp_path / "b.tar", second, elsewhere)
        require_office(second, place, restored(tmp_path / "b.tar", second, place))


def test_a_restored_office_and_the_one_that_it_was_copied_from_do_not_mix(
    office: Office, made: Path, tmp_path: Path, place: Place
) -> None:
    folder = tmp_path / "data"
    restored(made, folder, place)
    with closing(owners_store(folder, place.owner)) as store:
        twin = {VARIABLE: store.url.render_as_string(hide_password=False)}
    with pytest.raises(WrongOffice, match="that of the office"):
        Office.open(office.folder, environ=twin, make=False)
    (folder / "blobs").rename(tmp_path / "aside")
    (folder / "blobs").symlink_to(office.folder / "blobs")
    with pytest.raises(BlobsForeign, match="not this office's"):
        Office.open(folder, environ=twin, make=False)
    assert next(office.blobs.stored(), None) is not None


def test_a_backup_holds_nothing_that_a_restore_refuses(office: Office, tmp_path: Path, place: Place) -> None:
    keys = office.folder / "authority"
    strays = [keys / "root (copy).pem", keys / "people" / "old" / "P001.pem", keys / "linked"]
    for stray in strays[:2]:
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(b"a copy")
    strays[2].symlink_to(keys / "people")
    try:
        made = backup(office, tmp_path / "b.tar")
    finally:
        shutil.rmtree(keys / "people" / "old")
        strays[0].unlink()
        strays[2].unlink()
    assert made.skipped == ("authority/linked", "authority/people/old/P001.pem", "authority/root (copy).pem")
    held = restored(tmp_path / "b.tar", tmp_path / "data", place)
    assert held.skipped == made.skipped
    require_office(tmp_path / "data", place, held)


def test_what_an_earlier_release_saved_beside_the_keys_is_left_out(
    made: Path, tmp_path: Path, place: Place
) -> None:
    name, content = "authority/root (copy).pem", b"a copy"
    with tarfile.open(made) as old, tarfile.open(tmp_path / "b.tar", "w") as new:
        for member in old:
            file = old.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == MANIFEST:
                said = json.loads(file)
                digest = hashlib.sha256(content).hexdigest()
                said["files"][name] = {"bytes": len(content), "sha256": digest}
                del said["skipped"]
                file = json.dumps(said).encode()
                stray = tarfile.TarInfo(name)
                stray.size = len(content)
                new.addfile(stray, io.BytesIO(content))
            member.size = len(file)
            new.addfile(member, io.BytesIO(file))
    held = restored(tmp_path / "b.tar", tmp_path / "data", place)
    assert held.skipped == (name,)
    require_office(tmp_path / "data", place, held)
    assert not list(tmp_path.rglob("root (copy).pem"))


def test_a_link_to_nothing_is_refused(made: Path, tmp_path: Path, place: Place) -> None:
    (tmp_path / "data").symlink_to("nowhere")
    with pytest.raises(RestoreRefused, match="is not there"):
        restored(made, tmp_path / "data", place)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


# --- the clock


def test_a_clock_behind_the_backup_is_refused_unless_a_person_knows_better(
    made: Path, tmp_path: Path, place: Place
) -> None:
    """What waits for a day would wait no more as soon as the clock was set."""
    behind = NOW - timedelta(days=1, minutes=6)
    with pytest.raises(ClockImplausible, match="the backup is of") as caught:
        restored(made, tmp_path / "data", place, now=behind)
    assert "--clock-is-right" in caught.value.hint
    assert not list(tmp_path.iterdir())
    restored(made, tmp_path / "data", place, now=behind, sure=True)


def test_a_clock_behind_the_last_event_of_the_backup_is_refused(
    office: Office, tmp_path: Path, place: Place
) -> None:
    """The clock was behind when the backup was made, and is still."""
    behind = NOW - timedelta(days=30)
    rooms: dict[str, Any] = {"store": office.store, "blobs": office.blobs, "folder": office.folder}
    make_backup(tmp_path / "b.tar", now=lambda: behind, release="test", **rooms)
    with pytest.raises(ClockImplausible):
        restored(tmp_path / "b.tar", tmp_path / "data", place, now=behind + timedelta(hours=1))


# --- a backup that differs


def rewritten(file: Path, out: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """A backup whose members were changed on purpose, under a manifest that fits."""
    with tarfile.open(file) as tar:
        members = [(info.name, change(info.name, tar.extractfile(info).read())) for info in tar]  # type: ignore[union-attr]
    said = json.loads(members.pop()[1])
    for name, content in members:
        if name in said["files"]:
            said["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    with tarfile.open(out, "w") as tar:
        for name, content in [*members, (MANIFEST, json.dumps(said).encode())]:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out


def unchanged(_: str, content: bytes) -> bytes:
    return content


def test_the_digest_that_was_kept_shows_what_was_changed_on_purpose(
    office: Office, tmp_path: Path, place: Place
) -> None:
    kept = backup(office, tmp_path / "b.tar").sha256
    assert kept == hashlib.sha256((tmp_path / "b.tar").read_bytes()).hexdigest()

    def name_changed(name: str, content: bytes) -> bytes:
        return content.replace(b"Klaproos", b"Vergeten") if name == "hr_register.csv" else content

    changed = rewritten(tmp_path / "b.tar", tmp_path / "changed.tar", name_changed)
    with pytest.raises(BackupUnusable, match="its SHA-256 is"):
        restored(changed, tmp_path / "data", place, kept)
    assert not (tmp_path / "data").exists()
    held = restored(tmp_path / "b.tar", tmp_path / "data", place, kept)
    assert held.sha256 == kept


def test_a_backup_of_the_first_format_is_read(made: Path, tmp_path: Path, place: Place) -> None:
    """It lists every stored file by name."""

    def first(name: str, content: bytes) -> bytes:
        if name != MANIFEST:
            return content
        said = json.loads(content)
        del said["destroyed"]
        with tarfile.open(made) as tar:
            names = [one.removeprefix("blobs/") for one in tar.getnames() if one.startswith("blobs/")]
        return json.dumps({**said, "format": 1, "blobs": names}).encode()

    def another(name: str, content: bytes) -> bytes:
        content = first(name, content)
        return content.replace(b'"blobs": ["', b'"blobs": ["0') if name == MANIFEST else content

    with pytest.raises(BackupUnusable, match="not hold what its manifest says"):
        restored(rewritten(made, tmp_path / "another.tar", another), tmp_path / "other", place)
    file = rewritten(made, tmp_path / "first.tar", first)
    require_office(tmp_path / "data", place, restored(file, tmp_path / "data", place))


@pytest.mark.parametrize("name", ["made_at", "release"])
def test_what_a_manifest_says_moves_no_cursor(made: Path, tmp_path: Path, name: str) -> None:
    def changed(member: str, content: bytes) -> bytes:
        return (
            json.dumps({**json.loads(content), name: "\x1b[2J"}).encode() if member == MANIFEST else content
        )

    with pytest.raises(BackupUnusable, match="can't be shown"):
        examine(rewritten(made, tmp_path / "changed.tar", changed))


@pytest.mark.parametrize("said", [b"[" * 100_000, b'{"format": 2, "head": {"seq": Infinity}}', b"[]", b"{"])
def test_a_manifest_of_any_form_is_refused(made: Path, tmp_path: Path, place: Place, said: bytes) -> None:
    file = tmp_path / "b.tar"
    with tarfile.open(file, "w") as tar:
        info = tarfile.TarInfo(MANIFEST)
        info.size = len(said)
        tar.addfile(info, io.BytesIO(said))
    with pytest.raises(BackupUnusable):
        restored(file, tmp_path / "data", place)


def test_neither_side_remembers_every_file(
    office: Office, tmp_path: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A million stored files would take half a gigabyte, and a manifest that is refused."""
    digests = sorted(office.blobs.put(bytes([number])) for number in range(FILES))
    monkeypatch.setattr("workflow.backup.referred_to", lambda _session, _among=None, **_rest: set(digests))
    most = []
    for name in ("addfile", "extractfile"):
        method = getattr(tarfile.TarFile, name)

        def watched(tar: Any, *rest: Any, method: Any = method) -> Any:
            most.append(len(tar.members))
            return method(tar, *rest)

        monkeypatch.setattr(tarfile.TarFile, name, watched)
    assert backup(office, tmp_path / "b.tar").blobs == FILES
    assert restored(tmp_path / "b.tar", tmp_path / "data", place).blobs == FILES
    assert len(most) > 2 * FILES
    assert max(most) <= 1
    with tarfile.open(tmp_path / "b.tar") as tar:
        said = tar.extractfile(MANIFEST).read()  # type: ignore[union-attr]
    assert not [digest for digest in digests if digest.encode() in said]


# --- what the commands say


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a request that has ended, and one that waits."""
    folder = tmp_path_factory.mktemp("ended")
    (folder / "rows.csv").write_text("person_id;reference\nP024;R-1\nP024;R-2\n")
    for words in (
        ["people", "--register", str(SAMPLE)],
        ["submit", str(folder / "rows.csv")],
        ["fire", "1", "withdraw", "--as", "P024"],
    ):
        assert main([*words, "--data", str(folder / "data")]) == 0
    return folder / "data"


def make_due(folder: Path) -> None:
    """Have the request ended a hundred days ago."""
    moment = datetime.now(UTC) - timedelta(days=100)
    with closing(sqlite3.connect(folder / FILE)) as database, database:
        database.execute("UPDATE requests SET closed_at = ? WHERE id = 1", [f"{moment:%Y-%m-%d %H:%M:%S}"])


@pytest.fixture
def terminal(ended: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    terminal = Terminal(tmp_path / "data", capsys)
    terminal.copy_of(ended)
    return terminal


@pytest.fixture
def again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """A terminal about the folder that is restored to."""
    return Terminal(tmp_path / "again", capsys)


def test_a_hold_that_was_placed_after_the_backup_can_be_placed_again(
    terminal: Terminal, again: Terminal, tmp_path: Path
) -> None:
    terminal.json("backup", "-o", tmp_path / "b.tar")
    terminal.json("hold", 1, "--as", "P020", "--reason", "In court.")
    said = again.office("restore", tmp_path / "b.tar")
    assert said.status == 0, said
    assert "Place them again" in said.out
    make_due(again.data)
    waits = again.office("retention", "--run")
    assert waits.status == 1
    assert "the office was restored" in waits.out
    again.json("hold", 1, "--as", "P020", "--reason", "In court.")
    assert again.json("retention", "--run", "--clock-is-right")["run"]["requests"] == 0


def test_a_database_elsewhere_is_not_taken_for_the_restored_one(
    terminal: Terminal, again: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.json("backup", "-o", tmp_path / "b.tar")
    for url in (f"sqlite:///{terminal.data / FILE}", "sqlite://", "sqlite:///:memory:"):
        monkeypatch.setenv(VARIABLE, url)
        said = again.office("restore", tmp_path / "b.tar")
        assert said.status == 1
        assert "names another file" in said.err
        assert not again.data.exists()


def test_a_wrong_digest_is_refused_by_the_command(
    terminal: Terminal, again: Terminal, tmp_path: Path
) -> None:
    digest = terminal.json("backup", "-o", tmp_path / "b.tar")["sha256"]
    assert again.office("restore", tmp_path / "b.tar", "--sha256", "0" * 64).status == 1
    assert again.office("restore", tmp_path / "b.tar", "--sha256", "0").status == 2
    assert again.json("restore", tmp_path / "b.tar", "--sha256", digest.upper())["sha256"] == digest


def test_an_office_that_was_set_back_is_told_of(
    terminal: Terminal, again: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anchors").mkdir()
    monkeypatch.setenv("PARAAF_ANCHORS", str(tmp_path / "anchors"))
    terminal.json("log", "anchor")
    terminal.json("backup", "-o", tmp_path / "b.tar")
    terminal.json("hold", 2, "--as", "P020", "--reason", "In court.")
    terminal.json("log", "anchor")
    [before, later] = sorted((tmp_path / "anchors").iterdir())
    seq = int(later.name.split("-")[1])
    assert "later_anchors" in (said := again.json("restore", tmp_path / "b.tar"))
    assert (said["log_ok"], said["later_anchors"]) == (True, [seq])
    verified = again.office("log", "verify", "--json")
    assert (verified.status, verified.json["set_back"]) == (1, True)
    text = again.office("log", "verify").out
    assert "A later state was anchored" in text
    assert "tampered" not in text
    found = again.office("check", "--deep", "--json")
    assert found.status == 1
    assert [one for one in found.json["findings"] if "set back" in one["hint"]]
    later.rename(tmp_path / later.name)  # put aside
    assert again.json("log", "verify")["ok"]
    assert again.office("check", "--deep").status == 0
    before.write_text("{}")
    found = again.office("check", "--deep", "--json")
    assert found.status == 1
    assert {"log", "files"} <= {one["area"] for one in found.json["findings"]}


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_an_office_at_any_revision_is_saved_and_restored(tmp_path: Path, place: Place) -> None:
    """Before an upgrade there is a backup, whichever release made the tables."""
    for revision in revisions():
        old = tmp_path / revision
        with closing(Store.unopened(old, {})) as store:
            store.migrate(revision)
            make_backup(
                tmp_path / f"{revision}.tar",
                store=store,
                blobs=BlobStore(old / "blobs"),
                folder=old,
                now=lambda: datetime.now(UTC),
                release="old",
            )
        assert restored(tmp_path / f"{revision}.tar", tmp_path / f"{revision}-again", place).faults == ()
        with closing(Store.unopened(tmp_path / f"{revision}-again", {})) as store:
            assert store.revision() == revision


def test_a_backup_of_an_earlier_release_is_restored_and_that_is_said(
    again: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    monkeypatch.setattr(
        backing_up, "referred_to", lambda _session, **_rest: set()
    )  # of its tables; it has no file
    with closing(Store.unopened(old, {})) as store:
        store.migrate("0005")
        make_backup(
            tmp_path / "b.tar",
            store=store,
            blobs=BlobStore(old / "blobs"),
            folder=old,
            now=lambda: NOW - timedelta(days=1),
            release="old",
        )
    said = again.office("restore", tmp_path / "b.tar")
    assert said.status == 1
    assert f"The office was restored to {again.data}" in said.err
    assert "paraaf upgrade" in said.err
    assert again.office("upgrade").status == 0


# --- while something is destroyed


@pytest.fixture
def due(terminal: Terminal) -> Iterator[Office]:
    """An office in which a request is due."""
    make_due(terminal.data)
    with closing(Office.open(terminal.data, environ={})) as office:
        yield office


def destroying(monkeypatch: pytest.MonkeyPatch, destroy: Callable[[], object]) -> None:
    """Have something destroyed each time after the database is copied."""
    others = backing_up._other_files

    def later(folder: Path) -> Iterator[tuple[str, Path]]:
        destroy()
        yield from others(folder)

    monkeypatch.setattr(backing_up, "_other_files", later)


def test_what_is_destroyed_meanwhile_is_not_in_it(
    due: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention: Retention = due.retention
    destroying(monkeypatch, lambda: retention.run(clock_is_right=True))
    held = backup(due, tmp_path / "b.tar")
    assert (held.destroyed, held.faults) == (0, ())
    restored(tmp_path / "b.tar", tmp_path / "again", Place({}, {}))
    with closing(sqlite3.connect(tmp_path / "again" / FILE)) as database:
        query = "SELECT requester_id, destroyed_at IS NOT NULL FROM requests WHERE id = 1"
        assert database.execute(query).fetchall() == [("", 1)]
    with tarfile.open(tmp_path / "b.tar") as tar:
        assert held.blobs == sum(name.startswith("blobs/") for name in tar.getnames())


def test_what_is_still_in_it_is_told(
    terminal: Terminal, again: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something is destroyed all the time: there is a backup all the same."""
    heads = iter(range(1, 9))
    monkeypatch.setattr("workflow.backup._destroyed_since", lambda _store, _head: next(heads))
    said = terminal.json("backup", "-o", tmp_path / "b.tar")
    assert said["destroyed"] == 3  # the third and last time
    assert again.json("restore", tmp_path / "b.tar")["log_ok"]
    assert "still in it" in terminal.office("backup", "-o", tmp_path / "c.tar").out
