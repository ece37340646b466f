"""Passkeys in Chromium, by its own virtual authenticator: set up, signed in with, and attacked."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page
from sqlalchemy import delete, select, update

from certs.serve_authority import AuthorityServer
from tests.desk_office import PASSWORD, browser_signed_in, long_ago, served
from tests.glewlwyd import free_port
from tests.looking import chromium
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample
from workflow.ceremonies import FRESH, CeremonyOver
from workflow.entrance import Visit
from workflow.identity_events import PASSKEY_ADDED, PASSKEY_REMOVED
from workflow.passkeys import PasskeyRefused, Passkeys, Site, site_of
from workflow.passwords import PasswordRefused
from workflow.proofs import Proof
from workflow.reauthentication import ask_for_passkey, prove_by_passkey
from workflow.tables import Body, CeremonyRow, Event, Grant, PasskeyRow, Person, ProofRow

pytestmark = pytest.mark.slow
ANSWER = """async (asked) => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const { challenge, allowCredentials = [], ...options } = JSON.parse(asked);
  const named = allowCredentials.map((one) => ({ ...one, id: bytes(one.id) }));
  const publicKey = { ...options, challenge: bytes(challenge), allowCredentials: named };
  return JSON.stringify((await navigator.credentials.get({ publicKey })).toJSON());
}"""


FORM = """() => {
  const form = document.querySelector("#act-sign") ?? document.querySelector("form:has([name=csrf])");
  return Object.fromEntries(new FormData(form));
}"""
BEGIN = """async ([address, form]) => {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(form) });
  return answer.ok ? answer.json() : null;
}"""
SEND = """async ([address, form]) => {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(form) });
  return { status: answer.status, text: await answer.text() };
}"""


@dataclass
class Device:
    """A browser with an authenticator that says yes by itself, as by a finger."""

    context: BrowserContext
    page: Page
    wire: CDPSession
    authenticator: str

    @classmethod
    def new(cls, browser: Browser, url: str) -> "Device":
        context = browser.new_context(base_url=url)
        page = context.new_page()
        return cls.of(context, page)

    @classmethod
    def of(cls, context: BrowserContext, page: Page) -> "Device":
        wire = context.new_cdp_session(page)
        wire.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = wire.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(context, page, wire, made["authenticatorId"])

    def add_passkey(self) -> None:
        self.page.goto("/account/passkeys/new?lang=en")
        self.page.get_by_label("What you call it").fill("My desk")
        self.page.get_by_label("Present password").fill(PASSWORD)
        self.page.get_by_role("button", name="Go on").click()
        self.page.get_by_role("button", name="Make the passkey").click()
        self.page.wait_for_url("**/account?said=passkey-added")

    @property
    def session(self) -> str:
        """What the browser holds of its session."""
        [held] = [one["value"] for one in self.context.cookies() if one["name"] == "paraaf"]
        return held

    def credentials(self) -> list[dict[str, Any]]:
        said = self.wire.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(said["credentials"])

    def see_owner(self, *, sees: bool) -> None:
        said = {"authenticatorId": self.authenticator, "isUserVerified": sees}
        self.wire.send("WebAuthn.setUserVerified", said)

    def put(self, credential: dict[str, Any]) -> None:
        self.wire.send(
            "WebAuthn.addCredential", {"authenticatorId": self.authenticator, "credential": credential}
        )

    def answer(self, options: str) -> str:
        """What the authenticator answers to what a page asks, as our module tells it."""
        return str(self.page.evaluate(ANSWER, options))


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample
    browser: Browser
    to_sign: tuple[int, ...]
    """Requests that wait for somebody's consent, to be given once."""

    @property
    def passkeys(self) -> Passkeys:
        return self.sample.office.passkeys

    def set_up(self, person: str) -> Device:
        """Somebody's device, with a passkey that was set up on their page."""
        context = self.browser.new_context(base_url=self.url)
        device = Device.of(context, browser_signed_in(context, self.sample.office, person))
        device.add_passkey()
        return device


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    port = free_port()
    url = f"http://localhost:{port}"
    sample = Sample.open(tmp_path_factory.mktemp("passkeys"), {"PARAAF_PUBLIC_URL": url})
    to_sign = tuple(sample.submit("A1") for _ in range(5))
    with AuthorityServer(sample.office.authority.folder):
        for number in to_sign:
            asyncio.run(sample.run_until("sign", number))
    with (
        served(sample.office, port=port),
        chromium() as browser,
    ):
        yield Place(url, sample, browser, to_sign)
    sample.office.close()


