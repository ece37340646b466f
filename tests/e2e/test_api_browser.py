"""The page that describes the API, in Chromium: axe finds nothing, and nothing is wider than the screen."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.desk_office import served
from tests.looking import SIZES, chromium, require_fitting
from tests.steps_office import Sample


@pytest.mark.slow
def test_everybody_can_read_of_the_api(tmp_path: Path) -> None:
    sample, told = Sample.open(tmp_path, {}), list[str]()
    with served(sample.office) as url, chromium() as browser:
        page = browser.new_page(base_url=url)
        page.on("console", lambda message: told.append(message.text))
        for size, theme in (("desk", "light"), ("phone", "dark")):  # what axe finds differs by one of them
            width, height = SIZES[size]
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
            page.goto("/api/v1/docs")
            require_fitting(page, "api")
            assert Axe().run(page).response["violations"] == []
            page.click(".api-list a[href='#send_command']")
            assert page.url.endswith("#send_command")
        assert told == []
    sample.office.close()
