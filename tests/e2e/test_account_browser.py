"""The pages of how one signs in, in Chromium: axe, phone and desk, light and dark, in every language."""

import re
import subprocess
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from languages import LANGUAGES
from signing.secret import Secret
from tests.desk_office import PASSWORD, browser_signed_in, served
from tests.glewlwyd import free_port
from tests.looking import SIZES, keep, look
from tests.steps_office import Sample
from workflow.one_time_codes import _totp
from workflow.tables import PasskeyRow

pytestmark = pytest.mark.slow
PERSON, WITH_CODES = "P010", "P011"
IDENTITY = """[oidc]
issuer = "http://localhost:1"
client_id = "paraaf"
person = "sub"
name = "Example Bank"
"""


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample
    browser: Browser

    def context(self, size: str = "desk", theme: str = "light", **more: object) -> BrowserContext:
        width, height = SIZES[size]
        return self.browser.new_context(
            base_url=self.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            **more,
        )


def now_of(sample: Sample) -> int:
    with sample.office.store.read() as session:
        return int(sample.office.moment(session).timestamp())


def code_of(secret: str, now: int) -> str:
    """What an application shows that has this secret."""
    return _totp(b32decode(secret)).generate(now).decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, port = tmp_path_factory.mktemp("account"), free_port()
    url = f"http://localhost:{port}"
    (folder / "identity.toml").write_text(IDENTITY, encoding="utf-8")
    environ = {"PARAAF_PUBLIC_URL": url, "PARAAF_OIDC_SECRET": "a secret for tests"}
    sample = Sample.open(folder, environ)
    office = sample.office
    with office.store.write() as session:
        session.add(
            PasskeyRow(
                credential_id="c" * 40,
                person_id=PERSON,
                handle="h",
                public_key=b"k",
                sign_count=0,
                name="My telephone",
                made_at=office.moment(session),
            )
        )
    office.passwords.set(WITH_CODES, Secret(PASSWORD), by=WITH_CODES)
    codes = office.one_time_codes
    begun = codes.begin(WITH_CODES, bound_to="session")
    code = code_of(begun.secret, now_of(sample))
    codes.confirm(WITH_CODES, begun.token, code, Secret(PASSWORD), bound_to="session")
    with (
        served(office, port=port),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path="/usr/bin/chromium") as browser,
    ):
        yield Place(url, sample, browser)
    office.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_use_the_pages(place: Place, language: str, theme: str) -> None:
    for size in SIZES:
        context = place.context(size, theme)
        page = browser_signed_in(context, place.sample.office, PERSON)
        for name, address in (
            ("account", "/account"),
            ("passkey-new", "/account/passkeys/new"),
            ("codes-remove", "/account/codes/remove"),
        ):
            page.goto(f"{address}?lang={language}")
            look(page, f"{name}-{language}-{theme}-{size}")
        page.goto("/account")
        page.locator('form[action="/account/codes/begin"] button').click()
        page.wait_for_url("**/account/codes?token=*")
        look(page, f"codes-{language}-{theme}-{size}")
        page.locator("#code").fill("000000")
        page.locator("#password").fill("not this one at all")
        page.locator('form[action="/account/codes"] button').click()
        page.locator("#wrong").wait_for()
        look(page, f"codes-wrong-{language}-{theme}-{size}")
        context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_sign_in(place: Place, language: str, theme: str) -> None:
    for size in SIZES:
        context = place.context(size, theme)
        page = context.new_page()
        page.goto(f"/sign-in?lang={language}")
        look(page, f"sign-in-{language}-{theme}-{size}")
        page.goto(f"/sign-in/elsewhere?lang={language}")
        look(page, f"elsewhere-{language}-{theme}-{size}")
        page.goto("/sign-in")
        page.locator("#person").fill(WITH_CODES)
        page.locator("#password").fill(PASSWORD)
        page.locator("#password").press("Enter")
        page.locator("#code").wait_for()
        look(page, f"code-{language}-{theme}-{size}")
        context.close()


def test_codes_are_set_up_without_javascript(place: Place) -> None:
    context = place.context(java_script_enabled=False, locale="en-GB")
    page = browser_signed_in(context, place.sample.office, PERSON)
    page.goto("/account")
    page.get_by_role("button", name="Set up codes").click()
    secret = page.locator(".code").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(code_of(secret, now_of(place.sample)))
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Ask for codes from now on").click()
    expect(page.get_by_role("listitem").filter(has_text=re.compile(r"^\d\w{3}-"))).to_have_count(10)
    keep(page, "recovery")
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("main")).to_contain_text("Recovery codes left: 10")
    keep(page, "account-with-codes")
    page.get_by_role("link", name="Remove the codes").click()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_role("button", name="Remove the codes").click()
    expect(page.get_by_role("status")).to_contain_text("asked for no codes")
    context.close()


def test_the_picture_holds_what_stands_below_it(place: Place) -> None:
    """Read by another program than the one that drew it, from the screen."""
    context = place.context(locale="en-GB")
    page = browser_signed_in(context, place.sample.office, PERSON)
    page.goto("/account")
    page.get_by_role("button", name="Set up codes").click()
    link = page.locator('a[href^="otpauth:"]').get_attribute("href")
    assert zbar(page.locator("svg.qr").screenshot()) == link
    context.close()


def zbar(png: bytes) -> str:
    """What zbarimg reads in a picture."""
    command = ["zbarimg", "--quiet", "--raw", "-"]
    return subprocess.run(command, input=png, capture_output=True, check=True).stdout.decode().strip()
