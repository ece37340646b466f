"""The log refuses to be changed, and verification finds what was changed behind its back."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
import rfc8785

from tests.databases import Database, Intruder, Refusal, add_lone_request, intruder
from workflow.errors import LogUnwritable, StoreUnavailable
from workflow.eventlog import Appender, Head, erase_bodies
from workflow.logcheck import FINDINGS_MAX, Fault, LogReport, verify
from workflow.store import Store

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
EVENTS = 20


def salts(size: int) -> bytes:
    return bytes(size)


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    store = Store.open(tmp_path, database.environ)
    with store.write() as session:
        add_lone_request(session)
    append(store, EVENTS)
    yield store
    store.close()


def append(store: Store, number: int) -> None:
    with store.write() as session:
        log = Appender.lock(session, salts)
        for step in range(number):
            log.append(
                "request_advanced",
                at=NOW,
                request_id=1,
                facts={"step": step},
                body={"actor": f"person-{step}"},
            )
        log.write()


def check(store: Store, *anchors: Head) -> LogReport:
    with store.read() as session:
        return verify(session, anchors=anchors, rows=False)


def test_an_untouched_log_verifies(store: Store) -> None:
    report = check(store)
    assert report.ok
    assert (report.checked, report.bodies, report.erased, report.head.seq) == (EVENTS, EVENTS, 0, EVENTS)
    assert report.first_bad_seq is None


def test_an_empty_log_verifies(tmp_path: Path, database: Database) -> None:
    store = Store.open(tmp_path, database.environ)
    assert check(store).ok
    store.close()


def test_a_record_is_canonical_and_names_its_body_and_the_event_before(store: Store) -> None:
    with intruder(store, guarded=True) as database:
        rows = database.execute("SELECT record, hash FROM events ORDER BY seq LIMIT 2").fetchall()
        body = database.execute("SELECT body FROM bodies WHERE seq = 2").fetchone()[0]
    record = json.loads(rows[1][0])
    assert rfc8785.dumps(record).decode() == rows[1][0]
    assert record["prev"] == rows[0][1] == sha256(rows[0][0].encode()).hexdigest()
    assert record["body"] == sha256(salts(16) + body.encode()).hexdigest()
    assert record["at"] == "2026-11-20T09:00:00.000000Z"
    assert "person" not in rows[1][0]


REFUSED = [
    "UPDATE events SET type = 'x' WHERE seq = 3",
    "UPDATE events SET seq = 99 WHERE seq = 20",
    "DELETE FROM events WHERE seq = 20",
    "DELETE FROM events",
    "INSERT INTO events SELECT 22, request_id, type, recorded_at, record, hash, 'h' "
    "FROM events WHERE seq = 20",
    "INSERT INTO events SELECT 21, request_id, type, recorded_at, record, 'h', 'h' "
    "FROM events WHERE seq = 20",
    "INSERT INTO events SELECT 0, request_id, type, recorded_at, record, 'h', 'h' FROM events WHERE seq = 20",
    "INSERT INTO events SELECT * FROM events WHERE seq = 20 ON CONFLICT (seq) DO UPDATE SET type = 'x'",
    "UPDATE bodies SET body = '{}' WHERE seq = 3",
    "UPDATE bodies SET salt = x'00' WHERE seq = 3",
    "UPDATE bodies SET seq = 21 WHERE seq = 20",
    "DELETE FROM bodies WHERE seq = 3",
    "INSERT INTO bodies SELECT * FROM bodies WHERE seq = 3 ON CONFLICT (seq) DO UPDATE SET body = '{}'",
    "UPDATE bodies SET body = NULL, salt = NULL WHERE seq = 3",
    "UPDATE log_head SET seq = 19, hash = (SELECT hash FROM events WHERE seq = 19)",
    "UPDATE log_head SET seq = 21",
    "UPDATE log_head SET hash = 'h'",
    "DELETE FROM log_head",
    "INSERT INTO log_head VALUES (2, 1, 'h')",
    "INSERT INTO log_head VALUES (1, 1, 'h') ON CONFLICT (id) DO UPDATE SET seq = 1",
]
REFUSED_BY_SQLITE = [
    "INSERT OR REPLACE INTO events SELECT seq, request_id, 'x', recorded_at, record, prev_hash, hash "
    "FROM events WHERE seq = 3",
    "REPLACE INTO events SELECT seq, request_id, 'x', recorded_at, record, prev_hash, hash "
    "FROM events WHERE seq = 20",
    "UPDATE OR REPLACE events SET seq = 19 WHERE seq = 20",
    "REPLACE INTO bodies SELECT seq, salt, '{}', NULL FROM bodies WHERE seq = 3",
    "UPDATE OR REPLACE bodies SET seq = 19 WHERE seq = 20",
    "REPLACE INTO log_head VALUES (1, 1, 'h')",
]
REFUSED_BY_POSTGRESQL = [
    "TRUNCATE events CASCADE",
    "TRUNCATE bodies",
    "TRUNCATE log_head",
    "TRUNCATE events, bodies RESTART IDENTITY CASCADE",
    # a table of the intruder's own must not be taken for the log by its guards
    "CREATE TEMP TABLE events AS SELECT 98 AS seq, 'h' AS hash;"
    "INSERT INTO public.events VALUES (99, NULL, 'x', '', '{}', 'h', 'h')",
]


def refused(store: Store, statement: str, *settings: str) -> None:
    """Even the tables' owner is refused."""
    with pytest.raises(Refusal):
        _attempt(store, *settings, statement)
    assert check(store).ok


