"""How cross-reference and object streams may be packed: only so that every program unpacks the same.

Programs differ in what they make of prediction with colours, of rows with several filters, of wide fields and
of large numbers; some then search the file for objects by themselves. Source: ISO 32000-1, 7.4.4, 7.5.7 and
7.5.8; the largest object number is that of annex C.
"""

import re
import zlib
from collections.abc import Mapping
from typing import Any, TypeGuard

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import Reference
from pyhanko.pdf_utils.reader import PdfFileReader

MAX_NUMBER = 8_388_607
# Bytes of a kind, an offset, a generation. PyHanko writes eight for offsets, and viewers take as many.
_WIDEST = (1, 8, 2)
_MOST_INFLATED = 64 * 1024 * 1024
_UP = 2  # of PNG's filters the one that writers use, and that all readers undo
_SPACE = rb"[\0\t\n\x0c\r ]"
_HEADER = re.compile(rb"%b*(?:\d{1,10}%b+)*" % (_SPACE, _SPACE))
_END_OF_LINE = frozenset({b"", b"\n", b"\r", b"\r\n"})


class PackingError(ValueError):
    """A stream that programs may unpack in different ways; the message says why."""


def unpacked_index(data: bytes, how: Any, settings: Any, widths: Any) -> bytes:
    """The rows of a cross-reference stream; `how` is its filter's name, `settings` a mapping."""
    if not (_whole_numbers(widths) and len(widths) == 3 and any(widths)):
        raise PackingError("an index whose shape can't be read")
    if any(width > widest for width, widest in zip(widths, _WIDEST, strict=True)):
        raise PackingError(f"an index with fields of {widths} bytes")
    data = _inflated(data, how, settings, {"Predictor", "Columns"})
    columns, predictor = sum(widths), settings.get("Predictor", 1) if settings else 1
    if predictor == 1 and type(predictor) is int:
        return data
    if predictor != 12 or type(predictor) is not int or settings.get("Columns") != columns:
        raise PackingError("an index whose prediction can't be undone")
    return _unpredicted(data, columns)


def unpacked_objects(data: bytes, how: Any, settings: Any, count: Any, first: Any) -> tuple[bytes, list[int]]:
    """What an object stream holds, and its header: number and offset in turn, as many pairs as `count`."""
    data = _inflated(data, how, settings, {"Predictor"})
    if settings and settings.get("Predictor", 1) != 1:
        raise PackingError("an object stream with prediction")
    if type(count) is not int or type(first) is not int or not 0 < first <= len(data):
        raise PackingError("an object stream that can't be read")
    header = [int(word) for word in data[:first].split()] if _HEADER.fullmatch(data, 0, first) else []
    if count < 1 or len(header) != 2 * count:
        raise PackingError("an object stream that does not say what it holds")
    offsets = header[1::2]
    if offsets[0] != 0 or offsets != sorted(set(offsets)) or first + offsets[-1] >= len(data):
        raise PackingError("an object stream whose objects overlap or leave gaps")
    return data, header


def check_number(number: int) -> None:
    """Raise PackingError for an object number that viewers may not count up to."""
    if not 0 <= number <= MAX_NUMBER:
        raise PackingError(f"the object number {number} is too large")


def check_packed(reader: PdfFileReader) -> None:
    """Raise PackingError unless all of a file's indexes and object streams can be read in one way."""
    xrefs = reader.xrefs
    for revision in range(xrefs.total_revisions):
        resolver = reader.get_historical_resolver(revision)
        check_number(int(xrefs.get_xref_container_info(revision).size) - 1)
        for reference in xrefs.explicit_refs_in_revision(revision):
            check_number(reference.idnum)
        hybrid = xrefs.get_xref_data(revision).hybrid
        indexes = [xrefs.get_xref_container_info(revision), *([hybrid.meta_info] if hybrid else [])]
        for index in (each.stream_ref for each in indexes if each.stream_ref is not None):
            head = resolver.get_object(index)
            unpacked_index(head.encoded_data, *_filter_of(head), _plain(head).get("W"))
        holders = set(xrefs.object_streams_used_in(revision))  # type: ignore[no-untyped-call]
        if hybrid:
            holders |= {Reference(number, 0, reader) for number in hybrid.xref_data.obj_streams_used}
        for holder in holders:
            head = resolver.get_object(holder)
            told = _plain(head)
            unpacked_objects(head.encoded_data, *_filter_of(head), told.get("N"), told.get("First"))


def single_filter(how: Any, settings: Any) -> tuple[Any, Any]:
    """A filter and its settings, out of the lists of one that they may stand in."""
    if isinstance(how, list):
        if len(how) != 1 or not (settings is None or (isinstance(settings, list) and len(settings) == 1)):
            raise PackingError("a stream that is packed several times")
        return how[0], settings[0] if settings else None
    return how, settings


def _filter_of(head: Any) -> tuple[Any, Any]:
    told = _plain(head)
    if told.keys() & {"F", "FFilter", "DP", "Extends"}:
        raise PackingError("a stream with parts elsewhere")
    how, settings = single_filter(told.get("Filter"), told.get("DecodeParms"))
    return how.removeprefix("/") if isinstance(how, str) else how, settings


def _plain(value: Any) -> Any:
    """PyHanko's values as Python's, names of keys without slash."""
    if isinstance(value, generic.IndirectObject):
        value = value.get_object()  # type: ignore[no-untyped-call]
    if isinstance(value, generic.DictionaryObject):
        return {
            key[1:]: _plain(dict.get(value, key))
            for key in value
            if key not in ("/Root", "/Info", "/Encrypt", "/ID")
        }
    if isinstance(value, generic.ArrayObject):
        return [_plain(each) for each in list.__iter__(value)]
    if isinstance(value, generic.NullObject):
        return None
    return int(value) if type(value) is generic.NumberObject else value


def _inflated(data: bytes, how: Any, settings: Any, known: set[str]) -> bytes:
    if settings is not None and not (isinstance(settings, Mapping) and settings.keys() <= known):
        raise PackingError("a stream that is packed with unexpected settings")
    if how is None:
        if settings:
            raise PackingError("a stream with settings for no packing")
        return data
    if how != "FlateDecode":
        raise PackingError("a stream that is packed in an unexpected way")
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(data, _MOST_INFLATED)
    except zlib.error as error:
        raise PackingError(f"a stream that cannot be unpacked: {error}") from error
    if not unpacking.eof or unpacking.unused_data not in _END_OF_LINE:
        raise PackingError("a packed stream that does not end where it says")
    return found


def _unpredicted(data: bytes, columns: int) -> bytes:
    """Undo PNG's prediction "up", no other: pyHanko 0.38 reads rows without prediction as zeros."""
    if len(data) % (columns + 1):
        raise PackingError("an index whose prediction can't be undone")
    above, out = bytes(columns), bytearray()
    for at in range(0, len(data), columns + 1):
        if data[at] != _UP:
            raise PackingError("an index with an unexpected prediction")
        row = data[at + 1 : at + 1 + columns]
        above = bytes((left + right) & 0xFF for left, right in zip(row, above, strict=True))
        out += above
    return bytes(out)


def _whole_numbers(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)
