"""Whole ways through the desk in Chromium, each person in a browser of their own, by what the pages offer.

A declaration with a return and a second signature, from the employee to whoever receives it; a team's plan.
The employee and the recipient have no JavaScript, the clerk and who signs no mouse. A worker does what is
automatic, as it does in an office.
"""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from certs.serve_authority import AuthorityServer
from tests.desk_office import browser_signed_in, served
from tests.looking import chromium
from tests.steps_office import CLERK, SIGNER, Sample, _employee

pytestmark = pytest.mark.slow

AUDITOR = "P192"


@dataclass
class Desk:
    """An office, and the browsers of those who have signed in."""

    sample: Sample
    url: str
    browser: Browser
    pages: dict[str, Page] = field(default_factory=dict)

    def at(self, person: str, path: str, *, scripts: bool = True) -> Page:
        """A page as this person sees it; whether they have scripts is as it was when they first came."""
        if person not in self.pages:
            context = self.browser.new_context(base_url=self.url, locale="en", java_script_enabled=scripts)
            self.pages[person] = browser_signed_in(context, self.sample.office, person)
        self.pages[person].goto(path)
        return self.pages[person]

    def work(self) -> None:
        """Have a worker do all that is automatic now."""
        with ThreadPoolExecutor(1) as pool:  # the browser's loop has this thread
            pool.submit(lambda: asyncio.run(self.sample.office.work(until_idle=True))).result()

    def name(self, person: str) -> str:
        return self.sample.register.person(person).name


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    sample = Sample.open(tmp_path_factory.mktemp("paths"), {})
    with (
        AuthorityServer(sample.office.authority.folder),
        served(sample.office) as url,
        chromium() as browser,
    ):
        yield Desk(sample, url, browser)
    sample.office.close()


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile(f"^{name}")).first.click()


def unfold(page: Page, name: str) -> None:
    page.locator("summary", has_text=re.compile(f"^{name}")).first.click()


def reach(page: Page, selector: str, words: str = "") -> None:
    """Go on by Tab until the focus is on such a part, and one that begins so."""
    here = (
        "([selector, words]) => document.activeElement.matches(selector)"
        " && document.activeElement.textContent.trim().startsWith(words)"
    )
    for _ in range(200):
        if page.evaluate(here, [selector, words]):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} {words!r} is not reached by Tab")


def type_into(page: Page, name: str, text: str) -> None:
    reach(page, f'[name="{name}"], [name^="{name}."]')
    page.keyboard.type(text)


def strike(page: Page, key: str) -> None:
    """A key that leads to another page."""
    with page.expect_navigation():
        page.keyboard.press(key)


def return_it(page: Page, remark: str) -> None:
    unfold(page, "Return with a remark")
    form = page.locator("details[open] form", has=page.get_by_role("button", name=re.compile("^Return")))
    form.locator("textarea").first.fill(remark)
    with page.expect_navigation():
        form.get_by_role("button", name=re.compile("^Return")).click()


