"""What a comparison of units or months keeps to itself: few requests would tell of a person.

Counts are hidden as in the monthly report (throughput.small_cells): those of two and fewer, and as many
others as keep them from being reckoned from the sums, the whole process' included. Of fewer than FEWEST
requests nothing is told of how long they took, and nothing is compared.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, cast

from throughput.contrasts import Contrast
from throughput.measures import Spread, VariantMeasures
from throughput.small_cells import Cell, Sum, hidden

FEWEST: Final = 5
OUTCOMES: Final = ("delivered", "open", "withdrawn", "ended otherwise")
HiddenCount = tuple[str, str, str]
"""Process, group and name of a count."""


def hidden_counts(rows: Sequence[VariantMeasures]) -> frozenset[HiddenCount]:
    """The counts of groups that print as `*`."""
    found: set[HiddenCount] = set()
    for key, group in groupby(rows, key=lambda row: row.key):
        of_key = list(group)
        for parts, total in ((OUTCOMES, "started"), (("returned", "never returned"), "started")):
            found |= {(key, name, figure) for name, figure in _hidden(of_key, parts, total) if name}
    found |= {(key, name, "signatures") for key, name, figure in found if figure == "delivered"}
    return frozenset(found)


def _hidden(rows: Sequence[VariantMeasures], parts: Sequence[str], total: str) -> Iterable[tuple[str, str]]:
    """Of one process; the name of all its groups together is empty."""
    figures = (*parts, total)
    counts: dict[Cell, int] = {
        (row.variant, figure): _count(row, figure) for row in rows for figure in figures
    }
    names = [row.variant for row in rows]
    counts |= {("", figure): sum(counts[name, figure] for name in names) for figure in figures}
    sums = [Sum((name, total), tuple((name, part) for part in parts)) for name in ("", *names)]
    sums += [Sum(("", figure), tuple((name, figure) for name in names)) for figure in figures]
    return cast("frozenset[tuple[str, str]]", hidden(counts, sums))


def _count(row: VariantMeasures, figure: str) -> int:
    match figure:
        case "started":
            return row.n
        case "ended otherwise":
            return row.n - row.delivered - row.open - row.withdrawn
        case "never returned":
            return row.n - row.returned
        case _:
            return int(getattr(row, figure))


def without_few(row: VariantMeasures, kept: frozenset[HiddenCount]) -> VariantMeasures:
    """A group without the times of too few requests, or whose number would tell what is kept."""
    here = {figure for key, name, figure in kept if (key, name) == (row.key, row.variant)}
    told = not here & {"started", "delivered"}
    return replace(
        row,
        lead_s=_of_enough(row.lead_s, told=told),
        touch_total_s=_of_enough(row.touch_total_s, told=told),
        touch_s={state: found for state, found in row.touch_s.items() if _of_enough(found, told=told)},
        system_total_ms=_of_enough(row.system_total_ms, told=told),
        first_time_right=row.first_time_right if told and "returned" not in here else None,
    )


def without_small(found: Iterable[Contrast], kept: frozenset[HiddenCount]) -> list[Contrast]:
    """Those of groups that are large enough, and whose number may be told."""
    untold = {(key, name) for key, name, figure in kept if figure in ("started", "delivered")}
    return [
        one
        for one in found
        if min(one.n_a - one.open_a, one.n_b - one.open_b) >= FEWEST
        and not untold & {(one.key, one.a), (one.key, one.b)}
    ]


def _of_enough(found: Spread | None, *, told: bool) -> Spread | None:
    return found if told and found is not None and found.n >= FEWEST else None
