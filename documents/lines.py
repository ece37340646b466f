"""Breaking text into lines."""

from functools import lru_cache

from documents.canvas import Style


@lru_cache(maxsize=2048)  # labels come again with every document
def broken(text: str, style: Style, width: float) -> tuple[str, ...]:
    """Break `text` into lines no wider than `width` points, at least one.

    Breaks where the text has line breaks, then at spaces, else inside a word. Raises UnprintableText.
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
    words: list[str] = []
    used = 0.0
    for word in paragraph.split(" "):
        needed = style.width(word)
        if words and used + space + needed > width:
            lines.append(" ".join(words))
            words, used = [], 0.0
        if needed > width:
            *full, word = _cut(word, style, width)  # noqa: PLW2901 (what is left of the word)
            lines += full
            needed = style.width(word)
        used += needed + (space if words else 0.0)
        words.append(word)
    return [*lines, " ".join(words)]


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
