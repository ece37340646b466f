"""Signing in through the organisation, at a real provider: who is let in, and with which roles."""

import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import delete, select, update

from tests.databases import KINDS, fresh
from tests.desk_office import PASSWORD, browsing, csrf_of, served, signed_in
from tests.glewlwyd import CLIENT, CLIENT_SECRET, Glewlwyd, free_port, glewlwyd, new_key
from tests.steps_office import CLERK, MANAGER, Sample
from web.asked import form_token
from workflow.elsewhere_check import sign_in_elsewhere
from workflow.elsewhere_settings import load_elsewhere
from workflow.errors import SettingRefused
from workflow.office import Office, utc_now
from workflow.oidc import SKEW_S, ElsewhereFailed, ElsewhereRefused, Provider
from workflow.people import update_people
from workflow.sessions import IDLE
from workflow.tables import Grant, Person, SessionRow

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
EMPLOYEE, LEAVER = "P010", "P011"
DUTIES = {"desk-clerks": ["clerk"], "board": ["auditor"]}


@dataclass
class Place:
    """An office, whose people sign in through a provider."""

    url: str
    sample: Sample
    provider: Glewlwyd
    key: list[RSAKey] = field(default_factory=list)

    def set_out(self, browser: httpx.Client, onward: str = "") -> str:
        """Where the office sends somebody who wants to sign in."""
        answer = browser.get("/sign-in/elsewhere", params={"next": onward}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def come_back(self, browser: httpx.Client, name: str, onward: str = "") -> httpx.Response:
        """The whole way, as somebody of the provider's."""
        address = self.set_out(browser, onward)
        self.provider.sign_in(browser, name)
        return browser.get(self.provider.sent_back(browser, address))

    def roles(self, person: str) -> set[str]:
        with self.sample.office.store.read() as session:
            return set(session.scalars(select(Grant.role).where(Grant.person_id == person)))


def settings(provider: Glewlwyd, **more: Any) -> str:
    said = {"issuer": provider.issuer, "client_id": CLIENT, "name": "Example Bank", "person": "employee"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in {**said, "groups": "groups", **more}.items()]
    duties = [f"{json.dumps(group)} = {json.dumps(duties)}" for group, duties in DUTIES.items()]
    return "\n".join(["[oidc]", *lines, "[oidc.duties]", *duties, ""])


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Glewlwyd]:
    with glewlwyd(tmp_path_factory.mktemp("provider")) as provider:
        provider.add_user("clerk", employee=CLERK)
        provider.add_user("employee", employee=EMPLOYEE)
        provider.add_user("leaver", employee=LEAVER)
        provider.add_user("stranger", employee="P999")
        provider.add_user("nobody")
        yield provider


@pytest.fixture(scope="module", params=KINDS)
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: Glewlwyd
) -> Iterator[Place]:
    data, port = tmp_path_factory.mktemp("elsewhere") / "data", free_port()
    data.mkdir(mode=0o700)
    (data / "identity.toml").write_text(settings(provider), encoding="utf-8")
    environ = {"PARAAF_PUBLIC_URL": f"http://127.0.0.1:{port}", "PARAAF_OIDC_SECRET": CLIENT_SECRET}
    provider.put_client(f"http://127.0.0.1:{port}/sign-in/elsewhere/back", f"http://127.0.0.1:{port}/sign-in")
    with fresh(request.param, data, request) as database:
        sample = Sample.open(data, {**database.environ, **environ})
        with served(sample.office, port=port) as url:
            yield Place(url, sample, provider)
        sample.office.close()


@pytest.fixture(autouse=True)
def _nobody_in(place: Place) -> None:
    with place.sample.office.store.write() as session:
        session.execute(delete(SessionRow))
        session.execute(update(Person).where(Person.id == LEAVER).values(active=True))
    place.sample.office.sessions.tidy()


@pytest.fixture
def browser(place: Place) -> Iterator[httpx.Client]:
    with browsing(place.url) as browser:
        yield browser


