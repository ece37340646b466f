"""Requests begun and filled in, in Chromium: with and without JavaScript, by keyboard, in every language."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.desk_office import browser_signed_in, served
from tests.looking import chromium
from tests.steps_office import CLERK, DECLARATION, MANAGER, PLAN, Sample

NEW, NEW_PLAN = f"/requests/new/{DECLARATION}/A3", f"/requests/new/{PLAN}/standard"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    sample = Sample.open(tmp_path_factory.mktemp("forms"), {})
    yield sample
    sample.office.close()


@pytest.fixture(scope="module")
def browser(sample: Sample) -> Iterator[Browser]:
    assert sample
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(sample: Sample) -> Iterator[str]:
    with served(sample.office) as url:
        yield url


@pytest.fixture(scope="module")
def requester(sample: Sample) -> str:
    return sample.request(sample.submit("A3")).requester_id


def page_of(browser: Browser, url: str, sample: Sample, person: str, *, javascript: bool) -> Page:
    context = browser.new_context(base_url=url, java_script_enabled=javascript)
    return browser_signed_in(context, sample.office, person)


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])
def test_a_requester_begins_leaves_comes_back_and_sends(
    browser: Browser, url: str, sample: Sample, requester: str, javascript: bool
) -> None:
    page = page_of(browser, url, sample, requester, javascript=javascript)
    page.goto("/requests/new")
    page.get_by_role("link", name=re.compile("Begin.*Employer declaration")).click()
    page.locator("summary", has_text="Income per year").click()
    commission = page.get_by_label("Commission")
    known = commission.input_value()
    commission.fill("1.234")
    page.get_by_role("button", name="Add a row").click()
    page.locator("[name='income.lines.1.label']").fill(f"Sample line {javascript}")
    page.locator("[name='income.lines.1.amount']").fill("100,00")
    page.locator("[name='income.lines.1.fixed'][value='yes']").check()
    page.get_by_role("button", name="Save for later").click()
    expect(page.get_by_role("status")).to_contain_text("It is saved.")

    page.goto("/requests/new")
    page.get_by_label("You have begun").get_by_role("link").click()
    page.get_by_role("button", name="Send the request").click()
    told = page.get_by_role("alert")
    expect(told).to_be_focused()
    told.get_by_role("link", name="Commission").click()
    commission = page.get_by_label("Commission")
    assert commission.input_value() == "1.234"
    assert commission.get_attribute("aria-invalid") == "true"
    described = commission.get_attribute("aria-describedby") or ""
    assert "two meanings" in page.locator(f"#{described.split()[-1]}").inner_text()
    if javascript:
        expect(commission).to_be_focused()
    commission.fill(known)
    page.get_by_role("button", name="Send the request").click()
    number = int(page.url.rsplit("/", 1)[1].split("?")[0])
    assert sample.request(number).data["income"]["lines"][0]["label"] == f"Sample line {javascript}"
    page.context.close()


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])
def test_a_manager_fills_in_the_continuation_by_keyboard(
    browser: Browser, url: str, sample: Sample, javascript: bool
) -> None:
    number = sample.submit("A3", temporary=True)
    page = page_of(browser, url, sample, MANAGER, javascript=javascript)
    page.goto(f"/requests/{number}/edit")
    page.locator("[name='continuation.prospect']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")  # temporary
    page.keyboard.press("Tab")
    page.keyboard.type("12")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # yes
    page.keyboard.press("Tab")
    page.keyboard.type("From next year on 32 hours.")
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.locator("button[value='fire:approve']:focus").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/requests/{number}?said=*")
    assert sample.request(number).data["continuation"] == {
        "prospect": "temporary",
        "months": 12,
        "changed_conditions": True,
        "changed_conditions_text": "From next year on 32 hours.",
    }
    page.context.close()


def test_enter_in_a_field_sends_nothing_on(browser: Browser, url: str, sample: Sample) -> None:
    number = sample.submit("A3")
    sample.do("approve", MANAGER, number)
    page = page_of(browser, url, sample, CLERK, javascript=True)
    page.goto(f"/requests/{number}/edit")
    page.locator("[name='signing.place']").fill("Voorbeeldstad")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.locator("[name='signing.place']").input_value() == "Voorbeeldstad"
    assert sample.request(number).state == "review"
    page.context.close()


def test_only_what_applies_is_in_sight(browser: Browser, url: str, sample: Sample, requester: str) -> None:
    page = page_of(browser, url, sample, requester, javascript=True)
    page.goto(NEW_PLAN)
    safety = page.locator("#part-safety")
    expect(safety).to_be_hidden()
    page.locator("[name='header.subject']").select_option("occupational-safety")
    expect(page.locator("[name='safety.nature']")).to_be_visible()
    page.locator("[name='safety.nature']").fill("Typed")
    page.locator("[name='header.subject']").select_option("general")
    expect(safety).to_be_visible()  # what was typed is never out of sight
    page.context.close()


def test_who_leaves_with_something_typed_is_asked(
    browser: Browser, url: str, sample: Sample, requester: str
) -> None:
    page = page_of(browser, url, sample, requester, javascript=True)
    asked: list[str] = []

    def answer(dialog: object) -> None:
        asked.append(dialog.type)  # type: ignore[attr-defined]
        dialog.accept()  # type: ignore[attr-defined]

    page.on("dialog", answer)
    page.goto(NEW_PLAN)
    page.goto("/requests/new")
    assert asked == []
    page.goto(NEW_PLAN)
    page.locator("[name='header.title']").fill("Typed")
    page.locator("[name='header.title']").press("Tab")
    page.goto("/requests/new")
    assert asked == ["beforeunload"]
    page.context.close()
