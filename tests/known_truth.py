"""An office whose truth is known: requests made by a law that we set, as columns that figures are made from.

Requests come at random; each waits for its manager, is handled by a clerk, goes back in some cases, waits for
an outsider in some, is signed and posted, unless its requester withdraws it. What is not over when the log
ends is cut off there. `python -m tests.known_truth` prints how often the figures hold the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from throughput.bottleneck import bottleneck
from throughput.capacity import capacity
from throughput.estimates import Figure
from throughput.figures import Cases, Numbers, Tasks, Words, microseconds
from throughput.flows import Flow, flows_of
from throughput.panels import handling, leads
from throughput.rework import rework
from throughput.spans import Wait

BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
STATES = ("manager", "review", "sign")
MANAGER, REVIEW, SIGN = range(3)
STEPS = (MANAGER, REVIEW, MANAGER, REVIEW, SIGN)  # the second round only where it went back
ORDER = (Wait.QUEUE, Wait.DESK, Wait.SUSPENDED, Wait.TOUCH)
HOUR = 3600.0
FEWEST = 181
"""Of 200 intervals that hold the truth with 95 % each, fewer than 181 do so once in 375 times (binomial)."""


@dataclass(frozen=True)
class Law:
    """What is true of an office. Lengths are log-normal, with these means and deviations over the mean."""

    per_week: float = 30
    weeks: int = 30
    queue_h: tuple[float, float, float] = (20, 30, 10)
    touch_h: tuple[float, float, float] = (0.1, 0.15, 0.05)
    desk_h: float = 1
    variation: float = 0.7
    suspended: float = 0.3  # of the reviews
    suspended_h: float = 40
    returned: float = 0.2  # of the first reviews
    post_h: float = 6
    withdrawn_after_h: float = 2000  # in the mean, if it is not over by then
    ends_lost: float = 0.0  # of the requests that are over


@dataclass(frozen=True)
class Lives:
    """Requests from their opening to their delivery, whether or not anybody sees the end; seconds."""

    opened: Numbers  # after the log begins
    again: NDArray[np.bool_]
    spent: Mapping[Wait, Numbers]  # (steps, requests); nothing in steps that a request does not do
    post: Numbers
    withdrawn: Numbers  # after its opening; infinite for most that are delivered before

    @classmethod
    def of(cls, law: Law, n: int, rng: np.random.Generator) -> "Lives":
        """Draw so many."""
        again = rng.random(n) < law.returned
        does = np.array([np.ones(n, bool), np.ones(n, bool), again, again, np.ones(n, bool)])
        outside = (rng.random((5, n)) < law.suspended) & (np.array(STEPS) == REVIEW)[:, None]
        drawn = {
            Wait.QUEUE: [_drawn(law, law.queue_h[state], n, rng) for state in STEPS],
            Wait.DESK: [_drawn(law, law.desk_h, n, rng) for _ in STEPS],
            Wait.SUSPENDED: [_drawn(law, law.suspended_h, n, rng) for _ in STEPS] * outside,
            Wait.TOUCH: [_drawn(law, law.touch_h[state], n, rng) for state in STEPS],
        }
        opened = np.sort(rng.uniform(0, law.weeks * 168 * HOUR, n))
        withdrawn = rng.exponential(law.withdrawn_after_h * HOUR, n)
        spent = {kind: np.asarray(values) * does for kind, values in drawn.items()}
        return cls(opened, again, spent, _drawn(law, law.post_h, n, rng), withdrawn)

    @property
    def ends(self) -> Numbers:
        """When each step ends after the opening: (steps, requests)."""
        return np.cumsum(sum(self.spent.values()), axis=0)

    @property
    def lead(self) -> Numbers:
        """From the opening to the delivery."""
        return self.ends[-1] + self.post


def _drawn(law: Law, mean_h: float, n: int, rng: np.random.Generator) -> Numbers:
    spread = sqrt(log(1 + law.variation**2))
    return rng.lognormal(log(mean_h * HOUR) - spread**2 / 2, spread, n)


@cache
def truth(law: Law) -> dict[str, float]:
    """What the figures should come to, reckoned from very many lives that are seen to their end."""
    lives = Lives.of(law, 400_000, np.random.default_rng(10**6))
    seen = lives.withdrawn > lives.lead
    touch = lives.spent[Wait.TOUCH].sum(axis=0)[seen]
    redone = lives.spent[Wait.TOUCH][2:4].sum(axis=0)[seen]
    return {
        "handling.mean": float(touch.mean()),
        "handling.median": float(np.median(touch)),
        "handling.p90": float(np.quantile(touch, 0.9)),
        "lead.median": float(np.median(lives.lead)),
        "lead.p90": float(np.quantile(lives.lead, 0.9)),
        "lead.approved.signed.median": float(np.median(lives.ends[4] - lives.ends[3])),
        "first_time_right": float(1 - lives.again[seen].mean()),
        "rework": float(redone.sum() / touch.sum()),
        "efficiency": float(touch.sum() / lives.lead[seen].sum()),
        "hours_per_week": law.per_week * float(touch.mean()) / HOUR,
        "waiting.review": _waited(lives, REVIEW) / float(np.minimum(lives.lead, lives.withdrawn).sum()),
    }


def _waited(lives: Lives, state: int) -> float:
    """What all of them wait in a state until they are delivered or withdrawn; a task's touch comes last."""
    waits = sum(lives.spent[kind] for kind in ORDER[:-1])
    begins = np.vstack([np.zeros(len(lives.opened)), lives.ends[:-1]])
    seen = np.clip(lives.withdrawn - begins, 0, waits)
    return float(seen[np.array(STEPS) == state].sum())


