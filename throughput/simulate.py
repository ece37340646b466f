"""What if: the same requests, sent through an office that signs in one way or another.

Every figure that comes out is simulated, and says so. Time is the office's: minutes of opening hours, five
days a week. The same requests arrive at the same moments in every scenario and meet the same luck (common
random numbers), so that what differs between two of them is what differs between their assumptions.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, log, sqrt
from statistics import mean
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from throughput.claims import HOURS_PER_FTE_WEEK
from throughput.errors import ScenarioUnusable
from throughput.replications import SPREAD_LEAST, Estimate
from throughput.scenario import DAY_MIN, NEVER_MEASURED, WEEK_MIN, Input, Scenario, assumed

_HARDLY = 0.0005  # of all requests: so little does one more clerk bring where others are waited for
_MOST_TRIES = 20  # of one request that goes back again and again
REQUESTS_MOST = 4_000_000
"""Of all replications together: the luck of each takes some 700 bytes of memory."""


@dataclass(frozen=True)
class Run:
    """One replication: the leads of the requests that were counted, in office days, and how many are open."""

    lead_days: NDArray[np.float64]
    in_progress: float
    busy: float  # share of their time that clerks worked
    handled_min: float  # of a request, its returns included
    at_desk_min: float  # each time it was at the queue, without what it was suspended: the mean
    endless: bool = False  # clerks have more work than time: each week's requests take longer than the last's

    @property
    def for_good(self) -> "Run":
        """What it comes to if it goes on like that: without end, it is without end."""
        ever = np.array([inf])
        return replace(self, lead_days=ever, in_progress=inf, busy=1.0) if self.endless else self

    def lead(self, share: float) -> float:
        """In how many office days so large a share is through."""
        return inf if self.endless else float(np.quantile(self.lead_days, share))

    def within(self, days: float) -> float:
        """The share that took no longer."""
        return float((self.lead_days <= days).mean())


@dataclass(frozen=True)
class Outcome:
    """What a scenario comes to. Simulated, all of it; `inputs` says where each assumption comes from."""

    scenario: Scenario
    lead_median_days: Estimate
    lead_p90_days: Estimate
    in_progress: Estimate
    within: Estimate
    within_days: float
    busy: Estimate
    handling_fte: Estimate
    inputs: Mapping[str, Input]
    replications: int
    overloaded: int
    """In so many of the replications the inputs, drawn anew, give the clerks more work than time: work grows
    without end, and so do leads, which count as such."""
    origin: str = "simulated"

    @property
    def basis(self) -> str:
        """Where it begins: measured, as soon as more is than how many come; else what its minutes are."""
        held = [one.origin for name, one in self.inputs.items() if name != "per_week"]
        return next((one for one in held if one not in NEVER_MEASURED), self.inputs["handling_min"].origin)


def unmeasured(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those of which nothing was measured but how many come, where of others something was.

    Who lays one beside the others lays what was assumed beside what was measured.
    """
    found = [one for one in outcomes if one.basis in NEVER_MEASURED]
    return found if len(found) < len(outcomes) else []


@dataclass(frozen=True)
class Luck:
    """What happens to each request whatever the scenario: when it comes, and how it goes, as chances."""

    gaps: NDArray[np.float64]  # exponential with mean 1
    manager: NDArray[np.float64]  # normal, by request and try
    handling: NDArray[np.float64]
    signing: NDArray[np.float64]
    returned: NDArray[np.float64]  # uniform
    suspended: NDArray[np.float64]
    signer: NDArray[np.float64]  # normal

    @classmethod
    def of(cls, requests: int, seed: int) -> "Luck":
        """Draw it. Each kind has a source of its own, so that none moves another's."""
        kinds = np.random.SeedSequence(seed).spawn(7)
        one, two, three, four, five, six, seven = (np.random.default_rng(kind) for kind in kinds)
        size = (requests, _MOST_TRIES)
        return cls(
            one.exponential(1, requests),
            two.standard_normal(size),
            three.standard_normal(size),
            four.standard_normal(requests),
            five.uniform(size=size),
            six.uniform(size=size),
            seven.standard_normal(requests),
        )


