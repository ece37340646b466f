"""The API over HTTP, of an office that works: what a program gets done, and is told of what it can't."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.api_office import BASE, Desked, Program, made_token, opened, problem, program
from tests.databases import KINDS, intruder
from tests.proving import PASSWORD
from tests.steps_office import CLERK, DECLARATION, MANAGER, SIGNER
from workflow.tables import Body, Event
from workflow.tokens import READ, WRITE

AUDITOR = "P192"


@pytest.fixture(scope="module", params=KINDS)
def desked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desked]:
    with opened(request.param, tmp_path_factory.mktemp("api"), request) as desked:
        yield desked


@pytest.fixture
def manager(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(MANAGER)) as client:
        yield client


@pytest.fixture
def requester(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(desked.requester)) as client:
        yield client


def submission(desked: Desked, **more: Any) -> dict[str, Any]:
    data = desked.sample.register.prefill(desked.requester, on=desked.sample.today)
    return {"key": DECLARATION, "variant": "A3", "language": "en", "data": data, **more}


def handed_in(desked: Desked, client: Program, **more: Any) -> httpx.Response:
    Program.count += 1
    key = f'"submit-{Program.count}"'
    sent = submission(desked, **more)
    return client.post(f"{BASE}/requests", headers={"Idempotency-Key": key}, json=sent)


def seen(answer: httpx.Response) -> str:
    return answer.headers["etag"].strip('"')


# --- a request from its beginning


def test_a_request_goes_from_hand_to_hand(desked: Desked, requester: Program, manager: Program) -> None:
    made = handed_in(desked, requester, reference="OURS-1")
    assert made.status_code == 201
    number = made.json()["request"]
    assert made.headers["location"] == f"{BASE}/requests/{number}"
    shown = manager.get(made.headers["location"])
    assert shown.headers["etag"] == made.headers["etag"] == '"1"'
    assert shown.json()["request"]["reference"] == "OURS-1"
    can = {one["trigger"]: one for one in shown.json()["can"]}
    cannot = {one["trigger"]: one["reasons"] for one in shown.json()["cannot"]}
    assert {"claim", "approve", "return"} <= can.keys()
    assert can["return"]["remark"] is True
    assert cannot["release"][0]["message"]
    assert number in [task["request_id"] for task in manager.get(f"{BASE}/queue").json()["tasks"]]
    claimed = manager.command(number, "claim", seen=1)
    approved = manager.command(number, "approve", seen=seen(claimed))
    assert approved.json() == {
        "request": number,
        "version": 3,
        "state": "review",
        "event_seq": approved.json()["event_seq"],
    }
    events = manager.get(f"{BASE}/requests/{number}/events").json()["events"]
    assert [event["type"] for event in events] == ["request_submitted", "task_claimed", "request_advanced"]
    assert {event["record"]["channel"] for event in events} == {"program"}
    assert events[2]["body"]["actor"] == MANAGER


def test_what_can_and_cannot_be_done_is_what_the_command_line_shows(
    desked: Desked, manager: Program, requester: Program
) -> None:
    number = handed_in(desked, requester).json()["request"]
    shown = manager.get(f"{BASE}/requests/{number}").json()
    view = desked.sample.office.engine.show(number, MANAGER)
    assert shown["request"]["possible"] == list(view.possible) == [one["trigger"] for one in shown["can"]]
    for one in shown["cannot"]:
        reasons = desked.sample.office.engine.why_not(number, one["trigger"], MANAGER)
        assert one["reasons"] == [
            {"code": each.code, "message": each.message, "field": each.field} for each in reasons
        ]


def test_what_has_to_be_settled_before_signing_is_told(desked: Desked, requester: Program) -> None:
    sent = submission(desked)["data"]
    sent["employee"]["address"] = "A street of another town 1"
    number = handed_in(desked, requester, data=sent).json()["request"]
    warnings = requester.get(f"{BASE}/requests/{number}").json()["warnings"]
    assert ("employee.address", "address-differs") in [(one["field"], one["rule"]) for one in warnings]


def test_a_refusal_has_every_reason_with_its_field(desked: Desked, requester: Program) -> None:
    sent = submission(desked)
    sent["data"]["employment"]["contract"] = "for life"
    sent["data"]["income"]["pay"] = "much"
    answer = requester.post(f"{BASE}/requests", headers={"Idempotency-Key": "r-1"}, json=sent)
    said = problem(answer, 422, "workflow-refused")
    assert {"employment.contract", "income.pay"} <= {reason["field"] for reason in said["reasons"]}


def test_a_program_acts_as_a_substitute(desked: Desked) -> None:
    """The signers stand in for each other; the clerk for nobody."""
    with program(desked.url, desked.token(CLERK)) as clerk:
        shown = clerk.get(f"{BASE}/requests/{desked.delivered}", params={"on_behalf_of": MANAGER}).json()
    assert (
        "substitute" in {reason["code"] for one in shown["cannot"] for reason in one["reasons"]}
        or not shown["can"]
    )
    with program(desked.url, desked.token("P002")) as signer:
        theirs = signer.get(f"{BASE}/substitutes").json()["substitutes"]
    assert {(one["who"], one["principal"]) for one in theirs} == {("P001", "P002"), ("P002", "P001")}


# --- versions and keys


def test_a_command_says_which_version_it_saw(desked: Desked, requester: Program, manager: Program) -> None:
    number = handed_in(desked, requester).json()["request"]
    address = f"{BASE}/requests/{number}/commands"
    without = manager.post(address, headers={"Idempotency-Key": "v-1"}, json={"trigger": "claim"})
    problem(without, 428, "web-version-missing")
    for odd in ('W/"1"', "1", '"abc"', '"1", "2"', ""):
        headers = {"Idempotency-Key": "v-1", "If-Match": odd}
        problem(manager.post(address, headers=headers, json={"trigger": "claim"}), 428, "web-version-missing")
    manager.command(number, "claim", seen=1)
    stale = manager.command(number, "approve", seen=1)
    assert problem(stale, 412, "workflow-stale")["version"] == 2
    assert stale.headers["etag"] == '"2"'
    blind = manager.command(number, "approve", seen="*")
    assert [one["code"] for one in problem(blind, 422, "workflow-refused")["reasons"]] == ["unseen"]
    assert manager.command(number, "release", seen="*").status_code == 200


def test_a_command_has_a_key(desked: Desked, requester: Program, manager: Program) -> None:
    number = handed_in(desked, requester).json()["request"]
    address = f"{BASE}/requests/{number}/commands"
    sent = {"json": {"trigger": "claim"}}
    problem(manager.post(address, headers={"If-Match": '"1"'}, **sent), 400, "web-key-missing")
    for odd in ("", '""', "two words", "x" * 129, 'a"b'):
        headers = {"If-Match": '"1"', "Idempotency-Key": odd}
        problem(manager.post(address, headers=headers, **sent), 400, "web-key-missing")
    for address in (f"{BASE}/requests", f"{BASE}/commands"):
        problem(manager.post(address, json={}), 400, "web-key-missing")


def test_a_repeat_is_given_the_first_answer(desked: Desked, requester: Program, manager: Program) -> None:
    number = handed_in(desked, requester).json()["request"]
    first = manager.command(number, "claim", seen=1, key=f"once-{number}")
    manager.command(number, "start", seen=2)
    again = manager.command(number, "claim", seen=1, key=f"once-{number}")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["etag"] == first.headers["etag"]


def test_a_key_is_for_one_command(desked: Desked, requester: Program, manager: Program) -> None:
    number = handed_in(desked, requester).json()["request"]
    manager.command(number, "claim", seen=1, key=f"same-{number}")
    for other in ({"trigger": "release"}, {"trigger": "claim", "remark": "Again."}):
        answer = manager.command(number, seen=2, key=f"same-{number}", **other)
        problem(answer, 422, "workflow-key-reused")


def test_a_submission_that_is_sent_again_makes_nothing_twice(desked: Desked, requester: Program) -> None:
    headers, sent = {"Idempotency-Key": '"declaration-7"'}, submission(desked)
    first = requester.post(f"{BASE}/requests", headers=headers, json=sent)
    again = requester.post(f"{BASE}/requests", headers=headers, json=sent)
    assert first.content == again.content
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    other = requester.post(f"{BASE}/requests", headers=headers, json={**sent, "language": "nl"})
    problem(other, 422, "workflow-key-reused")


def test_of_many_commands_one_that_is_refused_stops_no_other(
    desked: Desked, requester: Program, manager: Program
) -> None:
    first, second = (handed_in(desked, requester).json()["request"] for _ in range(2))
    sent = {
        "commands": [
            {"request": first, "trigger": "claim"},
            {"request": 10**6, "trigger": "claim"},
            {"request": second, "trigger": "approve", "version": 0},
            {"request": second, "trigger": "return", "version": 1},
            {"request": second, "trigger": "approve", "version": 1},
        ]
    }
    headers = {"Idempotency-Key": f'"many-{first}"'}
    answer = manager.post(f"{BASE}/commands", headers=headers, json=sent)
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [one["status"] for one in results] == [200, 404, 412, 422, 200]
    assert [one["request"] for one in results] == [first, 10**6, second, second, second]
    assert [one["answer"] is None for one in results] == [one["problem"] is not None for one in results]
    assert results[3]["problem"]["reasons"][0]["code"] == "remark"
    again = manager.post(f"{BASE}/commands", headers=headers, json=sent).json()["results"]
    assert [one["replayed"] for one in again] == [True, False, False, False, True]
    assert [one["answer"] for one in again] == [one["answer"] for one in results]


# --- consents


def test_a_consent_needs_the_password_and_a_token_for_it(desked: Desked) -> None:
    sample = desked.sample
    number = sample.submit("A1")
    while sample.request(number).state != "sign":
        if not sample.act([number]):
            asyncio.run(sample.run_steps(sample.waiting(number)))
    weak, _ = made_token(sample.office, SIGNER, READ, WRITE)
    with program(desked.url, weak) as client:
        version = seen(client.get(f"{BASE}/requests/{number}"))
        refused = client.command(number, "sign", seen=version)
        assert "consent" in [one["code"] for one in problem(refused, 422, "workflow-refused")["reasons"]]
        problem(client.command(number, "sign", seen=version, consent="click"), 403, "web-scope-missing")
        asked = {"password": PASSWORD.reveal(), "requests": [{"request": number, "version": int(version)}]}
        problem(client.post(f"{BASE}/proofs", json=asked), 403, "web-scope-missing")
    with program(desked.url, desked.token(SIGNER)) as client:
        can = {one["trigger"]: one for one in client.get(f"{BASE}/requests/{number}").json()["can"]}
        assert can["sign"]["proof"] is True
        name = can["sign"]["consent"]["name"]
        bare = client.command(number, "sign", seen=version, consent=name)
        assert [one["code"] for one in problem(bare, 422, "workflow-refused")["reasons"]] == ["proof-missing"]
        wrong = client.post(f"{BASE}/proofs", json={**asked, "password": "some other password"})
        problem(wrong, 403, "workflow-not-authenticated")
        proof = client.post(f"{BASE}/proofs", json=asked)
        assert proof.status_code == 201
        shown = {"consent": name, "proof": proof.json()["proof"]}
        assert client.command(number, "sign", seen=version, **shown).status_code == 200
    with sample.office.store.read() as session:
        query = select(Body.body).join(Event, Event.seq == Body.seq).where(Event.request_id == number)
        body = json.loads(session.scalars(query.order_by(Event.seq.desc())).first() or "")
    assert (body["actor"], body["consent"], body["consent_through"]) == (SIGNER, "click", "program")
    assert body["reauthenticated"]["method"] == "password"


def test_a_program_that_guesses_makes_its_person_wait_nowhere_else(desked: Desked) -> None:
    office, person = desked.sample.office, "P003"
    (bad, _), (good, _) = made_token(office, person), made_token(office, person)
    asked = {"password": "some other password", "requests": [{"request": desked.delivered, "version": 1}]}
    with program(desked.url, bad) as guessing, program(desked.url, good) as honest:
        found = [guessing.post(f"{BASE}/proofs", json=asked) for _ in range(5)]
        problem(found[0], 403, "workflow-not-authenticated")
        assert int(found[-1].headers["retry-after"])
        problem(found[-1], 429, "workflow-throttled")
        asked["password"] = PASSWORD.reveal()
        problem(guessing.post(f"{BASE}/proofs", json=asked), 429, "workflow-throttled")
        assert honest.post(f"{BASE}/proofs", json=asked).status_code == 201
    assert office.passwords.check(person, PASSWORD, lambda _session, _now: True)


# --- lists


def test_a_list_is_paged_and_nothing_comes_twice(desked: Desked, requester: Program) -> None:
    for _ in range(3):
        handed_in(desked, requester)
    address: str | None = f"{BASE}/requests?limit=2&key={DECLARATION}"
    numbers: list[int] = []
    while address:
        page = requester.get(address)
        numbers += [one["id"] for one in page.json()["requests"]]
        if not numbers[2:]:
            handed_in(desked, requester)  # which belongs to no later page
        address = page.json()["next"]
        assert ("link" in page.headers) == (address is not None)
        if address is not None:
            assert page.headers["link"] == f'<{address}>; rel="next"'
            assert f"key={DECLARATION}" in address
    office = desked.sample.office
    theirs = [one.id for one in office.engine.requests(desked.requester, limit=500)]
    assert numbers == [one for one in theirs if one <= numbers[0]]


@pytest.mark.parametrize("cursor", ["x", "%00", "YmVsb3cgLTE", "YmVsb3cgeA", "ü"])
def test_a_cursor_of_ones_own_is_refused(requester: Program, cursor: str) -> None:
    said = problem(requester.get(f"{BASE}/requests?cursor={cursor}"), 422, "web-misshapen")
    assert [one["field"] for one in said["reasons"]] == ["cursor"]


def test_a_list_is_narrowed(desked: Desked, requester: Program) -> None:
    handed_in(desked, requester, reference="NARROW-1")
    [one] = requester.get(f"{BASE}/requests", params={"reference": "NARROW-1"}).json()["requests"]
    assert (one["state"], one["reference"]) == ("manager", "NARROW-1")
    closed = requester.get(f"{BASE}/requests", params={"status": "closed"}).json()["requests"]
    assert desked.delivered in [one["id"] for one in closed]
    assert {one["outcome"] for one in closed} == {"done"}
    assert requester.get(f"{BASE}/requests", params={"unit": "none"}).json() == {"requests": [], "next": None}


def test_a_queue_is_narrowed_and_paged(desked: Desked, requester: Program, manager: Program) -> None:
    numbers = {handed_in(desked, requester).json()["request"] for _ in range(3)}
    address: str | None = f"{BASE}/queue?limit=2&sort=-number&state=manager&assignee=free"
    found: list[int] = []
    while address:
        page = manager.get(address)
        found += [task["request_id"] for task in page.json()["tasks"]]
        address = page.json()["next"]
        assert page.headers.get("link") == (f'<{address}>; rel="next"' if address else None)
    assert numbers <= set(found)
    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found)) == page.json()["count"]
    assert manager.get(f"{BASE}/queue?state=review").json()["tasks"] == []
    said = problem(manager.get(f"{BASE}/queue?cursor=mine"), 422, "web-misshapen")
    assert [reason["field"] for reason in said["reasons"]] == ["cursor"]
    problem(manager.get(f"{BASE}/queue?due=tomorrow"), 422, "web-misshapen")
    problem(manager.get(f"{BASE}/queue?offered_after=2026-02-31"), 422, "workflow-refused")


def test_the_next_is_claimed_once(desked: Desked, requester: Program, manager: Program) -> None:
    handed_in(desked, requester)
    headers = {"Idempotency-Key": "next-1"}
    first = manager.post(f"{BASE}/queue/next", headers=headers, json={"state": "manager"})
    again = manager.post(f"{BASE}/queue/next", headers=headers, json={"state": "manager"})
    number = first.json()["claimed"]["request"]
    assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
    assert manager.get(f"{BASE}/requests/{number}").json()["request"]["claimed_by"] == MANAGER
    none = manager.post(f"{BASE}/queue/next", headers={"Idempotency-Key": "next-2"}, json={"unit": "none"})
    assert none.json() == {"claimed": None}


# --- documents, evidence, the register


def test_a_document_is_the_stored_file(desked: Desked, requester: Program) -> None:
    [document] = requester.get(f"{BASE}/requests/{desked.delivered}/documents").json()["documents"]
    address = f"{BASE}/requests/{desked.delivered}/documents/{document['name']}"
    assert requester.get(address).json() == document
    pdf = requester.get(f"{address}/pdf")
    assert hashlib.sha256(pdf.content).hexdigest() == document["current_sha256"]
    assert pdf.headers["etag"] == f'"{document["current_sha256"]}"'
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"].startswith("attachment; ")
    again = requester.get(f"{address}/pdf", headers={"If-None-Match": pdf.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for none in ("other", "..%2f..", "%00"):
        problem(
            requester.get(f"{BASE}/requests/{desked.delivered}/documents/{none}"), 404, "web-nothing-here"
        )


def test_evidence_is_given_once_an_anchor_is_over_it(desked: Desked, requester: Program) -> None:
    number = desked.sample.submit("A4")
    asyncio.run(desked.sample.run_until("delivered", number))
    address = f"{BASE}/requests/{number}/evidence"
    with program(desked.url, desked.token(MANAGER)) as client:  # who sees the request, and audits nothing
        problem(client.get(address), 403, "web-duty-missing")
    with program(desked.url, desked.token(AUDITOR)) as client:
        problem(client.get(address), 409, "workflow-evidence-unanchored")
        asyncio.run(desked.sample.office.anchor())
        for bodies_too, wanted in (("without", False), ("with", True)):
            answer = client.get(address, params={"bodies": bodies_too})
            assert answer.headers["content-type"] == "application/zip"
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert ("log/bodies.jsonl" in archive.namelist()) is wanted
        replace_in_events(desked, number, '"unit":"', '"unit":"x')
        problem(client.get(address), 500, "workflow-evidence-refused")
        replace_in_events(desked, number, '"unit":"x', '"unit":"')


def replace_in_events(desked: Desked, number: int, old: str, new: str) -> None:
    with intruder(desked.sample.office.store, guarded=False) as database:
        changed = "UPDATE events SET record = replace(record, ?, ?) WHERE request_id = ?"
        database.execute(changed, (old, new, number))


def test_a_file_is_judged_with_the_registers_word(desked: Desked, requester: Program) -> None:
    [document] = desked.sample.documents(desked.delivered)
    pdf = desked.sample.office.blobs.get(document.current_sha256)
    headers = {"Content-Type": "application/pdf"}
    said = requester.post(f"{BASE}/verify?name=mine.pdf", headers=headers, content=pdf).json()
    assert (said["file"], said["indication"], said["sha256"]) == (
        "mine.pdf",
        "TOTAL-PASSED",
        document.current_sha256,
    )
    assert (said["register"]["standing"], said["register"]["request"]) == ("issued", desked.delivered)
    with program(desked.url, desked.token("P008")) as stranger:  # who leads another team
        theirs = stranger.post(f"{BASE}/verify", headers=headers, content=pdf).json()
    assert theirs["register"]["standing"] == "hidden"
    assert document.number not in json.dumps(theirs["register"])
    problem(requester.post(f"{BASE}/verify", headers=headers, content=b""), 422, "web-misshapen")
    odd = requester.post(f"{BASE}/verify", headers=headers, content=b"no PDF at all").json()
    assert odd["indication"] == "INDETERMINATE"


def test_the_register_tells_what_the_paper_shows(desked: Desked, requester: Program) -> None:
    [document] = desked.sample.documents(desked.delivered)
    by_code = requester.get(f"{BASE}/register/codes/{document.verification_code}").json()
    assert (by_code["number"], by_code["withdrawn"]) == (document.number, None)
    by_digest = requester.get(f"{BASE}/register/files/{document.current_sha256}").json()
    assert (by_digest["standing"], by_digest["number"]) == ("issued", document.number)
    assert requester.get(f"{BASE}/register/files/{'0' * 64}").json()["standing"] == "unknown"
    problem(requester.get(f"{BASE}/register/codes/AAAA-BBBB"), 404, "web-nothing-here")
    employee = desked.sample.request(desked.delivered).data["employee"]["name"]
    assert employee not in json.dumps([by_code, by_digest])
