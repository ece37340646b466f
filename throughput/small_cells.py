"""Small counts are not printed, and can't be had by subtraction either.

A count of two or fewer might tell of a person, so it prints as `*`. Where the tables print sums, such a count
could be had from the others: then more counts are hidden, until nobody who reads all tables together can tell
one of the hidden ones for sure. What one may reckon with: all printed counts, all sums, and that no count is
negative.

Source: the problem is that of M. Fischetti and J. J. Salazar, Solving the cell suppression problem on tabular
data with linear constraints, Management Science 47 (2001), 1008-1027. What is hidden here is found count by
count, each time the least that helps, so now and then one more is hidden than the best choice would.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import highspy

from throughput.errors import SumsWrong

SMALL = 2
HIDDEN = "*"
FEWEST = 5
"""Of fewer requests than this nothing is told of how they fared."""
Cell = Hashable


@dataclass(frozen=True)
class Sum:
    """A sum that readers know of: `total` is the count of all `parts` together."""

    total: Cell
    parts: tuple[Cell, ...]


def hidden(counts: Mapping[Cell, int], sums: Sequence[Sum], *, small: int = SMALL) -> frozenset[Cell]:
    """The cells that print as `*`: the small ones, and those that keep them from being told.

    `counts` holds every cell of all tables that one reader may see, totals too. Raises SumsWrong when the
    counts do not add up.
    """
    _require_sums(counts, sums)
    found = {cell for cell, count in counts.items() if count <= small}
    safe: set[Cell] = set()
    while (told := _first_told(counts, sums, found, safe)) is not None:
        found |= _cover(counts, sums, found, told)
    return frozenset(found)


def _first_told(
    counts: Mapping[Cell, int], sums: Sequence[Sum], found: set[Cell], safe: set[Cell]
) -> Cell | None:
    """A hidden cell that can be told; `safe` gathers those that can't, which hiding more keeps so."""
    reader = _Reader(counts, sums, found)
    for cell in sorted(found - safe, key=repr):
        if cell in safe:
            continue
        other = reader.other(cell)
        if other is None:
            return cell
        safe |= {one for one, count in other.items() if count != counts[one]}
    return None


@dataclass
class _Reader:
    """Somebody who knows the printed cells and the sums, and tries to tell the others."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]
    unknown: set[Cell]
    solver: Any = field(init=False)
    guesses: dict[Cell, Any] = field(init=False)

    def __post_init__(self) -> None:
        most = 2 * sum(self.counts.values()) + 10
        self.solver = _solver()
        self.guesses = {
            cell: self.solver.addIntegral(lb=0, ub=most) for cell in sorted(self.unknown, key=repr)
        }
        for one in self.sums:
            terms = [(1, cell) for cell in one.parts] + [(-1, one.total)]
            if any(cell in self.unknown for _, cell in terms):
                self.solver.addConstr(
                    sum(
                        sign * (self.guesses[cell] if cell in self.unknown else self.counts[cell])
                        for sign, cell in terms
                    )
                    == 0
                )

    def other(self, cell: Cell) -> dict[Cell, int] | None:
        """Counts that fit all that is printed, in which this cell is another; None when there are none."""
        guess = self.guesses[cell]
        for solve in (self.solver.maximize, self.solver.minimize):
            solve(guess)
            found = {name: round(self.solver.val(one)) for name, one in self.guesses.items()}
            if found[cell] != self.counts[cell]:
                return found
        return None


def _cover(counts: Mapping[Cell, int], sums: Sequence[Sum], found: set[Cell], told: Cell) -> set[Cell]:
    """What to hide so that this cell could be one more, or one less: the least that does it."""
    choices = [_shift(counts, sums, found, told, by) for by in (1, -1) if counts[told] + by >= 0]
    return min(choices, key=lambda cells: sum(_cost(counts[cell]) for cell in cells))


def _shift(
    counts: Mapping[Cell, int], sums: Sequence[Sum], found: set[Cell], told: Cell, by: int
) -> set[Cell]:
    """The cheapest change of whole counts that keeps all sums: what is printed now and would change."""
    solver = _solver()
    more = {cell: solver.addIntegral(lb=0) for cell in counts}
    less = {cell: solver.addIntegral(lb=0, ub=count) for cell, count in counts.items()}
    for one in sums:
        solver.addConstr(
            sum(more[cell] - less[cell] for cell in one.parts) - more[one.total] + less[one.total] == 0
        )
    solver.addConstr(more[told] - less[told] == by)
    solver.minimize(
        sum(
            (0.001 if cell in found else _cost(count)) * (more[cell] + less[cell])
            for cell, count in counts.items()
        )
    )
    changed = {cell for cell in counts if round(solver.val(more[cell]) - solver.val(less[cell])) != 0}
    return changed - found


def _cost(count: int) -> float:
    """To hide a small count costs less than to hide a large one, and two cost more than one."""
    return 10 + sqrt(count)


def _require_sums(counts: Mapping[Cell, int], sums: Sequence[Sum]) -> None:
    for one in _wrong(counts, sums):
        raise SumsWrong(f"{one.total!r} is {counts[one.total]}, but its parts are not.")


def _wrong(counts: Mapping[Cell, int], sums: Sequence[Sum]) -> Iterator[Sum]:
    for one in sums:
        if counts[one.total] != sum(counts[cell] for cell in one.parts):
            yield one


class _Quiet(highspy.Highs):
    """A solver that prints nothing: it says what it is as soon as it is made, on standard output."""

    def enableCallbacks(self) -> None:  # noqa: N802  its name there; called while it is made
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def _solver() -> Any:
    return _Quiet()  # type: ignore[no-untyped-call]
