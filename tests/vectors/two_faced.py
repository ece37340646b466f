"""Updates that this verifier and viewers read differently: predictors, widths and numbers at their limits."""

import re
import zlib
from collections.abc import Callable, Mapping, Sequence

from tests.vectors.rawupdates import Place, stream

_ROW = 24  # bytes in a row for whoever ignores /Colors and /BitsPerComponent
_COLORS = 4
_LONG_ROW = _ROW * _COLORS * 2  # for whoever honours them: 16 bits in each of 4 colours
_LONG_ROWS = 52


def body(pdf: bytes, number: int) -> bytes:
    """An object's newest body, as it is written in the file."""
    return list(re.finditer(rb"(?<![0-9])%d 0 obj\s(.*?)\sendobj" % number, pdf, re.DOTALL))[-1].group(1)


def two_faced(number: int, short: bytes, long: bytes) -> bytes:
    """An object stream that holds `short` for who counts rows of 24 bytes, `long` for who counts 192."""
    start, end = (_LONG_ROW + 1) * _LONG_ROWS + 1, (_ROW + 1) * 8 * _LONG_ROWS
    raw = bytearray(2 if at % (_ROW + 1) == 0 else 0 for at in range(end))
    raw[1 : 1 + _ROW] = (b"%d %d " % (number, _LONG_ROW * _LONG_ROWS - _ROW)).ljust(_ROW)
    _write_long(raw, start, long)
    rows = [bytes(raw[at + 1 : at + 1 + _ROW]) for at in range(0, end, _ROW + 1)]
    above = bytes(_ROW)
    for row in rows:
        above = bytes((left + right) & 255 for left, right in zip(row, above, strict=True))
    short += b" " * (-len(short) % _ROW)
    for at in range(0, len(short), _ROW):
        row = short[at : at + _ROW]
        raw += b"\2" + bytes((new - old) & 255 for new, old in zip(row, above, strict=True))
        above = row
    data = zlib.compress(bytes(raw))
    return (
        b"<< /Type /ObjStm /N 1 /First 24 /Filter /FlateDecode /Length %d /DecodeParms << /Predictor 12 "
        b"/Columns 24 /Colors %d /BitsPerComponent 16 >> >>\nstream\n%b\nendstream"
    ) % (len(data), _COLORS, data)


def _write_long(raw: bytearray, at: int, text: bytes) -> None:
    """Write words between the bytes that both readings take for filters; a comment hides those that don't."""

    def put(value: int) -> None:
        nonlocal at
        while at % (_LONG_ROW + 1) == 0 and at % (_ROW + 1):
            at += 1
        raw[at] = value
        at += 1

    for word in text.split():
        stop = at + (-at % (_ROW + 1))
        room = sum(each % (_LONG_ROW + 1) != 0 for each in range(at, stop))
        if len(word) + 3 > room:
            for value in b"%" + b"x" * (room - 1):
                put(value)
            put(2)
            put(10)
        for value in word + b" ":
            put(value)


def other_pages(pdf: bytes, text: bytes) -> bytes:
    """The file with an update that holds validation data here, and other pages to viewers."""
    place = Place.behind(pdf)
    root, first = place.root, place.size
    dss, content, pages, page, holder_root, holder_pages, holder_page, index = range(first, first + 8)
    catalog = body(pdf, root)
    had = re.search(rb"/DSS (\d+) 0 R", catalog)
    lists = b""
    if had:
        catalog = catalog.replace(had.group(), b"/DSS %d 0 R" % dss)
        lists = re.sub(rb"/Certs \[|/VRI <<.*?>>", b"", body(pdf, int(had.group(1))))
    else:
        catalog = catalog.rstrip()[:-2] + b"/DSS %d 0 R >>" % dss
    kept = re.search(rb"/Certs \[(.*?)\]", body(pdf, int(had.group(1))), re.DOTALL) if had else None
    others = b" ".join(re.findall(rb"/(?:OCSPs|CRLs) \[.*?\]", lists, re.DOTALL))
    certificates = kept.group(1) if kept else b""
    store = b"<< /Certs [%b %d 0 R] %b /VRI << /%b %d 0 R /%b %d 0 R >> >>" % (
        *(certificates, content, others),
        *(b"A" * 40, pages, b"B" * 40, page),
    )
    font = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    leaf = b"<< /Type /Page /Parent %d 0 R /MediaBox [ 0 0 595 842 ] /Contents %d 0 R /Resources %b >>" % (
        *(pages, content),
        font,
    )
    objects = {
        dss: store,
        content: stream(b"BT /F1 12 Tf 72 720 Td (%b) Tj ET" % text),
        holder_root: two_faced(root, catalog, b"<< /Type /Catalog /Pages %d 0 R >>" % pages),
        holder_pages: two_faced(pages, b"<< >>", b"<< /Type /Pages /Count 1 /Kids [ %d 0 R ] >>" % page),
        holder_page: two_faced(page, b"<< >>", leaf),
    }
    packed = {root: holder_root, pages: holder_pages, page: holder_page}
    return indexed(pdf, objects, packed=packed, number=index)


Encoded = Callable[[Sequence[bytes], int], tuple[bytes, bytes]]


def _plainly(rows: Sequence[bytes], _width: int) -> tuple[bytes, bytes]:
    return b"".join(rows), b""


def predicted(more: bytes = b"", filter_type: int = 2) -> Encoded:
    """Rows deflated and predicted by a PNG filter ("up" or none), with more entries among the settings."""

    def encoded(rows: Sequence[bytes], width: int) -> tuple[bytes, bytes]:
        above, out = bytes(width), b""
        for row in rows:
            told = bytes((new - old) & 255 for new, old in zip(row, above, strict=True))
            out += bytes([filter_type]) + (told if filter_type else row)
            above = row
        settings = b" /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns %d %b >>" % (width, more)
        return zlib.compress(out), settings

    return encoded


def indexed(
    pdf: bytes,
    objects: Mapping[int, bytes],
    *,
    packed: Mapping[int, int] | None = None,
    number: int | None = None,
    widths: tuple[int, int, int] = (1, 4, 2),
    encoded: Encoded = _plainly,
) -> bytes:
    """The file with one revision more, its index a cross-reference stream with these field widths."""
    place = Place.behind(pdf)
    index = number or max([place.size, *(each + 1 for each in objects)])
    out, rows = b"\n", {each: (2, holder, 0) for each, holder in (packed or {}).items()}
    for each, written in objects.items():
        rows[each] = (1, len(pdf) + len(out), 0)
        out += b"%d 0 obj\n%b\nendobj\n" % (each, written)
    section = len(pdf) + len(out)
    rows[index] = (1, section, 0)
    lines = [
        b"".join(value.to_bytes(width, "big") for value, width in zip(rows[each], widths, strict=True))
        for each in sorted(rows)
    ]
    data, settings = encoded(lines, sum(widths))
    out += (
        b"%d 0 obj\n<< /Type /XRef /Size %d /W [%d %d %d] /Index [%b] /Root %d 0 R /Prev %d /Length %d%b >>\n"
        b"stream\n%b\nendstream\nendobj\n"
    ) % (
        *(index, index + 1, *widths, b" ".join(b"%d 1" % each for each in sorted(rows))),
        *(place.root, place.previous, len(data), settings, data),
    )
    return pdf + out + b"startxref\n%d\n%%%%EOF\n" % section
