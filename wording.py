"""What is said to people: English in the source, other languages in gettext catalogues, values in places.

A text has places `{name}` for values. A value stands there as it is, and never becomes a text with places of
its own. Whole numbers are written as the language does. A place may say what kind of value it has, as in
`{on:day}`: which kinds there are, and how they are written, each room's words say.
"""

import gettext
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from languages import WRITING

Value = str | int
Values = Mapping[str, Value]

_PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")


def mark(text: str) -> str:
    """Mark a text for the catalogues where it is written; it is translated where it is used."""
    return text


def filled(text: str, values: Values, written: Callable[[Value, str | None], str]) -> str:
    """The text with the values in its places; `written` gives a value as people write one of its kind."""
    if not values:
        return text

    def in_place(found: re.Match[str]) -> str:
        name, kind = found.groups()
        return written(values[name], kind) if name in values else found.group()

    return _PLACE.sub(in_place, text)


class Sentence(str):
    """A sentence in English that can be told in other languages: the text, and the values in its places.

    As a string it is the English sentence, the values in it as they are; `Wording.told` gives it to people.
    """

    template: str
    values: Values

    def __new__(cls, template: str, /, **values: Value) -> Self:
        """Put the values into the template's places."""
        self = super().__new__(cls, filled(template, values, lambda value, _kind: str(value)))
        self.template, self.values = template, values
        return self

    def kept(self) -> list[Any]:
        """As JSON, to be told later in whichever language."""
        kept = {
            name: value.kept() if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        return [self.template, kept]

    @classmethod
    def of_kept(cls, kept: Sequence[Any]) -> Self:
        """The same again."""
        template, values = kept
        return cls(
            template,
            **{name: cls.of_kept(one) if isinstance(one, list) else one for name, one in values.items()},
        )

    @classmethod
    def for_both(cls, command: str, pages: str, /, **values: Value) -> Self:
        """A sentence that says one thing to who types commands, as a string, and another on pages."""
        return cls(pages, **values).beside(filled(command, values, lambda value, _kind: str(value)))

    def beside(self, command: str) -> Self:
        """The same on pages; as a string, what it says to who types commands."""
        made = str.__new__(type(self), command)
        made.template, made.values = self.template, self.values
        return made


class Wording:
    """The words of one language; each room has its own by a catalogue of its own."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self._english = language == "en"
        self._writing = WRITING[language]
        self._translations = translations
        self._kinds: dict[str, Callable[[Value], str]] = {"word": lambda value: self.text(str(value))}

    def text(self, text: str, /, **values: Value) -> str:
        """`text` in this language, with these values in its places; a place without a value stays."""
        # the entry of the empty text is the catalogue's own head
        translated = self._translations.gettext(text) if text else text
        return filled(translated, values, self._written)

    def counted(self, one: str, many: str, count: int, /) -> str:
        """The text for so many, with their number in the place `{count}`."""
        text = self._translations.ngettext(one, many, count)
        return filled(text, {"count": count}, self._written)

    def told(self, sentence: str) -> str:
        """A sentence in this language; what is none is told as it is."""
        return self.text(sentence.template, **sentence.values) if isinstance(sentence, Sentence) else sentence

    def number(self, number: int) -> str:
        """A whole number."""
        return self._writing.whole(number)

    def _written(self, value: Value, kind: str | None) -> str:
        try:
            if kind is not None:
                return self._kinds[kind](value)
        except (ValueError, KeyError, OverflowError):  # it may come from anywhere
            return str(value)
        return self.number(value) if isinstance(value, int) else self.told(value)


def catalogue(domain: str, room: Path, language: str) -> gettext.NullTranslations:
    """The compiled catalogue of a room's words; of English there is none."""
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation(domain, room / "locale", [language])
