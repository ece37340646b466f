"""No request that the engine drove deviates from its definition; in a log that was forged, it is seen."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.command_line import Terminal
from tests.databases import intruder
from tests.integration.engine_office import PLAN, Office, person_for, sections
from tests.integration.test_eventlog_replay import canonical, forge
from workflow.commands import Submission
from workflow.conformance import Deviation, Logged, Rule, deviations
from workflow.conformance_report import Asked, of_office
from workflow.definition_model import RETURN, WITHDRAW, Definition
from workflow.errors import Refused
from workflow.reading import history
from workflow.tables import Request

SAID = ("from", "to", "trigger", "mark", "outcome", "task", "channel")


def go_on(office: Office, number: int, *, temporary: bool = False, steps: int = 50) -> None:
    """Bring a request to its good end: everybody does what leads on, another thing each time."""
    before = Counter[str]()
    for _ in range(steps):
        office.run_steps()
        row = office.request(number)
        if row.outcome is not None:
            return
        definition = office.catalogue.by_hash(row.definition_sha256)
        state = definition.states[office.request(number).state]
        if state.role is not None:
            onward = [name for name in state.triggers if name not in {RETURN, WITHDRAW}]
            trigger = onward[before[state.name] % len(onward)]
            before[state.name] += 1
            who = person_for(definition, state.name)
            try:
                office.fire(trigger, who, number, temporary=temporary)
            except Refused:  # of the same person twice
                office.fire(trigger, f"{who}2", number, temporary=temporary)


def submitted(office: Office, definition: Definition, *, temporary: bool = False) -> int:
    data = sections(definition, definition.start, temporary=temporary)
    asked = Submission(definition.key, definition.variant)
    return office.do("submit", "employee", data=data, submission=asked).request_id


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Office]:
    """Every process to its end; one with a detour: claimed, suspended, returned, withdrawn."""
    office = Office.open(tmp_path_factory.mktemp("office"))
    for definition in office.catalogue.offered:
        go_on(office, submitted(office, definition))
        if definition.key != PLAN:
            go_on(office, submitted(office, definition, temporary=True), temporary=True)
            continue
        number = submitted(office, definition)
        while office.request(number).state != "running":
            go_on(office, number, steps=1)
        office.fire("revise", "employee", number)
        office.fire("withdraw", "employee", number)  # gives up the revision alone
        office.fire("close", "employee", number)
    number = office.submit("A1")
    office.do("claim", "substitute", number, on_behalf_of="manager")
    office.do("start", "substitute", number, on_behalf_of="manager")
    office.do("suspend", "manager", number, remark="Waits for the employee.")
    office.do("resume", "manager", number)
    office.fire("return", "manager", number)
    office.fire("submit", "employee", number)
    office.fire("approve", "manager", number)
    office.do("claim", "clerk", number)
    office.do("release", "administrator", number)
    office.fire("approve", "clerk2", number)
    [ref] = office.deferred
    office.deferred.clear()
    office.finish(ref, "failed")
    office.do("withdraw", "employee", number)
    yield office
    office.store.close()


def logged(office: Office, number: int) -> list[Logged]:
    with office.store.read() as session:
        return [
            Logged(
                one.seq, number, one.type, one.record, None if one.body is None else canonical(dict(one.body))
            )
            for one in history(session, number)
        ]


def found(office: Office, events: list[Logged]) -> list[Deviation]:
    return list(deviations(events, {one.sha256_hex: one for one in office.catalogue}))


def test_the_engine_never_deviates(office: Office) -> None:
    with office.store.read() as session:
        told = of_office(session, Asked())
        ended = len(session.scalars(select(Request).where(Request.outcome.is_not(None))).all())
    assert told.deviations == []
    assert told.requests == ended > len(office.catalogue.offered)
    assert told.events > 100


def last_of(office: Office, variant: str) -> list[Logged]:
    """The events of the last request of a variant of the declaration that was done."""
    with office.store.read() as session:
        query = select(Request.id).where(Request.variant == variant, Request.outcome == "done")
        return logged(office, max(session.scalars(query)))


def place_of(events: list[Logged], **said: Any) -> int:
    return next(n for n, one in enumerate(events) if said.items() <= one.said.items())


Forged = tuple[list[Logged], int]


def skipped(events: list[Logged]) -> Forged:
    """From the manager straight to the machine: nobody reviewed it."""
    at = place_of(events, **{"from": "review"})
    return events[:at] + events[at + 1 :], events[at + 1].seq


def changed(where: dict[str, Any], **said: Any) -> Callable[[list[Logged]], Forged]:
    def forge(events: list[Logged]) -> Forged:
        at = place_of(events, **where)
        left = {name: value for name, value in {**events[at].said, **said}.items() if value is not None}
        return [*events[:at], replace(events[at], said=left), *events[at + 1 :]], events[at].seq

    return forge


def by(where: dict[str, Any], **who: Any) -> Callable[[list[Logged]], Forged]:
    def forge(events: list[Logged]) -> Forged:
        at = place_of(events, **where)
        body = canonical({**json.loads(events[at].body or "{}"), **who})
        return [*events[:at], replace(events[at], body=body), *events[at + 1 :]], events[at].seq

    return forge


@pytest.mark.parametrize(
    ("forged", "rule"),
    [
        (skipped, Rule.ORDER),
        (changed({"from": "manager"}, to="rendering", task=None), Rule.WAY),
        (changed({"from": "manager"}, trigger="wave_through"), Rule.TRIGGER),
        (by({"from": "review"}, actor="manager"), Rule.FOUR_EYES),
        (by({"from": "review"}, on_behalf_of="employee"), Rule.FOUR_EYES),
        (changed({"from": "manager"}, outcome="done", task=None), Rule.OUTCOME),
        (changed({"to": "delivered"}, outcome=None), Rule.OUTCOME),
        (changed({"mark": "approved"}, mark=None), Rule.MILESTONE),
        (changed({"from": "request"}, mark="signed"), Rule.MILESTONE),
        (changed({"from": "rendering"}, channel="person"), Rule.AUTOMATIC),
        (changed({"from": "review"}, channel="system"), Rule.AUTOMATIC),
        (changed({"from": "manager"}, task=None), Rule.TASK),
        (changed({"from": "sealing"}, definition="0" * 64), Rule.DEFINITION),
        (changed({"from": "sealing"}, field="manager"), Rule.SIGNER),
        (by({"from": "sealing"}, signer="clerk"), Rule.SIGNER),
        (by({"from": "sign"}, consent=None), Rule.ENTRY),
        (by({"from": "sign"}, consent_sha256="0" * 64), Rule.ENTRY),
    ],
)
def test_what_was_forged_is_found_where_it_was(
    office: Office, forged: Callable[[list[Logged]], Forged], rule: Rule
) -> None:
    events, seq = forged(last_of(office, "A1"))
    told = found(office, events)
    assert rule in {one.rule for one in told if one.seq == seq}, told
    assert min(one.seq for one in told) == seq


@pytest.mark.parametrize(
    ("forged", "rule"),
    [
        (changed({"from": "posting"}, posted_on=None), Rule.ENTRY),
        (changed({"from": "manager"}, posted_on="2026-11-20"), Rule.ENTRY),
        (changed({"type": "request_advanced"}, key="another"), Rule.DEFINITION),
    ],
)
def test_paper_says_its_days(office: Office, forged: Callable[[list[Logged]], Forged], rule: Rule) -> None:
    events, seq = forged(last_of(office, "A0"))
    assert [(one.rule, one.seq) for one in found(office, events)] == [(rule, seq)]


def test_no_move_can_say_another_thing_unseen(office: Office) -> None:
    """Each field of each move of every request, left out or with another move's value."""
    tried = 0
    with office.store.read() as session:
        numbers = list(session.scalars(select(Request.id)))
    for number in numbers:
        events = logged(office, number)
        assert found(office, events) == []
        values = {name: {one.said.get(name) for one in events} for name in SAID}
        for event in (one for one in events if "to" in one.said):
            for name in SAID:
                for value in values[name] - {event.said.get(name)}:
                    forged, _ = changed({"seq": event.seq}, **{name: value})(events)
                    assert found(office, forged), (event, name, value)
                    tried += 1
    assert tried > 1000


