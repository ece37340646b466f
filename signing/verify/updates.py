"""The revisions behind the first signature, read byte for byte by a grammar that leaves no choice.

A signature covers its own revision; what comes behind it was written by whoever had the file in hands. PDF
libraries, viewers and this verifier all guess differently at bytes that break the rules: a second /Root, an
offset that isn't a number, an object that no table lists. So here everything must be an object that its
cross-reference section lists, that section itself, or white space. Source: ISO 32000-1, 7.5.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from signing.packing import (
    PackingError,
    check_number,
    single_filter,
    unpacked_index,
    unpacked_objects,
)
from signing.verify.lexing import GrammarError, Name, Ref, read_value, skip_space
from signing.verify.rawscan import MOST_WHITE_SPACE

_OBJECT = re.compile(rb"(\d{1,10}) (\d{1,5}) obj(?=[\0\t\n\x0c\r <\[(/])")
_END = re.compile(rb"endobj(?=[\0\t\n\x0c\r ])")
_STREAM = re.compile(rb"stream(?:\r\n|\n)")
_END_STREAM = re.compile(rb"(?:\r\n|\n|\r)?endstream(?=[\0\t\n\x0c\r ])")
_TABLE = re.compile(rb"xref[ \t]*(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"(\d{1,10}) (\d{1,6})[ ]?(?:\r\n|\n|\r)")
_ENTRY = re.compile(rb"(\d{10}) (\d{5}) ([nf])(?: \r| \n|\r\n)")
_TRAILER = re.compile(rb"trailer[\0\t\n\x0c\r ]*(?=<<)")
_TAIL = re.compile(
    rb"[\t\n\r ]{0,64}startxref[ ]?(?:\r\n|\n|\r)(\d{1,10})[ ]?(?:\r\n|\n|\r)%%EOF(?=[\0\t\n\x0c\r ]|\Z)"
)
_LAST_START = re.compile(rb"startxref[\0\t\n\x0c\r ]+(\d{1,10})[\0\t\n\x0c\r ]+%%EOF")
# What libraries sign their work with, between objects or before the end: a line that no program can take for
# anything else, not even one that searches for objects.
_REMARK = re.compile(
    rb"%(?![^\r\n]*(?:obj|xref|trailer|stream|EOF|PDF))[\w .,:;+()@/-]{0,120}(?:\r\n|\n)",
    re.ASCII | re.IGNORECASE,
)
_KNOWN_KEYS = frozenset({b"Size", b"Root", b"Prev", b"Info", b"ID", b"DocChecksum"})
_STREAM_KEYS = frozenset({b"Type", b"W", b"Index", b"Length", b"Filter", b"DecodeParms"})
_PACK_KEYS = frozenset({b"Type", b"N", b"First", b"Length", b"Filter", b"DecodeParms"})
_LIKE_OBJECT = re.compile(rb"\d[\0\t\n\x0c\r ]+\d+[\0\t\n\x0c\r ]+obj")
_LIKE_TRAILER = re.compile(rb"trailer[\0\t\n\x0c\r ]*<<")
_TAIL_ROOM = 2048


@dataclass
class Update:
    """One revision as its bytes tell it."""

    objects: dict[tuple[int, int], int] = field(default_factory=dict)  # (number, generation) → offset
    values: dict[int, Any] = field(default_factory=dict)  # number → object, those in object streams too
    streams: dict[int, tuple[int, int]] = field(default_factory=dict)  # number → where its data lie
    section: int = -1  # offset of the cross-reference section
    end: int = -1  # offset behind %%EOF
    trailer: dict[bytes, Any] = field(default_factory=dict)
    listed: dict[tuple[int, int], int] = field(default_factory=dict)  # as the section has it
    packed: dict[int, tuple[int, int]] = field(default_factory=dict)  # number → (object stream, index)
    freed: dict[int, tuple[int, int]] = field(default_factory=dict)  # number → (next free one, generation)

    @property
    def numbers(self) -> set[int]:
        """Numbers of all objects that the revision writes."""
        return {number for number, _ in self.objects} | self.packed.keys()


@dataclass(frozen=True)
class Base:
    """What the signed part of the file says, for updates to be held against."""

    end: int  # offset behind the last signed byte
    root: Ref
    generation_of: Callable[[int], int | None]  # of an object in the signed part; None when there is none
    needed: Callable[[], frozenset[int]] = frozenset  # numbers that anything in the signed part leads to


def read_updates(pdf: bytes, base: Base) -> list[Update]:
    """Every revision behind `base.end`; raises GrammarError at the first byte that has no place."""
    starts = _LAST_START.findall(pdf, max(0, base.end - _TAIL_ROOM), base.end)
    if not starts:
        raise GrammarError("what was signed does not end like a PDF")
    previous, found = int(starts[-1]), []
    at, before = skip_space(pdf, base.end), base.end
    while at < len(pdf):
        if at - before > MOST_WHITE_SPACE:
            raise GrammarError(f"{at - before} bytes of white space from byte {before}")
        try:
            update = _read_update(pdf, at)
            _check_update(pdf, update, base, previous)
        except PackingError as error:
            raise GrammarError(str(error)) from error
        _check_hidden(pdf[at : update.end], update)
        found.append(update)
        previous = update.section
        at, before = skip_space(pdf, update.end), update.end
    if any(update.freed for update in found):
        _check_freed(found, base)
    return found


def _check_freed(updates: Sequence[Update], base: Base) -> None:
    """Only objects are declared free that nothing leads to, in whatever way a program looks for them.

    Programs that follow the index lose the object, those that search find it: to nobody may it matter. So
    nothing in any revision refers to its number, it holds no other objects, and its number is not used again.
    The list of free objects is written as prescribed: each leads to another one, or to none.
    """
    needed = base.needed() | {base.root.number}
    for update in updates:
        needed |= update.numbers | _referred_to([*update.values.values(), update.trailer])
    numbers = {number for update in updates for number in update.freed}
    for update in updates:
        for number, (following, generation) in update.freed.items():
            was = base.generation_of(number)
            if number in needed or was is None:
                raise GrammarError(f"object {number} was removed, although something leads to it")
            if generation not in (was + 1, 65535) or not _may_be_free(following, update, base, numbers):
                raise GrammarError(f"object {number} is not declared free as prescribed")


def _may_be_free(number: int, update: Update, base: Base, freed: set[int]) -> bool:
    """Whether a number can be the next one in the list of free objects; 0 ends it."""
    unused = 0 < number < update.trailer[b"Size"] and base.generation_of(number) is None
    return number == 0 or number in freed or unused


def _referred_to(values: Sequence[Any]) -> set[int]:
    found: set[int] = set()
    waiting = list(values)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Ref):
            found.add(value.number)
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def _read_update(pdf: bytes, at: int) -> Update:
    update = Update()
    while True:
        at = _skip_remarks(pdf, skip_space(pdf, at))
        head = _OBJECT.match(pdf, at)
        if head is not None:
            at = _read_object(pdf, head, update)
            continue
        table = _TABLE.match(pdf, at)
        if table is not None:
            update.section = at
            at = _read_table(pdf, table.end(), update)
            at = _skip_remarks(pdf, skip_space(pdf, at))
        elif pdf.startswith(b"startxref", at):
            _read_index(pdf, update)
        tail = _TAIL.match(pdf, at)
        if tail is None or update.section < 0:
            raise GrammarError(f"something that is neither an object nor an index at byte {at}")
        if int(tail.group(1)) != update.section:
            raise GrammarError(f"startxref before byte {tail.end()} does not lead to the index before it")
        update.end = tail.end()
        return update


def _skip_remarks(pdf: bytes, at: int) -> int:
    while (remark := _REMARK.match(pdf, at)) is not None:
        at = skip_space(pdf, remark.end())
    return at


def _read_object(pdf: bytes, head: re.Match[bytes], update: Update) -> int:
    number, generation = int(head.group(1)), int(head.group(2))
    check_number(number)
    if (number, generation) in update.objects:
        raise GrammarError(f"object {number} is there twice in one revision")
    update.objects[number, generation] = head.start()
    value, at = read_value(pdf, head.end())
    update.values[number] = value
    at = skip_space(pdf, at)
    stream = _STREAM.match(pdf, at)
    if stream is not None:
        start, length = stream.end(), _length(pdf, value, stream.end())
        end = _END_STREAM.match(pdf, start + length)
        if end is None:
            raise GrammarError(f"the stream of object {number} does not end where it says")
        update.streams[number] = (start, start + length)
        at = skip_space(pdf, end.end())
    closed = _END.match(pdf, at)
    if closed is None:
        raise GrammarError(f"object {number} has no end at byte {at}")
    return closed.end()


def _length(pdf: bytes, value: Any, at: int) -> int:
    length = value.get(b"Length") if isinstance(value, dict) else None
    if isinstance(length, Ref):  # its object must be in the same revision; all of it is read later
        found = re.compile(
            rb"[\n\r]%d %d obj\s{1,4}(\d{1,10})\s{1,4}endobj" % (length.number, length.generation)
        )
        match = found.search(pdf, at)
        length = int(match.group(1)) if match else None
    if type(length) is not int or length < 0:
        raise GrammarError(f"a stream without a length at byte {at}")
    return length


def _read_table(pdf: bytes, at: int, update: Update) -> int:
    while (head := _SUBSECTION.match(pdf, at)) is not None:
        at = head.end()
        for number in range(int(head.group(1)), int(head.group(1)) + int(head.group(2))):
            entry = _ENTRY.match(pdf, at)
            if entry is None:
                raise GrammarError(f"an index entry that isn't 20 bytes as prescribed at byte {at}")
            at = entry.end()
            _list(update, number, int(entry.group(2)), int(entry.group(1)), free=entry.group(3) == b"f")
    start = _TRAILER.match(pdf, at)
    if start is None:
        raise GrammarError(f"no trailer behind the index at byte {at}")
    update.trailer, at = read_value(pdf, start.end())
    unknown = update.trailer.keys() - _KNOWN_KEYS
    if unknown:
        raise GrammarError(f"the trailer has unexpected entries {sorted(unknown)}")
    return at


def _list(update: Update, number: int, generation: int, offset: int, *, free: bool) -> None:
    check_number(number)
    if free and number in update.freed:
        raise GrammarError(f"object {number} is declared free twice")
    if free:
        if number:
            update.freed[number] = (offset, generation)
        return
    if (number, generation) in update.listed:
        raise GrammarError(f"object {number} is listed twice")
    update.listed[number, generation] = offset


def _read_index(pdf: bytes, update: Update) -> None:
    """The cross-reference stream that must be the last object of a revision without a table."""
    if not update.objects:
        raise GrammarError("a revision without an index")
    (number, _generation), offset = max(update.objects.items(), key=lambda item: item[1])
    head = update.values[number]
    if not isinstance(head, dict) or head.get(b"Type") != Name(b"XRef") or number not in update.streams:
        raise GrammarError(f"object {number} stands where the index should")
    unknown = head.keys() - _KNOWN_KEYS - _STREAM_KEYS
    if unknown:
        raise GrammarError(f"the index has unexpected entries {sorted(unknown)}")
    update.section, update.trailer = offset, head
    widths = head.get(b"W")
    index = head.get(b"Index", [0, head.get(b"Size")])
    if not (_whole_numbers(widths) and len(widths) == 3 and _whole_numbers(index) and len(index) % 2 == 0):
        raise GrammarError("an index whose shape can't be read")
    start, end = update.streams[number]
    data = unpacked_index(pdf[start:end], *_packed_as(update, number), widths)
    entries = _rows(data, widths)
    for first, count in zip(index[::2], index[1::2], strict=True):
        for listed in range(first, first + count):
            _list_row(update, listed, next(entries, None))
    if next(entries, None) is not None:
        raise GrammarError("an index with more entries than it says")


def _whole_numbers(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _rows(data: bytes, widths: list[int]) -> Iterator[tuple[int, int, int]]:
    a, b, _ = widths
    size = sum(widths)
    if len(data) % size:
        raise GrammarError("an index whose entries don't fill it")
    for at in range(0, len(data), size):
        row = data[at : at + size]
        kind = int.from_bytes(row[:a]) if a else 1
        yield kind, int.from_bytes(row[a : a + b]), int.from_bytes(row[a + b :])


def _list_row(update: Update, number: int, row: tuple[int, int, int] | None) -> None:
    if row is None:
        raise GrammarError("an index with fewer entries than it says")
    kind, second, third = row
    check_number(number)
    if kind == 2 and number not in update.packed:
        update.packed[number] = (second, third)
    elif kind in (0, 1):
        _list(update, number, third, second, free=kind == 0)
    else:
        raise GrammarError(f"an index entry of an unknown kind, or twice, for object {number}")


def _packed_as(update: Update, number: int) -> tuple[Any, Any]:
    """The name of a stream's filter and its settings as plain values."""
    head = update.values[number]
    how, settings = single_filter(head.get(b"Filter"), head.get(b"DecodeParms"))
    if isinstance(settings, dict):
        settings = {key.decode("latin-1"): value for key, value in settings.items()}
    return how.value.decode("latin-1") if isinstance(how, Name) else how, settings


