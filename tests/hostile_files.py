"""Files that were made to hurt whoever reads them: loops, bombs, giants, deep nests, and changed vectors.

`hostile_files(seed)` gives more than five hundred, a few octets to a few MB each, always the same for a seed.
None of them is what anybody signed, so none may ever be called authentic; each must get a verdict within 10 s
and 1 GiB. `python -m benchmarks.hostile` reads them all and measures.
"""

import random
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from asn1crypto import cms, keys, tsp
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from certs import der
from tests.mutations import changed_der, mutated

SEED = 20261126
VECTORS = Path(__file__).parent / "vectors" / "files"
MUTANTS = 150
_CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
_PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
_PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>"
Make = Callable[[random.Random], Iterator[bytes]]


@dataclass(frozen=True)
class HostileFile:
    """A file, its family, and a name that tells it from the others."""

    family: str
    name: str
    pdf: bytes


FAMILIES: dict[str, Make] = {}


def family(make: Make) -> Make:
    """Enter a function that makes files under its name."""
    FAMILIES[make.__name__] = make
    return make


def hostile_files(seed: int = SEED, families: tuple[str, ...] = ()) -> Iterator[HostileFile]:
    """All of them, or those of some families."""
    for name, make in FAMILIES.items():
        if not families or name in families:
            chance = random.Random(f"{seed} {name}")  # noqa: S311 (repeatable, no secret)
            for number, pdf in enumerate(make(chance)):
                yield HostileFile(name, f"{name}-{number:03}", pdf)


# how files are put together


def made(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF out of raw objects, numbered from 1."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d %b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """A stream object's body."""
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(data), data)


def indexed(data: bytes, entries: bytes) -> bytes:
    """A file whose only object is a cross-reference stream."""
    head = b"%PDF-1.7\n"
    index = b"1 0 obj\n%b\nendobj\n" % stream(data, b"/Type/XRef/Root 1 0 R" + entries)
    return head + index + b"startxref\n%d\n%%%%EOF\n" % len(head)


def page_with(contents: bytes, page: bytes = b"", more: tuple[bytes, ...] = ()) -> bytes:
    """A file of one page: its contents are object 4, others follow."""
    leaf = b"<</Type/Page/Parent 2 0 R/Contents 4 0 R%b>>" % (page or b"/MediaBox[0 0 595 842]/Resources<<>>")
    return made(_CATALOG, _PAGES, leaf, contents, *more)


def form(fields: bytes, *more: bytes) -> bytes:
    """A file with a form of these fields; further objects are numbered from 4."""
    return made(b"<</Type /Catalog/Pages 2 0 R/AcroForm<</Fields[%b]>>>>" % fields, _PAGES, _PAGE, *more)


def signed_with(cms: bytes, entries: bytes = b"/SubFilter/ETSI.CAdES.detached") -> bytes:
    """A file with a signature that covers all of it, by this container."""
    text = cms.hex().encode()
    mark = b"/ByteRange[0 1111111111 2222222222 3333333333]"
    value = b"<</Type/Sig/Filter/Adobe.PPKLite%b%b/Contents<%b>>>" % (entries, mark, text)
    pdf = form(b"4 0 R", b"<</T(s)/FT/Sig/V 5 0 R>>", value)
    start = pdf.index(b"/Contents<") + len(b"/Contents")
    end = start + len(text) + 2
    numbers = b"/ByteRange[0 %d %d %d]" % (start, end, len(pdf) - end)
    return pdf.replace(mark, numbers.ljust(len(mark)))