def _attempt(store: Store, *statements: str) -> None:
    with intruder(store, guarded=True) as other:
        for statement in statements:
            other.execute(statement)


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses(store: Store, statement: str) -> None:
    refused(store, statement)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("settings", ["OFF", "ON"], ids=["plain", "recursive triggers"])
@pytest.mark.parametrize("statement", REFUSED_BY_SQLITE)
def test_sqlite_refuses_to_replace(store: Store, statement: str, settings: str) -> None:
    refused(store, statement, f"PRAGMA recursive_triggers={settings}")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", REFUSED_BY_POSTGRESQL)
def test_postgresql_refuses_to_truncate(store: Store, statement: str) -> None:
    refused(store, statement)


def rewrite(database: Intruder, seq: int, *, rehash: bool) -> None:
    """Change what an event says; `rehash`: and give it the hash that fits."""
    record = json.loads(database.execute("SELECT record FROM events WHERE seq = ?", (seq,)).fetchone()[0])
    text = rfc8785.dumps(record | {"step": 999}).decode()
    database.execute("UPDATE events SET record = ? WHERE seq = ?", (text, seq))
    if rehash:
        digest = sha256(text.encode()).hexdigest()
        database.execute("UPDATE events SET hash = ? WHERE seq = ?", (digest, seq))


def rewrite_all_from(database: Intruder, seq: int) -> None:
    """Change an event, and chain everything after it anew."""
    rows = database.execute("SELECT seq, record, prev_hash FROM events WHERE seq >= ? ORDER BY seq", (seq,))
    before = None
    for number, text, prev in rows.fetchall():
        record = json.loads(text)
        record["prev"] = before or prev
        if number == seq:
            record["step"] = 999
        forged = rfc8785.dumps(record).decode()
        digest = sha256(forged.encode()).hexdigest()
        database.execute(
            "UPDATE events SET record = ?, prev_hash = ?, hash = ? WHERE seq = ?",
            (forged, record["prev"], digest, number),
        )
        before = digest


def remove(database: Intruder, *seqs: int) -> None:
    for seq in seqs:
        database.execute("DELETE FROM bodies WHERE seq = ?", (seq,))
        database.execute("DELETE FROM events WHERE seq = ?", (seq,))


def renumber(database: Intruder, change: str, which: str) -> None:
    for table in ("bodies", "events"):
        database.execute(f"UPDATE {table} SET seq = {change} WHERE {which}")  # noqa: S608  our own words


def close_gap(database: Intruder, seq: int) -> None:
    remove(database, seq)
    renumber(database, "-seq", f"seq > {seq}")
    renumber(database, "-seq - 1", "seq < 0")


def insert_between(database: Intruder, seq: int) -> None:
    renumber(database, "-seq", f"seq >= {seq}")
    renumber(database, "-seq + 1", "seq < 0")
    forged = json.loads(database.execute("SELECT record FROM events WHERE seq = ?", (seq - 1,)).fetchone()[0])
    prev = database.execute("SELECT hash FROM events WHERE seq = ?", (seq - 1,)).fetchone()[0]
    del forged["body"]
    own = {"seq": seq, "prev": prev, "type": "document_delivered"}
    text = rfc8785.dumps(forged | own).decode()
    digest = sha256(text.encode()).hexdigest()
    database.execute(
        "INSERT INTO events VALUES (?, 1, 'document_delivered', ?, ?, ?, ?)",
        (seq, forged["at"], text, prev, digest),
    )


