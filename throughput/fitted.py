"""What a simulation assumes, fitted from what was measured, as far as enough was.

What goes on still counts as what it has taken so far, and goes on (throughput.ongoing).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np

from throughput.measured import LEAST, Measured
from throughput.scenario import DAY_MIN, SOURCE, WEEK_MIN, Input, Scenario
from throughput.simulate import Luck, enough_for, run

_BUSY = 0.7
_LEAST_DRAWN = 2
"""Of values drawn anew: were those with fewer than LEAST not fitted, they would not vary."""
_CALIBRATING_WEEKS, _CALIBRATING_STEPS = 40, 12


@dataclass(frozen=True)
class Fitted:
    """A scenario, where each of its assumptions comes from, and itself as drawn anew for each replication."""

    scenario: Scenario
    inputs: Mapping[str, Input]
    redrawn: Sequence[Scenario]

    def changed(self, table: Mapping[str, Any]) -> "Fitted":
        """With other assumptions in the place of some. Raises ScenarioUnusable."""
        inputs = {name: one for name, one in self.inputs.items() if name not in table}
        redrawn = [replace(one, **table) for one in self.redrawn]
        return Fitted(replace(self.scenario, **table), inputs, redrawn)


def fitted(
    measured: Measured, *, replications: int, seed: int = 1, tell: Callable[[str], None] = lambda _: None
) -> Fitted:
    """Fit what can be; the rest stays as the source or we assume it. `tell` hears how far it is."""
    basis = next((one for one in SOURCE if one.name == measured.variant), Scenario(measured.variant))
    values, inputs = _values(measured)
    scenario = staffed(replace(basis, **values))
    if measured.waited.ended >= LEAST:
        scenario = _calibrated(scenario, measured.waited.mean_and_deviation()[0])
        inputs["clerk_share"] = Input("measured", len(measured.waited))
    random, arrivals = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    redrawn = []
    for number in range(1, replications + 1):
        tell(f"{measured.variant}, fitted: {number} of {replications}")
        anew = measured.redrawn(random, arrivals)
        drawn = replace(scenario, **_values(anew, like=values)[0])
        if "clerk_share" in inputs:  # it was measured, too: what their desk leaves of their day
            drawn = _calibrated(drawn, anew.waited.mean_and_deviation()[0], around=scenario.clerk_share)
        redrawn.append(drawn)
    return Fitted(scenario, inputs, redrawn)


def _values(
    found: Measured, like: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Input]]:
    """The assumptions that enough was measured for; `like`: those alone that are in it, which enough was
    measured for before these were drawn anew."""
    least = LEAST if like is None else _LEAST_DRAWN
    told: dict[str, tuple[float, int]] = {}
    if found.requests >= LEAST:
        told["per_week"] = found.per_week, found.requests
    for name, spread_name, lengths in (
        ("manager_median_min", "manager_variation", found.before),
        ("signer_wait_min", "signer_variation", found.signer_wait),
    ):
        fit = lengths.lognormal() if lengths.ended >= least else None
        if fit is not None:
            told |= {name: (fit[0], len(lengths)), spread_name: (fit[1], len(lengths))}
    if "signer_wait_min" in told:  # it holds the rounds of signing
        told["signing_every_days"] = 0.0, len(found.signer_wait)
    if found.worked.ended >= least:
        mean, spread = found.worked.mean_and_deviation()
        if mean > 0:
            told |= {
                "handling_min": (mean, len(found.worked)),
                "variation": (spread / mean, len(found.worked)),
            }
        if found.returned.ended >= least:
            told["return_rate"] = found.returned.mean_and_deviation()[0], len(found.returned)
        away = found.suspended.more_than(0)
        if away.ended >= least:
            told["suspended_share"] = len(away) / len(found.suspended), len(found.suspended)
            told["suspended_days"] = away.mean_and_deviation()[0] / DAY_MIN, len(away)
    for name, lengths, unit in (
        ("signer_min", found.signer, 1.0),
        ("paper_min", found.paper, 1.0),
        ("post_days", found.posted, DAY_MIN),
    ):
        if lengths.ended >= least:
            told[name] = lengths.mean_and_deviation()[0] / unit, len(lengths)
    if found.signatures >= LEAST:
        told["provider_s"] = found.provider_s, found.signatures
    if like is not None:
        told = {name: value for name, value in told.items() if name in like}
    return (
        {name: value for name, (value, _) in told.items()},
        {name: Input("measured", n) for name, (_, n) in told.items()},
    )


def beside(fits: Sequence[Fitted], tables: Mapping[str, Mapping[str, Any]]) -> list[Fitted]:
    """What was measured, and beside it what was not: the scenarios of `tables`, or the source's without any.

    As many requests come to each; what `tables` say holds, and what one of the source's does not say is the
    source's. Raises ScenarioUnusable.
    """
    source = {one.name: one for one in SOURCE}
    others = [source.get(name, Scenario(name)) for name in tables or source]
    every = {one.name: Fitted(one, {}, ()) for one in others}
    rate = next((one.inputs["per_week"] for one in fits if "per_week" in one.inputs), None)
    if rate is not None:
        per_week = fits[0].scenario.per_week
        every = {
            name: Fitted(staffed(replace(one.scenario, per_week=per_week)), {"per_week": rate}, ())
            for name, one in every.items()
        }
    every |= {one.scenario.name: one for one in fits}
    return [one.changed(tables.get(name, {})) for name, one in every.items()]


def staffed(scenario: Scenario) -> Scenario:
    """With so many clerks as the work takes: how many there are is not measured."""
    whole = replace(scenario, clerks=1, clerk_share=1.0).load
    return replace(scenario, clerks=max(scenario.clerks, ceil(whole / (_BUSY * 0.9))), clerk_share=_BUSY)


def _calibrated(scenario: Scenario, at_desk_min: float, *, around: float | None = None) -> Scenario:
    """With that share of the clerks' day for this work by which requests stay at their queue as measured.

    `around`: near this one, and with less pains.
    """
    least = min(replace(scenario, clerk_share=1.0).load / 0.98, 1.0)
    low, high, steps, many = least, 1.0, _CALIBRATING_STEPS, 2
    if around is not None:
        low, high = max(least, around * 0.6), max(least, min(1.0, around * 1.6))
        steps, many = 6, 1
    requests = enough_for(scenario.per_week * _CALIBRATING_WEEKS)
    lucks = [Luck.of(requests, 10_000 + number) for number in range(many)]
    window = (5 * WEEK_MIN, _CALIBRATING_WEEKS * WEEK_MIN)
    for _ in range(steps):
        middle = (low + high) / 2
        tried = replace(scenario, clerk_share=middle)
        stay = float(np.mean([run(tried, luck, window).at_desk_min for luck in lucks]))
        low, high = (middle, high) if stay > at_desk_min else (low, middle)
    return replace(scenario, clerk_share=(low + high) / 2)