def update(pdf: bytes, objects: dict[int, bytes]) -> bytes:
    """A revision with these objects behind a file, with a table that is right."""
    start, root = pdf.rsplit(b"startxref", 1)[1].split()[0], pdf.rsplit(b"/Root ", 1)[1].split()[0]
    out, entries = bytearray(pdf + b"\n"), bytearray()
    for number, body in sorted(objects.items()):
        entries += b"%d 1\n%010d 00000 n \n" % (number, len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    at, size = len(out), max(200, max(objects) + 1)
    out += b"xref\n%btrailer\n<</Size %d/Root %b 0 R/Prev %b>>\n" % (bytes(entries), size, root, start)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % at


@cache
def vector(name: str) -> bytes:
    """A vector that was signed."""
    return (VECTORS / f"{name}.pdf").read_bytes()


def object_of(pdf: bytes, mark: bytes) -> tuple[int, bytes]:
    """Number and body of the last plain object that has this in it."""
    for part in reversed(pdf.split(b"endobj")):
        if mark in part:
            head, _, body = part.rpartition(b" 0 obj")
            return int(head.split()[-1]), body.strip()
    raise ValueError(mark.decode())


def with_catalog(pdf: bytes, entries: bytes, objects: dict[int, bytes]) -> bytes:
    """An update that gives the catalog more entries."""
    number, body = object_of(pdf, b"/Type /Catalog")
    return update(pdf, {number: body.rstrip()[:-2] + entries + b">>", **objects})


@cache
def deflated(size: int, unit: bytes = b"\0") -> bytes:
    """So many octets, deflated, without ever being there."""
    packer, chunk = zlib.compressobj(9), unit * (1 << 20)
    parts = [packer.compress(chunk) for _ in range(max(1, size // len(chunk)))]
    return b"".join([*parts, packer.flush()])


def tree(levels: int, width: int, first: int, body: bytes, last: bytes) -> list[bytes]:
    """Levels of nodes with `width` kids each, all the same object: width^levels paths."""
    nodes = [body % (b"%d 0 R " % (first + level + 1) * width) for level in range(levels)]
    return [*nodes, last]


# files without a signature


@family
def page_trees(chance: random.Random) -> Iterator[bytes]:
    yield made(_CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1>>")
    yield made(
        _CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Pages/Parent 2 0 R/Kids[2 0 R]/Count 1>>"
    )
    yield made(_CATALOG, _PAGES, b"<</Type/Page/Parent 3 0 R>>")
    yield made(
        _CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1/Parent 3 0 R>>", b"<</Type/Pages/Parent 2 0 R/Kids[]>>"
    )
    yield made(_CATALOG, b"<</Type/Pages/Kids 2 0 R/Count 1>>")
    yield made(b"<</Type/Catalog/Pages 1 0 R>>")
    yield made(_CATALOG, b"<</Type/Pages/Kids[%b]/Count 9>>" % (b"2 0 R " * 200_000))
    for levels, width in ((30, 10), (64, 2), (200, 3), (2000, 1), (20_000, 1)):
        body = b"<</Type/Pages/Count 1/Kids[%b]>>"
        yield made(_CATALOG, *tree(levels, width, 2, body, _PAGE))
    for size in (10_000, 60_000):
        kids = b" ".join(b"%d 0 R" % (3 + each) for each in range(size))
        yield made(_CATALOG, b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, size), *[_PAGE] * size)


@family
def outlines_and_trees(chance: random.Random) -> Iterator[bytes]:
    loops = (b"<</First 4 0 R/Last 4 0 R>>", b"<</Next 4 0 R/Prev 4 0 R/Parent 4 0 R/Title(a)>>", b"4 0 R")
    for entry in (b"/Outlines", b"/Names", b"/Dests", b"/StructTreeRoot", b"/PageLabels", b"/OCProperties"):
        for loop in loops:
            yield made(b"<</Type/Catalog/Pages 2 0 R%b 4 0 R>>" % entry, _PAGES, _PAGE, loop)
        chain = [b"<</K[%d 0 R]/Kids[%d 0 R]/Next %d 0 R>>" % ((5 + each,) * 3) for each in range(20_000)]
        yield made(b"<</Type/Catalog/Pages 2 0 R%b 4 0 R>>" % entry, _PAGES, _PAGE, *chain, b"null")
        fan = tree(40, 8, 4, b"<</Type/StructElem/K[%b]>>", b"<<>>")
        yield made(b"<</Type/Catalog/Pages 2 0 R%b 4 0 R>>" % entry, _PAGES, _PAGE, *fan)


@family
def previous_indexes(chance: random.Random) -> Iterator[bytes]:
    plain = made(_CATALOG, _PAGES, _PAGE)
    start = plain.rindex(b"xref\n0")
    for previous in (start, 0, -1, 9, len(plain), 10**9, 10**12, 2**63):
        yield made(_CATALOG, _PAGES, _PAGE, trailer=b"/Root 1 0 R/Prev %d" % previous)
        yield made(_CATALOG, _PAGES, _PAGE, trailer=b"/Root 1 0 R/XRefStm %d" % previous)
    for many in (50, 499, 501, 2000, 20_000):
        pdf = bytearray(plain)
        at = start
        for _ in range(many):
            here = len(pdf)
            pdf += b"xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
                at,
                here,
            )
            at = here
        yield bytes(pdf)
    back = b"xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (
        start,
        len(plain),
    )
    yield plain.replace(b"/Size 4 /Root", b"/Size 4/Prev %d/Root" % (len(plain) + 10)) + b" " * 10 + back
    for many in (1000, 100_000):
        yield plain + b"startxref\n%d\n%%%%EOF\n" % start * many
    yield plain + b"xref\n" * 100_000
    yield plain + b"trailer\n<</Size 4/Root 1 0 R>>\n" * 50_000


def packed_objects(data: bytes, entries: bytes, index: bytes = b"") -> bytes:
    """A file whose catalog stands in an object stream (number 2), listed by a cross-reference stream (3)."""
    head = b"%PDF-1.7\n"
    pack = b"2 0 obj\n%b\nendobj\n" % stream(data, b"/Type/ObjStm" + entries)
    at = len(head) + len(pack)
    rows = b"\0\0\0\0\0\0\2\0\0\0\2\0\1%b\0\1%b\0" % (len(head).to_bytes(4), at.to_bytes(4))
    own = stream(rows, b"/Type/XRef/Size 4/W[1 4 1]/Root 1 0 R" + index)
    return head + pack + b"3 0 obj\n%b\nendobj\nstartxref\n%d\n%%%%EOF\n" % (own, at)


@family
def object_streams(chance: random.Random) -> Iterator[bytes]:
    catalog = b"1 0 <</Type/Catalog/Pages 1 0 R>>"
    for entries in (
        b"/N 1/First 4",
        b"/N 1/First 4/Extends 2 0 R",
        b"/N 1000000000/First 4",
        b"/N 1/First 2000000000",
        b"/N -1/First -1",
        b"/N 1/First 2 0 R",
        b"/N 2 0 R/First 4",
        b"/N 1/First 4/Length 2 0 R",
        b"/N 1/First 4/Filter 2 0 R",
        b"/N %b/First 4" % (b"9" * 5000),
    ):
        yield packed_objects(catalog, entries)
    yield packed_objects(b"2 0 <</Type/Catalog>>", b"/N 1/First 4")
    yield packed_objects(b"1 99999999 <</Type/Catalog>>", b"/N 1/First 11")
    yield packed_objects(b"1 0 " + b"[" * 500_000, b"/N 1/First 4")
    for many in (10_000, 300_000):
        numbers = b"".join(b"%d 0 " % (each + 1) for each in range(many))
        yield packed_objects(numbers + catalog[4:], b"/N %d/First %d" % (many, len(numbers)))
    for size in (100, 1100):
        data = deflated(size << 20)
        yield packed_objects(data, b"/N 1/First 4/Filter/FlateDecode")
        yield packed_objects(zlib.compress(data), b"/N 1/First 4/Filter[/FlateDecode/FlateDecode]")


_LZW = bytes.fromhex("800b6050220c0c8501")  # the example of ISO 32000-1, 7.4.4.2


@family
def filters(chance: random.Random) -> Iterator[bytes]:
    bomb = deflated(1100 << 20)
    twice = zlib.compress(bomb)
    kinds = {
        b"/FlateDecode": bomb,
        b"[/FlateDecode/FlateDecode]": twice,
        b"[/ASCIIHexDecode/FlateDecode]": bomb.hex().encode() + b">",
        b"[/ASCIIHexDecode/FlateDecode/FlateDecode]": twice.hex().encode() + b">",
        b"/LZWDecode": _LZW * 100_000,
        b"[/FlateDecode/LZWDecode]": deflated(50 << 20, _LZW),
        b"/RunLengthDecode": b"\x81\0" * 1_000_000 + b"\x80",
        b"[/FlateDecode/RunLengthDecode]": deflated(200 << 20, b"\x81\0"),
        b"/ASCII85Decode": b"z" * 8_000_000 + b"~>",
        b"[/FlateDecode/ASCII85Decode]": deflated(200 << 20, b"z"),
        b"[/FlateDecode/ASCIIHexDecode]": deflated(300 << 20, b"0"),
        b"[%b]" % (b"/FlateDecode" * 5000): b"x",
        b"[%b]" % (b"/ASCIIHexDecode" * 50_000): b"30>",
        b"/Crypt": b"x",
        b"/JBIG2Decode": b"\0" * 1000,
    }
    for name, data in kinds.items():
        yield page_with(stream(data, b"/Filter" + name))
        yield indexed(data, b"/Size 100/W[1 2 1]/Filter" + name)
        yield packed_objects(data, b"/N 1/First 4/Filter" + name)


@family
def predictors(chance: random.Random) -> Iterator[bytes]:
    data = zlib.compress(bytes(50_000))
    for settings in (
        b"/Predictor 12/Columns 2000000000",
        b"/Predictor 12/Columns 0",
        b"/Predictor 12/Columns -1",
        b"/Predictor 15/Colors 2147483647/Columns 2147483647",
        b"/Predictor 2/Colors 2147483647/BitsPerComponent 32/Columns 100",
        b"/Predictor 2/BitsPerComponent 0",
        b"/Predictor 99",
        b"/Predictor -1",
        b"/Predictor %b" % (b"9" * 5000),
        b"/Predictor 12/Columns 1",
        b"/Predictor 2/Columns 1/BitsPerComponent 1",
        b"/EarlyChange 99",
    ):
        entries = b"/Filter/FlateDecode/DecodeParms<<%b>>" % settings
        yield indexed(data, b"/Size 100/W[1 2 1]" + entries)
        yield packed_objects(data, b"/N 1/First 4" + entries)
    for size in (50, 200, 400):
        rows = deflated(size << 20, b"\2\0\0\0\0")
        yield indexed(rows, b"/Size 100/W[1 2 1]/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>")
        yield indexed(rows, b"/Size 100/W[1 2 1]/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 1>>")


@family
def indexes(chance: random.Random) -> Iterator[bytes]:
    data, giant = zlib.compress(bytes(40)), b"9" * 5000
    for size in (b"2000000000", b"-1", b"0", giant, b"9" * 19, b"1 0 R", b"null"):
        yield indexed(data, b"/Filter/FlateDecode/W[1 2 1]/Size " + size)
        yield made(_CATALOG, _PAGES, _PAGE).replace(b"/Size 4", b"/Size " + size)
    for index in (
        b"0 2000000000",
        b"2000000000 1",
        b"-1 10",
        b"0 -5",
        b"0 1 " * 200_000,
        b"0 0 " * 300_000,
        b"0 " + giant,
        b"0 10 5",
        b"[0 1]",
        b"1 0 R",
    ):
        yield indexed(data, b"/Filter/FlateDecode/W[1 2 1]/Size 2000000000/Index[%b]" % index)
    rows = zlib.compress(bytes(4 * 450_000))
    yield indexed(rows, b"/Filter/FlateDecode/W[1 2 1]/Size 450000")
    yield b"%b%%%b\n" % (indexed(data, b"/Filter/FlateDecode/W[1 2 1]/Size 450000"), b" " * 1_000_000)
    for widths in (
        b"0 0 0",
        b"1 2000000000 1",
        b"-1 2 1",
        b"1 2 1 9 9 9",
        b"1",
        b"",
        b"1 %b 1" % giant,
        b"0 0 1",
        b"8 8 8",
        b"1.5 2 1",
        b"1 0 R 1 1",
        b"1 " * 100_000,
        b"16 100 16",
    ):
        yield indexed(data, b"/Filter/FlateDecode/Size 1000000000/W[%b]" % widths)
        yield indexed(deflated(20 << 20), b"/Filter/FlateDecode/Size 7000000/W[%b]" % widths)
    yield indexed(deflated(400 << 20), b"/Filter/FlateDecode/Size 100000000/W[1 2 1]")
    yield indexed(deflated(60 << 20, b"\1\0\1\0"), b"/Filter/FlateDecode/Size 15000000/W[1 2 1]")
    yield indexed(deflated(60 << 20, b"\2\0\1\0"), b"/Filter/FlateDecode/Size 15000000/W[1 2 1]")
    for head in (b"0 2000000000", b"0 99999999999999", b"-5 4", b"0 4 4", giant + b" 4", b"4294967290 20"):
        yield made(_CATALOG, _PAGES, _PAGE).replace(b"xref\n0 4", b"xref\n" + head)
    table = b"xref\n0 300000\n" + b"0000000009 00000 n \n" * 300_000
    yield b"%PDF-1.7\n" + table + b"trailer\n<</Size 300000/Root 1 0 R>>\nstartxref\n9\n%%EOF\n"


_OPEN = {b"[": b"]", b"<<": b">>", b"<</A ": b">>", b"[<</A": b">>]", b"(": b")", b"<</A[": b"]>>"}


@family
def nests(chance: random.Random) -> Iterator[bytes]:
    for begin, end in _OPEN.items():
        for depth in (90, 900, 100_000, 2_000_000 // len(begin)):
            yield made(b"<</Type/Catalog/Pages " + begin * depth + end * depth + b">>")
        yield made(_CATALOG, _PAGES, _PAGE, trailer=b"/Root 1 0 R/ID " + begin * 5000 + end * 5000)
        yield update(vector("b_b"), {150: begin * 50_000 + end * 50_000})
        yield form(
            b"4 0 R",
            b"<</T(s)/FT/Sig/V 5 0 R>>",
            b"<</Type/Sig/Reference " + begin * 3000 + end * 3000 + b">>",
        )


@family
def numbers(chance: random.Random) -> Iterator[bytes]:
    for text in (
        b"9" * 5000,
        b"9" * 400,
        b"-" * 4000 + b"1",
        b"0" * 3_000_000 + b"1",
        b"1" * 3_000_000,
        b"." * 9000,
    ):
        yield from (
            made(_CATALOG, b"<</Type/Pages/Count %b/Kids[3 0 R]>>" % text, _PAGE),
            made(_CATALOG, _PAGES, b"<</Type/Page/Parent 2 0 R/MediaBox[%b 0 1 1]>>" % text),
            made(_CATALOG, _PAGES, _PAGE, b"<</Length %b>>\nstream\nx\nendstream" % text),
            made(b"<</Type/Catalog/Pages %b 0 R>>" % text, _PAGES, _PAGE),
            made(b"<</Type/Catalog/Pages 2 %b R>>" % text, _PAGES, _PAGE),
            made(_CATALOG, _PAGES, _PAGE).replace(b"startxref\n", b"startxref\n" + text),
            made(_CATALOG, _PAGES, _PAGE).replace(b"3 0 obj", text + b" 0 obj"),
        )
    for entry in (b"[0 %b 1 1]", b"[%b %b %b %b]", b"[0 1 %b]"):
        text = b"9" * 4301
        written = entry.replace(b"%b", text)
        yield form(b"4 0 R", b"<</T(s)/FT/Sig/V<</Type/Sig/ByteRange%b/Contents<3000>>>>>" % written)


@family
def many_of_them(chance: random.Random) -> Iterator[bytes]:
    for many in (101, 1000, 10_000):
        fields = b" ".join(b"%d 0 R" % (4 + each) for each in range(many))
        value = b"<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 9 9]/Contents<3003020101>>>"
        yield form(fields, *[b"<</T(f%d)/FT/Sig/V %b>>" % (each, value) for each in range(many)])
        yield form(
            fields, *[b"<</T(f%d)/FT/Sig/V %d 0 R>>" % (each, 4 + many) for each in range(many)], value
        )
        yield form(fields, *[b"<</T(f%d)/FT/Sig>>" % each for each in range(many)])
        annotations = b"/MediaBox[0 0 9 9]/Annots[%b]" % fields.replace(b" 0 R", b" 0 R")
        note = b"<</Type/Annot/Subtype/Square/Rect[0 0 1 1]/AP<</N 4 0 R>>/Parent 4 0 R>>"
        yield page_with(stream(b""), annotations, tuple([note] * many))
    yield form(b"4 0 R", b"<</T(a)/Kids[4 0 R]>>")
    yield form(b"4 0 R", b"<</T(a)/Kids[5 0 R]>>", b"<</T(b)/Parent 5 0 R/Kids[4 0 R]>>")
    yield form(b"4 0 R", b"<</T(a)/Parent 4 0 R/FT/Sig/V 4 0 R>>")
    for levels, width in ((30, 10), (500, 2), (5000, 1), (60_000, 1)):
        yield form(b"4 0 R", *tree(levels, width, 4, b"<</T(a)/Kids[%b]>>", b"<</T(z)/FT/Sig>>"))
    yield form(b"4 0 R " * 300_000, b"<</T(a)/FT/Sig>>")
    yield form(b"4 0 R", b"<</T(%b)/FT/Sig/V<<>>>>" % (b"a" * 3_000_000))
    pdf = vector("b_b")
    for many in (100, 499, 501, 3000):
        grown = pdf
        start, root = pdf.rsplit(b"startxref", 1)[1].split()[0], pdf.rsplit(b"/Root ", 1)[1].split()[0]
        parts, at, previous = [pdf], len(pdf), int(start)
        for each in range(many):
            body = b"%d 0 obj\n<<>>\nendobj\n" % (150 + each)
            section = at + len(body)
            entry = b"xref\n%d 1\n%010d 00000 n \n" % (150 + each, at)
            tail = b"trailer\n<</Size %d/Root %b 0 R/Prev %d>>\n" % (151 + each, root, previous)
            part = body + entry + tail + b"startxref\n%d\n%%%%EOF\n" % section
            parts.append(part)
            at, previous = at + len(part), section
        grown = b"".join(parts)
        yield grown


@family
def endless_text(chance: random.Random) -> Iterator[bytes]:
    """Where a search that goes back, or begins anew at each place, takes the square of the length."""
    for text in (
        *(b" ", b"\0", b"<", b">", b"(", b"[", b"/", b"%", b"\\", b"0", b"0 0 R ", b"1 0 obj ", b"endobj "),
        *(
            b"stream\n",
            b"endstream ",
            b"startxref ",
            b"%%EOF\n",
            b"trailer<<",
            b"xref\n",
            b"/ByteRange[",
            b"<30",
        ),
        *(
            b"/ByteRange [ 0 1 ",
            b"/ByteRange[0 1 2 3]",
            b"/Encrypt 1 ",
            b"/Contents<",
            b"<</Type/Sig",
            b"R R ",
        ),
        *(b"/Type/XRef", b"/DSS<<", b"xpacket", b"<rdf:RDF>", b"/Root 1 0 R", b"/Prev 9 "),
    ):
        filler = text * (3_000_000 // len(text))
        yield made(_CATALOG, _PAGES, _PAGE, stream(filler))
        yield vector("b_b") + b"\n" + filler


@family
def reader_traps(chance: random.Random) -> Iterator[bytes]:
    yield b""
    yield b"%PDF-"
    yield b"%PDF-1.7\n%%EOF"
    yield b"%PDF-1.7\nstartxref\n0\n%%EOF"
    yield b"%PDF-1.7\nstartxref\n18446744073709551616\n%%EOF"
    yield bytes(5_000_000)
    yield b"\xff" * 5_000_000
    yield made(b"1 0 R")
    yield made(b"2 0 R", b"1 0 R")
    yield made(b"<</Type/Catalog/Pages 2 0 R/AcroForm 1 0 R/Fields 1 0 R>>")
    yield made(_CATALOG, _PAGES, _PAGE, trailer=b"/Root 1 0 R/Encrypt 1 0 R")
    yield made(
        _CATALOG, _PAGES, _PAGE, trailer=b"/Root 1 0 R/Encrypt<</Filter/Standard/V 9/R 9/Length 99999999>>"
    )
    yield made(_CATALOG, _PAGES, _PAGE, trailer=b"/Root 1 0 R/Info 1 0 R/ID[1 0 R 1 0 R]")
    yield made(_CATALOG, _PAGES, _PAGE, trailer=b"/Root[1 0 R]")
    yield made(_CATALOG, _PAGES, _PAGE, b"<</Length 4 0 R>>\nstream\nx\nendstream")
    yield made(*[b"%d 0 R" % (each + 2) for each in range(30_000)], b"<</Type/Catalog>>")
    yield made(b"<</Type/Catalog/Pages 2 0 R/Metadata 4 0 R>>", _PAGES, _PAGE, stream(b"<a>" * 500_000))
    laughs = b'<!DOCTYPE r [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %c "%b">' % (98 + each, b"&%c;" % (97 + each) * 10) for each in range(20)
    )
    yield made(
        b"<</Type/Catalog/Pages 2 0 R/Metadata 4 0 R>>", _PAGES, _PAGE, stream(laughs + b"]><r>&u;</r>")
    )


# containers


def tlv(tag: int, body: bytes) -> bytes:
    """A DER value."""
    return der.tlv(tag, body)


@family
def containers(chance: random.Random) -> Iterator[bytes]:
    real = _container_of("b_b")
    signed_data = bytes.fromhex("06092a864886f70d010702")
    for depth in (50, 500, 5000, 100_000, 900_000):
        nest = b""
        if depth <= 5000:
            for _ in range(depth):
                nest = tlv(0x30, nest)
            yield signed_with(nest)
            yield signed_with(tlv(0x30, signed_data + tlv(0xA0, nest)))
        yield signed_with(b"\x30\x80" * depth + b"\0\0" * depth)
        yield signed_with(b"\x30\x80" + signed_data + b"\xa0\x80" + b"\x24\x80" * depth)
    for size in (1 << 20, 4 << 20, 10 << 20, 20 << 20):
        yield signed_with(tlv(0x30, signed_data + tlv(0xA0, tlv(0x04, bytes(size)))))
        yield signed_with(real + bytes(size))
    for oid in (b"\xff" * 100_000, b"\x80" * 1_000_000, b"", b"\x80", b"\xff" * 10 + b"\x7f"):
        yield signed_with(tlv(0x30, tlv(0x06, oid) + tlv(0xA0, b"\x30\0")))
        yield signed_with(
            real.replace(signed_data, tlv(0x06, oid)[: len(signed_data)].ljust(len(signed_data), b"\0"))
        )
    for many in (1000, 300_000):
        yield signed_with(
            tlv(0x30, signed_data + tlv(0xA0, tlv(0x30, b"\x02\x01\x01" + tlv(0x31, b"\x30\0" * many))))
        )
        yield signed_with(tlv(0x30, signed_data + tlv(0xA0, tlv(0x30, b"\x02\x01\x01" * many))))
    for length in (b"\x84\xff\xff\xff\xff", b"\x88" + b"\xff" * 8, b"\xff", b"\x80", b"\xfe" + bytes(126)):
        yield signed_with(b"\x30" + length + real[4:])
    for kind in (
        b"/adbe.x509.rsa_sha1",
        b"/adbe.pkcs7.sha1",
        b"/ETSI.RFC3161",
        b"/adbe.pkcs7.detached",
        b"/X",
        b"[]",
    ):
        yield signed_with(real, b"/SubFilter" + kind)
        yield signed_with(b"\x30\x80" * 2000, b"/SubFilter" + kind)
        yield signed_with(
            b"\x04\x84\x7f\xff\xff\xff" + bytes(1000), b"/SubFilter%b/Cert<%b>" % (kind, b"30" * 1000)
        )


def _container_of(name: str) -> bytes:
    """The container of a vector's first signature."""
    return bytes.fromhex(vector(name).split(b"/Contents <")[1].split(b">")[0].decode()).rstrip(b"\0")


def _with_certificates(change: Callable[[bytes], bytes], name: str) -> bytes:
    """A signed vector's container whose certificates are changed."""
    content = cms.ContentInfo.load(_container_of(name) + bytes(8))
    changed = [change(each.chosen.dump()) for each in content["content"]["certificates"]]
    signer = content["content"]["signer_infos"][0]["sid"].chosen["serial_number"].native
    mine = next(each for each in changed if _certificate(each).serial_number == signer)
    return _signed_by(content, changed, mine)


def _signed_by(
    content: cms.ContentInfo,
    certificates: list[bytes],
    signer: bytes,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """A file with a container of these certificates: all of it is right, the value only with a key."""
    info, named = content["content"]["signer_infos"][0], _certificate(signer)
    serial = cms.IssuerAndSerialNumber({"issuer": named.issuer, "serial_number": named.serial_number})
    info["sid"] = cms.SignerIdentifier(name="issuer_and_serial_number", value=serial)
    content["content"]["certificates"] = [
        cms.CertificateChoices(name="certificate", value=_certificate(each)) for each in certificates
    ]
    name = tsp.ESSCertIDv2({"cert_hash": sha256(signer).digest()})
    certificate = cms.CMSAttribute(
        {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [name]})]}
    )
    kind = cms.CMSAttribute({"type": "content_type", "values": ["data"]})
    digest = bytes(32)
    while True:  # the digest leaves the container out, but for its length
        stated = cms.CMSAttribute({"type": "message_digest", "values": [digest]})
        info["signed_attrs"] = cms.CMSAttributes([kind, stated, certificate])
        if key is not None:
            signed = info["signed_attrs"].untag().dump()
            info["signature"] = key.sign(signed, ec.ECDSA(hashes.SHA256()))
        pdf = signed_with(content.dump(force=True))
        start, end = (
            pdf.index(b"/Contents<") + len(b"/Contents"),
            pdf.index(b">", pdf.index(b"/Contents<")) + 1,
        )
        before, digest = digest, sha256(pdf[:start] + pdf[end:]).digest()
        if digest == before:
            return pdf


def _certificate(data: bytes) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(data)


def _with_key(modulus_bits: int, exponent: int) -> Callable[[bytes], bytes]:
    """Give a certificate an RSA key of this size."""

    def change(data: bytes) -> bytes:
        certificate = asn1_x509.Certificate.load(data)
        key = keys.RSAPublicKey({"modulus": (1 << modulus_bits) - 159, "public_exponent": exponent})
        algorithm = keys.PublicKeyAlgorithm({"algorithm": "rsa"})
        info = keys.PublicKeyInfo({"algorithm": algorithm, "public_key": key})
        certificate["tbs_certificate"]["subject_public_key_info"] = info
        changed: bytes = certificate.dump(force=True)
        return changed

    return change


@family
def keys_that_take_long(chance: random.Random) -> Iterator[bytes]:
    """Certificates with keys that take long to use, in signatures by RSA and by elliptic curves."""
    for name in ("b_b", "signed_with_rsa_2048", "signed_with_rsa_2048_pss"):
        for bits, exponent in (
            (2048, (1 << 2047) - 19),
            (16_384, 65_537),
            (16_384, (1 << 16_383) - 1),
            (65_536, (1 << 65_535) - 1),
            (1_000_000, (1 << 999_999) - 1),
            (8, 3),
            (2048, 0),
            (2048, 1),
            (2048, -1),
        ):
            yield _with_certificates(_with_key(bits, exponent), name)


@cache
def _cross(many: int) -> tuple[bytes, ...]:
    """So many authorities, each certified by each other one: the paths to try grow without bounds."""

    pairs = [(_key(each), _name(f"Authority {each}")) for each in range(many)]
    found: list[bytes] = []
    for (key, name), (by, issuer) in combinations([*pairs, *pairs], 2):
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(len(found) + 1)
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(by, hashes.SHA256())
        )
        found.append(built.public_bytes(Encoding.DER))
    return tuple(found)


