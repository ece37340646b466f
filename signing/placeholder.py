"""The signature dictionary with room for what comes later: its /ByteRange and its /Contents.

The byte range leaves out the /Contents string with its angle brackets and nothing else.
Source: ISO 32000-1, 12.8.1; ETSI EN 319 142-1 (ETSI.CAdES.detached, ETSI.RFC3161).
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from signing.errors import ContentsOverflowError
from signing.revision import Placed

RANGE_ROOM = 44  # four offsets of up to ten digits, and blanks
CONTENTS = b"/Contents "


@dataclass(frozen=True)
class Placeholder:
    """A signature dictionary's bytes, and where in them /Contents and /ByteRange stand."""

    body: bytes
    contents_at: int
    contents_end: int
    range_at: int


@dataclass(frozen=True)
class Gap:
    """The bytes of the whole file that a signature leaves out, and the file's length when it was made."""

    start: int
    end: int
    length: int

    @property
    def byte_range(self) -> tuple[int, int, int, int]:
        """The value of /ByteRange."""
        return (0, self.start, self.end, self.length - self.end)

    @property
    def capacity_bytes(self) -> int:
        """How large a CMS object fits."""
        return (self.end - self.start - 2) // 2


def placeholder(entries: bytes, reserved_bytes: int) -> Placeholder:
    """Make a signature dictionary with these entries and room for a CMS object of `reserved_bytes`."""
    head = b"<<" + entries + b"/ByteRange "
    room = b"[]".ljust(RANGE_ROOM)
    before = head + room + CONTENTS
    contents = b"<" + b"0" * (2 * reserved_bytes) + b">"
    return Placeholder(before + contents + b">>", len(before), len(before) + len(contents), len(head))


def fill_range(placed: Placed, number: int, made: Placeholder) -> tuple[bytes, Gap]:
    """Write /ByteRange into a built revision; returns the revision and the gap."""
    base = placed.layout.length - len(placed.data)
    body_at = placed.body_offsets[number]
    gap = Gap(body_at + made.contents_at, body_at + made.contents_end, placed.layout.length)
    value = (b"[%d %d %d %d]" % gap.byte_range).ljust(RANGE_ROOM)
    at = body_at - base + made.range_at
    return placed.data[:at] + value + placed.data[at + RANGE_ROOM :], gap


def fill_contents(revision: bytes, base: int, gap: Gap, cms: bytes) -> bytes:
    """Write a CMS object into a revision that starts at `base` of the file; raises ContentsOverflowError."""
    if len(cms) > gap.capacity_bytes:
        raise ContentsOverflowError(
            f"The signature takes {len(cms)} bytes and {gap.capacity_bytes} were kept for it.",
            needed_bytes=len(cms),
            hint="It is prepared again with more room; nothing has been recorded.",
        )
    at = gap.start + 1 - base
    value = cms.hex().upper().encode()
    return revision[:at] + value + revision[at + len(value) :]


def pdf_date(moment: datetime) -> bytes:
    """Write a moment as a PDF date string in UTC. Source: ISO 32000-1, 7.9.4."""
    return moment.astimezone(UTC).strftime("(D:%Y%m%d%H%M%S+00'00')").encode()


def pdf_text(text: str) -> bytes:
    """Write a text string, in UTF-16 so that every character survives. Source: ISO 32000-1, 7.9.2.2."""
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"
