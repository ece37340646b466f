"""The tables of the panels in the comparison's report: capacity, rework and waiting, Little's law."""

from collections.abc import Iterable, Mapping, Sequence

from throughput.bottleneck import Bottleneck
from throughput.capacity import Capacity
from throughput.discreet import few
from throughput.grouped import By
from throughput.little import Cause, Little
from throughput.origins import Origin
from throughput.reporting.comparison_tables import GROUPS, PROCESS, called, short
from throughput.reporting.ranged import ranged, shares
from throughput.reporting.table import Table
from throughput.reporting.words import NOTHING, ReportWords, mark
from throughput.whole import Panels

_CAUSES: Mapping[Cause, str] = {
    Cause.MISSING_ENDS: mark("ends are missing, or work is left lying"),
    Cause.FILLING: mark("many more in hand at the end"),
    Cause.EMPTYING: mark("many fewer in hand at the end"),
    Cause.CLOCKS: mark("clocks are wrong"),
    Cause.UNKNOWN: mark("cause not known"),
}

_DOUBT = mark("look again: {causes}")
_UNSTEADY = mark("not told: {causes}")


def capacity(found: Sequence[Capacity], by: By, words: ReportWords) -> Table:
    """What handling comes to, of each variant for so many requests as came, or as were asked for."""
    heads = (
        *(PROCESS, GROUPS[by], mark("Requests a week"), mark("Minutes a request"), mark("From")),
        *(mark("Hours a week"), mark("FTE of 36 hours a week"), mark("FTE of 1,363 hours a year")),
    )
    rows = [
        [
            *(words.process(one.key), short(one.variant, by, words)),
            NOTHING if one.per_week is None else words.decimal(one.per_week),
            ranged(one.handling_min, words),
            NOTHING
            if one.handling_min.value is None or few(one.handling_min)
            else origin(one.handling_min.origin, one.handling_min.n, words),
            ranged(one.hours_per_week, words),
            ranged(one.fte_by_week, words, 2),
            ranged(one.fte_by_year, words, 2),
        ]
        for one in found
    ]
    return Table(_heads(heads, words), rows, words=2, same=1)


def origin(source: Origin, n: int, words: ReportWords) -> str:
    """Where a figure is from, and of how many requests."""
    told = words.origin(source)
    return f"{told}, n\u00a0=\u00a0{words.number(n)}" if n else told


def rework(told: Panels, words: ReportWords) -> Table:
    """How often requests go back, and how much of people's work is done again."""
    heads = (
        *(PROCESS, GROUPS[told.by], mark("Returns a request"), mark("Right first time")),
        mark("Handling done again"),
    )
    rows = [
        [
            *(words.process(one.key), called(one.variant, told.by, words), ranged(one.loops, words, 2)),
            *(shares(one.first_time_right, words), shares(one.of_touch, words)),
        ]
        for one in told.rework
    ]
    return Table(_heads(heads, words), rows, words=2, same=1)


def waiting(told: Panels, words: ReportWords) -> Table:
    """Where requests wait longest in all, and how sure that is."""
    heads = (
        *(PROCESS, GROUPS[told.by], mark("Waits longest at"), mark("Share of lead")),
        *(mark("Certainty"), mark("Open there"), mark("Old there")),
    )
    rows = [
        [words.process(one.key), called(one.variant, told.by, words), *_longest(one, words)]
        for one in told.bottlenecks
        if one.states
    ]
    return Table(_heads(heads, words), rows, words=3, same=1)


def little(told: Panels, words: ReportWords) -> Table:
    """Whether the log can be right: requests in hand against rate times lead."""
    heads = (
        *(PROCESS, GROUPS[told.by], mark("Days"), mark("In hand: first, last"), mark("On average")),
        *(mark("Rate × lead"), mark("Off by"), mark("What that says")),
    )
    rows = [
        [
            words.process(one.key),
            called(one.variant, told.by, words),
            *_checked(one, words),
            _said(one, words),
        ]
        for one in told.little
    ]
    return Table(_heads(heads, words), rows, words=2, same=1)


def _longest(one: Bottleneck, words: ReportWords) -> list[str]:
    first = one.states[0]
    if few(first.of_lead):
        return [NOTHING] * 5
    if one.state is None:
        return [words.text("nowhere"), *[NOTHING] * 4]
    return [
        *(words.state(first.state), shares(first.of_lead, words), words.percent(first.first)),
        *(words.number(first.open), words.number(first.old)),
    ]


def _checked(one: Little, words: ReportWords) -> list[str]:
    ends = f"{words.number(one.in_hand_first)}, {words.number(one.in_hand_last)}"
    if one.in_hand is None or one.rate_times_lead is None:
        return [words.decimal(one.days, 0), ends, *[NOTHING] * 3]
    misses = NOTHING if one.misses_by is None else words.percent(one.misses_by)
    return [
        *(words.decimal(one.days, 0), ends, words.decimal(one.in_hand), words.decimal(one.rate_times_lead)),
        misses,
    ]


def _said(one: Little, words: ReportWords) -> str:
    if one.causes:
        causes = ", ".join(words.text(_CAUSES[c]) for c in one.causes)
        return words.text(_UNSTEADY if one.sound else _DOUBT, causes=causes)
    return words.text("nothing against it") if one.told else words.text("too few to tell")


def _heads(texts: Iterable[str], words: ReportWords) -> list[str]:
    return [words.text(text) for text in texts]
