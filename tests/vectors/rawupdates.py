"""Incremental updates written by hand, as an attacker would: every byte as told, broken where told."""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyhanko.pdf_utils.reader import PdfFileReader

FORGED_TEXT = b"BT 1 0 0 1 72 720 Tm /F1 12 Tf (The employee earns 9,000 euro a month.) Tj ET"


def stream(data: bytes) -> bytes:
    """A stream object's body."""
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(data), data)


@dataclass(frozen=True)
class Shape:
    """How an update is written; the defaults are what the standard asks for."""

    extra: bytes = b""  # more trailer entries
    hidden: bytes = b""  # bytes before the table that no table lists
    entry: bytes = b"%010d 00000 n \n"
    startxref: Callable[[int], bytes] = lambda offset: b"%d" % offset
    prev: Callable[[int], bytes] = lambda offset: b"%d" % offset
    root: int | None = None
    size: int | None = None


PLAIN = Shape()


@dataclass(frozen=True)
class Place:
    """Where an update to a file starts."""

    size: int
    root: int
    previous: int

    @classmethod
    def behind(cls, pdf: bytes) -> "Place":
        reader = PdfFileReader(io.BytesIO(pdf))
        return cls(int(reader.trailer["/Size"]), reader.trailer.raw_get("/Root").idnum, reader.last_startxref)


def appended(pdf: bytes, objects: Mapping[int, bytes], shape: Shape = PLAIN) -> bytes:
    """The file with one revision more, made of these objects."""
    place = Place.behind(pdf)
    out, offsets = b"\n", {}
    for number, body in objects.items():
        offsets[number] = len(pdf) + len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    out += shape.hidden
    section = len(pdf) + len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in sorted(offsets.items()):
        out += b"%d 1\n" % number + shape.entry % offset
    size = shape.size or max([place.size, *(number + 1 for number in objects)])
    out += b"trailer\n<< /Size %d /Root %d 0 R /Prev %b %b >>\n" % (
        size,
        shape.root or place.root,
        shape.prev(place.previous),
        shape.extra,
    )
    return pdf + out + b"startxref\n%b\n%%%%EOF\n" % shape.startxref(section)


def other_document(first: int) -> dict[int, bytes]:
    """A whole document of the attacker's own, its catalog numbered `first`."""
    font = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    return {
        first: b"<< /Type /Catalog /Pages %d 0 R >>" % (first + 1),
        first + 1: b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (first + 2),
        first + 2: b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 595 842] /Contents %d 0 R /Resources %b >>"
        % (first + 1, first + 3, font),
        first + 3: stream(FORGED_TEXT),
    }


def content_number(pdf: bytes) -> int:
    """The object number of the first page's content."""
    page = PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Kids"][0]
    return int(page.raw_get("/Contents").idnum)


def not_a_number(offset: int) -> bytes:
    """Digits with an underscore: a number to Python, none to a PDF viewer."""
    return re.sub(rb"^(\d)", rb"\1_", b"%d" % offset)
