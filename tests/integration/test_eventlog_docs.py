"""docs/events.md lists every type, field and finding that the code writes, and no other."""

import ast
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from certs.hosts import AllowedHosts
from documents.blobs import BlobStore
from tests.integration.engine_office import NOW, Office
from tests.proving import PASSWORD
from workflow import (
    identity_events,
    invented,
    moves,
    outside_scans,
    passwords,
    renewals,
    roles,
    substitutes,
    tokens,
    webhooks,
)
from workflow.brought import EVENTS
from workflow.commands import StepTrouble
from workflow.definition_model import FACTS
from workflow.eventlog import Appender, erase_bodies
from workflow.holds import Holds
from workflow.logcheck import Fault
from workflow.logreplay import NOTES
from workflow.reminders import Reminders
from workflow.renewals import ArchivedFile
from workflow.retention import PEOPLE_REMOVED, STRAYS_REMOVED, Retention
from workflow.tables import Body, Event, LogHead, RetentionRow

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return DOCS.split(f"## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The tables of a section, without their heads."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def words(cell: str) -> list[str]:
    return re.findall(r"`([a-z_0-9-]+)`", cell)


EVERY = {words(row[0])[0] for row in rows("Fields of every event")}
STEP = {words(row[0])[0] for row in rows("Fields of automatic steps")}
TYPES = {words(row[0])[0]: set(words(row[2])) for row in rows("Types")}
BODIES = {word for row in rows("Bodies") for word in words(row[0])}


def test_types_are_those_of_the_code() -> None:
    assert set(TYPES) == {
        moves.MOVED,
        moves.STEP_FAILED,
        moves.INCIDENT_OPENED,
        *moves.MOVED_BY.values(),
        *moves.DONE_BY.values(),
        *moves.STEP_DONE.values(),
        *EVENTS.values(),
        *NOTES,
        invented.BEGUN,
        PEOPLE_REMOVED,
        STRAYS_REMOVED,
        substitutes.NAMED,
        substitutes.ENDED,
        passwords.SET,
        passwords.REMOVED,
        tokens.MADE,
        tokens.REVOKED,
        *identity_events.EVERY,
        *identity_events.ROLE_EVENTS,
        webhooks.ADDED,
        webhooks.REMOVED,
        webhooks.STOPPED,
    }


def test_findings_are_those_of_the_code() -> None:
    listed = [words(row[0])[0] for row in rows("What verification finds")]
    assert sorted(listed) == sorted(Fault)


def test_columns_are_those_of_the_tables() -> None:
    for table in (Event, Body, LogHead):
        for column in table.table().columns:
            if not column.foreign_keys and column.name != "id":
                assert f"`{column.name}`" in section("How an event is kept")


def test_facts_are_those_of_definitions() -> None:
    """Words stand in the body, which is erased; days stand in the record, which stays."""
    places = {"text": section("Bodies"), "day": section("Fields of single types")}
    assert not [name for name, form in FACTS.items() if f"`{name}`" not in places[form]]


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Events of every type, with everything that the engine puts in."""
    folder = tmp_path_factory.mktemp("office")
    office = Office.open(folder)
    invented.begin(office.store, at=NOW, until=NOW)
    first = office.to_sign("A1", temporary=True)
    office.fire("sign", "signer", first)
    office.run_steps()
    second = office.submit("A0")
    for verb in ("claim", "start", "save_draft", "suspend", "resume", "release"):
        office.do(verb, "substitute", second, on_behalf_of="manager", remark="Because.")
    office.fire("return", "manager", second)
    office.do("withdraw", "employee", second)
    third = office.to_review("A0")
    office.fire("approve", "clerk", third)
    with office.store.write() as session:
        office.engine.report_trouble(session, [StepTrouble(office.deferred[0], "disk", "No room.")])
    office.deferred.clear()
    office.do("repair", "clerk", third)
    office.finish(office.deferred.pop(), "failed")
    office.fire("approve", "clerk", third)
    office.run_steps()
    for trigger, actor in [
        ("printed", "clerk"),
        ("signed", "signer"),
        ("stamped", "clerk"),
        ("scanned", "clerk"),
        ("posted", "clerk"),
    ]:
        more = (
            {"brought": outside_scans.scanned("declaration", 1, 1, "1" * 64, 1, durations_us={"seal": 1})}
            if trigger == "scanned"
            else {}
        )
        office.fire(trigger, actor, third, **more)
    elsewhere = office.to_review("A2")
    office.fire("approve", "clerk", elsewhere)
    office.run_steps()
    office.fire("exported", "clerk", elsewhere)
    office.fire("imported", "signer", elsewhere)
    fourth = office.to_sign()
    office.fire("sign", "signer", fourth)
    office.run_steps()
    fifth = office.submit(reference="fifth")
    office.now += timedelta(days=30)
    with office.store.write() as session:  # somebody has looked at the clock all the while
        session.merge(RetentionRow(id=1, looked_at=office.now))
    Reminders(office.store, definition_of=office.engine.definition, now=lambda: office.now).run()
    found = [
        record
        for number in (first, second, third, fourth, fifth, elsewhere)
        for record in office.records(number)
    ]
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        erase_bodies(log, session, first, at=NOW)
        log.write()
    found.append(office.records(first)[-1])
    found += substitution_records(office)
    found += password_records(office)
    found += token_records(office)
    found += identity_records(office)
    found += role_records(office)
    found += webhook_records(office)
    rooms: dict[str, Any] = {
        "store": office.store,
        "definition_of": office.engine.definition,
        "random_bytes": bytes,
    }
    holds = Holds(clock=lambda: office.now, **rooms)
    holds.place(second, "manager", "A claim.")
    holds.release(second, "manager", "Settled.")
    found += office.records(second)[-2:]
    blobs, later = BlobStore(folder / "blobs"), NOW + timedelta(days=400)
    blobs.put(b"left by a worker that died")
    Retention(blobs=blobs, clock=lambda: later, **rooms).run(clock_is_right=True)
    found.append(office.records(second)[-1])
    with office.store.read() as session:
        last = session.scalars(select(Event.record).order_by(Event.seq.desc()).limit(3)).all()
        first_of_all = session.scalars(select(Event.record).where(Event.seq == 1)).all()
    found.append(renewal_record(office, first))
    return [*found, *(json.loads(record) | {"body": None} for record in (*first_of_all, *last))]


def renewal_record(office: Office, number: int) -> dict[str, Any]:
    """As renewals write it."""
    before = ArchivedFile(number, 1, "declaration", 1, "0" * 64, NOW, NOW)
    row = SimpleNamespace(key="k", variant="v", definition_sha256="d")
    facts = renewals._facts(row, before, replace(before, sha256="1" * 64), 1)
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        log.append(renewals.RENEWED, at=NOW, request_id=number, facts=facts)
        log.write()
        record = session.scalars(select(Event.record).order_by(Event.seq.desc()).limit(1)).one()
    return {**json.loads(record), "body": None}


def substitution_records(office: Office) -> list[dict[str, Any]]:
    """Somebody is named as substitute, and it is ended."""
    days = (date(2026, 11, 1), date(2026, 12, 24))
    with office.store.write() as session:
        wanted = substitutes.Substitution("colleague", "manager", "manager", *days)
        substitutes.name_substitute(session, wanted, now=NOW)
        substitutes.end_substitutions(session, "colleague", "manager", None, today=NOW.date(), now=NOW)
        query = select(Event.record, Body.body).join(Body, Body.seq == Event.seq)
        rows = session.execute(query.where(Event.type.in_([substitutes.NAMED, substitutes.ENDED]))).all()
    found = [one.message for one in office.report().findings if one.fault is not Fault.CLOCK_BACK]
    assert found == ["The row of this scan is gone."]  # told of by hand, so there is none
    return [{**json.loads(record), "body": json.loads(body)} for record, body in rows]


def password_records(office: Office) -> list[dict[str, Any]]:
    """Somebody gets a password, and has none any more."""
    office.proving.passwords.set("auditor", PASSWORD, by="administrator")
    office.proving.passwords.remove("auditor", by="administrator")
    with office.store.read() as session:
        query = select(Event.record, Body.body).join(Body, Body.seq == Event.seq).order_by(Event.seq.desc())
        rows = session.execute(query.limit(2)).all()
    return [{**json.loads(record), "body": json.loads(body)} for record, body in rows]


def token_records(office: Office) -> list[dict[str, Any]]:
    """Somebody makes a token, and revokes it."""
    passwords = office.proving.passwords
    passwords.set("auditor", PASSWORD, by="auditor")
    theirs = tokens.Tokens(office.store, moment=lambda _session: office.now, passwords=passwords)
    _, made = theirs.make("auditor", "nightly report", [tokens.READ], password=PASSWORD)
    theirs.revoke(made.id, by="administrator")
    with office.store.read() as session:
        query = select(Event.record, Body.body).join(Body, Body.seq == Event.seq).order_by(Event.seq.desc())
        rows = session.execute(query.limit(2)).all()
    return [{**json.loads(record), "body": json.loads(body)} for record, body in rows]


def test_who_has_a_token_is_in_bodies_alone(records: list[dict[str, Any]]) -> None:
    theirs = [record for record in records if record["type"] in (tokens.MADE, tokens.REVOKED)]
    assert [record["body"]["actor"] for record in theirs] == ["administrator", "auditor"]
    for record in theirs:
        hashed = json.dumps({**record, "body": None})
        assert not any(word in hashed for word in ("auditor", "administrator", "nightly", "requests:read"))


def identity_records(office: Office) -> list[dict[str, Any]]:
    """Somebody sets up other means to sign in, and has none any more."""
    with office.store.write() as session:
        for kind in identity_events.EVERY:
            identity_events.tell(session, kind, person="auditor", by="administrator", at=office.now)
        query = select(Event.record, Body.body).join(Body, Body.seq == Event.seq)
        rows = session.execute(query.where(Event.type.in_(identity_events.EVERY))).all()
    return [{**json.loads(record), "body": json.loads(body)} for record, body in rows]


def role_records(office: Office) -> list[dict[str, Any]]:
    """Somebody gets a role, and has it no more."""
    wanted = roles.Wanted("auditor", "clerk", "audit", "Helps out.")
    with office.store.write() as session:
        for change in (roles.grant, roles.end):
            change(session, wanted, by="administrator", today=NOW.date(), now=office.now)
        query = select(Event.record, Body.body).join(Body, Body.seq == Event.seq)
        rows = session.execute(query.where(Event.type.in_(identity_events.ROLE_EVENTS))).all()
    return [{**json.loads(record), "body": json.loads(body)} for record, body in rows]


def webhook_records(office: Office) -> list[dict[str, Any]]:
    """Another system is told, says that it is gone, and is told no more."""
    hooks = webhooks.Webhooks(office.store, AllowedHosts.parse(["hooks.example"]), b"key")
    number, _ = hooks.add("https://hooks.example/x", [], by="administrator", at=NOW)
    with office.store.write() as session:
        webhooks.stop(session, number, at=NOW)
    hooks.remove(number, by="administrator", at=NOW)
    with office.store.read() as session:
        query = select(Event.record, Body.body).outerjoin(Body, Body.seq == Event.seq)
        rows = session.execute(query.order_by(Event.seq.desc()).limit(3)).all()
    return [{**json.loads(record), "body": json.loads(body or "{}")} for record, body in rows]


def test_who_has_a_password_is_in_bodies_alone(records: list[dict[str, Any]]) -> None:
    theirs = [record for record in records if record["type"] in (passwords.SET, passwords.REMOVED)]
    assert [record["body"] for record in theirs] == [{"actor": "administrator", "person": "auditor"}] * 2
    for record in theirs:
        hashed = json.dumps({**record, "body": None})
        assert not any(word in hashed for word in ("auditor", "administrator"))


def test_substitutes_are_named_in_bodies_alone(records: list[dict[str, Any]]) -> None:
    theirs = [record for record in records if record["type"] in (substitutes.NAMED, substitutes.ENDED)]
    assert len(theirs) == 2
    for record in theirs:
        assert record["body"]["principal"] == "manager"
        hashed = json.dumps({**record, "body": None})
        assert not any(word in hashed for word in ("manager", "colleague", "2026-11-01", "2026-12-24"))


def test_every_type_occurs(records: list[dict[str, Any]]) -> None:
    assert {record["type"] for record in records} == set(TYPES)


def test_every_field_is_in_the_docs(records: list[dict[str, Any]]) -> None:
    for record in records:
        own = set(record) - EVERY
        extra = STEP if record.get("channel") == "system" else set()
        assert own <= TYPES[record["type"]] | extra, record
        assert set(record["body"] or ()) <= BODIES, record


def test_every_field_in_the_docs_occurs(records: list[dict[str, Any]]) -> None:
    for kind, fields in TYPES.items():
        if kind not in set(moves.STEP_DONE.values()) | {moves.STEP_FAILED}:
            occurs = {name for record in records if record["type"] == kind for name in record}
            missing = fields - occurs - {"mark"}
            assert not missing, kind
    assert {name for record in records for name in record["body"] or ()} == BODIES


def test_fields_of_steps_are_those_of_the_code() -> None:
    written = {"durations_us"}
    for file in sorted((ROOT / "workflow").glob("step_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "result":
                written |= {word.arg for word in node.keywords if word.arg} - {"body"}
    assert written == STEP
