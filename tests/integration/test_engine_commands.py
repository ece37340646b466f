"""What each verb does, what it leaves in the log, and why it is refused."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from documents.kinds import KINDS, Evidence
from tests.databases import Database
from tests.integration.engine_office import DECLARATION, FILES, NOW, PLAN, Office, entries, sections
from workflow.commands import Answer, Command, StepRef, StepTrouble, Submission
from workflow.definition import Catalogue
from workflow.definition_errors import DefinitionUnknown
from workflow.engine import Engine
from workflow.errors import (
    ClaimedByAnother,
    KeyReused,
    NotFound,
    Reason,
    Refused,
    StaleVersion,
    WorkflowError,
)
from workflow.tables import Draft, Incident, Request


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


def codes(refused: Refused | Sequence[Reason]) -> list[str]:
    reasons = refused.reasons if isinstance(refused, Refused) else refused
    return [reason.code for reason in reasons]


def refusal(office: Office, command: Command) -> Refused:
    """Send a command that must be refused, and must leave nothing behind."""
    before = office.rows()
    with pytest.raises(Refused) as caught:
        office.engine.execute(command)
    assert office.rows() == before
    return caught.value


# --- the way through


def test_a_request_goes_all_the_way(office: Office) -> None:
    number = office.to_sign()
    office.fire("sign", "signer", number)
    office.run_steps()
    row = office.request(number)
    assert (row.state, row.outcome, row.version) == ("delivered", "done", 7)
    records = office.records(number)
    assert [record["type"] for record in records] == [
        "request_submitted",
        "request_advanced",
        "request_advanced",
        "document_rendered",
        "request_advanced",
        "document_signed",
        "document_delivered",
    ]
    assert [record["mark"] for record in records if "mark" in record] == [
        "requested",
        "approved",
        "signed",
        "delivered",
    ]
    assert records[-1]["outcome"] == "done"
    assert office.report().ok


def test_a_temporary_contract_is_countersigned(office: Office) -> None:
    number = office.to_sign(temporary=True)
    office.fire("sign", "signer", number)
    office.run_steps()
    assert office.request(number).state == "countersign"
    office.fire("sign", "manager", number)
    office.run_steps()
    assert [record.get("mark") for record in office.records(number)].count("signed") == 1
    assert office.request(number).state == "delivered"


def test_a_plan_can_be_revised_and_closed(office: Office) -> None:
    plan = office.catalogue.get(PLAN, "standard")
    number = office.do(
        "submit",
        "employee",
        data=sections(plan, "draft"),
        submission=Submission(PLAN, "standard"),
    ).request_id
    for trigger, actor in [("approve", "manager"), ("sign", "manager")]:
        office.fire(trigger, actor, number)
        office.run_steps()
    office.fire("follow_up", "employee", number)
    assert office.records(number)[-1]["body"]["facts"] == {"note": "On course."}
    office.fire("revise", "employee", number)
    assert office.request(number).state == "draft"


def test_the_log_names_nobody_in_its_hashed_part(office: Office) -> None:
    number = office.submit()
    office.do("claim", "substitute", number, on_behalf_of="manager")
    office.do("return", "substitute", number, on_behalf_of="manager", remark="Dear employee, look again.")
    view = office.engine.show(number, "auditor")
    for entry in view.history:
        said = {key: value for key, value in entry.record.items() if key not in {"from", "to", "state"}}
        assert not [
            word for word in ('employee"', "manager", "substitute", "Dear") if word in json.dumps(said)
        ]
    assert view.history[-1].body == {
        "actor": "substitute",
        "on_behalf_of": "manager",
        "remark": "Dear employee, look again.",
        "data_sha256": office.request(number).data_sha256,
    }


# --- submit


def test_submitting_checks_the_data_and_names_every_field(office: Office) -> None:
    data = sections(office.catalogue.get(DECLARATION, "A3"), "request")
    del data["employee"]
    data["income"] = data["income"] | {"gross_yearly": "much"}
    found = refusal(office, office.submission(data=data))
    assert {reason.field for reason in found.reasons} >= {"employee", "income.gross_yearly"}


def test_submitting_takes_only_the_requesters_sections(office: Office) -> None:
    data = sections(office.catalogue.get(DECLARATION, "A3"), "request")
    found = refusal(office, office.submission(data=data | {"signing": {"name": "Me"}, "bogus": 1}))
    assert [r.field for r in found.reasons if r.code == "section"] == ["signing", "bogus"]


def test_the_data_is_kept_in_canonical_form(office: Office) -> None:
    data = sections(office.catalogue.get(DECLARATION, "A3"), "request")
    gross = data["income"]["gross_yearly"]
    data["income"] = data["income"] | {"gross_yearly": gross.replace(".", ",")}
    number = office.submit(data=data)
    assert office.request(number).data["income"]["gross_yearly"] == gross


def test_a_variant_that_there_is_not_is_not_offered(office: Office) -> None:
    with pytest.raises(DefinitionUnknown):
        office.do("submit", "employee", submission=Submission(DECLARATION, "A9"))


def test_a_reference_is_used_once_per_requester(office: Office) -> None:
    number = office.submit(reference="row-1")
    found = refusal(office, office.submission(reference="row-1"))
    assert codes(found) == ["reference"]
    assert str(number) in str(found)
    both = office.engine.execute_batch([office.submission(reference=name) for name in ("row-2", "row-2")])
    assert isinstance(both[0], Answer)
    assert isinstance(both[1], Refused)
    other = office.submission(reference="row-1")
    answer = office.engine.execute(
        Command("submit", "colleague", "k", data=other.data, submission=other.submission)
    )
    assert answer.request_id != number


def test_request_numbers_have_no_gaps(office: Office) -> None:
    refusal(office, office.submission(data={"bogus": 1}))
    results = office.engine.execute_batch(
        [office.submission(), office.submission(data={"bogus": 1}), office.submission()]
    )
    assert [result.request_id for result in results if isinstance(result, Answer)] == [1, 2]


def test_a_first_command_needs_a_submission(office: Office) -> None:
    assert codes(refusal(office, office.command("approve", "manager"))) == ["submission"]


# --- claim, start, release


def test_claim_start_release(office: Office) -> None:
    number = office.submit()
    office.later(hours=1)
    office.do("claim", "manager", number)
    office.later(minutes=5)
    office.do("start", "manager", number)
    task = office.task(number)
    assert (task.claimed_by, task.claimed_at) == ("manager", NOW + timedelta(hours=1))
    assert task.started_at == NOW + timedelta(minutes=65)
    office.do("release", "manager", number)
    task = office.task(number)
    assert (task.claimed_by, task.claimed_at, task.started_at) == (None, None, None)
    types = [record["type"] for record in office.records(number)]
    assert types == ["request_submitted", "task_claimed", "task_started", "task_released"]
    assert {record.get("task") for record in office.records(number)} == {task.id}


def test_the_loser_learns_who_holds_the_task(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    for verb in ("claim", "approve", "start", "release", "suspend", "save_draft"):
        with pytest.raises(ClaimedByAnother) as caught:
            office.do(verb, "manager2", number, remark="Now.", seen_version=1)
        assert (caught.value.holder, caught.value.since) == ("manager", NOW)


def test_what_is_not_held_is_neither_started_nor_released(office: Office) -> None:
    number = office.submit()
    assert codes(refusal(office, office.command("start", "manager", number))) == ["unclaimed"]
    assert codes(refusal(office, office.command("release", "manager", number))) == ["unclaimed"]
    office.do("claim", "manager", number)
    assert codes(refusal(office, office.command("claim", "manager", number))) == ["held"]
    office.do("start", "manager", number)
    assert codes(refusal(office, office.command("start", "manager", number))) == ["started"]


def test_a_substitute_and_the_principal_share_a_claim(office: Office) -> None:
    number = office.submit()
    office.do("claim", "substitute", number, on_behalf_of="manager")
    assert (office.task(number).claimed_by, office.task(number).claimed_for) == ("substitute", "manager")
    assert office.fire("approve", "manager", number).state == "review"


# --- drafts


def test_a_draft_is_kept_per_person_until_the_state_is_left(office: Office) -> None:
    number = office.submit()
    office.do("save_draft", "manager", number, data={"reasons": {"a": "b"}})
    office.do("save_draft", "manager", number, data={"reasons": {"a": "c"}})
    with office.store.read() as session:
        assert session.get_one(Draft, (number, "manager", "manager")).data == {"reasons": {"a": "c"}}
    before = office.request(number)
    assert "reasons" not in before.data
    office.fire("approve", "manager", number)
    with office.store.read() as session:
        assert session.get(Draft, (number, "manager", "manager")) is None


def test_a_draft_holds_only_what_the_state_may_edit(office: Office) -> None:
    number = office.submit()
    found = refusal(office, office.command("save_draft", "manager", number, data={"income": {}}))
    assert [(r.code, r.field) for r in found.reasons] == [("section", "income")]


# --- suspend, resume, withdraw, return


def test_suspended_time_is_counted_and_nothing_moves(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    assert codes(refusal(office, office.command("suspend", "manager", number))) == ["remark"]
    office.do("suspend", "manager", number, remark="Waiting for the personnel file.")
    assert office.request(number).suspended_at == NOW
    for verb in ("approve", "return", "claim", "start", "suspend"):
        assert "suspended" in codes(refusal(office, office.command(verb, "manager", number, remark="x")))
    office.later(hours=2)
    office.do("resume", "manager", number)
    assert office.task(number).suspended_us == 2 * 3600 * 10**6
    assert codes(refusal(office, office.command("resume", "manager", number))) == ["not-suspended"]
    assert office.fire("approve", "manager", number).state == "review"


def test_a_requester_withdraws_even_what_is_claimed_and_suspended(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    office.do("suspend", "manager", number, remark="Waiting.")
    assert "requester" in codes(refusal(office, office.command("withdraw", "manager", number)))
    assert office.do("withdraw", "employee", number).state == "withdrawn"
    row = office.request(number)
    assert (row.outcome, row.closed_at, row.suspended_at) == ("withdrawn", NOW, None)
    assert office.records(number)[-1]["type"] == "request_withdrawn"
    assert "ended" in codes(refusal(office, office.command("withdraw", "employee", number)))


def test_a_withdrawal_changes_no_data(office: Office) -> None:
    number = office.submit()
    withdrawal = office.command("withdraw", "employee", number, data={"continuation": {}})
    assert codes(refusal(office, withdrawal)) == ["data"]


def test_a_return_says_why_and_goes_where_the_definition_says(office: Office) -> None:
    number = office.to_review()
    for remark in (None, "", "  "):
        assert codes(refusal(office, office.command("return", "clerk", number, remark=remark))) == ["remark"]
    assert office.do("return", "clerk", number, remark="The function is not right.").state == "manager"
    assert office.do("return", "manager", number, remark="Please correct.").state == "request"
    assert office.fire("submit", "employee", number).state == "manager"
    types = [record["type"] for record in office.records(number)]
    assert types.count("request_returned") == 2
    assert types.count("request_submitted") == 2


# --- what a person must enter


def test_consent_is_asked_by_name(office: Office) -> None:
    number = office.to_sign("A1")
    for consent in (None, "other"):
        found = refusal(office, office.command("sign", "signer", number, consent=consent))
        assert codes(found) == ["consent"]
    office.do("sign", "signer", number, consent="click")
    assert office.records(number)[-1]["body"]["consent"] == "click"


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({}, ["facts.signed_by", "facts.signed_on"]),
        ({"signed_by": " ", "signed_on": "20-11-2026"}, ["facts.signed_by", "facts.signed_on"]),
        ({"signed_by": "S. Sample", "signed_on": "2026-11-21"}, ["facts.signed_on"]),
        ({"signed_by": "S. Sample", "signed_on": "2026-11-20", "price": "1"}, ["facts.price"]),
        ({"signed_by": 5, "signed_on": "2026-11-20"}, ["facts.signed_by"]),
        ({"signed_by": "S. Sample", "signed_on": "2026-W47-5"}, ["facts.signed_on"]),
        ({"signed_by": "S. Sample", "signed_on": "20261120"}, ["facts.signed_on"]),
        ({"signed_by": "S. Sample", "signed_on": "2026-11-19"}, ["facts.signed_on"]),
        ({"signed_by": "\u202eS. Sample", "signed_on": "2026-11-20"}, ["facts.signed_by"]),
        ({"signed_by": "BSN 123456782", "signed_on": "2026-11-20"}, ["facts.signed_by"]),
        ({"signed_by": "S" * 121, "signed_on": "2026-11-20"}, ["facts.signed_by"]),
    ],
)
def test_facts_are_asked_and_looked_at(office: Office, facts: dict[str, Any], fields: list[str]) -> None:
    number = office.to_sign("A0")
    office.do("printed", "clerk", number, brought=FILES["given"])
    found = refusal(office, office.command("signed", "signer", number, facts=facts))
    assert [reason.field for reason in found.reasons] == fields


def test_a_later_stage_asks_for_more(office: Office) -> None:
    number = office.submit(temporary=True)
    found = refusal(office, office.command("approve", "manager", number))
    assert [reason.field for reason in found.reasons] == ["continuation"]


# --- all reasons at once


def test_every_reason_is_told(office: Office) -> None:
    number = office.to_review()
    office.do("suspend", "clerk", number, remark="Waiting.")
    reasons = office.engine.why_not(number, "approve", "manager")
    assert codes(reasons)[:3] == ["role", "suspended", "four-eyes"]


def test_why_not_asks_for_no_typing_and_changes_nothing(office: Office) -> None:
    number = office.to_review()
    before = office.rows()
    assert office.engine.why_not(number, "return", "clerk") == ()
    assert codes(office.engine.why_not(number, "sign", "clerk")) == ["not-here"]
    assert codes(office.engine.why_not(number, "frobnicate", "clerk")) == ["unknown-trigger"]
    assert codes(office.engine.why_not(number, "claim", "manager2")) == []
    # the clerk's own sections are still empty, which the clerk would fill in
    assert codes(office.engine.why_not(number, "approve", "clerk")) == []
    assert office.rows() == before


# --- versions and keys


def test_a_stale_version_is_refused(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number, seen_version=1)
    with pytest.raises(StaleVersion) as caught:
        office.fire("approve", "manager", number, seen_version=1)
    assert caught.value.version == 2
    assert office.fire("approve", "manager", number, seen_version=2).version == 3


def test_a_repeat_gets_the_first_answer(office: Office) -> None:
    command = office.submission()
    first = office.engine.execute(command)
    office.fire("approve", "manager", first.request_id)
    before = office.rows()
    again = office.engine.execute(command)
    assert again == Answer(first.request_id, first.version, first.state, first.event_seq, repeated=True)
    assert not first.repeated
    assert office.rows() == before


def test_a_key_is_for_one_command(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number, key="once")
    for other in (
        office.command("release", "manager", number, key="once"),
        office.command("claim", "manager", number, key="once", remark="!"),
    ):
        with pytest.raises(KeyReused):
            office.engine.execute(other)


def test_a_refused_command_may_be_sent_again_under_its_key(office: Office) -> None:
    number = office.submit()
    with pytest.raises(Refused):
        office.do("suspend", "manager", number, key="k")
    assert office.do("suspend", "manager", number, key="k", remark="Waiting.").version == 2


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_has_a_length(office: Office, key: str) -> None:
    command = Command("claim", "manager", key, office.submit())
    assert codes(refusal(office, command)) == ["key"]


def test_what_json_cannot_say_is_refused_before_anything_happens(office: Office) -> None:
    number = office.submit()
    before = office.rows()
    with pytest.raises(Refused):
        office.do("suspend", "manager", number, remark="\ud800")
    assert office.rows() == before


# --- batches


def test_a_refused_command_stops_no_other(office: Office) -> None:
    number = office.submit()
    results = office.engine.execute_batch(
        [
            office.command("approve", "clerk", number),
            office.command("claim", "manager", number),
            office.command("claim", "manager2", number),
            office.command("claim", "manager", 999),
            office.submission(),
        ]
    )
    kinds = [type(result) for result in results]
    assert kinds == [Refused, Answer, ClaimedByAnother, NotFound, Answer]
    assert office.report().ok


def test_a_batch_can_take_one_request_several_steps(office: Office) -> None:
    definition = office.catalogue.get(DECLARATION, "A3")
    number = office.submit()
    results = office.engine.execute_batch(
        [
            office.command("claim", "manager", number),
            office.command("start", "manager", number),
            office.command(
                "approve", "manager", number, seen_version=3, **entries(definition, "manager", "approve")
            ),
            office.command("claim", "manager", number),
            office.command("claim", "clerk", number),
            office.command("return", "clerk", number, remark="Look."),
            office.command("return", "manager", number, remark="Look.", seen_version=6),
            office.command("withdraw", "employee", number),
            office.command("withdraw", "employee", number),
        ]
    )
    kinds = [isinstance(result, Answer) for result in results]
    assert kinds == [True, True, True, False, True, True, True, True, False]
    row = office.request(number)
    assert (row.state, row.version) == ("withdrawn", 8)
    assert office.report().ok


def test_a_batch_and_single_commands_leave_the_same(tmp_path: Path) -> None:
    logs = []
    for name in ("one by one", "batch"):
        office = Office.open(tmp_path / name)
        number = office.submit()
        definition = office.catalogue.get(DECLARATION, "A3")
        commands = [
            office.command("claim", "manager", number),
            office.command(
                "approve", "manager", number, seen_version=2, **entries(definition, "manager", "approve")
            ),
            office.command(
                "approve", "clerk", number, seen_version=3, **entries(definition, "review", "approve")
            ),
        ]
        if name == "batch":
            office.engine.execute_batch(commands)
        else:
            for command in commands:
                office.engine.execute(command)
        salted = {"body", "prev"}
        logs.append(
            [
                {k: v for k, v in r.items() if k not in salted} | {"said": r["body"]}
                for r in office.records(number)
            ]
        )
    assert logs[0] == logs[1]


def test_a_repeat_inside_a_batch_is_done_once(office: Office) -> None:
    command = office.submission()
    first, second = office.engine.execute_batch([command, command])
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.repeated, second.repeated) == (False, True)
    assert first.request_id == second.request_id
    assert office.rows()["requests"] == 1


def test_an_empty_batch(office: Office) -> None:
    assert office.engine.execute_batch([]) == []


# --- jobs and steps


def test_nothing_is_recorded_when_the_job_cannot_be_deferred(office: Office) -> None:
    number = office.to_review()
    before = office.rows()

    def fail(_session: Session, _refs: Sequence[StepRef]) -> None:
        raise RuntimeError("no queue")

    office.engine._defer = fail
    with pytest.raises(RuntimeError):
        office.fire("approve", "clerk", number)
    assert office.rows() == before
    assert office.request(number).state == "review"
    assert office.report().ok


def test_a_step_is_recorded_once(office: Office) -> None:
    number = office.to_review()
    office.fire("approve", "clerk", number)
    (ref,) = office.deferred
    assert ref == StepRef(number, "rendering", office.request(number).step_seq)
    seq = office.finish(ref, "rendered")
    assert seq == office.request(number).step_seq
    before = office.rows()
    assert office.finish(ref, "rendered") is None
    assert office.finish(StepRef(999, "rendering", 1), "rendered") is None
    assert office.rows() == before


def test_a_step_of_an_earlier_round_is_not_taken_for_this_one(office: Office) -> None:
    number = office.to_review()
    office.fire("approve", "clerk", number)
    first = office.deferred.pop()
    office.finish(first, "failed")
    assert office.request(number).state == "review"
    assert office.records(number)[-1]["type"] == "step_failed"
    office.fire("approve", "clerk", number)
    assert office.finish(first, "rendered") is None
    assert office.request(number).state == "rendering"


def test_a_steps_facts_are_hashed_and_its_personal_part_is_not(office: Office) -> None:
    number = office.to_review()
    office.fire("approve", "clerk", number)
    with office.store.write() as session:
        office.engine.finish_step(
            session,
            office.deferred[0],
            "rendered",
            record={"sha256": "ab" * 32, "durations_us": {"render": 1200}},
            body={"number": "2026-1"},
        )
    record = office.records(number)[-1]
    assert record["durations_us"] == {"render": 1200}
    assert record["channel"] == "system"
    assert record["body"] == {"number": "2026-1"}


def test_an_incident_waits_for_a_person_who_repairs_it(office: Office) -> None:
    number = office.to_review()
    office.fire("approve", "clerk", number)
    ref = office.deferred.pop()
    trouble = StepTrouble(ref, "tsa-down", "The timestamp authority does not answer.")
    with office.store.write() as session:
        assert office.engine.report_trouble(session, [trouble])[0]
    with office.store.write() as session:
        assert office.engine.report_trouble(session, [trouble]) == [None]
    view = office.engine.show(number, "clerk")
    assert view.incident is not None
    assert view.incident.code == "tsa-down"
    assert view.possible == ("repair",)
    assert codes(refusal(office, office.command("repair", "employee", number))) == ["role"]
    office.do("repair", "clerk", number)
    assert office.deferred == [ref]
    assert codes(refusal(office, office.command("repair", "clerk", number))) == ["no-incident"]
    with office.store.read() as session:
        assert session.get_one(Incident, 1).resolved_by == "clerk"
    office.run_steps()
    assert office.request(number).state == "sign"
    assert [r["type"] for r in office.records(number)][3:6] == [
        "incident_opened",
        "incident_resolved",
        "document_rendered",
    ]


def test_steps_finish_in_a_batch(office: Office) -> None:
    numbers = [office.to_review() for _ in range(3)]
    for number in numbers:
        office.fire("approve", "clerk", number)
    refs = list(office.deferred)
    office.run_steps()
    assert {office.request(ref.request_id).state for ref in refs} == {"sign"}
    assert office.report().ok


def test_a_request_keeps_the_definition_that_it_began_with(office: Office) -> None:
    number = office.submit()
    later = Office(office.store, Catalogue([d for d in office.catalogue if d.variant != "A3"]))
    later.keys = office.keys
    assert later.engine.show(number, "employee").state == "manager"
    assert later.do("claim", "manager", number).version == 2


def test_errors_carry_a_code_and_a_next_step(office: Office) -> None:
    number = office.submit()
    for command in (
        office.command("approve", "clerk", number),
        office.command("approve", "clerk", 999),
        office.command("approve", "manager", number, seen_version=9),
    ):
        with pytest.raises(WorkflowError) as caught:
            office.engine.execute(command)
        assert caught.value.code.startswith("workflow-")
        assert caught.value.hint


def test_rows_say_when_a_request_began(office: Office) -> None:
    number = office.submit()
    with office.store.read() as session:
        row = session.get_one(Request, number)
    assert (row.opened_at, row.closed_at, row.unit) == (NOW, None, "records")


def test_rules_go_by_the_offices_day(office: Office) -> None:
    """At half past eleven in the evening by UTC it is tomorrow in the Netherlands, as on the document."""
    asked: list[date] = []

    def evidence(_person: str, day: date) -> Evidence:
        asked.append(day)
        return Evidence(issued_on=day)

    office.now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    office.engine = Engine(
        store=office.store,
        catalogue=office.catalogue,
        kinds=KINDS,
        defer=lambda _session, _refs: None,
        clock=lambda: office.now,
        asks_proof=lambda _definition: True,
        evidence_of=evidence,
    )
    office.submit()
    assert set(asked) == {date(2026, 11, 21)}
