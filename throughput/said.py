"""The panels as tables that a person reads, in English; every sentence of them stands here."""

from collections.abc import Iterator, Sequence

from throughput.bottleneck import Bottleneck
from throughput.capacity import CLAIMS_KEY, Capacity, given_rate, kinds
from throughput.claims import plausibility
from throughput.compare_text import UNTOLD
from throughput.costs import Cost, Range, Sum
from throughput.discreet import few, tells
from throughput.estimates import Figure
from throughput.little import Cause, Little
from throughput.origins import MEASURED, Origin
from throughput.panels import Counts, Leads, Times
from throughput.rework import Rework
from throughput.score_card import THEIR_WORDS, ScoreCard, Statement
from throughput.seen import COUNTS_FOR
from throughput.signs import NOTHING
from throughput.text_table import Table, alike, length
from throughput.whole import KeyCosts, Panels

_COUNTS = ("started", "closed", "open", "withdrawn")
CAUSES = {
    Cause.MISSING_ENDS: "some are open for longer than any took that ended: their ends are missing, or nobody"
    " deals with them",
    Cause.FILLING: "many more are in hand at the end than at the beginning",
    Cause.EMPTYING: "many fewer are in hand at the end than at the beginning",
    Cause.CLOCKS: "some end before they begin or lie in the future: look at the clocks",
    Cause.UNKNOWN: "the cause is not known",
}
LITTLE_OVER = (
    "over the whole weeks of the period, with all that was in hand then, whenever it was asked for; first,"
    " last: in hand when they began, and when they were over."
)


def tables(told: Panels, origin: Origin = MEASURED) -> list[Table]:
    """Handling, lead and capacity apart; then what they rest on. `origin`: of what is told of the office."""
    if not told.handling:
        return []
    return [
        *_handling(told, origin),
        _leads(told.leads, origin),
        *_capacity(told, origin),
        _rework(told.rework, origin),
        _waits(told.bottlenecks, origin),
        _efficiency(told.leads, origin),
        _little(told.little),
        *_costs(told),
        *([] if told.score_card is None else [_card(told.score_card)]),
    ]


def _handling(told: Panels, origin: Origin) -> Iterator[Table]:
    heads = ["process", "variant", *_COUNTS, "n", "median", "p90", "mean"]
    rows = [
        [
            *(one.key, one.variant, *_counts(one.counts), str(one.touch_s.n)),
            *_times(one.touch_s, one.touch_s.n, one.touch_mean_s),
        ]
        for one in told.handling
    ]
    notes = [
        "What hands took of a delivered request; n: those in which people did every step of theirs. In"
        " brackets: 95% intervals.",
        COUNTS_FOR,
        UNTOLD,
    ]
    yield Table(f"Handling ({origin}; people alone)", [heads, *rows], notes)
    states = [
        [one.key, one.variant, held.state, str(held.touch_s.n), *_times(held.touch_s, held.touch_s.n)]
        for one in told.handling
        for held in one.by_state
    ]
    if states:
        heads = ["process", "variant", "state", "tasks", "median", "p90"]
        yield Table(f"Handling by state ({origin}; people alone)", [heads, *states])


def _leads(found: Sequence[Leads], origin: Origin) -> Table:
    heads = ["process", "variant", "from", "to", *_COUNTS, "median", "p90"]
    rows = [
        [
            one.key,
            one.variant,
            lead.begin,
            lead.end,
            *_counts(lead.counts),
            *_times(lead.taken_s, lead.counts.closed),
        ]
        for one in found
        for lead in one.leads
    ]
    return Table(
        f"Lead between milestones ({origin}; people alone)",
        [heads, *rows],
        [
            "Started: reached the first of the two; closed: the second, too; withdrawn: ended without it."
            " Open and withdrawn ones count with what they have taken (Kaplan–Meier)."
        ],
    )


