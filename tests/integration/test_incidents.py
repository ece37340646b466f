"""Incidents: told with what to do, repaired one by one, closed with a fact in the log, naming nobody."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from tests.command_line import Terminal, keys_of, section_of
from tests.databases import KINDS, Database, intruder
from tests.integration.engine_office import Office
from tests.steps_office import CLERK, MANAGER, Sample
from tests.unit.test_steps_trouble import FATES, GIVEN_UP
from workflow.commands import StepRef, StepTrouble
from workflow.errors import NotFound, Refused
from workflow.incidents import ADVICE, ELSE, listed, what_to_do
from workflow.logcheck import Fault
from workflow.store import Store

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text(encoding="utf-8")


def trouble(ref: StepRef) -> StepTrouble:
    return StepTrouble(ref, "document-blob", "No room for the file of J. Voorbeeld.", "No room.")


def give_up(office: Office, number: int) -> StepRef:
    """The request's step is given up, and an incident opened."""
    [ref] = [ref for ref in office.deferred if ref.request_id == number]
    office.deferred.remove(ref)
    with office.store.write() as session:
        assert office.engine.report_trouble(session, [trouble(ref)]) != [None]
    return ref


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    """Two requests whose rendering was given up, one that went well, one that was repaired."""
    office = Office.open(tmp_path, database.environ)
    for _ in range(3):
        office.fire("approve", "clerk", office.to_review())
    office.submit()
    for number in (1, 2, 3):
        give_up(office, number)
    office.do("repair", "clerk2", 3)
    office.run_steps()
    yield office
    office.store.close()


def incidents(office: Office, **more: Any) -> list[Any]:
    with office.store.read() as session:
        return listed(session, definition_of=office.engine.definition, now=office.now, **more)


def test_open_ones_are_listed_with_what_to_do_and_by_whom(office: Office) -> None:
    first, second = incidents(office)
    assert (first.request_id, second.request_id) == (1, 2)
    assert (first.state, first.step, first.code) == ("rendering", "render", "document-blob")
    assert first.message == "No room."
    assert first.what_to_do.startswith("check the disk")
    others = ("clerk", "clerk2", "manager", "manager2", "signer", "signer2")
    assert first.may_repair == ("administrator", *others)


def test_who_may_repair_is_whom_the_engine_lets(office: Office) -> None:
    [first, _] = incidents(office)
    for person in ("administrator", "clerk", "manager", "signer2", "outsider", "gone", "employee", "auditor"):
        try:
            refused = bool(office.engine.why_not(1, "repair", person))
        except NotFound:  # they may not even know of the request
            refused = True
        assert refused == (person not in first.may_repair), person


def test_those_that_are_over_say_by_whom(office: Office) -> None:
    third = incidents(office, with_resolved=True)[2]
    assert (third.request_id, third.resolved_by, third.may_repair) == (3, "clerk2", ())
    assert third.resolved_at == office.now


def test_a_person_sees_those_of_their_requests(office: Office) -> None:
    assert len(incidents(office, seen_by="clerk")) == 2
    assert incidents(office, seen_by="outsider") == []


def test_an_administrator_sees_incidents_and_repairs_them_and_sees_no_request(office: Office) -> None:
    assert len(incidents(office, seen_by="administrator")) == 2
    office.do("repair", "administrator", 1)
    assert [each.request_id for each in incidents(office)] == [2]
    with pytest.raises(NotFound):
        office.engine.show(1, "administrator")
    with pytest.raises(NotFound):
        office.do("claim", "administrator", 1)
    with pytest.raises(Refused, match="No step"):
        office.do("repair", "administrator", 3)


def test_an_incident_that_a_later_try_ends_is_closed_by_that_steps_event(office: Office) -> None:
    [ref] = [StepRef(1, "rendering", office.request(1).step_seq)]
    office.finish(ref, "rendered")  # a worker that was merely slow
    [event] = [record for record in office.records(1) if record["type"] == "document_rendered"]
    assert event["incident"] == "document-blob"
    over = incidents(office, with_resolved=True)[0]
    assert (over.request_id, over.resolved_by) == (1, None)
    assert over.resolved_at is not None
    assert [each.request_id for each in incidents(office)] == [2]


def test_a_step_without_an_incident_says_nothing_of_one(office: Office) -> None:
    [event] = [record for record in office.records(3) if record["type"] == "document_rendered"]
    assert "incident" not in event


def test_the_incident_keeps_no_name_and_the_event_forgets_it_when_erased(office: Office) -> None:
    with intruder(office.store, guarded=True) as somebody:
        kept = somebody.execute("SELECT message FROM incidents").fetchall()
    assert not [row for row in kept if "Voorbeeld" in row[0]]
    [event] = [record for record in office.records(1) if record["type"] == "incident_opened"]
    assert "Voorbeeld" in event["body"]["message"]
    assert "Voorbeeld" not in str({**event, "body": None})