def test_people_hold_what_they_do(office: Office) -> None:
    with office.store.read() as session:
        number = max(session.scalars(select(Request.id)))
    events = logged(office, number)
    kinds = [one.kind for one in events]
    others = by({"type": "task_started"}, actor="manager2", on_behalf_of=None)
    assert {one.rule for one in found(office, others(events)[0])} == {Rule.HOLDER}
    for left, rule in (
        ("task_claimed", Rule.HOLDER),
        ("request_suspended", Rule.SUSPENDED),
        ("request_resumed", Rule.SUSPENDED),
    ):
        at = kinds.index(left)
        assert rule in {one.rule for one in found(office, events[:at] + events[at + 1 :])}, left


def test_a_request_of_a_definition_that_is_not_known_is_told_once(office: Office) -> None:
    told = list(deviations(last_of(office, "A1"), {}))
    assert [one.rule for one in told] == [Rule.DEFINITION]


def test_the_command_finds_it_in_the_office_and_in_an_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], migrated_file: Path
) -> None:
    office, typed = Office.open(tmp_path), Terminal(tmp_path, capsys)
    office.to_review()
    file = tmp_path / "log.jsonl"

    def exported(*words: str) -> Any:
        assert typed.office("export", "events", "--with-bodies", "--force", "-o", file).status == 0
        return typed("log", "conformance", file, *words, "--json")

    assert typed.json("log", "conformance")["requests"] == 1
    assert exported().json == typed.json("log", "conformance")
    other = typed.office("log", "conformance", "--key", "other")  # a slip of the pen is no good news
    assert (other.status, other.out) == (1, "")
    assert "There is no process 'other'" in other.err
    backwards = typed.office("log", "conformance", "--from", "2026-10-01", "--to", "2026-09-30")
    assert (backwards.status, backwards.out) == (1, "")
    assert "--to is before --from" in backwards.err
    nothing = "There is no such request: nothing was held against a definition.\n"
    nowhere = typed.office("log", "conformance", "--key", "team-action-plan")
    assert (nowhere.status, nowhere.out) == (0, nothing)
    assert typed("log", "conformance", file, "--key", "other").out == nothing
    advanced = {"type": "request_advanced", "from": "review", "to": "sign", "trigger": "approve"}
    forge(office, canonical, **advanced)
    said = typed.office("log", "conformance", "--json")
    assert said.status == 1
    assert {"way", "definition"} <= {one["rule"] for one in said.json["deviations"]}
    assert {one["seq"] for one in said.json["deviations"]} == {3}
    from_file = exported()
    assert (from_file.status, from_file.json) == (1, said.json)
    file.write_text(file.read_text().replace("approve", "improve"))
    refused = typed("log", "conformance", file)  # it does not verify, so that nothing can be said
    assert (refused.status, refused.err.splitlines()[-1].strip()) == (2, f"Run: paraaf log verify {file}")
    office.store.close()


