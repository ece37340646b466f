"""Where the pages of a report end: what belongs together stays so, and no page is left with a line or two.

The whole is laid out before anything of it is drawn: the breaks that cost least are chosen, by what each one
tears apart and by the white that it leaves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from documents.sheet import BOTTOM, Sheet

LEAST = 110.0
"""So much of the last page should be written on, in points: some eight lines."""
BETWEEN, TORN = 0.3, 0.45
"""What it costs to end a page between the parts of a section, and within a table or a paragraph."""
_ALONE = 20.0
_AWRY = 1000.0
_COVER = 4.0  # the first page is looked at longer than others


@dataclass(frozen=True)
class Piece:
    """What is drawn in one piece, `height` points high, with white `above` it unless a page begins.

    `before`: what it costs to begin a page with it, where a page three quarters of which is white costs one;
    None: it stays with what is above it. `first` draws it there, with what comes again above it, which takes
    `again`. `under`: the heading that it belongs to.
    """

    height: float
    draw: Callable[[Sheet], None]
    above: float = 0.0
    before: float | None = None
    again: float = 0.0
    first: Callable[[Sheet], None] | None = None
    under: str = ""


class Flow:
    """The pieces of a report in their order.

    `under` is the heading of what comes next, `goes_on` that of the section which a page that begins goes on
    with: empty where it begins with a heading.
    """

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._glued = True
        self.under, self.goes_on = "", ""

    def add(self, piece: Piece, *, heads: bool = False) -> None:
        """Put a piece below the others; one that `heads` what follows never ends a page."""
        piece = replace(piece, under=self.under)
        self._pieces.append(replace(piece, before=None) if self._glued else piece)
        self._glued = heads

    def draw(self, sheet: Sheet, room: float, *, end: float = 0.0) -> None:
        """Draw all of it; further pages have `room` points, and `end` of them are kept on the last one."""
        starts = pages(self._pieces, sheet.y - BOTTOM, room, end)
        for number, piece in enumerate(self._pieces):
            if number in starts:
                if number:
                    self.goes_on = piece.under
                    sheet.turn()
                (piece.first or piece.draw)(sheet)
            else:
                sheet.y -= piece.above
                piece.draw(sheet)
        self.goes_on = ""


def pages(pieces: Sequence[Piece], first: float, room: float, end: float = 0.0) -> list[int]:
    """The piece that each page begins with: of all ways to break them the one that costs least.

    The first page has `first` points, the others `room`; `end` points are kept on the last.
    """
    best: list[tuple[float, int]] = [(0.0, len(pieces))] * (len(pieces) + 1)  # and where the next page begins
    for start in reversed(range(len(pieces))):
        found, used, whole = [], pieces[start].again, room if start else first
        for place in range(start, len(pieces)):
            used += pieces[place].height + (pieces[place].above if place > start else 0.0)
            if used > whole and place > start:
                break
            cost = _cost(pieces, place + 1, used, whole, end, first=start == 0)
            found.append((cost + best[place + 1][0], place + 1))
        best[start] = min(found)
    starts = [0]
    while (after := best[starts[-1]][1]) < len(pieces):
        starts.append(after)
    return starts


def _cost(
    pieces: Sequence[Piece], after: int, used: float, whole: float, end: float, *, first: bool
) -> float:
    """What it costs to end a page of which so much is used before the piece `after`."""
    if after == len(pieces):
        if used + end > whole:
            return _ALONE
        return 0.0 if first or used + end >= LEAST else _ALONE * (1 - (used + end) / LEAST)
    before = pieces[after].before
    white = ((whole - used) / whole / 0.75) ** 2
    # with nothing to begin a page with it has to be torn, as far down as it goes
    return (_AWRY if before is None else before) + (_COVER * white if first else white)


def white(height: float) -> Piece:
    """White below something."""

    def draw(sheet: Sheet) -> None:
        sheet.y -= height

    return Piece(height, draw)
