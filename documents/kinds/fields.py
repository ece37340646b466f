"""Types of fields: how a typed value becomes text, an amount, a day, a yes or no; or which rule it breaks.

Each type accepts what JSON brings and what a spreadsheet's cell brings, and has one canonical form.
No message repeats the value: it may be personal data.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic_core import PydanticCustomError

from documents.kinds.national_number import holds_national_number
from fonts import regular
from wording import Sentence, Value, mark

_SPACES = {0xA0: " ", 0x202F: " "}  # no-break spaces, as spreadsheets bring them
LINE_MAX = 120
NOTE_MAX = 2000
NATIONAL_NUMBER = "national-number"
NATIONAL_NUMBER_SENTENCE = Sentence(
    "This text shows a number that looks like a citizen service number (BSN); take it out."
)
AMOUNT_MAX = Decimal("9999999.99")
_AMOUNT_FORMAT = mark("Write an amount like 1234.56 or 1.234,56, without a currency.")
_PERCENTAGE_FORMAT = mark("Write a percentage like 25 or 12.5, without the sign.")

_POINT_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
_COMMA_AMOUNT = re.compile(r"[0-9]{1,12}(,[0-9]{1,2})?")
_GROUPED_AMOUNT = re.compile(r"[0-9]{1,3}(?:(?:\.[0-9]{3})+,[0-9]{1,2}|(?:,[0-9]{3})+\.[0-9]{1,2})")
_TWO_MEANINGS = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DUTCH_DAY = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})")
_POSTCODE = re.compile(r"([1-9][0-9]{3}) ?([A-Z]{2})")
_PHONE = re.compile(r"(?:\+|0)[0-9 ()-]*")
_YES = frozenset({"yes", "true", "ja", "j", "y", "waar"})
_NO = frozenset({"no", "false", "nee", "n", "onwaar"})


class Section(BaseModel):
    """Base of the parts of a document: unknown fields are refused, values never change after the check."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False)


def _broken(rule: str, message: str, **values: Value) -> PydanticCustomError:
    return PydanticCustomError(rule, "{sentence}", {"sentence": Sentence(message, **values)})


def sentence_of(context: Mapping[str, Any] | None) -> Sentence | None:
    """The sentence of a rule of ours that pydantic tells as broken; None where the rule is its own."""
    sentence = (context or {}).get("sentence")
    return sentence if isinstance(sentence, Sentence) else None


def _refuse_characters(text: str, *, lines: bool) -> None:
    """Refuse what does not show, shows other than it is (bidi marks), or has no shape in our typefaces."""
    if text.isascii() and text.isprintable():
        return
    for character in text:
        category = unicodedata.category(character)
        if character == "\n":
            if not lines:
                raise _broken("text-one-line", "This field takes one line of text; take the line break out.")
        elif category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise _broken(
                "text-invisible-character",
                "This text holds an invisible or reserved character ({character}); type it anew.",
                character=f"U+{ord(character):04X}",
            )
    unprintable = regular().missing(text.replace("\n", ""))  # the bold face has the same characters
    if unprintable:
        raise _broken(
            "text-not-printable",
            "This text holds a character that can't be printed ({character}); replace it.",
            character=f"U+{ord(unprintable[0]):04X}",
        )


def _text(value: object, *, longest: int, lines: bool) -> str:
    if not isinstance(value, str):
        raise _broken("wrong-type", "This field takes text.")
    if len(value) > longest * 4:  # before any work on it
        raise _broken("text-too-long", "This text is longer than {longest} characters.", longest=longest)
    text = value.replace("\r\n", "\n") if lines else value
    text = unicodedata.normalize("NFC", text.translate(_SPACES)).strip(" \n" if lines else " ")
    _refuse_characters(text, lines=lines)
    if not text:
        raise _broken("missing", "Fill in this field.")
    if len(text) > longest:
        raise _broken("text-too-long", "This text is longer than {longest} characters.", longest=longest)
    return text


def _refuse_national_number(text: str) -> None:
    if holds_national_number(text):
        raise PydanticCustomError(NATIONAL_NUMBER, "{sentence}", {"sentence": NATIONAL_NUMBER_SENTENCE})


def wrong_text(value: object, *, longest: int, lines: bool) -> Sentence | None:
    """Say what is wrong with a text that belongs to no field of a document; None when nothing is."""
    try:
        _refuse_national_number(_text(value, longest=longest, lines=lines))
    except PydanticCustomError as error:
        return sentence_of(error.context)
    return None


def _line(value: object) -> str:
    text = _text(value, longest=LINE_MAX, lines=False)
    _refuse_national_number(text)
    return text


def _note(value: object) -> str:
    text = _text(value, longest=NOTE_MAX, lines=True)
    _refuse_national_number(text)
    return text


def _amount(value: object) -> Decimal:
    number = _decimal(value, "amount-format", _AMOUNT_FORMAT)
    if number < 0:
        raise _broken("amount-negative", "An amount can't be negative.")
    if number > AMOUNT_MAX:
        raise _broken("amount-too-large", "An amount can't be more than {most:amount}.", most=str(AMOUNT_MAX))
    if number != number.quantize(Decimal("0.01")):
        raise _broken("amount-cents", "An amount has at most two decimals.")
    return abs(number).quantize(Decimal("0.01"))  # abs: no minus before zero