def is_in(browser: httpx.Client) -> bool:
    return browser.get("/account").url.path == "/account"


def test_the_sign_in_page_leads_there_and_back(place: Place, browser: httpx.Client) -> None:
    page = browser.get("/sign-in?next=/account%3Flang%3Den&lang=en")
    assert "Sign in through Example Bank" in page.text
    [link] = [one for one in page.text.split('"') if one.startswith("/sign-in/elsewhere")]
    answer = browser.get(unescape(link), follow_redirects=False)
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert len(asked["nonce"][0]) > 20
    place.provider.sign_in(browser, "clerk")
    page = browser.get(place.provider.sent_back(browser, answer.headers["location"]))
    assert page.url.path == "/account"
    assert "through the organisation" in page.text
    with place.sample.office.store.read() as session:
        kept = session.scalars(select(SessionRow).where(SessionRow.person_id == CLERK)).all()
    assert {row.method for row in kept} == {"oidc"}


def test_the_secret_goes_to_nobody_but_the_provider(place: Place, browser: httpx.Client) -> None:
    address = place.set_out(browser)
    assert CLIENT_SECRET not in address
    assert "code_verifier" not in address
    assert CLIENT_SECRET not in repr(place.sample.office.elsewhere)


class TestRoles:
    def test_groups_add_what_the_settings_say_while_one_is_signed_in(
        self, place: Place, browser: httpx.Client
    ) -> None:
        before = place.roles(EMPLOYEE)
        # that a group is called as a duty is, or as a role, means nothing
        place.provider.put_groups("employee", ["board", "administrator", "signer", "clerk"])
        place.come_back(browser, "employee")
        assert place.roles(EMPLOYEE) - before == {"auditor"}
        csrf = csrf_of(browser.get("/account"))
        browser.post("/sign-out", data={"csrf": csrf})
        assert place.roles(EMPLOYEE) == before

    def test_who_is_in_a_group_no_more_has_no_more_of_it(self, place: Place, browser: httpx.Client) -> None:
        before = place.roles(EMPLOYEE)
        place.provider.put_groups("employee", ["desk-clerks"])
        place.come_back(browser, "employee")
        assert place.roles(EMPLOYEE) - before == {"clerk"}
        place.provider.put_groups("employee", [])
        with browsing(place.url) as again:
            place.come_back(again, "employee")
            assert place.roles(EMPLOYEE) == before

    def test_they_end_with_a_session_that_is_left_alone(self, place: Place, browser: httpx.Client) -> None:
        office, before = place.sample.office, place.roles(EMPLOYEE)
        place.provider.put_groups("employee", ["board"])
        place.come_back(browser, "employee")
        assert place.roles(EMPLOYEE) != before
        office.sessions.tidy()
        assert place.roles(EMPLOYEE) != before
        with office.store.write() as session:
            row = session.scalars(select(SessionRow).where(SessionRow.person_id == EMPLOYEE)).first()
            assert row is not None
            session.execute(update(SessionRow).values(seen_at=row.seen_at - IDLE))
        office.sessions.tidy()
        assert place.roles(EMPLOYEE) == before

    def test_a_register_that_is_loaded_puts_them_out(self, place: Place, browser: httpx.Client) -> None:
        office, before = place.sample.office, place.roles(EMPLOYEE)
        place.provider.put_groups("employee", ["board"])
        place.come_back(browser, "employee")
        assert office.register is not None
        with browsing(place.url) as other:
            signed_in(other, office, MANAGER)
            with office.store.write() as session:
                update_people(session, office.register, now=office.clock())
            assert place.roles(EMPLOYEE) == before
            assert not is_in(browser)
            assert is_in(other), "who has lost nothing stays"

    def test_a_password_gives_no_roles_of_groups(self, place: Place, browser: httpx.Client) -> None:
        before = place.roles(EMPLOYEE)
        place.provider.put_groups("employee", ["board"])
        signed_in(browser, place.sample.office, EMPLOYEE)
        assert place.roles(EMPLOYEE) == before


