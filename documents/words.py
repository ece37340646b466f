"""The words of documents in one language, and how it writes amounts and dates (`wording` holds the rest).

Sources hold English; `locale/<language>/LC_MESSAGES/documents.po` holds the rest, compiled to .mo beside it.
"""

from datetime import date
from functools import cache
from pathlib import Path

from documents.errors import DocumentError
from languages import LANGUAGES, WRITING
from wording import Wording, catalogue, mark

__all__ = ["LANGUAGES", "UnknownLanguage", "Words", "mark", "words_in"]


class UnknownLanguage(DocumentError):
    """There are no words for documents in this language."""

    code = "document-language"


class Words(Wording):
    """One language; make it with `words_in`."""

    def months(self, count: int) -> str:
        """A length in months: "12 months"."""
        return self.counted("{count} month", "{count} months", count)

    def yes_no(self, answer: bool) -> str:
        """The word for an answer."""
        return self.text("Yes") if answer else self.text("No")

    def day(self, day: date | str) -> str:
        """A date with the month in letters; takes a date or its ISO 8601 form."""
        given = date.fromisoformat(day) if isinstance(day, str) else day
        return self._writing.day(given)

    def amount(self, amount: str) -> str:
        """An amount without its currency; takes the canonical form "50400.00"."""
        whole, cents = amount.split(".")
        return f"{self._writing.whole(int(whole))}{self._writing.decimal}{cents}"

    def money(self, amount: str) -> str:
        """An amount in euros; takes the canonical form "50400.00"."""
        return self._writing.money.format(self.amount(amount))

    def percentage(self, value: str) -> str:
        """A percentage without needless zeros; takes the canonical form "12.50"."""
        plain = value.rstrip("0").rstrip(".") if "." in value else value
        return self._writing.percent.format(plain.replace(".", self._writing.decimal))


@cache
def words_in(language: str) -> Words:
    """The words of `language`, read on first use; raises UnknownLanguage."""
    if language not in WRITING:
        raise UnknownLanguage(
            f"Documents can't be written in the language “{language[:20]}”",
            hint=f"Use one of: {', '.join(LANGUAGES)}.",
        )
    return Words(language, catalogue("documents", Path(__file__).parent, language))