# --- the log beside the table


def faults(office: Office) -> set[Fault]:
    return {finding.fault for finding in office.report().findings}


def live(office: Office) -> None:
    """Incidents open, resolved by a person, and by itself; no document was recorded."""
    for _ in range(3):
        office.fire("approve", "clerk", office.to_review())
    refs = [give_up(office, number) for number in (1, 2, 3)]
    office.do("repair", "clerk2", 2)
    office.finish(refs[2], "failed")


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office.kept(tmp_path_factory.mktemp("quiet"), request, live) as office:
        yield office


@pytest.fixture
def quiet(made: Office, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    with made.again(tmp_path, request) as office:
        yield office


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM incidents WHERE request_id=1",
        "UPDATE incidents SET resolved_at='2026-11-20 09:00:00' WHERE request_id=1",
        "UPDATE incidents SET code='document-kind' WHERE request_id=1",
        "UPDATE incidents SET step='sign' WHERE request_id=2",
        "UPDATE incidents SET step_seq=1 WHERE request_id=2",
        "UPDATE incidents SET resolved_by='clerk' WHERE request_id=2",
        "UPDATE incidents SET resolved_by='clerk' WHERE request_id=3",
        "UPDATE incidents SET resolved_at=NULL WHERE request_id=3",
        "INSERT INTO incidents (request_id, state, step_seq, step, code, message, opened_at)"
        " SELECT request_id, state, step_seq, step, code, message, opened_at FROM incidents"
        " WHERE request_id=2",
    ],
)
def test_a_changed_incident_is_found(quiet: Office, statement: str) -> None:
    with intruder(quiet.store, guarded=True) as owner:
        assert owner.execute(statement).rowcount > 0
    assert faults(quiet) == {Fault.ROWS_DIFFER}


# --- the command


