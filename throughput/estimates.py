"""What so many values say of a figure, and between what it lies with 95 % certainty.

A share by Wilson's score interval, a mean by Student's t, a quotient of sums by linearisation, and a quantile
of durations of which some are open by Kaplan and Meier's estimate with Brookmeyer and Crowley's interval.
"""

from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from throughput.difference import LEVEL
from throughput.origins import Origin
from throughput.survival import Durations, Numbers, Survival, effective, first_below

Flags = NDArray[np.bool_]
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
"""So many standard errors a normal interval reaches to both sides."""


@dataclass(frozen=True)
class Figure:
    """A figure of `n` values, in the unit its holder names; None where so few do not tell it."""

    n: int
    value: float | None
    low: float | None = None
    high: float | None = None
    origin: Origin = "measured"

    def times(self, factor: float) -> "Figure":
        """The same in another unit, or for as many."""
        value, low, high = (
            None if end is None else end * factor for end in (self.value, self.low, self.high)
        )
        return Figure(self.n, value, low, high, self.origin)


def share(yes: float, n: float, *, of: int | None = None) -> Figure:
    """How large a part of all `yes` are, as seen in `n`; `of`: of so many, which do not count alike.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    if n == 0:
        return Figure(0, None)
    middle = (yes + Z**2 / 2) / (n + Z**2)
    half = Z / (n + Z**2) * sqrt(yes * (n - yes) / n + Z**2 / 4)
    # At none and at all an end is the share itself, which rounding must not miss.
    low = 0.0 if yes == 0 else middle - half
    high = 1.0 if yes == n else middle + half
    return Figure(int(n) if of is None else of, yes / n, low, high)


def weighed_share(which: Flags, weight: Numbers) -> Figure:
    """How large a part of cases that do not count alike these are."""
    counting = effective(weight)
    return share(float(counting[which].sum()), float(counting.sum()), of=len(which))


def mean(values: Numbers, weight: Numbers | None = None) -> Figure:
    """The mean, by Student's t; no interval below two values."""
    return quotient(values, np.ones(len(values)), weight)


def quotient(above: Numbers, below: Numbers, weight: Numbers | None = None) -> Figure:
    """The sum of `above` over the sum of `below`, of as many cases: each gives one value to both.

    The interval is that of the linearised quotient; none below two cases. Source: W. G. Cochran, Sampling
    Techniques (3rd edition, 1977), on ratio estimators. `weight`: what each counts for, if not alike.
    """
    n = len(below)
    counting = np.ones(n) if weight is None else effective(weight)
    whole = float((counting * below).sum())
    if n == 0 or whole <= 0:
        return Figure(n, None)
    found = float((counting * above).sum()) / whole
    if n == 1:
        return Figure(1, found)
    rest = counting * (above - found * below)
    degrees = max(1, int(counting.sum()) - 1)
    half = student(degrees) * sqrt(float((rest**2).sum()) * n / (n - 1)) / whole
    return Figure(n, found, found - half, found + half)


def part(above: Numbers, below: Numbers, weight: Numbers | None = None) -> Figure:
    """The same of parts and their wholes: no end of the interval is below none or above all."""
    found = quotient(above, below, weight)
    if found.low is None or found.high is None:
        return found
    return replace(found, low=max(0.0, found.low), high=min(1.0, found.high))


def quantile(durations: Durations, part: float = 0.5) -> Figure:
    """By when this part of the cases had ended, open ones counted as open; an end None: beyond what was seen.

    The bounds of the curve are Greenwood's, on the scale of log(−log). Source: R. Brookmeyer, J. Crowley, A
    confidence interval for the median survival time, Biometrics 38 (1982), 29-41; J. D. Kalbfleisch, R. L.
    Prentice, The Statistical Analysis of Failure Time Data (1980).
    """
    if len(durations) == 0:
        return Figure(0, None)
    survival = Survival.of(durations)
    lower, upper = bounds(durations, survival)
    low, value, high = (
        first_below(survival.times, curve[None, :], 1 - part)[0]
        for curve in (lower, survival.going_on, upper)
    )
    return Figure(len(durations), value, low, high)


def bounds(durations: Durations, survival: Survival) -> tuple[Numbers, Numbers]:
    """Between what the curve lies at each of its times."""
    steps, curve = durations.steps, survival.going_on
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = Z * np.sqrt(steps.variance) / np.log(curve)  # negative
        lower, upper = curve ** np.exp(-wide), curve ** np.exp(wide)
    begun, over = curve >= 1, curve <= 0
    # Where all that were left have ended the variance is none: of so many none went on, which Clopper and
    # Pearson's bound (Biometrika 26, 1934) says of the share that does.
    before = np.concatenate([[1.0], upper[:-1]]) * (1 - ((1 - LEVEL) / 2) ** (1 / steps.at_risk))
    return (
        np.where(begun, 1.0, np.where(over, 0.0, lower)),
        np.where(begun, 1.0, np.where(over, before, upper)),
    )


def student(degrees: int, level: float = LEVEL) -> float:
    """How many standard errors Student's t reaches to both sides with this certainty.

    Exact for one and two degrees of freedom, then to better than one in a thousand from four on. Source:
    M. Abramowitz, I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
    """
    p = (1 + level) / 2
    if degrees == 1:
        return float(np.tan(np.pi * (p - 0.5)))
    if degrees == 2:
        return float((2 * p - 1) / sqrt(2 * p * (1 - p)))
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, start=1))
