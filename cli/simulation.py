"""What `paraaf simulate` prints for people."""

import argparse
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from cli.printing import NOTHING, aligned

if TYPE_CHECKING:
    from throughput.estimates import Figure
    from throughput.replications import Estimate
    from throughput.reporting.simulation import Simulated
    from throughput.reproduced import Check, Reproduced
    from throughput.simulate import Outcome  # with numpy, which help need not wait for

CLAIMED_FTE, CLAIMED_PER_WEEK = 2, 100
_ENDLESS = "without end"
_CHECKED = {
    "lead_median_days": ("lead median, office days", "{:.1f}"),
    "lead_p90_days": ("lead p90, office days", "{:.1f}"),
    "in_progress": ("open, for as many requests", "{:.0f}"),
    "handling_fte": ("clerks' handling FTE, for as many requests", "{:.2f}"),
}
_FITS = {True: "fits", False: "does not fit", None: "can't be told"}


def told(found: "Simulated", args: argparse.Namespace) -> Iterator[str]:
    """The lines that people read."""
    outcomes, needed = found.outcomes, found.clerks_needed
    bases = {one.origin for found in outcomes for one in found.inputs.values()} - {"claimed", "assumed"}
    if bases:
        yield f"Simulated, from the office's own requests ({', '.join(bases)}) as far as there were enough."
        yield (
            "In brackets: where the mean lies with 95% certainty; of what was fitted, the median, and"
            " between what 95% of the replications lie, with what the inputs leave open.\n"
        )
    else:
        why = ": too few requests that people drove" if args.measured else ""
        yield f"Simulated: nothing here was measured{why}."
        yield "In brackets: where the mean lies with 95% certainty.\n"
    yield from _doubts(found)
    heads = [
        "",
        "from",
        "lead median",
        "lead p90",
        "open",
        f"within {args.within:g} days",
        "clerks busy",
        "clerks' handling FTE",
    ]
    heads.append(f"clerks for {args.share:g}%")
    yield from aligned(
        [heads, *(_row(found, clerks) for found, clerks in zip(outcomes, needed, strict=True))]
    )
    yield "\nLead in office days of 8 hours; FTE of 36 hours a week. All of it is simulated, from what the"
    yield "second column says; where each assumption is from stands below. Clerks' handling: what managers,"
    yield "signers and those who ask do comes on top, and is in that of `paraaf throughput`."
    if None in needed:
        yield f"{NOTHING}: with no number of clerks surely; what takes so long is not in their hands."
    yield from _reproduced(found.reproduced)
    yield "\nFrom:\n"
    yield from aligned(
        [
            ["", *(one.scenario.name for one in outcomes)],
            *(
                [name.replace("_", " "), *(_input(one, name) for one in outcomes)]
                for name in outcomes[0].inputs
            ),
        ]
    )
    yield ""
    yield from _conclusions(outcomes)


def _doubts(found: "Simulated") -> Iterator[str]:
    """First of all what was not measured, and that what is does not come out as it was measured."""
    from throughput.simulate import unmeasured  # noqa: PLC0415  with numpy

    for outcome in unmeasured(found.outcomes):
        yield (
            f"{outcome.scenario.name}: too little was measured of it, so it is simulated from what the source"
            " claims and what was assumed. Its intervals\ndon't hold how far that may be off, and whatever is"
            " set beside it may differ for that alone.\n"
        )
    for one in found.reproduced:
        if one.missed:
            names = ", ".join(_CHECKED[check.figure][0].split(",")[0] for check in one.missed)
            yield (
                f"{one.variant}: what the office's requests show does not come out ({names}): don't rely on"
                " what is simulated of it, nor on what is set beside it.\n"
            )


def _reproduced(held: Sequence["Reproduced"]) -> Iterator[str]:
    """What was measured beside the same as it is simulated."""
    if not held:
        return
    yield "\nHeld against the office's requests; as many as are simulated, if all went that way:\n"
    rows = [_check(one.variant, check) for one in held for check in one.checks]
    origins = sorted({check.measured.origin for one in held for check in one.checks})
    heads = ["", "", f"the office ({', '.join(origins)})", "the simulation (simulated)", ""]
    yield from aligned([heads, *rows])
    for one in held:
        if not one.checks:
            yield f"{one.variant}: too few that people drove were delivered to hold it against."


def _check(variant: str, one: "Check") -> list[str]:
    name, form = _CHECKED[one.figure]
    return [variant, name, _measured(one.measured, form), _estimate(one.simulated, form), _FITS[one.fits]]


def _measured(found: "Figure", form: str) -> str:
    if found.value is None:
        return NOTHING
    low, high = ("open" if end is None else form.format(end) for end in (found.low, found.high))
    return f"{form.format(found.value)} ({low}–{high})"


def _row(found: "Outcome", clerks: int | None) -> list[str]:
    return [
        found.scenario.name,
        found.basis,
        _estimate(found.lead_median_days, "{:.1f}"),
        _estimate(found.lead_p90_days, "{:.1f}"),
        _estimate(found.in_progress, "{:.0f}"),
        _estimate(found.within, "{:.1%}"),
        _estimate(found.busy, "{:.0%}"),
        _estimate(found.handling_fte, "{:.2f}"),
        NOTHING if clerks is None else str(clerks),
    ]


def _estimate(found: "Estimate", form: str) -> str:
    value, low, high = (
        form.format(number) if isfinite(number) else "" for number in (found.value, found.low, found.high)
    )
    if not value:
        return f"{_ENDLESS} (from {low})" if low else _ENDLESS
    return value if low == value == high else f"{value} ({low}–{high or 'open'})"


def _input(found: "Outcome", name: str) -> str:
    """An assumption, and where it comes from."""
    return f"{round(getattr(found.scenario, name), 3):.4g} ({found.inputs[name]})"


def _conclusions(outcomes: Sequence["Outcome"]) -> Iterator[str]:
    """What may be said of the first against each other one."""
    first = outcomes[0]
    for one in outcomes:
        if one.overloaded:
            yield (
                f"{one.scenario.name}: in {one.overloaded} of {one.replications} replications the clerks have"
                " more work than time: the queue grows without end, and leads count as without end."
            )
    for other in outcomes[1:]:
        names = " to ".join(_named(one, apart=first.basis != other.basis) for one in (first, other))
        lead, waiting, work = (
            " to ".join(_estimate(getattr(one, part), form) for one in (first, other))
            for part, form in (
                ("lead_median_days", "{:.1f}"),
                ("in_progress", "{:.0f}"),
                ("handling_fte", "{:.2f}"),
            )
        )
        yield f"From {names}: median lead {lead} office days, open {waiting}, clerks' handling {work} FTE."
    whole, share = first.handling_fte, CLAIMED_PER_WEEK / first.scenario.per_week
    if whole.high * share < CLAIMED_FTE:
        yield (
            f"{CLAIMED_FTE} FTE, as the source claims, can't be saved of handling: at"
            f" {CLAIMED_PER_WEEK} a week all handling there is comes to {whole.value * share:.2f} FTE"
            f" (simulated; minutes of {first.scenario.name}: {first.inputs['handling_min']})."
        )


def _named(one: "Outcome", *, apart: bool) -> str:
    """What a scenario is called; with where it is from, if not all are from the same."""
    return f"{one.scenario.name} ({one.basis})" if apart else one.scenario.name


def finite(document: dict[str, Any]) -> dict[str, Any]:
    """With null for what is without end, for which JSON has no number."""
    return {
        name: finite(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and not isfinite(value)
        else value
        for name, value in document.items()
    }
