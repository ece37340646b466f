"""Small counts are not printed, and can't be had by subtraction either.

A count of two or fewer might tell of a person, so it prints as `*`. Where the tables print sums, such a count
could be had from the others: then more counts are hidden, until nobody who reads all tables together can tell
one of the hidden ones for sure. What one may reckon with: all printed counts, all sums, and that no count is
negative.

Source: the problem is that of M. Fischetti and J. J. Salazar, Solving the cell suppression problem on tabular
data with linear constraints, Management Science 47 (2001), 1008-1027. What is hidden here is found count by
count, each time the least that helps, so now and then one more is hidden than the best choice would.

Who reads `*` may guess which of them stand for small counts: one beside a count that is large enough is. So
it is taken as known of each, unless that alone would tell one: of two in a row, with 2 and 2 of 4, say.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
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


@dataclass(frozen=True)
class Hidden:
    """The cells that print as `*`; `large` are those that are no small counts, where readers may know which.

    None: which are large would tell a count.
    """

    cells: frozenset[Cell]
    large: frozenset[Cell] | None


def hidden(
    counts: Mapping[Cell, int],
    sums: Sequence[Sum],
    *,
    small: int = SMALL,
    unprinted: Set[Cell] = frozenset(),
) -> Hidden:
    """The cells that print as `*`: the small ones, and those that keep them from being told.

    `counts` holds every cell of all tables that one reader may see, totals too. `unprinted` are counts that
    are in no table, and only tie others together: nobody knows whether they are small, and what is told of
    them is nobody's secret. Raises SumsWrong when the counts do not add up.
    """
    _require_sums(counts, sums)
    try:
        found = _found(_Table(counts, sums, small, unprinted, knows=True))
    except _CanNotBeKept:
        return Hidden(_found(_Table(counts, sums, small, unprinted, knows=False)), None)
    return Hidden(found, frozenset(cell for cell in found if counts[cell] > small))


class _CanNotBeKept(Exception):
    """Whatever is hidden, a reader who knows which counts are small can tell one."""


@dataclass(frozen=True)
class _Table:
    """Counts and their sums; whether who reads them `knows` which of the hidden ones are small."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]
    small: int
    unprinted: Set[Cell]
    knows: bool

    def low(self, cell: Cell) -> int:
        """The least that a reader must reckon with where the count is hidden."""
        return self.small + 1 if self._known(cell) and self.counts[cell] > self.small else 0

    def high(self, cell: Cell, most: int) -> int:
        """The most; `most` where nothing is known of it."""
        return self.small if self._known(cell) and self.counts[cell] <= self.small else most

    def _known(self, cell: Cell) -> bool:
        """Whether readers know of a hidden count if it is small."""
        return self.knows and cell not in self.unprinted

    @property
    def most(self) -> int:
        """More than any count can be."""
        return 2 * sum(self.counts.values()) + 10


def _found(table: _Table) -> frozenset[Cell]:
    found = {cell for cell, count in table.counts.items() if count <= table.small} | table.unprinted
    safe = set(table.unprinted)
    while (told := _first_told(table, found, safe)) is not None:
        found |= _cover(table, found, told)
    return frozenset(found - table.unprinted)


def _first_told(table: _Table, found: set[Cell], safe: set[Cell]) -> Cell | None:
    """A hidden cell that can be told; `safe` gathers those that can't, which hiding more keeps so."""
    reader = _Reader(table, found)
    for cell in sorted(found - safe, key=repr):
        if cell in safe:
            continue
        other = reader.other(cell)
        if other is None:
            return cell
        safe |= {one for one, count in other.items() if count != table.counts[one]}
    return None


@dataclass
class _Reader:
    """Somebody who knows the printed cells and the sums, and tries to tell the others."""

    table: _Table
    unknown: set[Cell]
    solver: Any = field(init=False)
    guesses: dict[Cell, Any] = field(init=False)

    def __post_init__(self) -> None:
        table, self.solver = self.table, _solver()
        most = table.most
        self.guesses = {
            cell: self.solver.addIntegral(lb=table.low(cell), ub=table.high(cell, most))
            for cell in sorted(self.unknown, key=repr)
        }
        for one in table.sums:
            terms = [(1, cell) for cell in one.parts] + [(-1, one.total)]
            if any(cell in self.unknown for _, cell in terms):
                self.solver.addConstr(
                    sum(
                        sign * (self.guesses[cell] if cell in self.unknown else table.counts[cell])
                        for sign, cell in terms
                    )
                    == 0
                )

    def other(self, cell: Cell) -> dict[Cell, int] | None:
        """Counts that fit all that is printed, in which this cell is another; None when there are none."""
        guess, counts = self.guesses[cell], self.table.counts
        for solve in (self.solver.maximize, self.solver.minimize):
            solve(guess)
            found = {name: round(self.solver.val(one)) for name, one in self.guesses.items()}
            if found[cell] != counts[cell]:
                return found
        return None


def _cover(table: _Table, found: set[Cell], told: Cell) -> set[Cell]:
    """What to hide so that this cell could be one more, or one less: the least that does it."""
    choices = [_shift(table, found, told, by) for by in (1, -1)]
    possible = [cells for cells in choices if cells is not None]
    if not possible:
        raise _CanNotBeKept
    return min(possible, key=lambda cells: sum(_cost(table.counts[cell]) for cell in cells))


def _shift(table: _Table, found: set[Cell], told: Cell, by: int) -> set[Cell] | None:
    """The cheapest change of whole counts that keeps all sums: what is printed now and would change."""
    counts, most = table.counts, table.most
    if not table.low(told) <= counts[told] + by <= table.high(told, most):
        return None
    solver = _solver()
    more = {cell: solver.addIntegral(lb=0, ub=table.high(cell, most) - counts[cell]) for cell in counts}
    less = {cell: solver.addIntegral(lb=0, ub=counts[cell] - table.low(cell)) for cell in counts}
    for one in table.sums:
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
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
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
