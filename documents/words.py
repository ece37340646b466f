"""The words of a language: labels from the gettext catalogues, and how it writes amounts and dates.

Sources hold English; `locale/<language>/LC_MESSAGES/documents.po` holds the rest, compiled to .mo beside it.
"""

import gettext
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from documents.errors import DocumentError

_FOLDER = Path(__file__).parent / "locale"
_NO_BREAK = "\N{NO-BREAK SPACE}"


class UnknownLanguage(DocumentError):
    """There are no words for documents in this language."""

    code = "document-language"


@dataclass(frozen=True)
class _Figures:
    """How a language writes numbers; `money` and `percent` are patterns around a number."""

    group: str
    decimal: str
    money: str
    percent: str


_FIGURES = {  # as in the Unicode CLDR
    "en": _Figures(",", ".", "€{}", "{}%"),
    "nl": _Figures(".", ",", f"€{_NO_BREAK}{{}}", "{}%"),
    "da": _Figures(".", ",", f"{{}}{_NO_BREAK}€", f"{{}}{_NO_BREAK}%"),
    "nb": _Figures(_NO_BREAK, ",", f"{{}}{_NO_BREAK}€", f"{{}}{_NO_BREAK}%"),
}
LANGUAGES = tuple(_FIGURES)


def mark(message: str) -> str:
    """Mark a message for the catalogues where it is written; it is translated where it is used."""
    return message


_MONTHS = (
    mark("January"),
    mark("February"),
    mark("March"),
    mark("April"),
    mark("May"),
    mark("June"),
    mark("July"),
    mark("August"),
    mark("September"),
    mark("October"),
    mark("November"),
    mark("December"),
)


class Words:
    """One language; make it with `words_in`."""

    def __init__(self, language: str, translations: gettext.NullTranslations) -> None:
        self.language = language
        self._figures = _FIGURES[language]
        self._translations = translations

    def text(self, message: str) -> str:
        """`message` in this language."""
        return self._translations.gettext(message)

    def months(self, count: int) -> str:
        """A length in months: "12 months"."""
        return self._translations.ngettext("{count} month", "{count} months", count).format(count=count)

    def yes_no(self, answer: bool) -> str:
        """The word for an answer."""
        return self.text("Yes") if answer else self.text("No")

    def day(self, day: date | str) -> str:
        """A date with the month in letters; takes a date or its ISO 8601 form."""
        given = date.fromisoformat(day) if isinstance(day, str) else day
        month = self.text(_MONTHS[given.month - 1])
        # a pattern of its own: some languages put a full stop after the day
        return self.text("{day} {month} {year}").format(day=given.day, month=month, year=given.year)

    def amount(self, amount: str) -> str:
        """An amount without its currency; takes the canonical form "50400.00"."""
        whole, cents = amount.split(".")
        grouped = f"{int(whole):,}".replace(",", self._figures.group)
        return f"{grouped}{self._figures.decimal}{cents}"

    def money(self, amount: str) -> str:
        """An amount in euros; takes the canonical form "50400.00"."""
        return self._figures.money.format(self.amount(amount))

    def percentage(self, value: str) -> str:
        """A percentage without needless zeros; takes the canonical form "12.50"."""
        plain = value.rstrip("0").rstrip(".") if "." in value else value
        return self._figures.percent.format(plain.replace(".", self._figures.decimal))


@cache
def words_in(language: str) -> Words:
    """The words of `language`, read on first use; raises UnknownLanguage."""
    if language not in _FIGURES:
        raise UnknownLanguage(
            f"Documents can't be written in the language “{language[:20]}”",
            hint=f"Use one of: {', '.join(LANGUAGES)}.",
        )
    if language == "en":
        return Words(language, gettext.NullTranslations())
    return Words(language, gettext.translation("documents", _FOLDER, [language]))
