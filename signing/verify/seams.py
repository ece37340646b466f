"""Cut a file at its seams: what is the same in file after file, and the slots that differ.

Thousands of files of one office differ in little: the text of a page, a title, a name, offsets, signatures.
All other bytes, put together, are the file's *form*. Two files of one form have the same objects, with the
same entries and references, in the same order; so whatever the whole validation says about the structure of
one it says about the other. This module refuses everything that it can't cut beyond doubt: object streams,
hybrid or compressed indexes, comments, bytes between the objects. Source: ISO 32000-1, 7.5.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from signing.verify.rawscan import SignedRange, signed_range

_MOST_REVISIONS = 100
_MOST_WITH_TEXTS = 1000
_LONGEST_KEPT = 4096  # bytes of an object
_LEAST_IN_COMMON = 4096  # bytes; a shorter beginning saves nothing
_LAST = re.compile(rb"startxref\r?\n(\d{1,10})\r?\n%%EOF[\t\n\r ]{0,256}\Z")
_SECTION = re.compile(
    rb"xref\r?\n((?:\d{1,8} \d{1,6} ?\r?\n(?:\d{10} \d{5} [nf](?: \n|\r\n| \r))+)+)trailer\s{0,2}(<<)"
)
_SUBSECTION = re.compile(rb"(\d{1,8}) (\d{1,6}) ?\r?\n((?:\d{10} \d{5} [nf](?: \n|\r\n| \r))+)")
_TAIL = re.compile(rb">>\r?\nstartxref\r?\n(\d{1,10})\r?\n%%EOF")
_PREVIOUS = re.compile(rb"/Prev (\d{1,10})(?=[ /\r\n>])")
_ID = re.compile(rb"/ID ?\[ ?<[0-9A-Fa-f]{0,128}> ?<[0-9A-Fa-f]{0,128}> ?\]")
_STREAM = re.compile(rb"stream\r?\n")
_STATED, _LITERAL = re.compile(rb"/Length(?![^\0\t\n\x0c\r /<>\[(])"), re.compile(rb"\([^()]*\)")
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
_PIECES_OF_DRAWING = 3  # of a form, the last of which says whether it draws
_DRAWN = re.compile(rb"/Subtype ?/Form(?=[ /\r\n>])")
_LOOK = re.compile(rb"/N[\0\t\n\x0c\r ]*(\d{1,10}) 0 R")
_SPELT = re.compile(rb"#(?:[46][1-9A-Fa-f]|[57][0-9Aa])")  # a letter: nobody honest writes one so
_STORE = re.compile(rb"/DSS[\0\t\n\x0c\r ]*(?:(\d{1,8}) 0 R)?")
_COMMENT = re.compile(rb"%[^\r\n]*")
# what the whole validation compares from revision to revision, although it says nothing of the structure
_INFO, _METADATA = (
    re.compile(name + rb"(?: ?(\d{1,10} \d{1,5} R)(?=[ /\r\n>]))?") for name in (rb"/Info", rb"/Metadata")
)
_STORED = {name: re.compile(rb"/" + name + rb" ?\[([0-9 R]*)\]") for name in (b"Certs", b"OCSPs", b"CRLs")}
_REFERENCE = re.compile(rb"(\d{1,8}) 0 R ?")
_ANY_REFERENCE = re.compile(rb"(\d{1,8})[\0\t\n\x0c\r ]+\d{1,5}[\0\t\n\x0c\r ]+R")
_ITS_TYPE = re.compile(rb"/Type[\0\t\n\x0c\r ]*/DSS")


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


@dataclass(frozen=True)
class Beginning:
    """The first bytes of a file, up to the end of an object, and what cutting them came to.

    That depends on these bytes and on which objects the index places in them, and on nothing else; so a file
    that begins with the same bytes and has the same objects there need not be cut or digested there again.
    No signature begins in them: raises Seamless where one does.
    """

    data: bytes
    objects: tuple[tuple[int, int], ...]  # offset, number
    _knife: "_Knife"
    _states: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._knife.signatures or b"/ByteRange" in self.data:
            _refuse("a signature in what two files begin with")

    def running(self, digest_name: str) -> Any:
        """A digest that has read the bytes."""
        if digest_name not in self._states:
            self._states[digest_name] = hashlib.new(digest_name, self.data)
        return self._states[digest_name].copy()

    def continued(self, pdf: bytes) -> "_Knife":
        """A knife that has cut the bytes, to go on in a file that begins with them."""
        return self._knife.copied(pdf)


def cut(pdf: bytes, beginning: Beginning | None = None) -> Cut:
    """Cut a file, which begins with `beginning` where one is given; raises Seamless."""
    revisions = _revisions(pdf)
    knife = _Knife(pdf)
    for number, revision in enumerate(revisions):
        order, ends = _in_order(revision)
        if number == 0 and beginning is not None:
            if not pdf.startswith(beginning.data):
                raise ValueError("it begins with something else")
            done = len(beginning.objects)
            if tuple(order[:done]) != beginning.objects or ends[done - 1] != len(beginning.data):
                _refuse("other objects than those that begin with the same bytes")
            knife = beginning.continued(pdf)
            order, ends = order[done:], ends[done:]
        else:
            knife.begin(revision.start, order[0][0])
        knife.cut(number, revision, order, ends)
    knife.check_looks()
    _check_counts(pdf, knife.signatures, revisions, len(beginning.data) if beginning is not None else 0)
    return Cut(knife.form(), tuple(knife.signatures), knife.stored(), len(revisions))


def common_beginning(one: bytes, other: bytes) -> Beginning | None:
    """What two files begin with alike, up to the end of an object before the first signature.

    None when that is not worth the while. Raises Seamless.
    """
    length = _alike(one, other)
    signed = one.find(b"/ByteRange")
    order, ends = _in_order(_revisions(one)[0])
    done = sum(end <= min(length, signed) for end in ends)
    if not done or ends[done - 1] < _LEAST_IN_COMMON or ends != sorted(ends):
        return None
    data = one[: ends[done - 1]]
    knife = _Knife(data)
    knife.begin(0, order[0][0])
    for (start, name), end in zip(order[:done], ends, strict=False):
        knife.object(name, start, end, 0)
    return Beginning(data, tuple(order[:done]), knife)


def _alike(one: bytes, other: bytes) -> int:
    """How many bytes two files have in common from their beginning on."""
    least, most = 0, min(len(one), len(other))
    here, there = memoryview(one), memoryview(other)
    while least < most:
        middle = (least + most + 1) // 2
        if here[least:middle] == there[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _in_order(revision: "_Revision") -> tuple[list[tuple[int, int]], list[int]]:
    """A revision's objects (offset, number) as they follow each other, and where each ends."""
    order = sorted(zip(revision.objects.values(), revision.objects, strict=True))
    return order, [*[offset for offset, _ in order[1:]], revision.section]


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
    described = {tuple(_INFO.findall(each.trailer)) for each in placed}
    if len(described) != 1 or b"" in described.pop():
        _refuse("another title, or other metadata, in an update")
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
        filling = rows.split()
        offsets, generations, kinds = filling[0::3], filling[1::3], filling[2::3]
        free = int(kinds[:1] == [b"f"])  # object 0, the head of the list of free ones
        if b"f" in kinds[free:] or (free and (first or rows[:16] != b"0000000000 65535")):
            _refuse("an object was removed")
        before = len(objects)
        objects.update(zip(range(first + free, first + count), map(int, offsets[free:]), strict=True))
        if len(objects) - before != count - free or set(generations[free:]) - {b"00000"}:
            _refuse("an object is listed twice, or was replaced")
    if filled != len(section.group(1)):
        _refuse("an index with something in between")
    tail = _TAIL.search(pdf, section.end(), section.end() + 1024)
    if tail is None or int(tail.group(1)) != at:
        _refuse("an index that is not followed by its own offset")
    trailer = pdf[section.start(2) : tail.start() + 2]
    previous = _PREVIOUS.findall(trailer)
    if len(previous) > 1 or trailer.count(b"<<") != 1 or trailer.count(b"%") or trailer.count(b"#"):
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
        self._looks: set[int] = set()  # what annotations may be drawn by
        self._drawing: set[int] = set()  # streams whose form says so
        self._stores: set[int] = set()  # objects that hold a document security store
        self.signatures: list[SignatureSlot] = []

    def copied(self, pdf: bytes) -> "_Knife":
        """One that has cut the same, to go on in `pdf`; only before the first signature."""
        copy = _Knife(pdf)
        copy._pieces = [self.form()]
        copy._plain, copy._written = dict(self._plain), dict(self._written)
        copy._streams, copy._stores = dict(self._streams), set(self._stores)
        copy._looks, copy._drawing = set(self._looks), set(self._drawing)
        return copy

    def begin(self, start: int, first: int) -> None:
        """What stands before a revision's first object."""
        self._pieces.append(self._pdf[start:first])

    def cut(self, number: int, revision: _Revision, order: list[tuple[int, int]], ends: list[int]) -> None:
        """Cut these objects of a revision, and its index."""
        for (start, name), end in zip(order, ends, strict=True):
            self.object(name, start, end, number)
        self._pieces += (revision.entries, revision.trailer)

    def object(self, name: int, start: int, end: int, revision: int) -> None:
        """An object fills the bytes up to the next one. One that is written twice has no slots."""
        whole = self._pdf[start:end]
        parted = (_parted_before if len(whole) <= _LONGEST_KEPT else _parted)(name, whole)
        is_stream = parted.data is not None
        if name in self._streams or name in self._signed or (is_stream and name in self._plain):
            _refuse("an object with a slot is written again")
        if parted.data is not None:
            self._streams[name] = parted.data
            if len(parted.pieces) == _PIECES_OF_DRAWING:
                self._drawing.add(name)
        elif parted.signed:
            if name in self._plain:
                _refuse("an object with a slot is written again")
            self._signed.add(name)
            self._signature(start, end, revision)
        else:
            (form,) = parted.pieces
            if name in self._plain and (form != whole or self._plain[name] != self._written[name]):
                _refuse("an object with a slot is written again")
            if name in self._plain and not _same_metadata(self._written[name], whole):
                _refuse("another title, or other metadata, in an update")
            self._plain[name], self._written[name] = form, whole
            if parted.looks:
                self._looks.update(parted.looks)
            if b"/DSS" in whole:
                self._note_store(whole)
        self._pieces += parted.pieces

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

    def check_looks(self) -> None:
        """Whether an annotation draws anything decides what is said of it: raises Seamless in doubt."""
        if self._looks & self._streams.keys() - self._drawing:
            _refuse("an annotation that is drawn by something else than a form")

    def form(self) -> bytes:
        """Everything but the slots, in the order of the file."""
        return b"\0seam\0".join(self._pieces)

    def stored(self) -> dict[bytes, list[bytes]]:
        """The data of the document security store by kind."""
        if not self._stores:
            return {}
        number = min(self._stores)
        store = self._written.get(number)
        if len(self._stores) > 1 or store is None:
            _refuse("a store that is not written plainly")
        found, listed = {}, set[int]()
        for name, pattern in _STORED.items():
            lists = pattern.findall(store)
            if len(lists) > 1:
                _refuse("a store that is not written plainly")
            numbers = [int(number) for number in _REFERENCE.findall(lists[0])] if lists else []
            if any(number not in self._streams for number in numbers):
                _refuse("a store that refers to something else than its own data")
            if store.count(b"/" + name) != len(lists):
                _refuse("a store that is not written plainly")
            listed.update(numbers)
            found[name] = [self._streams[number] for number in numbers]
        if self._led_to(number) & self._streams.keys() - listed:
            _refuse("a store that leads to more than it lists")
        return found

    def _note_store(self, whole: bytes) -> None:
        """An object that leads to a store, or is one and says so."""
        for number in _STORE.findall(_ITS_TYPE.sub(b"", whole)):
            if not number:
                _refuse("a store that is not written plainly")
            self._stores.add(int(number))

    def _led_to(self, number: int) -> set[int]:
        """What an object leads to by its references, and these by theirs, as far as streams."""
        found, waiting = set[int](), [number]
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += map(int, _ANY_REFERENCE.findall(self._written.get(number, b"")))
        return found


