"""Errors of the typefaces."""

import unicodedata
from typing import ClassVar

from problem import Problem


class FontProblem(Problem):
    """Base of the errors of `fonts`."""

    code: ClassVar[str] = "fonts"


class UnprintableText(FontProblem):
    """A text holds characters that the face has no glyph for; printing it would show empty boxes.

    `field` names the field (dotted path) when the caller knows it, `characters` the offenders.
    """

    code: ClassVar[str] = "fonts-unprintable"

    def __init__(self, characters: str, *, field: str = "") -> None:
        named = ", ".join(_described(character) for character in characters[:5])
        more = f" and {len(characters) - 5} more" if len(characters) > 5 else ""
        where = f"{field}: " if field else ""
        super().__init__(
            f"{where}cannot be printed because of {named}{more}",
            hint="Write it in Latin letters, as in a passport's machine-readable or Latin spelling.",
        )
        self.characters = characters
        self.field = field


def _described(character: str) -> str:
    name = unicodedata.name(character, "control or unassigned character")
    shown = f"“{character}” " if character.isprintable() else ""
    return f"{shown}U+{ord(character):04X} ({name.lower()})"