def test_a_declaration_goes_all_its_way(desk: Desk, tmp_path: Path) -> None:
    sample = desk.sample
    employee = _employee(sample.register, sample.today, temporary=True)
    manager = sample.register.person(employee).manager_id
    assert manager is not None

    page = desk.at(employee, "/", scripts=False)
    page.get_by_role("link", name="Start a request").first.click()
    page.get_by_role("link", name=re.compile("Begin.*Employer declaration")).first.click()
    assert page.url.endswith("/employer-declaration/A3")
    press(page, "Send the request")
    number = int(re.findall(r"/requests/(\d+)", page.url)[0])

    page = desk.at(manager, "/queue")
    page.get_by_role("link", name=str(number), exact=True).click()
    press(page, "Claim and start")
    return_it(page, "Is the address still right?")

    page = desk.at(employee, "/requests")
    expect(page.locator("main")).to_contain_text("Is the address still right?")
    page.goto(f"/requests/{number}/edit")
    expect(page.locator("main")).to_contain_text("Is the address still right?")
    unfold(page, "Employee")
    page.locator('[name="employee.address"]').fill("Voorbeeldlaan 77")
    press(page, "(Submit|Send)")

    page = desk.at(manager, f"/requests/{number}")
    expect(page.locator("main")).to_contain_text("Voorbeeldlaan 77")
    press(page, "Claim and start")
    page.goto(f"/requests/{number}/edit")
    page.locator('[name="continuation.prospect"]').select_option("permanent")
    page.locator('[name="continuation.changed_conditions"][value="no"]').check()
    press(page, "Approve")

    page = desk.at(CLERK, "/queue")
    strike(page, "n")
    assert f"/requests/{number}" in page.url
    strike(page, "a")
    for name, value in (
        ("signing.name", desk.name(SIGNER)),
        ("signing.place", "Voorbeeldstad"),
        ("signing.contact_name", "Personnel desk (sample)"),
        ("signing.contact_phone", "070 000 0000"),
        ("reasons", "Moved last week; the register follows (sample)."),
    ):
        type_into(page, name, value)
    reach(page, "button", "Approve")
    strike(page, "Enter")
    assert sample.request(number).state == "rendering", page.inner_text("main")
    desk.work()

    for person, group in ((SIGNER, 1), (manager, 2)):
        page = desk.at(person, "/folder")
        reach(page, "input[name=chosen]")
        page.keyboard.press("Space")
        for button in ("Sign those chosen", "Sign 1"):
            reach(page, "button", button)
            strike(page, "Enter")
        expect(page.locator("main")).to_contain_text("Released: 1 of 1.", timeout=20_000)
        desk.work()
        assert len(sample.signatures(number)) == group

    assert sample.request(number).state == "delivered"
    page = desk.at(employee, f"/requests/{number}")
    with page.expect_download() as begun:
        page.get_by_role("link", name=re.compile("PDF|Download|Save")).first.click()
    file = tmp_path / "declaration.pdf"
    begun.value.save_as(file)

    context = desk.browser.new_context(base_url=desk.url, locale="en", java_script_enabled=False)
    page = context.new_page()
    page.goto("/verify")
    page.get_by_label("The signed PDF").set_input_files(file)
    page.get_by_role("button", name="Check this file").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.locator("main")).to_contain_text(desk.name(SIGNER))
    context.close()

    page = desk.at(AUDITOR, f"/requests/{number}")
    expect(page.locator("main")).to_contain_text("Is the address still right?")
    page.goto("/office/log")
    press(page, "Check it now")
    expect(page.get_by_role("status")).to_contain_text("Nothing is wrong")


def test_a_plan_is_approved_and_runs(desk: Desk) -> None:
    sample = desk.sample
    author = _employee(sample.register, sample.today, temporary=False)
    leader = sample.register.person(author).manager_id
    assert leader is not None
    page = desk.at(author, "/requests/new")
    page.get_by_role("link", name=re.compile("Begin.*plan", re.IGNORECASE)).first.click()
    next_year = sample.today.year + 1
    for name, value in {
        "header.title": "Working together in the document room",
        "header.evaluate_on": f"01/11/{next_year}",
        "actions.1.focus_area": "Relation with the nearest leader",
        "actions.1.description": "A short meeting every fortnight about obstacles.",
        "actions.1.responsible": "A. Voorbeeld-Esdoorn",
        "actions.1.deadlines.1": f"01/06/{next_year}",
        "actions.1.follow_up": "The leader reports in the monthly team meeting.",
        "actions.1.goal_reached_when": "The score is 60 or more at the next measurement.",
        "approval.name": desk.name(leader),
        "approval.function": "Head of unit",
        "approval.place": "Voorbeeldstad",
    }.items():
        page.locator(f'[name="{name}"]').fill(value)
    page.locator('[name="header.subject"]').select_option("general")
    press(page, "Send the request")
    number = int(re.findall(r"/requests/(\d+)", page.url)[0])

    page = desk.at(leader, f"/requests/{number}")
    press(page, "Claim and start")
    press(page, "Approve")
    desk.work()
    page = desk.at(leader, "/folder")
    if page.locator("input[name=chosen]").count():
        page.locator("input[name=chosen]").first.check()
        press(page, "Sign those chosen")
        press(page, "Sign 1")
        expect(page.locator("main")).to_contain_text("Released: 1 of 1.", timeout=20_000)
        desk.work()
    assert sample.request(number).state == "running"
    expect(desk.at(author, f"/requests/{number}").locator("main")).to_contain_text("Running")