def _same_metadata(before: bytes, now: bytes) -> bool:
    references = _METADATA.findall(now)
    return b"#" not in before + now and b"" not in references and _METADATA.findall(before) == references


class _Parted(NamedTuple):
    """What an object's bytes come to by themselves: its form, and the data of a stream."""

    pieces: tuple[bytes, ...]
    data: bytes | None = None
    signed: bool = False  # a signature, whose form depends on where it stands
    looks: tuple[int, ...] = ()  # numbers of what it may be drawn by


def _parted(name: int, whole: bytes) -> _Parted:
    if not whole.startswith(b"%d 0 obj" % name):
        _refuse("an index that points somewhere else")
    stream = _STREAM.search(whole)
    written = whole if stream is None else whole[: stream.end()]
    if b"#" in written and _SPELT.search(written):
        _refuse("a name that is spelt otherwise")
    if stream is not None:
        return _stream(whole[: stream.end()], whole[stream.end() :])
    if b"/ByteRange" in whole:
        return _Parted((), signed=True)
    if whole.count(b"endobj") != 1 or not whole.rstrip(b"\r\n ").endswith(b"endobj"):
        _refuse("an object that does not end plainly")
    if b"%" in whole or b"\\" in whole or b"stream" in whole:
        _refuse("an object that is not written plainly")
    looks = tuple(map(int, _LOOK.findall(whole))) if b"/N" in whole else ()
    return _Parted((_without_texts(whole),), looks=looks)


