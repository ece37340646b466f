"""The page that describes the API, in Chromium: axe finds nothing, and nothing is wider than the screen."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.desk_office import served
from tests.steps_office import Sample

SIZES = ((1440, 900), (390, 844))


@pytest.mark.slow
def test_everybody_can_read_of_the_api(tmp_path: Path) -> None:
    sample = Sample.open(tmp_path, {})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium")
        with served(sample.office) as url:
            for width, height in SIZES:
                for theme in ("light", "dark"):
                    context = browser.new_context(
                        base_url=url,
                        viewport={"width": width, "height": height},
                        color_scheme=theme,  # type: ignore[arg-type]
                        java_script_enabled=True,
                    )
                    page, told = context.new_page(), []
                    page.on("console", lambda message, told=told: told.append(message.text))
                    page.goto("/api/v1/docs")
                    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                    assert Axe().run(page).response["violations"] == []
                    page.click(".api-list a[href='#send_command']")
                    assert page.url.endswith("#send_command")
                    assert told == []
                    context.close()
        browser.close()
    sample.office.close()
