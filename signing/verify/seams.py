"""Cut a file at its seams: what is the same in file after file, and the slots that differ.

Thousands of files of one office differ in little: the text of a page, a title, a name, offsets, signatures.
All other bytes, put together, are the file's *form*. Two files of one form have the same objects, with the
same entries and references, in the same order; so whatever the whole validation says about the structure of
one it says about the other. This module refuses everything that it can't cut beyond doubt: object streams,
hybrid or compressed indexes, comments, bytes between the objects. Source: ISO 32000-1, 7.5.
"""

import re
import zlib
from dataclasses import dataclass
from typing import NoReturn

from signing.verify.rawscan import SignedRange, signed_range

_MOST_REVISIONS = 100
_MOST_WITH_TEXTS = 1000
_LAST = re.compile(rb"startxref\r?\n(\d{1,10})\r?\n%%EOF[\t\n\r ]{0,256}\Z")
_SECTION = re.compile(
    rb"xref\r?\n((?:\d{1,8} \d{1,6} ?\r?\n(?:\d{10} \d{5} [nf](?: \n|\r\n| \r))+)+)trailer\s{0,2}(<<)"
)
_SUBSECTION = re.compile(rb"(\d{1,8}) (\d{1,6}) ?\r?\n((?:\d{10} \d{5} [nf](?: \n|\r\n| \r))+)")
_TAIL = re.compile(rb">>\r?\nstartxref\r?\n(\d{1,10})\r?\n%%EOF")
_PREVIOUS = re.compile(rb"/Prev (\d{1,10})(?=[ /\r\n>])")
_ID = re.compile(rb"/ID ?\[ ?<[0-9A-Fa-f]{0,128}> ?<[0-9A-Fa-f]{0,128}> ?\]")
_STREAM = re.compile(rb"stream\r?\n")
_LENGTH = re.compile(rb"/Length (\d{1,9})(?! \d{1,5} R)(?=[ /\r\n>])")
_END_STREAM = re.compile(rb"\r?\n?endstream\r?\nendobj[\r\n ]{0,4}\Z")
_STRING = rb"(?:\([^()\\]*\)|<[0-9A-Fa-f]*>)"
# what differs: numbers that are checked or say nothing of the structure, and strings that are for people only
_SIZE = re.compile(rb"/Size \d{1,9}(?! \d{1,5} R)(?=[ /\r\n>])")
_TEXTS = re.compile(
    rb"/(?:Title|Author|Subject|Keywords|Creator|Producer|CreationDate|ModDate) ?(" + _STRING + rb")"
)
_SIGNATURE_TEXTS = re.compile(rb"/(Name|Reason|Location|ContactInfo|M) ?(" + _STRING + rb")")
_NESTED = re.compile(rb"\([^()]*\(")
_BYTE_RANGE = re.compile(rb"/ByteRange ?\[ ?(\d{1,10}) (\d{1,10}) (\d{1,10}) (\d{1,10}) ?\] *")
_CONTENTS = re.compile(rb"/Contents ?(?=<)")
_DRAWN = re.compile(rb"/Subtype ?/Form(?=[ /\r\n>])")
_COMMENT = re.compile(rb"%[^\r\n]*")
_STORED = {name: re.compile(rb"/" + name + rb" ?\[([0-9 R]*)\]") for name in (b"Certs", b"OCSPs", b"CRLs")}
_REFERENCE = re.compile(rb"(\d{1,8}) 0 R ?")


class Seamless(ValueError):
    """A file that can't be cut beyond doubt; nothing is said against it."""


@dataclass(frozen=True)
class SignatureSlot:
    """A signature or timestamp: what it covers, its texts as PDF strings, and the revision that holds it."""

    covered: SignedRange
    revision: int
    texts: dict[bytes, bytes]


@dataclass(frozen=True)
class Cut:
    """A file's form, and what fills its slots."""

    form: bytes
    signatures: tuple[SignatureSlot, ...]
    stored: dict[bytes, list[bytes]]  # Certs, OCSPs, CRLs: the entries of the store
    revisions: int


@dataclass(frozen=True)
class _Revision:
    start: int  # where its bytes begin
    objects: dict[int, int]  # number → offset
    section: int
    trailer: bytes
    entries: bytes  # its index without the offsets
    end: int


def cut(pdf: bytes) -> Cut:
    """Cut a file; raises Seamless."""
    revisions = _revisions(pdf)
    knife = _Knife(pdf)
    for number, revision in enumerate(revisions):
        knife.cut(number, revision)
    _check_counts(pdf, knife.signatures, revisions)
    return Cut(knife.form(), tuple(knife.signatures), knife.stored(), len(revisions))


def _refuse(why: str) -> NoReturn:
    raise Seamless(why)