_parted_before = lru_cache(maxsize=512)(_parted)  # the same small objects are in file after file


def _stream(head: bytes, rest: bytes) -> _Parted:
    lengths = _LENGTH.findall(head)
    if head.count(b"/Length") > 1 and _stated(head) != lengths:
        _refuse("a stream that states its length in a text")
    begins = head.rstrip(b"\r\n").removesuffix(b"stream").rstrip(b"\r\n ").endswith(b">>")
    if len(lengths) != 1 or not begins or b"%" in head or b"\\" in head or b"stream" in head[:-8]:
        _refuse("a stream whose head is not written plainly")
    if b"/ObjStm" in head or b"/XRef" in head:
        _refuse("a stream whose head is not written plainly")
    length = int(lengths[0])
    tail = rest[length:]
    if length > len(rest) or not _END_STREAM.match(tail):
        _refuse("a stream that is longer or shorter than it says")
    data = rest[:length]
    pieces = [_without_texts(_SIZE.sub(b"/Size", _LENGTH.sub(b"/Length", head))), tail]
    if _DRAWN.search(head):
        pieces.append(b"draws" if _draws(head, data) else b"draws nothing")
    return _Parted(tuple(pieces), data)


def _stated(head: bytes) -> list[bytes]:
    """The lengths that a stream's head states, but for those in texts; none when it is written otherwise."""
    bare = _LITERAL.sub(b"", head)
    found = _LENGTH.findall(bare)
    return found if len(found) == len(_STATED.findall(bare)) else []


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


def _check_counts(
    pdf: bytes, signatures: list[SignatureSlot], revisions: list[_Revision], without: int
) -> None:
    """Nothing else that a program would find which searches for objects, trailers or signatures.

    In the first `without` bytes there is no signature.
    """
    first = revisions[0].end
    objects = sum(len(revision.objects) for revision in revisions[1:])
    if (
        pdf.count(b"/ByteRange", max(0, without - len(b"/ByteRange") + 1)) != len(signatures)
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
