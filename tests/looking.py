"""Look at a page in Chromium: whether everybody can use it, and how it looks.

Pictures go into `build/pictures`, or the folder that PARAAF_SCREENSHOTS names; index.html there shows all.
"""

import os
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, sync_playwright

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
HIGHEST = 6_000
NAMED = os.environ.get("PARAAF_SCREENSHOTS")
PICTURES = Path(NAMED or Path(__file__).parents[1] / "build" / "pictures")
EXAMINED = {"en": {"desk": "light", "phone": "dark"}, "nl": {"phone": "light"}}
"""Where axe looks: what it finds differs by size or by theme, and not by both; by language as far as words
are missing, or so long that something scrolls. They are longest in Dutch."""
# What is at most moderate is not even looked for.
_SERIOUS = """(enabled) => axe.run({
    resultTypes: ["violations"],
    rules: {
      ...Object.fromEntries(
        axe._audit.rules
          .filter((one) => ["minor", "moderate"].includes(one.impact))
          .map((one) => [one.id, {enabled: false}])),
      "color-contrast": {enabled},
    },
  })
  .then((found) => found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => [one.id, one.nodes[0].html]))"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, without windows: it takes a third of the time that one takes which hides them. With it no
    other event loop runs in this thread."""
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path="/usr/bin/chromium-headless-shell") as browser,
    ):
        yield browser


def look(page: Page, name: str, language: str) -> None:
    """Require that everybody can use a page, on a desk and a phone, in light and dark; keep pictures of it.

    In each language it has to fit on a phone; the rest is looked at where it may differ.
    """
    examined = EXAMINED.get(language, {})
    if examined:
        page.evaluate(AXE_SCRIPT)
    for size in SIZES if examined else ("phone",):
        _show(page, size, examined.get(size, "light"))
        require_fitting(page, name)
        if size in examined:
            found = page.evaluate(_SERIOUS, language == "en")
            assert found == [], (name, language, size, examined[size])
        for theme in _pictured(language, size):
            _show(page, size, theme)
            keep(page, f"{name}-{language}-{theme}-{size}")


def _pictured(language: str, size: str) -> Sequence[str]:
    """In which themes a picture is kept: in English what axe looks at, and more when a folder is named."""
    if not NAMED:
        return (EXAMINED["en"][size],) if language == "en" else ()
    return {"en": THEMES, "nl": ("light",)}.get(language, ())


def _show(page: Page, size: str, theme: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]


def require_fitting(page: Page, name: str) -> None:
    """Nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, page.viewport_size)


def keep(page: Page, name: str) -> None:
    """Keep a picture of the whole page, on a screen as high: what stays in sight covers nothing then."""
    width = page.evaluate("innerWidth")
    height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
    page.set_viewport_size({"width": width, "height": height})
    devtools = page.context.new_cdp_session(page)  # whose pictures take half as long as those of `screenshot`
    picture = devtools.send("Page.captureScreenshot", {"optimizeForSpeed": True})["data"]
    devtools.detach()
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / f"{name}.png").write_bytes(b64decode(picture))


def forget(language: str) -> None:
    """Remove the pictures in a language: pages that are no more leave none."""
    for one in PICTURES.glob(f"*-{language}-*.png"):
        one.unlink()


def index() -> None:
    """Make the page that shows all pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    rows = [
        f'<figure><a href="{one.name}"><img src="{one.name}" loading="lazy" alt=""></a>'
        f"<figcaption>{escape(one.stem)}</figcaption></figure>"
        for one in sorted(PICTURES.glob("*.png"))
    ]
    style = "body{display:flex;flex-wrap:wrap;gap:1rem;font:14px sans-serif}figure{margin:0}img{height:24rem}"
    text = f"<!doctype html><title>Pages of Paraaf</title><style>{style}</style>{''.join(rows)}"
    (PICTURES / "index.html").write_text(text, encoding="utf-8")
