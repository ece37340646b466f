"""The tables of the panels in the comparison's report: capacity, rework and waiting, Little's law."""

from collections.abc import Iterable, Mapping

from throughput.bottleneck import Bottleneck
from throughput.estimates import Figure
from throughput.little import Cause, Little
from throughput.reporting.comparison_tables import PROCESS, VARIANT
from throughput.reporting.frame import Table
from throughput.reporting.words import NOTHING, OPEN, ReportWords, mark
from throughput.whole import Panels

ORIGINS: Mapping[str, str] = {
    "claimed": mark("claimed"),
    "measured": mark("measured"),
    "simulated": mark("simulated"),
}
_CAUSES: Mapping[Cause, str] = {
    Cause.MISSING_ENDS: mark("ends are missing"),
    Cause.FILLING: mark("more come than go"),
    Cause.EMPTYING: mark("more go than come"),
    Cause.CLOCKS: mark("clocks are wrong"),
    Cause.UNKNOWN: mark("cause not known"),
}


def capacity(told: Panels, words: ReportWords) -> Table:
    """What handling comes to, of each variant for so many requests as came, or as were asked for."""
    heads = (
        *(PROCESS, VARIANT, mark("Requests a week"), mark("Minutes a request"), mark("From")),
        *(mark("Hours a week"), mark("FTE of 36 hours a week"), mark("FTE of 1,363 hours a year")),
    )
    rows = [
        [
            *(words.process(one.key), one.variant),
            NOTHING if one.per_week is None else words.decimal(one.per_week),
            _number(one.handling_min, words),
            NOTHING if one.handling_min.value is None else words.text(ORIGINS[one.handling_min.origin]),
            _number(one.hours_per_week, words),
            _number(one.fte_by_week, words, 2),
            _number(one.fte_by_year, words, 2),
        ]
        for one in told.capacity
    ]
    return Table(_heads(heads, words), rows, words=2)


def rework(told: Panels, words: ReportWords) -> Table:
    """How often requests go back, and how much of people's work is done again."""
    heads = (
        *(PROCESS, VARIANT, mark("Returns a request"), mark("Right first time")),
        mark("Handling done again"),
    )
    rows = [
        [
            *(words.process(one.key), one.variant, _number(one.loops, words, 2)),
            *(_share(one.first_time_right, words), _share(one.of_touch, words)),
        ]
        for one in told.rework
    ]
    return Table(_heads(heads, words), rows, words=2)


def waiting(told: Panels, words: ReportWords) -> Table:
    """Where requests wait longest in all, and how sure that is."""
    heads = (
        *(PROCESS, VARIANT, mark("Waits longest at"), mark("Share of lead")),
        *(mark("Certainty"), mark("Open there"), mark("Old there")),
    )
    rows = [
        [words.process(one.key), one.variant, *_longest(one, words)] for one in told.bottlenecks if one.states
    ]
    return Table(_heads(heads, words), rows, words=3)


def little(told: Panels, words: ReportWords) -> Table:
    """Whether the log can be right: requests in hand against rate times lead."""
    heads = (
        *(PROCESS, VARIANT, mark("Days"), mark("In hand")),
        *(mark("Rate × lead"), mark("Off by"), mark("What that says")),
    )
    rows = [
        [words.process(one.key), one.variant, *_checked(one, words), _said(one, words)] for one in told.little
    ]
    return Table(_heads(heads, words), rows, words=2)


def _longest(one: Bottleneck, words: ReportWords) -> list[str]:
    first = one.states[0]
    if one.state is None:
        return [words.text("nowhere"), *[NOTHING] * 4]
    return [
        *(words.state(first.state), _share(first.of_lead, words), words.percent(first.first)),
        *(words.number(first.open), words.number(first.old)),
    ]


def _checked(one: Little, words: ReportWords) -> list[str]:
    if one.in_hand is None or one.rate_times_lead is None:
        return [words.decimal(one.days, 0), *[NOTHING] * 3]
    misses = NOTHING if one.misses_by is None else words.percent(one.misses_by)
    return [
        *(words.decimal(one.days, 0), words.decimal(one.in_hand), words.decimal(one.rate_times_lead)),
        misses,
    ]


def _said(one: Little, words: ReportWords) -> str:
    if one.causes:
        return words.text(
            "look again: {causes}", causes=", ".join(words.text(_CAUSES[c]) for c in one.causes)
        )
    return words.text("nothing against it") if one.told else words.text("too few to tell")


def _number(found: Figure, words: ReportWords, decimals: int = 1) -> str:
    if found.value is None:
        return NOTHING
    value = words.decimal(found.value, decimals)
    if found.low is None and found.high is None:
        return value
    low, high = (OPEN if end is None else words.decimal(end, decimals) for end in (found.low, found.high))
    return f"{value} ({low}–{high})"


def _share(found: Figure, words: ReportWords) -> str:
    if found.value is None:
        return NOTHING
    value = words.percent(found.value)
    if found.low is None or found.high is None:
        return value
    return f"{value} ({words.percent(found.low)}–{words.percent(found.high)})"


def _heads(texts: Iterable[str], words: ReportWords) -> list[str]:
    return [words.text(text) for text in texts]
