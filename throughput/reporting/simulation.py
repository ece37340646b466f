"""What if requests were signed another way: the simulation as a report, with what it was simulated from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any

from throughput.charts.forest import Estimate as Drawn
from throughput.charts.forest import Forest, forest
from throughput.charts.wording import Unit
from throughput.claims import CLAIMED_FTE_SAVED, REQUESTS_PER_WEEK
from throughput.reporting.frame import CHART_WIDTH, Cover, Report
from throughput.reporting.ranged import ranged, shares
from throughput.reporting.seal import Seal
from throughput.reporting.table import Table, safe
from throughput.reporting.words import NOTHING, ReportWords, mark
from throughput.reproduced import Reproduced
from throughput.simulate import Outcome, unmeasured
from workflow.invented import Invented

TITLE = mark("What if requests were signed another way")
_DAY_S = 86400.0
_INPUTS: Mapping[str, str] = {
    "per_week": mark("Requests a week"),
    "handling_min": mark("A clerk's handling, minutes each time"),
    "variation": mark("Variation of people's work"),
    "manager_median_min": mark("Until it is at the clerks' queue, minutes (median)"),
    "manager_variation": mark("Variation of the time until then"),
    "return_rate": mark("Share that goes back, each time"),
    "clerks": mark("Clerks"),
    "clerk_share": mark("Share of their day for this work"),
    "suspended_share": mark("Share of times it waits for somebody outside"),
    "suspended_days": mark("Wait for somebody outside, days (mean)"),
    "paper_min": mark("A clerk's work once it is approved, minutes"),
    "signing_every_days": mark("Rounds of signing, every so many days"),
    "signer_wait_min": mark("Wait for the signer, minutes (median)"),
    "signer_variation": mark("Variation of the wait for the signer"),
    "signer_min": mark("The signer's work, minutes"),
    "post_days": mark("Post, days"),
    "provider_s": mark("The provider's answer, seconds"),
}
_SHARES = frozenset({"return_rate", "clerk_share", "suspended_share"})

_CHECKED: Mapping[str, tuple[str, int]] = {
    "lead_median_days": (mark("Lead, median"), 1),
    "lead_p90_days": (mark("Lead, 90% within"), 1),
    "in_progress": (mark("In hand"), 0),
    "handling_fte": (mark("Handling by clerks, FTE"), 2),
}
_FITS: Mapping[bool | None, str] = {
    True: mark("fits"),
    False: mark("does not fit"),
    None: mark("too few to tell"),
}


@dataclass(frozen=True)
class Simulated:
    """What came out, how many clerks each scenario needs, and how it was asked."""

    outcomes: Sequence[Outcome]
    clerks_needed: Sequence[int | None]
    share: float
    weeks: int
    replications: int
    seed: int
    measured: bool
    reproduced: Sequence[Reproduced] = ()


def simulation_pdf(
    told: Simulated,
    figures: Mapping[str, Any],
    *,
    made_at: datetime,
    words: ReportWords,
    seal: Seal | None = None,
    invented: Invented | None = None,
) -> bytes:
    """The report as PDF/A-3b with `figures`, those of `--json`, attached."""
    words = words.of_past(invented)
    origin = (
        mark("Simulated from the office's own requests ({origin}), as far as there were enough.")
        if told.measured
        else mark("Simulated: nothing in this report was measured.")
    )
    report = Report(Cover(words.text(TITLE), [words.text(origin)], made_at, seal, invented), words)
    report.heading(words.text("What it would change (simulated)"))
    report.lead(*_doubts(told, words), *_conclusions(told.outcomes, words))
    report.chart(
        words.text("Lead time, median in office days (simulated)"),
        forest(_chart(told.outcomes, words), CHART_WIDTH),
    )
    report.heading(words.text("What came out (simulated)"))
    report.table(_results(told, words))
    report.note(
        words.text(
            "In brackets: where the mean lies with 95% certainty. Lead in office days of 8 hours, FTE of"
            " 36 hours a week. Clerks needed: so that {share} are through within {days} office days.",
            share=words.percent(told.share),
            days=_plain(told.outcomes[0].within_days, words),
        )
    )
    report.note(
        words.text(
            "Handling by clerks, where requests are approved: what managers, signers and those who ask do"
            " comes on top, and is in the handling of a comparison."
        )
    )
    if None in told.clerks_needed:
        report.note(
            words.text(
                "{nothing}: with no number of clerks surely; what takes so long is not in their hands.",
                nothing=NOTHING,
            )
        )
    if told.measured:
        report.note(
            words.text(
                "Of what the office's own requests ({origin}) tell: the median of the replications, whose"
                " inputs are drawn anew each time, and between what 95% of the replications lie."
            )
        )
    if told.reproduced:
        report.heading(words.text("Whether the simulation gives what the office's requests show ({origin})"))
        report.table(_checks(told.reproduced, words))
        report.note(
            words.text(
                "In the office: requests that people drove; in hand and handling for as many requests as are"
                " simulated, if all went that way. It fits where either figure lies within what the other"
                " leaves open, or is off by no more than 10%. Where it does not fit, don't rely on what is"
                " simulated of it, nor on what is set beside it."
            )
        )
    report.heading(words.text("What it was simulated from"))
    report.table(_inputs(told.outcomes, words))
    report.heading(words.text("How this was computed"))
    report.paragraph(*_method(told, words))
    return report.finished(figures, identifier=f"paraaf-simulate-{made_at:%Y%m%dT%H%M%SZ}")


def _doubts(told: Simulated, words: ReportWords) -> Iterator[str]:
    """That what is does not come out, or was not measured: whoever reads the first page alone has to know."""
    for outcome in unmeasured(told.outcomes):
        yield words.text(
            "{scenario}: too little was measured of it, so it is simulated from what the source claims and"
            " what was assumed. Its intervals don't hold how far that may be off, and whatever is set beside"
            " it may differ for that alone.",
            scenario=words.way(outcome.scenario.name),
        )
    for one in told.reproduced:
        if one.missed:
            yield words.text(
                "{scenario}: what the office's requests show ({origin}) does not come out: {figures}. Don't"
                " rely on what is simulated of it, nor on what is set beside it.",
                scenario=words.way(one.variant),
                figures=", ".join(words.text(_CHECKED[check.figure][0]) for check in one.missed),
            )


def _conclusions(outcomes: Sequence[Outcome], words: ReportWords) -> Iterator[str]:
    """What each other scenario changes against the first, and what the source's claim comes to."""
    first = outcomes[0]
    for one in outcomes:
        if one.overloaded:
            yield words.text(
                "{scenario}: in {some} of {count} replications the clerks have more work than time: the queue"
                " grows without end, and lead times count as without end.",
                scenario=words.way(one.scenario.name),
                some=words.number(one.overloaded),
                count=words.number(one.replications),
            )
    for other in outcomes[1:]:
        yield words.text(
            "From {first} to {other}: median lead time from {before} to {after} office days, requests in"
            " hand from {open_before} to {open_after}, handling by clerks from {fte_before} to {fte_after}"
            " FTE.",
            first=_named(first, words, apart=first.basis != other.basis),
            other=_named(other, words, apart=first.basis != other.basis),
            before=ranged(first.lead_median_days, words, 1),
            after=ranged(other.lead_median_days, words, 1),
            open_before=ranged(first.in_progress, words, 0),
            open_after=ranged(other.in_progress, words, 0),
            fte_before=ranged(first.handling_fte, words, 2),
            fte_after=ranged(other.handling_fte, words, 2),
        )
    share, minutes = REQUESTS_PER_WEEK / first.scenario.per_week, first.inputs["handling_min"]
    if first.handling_fte.high * share < CLAIMED_FTE_SAVED:
        yield words.text(
            "{claimed} FTE, as the source claims, cannot be saved of handling: at {rate} requests a week all"
            " handling there is comes to {whole} FTE (simulated; minutes of {first}: {origin}).",
            first=words.way(first.scenario.name),
            origin=words.origin(minutes.origin),
            claimed=words.decimal(CLAIMED_FTE_SAVED, 0),
            rate=REQUESTS_PER_WEEK,
            whole=words.decimal(first.handling_fte.value * share, 2),
        )