def _capacity(told: Panels, origin: Origin) -> Iterator[Table]:
    """What was measured, what was claimed, and what follows of a number that was given: each by itself."""
    rate = given_rate(told.capacity)
    measured, claimed = kinds(told.capacity)
    of_handling = ["Handling of a request is its mean."]
    if rate is None:
        title, notes = (
            f"Capacity (people that the handling takes; {origin})",
            ["A week: requests as they came."],
        )
    else:
        title = f"Capacity if {rate:g} requests a week came (given, not {origin}; the minutes are {origin})"
        notes = ["A week: requests, as given; of each way as many, as if all went that way."]
    if measured:
        yield _capacity_of(title, measured, [*notes, *of_handling])
    if claimed:
        title = f"Capacity by the source's minutes (claimed, not {origin} here)"
        yield _capacity_of(title, claimed, notes)


def _capacity_of(title: str, found: Sequence[Capacity], notes: Sequence[str]) -> Table:
    heads = ["process", "variant", *_COUNTS, "a week", "handling", "from", "h a week"]
    heads += ["FTE (36 h a week)", "FTE (1,363 h a year)"]
    rows = [
        [
            *(one.key, one.variant, *_counts(one.counts)),
            NOTHING if one.per_week is None else f"{one.per_week:.1f}",
            handling_said(one.handling_min),
            _from(one.handling_min),
            _plain(one.hours_per_week, ".1f"),
            *(_plain(figure, ".2f") for figure in (one.fte_by_week, one.fte_by_year)),
        ]
        for one in found
    ]
    more = [claim()] if any(one.key == CLAIMS_KEY for one in found) else []
    return Table(title, [heads, *rows], [*notes, *more])


def claim() -> str:
    """What is to be said of the source's saving."""
    p = plausibility()
    whole = (
        f"all of it is, by the claimed 10 min, {p.all_handling_h_per_week:.1f} h a week,"
        f" {p.all_handling_fte_by_week:.2f} FTE of 36 h"
        f" or {p.all_handling_fte_by_year:.2f} FTE of 1,363 h a year"
    )
    can = "can" if p.possible else "cannot"
    return (
        f"The claimed saving of {p.claimed_fte:g} FTE {can} come from handling time at {p.requests_per_week}"
        f" requests a week: {whole}."
    )


def _rework(found: Sequence[Rework], origin: Origin) -> Table:
    heads = ["process", "variant", "delivered", "returns a request", "right first time"]
    heads += ["of handling again", "returns most"]
    rows = [
        [
            *(one.key, one.variant, str(one.loops.n)),
            *(_plain(one.loops, ".2f"), _part(one.first_time_right), _part(one.of_touch)),
            ", ".join(f"{held.state} {_part(held.share)}" for held in one.states[:1]) or NOTHING,
        ]
        for one in found
    ]
    notes = [
        "Again: handling of a step that was done before, after a return. Returns most: the share of a state's"
        " tasks that ended with a return."
    ]
    return Table(f"Rework ({origin})", [heads, *rows], notes)


def _waits(found: Sequence[Bottleneck], origin: Origin) -> Table:
    heads = ["process", "variant", "state", "tasks", "of lead", "first in", "open", "old", "in / out"]
    rows = [
        [
            *(one.key, one.variant, held.state, str(held.tasks), _part(held.of_lead), f"{held.first:.0%}"),
            *(str(held.open), str(held.old), NOTHING if held.inflow is None else f"{held.inflow:.2f}"),
        ]
        for one in found
        for held in one.states
        if held.tasks or held.open
    ]
    notes = [
        "Of lead: how much of their time requests wait there for somebody, open ones until now; first in:"
        " how often it is the most when requests are drawn again. Old: open for longer than 85% took;"
        " in / out: tasks of the last four weeks.",
        *(sentence for one in found if (sentence := bottleneck_said(one))),
    ]
    return Table(f"Where requests wait ({origin}; people alone)", [heads, *rows], notes)


