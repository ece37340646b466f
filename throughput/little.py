"""Whether a log can be right: requests in hand = rate × lead (Little's law).

The law holds for whatever comes and goes, as long as about as much goes as comes. Where it misses by more
than chance allows, ends are missing, clocks are wrong, or the office is filling up: look again before you
believe a figure of it.
Source: J. D. C. Little, A proof for the queuing formula L = λW, Operations Research 9 (1961), 383-387.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from math import sqrt

import numpy as np

from throughput.figures import Flags, microseconds, moment_of
from throughput.flows import MILESTONES, WEEK_US, Flow
from throughput.kept_days import beginning_of, week_of
from throughput.survival import Numbers

TOLERANCE = 0.1
"""By how much the two sides may differ at the least; more where chance alone does more."""
_DEVIATIONS = 3.0
_LEAST_ENDED = 20
_FEWEST_WEEKS = 2
_WEEK = timedelta(weeks=1)
_LEAST_LEADS = 4.0  # so many mean leads have to fit into the window
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
    """Check a group, whose requests are all those that were opened from some moment on, until `until_us`: by
    the office's whole weeks, as throughput.little_weeks does by their sums."""
    wrong = _wrong_clocks(group)
    opened, left = group.opened_us[~wrong], group.left_us[~wrong]
    leads = (left - opened)[~np.isnan(left)]
    begin, end = _window(opened, leads, group.until_us)
    gone = (left >= begin) & (left < end)
    took, length = (left - opened)[gone], end - begin
    overlap = np.clip(np.minimum(np.nan_to_num(left, nan=end), end) - np.maximum(opened, begin), 0, None)
    told = enough(took, length, int(length // WEEK_US))
    found = Little(
        key=group.key,
        variant=group.variant,
        days=length / 86_400e6,
        arrived=int(((opened >= begin) & (opened < end)).sum()),
        ended=len(took),
        in_hand=float(overlap.sum()) / length if told else None,
        rate_times_lead=float(took.sum()) / length if told else None,
        tolerance=tolerance(took, length) if told else None,
        wrong_clocks=int(wrong.sum()),
        overdue=_overdue(opened, left, leads, group.now_us),
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


def _window(opened: Numbers, leads: Numbers, until: float) -> tuple[float, float]:
    """From which Monday to which the check goes; empty where no whole week is over."""
    last = week_of(moment_of(until))
    first = week_of(moment_of(float(opened.min()))) if len(opened) else last
    warm = timedelta(microseconds=float(np.quantile(leads, USUAL))) if len(leads) else timedelta(0)
    begin = weeks_checked(first, warm, last)
    return microseconds(beginning_of(begin)), microseconds(beginning_of(last))


def weeks_checked(first: date, warm: timedelta, end: date) -> date:
    """The Monday from which on the weeks up to `end` are checked, of requests of which the first came in the
    week of `first`: those have had time to leave, or half of the weeks are over."""
    if first >= end:
        return end
    since, until = beginning_of(first), beginning_of(end)
    return min(end, week_of(min(since + warm, since + (until - since) / 2) + _WEEK))


def enough(took: Numbers, length: float, weeks: int) -> bool:
    """Whether those that ended in a window, of so many whole weeks, tell something by how long they took."""
    return (
        weeks >= _FEWEST_WEEKS and len(took) >= _LEAST_ENDED and length >= _LEAST_LEADS * float(took.mean())
    )


def tolerance(took: Numbers, length: float) -> float:
    """By how much the two sides may differ, as a share of what the ended ones took: more than chance makes.

    They differ by the ages of what is open at the end less those of what was open at the beginning. With
    arrivals at random each of these sums has the variance rate × E[lead³] / 3.
    """
    chance = (
        sqrt(2 * len(took) / length * float((took**3).mean()) / 3) / float(took.sum()) if took.sum() else 0.0
    )
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
