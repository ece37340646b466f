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
from functools import cached_property
from math import inf

import numpy as np
from numpy.typing import NDArray

from throughput.errors import SumsWrong
from throughput.whole_numbers import Row, WholeNumbers

SMALL = 2
HIDDEN = "*"
FEWEST = 5
"""Of fewer requests than this nothing is told of how they fared."""
_FEW = 8
"""So few cells are moved one by one, more of them many at once first."""
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
    before: Sequence[Mapping[Cell, Within]] = (),
) -> Hidden:
    """The cells that print as `*`: the small ones, and those that keep them from being told.

    `counts` holds every cell of all tables that one reader may see, totals too. `before` is what was printed
    earlier, and what may be known of what was hidden then: that is kept hidden, too, by what is hidden now.
    What else there is in a sum is in no table, and only ties others together: it is nobody's secret. Raises
    SumsWrong when the counts do not add up.
    """
    _require_sums(counts, sums)
    table = _Table.of(counts, sums, before)
    for knows in (True, False):
        search = _Search(table, small, knows=knows)
        if search.found_all():
            if search.gave_up and search.tells and not knows:
                return Hidden(frozenset(counts), None)  # what prints nothing tells nothing
            found = frozenset(cell for cell in search.hidden if cell in counts)
            large = frozenset(cell for cell in found if counts[cell] > small)
            return Hidden(found, large if knows else None)
    raise AssertionError


