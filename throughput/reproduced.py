"""How well the simulation of what is says what was measured of it.

Who simulates what might be has to know first whether what is comes out right: a law that waits do not follow,
a desk that is none, or an office that fills up, all show here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite, sqrt

import numpy as np

from throughput import estimates
from throughput.claims import HOURS_PER_FTE_WEEK
from throughput.estimates import Figure
from throughput.measured import LEAST, Measured, Whole
from throughput.replications import Estimate
from throughput.scenario import DAY_MIN, WEEK_MIN
from throughput.seen import weights
from throughput.simulate import Outcome

TOLERANCE = 0.1
"""So far off is near enough, however narrow the intervals are."""
_USUAL = 0.95  # what is in hand is counted from when so many of the first had time to be delivered


@dataclass(frozen=True)
class Check:
    """A figure as it was measured, and as it is simulated. `figure`: by its name in an outcome."""

    figure: str
    measured: Figure
    simulated: Estimate

    @property
    def fits(self) -> bool | None:
        """Whether either lies within what the other leaves open, or they are near; None: not measured."""
        value, told = self.measured.value, self.simulated
        if value is None:
            return None
        low, high = (
            default if end is None else end
            for end, default in ((self.measured.low, value), (self.measured.high, inf))
        )
        near = abs(told.value - value) <= TOLERANCE * abs(value)
        return isfinite(told.value) and (near or told.low <= value <= told.high or low <= told.value <= high)


@dataclass(frozen=True)
class Reproduced:
    """The figures of a variant that was fitted; none where too few were delivered to tell."""

    variant: str
    checks: tuple[Check, ...]

    @property
    def missed(self) -> tuple[Check, ...]:
        """What does not fit: what is simulated from the same can't be relied on."""
        return tuple(one for one in self.checks if one.fits is False)


def reproduced(measured: Measured, outcome: Outcome) -> Reproduced:
    """Hold the outcome of what was fitted against what it was fitted from."""
    return Reproduced(measured.variant, tuple(_checks(measured, outcome)))


def _checks(measured: Measured, outcome: Outcome) -> Iterator[Check]:
    whole = measured.whole
    if whole.lead.ended < LEAST or not measured.per_week:
        return
    lead = whole.lead.durations
    for name, share in (("lead_median_days", 0.5), ("lead_p90_days", 0.9)):
        yield Check(name, estimates.quantile(lead, share).times(1 / DAY_MIN), getattr(outcome, name))
    yield Check("in_progress", in_hand(whole, measured.per_week), outcome.in_progress)
    taken, over = np.asarray(whole.lead.taken), np.asarray(whole.lead.over, dtype=np.bool_)
    handled = estimates.mean(np.asarray(whole.handled), weights(taken, over)[over])
    fte = handled.times(measured.per_week / 60 / HOURS_PER_FTE_WEEK)
    yield Check("handling_fte", fte, outcome.handling_fte)


def in_hand(whole: Whole, per_week: float) -> Figure:
    """How many were in hand on average, had as many come in a week as to all variants.

    From when the first were over: an office that begins has less. Chance makes as much of it as of the sum of
    ways of which as many come as by Poisson.
    """
    begun, taken = np.asarray(whole.begun), np.asarray(whole.lead.taken)
    over = np.asarray(whole.lead.over, dtype=np.bool_)
    until = whole.until
    since = min(float(np.quantile(taken[over], _USUAL)), until / 2)
    ends = np.where(over, np.minimum(begun + taken, until), until)
    there = np.clip(ends - np.maximum(begun, since), 0, None)
    came = int(((begun >= since) & (begun < until)).sum())
    if came < LEAST:
        return Figure(came, None)
    as_many = per_week * (until - since) / WEEK_MIN / came
    value, wide = (as_many * size / (until - since) for size in (there.sum(), sqrt((there**2).sum())))
    return Figure(
        came, float(value), max(0.0, float(value - estimates.Z * wide)), float(value + estimates.Z * wide)
    )
