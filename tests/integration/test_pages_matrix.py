"""Who may see and do what at every address that there is: made from the routes, so new ones are looked at.

Whoever the engine does not show a request to learns nothing of it: what they get is what a number gets that
nobody has.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from certs.serve_authority import AuthorityServer
from tests.desk_office import browsing, csrf_of, served, signed_in
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample
from web.app import Desk
from workflow.errors import NotFound
from workflow.tables import Grant

AUDITOR, ADMINISTRATOR, STRANGER = "P192", "P093", "P101"
NOBODYS = 999_999
OPEN_TO_ALL = re.compile("/($|verify|sign-in)")
"""What one may ask without having signed in."""
OF_THE_OFFICE = re.compile("/(office|figures)")
PARTS = {"name": "declaration", "page": "1", "what": "given", "key": "employer-declaration", "variant": "A4"}


@dataclass
class Place:
    sample: Sample
    url: str
    requests: dict[str, int]

    def sees(self, person: str, number: int) -> bool:
        try:
            self.sample.office.engine.show(number, person)
        except NotFound:
            return False
        return True


def routes() -> list[tuple[str, str]]:
    """Every address of the pages: method and path. The API has a matrix of its own."""
    app = Desk(_any_office()).app()
    assert isinstance(app, Starlette)
    found = []
    for route in app.routes:
        assert isinstance(route, (Route, Mount))
        if isinstance(route, Route):
            found += [(method, route.path) for method in sorted((route.methods or set()) - {"HEAD"})]
    return found


def _any_office() -> object:
    return _OFFICE[0].sample.office


_OFFICE: list[Place] = []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    sample = Sample.open(tmp_path_factory.mktemp("matrix"), {})
    office = sample.office
    with office.store.write() as session:
        session.add(Grant(person_id=ADMINISTRATOR, role="administrator", unit=None))
    with AuthorityServer(office.authority.folder):
        requests = {
            "new": sample.submit("A4"),
            "review": sample.submit("A3"),
            "sign": sample.submit("A1"),
            "delivered": sample.submit("A4"),
        }
        for state in ("review", "sign", "delivered"):
            asyncio.run(sample.run_until(state, requests[state]))
    with served(office) as url:
        place = Place(sample, url, requests)
        _OFFICE[:] = [place]
        yield place
    office.close()


def filled(path: str, number: int) -> str:
    path = re.sub(r"\{n(:int)?\}", str(number), path)
    for name, value in PARTS.items():
        path = path.replace(f"{{{name}}}", value)
    return re.sub(r"\{\w+\}", "nothing-of-the-kind", path)


def said(answer: httpx.Response, number: int) -> tuple[int, str]:
    """What an answer says, without what differs for each of its readers."""
    text = re.sub(r'name="csrf" value="[^"]*"', "", answer.text)
    text = re.sub(r'href="[^"]*lang=[a-z]*"|name="key" value="[^"]*"', "", text)
    return answer.status_code, re.sub(rf"(?<![=\w.-]){number}\b", "N", text)


def test_who_has_not_signed_in_sees_and_does_nothing(place: Place) -> None:
    with httpx.Client(base_url=place.url, trust_env=False) as client:
        for method, path in routes():
            if OPEN_TO_ALL.match(path):
                continue
            answer = client.request(method, filled(path, place.requests["delivered"]))
            expected = 303 if method == "GET" else 401
            assert answer.status_code == expected, (method, path)
            if method == "GET":
                assert answer.headers["location"].startswith("/sign-in?"), path


@pytest.mark.parametrize("person", [MANAGER, CLERK, SIGNER, AUDITOR, ADMINISTRATOR, STRANGER, "requester"])
def test_a_request_is_there_for_those_alone_to_whom_the_engine_shows_it(place: Place, person: str) -> None:
    sample = place.sample
    who = sample.request(place.requests["new"]).requester_id if person == "requester" else person
    looked = 0
    with browsing(place.url) as client:
        signed_in(client, sample.office, who)
        for method, path in routes():
            if "{n" not in path or method != "GET" or "/folder/" in path:
                continue
            nothing = said(client.get(filled(path, NOBODYS)), NOBODYS)
            assert nothing[0] == 404, path
            for number in place.requests.values():
                answer = client.get(filled(path, number))
                assert answer.status_code < 500, (path, number)
                if not place.sees(who, number):
                    assert said(answer, number) == nothing, (path, number)
                    looked += 1
    assert looked or person not in {STRANGER, ADMINISTRATOR}


@pytest.mark.parametrize("person", [STRANGER, ADMINISTRATOR, AUDITOR])
def test_who_may_do_nothing_with_a_request_changes_nothing(place: Place, person: str) -> None:
    sample = place.sample
    before = {number: sample.request(number).version for number in place.requests.values()}
    with browsing(place.url) as client:
        signed_in(client, sample.office, person)
        token = csrf_of(client.get("/password"))
        for method, path in routes():
            if method != "POST" or "{n" not in path:
                continue
            for number, version in before.items():
                for trigger in ("approve", "return", "sign", "withdraw", "claim", "submit", "release"):
                    form = {
                        "csrf": token,
                        "trigger": trigger,
                        "version": str(version),
                        "key": f"{path}-{number}-{trigger}",
                        "remark": "Done by nobody.",
                        "request": str(number),
                    }
                    answer = client.post(filled(path, number), data=form)
                    assert answer.status_code < 500, (path, trigger)
                    if not place.sees(person, number):
                        assert answer.status_code == 404, (path, trigger)
    assert {number: sample.request(number).version for number in before} == before


def test_every_form_needs_its_token(place: Place) -> None:
    before = {number: place.sample.request(number).version for number in place.requests.values()}
    with browsing(place.url) as client:
        signed_in(client, place.sample.office, CLERK)
        for method, path in routes():
            if method != "POST" or OPEN_TO_ALL.match(path):
                continue
            for form in ({}, {"csrf": "guessed"}):
                answer = client.post(filled(path, place.requests["review"]), data=form)
                assert answer.status_code in {403, 404}, path
    assert {number: place.sample.request(number).version for number in before} == before


@pytest.mark.parametrize("person", [MANAGER, CLERK, SIGNER, STRANGER])
def test_the_office_is_for_those_who_look_after_it(place: Place, person: str) -> None:
    with browsing(place.url) as client:
        signed_in(client, place.sample.office, person)
        token = csrf_of(client.get("/password"))
        for method, path in routes():
            if OF_THE_OFFICE.match(path):
                answer = client.request(method, path, data={"csrf": token} if method == "POST" else None)
                assert answer.status_code == 404, path
