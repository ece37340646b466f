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
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Any

from throughput.errors import SumsWrong
from throughput.month_shape import INNER, OPEN, Kind, Pair, Place, Shape, Ways, Where, around, joined
from throughput.small_cells import SMALL, Before, Cell, Hidden, Sum, Within, hidden

LAST_WEEK = timedelta(days=7)
_FEWEST, _MORE = 4, 3
"""So many of the months before may be others when one is decided; so many times as many where that is too few."""


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

    `counts`: by kind, unit and process, None for all; `tasks`: of all requests that were done, where their
    number is printed. `large`: hidden counts that are more than `small`; `known`: readers may know that the
    others are not. `ways`: what there was to count. `unsure`: small counts, of so many months back, which the
    next month has to keep; nobody reads them.
    """

    counts: Mapping[Place, int]
    tasks: Mapping[tuple[str | None, str | None], int]
    units: frozenset[str]
    reasons: frozenset[str]
    large: frozenset[Place] = frozenset()
    known: bool = False
    small: int = SMALL
    ways: Ways = field(default_factory=dict)
    unsure: frozenset[tuple[int, Place]] = frozenset()

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
                "unsure": sorted(([back, *_plain(place)] for back, place in self.unsure), key=repr),
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
            frozenset((back, _placed(*place)) for back, *place in said["unsure"]),
        )


def _plain(place: Place) -> list[Any]:
    kind, *where = place
    return [list(kind) if isinstance(kind, tuple) else kind, *where]


def _placed(kind: Any, unit: str | None, key: str | None) -> Place:
    return (tuple(kind) if isinstance(kind, list) else kind, unit, key)


def month_told(
    cases: Sequence[Followed],
    ends: datetime,
    begins: Sequence[datetime],
    norms: int,
    *,
    before: Sequence[MonthTold] = (),
    small: int = SMALL,
) -> MonthTold:
    """Count what concerns the month that ends then, and keep what may be printed of it.

    `begins`: when it began, and the months before it, the last one first; `before`: what is told of these.
    """
    months = _Months(cases, ends, begins, norms, before)
    found, counted, shape = months.decided(small), months.counted, months.shapes[0]
    printed = {
        place: count for place, count in counted.counts_of(shape).items() if (0, place) not in found.cells
    }
    large = {place for place in shape.cells if (0, place) in (found.large or ())}
    _name_alike(printed, norms)
    _name_alike(large, norms)
    return MonthTold(
        printed,
        {where: n for where, n in counted.tasks.items() if (("ended", "done"), *where) in printed},
        frozenset(unit for unit, _ in counted.ways),
        frozenset(shape.reasons),
        frozenset(large),
        found.large is not None,
        small,
        counted.ways,
        frozenset(found.unsure),
    )


class _Months:
    """A month to be decided, and those before it as far as they were told without a gap."""

    def __init__(
        self,
        cases: Sequence[Followed],
        ends: datetime,
        begins: Sequence[datetime],
        norms: int,
        before: Sequence[MonthTold],
    ) -> None:
        self._cases, self._bounds = cases, [ends, *begins]
        self._months: dict[int, _Counted] = {}
        self._before = before[: len(begins) - 1]
        self.counted = self._counted(0)
        self.shapes = joined([self.counted.ways, *(one.ways for one in self._before)], norms)

    def decided(self, small: int) -> Hidden:
        """What the month hides. Where requests have been destroyed, so that no counts fit what was told of the
        months before, it is decided alone.
        """
        theirs = self._before[0].unsure if self._before else ()
        unsure = {(back + 1, place) for back, place in theirs if back < len(self._before)}
        several = max([_FEWEST, *(1 + back for back, _ in unsure)])
        while True:
            many = min(several, len(self._before))
            try:
                found = self._hidden(many, unsure, small)
            except SumsWrong:
                break
            if not found.told or many == len(self._before):
                if any(back == 0 for back, _ in found.told):
                    break
                return found
            several *= _MORE
        found = self._hidden(0, set(), small)
        return replace(found, unsure=found.unsure | unsure)

    def _hidden(self, many: int, unsure: Set[Cell], small: int) -> Hidden:
        """The same, where so many months before may be others."""
        own, *others = (self._counted(back).counts_of(self.shapes[back]) for back in range(many + 1))
        known = [
            {(back, place): told.within(*place) for place in shape.cells}
            for back, shape, told in zip(range(1, many + 1), self.shapes[1:], self._before, strict=False)
        ]
        counts: dict[Cell, int] = {(0, place): count for place, count in own.items()}
        theirs = {(back, place): n for back, one in enumerate(others, 1) for place, n in one.items()}
        before = Before(known, {**theirs, **self._inner(many)}, unsure)
        ends = {(0, (OPEN, *pair)) for pair in self.shapes[0].ways}
        return hidden(counts, list(self._sums(many)), small=small, before=before, ends=ends)

    def _sums(self, many: int) -> Iterator[Sum]:
        """What is a sum of what, in and between the months."""
        for back, shape in enumerate(self.shapes[: many + 1]):
            for total, parts in shape.sums:
                yield Sum((back, total), tuple((back, part) for part in parts))
            earlier = self.shapes[back + 1].ways if back < many else {} if many < len(self._before) else None
            yield from shape.ties(back, earlier, self.counted.nameless if back == 0 else frozenset())

    def _inner(self, many: int) -> dict[Cell, int]:
        """What is in no report, of each month, and what was open before."""
        found: dict[Cell, int] = {}
        for back in range(many + 1):
            counted = self._counted(back)
            for pair in self.shapes[back].ways:
                found |= {(back, (kind, *pair)): counted.inner[kind, *pair] for kind in INNER}
                found.setdefault((back + 1, (OPEN, *pair)), counted.was_open[pair])
        return found

    def _counted(self, back: int) -> "_Counted":
        if back not in self._months:
            self._months[back] = _Counted(self._cases, self._bounds[back + 1], self._bounds[back])
        return self._months[back]


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
        self.inner: Counter[Place] = Counter()
        self.was_open: Counter[Pair] = Counter()
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
        else:
            self.was_open[pair] += 1
        self.inner["there", *pair] += 1
        if case.ended_at is None or case.ended_at >= self._ends:
            self.inner[OPEN, *pair] += 1
        else:
            self.inner["late" if case.ended_at >= self._ends - LAST_WEEK else "early", *pair] += 1
        if case.ended_at is None or case.ended_at >= self._ends - LAST_WEEK:
            self._counts["in_progress", *pair] += 1
        if case.ended_at is not None and case.ended_at < self._ends:
            done = case.outcome == "done" and case.took is not None
            self._counts[("took", case.took) if done else ("ended", case.outcome), *pair] += 1
            for place in around(*pair) if done else ():
                self.tasks[place] += case.contacts

    def counts_of(self, shape: Shape) -> dict[Place, int]:
        """All that is counted in a month of this shape, sums too."""
        counts = self._counts.copy()
        for total, parts in shape.sums:
            counts[total] = sum(counts[part] for part in parts)
        return {place: counts[place] for place in shape.cells}
