"""A CMS in BER with indefinite lengths, written anew in DER, as PDF asks for.

Older software writes the wrapping of a CMS that way, in good faith. What is signed in it is in DER all the
same; so the checks of the unprotected parts can be made on the rewritten one.
Source: ITU-T X.690, 8.1.3.6 and 10.1.
"""

from certs import der
from certs.der import DerError

_BEGINS = b"\x30\x80"
_CONSTRUCTED = 0x20
_OCTETS_IN_PARTS = 0x24
_MAX_DEPTH = 40


def is_indefinite(data: bytes) -> bool:
    """Whether a structure begins with an indefinite length."""
    return data.startswith(_BEGINS)


def in_der(data: bytes) -> tuple[bytes, int]:
    """The value that `data` begins with in definite lengths, and the offset behind it in `data`.

    Raises DerError for anything that is not well formed.
    """
    return _rewritten(data, 0, len(data), depth=0)


def _rewritten(data: bytes, at: int, end: int, *, depth: int) -> tuple[bytes, int]:
    if depth > _MAX_DEPTH:
        raise DerError("nested too deeply")
    if end - at < 2:
        raise DerError(f"cut off at offset {at}")
    tag = data[at]
    if data[at + 1] == 0x80:
        if not tag & _CONSTRUCTED:
            raise DerError(f"an indefinite length at offset {at}, where it can't be")
        parts, at = _until_the_end(data, at + 2, end, depth=depth)
    else:
        value = der.node(data, at, end)
        if not tag & _CONSTRUCTED:
            return data[at : value.end], value.end
        parts, at = _all(data, value.body, value.end, depth=depth), value.end
    if tag == _OCTETS_IN_PARTS:
        return der.octets(b"".join(der.content(part, der.only(part, der.OCTET_STRING)) for part in parts)), at
    return der.tlv(tag, *parts), at


def _until_the_end(data: bytes, at: int, end: int, *, depth: int) -> tuple[list[bytes], int]:
    parts = []
    while data[at : at + 2] != b"\0\0":
        part, at = _rewritten(data, at, end, depth=depth + 1)
        parts.append(part)
    return parts, at + 2


def _all(data: bytes, at: int, end: int, *, depth: int) -> list[bytes]:
    parts = []
    while at < end:
        part, at = _rewritten(data, at, end, depth=depth + 1)
        parts.append(part)
    return parts