def _decimal(value: object, rule: str, message: str) -> Decimal:
    """Read a finite number; text like 1.234 or 1,234 is refused, because it has two meanings."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _broken(rule, message)
    if isinstance(value, str):
        return _decimal_of_text(value.strip(" "), rule, message)
    if isinstance(value, float) and not math.isfinite(value):
        raise _broken(rule, message)
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise _broken(rule, message)
    if number.adjusted() >= 12:  # a digit for 10^12: no field takes it, and arithmetic could overflow
        raise _broken("amount-too-large", "An amount can't be more than {most:amount}.", most=str(AMOUNT_MAX))
    return number


def _decimal_of_text(text: str, rule: str, message: str) -> Decimal:
    unsigned = text.removeprefix("-")
    if _POINT_AMOUNT.fullmatch(unsigned) or _COMMA_AMOUNT.fullmatch(unsigned):
        number = Decimal(unsigned.replace(",", "."))
    elif _GROUPED_AMOUNT.fullmatch(unsigned) and len(unsigned) <= 20:
        *whole, cents = re.split("[.,]", unsigned)
        number = Decimal(f"{''.join(whole)}.{cents}")
    elif _TWO_MEANINGS.fullmatch(unsigned):
        raise _broken(rule, "This number has two meanings; write it with two decimals, like 1234.00 or 1.23.")
    else:
        raise _broken(rule, message)
    return number if unsigned == text else -number


def _percentage(value: object) -> Decimal:
    number = _decimal(value, "percentage-format", _PERCENTAGE_FORMAT)
    if not 0 <= number <= 100:
        raise _broken("percentage-range", "A percentage lies between 0 and 100.")
    if number != number.quantize(Decimal("0.01")):
        raise _broken("percentage-format", "A percentage has at most two decimals.")
    return abs(number).quantize(Decimal("0.01"))


def _day(value: object) -> date:
    if type(value) is date:
        day = value
    elif isinstance(value, str):
        day = _day_of_text(value.strip(" "))
    else:
        raise _broken("date-format", "Write a date as 2024-12-31 or 31-12-2024.")
    if not 1900 <= day.year <= 2100:
        raise _broken("date-range", "A date lies between 1900 and 2100.")
    return day


def _day_of_text(text: str) -> date:
    if iso := _ISO_DAY.fullmatch(text):
        year, month, day = iso.groups()
    elif dutch := _DUTCH_DAY.fullmatch(text):
        day, month, year = dutch.groups()
    else:
        raise _broken("date-format", "Write a date as 2024-12-31 or 31-12-2024.")
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        raise _broken("date-impossible", "There is no such day in the calendar.") from error


def _yes_or_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip(" ").casefold()
        if word in _YES:
            return True
        if word in _NO:
            return False
    raise _broken("yes-or-no", "Answer yes or no.")


def _months(value: object) -> int:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,6}", value.strip(" ")):
        value = int(value)
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() >= 6:
        value = 1_000_000  # over any range; int() of 1e999999999 would not end
    if isinstance(value, bool) or not isinstance(value, int):
        raise _broken("months-format", "Write a number of months in digits.")
    if not 1 <= value <= 600:
        raise _broken("months-range", "A number of months lies between 1 and 600.")
    return value


def _postcode(value: object) -> str:
    """Bring "1234ab" to "1234 AB"; the first digit is not 0, and SA, SD and SS are not given out."""
    text = _text(value, longest=LINE_MAX, lines=False).upper()
    match = _POSTCODE.fullmatch(text)
    if match is None or match[2] in {"SA", "SD", "SS"}:
        raise _broken("postcode-format", "A postcode is four digits and two letters, like 9999 XX.")
    return f"{match[1]} {match[2]}"


def _chamber_number(value: object) -> str:
    text = _text(value, longest=LINE_MAX, lines=False)
    if not re.fullmatch("[0-9]{8}", text):
        raise _broken("chamber-number-format", "A chamber-of-commerce number has eight digits.")
    return text


def _phone(value: object) -> str:
    """Ten to fifteen digits, from 0 or +: a citizen service number has nine, so it can't hide here."""
    text = _text(value, longest=30, lines=False)
    digits = re.sub("[^0-9]", "", text)
    if len(digits) == 9:
        _refuse_national_number(text)
    if not _PHONE.fullmatch(text) or not 10 <= len(digits) <= 15:
        raise _broken("phone-format", "Write a phone number with its area code, like 070 000 0000.")
    return text


def _choice(value: object) -> object:
    """Forgive capitals and spaces; the Literal says which words there are."""
    return value.strip(" ").lower() if isinstance(value, str) else value


def _plain_amount(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _iso(day: date) -> str:
    return day.isoformat()


_Word = TypeVar("_Word")

Choice = Annotated[_Word, BeforeValidator(_choice)]
Line = Annotated[str, BeforeValidator(_line)]
Note = Annotated[str, BeforeValidator(_note)]
Amount = Annotated[Decimal, BeforeValidator(_amount), PlainSerializer(_plain_amount, return_type=str)]
Percentage = Annotated[Decimal, BeforeValidator(_percentage), PlainSerializer(_plain_amount, return_type=str)]
Day = Annotated[date, BeforeValidator(_day), PlainSerializer(_iso, return_type=str)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Months = Annotated[int, BeforeValidator(_months)]
Postcode = Annotated[str, BeforeValidator(_postcode)]
ChamberNumber = Annotated[str, BeforeValidator(_chamber_number)]
Phone = Annotated[str, BeforeValidator(_phone)]