class TestRefused:
    @pytest.mark.parametrize("name", ["stranger", "leaver"])
    def test_who_is_not_in_the_register(self, place: Place, browser: httpx.Client, name: str) -> None:
        with place.sample.office.store.write() as session:
            session.execute(update(Person).where(Person.id == LEAVER).values(active=False))
        page = place.come_back(browser, name)
        assert page.status_code == 422
        assert {"stranger": "P999", "leaver": LEAVER}[name] in page.text
        assert "HR register" in page.text or "HR-" in page.text
        assert not is_in(browser)

    def test_whose_number_is_not_told(self, place: Place, browser: httpx.Client) -> None:
        assert place.come_back(browser, "nobody").status_code == 422
        assert not is_in(browser)

    def test_what_another_browser_began(self, place: Place, browser: httpx.Client) -> None:
        """A link that signs somebody in as somebody else."""
        with browsing(place.url) as attacker:
            address = place.set_out(attacker)
            place.provider.sign_in(attacker, "clerk")
            back = place.provider.sent_back(attacker, address)
            assert browser.get(back).status_code == 422
            browser.get("/sign-in")
            assert browser.get(back).status_code == 422
            assert not is_in(browser)
            assert attacker.get(back).status_code in {200, 404}, "its own browser is let in"

    def test_a_state_that_is_missing_made_up_or_used(self, place: Place, browser: httpx.Client) -> None:
        address = place.set_out(browser)
        place.provider.sign_in(browser, "clerk")
        back = place.provider.sent_back(browser, address)
        state = parse_qs(urlsplit(back).query)["state"][0]
        for wrong in (back.replace(state, "made-up"), back.replace(f"state={state}", "")):
            assert browser.get(wrong).status_code == 422
        assert not is_in(browser)
        browser.get(back)
        assert is_in(browser)
        browser.cookies.delete("paraaf")
        assert browser.get(back).status_code == 422
        assert not is_in(browser)

    def test_a_code_of_another_sign_in(self, place: Place, browser: httpx.Client) -> None:
        """PKCE: a code that was stolen on its way is worth nothing to who has another verifier."""
        with browsing(place.url) as victim:
            address = place.set_out(victim)
            place.provider.sign_in(victim, "clerk")
            stolen = parse_qs(urlsplit(place.provider.sent_back(victim, address)).query)["code"][0]
        own = parse_qs(urlsplit(place.set_out(browser)).query)["state"][0]
        answer = browser.get("/sign-in/elsewhere/back", params={"code": stolen, "state": own})
        assert answer.status_code == 422
        assert not is_in(browser)

    def test_an_answer_of_another_provider(self, place: Place, browser: httpx.Client) -> None:
        address = place.set_out(browser)
        place.provider.sign_in(browser, "clerk")
        back = place.provider.sent_back(browser, address)
        assert browser.get(f"{back}&iss=https://evil.example").status_code == 422
        assert not is_in(browser)

    def test_who_says_no_there(self, place: Place, browser: httpx.Client) -> None:
        state = parse_qs(urlsplit(place.set_out(browser)).query)["state"][0]
        said = {"error": "access_denied", "error_description": "<b>no</b>", "state": state}
        page = browser.get("/sign-in/elsewhere/back", params=said)
        assert page.status_code == 422
        assert "<b>no" not in page.text

    @pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example/", "/\\evil.example"])
    def test_nobody_is_led_out_of_the_office(self, place: Place, browser: httpx.Client, onward: str) -> None:
        assert str(place.come_back(browser, "clerk", onward).url).startswith(place.url)


