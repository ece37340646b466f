"""The counts of one month, and which of them may be printed: decided for everything that is printed of it.

One table for each month: units by processes by what is counted, with all their margins and all norms. A count
of two or fewer is hidden, and others with it until no reader of the whole table can tell it
(throughput.small_cells). What is hidden depends on this month's counts, and on what was told of the months
before: who is open at the end of one is so when the next begins. It depends on nothing that a reader asks
for. How many ended is counted by each reason for which a request of that process can end, though none did:
that nobody withdrew is as small a count as that one did.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import zip_longest
from math import inf
from typing import Any

from throughput.errors import SumsWrong
from throughput.month_shape import ALL, Kind, Place, Shape, Ways, Where, around, joined
from throughput.small_cells import SMALL, Cell, Sum, Within, hidden

LAST_WEEK = timedelta(days=7)
BACK = 4
"""So many of the months before are reckoned with (decision 47 says why)."""


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
    are not. `ways`: what there was to count.
    """

    counts: Mapping[Place, int]
    tasks: Mapping[tuple[str | None, str | None], int]
    units: frozenset[str]
    reasons: frozenset[str]
    large: frozenset[Place] = frozenset()
    known: bool = False
    small: int = SMALL
    ways: Ways = field(default_factory=dict)

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
                "ways": [[*pair, sorted(reasons)] for pair, reasons in sorted(self.ways.items())],
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
            {(unit, key): frozenset(reasons) for unit, key, reasons in said["ways"]},
        )


def _plain(place: Place) -> list[Any]:
    kind, *where = place
    return [list(kind) if isinstance(kind, tuple) else kind, *where]


def _placed(kind: Any, unit: str | None, key: str | None) -> Place:
    return (tuple(kind) if isinstance(kind, list) else kind, unit, key)


def month_told(
    cases: Iterable[Followed],
    begins: datetime,
    ends: datetime,
    norms: int,
    *,
    before: Sequence[MonthTold] = (),
    small: int = SMALL,
) -> MonthTold:
    """Count what concerns the month that begins and ends then, and keep what may be printed of it.

    `before`: what is told of the months just before it, the last one first.
    """
    counted = _Counted(cases, begins, ends)
    shapes = joined([Shape(ways, norms) for ways in (counted.ways, *(one.ways for one in before[:BACK]))])
    counts: dict[Cell, int] = {(0, place): count for place, count in counted.counts_of(shapes[0]).items()}
    try:
        found = hidden(counts, _sums(shapes, counted.nameless), small=small, before=_known(shapes, before))
    except SumsWrong:  # of requests that were there in the months before some have been destroyed since
        found = hidden(counts, _sums(shapes[:1], counted.nameless), small=small)
    printed = {place: counts[0, place] for place in shapes[0].cells if (0, place) not in found.cells}
    large = {place for place in shapes[0].cells if (0, place) in (found.large or ())}
    _name_alike(printed, norms)
    _name_alike(large, norms)
    return MonthTold(
        printed,
        {where: n for where, n in counted.tasks.items() if (("ended", ALL), *where) in printed},
        frozenset(unit for unit, _ in counted.ways),
        frozenset(shapes[0].reasons),
        frozenset(large),
        found.large is not None,
        small,
        counted.ways,
    )


def _sums(shapes: Sequence[Shape], nameless: frozenset[tuple[str, str]]) -> list[Sum]:
    """Of months that follow each other, the last one first."""
    found: list[Sum] = []
    for back, (shape, earlier) in enumerate(zip_longest(shapes, shapes[1:])):
        found += [Sum((back, total), tuple((back, part) for part in parts)) for total, parts in shape.sums]
        found += shape.ties(back, earlier, nameless if back == 0 else frozenset())
    return found


def _known(shapes: Sequence[Shape], before: Sequence[MonthTold]) -> list[dict[Cell, Within]]:
    """What may be known of the counts of the months before."""
    return [
        {(back, place): told.within(*place) for place in shape.cells}
        for back, (shape, told) in enumerate(zip(shapes[1:], before, strict=False), start=1)
    ]


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


class _Counted:
    """The counts of one month."""

    def __init__(self, cases: Iterable[Followed], begins: datetime, ends: datetime) -> None:
        self._begins, self._ends = begins, ends
        self._counts: Counter[Place] = Counter()
        self.tasks: Counter[Where] = Counter()
        ways: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        nameless = set()
        for case in cases:
            if case.opened_at >= ends or (case.ended_at is not None and case.ended_at < begins):
                continue
            pair, ended = (case.unit, case.key), case.ended_at is not None and case.ended_at < ends
            ways[pair] |= case.ends | ({case.outcome} if ended and case.outcome else set())
            if ended and not case.outcome:
                nameless.add(pair)  # one that is nowhere: its end has no name
            self._count(case)
        self.ways: Ways = {pair: frozenset(reasons) for pair, reasons in ways.items()}
        self.nameless = frozenset(nameless)

    def _count(self, case: Followed) -> None:
        pair = (case.unit, case.key)
        if self._begins <= case.opened_at:
            self._counts["started", *pair] += 1
        if case.ended_at is None or case.ended_at >= self._ends - LAST_WEEK:
            self._counts["in_progress", *pair] += 1
        if case.ended_at is not None and case.ended_at < self._ends:
            done = case.outcome == "done" and case.took is not None
            self._counts[("took", case.took) if done else ("ended", case.outcome), *pair] += 1
            for place in around(*pair):
                self.tasks[place] += case.contacts

    def counts_of(self, shape: Shape) -> dict[Place, int]:
        """All that is counted in a month of this shape, sums too."""
        counts = self._counts.copy()
        for total, parts in shape.sums:
            counts[total] = sum(counts[part] for part in parts)
        return {place: counts[place] for place in shape.cells}
