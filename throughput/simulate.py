"""What if: the same requests, sent through an office that signs in one way or another.

Every figure that comes out is simulated, and says so. Time is the office's: minutes of opening hours, five
days a week. The same requests arrive at the same moments in every scenario and meet the same luck (common
random numbers), so that what differs between two of them is what differs between their assumptions.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, log, sqrt
from statistics import NormalDist, mean, stdev

import numpy as np
from numpy.typing import NDArray

from throughput.errors import ScenarioUnusable

DAY_MIN = 480.0  # an office day of eight hours
WEEK_MIN = 5 * DAY_MIN
HOURS_PER_FTE_WEEK = 36.0
_HARDLY = 0.0005  # of all requests: so little does one more clerk bring where others are waited for
_MOST_TRIES = 20  # of one request that goes back again and again


@dataclass(frozen=True)
class Scenario:
    """The assumptions about one way of signing. Minutes and days are of the office's time.

    `handling_min`: of a clerk, each time a request is at the queue; `return_rate`: how often it goes back.
    `signing_every_days`: paper waits for the next round of signing; 0: signed when it comes.
    `post_days`: until it is with the requester. `variation`: standard deviation over mean, of people's work.
    """

    name: str
    per_week: float = 100
    handling_min: float = 10
    variation: float = 0.5
    manager_median_min: float = DAY_MIN
    manager_variation: float = 1.0
    return_rate: float = 0.2
    clerks: float = 1  # people at the queue at the same time
    clerk_share: float = 0.7  # of their day that is for this work
    signing_every_days: float = 0
    signer_min: float = 0.5
    post_days: float = 0
    provider_s: float = 0

    def __post_init__(self) -> None:
        """Refuse what can't be. Raises ScenarioUnusable."""
        positive = ("per_week", "handling_min", "clerks", "clerk_share", "manager_median_min")
        wrong = [name for name in positive if not getattr(self, name) > 0]
        wrong += [
            name
            for name in ("variation", "manager_variation", "signing_every_days", "signer_min", "post_days")
            if getattr(self, name) < 0
        ]
        wrong += ["return_rate"] if not 0 <= self.return_rate < 1 else []
        wrong += ["clerk_share"] if self.clerk_share > 1 else []
        if wrong:
            raise ScenarioUnusable(
                f"{self.name}: {', '.join(wrong)} can't be so.", hint="Give numbers above 0, shares up to 1."
            )

    @property
    def load(self) -> float:
        """The clerks' work over the time they have for it; from 1 on the queue grows without end."""
        each = self.handling_min / (1 - self.return_rate)
        return self.per_week * each / (ceil(self.clerks) * self.clerk_share * WEEK_MIN)

    @property
    def handling_fte(self) -> float:
        """What all handling comes to, in full-time weeks of 36 hours."""
        return self.per_week * self.handling_min / (1 - self.return_rate) / 60 / HOURS_PER_FTE_WEEK


@dataclass(frozen=True)
class Run:
    """One replication: the leads of the requests that were counted, in office days, and how many are open."""

    lead_days: NDArray[np.float64]
    in_progress: float
    busy: float  # share of their time that clerks worked
    handled_min: float  # of a request, its returns included

    def within(self, days: float) -> float:
        """The share that took no longer."""
        return float((self.lead_days <= days).mean())


@dataclass(frozen=True)
class Estimate:
    """A figure over the replications: its mean, and between what the mean lies with 95 % certainty."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Estimate":
        """The mean of replications that know nothing of one another; by the normal law, for ten and more."""
        middle = mean(values)
        wide = NormalDist().inv_cdf(0.975) * stdev(values) / sqrt(len(values)) if len(values) > 1 else 0.0
        return cls(middle, middle - wide, middle + wide)


@dataclass(frozen=True)
class Outcome:
    """What a scenario comes to. Simulated, all of it."""

    scenario: Scenario
    lead_median_days: Estimate
    lead_p90_days: Estimate
    in_progress: Estimate
    within: Estimate
    within_days: float
    busy: Estimate
    handling_fte: Estimate
    origin: str = "simulated"


@dataclass(frozen=True)
class Luck:
    """What happens to each request whatever the scenario: when it comes, and how it goes, as chances."""

    gaps: NDArray[np.float64]  # exponential with mean 1
    manager: NDArray[np.float64]  # normal, by request and try
    handling: NDArray[np.float64]
    signing: NDArray[np.float64]
    returned: NDArray[np.float64]  # uniform

    @classmethod
    def of(cls, requests: int, seed: int) -> "Luck":
        """Draw it. Each kind has a source of its own, so that none moves another's."""
        kinds = np.random.SeedSequence(seed).spawn(5)
        one, two, three, four, five = (np.random.default_rng(kind) for kind in kinds)
        size = (requests, _MOST_TRIES)
        return cls(
            one.exponential(1, requests),
            two.standard_normal(size),
            three.standard_normal(size),
            four.standard_normal(requests),
            five.uniform(size=size),
        )


