"""Who sees and does what: roles on units, substitutes on days, four eyes over actor and principal."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from documents.kinds import KINDS
from tests.databases import Database, intruder, only_sqlite
from tests.integration.engine_office import DECLARATION, ELSEWHERE, FILES, NAMES, PLAN, UNIT, Office, sections
from tests.integration.test_references import plans
from workflow import checkup
from workflow.access import People
from workflow.commands import StepTrouble, Submission
from workflow.errors import ClaimedByAnother, NotFound, Refused
from workflow.eventlog import Appender
from workflow.judge import against_naming
from workflow.ledger import Ledger
from workflow.pinned import pinned
from workflow.queue_filter import QueueFilter
from workflow.queue_form import Asker
from workflow.queue_page import queue_page
from workflow.tables import Grant, Hand, Person, Request, Substitute, Task


@pytest.fixture
def office(tmp_path: Path, database: Database) -> Iterator[Office]:
    office = Office.open(tmp_path, database.environ)
    yield office
    office.store.close()


def reasons(office: Office, number: int, trigger: str, actor: str, principal: str | None = None) -> list[str]:
    return [reason.code for reason in office.engine.why_not(number, trigger, actor, principal)]


# --- what a person sees


@pytest.mark.parametrize(
    "person", ["employee", "manager", "manager2", "clerk", "signer", "auditor", "substitute"]
)
def test_those_concerned_see_a_request(office: Office, person: str) -> None:
    assert office.engine.show(office.submit(), person).state == "manager"


@pytest.mark.parametrize("person", ["colleague", "outsider", "gone", "nobody"])
def test_to_others_there_is_no_such_request(office: Office, person: str) -> None:
    number = office.submit()
    with pytest.raises(NotFound):
        office.engine.show(number, person)
    with pytest.raises(NotFound):
        office.do("claim", person, number)
    with pytest.raises(NotFound):
        office.engine.why_not(number, "claim", person)


def test_an_auditor_reads_everything_and_does_nothing(office: Office) -> None:
    number = office.submit()
    view = office.engine.show(number, "auditor")
    assert view.possible == ()
    assert view.history
    assert office.engine.queue("auditor").items == ()
    for verb in ("claim", "approve", "withdraw", "suspend", "save_draft", "repair"):
        assert set(reasons(office, number, verb, "auditor")) & {"role", "requester"}


def test_what_is_possible_is_what_is_not_refused(office: Office) -> None:
    number = office.submit()
    assert office.engine.show(number, "employee").possible == ("withdraw",)
    assert set(office.engine.show(number, "manager").possible) == {
        "approve",
        "return",
        "claim",
        "suspend",
        "save_draft",
    }


# --- the queue


def queue(office: Office, person: str) -> list[tuple[int, str | None]]:
    return [(item.request_id, item.on_behalf_of) for item in office.engine.queue(person).items]


def test_a_queue_holds_what_its_person_can_take(office: Office) -> None:
    first = office.submit()
    office.later(minutes=1)
    second = office.submit()
    assert queue(office, "manager") == [(first, None), (second, None)]
    assert queue(office, "substitute") == [(first, "manager"), (second, "manager")]
    for person in ("employee", "clerk", "outsider", "gone", "nobody"):
        assert queue(office, person) == []
    office.fire("approve", "manager", first)
    assert queue(office, "clerk") == [(first, None)]
    assert office.engine.queue("manager", limit=1).items[0].request_id == second


def test_a_returned_request_is_in_its_requesters_queue_alone(office: Office) -> None:
    number = office.submit()
    office.do("return", "manager", number, remark="Look.")
    assert queue(office, "employee") == [(number, None)]
    assert queue(office, "colleague") == []
    assert queue(office, "manager") == []


def test_a_returned_request_of_a_process_that_is_no_longer_offered_is_in_no_other_queue(
    office: Office,
) -> None:
    number = office.submit()
    office.do("return", "manager", number, remark="Look.")
    source = office.catalogue.get(DECLARATION, "A3").source.replace(DECLARATION, "earlier", 1)
    sha256_hex = sha256(source.encode()).hexdigest()
    with intruder(office.store, guarded=False) as own:
        own.execute(
            "INSERT INTO definitions (sha256_hex, key, variant, version, source) VALUES (?, ?, ?, ?, ?)",
            (sha256_hex, "earlier", "A3", 1, source),
        )
        own.execute(
            "UPDATE requests SET definition_sha256 = ?, key = 'earlier' WHERE id = ?", (sha256_hex, number)
        )
        own.execute("UPDATE tasks SET definition_sha256 = ? WHERE closed_at IS NULL", (sha256_hex,))
    assert queue(office, "colleague") == []
    assert queue(office, "employee") == [(number, None)]


def test_four_eyes_keep_a_task_out_of_the_queue(office: Office) -> None:
    number = office.submit()
    office.fire("approve", "manager2", number)  # who is a clerk, too
    assert queue(office, "manager2") == []
    assert queue(office, "clerk") == [(number, None)]


def test_tasks_that_four_eyes_bar_do_not_hide_later_ones(
    office: Office,
) -> None:
    for _ in range(3):
        office.fire("approve", "manager2", office.submit())  # who is a clerk, too
    first, second = office.submit(), office.submit()
    for number in (first, second):
        office.fire("approve", "manager", number)
    assert queue(office, "manager2") == [(first, None), (second, None)]
    assert [item.request_id for item in office.engine.queue("manager2", limit=1).items] == [first]


@only_sqlite  # a server chooses by how many rows there are
def test_the_tasks_of_a_queue_are_found_by_indexes(office: Office) -> None:
    def ask(session: Session) -> None:
        people = People.load(session, ["clerk"])
        asker = Asker(
            "clerk", people, pinned(session, office.engine.definition), office.now, office.now.date()
        )
        queue_page(session, asker, QueueFilter(), limit=5, counted=True)

    office.submit()
    [plan] = [one for one in plans(office.store, ask) if "UNION ALL" in one]
    for index in ("COVERING INDEX ix_tasks_open_due_at", "ix_requests_open_requester_id", "ix_tasks_held"):
        assert index in plan
    assert not {line for line in plan.splitlines() if line in {"SCAN tasks", "SCAN requests"}}


# --- roles


def test_a_role_counts_in_its_unit(office: Office) -> None:
    with office.store.write() as session:
        session.add(Grant(person_id="outsider", role="clerk", unit=None))
    number = office.submit()  # now the outsider sees it: a clerk for all, a manager elsewhere
    assert reasons(office, number, "approve", "outsider") == ["role"]


def test_who_has_left_does_nothing(office: Office) -> None:
    number = office.submit()
    with office.store.write() as session:
        session.get_one(Person, "manager").active = False
    with pytest.raises(NotFound):
        office.do("claim", "manager", number)
    with pytest.raises(NotFound):
        office.do("claim", "substitute", number, on_behalf_of="manager")


def test_who_has_no_role_submits_nothing(office: Office) -> None:
    command = office.submission()
    with pytest.raises(Refused) as caught:
        office.engine.execute(replace(command, actor="signer"))
    assert [reason.code for reason in caught.value.reasons] == ["role"]


def test_a_grant_taken_back_counts_at_once(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    with office.store.write() as session:
        session.execute(Grant.table().delete().where(Grant.person_id == "manager", Grant.role == "manager"))
    with pytest.raises(NotFound):
        office.fire("approve", "manager", number)


# --- substitutes


def test_a_substitute_acts_for_a_principal_and_both_are_recorded(office: Office) -> None:
    number = office.submit()
    assert reasons(office, number, "approve", "substitute") == ["role"]
    assert reasons(office, number, "approve", "substitute", "manager") == []
    office.fire("approve", "substitute", number, on_behalf_of="manager")
    body = office.records(number)[-1]["body"]
    assert (body["actor"], body["on_behalf_of"]) == ("substitute", "manager")


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        (datetime(2026, 10, 31, 22, 59, tzinfo=UTC), False),  # 23:59 in Amsterdam, the day before
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), True),  # midnight there
        (datetime(2026, 11, 30, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 30, 23, 0, tzinfo=UTC), False),
    ],
)
def test_a_substitution_holds_on_its_days_in_the_offices_zone(
    office: Office, now: datetime, allowed: bool
) -> None:
    number = office.submit()
    with office.store.write() as session:  # so that the substitute may see it, whatever the day
        session.add(Grant(person_id="substitute", role="clerk", unit=None))
    office.now = now
    assert (reasons(office, number, "claim", "substitute", "manager") == []) is allowed
    assert (queue(office, "substitute") == [(number, "manager")]) is allowed


def test_a_substitution_holds_for_its_role(office: Office) -> None:
    number = office.to_review()
    with office.store.write() as session:
        session.add(Grant(person_id="manager", role="clerk", unit=None))
    assert "substitute" in reasons(office, number, "approve", "substitute", "manager")


def test_a_substitution_for_one_role_shows_nothing_of_another(office: Office) -> None:
    with office.store.write() as session:
        session.add(Grant(person_id="signer2", role="employee", unit=None))
        session.add(
            Substitute(
                principal_id="clerk",
                substitute_id="colleague",
                role="signer",  # which the clerk has not
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    with pytest.raises(NotFound):
        office.engine.show(office.submit(), "colleague")


def test_substitutes_have_no_substitutes(office: Office) -> None:
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id="substitute",
                substitute_id="colleague",
                role=None,
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    number = office.submit()
    for principal in ("manager", "substitute"):
        with pytest.raises(NotFound):
            office.do("claim", "colleague", number, on_behalf_of=principal)


def test_nobody_stands_in_for_themselves(office: Office) -> None:
    assert "substitute" in reasons(office, office.submit(), "approve", "manager", "manager")


# --- the person whom the document names


@pytest.mark.parametrize(
    ("variant", "trigger"), [("A0", "signed"), ("A1", "sign"), ("A3", "sign"), ("A4", "release_seal")]
)
def test_only_the_signer_named_signs(office: Office, variant: str, trigger: str) -> None:
    number = office.to_sign(variant)
    if variant == "A0":
        office.do("printed", "clerk", number, brought=FILES["given"])
    with pytest.raises(Refused) as caught:
        office.fire(trigger, "signer2", number)
    [reason] = caught.value.reasons
    assert reason.code == "not-named"
    assert NAMES["signer"] in reason.message
    assert trigger not in office.engine.show(number, "signer2").possible
    assert (queue(office, "signer2"), queue(office, "signer")) == ([], [(number, None)])
    assert reasons(office, number, "return", "signer2") == []
    assert reasons(office, number, "withdraw", "employee") == []
    assert office.fire(trigger, "signer", number).state in {"sealing", "stamping"}


def test_a_plan_is_signed_by_the_leader_named(office: Office) -> None:
    definition = office.catalogue.get(PLAN, "standard")
    new = Submission(PLAN, "standard")
    number = office.do("submit", "employee", data=sections(definition, "draft"), submission=new).request_id
    office.fire("approve", "manager2", number)
    office.run_steps()
    assert reasons(office, number, "sign", "manager2") == ["not-named"]
    assert office.fire("sign", "manager", number).state == "sealing"


def stand_in_for(office: Office, principal: str) -> None:
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id=principal,
                substitute_id="substitute",
                role="signer",
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )


def test_a_substitute_signs_for_the_one_named_and_for_nobody_else(office: Office) -> None:
    number = office.to_sign()
    stand_in_for(office, "signer2")
    assert reasons(office, number, "sign", "substitute", "signer2") == ["not-named"]
    assert queue(office, "substitute") == []
    stand_in_for(office, "signer")
    assert queue(office, "substitute") == [(number, "signer")]
    office.fire("sign", "substitute", number, on_behalf_of="signer")


def test_the_name_alone_gives_no_role(office: Office) -> None:
    number = office.to_sign()
    with office.store.write() as session:
        session.get_one(Person, "clerk").name = NAMES["signer"]
    assert reasons(office, number, "sign", "clerk") == ["role"]
    assert queue(office, "clerk") == []


def test_a_document_that_names_nobody_is_signed_by_anybody_with_the_role(office: Office) -> None:
    number = office.to_sign()
    with office.store.write() as session:
        request = session.get_one(Request, number)
        request.data = {**request.data, "signing": {"place": "Voorbeeldstad"}}
        session.get_one(Task, office.task(number).id).named = None
    for person in ("signer", "signer2"):
        assert queue(office, person) == [(number, None)]
        assert reasons(office, number, "sign", person) == []


@pytest.mark.parametrize("gone", ["left", "renamed", "no role", "barred"])
def test_when_the_one_named_cannot_sign_others_see_it_and_return_it(office: Office, gone: str) -> None:
    number = office.to_sign()
    with office.store.write() as session:
        signer = session.get_one(Person, "signer")
        if gone == "left":
            signer.active = False
        elif gone == "renamed":
            signer.name = "S. Voorbeeld-Linde"
        elif gone == "no role":
            session.execute(Grant.table().delete().where(Grant.person_id == "signer"))
        else:
            session.add(Hand(request_id=number, rule="manager|sign", person_id="signer", state="manager"))
    assert queue(office, "signer2") == [(number, None)]
    assert reasons(office, number, "sign", "signer2") == ["not-named"]
    assert office.do("return", "signer2", number, remark="Name another.").state == "review"


# --- four eyes


def test_a_requester_who_is_a_manager_does_not_judge_their_own(office: Office) -> None:
    command = office.submission()
    answer = office.engine.execute(replace(command, actor="manager"))
    assert reasons(office, answer.request_id, "approve", "manager") == ["four-eyes"]
    assert reasons(office, answer.request_id, "claim", "manager") == ["four-eyes"]
    assert "four-eyes" in reasons(office, answer.request_id, "approve", "substitute", "manager")
    assert reasons(office, answer.request_id, "approve", "manager2") == []


def test_one_person_with_two_roles_acts_once(office: Office) -> None:
    number = office.submit()
    office.fire("approve", "manager2", number)
    assert "four-eyes" in reasons(office, number, "approve", "manager2")
    office.fire("approve", "clerk", number)
    office.run_steps()
    assert reasons(office, number, "return", "clerk2") == []


def test_a_substitute_lays_both_hands_on_it(office: Office) -> None:
    """Who acted for a manager may not review, and neither may that manager."""
    with office.store.write() as session:
        session.add_all(
            Grant(person_id=person, role="clerk", unit=None) for person in ("substitute", "manager")
        )
    number = office.submit()
    office.fire("approve", "substitute", number, on_behalf_of="manager")
    assert reasons(office, number, "approve", "substitute") == ["four-eyes"]
    assert reasons(office, number, "approve", "manager") == ["four-eyes"]


def test_a_substitute_who_submitted_does_not_act_for_another(office: Office) -> None:
    with office.store.write() as session:
        session.add(Grant(person_id="substitute", role="employee", unit=None))
    command = office.submission()
    number = office.engine.execute(replace(command, actor="substitute")).request_id
    assert reasons(office, number, "approve", "substitute", "manager") == ["four-eyes"]


def test_the_same_person_may_act_again_in_the_same_state(office: Office) -> None:
    number = office.submit()
    office.fire("approve", "manager", number)
    office.do("return", "clerk", number, remark="Look.")
    assert office.fire("approve", "manager", number).state == "review"


def test_a_hand_stays_when_another_takes_over(office: Office) -> None:
    number = office.submit()
    office.fire("approve", "manager2", number)
    office.do("return", "clerk", number, remark="Look.")
    office.fire("approve", "manager", number)
    assert "four-eyes" in reasons(office, number, "approve", "manager2")


def test_the_database_holds_four_eyes_by_itself(office: Office) -> None:
    number = office.submit()
    office.fire("approve", "manager", number)
    with office.store.write() as session:
        session.add(Hand(request_id=number, rule="manager|review", person_id="manager", state="review"))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


# --- claims


def test_a_claim_of_somebody_who_has_left_is_released_by_whoever_could_take_the_task(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    with pytest.raises(ClaimedByAnother):
        office.do("release", "manager2", number)
    with office.store.write() as session:
        session.get_one(Person, "manager").active = False
    with pytest.raises(Refused):
        office.do("release", "clerk", number)
    with pytest.raises(ClaimedByAnother):
        office.fire("approve", "manager2", number)
    assert "release" in office.engine.show(number, "manager2").possible
    office.do("release", "manager2", number)
    office.fire("approve", "manager2", number)


def test_a_claim_for_a_principal_who_has_left_is_released_too(office: Office) -> None:
    number = office.submit()
    office.do("claim", "substitute", number, on_behalf_of="manager")
    with office.store.write() as session:
        session.get_one(Person, "manager").active = False
    office.do("release", "manager2", number)
    office.do("claim", "manager2", number)


def test_of_two_substitutes_the_one_who_claimed_holds_the_task_and_the_principal_may_take_part(
    office: Office,
) -> None:
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id="manager",
                substitute_id="colleague",
                role="manager",
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    number = office.submit()
    office.do("claim", "substitute", number, on_behalf_of="manager")
    for trigger in ("claim", "release", "approve"):
        with pytest.raises(ClaimedByAnother) as refused:
            office.do(trigger, "colleague", number, on_behalf_of="manager")
        assert refused.value.holder == "substitute"
    office.fire("approve", "manager", number)


def test_a_substitute_does_not_override_a_claim_of_their_principals_own(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    with pytest.raises(ClaimedByAnother) as refused:
        office.fire("approve", "substitute", number, on_behalf_of="manager")
    assert refused.value.holder == "manager"
    office.fire("approve", "manager", number)


def test_an_administrator_releases_anybodys_claim_and_has_no_hand_in_the_request(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    office.do("start", "manager", number)
    office.later(days=9)
    for other in ("manager2", "clerk", "auditor"):
        assert "claimed" in reasons(office, number, "release", other)
    office.do("release", "administrator", number, remark="Ill.")
    event = office.records(number)[-1]
    assert (event["type"], event["body"]["actor"]) == ("task_released", "administrator")
    assert reasons(office, number, "release", "administrator") == ["unclaimed"]
    for verb in ("claim", "approve", "suspend"):
        with pytest.raises(NotFound):
            office.do(verb, "administrator", number, remark="Mine.")
    office.fire("approve", "manager2", number)
    give_role(office, "administrator", "clerk")
    assert reasons(office, number, "approve", "administrator") == []  # the release laid no hand on it
    office.do("claim", "clerk", number)
    assert "release" in office.engine.show(number, "administrator").possible
    assert office.report().ok


@pytest.mark.parametrize(("role", "releases"), [("administrator", True), (None, True), ("manager", False)])
def test_a_claim_is_released_by_administrators_of_its_unit_and_their_substitutes(
    office: Office, role: str | None, releases: bool
) -> None:
    for elsewhere in ("outsider", "manager2"):
        give_role(office, elsewhere, "administrator", ELSEWHERE)
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id="administrator",
                substitute_id="colleague",
                role=role,
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    number = office.submit()
    office.do("claim", "manager", number)
    with pytest.raises(NotFound):
        office.do("release", "outsider", number)
    with pytest.raises(ClaimedByAnother):  # who sees the request
        office.do("release", "manager2", number)
    if not releases:
        with pytest.raises(NotFound):
            office.do("release", "colleague", number, on_behalf_of="administrator")
        return
    office.do("release", "colleague", number, on_behalf_of="administrator")
    body = office.records(number)[-1]["body"]
    assert (body["actor"], body["on_behalf_of"]) == ("colleague", "administrator")


def test_who_stands_in_for_an_administrator_in_another_role_takes_no_claim_away(office: Office) -> None:
    give_role(office, "manager2", "administrator")
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id="manager2",
                substitute_id="colleague",
                role="manager",
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    number = office.submit()
    office.do("claim", "manager", number)
    with pytest.raises(ClaimedByAnother):
        office.do("release", "colleague", number, on_behalf_of="manager2")
    take_role(office, "manager", "manager")  # as a manager's substitute they may, now
    office.do("release", "colleague", number, on_behalf_of="manager2")


def test_a_stranger_learns_of_no_reference(office: Office) -> None:
    office.submit(reference="mortgage-7")
    command = replace(office.submission(reference="mortgage-7"), actor="outsider", on_behalf_of="employee")
    with pytest.raises(Refused) as refused:
        office.engine.execute(replace(command, key="guess"))
    assert "reference" not in {reason.code for reason in refused.value.reasons}


def test_a_signer_whom_nobody_is_called_is_told_at_the_approval(office: Office) -> None:
    number = office.to_review()
    signing = {**KINDS["employer_declaration"].example()["signing"], "name": "Jan Nobody"}
    with pytest.raises(Refused) as refused:
        office.fire("approve", "clerk", number, data={"signing": signing})
    [reason] = refused.value.reasons
    assert (reason.code, reason.field) == ("nobody-named", "signing.name")
    office.fire("approve", "clerk", number)


def test_a_signer_whom_four_eyes_keep_from_it_is_told_at_the_approval(office: Office) -> None:
    number, signing = office.to_review(), KINDS["employer_declaration"].example()["signing"]
    with office.store.write() as session:
        session.add(Grant(person_id="manager", role="signer", unit=None))
    with pytest.raises(Refused) as refused:
        office.fire("approve", "clerk", number, data={"signing": {**signing, "name": NAMES["manager"]}})
    [reason] = refused.value.reasons
    assert (reason.code, reason.field) == ("barred-named", "signing.name")
    assert reason.message.startswith(f"{NAMES['manager']} had a hand in 'manager'")
    with office.store.write() as session:  # another of that name will do
        session.get_one(Person, "signer2").name = NAMES["manager"]
    office.fire("approve", "clerk", number, data={"signing": {**signing, "name": NAMES["manager"]}})


def test_nor_may_whoever_approves_name_themselves_where_four_eyes_bind_the_two(office: Office) -> None:
    number = office.to_review()
    with office.store.write() as session:
        ledger = Ledger(session, Appender.lock(session, bytes), office.engine.definition)
        ledger.load([number])
    case = ledger.cases[number]
    sign = case.definition.states["sign"]
    stricter = {**case.definition.states, "sign": replace(sign, not_by=(*sign.not_by, "review"))}
    case.definition = replace(case.definition, states=stricter, sha256_hex="f" * 64)
    command = office.command("approve", "clerk", number)
    for called, codes in ((["clerk"], ["barred-named"]), (["clerk", "clerk2"], [])):
        found = against_naming(case, command, stricter["sign"], "N", called)
        assert [one.code for one in found] == codes


def test_whom_the_document_does_not_name_does_not_keep_the_task_from_others(office: Office) -> None:
    number = office.to_sign()
    with pytest.raises(Refused, match="The document names"):
        office.do("claim", "signer2", number)
    office.do("claim", "signer", number)


def test_the_requester_does_not_suspend_their_own_request(office: Office) -> None:
    number = office.engine.execute(replace(office.submission(), actor="manager")).request_id
    with pytest.raises(Refused) as refused:
        office.do("suspend", "manager", number, remark="Later.")
    assert "four-eyes" in {reason.code for reason in refused.value.reasons}


# --- when somebody moves or leaves


def take_role(office: Office, person: str, role: str) -> None:
    """What a register does that moves a person to another unit."""
    with office.store.write() as session:
        session.execute(Grant.table().delete().where(Grant.person_id == person, Grant.role == role))


def give_role(office: Office, person: str, role: str, unit: str | None = None) -> None:
    with office.store.write() as session:
        session.add(Grant(person_id=person, role=role, unit=unit))


def end_of_standing_in(office: Office) -> None:
    office.now = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


def leave(office: Office, person: str) -> None:
    with office.store.write() as session:
        session.get_one(Person, person).active = False


@pytest.mark.parametrize("how", ["role", "substitution", "principal's role"])
def test_a_claim_of_somebody_who_may_not_do_it_any_more_is_released_by_others(
    office: Office, how: str
) -> None:
    number = office.submit()
    if how == "role":
        office.do("claim", "manager", number)
        take_role(office, "manager", "manager")
    else:
        office.do("claim", "substitute", number, on_behalf_of="manager")
        with pytest.raises(ClaimedByAnother):
            office.do("release", "manager2", number)
        if how == "substitution":
            end_of_standing_in(office)
        else:
            take_role(office, "manager", "manager")
    with pytest.raises(ClaimedByAnother, match="release it first"):
        office.fire("approve", "manager2", number)
    with pytest.raises(NotFound):
        office.do("release", "outsider", number)
    office.do("release", "manager2", number)
    office.fire("approve", "manager2", number)
    assert office.report().ok


@pytest.mark.parametrize("principal", [None, "manager"])
def test_who_holds_a_task_gives_it_back_whatever_became_of_their_role(
    office: Office, principal: str | None
) -> None:
    """They see nothing of the request any more, and do nothing else with it."""
    number = office.submit()
    office.do("claim", "substitute", number, on_behalf_of="manager")
    end_of_standing_in(office)
    for attempt in (
        lambda: office.engine.show(number, "substitute"),
        lambda: office.fire("approve", "substitute", number, on_behalf_of="manager"),
        lambda: office.do("release", "substitute", number, on_behalf_of="manager2"),
    ):
        with pytest.raises(NotFound):
            attempt()
    office.do("release", "substitute", number, on_behalf_of=principal)
    with pytest.raises(NotFound):
        office.do("release", "substitute", number, on_behalf_of=principal)
    office.do("claim", "manager", number)
    take_role(office, "manager", "manager")
    office.do("release", "manager", number)
    assert office.task(number).claimed_by is None
    assert office.report().ok


def test_who_moved_finds_what_they_hold_and_others_are_told_to_release_it(office: Office) -> None:
    number = office.submit(reference="mortgage-7")
    office.do("claim", "manager", number)
    [item] = office.engine.queue("manager").items
    assert (item.requester_id, item.reference, item.lapsed) == ("employee", "mortgage-7", False)
    take_role(office, "manager", "manager")
    [item] = office.engine.queue("manager").items  # who sees nothing of the request any more
    assert (item.request_id, item.requester_id, item.reference, item.lapsed) == (number, "", None, True)
    [item] = office.engine.queue("manager2").items
    assert (item.claimed_by, item.requester_id, item.lapsed) == ("manager", "employee", True)
    with pytest.raises(ClaimedByAnother) as refused:
        office.fire("approve", "manager2", number)
    assert [reason.code for reason in refused.value.reasons] == ["claim-lapsed"]
    assert refused.value.hint.startswith("Release it")
    office.do("release", "manager", number)
    assert queue(office, "manager") == []


def test_a_claim_has_not_lapsed_for_who_may_do_it_in_their_own_right_by_now(office: Office) -> None:
    number = office.submit()
    office.do("claim", "substitute", number, on_behalf_of="manager")
    give_role(office, "substitute", "manager", UNIT)
    end_of_standing_in(office)
    [item] = office.engine.queue("substitute").items
    assert (item.claimed_by, item.on_behalf_of, item.lapsed) == ("substitute", None, False)
    office.fire("approve", "substitute", number)


def test_a_holder_who_has_left_gives_nothing_back(office: Office) -> None:
    number = office.submit()
    office.do("claim", "manager", number)
    leave(office, "manager")
    with pytest.raises(NotFound):
        office.do("release", "manager", number)


@pytest.mark.parametrize("verb", ["submit", "withdraw"])
def test_a_requester_who_moves_to_another_unit_keeps_their_request(office: Office, verb: str) -> None:
    number = office.submit()
    office.do("return", "manager", number, remark="Look.")
    take_role(office, "employee", "employee")
    give_role(office, "employee", "employee", ELSEWHERE)
    give_role(office, "colleague", "manager", UNIT)  # so that they see it
    assert reasons(office, number, verb, "colleague") == ["requester"]
    assert (queue(office, "employee"), queue(office, "colleague")) == ([(number, None)], [])
    office.fire(verb, "employee", number)


@pytest.mark.parametrize(("role", "found"), [("employee", True), ("author", False)])
def test_own_tasks_are_found_by_who_stands_in_for_the_requester_in_that_role(
    office: Office, role: str, found: bool
) -> None:
    number = office.submit()
    office.do("return", "manager", number, remark="Look.")
    take_role(office, "employee", "employee")
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id="employee",
                substitute_id="colleague",
                role=role,
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    assert queue(office, "colleague") == ([(number, "employee")] if found else [])


def test_what_a_leaver_left_behind_is_withdrawn_by_who_has_a_role_in_the_process(office: Office) -> None:
    first, second, third = (office.submit() for _ in range(3))
    for number in (first, second):
        office.do("return", "manager", number, remark="Look.")
    office.do("claim", "employee", first)
    for person in ("manager", "manager2", "clerk"):
        assert reasons(office, first, "withdraw", person) == ["requester"]
    with pytest.raises(NotFound):
        office.do("withdraw", "administrator", first)
    leave(office, "employee")
    assert (
        reasons(office, first, "withdraw", "manager") == []
    )  # who returned it: a withdrawal approves nothing
    assert reasons(office, first, "withdraw", "auditor") == ["role"]
    for stranger in ("outsider", "colleague", "employee"):
        with pytest.raises(NotFound):
            office.do("withdraw", stranger, first)
    assert "withdraw" in office.engine.show(first, "manager").possible
    office.do("withdraw", "manager", first)
    with pytest.raises(NotFound):
        office.engine.show(second, "administrator")
    office.do("withdraw", "administrator", second, remark="Left.")
    event = office.records(second)[-1]
    assert (event["type"], event["outcome"]) == ("request_withdrawn", "withdrawn")
    assert event["body"]["actor"] == "administrator"
    office.do("claim", "manager", third)
    assert reasons(office, third, "withdraw", "manager2") == ["claimed"]
    office.do("withdraw", "manager", third)
    assert office.report().ok


@pytest.mark.parametrize(("role", "repairs"), [("employee", False), ("manager", True), (None, True)])
def test_a_substitute_repairs_by_the_role_of_the_substitution(
    office: Office, role: str | None, repairs: bool
) -> None:
    give_role(office, "colleague", "clerk")  # so that they see it
    with office.store.write() as session:
        session.add(
            Substitute(
                principal_id="manager",
                substitute_id="colleague",
                role=role,
                valid_from=date(2026, 11, 1),
                valid_until=date(2026, 11, 30),
            )
        )
    number = office.to_review()
    office.fire("approve", "clerk2", number)
    [ref] = office.deferred
    with office.store.write() as session:
        office.engine.report_trouble(session, [StepTrouble(ref, "signing-signer", "No device.")])
    assert reasons(office, number, "repair", "colleague", "manager") == ([] if repairs else ["substitute"])
    office.engine.execute(office.command("repair", "clerk", number))


def running_plan(office: Office) -> int:
    """A team's action plan that was signed and delivered, and is being carried out."""
    data = sections(office.catalogue.get(PLAN, "standard"), "draft")
    new = Submission(PLAN, "standard")
    number = office.do("submit", "employee", data=data, submission=new).request_id
    for trigger in ("approve", "sign"):
        office.fire(trigger, "manager", number)
        office.run_steps()
    assert office.request(number).state == "running"
    return number


