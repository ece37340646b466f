"""Whether one way is faster than another, and how sure that is.

A difference is told with its interval, with the chance that a case of the one is faster than a case of the
other, and with the smallest difference that so many cases can show. What the interval leaves open is said to
be open: "not distinguishable at this n".
"""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

import numpy as np

from throughput.errors import DurationsUnusable
from throughput.survival import ROUNDING, Durations, Numbers, Survival, first_below, surviving

REPLICATES = 2000
LEVEL = 0.95
POWER = 0.8
"""With so much certainty a difference of the smallest size would be seen, when there is one."""
RESAMPLED = 500
"""Groups of more cases are not resampled: see `difference`."""
_AT_ONCE = 200  # resamples in memory


@dataclass(frozen=True)
class Interval:
    """The middle `level` of what resampling gave; an end is None where it lies beyond what has been seen."""

    low: float | None
    high: float | None
    level: float = LEVEL

    @property
    def excludes_zero(self) -> bool:
        """Whether both ends are on one side of nothing."""
        return (self.low is not None and self.low > 0) or (self.high is not None and self.high < 0)


@dataclass(frozen=True)
class Faster:
    """The chance that a case of A is faster than one of B, half of the ties counted.

    `low` and `high` differ by the pairs that can't be told yet: both still open beyond what has been seen.
    """

    low: float
    high: float

    @property
    def told(self) -> bool:
        """Whether no pair is open."""
        return self.high - self.low < 1e-9


@dataclass(frozen=True)
class Difference:
    """A's quantile less B's, in the unit of the durations; None where one of them is not reached."""

    share: float
    a: float | None
    b: float | None
    interval: Interval
    faster: Faster

    @property
    def value(self) -> float | None:
        """The difference as measured."""
        return None if self.a is None or self.b is None else self.a - self.b

    @property
    def distinguishable(self) -> bool:
        """Whether so many cases tell A from B."""
        return self.interval.excludes_zero


def difference(
    a: Durations,
    b: Durations,
    *,
    share: float = 0.5,
    rng: np.random.Generator,
    replicates: int = REPLICATES,
) -> Difference:
    """Compare a quantile of two groups. Raises DurationsUnusable when one has no case.

    The quantiles are Kaplan and Meier's, the interval is the percentile interval of the difference drawn
    again. Up to RESAMPLED cases a group are drawn again with what they are, over or open (the simple
    bootstrap for censored data). Of a larger group, the estimate at each time is drawn as normal with
    Greenwood's variance, which takes no longer for a million cases than for a thousand. At 500 cases (300
    pairs of lognormal groups, none open, and three in ten) both ways held the true difference equally often,
    94 to 96 times in a hundred, and were equally wide within 0.3 %.
    Sources: B. Efron, Censored data and the bootstrap, Journal of the American Statistical Association 76
    (1981), 312-319; R. Brookmeyer, J. Crowley, A confidence interval for the median survival time, Biometrics
    38 (1982), 29-41.
    """
    drawn_a, drawn_b = (_drawn(group, share, rng, replicates) for group in (a, b))
    with np.errstate(invalid="ignore"):  # neither is reached: nobody knows
        apart = drawn_a - drawn_b
    return Difference(
        share=share,
        a=Survival.of(a).quantile(share),
        b=Survival.of(b).quantile(share),
        interval=_middle(apart, LEVEL),
        faster=faster(a, b),
    )


def faster(a: Durations, b: Durations) -> Faster:
    """Estimate P(A < B) + P(A = B) / 2. Raises DurationsUnusable when one has no case.

    Without an open case this is Mann and Whitney's U over the number of pairs. With open ones it is the same
    of the two Kaplan–Meier estimates, and bounds where both end before everything has.
    """
    _require(a, b)
    one, other = Survival.of(a), Survival.of(b)
    times = np.union1d(one.times, other.times)
    left_a, left_b = _after(one, times), _after(other, times)
    ends_a = -np.diff(left_a, prepend=1.0)
    ends_b = -np.diff(left_b, prepend=1.0)
    last_a, last_b = one.times[-1], other.times[-1]
    open_a, open_b = left_a[-1], left_b[-1]
    known_b = np.where(times <= last_b, left_b, open_b)
    # A case of A that ended at a time beyond B's last is not told apart from B's that were open then.
    beyond_b = float(ends_a[times > last_b].sum()) * open_b
    sure = float((ends_a * (known_b + ends_b / 2)).sum()) - beyond_b
    # B's that ended while A's were seen: A's still open are slower. Beyond A's last, nobody knows.
    beyond_a = float(ends_b[times > last_a].sum()) * open_a
    return Faster(_share(sure), _share(sure + beyond_b + beyond_a + float(open_a * open_b)))


