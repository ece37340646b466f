"""A log whose rows hold anything is judged, without an exception; no number of warnings hides a fault."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.integration.engine_office import Office
from workflow.canonical import encode
from workflow.eventlog import Head, body_digest
from workflow.logcheck import FINDINGS_MAX, Fault, verify

GUARDS = ("events_no_update", "bodies_only_erased", "log_head_advances")


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office with two events, whose log no trigger guards any more."""
    office = Office.open(tmp_path)
    office.do("claim", "manager", office.submit())
    with office.store.write() as session:
        for guard in GUARDS:
            session.execute(text(f"DROP TRIGGER {guard}"))
    return office


def execute(office: Office, statement: str, **values: object) -> None:
    with office.store.write() as session:
        session.execute(text(statement), values)


def rewrite(office: Office, *, body: str | None = None, **changed: object) -> None:
    """Rewrite the last event consistently: body, digest, hash and head agree."""
    with office.store.write() as session:
        record = json.loads(str(session.scalar(text("SELECT record FROM events WHERE seq = 2"))))
        if body is not None:
            salt = session.scalar(text("SELECT salt FROM bodies WHERE seq = 2"))
            record["body"] = body_digest(salt, body)
            session.execute(text("UPDATE bodies SET body = :body WHERE seq = 2"), {"body": body})
        written = encode(record | changed)
        values = {"record": written, "hash": sha256(written.encode()).hexdigest()}
        session.execute(text("UPDATE events SET record = :record, hash = :hash WHERE seq = 2"), values)
        session.execute(text("UPDATE log_head SET hash = :hash"), values)


@pytest.mark.parametrize("body", ['["manager"]', "{", "null", '{"actor": {}}', '{"actor": ["x"]}'])
def test_a_body_of_another_form_is_found(office: Office, body: str) -> None:
    rewrite(office, body=body)
    assert not office.report().ok


@pytest.mark.parametrize(
    "changed",
    [{"document": ["x"]}, {"revision": {}}, {"to": []}, {"task": {}}, {"definition": 5}, {"from": {}}],
)
def test_a_fact_of_another_form_raises_nothing(office: Office, changed: dict[str, object]) -> None:
    rewrite(office, **changed)
    office.report()


@pytest.mark.parametrize("column", ["recorded_at", "record", "prev_hash", "hash", "type"])
@pytest.mark.parametrize("value", ["x'00ff'", "5", "''"])
def test_a_column_of_another_type_is_found(office: Office, column: str, value: str) -> None:
    execute(office, f"UPDATE events SET {column} = {value} WHERE seq = 2")  # noqa: S608 (of this list)
    assert not office.report().ok


@pytest.mark.parametrize("record", ["[" * 100_000, '{"a":' * 100_000, "5", '"text"', "", "NaN"])
def test_a_record_that_is_no_record_is_found(office: Office, record: str) -> None:
    digest = sha256(record.encode()).hexdigest()
    execute(office, "UPDATE events SET record = :r, hash = :h WHERE seq = 2", r=record, h=digest)
    assert not office.report().ok


def test_clocks_that_went_back_hide_nothing(office: Office) -> None:
    number = office.submit(reference="second")
    for _ in range(FINDINGS_MAX + 5):
        office.later(minutes=-6)
        office.do("save_draft", "manager", number, data={})
    honest = office.report()
    assert honest.ok
    assert {one.fault for one in honest.findings} == {Fault.CLOCK_BACK}
    assert honest.more
    execute(office, "UPDATE events SET record = replace(record, '\"A3\"', '\"A4\"') WHERE seq = 3")
    report = office.report()
    assert not report.ok
    assert report.first_bad_seq == 3
    with office.store.read() as session:
        assert not verify(session, anchors=[Head(1, "f" * 64)]).ok


def test_every_head_kept_outside_counts(office: Office) -> None:
    good = office.report().head
    wrong = Head(good.seq, "f" * 64)
    for heads in ([wrong, good], [good, wrong]):
        with office.store.read() as session:
            assert not verify(session, anchors=heads).ok


def test_a_row_of_the_tables_of_another_form_is_found(office: Office) -> None:
    execute(office, "UPDATE requests SET data = '[1, 2]'")
    assert not office.report().ok
    execute(office, "UPDATE requests SET opened_at = 'yesterday'")
    assert not office.report().ok