def test_what_a_browser_held_before_is_worth_nothing(place: Place, browser: httpx.Client) -> None:
    browser.cookies.set("paraaf", "planted", domain="127.0.0.1")
    place.come_back(browser, "clerk")
    held = {one.value for one in browser.cookies.jar if one.name == "paraaf"}
    assert "planted" not in held
    assert is_in(browser)


def test_keys_of_the_provider_change(place: Place, browser: httpx.Client) -> None:
    """As they do at night: what is signed by the new one is believed, though it was never seen."""
    place.come_back(browser, "clerk")
    place.provider.set_up(new_key("of-tomorrow"))
    with browsing(place.url) as again:
        place.come_back(again, "clerk")
        assert is_in(again)


def test_who_signs_out_is_led_out_there_too(place: Place, browser: httpx.Client) -> None:
    place.come_back(browser, "clerk")
    page = browser.post("/sign-out", data={"csrf": csrf_of(browser.get("/account"))})
    [refresh] = [one for one in page.text.split('"') if one.startswith("0; url=")]
    address = unescape(refresh.removeprefix("0; url="))
    asked = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{place.provider.issuer}/end_session?")
    assert asked["post_logout_redirect_uri"] == [f"{place.url}/sign-in"]
    assert browser.get(address, follow_redirects=False).is_redirect
    assert not is_in(browser)


@pytest.fixture
def asked(place: Place) -> Provider:
    """The provider, as the office asks it."""
    office = place.sample.office
    assert office.elsewhere is not None
    return Provider(office.elsewhere, back=f"{place.url}/sign-in/elsewhere/back", clock=office.clock)


KEY = new_key("known")
Forge = Callable[[dict[str, Any]], str]