def fits(counts: Mapping[Cell, int], sums: Sequence[Sum], before: Sequence[Mapping[Cell, Within]]) -> bool:
    """Whether the counts add up, with some that fit what is known of those before."""
    try:
        _Table.of(counts, sums, before)
    except SumsWrong:
        return False
    return True


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

    `decides`: of these it is decided what is hidden; `known`: from what to what those may be that were
    printed or hidden before. `table`: 0 of those to decide, then of the earlier ones; -1: in no table.
    `costs`: what it costs to hide one; it doesn't depend on counts, for what is hidden would tell of them.
    """

    cells: Sequence[Cell]
    values: _Counts
    rows: Sequence[Row]
    decides: NDArray[np.bool_]
    known: Mapping[int, Within]
    table: NDArray[np.int64]
    costs: NDArray[np.float64]
    most: int

    @classmethod
    def of(
        cls, counts: Mapping[Cell, int], sums: Sequence[Sum], before: Sequence[Mapping[Cell, Within]]
    ) -> "_Table":
        """Where something is not counted, counts for it are found that fit. Raises SumsWrong for none."""
        known = {cell: one for table in before for cell, one in table.items()}
        every = {cell for one in sums for cell in (one.total, *one.parts)} | counts.keys() | known.keys()
        cells = sorted(every, key=repr)
        place = {cell: at for at, cell in enumerate(cells)}
        rows = [
            ([*(place[part] for part in one.parts), place[one.total]], [*(1.0 for _ in one.parts), -1.0])
            for one in sums
        ]
        decides = np.array([cell in counts for cell in cells], dtype=bool)
        within = {place[cell]: one for cell, one in known.items()}
        most = _more_than_any(counts, known)
        values = np.array([counts.get(cell, 0) for cell in cells], dtype=np.int64)
        if not decides.all():
            values = _fitted(values, decides, within, rows, most)
        number = {cell: n for n, table in enumerate((counts, *before)) for cell in table}
        printed = [one for one in sums if number.keys() >= {one.total, *one.parts}]
        levels = np.array(list(_levels(cells, printed)), dtype=float)
        costs = 10 + levels + np.arange(len(cells)) / (len(cells) + 1)
        tables = np.array([number.get(cell, -1) for cell in cells], dtype=np.int64)
        return cls(cells, values, rows, decides, within, tables, costs, most)


def _more_than_any(counts: Mapping[Cell, int], known: Mapping[Cell, Within]) -> int:
    ends = (end for one in known.values() for end in (one.low, one.high) if end < inf)
    return int(2 * max([0, *counts.values(), *ends])) + 10


def _fitted(
    values: _Counts, decides: NDArray[np.bool_], within: Mapping[int, Within], rows: Sequence[Row], most: int
) -> _Counts:
    """Counts that fit for what is not counted. Raises SumsWrong for none."""
    known = [within.get(at, Within(0, inf)) for at in range(len(values))]
    lows = np.where(decides, values, [one.low for one in known]).astype(float)
    highs = np.where(decides, values, [min(one.high, most) for one in known]).astype(float)
    found = WholeNumbers(lows, highs, rows).least(np.where(decides, 0.0, 1.0))
    if found is None:
        raise SumsWrong("The counts do not fit those that were told before.")
    return found


def _levels(cells: Sequence[Cell], sums: Sequence[Sum]) -> Iterator[int]:
    """Of each cell how many sums are below it, one of the other: a total costs more than a part of it."""
    levels: dict[Cell, int] = dict.fromkeys(cells, 0)
    is_found = False
    while not is_found:
        is_found = True
        for one in sums:
            if (level := 1 + max((levels[part] for part in one.parts), default=0)) > levels[one.total]:
                levels[one.total], is_found = level, False
    yield from levels.values()


class _Search:
    """What to hide, found step by step; whoever reads `knows` which of the hidden ones are small, or not."""

    def __init__(self, table: _Table, small: int, *, knows: bool) -> None:
        self._table, self._knows = table, knows
        size, is_small = len(table.cells), table.values <= small
        low, high = np.zeros(size), np.full(size, float(table.most))
        if knows:
            low[table.decides & ~is_small] = small + 1
            high[table.decides & is_small] = max(small, 0)
        self._unsafe = table.decides & is_small
        self._printed = table.decides & ~is_small
        for at, one in table.known.items():
            low[at], high[at] = one.low, min(one.high, table.most)
            self._unsafe[at] = one.low < one.high and one.low <= small
        self._low, self._high = low, high
        self.gave_up = False

    @property
    def hidden(self) -> list[Cell]:
        """The cells that print as `*`."""
        return [self._table.cells[int(at)] for at in np.flatnonzero(self._table.decides & ~self._printed)]

    def found_all(self) -> bool:
        """Hide until nothing can be told; False where who knows which are small can tell one all the same.

        First of one table at a time, the others staying as they are: most cells can be others all the same.
        """
        tables = self._table.table
        if len(numbers := range(tables.max(initial=0) + 1)) > 1:
            for number in numbers:
                self._keep_in(self._changes((tables == number) | (tables < 0)))
        is_kept = self._keep_in(
            self._changes(np.ones(len(self._table.cells), dtype=bool)), strict=self._knows
        )
        return is_kept or not self._knows  # else what is left is told by the sums alone, whatever is printed

    @property
    def tells(self) -> bool:
        """Whether something can be told."""
        return bool(self._unsafe.any())

    def _changes(self, free: NDArray[np.bool_]) -> "_Changes":
        values = self._table.values
        return _Changes(self._table.rows, self._low - values, self._high - values, self._printed, free)

    def _keep_in(self, changes: "_Changes", *, strict: bool = False) -> bool:
        """Hide what lets cells be others, by changes of these; whether all can be. `strict`: up to the first
        that can't.
        """
        for aim in _aims(len(self._table.cells)):
            if (aims := self._unsafe & changes.free).sum() > _FEW:
                self._note(changes.of_many(np.where(aims, aim, 0.0)))
        for at in np.flatnonzero(self._unsafe & changes.free):
            if self._unsafe[at]:
                self._keep(int(at), changes)
            if self._unsafe[at] and changes.free.all() and self._told_before(int(at)):
                self._unsafe[at] = False
            if strict and self._unsafe[at]:
                return False
        self.gave_up |= changes.gave_up
        return not (self._unsafe & changes.free).any()

    def _told_before(self, at: int) -> bool:
        """Whether it is told whatever is printed now: by what was printed before alone."""
        if self._table.decides[at]:
            return False
        same = np.full(len(self._table.cells), 0.001)
        found = any(self._before.of_one(at, by, same, inf) is not None for by in (1, -1))
        return not found and not self._before.gave_up

    @cached_property
    def _before(self) -> "_Changes":
        """Changes where nothing is known of what is decided now."""
        now, values = self._table.decides, self._table.values
        low, high = np.where(now, 0, self._low), np.where(now, self._table.most, self._high)
        nothing = np.zeros(len(values), dtype=bool)
        return _Changes(self._table.rows, low - values, high - values, nothing, ~nothing)

    def _keep(self, at: int, changes: "_Changes") -> None:
        """Hide what lets this cell be one more, or less: what costs least, and nothing where it may be so."""
        costs = np.where(self._printed, self._table.costs, 0.001)
        best: tuple[float, _Counts] | None = None
        for by in (1, -1):
            found = changes.of_one(at, by, costs, inf if best is None else best[0])
            if found is not None and (best is None or found[0] < best[0]):
                best = found
            if best is not None and not (self._printed & (best[1] != 0)).any():
                break
        if best is not None:
            places = np.flatnonzero(self._printed & (best[1] != 0))
            self._printed[places] = False
            changes.hide(places)
            self._note(best[1])

    def _note(self, change: _Counts | None) -> None:
        """Cells that may be others can't be told, and hiding more keeps them so."""
        if change is not None:
            self._unsafe &= change == 0


