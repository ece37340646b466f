"""The office's own look: what of it is taken, and what is refused with which words."""

import re
import zlib
from pathlib import Path

import pytest

from web import app
from workflow.errors import SettingRefused
from workflow.logos import LogoRefused, logo_of
from workflow.theme import CONTRAST_LEAST, GROUNDS, NEUTRAL, Theme, contrast, load_theme

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'
SHAPE = '<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
DRAWN = '<g transform="scale(2)"><path d="M0 0h4v4z" fill="url(#g)"/></g>'
SVG = f'<?xml version="1.0"?>\n{HEAD}{SHAPE}{DRAWN}</svg>'


def chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")


def png(*more: bytes, side: int = 1, after: bytes = b"") -> bytes:
    size = side.to_bytes(4, "big") * 2
    parts = (chunk(b"IHDR", size + b"\x08\0\0\0\0"), *more, chunk(b"IDAT", zlib.compress(b"\0\0")))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"") + after


def theme_of(folder: Path, text: str, **files: bytes) -> Theme:
    (folder / "theme.toml").write_text(text, encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return load_theme(folder, {})


def test_without_a_file_pages_are_neutral(tmp_path: Path) -> None:
    assert load_theme(tmp_path, {}) == NEUTRAL


def test_a_theme_is_taken_as_it_stands(tmp_path: Path) -> None:
    said = 'name = "Example Bank"\nlogo = "logo.svg"\n[accent]\nlight = "#00665E"\ndark = "#7fd6c9"\n'
    theme = theme_of(tmp_path, said, logo_svg=SVG.encode())
    assert (theme.name, theme.accent) == ("Example Bank", {"light": "#00665e", "dark": "#7fd6c9"})
    assert theme.logo is not None
    assert (theme.logo.media_type, theme.logo.content) == ("image/svg+xml", SVG.encode())
    assert logo_of(png()).media_type == "image/png"


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)


def test_the_grounds_are_those_of_the_pages() -> None:
    css = (app.STATIC / "paraaf.css").read_text(encoding="utf-8")
    for theme, rules in zip(GROUNDS, re.findall(r":root \{(.*?)\}", css, re.DOTALL), strict=True):
        tokens = dict(re.findall(r"--([\w-]+): (#\w+);", rules))
        grounds = {tokens[name] for name in ("paper", "ground", "open-ground", "on-accent")}
        assert set(GROUNDS[theme]) == grounds
        assert min(contrast(tokens["accent"], ground) for ground in grounds) >= CONTRAST_LEAST


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            '[accent]\nlight = "#3f9d94"\ndark = "#7fd6c9"',
            "accent.light.*contrast of 2.7.*Choose a darker one",
        ),
        ('[accent]\nlight = "#00665e"\ndark = "#00665e"', "accent.dark.*contrast of .*Choose a lighter one"),
        ('[accent]\nlight = "#00665e"', "accent.dark' is missing"),
        ('[accent]\nlight = "red"\ndark = "#7fd6c9"', "accent.light' is 'red'.*Write a colour"),
        ('name = "Bank\\u202e"', "name' can't be shown"),
        (f'name = "{"B" * 41}"', "name' can't be shown"),
        ('logo = "none.svg"', "logo' can't be read"),
        ('colour = "#00665e"', "colour"),
    ],
)
def test_what_nobody_could_read_is_refused(tmp_path: Path, said: str, told: str) -> None:
    with pytest.raises(SettingRefused) as refused:
        theme_of(tmp_path, said)
    assert re.search(told, f"{refused.value} {refused.value.hint}")


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match="PARAAF_THEME"):
        load_theme(tmp_path, {"PARAAF_THEME": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<path d="M0 0" onload="alert(1)"/>',
        '<path d="M0 0" style="fill: url(//elsewhere)"/>',
        "<style>@import url(//elsewhere)</style>",
        '<image href="//elsewhere/pixel.png"/>',
        '<use href="#g"/>',
        '<a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="javascript:alert(1)"/>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"/></foreignObject>',
        '<path d="M0 0" fill="url(//elsewhere#g)"/>',
        '<path d="M0 0" fill="URL( //elsewhere#g)"/>',
        '<animate attributeName="href"/>',
        '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
        "<?xml-stylesheet href='//elsewhere'?>",
    ],
)
def test_an_svg_that_could_act_or_ask_elsewhere_is_refused(inside: str) -> None:
    with pytest.raises(LogoRefused):
        logo_of(f"{HEAD}{inside}</svg>".encode())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"<html></html>",
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + HEAD.encode() + b"</svg>",
        HEAD.encode(),
        SVG.encode("utf-16"),
        b"<?xml-stylesheet href='//elsewhere'?>" + HEAD.encode() + b"</svg>",
        SVG.encode() + b" " * 300_000,
        png(after=b"<script>"),
        png(side=2001),
        png(chunk(b"tEXt", b"Comment\0<script>")),
        png()[:-6],
        png().replace(b"\x08\0\0\0\0", b"\x08\0\0\0\1"),
    ],
    ids=range(13),
)
def test_what_is_no_plain_picture_is_refused(content: bytes) -> None:
    with pytest.raises(LogoRefused):
        logo_of(content)
