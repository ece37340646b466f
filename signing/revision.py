"""Append a revision to a PDF: new and changed objects, a cross-reference section, a trailer. Nothing else.

The bytes before stay as they are, or earlier signatures would break. No /Version and no extension is
ever written for a key's sake: PDF/A-3 has to stay PDF/A-3. Source: ISO 32000-1, 7.5.6 (incremental updates),
7.5.4 and 7.5.8 (cross-reference tables and streams).
"""

import hashlib
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Layout:
    """What the next revision must know of the file before it.

    `root` and `info` are indirect references ("1 0"); `first_id` is the permanent half of the file's
    identifier in hexadecimal digits, empty when the file has none.
    """

    length: int
    startxref: int
    size: int
    root: str
    info: str
    first_id: str
    stream_xref: bool


@dataclass(frozen=True)
class Placed:
    """A built revision: its bytes, the layout after it, where in the whole file each object's body begins."""

    data: bytes
    layout: Layout
    body_offsets: dict[int, int]


class Update:
    """Collects the objects of one revision and writes them in the order of their numbers."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._next = layout.size
        self._objects: dict[int, tuple[int, bytes]] = {}

    def reserve(self, count: int = 1) -> int:
        """Return the first of `count` new object numbers."""
        first = self._next
        self._next += count
        return first

    def put(self, number: int, body: bytes, generation: int = 0) -> None:
        """Set what stands between `N G obj` and `endobj`."""
        self._objects[number] = (generation, body)

    def add(self, body: bytes) -> int:
        """Add a new object and return its number."""
        number = self.reserve()
        self.put(number, body)
        return number

    def add_stream(self, data: bytes, entries: bytes = b"") -> int:
        """Add a stream as it is (already encoded as `entries` say) and return its object's number."""
        return self.add(b"<</Length %d%b>>\nstream\n%b\nendstream" % (len(data), entries, data))

    def build(self) -> Placed:
        """Write the revision; the same objects over the same file give the same bytes."""
        parts, position = [b"\n"], self._layout.length + 1
        offsets: dict[int, tuple[int, int]] = {}
        bodies: dict[int, int] = {}
        for number, (generation, body) in sorted(self._objects.items()):
            head = b"%d %d obj\n" % (number, generation)
            offsets[number] = (position, generation)
            bodies[number] = position + len(head)
            parts += (head, body, b"\nendobj\n")
            position += len(head) + len(body) + 8
        number = self.reserve() if self._layout.stream_xref else 0
        if number:
            offsets[number] = (position, 0)
        trailer = self._trailer(b"".join(parts))
        section = _xref_stream(number, offsets, trailer) if number else _xref_table(offsets, trailer)
        parts += (section, b"startxref\n%d\n%%%%EOF\n" % position)
        data = b"".join(parts)
        layout = replace(
            self._layout, length=self._layout.length + len(data), startxref=position, size=self._next
        )
        return Placed(data, layout, bodies)

    def _trailer(self, objects: bytes) -> bytes:
        before = self._layout
        # The changing half of the identifier is a digest of what changes: ISO 32000-1, 14.4.
        second = hashlib.sha256(before.first_id.encode() + objects).hexdigest()[:32]
        entries = b"/Size %d/Root %b R/Prev %d/ID[<%b><%b>]" % (
            self._next,
            before.root.encode(),
            before.startxref,
            (before.first_id or second).encode(),
            second.encode(),
        )
        return entries + (b"/Info %b R" % before.info.encode() if before.info else b"")


def _runs(numbers: list[int]) -> list[list[int]]:
    """Group ascending numbers into runs without gaps."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _xref_table(offsets: dict[int, tuple[int, int]], trailer: bytes) -> bytes:
    lines = [b"xref\n"]
    for run in _runs(sorted(offsets)):
        lines.append(b"%d %d\n" % (run[0], len(run)))
        lines.extend(b"%010d %05d n \n" % offsets[number] for number in run)
    return b"".join((*lines, b"trailer\n<<", trailer, b">>\n"))


def _xref_stream(number: int, offsets: dict[int, tuple[int, int]], trailer: bytes) -> bytes:
    runs = _runs(sorted(offsets))
    index = b" ".join(b"%d %d" % (run[0], len(run)) for run in runs)
    rows = b"".join(
        b"\x01" + offsets[entry][0].to_bytes(5, "big") + offsets[entry][1].to_bytes(2, "big")
        for run in runs
        for entry in run
    )
    head = b"%d 0 obj\n<</Type/XRef/W[1 5 2]/Index[%b]/Length %d%b>>\nstream\n" % (
        number,
        index,
        len(rows),
        trailer,
    )
    return head + rows + b"\nendstream\nendobj\n"


def digest_around(pdf_parts: tuple[bytes, ...], start: int, end: int, algorithm: str) -> bytes:
    """Digest the concatenation of byte strings without the bytes from `start` to `end` of the whole."""
    state = hashlib.new(algorithm)
    position = 0
    for part in pdf_parts:
        view = memoryview(part)
        state.update(view[: max(0, start - position)])
        state.update(view[max(0, end - position) :])
        position += len(part)
    return state.digest()
