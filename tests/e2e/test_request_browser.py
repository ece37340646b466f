"""The page of a request in Chromium: with JavaScript and without, by keyboard."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from certs.serve_authority import AuthorityServer
from tests.desk_office import PASSWORD, browser_signed_in, served
from tests.looking import SIZES, chromium
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample

pytestmark = pytest.mark.slow


@dataclass
class Seen:
    """An office with a request in each of some states, and who looks at it."""

    sample: Sample
    url: str
    requests: dict[str, int]
    browser: Browser
    states: dict[str, StorageState]

    def context(
        self, person: str, size: str = "desk", theme: str = "light", *, js: bool = True
    ) -> BrowserContext:
        """A browser of somebody who has signed in before."""
        width, height = SIZES[size]
        context = self.browser.new_context(
            base_url=self.url,
            viewport={"width": width, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]
            java_script_enabled=js,
            storage_state=self.states.get(person),
        )
        if person not in self.states:
            browser_signed_in(context, self.sample.office, person).close()
            self.states[person] = context.storage_state()
        return context


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    sample = Sample.open(tmp_path_factory.mktemp("requests"), {})
    with AuthorityServer(sample.office.authority.folder):
        requests = {
            "delivered": sample.submit("A3", temporary=True),
            "sign": sample.submit("A1"),
            "returned": sample.submit("A4"),
            "review": sample.submit("A3"),
        }
        returned = requests["returned"]
        sample.do("return", MANAGER, returned, remark="Is this your address?\nPlease look.")
        data = sample.request(returned).data
        employee = {**data["employee"], "address": "A street of an uncommonly-long-name-without-any-space 1"}
        sample.do("submit", sample.request(returned).requester_id, returned, data={"employee": employee})
        for state in ("delivered", "sign", "review"):
            asyncio.run(sample.run_until(state, requests[state]))
        sample.do("claim", CLERK, requests["review"])
    with served(sample.office) as url, chromium() as browser:
        yield Seen(sample, url, requests, browser, {})
    sample.office.close()


def test_the_pages_of_the_document_are_drawn(seen: Seen) -> None:
    number = seen.requests["delivered"]
    context = seen.context(CLERK)
    page = context.new_page()
    page.goto(f"/requests/{number}")
    pictures = page.get_by_role("img", name="Page ")
    assert pictures.count() == 2
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("naturalWidth", 1200, timeout=30_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
    context.close()


@pytest.mark.parametrize("language", ["en", "nl", "da", "nb"])
def test_on_a_phone_no_name_of_a_field_runs_into_its_value(seen: Seen, language: str) -> None:
    context = seen.context(CLERK, "phone")
    page = context.new_page()
    page.goto(f"/requests/{seen.requests['delivered']}?lang={language}")
    names = page.locator(".facts dt")
    assert names.count() > 20
    assert names.evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length") == 0
    context.close()


@pytest.mark.parametrize("js", [True, False], ids=["with-javascript", "without"])
def test_a_clerk_returns_and_the_manager_reads_why(seen: Seen, js: bool) -> None:
    number = seen.sample.submit("A3")
    seen.sample.act([number])
    context = seen.context(CLERK, js=js)
    page = context.new_page()
    page.goto(f"/requests/{number}?lang=en")
    page.get_by_role("button", name="Claim and start").click()
    expect(page.get_by_role("status")).to_contain_text("Done: Claim and start.")
    page.locator("#key-r summary").click()
    page.get_by_label("Why, for who reads it next").fill("The town is missing.")
    page.locator("#key-r button").click()
    expect(page.get_by_role("status")).to_be_visible()
    context.close()
    context = seen.context(MANAGER, js=js)
    page = context.new_page()
    page.goto(f"/requests/{number}?lang=nl")
    assert "The town is missing." in page.locator(".remark.returned").inner_text()
    context.close()


def test_a_clerk_needs_no_mouse(seen: Seen) -> None:
    number = seen.sample.submit("A3")
    seen.sample.act([number])
    context = seen.context(CLERK)
    page = context.new_page()
    page.goto(f"/requests/{number}?lang=en")
    page.keyboard.press("c")
    page.wait_for_url("**/requests/*?said=take")
    page.keyboard.press("r")
    page.wait_for_function("document.activeElement.name === 'remark'")
    page.keyboard.type("Are you sure?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*?said=return")
    assert seen.sample.request(number).state == "manager"
    context.close()


@pytest.mark.parametrize("js", [True, False], ids=["with-javascript", "without"])
def test_a_signer_consents_and_shows_who_they_are(seen: Seen, js: bool) -> None:
    number = seen.sample.submit("A1")
    with AuthorityServer(seen.sample.office.authority.folder):
        _run_until(seen, "sign", number)
    context = seen.context(SIGNER, js=js)
    page = context.new_page()
    page.goto(f"/requests/{number}?lang=en")
    form = page.locator("#act-sign")
    form.get_by_label("I accept this text").check()
    form.get_by_label("Your password").fill("not the one")
    with page.expect_navigation():
        form.get_by_role("button").click()
    assert page.get_by_role("alert").is_visible()
    assert form.get_by_label("Your password").input_value() == ""
    form.get_by_label("I accept this text").check()
    form.get_by_label("Your password").fill(PASSWORD)
    with page.expect_navigation():
        form.get_by_role("button").click()
    assert page.get_by_role("status").is_visible()
    assert seen.sample.request(number).state == "sealing"
    seen.states[SIGNER] = context.storage_state()  # they go on under another token
    context.close()


def _run_until(seen: Seen, state: str, number: int) -> None:
    """In a thread: a loop runs in this one while there is a browser."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(lambda: asyncio.run(seen.sample.run_until(state, number))).result()
