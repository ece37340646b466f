"""Requests in the groups that a comparison puts beside each other: by variant, month, unit or definition."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from throughput.figures import Cases, Numbers, Words, microseconds, moment_of
from throughput.monitor import Month
from workflow.calendar import ZONE

Places = NDArray[np.int64]
By = Literal["variant", "month", "unit", "definition"]
WAYS: Final[tuple[By, ...]] = get_args(By)
NO_UNIT: Final = "–"
DIGITS: Final = 8
"""Of a definition's digest so many tell it from others of its variant."""
_BETWEEN: Final = " · "


@dataclass(frozen=True)
class Group:
    """Requests of one process that are told of together: their `places` among the cases, rising."""

    key: str
    name: str
    places: Places


def grouped(cases: Cases, by: By = "variant") -> list[Group]:
    """The groups that have a request, by process and name. Months are the office's, of the opening."""
    names = _months(cases.opened) if by == "month" else getattr(cases, by)
    codes = cases.key.codes.astype(np.int64) * max(1, len(names.names)) + names.codes
    order = np.argsort(codes, kind="stable")
    found, first = np.unique(codes[order], return_index=True)
    parts = np.split(order, first[1:]) if len(found) else []
    groups = [
        Group(str(cases.key.names[code // len(names.names)]), _named(cases, names, places, by), places)
        for code, places in zip(found.tolist(), parts, strict=True)
    ]
    return sorted(groups, key=lambda group: (group.key, group.name))


def definition_name(variant: str, digest: str) -> str:
    """What a definition is called: by its variant, and the beginning of its digest."""
    return f"{variant}{_BETWEEN}{digest[:DIGITS]}"


def variant_in(name: str) -> str:
    """The variant in the name of a definition."""
    return name.rpartition(_BETWEEN)[0]


def digest_in(name: str) -> str:
    """What is left of the digest in the name of a definition; other groups are called as they are."""
    return name.rpartition(_BETWEEN)[2]


def _named(cases: Cases, names: Words, places: Places, by: By) -> str:
    first = places[0]
    name = names.names[names.codes[first]]
    if name is None:
        return NO_UNIT
    variant = cases.variant.names[cases.variant.codes[first]] or ""
    return definition_name(variant, name) if by == "definition" else name


def _months(opened: Numbers) -> Words:
    """The month of each moment."""
    if not len(opened):
        return Words((), np.zeros(0, np.int32))
    first, last = (moment_of(float(one)).astimezone(ZONE).date() for one in (opened.min(), opened.max()))
    months = [Month.of(first)]
    while months[-1] != Month.of(last):
        months.append(months[-1].next)
    begins = [microseconds(month.begins(ZONE)) for month in months[1:]]
    return Words(tuple(map(str, months)), np.searchsorted(begins, opened, side="right").astype(np.int32))
