"""The third panel: how many people the handling takes, at so many requests a week.

Three kinds are told apart: what was measured; measured minutes for requests that somebody named, and that may
never have come; and the source's minutes, where nobody was measured.

In hours a week, and in full-time equivalents by two divisors: the week of 36 hours that a contract counts,
and the 1,363 hours a year that are left of it to work in (throughput.claims).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from throughput.claims import CLAIMS, HOURS_PER_FTE_WEEK, PRODUCTIVE_HOURS_PER_YEAR
from throughput.estimates import Figure, mean
from throughput.flows import Flow
from throughput.origins import MEASURED, Origin
from throughput.panels import Counts, counts

WEEKS_A_YEAR = 52
CLAIMS_KEY = "employer-declaration"
"""The process that the source studied."""


@dataclass(frozen=True)
class Capacity:
    """What handling comes to. `handling_min` is the mean of a request, measured, or claimed where none is;
    what measured minutes come to is `given` where the number of requests is.
    """

    key: str
    variant: str
    counts: Counts
    per_week: float | None  # requests: as asked, else as measured
    per_week_origin: Origin
    handling_min: Figure
    hours_per_week: Figure
    fte_by_week: Figure
    fte_by_year: Figure


def capacity(group: Flow, *, per_week: float | None = None) -> Capacity:
    """The panel of a group; `per_week` instead of the rate at which its requests came."""
    minutes = handling_min(group)
    rate = per_week if per_week is not None else arrivals_per_week(group)
    origin: Origin = MEASURED if per_week is None else "given"
    hours = Figure(0, None) if rate is None else minutes.times(rate / 60)
    hours = hours if minutes.origin != MEASURED else replace(hours, origin=origin)
    return Capacity(
        group.key,
        group.variant,
        counts(group),
        rate,
        origin,
        minutes,
        hours,
        hours.times(1 / HOURS_PER_FTE_WEEK),
        hours.times(WEEKS_A_YEAR / PRODUCTIVE_HOURS_PER_YEAR),
    )


def kinds(found: Sequence[Capacity]) -> tuple[list[Capacity], list[Capacity]]:
    """Those whose minutes people were measured for, and those whose minutes the source claims."""
    claimed = [one for one in found if one.handling_min.origin == "claimed" and one.handling_min.value]
    return [one for one in found if one not in claimed], claimed


def given_rate(found: Sequence[Capacity]) -> float | None:
    """The requests a week that somebody named; None: those are told of that came."""
    return next((one.per_week for one in found if one.per_week_origin == "given"), None)


def handling_min(group: Flow) -> Figure:
    """The mean handling of a delivered request in minutes: as measured of people, or else as claimed."""
    measured = mean(group.touch_s[group.timed], group.timed_weight).times(1 / 60)
    return claimed_min(group.key, group.variant) if measured.value is None else measured


def claimed_min(key: str, variant: str) -> Figure:
    """The source's minutes of a request; a figure without a value where it has none."""
    said = {claim.variant: claim.handling_min for claim in CLAIMS} if key == CLAIMS_KEY else {}
    return Figure(0, said.get(variant), origin="claimed")


def arrivals_per_week(*groups: Flow) -> float | None:
    """Requests of all groups of a process that came a week; None within its first day."""
    weeks = groups[0].weeks if groups else 0.0
    return sum(map(len, groups)) / weeks if weeks >= 1 / 7 else None