def _revisions(pdf: bytes) -> list[_Revision]:
    """From the last index back to the first, each leading to the one before; in the order of the file."""
    last = _LAST.search(pdf, max(0, len(pdf) - 512))
    if last is None:
        _refuse("its end is not written plainly")
    found: list[_Revision] = []
    at, end = int(last.group(1)), len(pdf)
    while True:
        revision, previous = _revision(pdf, at, end)
        found.append(revision)
        if previous is None:
            break
        if previous >= at or len(found) == _MOST_REVISIONS:
            _refuse("its indexes do not lead back in order")
        at, end = previous, 0
    found.reverse()
    placed, start = [], 0
    for each in found:
        if not each.objects or min(each.objects.values()) < start:
            _refuse("a revision reaches into the one before it")
        placed.append(_Revision(start, each.objects, each.section, each.trailer, each.entries, each.end))
        start = each.end
    if not pdf.startswith(b"%PDF-"):
        _refuse("it begins with something else")
    return placed


def _revision(pdf: bytes, at: int, end: int) -> tuple[_Revision, int | None]:
    section = _SECTION.match(pdf, at)
    if section is None:
        _refuse("an index is not a plain table")
    objects: dict[int, int] = {}
    numbers: list[bytes] = []
    filled = 0
    for part in _SUBSECTION.finditer(section.group(1)):
        first, count, rows = int(part.group(1)), int(part.group(2)), part.group(3)
        if len(rows) != 20 * count:
            _refuse("an index with more or fewer entries than it says")
        filled += len(part.group())
        numbers.append(b"%d %d" % (first, count))
        for place in range(count):
            row = rows[20 * place : 20 * place + 20]
            if row[17:18] == b"f":
                if first + place or row[:16] != b"0000000000 65535":
                    _refuse("an object was removed")
                continue
            if row[11:16] != b"00000" or first + place in objects:
                _refuse("an object is listed twice, or was replaced")
            objects[first + place] = int(row[:10])
    if filled != len(section.group(1)):
        _refuse("an index with something in between")
    tail = _TAIL.search(pdf, section.end(), section.end() + 1024)
    if tail is None or int(tail.group(1)) != at:
        _refuse("an index that is not followed by its own offset")
    trailer = pdf[section.start(2) : tail.start() + 2]
    previous = _PREVIOUS.findall(trailer)
    if len(previous) > 1 or trailer.count(b"<<") != 1 or trailer.count(b"%"):
        _refuse("a trailer that is not written plainly")
    shape = _ID.sub(b"/ID", _PREVIOUS.sub(b"/Prev", trailer))
    stop = end or tail.end()
    return (
        _Revision(0, objects, at, shape, b" ".join(numbers), stop),
        int(previous[0]) if previous else None,
    )


