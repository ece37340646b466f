"""Figures over the replications of a simulation, and how sure they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import mean, median, stdev

from throughput.estimates import student

SPREAD_LEAST = 39
"""Of fewer replications not even the smallest and the largest have 95 % of all between them."""


@dataclass(frozen=True)
class Estimate:
    """A figure over the replications, and where it lies with 95 % certainty. Nothing is less than nothing.

    An end, or the value too, is infinite where it grows without end in so many of them.
    """

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float], *, most: float = inf) -> "Estimate":
        """The mean of replications that know nothing of one another, and where that of all would lie: by
        Student's law. `most`: no figure can be more."""
        middle, many = mean(values), len(values)
        wide = student(many - 1) * stdev(values) / sqrt(many) if many > 1 else 0.0
        return cls(middle, max(0.0, middle - wide), min(most, middle + wide))

    @classmethod
    def spread(cls, values: Sequence[float], *, most: float = inf) -> "Estimate":
        """The median of replications whose inputs were drawn anew each time, and between which of them 95 %
        of all would lie, whatever their law: what the inputs leave open is in it. Of SPREAD_LEAST or more."""
        ordered = sorted(values)
        cut = max(1, int((len(ordered) + 1) * 0.025))
        return cls(median(ordered), min(most, ordered[cut - 1]), min(most, ordered[-cut]))
