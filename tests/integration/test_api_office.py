"""The API over HTTP: filters, times, holds, substitutes, the log, webhooks, for programs of an office."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from certs.hosts import AllowedHosts
from tests.api_office import ADMINISTRATOR, BASE, Desked, Program, opened, problem, program
from tests.databases import KINDS
from tests.desk_office import browsing, csrf_of
from tests.proving import PASSWORD
from tests.steps_office import CLERK, MANAGER, OTHER_SIGNER, SIGNER
from workflow.logcheck import verify
from workflow.substitutes import Substitution, name_substitute
from workflow.tables import Grant, Person, Request, Substitute

AUDITOR = "P192"


@pytest.fixture(scope="module", params=KINDS)
def desked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desked]:
    with opened(request.param, tmp_path_factory.mktemp("office"), request) as desked:
        yield desked


@pytest.fixture
def clerk(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(CLERK)) as client:
        yield client


@pytest.fixture
def auditor(desked: Desked) -> Iterator[Program]:
    with program(desked.url, desked.token(AUDITOR)) as client:
        yield client


def test_a_filter_is_kept_used_and_removed(desked: Desked, clerk: Program) -> None:
    number = desked.sample.submit("A4")
    with program(desked.url, desked.token(MANAGER)) as manager:
        kept = {"name": "Ours / now", "filter": {"state": "manager", "sort": "-number"}}
        saved = manager.put(f"{BASE}/queue/filters", json=kept)
        assert saved.json() == {"filters": [{"name": "Ours / now", "query": "state=manager&sort=-number"}]}
        found = manager.get(f"{BASE}/queue", params={"filter": "Ours / now"}).json()["tasks"]
        assert found[0]["request_id"] == number
        narrowed = manager.get(f"{BASE}/queue", params={"filter": "Ours / now", "state": "review"})
        assert narrowed.json()["tasks"] == []
        said = problem(manager.get(f"{BASE}/queue?filter=none"), 422, "web-misshapen")
        assert said["reasons"][0]["field"] == "filter"
        assert clerk.get(f"{BASE}/queue/filters").json() == {"filters": []}
        removed = {"params": {"name": "Ours / now"}}
        assert manager.delete(f"{BASE}/queue/filters", **removed).json() == {"filters": []}
        problem(manager.delete(f"{BASE}/queue/filters", **removed), 404, "web-nothing-here")


def test_every_verb_is_sent_alike(desked: Desked) -> None:
    number = desked.sample.submit("A4-DUAL")
    requester = desked.sample.request(number).requester_id
    with (
        program(desked.url, desked.token(MANAGER)) as manager,
        program(desked.url, desked.token(requester)) as theirs,
    ):
        steps: list[tuple[Program, str, dict[str, Any]]] = [
            (manager, "claim", {}),
            (manager, "start", {}),
            (manager, "suspend", {"remark": "The payroll office is asked."}),
            (manager, "resume", {}),
            (manager, "save_draft", {"data": {"continuation": {"prospect": "permanent"}}}),
            (manager, "release", {}),
            (manager, "return", {"remark": "Look at the amounts."}),
            (theirs, "submit", {}),
            (theirs, "withdraw", {}),
        ]
        version = 1
        for client, trigger, more in steps:
            can = {one["trigger"]: one for one in client.get(f"{BASE}/requests/{number}").json()["can"]}
            assert can[trigger]["remark"] is ("remark" in more)
            done = client.command(number, trigger, seen=version, **more)
            assert done.status_code == 200, (trigger, done.text)
            version = done.json()["version"]
            if trigger == "save_draft":
                shown = [one.get(f"{BASE}/requests/{number}").json()["request"] for one in (manager, theirs)]
                assert shown[0]["draft"]["data"] == more["data"]
                assert shown[1]["draft"] is None
        assert done.json()["state"] == "withdrawn"


def test_two_release_a_seal(desked: Desked) -> None:
    sample = desked.sample
    number = sample.submit("A4-DUAL")
    asyncio.run(sample.run_until("sign", number))
    for person, state in ((SIGNER, "second_release"), (OTHER_SIGNER, "sealing")):
        with program(desked.url, desked.token(person)) as signer:
            seen = sample.request(number).version
            assert signer.command(number, "release_seal", seen=seen).json()["state"] == state
            assert signer.command(number, "release_seal", seen=seen + 1).status_code == 422


def test_requests_are_searched_and_timed(desked: Desked, clerk: Program) -> None:
    found = clerk.get(f"{BASE}/requests", params={"text": str(desked.delivered)}).json()["requests"]
    assert [one["id"] for one in found] == [desked.delivered]
    told = clerk.get(f"{BASE}/requests/{desked.delivered}/timing").json()
    assert [one["state"] for one in told["stretches"]] == ["manager", "review", "sign"]
    assert told["lead_s"] > 0


def test_a_hold_is_placed_once_under_its_key(desked: Desked, clerk: Program) -> None:
    before = desked.sample.records(desked.delivered, "hold_placed")
    first = clerk.sent(desked.delivered, "/holds", reason="A question.", key="hold-1")
    again = clerk.sent(desked.delivered, "/holds", reason="A question.", key="hold-1")
    assert first.status_code == again.status_code == 201
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    other = clerk.sent(desked.delivered, "/holds", reason="Another.", key="hold-1")
    problem(other, 422, "workflow-key-reused")
    [placed] = desked.sample.records(desked.delivered, "hold_placed")[len(before) :]
    assert placed["channel"] == "program"
    without = clerk.post(f"{BASE}/requests/{desked.delivered}/holds", json={"reason": "A question."})
    problem(without, 400, "web-key-missing")
    path = f"/holds/{first.json()['id']}/release"
    assert clerk.sent(desked.delivered, path, reason="Answered.").json()["left"] == []
    gone = clerk.sent(desked.delivered, path, reason="Answered.")
    assert problem(gone, 422, "workflow-refused")["reasons"][0]["code"] == "no-hold"


def test_a_day_that_there_is_not_is_named(desked: Desked, clerk: Program) -> None:
    sent = {"who": "P021", "principal": CLERK, "first_day": "2027-02-30", "last_day": "2027-03-01"}
    said = problem(clerk.put(f"{BASE}/substitutes", json=sent), 422, "web-misshapen")
    assert [reason["field"] for reason in said["reasons"]] == ["first_day"]


def test_an_auditor_has_the_log_checked_and_takes_it_home(desked: Desked, auditor: Program) -> None:
    asyncio.run(desked.sample.office.anchor())
    checked = auditor.post(f"{BASE}/log/check").json()
    assert (checked["ok"], checked["findings"], checked["anchors"]) == (True, [], 1)
    lines = auditor.get(f"{BASE}/log/events").text.splitlines()
    events = [json.loads(line) for line in lines]
    assert sum("event" in one for one in events) == checked["checked"]
    assert '"actor"' not in "".join(lines)
    kept = auditor.get(f"{BASE}/retention", params={"days": 3660}).json()
    assert desked.delivered in [one["request_id"] for one in kept["due"]]


def test_what_became_of_messages_is_told(desked: Desked, auditor: Program) -> None:
    office = desked.sample.office
    hooks = replace(office.webhooks, hosts=AllowedHosts.parse(["portal.example"]))
    number, _ = hooks.add("https://portal.example/x", [], by=ADMINISTRATOR, at=office.clock())
    desked.sample.submit("A4")
    replace(office.sender, webhooks=hooks, resolve=lambda *_: ["10.0.0.7"]).run()
    assert [one["id"] for one in auditor.get(f"{BASE}/webhooks").json()["webhooks"]] == [number]
    told = auditor.get(f"{BASE}/webhooks/{number}/messages").json()["messages"]
    assert [(one["type"], one["code"]) for one in told] == [("request_submitted", "address-refused")]
    assert told[0]["next_at"]
    with office.store.read() as session:
        assert verify(session).ok


def test_who_stands_in_for_an_administrator_finds_the_same_people(desked: Desked) -> None:
    office, today, stand_in = desked.sample.office, desked.sample.today, "P180"
    swap = Substitution(stand_in, ADMINISTRATOR, "administrator", today, date.max)
    with office.store.write() as session:
        name_substitute(session, swap, now=office.clock())
    lists = []
    for person in (ADMINISTRATOR, stand_in):
        with program(desked.url, desked.token(person)) as client:
            lists.append([client.get(f"{BASE}/{what}").json() for what in ("people", "substitutes")])
    with office.store.write() as session:
        session.execute(delete(Substitute).where(Substitute.substitute_id == stand_in))
    assert lists[0] == lists[1]
    assert {"role": "administrator", "unit": None} in [
        role for one in lists[0][0]["people"] if one["id"] == ADMINISTRATOR for role in one["roles"]
    ]


def test_an_administrator_of_a_unit_names_nobody_for_what_reaches_further(desked: Desked) -> None:
    office, local, signer = desked.sample.office, "P180", "P001"
    with office.store.write() as session:
        unit = session.get_one(Person, signer).unit
        session.add(Grant(person_id=local, role="administrator", unit=unit))
    days = {"first_day": "2999-01-01", "last_day": "2999-01-31"}
    sent = {"who": "P181", "principal": signer, **days}
    with program(desked.url, desked.token(local)) as client:
        said = [
            problem(client.put(f"{BASE}/substitutes", json={**sent, **role}), 422, "workflow-substitution")
            for role in ({}, {"role": "signer"})
        ]
        named = client.put(f"{BASE}/substitutes", json={**sent, "role": "manager"})
    with office.store.write() as session:
        session.execute(delete(Substitute).where(Substitute.substitute_id == "P181"))
        session.execute(delete(Grant).where(Grant.person_id == local, Grant.role == "administrator"))
    assert named.status_code == 200
    assert "Choose one role" in said[0]["hint"]
    assert "reaches beyond the units" in said[1]["detail"]


def test_who_asked_for_it_learns_that_it_is_on_hold_but_not_why(desked: Desked, clerk: Program) -> None:
    office, number, requester = desked.sample.office, desked.delivered, desked.requester
    why = "An inquiry into its requester."
    held = clerk.sent(number, "/holds", reason=why).json()["id"]
    with office.store.write() as session:  # who oversees the unit may have asked for it, too
        session.add(Grant(person_id=requester, role="auditor", unit=None))
    told: dict[str, list[str]] = {requester: [], CLERK: [], AUDITOR: []}
    for person, texts in told.items():
        with program(desked.url, desked.token(person)) as client, browsing(desked.url) as browser:
            shown = client.get(f"{BASE}/requests/{number}")
            assert shown.json()["request"]["holds"] == [held]
            events = client.get(f"{BASE}/requests/{number}/events").json()["events"]
            placed = [one["body"] for one in events if one["type"] == "hold_placed"]
            assert placed
            assert all((body is None) == (person == requester) for body in placed)
            typed = {"person": person, "password": PASSWORD.reveal()}
            browser.post("/sign-in", data={"csrf": csrf_of(browser.get("/sign-in")), **typed})
            page = browser.get(f"/requests/{number}?lang=en").text
            assert "On hold since" in page
            texts += [shown.text, json.dumps(events), page]
            if person != CLERK:
                texts += [client.get(f"{BASE}/retention").text, browser.get("/office/keeping").text]
                proof = client.get(f"{BASE}/requests/{number}/evidence", params={"bodies": "with"})
                assert (proof.status_code == 403) == (person == requester)
    clerk.sent(number, f"/holds/{held}/release", reason="It is over.")
    with office.store.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == requester, Grant.role == "auditor"))
    assert [why in text for text in told[requester]] == [False] * 5
    assert [why in text for text in told[CLERK]] == [False, True, True]
    assert [why in text for text in told[AUDITOR]] == [False, True, True, True, True]


def test_who_administers_a_unit_is_not_told_how_its_requests_ended(desked: Desked) -> None:
    """Of whom they read nothing: they look after what is destroyed soon, and count no ends (decision 50)."""
    office, local = desked.sample.office, "P180"
    with office.store.read() as session:
        unit = session.get_one(Person, desked.requester).unit
        request = session.get_one(Request, desked.delivered)
        ended = request.closed_at
    told = {}
    for role in ("administrator", "auditor"):
        with office.store.write() as session:
            session.execute(delete(Grant).where(Grant.person_id == local))
            session.add(Grant(person_id=local, role=role, unit=unit))
            session.get_one(Request, desked.delivered).closed_at = ended - timedelta(days=80)
        with program(desked.url, desked.token(local)) as client, browsing(desked.url) as browser:
            told[role] = client.get(f"{BASE}/retention").json()["due"]
            with office.store.write() as session:
                session.get_one(Request, desked.delivered).destroyed_at = office.clock()
            told[role] += client.get(f"{BASE}/retention").json()["destroyed"]
            with office.store.write() as session:
                session.get_one(Request, desked.delivered).destroyed_at = None
            far = client.get(f"{BASE}/retention", params={"days": 31})
            assert far.status_code == (403 if role == "administrator" else 200)
            typed = {"person": local, "password": PASSWORD.reveal()}
            browser.post("/sign-in", data={"csrf": csrf_of(browser.get("/sign-in")), **typed})
            page = browser.get("/office/processes?lang=en").text
            assert ("Requests under way" in page) is (role == "auditor")
    with office.store.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == local))
        session.get_one(Request, desked.delivered).closed_at = ended
    for role, outcome in (("administrator", None), ("auditor", "done")):
        assert [one["outcome"] for one in told[role] if one["request_id"] == desked.delivered] == [
            outcome
        ] * 2


def test_an_auditor_of_a_unit_is_told_of_its_holds_alone(desked: Desked, clerk: Program) -> None:
    office, auditor = desked.sample.office, "P180"
    held = clerk.sent(desked.delivered, "/holds", reason="An inquiry.").json()["id"]
    with office.store.read() as session:
        unit = session.get_one(Person, desked.requester).unit
    told = []
    for where in (unit, "Elsewhere"):
        with office.store.write() as session:
            session.execute(delete(Grant).where(Grant.person_id == auditor, Grant.role == "auditor"))
            session.add(Grant(person_id=auditor, role="auditor", unit=where))
        with program(desked.url, desked.token(auditor)) as client:
            told.append([one["id"] for one in client.get(f"{BASE}/retention").json()["holds"]])
    with office.store.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == auditor, Grant.role == "auditor"))
    clerk.sent(desked.delivered, f"/holds/{held}/release", reason="It is over.")
    assert (held in told[0], told[1]) == (True, [])
