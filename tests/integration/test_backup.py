"""A backup that is made while the office works is one moment of it, and comes back whole or not at all.

On SQLite and on PostgreSQL, where the application role makes it, and a plain owner restores it.
PARAAF_CAMPAIGN=4 restores twenty times under load on each.
"""

import asyncio
import hashlib
import io
import json
import resource
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from certs.serve_authority import AuthorityServer
from documents.blobs import BlobStore
from documents.errors import BlobError
from tests.campaign import times
from tests.command_line import Terminal
from tests.databases import KINDS, Place, Refusal, fresh, intruder, vacant
from tests.integration.test_store_upgrade import FORBIDDEN
from tests.postgresql import APPLICATION
from tests.small_disk import small_disk
from tests.steps_office import KeyedOffice, Sample
from workflow.backup import Backup, BackupFailed, last_backup, make_backup
from workflow.errors import StoreUnavailable
from workflow.logcheck import verify
from workflow.office import Office
from workflow.restore import BackupUnusable, RestoreFailed, restore
from workflow.snapshot import ClientUnfit, RestoreRefused
from workflow.store import VARIABLE, Store, revisions
from workflow.tables import DocumentRow, Event, Request
from workflow.upgrade import OWNER, give_rights, owners_store

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Which database the module's office has, and those that are restored."""
    return str(request.param)


