"""`paraaf check` names what is wrong, and what to do; a sound office passes, on either database."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from certs.serve_authority import AuthorityServer
from tests.command_line import Terminal, keys_of, section_of
from tests.databases import KINDS, Database, copy_of, fresh, intruder
from tests.postgresql import Server, without_checksums
from tests.steps_office import MANAGER, KeyedOffice, Sample
from workflow import checkup
from workflow.office import PUBLIC_URL, Office, utc_now
from workflow.store import FILE
from workflow.tables import BlobRemoval, DocumentRow, Grant, PasskeyRow, PasswordRow, Person, RetentionRow
from workflow.variables import MOVED

pytestmark = pytest.mark.slow
AREAS = {
    "authority",
    "folder",
    "database",
    "clock",
    "certificates",
    "calendars",
    "people",
    "definitions",
    "work",
    "anchors",
    "archives",
    "keeping",
    "backup",
    "identity",
    "signing",
    "log",
    "files",
}


@dataclass(frozen=True)
class Template:
    """A data folder and a database with a signed declaration, to be copied."""

    folder: Path
    database: Database


@pytest.fixture(scope="module", params=KINDS)
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        sample = Sample.open(folder, database.environ)
        number = sample.submit("A4")
        with AuthorityServer(sample.office.authority.folder):
            for _ in range(8):
                sample.act()
                asyncio.run(sample.work())
        assert sample.request(number).state == "delivered"
        sample.office.close()
        yield Template(folder, database)


@pytest.fixture
def copied(template: Template, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """The database of `sample`."""
    shutil.copytree(template.folder, tmp_path / "office")
    with copy_of(template.database, tmp_path / "office", request) as copied:
        yield copied


@pytest.fixture
def sample(tmp_path: Path, copied: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    """An office with a signed declaration, which commands find by themselves."""
    for name, value in copied.environ.items():
        monkeypatch.setenv(name, value)
    sample = Sample(KeyedOffice.open(tmp_path / "office", environ=copied.environ))
    yield sample
    sample.office.close()


of_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="module")
of_postgresql = pytest.mark.parametrize("template", ["postgresql"], indirect=True, scope="module")


def findings(sample: Sample, capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    said = Terminal(sample.office.folder, capsys)("check", "--json", "--data", sample.office.folder, *more)
    wrong = [one for one in said.json["findings"] if one["state"] == "wrong"]
    assert said.status == (1 if wrong else 0)
    assert said.json["ok"] is not bool(wrong)
    assert said.json["warnings"] == sum(one["state"] == "warning" for one in said.json["findings"])
    assert not [one for one in said.json["findings"] if one["state"] != "ok" and not one["hint"]]
    found: list[dict[str, Any]] = said.json["findings"]
    return found


def not_well(found: list[dict[str, Any]]) -> dict[str, str]:
    return {one["area"]: one["state"] for one in found if one["state"] != "ok"}


def test_a_sound_office_passes_and_every_area_is_told(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    found = findings(sample, capsys, "--deep")
    assert {one["area"] for one in found} == AREAS
    assert not_well(found) in ({}, {"work": "warning"})  # whether the last worker is forgotten yet
    for key in keys_of(found):
        assert f"`{key}`" in section_of("check")


def _file_changed(sample: Sample) -> None:
    path = sample.office.blobs.inner.path(sample.rows(DocumentRow)[0].current_sha256)
    path.chmod(0o600)
    path.write_bytes(b"%PDF-")


def _file_gone(sample: Sample) -> None:
    sample.office.blobs.inner.path(sample.rows(DocumentRow)[0].rendered_sha256).unlink()


def _row_changed(sample: Sample) -> None:
    with sample.office.store.write() as session:
        session.execute(text("UPDATE requests SET state = 'review'"))


def _guard_gone(sample: Sample) -> None:
    with intruder(sample.office.store, guarded=True) as other:
        other.execute("DROP INDEX uq_tasks_open")


def _row_of_none(sample: Sample) -> None:
    with intruder(sample.office.store, guarded=False) as other:
        other.execute("INSERT INTO drafts SELECT 7, 'a', 'b', data, opened_at, null FROM requests")


def _seal_revoked(sample: Sample) -> None:
    authority = sample.office.authority
    seal = authority.seal(
        organisation=sample.register.people()[0].employer_name, now=sample.office.clock()
    ).certificate
    authority.revoke(seal.serial_number, at=sample.office.clock())


def _open_to_all(sample: Sample) -> None:
    sample.office.folder.chmod(0o755)


def _no_register(sample: Sample) -> None:
    (sample.office.folder / "hr_register.csv").unlink()


@pytest.mark.parametrize(
    ("harm", "area", "state"),
    [
        (_file_changed, "files", "wrong"),
        (_file_gone, "files", "wrong"),
        (_row_changed, "log", "wrong"),
        (_guard_gone, "database", "wrong"),
        (_row_of_none, "database", "wrong"),
        (_seal_revoked, "signing", "wrong"),
        (_open_to_all, "folder", "warning"),
        (_no_register, "signing", "warning"),
    ],
)
def test_what_is_wrong_is_named(
    sample: Sample,
    capsys: pytest.CaptureFixture[str],
    harm: Callable[[Sample], None],
    area: str,
    state: str,
) -> None:
    harm(sample)
    sample.office.close()
    assert not_well(findings(sample, capsys, "--deep")).get(area) == state


def test_warnings_are_counted_and_a_strict_look_fails_for_them(
    sample: Sample, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Terminal(sample.office.folder, capsys).office
    _no_register(sample)
    monkeypatch.setenv(f"{PUBLIC_URL}S", "https://paraaf.test")
    said = office("check")
    assert said.status == 0
    assert re.search(r"^The office can work, with warnings: [1-9]\.$", said.out, re.MULTILINE)
    assert f"Is {PUBLIC_URL} meant?" in said.out
    assert office("check", "--strict").status == 1


def test_who_cant_consent_for_want_of_a_password_is_told(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    def told() -> list[str]:
        found = [one for one in findings(sample, capsys) if "password" in one["message"]]
        return [one["message"] for one in found]

    assert told() == []  # nobody is asked to consent to anything
    sample.count = 1000  # keys that the template has not used
    sample.submit("A1")
    [message] = told()
    assert (
        "of those who consent by a click have no password or passkey, and can't: P001, P002, P003" in message
    )
    with sample.office.store.write() as session:
        people = select(Grant.person_id).where(Grant.role.in_(["signer", "manager"])).distinct()
        by_passkey, *others = session.scalars(people).all()
        now = sample.office.clock()
        key = {
            "credential_id": "k",
            "handle": "h",
            "public_key": b"",
            "sign_count": 0,
            "name": "",
            "made_at": now,
        }
        session.add(PasskeyRow(person_id=by_passkey, **key))
        session.add_all(PasswordRow(person_id=one, phc="-", own=True, set_at=now) for one in others)
    assert told() == []


def test_an_office_without_people_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Office.open(tmp_path, environ={}).close()
    said = Terminal(tmp_path, capsys).office("check", "--json")
    assert not_well(said.json["findings"])["people"] == "warning"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PARAAF_ANCHORS", "/tmp/nowhere-at-all", "is not there"),  # noqa: S108 (not made)
        ("PARAAF_PUBLIC_URL", "foo", "no address that a QR code could lead to"),
        ("PARAAF_PUBLIC_URL", "https:///verify", "no address"),
        ("PARAAF_PUBLIC_URL", "https://paraaf.test/?q=1", "no address"),
        *((name, "first=20/PT20M", "is no longer read") for name in MOVED),
    ],
)
def test_a_setting_that_can_not_work_is_told(
    sample: Sample,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(variable, value)
    said = Terminal(sample.office.folder, capsys).office("check", "--json")
    assert said.status == 1
    [told] = [one for one in said.json["findings"] if words in one["message"]]
    assert told["state"] == "wrong"
    assert variable in told["message"] or value.partition("=")[0] in told["message"]


def storing(sample: Sample, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    [told] = [one for one in findings(sample, capsys) if one["area"] == "files"]
    return told["state"], told["message"]


@of_sqlite
def test_stored_files_that_can_only_be_read_are_a_finding(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = sample.office.folder / "blobs"
    before = sorted(blobs.rglob("*"))
    assert storing(sample, capsys) == ("ok", "Files can be stored.")
    subprocess.run(["mount", "--bind", blobs, blobs], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", blobs], check=True)
        state, message = storing(sample, capsys)
    finally:
        subprocess.run(["umount", blobs], check=True)
    assert (state, "its disk is read-only" in message) == ("wrong", True)
    assert sorted(blobs.rglob("*")) == before


@of_sqlite
def test_a_link_to_stored_files_that_leads_nowhere_is_told_as_what_it_is(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = sample.office.folder / "blobs"
    blobs.rename(blobs.with_name("aside"))
    blobs.symlink_to("/nowhere/blobs")
    said = Terminal(sample.office.folder, capsys)("check", "--data", sample.office.folder)
    assert said.status == 1
    assert "is a link to /nowhere/blobs, which is not there" in said.out
    assert "Mount the disk" in said.out


def turn_away(stranger: socket.socket) -> None:
    """Close every connection at once, until the socket ends."""
    with suppress(OSError):
        while True:
            stranger.accept()[0].close()


@of_sqlite
def test_a_port_of_the_authority_that_a_stranger_holds_is_a_finding(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # it may have been ours a moment ago
        stranger.bind(("127.0.0.1", int(sample.office.authority.base_url.rpartition(":")[2])))
        stranger.listen()
        turned_away = threading.Thread(target=turn_away, args=(stranger,), daemon=True)
        turned_away.start()
        found = findings(sample, capsys)
        stranger.shutdown(socket.SHUT_RDWR)
        turned_away.join()
    assert {one["area"] for one in found} == AREAS - {"log"}
    [told] = [one for one in found if one["area"] == "authority" and one["state"] == "wrong"]
    assert "cannot listen" in told["message"]
    assert "new folder" not in told["hint"]
    assert not_well(found)["signing"] == "wrong"


@of_sqlite
def test_an_authority_that_no_worker_serves_is_told(sample: Sample) -> None:
    assert checkup.authority(sample.office).state == "ok"
    with sample.office.store.write() as session:
        at = utc_now().isoformat(timespec="microseconds")
        session.execute(text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at)"), {"at": at})
    assert checkup.authority(sample.office).state == "warning"
    with AuthorityServer(sample.office.authority.folder):
        assert checkup.authority(sample.office).state == "ok"


def test_a_log_that_is_not_anchored_for_days_is_told(sample: Sample) -> None:
    later = replace(sample.office, clock=lambda: utc_now() + timedelta(days=3))
    told = {one.area: one.state for one in checkup.quick(later) if one.area == "anchors"}
    assert told == {"anchors": "warning"}
    with AuthorityServer(sample.office.authority.folder):
        asyncio.run(sample.office.anchor())
    assert {one.area: one.state for one in checkup.quick(later)}["anchors"] == "ok"


@of_sqlite
def test_a_damaged_page_of_the_file_is_named(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    """Of an index that no other check reads."""
    file = sample.office.folder / FILE
    content = bytearray(file.read_bytes())
    with sample.office.store.read() as session:
        page = session.scalar(
            text("SELECT rootpage FROM sqlite_master WHERE name = 'ix_tasks_role_closed_at'")
        )
    sample.office.close()
    size = int.from_bytes(content[16:18], "big")
    start = (int(page) - 1) * size
    content[start + 3 : start + 5] = b"\xff\xff"  # an impossible number of cells
    file.write_bytes(content)
    assert not_well(findings(sample, capsys, "--deep")).get("database") == "wrong"


@of_postgresql
def test_a_damaged_page_of_the_server_is_named(
    sample: Sample, postgresql: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server finds it when it is read."""
    with sample.office.store.read() as session:
        path = str(session.scalar(text("SELECT pg_relation_filepath('events')")))
    sample.office.close()
    postgresql.stop()
    with (postgresql.folder / "data" / path).open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8)
    postgresql.start()
    found = [one for one in findings(sample, capsys, "--deep") if one["area"] in {"database", "log"}]
    assert [one for one in found if one["state"] == "wrong" and "invalid page" in one["message"]]