@pytest.fixture(scope="module")
def device(place: Place) -> Device:
    """A clerk's, which is not changed."""
    return place.set_up(CLERK)


@pytest.fixture(scope="module")
def signer(place: Place) -> Device:
    """Of who consents."""
    return place.set_up(SIGNER)


@pytest.fixture
def own(place: Place) -> Iterator[Device]:
    """Somebody's, for this test alone."""
    device = place.set_up(EMPLOYEE)
    yield device
    device.context.close()
    with place.sample.office.store.write() as session:
        session.execute(delete(PasskeyRow).where(PasskeyRow.person_id == EMPLOYEE))


EMPLOYEE = "P010"
VISIT = Visit("a visit's cookie")


def tried(place: Place, device: Device, *, passkeys: Passkeys | None = None) -> type[Exception] | None:
    keys = passkeys or place.passkeys
    asked = keys.begin(bound_to=VISIT.token)
    try:
        place.sample.office.entrance.by_passkey(keys, asked.token, device.answer(asked.options), VISIT)
    except (PasskeyRefused, CeremonyOver) as error:
        return type(error)
    return None


def changed(answer: str, part: str, at: int, value: int) -> str:
    """The answer, with one byte of a part of it changed."""
    said = json.loads(answer)
    text = said["response"][part]
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[at] ^= value
    said["response"][part] = base64.urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
    return json.dumps(said)


def test_somebody_signs_in_without_saying_who_they_are(place: Place, own: Device) -> None:
    page = own.page
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/sign-in?next=/account&lang=en")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/account")
    assert "with a passkey" in page.inner_text("main")
    assert "My desk" in page.inner_text("main")
    long_ago(place.sample.office)
    page.get_by_role("button", name="Remove the passkey My desk").click()
    assert "Show that it is you" in page.inner_text("h1")
    assert place.passkeys.of(EMPLOYEE)
    page.get_by_role("button", name="Go on with a passkey").click()
    page.wait_for_url("**/account?said=passkey-removed")
    assert "signs nobody in any more" in page.inner_text("[role=status]")
    with place.sample.office.store.read() as session:
        told = session.scalars(select(Event.type).order_by(Event.seq.desc()).limit(2)).all()
    assert told == [PASSKEY_REMOVED, PASSKEY_ADDED]
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/sign-in?lang=en")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/sign-in?said=passkey")
    assert "does not show who you are" in page.get_by_role("alert").first.inner_text()


def test_it_takes_the_password_to_set_one_up(place: Place, own: Device) -> None:
    page = own.page
    page.goto("/account/passkeys/new?lang=en")
    page.get_by_label("What you call it").fill("A thief's")
    page.get_by_label("Present password").fill("not this one at all")
    page.get_by_role("button", name="Go on").click()
    assert "not the right one" in page.get_by_role("alert").inner_text()
    assert len(place.passkeys.of(EMPLOYEE)) == 1


def test_setting_one_up_changes_what_the_browser_holds(place: Place, own: Device) -> None:
    before = own.session
    place.passkeys.remove(EMPLOYEE, by=EMPLOYEE)
    own.wire.send("WebAuthn.clearCredentials", {"authenticatorId": own.authenticator})
    own.add_passkey()
    assert own.session != before
    assert place.sample.office.sessions.find(before) is None
    assert place.sample.office.sessions.find(own.session) is not None


def test_a_right_answer_is_believed(place: Place, device: Device) -> None:
    assert tried(place, device) is None


def test_an_answer_counts_once(place: Place, device: Device) -> None:
    keys, entrance = place.passkeys, place.sample.office.entrance
    asked = keys.begin(bound_to=VISIT.token)
    answer = device.answer(asked.options)
    entrance.by_passkey(keys, asked.token, answer, VISIT)
    with pytest.raises(CeremonyOver):
        entrance.by_passkey(keys, asked.token, answer, VISIT)
    other = keys.begin(bound_to=VISIT.token)
    with pytest.raises(PasskeyRefused):  # in answer to another challenge
        entrance.by_passkey(keys, other.token, answer, VISIT)


