"""Who gets at what by the API: every operation × role × request (own, the team's, another team's).

The operations are those that the application has; each stands in exactly one list here. Who sees which
request is written down by hand. Whoever doesn't is answered word by word as about one that there is not.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.api_office import ADMINISTRATOR, BASE, Desked, Program, opened, program
from tests.databases import KINDS
from tests.proving import PASSWORD
from tests.steps_office import CLERK, DECLARATION, MANAGER, PLAN, SIGNER
from web.api import files, guard
from web.api.app import api
from web.app import Desk
from web.rates import Rate
from workflow.commands import Command, StepTrouble, Submission
from workflow.tables import Person

OTHER_MANAGER, AUDITOR = "P008", "P192"
NOBODY = 10**6  # a request's number
OBJECTS = ("own", "team's", "other's")
SEES = {
    "requester": {"own"},
    "colleague": {"team's"},
    "manager": {"own", "team's"},
    "other manager": {"other's"},
    "outsider": {"other's"},
    "clerk": set(OBJECTS),
    "signer": set(OBJECTS),
    "auditor": set(OBJECTS),
    "administrator": set(),
}
# By each that is about a request: how it is asked for one, and what those get who see it, of theirs.
Ask = Callable[[Program, int], httpx.Response]


def got(path: str) -> Ask:
    return lambda client, number: client.get(f"{BASE}/requests/{number}{path}")


def proved(client: Program, number: int) -> httpx.Response:
    sent = {"password": PASSWORD.reveal(), "requests": [{"request": number, "version": 1}]}
    return client.post(f"{BASE}/proofs", json=sent)


ABOUT_ONE: dict[str, tuple[Ask, set[int]]] = {
    "show_request": (got(""), {200}),
    "list_events": (got("/events"), {200}),
    "show_timing": (got("/timing"), {200}),
    "get_file": (got("/files/given"), {404}),  # nothing went out
    "give_out": (lambda client, number: client.sent(number, "/given"), {422}),
    "take_signed": (lambda client, number: client.sent(number, "/signed", pdf=b"%PDF"), {422}),
    "list_documents": (got("/documents"), {200}),
    "show_document": (got("/documents/declaration"), {200, 404}),  # 404 before there is one
    "get_pdf": (got("/documents/declaration/pdf"), {200, 404}),
    "get_evidence": (got("/evidence"), {403, 409}),  # auditors may: see test_api
    "send_command": (lambda client, number: client.command(number, "nonsense", seen="*"), {422}),
    "prove": (proved, {201}),
}
LISTS = {"list_requests", "list_queue", "list_incidents"}
OWN = {"list_substitutes", "show_me", "list_filters", "save_filter", "remove_filter"}
OF_ADMINISTRATORS = {"list_people"}
OF_OVERSEERS = {"show_retention", "check_log", "export_log", "list_webhooks", "list_messages"}
OF_HOLDS = {"place_hold", "release_hold"}
FOR_EVERYBODY = {"list_definitions", "show_definition", "show_prefilled"}
# What the recipient's check tells anybody who has the file or the paper; of `verify` see test_api.
FOR_RECIPIENTS = {"verify_file", "look_up_file", "look_up_code"}
OTHERWISE = {"submit_request", "send_commands", "name_substitute", "end_substitutes"}  # below
BY_WHAT_IS_ON_IT = {"take_scans"}  # the request that the codes name, for who may: see test_api_files
OF_THE_QUEUE = {"take_next"}  # whoever can take what is listed: see test_api
WITHOUT_TOKEN = {"list_links", "get_openapi", "read_docs", "list_problems", "show_problem"}


@pytest.fixture(scope="module", params=KINDS)
def desked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desked]:
    folder = tmp_path_factory.mktemp("matrix")
    with opened(request.param, folder, request) as desked, pytest.MonkeyPatch.context() as patch:
        for room, name in ((guard, "USES"), (files, "LOOK_UPS")):
            patch.setattr(room, name, Rate("token", 10**6, 1.0))
        yield desked


@pytest.fixture(scope="module")
def people(desked: Desked) -> dict[str, str]:
    with desked.sample.office.store.read() as session:
        theirs = session.get_one(Person, desked.requester).unit
        others = session.get_one(Person, OTHER_MANAGER).unit
        plain = [
            one.person_id
            for one in desked.sample.register.people()
            if not one.has_duty("manager") and not one.has_duty("clerk") and one.unit in (theirs, others)
        ]
        units = {one: session.get_one(Person, one).unit for one in plain}
    colleague = next(one for one in plain if units[one] == theirs and one != desked.requester)
    outsider = next(one for one in plain if units[one] == others)
    return {
        "requester": desked.requester,
        "colleague": colleague,
        "manager": MANAGER,
        "other manager": OTHER_MANAGER,
        "outsider": outsider,
        "clerk": CLERK,
        "signer": SIGNER,
        "auditor": AUDITOR,
        "administrator": ADMINISTRATOR,
    }


@pytest.fixture(scope="module")
def objects(desked: Desked, people: dict[str, str]) -> dict[str, int]:
    """A request of each: the first was delivered, the others wait for a manager."""
    return {
        "own": desked.delivered,
        "team's": submitted(desked, people["colleague"]),
        "other's": submitted(desked, people["outsider"]),
    }


def submitted(desked: Desked, person: str) -> int:
    sample = desked.sample
    data = sample.register.prefill(person, on=sample.today)
    command = Command(
        "submit", person, f"matrix-{person}", data=data, submission=Submission(DECLARATION, "A3")
    )
    return sample.office.engine.execute(command).request_id


@pytest.fixture(scope="module")
def given_up(desked: Desked) -> int:
    """One more of the requester's, of which a step was given up."""
    sample = desked.sample
    number = sample.submit("A4")
    while not (waiting := sample.waiting(number)):
        sample.act([number])
    with sample.office.store.write() as session:
        sample.office.engine.report_trouble(session, [StepTrouble(waiting[0], "disk", "No room.")])
    return number