def smallest_difference(
    a: tuple[float, float], b: tuple[float, float], *, level: float = LEVEL, power: float = POWER
) -> float | None:
    """The smallest difference of means that groups of (deviation, n) can show; None below two cases."""
    if min(a[1], b[1]) < 2:
        return None
    return _z(level, power) * sqrt(a[0] ** 2 / a[1] + b[0] ** 2 / b[1])


def cases_needed(
    a_mean: float, b_mean: float, *, variation: float = 0.5, level: float = LEVEL, power: float = POWER
) -> int | None:
    """Cases needed per group to tell two means apart, where the deviation is `variation` times the mean.

    None for equal means. By the normal approximation: two or three cases more are needed when it gives few.
    """
    if a_mean == b_mean:
        return None
    spread = variation**2 * (a_mean**2 + b_mean**2)
    return ceil(_z(level, power) ** 2 * spread / (a_mean - b_mean) ** 2)


def _z(level: float, power: float) -> float:
    normal = NormalDist()
    return normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)


def _require(*groups: Durations) -> None:
    if not all(len(group) for group in groups):
        raise DurationsUnusable("There is no case to compare.")


def _drawn(group: Durations, share: float, rng: np.random.Generator, replicates: int) -> Numbers:
    """The quantile so many times as it might have been; infinite where it is not reached."""
    _require(group)
    ways = _resampled if len(group) <= RESAMPLED else _by_greenwood
    return ways(group, share, rng, replicates)


def _by_greenwood(group: Durations, share: float, rng: np.random.Generator, replicates: int) -> Numbers:
    """The first time by which the estimate, moved by a normal deviate of its errors, is down to the level."""
    steps, left = group.steps, Survival.of(group).going_on
    error = np.sqrt(steps.variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        reached_from = ((1 - share) / left - 1) / error  # deviates from which on it is down by then
    reached_from = np.where(left > ROUNDING, reached_from, np.inf)  # all have ended
    reached_from = np.maximum.accumulate(np.where(error > 0, reached_from, -np.inf))
    place = np.searchsorted(reached_from, rng.standard_normal(replicates))
    return np.append(steps.times, np.inf)[place]


def _resampled(group: Durations, share: float, rng: np.random.Generator, replicates: int) -> Numbers:
    """The quantile of so many samples drawn from the group; infinite where a sample does not reach it."""
    times, n = group.steps.times, len(group)
    cells = 2 * len(times)  # what ended at each time, then what was left open
    ended_first = np.argsort(~group.over, kind="stable")
    places = (np.searchsorted(times, group.taken) + len(times) * ~group.over)[ended_first]
    weight = group.weight[ended_first]
    found: list[float] = []
    for begun in range(0, replicates, _AT_ONCE):
        size = min(_AT_ONCE, replicates - begun)
        drawn = rng.integers(n, size=(size, n))
        place = places[drawn] + cells * np.arange(size)[:, np.newaxis]
        counts = np.bincount(place.ravel(), weight[drawn].ravel(), minlength=size * cells)
        ended, left_open = np.split(counts.astype(np.float64).reshape(size, -1), 2, axis=1)
        values = first_below(times, surviving(ended, left_open), 1 - share)
        found.extend(np.inf if value is None else value for value in values)
    return np.asarray(found)


def _middle(values: Numbers, level: float) -> Interval:
    """The percentile interval; infinite is beyond what was seen, two of those make NaN."""
    tail = (1 - level) / 2
    low = np.sort(np.where(np.isnan(values), -np.inf, values))
    high = np.sort(np.where(np.isnan(values), np.inf, values))
    at_low = float(low[int(np.floor(tail * (len(values) - 1)))])
    at_high = float(high[int(np.ceil((1 - tail) * (len(values) - 1)))])
    return Interval(at_low if np.isfinite(at_low) else None, at_high if np.isfinite(at_high) else None, level)


def _after(survival: Survival, times: Numbers) -> Numbers:
    place = np.searchsorted(survival.times, times, side="right")
    return np.concatenate([[1.0], survival.going_on])[place]


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
