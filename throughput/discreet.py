"""What a comparison of units or months keeps to itself: few requests would tell of a person.

Counts are hidden as in the monthly report (throughput.small_cells): those of two and fewer, and as many
others as keep them from being reckoned from the sums, the whole process' included. Of fewer than FEWEST
requests nothing is told of how long they took. Nothing is compared with so few, of whatever groups.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, cast

from throughput.contrasts import Contrast
from throughput.estimates import Figure
from throughput.measures import Reached, Spread, VariantMeasures
from throughput.small_cells import FEWEST, SMALL, Cell, Sum, hidden
from throughput.survival import Durations, Survival

ENDED_OTHERWISE: Final = "ended otherwise"
NOT_OVER: Final = "not over"
"""All but the delivered: reports tell how many there are, and so do the other two."""
OF_PEOPLE: Final = "not over, of people's"
"""Where a program drove others of the group: nothing there is a sum with these."""
OUTCOMES: Final = ("delivered", "open", "withdrawn", ENDED_OTHERWISE)
FEWEST_SHARED: Final = 50
"""Of fewer requests a share says, beside counts to the nearest five, how many there are of each."""
NEARLY_ALL: Final = 0.9
HiddenCount = tuple[str, str, str]
"""Process, group and name of a count."""
_OF_SHARE: Final = ("delivered", "returned")
"""The counts of which the share that was right the first time tells the one to who knows the other."""


def hidden_counts(rows: Sequence[VariantMeasures]) -> frozenset[HiddenCount]:
    """The counts of groups that print as `*`."""
    found: set[HiddenCount] = set()
    for key, group in groupby(rows, key=lambda row: row.key):
        of_key = list(group)
        for parts, total in ((OUTCOMES, "started"), (("returned", "never returned"), "started")):
            found |= {(key, name, figure) for name, figure in _hidden(of_key, parts, total) if name}
    found |= {(key, name, "signatures") for key, name, figure in found if figure == "delivered"}
    return frozenset(found)


def hidden_of_people(found: Iterable[Contrast]) -> frozenset[HiddenCount]:
    """The groups of which it would be told that two or fewer of people's requests are not over."""
    return frozenset(
        (one.key, group, OF_PEOPLE)
        for one in found
        for group, still_open in ((one.a, one.open_a), (one.b, one.open_b))
        if one.figure == "lead" and still_open <= SMALL
    )


def _hidden(rows: Sequence[VariantMeasures], parts: Sequence[str], total: str) -> Iterable[tuple[str, str]]:
    """Of one process; the name of all its groups together is empty."""
    parts = [part for part in parts if any(_count(row, part) for row in rows)]
    rest = tuple(part for part in parts if part != "delivered") if "delivered" in parts else ()
    figures = (*parts, total, *([NOT_OVER] if rest else []))
    counts: dict[Cell, int] = {
        (row.variant, figure): _count(row, figure) for row in rows for figure in figures
    }
    names = [row.variant for row in rows]
    counts |= {("", figure): sum(counts[name, figure] for name in names) for figure in figures}
    sums = [Sum((name, total), tuple((name, part) for part in parts)) for name in ("", *names)]
    sums += [Sum(("", figure), tuple((name, figure) for name in names)) for figure in figures]
    for name in ("", *names) if rest else ():
        sums.append(Sum((name, NOT_OVER), tuple((name, part) for part in rest)))
        sums.append(Sum((name, total), ((name, "delivered"), (name, NOT_OVER))))
    return cast("frozenset[tuple[str, str]]", hidden(counts, sums).cells)


def _count(row: VariantMeasures, figure: str) -> int:
    match figure:
        case "started":
            return row.n
        case _ if figure == ENDED_OTHERWISE:
            return row.n - row.delivered - row.open - row.withdrawn
        case _ if figure == NOT_OVER:
            return row.n - row.delivered
        case "never returned":
            return row.n - row.returned
        case _:
            return int(getattr(row, figure))


def without_few(row: VariantMeasures, kept: frozenset[HiddenCount]) -> VariantMeasures:
    """A group without the times of too few requests."""
    return replace(
        row,
        lead_s=row.lead_s if row.lead_s is not None and row.lead_s.n >= FEWEST else None,
        touch_total_s=_of_enough(row.touch_total_s),
        touch_s=_each_of_enough(row.touch_s),
        system_ms=_each_of_enough(row.system_ms),
        provider_ms=_each_of_enough(row.provider_ms),
        system_total_ms=_of_enough(row.system_total_ms),
        first_time_right=row.first_time_right
        if row.delivered >= FEWEST and not kept & {(row.key, row.variant, name) for name in _OF_SHARE}
        else None,
    )


def tells(n: int, share: float = 0.5, beyond: int = FEWEST) -> bool:
    """Whether it is told by when this share of so many were over, beyond which so many lie.

    The middle of FEWEST or more is, a higher mark where FEWEST or more lie beyond it, by their number and in
    truth: where they count unlike, or many are open, fewer do than the number says.
    """
    return n >= FEWEST and (share <= 0.5 or (round(n * (1 - share), 6) >= FEWEST and beyond >= FEWEST))


def marks(found: Spread | Reached | None) -> tuple[float | None, float | None]:
    """Median and p90, each None where so few do not tell it."""
    if found is None:
        return None, None
    p90 = found.p90 if tells(found.n, 0.9, found.beyond) else None
    return found.median if tells(found.n) else None, p90


def lacks_marks(found: Spread | Reached | None) -> bool:
    """Whether there is a median or a p90 that is not told."""
    return found is not None and marks(found) != (found.median, found.p90)


def quantile(durations: Durations, share: float) -> float | None:
    """By when so many were over; None where that is not told, or not reached."""
    if not tells(durations.ended, share):
        return None
    found = Survival.of(durations).quantile(share)
    return found if found is None or tells(durations.ended, share, durations.beyond(found)) else None


def right_first_time(row: VariantMeasures) -> float | None:
    """The share of those delivered that never went back, beside counts that are told as they are."""
    return row.first_time_right if row.delivered >= FEWEST else None


@dataclass(frozen=True)
class PartTold:
    """A share beside counts that are told to the nearest five; `over`: it is more than that."""

    value: float
    over: bool = False


def part_told(share: float | None, yes: int, no: int) -> PartTold | None:
    """How a share of all, of which so many are in it and so many not, is told beside rounded counts.

    It is the one of the exact counts, as wherever it is told; where fewer than FEWEST are not in it, that it
    is nearly all. None of fewer than FEWEST_SHARED, and where nearly none are in it.
    """
    if share is None or yes + no < FEWEST_SHARED or yes < FEWEST:
        return None
    if no >= FEWEST:
        return PartTold(share)
    return PartTold(NEARLY_ALL, over=True) if share > NEARLY_ALL else None


def few(figure: Figure) -> bool:
    """Whether a figure was measured of so few that it is not told; what was not is of none."""
    return 0 < figure.n < FEWEST


def of_enough(one: Contrast) -> bool:
    """Whether both groups are large enough to be put beside each other."""
    return min(one.n_a - one.open_a, one.n_b - one.open_b) >= FEWEST


def _each_of_enough(found: dict[str, Spread]) -> dict[str, Spread]:
    return {name: one for name, one in found.items() if _of_enough(one)}


def _of_enough(found: Spread | None) -> Spread | None:
    return found if found is not None and found.n >= FEWEST else None
