"""Finding Dutch citizen service numbers (BSN) in text, so that none is ever stored or printed.

The test is the "elfproef" for BSN: with digits a to i, 9a + 8b + 7c + 6d + 5e + 4f + 3g + 2h - i is a
multiple of 11. One in eleven other numbers of nine digits passes too and is refused: nobody can tell.
"""

import re
import unicodedata

_WEIGHTS = (9, 8, 7, 6, 5, 4, 3, 2, -1)
# Groups of digits with at most two characters between them that are neither letters nor digits.
_DIGIT_RUN = re.compile(r"[0-9]+(?:[^0-9A-Za-z]{1,2}[0-9]+)*")
_DIGITS = re.compile(r"[0-9]+")


def is_national_number(digits: str) -> bool:
    """Say whether nine ASCII digits pass the test; nine zeros do not count."""
    if len(digits) != 9 or digits == "000000000":
        return False
    return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11 == 0


def holds_national_number(text: str) -> bool:
    """Say whether text shows a citizen service number, in one piece or with separators inside.

    Digits of other scripts count as digits. A longer number is not searched for nine digits in its middle,
    but its separate groups are.
    """
    ascii_digits = text if text.isascii() else "".join(_plain(character) for character in text)
    for run in _DIGIT_RUN.findall(ascii_digits):
        groups = _DIGITS.findall(run)
        if any(is_national_number(candidate) for candidate in _nine_digits(groups)):
            return True
    return False


def _plain(character: str) -> str:
    value = unicodedata.digit(character, None)
    if value is not None:
        return str(value)
    # a letter of another script parts numbers as an ASCII one does; invisible characters part nothing
    if unicodedata.category(character) in {"Cf", "Mn"}:
        return ""
    return "x" if character.isalpha() else character


def _nine_digits(groups: list[str]) -> list[str]:
    """Every join of neighbouring groups that has nine digits."""
    joined = []
    for first in range(len(groups)):
        digits = ""
        for group in groups[first:]:
            digits += group
            if len(digits) >= 9:
                break
        if len(digits) == 9:
            joined.append(digits)
    return joined