class _Knife:
    """Goes through a file once, from its first object to its last index."""

    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        self._pieces: list[bytes] = []
        self._plain: dict[int, bytes] = {}  # number → its form, as last written
        self._written: dict[int, bytes] = {}  # number → its bytes, as last written
        self._streams: dict[int, bytes] = {}  # number → its data
        self._signed: set[int] = set()
        self._store = b""
        self.signatures: list[SignatureSlot] = []

    def cut(self, number: int, revision: _Revision) -> None:
        """Cut one revision."""
        order = sorted((offset, name) for name, offset in revision.objects.items())
        ends = [offset for offset, _ in order[1:]] + [revision.section]
        self._pieces.append(self._pdf[revision.start : order[0][0]])
        for (start, name), end in zip(order, ends, strict=True):
            self._object(name, start, end, number)
        self._pieces += (revision.entries, revision.trailer)

    def _object(self, name: int, start: int, end: int, revision: int) -> None:
        """An object fills the bytes up to the next one. One that is written twice has no slots."""
        pdf = self._pdf
        if not pdf.startswith(b"%d 0 obj" % name, start):
            _refuse("an index that points somewhere else")
        stream = _STREAM.search(pdf, start, end)
        if name in self._streams or name in self._signed or (stream and name in self._plain):
            _refuse("an object with a slot is written again")
        if stream is not None:
            self._stream(name, pdf[start : stream.end()], stream.end(), end)
            return
        whole = pdf[start:end]
        if b"/ByteRange" in whole:
            if name in self._plain:
                _refuse("an object with a slot is written again")
            self._signed.add(name)
            self._signature(start, end, revision)
            return
        if whole.count(b"endobj") != 1 or not whole.rstrip(b"\r\n ").endswith(b"endobj"):
            _refuse("an object that does not end plainly")
        if b"%" in whole or b"\\" in whole or b"stream" in whole:
            _refuse("an object that is not written plainly")
        form = _without_texts(whole)
        if name in self._plain and (form != whole or self._plain[name] != self._written[name]):
            _refuse("an object with a slot is written again")
        self._plain[name], self._written[name] = form, whole
        self._pieces.append(form)
        if b"/DSS" in whole and b"/Type" in whole and b"/Certs" in whole:
            self._store = whole

    def _stream(self, name: int, head: bytes, begin: int, end: int) -> None:
        lengths = _LENGTH.findall(head)
        begins = head.rstrip(b"\r\n").removesuffix(b"stream").rstrip(b"\r\n ").endswith(b">>")
        if len(lengths) != 1 or not begins or b"%" in head or b"\\" in head or b"stream" in head[:-8]:
            _refuse("a stream whose head is not written plainly")
        if b"/ObjStm" in head or b"/XRef" in head:
            _refuse("a stream whose head is not written plainly")
        stop = begin + int(lengths[0])
        tail = self._pdf[stop:end]
        if stop > end or not _END_STREAM.match(tail):
            _refuse("a stream that is longer or shorter than it says")
        data = self._pdf[begin:stop]
        self._streams[name] = data
        self._pieces += (_without_texts(_SIZE.sub(b"/Size", _LENGTH.sub(b"/Length", head))), tail)
        if _DRAWN.search(head):
            self._pieces.append(b"draws" if _draws(head, data) else b"draws nothing")

    def _signature(self, start: int, end: int, revision: int) -> None:
        pdf = self._pdf
        contents = _CONTENTS.search(pdf, start, end)
        if contents is None:
            _refuse("a signature without its container")
        close = pdf.find(b">", contents.end(), end)
        around = pdf[start : contents.end()] + pdf[close + 1 : end]
        ranges = _BYTE_RANGE.findall(around)
        if len(ranges) != 1 or close < 0 or around.count(b"/Contents") != 1 or around.count(b"endobj") != 1:
            _refuse("a signature that is not written plainly")
        if b"%" in around or b"\\" in around or not around.rstrip(b"\r\n ").endswith(b">>\nendobj"):
            _refuse("a signature that is not written plainly")
        covered = signed_range(pdf, tuple(map(int, ranges[0])))
        if covered is None or (covered.gap_start, covered.gap_end) != (contents.end(), close + 1):
            _refuse("a signature that leaves out something else than its container")
        texts = _SIGNATURE_TEXTS.findall(around)
        if len({name for name, _ in texts}) != len(texts):
            _refuse("a signature that says something twice")
        self._pieces.append(_SIGNATURE_TEXTS.sub(_its_name, _BYTE_RANGE.sub(b"/ByteRange", around)))
        self.signatures.append(SignatureSlot(covered, revision, dict(texts)))

    def form(self) -> bytes:
        """Everything but the slots, in the order of the file."""
        return b"\0seam\0".join(self._pieces)

    def stored(self) -> dict[bytes, list[bytes]]:
        """The data of the document security store by kind."""
        if not self._store:
            return {}
        found = {}
        for name, pattern in _STORED.items():
            lists = pattern.findall(self._store)
            if len(lists) > 1:
                _refuse("a store that is not written plainly")
            numbers = [int(number) for number in _REFERENCE.findall(lists[0])] if lists else []
            if any(number not in self._streams for number in numbers):
                _refuse("a store that refers to something else than its own data")
            found[name] = [self._streams[number] for number in numbers]
        return found


def _its_name(found: re.Match[bytes]) -> bytes:
    return found.group(1)


def _without_texts(part: bytes) -> bytes:
    """An object, or a stream's head, without its texts; those of a long object are part of its form."""
    if len(part) > _MOST_WITH_TEXTS or b"(" not in part:
        return part
    if _NESTED.search(part):
        _refuse("a string inside a string")
    return _TEXTS.sub(b"/text", part)


def _draws(head: bytes, data: bytes) -> bool:
    """Whether a form draws anything, as the whole validation asks of a field's appearance."""
    if b"/Filter" in head:
        if b"/Filter/FlateDecode" not in head or b"/DecodeParms" in head or len(data) > 65536:
            _refuse("a drawing that is packed in an unusual way")
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, 1 << 20)
        except zlib.error as error:
            raise Seamless("a drawing that can't be unpacked") from error
        if not unpacker.eof or unpacker.unused_data:
            _refuse("a drawing that is not packed plainly")
    return bool(_COMMENT.sub(b"", data).strip())


def _check_counts(pdf: bytes, signatures: list[SignatureSlot], revisions: list[_Revision]) -> None:
    """Nothing else that a program would find which searches for objects, trailers or signatures."""
    first = revisions[0].end
    objects = sum(len(revision.objects) for revision in revisions[1:])
    if (
        pdf.count(b"/ByteRange") != len(signatures)
        or pdf.count(b"obj", first) != 2 * objects
        or pdf.count(b"trailer", first) != len(revisions) - 1
        or pdf.count(b"startxref", first) != len(revisions) - 1
    ):
        _refuse("something that looks like another part of the file")
    ends = [slot.covered.end for slot in signatures]
    if not ends or ends != sorted(ends):
        _refuse("no signature, or they are not in the order of the file")
    for slot in signatures:
        if slot.covered.end != _end_of(pdf, revisions[slot.revision]):
            _refuse("a signature that does not cover its revision to its end")


def _end_of(pdf: bytes, revision: _Revision) -> int:
    """Where a revision's last line ends: behind %%EOF and the line's end, where there is one."""
    mark = pdf.rfind(b"%%EOF", 0, revision.end) + len(b"%%EOF")
    for ending in (b"\r\n", b"\n", b"\r"):
        if pdf.startswith(ending, mark):
            return mark + len(ending)
    return mark
