"""Whether a log can be right: requests in hand = rate × lead (Little's law).

The law holds for whatever comes and goes, as long as about as much goes as comes. Where it misses by more
than chance allows, ends are missing, clocks are wrong, or the office is filling up: look again before you
believe a figure of it.
Source: J. D. C. Little, A proof for the queuing formula L = λW, Operations Research 9 (1961), 383-387.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import sqrt

import numpy as np

from throughput.figures import Flags
from throughput.flows import MILESTONES, WEEK_US, Flow
from throughput.survival import Numbers

TOLERANCE = 0.1
"""By how much the two sides may differ at the least; more where chance alone does more."""
_DEVIATIONS = 3.0
LEAST_ENDED = 20
LEAST_LEADS = 4.0  # so many mean leads have to fit into the window
_SURPLUS = 2.0  # more arrivals than ends by so many deviations are no chance
USUAL = 0.95  # the window begins when so many of those there were first had time to end


class Cause(StrEnum):
    """What may be behind it."""

    MISSING_ENDS = "missing-ends"  # many are open for longer than any took that ended
    FILLING = "filling"  # more come than go
    EMPTYING = "emptying"  # more go than come
    CLOCKS = "clocks"  # an end lies before its beginning, or either in the future
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Little:
    """The check of one variant, over a window of days; requests of programs are in it as well.

    `told` is False where the window is too short to tell; the figures are None then.
    """

    key: str
    variant: str
    days: float
    arrived: int
    ended: int
    in_hand: float | None  # mean over the window
    rate_times_lead: float | None  # those that ended a day × their mean days
    tolerance: float | None
    wrong_clocks: int
    overdue: int  # open for longer than any took that ended
    causes: tuple[Cause, ...]

    @property
    def told(self) -> bool:
        """Whether there is enough to check."""
        return self.in_hand is not None

    @property
    def misses_by(self) -> float | None:
        """How far the requests in hand are from rate × lead, as a share of it."""
        if self.in_hand is None or not self.rate_times_lead:
            return None
        return self.in_hand / self.rate_times_lead - 1

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the log."""
        return not self.causes


def little(group: Flow) -> Little:
    """Check a group, whose requests are all those that were opened from some moment on, until `until_us`."""
    end = group.until_us
    wrong = _wrong_clocks(group)
    opened, left = group.opened_us[~wrong], group.left_us[~wrong]
    leads = (left - opened)[~np.isnan(left)]
    begin = _begin(opened, leads, end)
    arrived = int(((opened >= begin) & (opened < end)).sum())
    gone = (left >= begin) & (left < end)
    took = float((left - opened)[gone].sum())
    days, enough = (end - begin) / 86_400e6, _enough(leads, int(gone.sum()), end - begin)
    overlap = np.clip(np.minimum(np.nan_to_num(left, nan=end), end) - np.maximum(opened, begin), 0, None)
    overdue = _overdue(opened, left, leads, group.now_us)
    found = Little(
        key=group.key,
        variant=group.variant,
        days=days,
        arrived=arrived,
        ended=int(gone.sum()),
        in_hand=float(overlap.sum()) / (end - begin) if enough else None,
        rate_times_lead=took / (end - begin) if enough else None,
        tolerance=tolerance(float((leads**3).mean()), took, int(gone.sum()) / (end - begin))
        if enough
        else None,
        wrong_clocks=int(wrong.sum()),
        overdue=overdue,
        causes=(),
    )
    return judged(found)


def judged(found: Little) -> Little:
    """The same with what is behind it where it misses."""
    return replace(found, causes=_causes(found))


def _wrong_clocks(group: Flow) -> Flags:
    """Requests with a moment in the future, or that were over before they began."""
    columns = [group.milestones_us[name] for name in MILESTONES] + [group.ended_us]
    before = group.left_us < group.opened_us
    future = np.any([column > group.now_us for column in [group.opened_us, *columns]], axis=0)
    wrong: Flags = before | future
    return wrong


def _begin(opened: Numbers, leads: Numbers, end: float) -> float:
    """Where the window begins: the first requests are over by then, and it is whole weeks where it can be."""
    if not len(opened):
        return end
    warm = float(np.quantile(leads, USUAL)) if len(leads) else 0.0
    first = float(opened.min())
    begin = min(first + warm, (first + end) / 2)
    weeks = (end - begin) // WEEK_US
    return end - weeks * WEEK_US if weeks >= 2 else begin


def _enough(leads: Numbers, ended: int, length: float) -> bool:
    return ended >= LEAST_ENDED and length >= LEAST_LEADS * float(leads.mean())


def tolerance(mean_cubed: float, took: float, rate: float) -> float:
    """By how much the two sides may differ, as a share of what the ended ones took: more than chance makes.

    They differ by the ages of what is open at the end less those of what was open at the beginning. With
    arrivals at random each of these sums has the variance rate × E[lead³] / 3.
    """
    chance = sqrt(2 * rate * mean_cubed / 3) / took if took else 0.0
    return max(TOLERANCE, _DEVIATIONS * chance)


def _overdue(opened: Numbers, left: Numbers, leads: Numbers, now: float) -> int:
    if not len(leads):
        return 0
    return int((now - opened[np.isnan(left)] > leads.max()).sum())


def _causes(found: Little) -> tuple[Cause, ...]:
    """What is behind a miss, the likeliest first; clocks that are wrong are one without a miss, too."""
    clocks = (Cause.CLOCKS,) if found.wrong_clocks else ()
    misses, chance = found.misses_by, _SURPLUS * sqrt(found.arrived + found.ended)
    if misses is None or found.tolerance is None or abs(misses) <= found.tolerance:
        return clocks
    surplus = found.arrived - found.ended
    causes = [Cause.MISSING_ENDS] if misses > 0 and found.overdue else []
    causes += [Cause.FILLING] if misses > 0 and surplus - found.overdue > chance else []
    causes += [Cause.EMPTYING] if misses < 0 and surplus < -chance else []
    return (*causes, *clocks) or (Cause.UNKNOWN,)
