"""Canonical JSON (RFC 8785), fast for the plain values that requests and events are made of."""

import json
from hashlib import sha256
from typing import Any

import rfc8785

from workflow.errors import LogUnwritable

_SAFE = 2**53 - 1
_LEAVES = frozenset({str, bool, type(None)})
# For text, whole numbers, true, false and null, and for names in ASCII, this writes what RFC 8785 asks.
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(value: Any) -> str:
    """Give the value's canonical JSON text. Raises LogUnwritable for what JSON can't say."""
    try:
        written = _encoder.encode(value)  # raises for circles, so that the look at it below comes to an end
        if _is_plain(value):
            written.encode()  # refuses lone surrogates, as UTF-8 must
            return written
        return rfc8785.dumps(value).decode()
    except (ValueError, TypeError, RecursionError) as error:
        raise LogUnwritable(
            "The data can't be written as canonical JSON.",
            hint="Use text, numbers, true, false, null, lists and names; whole numbers below 2⁵³.",
        ) from error


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return sha256(encode(value).encode()).hexdigest()


def _is_plain(value: Any) -> bool:
    """Whether the quick encoder writes it as RFC 8785 does: no fraction, no large number, names in ASCII."""
    items = [value]
    for item in items:  # grows while it is read
        kind = type(item)
        if kind in _LEAVES:
            continue
        if kind is dict:
            if not "".join(item).isascii():
                return False
            items.extend(item.values())
        elif kind is list or kind is tuple:
            items.extend(item)
        elif kind is not int or not -_SAFE <= item <= _SAFE:
            return False
    return True
