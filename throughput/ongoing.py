"""Lengths of which some are not over yet, very many of them: what they come to in the end.

One that goes on has taken at least as long as until now. Left out it would make all of them look short, for
the long ones are those that go on.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import exp, log, sqrt

import numpy as np

from throughput.survival import Durations, Survival

_NORMAL_QUARTILE = 0.6745  # of the normal law, in deviations from its middle


def doubles() -> "array[float]":
    """An array of lengths."""
    return array("d")


def _flags() -> "array[int]":
    return array("b")


@dataclass
class Lengths:
    """As arrays: a million requests have some ten million."""

    taken: "array[float]" = field(default_factory=doubles)
    over: "array[int]" = field(default_factory=_flags)  # 1 where it has ended

    @classmethod
    def of(cls, taken: Iterable[float]) -> "Lengths":
        """All of them over."""
        values = array("d", taken)
        return cls(values, array("b", [1]) * len(values))

    def __len__(self) -> int:
        return len(self.taken)

    @property
    def ended(self) -> int:
        """How many are over."""
        return sum(self.over)

    def add(self, taken: float, *, over: bool = True) -> None:
        """One more."""
        self.taken.append(taken)
        self.over.append(over)

    def redrawn(self, random: np.random.Generator) -> "Lengths":
        """As many, drawn from these with replacement."""
        drawn = random.integers(0, len(self), len(self)) if len(self) else np.zeros(0, np.int64)
        return Lengths(
            array("d", np.asarray(self.taken)[drawn].tobytes()),
            array("b", np.asarray(self.over)[drawn].tobytes()),
        )

    def more_than(self, length: float) -> "Lengths":
        """Those that are longer."""
        taken, over = np.asarray(self.taken), np.asarray(self.over)
        kept = taken > length
        return Lengths(array("d", taken[kept].tobytes()), array("b", over[kept].tobytes()))

    def mean_and_deviation(self) -> tuple[float, float]:
        """By Kaplan and Meier; what lasts longer than the longest known is taken to end there."""
        if self.ended == len(self):
            return float(np.mean(self.taken)), float(np.std(self.taken))
        found = Survival.of(self.durations)
        shares = -np.diff(found.going_on, prepend=1.0)
        shares[-1] += found.going_on[-1]
        mean = float(shares @ found.times)
        return mean, sqrt(float(shares @ (found.times - mean) ** 2))

    def lognormal(self) -> tuple[float, float] | None:
        """The median, and the deviation over the mean of lognormal lengths with these quartiles.

        Without an upper quartile, since too many go on, by the lower one alone; without a median None.
        """
        found = Survival.of(self.durations)
        low, middle, high = (found.quantile(share) for share in (0.25, 0.5, 0.75))
        if low is None or middle is None:
            return None
        low, middle = max(low, 1e-3), max(middle, 1e-3)
        wide = log(middle / low) if high is None else log(max(high, 1e-3) / low) / 2
        return middle, min(sqrt(exp(min(wide / _NORMAL_QUARTILE, 3.0) ** 2) - 1), 50.0)

    @property
    def durations(self) -> Durations:
        """The same, in order."""
        return Durations.of(np.asarray(self.taken), np.asarray(self.over, dtype=np.bool_))