def bottleneck_said(one: Bottleneck) -> str:
    """The verdict in a sentence; empty where nothing waits."""
    if one.state is None:
        return ""
    first = one.states[0]
    sure = "surely" if one.sure else f"probably ({first.first:.0%})"
    said = f"{one.key} {one.variant}: the bottleneck is {sure} {first.state}, where {_part(first.of_lead)}"
    said += " of the time is spent waiting"
    if one.ageing is not None:
        said += f"; most old tasks are now in {one.ageing}"
    return f"{said}; more comes than goes in {', '.join(one.growing)}." if one.growing else f"{said}."


def _efficiency(found: Sequence[Leads], origin: Origin) -> Table:
    heads = ["process", "variant", "n", "of all together", "median"]
    rows = [
        [one.key, one.variant, str(one.efficiency.n), _part(one.efficiency), _part(one.efficiency_median)]
        for one in found
    ]
    title = f"Flow efficiency ({origin}; handling / lead from requested to delivered)"
    return Table(title, [heads, *rows])


def _little(found: Sequence[Little]) -> Table:
    heads = ["process", "variant", "days", "came", "ended", "first", "last", "in hand"]
    heads += ["rate × lead", "off by", "within"]
    rows = [
        [
            *(one.key, one.variant, f"{one.days:.0f}", str(one.arrived), str(one.ended)),
            *(str(one.in_hand_first), str(one.in_hand_last)),
            *(NOTHING if part is None else f"{part:.1f}" for part in (one.in_hand, one.rate_times_lead)),
            NOTHING if one.misses_by is None else f"{one.misses_by:+.0%}".replace("-", "−"),
            NOTHING if one.tolerance is None else f"{one.tolerance:.0%}",
        ]
        for one in found
    ]
    return Table(
        "Can the log be right? (Little's law)", [heads, *rows], [*map(little_said, found), LITTLE_OVER]
    )


def little_said(one: Little) -> str:
    """The verdict in a sentence."""
    name = f"{one.key} {one.variant}"
    if one.sound and not one.steady:
        return f"{name}: not told, as {'; '.join(CAUSES[cause] for cause in one.causes)}."
    if one.causes:
        causes = "; ".join(CAUSES[cause] for cause in one.causes)
        return f"{name}: look again before you believe these figures; {causes}."
    if not one.told:
        return f"{name}: too few requests, or too short a time, to tell."
    return f"{name}: nothing speaks against it."


def _costs(told: Panels) -> Iterator[Table]:
    if not told.prices_given:
        return
    for held in told.costs:
        heads = ["variant", "minutes", "labour", "signatures", "licence", "running cost", "one-off"]
        heads += ["paid back"]
        rows = [
            [
                *(one.variant, _origin(one.handling_origin, one.handling_n)),
                *(_sum(part) for part in (one.labour, one.signatures, one.licence, one.running, one.one_off)),
                NOTHING if one.payback is None else payback_said(one.payback.years),
            ]
            for one in held.costs
            if not one.missing
        ]
        yield Table(_title(held), [heads, *rows] if rows else [], [*_cost_notes(held.costs)])


def _title(held: KeyCosts) -> str:
    rate = NOTHING if held.per_week is None else f"{held.per_week:.1f}"
    currency = held.costs[0].currency if held.costs else ""
    return f"Cost a year of {held.key} at {rate} requests a week ({currency or 'money'}; as given)"


def _cost_notes(found: Sequence[Cost]) -> Iterator[str]:
    if not all(one.missing for one in found):
        yield (
            "Likely, and in brackets from low to high. Minutes: where those of handling are from; what is"
            " paid back rests on those of the baseline, too."
        )
    for one in found:
        if one.missing:
            yield f"{one.variant}: no cost without {', '.join(one.missing)}."


def _card(card: ScoreCard) -> Table:
    heads = ["criterion", "variant", "value", "from"]
    rows = [
        [cell.criterion.value, cell.variant, *pair]
        for cell in card.cells
        for pair in (
            [(statement_said(said), source_said(said)) for said in cell.said] or [("not known", NOTHING)]
        )
    ]
    note = (
        "What a signature is worth in law is not for a program to say: of legal the card tells the level that"
        " was reached, by the signing profile."
    )
    return Table("Score card (the source's five criteria)", [heads, *rows], [note])


