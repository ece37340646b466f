"""How long things take when some are not over yet: the Kaplan–Meier estimate.

An open case has taken at least as long as until now. Left out, it would make a slow way look fast, for the
slow ones are those still open; counted as over, it would do the same. It counts as open: *censored*.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from throughput.errors import DurationsUnusable

Numbers = NDArray[np.float64]
ROUNDING = 1e-12
"""The product of many shares is exact within this."""


@dataclass(frozen=True)
class Durations:
    """How long cases took, or have taken so far: `taken` in any one unit, `over` where the case has ended."""

    taken: Numbers
    over: NDArray[np.bool_]

    @classmethod
    def of(cls, taken: ArrayLike, over: ArrayLike | None = None) -> "Durations":
        """Hold values that are finite and not negative, all over unless said. Raises DurationsUnusable."""
        values = np.asarray(taken, dtype=np.float64)
        ended = np.ones(len(values), dtype=np.bool_) if over is None else np.asarray(over, dtype=np.bool_)
        if values.ndim != 1 or ended.shape != values.shape:
            raise DurationsUnusable("There are not as many ends as durations.")
        if not np.isfinite(values).all() or (values < 0).any():
            raise DurationsUnusable("A duration is negative or no number.")
        order = np.argsort(values, kind="stable")
        return cls(values[order], ended[order])

    def __len__(self) -> int:
        return len(self.taken)

    @property
    def ended(self) -> int:
        """How many are over."""
        return int(self.over.sum())

    @cached_property
    def steps(self) -> "Steps":
        """The different times, and how many ended and were left open at each."""
        times, first = np.unique(self.taken, return_index=True)
        ends = np.add.reduceat(self.over.astype(np.int64), first) if len(times) else np.zeros(0, np.int64)
        counts = np.diff(np.append(first, len(self.taken)))
        return Steps(times, ends, counts - ends)


@dataclass(frozen=True)
class Steps:
    """The different times, rising, and the numbers that ended and that were still open at each."""

    times: Numbers
    ended: NDArray[np.int64]
    left_open: NDArray[np.int64]


@dataclass(frozen=True)
class Survival:
    """The share still going on *after* each time, by Kaplan and Meier's product limit.

    Source: E. L. Kaplan, P. Meier, Nonparametric estimation from incomplete observations, Journal of the
    American Statistical Association 53 (1958), 457-481.
    """

    times: Numbers
    going_on: Numbers

    @classmethod
    def of(cls, durations: Durations) -> "Survival":
        """Estimate it; what ended at a time counts before what was still open at the same time."""
        steps = durations.steps
        going_on = surviving(steps.ended[None, :], steps.left_open[None, :])[0]
        return cls(steps.times, going_on)

    def quantile(self, share: float) -> float | None:
        """The first time by which `share` of the cases had ended; None while fewer have."""
        return first_below(self.times, self.going_on[None, :], 1 - share)[0]

    def after(self, time: float) -> float:
        """The share that was still going on after `time`; beyond the last known time it is that time's."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1.0 if place == 0 else float(self.going_on[place - 1])


def surviving(ended: NDArray[np.int64], left_open: NDArray[np.int64]) -> Numbers:
    """Kaplan–Meier per row: counts at rising times, shape (rows, times), to shares of the same shape."""
    leaving = ended + left_open
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        staying = np.where(at_risk > 0, 1 - ended / at_risk, 1.0)
    return np.asarray(np.cumprod(staying, axis=1))


def first_below(times: Numbers, going_on: Numbers, level: float) -> list[float | None]:
    """Per row the first time at which the share is at or below `level`; None where it never is."""
    below = going_on <= level + ROUNDING
    return [float(times[row.argmax()]) if row.any() else None for row in below]
