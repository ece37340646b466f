"""Anchors: made when they are due, kept in the database and outside, and found when they don't fit."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from shutil import copyfile

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from audit import verify_log
from certs.authority import DevelopmentAuthority
from certs.serve_authority import AuthorityServer
from documents.register import SAMPLE
from signing.errors import TimestampError
from tests.anchored_log import anchor, append, append_notes, make_anchor, new_store
from tests.databases import Database, Intruder, Refusal, intruder, only_sqlite
from watching.logs import told
from workflow import anchors
from workflow.anchors import Anchor, Statement
from workflow.errors import AnchorNotKept, NothingToAnchor, StoreUnavailable
from workflow.eventlog import Head
from workflow.logcheck import Fault, LogReport, verify
from workflow.office import REGISTER_FILE, Office
from workflow.store import Store

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    store = new_store(tmp_path, database.environ)
    yield store
    store.close()


def due(store: Store, now: datetime) -> bool:
    with store.read() as session:
        return anchors.is_due(session, now=now)


def keep(store: Store, seq: int, made_at: datetime, **other: object) -> None:
    """An anchor without a real proof."""
    with store.write() as session:
        held = session.execute(text("SELECT hash FROM events WHERE seq = :seq"), {"seq": seq}).scalar_one()
        given = {"head": Head(seq, held), "proof": f"proof {seq} {made_at}".encode(), **other}
        anchors.keep(session, Anchor("timestamp", made_at=made_at, statement="{}", **given))  # type: ignore[arg-type]


# When


def test_an_empty_log_has_nothing_to_anchor(store: Store) -> None:
    assert not due(store, NOW)
    with store.read() as session, pytest.raises(NothingToAnchor):
        Statement.of(session, at=NOW)


def test_the_first_anchor_is_due_a_day_after_the_first_event(store: Store) -> None:
    append(store, 3, at=NOW)
    assert [due(store, NOW + DAY), due(store, NOW + DAY + timedelta(seconds=1))] == [False, True]


def test_the_next_is_due_when_the_head_has_moved_and_a_day_has_gone(store: Store) -> None:
    append(store, 3, at=NOW)
    keep(store, 3, NOW)
    assert not due(store, NOW + 30 * DAY)  # nothing new
    append(store, 1, at=NOW + DAY)
    assert [due(store, NOW + DAY), due(store, NOW + DAY + timedelta(seconds=1))] == [False, True]
    keep(store, 4, NOW + 2 * DAY)
    assert not due(store, NOW + 9 * DAY)


def test_an_anchor_from_the_future_does_not_stop_the_next(store: Store) -> None:
    append(store, 3, at=NOW)
    keep(store, 2, NOW + 300 * DAY)
    assert due(store, NOW)


# Kept


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE anchors SET made_at = '2020-01-01'",
        "UPDATE anchors SET proof = x'00'",
        "DELETE FROM anchors",
        "INSERT INTO anchors SELECT * FROM anchors WHERE true"
        " ON CONFLICT (sha256_hex) DO UPDATE SET kind = 'seal'",
        "INSERT INTO anchors SELECT 'x', seq + 1, hash, kind, made_at, statement, proof FROM anchors",
        "INSERT INTO anchors SELECT 'x', seq, 'h', kind, made_at, statement, proof FROM anchors",
        "INSERT INTO anchors SELECT 'x', seq, hash, 'rumour', made_at, statement, proof FROM anchors",
    ],
)
def test_the_database_refuses(store: Store, statement: str) -> None:
    """Its owner too."""
    append(store, 3)
    keep(store, 2, NOW)
    with pytest.raises(Refusal), intruder(store, guarded=True) as owner:
        owner.execute(statement)


@only_sqlite
def test_a_connection_without_our_settings_replaces_no_row_by_its_number(store: Store) -> None:
    """SQLite's REPLACE deletes rows without asking the guard of deleting, unless it was told to."""
    append(store, 3)
    keep(store, 2, NOW)
    named = "rowid, sha256_hex, seq, hash, kind, made_at, statement, proof"
    with pytest.raises(Refusal), intruder(store, guarded=True) as owner:
        owner.execute(
            f"REPLACE INTO anchors ({named}) SELECT rowid, 'x', seq, hash, kind, made_at, statement, proof"  # noqa: S608
            " FROM anchors"
        )
    with store.read() as session:
        guarded = [table for table in GUARDED if _number_is_apart(session, table)]
    assert guarded == ["anchors"], "the key of every other guarded table is its row's number"


