"""Small unsigned PDFs as other programs write them: line ends, indexes, names and versions of all kinds."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

TEXT = b"BT /F1 12 Tf 72 720 Td (The employee earns 4,000 euro a month.) Tj ET"


def streamed(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b>>\nstream\n%b\nendstream" % (len(data), entries, data)


PAGE: Mapping[int, bytes] = {
    1: b"<< /Type /Catalog /Pages 2 0 R >>",
    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
    b"/Resources << /Font << /F1 5 0 R >> >> >>",
    4: streamed(TEXT),
    5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
}
NULL = b"<< /Type /Other >>"


@dataclass(frozen=True)
class Hand:
    """How a file is written; the defaults are the plainest there are."""

    version: bytes = b"1.7"
    eol: bytes = b"\n"
    comment: bytes = b"%\xe2\xe3\xcf\xd3"
    end: bytes = b"\n"

    def head(self) -> bytes:
        return b"%%PDF-%b%b%b%b" % (self.version, self.eol, self.comment, self.eol)

    def objects(self, objects: Mapping[int, bytes], out: bytes) -> tuple[bytes, dict[int, int]]:
        """The objects behind `out`, and where each begins."""
        offsets = {}
        for number, body in objects.items():
            offsets[number] = len(out)
            out += b"%d 0 obj%b%b%bendobj%b" % (number, self.eol, body, self.eol, self.eol)
        return out, offsets

    def tail(self, section: int) -> bytes:
        return b"startxref%b%d%b%%%%EOF%b" % (self.eol, section, self.eol, self.end)

    def written(self, objects: Mapping[int, bytes] = PAGE, trailer: bytes = b"") -> bytes:
        """A file with a table."""
        out, offsets = self.objects(objects, self.head())
        return out + self.table(offsets, len(out), trailer)

    def table(
        self, offsets: Mapping[int, int], section: int, trailer: bytes, free: Iterable[int] = ()
    ) -> bytes:
        """The table of all objects up to the largest number, the trailer and the end."""
        size = max([*offsets, *free]) + 1
        ending = (
            b" \n" if len(self.eol) == 1 and self.eol != b"\r" else b" \r" if self.eol == b"\r" else b"\r\n"
        )
        rows = [b"0000000000 65535 f" + ending]
        for number in range(1, size):
            kind = b"n" if number in offsets else b"f"
            rows.append(
                b"%010d %05d %b" % (offsets.get(number, 0), 0 if kind == b"n" else 65535, kind) + ending
            )
        return b"xref%b0 %d%b%btrailer%b<< /Size %d /Root 1 0 R %b>>%b" % (
            *(self.eol, size, self.eol, b"".join(rows)),
            *(self.eol, size, trailer, self.eol),
        ) + self.tail(section)


Rows = Callable[[list[bytes], int], tuple[bytes, bytes]]


def _deflated(rows: list[bytes], _width: int) -> tuple[bytes, bytes]:
    return zlib.compress(b"".join(rows)), b"/Filter /FlateDecode "


def with_index_stream(
    objects: Mapping[int, bytes] = PAGE,
    *,
    hand: Hand | None = None,
    packed: frozenset[int] = frozenset(),
    rows: Rows = _deflated,
) -> bytes:
    """A file with a cross-reference stream; the objects numbered in `packed` stand in an object stream."""
    hand = hand or Hand()
    size = max(objects) + 1
    plain = {number: body for number, body in objects.items() if number not in packed}
    entries: dict[int, tuple[int, int, int]] = {0: (0, 0, 255)}
    if packed:
        plain[size] = object_stream({number: objects[number] for number in sorted(packed)})
        entries |= {number: (2, size, place) for place, number in enumerate(sorted(packed))}
        size += 1
    out, offsets = hand.objects(plain, hand.head())
    entries |= {number: (1, offset, 0) for number, offset in offsets.items()}
    entries[size] = (1, len(out), 0)
    lines = [
        b"%c" % kind + second.to_bytes(4) + third.to_bytes(2)
        for kind, second, third in (entries[n] for n in sorted(entries))
    ]
    data, how = rows(lines, 7)
    head = b"/Type /XRef /Size %d /W [1 4 2] /Root 1 0 R %b" % (size + 1, how)
    written, _ = hand.objects({size: streamed(data, head)}, out)
    return written + hand.tail(len(out))


def object_stream(objects: Mapping[int, bytes]) -> bytes:
    places, body = [], b""
    for number, written in objects.items():
        places.append(b"%d %d" % (number, len(body)))
        body += written + b"\n"
    head = b" ".join(places) + b"\n"
    return streamed(
        zlib.compress(head + body),
        b"/Type /ObjStm /N %d /First %d /Filter /FlateDecode " % (len(objects), len(head)),
    )


def hybrid(
    *, hidden: Mapping[int, bytes] | None = None, shadowed: Mapping[int, bytes] | None = None
) -> bytes:
    """A file that older programs read without some objects: the table calls them free, a stream lists them.

    With `shadowed`, the stream lists other versions of objects that the table lists too.
    """
    hand = Hand()
    hidden = {6: b"<< /Type /StructTreeRoot >>"} if hidden is None else hidden
    listed = {**hidden, **(shadowed or {})}
    catalog = b"<< /Type /Catalog /Pages 2 0 R /StructTreeRoot 6 0 R >>"
    holder = max([*PAGE, *listed]) + 1
    out, offsets = hand.objects({**PAGE, 1: catalog, holder: object_stream(listed)}, hand.head())
    index = len(out)
    rows = b"".join(b"\2" + holder.to_bytes(4) + place.to_bytes(2) for place, _ in enumerate(sorted(listed)))
    numbers = b" ".join(b"%d 1" % number for number in sorted(listed))
    head = b"/Type /XRef /Size %d /W [1 4 2] /Index [%b] /Root 1 0 R " % (holder + 1, numbers)
    out += b"%d 0 obj\n%b\nendobj\n" % (holder + 1, streamed(rows, head))
    first = len(out)
    out += hand.table({**offsets, holder + 1: index}, first, b"", free=hidden)
    trailer = b"<< /Size %d /Root 1 0 R /Prev %d /XRefStm %d >>" % (holder + 2, first, index)
    return out + b"xref\n0 0\ntrailer\n%b\n" % trailer + hand.tail(len(out))
