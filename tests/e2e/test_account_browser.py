"""Signing in and accounts in Chromium: codes without JavaScript, and the picture that holds their secret."""

import re
import subprocess
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.desk_office import PASSWORD, browser_signed_in, served
from tests.looking import chromium, keep
from tests.steps_office import Sample
from workflow.one_time_codes import _totp

pytestmark = pytest.mark.slow
PERSON = "P010"


@dataclass(frozen=True)
class Place:
    url: str
    sample: Sample
    browser: Browser

    def context(self, **more: object) -> BrowserContext:
        return self.browser.new_context(base_url=self.url, **more)  # type: ignore[arg-type]


def now_of(sample: Sample) -> int:
    with sample.office.store.read() as session:
        return int(sample.office.moment(session).timestamp())


def code_of(secret: str, now: int) -> str:
    """What an application shows that has this secret."""
    return _totp(b32decode(secret)).generate(now).decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    sample = Sample.open(tmp_path_factory.mktemp("account"), {})
    with (
        served(sample.office) as url,
        chromium() as browser,
    ):
        yield Place(url, sample, browser)
    sample.office.close()


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
