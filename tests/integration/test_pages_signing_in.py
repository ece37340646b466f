"""Signing in and out over HTTP: who is let in, for how long, and what another site's form can't do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from signing.secret import Secret
from tests.databases import KINDS, fresh
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in, with_password
from tests.steps_office import CLERK, MANAGER, Sample
from web.letting_in import inside
from workflow.sessions import IDLE, LONGEST, open_session
from workflow.tables import Grant, PasskeyRow, Person, SessionRow

EMPLOYEE = "P010"


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("signing-in") / "data"
    data.mkdir(mode=0o700)
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, database.environ)
        with served(sample.office) as url:
            yield Place(url, sample)
        sample.office.close()


@pytest.fixture
def client(place: Place) -> Iterator[httpx.Client]:
    with browsing(place.url) as client:
        yield client


def aged(place: Place, **columns: timedelta) -> None:
    """Have all sessions be older."""
    with place.sample.office.store.write() as session:
        for row in session.scalars(select(SessionRow)):
            for name, by in columns.items():
                setattr(row, name, getattr(row, name) - by)


def test_nobody_sees_a_page_without_signing_in(client: httpx.Client) -> None:
    answer = client.get("/password?lang=en")
    assert answer.url.path == "/sign-in"
    assert answer.url.params["next"] == "/password?lang=en"
    assert client.post("/password", data={"new": "x"}).status_code == 401


def test_who_signs_in_comes_to_where_they_were_going(place: Place, client: httpx.Client) -> None:
    with_password(place.sample.office, CLERK)
    page = client.get("/password")
    form = {"csrf": csrf_of(page), "person": CLERK, "password": PASSWORD, "next": "/password"}
    assert client.post("/sign-in", data=form).url.path == "/password"


@pytest.mark.parametrize("person", [CLERK, "nobody-at-all"])
def test_a_wrong_password_is_told_the_same_of_everybody(
    place: Place, client: httpx.Client, person: str
) -> None:
    with_password(place.sample.office, CLERK)
    form = {"csrf": csrf_of(client.get("/sign-in")), "person": person, "password": "not this one"}
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 422
    assert "This person has no such password." in answer.text


def test_too_many_attempts_wait(place: Place, client: httpx.Client) -> None:
    with_password(place.sample.office, MANAGER)
    token = csrf_of(client.get("/sign-in"))
    answers = [
        client.post("/sign-in", data={"csrf": token, "person": MANAGER, "password": "not this one"})
        for _ in range(5)
    ]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0


def test_signing_out_ends_the_session_here_and_at_the_office(place: Place, client: httpx.Client) -> None:
    page = signed_in(client, place.sample.office, CLERK)
    page = client.get("/password")
    held = client.cookies["paraaf"]
    answer = client.post("/sign-out", data={"csrf": csrf_of(page)})
    assert answer.history[0].headers["clear-site-data"] == '"cache"'
    assert "paraaf" not in client.cookies
    client.cookies.set("paraaf", held)
    assert client.get("/password").url.path == "/sign-in"


def test_a_session_is_a_new_one_for_who_signs_in(place: Place, client: httpx.Client) -> None:
    client.cookies.set("paraaf", "planted-by-somebody-else", domain="127.0.0.1")
    signed_in(client, place.sample.office, CLERK)
    values = {cookie.value for cookie in client.cookies.jar if cookie.name == "paraaf"}
    assert "planted-by-somebody-else" not in values
    first = values.pop()
    signed_in(client, place.sample.office, CLERK)
    with place.sample.office.store.read() as session:
        assert place.sample.office.sessions.find(first) is None
        assert session.scalars(select(SessionRow)).first() is not None


def test_only_the_digest_of_what_the_browser_holds_is_kept(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, CLERK)
    with place.sample.office.store.read() as session:
        kept = [row.token_sha256 for row in session.scalars(select(SessionRow))]
    assert client.cookies["paraaf"] not in kept


def test_a_session_alone_sets_no_first_password(place: Place, client: httpx.Client) -> None:
    """Of somebody who signs in by a passkey, or elsewhere: whoever finds their screen open would have one."""
    office, person = place.sample.office, "P014"
    form = {"new": "one of the thief's own", "again": "one of the thief's own", "password": "anything"}
    for minutes, status in ((11, 403), (0, 200)):
        assert not office.passwords.has_one(person)
        with office.store.write() as session:
            began = office.clock() - timedelta(minutes=minutes)
            client.cookies.set("paraaf", open_session(session, person, "passkey", began))
        form["csrf"] = csrf_of(client.get("/password"))
        assert client.post("/password", data=form).status_code == status
    assert office.passwords.has_one(person)


def test_a_session_that_is_left_alone_ends(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, CLERK)
    aged(place, seen_at=IDLE)
    assert client.get("/password").url.path == "/sign-in"


def test_a_session_ends_after_a_day_of_work(place: Place, client: httpx.Client) -> None:
    office = place.sample.office
    with office.store.write() as session:
        now = office.clock()
        token = open_session(session, CLERK, "password", now - LONGEST)
        session.execute(update(SessionRow).values(seen_at=now))
    client.cookies.set("paraaf", token, domain="127.0.0.1")
    assert client.get("/password").url.path == "/sign-in"


def test_who_is_seen_stays(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, CLERK)
    for _ in range(3):
        aged(place, seen_at=IDLE - timedelta(minutes=5))
        assert client.get("/password").url.path == "/password"


def test_another_password_ends_all_sessions_but_the_one_that_chose_it(
    place: Place, client: httpx.Client
) -> None:
    office, person = place.sample.office, EMPLOYEE
    with browsing(place.url) as elsewhere:
        signed_in(elsewhere, office, person)
        signed_in(client, office, person)
        form = {
            "csrf": csrf_of(client.get("/password")),
            "password": PASSWORD,
            "new": "another sample password",
            "again": "another sample password",
        }
        changed = client.post("/password", data=form)
        assert "Your password is changed, and you are signed in nowhere else." in changed.text
        assert (changed.url.path, "Where you are signed in" in changed.text) == ("/account", True)
        assert client.get("/password").url.path == "/password"
        assert elsewhere.get("/password").url.path == "/sign-in"


def test_tokens_of_programs_end_with_the_password_where_one_says_so(
    place: Place, client: httpx.Client
) -> None:
    office, person, other = place.sample.office, "P059", "another sample password"
    signed_in(client, office, person)
    token, _ = office.tokens.make(person, "The payroll's program", ["people:read"], password=Secret(PASSWORD))
    form = {"password": PASSWORD, "new": other, "again": other}
    page = client.get("/password")
    assert "The payroll&#39;s program" in page.text
    client.post("/password", data={"csrf": csrf_of(page), **form})
    assert office.tokens.bearer(token) is not None
    form = {"password": other, "new": PASSWORD, "again": PASSWORD, "tokens": "end"}
    client.post("/password", data={"csrf": csrf_of(client.get("/password")), **form})
    assert office.tokens.bearer(token) is None
    assert "The payroll" not in client.get("/password").text


def test_who_has_left_is_out(place: Place, client: httpx.Client) -> None:
    signed_in(client, place.sample.office, "P011")
    with place.sample.office.store.write() as session:
        session.execute(update(Person).where(Person.id == "P011").values(active=False))
    assert client.get("/password").url.path == "/sign-in"


def test_a_role_that_is_taken_away_is_gone_at_once(place: Place, client: httpx.Client) -> None:
    office = place.sample.office
    signed_in(client, office, "P021")
    token = client.cookies["paraaf"]
    before = office.sessions.find(token)
    with office.store.write() as session:
        session.query(Grant).filter(Grant.person_id == "P021").delete()
    after = office.sessions.find(token)
    assert before is not None
    assert after is not None
    assert before.roles
    assert not after.roles


def test_a_given_password_is_good_for_choosing_ones_own_alone(place: Place, client: httpx.Client) -> None:
    office, person = place.sample.office, "P012"
    with office.store.write() as session:
        session.add(Grant(person_id=CLERK, role="administrator", unit=None))
        session.add(
            PasskeyRow(
                credential_id="a key of whoever was here before",
                person_id=person,
                handle="handle",
                public_key=b"",
                sign_count=0,
                name="Another laptop",
                made_at=office.clock(),
            )
        )
    office.passwords.set(person, Secret("given by somebody else"), by=CLERK)
    token = csrf_of(client.get("/sign-in"))
    page = client.post(
        "/sign-in", data={"csrf": token, "person": person, "password": "given by somebody else"}
    )
    assert "Choose your own password" in page.text
    assert "paraaf" not in client.cookies
    form = {
        "csrf": csrf_of(page),
        "person": person,
        "password": "given by somebody else",
        "new": "my own sample password",
        "again": "my own sample password",
    }
    page = client.post("/sign-in/own", data=form)
    assert "remove here what is not yours" in page.text
    assert "Another laptop" in page.text
    assert client.get("/password").url.path == "/password"


class TestForgedForms:
    def test_a_form_without_its_token_does_nothing(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, CLERK)
        for sent in ({}, {"csrf": "guessed"}, {"csrf": "é"}):
            assert client.post("/sign-out", data=sent).status_code == 403
        assert client.get("/password").url.path == "/password"

    def test_another_site_sends_nothing(self, place: Place, client: httpx.Client) -> None:
        signed_in(client, place.sample.office, CLERK)
        token = csrf_of(client.get("/password"))
        headers = {"Sec-Fetch-Site": "cross-site"}
        assert client.post("/sign-out", data={"csrf": token}, headers=headers).status_code == 403

    def test_another_site_signs_nobody_in(self, place: Place, client: httpx.Client) -> None:
        with_password(place.sample.office, CLERK)
        with browsing(place.url) as attacker:
            token = csrf_of(attacker.get("/sign-in"))
        form = {"csrf": token, "person": CLERK, "password": PASSWORD}
        assert client.post("/sign-in", data=form).status_code == 403
        assert "paraaf" not in client.cookies


@pytest.mark.parametrize(
    "path", ["//evil.example", "/\\evil.example", "https://evil.example/", "evil", "/a\r\nb", "javascript:1"]
)
def test_nobody_is_led_out_of_the_office(path: str) -> None:
    assert inside(path) == ""


def test_who_knows_a_password_alone_changes_none(place: Place, client: httpx.Client) -> None:
    """Without the code that is asked for after it."""
    with_password(place.sample.office, CLERK)
    token = csrf_of(client.get("/sign-in"))
    new = {"new": "quite another password", "again": "quite another password"}
    form = {"csrf": token, "person": CLERK, "password": PASSWORD, **new}
    assert client.post("/sign-in/own", data=form).status_code == 422
    signed_in(client, place.sample.office, CLERK)


def test_cookies_are_out_of_reach_of_scripts(place: Place, client: httpx.Client) -> None:
    with_password(place.sample.office, CLERK)
    form = {"csrf": csrf_of(client.get("/sign-in")), "person": CLERK, "password": PASSWORD}
    answer = client.post("/sign-in", data=form, follow_redirects=False)
    said = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("paraaf="))
    assert "HttpOnly" in said
    assert "SameSite=lax" in said


def test_a_secure_office_binds_its_cookies_to_its_host(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, {"PARAAF_PUBLIC_URL": "https://paraaf.example.org"})
    with served(sample.office) as url, browsing(url) as client:
        page = client.get("/sign-in?lang=nl")
        said = page.headers.get_list("set-cookie")
        held = dict(one.split(";")[0].split("=", 1) for one in said)
        form = {"csrf": csrf_of(page), "person": CLERK, "password": PASSWORD}
        with_password(sample.office, CLERK)
        answer = client.post("/sign-in", data=form, headers=_cookies(held), follow_redirects=False)
        said += answer.headers.get_list("set-cookie")
        held |= dict(one.split(";")[0].split("=", 1) for one in said)
        page = client.get("/account", headers=_cookies(held))
        form = {"csrf": csrf_of(page), "keys": "off"}
        answer = client.post("/keys", data=form, headers=_cookies(held), follow_redirects=False)
        said += answer.headers.get_list("set-cookie")
    sample.office.close()
    assert 'lang="nl"' in page.text, "what was chosen is remembered"
    assert {one.split("=")[0] for one in said} == {
        f"__Host-paraaf{part}" for part in ("", "-visit", "-device", "-language", "-keys")
    }
    for one in said:
        assert {"Secure", "Path=/", "SameSite=lax"} <= set(one.split("; "))
        assert "Domain" not in one
        assert ("HttpOnly" in one) != ("paraaf-keys" in one), (
            "scripts read whether keys are off, nothing else"
        )


def _cookies(held: dict[str, str]) -> dict[str, str]:
    """As a browser sends them over https, which a proxy takes off."""
    return {"cookie": "; ".join(f"{name}={value}" for name, value in held.items())}
