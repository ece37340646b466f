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

from collections.abc import Container, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from math import inf

import numpy as np
from numpy.typing import NDArray

from throughput.changes import Changes, Counts, Marks
from throughput.errors import SumsWrong
from throughput.whole_numbers import Row, Shifts

SMALL = 2
HIDDEN = "*"
FEWEST = 5
"""Of fewer requests than this nothing is told of how they fared."""
_FEW = 20
"""So few cells are moved one by one, more of them many at once first."""
_PUT_OFF = 8
"""What it costs to leave it to what comes after, where hiding one more costs 10."""
_NEVER = 1e5
Cell = Hashable


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

    None: which are large would tell a count. `unsure`: small ones, of before too, that what comes after may
    tell, and so has to keep. `told`: those that are told whatever is hidden.
    """

    cells: frozenset[Cell]
    large: frozenset[Cell] | None
    unsure: frozenset[Cell] = frozenset()
    told: frozenset[Cell] = frozenset()


@dataclass(frozen=True)
class Before:
    """What was told of tables that are tied to the one that is decided, the last one first.

    `known`: what may be known of each of their counts. `counts`: what these are, and what there is in no
    table. `unsure`: those that are still to be kept; `old`: those of them that are to be kept for good now.
    `idle`: counts, of the table to decide, too, of what may turn out to have had none at all: nothing else is
    kept by them.
    """

    known: Sequence[Mapping[Cell, Within]]
    counts: Mapping[Cell, int]
    unsure: Set[Cell] = frozenset()
    old: Set[Cell] = frozenset()
    idle: Set[Cell] = frozenset()


_NOTHING = Before((), {})


def hidden(
    counts: Mapping[Cell, int],
    sums: Sequence[Sum],
    *,
    small: int = SMALL,
    before: Before = _NOTHING,
    ends: Set[Cell] = frozenset(),
) -> Hidden:
    """The cells that print as `*`: the small ones, and those that keep them from being told.

    `counts` holds every cell of all tables that one reader may see, totals too. What else there is in a sum
    is in no table, and only ties others together: it is nobody's secret. `ends` of these tie the tables to
    those that come after. A count that can be another one while the ends stay as they are is told by nothing
    that is ever printed after. Raises SumsWrong when the counts do not add up, or do not fit what was told.
    """
    _require_sums(counts, sums)
    table = _Table.of(counts, sums, before, ends)
    search = _Search(table, small, knows=True)
    if search.told:
        search = _Search(table, small, knows=False)
    if search.told and search.gave_up:
        nothing = frozenset(counts)  # what prints nothing tells nothing
        return Hidden(nothing, None, search.unsure, search.told)
    large = frozenset(cell for cell in search.hidden if counts[cell] > small) if search.knows else None
    return Hidden(search.hidden, large, search.unsure, search.told)


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
    printed or hidden before; `unsure`: those of them that are to be kept, `old` ones for good; `idle`: those
    that keep none but each other. `parts`: each table, and each two that follow each other; `last`: those of
    the table to decide. `costs`: what it costs to hide a cell; it doesn't depend on counts, for what is
    hidden would tell of them.
    """

    cells: Sequence[Cell]
    values: Counts
    rows: Sequence[Row]
    decides: Marks
    known: Mapping[int, Within]
    unsure: Marks
    old: Marks
    idle: Marks
    ends: Marks
    parts: Sequence[Marks]
    last: Sequence[Marks]
    costs: NDArray[np.float64]
    most: int

    @classmethod
    def of(cls, counts: Mapping[Cell, int], sums: Sequence[Sum], before: Before, ends: Set[Cell]) -> "_Table":
        """Where counts do not fit what was told of them, the next that do. Raises SumsWrong for none."""
        known = {cell: one for table in before.known for cell, one in table.items()}
        every = {cell for one in sums for cell in (one.total, *one.parts)} | counts.keys() | known.keys()
        cells = sorted(every, key=repr)
        place = {cell: at for at, cell in enumerate(cells)}
        rows = [
            ([*(place[part] for part in one.parts), place[one.total]], [*(1.0 for _ in one.parts), -1.0])
            for one in sums
        ]
        actual = {**before.counts, **counts}
        within = {place[cell]: one for cell, one in known.items()}
        most = _more_than_any(actual, known)
        values = np.array([actual[cell] for cell in cells], dtype=np.int64)
        some = (before.unsure, before.old, before.idle, ends)
        decides = _marks(cells, counts)
        unsure, old, idle, ending = (_marks(cells, one) for one in some)
        if any(not one.low <= values[at] <= one.high for at, one in within.items()):
            try:  # what comes after begins with the ends
                values = _fitted(values, decides | ending, within, rows, most)
            except SumsWrong:
                values = _fitted(values, decides, within, rows, most)
        printed = [one for one in sums if counts.keys() | known.keys() >= {one.total, *one.parts}]
        levels = np.array(list(_levels(cells, printed)), dtype=float)
        costs = 10 + levels + np.arange(len(cells)) / (len(cells) + 1)
        untabled = every - counts.keys() - known.keys()
        tables = [_marks(cells, untabled | table.keys()) for table in (counts, *before.known)]
        pairs = [one | next_one for one, next_one in pairwise(tables)]
        parts, last = [*tables, *pairs], [tables[0], *pairs[:1]]
        return cls(cells, values, rows, decides, within, unsure, old, idle, ending, parts, last, costs, most)


def _marks(cells: Sequence[Cell], some: Container[Cell]) -> Marks:
    return np.array([cell in some for cell in cells], dtype=bool)


def _more_than_any(counts: Mapping[Cell, int], known: Mapping[Cell, Within]) -> int:
    ends = (end for one in known.values() for end in (one.low, one.high) if end < inf)
    return int(2 * max([0, *counts.values(), *ends])) + 10


