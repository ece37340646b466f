"""Commands that are none, and texts that nobody should keep: refused alone, and nothing else with them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.databases import KINDS, Database, fresh, intruder
from tests.integration.engine_office import DECLARATION, FILES, NOW, Office, entries, sections
from workflow.commands import Answer, Command, Submission
from workflow.errors import AnswerUnreadable, NotFound, Refused, StaleVersion, WorkflowError
from workflow.tables import Draft

BSN = "123456782"  # passes the elfproef; nobody's
DEEP: dict[str, Any] = {}
_inner = DEEP
for _ in range(5000):
    _inner["a"] = _inner = {}


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


@pytest.fixture(scope="module", params=KINDS)
def calm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all whose commands are refused: nothing comes of these."""
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        office = Office.open(folder, database.environ)
        yield office
        office.store.close()


def refused(office: Office, command: Command) -> Refused:
    with pytest.raises(Refused) as caught:
        office.engine.execute(command)
    return caught.value


# --- what is no command stops no other


@pytest.mark.parametrize(
    "change",
    [
        {"key": "\ud800"},
        {"key": 12},
        {"actor": "\ud800"},
        {"actor": "manager\u200b"},
        {"actor": None},
        {"on_behalf_of": ""},
        {"trigger": ["claim"]},
        {"trigger": "claim\x00"},
        {"request_id": 2**70},
        {"request_id": -1},
        {"request_id": "1"},
        {"request_id": 1.0},
        {"request_id": True},
        {"seen_version": True},
        {"seen_version": 2**70},
        {"data": [1]},
        {"data": {"other": float("nan")}},
        {"data": {"other": object()}},
        {"data": {1: "x"}},
        {"data": DEEP},
        {"data": {"other": "x" * 1_000_001}},
        {"trigger": "suspend", "remark": "\ud800"},
        {"trigger": "suspend", "remark": {"a": 1}},
        {"trigger": "suspend", "remark": "x" * 2001},
        {"facts": [1]},
        {"facts": {"a": {"b": 1}}},
        {"consent": ["click"]},
        {"submission": "A3"},
        {"channel": "ghost"},
    ],
)
def test_a_command_without_form_is_refused_alone(calm: Office, change: dict[str, Any]) -> None:
    number = calm.submit()
    good = calm.command("claim", "manager", number)
    bad = replace(calm.command("claim", "manager2", number), **change)
    before = calm.rows()["events"]
    results = calm.engine.execute_batch([calm.submission(), bad, good])
    assert isinstance(results[1], Refused | NotFound), results[1]
    assert results[1].hint
    assert [isinstance(result, Answer) for result in results] == [True, False, True]
    assert calm.rows()["events"] == before + 2


@pytest.mark.parametrize(
    "change",
    [
        {"language": "xx"},
        {"language": "../../etc"},
        {"language": "\ud800"},
        {"language": "en" * 10**6},
        {"reference": ""},
        {"reference": " "},
        {"reference": " row"},
        {"reference": "row\u200b"},
        {"reference": "\ud800"},
        {"reference": 5},
        {"reference": "x" * 121},
        {"reference": BSN},
    ],
)
def test_a_new_request_has_a_known_language_and_a_plain_reference(
    calm: Office, change: dict[str, Any]
) -> None:
    good = calm.submission()
    assert good.submission is not None
    bad = replace(calm.submission(), submission=replace(good.submission, **change))
    results = calm.engine.execute_batch([good, bad])
    assert isinstance(results[0], Answer)
    assert isinstance(results[1], Refused)


def test_questions_about_what_cannot_be_are_answered(office: Office) -> None:
    number = office.submit()
    questions = [
        lambda: office.engine.queue("\ud800"),
        lambda: office.engine.queue("manager", limit=0),
        lambda: office.engine.queue("manager", limit=2**70),
        lambda: office.engine.show(2**70, "manager"),
        lambda: office.engine.show(number, "\ud800"),
        lambda: office.engine.why_not(2**70, "claim", "manager"),
        lambda: office.engine.why_not(number, "claim", "\ud800"),
        lambda: office.engine.why_not(number, "\ud800", "manager"),
        lambda: office.engine.why_not(number, "claim", "manager", "\ud800"),
    ]
    for question in questions:
        with pytest.raises(WorkflowError):
            question()


# --- what is typed


@pytest.mark.parametrize("remark", ["\u200b\u2060", "BSN " + BSN, "\u202eback", "tick\x07", " \n "])
def test_a_remark_is_plain_text_without_a_citizen_number(calm: Office, remark: str) -> None:
    number = calm.submit()
    found = refused(calm, calm.command("return", "manager", number, remark=remark))
    assert [reason.code for reason in found.reasons] == ["remark"]
    calm.do("return", "manager", number, remark="First line.\nSecond line: 1.234,56.")


@pytest.mark.parametrize(
    "part", [{"evil": [1, 2]}, {"x": "BSN " + BSN}, {"prospect": "BSN " + BSN}, {"prospect": None}, 5]
)
def test_a_return_keeps_no_data_that_does_not_fit(calm: Office, part: Any) -> None:
    number = calm.submit(temporary=True)
    before = calm.request(number).data
    refused(calm, calm.command("return", "manager", number, remark="x", data={"continuation": part}))
    assert calm.request(number).data == before


