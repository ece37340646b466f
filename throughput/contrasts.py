"""Two ways of signing beside each other: how much faster the one is, and how sure that is.

People's time alone: a request in which a program did a person's part tells nothing of people. An open request
counts with what it has taken so far, one that was withdrawn or refused with what it took until then: neither
says how long a delivery takes, and neither may be left out (throughput.survival).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations, groupby, pairwise
from math import hypot
from typing import Final, Literal, get_args

import numpy as np

from throughput.difference import Difference, cases_needed, difference, smallest_difference
from throughput.figures import Cases
from throughput.grouped import By, Group, grouped
from throughput.measures import handling_of, leads_of
from throughput.survival import Durations

Figure = Literal["lead", "handling"]
FIGURES: Final[tuple[Figure, ...]] = get_args(Figure)
OTHERS: Final = "all others"
"""The name of all other groups of a process together."""
SEED = 1
"""Of what is drawn for the intervals: the same cases give the same intervals."""


@dataclass(frozen=True)
class Contrast:
    """One figure of variants A and B of a process, or of other groups of its requests, in seconds."""

    key: str
    figure: Figure
    a: str
    b: str
    n_a: int
    n_b: int
    open_a: int  # of n: not delivered, so counted with what they have taken
    open_b: int
    found: Difference
    smallest_s: float | None  # difference of means that so many cases can show; of handling alone
    needed: int | None  # cases a variant that the difference of the means that were measured would need

    @property
    def verdict(self) -> str:
        """What may be said of it."""
        if not self.found.distinguishable:
            return "not distinguishable at this n"
        if (self.found.interval.high or 1) < 0:
            return f"{self.a} is faster"
        return f"{self.a} is slower" if self.b == OTHERS else f"{self.b} is faster"


def contrasts(cases: Cases, *, now: datetime, by: By = "variant") -> list[Contrast]:
    """For the lead from requested to delivered and for the handling: each pair of variants of each process.

    By month: each month and the one before it. By unit or definition: each, and all others of the process
    together. A pair of which one has no case of people is left out.
    """
    found: list[Contrast] = []
    for key, groups in groupby(grouped(cases, by), key=lambda group: group.key):
        of_people = [replace(one, places=one.places[~cases.by_program[one.places]]) for one in groups]
        known: dict[str, dict[Figure, Durations]] = {}  # each group is in many pairs
        for pair in _pairs([one for one in of_people if len(one.places)], by):
            for one in pair:
                if one.name == OTHERS or one.name not in known:
                    known[one.name] = {
                        "lead": leads_of(cases, one.places, now),
                        "handling": handling_of(cases, one.places, now),
                    }
            for figure in FIGURES:
                a, b = ((one.name, known[one.name][figure]) for one in pair)
                if len(a[1]) and len(b[1]):
                    found.append(contrast(key, figure, a, b))
    return found


def _pairs(groups: Sequence[Group], by: By) -> Iterator[tuple[Group, Group]]:
    if by == "variant":
        yield from combinations(groups, 2)
    elif by == "month":
        yield from ((later, earlier) for earlier, later in pairwise(groups))
    elif len(groups) > 1:
        for one in groups:
            rest = [other.places for other in groups if other is not one]
            yield one, Group(one.key, OTHERS, np.sort(np.concatenate(rest)))


def contrast(key: str, figure: Figure, a: tuple[str, Durations], b: tuple[str, Durations]) -> Contrast:
    """Two groups of a process beside each other, each with its name; both have some case."""
    means = [group.mean for _, group in (a, b)]
    spreads = [group.deviation for _, group in (a, b)]
    handling = figure == "handling"
    variation = hypot(*spreads) / hypot(*means) if any(means) else 0.0
    return Contrast(
        key=key,
        figure=figure,
        a=a[0],
        b=b[0],
        n_a=len(a[1]),
        n_b=len(b[1]),
        open_a=len(a[1]) - a[1].ended,
        open_b=len(b[1]) - b[1].ended,
        found=difference(a[1], b[1], rng=np.random.default_rng(SEED)),
        smallest_s=smallest_difference((spreads[0], a[1].size), (spreads[1], b[1].size))
        if handling
        else None,
        needed=cases_needed(*means, variation=variation) if handling and variation else None,
    )