def test_a_plan_that_its_author_left_is_closed_by_others(office: Office) -> None:
    first, second = running_plan(office), running_plan(office)
    assert reasons(office, first, "close", "manager") == ["requester"]
    office.do("claim", "employee", first)
    office.do("suspend", "employee", first, remark="On leave.")
    leave(office, "employee")
    with office.store.read() as session:
        assert checkup.left_behind(cast(Any, office), session) == {"close": [first, second]}
    for verb in ("follow_up", "revise"):
        assert reasons(office, first, verb, "manager")
    assert "close" in office.engine.show(first, "manager").possible
    with pytest.raises(NotFound):
        office.do("close", "outsider", first)
    office.do("close", "manager", first)
    with pytest.raises(NotFound):
        office.do("revise", "administrator", second, remark="Left.")
    office.do("close", "administrator", second)
    assert {office.request(number).outcome for number in (first, second)} == {"done"}
    assert office.report().ok


def test_who_withdraws_a_new_revision_gives_up_the_revision_alone(office: Office) -> None:
    number, new = running_plan(office), office.submit("A3")
    office.fire("revise", "employee", number)
    assert office.do("withdraw", "employee", number).state == "running"
    event = office.records(number)[-1]
    assert (event["type"], event["trigger"], "outcome" in event) == ("request_advanced", "withdraw", False)
    office.fire("revise", "employee", number)
    office.fire("submit", "employee", number)
    office.fire("approve", "manager", number)
    office.run_steps()
    assert office.request(number).state == "sign"
    leave(office, "employee")
    assert office.do("withdraw", "administrator", number).state == "running"
    assert office.do("close", "administrator", number).state == "closed"
    assert office.do("withdraw", "administrator", new).state == "withdrawn"
    assert (office.request(number).outcome, office.report().ok) == ("done", True)


def test_a_plan_is_withdrawn_until_it_is_delivered(office: Office) -> None:
    data = sections(office.catalogue.get(PLAN, "standard"), "draft")
    command = office.command("submit", "employee", data=data, submission=Submission(PLAN, "standard"))
    number = office.engine.execute(command).request_id
    office.fire("return", "manager", number)
    assert office.do("withdraw", "employee", number).state == "withdrawn"
