"""Finding Dutch citizen service numbers (BSN) in text, so that none is ever stored or printed.

The test is the "elfproef" for BSN: with digits a to i, 9a + 8b + 7c + 6d + 5e + 4f + 3g + 2h - i is a
multiple of 11. One in eleven other numbers of nine digits passes too and is refused: nobody can tell.
"""

import re
import unicodedata
from collections.abc import Iterator

_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
# Groups of digits with at most three characters between them that are neither letters nor digits: "1 - 2".
_DIGIT_RUN = re.compile(r"[0-9]+(?:[^0-9A-Za-z]{1,3}[0-9]+)*")
_DIGITS = re.compile(r"[0-9]+")
# Nine digits after a 0, but for the account number of an IBAN, which four capitals go before.
_FILLED_UP = re.compile(r"(?<![0-9])(?<![A-Z]{4})0([0-9]{9})(?![0-9])")
_LIKE_DIGITS = re.compile(r"\b[0-9OoIl]+\b")
_AS_DIGITS = str.maketrans("OoIl", "0011")


def is_national_number(digits: str) -> bool:
    """Say whether nine ASCII digits pass the test; nine zeros do not count."""
    if len(digits) != 9 or digits == "000000000":
        return False
    return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11 == 0


def holds_national_number(text: str) -> bool:
    """Say whether text shows a citizen service number, in one piece or with separators inside.

    Digits of other scripts count as digits, and so do O, I and l in a group that has a digit. Ten digits in
    one piece, the first of them 0, are a number that was filled up; with a separator after the area code, as
    in 070 000 0000, they are a phone number. A longer number is not searched for nine digits in its middle,
    but its separate groups are.
    """
    plain = text if text.isascii() else "".join(_plain(character) for character in text)
    return _shows(plain) or ((read := _LIKE_DIGITS.sub(_as_digits, plain)) != plain and _shows(read))


def _shows(text: str) -> bool:
    candidates = _FILLED_UP.findall(text)
    for run in _DIGIT_RUN.findall(text):
        candidates += _nine_digits(_DIGITS.findall(run))
    return any(is_national_number(candidate) for candidate in candidates)


def _as_digits(found: re.Match[str]) -> str:
    group = found[0]
    return group.translate(_AS_DIGITS) if any(character.isdigit() for character in group) else group


def _plain(character: str) -> str:
    value = unicodedata.digit(character, None)
    if value is not None:
        return str(value)
    # a letter of another script parts numbers as an ASCII one does; invisible characters part nothing
    if unicodedata.category(character) in {"Cf", "Mn"}:
        return ""
    return "x" if character.isalpha() else character


def _nine_digits(groups: list[str]) -> Iterator[str]:
    """Every join of neighbouring groups that has nine digits."""
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) >= 9:
                break
        if len(digits) == 9:
            yield digits
