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
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from math import inf
from typing import Any, cast

from throughput.errors import SumsWrong
from throughput.month_shape import INNER, OPEN, Kind, Place, Shape, Ways, Where, around, joined
from throughput.small_cells import SMALL, Before, Cell, Hidden, Sum, Within, hidden

LAST_WEEK = timedelta(days=7)
_OLD = 3
"""So many months back what is not kept for good yet has to be."""
_FEWEST, _MORE = 4, 3
"""So many of the months before may be others when one is decided; where too few, three times as many."""


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
    number is printed, and that of each process among them. `units`: those that had a request then, or not
    long before: no reader is told which. `large`: hidden counts that are more than `small`; `known`: readers
    may know that the others are not. `ways`: what there was to count. `unsure`: small counts, of so many
    months back, which the next month has to keep; nobody reads them.
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
    counted: Callable[[int], "Counted"], norms: int, *, before: Sequence[MonthTold] = (), small: int = SMALL
) -> MonthTold:
    """Keep of what is counted of a month what may be printed of it.

    `counted`: of the month, 0, and of those so many before it; `before`: what is told of these, the last one
    first.
    """
    months = _Months(counted, norms, before)
    found, month, shape = months.decided(small), months.counted(0), months.shapes[0]
    counts = month.counts_of(shape)
    printed = {place: count for place, count in counts.items() if (0, place) not in found.cells}
    large = {place for place in shape.cells if (0, place) in (found.large or ())}
    _name_alike(printed, norms)
    _name_alike(large, norms)
    return MonthTold(
        printed,
        {where: n for where, n in month.tasks.items() if _tells_tasks(where, shape, printed)},
        frozenset(unit for unit, _ in shape.ways),
        frozenset(shape.reasons),
        frozenset(large),
        found.large is not None,
        small,
        month.ways,
        cast("frozenset[tuple[int, Place]]", found.unsure),
    )


def _tells_tasks(where: Where, shape: Shape, printed: Container[Place]) -> bool:
    """Whether it is told how many were done, of each process, too: one takes more tasks than another, so that
    those of all would tell how many were of which.
    """
    unit, key = where
    keys = {key} if key else {one for at, one in shape.ways if unit in {None, at}}
    places = [(("ended", "done"), unit, one) for one in keys]
    return (("ended", "done"), *where) in printed and all(
        place in printed for place in places if place in shape.cells
    )


class _Months:
    """A month to be decided, and those before it as far as they were told without a gap."""

    def __init__(self, counted: Callable[[int], "Counted"], norms: int, before: Sequence[MonthTold]) -> None:
        self.counted = cache(counted)
        self._before = before
        self.shapes = joined([self.counted(0).ways, *(one.ways for one in before)], norms)

    def decided(self, small: int) -> Hidden:
        """What the month hides. Where requests have been destroyed, and no counts fit what was told of the
        months before any more, it is decided alone. A month that prints nothing, for a search was given up,
        is left so.
        """
        theirs = self._before[0].unsure if self._before else frozenset()
        unsure = {(back + 1, place) for back, place in theirs if back < len(self._before)}
        several = max([_FEWEST, *(2 + back for back, _ in theirs)])
        try:
            found = self._hidden(several, unsure, small)
            while found.told and several < len(self._before):
                several *= _MORE
                found = self._hidden(several, unsure, small)
        except SumsWrong:
            return self._alone(unsure, small)
        own = {(0, place) for place in self.shapes[0].cells}
        return self._alone(unsure, small) if own & found.told and own - found.cells else found

    def _alone(self, unsure: Set[tuple[int, Place]], small: int) -> Hidden:
        found = self._hidden(0, frozenset(), small)
        return replace(found, unsure=found.unsure | unsure)

    def _hidden(
        self, several: int, unsure: Set[tuple[int, Place]], small: int, *, gone: bool = False
    ) -> Hidden:
        """The same, where so many months before may be others: all, where requests of these are `gone`, for
        only counts that fit all that was told are such as keep others for good.
        """
        many = min(several, len(self._before))
        counts, *others = (self._of_month(back) for back in range(many + 1))
        known = [self._known(back) for back in range(1, many + 1)]
        if not gone and not all(map(_fits, others, known)):
            return self._hidden(len(self._before), unsure, small, gone=True)
        theirs = {cell: count for table in (*others, self._inner(many)) for cell, count in table.items()}
        ends = {(0, (OPEN, *pair)) for pair in self.shapes[0].ways}
        old = {(back, place) for back, place in unsure if back >= _OLD}
        before = Before(known, theirs, unsure, old, frozenset(self._idle(many)))
        return hidden(counts, list(self._sums(many, gone=gone)), small=small, before=before, ends=ends)

    def _of_month(self, back: int) -> dict[Cell, int]:
        counts = self.counted(back).counts_of(self.shapes[back])
        return {(back, place): count for place, count in counts.items()}

    def _known(self, back: int) -> dict[Cell, Within]:
        told = self._before[back - 1]
        return {(back, place): told.within(*place) for place in self.shapes[back].cells}

    def _idle(self, many: int) -> Iterator[Cell]:
        """Of units and processes without a request in a month: once they have had none for long they are no
        longer among those that are told of, and so is known that it was none. One of which nothing is open
        when the month ends may be such from then on.
        """
        yield from (
            (0, (OPEN, *pair)) for pair in self.shapes[0].ways if not self.counted(0).inner[OPEN, *pair]
        )
        for back, shape in enumerate(self.shapes[: many + 1]):
            there = self._before[back - 1].ways if back else self.counted(0).ways
            if not (idle := shape.ways.keys() - there.keys()):
                continue
            around_those = {place for pair in there for place in around(*pair)}
            yield from ((back, place) for place in shape.cells if place[1:] not in around_those)
            for pair in idle:
                yield back + 1, (OPEN, *pair)
                yield from ((back, (kind, *pair)) for kind in INNER)

    def _sums(self, many: int, *, gone: bool) -> Iterator[Sum]:
        """What is a sum of what, in the months and between them. What was open before them stays as it is:
        where nothing is told of that, everybody may know it, as that nothing was when the office began. Of
        requests that are gone nobody can say any more how many that was.
        """
        for back, shape in enumerate(self.shapes[: many + 1]):
            for total, parts in shape.sums:
                yield Sum((back, total), tuple((back, part) for part in parts))
            earlier = self.shapes[back + 1].ways if back < many else shape.ways if gone else ()
            yield from shape.ties(back, earlier, self.counted(back).nameless)

    def _inner(self, many: int) -> dict[Cell, int]:
        """What is in no report of the months, and what was open before."""
        found: dict[Cell, int] = {}
        for back, shape in enumerate(self.shapes[: many + 1]):
            month = self.counted(back)
            counts = month.counts_of(shape)
            for pair in shape.ways:
                was_open = month.inner["there", *pair] - counts["started", *pair]
                found[back + 1, (OPEN, *pair)] = was_open
                found |= {(back, (kind, *pair)): month.inner[kind, *pair] for kind in INNER}
        return found


def _fits(counts: Mapping[Cell, int], known: Mapping[Cell, Within]) -> bool:
    return all(one.low <= counts[cell] <= one.high for cell, one in known.items())


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


class Counted:
    """The counts of the month that begins and ends then."""

    def __init__(self, cases: Iterable[Followed], begins: datetime, ends: datetime) -> None:
        self._begins, self._ends = begins, ends
        self._counts: Counter[Place] = Counter()
        self.tasks: Counter[Where] = Counter()
        self.inner: Counter[Place] = Counter()
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
