"""An office's own name, logo and colours on its pages."""

from pathlib import Path

import pytest

from tests.desk_office import browsing, served
from tests.steps_office import Sample
from tests.unit.test_theme import SVG
from workflow.errors import SettingRefused

THEME = 'name = "Bank & Co"\nlogo = "logo.svg"\n[accent]\nlight = "#00665e"\ndark = "#7fd6c9"\n'


def test_pages_carry_the_offices_own_look(tmp_path: Path) -> None:
    (tmp_path / "logo.svg").write_text(SVG, encoding="utf-8")
    (tmp_path / "theme.toml").write_text(THEME, encoding="utf-8")
    sample = Sample.open(tmp_path)
    themed = sample.office.theme
    assert themed.logo is not None
    with served(sample.office) as url, browsing(url) as client:
        page = client.get("/verify?lang=en").text
        assert "<title>Check a document – Bank &amp; Co</title>" in page
        addresses = {part.split('"')[0] for part in page.split('"/static/')[1:]}
        [style] = [one for one in addresses if one.startswith("theme.css?")]
        [logo] = [one for one in addresses if one.startswith("logo.svg?")]
        css, picture = client.get(f"/static/{style}"), client.get(f"/static/{logo}")
        assert ":root { --accent: #00665e; }" in css.text
        assert "dark) { :root { --accent: #7fd6c9; } }" in css.text
        assert picture.content == themed.logo.content
        assert picture.headers["content-type"] == "image/svg+xml"
        assert picture.headers["content-security-policy"].endswith("; sandbox")
        assert picture.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in picture.headers["cache-control"]
    sample.office.close()


def test_an_office_with_a_theme_that_is_refused_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "theme.toml").write_text(THEME, encoding="utf-8")
    (tmp_path / "logo.svg").write_text(SVG.replace("<defs>", "<script/><defs>"), encoding="utf-8")
    with pytest.raises(SettingRefused, match="script"):
        Sample.open(tmp_path)
