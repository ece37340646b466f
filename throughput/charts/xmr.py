"""Natural limits of single values in their order, and the signals that something else is going on.

Limits are the mean ± 2.66 mean moving ranges; a range is unusual beyond 3.268 of them. Signals are three: a
value beyond a limit; three of four successive ones nearer to one limit than to the mean; eight successive
ones on one side of it. Source: D. J. Wheeler, Understanding Variation, 2nd ed., SPC Press 2000 (the chart for
individual values and a moving range; 2.66 = 3/d₂ and 3.268 = D₄ for two values, d₂ = 1.128).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from throughput.survival import Numbers

TO_LIMIT: Final = 2.66
TO_RANGE_LIMIT: Final = 3.268
RUN: Final = 8
NEAR: Final = 3
OF: Final = 4
BEYOND_LIMIT: Final = 1
NEAR_LIMIT: Final = 2
ONE_SIDE: Final = 3
"""The signals; a value that is part of several bears the first."""
_SLACK = 1e-9


@dataclass(frozen=True)
class Limits:
    """Of values that can't be negative: `lower` is None where it would be."""

    mean: float
    lower: float | None
    upper: float
    mean_range: float

    @property
    def upper_range(self) -> float:
        """The most by which a value ordinarily differs from the one before."""
        return TO_RANGE_LIMIT * self.mean_range


def limits_of(values: Sequence[float] | Numbers) -> Limits | None:
    """The natural limits; None for fewer than two values, which have no range."""
    given = np.asarray(values, dtype=np.float64)
    if len(given) < 2:
        return None
    mean, spread = float(given.mean()), float(np.abs(np.diff(given)).mean())
    lower = mean - TO_LIMIT * spread
    return Limits(mean, lower if lower > 0 else None, mean + TO_LIMIT * spread, spread)


def signals_of(values: Sequence[float] | Numbers, limits: Limits) -> NDArray[np.int8]:
    """Which signal each value is part of; 0 for none."""
    off = np.asarray(values, dtype=np.float64) - limits.mean
    reach, slack = TO_LIMIT * limits.mean_range, _SLACK * max(abs(limits.mean), 1.0)
    found = np.zeros(len(off), dtype=np.int8)
    for side in (off, -off):
        found[_in_runs(side > slack)] = ONE_SIDE
    for side in (off, -off):
        near = side > reach / 2 + slack
        found[near & _in_windows(near)] = NEAR_LIMIT
    beyond = np.abs(off) > reach + slack
    found[beyond] = BEYOND_LIMIT
    return found


def _in_runs(held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where so many or more hold in a row."""
    return _covered(held, RUN, RUN)


def _in_windows(held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where one is in a window of four of which three hold."""
    return _covered(held, NEAR, OF)


def _covered(held: NDArray[np.bool_], least: int, size: int) -> NDArray[np.bool_]:
    if len(held) < size:
        return np.zeros(len(held), dtype=np.bool_)
    sums = np.convolve(held.astype(np.int64), np.ones(size, dtype=np.int64), mode="valid")
    full = np.append(sums >= least, np.zeros(size - 1, dtype=np.bool_))
    covered = full.copy()
    for shift in range(1, size):
        covered[shift:] |= full[:-shift]
    return covered