def figures(law: Law, group: Flow) -> dict[str, Figure]:
    """The same of one log, as reports give them."""
    hands, flow, back = handling(group), leads(group), rework(group)
    whole, signing = flow.between("requested", "delivered"), flow.between("approved", "signed")
    assert whole is not None
    assert signing is not None
    return {
        "handling.mean": hands.touch_mean_s,
        "handling.median": hands.touch_s.median,
        "handling.p90": hands.touch_s.p90,
        "lead.median": whole.taken_s.median,
        "lead.p90": whole.taken_s.p90,
        "lead.approved.signed.median": signing.taken_s.median,
        "first_time_right": back.first_time_right,
        "rework": back.of_touch,
        "efficiency": flow.efficiency,
        "waiting.review": next(one.of_lead for one in bottleneck(group).states if one.state == "review"),
        "hours_per_week": capacity(group, per_week=law.per_week).hours_per_week,
    }


def held(law: Law, seeds: int = 200) -> dict[str, int]:
    """In how many logs each figure's interval holds the truth."""
    true = truth(law)
    found = dict.fromkeys(true, 0)
    for seed in range(seeds):
        for name, figure in figures(law, office(law, seed)).items():
            low, high = figure.low, figure.high
            found[name] += (low is None or low <= true[name]) and (high is None or true[name] <= high)
    return found


def office(law: Law, seed: int) -> Flow:
    """One log, as the columns that are kept of it."""
    rng = np.random.default_rng(seed)
    lives = Lives.of(law, int(rng.poisson(law.per_week * law.weeks)), rng)
    end = law.weeks * 168 * HOUR - lives.opened  # of the log, seen from each opening
    stops = np.minimum(np.minimum(lives.withdrawn, lives.lead), end)
    lost = rng.random(len(stops)) < law.ends_lost
    cases = _cases(lives, stops, lost)
    (group,) = flows_of(cases, _tasks(lives, stops, stops >= end), now=BEGINS + timedelta(weeks=law.weeks))
    return group


def _cases(lives: Lives, stops: Numbers, lost: NDArray[np.bool_]) -> Cases:
    n, ends = len(stops), lives.ends

    def seen(after: Numbers) -> Numbers:
        return np.where(after <= stops, _at(lives.opened + after), np.nan)

    none, zeros = np.full(n, np.nan), np.zeros(n, np.int32)
    delivered = np.where(lost, np.nan, seen(lives.lead))
    withdrawn = (stops == lives.withdrawn) & ~lost
    word = Words(("x",), zeros)
    outcome = np.where(withdrawn, 1, np.where(np.isnan(delivered), 0, 2))
    return Cases(
        request=np.arange(n),
        **dict.fromkeys(("key", "variant", "unit", "definition", "state", "providers"), word),
        outcome=Words((None, "withdrawn", "done"), outcome.astype(np.int32)),
        opened=_at(lives.opened),
        requested=_at(lives.opened),
        approved=seen(ends[3]),
        signed=seen(ends[4]),
        delivered=delivered,
        ended=np.where(outcome > 0, _at(lives.opened + stops), np.nan),
        returns=(lives.again & (ends[1] <= stops)).astype(np.int32),
        contacts=zeros,
        signatures=zeros,
        by_program=np.zeros(n, bool),
        spent={},
        working={},
        system_s=none,
        provider_s=none,
    )


def _tasks(lives: Lives, stops: Numbers, cut: NDArray[np.bool_]) -> Tasks:
    """The tasks that had begun when the request stopped, the last of them open where the log was cut off."""
    ends = lives.ends
    begins = np.vstack([np.zeros(len(stops)), ends[:-1]])
    does = (sum(lives.spent.values()) > 0) & (begins < stops)
    step, case = np.nonzero(does)
    left = (stops - begins)[does]
    is_open = (ends > stops)[does] & cut[case]
    spent, since, running = _until(lives, does, left, is_open)
    return Tasks(
        case=case.astype(np.int32),
        state=Words(STATES, np.array(STEPS, np.int32)[step]),
        offered=_at((lives.opened + begins)[does]),
        ended=np.where(is_open, np.nan, _at((lives.opened + np.minimum(ends, stops))[does])),
        since=_at(lives.opened[case] + begins[does] + since),
        running=Words(tuple(kind.value for kind in ORDER), running),
        person=np.ones(len(step), bool),
        returned=(step == 1) & lives.again[case] & (ends <= stops)[does],
        spent=spent,
        working={},
    )


def _until(
    lives: Lives, does: NDArray[np.bool_], left: Numbers, is_open: NDArray[np.bool_]
) -> tuple[dict[Wait, Numbers], Numbers, NDArray[np.int32]]:
    """What each task spent by kind in so many seconds; what an open one is in now is still running."""
    spent, before = {}, np.zeros(len(left))
    since, running = np.zeros(len(left)), np.zeros(len(left), np.int32)
    for place, kind in enumerate(ORDER):
        whole = lives.spent[kind][does]
        here = is_open & (before <= left) & (left < before + whole)
        spent[kind] = np.where(here, 0, np.clip(left - before, 0, whole))
        since, running = np.where(here, before, since), np.where(here, place, running).astype(np.int32)
        before = before + whole
    return spent, since, running


def _at(seconds: Numbers) -> Numbers:
    return np.floor(microseconds(BEGINS) + seconds * 1e6)


if __name__ == "__main__":
    for name, count in held(Law()).items():
        print(f"{name:30} {count} of 200")
