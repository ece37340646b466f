"""Tables as text, and times as people say them."""

from collections.abc import Sequence
from dataclasses import dataclass

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


def length(seconds: float, *, like: float | None = None) -> str:
    """Seconds as people say them; in the unit in which they would say `like`."""
    size = seconds if like is None else like
    if size < 90:
        return f"{seconds:.1f} s"
    if size < 5400:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if size < 172800 else f"{seconds / 86400:.1f} d"


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
