"""The counts of one month, and which of them may be printed: decided for everything that is printed of it.

One table for each month: units by processes by what is counted, with all their margins and all norms. A count
of two or fewer is hidden, and others with it until no reader of the whole table can tell it
(throughput.small_cells). What is hidden depends on this month's counts and on nothing that a reader asks for.
How many ended is counted by each reason for which a request of that process can end, though none did: that
nobody withdrew is as small a count as that one did.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any, cast

from throughput.bounds import Within
from throughput.small_cells import SMALL, Cell, Sum, hidden

ALL = "all"
"""The margin of units, of processes and of reasons. No unit is called so: theirs are `("unit", name)`."""
LAST_WEEK = timedelta(days=7)
_BOTH, _MORE = "both", "more"
Kind = Hashable
"""`started`, `in_progress`, `("ended", reason)`, `("met", norm)` or `("missed", norm)`."""
Place = tuple[Kind, str | None, str | None]
"""Kind, unit and process; None for all."""


@dataclass(frozen=True)
class Followed:
    """What a report knows of one request: when it began and ended, how, by how many tasks, and how soon.

    `took`: the place of the first norm that it met, the strictest being 0, and the number of norms if it met
    none; None where it did not end as `done`. `ends`: for which reasons requests of its process end.
    """

    unit: str
    opened_at: datetime
    ended_at: datetime | None
    outcome: str | None
    contacts: int
    took: int | None = None
    key: str = ""
    ends: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MonthTold:
    """What is printed of one month, and nothing else: no reader of it learns a hidden count.

    `counts`: by kind, unit and process, None for all; `tasks`: of all requests that ended, where their number
    is printed. `large`: hidden counts that are more than `small`; `known`: readers may know that the others
    are not.
    """

    counts: Mapping[Place, int]
    tasks: Mapping[tuple[str | None, str | None], int]
    units: frozenset[str]
    reasons: frozenset[str]
    large: frozenset[Place] = frozenset()
    known: bool = False
    small: int = SMALL

    def within(self, kind: Kind, unit: str | None, key: str | None) -> Within:
        """What may be known of a count, hidden or not."""
        place = (kind, unit, key)
        if (count := self.counts.get(place)) is not None:
            return Within(count, count)
        if place in self.large:
            return Within(self.small + 1, inf)
        return Within(0, max(0, self.small) if self.known else inf)

    def shown(self, kind: Kind, unit: str | None, key: str | None) -> int | None:
        """A count as it may be printed: None where it is hidden, as all are where there is no case."""
        return self.counts.get((kind, unit, key))

    def to_json(self) -> str:
        """To be kept; `from_json` reads it."""
        counts = [[*_plain(place), count] for place, count in self.counts.items()]
        return json.dumps(
            {
                "counts": counts,
                "large": sorted(map(_plain, self.large), key=repr),
                "known": self.known,
                "small": self.small,
                "tasks": [[*place, count] for place, count in self.tasks.items()],
                "units": sorted(self.units),
                "reasons": sorted(self.reasons),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "MonthTold":
        """What `to_json` wrote."""
        said = json.loads(text)
        return cls(
            {_placed(*place): count for *place, count in said["counts"]},
            {(unit, key): count for unit, key, count in said["tasks"]},
            frozenset(said["units"]),
            frozenset(said["reasons"]),
            frozenset(_placed(*place) for place in said.get("large", ())),
            said.get("known", False),
            said.get("small", SMALL),
        )


def _plain(place: Place) -> list[Any]:
    kind, *where = place
    return [list(kind) if isinstance(kind, tuple) else kind, *where]


def _placed(kind: Any, unit: str | None, key: str | None) -> Place:
    return (tuple(kind) if isinstance(kind, list) else kind, unit, key)


def month_told(
    cases: Iterable[Followed], begins: datetime, ends: datetime, norms: int, *, small: int = SMALL
) -> MonthTold:
    """Count what concerns the month that begins and ends then, and keep what may be printed of it."""
    there = [
        one for one in cases if one.opened_at < ends and (one.ended_at is None or one.ended_at >= begins)
    ]
    counted = _Counted(there, begins, ends, norms)
    blocks = [
        hidden(block.counts, block.sums, small=small, unprinted=block.unprinted) for block in counted.blocks()
    ]
    kept = {cell for block in blocks for cell in block.cells}
    counts = {_name_cell(cell): count for cell, count in counted.counts.items() if cell not in kept}
    large = {_name_cell(cell) for block in blocks for cell in block.large or ()}
    _name_alike(counts, norms)
    _name_alike(large, norms)
    ended = {place[1:] for place in counts if place[0] == ("ended", ALL)}
    tasks = {_names(*where): n for where, n in counted.tasks.items() if _names(*where) in ended}
    units = frozenset(one.unit for one in there)
    known = all(block.large is not None for block in blocks)
    return MonthTold(counts, tasks, units, frozenset(counted.reasons), frozenset(large), known, small)


def _names(unit: Hashable, key: Hashable) -> tuple[str | None, str | None]:
    """As readers ask for it: None for all."""
    first, second = (one[1] if isinstance(one, tuple) else None for one in (unit, key))
    return first, second


def _name_cell(cell: Cell) -> Place:
    kind, unit, key = cast(tuple[Kind, Hashable, Hashable], cell)
    return (kind, *_names(unit, key))


def _name_alike(counts: dict[Place, int] | set[Place], norms: int) -> None:
    """Who met the strictest norm is counted once, as who missed the mildest: each by its other name, too."""
    same: dict[Kind, Kind] = {("took", 0): ("met", 0), ("took", norms): ("missed", norms - 1)}
    for kind, *where in list(counts):
        if (name := same.get(kind)) is None:
            continue
        unit, key = where
        if isinstance(counts, dict):
            counts[name, unit, key] = counts[kind, unit, key]
        else:
            counts.add((name, unit, key))


def _place(unit: str, key: str) -> tuple[Hashable, Hashable]:
    return ("unit", unit), ("key", key)


@dataclass(frozen=True)
class _Block:
    """Cells that sums tie together; between blocks there are none. `unprinted` are in no report."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]
    unprinted: frozenset[Cell] = frozenset()