GUARDED = ("events", "bodies", "log_head", "anchors", "signatures")


def _number_is_apart(session: Session, table: str) -> bool:
    keys = [row for row in session.execute(text(f"PRAGMA table_info({table})")) if row.pk]
    return [row.type for row in keys] != ["INTEGER"]


@pytest.mark.parametrize(
    ("database", "statement"),
    [
        (
            "sqlite",
            "REPLACE INTO anchors SELECT sha256_hex, seq, hash, 'seal', made_at, statement, proof"
            " FROM anchors",
        ),
        ("postgresql", "TRUNCATE anchors"),
    ],
    indirect=["database"],
)
def test_one_database_knows_it_and_refuses(store: Store, statement: str) -> None:
    """REPLACE by the program's own connection: which sees to it that SQLite asks the guard of deleting."""
    append(store, 3)
    keep(store, 2, NOW)
    with pytest.raises((IntegrityError, StoreUnavailable)), store.write() as session:
        session.execute(text(statement))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def office(tmp_path: Path, database: Database, outside: Path) -> Iterator[Office]:
    """An office with an hour-old log, whose organisation is known."""
    copyfile(SAMPLE, tmp_path / REGISTER_FILE)
    store = Store.open(tmp_path, environ=database.environ)
    append_notes(store, 5, at=datetime.now(UTC) - timedelta(hours=1))
    store.close()
    office = Office.open(tmp_path, environ={"PARAAF_ANCHORS": str(outside), **database.environ})
    yield office
    office.close()


def served(office: Office) -> AuthorityServer:
    return AuthorityServer(office.authority.folder)


def kept(office: Office) -> list[Anchor]:
    with office.store.read() as session:
        return list(anchors.kept(session))


def report_of(office: Office) -> LogReport:
    with office.store.read() as session:
        return verify(session, trust=office.authority.trust, rows=False)


@pytest.mark.parametrize("kind", ["timestamp", "seal"])
def test_an_anchor_is_in_the_database_and_outside_and_holds(
    office: Office, outside: Path, kind: anchors.Kind
) -> None:
    with served(office):
        made = asyncio.run(office.anchor(kind))
    assert kept(office) == [made]
    [file] = outside.iterdir()
    assert file.name == f"anchor-000000000005-{kind}-{made.sha256_hex[:12]}.json"
    read = verify_log.outside_anchor(str(file), [office.authority.root])
    assert (read.kind, f"{read.seq}:{read.hash}", read.at) == (kind, str(made.head), made.made_at)
    assert ("Voorbeeld" in read.by or "Example" in read.by) == (kind == "seal")
    assert (report_of(office).anchors, report_of(office).anchored_to) == (1, 5)


def test_without_an_authority_there_is_no_anchor_and_no_other_kind_instead(
    office: Office, outside: Path
) -> None:
    with pytest.raises(TimestampError):
        asyncio.run(office.anchor())
    assert (kept(office), list(outside.iterdir())) == ([], [])


def test_what_could_not_be_written_outside_is_written_later(office: Office, outside: Path) -> None:
    outside.rmdir()
    with served(office), pytest.raises(AnchorNotKept, match="No such file") as caught:
        asyncio.run(office.anchor())
    assert caught.value.hint
    assert len(kept(office)) == 1
    outside.mkdir()
    office.anchor_when_due()
    assert [file.read_bytes() for file in outside.iterdir()] == [kept(office)[0].line]