def statement_said(said: Statement) -> str:
    """What a statement of the score card says."""
    if said.score is not None:
        return f"{said.score} (“{THEIR_WORDS[said.score]}”)"
    if said.minutes is not None:
        return f"{handling_said(said.minutes)} a request"
    if said.fte is not None:
        return f"{_plain(said.fte, '.2f')} FTE of handling, at {said.per_week:.4g} a week"
    if said.level is not None:
        return f"{said.level.level} reached, profile {said.level.profile}"
    back = "" if said.payback is None else f", paid back {payback_said(said.payback.years)}"
    return f"{said.currency} {_sum(said.running)} a year{back}".lstrip()


def handling_said(minutes: Figure) -> str:
    """The handling of a request; what is claimed as it was claimed."""
    if minutes.origin == "claimed" and minutes.value is not None:
        return f"{minutes.value:g} min"
    return _ranged(minutes.times(60))


def source_said(said: Statement) -> str:
    """Where it is from, and of how many."""
    if said.minutes_from is not None:
        return f"{said.source}, minutes {_origin(said.minutes_from, said.n)}"
    return _origin(said.source, said.n)


def _counts(found: Counts) -> list[str]:
    return [str(getattr(found, name)) for name in _COUNTS]


def _times(found: Times, over: int, *more: Figure) -> list[str]:
    """By when half and nine of ten were over, as far as so many that are over tell it, and more like them."""
    ends = ((found.median, 0.5), (found.p90, 0.9))
    told = [figure if tells(over, share, found.beyond) else None for figure, share in ends]
    like = alike(*(one.value for one in (*told, *more) if one is not None))
    return [NOTHING if one is None else _ranged(one, like) for one in (*told, *more)]


def _ranged(figure: Figure, like: float | None = None) -> str:
    """Seconds, with their interval; in the unit in which one would say `like`."""
    if figure.value is None or few(figure):
        return NOTHING
    like = figure.value if like is None else like
    told = length(figure.value, like=like)
    if figure.low is None and figure.high is None:
        return told
    low, high = (
        "open" if end is None else length(max(0.0, end), like=like) for end in (figure.low, figure.high)
    )
    return f"{told} ({low} … {high})"


def _plain(figure: Figure, form: str) -> str:
    if figure.value is None or few(figure):
        return NOTHING
    if figure.low is None or figure.high is None:
        return f"{figure.value:{form}}"
    return f"{figure.value:{form}} ({max(0.0, figure.low):{form}} … {figure.high:{form}})"


def _part(figure: Figure) -> str:
    """A share, as per cents."""
    if figure.value is None or few(figure):
        return NOTHING
    form = ".2%" if 0 < figure.value < 0.01 else ".1%"
    if figure.low is None or figure.high is None:
        return f"{figure.value:{form}}"
    return f"{figure.value:{form}} ({max(0.0, figure.low):{form}} … {min(1.0, figure.high):{form}})"


def _from(figure: Figure) -> str:
    return NOTHING if figure.value is None or few(figure) else _origin(figure.origin, figure.n)


def _origin(origin: str, n: int) -> str:
    """Measured, of how many; or what else it is."""
    return f"{origin}, n = {n}" if n else origin


def _sum(found: Sum | None) -> str:
    if found is None:
        return NOTHING
    return f"{found.likely:,.0f} ({found.low:,.0f} … {found.high:,.0f})"


def payback_said(years: Range) -> str:
    """When the one-off cost has come back; what is saved may be too little for that."""
    if years.low is None:
        return "never"
    if years.likely is None:
        return f"likely never, at best in {years.low:.1f} years"
    high = "never" if years.high is None else f"{years.high:.1f}"
    return f"in {years.likely:.1f} ({years.low:.1f} … {high}) years"