class _Counted:
    """The counts of one month, margins and all."""

    def __init__(self, cases: Sequence[Followed], begins: datetime, ends: datetime, norms: int) -> None:
        self._begins, self._ends, self._norms = begins, ends, norms
        self.counts: Counter[Cell] = Counter()
        self.tasks: Counter[tuple[Hashable, Hashable]] = Counter()
        self._ways: defaultdict[tuple[Hashable, Hashable], set[str]] = defaultdict(set)
        for case in cases:
            ended = case.ended_at is not None and begins <= case.ended_at < ends
            seen = {case.outcome} if ended and case.outcome else set[str]()
            self._ways[_place(case.unit, case.key)] |= case.ends | seen
            self._count(case)
        self._pairs = sorted(self._ways, key=repr)
        self.reasons = sorted(set().union(*self._ways.values()))

    def blocks(self) -> Iterator[_Block]:
        """What began, what was in hand, and what ended: what began has ended or is in hand."""
        if not self.reasons:
            yield self._tied(self._block(["started", "in_progress"], []))
            return
        parts = [("took", n) for n in range(self._norms + 1)] if "done" in self.reasons else []
        kinds: list[Kind] = [*parts, *(("ended", reason) for reason in self.reasons if reason != "done")]
        yield self._tied(self._block([*kinds, "started", "in_progress"], list(self._sums_of_kinds())))

    def _tied(self, block: _Block) -> _Block:
        """With what ties what began to the others: these are as many and more, by those that had begun before
        and those that ended in the last week, which are in hand, too."""
        counts, sums, unprinted = dict(block.counts), list(block.sums), set[Cell]()
        for pair in self._pairs:
            began, more, both = (("started", *pair), (_MORE, *pair), (_BOTH, *pair))
            others = [one for kind in ("in_progress", ("ended", ALL)) if (one := (kind, *pair)) in counts]
            counts[both] = sum(counts[one] for one in others)
            counts[more] = counts[both] - counts[began]
            if counts[more] < 0:  # one that began is nowhere else: its end has no name
                continue
            sums += [Sum(both, tuple(others)), Sum(both, (began, more))]
            unprinted |= {more, both}
        return _Block(
            {cell: counts[cell] for cell in {*block.counts, *unprinted}}, sums, frozenset(unprinted)
        )

    def _count(self, case: Followed) -> None:
        place = _place(case.unit, case.key)
        if self._begins <= case.opened_at:
            self.counts["started", *place] += 1
        if case.ended_at is None or case.ended_at >= self._ends - LAST_WEEK:
            self.counts["in_progress", *place] += 1
        if case.ended_at is not None and case.ended_at < self._ends:
            done = case.outcome == "done" and case.took is not None
            self.counts[("took", case.took) if done else ("ended", case.outcome), *place] += 1
            for around in _around(place):
                self.tasks[around] += case.contacts

    def _sums_of_kinds(self) -> Iterator[tuple[Kind, list[Kind]]]:
        """Each with the kinds that it is the sum of; these come before it."""
        if "done" in self.reasons:
            yield ("ended", "done"), [("took", n) for n in range(self._norms + 1)]
            for norm in range(self._norms):
                for kind, parts in (
                    (("met", norm), range(norm + 1)),
                    (("missed", norm), range(norm + 1, self._norms + 1)),
                ):
                    if len(parts) > 1:  # else it is what `took` counts: one cell, not two
                        yield kind, [("took", n) for n in parts]
        yield ("ended", ALL), [("ended", reason) for reason in self.reasons]

    def _block(self, kinds: Sequence[Kind], sums: Sequence[tuple[Kind, list[Kind]]]) -> _Block:
        found = [one for kind in kinds for one in self._margins(kind)]
        for kind, parts in sums:
            there = [(part, place) for part in parts for place in self._places(part)]
            for place in sorted({place for _, place in there}, key=repr):
                of_place = tuple((part, *place) for part, where in there if where == place)
                found.append(Sum((kind, *place), of_place))
        cells: set[Cell] = {(kind, *place) for kind in kinds for place in self._pairs_of(kind)}
        for one in found:  # in this order: what a sum is of is there before it
            self.counts[one.total] = sum(self.counts[part] for part in one.parts)
            cells |= {one.total, *one.parts}
        return _Block({cell: self.counts[cell] for cell in cells}, found)

    def _pairs_of(self, kind: Kind) -> list[tuple[Hashable, Hashable]]:
        """Unit and process: of how many ended for a reason, those whose requests can end so."""
        match kind:
            case ("took", _):
                reason: Hashable = "done"
            case ("ended", reason) if reason != ALL:
                pass
            case _:
                return self._pairs
        return [pair for pair in self._pairs if reason in self._ways[pair]]

    def _places(self, kind: Kind) -> set[tuple[Hashable, Hashable]]:
        """The same with what is around them."""
        return {around for pair in self._pairs_of(kind) for around in _around(pair)}

    def _margins(self, kind: Kind) -> Iterator[Sum]:
        """All processes of a unit, all units of a process, all of both."""
        if not (pairs := self._pairs_of(kind)):
            return
        yield from _sums(kind, pairs, lambda pair: (pair[0], ALL))
        yield from _sums(kind, pairs, lambda pair: (ALL, pair[1]))
        for wheres in (
            sorted({(unit, ALL) for unit, _ in pairs}, key=repr),
            sorted({(ALL, key) for _, key in pairs}, key=repr),
        ):
            yield Sum((kind, ALL, ALL), tuple((kind, *where) for where in wheres))


def _sums(
    kind: Kind,
    pairs: Sequence[tuple[Hashable, Hashable]],
    onto: Callable[[tuple[Hashable, Hashable]], tuple[Hashable, Hashable]],
) -> Iterator[Sum]:
    for total in sorted(set(map(onto, pairs)), key=repr):
        yield Sum((kind, *total), tuple((kind, *pair) for pair in pairs if onto(pair) == total))


def _around(place: tuple[Hashable, Hashable]) -> tuple[tuple[Hashable, Hashable], ...]:
    unit, key = place
    return (place, (unit, ALL), (ALL, key), (ALL, ALL))