@pytest.fixture(params=SEES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def asker(desked: Desked, people: dict[str, str], role: str) -> Iterator[Program]:
    with program(desked.url, desked.token(people[role])) as client:
        yield client


def test_every_operation_is_in_one_list(desked: Desked) -> None:
    listed = [
        *ABOUT_ONE,
        *LISTS,
        *OWN,
        *OF_ADMINISTRATORS,
        *OF_OVERSEERS,
        *OF_HOLDS,
        *BY_WHAT_IS_ON_IT,
        *FOR_EVERYBODY,
        *FOR_RECIPIENTS,
        *OTHERWISE,
        *OF_THE_QUEUE,
        *WITHOUT_TOKEN,
    ]
    assert sorted(listed) == sorted(one.name for one in api(Desk(desked.sample.office).door).state.operations)


@pytest.mark.parametrize("operation", ABOUT_ONE)
def test_a_request_is_there_for_whom_it_is_there(
    objects: dict[str, int], role: str, asker: Program, operation: str
) -> None:
    ask, wanted = ABOUT_ONE[operation]
    unknown = ask(asker, NOBODY)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "workflow-not-found")
    for name, number in objects.items():
        answer = ask(asker, number)
        if name in SEES[role]:
            assert answer.status_code in wanted, (name, answer.text)
            nothing = {"web-nothing-here", "workflow-outside-nothing-kept"}
            assert answer.status_code != 404 or answer.json()["code"] in nothing
        else:
            assert untold(answer, number) == untold(unknown, NOBODY), name


def untold(answer: httpx.Response, number: int) -> tuple[int, str, dict[str, str]]:
    """An answer, but for the number that was asked for, the time, and how often may be asked still."""
    own = {"date", "content-length", "ratelimit"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.status_code, answer.text.replace(f"request {number} ", "request N "), headers


def test_of_many_each_is_answered_so(objects: dict[str, int], role: str, asker: Program) -> None:
    numbers = [*objects.values(), NOBODY]
    sent = {"commands": [{"request": number, "trigger": "nonsense"} for number in numbers]}
    answer = asker.post(
        f"{BASE}/commands", headers={"Idempotency-Key": f"matrix-{role}".replace(" ", "-")}, json=sent
    )
    results = dict(zip([*objects, ""], answer.json()["results"], strict=True))
    for name, number in objects.items():
        wanted = 422 if name in SEES[role] else 404
        assert results[name]["status"] == wanted
        if wanted == 404:
            told, nothing = (without_number(results[one], of) for one, of in ((name, number), ("", NOBODY)))
            assert told == nothing


def without_number(result: dict[str, Any], number: int) -> str:
    return str({**result, "request": 0}).replace(f"request {number} ", "request N ")


def test_lists_hold_what_one_sees(objects: dict[str, int], role: str, asker: Program) -> None:
    listed = {one["id"] for one in asker.get(f"{BASE}/requests?limit=500").json()["requests"]}
    assert listed & set(objects.values()) == {objects[name] for name in SEES[role]}
    waiting = {one["request_id"] for one in asker.get(f"{BASE}/queue").json()["tasks"]}
    takes = {"manager": {"team's"}, "other manager": {"other's"}}.get(role, set())
    assert waiting & set(objects.values()) == {objects[name] for name in takes}


def test_incidents_are_for_who_sees_or_administers_the_request(
    given_up: int, role: str, asker: Program
) -> None:
    listed = asker.get(f"{BASE}/incidents").json()["incidents"]
    told = "own" in SEES[role] or role == "administrator"
    assert [one["request_id"] for one in listed] == ([given_up] if told else [])


def test_what_is_of_people_is_for_administrators_and_oneself(
    people: dict[str, str], role: str, asker: Program
) -> None:
    listed = asker.get(f"{BASE}/people")
    if role == "administrator":
        assert {one["id"] for one in listed.json()["people"]} >= set(people.values())
    else:
        assert (listed.status_code, listed.json()["code"]) == (403, "web-duty-missing")
        assert not [one for one in people.values() if one in listed.text]
    theirs = asker.get(f"{BASE}/substitutes").json()["substitutes"]
    assert len(theirs) == (2 if role in ("signer", "administrator") else 0)
    assert asker.get(f"{BASE}/me").json()["id"] == people[role]


def test_the_log_and_what_is_kept_are_for_who_oversees_all(role: str, asker: Program) -> None:
    asked = ("/retention", "/log/events", "/webhooks", "/webhooks/1/messages")
    answers = [asker.get(f"{BASE}{path}") for path in asked]
    answers.append(asker.post(f"{BASE}/log/check"))
    if role in ("administrator", "auditor"):
        assert [one.status_code for one in answers] == [200, 200, 200, 404, 200]
    else:
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "web-duty-missing")}