def _aims(size: int) -> Iterator[NDArray[np.float64]]:
    """Which cells to make more of, and of which less: all, none, each second, each second pair, ..."""
    places = np.arange(size)
    yield np.full(size, -1.0)
    yield np.full(size, 1.0)
    for bit in range(min(6, size.bit_length())):
        aim = np.where(places >> bit & 1, -1.0, 1.0)
        yield aim
        yield -aim


class _Changes:
    """Changes of counts that keep all sums, of the cells that are `free`; the others stay as they are."""

    def __init__(
        self,
        rows: Sequence[Row],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        printed: NDArray[np.bool_],
        free: NDArray[np.bool_],
    ) -> None:
        self.free, self._places = free, np.flatnonzero(free)
        self._at = {int(at): n for n, at in enumerate(self._places)}
        self._low, self._high = low[free], high[free]
        size = len(self._places)
        own = [
            [(self._at[at], sign) for at, sign in zip(*row, strict=True) if at in self._at] for row in rows
        ]
        of_free = [([at for at, _ in row], [sign for _, sign in row]) for row in own if row]
        there = ~printed[free]
        self._others = WholeNumbers(np.where(there, self._low, 0), np.where(there, self._high, 0), of_free)
        both = [([*at, *(size + n for n in at)], [*sign, *(-n for n in sign)]) for at, sign in of_free]
        self._most = np.concatenate([self._high, -self._low])
        self._shifts = WholeNumbers(np.zeros(2 * size), self._most, both)

    def of_many(self, costs: NDArray[np.float64]) -> _Counts | None:
        """Of hidden cells alone: those that cost the least, if the solver finds them at once."""
        found = self._others.least(costs[self._places], search=False)
        return None if found is None else self._of_all(found)

    def of_one(
        self, at: int, by: int, costs: NDArray[np.float64], enough: float
    ) -> tuple[float, _Counts] | None:
        """One or more, or less, of this cell: what costs the least, and what it costs; None where it is more
        than `enough`.
        """
        here, size = self._at[at], len(self._places)
        up, down = (here, size + here) if by > 0 else (size + here, here)
        if self._most[up] < 1:
            return None
        own = costs[self._places]
        with self._shifts.bounded(up, 1, self._most[up]), self._shifts.bounded(down, 0, 0):
            found = self._shifts.least(np.concatenate([own, own]), enough=enough)
        if found is None:
            return None
        change = found[:size] - found[size:]
        return float(own[change != 0].sum()), self._of_all(change)

    @property
    def gave_up(self) -> bool:
        """Whether a change may be there that was not found."""
        return self._shifts.gave_up

    def hide(self, places: NDArray[np.int64]) -> None:
        """Let these be others from now on."""
        for at in places:
            here = self._at[int(at)]
            self._others.bound(here, self._low[here], self._high[here])

    def _of_all(self, change: _Counts) -> _Counts:
        found = np.zeros(len(self.free), dtype=np.int64)
        found[self._places] = change
        return found
