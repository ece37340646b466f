"""How long things take when some are not over yet: the Kaplan–Meier estimate.

An open case has taken at least as long as until now. Left out, it would make a slow way look fast, for the
slow ones are those still open; counted as over, it would do the same. It counts as open: *censored*.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from throughput.errors import DurationsUnusable

Numbers = NDArray[np.float64]
ROUNDING = 1e-12
"""The product of many shares is exact within this."""


@dataclass(frozen=True)
class Durations:
    """How long cases took, or have taken so far: `taken` in any one unit, `over` where the case has ended.

    `weight`: what each counts for, where they do not count alike (throughput.seen). All together as many as
    there would be, counting alike, to know as much (L. Kish, Survey Sampling, 1965: the effective size).
    """

    taken: Numbers
    over: NDArray[np.bool_]
    weight: Numbers

    @classmethod
    def of(
        cls, taken: ArrayLike, over: ArrayLike | None = None, weight: ArrayLike | None = None
    ) -> "Durations":
        """Hold values that are finite and not negative, all over unless said, and counting alike.

        Raises DurationsUnusable.
        """
        values = np.asarray(taken, dtype=np.float64)
        ended = np.ones(len(values), dtype=np.bool_) if over is None else np.asarray(over, dtype=np.bool_)
        if values.ndim != 1 or ended.shape != values.shape:
            raise DurationsUnusable("There are not as many ends as durations.")
        if not np.isfinite(values).all() or (values < 0).any():
            raise DurationsUnusable("A duration is negative or no number.")
        counting = np.ones(len(values)) if weight is None else effective(np.asarray(weight, dtype=np.float64))
        order = np.argsort(values, kind="stable")
        return cls(values[order], ended[order], counting[order])

    def __len__(self) -> int:
        return len(self.taken)

    @property
    def size(self) -> float:
        """How many they count for."""
        return float(self.weight.sum())

    @property
    def mean(self) -> float:
        """The mean of what they took, over or not."""
        return float(self.weight @ self.taken) / self.size

    @property
    def deviation(self) -> float:
        """The standard deviation of what they took, over or not; none of one."""
        if len(self) < 2:
            return 0.0
        return sqrt(float(self.weight @ (self.taken - self.mean) ** 2) / (self.size - 1))

    @property
    def ended(self) -> int:
        """How many are over."""
        return int(self.over.sum())

    def beyond(self, time: float) -> int:
        """How many took as long or longer, or have so far, beside the one whose time it is."""
        return int((self.taken >= time).sum()) - 1

    @cached_property
    def steps(self) -> "Steps":
        """The different times, and how many ended and were left open at each."""
        times, first = np.unique(self.taken, return_index=True)
        if not len(times):
            return Steps(times, times, times)
        ended = np.add.reduceat(np.where(self.over, self.weight, 0.0), first)
        left_open = np.add.reduceat(np.where(self.over, 0.0, self.weight), first)
        return Steps(times, ended, left_open)


def effective(weight: Numbers) -> Numbers:
    """Weights that come to as many cases as would tell as much, if they counted alike."""
    if not len(weight):
        return weight
    of_most = weight / weight.max()  # alike, each is one, and no rounding makes one case less of them
    return np.asarray(of_most * (of_most.sum() / (of_most @ of_most)))


@dataclass(frozen=True)
class Steps:
    """The different times, rising, and what ended and what was still open at each, as they count."""

    times: Numbers
    ended: Numbers
    left_open: Numbers

    @property
    def at_risk(self) -> Numbers:
        """What went on until each time."""
        return at_risk(self.ended, self.left_open)

    @property
    def variance(self) -> Numbers:
        """Greenwood's sum: of the curve's errors at each time, over itself; infinite once all have ended.

        Source: M. Greenwood, The natural duration of cancer, Reports on Public Health and Medical Subjects 33
        (1926), 1-26.
        """
        there = self.at_risk
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.cumsum(self.ended / (there * (there - self.ended))))


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
        return cls(steps.times, surviving(steps.ended, steps.left_open))

    def quantile(self, share: float) -> float | None:
        """The first time by which `share` of the cases had ended; None while fewer have."""
        return first_below(self.times, self.going_on[None, :], 1 - share)[0]

    def after(self, time: float) -> float:
        """The share that was still going on after `time`; beyond the last known time it is that time's."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1.0 if place == 0 else float(self.going_on[place - 1])


def surviving(ended: Numbers, left_open: Numbers) -> Numbers:
    """Kaplan–Meier of counts at rising times, the last axis, to shares of the same shape."""
    there = at_risk(ended, left_open)
    with np.errstate(invalid="ignore", divide="ignore"):
        staying = np.where(there > 0, 1 - ended / there, 1.0)
    return np.asarray(np.cumprod(staying, axis=-1))


def at_risk(ended: Numbers, left_open: Numbers) -> Numbers:
    """What went on until each of rising times, the last axis. From the end: what is last is what is left."""
    return np.asarray(np.cumsum((ended + left_open)[..., ::-1], axis=-1)[..., ::-1])


def first_below(times: Numbers, going_on: Numbers, level: float) -> list[float | None]:
    """Per row the first time at which the share is at or below `level`; None where it never is."""
    below = going_on <= level + ROUNDING
    return [float(times[row.argmax()]) if row.any() else None for row in below]