def swap(database: Intruder, one: int, other: int) -> None:
    renumber(database, "-1", f"seq = {one}")
    renumber(database, str(one), f"seq = {other}")
    renumber(database, str(other), "seq = -1")


def execute(*statements: str) -> Callable[[Intruder], None]:
    def run(database: Intruder) -> None:
        for statement in statements:
            database.execute(statement)

    return run


TAMPERINGS: dict[str, tuple[Callable[[Intruder], None], int, Fault]] = {
    "changed": (lambda db: rewrite(db, 7, rehash=False), 7, Fault.CHANGED),
    "changed and rehashed": (lambda db: rewrite(db, 7, rehash=True), 8, Fault.UNCHAINED),
    "last changed and rehashed": (lambda db: rewrite(db, 20, rehash=True), 20, Fault.CUT),
    "rewritten to the end": (lambda db: rewrite_all_from(db, 7), 20, Fault.CUT),
    "removed": (lambda db: remove(db, 7), 8, Fault.REMOVED),
    "first removed": (lambda db: remove(db, 1), 2, Fault.REMOVED),
    "removed, gap closed": (lambda db: close_gap(db, 7), 7, Fault.UNCHAINED),
    "inserted": (lambda db: insert_between(db, 7), 8, Fault.UNCHAINED),
    "reordered": (lambda db: swap(db, 7, 8), 7, Fault.UNCHAINED),
    "tail cut": (lambda db: remove(db, 19, 20), 19, Fault.CUT),
    "all cut": (lambda db: remove(db, *range(1, 21)), 1, Fault.CUT),
    "type column": (execute("UPDATE events SET type = 'x' WHERE seq = 7"), 7, Fault.CHANGED),
    "request column": (execute("UPDATE events SET request_id = NULL WHERE seq = 7"), 7, Fault.CHANGED),
    "time column": (execute("UPDATE events SET recorded_at = '2026' WHERE seq = 7"), 7, Fault.CHANGED),
    "hash column": (execute("UPDATE events SET hash = 'h' WHERE seq = 7"), 7, Fault.CHANGED),
    "no json": (execute("UPDATE events SET record = '[', hash = 'h' WHERE seq = 7"), 7, Fault.CHANGED),
    "body changed": (execute("UPDATE bodies SET body = '{}' WHERE seq = 7"), 7, Fault.BODY_CHANGED),
    "salt changed": (execute("UPDATE bodies SET salt = x'01' WHERE seq = 7"), 7, Fault.BODY_CHANGED),
    "body removed": (execute("DELETE FROM bodies WHERE seq = 7"), 7, Fault.BODY_MISSING),
    "body erased, not told": (
        execute("UPDATE bodies SET body = NULL, salt = NULL, erased_at = '2026-11-20' WHERE seq = 7"),
        7,
        Fault.ERASED_UNTOLD,
    ),
    "before the first": (
        execute("INSERT INTO events VALUES (-3, NULL, 'x', '', '{}', 'h', 'h')"),
        -3,
        Fault.CHANGED,
    ),
    "head set back": (
        execute("UPDATE log_head SET seq = 18, hash = (SELECT hash FROM events WHERE seq = 18)"),
        19,
        Fault.BEYOND_HEAD,
    ),
    "head changed": (execute("UPDATE log_head SET hash = 'h'"), 20, Fault.CUT),
    "head removed": (execute("DELETE FROM log_head"), 20, Fault.CUT),
}