def test_a_wrong_answer_ends_what_was_begun(place: Place, device: Device) -> None:
    keys, entrance = place.passkeys, place.sample.office.entrance
    asked = keys.begin(bound_to=VISIT.token)
    answer = device.answer(asked.options)
    with pytest.raises(PasskeyRefused):
        entrance.by_passkey(keys, asked.token, changed(answer, "signature", 20, 1), VISIT)
    with pytest.raises(CeremonyOver):
        entrance.by_passkey(keys, asked.token, answer, VISIT)


@pytest.mark.parametrize("held", ["another visit's cookie", ""])
def test_an_answer_is_of_the_browser_that_began(place: Place, device: Device, held: str) -> None:
    keys = place.passkeys
    asked = keys.begin(bound_to=VISIT.token)
    answer = device.answer(asked.options)
    with pytest.raises(CeremonyOver):
        place.sample.office.entrance.by_passkey(keys, asked.token, answer, Visit(held))


def test_an_answer_that_is_late_counts_no_more(place: Place, device: Device) -> None:
    keys = place.passkeys
    asked = keys.begin(bound_to=VISIT.token)
    with place.sample.office.store.write() as session:
        for row in session.scalars(select(CeremonyRow)):
            row.made_at -= 2 * FRESH
    with pytest.raises(CeremonyOver):
        place.sample.office.entrance.by_passkey(keys, asked.token, device.answer(asked.options), VISIT)


@pytest.mark.parametrize(
    ("part", "at", "value"),
    [
        ("authenticatorData", 0, 1),  # the site
        ("authenticatorData", 32, 4),  # that the owner was seen
        ("authenticatorData", 32, 1),  # that they were there
        ("authenticatorData", 36, 8),  # the counter
        ("signature", 20, 1),
        ("clientDataJSON", 40, 1),
    ],
)
def test_what_was_changed_on_the_way_is_refused(
    place: Place, device: Device, part: str, at: int, value: int
) -> None:
    keys = place.passkeys
    asked = keys.begin(bound_to=VISIT.token)
    answer = changed(device.answer(asked.options), part, at, value)
    with pytest.raises(PasskeyRefused):
        place.sample.office.entrance.by_passkey(keys, asked.token, answer, VISIT)


@pytest.mark.parametrize(
    "said", ["", "[]", "{}", "null", '{"id": 1, "response": {}}', "[" * 5000, '{"id": "x"}']
)
def test_what_is_no_answer_is_refused(place: Place, said: str) -> None:
    asked = place.passkeys.begin(bound_to=VISIT.token)
    with pytest.raises(PasskeyRefused):
        place.sample.office.entrance.by_passkey(place.passkeys, asked.token, said, VISIT)


@pytest.mark.parametrize(
    "site", [Site("localhost", "http://localhost:1"), Site("evil.example", "https://evil.example")]
)
def test_an_answer_that_was_made_for_another_address_is_refused(
    place: Place, device: Device, site: Site
) -> None:
    there = replace(place.passkeys, site=site)
    asked = place.passkeys.begin(bound_to=VISIT.token)
    with pytest.raises(PasskeyRefused):
        place.sample.office.entrance.by_passkey(there, asked.token, device.answer(asked.options), VISIT)


def test_a_copy_is_noticed_by_its_counter(place: Place, device: Device) -> None:
    [credential] = device.credentials()
    assert tried(place, device) is None
    assert tried(place, device) is None
    copy = Device.new(place.browser, place.url)
    copy.page.goto("/sign-in")
    copy.put({**credential, "signCount": 1})
    assert tried(place, copy) is PasskeyRefused
    copy.context.close()


def test_a_device_that_sees_no_owner_signs_nobody_in(place: Place, device: Device) -> None:
    asked = place.passkeys.begin(bound_to=VISIT.token)
    lax = asked.options.replace('"userVerification": "required"', '"userVerification": "discouraged"')
    assert lax != asked.options
    device.see_owner(sees=False)
    answer = device.answer(lax)
    device.see_owner(sees=True)
    with pytest.raises(PasskeyRefused):
        place.sample.office.entrance.by_passkey(place.passkeys, asked.token, answer, VISIT)