def compare(
    scenarios: Sequence[Scenario],
    *,
    weeks: int = 52,
    warm_up_weeks: int = 8,
    replications: int = 20,
    within_days: float = 5,
    seed: int = 1,
) -> list[Outcome]:
    """Send the same requests through each scenario. Raises ScenarioUnusable for a queue without end."""
    for scenario in scenarios:
        if scenario.load >= 1:
            raise ScenarioUnusable(
                f"{scenario.name}: the clerks' work is {scenario.load:.0%} of their time.",
                hint="Give more clerks, or more of their day.",
            )
    requests = ceil(max(scenario.per_week for scenario in scenarios) * (weeks + warm_up_weeks) * 1.2)
    lucks = [Luck.of(requests, seed + number) for number in range(replications)]
    window = (warm_up_weeks * WEEK_MIN, (warm_up_weeks + weeks) * WEEK_MIN)
    return [
        _outcome(scenario, [run(scenario, luck, window) for luck in lucks], within_days)
        for scenario in scenarios
    ]


def clerks_needed(
    scenario: Scenario, *, share: float = 0.95, within_days: float = 5, most: int = 50, **how: int
) -> int | None:
    """The fewest clerks with which so large a share is through in time, surely; None when none are enough."""
    before = -1.0
    for clerks in range(1, most + 1):
        asked = replace(scenario, clerks=clerks)
        if asked.load < 1:
            (found,) = compare([asked], within_days=within_days, **how)
            if found.within.low >= share:
                return clerks
            if found.within.value - before < _HARDLY:
                return None  # what is left is no clerk's doing
            before = found.within.value
    return None


def run(scenario: Scenario, luck: Luck, window: tuple[float, float]) -> Run:
    """One replication: what arrives in the window is counted, until it is delivered."""
    office = _Office(scenario, luck)
    begins, ends = window
    arrived, leads, done_at = np.cumsum(luck.gaps) * WEEK_MIN / scenario.per_week, [], []
    office.take(arrived, until=ends)
    counted = (arrived >= begins) & (arrived < ends)
    for number in np.flatnonzero(counted):
        leads.append((office.delivered[number] - arrived[number]) / DAY_MIN)
        done_at.append(office.delivered[number])
    # Requests of before the window are in progress in it, too.
    overlap = np.minimum(office.delivered, ends) - np.maximum(arrived, begins)
    return Run(
        np.asarray(leads),
        float(np.clip(overlap[arrived < ends], 0, None).sum() / (ends - begins)),
        office.worked / (ceil(scenario.clerks) * scenario.clerk_share * ends),
        office.worked / max(1, int((arrived < ends).sum())),
    )


class _Office:
    """Requests on their way: the manager, the clerks' queue, the signer, the post."""

    def __init__(self, scenario: Scenario, luck: Luck) -> None:
        self._is, self._luck = scenario, luck
        self.delivered = np.full(len(luck.gaps), np.inf)
        self.worked = 0.0
        self._free = [0.0] * ceil(scenario.clerks)  # when each clerk is free again
        self._handle = _lognormal(scenario.handling_min, scenario.variation)
        self._sign = _lognormal(scenario.signer_min, scenario.variation) if scenario.signer_min else None
        spread = sqrt(log(1 + scenario.manager_variation**2))
        self._manager: Callable[[float], float] = lambda z: (
            scenario.manager_median_min * float(np.exp(spread * z))
        )

    def take(self, arrived: NDArray[np.float64], *, until: float) -> None:
        """Send all that arrive before `until` to their end; the queue serves who came to it first."""
        queue = [
            (float(at) + self._manager(self._luck.manager[number, 0]), number, 0)
            for number, at in enumerate(arrived)
            if at < until
        ]
        heapq.heapify(queue)
        while queue:
            ready, number, tried = heapq.heappop(queue)
            begun = max(ready, heapq.heappop(self._free))
            taken = self._handle(self._luck.handling[number, tried])
            self.worked += taken
            end = begun + taken / self._is.clerk_share  # they have other work beside
            heapq.heappush(self._free, end)
            again = tried + 1
            if again < _MOST_TRIES and self._luck.returned[number, tried] < self._is.return_rate:
                heapq.heappush(queue, (end + self._manager(self._luck.manager[number, again]), number, again))
            else:
                self.delivered[number] = self._signed(end, number) + self._is.post_days * DAY_MIN

    def _signed(self, at: float, number: int) -> float:
        every = self._is.signing_every_days * DAY_MIN
        round_at = ceil(at / every) * every if every else at
        signing = self._sign(self._luck.signing[number]) if self._sign else 0.0
        return round_at + signing + self._is.provider_s / 60


def _lognormal(middle: float, variation: float) -> Callable[[float], float]:
    """From a normal chance to a length with this mean and this deviation over the mean."""
    spread = sqrt(log(1 + variation**2))
    shift = log(middle) - spread**2 / 2
    return lambda z: float(np.exp(shift + spread * z))


def _outcome(scenario: Scenario, runs: Sequence[Run], within_days: float) -> Outcome:
    return Outcome(
        scenario=scenario,
        lead_median_days=Estimate.of([float(np.median(one.lead_days)) for one in runs]),
        lead_p90_days=Estimate.of([float(np.quantile(one.lead_days, 0.9)) for one in runs]),
        in_progress=Estimate.of([one.in_progress for one in runs]),
        within=Estimate.of([one.within(within_days) for one in runs]),
        within_days=within_days,
        busy=Estimate.of([one.busy for one in runs]),
        handling_fte=Estimate.of(
            [scenario.per_week * one.handled_min / 60 / HOURS_PER_FTE_WEEK for one in runs]
        ),
    )


SOURCE = (
    Scenario("A0", handling_min=10, signing_every_days=2, signer_min=1, post_days=2),
    Scenario("A1", handling_min=6.75),
    Scenario("A3", handling_min=6.1, provider_s=2),
)
"""The source's handling minutes at its 100 a week; everything else is assumed."""
