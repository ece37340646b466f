"""Figures per variant: how many, how long, how often right the first time.

Every figure says where it comes from: measured (events, monotonic clock) or claimed (the source study).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from throughput.spans import Case, Wait

Origin = Literal["claimed", "measured", "simulated"]
SYSTEM_STEPS = (
    *("render", "export", "prepare", "sign", "timestamp", "embed"),
    *("scan", "seal", "validate", "store", "deliver"),
)
PROVIDER_STEPS = ("authorise", "sign")


@dataclass(frozen=True)
class Spread:
    """Median and 90th percentile (nearest rank) of n values, in the unit its holder names."""

    n: int
    median: float
    p90: float


@dataclass(frozen=True)
class VariantMeasures:
    """The measured figures of one variant of one key."""

    key: str
    variant: str
    n: int
    delivered: int
    open: int
    withdrawn: int
    returned: int
    first_time_right: float | None  # share of the delivered that were never returned
    lead_s: Spread | None  # requested → delivered; of those without a program's part, if there are any
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


def spread(values: Sequence[float]) -> Spread | None:
    """Median and nearest-rank 90th percentile; None for no values."""
    if not values:
        return None
    ordered = sorted(values)
    return Spread(len(ordered), median(ordered), ordered[math.ceil(0.9 * len(ordered)) - 1])


def measure(cases: Iterable[Case]) -> list[VariantMeasures]:
    """One row per (key, variant), sorted."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.key, case.variant), []).append(case)
    return [_measure_one(key, variant, group) for (key, variant), group in sorted(groups.items())]


def _measure_one(key: str, variant: str, cases: list[Case]) -> VariantMeasures:
    delivered = [case for case in cases if "delivered" in case.milestones]
    by_people = [case for case in cases if "program" not in case.channels]
    people_delivered = [case for case in delivered if "program" not in case.channels]
    timed = people_delivered or delivered
    leads = [lead for case in timed if (lead := case.lead_s("requested", "delivered")) is not None]
    system = [_system_ms(case) for case in delivered if case.system_us]  # open ones have more to come
    machine_s = sum(system) / 1000
    signed = sum("sign" in case.system_us or "embed" in case.system_us for case in delivered)  # here
    return VariantMeasures(
        key=key,
        variant=variant,
        n=len(cases),
        delivered=len(delivered),
        open=sum("delivered" not in case.milestones and case.outcome is None for case in cases),
        withdrawn=sum(case.outcome == "withdrawn" for case in cases),
        returned=sum(case.returns > 0 for case in cases),
        first_time_right=sum(case.returns == 0 for case in delivered) / len(delivered) if delivered else None,
        lead_s=spread(leads),
        lead_driven_by_program=bool(delivered) and not people_delivered,
        touch_s=_touch_by_state(by_people),
        touch_total_s=spread(_touch_totals(people_delivered)),
        system_ms=_by_step(SYSTEM_STEPS, [case.system_us for case in cases]),
        system_total_ms=spread(system),
        providers=tuple(sorted({name for case in cases for name in case.providers})),
        provider_ms=_by_step(PROVIDER_STEPS, [case.provider_us for case in cases]),
        signatures=sum(case.documents_signed for case in cases),
        documents_per_s=signed / machine_s if signed and machine_s else None,
    )


def _system_ms(case: Case) -> float:
    return sum(sum(values) for values in case.system_us.values()) / 1000


def _by_step(steps: Iterable[str], all_us: Sequence[Mapping[str, Sequence[int]]]) -> dict[str, Spread]:
    found: dict[str, Spread] = {}
    for step in steps:
        values = [us / 1000 for taken in all_us for us in taken.get(step, ())]
        if (figures := spread(values)) is not None:
            found[step] = figures
    return found


def _touch_by_state(cases: list[Case]) -> dict[str, Spread]:
    seconds: dict[str, list[float]] = {}
    for case in cases:
        for span in case.spans:
            if span.kind is Wait.TOUCH and span.channel == "person":
                seconds.setdefault(span.state, []).append(span.seconds)
    return {state: figures for state, values in seconds.items() if (figures := spread(values))}


def _touch_totals(cases: list[Case]) -> list[float]:
    """Handling seconds per delivered request whose every touch was a person's."""
    totals = []
    for case in cases:
        touches = [span for span in case.spans if span.kind is Wait.TOUCH]
        if touches and all(span.channel == "person" for span in touches):
            totals.append(sum(span.seconds for span in touches))
    return totals
