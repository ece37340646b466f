"""What follows for counts from the sums that tie them together: from what to what each may be."""

from collections.abc import Mapping, Sequence
from math import inf

from throughput.small_cells import Cell, Sum, Within

_ROUNDS = 20
"""So often the sums are gone through at most: what is found holds at any time, and rarely more follows."""


def tightened(known: Mapping[Cell, Within], sums: Sequence[Sum]) -> dict[Cell, Within]:
    """What is known of each count, with what the sums tell of it."""
    found = dict(known)
    for _ in range(_ROUNDS):
        before = dict(found)
        for one in sums:
            _apply(one, found)
        if found == before:
            break
    return found


def _apply(one: Sum, found: dict[Cell, Within]) -> None:
    parts, total = [found[cell] for cell in one.parts], found[one.total]
    lows, highs = sum(part.low for part in parts), [part.high for part in parts if part.high < inf]
    ends = sum(highs)
    most = ends if len(highs) == len(parts) else inf
    found[one.total] = total = Within(max(total.low, lows), min(total.high, most))
    for cell, part in zip(one.parts, parts, strict=True):
        are_told = len(highs) - (part.high < inf) == len(parts) - 1
        others = ends - (part.high if part.high < inf else 0) if are_told else inf
        low = max(part.low, total.low - others)
        found[cell] = Within(int(low), min(part.high, total.high - (lows - part.low)))