def test_who_has_left_is_let_in_by_none(place: Place, own: Device) -> None:
    with place.sample.office.store.write() as session:
        session.execute(update(Person).where(Person.id == EMPLOYEE).values(active=False))
    assert tried(place, own) is PasskeyRefused
    with place.sample.office.store.write() as session:
        session.execute(update(Person).where(Person.id == EMPLOYEE).values(active=True))


def test_who_removes_them(place: Place, own: Device) -> None:
    office, keys = place.sample.office, place.passkeys
    with pytest.raises(PasswordRefused, match="removes no passkeys of"):
        keys.remove(EMPLOYEE, by=MANAGER)
    with office.store.write() as session:
        session.add(Grant(person_id=MANAGER, role="administrator", unit=None))
    assert keys.remove(EMPLOYEE, by=MANAGER) == 1
    assert keys.remove(EMPLOYEE, by=MANAGER) == 0
    own.page.goto("/account")
    assert "/sign-in" in own.page.url, "and they sign in anew"
    assert tried(place, own) is PasskeyRefused
    with office.store.write() as session:
        session.execute(delete(Grant).where(Grant.person_id == MANAGER, Grant.role == "administrator"))


class TestProofs:
    SESSION = "what the browser holds of a session"

    def kept(self, place: Place, proof: Proof) -> list[tuple[int, int, str, str]]:
        with place.sample.office.store.read() as session:
            rows = session.scalars(select(ProofRow).where(ProofRow.token_sha256 == proof.sha256_hex))
            return [(row.request_id, row.version, row.person_id, row.method) for row in rows]

    def test_a_passkey_proves_it_for_what_was_seen(self, place: Place, device: Device) -> None:
        number = place.sample.submit("A1")
        asked = ask_for_passkey(place.passkeys, CLERK, {number: 3}, bound_to=self.SESSION)
        answer = device.answer(asked.options)
        with pytest.raises(CeremonyOver):
            prove_by_passkey(place.passkeys, CLERK, asked.token, answer, bound_to="another session")
        proof = prove_by_passkey(place.passkeys, CLERK, asked.token, answer, bound_to=self.SESSION)
        assert self.kept(place, proof) == [(number, 3, CLERK, "passkey")]
        with pytest.raises(CeremonyOver):
            prove_by_passkey(place.passkeys, CLERK, asked.token, answer, bound_to=self.SESSION)

    def test_what_was_begun_to_sign_in_proves_nothing(self, place: Place, device: Device) -> None:
        asked = place.passkeys.begin(bound_to=self.SESSION)
        answer = device.answer(asked.options)
        with pytest.raises(CeremonyOver):
            prove_by_passkey(place.passkeys, CLERK, asked.token, answer, bound_to=self.SESSION)

    def test_a_passkey_of_somebody_else_proves_nothing(self, place: Place, device: Device) -> None:
        number = place.sample.submit("A1")
        asked = ask_for_passkey(place.passkeys, MANAGER, {number: 1}, bound_to=self.SESSION)
        answer = device.answer(asked.options)
        with pytest.raises(PasskeyRefused):
            prove_by_passkey(place.passkeys, MANAGER, asked.token, answer, bound_to=self.SESSION)
        own = ask_for_passkey(place.passkeys, CLERK, {number: 1}, bound_to=self.SESSION)
        with pytest.raises(CeremonyOver):
            prove_by_passkey(
                place.passkeys, MANAGER, own.token, device.answer(own.options), bound_to=self.SESSION
            )


