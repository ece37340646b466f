"""The code that is printed on a document: 128 random bits as letters and digits that people can read out."""

import base64
import re

CODE_BYTES = 16
_LENGTH = 26  # characters of base 32 (RFC 4648, 6)
_NOT_IN_IT = re.compile("[^A-Z2-7]")
_MISREAD = str.maketrans("018", "OIB")  # digits that base 32 does without


def code_of(secret: bytes) -> str:
    """The code of so many random bytes, in groups of four."""
    return _grouped(base64.b32encode(secret).decode().rstrip("="))


def as_printed(typed: str) -> str | None:
    """A code as it is printed, however somebody typed it; None for what is none."""
    letters = _NOT_IN_IT.sub("", typed[:200].upper().translate(_MISREAD))
    return _grouped(letters) if len(letters) == _LENGTH else None


def _grouped(letters: str) -> str:
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))