def test_an_export_that_agrees_with_itself_may_hold_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(named: object) -> str:
        record = {"request": named, "definition": "\x1b[2J", "type": "request_submitted", "seq": 1}
        event = canonical({**record, "at": "2026-11-20T09:00:00.000000Z", "prev": "0" * 64})
        head = {"seq": 1, "hash": sha256(event.encode()).hexdigest()}
        first = {"format": "events/1", "events": 1, "anchors": 0, "bodies": False, "head": head}
        file = tmp_path / "log.jsonl"
        file.write_text(f'{json.dumps({"paraaf": first})}\n{{"event":{event}}}\n')
        said = Terminal(tmp_path, capsys)("log", "conformance", file)
        assert said.status == 1, said
        return said.out

    for named in ([1], {"a": 1}, "1", True, 1.5):
        assert "request 0, event 1: event: It names no request by its number." in told(named), named
    assert "\x1b" not in told(1)


def test_a_definition_that_was_exchanged_is_not_believed(tmp_path: Path, migrated_file: Path) -> None:
    office = Office.open(tmp_path)
    office.submit()
    with intruder(office.store, guarded=False) as database:
        database.execute("UPDATE definitions SET source = source || ' '")
    with office.store.read() as session:
        [told] = of_office(session, Asked()).deviations
    assert (told.rule, told.seq) == (Rule.DEFINITION, 1)
    office.store.close()