def _fitted(
    values: Counts, stays: Marks, within: Mapping[int, Within], rows: Sequence[Row], most: int
) -> Counts:
    """The next counts to these that fit what was told; some stay. Raises SumsWrong for none."""
    known = [within.get(at, Within(0, inf)) for at in range(len(values))]
    low = np.where(stays, 0, np.array([one.low for one in known]) - values).astype(float)
    high = np.where(stays, 0, np.array([min(one.high, most) for one in known]) - values).astype(float)
    change = Shifts(low, high, rows).least(np.ones(len(values)))
    if change is None:
        raise SumsWrong("The counts do not fit those that were told before.")
    return values + change


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
        self._table, self.knows = table, knows
        size, is_small = len(table.cells), table.values <= small
        low, high = np.zeros(size), np.full(size, float(table.most))
        if knows:
            low[table.decides & ~is_small] = small + 1
            high[table.decides & is_small] = max(small, 0)
        for at, one in table.known.items():
            low[at], high[at] = one.low, min(one.high, table.most)
        self._printed = table.decides & ~is_small
        self._low, self._high = low, high
        self._told = (table.decides & is_small) | table.unsure
        self._unsure, self._old = self._told.copy(), table.old
        self.gave_up = False
        """Whether something may be there to keep what is told, and was not found."""
        self._run()

    @property
    def hidden(self) -> frozenset[Cell]:
        """The cells that print as `*`."""
        return self._cells(self._table.decides & ~self._printed)

    @property
    def unsure(self) -> frozenset[Cell]:
        """Small ones that may be told by what comes after."""
        return self._cells(self._unsure)

    @property
    def told(self) -> frozenset[Cell]:
        """Those of which it isn't shown that they can be others."""
        return self._cells(self._told)

    def _run(self) -> None:
        """Hide until nothing can be told; who knows which are small may tell one all the same.

        First in parts, the rest staying as it is: most cells can be others all the same. Of those that could
        only while an end moved, most can while none does, by what has been hidden since.
        """
        every = np.ones(len(self._table.cells), dtype=bool)
        idle = self._table.idle
        for part in (*self._table.parts, every):
            self._keep_in(part & ~idle, ~idle)
            self._keep_in(part, idle)
        self._old = ~every  # what can't be kept for good must be put off once more
        for free, of in ((~idle, ~idle), (every, idle)):
            self._keep_in(free, of, strict=True)
            if self.knows and (self._told & of).any():
                return
        for part in self._table.last:
            self._move(part & ~idle, ~idle)
            self._move(part, idle)

    def _cells(self, marked: Marks) -> frozenset[Cell]:
        return frozenset(self._table.cells[int(at)] for at in np.flatnonzero(marked))

    def _changes(self, free: Marks) -> Changes:
        values = self._table.values
        return Changes(self._table.rows, self._low - values, self._high - values, self._printed, free)

    def _move(self, part: Marks, of: Marks) -> None:
        """Find out which of these can be others by changes of a part and of no end, hiding nothing for it."""
        own = part & of
        if not (self._unsure & own).any():
            return
        changes = self._changes(part & ~self._table.ends)
        for aim in _aims(len(self._table.cells)):
            if (aims := self._unsure & own).sum() > _FEW:
                self._note(changes.of_many(np.where(aims, aim, 0.0)))
        for at in np.flatnonzero(self._unsure & own):
            for by in (1, -1):
                if self._unsure[at]:
                    self._note(changes.of_hidden(int(at), by))

    def _keep_in(self, part: Marks, of: Marks, *, strict: bool = False) -> None:
        """Hide what lets these cells of a part be others by changes of it. `strict`: up to the first that
        can't.
        """
        own = part & of
        if not (self._told & own).any():
            return
        changes = self._changes(part)
        for aim in _aims(len(self._table.cells)):
            if (aims := self._told & own).sum() > _FEW:
                self._note(changes.of_many(np.where(aims, aim, 0.0)))
        for at in np.flatnonzero(self._told & own):
            if self._told[at]:
                self._keep(int(at), changes)
            if strict and self._told[at]:
                break
        self.gave_up |= changes.gave_up

    def _keep(self, at: int, changes: Changes) -> None:
        """Hide what lets this cell be one more, or less: what costs least, and nothing where that does."""
        put_off, most = (_NEVER, _NEVER) if self._old[at] else (_PUT_OFF, inf)
        costs = np.where(self._printed, self._table.costs, np.where(self._table.ends, put_off, 0.001))
        best: tuple[float, Counts] | None = None
        for by in (1, -1):
            found = changes.of_one(at, by, costs, most if best is None else best[0])
            if found is not None and (best is None or found[0] < best[0]):
                best = found
            if best is not None and best[0] < _PUT_OFF:
                break
        if best is not None:
            places = np.flatnonzero(self._printed & (best[1] != 0))
            self._printed[places] = False
            changes.hide(places)
            self._note(best[1])

    def _note(self, change: Counts | None) -> None:
        """Cells that may be others can't be told, and hiding more keeps them so."""
        if change is None:
            return
        moved = kept = change != 0
        if (moved & self._table.idle).any():
            kept = moved & self._table.idle
        if (self._table.ends & moved).any():
            self._told &= ~kept | self._old
        else:
            self._told &= ~kept
            self._unsure &= ~kept


def _aims(size: int) -> Iterator[NDArray[np.float64]]:
    """Which cells to make more of, and of which less: all, none, each second, each second pair, ..."""
    places = np.arange(size)
    yield np.full(size, -1.0)
    yield np.full(size, 1.0)
    for bit in range(min(6, size.bit_length())):
        aim = np.where(places >> bit & 1, -1.0, 1.0)
        yield aim
        yield -aim
