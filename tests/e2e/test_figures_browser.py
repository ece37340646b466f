"""The page of figures with months behind it, as people see it in Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from languages import LANGUAGES
from tests.desk_office import browser_signed_in, served
from tests.looking import SIZES, chromium, look, require_fitting
from tests.steps_office import Sample
from tests.timed_office import Past
from throughput.kept import Keeper
from workflow.tables import Grant

pytestmark = pytest.mark.slow
AUDITOR = "P192"
CUT = """[...document.querySelectorAll("main select")].filter((one) => {
  const style = getComputedStyle(one), pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  return one.checkVisibility() && pen.measureText(one.selectedOptions[0].label).width > room;
}).map((one) => one.name)"""
"""What is chosen, and can't be read to its end."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sample, str, Browser]]:
    sample = Sample.open(tmp_path_factory.mktemp("figures"), {})
    with sample.office.store.write() as session:
        session.add(Grant(person_id=AUDITOR, role="administrator", unit=None))
    past = Past(sample.office, "P022")
    past.happen(600)
    past.write()
    Keeper(sample.office.store).catch_up()
    with served(sample.office) as url, chromium() as browser:
        yield sample, url, browser
    sample.office.close()


@pytest.fixture(scope="module")
def page(place: tuple[Sample, str, Browser]) -> Page:
    sample, url, browser = place
    return browser_signed_in(browser.new_context(base_url=url), sample.office, AUDITOR)


def test_everybody_can_use_it_with_every_chart_and_table_in_sight(page: Page) -> None:
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    for language in LANGUAGES:
        page.goto(f"/figures?lang={language}")
        page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")
        assert page.locator("svg[role=img]:visible").count() == 8
        look(page, "figures-of-months", language)
    assert told == []


def test_it_narrows_down_by_keyboard_on_a_phone_without_a_script(place: tuple[Sample, str, Browser]) -> None:
    sample, url, browser = place
    width, height = SIZES["phone"]
    context = browser.new_context(
        base_url=url, java_script_enabled=False, viewport={"width": width, "height": height}
    )
    page = browser_signed_in(context, sample.office, AUDITOR)
    for path in ("/figures?lang=nl", "/figures/monitoring?lang=nl"):
        page.goto(path)
        assert page.evaluate(CUT) == [], path
    page.goto("/figures?lang=en")
    page.get_by_label("Process", exact=True).focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.type("Units")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # more to choose from
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Advice")
    require_fitting(page, "figures, with all that can be chosen")
    with page.expect_navigation():
        page.get_by_role("button", name="Show these").press("Enter")
    assert "by=unit" in page.url
    assert "unit=Advice" in page.url
    assert page.locator("#lead table").first.locator("tbody th").all_inner_texts() == ["Advice"]
    require_fitting(page, "figures of a unit")
    with page.expect_navigation():
        page.get_by_role("link", name="Begin anew").press("Enter")
    assert page.url == f"{url}/figures"
    page.get_by_role("link", name="Monitoring by month").press("Enter")
    page.get_by_label("Goal, in per cent").fill("60")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "goal=60" in page.url
    require_fitting(page, "monitoring with another goal")
    context.close()


def test_on_paper_it_is_charts_and_tables(page: Page) -> None:
    page.set_viewport_size({"width": 720, "height": 1000})
    page.goto("/figures?lang=en")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("form:visible, button:visible, select:visible, a[download]:visible").count() == 0
    assert page.locator("svg[role=img]:visible").count() == 8
    assert page.locator("#lead table").first.is_visible()
    page.emulate_media(media="screen", color_scheme="light")  # the others find the page as it was
    page.set_viewport_size({"width": 1440, "height": 900})
