"""Canonical JSON (RFC 8785), fast for the plain values that requests and events are made of."""

import json
from hashlib import sha256
from typing import Any

import rfc8785

from workflow.errors import LogUnwritable

_SAFE = 2**53 - 1
# For text, whole numbers, true, false and null, and for names in ASCII, this writes what RFC 8785 asks.
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def encode(value: Any) -> str:
    """Give the value's canonical JSON text. Raises LogUnwritable for what JSON can't say."""
    try:
        if _is_plain(value):
            written = _encoder.encode(value)
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
    kind = type(value)
    if kind is dict:
        return all(
            type(name) is str and name.isascii() and (type(item) is str or _is_plain(item))
            for name, item in value.items()
        )
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    if kind is int:
        return bool(-_SAFE <= value <= _SAFE)
    return kind is str or kind is bool or value is None
