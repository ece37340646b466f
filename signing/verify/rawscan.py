"""What a file's bytes say by themselves, before any PDF parser has had its say."""

import re
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
_AROUND = 2048  # bytes before and behind /XRef in which an index's dictionary is looked for
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


def most_entries(pdf: bytes) -> int:
    """How many entries the largest cross-reference stream claims to have, where it says so plainly."""
    most, at = 0, pdf.find(b"/XRef")
    for _ in range(_MOST_INDEXES):
        if at < 0:
            break
        begin, end = pdf.rfind(b"obj", max(0, at - _AROUND), at), pdf.find(b"stream", at, at + _AROUND)
        most = max(most, _entries(pdf[max(begin, 0) : end])) if begin >= 0 and end >= 0 else most
        at = pdf.find(b"/XRef", at + 1)
    return most


def _entries(dictionary: bytes) -> int:
    index, size = _INDEX.search(dictionary), _SIZE.search(dictionary)
    if index is not None:
        return sum(int(count[:20]) for count in index.group(1).split()[1::2])
    return int(size.group(1)) if size is not None else 0


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
