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

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from throughput.errors import SumsWrong
from throughput.whole_numbers import WholeNumbers

SMALL = 2
HIDDEN = "*"
FEWEST = 5
"""Of fewer requests than this nothing is told of how they fared."""
Cell = Hashable
_Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Sum:
    """A sum that readers know of: `total` is the count of all `parts` together."""

    total: Cell
    parts: tuple[Cell, ...]


@dataclass(frozen=True)
class Within:
    """What a reader may know of a count: `low` and `high`, the same where it is told; infinite for no end."""

    low: int
    high: float


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
    before: Mapping[Cell, Within] | None = None,
) -> Hidden:
    """The cells that print as `*`: the small ones, and those that keep them from being told.

    `counts` holds every cell of all tables that one reader may see, totals too. `before` is what was printed
    earlier, and what may be known of what was hidden then: that is kept hidden, too, by what is hidden now.
    What else there is in a sum is in no table, and only ties others together: it is nobody's secret. Raises
    SumsWrong when the counts do not add up.
    """
    _require_sums(counts, sums)
    known = before or {}
    table = _Table.of(counts, sums, known)
    for knows in (True, False):
        search = _Search(table, small, knows=knows)
        if search.found_all():
            found = frozenset(cell for cell in search.hidden if cell in counts)
            large = frozenset(cell for cell in found if counts[cell] > small)
            return Hidden(found, large if knows else None)
    raise AssertionError


def _require_sums(counts: Mapping[Cell, int], sums: Sequence[Sum]) -> None:
    for one in _wrong(counts, sums):
        raise SumsWrong(f"{one.total!r} is {counts[one.total]}, but its parts are not.")


def _wrong(counts: Mapping[Cell, int], sums: Sequence[Sum]) -> Iterator[Sum]:
    for one in sums:
        if {one.total, *one.parts} <= counts.keys() and counts[one.total] != sum(
            map(counts.__getitem__, one.parts)
        ):
            yield one


@dataclass(frozen=True)
class _Table:
    """Cells in their order, counts that fit all of them, and their sums.

    `decides`: of these it is decided what is hidden; `known`: from what to what those may be that were printed
    or hidden before; the rest is in no table.
    """

    cells: Sequence[Cell]
    values: _Counts
    rows: Sequence[tuple[list[int], list[float]]]
    decides: NDArray[np.bool_]
    known: Mapping[int, Within]
    most: int

    @classmethod
    def of(cls, counts: Mapping[Cell, int], sums: Sequence[Sum], known: Mapping[Cell, Within]) -> "_Table":
        """Where something is not counted, counts for it are found that fit. Raises SumsWrong for none."""
        every = {cell for one in sums for cell in (one.total, *one.parts)} | counts.keys() | known.keys()
        cells = sorted(every, key=repr)
        place = {cell: at for at, cell in enumerate(cells)}
        rows = [
            ([*(place[part] for part in one.parts), place[one.total]], [*(1.0 for _ in one.parts), -1.0])
            for one in sums
        ]
        ends = [one.high for one in known.values() if one.high < inf]
        most = int(2 * max([0, *counts.values(), *(one.low for one in known.values()), *ends])) + 10
        decides = np.array([cell in counts for cell in cells], dtype=bool)
        within = {place[cell]: one for cell, one in known.items()}
        values = np.array([counts.get(cell, 0) for cell in cells], dtype=np.int64)
        if not decides.all():
            lows, highs = values.astype(float), values.astype(float)
            for at in np.flatnonzero(~decides):
                one = within.get(int(at), Within(0, inf))
                lows[at], highs[at] = one.low, min(one.high, most)
            found = WholeNumbers(lows, highs, rows).least(np.where(decides, 0.0, 1.0))
            if found is None:
                raise SumsWrong("The counts do not fit those that were told before.")
            values = found
        return cls(cells, values, rows, decides, within, most)


