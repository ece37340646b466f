"""Whether a log can be right: requests in hand = rate × lead (Little's law).

Checked over whole weeks, with all that was in hand in them, whenever it was asked for. The law holds for
whatever comes and goes, as long as about as much is in hand at the end as at the beginning: where it is not,
the law says nothing of the log. Where it misses otherwise by more than chance allows, ends are missing, or
clocks are wrong: look again before you believe a figure of it.
Source: J. D. C. Little, A proof for the queuing formula L = λW, Operations Research 9 (1961), 383-387.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from math import sqrt

from throughput.kept_days import beginning_of, week_of
from throughput.survival import Numbers

TOLERANCE = 0.1
"""By how much the two sides may differ at the least; more where chance alone does more."""
_DEVIATIONS = 3.0
_LEAST_ENDED = 20
_FEWEST_WEEKS = 2
_WEEK = timedelta(weeks=1)
_LEAST_LEADS = 4.0  # so many mean leads have to fit into the window
_GROWTH = 2.0  # by so many deviations more or fewer in hand at the end than at the beginning are no chance
USUAL = 0.95  # the window begins when so many of those there were first had time to end


class Cause(StrEnum):
    """What may be behind it."""

    MISSING_ENDS = "missing-ends"  # many are open for longer than any took that ended
    FILLING = "filling"  # more come than go
    EMPTYING = "emptying"  # more go than come
    CLOCKS = "clocks"  # an end lies before its beginning, or either in the future
    UNKNOWN = "unknown"


_UNSTEADY = frozenset((Cause.FILLING, Cause.EMPTYING))


@dataclass(frozen=True)
class Little:
    """The check of one variant, over some whole weeks; requests of programs are in it as well.

    `told` is False where those are too few to tell; the figures are None then.
    """

    key: str
    variant: str
    days: float
    arrived: int
    ended: int
    in_hand_first: int  # when the weeks began, whenever that was asked for
    in_hand: float | None  # mean over the weeks
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
    def in_hand_last(self) -> int:
        """How many were in hand when the weeks were over."""
        return self.in_hand_first + self.arrived - self.ended

    @property
    def steady(self) -> bool:
        """Whether the law applies: False where much more is in hand at one end than at the other."""
        return not _UNSTEADY.intersection(self.causes)

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the log."""
        return _UNSTEADY.issuperset(self.causes)


def judged(found: Little) -> Little:
    """The same with what is behind it where it misses."""
    return replace(found, causes=_causes(found))


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


def _causes(found: Little) -> tuple[Cause, ...]:
    """What is behind a miss, the likeliest first; clocks that are wrong are one without a miss, too."""
    clocks = (Cause.CLOCKS,) if found.wrong_clocks else ()
    misses = found.misses_by
    if misses is None or found.tolerance is None or abs(misses) <= found.tolerance:
        return clocks
    first, last = found.in_hand_first, found.in_hand_last
    chance = _GROWTH * sqrt(max(0, first) + max(0, last))
    causes = [Cause.MISSING_ENDS] if misses > 0 and found.overdue else []
    causes += [Cause.FILLING] if last - first - found.overdue > chance else []
    causes += [Cause.EMPTYING] if first - last > chance else []
    return (*causes, *clocks) or (Cause.UNKNOWN,)
