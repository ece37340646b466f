"""The grammar of PDF objects, read to the letter: what a lenient reader would guess at is an error here.

Two programs that read the same bytes differently can be shown different pages. Where nobody signed the
bytes, only those are accepted that can be read in one way. Source: ISO 32000-1, 7.2 and 7.3.
"""

import re
from dataclasses import dataclass
from typing import Any

from signing.packing import MAX_NUMBER

MAX_DEPTH = 100


class GrammarError(ValueError):
    """Bytes that the grammar of PDF has no room for; the message says what and where."""


@dataclass(frozen=True)
class Name:
    """A name, its #xx escapes resolved, without the slash."""

    value: bytes


@dataclass(frozen=True)
class Ref:
    """An indirect reference."""

    number: int
    generation: int


_SPACE = re.compile(rb"[\0\t\n\x0c\r ]*")
_TOKEN = re.compile(
    rb"(?P<ref>(\d{1,10})[\0\t\n\x0c\r ]+(\d{1,5})[\0\t\n\x0c\r ]+R(?=[\0\t\n\x0c\r ()<>\[\]/%]))"
    rb"|(?P<int>[+-]?\d{1,19}(?=[\0\t\n\x0c\r ()<>\[\]/]))"
    rb"|(?P<real>[+-]?(?:\d{1,19}\.\d{0,40}|\.\d{1,40})(?=[\0\t\n\x0c\r ()<>\[\]/]))"
    rb"|(?P<name>/[^\0-\x20()<>\[\]{}/%\x7f-\xff]*)"
    rb"|(?P<open><<|\[)|(?P<close>>>|\])"
    rb"|<(?P<hex>[0-9A-Fa-f\0\t\n\x0c\r ]*)>"
    rb"|(?P<string>\()"
    rb"|(?P<word>true|false|null)(?=[\0\t\n\x0c\r ()<>\[\]/])"
)
_STRING_PART = re.compile(rb"[^()\\]*(?:\\[\s\S][^()\\]*)*([()])")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")


def skip_space(data: bytes, at: int) -> int:
    """The offset of the next byte that isn't white space."""
    found = _SPACE.match(data, at)
    return found.end() if found else at


def read_value(data: bytes, at: int, *, depth: int = 0) -> tuple[Any, int]:
    """One object (dict, list, Name, Ref, int, float, bytes, bool or None) and the offset behind it.

    Comments inside an object and keys that occur twice raise GrammarError, like all that isn't PDF.
    """
    at = skip_space(data, at)
    token = _TOKEN.match(data, at)
    if token is None or depth > MAX_DEPTH:
        raise GrammarError(f"no object at byte {at}")
    kind, end = token.lastgroup, token.end()
    text = token.group()
    if token.group("ref"):
        if int(token.group(2)) > MAX_NUMBER:
            raise GrammarError(f"a reference to the object number {int(token.group(2))} at byte {at}")
        return Ref(int(token.group(2)), int(token.group(3))), end
    if text == b"<<":
        return _dictionary(data, end, depth)
    if text == b"[":
        return _array(data, end, depth)
    if kind == "string":
        return _string(data, end)
    if kind == "close":
        raise GrammarError(f"unexpected {text.decode()} at byte {at}")
    return _simple(token), end


def _simple(token: re.Match[bytes]) -> Any:
    text = token.group()
    if token.group("int"):
        return int(text)
    if token.group("real"):
        return float(text)
    if token.group("name"):
        return Name(_name(text, token.start()))
    if token.group("word"):
        return {b"true": True, b"false": False, b"null": None}[text]
    return text


def _name(text: bytes, at: int) -> bytes:
    if text.count(b"#") != len(_ESCAPE.findall(text)):
        raise GrammarError(f"a name with a broken escape at byte {at}")
    return _ESCAPE.sub(lambda found: bytes.fromhex(found.group(1).decode()), text[1:])


def _dictionary(data: bytes, at: int, depth: int) -> tuple[dict[bytes, Any], int]:
    found: dict[bytes, Any] = {}
    while True:
        at = skip_space(data, at)
        if data.startswith(b">>", at):
            return found, at + 2
        key, at = read_value(data, at, depth=depth + 1)
        if not isinstance(key, Name):
            raise GrammarError(f"a dictionary's key is not a name before byte {at}")
        if key.value in found:
            raise GrammarError(f"the key /{key.value.decode('latin-1')} occurs twice before byte {at}")
        found[key.value], at = read_value(data, at, depth=depth + 1)


def _array(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while True:
        at = skip_space(data, at)
        if data.startswith(b"]", at):
            return found, at + 1
        value, at = read_value(data, at, depth=depth + 1)
        found.append(value)


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    end = string_end(data, at)
    return data[at : end - 1], end


def string_end(data: bytes, at: int) -> int:
    """Where a string in parentheses ends whose content begins at `at`; raises GrammarError."""
    start, level = at, 1
    while level:
        part = _STRING_PART.match(data, at)
        if part is None:
            raise GrammarError(f"a string without an end at byte {start}")
        level += 1 if part.group(1) == b"(" else -1
        at = part.end()
    return at