class TestConsent:
    """On the pages where somebody consents, and for what they have seen there alone."""

    OFFERED = re.compile("^Sign.* with a passkey$")

    def ask(self, device: Device, number: int) -> str:
        """The request's page with the text accepted, and what the browser holds of the session."""
        device.page.goto(f"/requests/{number}?lang=en")
        device.page.get_by_label("I accept this text").check()
        return device.session

    def methods(self, place: Place, number: int) -> list[str]:
        """How those who consented showed who they are."""
        query = select(Body.body).join(Event, Event.seq == Body.seq).where(Event.request_id == number)
        with place.sample.office.store.read() as session:
            told = [json.loads(one or "{}") for one in session.scalars(query)]
        return [one["reauthenticated"]["method"] for one in told if "consent" in one]

    def test_a_passkey_does_on_the_page_of_a_request(self, place: Place, signer: Device) -> None:
        number, page = place.to_sign[0], signer.page
        held = self.ask(signer, number)
        forms = page.evaluate(FORM)
        with page.expect_navigation():
            page.get_by_role("button", name=self.OFFERED).click()
        assert page.url.endswith(f"/requests/{number}?said=sign")
        assert self.methods(place, number) == ["passkey"]
        assert signer.session != held, "and their session has another token"
        assert place.sample.office.sessions.find(held) is None
        assert page.evaluate(FORM)["csrf"] == forms["csrf"], "but forms in other tabs are good still"

    def test_a_passkey_does_once_for_a_folder(self, place: Place, signer: Device) -> None:
        page, numbers = signer.page, place.to_sign[1:3]
        page.goto("/folder?lang=en")
        for number in numbers:
            page.locator(f'input[name="chosen"][value^="{number}-"]').check()
        with page.expect_navigation():
            page.locator('form[action="/folder"] button[type="submit"]').first.click()
        held = signer.session
        for box in page.get_by_label("I accept this text").all():
            box.check()
        with page.expect_navigation():
            page.get_by_role("button", name=self.OFFERED).click()
        page.get_by_text("Released: 2 of 2").wait_for()
        assert signer.session != held
        assert [self.methods(place, number) for number in numbers] == [["passkey"], ["passkey"]]

    def test_it_is_for_what_was_seen_and_once(self, place: Place, signer: Device) -> None:
        """Not for another request, nor for another version; and what was answered once is over."""
        seen, page = place.to_sign[3], signer.page
        self.ask(signer, seen)
        other = place.sample.submit("A1")
        form = page.evaluate(FORM)
        for asked in (
            [f"/requests/{other}/passkey", form],
            [f"/requests/{seen}/passkey", {**form, "version": "1"}],
        ):
            begun = page.evaluate(BEGIN, asked)
            self.refused(signer, seen, form, begun)
        assert self.methods(place, seen) == []

    def refused(self, signer: Device, seen: int, form: dict[str, str], begun: dict[str, Any]) -> None:
        """It proves nothing for this request as it is now; and nothing more at all."""
        page = signer.page
        shown = {"passkey": begun["token"], "answer": signer.answer(json.dumps(begun["options"]))}
        sent = page.evaluate(SEND, [f"/requests/{seen}/do", {**form, **shown}])
        assert (sent["status"], "too old, used, or of another person" in sent["text"]) == (422, True)
        sent = page.evaluate(SEND, [f"/requests/{seen}/do", {**form, **shown}])
        assert (sent["status"], "took too long, or was answered before" in sent["text"]) == (422, True)

    def test_without_scripts_there_is_the_password(self, place: Place) -> None:
        context = place.browser.new_context(base_url=place.url, java_script_enabled=False)
        page = browser_signed_in(context, place.sample.office, SIGNER)
        page.goto(f"/requests/{place.to_sign[4]}?lang=en")
        page.get_by_label("I accept this text").check()
        assert not page.get_by_role("button", name=self.OFFERED).is_visible()
        page.get_by_label("Your password, to show that it is you").fill(PASSWORD)
        with page.expect_navigation():
            page.locator("#act-sign button[type=submit]").click()
        assert self.methods(place, place.to_sign[4]) == ["password"]
        context.close()


@pytest.mark.parametrize(
    ("address", "site"),
    [
        ("https://paraaf.example.org", Site("paraaf.example.org", "https://paraaf.example.org")),
        ("https://paraaf.example.org:8443/x", Site("paraaf.example.org", "https://paraaf.example.org:8443")),
        ("http://localhost:8000", Site("localhost", "http://localhost:8000")),
        ("http://paraaf.example.org", None),
        ("https://192.0.2.1", None),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]", None),
        ("", None),
    ],
)
def test_where_there_are_passkeys(address: str, site: Site | None) -> None:
    assert site_of(address) == site


def test_without_an_address_for_them_they_are_not_offered(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, {})
    assert sample.office.passkeys.site is None
    with pytest.raises(PasskeyRefused):
        sample.office.passkeys.begin_adding(CLERK, "x", bound_to="x")
    sample.office.close()