@of_postgresql
def test_a_server_that_checks_no_pages_is_told(
    sample: Sample, postgresql: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    with without_checksums(postgresql):
        [finding] = [one for one in findings(sample, capsys, "--deep") if "page" in one["message"]]
    assert (finding["area"], finding["state"]) == ("database", "warning")
    [finding] = [one for one in findings(sample, capsys, "--deep") if "page" in one["message"]]
    assert (finding["area"], finding["state"]) == ("database", "ok")


def test_an_authority_that_can_not_be_read_is_told(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    (sample.office.folder / "authority" / "tsa.pem").write_bytes(b"-----BEGIN NOTHING-----")
    said = Terminal(sample.office.folder, capsys)("check", "--data", sample.office.folder)
    assert said.status == 1
    assert "tsa.pem" in said.out + said.err


@of_sqlite
@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("office.json", "office"),
        ("blobs/office", "office"),
        ("hr_register.csv", "office"),
        ("last-backup.json", "backup"),
        ("blobs/?/*", "files"),
    ],
)
def test_a_pipe_in_place_of_a_file_is_told_and_not_waited_for(
    sample: Sample, capsys: pytest.CaptureFixture[str], name: str, area: str
) -> None:
    folder = sample.office.folder
    path = next(folder.glob(name), folder / name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    told = [one for one in findings(sample, capsys, "--deep") if one["area"] == area]
    assert any(path.name[:12] in one["message"] and one["state"] != "ok" for one in told)


@pytest.mark.parametrize(
    ("ahead", "area", "state"),
    [
        (timedelta(days=-1), "clock", "wrong"),  # behind the last event
        (timedelta(hours=1), "clock", "wrong"),  # away from the database's own
        (timedelta(days=2 * 365 + 352), "calendars", "wrong"),
        (timedelta(days=365 * 11), "certificates", "wrong"),
        (timedelta(days=3635), "certificates", "warning"),
    ],
)
def test_a_clock_elsewhere_is_noticed(
    sample: Sample, copied: Database, ahead: timedelta, area: str, state: str
) -> None:
    now = sample.office.clock() + ahead
    office = Office.open(sample.office.folder, environ=copied.environ, clock=lambda: now)
    try:
        found = list(checkup.quick(office))
    finally:
        office.close()
    assert state in {one.state for one in found if one.area == area}


def test_what_was_destroyed_and_is_not_gone_a_day_later_is_told(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    now = sample.office.clock()
    day = timedelta(days=1)
    with sample.office.store.write() as session:
        session.merge(RetentionRow(id=1, looked_at=now, unclean_since=now - day / 2))
        session.add(BlobRemoval(sha256="0" * 64, listed_at=now - day / 2))
    assert "keeping" not in not_well(findings(sample, capsys))
    later = replace(sample.office, clock=lambda: now + day)
    told = [one for one in checkup.quick(later) if one.area == "keeping"]
    assert [one.state for one in told] == ["warning", "warning"]
    assert "for more than a day: 1" in told[0].message
    assert f"Since {now - day / 2:%Y-%m-%d}" in told[1].message
    assert (sample.office.retention.cleaning or "paraaf retention --run") in told[1].hint
    sample.office.close()


def test_that_nothing_is_destroyed_for_a_while_is_told(sample: Sample) -> None:
    now = sample.office.clock()
    with sample.office.store.write() as session:
        session.merge(RetentionRow(id=1, looked_at=now, restored_until=now + timedelta(hours=20)))
    [told] = [one for one in checkup.quick(sample.office) if one.area == "keeping"]
    assert told.state == "warning"
    assert f"before {now + timedelta(hours=20):%Y-%m-%d %H:%M} UTC" in told.message
    assert "--clock-is-right" in told.hint
    later = replace(sample.office, clock=lambda: now + timedelta(hours=21))
    assert [one.state for one in checkup.quick(later) if one.area == "keeping"] == ["ok"]


def test_what_is_due_and_not_destroyed_a_day_later_is_told(sample: Sample) -> None:
    office, sample.count = sample.office, 100  # keys apart from those of the sample's making
    number = sample.submit("A3")
    [requester] = [one.requester_id for one in sample.requests() if one.id == number]
    sample.do("withdraw", requester, number)
    due = office.retention.preview(days=100).due
    assert number in {one.request_id for one in due}
    day = datetime.combine(max(one.due_on for one in due), time(12), UTC)
    told = []
    for later in (day, day + timedelta(days=1)):
        office = replace(sample.office, clock=lambda later=later: later)
        [keeping] = [one for one in checkup.quick(office) if one.area == "keeping"]
        told.append(keeping.state)
    assert told == ["ok", "warning"]
    assert f"for more than a day: {len(due)}." in keeping.message


def test_a_request_that_waits_for_somebody_who_has_left_is_told_by_its_number(sample: Sample) -> None:
    office, sample.count = sample.office, 200  # keys apart from those of the sample's making
    waiting, other = sample.submit("A3"), sample.submit("A3")
    sample.do("return", MANAGER, waiting, remark="Look.")
    requester = sample.request(waiting).requester_id

    def told() -> list[str]:
        found = [one for one in checkup.quick(office) if "who has left" in one.message]
        assert all((one.area, one.state) == ("work", "warning") for one in found)
        return [one.message for one in found]

    assert told() == []
    with office.store.write() as session:
        session.get_one(Person, requester).active = False
    assert told() == [f"Requests that wait for a requester who has left: 1 ({waiting})."]
    assert sample.request(other).requester_id == requester  # whose manager can go on


def test_a_task_is_told_that_somebody_holds_who_may_not_do_it_any_more(sample: Sample) -> None:
    office, sample.count = sample.office, 200  # keys apart from those of the sample's making
    number = sample.submit("A3")
    sample.do("claim", MANAGER, number)

    def told() -> list[tuple[str, str]]:
        found = [one for one in checkup.quick(office) if "somebody holds" in one.message]
        return [(one.state, one.message.rpartition(": ")[2]) for one in found]

    assert told() == []
    with office.store.write() as session:
        session.execute(Grant.table().delete().where(Grant.person_id == MANAGER))
    assert told() == [("warning", f"1 ({number}).")]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_on_a_server_it_is_told_what_the_owner_has_to_run(tmp_path: Path, database: Database) -> None:
    office = Office.open(tmp_path / "office", environ=database.environ)
    with office.store.write() as session:
        now = office.clock()
        session.add(RetentionRow(id=1, looked_at=now, unclean_since=now - timedelta(days=2)))
    [told] = [one for one in checkup.quick(office) if one.area == "keeping"]
    assert (told.state, office.retention.cleaning in told.hint) == ("warning", True)
    office.close()


def test_a_full_disk_is_wrong(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(sample.office.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10_000_000))
    [finding] = [one for one in checkup.quick(sample.office) if one.area == "folder"]
    assert finding.state == "wrong"