def test_a_hold_is_placed_by_who_has_a_part_but_not_by_the_requester(
    objects: dict[str, int], role: str, asker: Program
) -> None:
    may = {"manager": {"team's"}, "other manager": {"other's"}}.get(role, set())
    may = set(OBJECTS) if role in ("clerk", "administrator") else may
    for name, number in objects.items():
        sent = {"reason": f"Asked by the {role}."}
        placed = asker.sent(number, "/holds", **sent)
        allowed = name in may or (role == "manager" and name == "own") or role == "signer"
        sees = name in SEES[role] or role == "administrator"
        assert placed.status_code == (201 if allowed else 422 if sees else 404), (name, placed.text)
        if allowed:
            released = asker.sent(number, f"/holds/{placed.json()['id']}/release", **sent)
            assert (released.status_code, released.json()["left"]) == (200, [])


def test_who_stands_in_is_said_by_oneself_or_an_administrator(
    people: dict[str, str], role: str, asker: Program
) -> None:
    days = {"first_day": "2999-01-01", "last_day": "2999-01-31"}
    for principal in (people[role], people["outsider"]):
        pair = {"who": "P180", "principal": principal}
        allowed = principal == people[role] or role == "administrator"
        for _ in range(2):  # said again, it is said once
            named = asker.put(f"{BASE}/substitutes", json={**pair, **days})
            assert named.status_code == (200 if allowed else 422), named.text
        ended = asker.delete(f"{BASE}/substitutes", params=pair)
        assert ended.status_code == (200 if allowed else 422)
        if allowed:
            assert [one["who"] for one in ended.json()["substitutes"]] == ["P180"]
        again = asker.delete(f"{BASE}/substitutes", params=pair)
        assert (again.status_code, again.json()["code"]) == (422, "workflow-substitution")


def test_processes_are_for_everybody(asker: Program) -> None:
    lines = asker.get(f"{BASE}/definitions").json()["definitions"]
    assert {one["key"] for one in lines} == {DECLARATION, PLAN}
    for one in lines:
        prefilled = asker.get(f"{BASE}/definitions/{one['sha256']}/prefill").json()
        assert prefilled["data"] or prefilled["reasons"] or one["key"] == PLAN
        shown = asker.get(f"{BASE}/definitions/{one['sha256']}")
        assert (shown.status_code, shown.json()["sha256"]) == (200, one["sha256"])
        assert "file" not in shown.json()


def test_one_hands_in_in_ones_own_name_alone(
    desked: Desked, people: dict[str, str], role: str, asker: Program
) -> None:
    sample = desked.sample
    data = sample.register.prefill(people["outsider"], on=sample.today)
    sent = {"key": DECLARATION, "variant": "A3", "on_behalf_of": people["colleague"], "data": data}
    key = {"Idempotency-Key": f"for-{role}".replace(" ", "-")}
    answer = asker.post(f"{BASE}/requests", headers=key, json=sent)
    assert answer.status_code == 422
    assert "substitute" in {reason["code"] for reason in answer.json()["reasons"]}


def test_files_are_judged_without_a_word_of_what_one_does_not_see(
    desked: Desked, role: str, asker: Program
) -> None:
    [document] = desked.sample.documents(desked.delivered)
    pdf = desked.sample.office.blobs.get(document.current_sha256)
    said = asker.post(f"{BASE}/verify", headers={"Content-Type": "application/pdf"}, content=pdf).json()
    seen = "own" in SEES[role]
    assert said["register"]["standing"] == ("issued" if seen else "hidden")
    assert said["register"]["request"] == (desked.delivered if seen else None)
