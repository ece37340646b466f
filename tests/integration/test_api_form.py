"""The API over HTTP: what it takes and what not, which token is good for what, what it tells of itself."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from schemathesis.specs.openapi.definitions import OPENAPI_31

from tests.api_office import BASE, Desked, Program, bearing, made_token, opened, problem, program, tokens_of
from tests.databases import KINDS
from tests.desk_office import browsing, signed_in
from tests.proving import PASSWORD
from tests.steps_office import CLERK, MANAGER
from web import bodies
from web.api import guard
from web.api.app import api
from web.app import Desk
from web.rates import Rate
from workflow.tables import Person
from workflow.tokens import READ, SCOPES

WITHOUT_TOKEN = {"list_links", "get_openapi", "list_problems", "show_problem", "read_docs"}
A_DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=KINDS)
def desked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desked]:
    with opened(request.param, tmp_path_factory.mktemp("api"), request) as desked:
        yield desked


@pytest.fixture
def manager(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(MANAGER)) as client:
        yield client


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
            hold=1,
            what="given",
            webhook=1,
        )
        yield route.name, method, f"{BASE}{address}", security[0]["token"][0] if security else ""


def sent_to(client: httpx.Client, method: str, address: str) -> httpx.Response:
    """With what gets by everything that stands before the operation itself."""
    headers = {"Idempotency-Key": "every-1", "If-Match": '"1"'}
    kind = "application/pdf" if address.endswith(("/verify", "/signed", "/scans")) else "application/json"
    body = {"content": b"{}", "headers": {**headers, "Content-Type": kind}} if method[0] == "P" else {}
    return client.request(method, address, **body)  # type: ignore[arg-type]


def test_without_a_token_only_what_says_so_is_told(desked: Desked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FAILURES", Rate("many", 1000, 1.0))
    open_to_all = set()
    with httpx.Client(base_url=desked.url, trust_env=False, timeout=60) as client:
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
    with httpx.Client(base_url=desked.url, trust_env=False, timeout=60) as client:
        answer = client.get(f"{BASE}/me", headers={"Authorization": said.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401
    assert answer.json()["code"] in ("web-token-missing", "web-token-unfit")


def test_a_token_that_has_ended_is_none(desked: Desked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "FAILURES", Rate("ends", 1000, 1.0))
    office = desked.sample.office
    tokens = tokens_of(office)
    revoked, one = made_token(office, "P016")
    tokens.revoke(one.id, by="P016")
    short = tokens_of(office, days_ago=2).make("P016", "short", [READ], password=PASSWORD, kept=A_DAY)[0]
    left, _ = made_token(office, "P017")
    with office.store.write() as session:
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
    monkeypatch.setattr(guard, "USES", Rate("few", 3, 3600.0))  # counted apart from the usual one
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
    with httpx.Client(base_url=desked.url, trust_env=False, timeout=60) as client:
        found = [client.get(f"{BASE}/me", headers=bearing("x")).status_code for _ in range(3)]
    assert found == [401, 401, 429]


# --- what it tells of itself


def test_the_description_is_whole(desked: Desked) -> None:
    with httpx.Client(base_url=desked.url, trust_env=False, timeout=60) as client:
        told = client.get(f"{BASE}/openapi.json").json()
    assert told["openapi"].startswith("3.1.")
    jsonschema.Draft202012Validator(OPENAPI_31).validate(told)
    assert told["servers"] == [{"url": BASE}]
    operations = [one for methods in told["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert {*names, "read_docs"} == {name for name, *_ in everywhere(desked)}
    for one in operations:
        problems = [answer for status, answer in one["responses"].items() if status[0] in "45"]
        assert problems
        assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems)
        assert one["description"].startswith(one["summary"])
        wanted = [each for each in one.get("parameters", ()) if each["required"]]
        assert all(each.get("examples") or each["schema"].get("examples") for each in wanted)
        if one["security"]:
            assert {"401", "403", "429", "503"} <= one["responses"].keys()
            assert all("Retry-After" in one["responses"][status]["headers"] for status in ("429", "503"))
    for name, schema in told["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["description"], name
    assert "HTTPValidationError" not in told["components"]["schemas"]
    scheme = told["components"]["securitySchemes"]["token"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_every_answer_names_a_problem_that_is_told_of(desked: Desked) -> None:
    with httpx.Client(base_url=desked.url, trust_env=False, timeout=60) as client:
        listed = client.get(f"{BASE}/problems").json()["problems"]
        assert {"workflow-refused", "web-token-missing", "workflow-stale"} <= {one["code"] for one in listed}
        for one in listed[::10]:
            assert client.get(one["type"]).json() == one


def test_the_page_loads_nothing_from_elsewhere_and_runs_nothing(desked: Desked) -> None:
    with httpx.Client(base_url=desked.url, trust_env=False, timeout=60) as client:
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
