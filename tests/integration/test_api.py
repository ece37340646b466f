"""The API over HTTP, of an office that works: what a program gets, and how it is told of what it doesn't."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from certs.serve_authority import AuthorityServer
from tests.api_office import BASE, Program, bearing, made_token, program, tokens_of
from tests.databases import KINDS, fresh
from tests.desk_office import browsing, served, signed_in
from tests.proving import PASSWORD
from tests.steps_office import CLERK, DECLARATION, MANAGER, SIGNER, Sample
from web import bodies
from web.api import guard
from web.api.app import api
from web.app import Desk
from web.rates import Rate
from workflow.tables import Body, Event, Grant
from workflow.tokens import READ, SCOPES, WRITE

ADMINISTRATOR = "P200"
WITHOUT_TOKEN = {"list_links", "get_openapi", "list_problems", "show_problem", "read_docs"}


@dataclass(frozen=True)
class Desked:
    url: str
    sample: Sample
    requester: str
    delivered: int
    tokens: dict[str, str]

    def token(self, person: str) -> str:
        if person not in self.tokens:
            self.tokens[person] = made_token(self.sample.office, person)[0]
        return self.tokens[person]


@pytest.fixture(scope="module", params=KINDS)
def desked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desked]:
    data = tmp_path_factory.mktemp("api") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with sample.office.store.write() as session:
            session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
        with AuthorityServer(sample.office.authority.folder):
            delivered = sample.submit("A4")
            asyncio.run(sample.run_until("delivered", delivered))
            with served(sample.office) as url:
                requester = sample.request(delivered).requester_id
                yield Desked(url, sample, requester, delivered, {})
        sample.office.close()


@pytest.fixture
def manager(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(MANAGER)) as client:
        yield client


@pytest.fixture
def requester(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(desked.requester)) as client:
        yield client


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer is, in its form."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    said: dict[str, Any] = answer.json()
    assert (said["status"], said["code"], said["type"]) == (status, code, f"{BASE}/problems/{code}")
    assert said["title"]
    assert "Traceback" not in answer.text
    return said


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
    assert [one["id"] for one in closed] == [desked.delivered]
    assert requester.get(f"{BASE}/requests", params={"unit": "none"}).json() == {"requests": [], "next": None}


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
    with program(desked.url, desked.token(MANAGER)) as client:
        address = f"{BASE}/requests/{number}/evidence"
        problem(client.get(address), 409, "workflow-evidence-unanchored")
        asyncio.run(desked.sample.office.anchor())
        for bodies_too, wanted in (("without", False), ("with", True)):
            answer = client.get(address, params={"bodies": bodies_too})
            assert answer.headers["content-type"] == "application/zip"
            with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
                assert ("log/bodies.jsonl" in archive.namelist()) is wanted


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


# --- the form of what goes in


@pytest.mark.parametrize(
    ("sent", "fields"),
    [
        ({"trigger": "claim", "surprise": 1}, {"surprise"}),
        ({"trigger": 1}, {"trigger"}),
        ({"trigger": "claim", "data": [], "facts": {"x": 1}}, {"data", "facts.x"}),
        ({}, {"trigger"}),
        ([], {"body"}),
    ],
)
def test_a_wrong_field_is_named(desked: Desked, manager: Program, sent: Any, fields: set[str]) -> None:
    headers = {"Idempotency-Key": "form-1", "If-Match": '"1"'}
    address = f"{BASE}/requests/{desked.delivered}/commands"
    said = problem(manager.post(address, headers=headers, json=sent), 422, "web-misshapen")
    assert {reason["field"] for reason in said["reasons"]} == fields


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"trigger": ' + b"9" * 5_000 + b"}", b"nul"]
)
def test_what_is_no_json_is_told_so(desked: Desked, manager: Program, body: bytes) -> None:
    headers = {"Idempotency-Key": "form-2", "If-Match": '"1"', "Content-Type": "application/json"}
    address = f"{BASE}/requests/{desked.delivered}/commands"
    problem(manager.post(address, headers=headers, content=body), 400, "web-unreadable")


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "a\nb", "\u202eevil", "<img src=x>", "{{7*7}}"])
def test_odd_characters_are_refused_or_kept_as_text(desked: Desked, manager: Program, odd: str) -> None:
    content = json.dumps({"trigger": odd, "remark": odd, "facts": {odd or "x": odd}, odd: 1}).encode()
    headers = {"Idempotency-Key": "form-3", "If-Match": '"1"', "Content-Type": "application/json"}
    address = f"{BASE}/requests/{desked.delivered}/commands"
    answer = manager.post(address, headers=headers, content=content)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.content.isascii()
    listed = manager.get(f"{BASE}/requests", params={"state": odd.encode(errors="replace").decode()})
    assert listed.status_code in (200, 422)


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_another_media_type_is_refused(desked: Desked, manager: Program, media_type: str | None) -> None:
    headers = {"Idempotency-Key": "form-4", "If-Match": '"1"'}
    headers |= {} if media_type is None else {"Content-Type": media_type}
    address = f"{BASE}/requests/{desked.delivered}/commands"
    problem(manager.post(address, headers=headers, content=b'{"trigger": "claim"}'), 415, "web-media-type")


def test_what_is_too_much_is_refused(manager: Program) -> None:
    headers = {"Idempotency-Key": "form-5", "Content-Type": "application/json"}
    much = b'{"data": "' + b"x" * (4 * bodies.MIB) + b'"}'
    problem(manager.post(f"{BASE}/requests", headers=headers, content=much), 413, "web-too-large")
    large = manager.post(f"{BASE}/proofs", headers=headers, content=much[: bodies.SMALL + 1])
    problem(large, 413, "web-too-large")


def test_unknown_addresses_and_methods_are_told_in_the_same_form(desked: Desked, manager: Program) -> None:
    for address in ("/nothing", "/requests/", "/requests/1/nothing", "/problems/none", "/x%0ay"):
        problem(manager.get(f"{BASE}{address}"), 404, "web-nothing-here")
    for method, address, taken in (
        ("DELETE", f"/requests/{desked.delivered}", "GET"),
        ("PUT", "/requests", "GET, POST"),
        ("OPTIONS", "/requests", "GET, POST"),
        ("GET", "/commands", "POST"),
    ):
        answer = manager.request(method, f"{BASE}{address}")
        problem(answer, 405, "web-method")
        assert answer.headers["allow"] == taken
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_parameters_that_there_are_not_are_refused(desked: Desked, manager: Program) -> None:
    answer = manager.get(f"{BASE}/requests?stat=review&limit=2&limit=3")
    said = problem(answer, 422, "web-misshapen")
    assert [reason["field"] for reason in said["reasons"]] == ["stat", "limit"]


# --- tokens


def everywhere(desked: Desked) -> Iterator[tuple[str, str, str, str]]:
    """Every operation: id, method, address with a number, scope."""
    for route in api(Desk(desked.sample.office).door).state.operations:
        [method] = route.methods
        security = route.openapi_extra["security"]
        address = route.path_format.format(
            number=desked.delivered,
            name="declaration",
            sha256="0" * 64,
            code="x",
            key=DECLARATION,
            variant="A3",
        )
        yield route.name, method, f"{BASE}{address}", security[0]["token"][0] if security else ""


def sent_to(client: httpx.Client, method: str, address: str) -> httpx.Response:
    """With what gets by everything that stands before the operation itself."""
    headers = {"Idempotency-Key": "every-1", "If-Match": '"1"'}
    kind = "application/pdf" if address.endswith("verify") else "application/json"
    body = {"content": b"{}", "headers": {**headers, "Content-Type": kind}} if method == "POST" else {}
    return client.request(method, address, **body)  # type: ignore[arg-type]


def test_without_a_token_only_what_says_so_is_told(desked: Desked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FAILURES", Rate("many", 1000, 1.0))
    open_to_all = set()
    with httpx.Client(base_url=desked.url, trust_env=False) as client:
        for name, method, address, scope in everywhere(desked):
            answer = sent_to(client, method, address)
            if not scope:
                open_to_all.add(name)
                assert answer.status_code in (200, 404)
                continue
            problem(answer, 401, "web-token-missing")
            assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert open_to_all == WITHOUT_TOKEN


def test_a_token_does_what_its_scope_says_and_nothing_else(desked: Desked) -> None:
    office = desked.sample.office
    for one in tokens_of(office).listed(CLERK):
        tokens_of(office).revoke(one.id, by=CLERK)
    desked.tokens.pop(CLERK, None)
    used = set()
    for scope in SCOPES:
        with_it, made = made_token(office, CLERK, scope)
        with program(desked.url, with_it) as client:
            for name, method, address, wanted in everywhere(desked):
                answer = sent_to(client, method, address)
                if wanted in (scope, ""):
                    used.add(name)
                    assert "scope" not in answer.text or answer.status_code == 200, (name, answer.text)
                else:
                    said = problem(answer, 403, "web-scope-missing")
                    assert wanted in said["detail"]
                    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        tokens_of(office).revoke(made.id, by=CLERK)
    assert used == {name for name, *_ in everywhere(desked)}


def test_a_session_of_the_pages_is_nobody_here(desked: Desked) -> None:
    with browsing(desked.url) as browser:
        signed_in(browser, desked.sample.office, "P015")
        assert browser.cookies
        problem(browser.get(f"{BASE}/requests"), 401, "web-token-missing")


@pytest.mark.parametrize(
    "said",
    ["Bearer", "Bearer x", "Basic cGFyYWFmOng=", "paraaf_x", "Bearer paraaf_" + "0" * 49, "bearer \xff"],
)
def test_what_is_no_token_is_told_so(desked: Desked, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FAILURES", Rate("more", 1000, 1.0))
    with httpx.Client(base_url=desked.url, trust_env=False) as client:
        answer = client.get(f"{BASE}/me", headers={"Authorization": said.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401
    assert answer.json()["code"] in ("web-token-missing", "web-token-unfit")


def test_a_token_that_has_ended_is_none(desked: Desked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FAILURES", Rate("ends", 1000, 1.0))
    office = desked.sample.office
    tokens = tokens_of(office)
    revoked, one = made_token(office, "P016")
    tokens.revoke(one.id, by="P016")
    short, _ = tokens.make("P016", "short", [READ], password=PASSWORD, kept=timedelta(days=1))
    with office.store.write() as session:
        from workflow.tables import ApiToken

        row = session.scalars(select(ApiToken).where(ApiToken.name == "short")).one()
        row.expires_at = office.clock()
    left, _ = made_token(office, "P017")
    with office.store.write() as session:
        from workflow.tables import Person

        session.get_one(Person, "P017").active = False
    for token in (revoked, short, left):
        with program(desked.url, token) as client:
            answer = client.get(f"{BASE}/me")
        problem(answer, 401, "web-token-unfit")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_me_says_whom_the_token_speaks_for(desked: Desked, manager: Program) -> None:
    said = manager.get(f"{BASE}/me").json()
    assert (said["id"], said["token"]) == (MANAGER, "a test's")
    assert "manager" in said["roles"]
    assert set(said["scopes"]) == set(SCOPES)


def test_a_token_asks_so_often_and_is_told_how_often(desked: Desked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "USES", Rate("token", 3, 3600.0))
    token, _ = made_token(desked.sample.office, "P018")
    with program(desked.url, token) as client:
        answers = [client.get(f"{BASE}/me") for _ in range(4)]
        assert [one.headers["ratelimit"].split(";")[1] for one in answers] == ["r=2", "r=1", "r=0", "r=0"]
        assert answers[0].headers["ratelimit-policy"].startswith('"token";q=')
        problem(answers[3], 429, "web-too-often")
        assert 1100 < int(answers[3].headers["retry-after"]) <= 1201
    with program(desked.url, desked.token(MANAGER)) as other:
        assert other.get(f"{BASE}/me").status_code == 200


def test_who_guesses_tokens_has_to_wait(desked: Desked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FAILURES", Rate("guesses", 2, 3600.0))
    with httpx.Client(base_url=desked.url, trust_env=False) as client:
        found = [client.get(f"{BASE}/me", headers=bearing("x")).status_code for _ in range(3)]
    assert found == [401, 401, 429]


# --- what it tells of itself


def test_the_description_is_whole(desked: Desked) -> None:
    with httpx.Client(base_url=desked.url, trust_env=False) as client:
        told = client.get(f"{BASE}/openapi.json").json()
    assert told["openapi"].startswith("3.1.")
    assert told["servers"] == [{"url": BASE}]
    operations = [one for methods in told["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert {*names, "read_docs"} == {name for name, *_ in everywhere(desked)}
    for one in operations:
        problems = [answer for status, answer in one["responses"].items() if status[0] in "45"]
        assert problems
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems)
        assert one["description"]
        if one["security"]:
            assert {"401", "403", "429", "503"} <= one["responses"].keys()
    for name, schema in told["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"], name
    assert "HTTPValidationError" not in told["components"]["schemas"]
    scheme = told["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_every_answer_names_a_problem_that_is_told_of(desked: Desked) -> None:
    with httpx.Client(base_url=desked.url, trust_env=False) as client:
        listed = client.get(f"{BASE}/problems").json()["problems"]
        assert {"workflow-refused", "web-token-missing", "workflow-stale"} <= {one["code"] for one in listed}
        for one in listed[::10]:
            assert client.get(one["type"]).json() == one


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing(desked: Desked) -> None:
    with httpx.Client(base_url=desked.url, trust_env=False) as client:
        page = client.get(f"{BASE}/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert 'src="http' not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name, *_ in everywhere(desked):
        assert name == "read_docs" or f'id="{name}"' in page.text


def test_what_nobody_foresaw_is_told_without_a_trace(
    desked: Desked, manager: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the house")

    monkeypatch.setattr(type(desked.sample.office.engine), "queue", broken)
    answer = manager.get(f"{BASE}/queue")
    problem(answer, 500, "web-failed")
    assert "secret" not in answer.text
    assert answer.headers["ratelimit"]


def test_an_operation_that_does_not_say_who_may_use_it_is_not_served() -> None:
    app = FastAPI()
    app.router.route_class = guard.Operation
    with pytest.raises(ValueError, match="who may use it"):
        app.get("/careless")(lambda: None)
