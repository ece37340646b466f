"""Look at a page in Chromium: whether everybody can use it, and how it looks, for who keeps the pictures."""

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SIZES = {"desk": (1440, 900), "phone": (390, 844)}


def look(page: Page, name: str) -> None:
    """Require that everybody can use it, and keep a picture of it."""
    require_usable(page)
    keep(page, name)


def require_usable(page: Page) -> None:
    """Nothing is wider than the screen, and axe finds nothing serious."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == [], page.url


def keep(page: Page, name: str) -> None:
    """Keep a picture in the folder that PARAAF_SCREENSHOTS names, if it names one."""
    folder = os.environ.get("PARAAF_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
