"""Whole numbers within bounds that fit sums of nothing: the least of what they cost.

A linear program is solved first, from where the last one ended. Its answer is mostly whole; only where it is
not, whole numbers are searched for, which takes longer.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

_NEAR = 1e-6
_RELATIVE, _ABSOLUTE = 1.05, 5.0
"""Where whole numbers are searched for, so much more may what is found cost than the least: to find it takes
long, and what costs less than 10 hides nothing (throughput.small_cells)."""
_NODES = 100
"""So far a search goes."""
_TRIES = 8
"""So often costs are varied a little, to find whole numbers without a search."""
Row = tuple[list[int], list[float]]
"""The places of some numbers and their factors; together they make nothing."""


class WholeNumbers:
    """The numbers, their bounds, and the rows that they fit."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], rows: Sequence[Row]) -> None:
        self._size = len(low)
        self._all = np.arange(self._size, dtype=np.int32)
        self._solver = _solver()
        self._solver.passModel(_model(low, high, rows))
        self._solver.setOptionValue("presolve", "off")
        self.gave_up = False
        """Whether a search went too far: what was not found may be there."""
        self._whole: Any = None
        self._wobbles = [1 + (self._all * (2 * n + 3) % 31) / 31 for n in range(_TRIES)]
        self._bounds = dict(enumerate(zip(low.tolist(), high.tolist(), strict=True)))
        self._moved: dict[int, tuple[float, float]] = {}

    def bound(self, at: int, low: float, high: float) -> None:
        """Let a number be within these from now on."""
        self._solver.changeColBounds(at, low, high)
        self._bounds[at] = self._moved[at] = (low, high)

    @contextmanager
    def bounded(self, at: int, low: float, high: float) -> Iterator[None]:
        """Let a number be within these for a while."""
        before = self._bounds[at]
        self.bound(at, low, high)
        yield
        self.bound(at, *before)

    def least(
        self, costs: NDArray[np.float64], *, enough: float = inf, search: bool = True
    ) -> NDArray[np.int64] | None:
        """Numbers that fit and cost the least; None where none do, or none that costs less than `enough`.

        Without `search` None, too, where they are not found at once.
        """
        found = self._solved(self._solver, costs, enough)
        if found is None or _is_whole(found):
            return _whole(found)
        if not search:
            return None
        most = min(enough, _RELATIVE * float(costs @ found) + _ABSOLUTE)
        for wobble in self._wobbles:
            other = self._solved(self._solver, costs * wobble, inf)
            if other is not None and _is_whole(other) and float(costs @ other) < most:
                return _whole(other)
        return _whole(self._solved(self._searched(), costs, enough))

    def _solved(self, solver: Any, costs: NDArray[np.float64], enough: float) -> NDArray[np.float64] | None:
        solver.changeColsCost(self._size, self._all, costs)
        solver.run()
        if (status := solver.getModelStatus()) != highspy.HighsModelStatus.kOptimal:
            self.gave_up |= status != highspy.HighsModelStatus.kInfeasible
            return None
        if solver.getInfo().objective_function_value >= enough:
            return None
        return np.array(solver.getSolution().col_value)

    def _searched(self) -> Any:
        """The same, with whole numbers alone."""
        if self._whole is None:
            self._whole = _solver()
            model = self._solver.getLp()
            model.integrality_ = [highspy.HighsVarType.kInteger] * self._size
            self._whole.passModel(model)
            self._whole.setOptionValue("mip_rel_gap", _RELATIVE - 1)
            self._whole.setOptionValue("mip_abs_gap", _ABSOLUTE)
            self._whole.setOptionValue("mip_max_nodes", _NODES)
        else:
            for at, (low, high) in self._moved.items():
                self._whole.changeColBounds(at, low, high)
        self._moved.clear()
        return self._whole


class Shifts:
    """Whole numbers that fit sums of nothing and cost by their size, be they more or less than nothing."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], rows: Sequence[Row]) -> None:
        self._size = size = len(low)
        both = [([*at, *(size + n for n in at)], [*sign, *(-n for n in sign)]) for at, sign in rows]
        self._most = np.maximum(np.concatenate([high, -low]), 0)
        self._solver = WholeNumbers(np.maximum(np.concatenate([low, -high]), 0), self._most, both)

    @property
    def gave_up(self) -> bool:
        """Whether a search went too far: what was not found may be there."""
        return self._solver.gave_up

    def least(self, costs: NDArray[np.float64], *, enough: float = inf) -> NDArray[np.int64] | None:
        """Numbers that fit and cost the least; None where none do, or none that costs less than `enough`."""
        found = self._solver.least(np.concatenate([costs, costs]), enough=enough)
        return None if found is None else found[: self._size] - found[self._size :]

    def of(
        self, at: int, by: int, costs: NDArray[np.float64], *, enough: float = inf
    ) -> NDArray[np.int64] | None:
        """The same, one of them one at least, or less than nothing."""
        up, down = (at, self._size + at) if by > 0 else (self._size + at, at)
        if self._most[up] < 1:
            return None
        with self._solver.bounded(up, 1, self._most[up]), self._solver.bounded(down, 0, 0):
            return self.least(costs, enough=enough)


def _is_whole(found: NDArray[np.float64]) -> bool:
    return bool(np.abs(found - np.round(found)).max(initial=0) <= _NEAR)


def _whole(found: NDArray[np.float64] | None) -> NDArray[np.int64] | None:
    return None if found is None else np.round(found).astype(np.int64)


def _model(low: NDArray[np.float64], high: NDArray[np.float64], rows: Sequence[Row]) -> Any:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(low), len(rows)
    model.col_cost_ = np.zeros(len(low))
    model.col_lower_, model.col_upper_ = low, high
    model.row_lower_ = model.row_upper_ = np.zeros(len(rows))
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = len(low), len(rows)
    model.a_matrix_.start_ = np.cumsum([0, *(len(places) for places, _ in rows)])
    model.a_matrix_.index_ = [at for places, _ in rows for at in places]
    model.a_matrix_.value_ = [factor for _, factors in rows for factor in factors]
    return model


class _Quiet(highspy.Highs):
    """A solver that prints nothing: it says what it is as soon as it is made, on standard output."""

    def enableCallbacks(self) -> None:  # noqa: N802  its name there; called while it is made
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def _solver() -> Any:
    return _Quiet()  # type: ignore[no-untyped-call]
