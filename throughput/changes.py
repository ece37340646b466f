"""Changes of counts that keep all sums: which others there may be, and what the least of them costs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from throughput.whole_numbers import Row, Shifts, WholeNumbers

Counts = NDArray[np.int64]
Marks = NDArray[np.bool_]


class Changes:
    """Changes of counts that keep all sums, of the cells that are `free`; the others stay as they are."""

    def __init__(
        self,
        rows: Sequence[Row],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        printed: Marks,
        free: Marks,
    ) -> None:
        self.free, self._places = free, np.flatnonzero(free)
        self._at = {int(at): n for n, at in enumerate(self._places)}
        self._low, self._high = low[free], high[free]
        own = [
            [(self._at[at], sign) for at, sign in zip(*row, strict=True) if at in self._at] for row in rows
        ]
        of_free = [([at for at, _ in row], [sign for _, sign in row]) for row in own if row]
        there = ~printed[free]
        self._others = WholeNumbers(np.where(there, self._low, 0), np.where(there, self._high, 0), of_free)
        self._shifts = Shifts(self._low, self._high, of_free)

    def of_many(self, costs: NDArray[np.float64]) -> Counts | None:
        """Of hidden cells alone: those that cost the least, if the solver finds them at once."""
        found = self._others.least(costs[self._places], search=False)
        return None if found is None else self._of_all(found)

    def of_hidden(self, at: int, by: int) -> Counts | None:
        """Of hidden cells alone: one or more, or less, of this cell, if the solver finds it at once."""
        here = self._at[at]
        low, high = (1, self._high[here]) if by > 0 else (self._low[here], -1)
        if low > high:
            return None
        with self._others.bounded(here, low, high):
            found = self._others.least(np.zeros(len(self._places)), search=False)
        return None if found is None else self._of_all(found)

    def of_one(
        self, at: int, by: int, costs: NDArray[np.float64], enough: float
    ) -> tuple[float, Counts] | None:
        """One or more, or less, of this cell: what costs the least, and what it costs; None where it is more
        than `enough`.
        """
        own = costs[self._places]
        change = self._shifts.of(self._at[at], by, own, enough=enough)
        return None if change is None else (float(own[change != 0].sum()), self._of_all(change))

    @property
    def gave_up(self) -> bool:
        """Whether a change may be there that was not found."""
        return self._shifts.gave_up

    def hide(self, places: NDArray[np.int64]) -> None:
        """Let these be others from now on."""
        for at in places:
            here = self._at[int(at)]
            self._others.bound(here, self._low[here], self._high[here])

    def _of_all(self, change: Counts) -> Counts:
        found = np.zeros(len(self.free), dtype=np.int64)
        found[self._places] = change
        return found