def signed(claims: dict[str, Any], key: Any = KEY, **header: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": "known", **header}, claims, key)


def packed(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def written(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(packed(json.dumps(part).encode()) for part in (header, claims))


def of_none(claims: dict[str, Any]) -> str:
    return written({"alg": "none"}, claims) + "."


def by_the_public_key(claims: dict[str, Any]) -> str:
    """As if the provider's public key were a secret that both know."""
    said = written({"alg": "HS256", "kid": "known"}, claims)
    return f"{said}.{packed(hmac.digest(KEY.as_pem(private=False), said.encode(), 'sha256'))}"


NOW = time.time
FORGED: dict[str, Forge] = {
    "another issuer": lambda one: signed({**one, "iss": "https://evil.example"}),
    "another client": lambda one: signed({**one, "aud": "another", "azp": "another"}),
    "for several, to another": lambda one: signed({**one, "aud": [CLIENT, "another"], "azp": "another"}),
    "another sign-in": lambda one: signed({**one, "nonce": "another"}),
    "no sign-in": lambda one: signed({name: value for name, value in one.items() if name != "nonce"}),
    "expired": lambda one: signed({**one, "exp": int(NOW()) - 120, "iat": int(NOW()) - 600}),
    "without an end": lambda one: signed({name: value for name, value in one.items() if name != "exp"}),
    "of tomorrow": lambda one: signed({**one, "iat": int(NOW()) + 86400, "exp": int(NOW()) + 90000}),
    "another key": lambda one: signed(one, new_key("known")),
    "an unknown key": lambda one: signed(one, new_key("unknown"), kid="unknown"),
    "no signature": of_none,
    "the public key as a secret": by_the_public_key,
    "another access token": lambda one: signed({**one, "at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
    "no token": lambda _one: "not.a.token",
}


class TestTokens:
    @pytest.fixture(autouse=True)
    def _known_key(self, place: Place) -> None:
        place.provider.set_up(KEY)

    def claims(self, place: Place, **changed: Any) -> dict[str, Any]:
        now = int(NOW())
        own = {"iss": place.provider.issuer, "aud": CLIENT, "sub": "s", "employee": CLERK, "nonce": "n"}
        return {**own, "iat": now, "exp": now + 300, **changed}

    def vouched(self, asked: Provider, monkeypatch: pytest.MonkeyPatch, token: str) -> Any:
        """What is made of a token that the provider's own token endpoint gives."""
        given = {"id_token": token, "access_token": "an access token"}
        monkeypatch.setattr(asked, "_token", lambda _code, _verifier: given)
        return asked.vouched("code", nonce="n", verifier="v")

    def test_a_right_one_is_believed(
        self, place: Place, asked: Provider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = self.claims(place, exp=int(NOW()) - 30)  # clocks differ
        for claims in (self.claims(place), late, self.claims(place, aud=[CLIENT, "x"], azp=CLIENT)):
            assert self.vouched(asked, monkeypatch, signed(claims)).person == CLERK

    @pytest.mark.parametrize("how", FORGED)
    def test_a_wrong_one_is_not(
        self, place: Place, asked: Provider, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        with pytest.raises(ElsewhereRefused, match="not to be believed"):
            self.vouched(asked, monkeypatch, FORGED[how](self.claims(place)))

    @pytest.mark.parametrize("said", [None, "", True, ["P001"], {"id": "P001"}, "x" * 101, 1.5])
    def test_a_number_that_is_none(
        self, place: Place, asked: Provider, monkeypatch: pytest.MonkeyPatch, said: object
    ) -> None:
        with pytest.raises(ElsewhereRefused, match="does not tell your number"):
            self.vouched(asked, monkeypatch, signed(self.claims(place, employee=said)))

    @pytest.mark.parametrize("said", [None, "board", {"board": True}, [["board"], 7]])
    def test_groups_that_are_none(
        self, place: Place, asked: Provider, monkeypatch: pytest.MonkeyPatch, said: object
    ) -> None:
        assert not self.vouched(asked, monkeypatch, signed(self.claims(place, groups=said))).groups


def test_a_check_asks_the_provider(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    office = place.sample.office
    [sound] = sign_in_elsewhere(office)
    assert (sound.area, sound.state) == ("identity", "ok")
    assert "public keys: 1." in sound.message
    for ahead, word in ((-SKEW_S - 5, "ahead of"), (SKEW_S + 5, "behind")):
        wrong = replace(office, clock=lambda by=ahead: utc_now() + timedelta(seconds=by))
        _, clock = sign_in_elsewhere(wrong)
        assert clock.state == "wrong"
        assert f"{word} this machine's" in clock.message
    assert office.elsewhere is not None
    otherwise = replace(office.elsewhere, issuer=f"{office.elsewhere.issuer}/")
    [other] = sign_in_elsewhere(replace(office, elsewhere=otherwise))
    assert "calls itself otherwise" in other.message
    monkeypatch.setattr(Provider, "_keys", lambda *_asked: KeySet([]))
    [keyless] = sign_in_elsewhere(office)
    assert (keyless.state, "no public key" in keyless.message) == ("wrong", True)


def test_a_provider_that_is_away_is_told_so(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "identity.toml").write_text(
        f'[oidc]\nissuer = "http://localhost:{port}"\nclient_id = "x"\nperson = "sub"\npasswords = false\n'
    )
    environ = {"PARAAF_PUBLIC_URL": "http://localhost:1", "PARAAF_OIDC_SECRET": "x"}
    sample = Sample.open(tmp_path, environ)
    [found] = sign_in_elsewhere(sample.office)
    assert (found.state, "gave no usable answer" in found.message) == ("wrong", True)
    with served(sample.office) as url, browsing(url) as client:
        page = client.get("/sign-in/elsewhere?lang=en")
        assert page.status_code == 503
        assert "could not be asked" in page.text
        page = client.get("/sign-in")
        assert 'type="password"' not in page.text
        form = {"csrf": csrf_of_visit(client), "person": CLERK, "password": PASSWORD}
        for path in ("/sign-in", "/sign-in/own", "/sign-in/sample"):
            assert client.post(path, data=form).status_code == 404
    sample.office.close()


def csrf_of_visit(client: httpx.Client) -> str:
    return form_token(client.cookies["paraaf-visit"])


GOOD = {"issuer": "https://login.example.org", "client_id": "paraaf", "person": "sub"}


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"issuer": "http://login.example.org"}, "issuer"),
        ({"issuer": "https://user:x@login.example.org"}, "issuer"),
        ({"issuer": "https://login.example.org/?x"}, "issuer"),
        ({"issuer": "ftp://localhost"}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"person": ""}, "person"),
        ({"colour": "red"}, "colour"),
        ({"duties": {"board": ["king"]}, "groups": "groups"}, "board"),
        ({"duties": {"board": ["auditor"]}}, "groups"),
        ({"client_secret_file": "missing"}, "client_secret_file"),
        ({"ca_file": "missing"}, "ca_file"),
    ],
)
def test_settings_that_are_wrong_are_refused(tmp_path: Path, changed: dict[str, Any], word: str) -> None:
    write(tmp_path, {**GOOD, **changed})
    environ = {"PARAAF_OIDC_SECRET": "x", "PARAAF_PUBLIC_URL": "https://paraaf.example.org"}
    with pytest.raises(SettingRefused, match=word):
        Office.open(tmp_path, environ=environ)


def test_the_settings_of_the_docs_are_taken(tmp_path: Path) -> None:
    docs = (ROOT / "docs/how-to/sign-in-through-your-organisation.md").read_text(encoding="utf-8")
    (tmp_path / "identity.toml").write_text(docs.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    (tmp_path / "oidc-secret").write_text("a secret\n", encoding="utf-8")
    read = load_elsewhere(tmp_path, {})
    assert read is not None
    assert read.duties == {"desk-clerks": ("clerk",), "board": ("auditor",)}
    listed = re.findall(r"^\| `([a-z_]+)` \|", docs, re.MULTILINE)
    names = {one.name for one in fields(read)} - {"client_secret"}
    assert set(listed) - {"client_secret_file"} == names


def test_settings_without_a_secret_or_a_way_back_are_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(SettingRefused, match="client_secret_file"):
        Office.open(tmp_path, environ={"PARAAF_PUBLIC_URL": "https://paraaf.example.org"})
    with pytest.raises(SettingRefused, match="PARAAF_PUBLIC_URL"):
        Office.open(tmp_path, environ={"PARAAF_OIDC_SECRET": "x"})
    with pytest.raises(SettingRefused, match="PARAAF_IDENTITY"):
        Office.open(tmp_path, environ={"PARAAF_IDENTITY": str(tmp_path / "nowhere.toml")})


def write(folder: Path, said: dict[str, Any]) -> None:
    duties = said.pop("duties", {}) if "duties" in said else {}
    lines = [f"{name} = {json.dumps(value)}" for name, value in said.items()]
    below = [f"{json.dumps(name)} = {json.dumps(value)}" for name, value in duties.items()]
    (folder / "identity.toml").write_text("\n".join(["[oidc]", *lines, "[oidc.duties]", *below, ""]))


def test_a_provider_that_calls_itself_otherwise_is_not_asked(
    place: Place, asked: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = asked._document

    def document(address: str, age_s: float) -> Any:
        return {**usual(address, age_s), "issuer": "https://evil.example"}

    monkeypatch.setattr(asked, "_document", document)
    with pytest.raises(ElsewhereFailed, match="calls itself otherwise"):
        asked.begin("state")


@pytest.mark.parametrize("address", ["http://192.0.2.1/token", "file:///etc/passwd", "https://a b", 7, None])
def test_addresses_of_a_provider_are_fenced(
    asked: Provider, monkeypatch: pytest.MonkeyPatch, address: object
) -> None:
    usual = asked._document
    monkeypatch.setattr(
        asked, "_document", lambda one, age_s: {**usual(one, age_s), "authorization_endpoint": address}
    )
    with pytest.raises(ElsewhereFailed, match="that can be asked"):
        asked.begin("state")