def compare(
    scenarios: Sequence[Scenario],
    *,
    weeks: int = 52,
    warm_up_weeks: int = 8,
    replications: int = 20,
    within_days: float = 5,
    seed: int = 1,
    redrawn: Mapping[str, Sequence[Scenario]] = MappingProxyType({}),
    inputs: Mapping[str, Mapping[str, Input]] = MappingProxyType({}),
    tell: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Send the same requests through each scenario. Raises ScenarioUnusable for a queue without end.

    `redrawn`: of a scenario that was measured, by its name, the inputs of each replication: drawn anew from
    what was measured, so that the intervals hold what the measurements leave open. `inputs`: where they come
    from, by scenario; else the source claims its minutes, and all is assumed. `tell` hears how far it is.
    """
    for scenario in scenarios:
        if scenario.load >= 1:
            raise ScenarioUnusable(
                f"{scenario.name}: the clerks' work is {scenario.load:.0%} of their time.",
                hint="Give more clerks, or more of their day.",
            )
    every = [*scenarios, *(one for several in redrawn.values() for one in several)]
    requests = enough_for(max(one.per_week for one in every) * (weeks + warm_up_weeks))
    if requests * replications > REQUESTS_MOST:
        raise ScenarioUnusable(
            f"That would be {requests * replications:,} requests in all: more than {REQUESTS_MOST:,}.",
            hint="Give fewer weeks, or replications, or requests a week.",
        )
    if any(redrawn.values()) and replications < SPREAD_LEAST:
        raise ScenarioUnusable(
            f"{replications} replications do not tell what measured inputs leave open.",
            hint=f"Have {SPREAD_LEAST} or more.",
        )
    lucks = [Luck.of(requests, seed + number) for number in range(replications)]
    window = (warm_up_weeks * WEEK_MIN, (warm_up_weeks + weeks) * WEEK_MIN)
    outcomes = []
    for scenario in scenarios:
        each = redrawn.get(scenario.name) or [scenario] * replications
        if all(one.load >= 1 for one in each):
            raise ScenarioUnusable(
                f"{scenario.name}: however its inputs are drawn, the clerks have more work than time.",
                hint="Give more clerks, or more of their day.",
            )
        runs = []
        for number, (one, luck) in enumerate(zip(each, lucks, strict=True), 1):
            tell(f"{one.name}, clerks {one.clerks:g}: {number} of {replications}")
            runs.append(run(one, luck, window).for_good)
        estimate = Estimate.spread if redrawn.get(scenario.name) else Estimate.of
        known = {**assumed(scenario), **inputs.get(scenario.name, {})}
        handled = [one.per_week * found.handled_min for one, found in zip(each, runs, strict=True)]
        outcomes.append(
            _outcome(scenario, runs, handled, within_days=within_days, estimate=estimate, inputs=known)
        )
    return outcomes


def enough_for(expected: float) -> int:
    """So many requests that those of a window do not run out, however their luck: they come as by Poisson."""
    return ceil(expected + 6 * sqrt(expected) + 10)


def clerks_needed(
    scenario: Scenario,
    *,
    share: float = 0.95,
    within_days: float = 5,
    most: int = 50,
    redrawn: Sequence[Scenario] = (),
    **how: Any,
) -> int | None:
    """The fewest clerks with which so large a share is through in time, surely; None when none are enough.

    `redrawn`: the inputs of each replication, as of `compare`: it holds in 95 % of these at the least.
    """
    before = -1.0, -1.0
    for clerks in range(1, most + 1):
        asked = replace(scenario, clerks=clerks)
        anew = [replace(one, clerks=clerks) for one in redrawn]
        if asked.load < 1 and all(one.load < 1 for one in anew):
            (found,) = compare([asked], within_days=within_days, redrawn={asked.name: anew}, **how)
            if found.within.low >= share:
                return clerks
            told = found.within.low, found.within.value
            if all(now - then < _HARDLY for now, then in zip(told, before, strict=True)):
                return None  # what is left is no clerk's doing
            before = told
    return None


def run(scenario: Scenario, luck: Luck, window: tuple[float, float]) -> Run:
    """One replication: what arrives in the window is counted, until it is delivered."""
    office = SimulatedOffice(scenario, luck)
    begins, ends = window
    arrived, leads, done_at = np.cumsum(luck.gaps) * WEEK_MIN / scenario.per_week, [], []
    office.take(arrived, until=ends)
    counted = (arrived >= begins) & (arrived < ends)
    for number in np.flatnonzero(counted):
        leads.append((office.delivered[number] - arrived[number]) / DAY_MIN)
        done_at.append(office.delivered[number])
    # Requests of before the window are in progress in it, too.
    overlap = np.minimum(office.delivered, ends) - np.maximum(arrived, begins)
    visits = [one.end - one.ready for one in office.visits if begins <= one.ready < ends]
    return Run(
        np.asarray(leads),
        float(np.clip(overlap[arrived < ends], 0, None).sum() / (ends - begins)),
        office.worked / (ceil(scenario.clerks) * scenario.clerk_share * ends),
        office.worked / max(1, int((arrived < ends).sum())),
        mean(visits) if visits else 0.0,
        endless=scenario.load >= 1,
    )


class Visit(NamedTuple):
    """A request at the clerks' queue: when it came, was taken up and let go, in minutes; how long it was
    worked on, and suspended after that; whether it went back."""

    number: int
    ready: float
    begun: float
    end: float
    worked: float
    suspended: float
    returned: bool


class SimulatedOffice:
    """Requests on their way: the manager, the clerks' queue, the signer, the post."""

    def __init__(self, scenario: Scenario, luck: Luck) -> None:
        self._is, self._luck = scenario, luck
        self.delivered = np.full(len(luck.gaps), np.inf)
        self.signed = np.full(len(luck.gaps), np.inf)
        self.visits: list[Visit] = []
        self.worked = 0.0
        self._free = [0.0] * ceil(scenario.clerks)  # when each clerk is free again
        self._handle = _lognormal(scenario.handling_min, scenario.variation)
        self._sign = _lognormal(scenario.signer_min, scenario.variation) if scenario.signer_min else None
        self._manager = _around(scenario.manager_median_min, scenario.manager_variation)
        self._signer = _around(scenario.signer_wait_min, scenario.signer_variation)

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
            again = tried + 1
            back = again < _MOST_TRIES and self._luck.returned[number, tried] < self._is.return_rate
            taken = self._handle(self._luck.handling[number, tried]) + (0 if back else self._is.paper_min)
            self.worked += taken
            end = begun + taken / self._is.clerk_share  # they have other work beside
            heapq.heappush(self._free, end)
            suspended = self._suspended(self._luck.suspended[number, tried])
            self.visits.append(Visit(number, ready, begun, end, taken, suspended, bool(back)))
            on = end + suspended
            if back:
                heapq.heappush(queue, (on + self._manager(self._luck.manager[number, again]), number, again))
            else:
                self.signed[number] = self._signed(on, number)
                self.delivered[number] = self.signed[number] + self._is.post_days * DAY_MIN

    def _suspended(self, chance: float) -> float:
        """How long it waits for somebody outside: exponential where it does."""
        if chance >= self._is.suspended_share:
            return 0.0
        return -log(1 - chance / self._is.suspended_share) * self._is.suspended_days * DAY_MIN

    def _signed(self, at: float, number: int) -> float:
        every = self._is.signing_every_days * DAY_MIN
        waited = at + self._signer(self._luck.signer[number])
        round_at = ceil(waited / every) * every if every else waited
        signing = self._sign(self._luck.signing[number]) if self._sign else 0.0
        return round_at + signing + self._is.provider_s / 60


def _around(median: float, variation: float) -> Callable[[float], float]:
    """From a normal chance to a length with this median, and its deviation over its mean."""
    spread = sqrt(log(1 + variation**2))
    return lambda z: median * float(np.exp(spread * z))


def _lognormal(middle: float, variation: float) -> Callable[[float], float]:
    """From a normal chance to a length with this mean and this deviation over the mean."""
    spread = sqrt(log(1 + variation**2))
    shift = log(middle) - spread**2 / 2
    return lambda z: float(np.exp(shift + spread * z))


def _outcome(
    scenario: Scenario,
    runs: Sequence[Run],
    handled_min: Sequence[float],  # of the requests of a week
    *,
    within_days: float,
    estimate: Callable[..., Estimate],
    inputs: Mapping[str, Input],
) -> Outcome:
    return Outcome(
        scenario=scenario,
        lead_median_days=estimate([one.lead(0.5) for one in runs]),
        lead_p90_days=estimate([one.lead(0.9) for one in runs]),
        in_progress=estimate([one.in_progress for one in runs]),
        within=estimate([one.within(within_days) for one in runs], most=1),
        within_days=within_days,
        busy=estimate([one.busy for one in runs], most=1),
        handling_fte=estimate([minutes / 60 / HOURS_PER_FTE_WEEK for minutes in handled_min]),
        inputs=inputs,
        replications=len(runs),
        overloaded=sum(one.endless for one in runs),
    )
