"""Values as people type and read them, in their language; and back to what a document's data holds.

What can't be understood is handed on as it was typed: the document's model says what is wrong with it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from documents.words import Words, words_in
from languages import WRITING
from web.field_model import Spec

_MONTHS: Final = {
    month.casefold(): number
    for writing in WRITING.values()
    for number, month in enumerate(writing.months, start=1)
}
_DAY_FIRST = re.compile(r"([0-9]{1,2})[\s./-]{1,3}([0-9]{1,2}|[^\W\d_]{3,12})[\s./-]{1,3}([0-9]{4})")
_SPACES = re.compile(r"[\s\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]+")
_SHORT_DAY: Final = {"en": "{0:02}/{1:02}/{2}", "nl": "{0:02}-{1:02}-{2}", "da": "{0:02}-{1:02}-{2}"}
_STOPPED_DAY: Final = "{0:02}.{1:02}.{2}"
_IN_ITS_OWN_WAY: Final = frozenset({"day", "yes-no", "amount", "percentage", "months"})
_LONGEST: Final = 40  # what is longer is no number and no day


def read(spec: Spec, text: str, language: str) -> Any:
    """What a typed text means: as the model keeps it, or the text itself where it is not understood."""
    plain = text
    if spec.type in _IN_ITS_OWN_WAY and len(text) <= _LONGEST:
        plain = text.strip()
        if spec.type == "day":
            plain = _as_day(plain)
        elif spec.type == "yes-no":
            plain = _as_answer(plain, language)
        elif spec.type != "months":
            plain = _as_number(plain)
    return spec.canonical(plain)


def typed(spec: Spec, value: Any, language: str) -> str:
    """A value as it stands in a form; `read` gives it back."""
    if value is None:
        return ""
    known = spec.canonical(value)
    if isinstance(known, bool):
        return "yes" if known else "no"
    if not spec.takes(value):
        return str(value)
    writing = _IN_FORMS.get(spec.type)
    return str(known) if writing is None else writing(known, language)


def shown(spec: Spec, value: Any, language: str) -> str:
    """A value for people to read; a choice is not put into words here."""
    if value is None:
        return ""
    writing = _FOR_READING.get(spec.type)
    if writing is None or not spec.takes(value):
        return str(value)
    return writing(words_in(language), spec.canonical(value))


def _short_day(day: str, language: str) -> str:
    given = date.fromisoformat(day)
    return _SHORT_DAY.get(language, _STOPPED_DAY).format(given.day, given.month, given.year)


def _short_percentage(percentage: str, language: str) -> str:
    return _without_zeros(percentage).replace(".", WRITING[language].decimal)


_IN_FORMS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "day": _short_day,
    "amount": lambda amount, language: words_in(language).amount(amount),
    "percentage": _short_percentage,
}
_FOR_READING: Final[Mapping[str, Callable[[Words, Any], str]]] = {
    "day": Words.day,
    "amount": Words.money,
    "percentage": Words.percentage,
    "yes-no": Words.yes_no,
    "months": Words.months,
}


def _without_zeros(number: str) -> str:
    return number.rstrip("0").rstrip(".") if "." in number else number


def _as_day(text: str) -> str:
    """A day as people write it, in ISO 8601: "31-12-2024", "31/12/2024", "31. desember 2024"."""
    found = _DAY_FIRST.fullmatch(text)
    if found is None:
        return text
    day, month, year = found.groups()
    number = int(month) if month.isdecimal() else _MONTHS.get(month.casefold())
    try:
        return text if number is None else date(int(year), number, int(day)).isoformat()
    except ValueError:
        return f"{day}-{number}-{year}"  # so that the model says that there is no such day


def _as_number(text: str) -> str:
    """A number without its currency, percent sign and blanks: "€ 50.400,00", "50 400,00 kr"."""
    bare = text.removeprefix("€").removeprefix("EUR").removesuffix("€").removesuffix("EUR").removesuffix("%")
    bare = bare.strip()
    parted = re.split(_SPACES, bare)
    # blanks part thousands, and nothing else: "50 400,00", not "5 04"
    if len(parted) > 1 and not all(re.match("[0-9]{3}(?![0-9])", part) for part in parted[1:]):
        return text
    return "".join(parted)


def _as_answer(text: str, language: str) -> str:
    words = words_in(language)
    answers = {words.yes_no(True).casefold(): "yes", words.yes_no(False).casefold(): "no"}
    return answers.get(text.casefold(), text)
