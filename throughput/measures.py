"""Figures per variant: how many, how long, how often right the first time.

Every figure says where it comes from: measured (events, monotonic clock) or claimed (the source study).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import ArrayLike

from throughput.estimates import weighed_share
from throughput.figures import Cases, Numbers, Tasks, Words, microseconds
from throughput.grouped import By, Group, Places, grouped
from throughput.origins import Origin
from throughput.seen import of_requests
from throughput.spans import Wait
from throughput.survival import Durations, Survival

SYSTEM_STEPS = (
    *("render", "export", "prepare", "sign", "timestamp", "embed"),
    *("scan", "seal", "validate", "store", "deliver"),
)
PROVIDER_STEPS = ("authorise", "sign")


@dataclass(frozen=True)
class Spread:
    """Median and 90th percentile (nearest ranks) of n values, in the unit its holder names.

    `beyond`: how many lie beyond the second, which decides whether it is told (throughput.discreet).
    """

    n: int
    median: float
    p90: float
    beyond: int


@dataclass(frozen=True)
class Reached:
    """By when half and nine of ten were delivered, in seconds, of which `n` are; None: so many are not yet.

    Those that are open, or ended otherwise, count with what they have taken (throughput.survival).
    """

    n: int
    median: float | None
    p90: float | None
    beyond: int = 0

    @classmethod
    def of(cls, durations: Durations) -> "Reached | None":
        """None where none was delivered."""
        if not durations.ended:
            return None
        survival = Survival.of(durations)
        median, p90 = (survival.quantile(share) for share in (0.5, 0.9))
        return cls(durations.ended, median, p90, 0 if p90 is None else durations.beyond(p90))


@dataclass(frozen=True)
class VariantMeasures:
    """The measured figures of one variant of one key, or of another group of its requests."""

    key: str
    variant: str  # or the month, the unit or the definition that they were grouped by
    n: int
    delivered: int
    open: int
    withdrawn: int
    returned: int
    first_time_right: float | None  # share of the delivered that were never returned
    lead_s: Reached | None  # requested → delivered; of those without a program's part, if there are any
    lead_driven_by_program: bool  # there is none without a program's part
    touch_s: dict[str, Spread]  # per state; requests without a program's part only
    touch_total_s: Spread | None
    system_ms: dict[str, Spread]
    system_total_ms: Spread | None  # all machine work of one request
    providers: tuple[str, ...]  # remote signing providers
    provider_ms: dict[str, Spread]  # a signature's share of the waits for them, by part
    signatures: int
    documents_per_s: float | None  # delivered ones signed here, per second of their machine work, one worker

    origin: Origin = "measured"


Steps = Mapping[tuple[str, str], Mapping[tuple[str, str], Spread]]
"""Milliseconds by process and group, then by part ("system", "provider") and step (throughput.steps)."""


def spread(values: ArrayLike) -> Spread | None:
    """Median and 90th percentile, both of the nearest rank, as Kaplan and Meier's are; None for no values."""
    given = np.asarray(values, dtype=np.float64)
    if not (n := len(given)):
        return None
    ranks = [(n - 1) // 2, math.ceil(0.9 * n) - 1]
    median, p90 = np.partition(given, ranks)[ranks].tolist()
    return Spread(n, median, p90, int((given >= p90).sum()) - 1)


def leads_of(cases: Cases, at: Places, now: datetime) -> Durations:
    """Requested to delivered; until it ended otherwise, or until now, where it was not."""
    at = at[~np.isnan(cases.requested[at])]
    delivered, ended = cases.delivered[at], cases.ended[at]
    over = ~np.isnan(delivered)
    until = np.where(over, delivered, np.where(np.isnan(ended), microseconds(now), ended))
    return Durations.of(np.maximum(0.0, (until - cases.requested[at]) / 1e6), over)


def handling_of(cases: Cases, at: Places, now: datetime) -> Durations:
    """What people's hands took of each delivered request, of people's requests."""
    touched = cases.spent[Wait.TOUCH][at]
    told = ~np.isnan(cases.delivered[at]) & (touched > 0)
    return Durations.of(touched[told], weight=weights_of(cases, at, now)[told])


def weights_of(cases: Cases, at: Places, now: datetime) -> Numbers:
    """What each request counts for where only delivered ones are told of (throughput.seen)."""
    left = np.where(np.isnan(cases.delivered[at]), cases.ended[at], cases.delivered[at])
    return of_requests(cases.opened[at], left, microseconds(now))


def measure(
    cases: Cases, tasks: Tasks, steps: Steps | None = None, *, now: datetime, by: By = "variant"
) -> list[VariantMeasures]:
    """One row per process and group, sorted; `now` ends what is open."""
    groups = grouped(cases, by)
    touch = _touch_by_state(cases, tasks, groups)
    return [
        _measure_one(cases, group, found, (steps or {}).get((group.key, group.name), {}), now)
        for group, found in zip(groups, touch, strict=True)
    ]


def _measure_one(
    cases: Cases,
    group: Group,
    touch: dict[str, Spread],
    steps: Mapping[tuple[str, str], Spread],
    now: datetime,
) -> VariantMeasures:
    at = group.places  # column by column: of a million requests no second copy of them all
    delivered = ~np.isnan(cases.delivered[at])
    of_people = delivered & ~cases.by_program[at]
    timed = at[~cases.by_program[at]] if of_people.any() else at
    worked_s = cases.system_s[at]
    worked_ms = 1000 * worked_s[delivered & (worked_s > 0)]  # open ones have more to come
    returns, signatures = cases.returns[at], cases.signatures[at]
    system_ms = _by_step(SYSTEM_STEPS, "system", steps)
    signed_here = "sign" in system_ms or "embed" in system_ms
    documents = int((delivered & (signatures > 0)).sum()) if signed_here else 0
    machine_s = float(worked_ms.sum()) / 1000
    return VariantMeasures(
        key=group.key,
        variant=group.name,
        n=len(at),
        delivered=int(delivered.sum()),
        open=int(cases.is_open[at].sum()),
        withdrawn=int(cases.outcome.are("withdrawn")[at].sum()),
        returned=int((returns > 0).sum()),
        first_time_right=weighed_share(returns[delivered] == 0, weights_of(cases, at, now)[delivered]).value,
        lead_s=Reached.of(leads_of(cases, timed, now)),
        lead_driven_by_program=bool(delivered.any()) and not of_people.any(),
        touch_s=touch,
        touch_total_s=_spread_of(handling_of(cases, at[~cases.by_program[at]], now)),
        system_ms=system_ms,
        system_total_ms=spread(worked_ms),
        providers=_providers(cases.providers[at]),
        provider_ms=_by_step(PROVIDER_STEPS, "provider", steps),
        signatures=int(signatures.sum()),
        documents_per_s=documents / machine_s if documents and machine_s else None,
    )


def _spread_of(durations: Durations) -> Spread | None:
    if not len(durations):
        return None
    survival = Survival.of(durations)
    median, p90 = (survival.quantile(share) or 0.0 for share in (0.5, 0.9))
    return Spread(len(durations), median, p90, durations.beyond(p90))


def _providers(lists_of: Words) -> tuple[str, ...]:
    lists = (lists_of.names[code] or "" for code in np.unique(lists_of.codes).tolist())
    return tuple(sorted({name for names in lists for name in names.split("\n")} - {""}))


def _by_step(names: Sequence[str], part: str, steps: Mapping[tuple[str, str], Spread]) -> dict[str, Spread]:
    return {step: steps[part, step] for step in names if (part, step) in steps}


def _touch_by_state(cases: Cases, tasks: Tasks, groups: Sequence[Group]) -> list[dict[str, Spread]]:
    """Of each group the handling of tasks that are over, by state: of requests that people alone drove."""
    group_of = np.zeros(len(cases), np.int32)
    for number, group in enumerate(groups):
        group_of[group.places] = number
    handled = tasks.spent[Wait.TOUCH]
    counted = ~tasks.is_open & tasks.person & (handled > 0) & ~cases.by_program[tasks.case]
    places = group_of[tasks.case[counted]].astype(np.int64) * max(1, len(tasks.state.names))
    places += tasks.state.codes[counted]
    order = np.argsort(places, kind="stable")
    found, first = np.unique(places[order], return_index=True)
    parts = np.split(handled[counted][order], first[1:]) if len(found) else []
    touch: list[dict[str, Spread]] = [{} for _ in groups]
    for place, values in zip(found.tolist(), parts, strict=True):
        number, state = divmod(place, len(tasks.state.names))
        if (figures := spread(values)) is not None:
            touch[number][str(tasks.state.names[state])] = figures
    return [dict(sorted(states.items())) for states in touch]