# A column of PostgreSQL's holds its own type alone, and only text that is UTF-8.
TAMPERINGS_OF_SQLITE: dict[str, tuple[Callable[[Intruder], None], int, Fault]] = {
    "body of another type": (
        execute("UPDATE bodies SET salt = 'x', body = x'00' WHERE seq = 7"),
        7,
        Fault.BODY_CHANGED,
    ),
    "body no text": (
        execute("UPDATE bodies SET body = CAST(x'ff' AS TEXT) WHERE seq = 7"),
        7,
        Fault.UNREADABLE,
    ),
    "record of another type": (execute("UPDATE events SET record = x'00' WHERE seq = 7"), 7, Fault.CHANGED),
    "record no text": (
        execute("UPDATE events SET record = CAST(x'ff' AS TEXT) WHERE seq = 7"),
        7,
        Fault.UNREADABLE,
    ),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found_where_it_is(store: Store, name: str) -> None:
    found_where_it_is(store, *TAMPERINGS[name])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", TAMPERINGS_OF_SQLITE)
def test_values_of_a_wrong_type_are_found(store: Store, name: str) -> None:
    found_where_it_is(store, *TAMPERINGS_OF_SQLITE[name])


def found_where_it_is(store: Store, tamper: Callable[[Intruder], None], first_bad: int, fault: Fault) -> None:
    with intruder(store, guarded=False) as database:
        tamper(database)
    report = check(store)
    assert report.first_bad_seq == first_bad
    assert fault in {finding.fault for finding in report.findings if finding.seq == first_bad}


def test_a_body_nobody_names_is_found(store: Store) -> None:
    with store.write() as session:
        log = Appender.lock(session, salts)
        log.append("noted", at=NOW, request_id=None, facts={})
        log.write()
    with intruder(store, guarded=True) as database:
        database.execute("INSERT INTO bodies VALUES (21, x'00', '{}', NULL)")
    assert [(found.seq, found.fault) for found in check(store).findings] == [(21, Fault.BODY_UNCALLED)]


def test_a_whole_rewrite_with_its_head_is_found_by_an_anchor(store: Store) -> None:
    before = check(store).head
    with intruder(store, guarded=False) as database:
        rewrite_all_from(database, 7)
        database.execute("UPDATE log_head SET hash = (SELECT hash FROM events WHERE seq = 20)")
    assert check(store).ok  # consistent in itself: that is what a head kept outside is for
    assert [(found.seq, found.fault) for found in check(store, before).findings] == [(20, Fault.ANCHOR)]


def test_a_cut_with_its_head_is_found_by_an_anchor(store: Store) -> None:
    before = check(store).head
    with intruder(store, guarded=False) as database:
        remove(database, 20)
        database.execute("UPDATE log_head SET seq = 19, hash = (SELECT hash FROM events WHERE seq = 19)")
    assert check(store).ok
    assert check(store, before).first_bad_seq == 20


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_damaged_file_is_told(store: Store) -> None:
    append(store, 500)
    with intruder(store, guarded=True) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.execute("PRAGMA page_size").fetchone()[0]
    assert store.file is not None
    content = bytearray(store.file.read_bytes())
    page = content.index(b'"step":400,') // size * size
    content[page : page + 8] = bytes(8)
    store.file.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="malformed"):
        check(Store(store.url))


def test_an_anchor_holds_while_the_log_grows(store: Store) -> None:
    before = check(store).head
    append(store, 5)
    assert check(store, before).ok


def test_many_faults_are_counted(store: Store) -> None:
    append(store, 3 * FINDINGS_MAX)
    with intruder(store, guarded=False) as database:
        database.execute("UPDATE events SET type = 'x'")
    report = check(store)
    assert len(report.findings) == FINDINGS_MAX
    assert report.more == 2 * FINDINGS_MAX + EVENTS


def test_erased_bodies_are_told_and_the_chain_stays(store: Store) -> None:
    with store.write() as session:
        log = Appender.lock(session, salts)
        assert erase_bodies(log, session, 1, at=NOW) == EVENTS
        log.write()
    append(store, 1)
    report = check(store)
    assert report.ok
    assert (report.checked, report.erased) == (EVENTS + 2, EVENTS)
    with intruder(store, guarded=True) as database:
        assert database.execute("SELECT count(*) FROM bodies WHERE body LIKE '%person%'").fetchone() == (1,)


def test_an_erasure_covers_only_what_was_before_it(store: Store) -> None:
    with store.write() as session:
        log = Appender.lock(session, salts)
        erase_bodies(log, session, 1, at=NOW)
        log.write()
    append(store, 1)
    with intruder(store, guarded=False) as database:
        database.execute(
            "UPDATE bodies SET body = NULL, salt = NULL, erased_at = '2026-11-20 09:00:00' WHERE seq = 22"
        )
    assert [(found.seq, found.fault) for found in check(store).findings] == [(22, Fault.ERASED_UNTOLD)]


def test_facts_cannot_take_the_logs_own_names(store: Store) -> None:
    with store.write() as session, pytest.raises(LogUnwritable):
        Appender.lock(session, salts).append("noted", at=NOW, request_id=None, facts={"prev": "x"})


def test_nothing_is_written_when_the_transaction_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        _append_and_fail(store)
    assert check(store).checked == EVENTS


def _append_and_fail(store: Store) -> None:
    with store.write() as session:
        log = Appender.lock(session, salts)
        log.append("noted", at=NOW, request_id=None, facts={})
        log.write()
        _ = 1 / 0
