"""What an object of a PDF refers to, and whether it acts, taken from its bytes.

Only bytes that can be read in one way are read here: single spaces in references, no escapes, no comments, an
object that ends where it says, in front of something. Everything else is left to pyHanko, whose word counts:
what is read here, pyHanko reads alike. The reading of the same bytes is remembered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pyhanko.pdf_utils import generic

from signing.verify.lexing import GrammarError, Name, Ref, read_value
from signing.verify.pdfreader import Reader

Key = tuple[int, int]  # number, generation
Steps = tuple[str | int, ...]  # keys (with their slash) and indexes that lead from an object to a place in it

ACTING = frozenset(
    {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/Rendition", "/RichMediaExecute"}
    | {"/ResetForm", "/Hide", "/SetOCGState", "/Movie", "/Sound", "/GoTo3DView"}
)
ACTING_KEYS = frozenset({"/AA", "/JS", "/XFA", "/RichMediaContent"})

_HEADER = re.compile(rb"(\d{1,10}) (\d{1,5}) obj(?=[\t\n\r <\[(/])")
_STOP = re.compile(rb"endobj|stream")
_STREAM = re.compile(rb"stream(?:\r\n|\n)")
_STREAM_END = re.compile(rb"(?:\r\n|\n|\r)?endstream[\t\n\r ]{1,8}endobj[\t\n\r ]{1,8}(?=[0-9xst])")
_END = re.compile(rb"endobj[\t\n\r ]{1,8}(?=[0-9xst])")
# escapes, comments, and references that pyHanko looks too short a way ahead to see
_READ_OTHERWISE = re.compile(
    rb"[\\#%\0\x0b\x0c]|\d[\t\n\r ]{2,}\d+[\t\n\r ]+R|\d[\t\n\r ]+\d+[\t\n\r ]{2,}R"
    rb"|(?<!\d)0+[\t\n\r ]+\d+[\t\n\r ]+R"
)
_REMEMBERED_UP_TO = 8192  # octets of an object
_REMEMBERED = 2048  # objects


@dataclass(frozen=True)
class Surveyed:
    """What one object says."""

    value: Any  # as `lexing.read_value` gives it; for a stream its dictionary
    places: tuple[tuple[Steps, Key], ...]  # of every reference in it, in order
    followed: tuple[Key, ...]  # references but for those to the signatures of fields
    acting: frozenset[str]  # kinds of active content
    annotates: bool  # it holds something with a rectangle


def survey(reader: Reader, key: Key, marker: Any) -> Surveyed | None:
    """Read the object that stands at an offset; None when pyHanko must read it."""
    pdf, head = reader.pdf, _HEADER.match(reader.pdf, marker) if type(marker) is int else None
    if head is None or (int(head.group(1)), int(head.group(2))) != key:
        return None
    stop = _STOP.search(pdf, head.end())
    if stop is None:
        return None
    text = pdf[head.end() : stop.start()]
    found = _remembered(text) if len(text) <= _REMEMBERED_UP_TO else _read(text)
    if found is None:
        return None
    ends = (
        _END.match(pdf, stop.start()) if stop.group() == b"endobj" else _stream_end(pdf, stop.start(), found)
    )
    return found if ends else None


def _stream_end(pdf: bytes, at: int, head: "Surveyed") -> re.Match[bytes] | None:
    """The end of the stream whose data begin at `at`, when it is where the dictionary says."""
    length = head.value.get(b"Length") if isinstance(head.value, dict) else None
    data = _STREAM.match(pdf, at)
    if type(length) is not int or length < 0 or data is None:
        return None
    return _STREAM_END.match(pdf, data.end() + length)


def _read(text: bytes) -> Surveyed | None:
    if _READ_OTHERWISE.search(text):
        return None
    try:
        value, at = read_value(text, 0)
    except (GrammarError, RecursionError):
        return None
    if text[at:].strip(b"\t\n\r "):
        return None
    dictionaries = [held for _, held in _holders(value, ()) if isinstance(held, dict)]
    kinds = [dictionary[b"S"] for dictionary in dictionaries if b"S" in dictionary]
    if not all(isinstance(kind, Name | int | float | bool | None) for kind in kinds):
        return None  # a reference must be followed, and a string counts as what it says
    acting = {f"/{kind.value.decode('ascii')}" for kind in kinds if isinstance(kind, Name)} & ACTING
    for dictionary in dictionaries:
        acting |= {f"/{key.decode('ascii')}" for key in dictionary} & ACTING_KEYS
    return Surveyed(
        value=value,
        places=tuple((steps, (ref.number, ref.generation)) for steps, ref in _references(value, ())),
        followed=tuple((ref.number, ref.generation) for ref in _followed(value)),
        acting=frozenset(acting),
        annotates=any(b"Rect" in dictionary for dictionary in dictionaries),
    )


_remembered = lru_cache(maxsize=_REMEMBERED)(_read)


def _inside(value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*steps, f"/{key.decode('ascii')}"), item
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield (*steps, place), item


def _holders(value: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict | list):
        yield steps, value
        for deeper, item in _inside(value, steps):
            yield from _holders(item, deeper)


def _references(value: Any, steps: Steps) -> Iterator[tuple[Steps, Ref]]:
    if isinstance(value, Ref):
        yield steps, value
    for deeper, item in _inside(value, steps):
        yield from _references(item, deeper)


def _followed(value: Any) -> Iterator[Ref]:
    """References in order, but for the signature in a signature field."""
    if isinstance(value, Ref):
        yield value
    signed = isinstance(value, dict) and value.get(b"FT") == Name(b"Sig")
    for deeper, item in _inside(value, ()):
        if not (signed and deeper == ("/V",)):
            yield from _followed(item)


def places_in(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Key]]:
    """Every reference in an object as pyHanko has it."""
    if isinstance(value, generic.IndirectObject):
        yield steps, (value.idnum, value.generation)
    elif isinstance(value, generic.DictionaryObject):
        for key in value:
            yield from places_in(dict.__getitem__(value, key), (*steps, str(key)))
    elif isinstance(value, generic.ArrayObject):
        for place, item in enumerate(list.__iter__(value)):
            yield from places_in(item, (*steps, place))


def as_value(value: Any) -> Any:
    """An object of pyHanko's as `lexing.read_value` gives it: dict, list, Name, Ref, None or the rest."""
    if isinstance(value, generic.IndirectObject):
        return Ref(value.idnum, value.generation)
    if isinstance(value, generic.DictionaryObject):
        return {key[1:].encode(): as_value(dict.__getitem__(value, key)) for key in value}
    if isinstance(value, generic.ArrayObject):
        return [as_value(item) for item in list.__iter__(value)]
    if isinstance(value, generic.NameObject):
        return Name(value[1:].encode())
    return None if isinstance(value, generic.NullObject) else value
