"""The signing folder in Chromium: by keyboard alone, without JavaScript, two hundred at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.desk_office import PASSWORD, browser_signed_in, served
from tests.folder_office import bring_to, free_port
from tests.looking import chromium
from tests.remote_office import PIN, remote_office
from tests.steps_office import SIGNER, Sample

MANY = 200


@dataclass(frozen=True)
class Place:
    sample: Sample
    url: str
    browser: Browser

    def context(self, **how: object) -> BrowserContext:
        return self.browser.new_context(base_url=self.url, locale="en", **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Requests of each kind wait for the signer. Made first: with the browser there, no other loop runs."""
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/folder/authorised"
    with remote_office(tmp_path_factory.mktemp("folder"), redirect=redirect) as sample:
        for variant, count in (("A1", 6), ("A3", 6), ("A4", 6), ("A4-DUAL", 1)):
            bring_to(sample, "sign", count, variant)
        with served(sample.office, port=port) as url, chromium() as browser:
            yield Place(sample, url, browser)


def folder(page: Page, language: str = "en") -> Page:
    page.goto(f"/folder?lang={language}")
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without"])
def test_somebody_signs_with_a_click_and_with_their_key_in_one_go(place: Place, scripts: bool) -> None:
    context = place.context(java_script_enabled=scripts)
    page = folder(browser_signed_in(context, place.sample.office, SIGNER))
    for group in ("after you accept a text", "with your key at provider"):
        page.locator("fieldset", has_text=group).locator("input[type=checkbox]").first.check()
    if scripts:
        expect(page.get_by_text("Chosen: 2 of")).to_be_visible()
    page.get_by_role("button", name="Sign those chosen…").click()
    page.get_by_label("I accept this text").check()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Sign 2", exact=True).click()
    again(page, scripts, "With your key")
    page.locator("#pin").fill("000000")
    page.get_by_role("button", name="Authorise 1").click()
    again(page, scripts, "The PIN is missing, wrong or locked.")
    page.locator("#pin").fill(PIN)
    page.get_by_role("button", name="Authorise 1").click()
    again(page, scripts, "Released: 2 of 2.")
    context.close()


def again(page: Page, scripts: bool, words: str) -> None:
    """The page says so by itself; without scripts, to who looks again."""
    if scripts:
        expect(page.locator("main")).to_contain_text(words, timeout=20_000)
        return
    for _ in range(100):
        if words in page.inner_text("main"):
            return
        page.get_by_role("link", name="Look again").click()
    raise AssertionError(page.inner_text("main"))


def test_a_document_is_read_and_signed_by_keyboard_alone(place: Place) -> None:
    context = place.context()
    page = folder(browser_signed_in(context, place.sample.office, SIGNER))
    press_until(page, "Tab", "a", "Read")
    page.keyboard.press("Enter")
    page.wait_for_url("**/folder/documents/*")
    expect(page.get_by_role("img", name="Page 1 of")).to_be_visible()
    page.go_back()
    box = "document.activeElement.closest('[type=checkbox]')?.closest('fieldset').textContent"
    for _ in range(60):
        page.keyboard.press("Tab")
        if "which you release" in str(page.evaluate(box)):
            break
    page.keyboard.press("Space")
    press_until(page, "Tab", "button", "Sign those chosen…")
    page.keyboard.press("Enter")
    page.wait_for_url("**/folder/runs/*")
    press_until(page, "Tab", "button", "Sign 1")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Released: 1 of 1.")
    context.close()


def press_until(page: Page, key: str, tag: str, words: str) -> None:
    """Move the focus on, until it is on what says so."""
    for _ in range(120):
        page.keyboard.press(key)
        here = page.evaluate("[document.activeElement.localName, document.activeElement.textContent.trim()]")
        if here[0] == tag and here[1].startswith(words):
            return
    raise AssertionError(f"no {tag} {words!r} is reached by {key}")


def test_all_are_chosen_and_none(place: Place) -> None:
    context = place.context()
    page = folder(browser_signed_in(context, place.sample.office, SIGNER))
    boxes = page.locator("input[name=chosen]")
    page.get_by_role("link", name="Choose all").click()
    expect(page.locator("input[name=chosen]:checked")).to_have_count(boxes.count())
    expect(page.get_by_text(f"Chosen: {boxes.count()} of {boxes.count()}.")).to_be_visible()
    page.get_by_role("link", name="Choose none").click()
    expect(page.locator("input[name=chosen]:checked")).to_have_count(0)
    context.close()
