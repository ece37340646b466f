"""The words of a report in one language: texts from the gettext catalogues, their places filled in.

Sources hold English; `signing/locale/<language>/LC_MESSAGES/verification.po` holds the rest, compiled to .mo
beside it. A text has places `{name}` for values. What a file says of itself is a value: it stands there as it
is, and never becomes a text with places of its own. Numbers are written as the language does. A place may say
what kind of value it has:

  {at:moment}    a time, as ISO 8601
  {day:day}      a date, as ISO 8601
  {pages:pages}  numbers and runs of pages: "1 3 5-9"
  {what:word}    another text, translated where it is known
"""

import gettext
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from languages import LANGUAGES, WRITING
from signing.errors import SigningError

Value = str | int
Values = Mapping[str, Value]

_FOLDER = Path(__file__).parents[1] / "locale"
_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")


class UnknownReportLanguage(SigningError):
    """There are no words for reports in this language."""

    code = "signing-report-language"


def mark(text: str) -> str:
    """Mark a text for the catalogues where it is written; it is translated where it is used."""
    return text


class Words:
    """One language; make it with `words_in`."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self._english = language == "en"
        self._writing = WRITING[language]
        self._translations = translations
        self._kinds: dict[str, Callable[[Value], str]] = {
            "moment": self._moment,
            "day": self._day,
            "pages": self._pages,
            "word": lambda value: self._translated(str(value)),
        }

    def text(self, text: str, /, **values: Value) -> str:
        """`text` in this language, with these values in its places; a place without a value stays."""
        return self._filled(self._translated(text), values)

    def counted(self, one: str, many: str, count: int, /) -> str:
        """The text for so many, with their number in the place `{count}`."""
        return self._filled(self._translations.ngettext(one, many, count), {"count": count})

    def number(self, number: int) -> str:
        """A whole number."""
        return self._writing.whole(number)

    def moment(self, moment: datetime, *, seconds: bool = False) -> str:
        """A time in UTC, to the minute; in English the date is in numbers, as in JSON."""
        utc = moment.astimezone(UTC)
        if self._english:
            return f"{utc:%Y-%m-%d %H:%M:%S} UTC" if seconds else f"{utc:%Y-%m-%d %H:%M} UTC"
        time = self._writing.time(utc)
        if seconds:
            time += f"{time[2]}{utc.second:02}"
        return self.text("{day} {time} UTC", day=self.day(utc), time=time)

    def day(self, day: date) -> str:
        """A date."""
        return f"{day:%Y-%m-%d}" if self._english else self._writing.day(day)

    def _translated(self, text: str) -> str:
        # the entry of the empty text is the catalogue's own head
        return text if self._english or not text else self._translations.gettext(text)

    def _filled(self, text: str, values: Values) -> str:
        if not values:
            return text
        return _PLACE.sub(lambda found: self._in_place(found, values), text)

    def _in_place(self, found: re.Match[str], values: Values) -> str:
        name, kind = found.groups()
        if name not in values:
            return found.group()
        value = values[name]
        try:
            if kind is not None:
                return self._kinds[kind](value)
        except (ValueError, KeyError, OverflowError):  # a broken child may have written anything
            return str(value)
        return self.number(value) if isinstance(value, int) else value

    def _moment(self, value: Value) -> str:
        return self.moment(datetime.fromisoformat(str(value)))

    def _day(self, value: Value) -> str:
        return self.day(date.fromisoformat(str(value)))

    def _pages(self, value: Value) -> str:
        """ "1, 3 and 5 to 9"."""
        runs = [
            self.text("{first} to {last}", first=first, last=last) if last else first
            for first, _, last in (run.partition("-") for run in str(value).split())
        ]
        if len(runs) < 2:
            return "".join(runs)
        return self.text("{first} and {last}", first=", ".join(runs[:-1]), last=runs[-1])


ENGLISH: Final = Words("en", gettext.NullTranslations())


@cache
def words_in(language: str) -> Words:
    """The words of `language`, read on first use; raises UnknownReportLanguage."""
    if language not in WRITING:
        raise UnknownReportLanguage(
            f"Reports can't be told in the language “{language[:20]}”",
            hint=f"Use one of: {', '.join(LANGUAGES)}.",
        )
    if language == "en":
        return ENGLISH
    return Words(language, gettext.translation("verification", _FOLDER, [language]))
