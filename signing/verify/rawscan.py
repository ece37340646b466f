"""What a file's bytes say by themselves, before any PDF parser has had its say."""

import re
import zlib
from dataclasses import dataclass

WHITE_SPACE = b"\x00\t\n\x0c\r "  # ISO 32000-1, table 1
MOST_WHITE_SPACE = 256  # behind a file's end: viewers look for that in the last 1024 bytes

# bounded digits: an offset longer than this can't lie inside a file that was let in
_BYTE_RANGE = re.compile(
    rb"/ByteRange\s{0,64}\[\s{0,64}(\d{1,12})\s{1,64}(\d{1,12})\s{1,64}(\d{1,12})\s{1,64}(\d{1,12})\s{0,64}\]"
)
_HEX = re.compile(rb"[0-9A-Fa-f]*\Z")
_SIZE = re.compile(rb"/Size\s{1,8}(\d{1,20})(?!\d)")
_INDEX = re.compile(rb"/Index\s{0,8}\[([\d\s]{1,2048})\]")
_WIDTHS = re.compile(rb"/W\s{0,8}\[\s{0,8}(\d{1,10})\s{1,8}(\d{1,10})\s{1,8}(\d{1,10})\s{0,8}\]")
_DEFLATED = re.compile(rb"/Filter\s{0,8}(?:/FlateDecode|\[\s{0,8}/FlateDecode\s{0,8}\])")
_BEGINS = re.compile(rb"stream\r?\n")
_ENTRIES_OF_ANY = 10_000  # whoever lies about so few wastes nobody's time
_WIDEST_ROW = 20  # bytes; an honest one has eleven at most
_PIECE = 1 << 16  # bytes inflated at once
_AROUND = 65536  # bytes before and behind /XRef in which an index's dictionary is looked for
_MOST_INDEXES = 1000


@dataclass(frozen=True)
class SignedRange:
    """A byte range that leaves out exactly one hexadecimal string, `<…>`, and lies inside the file."""

    gap_start: int  # offset of "<"
    gap_end: int  # offset behind ">"
    end: int  # offset behind the last signed byte

    def gap(self, pdf: bytes) -> bytes:
        """The bytes left out, brackets included."""
        return pdf[self.gap_start : self.gap_end]


def signed_range(pdf: bytes, numbers: tuple[int, ...]) -> SignedRange | None:
    """The range that `numbers` (a /ByteRange) describe, or None when it is not a signature's usual one.

    Only [0 a b c] with the gap being one bracketed hexadecimal string is accepted: any other shape lets
    bytes that nobody signed pass for signed ones.
    """
    if len(numbers) != 4 or numbers[0] != 0:
        return None
    gap_start, gap_end = numbers[1], numbers[2]
    end = gap_end + numbers[3]
    if not 0 < gap_start < gap_end - 1 or numbers[3] < 0 or end > len(pdf):
        return None
    if pdf[gap_start : gap_start + 1] != b"<" or pdf[gap_end - 1 : gap_end] != b">":
        return None
    return SignedRange(gap_start, gap_end, end)


def signed_ranges(pdf: bytes) -> tuple[SignedRange, ...]:
    """Every plausible signed byte range written anywhere in the file, reachable from its form or not."""
    found = []
    for match in _BYTE_RANGE.finditer(pdf):
        candidate = signed_range(pdf, tuple(int(digits) for digits in match.groups()))
        if candidate is not None and _holds_signature(candidate.gap(pdf)):
            found.append(candidate)
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Claims:
    """What a file's cross-reference streams say of their size, where they say so plainly."""

    entries: int  # of all of them together, or of the one that is unheld
    unheld: bool = False  # one of them claims far more than it holds


def claims(pdf: bytes, most: int) -> Claims:
    """How many entries a reader would count through; no further than to the index that makes it over `most`.

    A reader that forgives counts up to what an index claims, whatever is in it: so what it holds is looked
    at too.
    """
    total, at = 0, pdf.find(b"/XRef")
    for _ in range(_MOST_INDEXES):
        if at < 0 or total > most:
            break
        begin, end = pdf.rfind(b"obj", max(0, at - _AROUND), at), pdf.find(b"stream", at, at + _AROUND)
        if begin >= 0 and end >= 0:
            claimed = _entries(pdf[begin:end])
            total += claimed
            if not _holds(pdf, end, pdf[begin:end], min(claimed, most) - _ENTRIES_OF_ANY):
                return Claims(claimed, unheld=True)
        at = pdf.find(b"/XRef", at + 1)
    return Claims(total)


def _entries(dictionary: bytes) -> int:
    index, size = _INDEX.search(dictionary), _SIZE.search(dictionary)
    if index is not None:
        return sum(int(count[:20]) for count in index.group(1).split()[1::2])
    return int(size.group(1)) if size is not None else 0


def _holds(pdf: bytes, at: int, dictionary: bytes, entries: int) -> bool:
    """Whether the stream that begins at `at` has as many rows.

    Of one that is packed in another way than most are, the file's size has to say that, generously.
    """
    if entries <= 0:
        return True
    start, widths = _BEGINS.match(pdf, at), _WIDTHS.search(dictionary)
    row = min(_WIDEST_ROW, sum(map(int, widths.groups()))) if widths is not None else 0
    if start is None or not row:
        return entries <= len(pdf)
    data = memoryview(pdf)[start.end() :]
    if b"/Filter" not in dictionary:
        return entries * row <= len(data)
    return _inflates_to(data, entries * row) if _DEFLATED.search(dictionary) else entries <= len(pdf)


def _inflates_to(data: memoryview, wanted: int) -> bool:
    """Whether what is deflated comes to so many bytes; they are counted and not kept."""
    unpacking, at, waiting = zlib.decompressobj(), 0, b""
    try:
        while wanted > 0 and not unpacking.eof and (waiting or at < len(data)):
            if not waiting:
                waiting = bytes(data[at : at + _PIECE])
                at += _PIECE
            wanted -= len(unpacking.decompress(waiting, _PIECE))
            waiting = unpacking.unconsumed_tail
    except zlib.error:
        return False
    return wanted <= 0


def only_white_space(tail: bytes) -> bool:
    """Whether nothing but PDF white space is left."""
    return not tail.strip(WHITE_SPACE)


def hex_digits(gap: bytes) -> bytes | None:
    """The digits between the brackets; None when anything else stands there (white space included)."""
    digits = gap[1:-1]
    return digits if _HEX.match(digits) and len(digits) % 2 == 0 else None


def _holds_signature(gap: bytes) -> bool:
    """Whether the gap begins like a DER sequence (CMS) and is not just the zeros of an unfinished signing."""
    return gap[1:3] == b"30"