def test_a_file_outside_is_never_touched_again(office: Office, outside: Path) -> None:
    with served(office):
        asyncio.run(office.anchor())
    [file] = outside.iterdir()
    file.chmod(0o644)
    file.write_text("something else")
    office.anchor_when_due()
    assert file.read_text() == "something else"


def test_a_worker_anchors_when_it_is_due(
    office: Office, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chore itself; a day seems to be over at once."""
    monkeypatch.setattr(anchors, "EVERY", timedelta(0))

    async def until_anchored() -> None:
        working = asyncio.create_task(office.work())
        while not list(outside.iterdir()):
            await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    with served(office):
        asyncio.run(asyncio.wait_for(until_anchored(), 180))
    assert [made.kind for made in kept(office)] == ["timestamp"]


def test_a_worker_says_that_it_can_not_anchor_and_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(anchors, "EVERY", timedelta(0))  # and no authority is served

    async def until_told() -> None:
        working = asyncio.create_task(office.work())
        while not [one for one in caplog.records if told(one).get("chore") == "anchor"]:
            assert not working.done()
            await asyncio.sleep(0.05)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    with caplog.at_level(logging.ERROR, logger="workflow.jobs"):
        asyncio.run(asyncio.wait_for(until_told(), 180))
    assert kept(office) == []


# Held against the log


@pytest.fixture
def anchored(store: Store, authority: DevelopmentAuthority, authority_server: AuthorityServer) -> Store:
    append(store, 10)
    anchor(store, authority, "timestamp")
    append(store, 10)
    anchor(store, authority, "seal")
    append(store, 10)
    return store


Change = Callable[[Intruder], None]


def report(store: Store, authority: DevelopmentAuthority) -> LogReport:
    with store.read() as session:
        return verify(session, trust=authority.trust, rows=False)


def rewrite_from(seq: int, last: int) -> Change:
    def rewrite(database: Intruder) -> None:
        before = None
        for number in range(seq, last + 1):
            [(record, prev)] = database.execute(
                "SELECT record, prev_hash FROM events WHERE seq = ?", (number,)
            ).fetchall()
            said = {**json.loads(record), "to": "c", "prev": before or prev}
            forged = json.dumps(said, sort_keys=True, separators=(",", ":"))
            before = sha256(forged.encode()).hexdigest()
            database.execute(
                "UPDATE events SET record = ?, prev_hash = ?, hash = ? WHERE seq = ?",
                (forged, said["prev"], before, number),
            )
        database.execute("UPDATE log_head SET hash = ?", (before,))

    return rewrite


def execute(*statements: str) -> Change:
    def run(database: Intruder) -> None:
        for statement in statements:
            database.execute(statement)

    return run


def cut(database: Intruder) -> None:
    database.execute("DELETE FROM bodies WHERE seq > 15")
    database.execute("DELETE FROM events WHERE seq > 15")
    database.execute("UPDATE log_head SET seq = 15, hash = (SELECT hash FROM events WHERE seq = 15)")


def test_an_anchored_log_verifies(anchored: Store, authority: DevelopmentAuthority) -> None:
    found = report(anchored, authority)
    assert (found.ok, found.anchors, found.anchored_to) == (True, 2, 20)
    with anchored.read() as session:
        assert verify(session, rows=False).anchored_to is None


BOTH = {(10, Fault.PROOF), (20, Fault.PROOF)}
INTRUSIONS: dict[str, tuple[Change, set[tuple[int, Fault]]]] = {
    "rewritten from 5": (rewrite_from(5, 30), {(10, Fault.ANCHOR), (20, Fault.ANCHOR)}),
    "rewritten from the first": (rewrite_from(1, 30), BOTH | {(10, Fault.ANCHOR), (20, Fault.ANCHOR)}),
    "rewritten between anchors": (rewrite_from(15, 30), {(20, Fault.ANCHOR)}),
    "rewritten after the last anchor": (rewrite_from(25, 30), set()),  # what the daily anchor is for
    "cut with its head": (cut, {(20, Fault.ANCHOR)}),
    "given to another event": (
        execute(
            "UPDATE anchors SET seq = 11, hash = (SELECT hash FROM events WHERE seq = 11) WHERE seq = 10"
        ),
        {(11, Fault.PROOF)},
    ),
    "given another time": (execute("UPDATE anchors SET made_at = '2020-01-01 00:00:00.000000'"), BOTH),
    "called a seal": (execute("UPDATE anchors SET kind = 'seal' WHERE seq = 10"), {(10, Fault.PROOF)}),
    "no proof": (execute("UPDATE anchors SET proof = x'3000'"), BOTH),
    "another's proof": (
        execute("UPDATE anchors SET proof = (SELECT proof FROM anchors WHERE seq = 10)"),
        {(20, Fault.PROOF)},
    ),
    "no statement": (execute("UPDATE anchors SET statement = '[]' WHERE seq = 20"), {(20, Fault.PROOF)}),
}


@pytest.mark.parametrize("name", INTRUSIONS)
def test_the_offices_own_verification_uses_the_anchors(
    anchored: Store, authority: DevelopmentAuthority, name: str
) -> None:
    change, faults = INTRUSIONS[name]
    with intruder(anchored, guarded=False) as somebody:
        change(somebody)
    assert {(one.seq, one.fault) for one in report(anchored, authority).findings} == faults


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("misshapen", ["made_at = 'once'", "proof = 7", "seq = 'x'"])
def test_a_value_of_another_type_is_found(
    anchored: Store, authority: DevelopmentAuthority, misshapen: str
) -> None:
    """SQLite takes any value in any column; PostgreSQL refuses these itself."""
    with intruder(anchored, guarded=False) as somebody:
        somebody.execute(f"UPDATE anchors SET {misshapen} WHERE seq = 20")  # noqa: S608
    assert {(one.seq, one.fault) for one in report(anchored, authority).findings} == {(0, Fault.ANCHOR)}


def test_a_stranger_authority_proves_nothing(
    store: Store, authority: DevelopmentAuthority, tmp_path: Path
) -> None:
    append(store, 3)
    stranger = DevelopmentAuthority.open_or_create(tmp_path / "stranger", now=datetime.now(UTC))
    with AuthorityServer(stranger.folder):
        anchor(store, stranger, "timestamp")
    found = report(store, authority)
    assert [(one.seq, one.fault) for one in found.findings] == [(3, Fault.PROOF)]
    assert "trust" in found.findings[0].message
    with store.read() as session:
        trusted = verify(session, trust=stranger.trust, rows=False)
    assert trusted.anchored_to == 3


def test_a_persons_key_is_no_seal_to_the_auditor(
    authority: DevelopmentAuthority, authority_server: AuthorityServer
) -> None:
    from signing.profile import packaged_profiles
    from signing.signers import SoftwareSigner
    from tests.signing_samples import open_desk

    statement = Statement(Head(1, "0" * 64), "0" * 64, datetime.now(UTC))

    async def made() -> Anchor:
        signer = SoftwareSigner(authority.person("P1", "Bram Voorbeeld", now=datetime.now(UTC)))
        async with open_desk(authority) as desk:
            return await anchors.sealed(statement, desk, packaged_profiles()["organisation-seal"], signer)

    value = json.loads(asyncio.run(made()).line)["anchor"]
    report_ = verify_log.verify([b""], trust=[authority.root])
    assert not report_.ok
    with pytest.raises(Exception, match="by a person"):
        verify_log.read_anchor(value, [authority.root], datetime.now(UTC))
    good = make_anchor(authority, statement, "seal")
    read = verify_log.read_anchor(json.loads(good.line)["anchor"], [authority.root], datetime.now(UTC))
    assert read.vouched
