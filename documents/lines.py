"""Breaking text into lines."""

import re
from functools import lru_cache

from documents.canvas import Style

# after a hyphen between letters: a double name breaks there, a phone number and a code do not
_HYPHEN = re.compile(r"(?<=[^\W\d_]-)(?=[^\W\d_])")


@lru_cache(maxsize=2048)
def holds_words(text: str, style: Style, width: float) -> bool:
    """Say whether `width` points hold every word of `text`, or its parts between hyphens, uncut."""
    if style.width(text) <= width:
        return True
    return all(style.width(part) <= width for word in text.split() for part in _HYPHEN.split(word))


@lru_cache(maxsize=2048)  # labels come again with every document
def broken(text: str, style: Style, width: float) -> tuple[str, ...]:
    """Break `text` into lines no wider than `width` points, at least one.

    Breaks where the text has line breaks, then at spaces, then at hyphens, else inside a word. Raises
    UnprintableText.
    """
    lines: list[str] = []
    for paragraph in text.split("\n"):
        if style.width(paragraph) <= width:
            lines.append(paragraph)
        else:
            lines += _filled(paragraph, style, width)
    return tuple(lines)


def _filled(paragraph: str, style: Style, width: float) -> list[str]:
    lines: list[str] = []
    space = style.width(" ")
    line, used, begun = "", 0.0, False
    for word in paragraph.split(" "):
        glue, gap = (" ", space) if begun else ("", 0.0)
        for part in [word] if style.width(word) <= width else _HYPHEN.split(word):
            rest, needed = part, style.width(part)
            if begun and used + gap + needed > width:
                lines.append(line)
                line, used, glue, gap = "", 0.0, "", 0.0
            if needed > width:
                *full, rest = _cut(part, style, width)
                lines += full
                needed = style.width(rest)
            line, used, begun = line + glue + rest, used + gap + needed, True
            glue, gap = "", 0.0
    return [*lines, line]


def _cut(word: str, style: Style, width: float) -> list[str]:
    """Cut a word that is wider than a line; a part always holds at least one character."""
    parts: list[str] = []
    start, used = 0, 0.0
    for index, character in enumerate(word):
        advance = style.width(character)
        if used + advance > width and index > start:
            parts.append(word[start:index])
            start, used = index, 0.0
        used += advance
    return [*parts, word[start:]]