def test_a_return_may_take_out_a_section_that_the_next_person_can_not(office: Office) -> None:
    number = office.to_review(temporary=True)
    office.do("return", "clerk", number, remark="The contract is permanent.")
    office.do("return", "manager", number, remark="Please change it.", data={"continuation": None})
    permanent = sections(office.catalogue.get(DECLARATION, "A3"), "request")
    assert office.do("submit", "employee", number, data=permanent).state == "manager"


@pytest.mark.parametrize(
    "part",
    [
        {"note": BSN},
        {"supplementary_statement": f"My number is {BSN}."},
        {"supplementary_statement": "\x00"},
        {"supplementary_statement": [BSN]},
        {"loan_principal": int(BSN)},
        BSN,
    ],
)
def test_a_draft_keeps_no_citizen_number_and_no_strange_field(calm: Office, part: Any) -> None:
    number = calm.to_review()
    refused(calm, calm.command("save_draft", "clerk", number, data={"other": part}))
    assert calm.rows()["drafts"] == 0


def test_a_draft_may_be_half_typed(office: Office) -> None:
    number = office.to_review()
    half = {"signing": {"place": "", "contact_phone": "07"}, "other": {}}
    office.do("save_draft", "clerk", number, data=half)
    with office.store.read() as session:
        assert session.get_one(Draft, (number, "review", "clerk")).data == half


def test_what_was_posted_was_signed_before(office: Office) -> None:
    number = office.to_sign("A0")
    office.do("printed", "clerk", number, brought=FILES["given"])
    office.later(days=3)
    office.do("signed", "signer", number, facts={"signed_by": "S. Sample", "signed_on": "2026-11-22"})
    office.do("stamped", "clerk", number)
    office.do("scanned", "clerk", number, brought=FILES["scan"])
    early = office.command("posted", "clerk", number, facts={"posted_on": "2026-11-21"})
    assert [reason.field for reason in refused(office, early).reasons] == ["facts.posted_on"]
    assert office.do("posted", "clerk", number, facts={"posted_on": "2026-11-22"}).state == "delivered"


# --- decisions name what was seen


@pytest.mark.parametrize("variant", ["A1", "A3", "A4"])
@pytest.mark.parametrize("channel", ["person", "program"])
def test_a_signature_names_the_version_that_was_seen(office: Office, variant: str, channel: Any) -> None:
    number = office.to_sign(variant)
    trigger = "release_seal" if variant == "A4" else "sign"
    typed = entries(office.catalogue.get(DECLARATION, variant), "sign", trigger)
    blind = office.command(trigger, "signer", number, channel=channel, **typed, seen_version=None)
    assert [reason.code for reason in refused(office, blind).reasons] == ["unseen"]
    seen = office.request(number).version
    office.do("return", "signer", number, remark="Not yet.")
    other = office.request(number).data.get("other", {}) | {"supplementary_statement": "Changed since."}
    office.do("approve", "clerk", number, data={"other": other})
    office.run_steps()
    with pytest.raises(StaleVersion):
        office.engine.execute(replace(blind, seen_version=seen))
    now = office.version(number)
    shown = office.proving.prove("signer", {number: now or 0}) if variant == "A1" else None
    assert office.engine.execute(replace(blind, seen_version=now, proof=shown)).state == "sealing"


def test_an_approval_names_the_version_that_was_seen(office: Office) -> None:
    number = office.submit()
    blind = office.command("approve", "manager", number, seen_version=None)
    assert [reason.code for reason in refused(office, blind).reasons] == ["unseen"]
    assert office.engine.why_not(number, "approve", "manager") == ()


# --- idempotency keys belong to who sends them


def test_a_key_that_somebody_else_used_is_free(office: Office) -> None:
    first, second = office.submission(), office.submission()
    theirs = replace(first, actor="colleague", key="same")
    mine = replace(second, key="same")
    answers = [office.engine.execute(theirs), office.engine.execute(mine)]
    assert answers[0].request_id != answers[1].request_id
    assert office.engine.execute(mine).repeated
    assert office.request(answers[1].request_id).opened_at == NOW


def test_looking_again_before_sending_again_is_the_same_command(office: Office) -> None:
    number = office.submit()
    approval = office.command("approve", "manager", number)
    answer = office.engine.execute(approval)
    again = office.engine.execute(replace(approval, seen_version=answer.version))
    assert (again.event_seq, again.repeated) == (answer.event_seq, True)


def test_a_submission_without_a_submission_is_refused(office: Office) -> None:
    found = refused(office, Command("submit", "employee", "k", data={}, submission=None))
    assert [reason.code for reason in found.reasons] == ["submission"]
    assert isinstance(office.submission().submission, Submission)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL takes nothing that is no JSON
def test_a_damaged_answer_stops_no_other_command_of_its_batch(office: Office) -> None:
    first, second = office.submit(), office.submit()
    again = office.command("claim", "manager", first, key="one")
    office.engine.execute(again)
    with intruder(office.store, guarded=False) as owner:
        owner.execute("UPDATE commands SET answer = '{' WHERE key = 'one'")
    damaged, claimed = office.engine.execute_batch([again, office.command("claim", "manager", second)])
    assert isinstance(damaged, AnswerUnreadable)
    assert isinstance(claimed, Answer)
