"""What is counted of a month, and how its counts are tied together: by sums, and to the month before.

Who is open at the end of a month was so when it began, or began in it, and has not ended in it. In hand are
those and who ended in its last week. So what began, ended and is in hand in one month and the next are tied.
"""

from collections.abc import Container, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from throughput.small_cells import Sum

ALL = "all"
"""The margin of reasons."""
Kind = Hashable
"""`started`, `in_progress`, `("ended", reason)`, `("met", norm)` or `("missed", norm)`."""
Place = tuple[Kind, str | None, str | None]
"""Kind, unit and process; None for all."""
Where = tuple[str | None, str | None]
Pair = tuple[str, str]
"""Unit and process."""
Ways = Mapping[Pair, frozenset[str]]
"""For which reasons requests of a unit and a process can end."""
_STAYS = 4
"""So many months a unit has stars, not nothing, after the last in which it had requests."""
OPEN = "open"
INNER = (OPEN, "there", "late", "early")
"""In no report: open at a month's end, there in it, ended in its last week, and ended before that."""


@dataclass(frozen=True)
class Shape:
    """The counts of a month, by what can be counted in it, and by so many norms."""

    ways: Ways
    norms: int

    @cached_property
    def reasons(self) -> list[str]:
        """For which requests can end."""
        return sorted(set().union(*self.ways.values()))

    @cached_property
    def sums(self) -> list[tuple[Place, tuple[Place, ...]]]:
        """Totals and their parts, as everybody knows of them: what a sum is of comes before it."""
        return [*self._of_places(), *self._of_kinds()]

    @cached_property
    def cells(self) -> frozenset[Place]:
        """All that is counted."""
        return frozenset(cell for total, parts in self.sums for cell in (total, *parts))

    def _of_places(self) -> Iterator[tuple[Place, tuple[Place, ...]]]:
        """All processes of a unit, all units of a process, all of both."""
        took = [("took", n) for n in range(self.norms + 1)] if "done" in self.reasons else []
        ended = [("ended", reason) for reason in self.reasons if reason != "done"]
        for kind in (*took, *ended, "started", "in_progress"):
            pairs = self._pairs_of(kind)
            units, keys = sorted({unit for unit, _ in pairs}), sorted({key for _, key in pairs})
            for unit in units:
                yield ((kind, unit, None), tuple((kind, *pair) for pair in pairs if pair[0] == unit))
            for key in keys:
                yield ((kind, None, key), tuple((kind, *pair) for pair in pairs if pair[1] == key))
            if pairs:
                yield ((kind, None, None), tuple((kind, unit, None) for unit in units))
                yield ((kind, None, None), tuple((kind, None, key) for key in keys))

    def _of_kinds(self) -> Iterator[tuple[Place, tuple[Place, ...]]]:
        """What met a norm, what was done, what ended."""
        for kind, parts in self._kinds():
            there = {part: self._places_of(part) for part in parts}
            for place in sorted(set().union(*there.values()), key=repr):
                yield ((kind, *place), tuple((part, *place) for part in parts if place in there[part]))

    def _kinds(self) -> Iterator[tuple[Kind, list[Kind]]]:
        """Each with the kinds that it is the sum of; these come before it."""
        if "done" in self.reasons:
            yield ("ended", "done"), [("took", n) for n in range(self.norms + 1)]
            for norm in range(self.norms):
                for kind, parts in (
                    (("met", norm), range(norm + 1)),
                    (("missed", norm), range(norm + 1, self.norms + 1)),
                ):
                    if len(parts) > 1:  # else it is what `took` counts: one cell, not two
                        yield kind, [("took", n) for n in parts]
        if self.reasons:
            yield ("ended", ALL), [("ended", reason) for reason in self.reasons]

    def _pairs_of(self, kind: Kind) -> list[tuple[str, str]]:
        """Unit and process: of how many ended for a reason, those whose requests can end so."""
        match kind:
            case ("took", _):
                reason: Hashable = "done"
            case ("ended", reason) if reason != ALL:
                pass
            case _:
                return sorted(self.ways)
        return [pair for pair in sorted(self.ways) if reason in self.ways[pair]]

    def _places_of(self, kind: Kind) -> set[Where]:
        """The same with what is around them."""
        return {place for pair in self._pairs_of(kind) for place in around(*pair)}

    def ties(self, back: int, before: Container[Pair], untied: Set[Pair]) -> Iterator[Sum]:
        """What ties a month, so many `back`, together, and to those of `before` in the month before it. As
        many as were open before of others stay as they are.
        """
        for pair in sorted(self.ways.keys() - untied):
            opened, there, late, early = ((back, (kind, *pair)) for kind in INNER)
            was_open = [(back + 1, (OPEN, *pair))] if pair in before else []
            began, in_hand, ended = (
                (back, (kind, *pair)) for kind in ("started", "in_progress", ("ended", ALL))
            )
            ends = [ended] if self.ways[pair] else []
            yield Sum(there, (*was_open, began))
            yield Sum(there, (opened, *ends))
            yield Sum(in_hand, (opened, *([late] if ends else [])))
            if ends:
                yield Sum(ended, (late, early))


def around(unit: str, key: str) -> tuple[Where, ...]:
    """In which places of a table a count of a unit and a process is."""
    return ((unit, key), (unit, None), (None, key), (None, None))


def joined(ways: Sequence[Ways], norms: int) -> list[Shape]:
    """Months, the last one first: what could be counted in one can be in some after it."""
    months = (ways[back : back + 1 + _STAYS] for back in range(len(ways)))
    return [Shape({pair: of for one in reversed(some) for pair, of in one.items()}, norms) for some in months]
