"""How an office's pages look: the file `theme.toml`, checked when it is loaded. Without it they are neutral.

name = "Example Bank"       # instead of Paraaf, at the head of every page
logo = "logo.svg"           # beside this file: SVG of plain shapes, or PNG
[accent]                    # links and buttons
light = "#00665e"
dark = "#7fd6c9"
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from signing.checked_toml import CheckedTable, read_toml
from signing.errors import ProfileError
from workflow.errors import SettingRefused
from workflow.logos import Logo, LogoRefused, logo_of

FILE: Final = "theme.toml"
VARIABLE: Final = "PARAAF_THEME"
NAME_MOST: Final = 40
CONTRAST_LEAST: Final = 4.5  # WCAG 2.2, 1.4.3
GROUNDS: Final = {
    "light": ("#ffffff", "#f6f7f9", "#e9ecf2"),
    "dark": ("#1a202b", "#11151c", "#262e3b", "#0e1a2b"),
}
"""What an accent is read on, or what is read on it: as static/paraaf.css has them."""
_COLOUR = re.compile("#[0-9a-f]{6}")


@dataclass(frozen=True)
class Theme:
    """The name at the head of pages; a logo beside it; the accent's colours, by `light` and `dark`."""

    name: str = "Paraaf"
    logo: Logo | None = None
    accent: Mapping[str, str] = field(default_factory=dict, hash=False)


NEUTRAL: Final = Theme()


def load_theme(folder: Path, environ: Mapping[str, str] = os.environ) -> Theme:
    """What the file says; the neutral theme where there is none. Raises SettingRefused."""
    named = environ.get(VARIABLE, "")
    file = Path(named) if named else folder / FILE
    if not file.is_file():
        if named:
            raise SettingRefused(
                f"{VARIABLE} is {named[:200]!r}, and there is no such file.",
                hint=f"Correct it, or leave it out: then {FILE} in the data folder counts.",
            )
        return NEUTRAL
    try:
        return _read(CheckedTable(str(file), read_toml(file)))
    except ProfileError as error:
        raise SettingRefused(str(error), hint=error.hint) from error


def contrast(one: str, other: str) -> float:
    """How well a colour is read on another, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _read(table: CheckedTable) -> Theme:
    name = table.text("name", default=NEUTRAL.name).strip()
    if not name or not name.isprintable() or len(name) > NAME_MOST:
        table.refuse("name", "can't be shown", f"Write 1 to {NAME_MOST} letters, digits and signs.")
    theme = Theme(name, _logo(table), _accent(table))
    table.finish()
    return theme


def _logo(table: CheckedTable) -> Logo | None:
    file = table.path("logo")
    if file is None:
        return None
    try:
        return logo_of(file.read_bytes())
    except OSError as error:
        table.refuse("logo", f"can't be read: {error.strerror}", "Check path and permissions.")
    except LogoRefused as refused:
        table.refuse("logo", str(refused), refused.mend)


def _accent(table: CheckedTable) -> Mapping[str, str]:
    said = table.take("accent", dict, "a table", {})
    if not said:
        return {}
    below = CheckedTable(table.file, said, place="accent")
    accent = {theme: _colour(below, theme) for theme in GROUNDS}
    below.finish()
    return accent


def _colour(table: CheckedTable, theme: str) -> str:
    colour = table.text(theme, required=True).lower()
    if not _COLOUR.fullmatch(colour):
        table.refuse(theme, f"is {colour[:40]!r}", 'Write a colour such as "#1d4e89".')
    worst = min(GROUNDS[theme], key=lambda ground: contrast(colour, ground))
    if (found := contrast(colour, worst)) < CONTRAST_LEAST:
        table.refuse(
            theme,
            f"has a contrast of {found:.2f} to {worst}, which is less than {CONTRAST_LEAST}",
            f"Choose a {'darker' if theme == 'light' else 'lighter'} one.",
        )
    return colour


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
