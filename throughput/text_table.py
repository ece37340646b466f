"""Tables as text, and times as people say them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from throughput.difference import Difference
from throughput.grouped import WAYS

WORDS = frozenset(
    (
        *("process", *WAYS, "source's verdict", "figure", "what may be said"),
        *("state", "from", "to", "criterion", "value", "returns most", "minutes", "paid back"),
    )
)
"""Columns that hold words; the others hold figures."""


@dataclass(frozen=True)
class Table:
    """One table of the comparison: `rows` of equal length, the first of them the heads; notes below it."""

    title: str
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


_UNITS = ((1.0, 90.0, "s"), (60.0, 5400.0, "min"), (3600.0, 172_800.0, "h"), (86_400.0, inf, "d"))
"""Seconds of a unit, and up to what people say a length in it."""
TOLD = 0.05
"""Of a unit: less would be written as 0.0."""


def length(seconds: float, *, like: float | None = None) -> str:
    """Seconds as people say them; in the unit in which they would say `like`, where that tells it."""
    size = abs(seconds) if like is None else like
    unit, name = next((unit, name) for unit, most, name in _UNITS if size < most)
    if like is not None and seconds and abs(seconds) < TOLD * unit:
        return length(seconds)
    return f"{seconds / unit:.1f} {name}"


def alike(*seconds: float | None) -> float:
    """Like what lengths in one row are said: in the unit of the longest, or one in which each can be told."""
    sizes = [abs(one) for one in seconds if one] or [0.0]
    at = next(place for place, (_, most, _) in enumerate(_UNITS) if max(sizes) < most)
    while at and min(sizes) < TOLD * _UNITS[at][0]:
        at -= 1
    return 2 * _UNITS[at][0]


def like_of(found: Difference) -> float:
    """In what all of a difference is told: as its interval and both medians, where these come to half of it.

    A small difference, or end, is told in its own unit: it makes the others no other one.
    """
    medians = [one for one in (found.a, found.b) if one]
    ends = [abs(end) for end in (found.interval.low, found.interval.high) if end]
    longest = alike(max((*medians, *ends), default=0.0))
    return longest if min(medians, default=longest) >= longest / 4 else alike(*medians)


def grid(table: Sequence[Sequence[str]]) -> str:
    """Columns aligned: words left, the rest right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    words = {i for i, name in enumerate(table[0]) if name in WORDS}
    lines = []
    for number, row in enumerate(table):
        cells = (
            c.ljust(w) if i in words else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  " + "  ".join(cells).rstrip())
        if number == 0:
            lines.append("  " + "  ".join("-" * w for w in widths))
    return "\n".join(lines) + "\n"
