"""The bookmarks of a PDF: its headings, each leading to its place. Source: ISO 32000-1, 12.3.3."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Write = Callable[[str], bytes]
"""How a text is written."""


@dataclass(frozen=True)
class Bookmark:
    """A heading: on which page (from 0), at which height, and whether it belongs to the part above it."""

    title: str
    page: int
    y: float
    in_part: bool = False


def outline(found: Sequence[Bookmark], first: int, pages: Sequence[int], text: Write) -> Iterator[bytes]:
    """The objects of an outline, the one of all first, numbered on from `first`; `pages`: their numbers."""
    parents: list[int] = []
    for number, one in enumerate(found, start=first + 1):
        in_part = one.in_part and bool(parents)
        parents.append(_part_of(parents, first, number) if in_part else first)
    yield b"<</Type/Outlines%b>>" % _children(parents, first, first)
    for number, (one, parent) in enumerate(zip(found, parents, strict=True), start=first + 1):
        beside = [other for other, its in enumerate(parents, start=first + 1) if its == parent]
        place = beside.index(number)
        yield b"<</Title%b/Parent %d 0 R/Dest[%d 0 R/XYZ null %.2f null]%b%b%b>>" % (
            text(one.title),
            parent,
            pages[one.page],
            one.y,
            b"/Prev %d 0 R" % beside[place - 1] if place else b"",
            b"/Next %d 0 R" % beside[place + 1] if place + 1 < len(beside) else b"",
            _children(parents, first, number),
        )


def _part_of(parents: Sequence[int], root: int, number: int) -> int:
    """The last one before that belongs to no part."""
    return next(n for n in range(number - 1, root, -1) if parents[n - root - 1] == root)


def _children(parents: Sequence[int], root: int, number: int) -> bytes:
    """The first and the last that are under one, and how many are seen: all of them."""
    own = [other for other, parent in enumerate(parents, start=root + 1) if parent == number]
    seen = len(parents) if number == root else len(own)
    return b"/First %d 0 R/Last %d 0 R/Count %d" % (own[0], own[-1], seen) if own else b""
