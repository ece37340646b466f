"""Lengths of time in classes that rise by 2 %: counts of them take little room, however many there are.

What is told of a class is its middle, so a length is known within 1 %. Wide classes hold eighteen of them:
they tell for how much a request counts, which hardly changes within one (throughput.seen).
"""

from collections import Counter
from collections.abc import Mapping
from math import ceil, floor, log

import numpy as np

from throughput.survival import Durations

_GROWTH = log(1.02)
_WIDE = 18


def bucket(microseconds: int) -> int:
    """The place of a length among bounds that rise by 2 %: 0 for a microsecond and less."""
    return floor(log(microseconds) / _GROWTH) if microseconds > 1 else 0


def seconds_of(buckets: "np.typing.ArrayLike") -> "np.typing.NDArray[np.float64]":
    """The middle of each class, in seconds."""
    return np.asarray(np.exp((np.asarray(buckets, dtype=np.float64) + 0.5) * _GROWTH) / 1e6)


def wide_class(microseconds: int) -> int:
    """The place of a length among wide classes."""
    return bucket(microseconds) // _WIDE


def seconds_of_wide(classes: "np.typing.ArrayLike") -> "np.typing.NDArray[np.float64]":
    """The middle of each wide class, in seconds."""
    return seconds_of(np.asarray(classes, dtype=np.float64) * _WIDE + (_WIDE - 1) / 2)


def median_and_p90(counts: Mapping[int, int]) -> tuple[float, float]:
    """Of counts by class, in seconds: the middle, or half-way between two of them; the nearest rank."""
    classes = np.array(sorted(counts))
    up_to = np.cumsum([counts[one] for one in classes.tolist()])
    n = int(up_to[-1])
    ranks = [(n - 1) // 2, n // 2, ceil(0.9 * n) - 1]
    lower, upper, p90 = seconds_of(classes[np.searchsorted(up_to, ranks, side="right")]).tolist()
    return (lower + upper) / 2, p90


def durations_of(
    ended: Mapping[int, int], left: Mapping[int, int], still_open: "np.typing.ArrayLike" = ()
) -> Durations:
    """Counts by class of what ended and of what was left, and seconds of what is still open, as one.

    What is open is put into classes too: few different lengths make drawing samples of many requests quick.
    """
    open_too = Counter(left)
    waiting = np.maximum(0.0, np.asarray(still_open, dtype=np.float64))
    open_too.update(bucket(round(1e6 * seconds)) for seconds in waiting.tolist())
    over = np.repeat(seconds_of(list(ended)), list(ended.values()))
    other = np.repeat(seconds_of(list(open_too)), list(open_too.values()))
    taken = np.concatenate([over, other])
    return Durations.of(taken, np.arange(len(taken)) < len(over))