@pytest.fixture(scope="module")
def sample(
    kind: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Sample]:
    """An office with signed documents; tests add to it, and damage only copies."""
    folder = tmp_path_factory.mktemp("office")
    with fresh(kind, folder, request) as database:
        sample = Sample.open(folder, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            drive(sample, sample.submit_mixed())
            yield sample
        sample.office.close()


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    with vacant(kind, request) as place:
        yield place


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


def restored(file: Path, folder: Path, place: Place) -> Backup:
    """As the owner; the application role has its rights afterwards."""
    with closing(owners_store(folder, place.owner)) as store:
        held = restore(
            file,
            folder=folder,
            store=store,
            blobs=lambda made: BlobStore(made / "blobs"),
            now=datetime.now(UTC),
        )
        give_rights(store, place.owner)
    return held


def opened(folder: Path, place: Place) -> Sample:
    """The restored office, as the application role."""
    return Sample(KeyedOffice.open(folder, environ=place.application))


def require_whole(folder: Path, held: Backup, place: Place) -> Office:
    """The log holds up to the head of the backup, and every file that a row names is there."""
    office = Office.open(folder, environ=place.application)
    with office.store.read() as session:
        report = verify(session, anchors=[held.head])
        assert report.ok, report
        assert report.head == held.head
        for document in session.query(DocumentRow):
            office.blobs.get(document.rendered_sha256)
            office.blobs.get(document.current_sha256)
    return office


def test_what_was_acknowledged_before_a_backup_under_load_is_in_it(
    sample: Sample, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Restores under load: each agrees with its log, and none lacks a file."""
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
            with vacant(kind, request) as place:
                held = restored(tmp_path / f"{number}.tar", tmp_path / f"office-{number}", place)
                office = require_whole(tmp_path / f"office-{number}", held, place)
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
    print(f"{kind}: {len(heads)} restores under load; heads {heads}")
    assert heads[-1] > heads[0], "nothing was done meanwhile: this showed nothing"


def test_a_backup_does_not_lie_in_the_folder_that_it_saves(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(sample.office.folder)
    for place in (sample.office.folder, tmp_path / "link"):
        with pytest.raises(BackupFailed, match="would lie in the data folder"):
            backup(sample, place / "b.tar")
        assert not list(place.glob("*.tar"))


def test_a_restored_office_works_on(sample: Sample, tmp_path: Path, place: Place) -> None:
    begun = sample.submit("A3")
    sample.act([begun])
    backup(sample, tmp_path / "b.tar")
    restored(tmp_path / "b.tar", tmp_path / "office", place)
    again = opened(tmp_path / "office", place)
    # its own authority is the same, at the same address, which is served already
    drive(again, [begun])
    again.require_finished([begun])
    again.office.close()


def test_a_step_whose_job_was_not_saved_gets_one(sample: Sample, tmp_path: Path, place: Place) -> None:
    begun = sample.submit("A4")
    while sample.request(begun).state != "rendering":
        sample.act([begun])
    backup(sample, tmp_path / "b.tar")
    drive(sample, [begun])
    restored(tmp_path / "b.tar", tmp_path / "office", place)
    again = opened(tmp_path / "office", place)
    with again.office.store.write() as session:
        session.connection().exec_driver_sql("DELETE FROM procrastinate_jobs")
    drive(again, [begun])
    again.require_finished([begun])
    again.office.close()


@pytest.fixture(scope="module")
def states(sample: Sample) -> dict[int, str]:
    """In which state each request is when `made` is made."""
    return {}


@pytest.fixture(scope="module")
def made(sample: Sample, states: dict[int, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "b.tar"
    states.update({request.id: request.state for request in sample.requests()})
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
    members[-1] = (info, json.dumps(json.loads(content) | {"format": 3}).encode())


def with_holes(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    """A member of one byte that says of itself that it is unpacked to a terabyte."""
    info = tarfile.TarInfo("authority/evil")
    said = {"major": "0", "minor": "1", "name": info.name, "size": str(1 << 40), "map": "0,1"}
    info.pax_headers = {f"GNU.sparse.{name}": value for name, value in said.items()}
    members.insert(0, (info, b"x"))


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
    "with holes": with_holes,
}


@pytest.fixture(scope="module")
def untouched(kind: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    """One place for all backups that are refused: it must stay vacant."""
    with vacant(kind, request) as place:
        yield place


def require_vacant(folder: Path, place: Place) -> None:
    assert not folder.exists()
    assert not list(folder.parent.glob(".paraaf-*"))
    if place.owner:
        with closing(owners_store(folder, place.owner)) as store, store.read() as session:
            assert inspect(session.connection()).get_table_names() == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_backup_is_refused_and_leaves_nothing(
    made: Path, tmp_path: Path, untouched: Place, change: str
) -> None:
    file = rewritten(made, tmp_path / "changed.tar", CHANGES[change])
    with pytest.raises(BackupUnusable, match="no whole backup"):
        restored(file, tmp_path / "office", untouched)
    assert [path.name for path in tmp_path.iterdir()] == ["changed.tar"]
    require_vacant(tmp_path / "office", untouched)


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_a_backup_cut_short_is_refused(made: Path, tmp_path: Path, untouched: Place, share: float) -> None:
    whole = made.read_bytes().rstrip(b"\0")
    (tmp_path / "cut.tar").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BackupUnusable):
        restored(tmp_path / "cut.tar", tmp_path / "office", untouched)
    require_vacant(tmp_path / "office", untouched)


def test_a_backup_that_is_not_there_is_told(tmp_path: Path, untouched: Place) -> None:
    with pytest.raises(BackupUnusable, match="No such file"):
        restored(tmp_path / "b.tar", tmp_path / "office", untouched)


@pytest.mark.parametrize("pages", [1, 20, 60])
def test_a_restore_without_room_leaves_nothing(
    made: Path, tmp_path: Path, untouched: Place, pages: int
) -> None:
    with small_disk(tmp_path, pages):
        with pytest.raises((RestoreFailed, BlobError)) as caught:
            restored(made, tmp_path / "office", untouched)
        assert any(word in f"{caught.value} {caught.value.hint}" for word in ("room", "space", "disk"))
        assert list(tmp_path.iterdir()) == []
    require_vacant(tmp_path / "office", untouched)


def test_nothing_is_restored_over_an_office(made: Path, tmp_path: Path, untouched: Place) -> None:
    folder = tmp_path / "office"
    folder.mkdir()
    (folder / "letter").write_text("mine")
    with pytest.raises(RestoreRefused):
        restored(made, folder, untouched)
    assert (folder / "letter").read_text() == "mine"


def set_all(monkeypatch: pytest.MonkeyPatch, *environs: Mapping[str, str]) -> None:
    for name, value in chain.from_iterable(environ.items() for environ in environs):
        monkeypatch.setenv(name, value)


def test_a_damaged_file_is_named_and_the_rest_is_saved(
    kind: str,
    made: Path,
    tmp_path: Path,
    place: Place,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    restored(made, tmp_path / "office", place)
    hurt = opened(tmp_path / "office", place)
    set_all(monkeypatch, place.application)
    missing, changed_ = [document.current_sha256 for document in hurt.rows(DocumentRow)][:2]
    hurt.office.blobs.inner.path(missing).unlink()
    hurt.office.blobs.inner.path(changed_).chmod(0o600)
    hurt.office.blobs.inner.path(changed_).write_bytes(b"%PDF-other")
    said = Terminal(tmp_path, capsys)(
        "backup", "-o", tmp_path / "b.tar", "--data", tmp_path / "office", "--json"
    )
    assert said.status == 1, said
    assert {fault["sha256"] for fault in said.json["faults"]} == {missing, changed_}
    assert last_backup(tmp_path / "office") is None, "what it lacks is not saved"
    with vacant(kind, request) as other:
        set_all(monkeypatch, other.owner, other.application)
        again = Terminal(tmp_path / "again", capsys).office("restore", tmp_path / "b.tar", "--json")
    assert again.status == 1, again
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


def test_without_room_no_backup_is_left(sample: Sample, tmp_path: Path) -> None:
    for pages in (1, 10, 60):
        with small_disk(tmp_path, pages):
            with pytest.raises((BackupFailed, StoreUnavailable), match=r"No space|full|room") as caught:
                backup(sample, tmp_path / "b.tar")
            assert "room" in caught.value.hint
            assert list(tmp_path.iterdir()) == []


def test_it_is_for_its_owner_alone(made: Path, tmp_path: Path, place: Place) -> None:
    assert made.stat().st_mode & 0o777 == 0o600
    restored(made, tmp_path / "office", place)
    files = [path for path in (tmp_path / "office").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in files} == {0}


def test_requests_keep_their_numbers_and_states(
    made: Path, states: dict[int, str], tmp_path: Path, place: Place
) -> None:
    restored(made, tmp_path / "office", place)
    office = opened(tmp_path / "office", place).office
    with office.store.read() as session:
        assert {row.id: row.state for row in session.query(Request)} == states
    office.close()


# --- the database of a restored office


def schema_of(store: Store) -> list[tuple[str, ...]]:
    """What guards the rows, in the database's own words: triggers, what they call, keys, checks, indexes."""
    if store.embedded:
        statements = ["SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"]
    else:
        statements = [
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgenabled = 'O'",
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint",
            "SELECT proname, pg_get_functiondef(oid) FROM pg_proc"
            " WHERE pronamespace = current_schema()::regnamespace",
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
            "SELECT table_name || '.' || column_name,"
            " data_type || is_nullable || coalesce(column_default, '')"
            " FROM information_schema.columns WHERE table_schema = current_schema()",
        ]
    with store.read() as session:
        return sorted(tuple(row) for one in statements for row in session.execute(text(one)))


def test_a_restored_database_has_all_its_guards(
    sample: Sample, made: Path, tmp_path: Path, place: Place
) -> None:
    restored(made, tmp_path / "office", place)
    with closing(Store.open(tmp_path / "office", place.application)) as store:
        assert schema_of(store) == schema_of(sample.office.store)
        assert "events_no_update" in dict(schema_of(store))
        for statement in ("DELETE FROM events", "UPDATE events SET type = 'x'", "DELETE FROM bodies"):
            with pytest.raises(Refusal), intruder(store, guarded=True) as other:
                other.execute(statement)


only_postgresql = pytest.mark.parametrize("kind", ["postgresql"], indirect=True, scope="module")


@only_postgresql
def test_after_a_restore_the_application_role_owns_nothing(made: Path, tmp_path: Path, place: Place) -> None:
    restored(made, tmp_path / "office", place)
    owned = (
        "SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid = :role ::regrole"
        " AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with closing(Store.open(tmp_path / "office", place.application)) as store:
        with store.read() as session:
            assert session.scalar(text(owned), {"role": APPLICATION}) == 0
        assert [statement for statement in FORBIDDEN if not forbidden(store, statement)] == []


def forbidden(store: Store, statement: str) -> bool:
    try:
        with store.write() as session:
            session.execute(text(statement))
    except StoreUnavailable as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def test_the_commands_restore_and_find_everything_well(
    made: Path,
    tmp_path: Path,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_all(monkeypatch, place.owner)
    terminal = Terminal(tmp_path / "office", capsys)
    said = terminal.json("restore", made)
    assert (said["log_ok"], said["missing"]) == (True, [])
    assert said["role"] == (APPLICATION if place.owner else None)
    assert said["database"] == (make_url(place.owner[OWNER]).database if place.owner else None)
    set_all(monkeypatch, place.application)
    found = terminal.json("check", "--deep")["findings"]
    assert {one["area"] for one in found if one["state"] != "ok"} <= {"work", "keeping"}
    assert [one["message"] for one in found if "Nothing is destroyed before" in one["message"]]  # for a day
    assert {"log", "files"} <= {one["area"] for one in found if one["state"] == "ok"}


def test_a_backup_is_read_without_a_restore(
    made: Path, tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever database it was made on: nothing is made of it."""
    terminal = Terminal(tmp_path / "office", capsys)
    said = terminal.json("restore", "--check", made)
    assert said["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    assert said["files"] > 0
    assert "is whole" in terminal.office("restore", "--check", made).out
    content = bytearray(made.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "changed.tar").write_bytes(content)
    (tmp_path / "cut.tar").write_bytes(content[: len(content) // 3])
    for name in ("changed.tar", "cut.tar"):
        refused = terminal.office("restore", "--check", tmp_path / name)
        assert refused.status == 1
        assert "no whole backup" in refused.err
    assert terminal.office("restore", "--check", "--sha256", "0" * 64, made).status == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed.tar", "cut.tar"]


def test_a_folder_that_lies_on_a_server_is_made_anew_for_its_database_that_lives(
    sample: Sample,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    number = sample.submit("A3")
    asyncio.run(sample.run_until("sealing", number))
    gone = sample.documents(number)[-1]
    backup(sample, tmp_path / "b.tar")
    terminal = Terminal(tmp_path / "office", capsys)
    if kind == "sqlite":
        refused = terminal.office("restore", "--files-only", tmp_path / "b.tar")
        assert refused.status == 1
        assert "without --files-only" in refused.err
        assert not terminal.data.exists()
        return
    store = sample.office.store
    monkeypatch.setenv(VARIABLE, store.url.render_as_string(hide_password=False))
    root = "UPDATE office SET root_sha256 = "
    with changed(store, f"{root}'x' || root_sha256", f"{root}substr(root_sha256, 2)"):
        refused = terminal.office("restore", "--files-only", tmp_path / "b.tar")
        assert "another office's" in refused.err
        assert not terminal.data.exists()
    destroyed = "UPDATE requests SET destroyed_at = now() WHERE state = 'sealing'"  # after the backup
    with changed(store, destroyed, "UPDATE requests SET destroyed_at = NULL"):
        said = terminal.json("restore", "--files-only", tmp_path / "b.tar")
        stored = {one.sha256_hex for one in BlobStore(terminal.data / "blobs").stored()}
        assert said["restored"] == len(stored) == said["files"] - 1
        assert gone.current_sha256 not in stored
        assert terminal.json("blobs", "scrub")["missing"] == 0
        assert not (terminal.data / "database").exists()


@contextmanager
def changed(store: Store, change: str, undo: str) -> Iterator[None]:
    """What an intruder changes, for the length of the block."""
    with intruder(store, guarded=False) as owner:
        owner.execute(change)
    try:
        yield
    finally:
        with intruder(store, guarded=False) as owner:
            owner.execute(undo)


def test_a_backup_of_an_earlier_release_is_restored_and_waits_for_an_upgrade(
    sample: Sample,
    tmp_path: Path,
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its tables are those of this one: what it says of itself decides."""
    set_revision(sample.office.store, revisions()[-2])
    try:
        backup(sample, tmp_path / "b.tar")
    finally:
        set_revision(sample.office.store, revisions()[-1])
    set_all(monkeypatch, place.owner)
    terminal = Terminal(tmp_path / "office", capsys)
    said = terminal.office("restore", tmp_path / "b.tar")
    assert (said.status, said.out) == (1, "")
    assert "was restored to" in said.err
    assert "paraaf upgrade" in said.err
    with closing(owners_store(tmp_path / "office", place.owner)) as restored_store:
        assert restored_store.revision() == revisions()[-2]


def set_revision(store: Store, revision: str) -> None:
    with intruder(store, guarded=True) as owner:
        owner.execute("UPDATE alembic_version SET version_num = ?", (revision,))


@only_postgresql
def test_who_may_not_make_tables_can_not_restore(made: Path, tmp_path: Path, place: Place) -> None:
    as_application = Place({**place.owner, OWNER: place.application[VARIABLE]}, place.application)
    with pytest.raises(StoreUnavailable, match="permission denied") as caught:
        restored(made, tmp_path / "office", as_application)
    assert "owner" in caught.value.hint
    require_vacant(tmp_path / "office", place)
    restored(made, tmp_path / "office", place)


@only_postgresql
def test_a_database_that_holds_tables_is_not_restored_to(made: Path, tmp_path: Path, place: Place) -> None:
    with closing(owners_store(tmp_path, place.owner)) as store, store.write() as session:
        session.execute(text("CREATE TABLE letters (id int)"))
    with pytest.raises(RestoreRefused, match="holds tables"):
        restored(made, tmp_path / "office", place)
    assert not (tmp_path / "office").exists()


def with_another_dump(change: Callable[[bytes], bytes]) -> Change:
    """The database's copy changed, under a manifest that fits."""

    def other(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
        index = at(members, "database/")
        info, content = members[index]
        content = change(content)
        said = json.loads(members[-1][1])
        said["files"][info.name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        members[index], members[-1] = (info, content), (members[-1][0], json.dumps(said).encode())

    return other


@only_postgresql
@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_a_dump_that_can_not_be_loaded_leaves_nothing(
    made: Path, tmp_path: Path, untouched: Place, share: float
) -> None:
    """Such as one that pg_dump wrote on a failing disk: the digests fit, and what they are of does not."""
    cut = with_another_dump(lambda dump: dump[: int(len(dump) * share)])
    file = rewritten(made, tmp_path / "cut.tar", cut)
    with pytest.raises(StoreUnavailable, match="pg_restore failed: "):
        restored(file, tmp_path / "office", untouched)
    require_vacant(tmp_path / "office", untouched)


def test_a_backup_is_restored_on_the_kind_of_database_that_it_was_made_on(
    kind: str, made: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    [other] = {*KINDS} - {kind}
    with vacant(other, request) as place:
        with pytest.raises(RestoreRefused, match="The backup holds"):
            restored(made, tmp_path / "office", place)
        require_vacant(tmp_path / "office", place)


def test_a_file_outside_of_the_data_folder_is_not_restored_to(made: Path, tmp_path: Path) -> None:
    place = Place({VARIABLE: f"sqlite:///{tmp_path}/other.sqlite3"}, {})
    with pytest.raises(RestoreRefused, match="into the data folder"):
        restored(made, tmp_path / "office", place)


# --- PostgreSQL's own programs


def programs(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    """Have only these PostgreSQL programs, which say what they are told to; None: have none."""
    folder.mkdir()
    for name in ("pg_dump", "pg_restore"):
        if script is not None:
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


UNFIT = {
    None: "can't be run here: No such file",
    'echo "${0##*/} (PostgreSQL) 9.6.24"': "is of version 9, and the server of",
    "echo something else": "is of version unknown",
}


@only_postgresql
@pytest.mark.parametrize("script", UNFIT)
def test_without_a_fit_program_that_is_told(
    sample: Sample,
    made: Path,
    tmp_path: Path,
    untouched: Place,
    monkeypatch: pytest.MonkeyPatch,
    script: str | None,
) -> None:
    programs(tmp_path / "bin", monkeypatch, script)
    with pytest.raises(ClientUnfit, match=UNFIT[script]) as caught:
        backup(sample, tmp_path / "b.tar")
    assert "Install" in caught.value.hint
    with pytest.raises(ClientUnfit, match=UNFIT[script]):
        restored(made, tmp_path / "office", untouched)
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@only_postgresql
def test_a_program_that_is_killed_is_told(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'case "$1" in --version) echo "pg_dump (PostgreSQL) 99.1";; *) kill -KILL $$;; esac'
    programs(tmp_path / "bin", monkeypatch, script)
    with pytest.raises(StoreUnavailable, match="it was ended by SIGKILL"):
        backup(sample, tmp_path / "b.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
