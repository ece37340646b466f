"""The counts of one month, and which of them may be printed: decided for everything that is printed of it.

One table for each month: units by processes by what is counted, with all their margins and all norms. A count
of two or fewer is hidden, and others with it until no reader of the whole table can tell it
(throughput.small_cells). What is hidden depends on this month's counts and on nothing that a reader asks for.
"""

import json
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from throughput.small_cells import SMALL, Cell, Sum, hidden

ALL = "all"
"""The margin of units, of processes and of reasons. No unit is called so: theirs are `("unit", name)`."""
LAST_WEEK = timedelta(days=7)
Kind = Hashable
"""`started`, `in_progress`, `("ended", reason)`, `("met", norm)` or `("missed", norm)`."""


@dataclass(frozen=True)
class Followed:
    """What a report knows of one request: when it began and ended, how, by how many tasks, and how soon.

    `took`: the place of the first norm that it met, the strictest being 0, and the number of norms if it met
    none; None where it did not end as `done`.
    """

    unit: str
    opened_at: datetime
    ended_at: datetime | None
    outcome: str | None
    contacts: int
    took: int | None = None
    key: str = ""


@dataclass(frozen=True)
class MonthTold:
    """What is printed of one month, and nothing else: no reader of it learns a hidden count.

    `counts`: by kind, unit and process, None for all; `tasks`: of all requests that ended, where their number
    is printed.
    """

    counts: Mapping[tuple[Kind, str | None, str | None], int]
    tasks: Mapping[tuple[str | None, str | None], int]
    units: frozenset[str]
    reasons: frozenset[str]

    def shown(self, kind: Kind, unit: str | None, key: str | None) -> int | None:
        """A count as it may be printed: None where it is hidden, as all are where there is no case."""
        return self.counts.get((kind, unit, key))

    def to_json(self) -> str:
        """To be kept; `from_json` reads it."""
        counts = [
            [list(kind) if isinstance(kind, tuple) else kind, unit, key, count]
            for (kind, unit, key), count in self.counts.items()
        ]
        return json.dumps(
            {
                "counts": counts,
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
            {
                (tuple(kind) if isinstance(kind, list) else kind, unit, key): count
                for kind, unit, key, count in said["counts"]
            },
            {(unit, key): count for unit, key, count in said["tasks"]},
            frozenset(said["units"]),
            frozenset(said["reasons"]),
        )


def month_told(
    cases: Iterable[Followed], begins: datetime, ends: datetime, norms: int, *, small: int = SMALL
) -> MonthTold:
    """Count what concerns the month that begins and ends then, and keep what may be printed of it."""
    there = [
        one for one in cases if one.opened_at < ends and (one.ended_at is None or one.ended_at >= begins)
    ]
    counted = _Counted(there, begins, ends, norms)
    kept: set[Cell] = set()
    for block in counted.blocks():
        kept |= hidden(block.counts, block.sums, small=small)
    counts: dict[tuple[Kind, str | None, str | None], int] = {}
    for cell, count in counted.counts.items():
        if cell not in kept:
            kind, unit, key = cast(tuple[Kind, Hashable, Hashable], cell)
            counts[kind, *_names(unit, key)] = count
    for place in {names[1:] for names in counts}:
        for said, same in ((("met", 0), ("took", 0)), (("missed", norms - 1), ("took", norms))):
            if (same, *place) in counts:
                counts[said, *place] = counts[same, *place]
    ended = {place[1:] for place in counts if place[0] == ("ended", ALL)}
    tasks = {_names(*place): count for place, count in counted.tasks.items() if _names(*place) in ended}
    units = frozenset(one.unit for one in there)
    return MonthTold(counts, tasks, units, frozenset(counted.reasons))


def _names(unit: Hashable, key: Hashable) -> tuple[str | None, str | None]:
    """As readers ask for it: None for all."""
    first, second = (one[1] if isinstance(one, tuple) else None for one in (unit, key))
    return first, second


def _place(unit: str, key: str) -> tuple[Hashable, Hashable]:
    return ("unit", unit), ("key", key)


@dataclass(frozen=True)
class _Block:
    """Cells that sums tie together; between blocks there are none."""

    counts: Mapping[Cell, int]
    sums: Sequence[Sum]


class _Counted:
    """The counts of one month, margins and all."""

    def __init__(self, cases: Sequence[Followed], begins: datetime, ends: datetime, norms: int) -> None:
        self._begins, self._ends, self._norms = begins, ends, norms
        self.counts: Counter[Cell] = Counter()
        self.tasks: Counter[tuple[Hashable, Hashable]] = Counter()
        ended = [one for one in cases if one.ended_at is not None and begins <= one.ended_at < ends]
        self.reasons = sorted({one.outcome for one in ended if one.outcome})
        self._pairs = sorted({_place(one.unit, one.key) for one in cases}, key=repr)
        for case in cases:
            self._count(case)

    def blocks(self) -> Iterator[_Block]:
        """What began, what was in hand, and what ended."""
        for single in ("started", "in_progress"):
            yield self._block([single], [])
        if not self.reasons:
            return
        parts = [("took", n) for n in range(self._norms + 1)] if "done" in self.reasons else []
        kinds: list[Kind] = [*parts, *(("ended", reason) for reason in self.reasons if reason != "done")]
        yield self._block(kinds, list(self._sums_of_kinds()))

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
        for place in self._places:
            found += [Sum((kind, *place), tuple((part, *place) for part in parts)) for kind, parts in sums]
        cells: set[Cell] = {(kind, *place) for kind in kinds for place in self._pairs}
        for one in found:  # in this order: what a sum is of is there before it
            self.counts[one.total] = sum(self.counts[part] for part in one.parts)
            cells |= {one.total, *one.parts}
        return _Block({cell: self.counts[cell] for cell in cells}, found)

    @property
    def _places(self) -> list[tuple[Hashable, Hashable]]:
        return sorted({around for pair in self._pairs for around in _around(pair)}, key=repr)

    def _margins(self, kind: Kind) -> Iterator[Sum]:
        """All processes of a unit, all units of a process, all of both."""
        if not self._pairs:
            return
        yield from self._sums(kind, lambda pair: (pair[0], ALL))
        yield from self._sums(kind, lambda pair: (ALL, pair[1]))
        for wheres in (
            sorted({(unit, ALL) for unit, _ in self._pairs}, key=repr),
            sorted({(ALL, key) for _, key in self._pairs}, key=repr),
        ):
            yield Sum((kind, ALL, ALL), tuple((kind, *where) for where in wheres))

    def _sums(
        self, kind: Kind, onto: Callable[[tuple[Hashable, Hashable]], tuple[Hashable, Hashable]]
    ) -> Iterator[Sum]:
        for total in sorted(set(map(onto, self._pairs)), key=repr):
            parts = tuple((kind, *pair) for pair in self._pairs if onto(pair) == total)
            yield Sum((kind, *total), parts)


def _around(place: tuple[Hashable, Hashable]) -> tuple[tuple[Hashable, Hashable], ...]:
    unit, key = place
    return (place, (unit, ALL), (ALL, key), (ALL, ALL))