def _check_update(pdf: bytes, update: Update, base: Base, previous: int) -> None:
    trailer, size = update.trailer, update.trailer.get(b"Size")
    if trailer.get(b"Prev") != previous or type(trailer.get(b"Prev")) is not int:
        raise GrammarError(f"the index at byte {update.section} does not lead to the one before it")
    if trailer.get(b"Root") != base.root:
        raise GrammarError(f"the index at byte {update.section} names another catalog")
    if type(size) is not int or size <= max(update.numbers, default=0):
        raise GrammarError(f"the index at byte {update.section} states a wrong size")
    check_number(size - 1)
    objects = dict(update.objects)
    for key, offset in update.objects.items():  # an index need not list itself
        if offset == update.section and key not in update.listed:
            del objects[key]
    if objects != update.listed:
        odd = sorted({key[0] for key, _ in objects.items() ^ update.listed.items()})
        raise GrammarError(f"objects and index differ at byte {update.section}: {odd[:10]}")
    if len({number for number, _ in objects}) != len(objects) or update.packed.keys() & {
        n for n, _ in objects
    }:
        raise GrammarError(f"an object is there twice before byte {update.section}")
    for number, generation in objects:
        if generation != (base.generation_of(number) or 0):
            raise GrammarError(f"object {number} has another generation than before")
    _check_lengths(update)
    _check_packed(pdf, update)