@pytest.fixture
def terminal(
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """An office with two incidents, in requests 1 and 2; request 3 goes well."""
    for name, value in database.environ.items():
        monkeypatch.setenv(name, value)
    sample = Sample.open(tmp_path, database.environ)
    for _ in range(3):
        number = sample.submit("A4")
        sample.act([number])
        sample.act([number])
    refs = {ref.request_id: ref for ref in sample.waiting()}
    with sample.office.store.write() as session:
        sample.office.engine.report_trouble(session, [trouble(refs[1]), trouble(refs[2])])
    sample.office.close()
    return Terminal(tmp_path, capsys)


def test_the_list_is_for_an_operator(terminal: Terminal) -> None:
    said = terminal.office("incidents")
    assert said.status == 0
    assert "document-blob: No room." in said.out
    assert "check the disk" in said.out
    assert re.search(r"document-blob  P001, (P\d+, )+.*and \d+ more", said.out)
    assert "2 incidents" in said.out
    assert "Voorbeeld" not in said.out


def test_all_are_repaired_and_each_is_told(terminal: Terminal) -> None:
    said = terminal.office("incidents", "--repair", "--as", CLERK)
    assert said.status == 0
    assert said.out.splitlines() == [
        "Request 1: a worker tries 'rendering' again.",
        "Request 2: a worker tries 'rendering' again.",
        "2 steps will be tried again, 0 refused.",
    ]
    assert terminal.office("incidents").out == "No open incidents.\n"
    over = terminal.office("incidents", "--all", "--json").json["incidents"]
    assert [each["resolved_by"] for each in over] == [CLERK, CLERK]


def test_one_that_is_refused_stops_no_other(terminal: Terminal) -> None:
    said = terminal.office("incidents", "--repair", "--as", MANAGER, "3", "99", "2", "--json")
    assert said.status == 1
    first, second, third = said.json["repairs"]
    assert (first["ok"], first["reasons"][0]["code"]) == (False, "no-incident")
    assert (second["ok"], second["code"]) == (False, "workflow-not-found")
    assert (third["request_id"], third["ok"], third["state"]) == (2, True, "rendering")
    assert [each["request_id"] for each in terminal.office("incidents", "--json").json["incidents"]] == [1]


def test_who_sees_none_of_the_incidents_is_told_who_may_repair_them(terminal: Terminal) -> None:
    said = terminal.office("incidents", "--repair", "--as", "P060")
    assert said.status == 1
    assert "P060 may repair none of the incidents that are open: 2." in said.err
    assert re.search(r"These may repair some: P001, (P\d+, )+.*and \d+ more", said.err)


def test_the_single_verb_does_it_too(terminal: Terminal) -> None:
    assert terminal.office("fire", "1", "repair", "--as", CLERK).status == 0
    assert [each["request_id"] for each in terminal.office("incidents", "--json").json["incidents"]] == [2]


def test_the_substitute_of_who_may_repair_does(terminal: Terminal, sample_day: date) -> None:
    substitute = "P060"
    days = ("--from", sample_day.isoformat(), "--until", sample_day.isoformat())
    assert terminal.office("incidents", "--repair", "--as", substitute, "--for", CLERK).status == 1
    terminal.json("people", "--substitute", substitute, "--for", CLERK, *days)
    told = terminal.json("incidents", "--repair", "--as", substitute, "--for", CLERK)["repairs"]
    assert [(each["request_id"], each["ok"]) for each in told] == [(1, True), (2, True)]
    over = terminal.json("incidents", "--all")["incidents"]
    assert [each["resolved_by"] for each in over] == [substitute] * 2


@pytest.fixture
def sample_day() -> date:
    """Today, where the office is."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date()


@pytest.fixture
def retrying(terminal: Terminal) -> Terminal:
    """Request 3's step failed three times, and waits for its next try."""
    args = """{"refs": [[3, "rendering", 1]], "tried": 3, "code": "signing-timestamp"}"""
    with closing(Store.open(terminal.data)) as store, store.write() as session:
        seq = session.scalar(text("SELECT step_seq FROM requests WHERE id = 3"))
        session.execute(
            text("UPDATE procrastinate_jobs SET args = :args, scheduled_at = :at WHERE lock = 'request:3'"),
            {"args": args.replace("1]]", f"{seq}]]"), "at": "2126-11-25 10:00:00.000000+00:00"},
        )
    return terminal


def test_what_is_tried_again_by_itself_is_listed_and_tried_at_once_when_asked(retrying: Terminal) -> None:
    said = retrying.office("incidents").out
    assert re.search(r"^3 .* rendering +render +signing-timestamp +3 +2126-11-25 10:00:00$", said, re.M)
    assert "signing-timestamp: see that the timestamp authority answers; then `paraaf incidents --try" in said
    shown = retrying.office("show", "3", "--as", CLERK).out
    assert "retry      signing-timestamp: tries 3, the next at 2126-11-25 10:00:00 UTC" in shown
    assert f"what to do: {what_to_do('signing-timestamp')}" in shown
    [retry] = retrying.office("incidents", "--json", "--as", CLERK).json["retries"]
    assert (retry["request_id"], retry["tries"], retry["next_at"]) == (3, 3, "2126-11-25T10:00:00Z")
    assert retrying.office("incidents", "--json", "--as", "P024").json["retries"] == []
    assert retrying.office("incidents", "--try-now", "1").status == 1
    assert retrying.office("incidents", "--try-now", "3").out == "1 step will be tried at once.\n"
    assert retrying.office("incidents", "--json").json["retries"] == []
    assert retrying.office("show", "3", "--as", CLERK, "--json").json["request"]["retry"] is None


def test_the_advice_on_an_incident_promises_no_try_that_will_not_come() -> None:
    assert not [code for code, advice in ADVICE.items() if "by itself" in advice or "repair" in advice]
    assert not [code for code, advice in ADVICE.items() if "new folder" in advice]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--repair"], "--as WHO"),
        (["1"], "paraaf show"),
        (["--repair", "--all", "--as", CLERK], "--all"),
        (["--as", "nobody"], "paraaf people"),
        (["--as", "P060", "--for", CLERK], "--for"),
    ],
)
def test_what_makes_no_sense_is_told(terminal: Terminal, words: list[str], hint: str) -> None:
    said = terminal.office("incidents", *words)
    assert said.status == 1
    assert hint in said.err


def test_the_docs_list_every_key(terminal: Terminal, retrying: Terminal) -> None:
    listed_ = set(re.findall(r"`([a-z_]+)`", section_of("incidents")))
    documents = [
        retrying.office("incidents", "--json").json,
        retrying.office("incidents", "--try-now", "3", "--json").json,
        terminal.office("incidents", "--repair", "--as", CLERK, "1", "3", "--json").json,
    ]
    keys = {key for document in documents for key in keys_of(document)}
    assert keys - {"field"} <= listed_


# --- what to do


def advice_of_docs() -> dict[str, str]:
    rows = [line.strip("|").split("|") for line in DOCS.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): row[-1].strip() for row in rows}


def test_advice_is_that_of_the_docs() -> None:
    docs = advice_of_docs()
    assert {code: docs.get(code) for code in ADVICE} == dict(ADVICE)


def test_there_is_advice_for_every_error_that_can_end_a_step() -> None:
    codes = [getattr(kind, "code", "step-crashed") for kind, fate in FATES.items() if fate is GIVEN_UP]
    assert not [code for code in [*codes, "worker-died", "step-crashed"] if what_to_do(code) == ELSE]
