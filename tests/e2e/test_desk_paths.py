"""Whole ways through the desk in Chromium, each person in a browser of their own, by what the pages offer.

A declaration with a return and a second signature, from the employee to whoever receives it; a team's plan.
A worker does what is automatic, as it does in an office.
"""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from certs.serve_authority import AuthorityServer
from documents.kinds.action_plan import example as plan_example
from tests.desk_office import browser_signed_in, served
from tests.steps_office import CLERK, SIGNER, Sample, _employee
from workflow.commands import Submission

pytestmark = pytest.mark.slow

AUDITOR = "P192"


@dataclass
class Desk:
    """An office, and the browsers of those who have signed in."""

    sample: Sample
    url: str
    browser: Browser
    pages: dict[str, Page] = field(default_factory=dict)

    def at(self, person: str, path: str) -> Page:
        """A page as this person sees it."""
        if person not in self.pages:
            context = self.browser.new_context(base_url=self.url, locale="en")
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
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        yield Desk(sample, url, browser)
        browser.close()
    sample.office.close()


def press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=re.compile(f"^{name}")).first.click()


def unfold(page: Page, name: str) -> None:
    page.locator("summary", has_text=re.compile(f"^{name}")).first.click()


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

    page = desk.at(employee, "/")
    page.get_by_role("link", name="Start a request").first.click()
    page.goto("/requests/new/employer-declaration/A3")
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
    press(page, "Take the next one")
    assert f"/requests/{number}" in page.url
    page.goto(f"/requests/{number}/edit")
    page.locator('[name^="reasons."]').first.fill("Moved last week; the register follows (sample).")
    for name, value in (
        ("name", desk.name(SIGNER)),
        ("place", "Voorbeeldstad"),
        ("contact_name", "Personnel desk (sample)"),
        ("contact_phone", "070 000 0000"),
    ):
        page.locator(f'[name="signing.{name}"]').fill(value)
    press(page, "Approve")
    assert sample.request(number).state == "rendering", page.inner_text("main")
    desk.work()

    for person, group in ((SIGNER, 1), (manager, 2)):
        page = desk.at(person, "/folder")
        page.locator("input[name=chosen]").first.check()
        press(page, "Sign those chosen")
        press(page, "Sign 1")
        expect(page.locator("main")).to_contain_text("Released: 1 of 1.", timeout=20_000)
        desk.work()
        assert len(sample.signatures(number)) == group

    assert sample.request(number).state == "delivered"
    page = desk.at(employee, f"/requests/{number}")
    with page.expect_download() as begun:
        page.get_by_role("link", name=re.compile("PDF|Download|Save")).first.click()
    file = tmp_path / "declaration.pdf"
    begun.value.save_as(file)

    context = desk.browser.new_context(base_url=desk.url, locale="en")  # nobody who has signed in
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
    data = plan_example()
    data["approval"]["name"] = desk.name(leader)
    data["header"]["drawn_up_on"] = sample.today.isoformat()
    data["header"]["evaluate_on"] = f"{sample.today.year + 1}-11-01"
    for row in data["actions"]:
        row["deadlines"] = [f"{sample.today.year + 1}-06-01"]
    number = sample.do(
        "submit", author, None, data=data, submission=Submission("team-action-plan", "standard", "en")
    )

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
