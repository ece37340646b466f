"""The log beside the tables: an intruder who changes rows, or appends events, is told of by verification."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.databases import KINDS, intruder
from tests.integration.engine_office import Office
from workflow.eventlog import Appender, erase_bodies
from workflow.logcheck import Fault


def live(office: Office) -> None:
    """One request that waits for the clerk, one for the signer, one withdrawn, one returned."""
    office.to_review()
    office.to_sign()
    office.do("withdraw", "employee", office.submit())
    number = office.to_review(temporary=True)
    office.do("claim", "clerk", number)
    office.do("return", "clerk", number, remark="Look.")
    office.do("approve", "substitute", number, on_behalf_of="manager")


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office.kept(tmp_path_factory.mktemp("office"), request, live) as office:
        yield office


@pytest.fixture
def office(made: Office, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    with made.again(tmp_path, request) as office:
        yield office


def change(office: Office, statement: str, *values: Any) -> None:
    with intruder(office.store, guarded=False) as database:
        assert database.execute(statement, values).rowcount > 0


def faults(office: Office) -> set[Fault]:
    return {finding.fault for finding in office.report().findings}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE requests SET state='sign' WHERE id=1",
        "UPDATE requests SET version=version+1 WHERE id=1",
        "UPDATE requests SET step_seq=1 WHERE id=1",
        "UPDATE requests SET requester_id='colleague' WHERE id=1",
        "UPDATE requests SET outcome='done', closed_at='2026-11-20 09:00:00' WHERE id=1",
        "UPDATE requests SET outcome=NULL, closed_at=NULL WHERE id=3",
        "UPDATE requests SET data='{}', data_sha256='44136fa355b3678a1146ad16f7e8649e94fb4fc2' WHERE id=2",
        "UPDATE requests SET definition_sha256=(SELECT max(sha256_hex)||'0' FROM definitions) WHERE id=1",
        "UPDATE tasks SET done_by='manager2' WHERE request_id=2 AND state='manager'",
        "UPDATE tasks SET claimed_by='clerk2', claimed_at='2026-11-20 09:00:00' WHERE closed_at IS NULL",
        "UPDATE tasks SET state='sign' WHERE request_id=1 AND closed_at IS NULL",
        "DELETE FROM tasks WHERE request_id=1 AND closed_at IS NULL",
        "DELETE FROM hands WHERE request_id=1",
        "UPDATE hands SET person_id='manager2' WHERE request_id=2 AND state='manager'",
        "UPDATE definitions SET source=source||' '",
        "UPDATE requests SET unit='harbour' WHERE id=1",  # whose managers would then decide
        "UPDATE requests SET opened_at='2026-11-19 09:00:00' WHERE id=1",
        "UPDATE requests SET closed_at='2026-11-21 09:00:00' WHERE id=3",
    ],
)
def test_a_changed_row_is_found(office: Office, statement: str) -> None:
    change(office, statement)
    assert faults(office) == {Fault.ROWS_DIFFER}


def test_changed_data_are_found(office: Office) -> None:
    data = office.request(2).data
    data["income"]["gross_yearly"] = "999999.00"
    change(office, "UPDATE requests SET data=? WHERE id=2", json.dumps(data))
    assert faults(office) == {Fault.ROWS_DIFFER}


@pytest.mark.parametrize(
    "column", ["rendered_sha256", "current_sha256", "level_reached", "number", "verification_code"]
)
def test_a_document_is_the_one_that_was_recorded(office: Office, column: str) -> None:
    number = office.to_review()
    office.fire("approve", "clerk", number)
    [ref] = office.deferred
    facts = {"document": "declaration", "revision": 1, "sha256": "a" * 64}
    body = {"number": "n", "verification_code": "c"}
    with office.store.write() as session:
        seq = office.engine.finish_step(session, ref, "rendered", record=facts, body=body)
    assert faults(office) == {Fault.ROWS_DIFFER}  # an event without its document
    change(
        office,
        "INSERT INTO documents (request_id, name, kind, revision_no, number, verification_code, language,"
        " issued_on, data_sha256, rendered_sha256, current_sha256, created_seq)"
        " SELECT id, 'declaration', 'employer_declaration', 1, 'n', 'c', language, '2026-11-20', data_sha256,"
        " ?, ?, ? FROM requests WHERE id = ?",
        *("a" * 64, "a" * 64, seq, number),
    )
    assert office.report().ok
    change(office, f"UPDATE documents SET {column}='{'b' * 64}'")  # noqa: S608
    assert faults(office) == {Fault.ROWS_DIFFER}


def forge(office: Office, build: Callable[[dict[str, Any]], str], **facts: Any) -> None:
    """Append an event by plain SQL, well chained, and advance the head."""
    with intruder(office.store, guarded=True) as database:
        seq, last = database.execute("SELECT seq, hash FROM log_head").fetchone()
        said = {"seq": seq + 1, "at": "2026-11-20T09:00:00.000000Z", "prev": last, "request": 1} | facts
        text = build(said)
        digest = sha256(text.encode()).hexdigest()
        database.execute(
            "INSERT INTO events (seq, request_id, type, recorded_at, record, prev_hash, hash)"
            " VALUES (?, 1, ?, ?, ?, ?, ?)",
            (seq + 1, said["type"], said["at"], text, last, digest),
        )
        database.execute("UPDATE log_head SET seq=?, hash=?", (seq + 1, digest))


def canonical(said: dict[str, Any]) -> str:
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


ADVANCED = {"type": "request_advanced", "from": "review", "to": "sign", "trigger": "approve"}


def test_what_a_person_did_says_who(office: Office) -> None:
    forge(office, canonical, **ADVANCED)
    assert faults(office) == {Fault.BODY_DUE}


def test_an_event_follows_from_those_before(office: Office) -> None:
    forge(office, canonical, **{**ADVANCED, "type": "document_signed", "from": "sealing"})
    assert faults(office) == {Fault.IMPOSSIBLE, Fault.ROWS_DIFFER}


def test_an_event_after_the_end_is_impossible(office: Office) -> None:
    forge(office, canonical, **{**ADVANCED, "type": "step_failed", "request": 1, "to": "withdrawn"})
    assert Fault.ROWS_DIFFER in faults(office)


@pytest.mark.parametrize(
    "build",
    [
        lambda said: json.dumps(said, separators=(",", ":")),
        lambda said: '{"at":"1999-01-01T00:00:00.000000Z",' + canonical(said)[1:],
        lambda said: canonical(said | {"far": 1.0}),
    ],
)
def test_a_record_is_canonical_and_names_each_field_once(
    office: Office, build: Callable[[dict[str, Any]], str]
) -> None:
    forge(office, build, type="document_delivered", state="review")
    assert Fault.NOT_CANONICAL in faults(office)


def test_a_clock_that_was_set_back_is_a_warning(office: Office) -> None:
    office.later(minutes=-4)
    office.submit()
    assert not office.report().findings
    office.now -= timedelta(days=2)
    number = office.submit()
    office.submit()
    report = office.report()
    assert [finding.fault for finding in report.findings] == [Fault.CLOCK_BACK]
    assert report.ok
    assert report.first_bad_seq is None
    change(office, "UPDATE requests SET state='sign' WHERE id=?", number)
    assert not office.report().ok


def test_an_erasure_covers_only_what_it_erased(office: Office) -> None:
    change(office, "UPDATE bodies SET body=NULL, salt=NULL, erased_at='2026-11-20 09:00:00' WHERE seq=1")
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        erase_bodies(log, session, 1, at=office.now)
        log.write()
    assert [(f.seq, f.fault) for f in office.report().findings] == [(1, Fault.ERASED_UNTOLD)]


def test_an_erased_request_is_compared_as_far_as_it_is_known(office: Office) -> None:
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        erase_bodies(log, session, 2, at=office.now)
        log.write()
    assert office.report().ok
    change(office, "UPDATE tasks SET done_by='manager2' WHERE request_id=2 AND state='manager'")
    assert office.report().ok
    change(office, "UPDATE requests SET state='review' WHERE id=2")
    assert faults(office) == {Fault.ROWS_DIFFER}