def _check_lengths(update: Update) -> None:
    for number, (start, end) in update.streams.items():
        length = update.values[number][b"Length"]
        if isinstance(length, Ref) and update.values.get(length.number) != end - start:
            raise GrammarError(f"the length of object {number} is somewhere else")


def _check_packed(pdf: bytes, update: Update) -> None:
    """Object streams hold exactly the objects that the index says, in the places that it says."""
    holders = {holder for holder, _ in update.packed.values()}
    packs = {
        number
        for number, value in update.values.items()
        if isinstance(value, dict) and value.get(b"Type") == Name(b"ObjStm")
    }
    if holders != packs:
        raise GrammarError(f"object streams and index differ at byte {update.section}")
    for holder in holders:
        head = update.values[holder]
        if not head.keys() <= _PACK_KEYS or holder not in update.streams:
            raise GrammarError(f"object stream {holder} can't be read")
        start, end = update.streams[holder]
        count, first = head.get(b"N"), head.get(b"First")
        data, header = unpacked_objects(pdf[start:end], *_packed_as(update, holder), count, first)
        held = {number: (holder, place) for place, number in enumerate(header[::2])}
        listed = {number: place for number, place in update.packed.items() if place[0] == holder}
        if held != listed or len(held) != count:
            raise GrammarError(f"object stream {holder} holds other objects than the index says")
        values = _held(data, [first + offset for offset in header[1::2]])
        update.values.update(zip(held, values, strict=True))


def _held(data: bytes, starts: list[int]) -> Iterator[Any]:
    """The objects of an object stream, which must fill it from the first one's start on."""
    data += b" "
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        value, at = read_value(data, start)  # beyond the next one's start where they run into each other
        if skip_space(data, at) != end or data[start : start + 1] in b"\0\t\n\x0c\r ":
            raise GrammarError("an object stream whose objects overlap or leave gaps")
        yield value


def _check_hidden(added: bytes, update: Update) -> None:
    """Programs that give up on an index search for objects: there must be none to find but those listed."""
    if len(_LIKE_OBJECT.findall(added)) != len(update.objects) or len(_LIKE_TRAILER.findall(added)) > 1:
        raise GrammarError("something that looks like an object stands inside another one")
