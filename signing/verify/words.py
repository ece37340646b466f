"""The words of a report in one language (`wording` holds what all words have).

Sources hold English; `signing/locale/<language>/LC_MESSAGES/verification.po` holds the rest, compiled to .mo
beside it. What a file says of itself is a value. A place may say what kind of value it has:

  {at:moment}    a time, as ISO 8601
  {day:day}      a date, as ISO 8601
  {pages:pages}  numbers and runs of pages: "1 3 5-9"
  {what:word}    another text, translated where it is known
"""

import gettext
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from languages import LANGUAGES, WRITING
from signing.errors import SigningError
from wording import Value, Values, Wording, catalogue, mark

__all__ = ["ENGLISH", "UnknownReportLanguage", "Value", "Values", "Words", "mark", "words_in"]


class UnknownReportLanguage(SigningError):
    """There are no words for reports in this language."""

    code = "signing-report-language"


class Words(Wording):
    """One language; make it with `words_in`. With a zone times are that of a place, as on its own pages."""

    def __init__(
        self, language: str, translations: gettext.NullTranslations, zone: ZoneInfo | None = None
    ) -> None:
        super().__init__(language, translations)
        self._zone = zone
        self._kinds |= {"moment": self._moment, "day": self._day, "pages": self._pages}

    def moment(self, moment: datetime, *, seconds: bool = False) -> str:
        """A time to the minute; in UTC and English the date is in numbers, as in JSON."""
        there = moment.astimezone(self._zone or UTC)
        if self._in_numbers:
            return f"{there:%Y-%m-%d %H:%M:%S} UTC" if seconds else f"{there:%Y-%m-%d %H:%M} UTC"
        time = self._writing.time(there)
        if seconds:
            time += f"{time[2]}{there.second:02}"
        if self._zone is not None:
            return f"{self.day(there)} {time} {there:%Z}"
        return self.text("{day} {time} UTC", day=self.day(there), time=time)

    def day(self, day: date) -> str:
        """A date."""
        return f"{day:%Y-%m-%d}" if self._in_numbers else self._writing.day(day)

    @property
    def _in_numbers(self) -> bool:
        return self._english and self._zone is None

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
def words_in(language: str, zone: ZoneInfo | None = None) -> Words:
    """The words of `language`, read on first use; raises UnknownReportLanguage."""
    if language not in WRITING:
        raise UnknownReportLanguage(
            f"Reports can't be told in the language “{language[:20]}”",
            hint=f"Use one of: {', '.join(LANGUAGES)}.",
        )
    if language == "en":
        return ENGLISH if zone is None else Words("en", gettext.NullTranslations(), zone)
    return Words(language, catalogue("verification", Path(__file__).parents[1], language), zone)