def _named(one: Outcome, words: ReportWords, *, apart: bool) -> str:
    """What a scenario is called; with where it is from, if not all are from the same."""
    name = words.way(one.scenario.name)
    return f"{name} [{words.origin(one.basis)}]" if apart else name


def _chart(outcomes: Sequence[Outcome], words: ReportWords) -> Forest:
    return Forest(
        title=words.text("Lead time, median in office days"),
        desc=words.text("Each scenario's median with its 95% interval."),
        nothing="",
        wording=replace(words.charts, units=(Unit(_DAY_S, words.text("office days"), words.text("d")),)),
        rows=[
            Drawn(
                name=safe(f"{words.variant(one.scenario.name)} ({words.origin(one.basis)})", 80),
                value=_seconds(one.lead_median_days.value),
                low=_seconds(one.lead_median_days.low),
                high=_seconds(one.lead_median_days.high),
                said=ranged(one.lead_median_days, words, 1),
                origin="simulated",
            )
            for one in outcomes
        ],
        zero=False,
        origins=[("simulated", words.text("simulated"))],
    )


def _seconds(days: float) -> float | None:
    """As the chart takes them; None for what is without end."""
    return days * _DAY_S if isfinite(days) else None


def _results(told: Simulated, words: ReportWords) -> Table:
    outcomes = told.outcomes
    days = _plain(outcomes[0].within_days, words)
    heads = ["", *(words.variant(one.scenario.name) for one in outcomes)]
    needed = [NOTHING if clerks is None else words.number(clerks) for clerks in told.clerks_needed]
    return Table(
        heads,
        [
            [words.text("Simulated from what is"), *(words.origin(one.basis) for one in outcomes)],
            [
                _figure("lead_median_days", words),
                *(ranged(one.lead_median_days, words, 1) for one in outcomes),
            ],
            [_figure("lead_p90_days", words), *(ranged(one.lead_p90_days, words, 1) for one in outcomes)],
            [_figure("in_progress", words), *(ranged(one.in_progress, words, 0) for one in outcomes)],
            [
                words.text("Within {days} office days", days=days),
                *(shares(one.within, words, 1) for one in outcomes),
            ],
            [words.text("Clerks busy"), *(shares(one.busy, words, 1) for one in outcomes)],
            [_figure("handling_fte", words), *(ranged(one.handling_fte, words, 2) for one in outcomes)],
            [words.text("Clerks needed"), *needed],
        ],
    )


