"""Which groups of an overview are set beside each other, and what may be said of each two."""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Final

from throughput.contrasts import OTHERS, Contrast, contrast
from throughput.grouped import By
from throughput.overview_rows import Compared
from throughput.small_cells import FEWEST

MOST: Final = 12
"""So many groups at most are set beside others: those of which most was asked."""


def side_by_side(key: str, groups: Sequence[Compared], by: By) -> list[Contrast]:
    """What may be said of leads, then of handling, where both have enough requests.

    Each two variants; each month and the one before; each unit, or definition, and all others together.
    """
    pairs = list(_pairs([group for group in groups if group.enough], by))
    return [
        *(contrast(key, "lead", (a.label, a.lead), (b.label, b.lead)) for a, b in pairs),
        *(
            contrast(key, "handling", (a.label, a.touch), (b.label, b.touch))
            for a, b in pairs
            if min(len(a.touch), len(b.touch)) >= FEWEST
        ),
    ]


def _pairs(groups: Sequence[Compared], by: By) -> Iterator[tuple[Compared, Compared]]:
    if by == "month":
        yield from ((later, earlier) for earlier, later in pairwise(groups[-MOST:]))
        return
    most = sorted(groups, key=lambda one: -one.came)[:MOST]
    if by == "variant":
        yield from combinations(sorted(most[: MOST // 2], key=lambda one: one.label), 2)
    elif len(groups) > 1:
        for one in sorted(most, key=lambda one: one.label):
            yield one, together(OTHERS, [other for other in groups if other is not one])


def together(label: str, groups: Sequence[Compared]) -> Compared:
    """Groups as one."""
    all_of_them = Compared(label)
    for group in groups:
        all_of_them.add(group)
    return all_of_them