def _key(number: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(number + 1, ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@family
def cross_certificates(chance: random.Random) -> Iterator[bytes]:
    """Signed by the first of many authorities that certify each other, in the container and in the store."""
    for many in (3, 6, 12, 24):
        certificates = _cross(many)
        for kept in (len(certificates), 5):
            content = cms.ContentInfo.load(_container_of("b_b") + bytes(8))
            pdf = _signed_by(content, list(certificates[:kept]), certificates[0], _key(0))
            yield pdf
            yield _stored(pdf, b"/Certs", list(certificates))


# validation data


def _stored(pdf: bytes, kind: bytes, items: list[bytes], entries: bytes = b"") -> bytes:
    """A store with these items in an update."""
    objects = {150 + place: stream(each, entries) for place, each in enumerate(items)}
    refs = b" ".join(b"%d 0 R" % number for number in objects)
    return with_catalog(pdf, b"/DSS<<%b[%b]>>" % (kind, refs), objects)


@cache
def _material() -> dict[bytes, bytes]:
    """A certificate, an OCSP answer and a list that are real, from a vector."""
    found: dict[bytes, bytes] = {}
    pdf = vector("b_lt_with_loose_validation_data")
    for one in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        data = one.group(1)
        with suppress(zlib.error):
            data = zlib.decompress(data)
        if data[:1] != b"\x30":
            continue
        kind = b"/OCSPs" if data[4:7] == b"\x0a\x01\x00" else b"/Certs"
        found.setdefault(kind, data)
    found[b"/CRLs"] = next((VECTORS / "trust").glob("*.crl")).read_bytes()
    return found


@family
def stores(chance: random.Random) -> Iterator[bytes]:
    pdf, real = vector("b_b"), _material()
    for kind in (b"/Certs", b"/OCSPs", b"/CRLs"):
        data = real.get(kind, real[b"/CRLs"])
        yield _stored(pdf, kind, [data] * 2000)
        yield _stored(pdf, kind, [data[:-1] + bytes([each % 256]) for each in range(5000)])
        yield _stored(pdf, kind, [b"\x30\x80" * 200_000])
        yield _stored(pdf, kind, [b"\x30\x80" * 900])
        yield _stored(pdf, kind, [tlv(0x30, bytes(5_000_000))])
        yield _stored(pdf, kind, [deflated(1100 << 20)], b"/Filter/FlateDecode")
        yield _stored(pdf, kind, [b"", b"x", b"\x30", b"\xff" * 5000])
        yield with_catalog(pdf, b"/DSS<<%b[%b]>>" % (kind, b"150 0 R " * 300_000), {150: stream(data)})
        yield with_catalog(pdf, b"/DSS 150 0 R", {150: b"<<%b 150 0 R/VRI 150 0 R>>" % kind})
        yield with_catalog(pdf, b"/DSS 150 0 R", {150: b"<<%b[150 0 R]>>" % kind})
        yield with_catalog(pdf, b"/DSS<</VRI<<%b>>>>" % (b"/A150 150 0 R " * 1), {150: b"<</Cert[150 0 R]>>"})
        for _ in range(6):
            yield _stored(pdf, kind, [changed_der(data, chance) for _ in range(20)])
    for many in (5_000, 100_000):
        yield _stored(pdf, b"/CRLs", [_list_of(real[b"/CRLs"], many)])
    yield _stored(pdf, b"/CRLs", [_list_of(real[b"/CRLs"], 20_000)[:-1] + bytes([each]) for each in range(8)])
    for bits, exponent in ((16_384, (1 << 16_383) - 1), (1_000_000, (1 << 999_999) - 1)):
        yield _stored(pdf, b"/Certs", [_with_key(bits, exponent)(real.get(b"/Certs", b""))] * 5)


def _list_of(crl: bytes, many: int) -> bytes:
    """The list with so many revoked certificates; its signature no longer holds."""
    found = asn1_crl.CertificateList.load(crl)
    moment = found["tbs_cert_list"]["this_update"].native
    entry = asn1_crl.RevokedCertificate(
        {"user_certificate": 12345678901234567890, "revocation_date": {"utc_time": moment}}
    )
    found["tbs_cert_list"]["revoked_certificates"] = asn1_crl.RevokedCertificates([entry])
    one = entry.dump()
    data: bytes = found.dump(force=True)
    # a thousand entries take asn1crypto a second to write: they are put in by hand
    node = der.node(data, 0, len(data))
    tbs = der.node(data, node.body, node.end)
    body = data[tbs.body : tbs.end]
    parts, at = [], 0
    while at < len(body):
        part = der.node(body, at, len(body))
        text = body[at : part.end]
        parts.append(tlv(0x30, one * many) if one in text and text[0] == 0x30 else text)
        at = part.end
    return tlv(0x30, tlv(0x30, b"".join(parts)) + data[tbs.end : node.end])


# pages that are drawn


def _drawn(contents: bytes, page: bytes = b"", objects: dict[int, bytes] | None = None) -> bytes:
    """A signed file whose page is another one in an update: both are drawn."""
    pdf = vector("b_b")
    number, _body = object_of(pdf, b"/Type /Page\n")
    parent = object_of(pdf, b"/Type /Pages")[0]
    leaf = b"<</Type/Page/Parent %d 0 R/Contents 150 0 R%b>>" % (
        parent,
        page or b"/MediaBox[0 0 595 842]/Resources<<>>",
    )
    return update(pdf, {number: leaf, 150: contents, **(objects or {})})


@family
def drawings(chance: random.Random) -> Iterator[bytes]:
    nothing = stream(b"q Q")
    for box in (
        b"[0 0 1000000000 1000000000]",
        b"[0 0 1e30 1e30]",
        b"[0 0 0 0]",
        b"[0 0 1 30000]",
        b"[0 0 0.0001 100000]",
        b"[-1000000 -1000000 1000000 1000000]",
        b"[5 5 1 1]",
        b"[%b 0 1 1]" % (b"9" * 4000),
        b"[[0] 0 1 1]",
        b"[3 0 R 0 1 1]",
        b"null",
    ):
        yield _drawn(nothing, b"/Resources<<>>/MediaBox" + box)
        yield _drawn(nothing, b"/Resources<<>>/MediaBox[0 0 595 842]/UserUnit 1e9/CropBox" + box)
    for operators in (
        *(
            b"q ",
            b"Q ",
            b"0 0 m 595 842 l S ",
            b"0 0 595 842 re f ",
            b"BT ",
            b"1 0 0 1 0 0 cm ",
            b"/a gs ",
            b"W n ",
        ),
        *(b"BI /W 1 /H 1 ID 0 EI ", b"/X BMC ", b"[1 2]0 d ", b"0 0 1 1 2 2 c ", b"(a)Tj "),
    ):
        yield _drawn(stream(operators * (1_000_000 // len(operators))))
    yield _drawn(
        stream(zlib.compress(b"0 0 595 842 re f 9 9 99 99 99 9 c S " * 500_000), b"/Filter/FlateDecode")
    )
    yield _drawn(stream(deflated(200 << 20, b"q "), b"/Filter/FlateDecode"))
    look = b"/MediaBox[0 0 595 842]/Resources<</XObject<</X 151 0 R>>>>"
    xobject = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</X %d 0 R>>>>"
    itself = stream(b"/X Do /X Do", xobject % 151)
    yield _drawn(stream(b"/X Do"), look, {151: itself})
    chain = {151 + each: stream(b"/X Do " * 10, xobject % (152 + each)) for each in range(40)}
    yield _drawn(
        stream(b"/X Do"),
        look,
        {**chain, 191: stream(b"0 0 9 9 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]")},
    )
    group = b"/Group<</S/Transparency/I true/K true>>"
    deep = {151 + each: stream(b"/X Do", xobject % (152 + each) + group) for each in range(2000)}
    yield _drawn(stream(b"/X Do"), look, deep)
    for size in (1000, 30_000, 2_000_000_000):
        image = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB" % (
            size,
            size,
        )
        yield _drawn(stream(b"595 0 0 842 0 0 cm /X Do"), look, {151: stream(b"x" * 100, image)})
        filled = stream(deflated(1100 << 20), image + b"/Filter/FlateDecode")
        yield _drawn(stream(b"595 0 0 842 0 0 cm /X Do"), look, {151: filled})
        for kind in (b"/JBIG2Decode", b"/JPXDecode", b"/DCTDecode", b"/CCITTFaxDecode"):
            odd = stream(bytes(chance.randrange(256) for _ in range(2000)), image + b"/Filter" + kind)
            yield _drawn(stream(b"595 0 0 842 0 0 cm /X Do"), look, {151: odd})
    tile = b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 .01 .01]"
    tile += b"/XStep .01/YStep .01/Resources<<>>"
    painted = b"/MediaBox[0 0 595 842]/Resources<</Pattern<</P 151 0 R>>>>"
    fill = stream(b"/Pattern cs /P scn 0 0 595 842 re f " * 50)
    yield _drawn(fill, painted, {151: stream(b"0 0 .01 .01 re f", tile)})
    yield _drawn(
        fill,
        painted,
        {
            151: stream(
                b"/Pattern cs /P scn 0 0 9 9 re f", tile.replace(b"<<>>", b"<</Pattern<</P 151 0 R>>>>")
            )
        },
    )
    shading = b"<</PatternType 2/Shading<</ShadingType 1/ColorSpace/DeviceRGB/Domain[0 1e9 0 1e9]"
    shading += b"/Function 152 0 R>>>>"
    calc = stream(b"{ " + b"dup mul " * 50_000 + b"}", b"/FunctionType 4/Domain[0 1 0 1]/Range[0 1 0 1 0 1]")
    yield _drawn(fill, painted, {151: shading, 152: calc})
    yield _drawn(
        fill,
        painted,
        {
            151: shading,
            152: b"<</FunctionType 3/Functions[152 0 R 152 0 R]/Domain[0 1]/Bounds[.5]/Encode[0 1 0 1]>>",
        },
    )
    type3 = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/CharProcs<</a 152 0 R>>"
    type3 += b"/Encoding<</Differences[97/a]>>/FirstChar 97/LastChar 97/Widths[1]"
    type3 += b"/Resources<</Font<</F 151 0 R>>>>>>"
    text = b"/MediaBox[0 0 595 842]/Resources<</Font<</F 151 0 R>>>>"
    yield _drawn(
        stream(b"BT /F 9 Tf (aaaa) Tj ET"),
        text,
        {151: type3, 152: stream(b"1 0 d0 BT /F 1 Tf (aaaaaaaaaa) Tj ET")},
    )
    yield _drawn(
        stream(b"BT /F 1e9 Tf (aaaa) Tj ET"), text, {151: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"}
    )
    for many in (500, 5000):
        pdf = vector("b_b")
        pages, page = object_of(pdf, b"/Type /Pages")[0], object_of(pdf, b"/Type /Page\n")[0]
        kids = b"%d 0 R " % page + b" ".join(b"%d 0 R" % (200 + each) for each in range(many))
        leaf = b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 3000 3000]/Contents 150 0 R/Resources<<>>>>" % pages
        leaves = {200 + each: leaf for each in range(many)}
        tree_ = b"<</Type/Pages/Count %d/Kids[%b]>>" % (many + 1, kids)
        yield update(pdf, {pages: tree_, 150: stream(b"0 0 2000 2000 re f " * 2000), **leaves})


@family
def mutants(chance: random.Random) -> Iterator[bytes]:
    """Vectors with a few of their parts changed; those that came out as they were are left out."""
    seeds = [path.read_bytes() for path in sorted(VECTORS.glob("*.pdf"))]
    known, count = set(seeds), 0
    while count < MUTANTS:
        pdf = mutated(chance.choice(seeds), chance, seeds)
        if pdf.rstrip() not in {each.rstrip() for each in known}:
            count += 1
            yield pdf