def _figure(name: str, words: ReportWords) -> str:
    """What a row is of, and in what."""
    told = words.text(_CHECKED[name][0])
    return f"{told} ({words.text('office days')})" if name.endswith("_days") else told


def _checks(held: Sequence[Reproduced], words: ReportWords) -> Table:
    heads = (
        "",
        mark("Figure"),
        mark("In the office ({origin})"),
        mark("By the simulation (simulated)"),
        mark("What that says"),
    )
    rows = []
    for one in held:
        name = words.variant(one.variant)
        if not one.checks:
            rows.append([name, *[NOTHING] * 3, words.text("too few to tell")])
        for check in one.checks:
            figure, decimals = _CHECKED[check.figure]
            sides = (ranged(one, words, decimals) for one in (check.measured, check.simulated))
            rows.append([name, words.text(figure), *sides, words.text(_FITS[check.fits])])
    return Table([words.text(head) if head else "" for head in heads], rows, words=2, same=1)


def _inputs(outcomes: Sequence[Outcome], words: ReportWords) -> Table:
    names = list(outcomes[0].inputs)
    rows = [
        [
            words.text(_INPUTS[name]) if name in _INPUTS else name.replace("_", " "),
            *(_input(one, name, words) for one in outcomes),
        ]
        for name in names
    ]
    return Table([words.text("Assumption"), *(words.variant(one.scenario.name) for one in outcomes)], rows)


def _input(one: Outcome, name: str, words: ReportWords) -> str:
    known = one.inputs[name]
    origin = words.origin(known.origin)
    value = getattr(one.scenario, name)
    value = words.percent(value, _places(value)) if name in _SHARES else _plain(value, words)
    return f"{value} ({origin}, n\u00a0=\u00a0{words.number(known.n)})" if known.n else f"{value} ({origin})"


def _method(told: Simulated, words: ReportWords) -> Iterator[str]:
    yield words.text(
        "The same requests arrive at the same moments in every scenario and meet the same luck, so that"
        " what differs between two of them is what differs between their assumptions: {weeks} weeks are"
        " counted, {count} times, with luck of seed {seed}.",
        weeks=told.weeks,
        count=told.replications,
        seed=told.seed,
    )
    yield words.text(
        "What comes out follows from the assumptions and is worth no more than they are. Claimed: what the"
        " source study's respondents estimated. Assumed: set by us. What is {origin}: fitted from the"
        " office's own requests; the intervals hold what these leave open."
    )


def _places(share: float) -> int:
    return 0 if round(share, 2) == round(share, 4) else 1


def _plain(value: float, words: ReportWords) -> str:
    """A number in three digits, without needless decimals."""
    most = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    decimals = next(many for many in range(4) if round(value, many) == round(value, most))
    return words.decimal(value, decimals)