class _Search:
    """What to hide, found step by step; whoever reads `knows` which of the hidden ones are small, or not."""

    def __init__(self, table: _Table, small: int, *, knows: bool) -> None:
        self._table, self._knows = table, knows
        size = len(table.cells)
        is_small = table.values <= small
        self._low, self._high = np.zeros(size), np.full(size, float(table.most))
        if knows:
            self._low[table.decides & ~is_small] = small + 1
            self._high[table.decides & is_small] = max(small, 0)
        self._found = table.decides & is_small
        self._unsafe = self._found.copy()
        self._printed = table.decides & ~is_small
        for at, one in table.known.items():
            self._low[at], self._high[at] = one.low, min(one.high, table.most)
            self._unsafe[at] = one.low < one.high
        free = ~self._printed
        self._reader = WholeNumbers(
            np.where(free, self._low, table.values), np.where(free, self._high, table.values), table.rows
        )
        self._most = np.concatenate([self._high - table.values, table.values - self._low])
        self._shifts = self._changes()

    @property
    def hidden(self) -> list[Cell]:
        return [self._table.cells[at] for at in np.flatnonzero(self._found)]

    def found_all(self) -> bool:
        """Hide until nothing can be told. False where whoever knows which are small can tell one all the same."""
        self._move_many()
        for at in range(len(self._table.cells)):
            if self._unsafe[at] and not self._is_kept(at) and not self._cover(at):
                if self._knows:
                    return False
                self._unsafe[at] = False  # the sums alone tell it, whatever is printed
        return True

    def _move_many(self) -> None:
        """Find counts that fit what is printed, and are others in many cells at once."""
        for sign in (-1.0, 1.0):
            while self._unsafe.any():
                before = int(self._unsafe.sum())
                self._note(self._reader.least(np.where(self._unsafe, sign, 0.0)))
                if int(self._unsafe.sum()) == before:
                    break

    def _is_kept(self, at: int) -> bool:
        """Whether other counts fit all that is printed, in which this cell is another."""
        for sign in (-1.0, 1.0):
            aim = np.zeros(len(self._table.cells))
            aim[at] = sign
            self._note(self._reader.least(aim, enough=sign * float(self._table.values[at]) - 1))
            if not self._unsafe[at]:
                return True
        return False

    def _note(self, other: _Counts | None) -> None:
        """Cells that may be others can't be told, and hiding more keeps them so."""
        if other is not None:
            self._unsafe &= other == self._table.values

    def _changes(self) -> WholeNumbers:
        """By how much more, and by how much less, each cell may be where it were hidden."""
        size = len(self._table.cells)
        rows = [
            ([*places, *(size + at for at in places)], [*signs, *(-sign for sign in signs)])
            for places, signs in self._table.rows
        ]
        return WholeNumbers(np.zeros(2 * size), self._most, rows)

    def _cover(self, at: int) -> bool:
        """Hide what lets this cell be one more, or one less: what costs the least. False where nothing does."""
        size, values = len(self._table.cells), self._table.values
        costs = np.where(self._printed, 10 + np.sqrt(values), 0.001)
        best: tuple[float, _Counts] | None = None
        for more, less in ((at, size + at), (size + at, at)):
            found = self._shift(more, less, np.concatenate([costs, costs]))
            if found is None:
                continue
            change = found[:size] - found[size:]
            cost = float(costs[change != 0].sum())
            if best is None or cost < best[0]:
                best = cost, change
        if best is None:
            return False
        self._hide(np.flatnonzero((best[1] != 0) & self._printed))
        self._note(values + best[1])
        return True

    def _shift(self, more: int, less: int, costs: NDArray[np.float64]) -> _Counts | None:
        """The cheapest change that keeps all sums, of one or more here."""
        most_more, most_less = self._most[more], self._most[less]
        if most_more < 1:
            return None
        self._shifts.bound(more, 1, most_more)
        self._shifts.bound(less, 0, 0)
        try:
            return self._shifts.least(costs)
        finally:
            self._shifts.bound(more, 0, most_more)
            self._shifts.bound(less, 0, most_less)

    def _hide(self, places: NDArray[np.int64]) -> None:
        self._found[places], self._printed[places] = True, False
        for at in places:
            self._reader.bound(int(at), self._low[at], self._high[at])
