"""Two ways of signing beside each other: how much faster the one is, and how sure that is.

People's time alone: a request in which a program did a person's part tells nothing of people. An open request
counts with what it has taken so far, one that was withdrawn or refused with what it took until then: neither
says how long a delivery takes, and neither may be left out (throughput.survival).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from math import hypot
from typing import Literal

import numpy as np

from throughput.difference import Difference, cases_needed, difference, smallest_difference
from throughput.spans import Case, Wait
from throughput.survival import Durations

Figure = Literal["lead", "handling"]
SEED = 1
"""Of what is drawn for the intervals: the same cases give the same intervals."""


@dataclass(frozen=True)
class Contrast:
    """One figure of variants A and B of a process, in seconds."""

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
        a_is_faster = (self.found.interval.high or 1) < 0
        return f"{self.a if a_is_faster else self.b} is faster"


def contrasts(cases: Sequence[Case], *, now: datetime) -> list[Contrast]:
    """Each pair of variants of each process, for the lead from requested to delivered and for the handling.

    A pair of which one has no case of people is left out.
    """
    groups: dict[str, dict[str, list[Case]]] = {}
    for case in cases:
        if "program" not in case.channels:
            groups.setdefault(case.key, {}).setdefault(case.variant, []).append(case)
    return [one for key in sorted(groups) for one in _of_key(key, groups[key], now)]


def _of_key(key: str, variants: Mapping[str, list[Case]], now: datetime) -> Iterator[Contrast]:
    leads = {name: _leads(cases, now) for name, cases in variants.items()}
    handled = {name: _handling(cases) for name, cases in variants.items()}
    for a, b in combinations(sorted(variants), 2):
        if len(leads[a]) and len(leads[b]):
            yield contrast(key, "lead", (a, leads[a]), (b, leads[b]))
        if len(handled[a]) and len(handled[b]):
            yield contrast(key, "handling", (a, handled[a]), (b, handled[b]))


def contrast(key: str, figure: Figure, a: tuple[str, Durations], b: tuple[str, Durations]) -> Contrast:
    """Two groups of a process beside each other, each with its name; both have some case."""
    means = [float(group.taken.mean()) for _, group in (a, b)]
    spreads = [float(group.taken.std(ddof=1)) if len(group) > 1 else 0.0 for _, group in (a, b)]
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
        smallest_s=smallest_difference((spreads[0], len(a[1])), (spreads[1], len(b[1])))
        if handling
        else None,
        needed=cases_needed(*means, variation=variation) if handling and variation else None,
    )


def _leads(cases: Sequence[Case], now: datetime) -> Durations:
    """Requested to delivered; until it ended otherwise, or until now, where it was not."""
    taken, over = [], []
    for case in cases:
        start = case.milestones.get("requested")
        if start is None:
            continue
        end = case.milestones.get("delivered")
        taken.append(max(0.0, ((end or case.ended_at or now) - start).total_seconds()))
        over.append(end is not None)
    return Durations.of(taken, over)


def _handling(cases: Sequence[Case]) -> Durations:
    """What people's hands took of each delivered request."""
    return Durations.of(
        [
            sum(span.seconds for span in case.spans if span.kind is Wait.TOUCH)
            for case in cases
            if "delivered" in case.milestones and any(span.kind is Wait.TOUCH for span in case.spans)
        ]
    )
