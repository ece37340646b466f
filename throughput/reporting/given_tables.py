"""The tables of what rests on more than the log: costs by prices that were given, the five criteria."""

from collections.abc import Iterator, Mapping, Sequence

from throughput.costs import Cost, Range, Sum
from throughput.estimates import Figure
from throughput.reporting.comparison_tables import VARIANT
from throughput.reporting.frame import Table
from throughput.reporting.panel_tables import ORIGINS
from throughput.reporting.words import NOTHING, ReportWords, mark
from throughput.score_card import THEIR_WORDS, Criterion, Score, ScoreCard, Source, Statement
from throughput.whole import KeyCosts

_CRITERIA: Mapping[Criterion, str] = {
    Criterion.LABOUR: mark("Labour"),
    Criterion.EASE: mark("Ease of use"),
    Criterion.FINANCIAL: mark("Financial"),
    Criterion.LEGAL: mark("Legal"),
    Criterion.TECHNICAL: mark("Technical"),
}
_SCORES: Mapping[Score, str] = {
    "low": mark("low"),
    "medium": mark("medium"),
    "good": mark("good"),
    "high": mark("high"),
}
_SOURCES: Mapping[str, str] = {**ORIGINS, "given": mark("given")}


def costs(told: KeyCosts, words: ReportWords) -> Table:
    """What each variant costs a year, and when it has paid itself back; of those of which all is known."""
    known = [one for one in told.costs if not one.missing]
    sums = (
        (mark("Labour"), [one.labour for one in known]),
        (mark("Signatures"), [one.signatures for one in known]),
        (mark("Licence"), [one.licence for one in known]),
        (mark("A year in all"), [one.running for one in known]),
        (mark("One-off"), [one.one_off for one in known]),
    )
    rows = [[words.text(name), *(_sum(one, words) for one in found)] for name, found in sums]
    paid = (NOTHING if one.payback is None else _years(one.payback.years, words) for one in known)
    minutes = (_origin(one.handling_origin, one.handling_n, words) for one in known)
    rows += [[words.text("Paid back"), *paid], [words.text("Minutes"), *minutes]]
    return Table(["", *(words.variant(one.variant) for one in known)], rows if known else [])


def without_cost(found: Sequence[Cost], words: ReportWords) -> Iterator[str]:
    """Of which variants no cost is told, and what is missing for it."""
    for one in found:
        if one.missing:
            yield words.text(
                "{variant}: no cost is told, for want of {missing}.",
                variant=words.variant(one.variant),
                missing=", ".join(one.missing),
            )


def score_card(card: ScoreCard, words: ReportWords) -> Table:
    """Criterion by variant; each thing that is said, and from where."""
    heads = (mark("Criterion"), VARIANT, mark("What is said"), mark("From"))
    rows = [
        [words.text(_CRITERIA[cell.criterion]), cell.variant, *pair]
        for cell in card.cells
        for pair in (
            [(_said(one, words), _from(one, words)) for one in cell.said]
            or [(words.text("not known"), NOTHING)]
        )
    ]
    return Table([words.text(head) for head in heads], rows, words=4)


def _said(said: Statement, words: ReportWords) -> str:
    if said.score is not None:
        return f"{words.text(_SCORES[said.score])} (“{THEIR_WORDS[said.score]}”)"
    if said.minutes is not None:
        value = said.minutes.value or 0.0
        claimed = said.minutes.origin == "claimed"  # as it was claimed
        decimals = (
            next(many for many in range(3) if many == 2 or round(value, many) == value) if claimed else 1
        )
        minutes = _number(said.minutes, words, decimals)
        return words.text("{minutes} min a request", minutes=minutes)
    if said.fte is not None:
        rate = words.decimal(said.per_week or 0, 0)
        return words.text(
            "{fte} FTE of handling, at {rate} a week", fte=_number(said.fte, words, 2), rate=rate
        )
    if said.level is not None:
        return words.text(
            "{level} reached, under the profile {profile}", level=said.level.level, profile=said.level.profile
        )
    amount = words.text("{sum} a year", sum=f"{said.currency} {_sum(said.running, words)}".strip())
    if said.payback is None:
        return amount
    when = _years(said.payback.years, words)
    return words.text("{amount}; paid back: {when}", amount=amount, when=when)


def _from(said: Statement, words: ReportWords) -> str:
    source = _origin(said.source, 0 if said.minutes_from else said.n, words)
    if said.minutes_from is None:
        return source
    return words.text(
        "{source}; minutes {origin}", source=source, origin=_origin(said.minutes_from, said.n, words)
    )


def _origin(source: Source, n: int, words: ReportWords) -> str:
    told = words.text(_SOURCES[source])
    return f"{told}, n = {words.number(n)}" if n else told


def _sum(found: Sum | None, words: ReportWords) -> str:
    """Whole units of money, from low to high."""
    if found is None:
        return NOTHING
    likely, low, high = (words.decimal(one, 0) for one in (found.likely, found.low, found.high))
    return likely if low == high else f"{likely} ({low}–{high})"


def _number(found: Figure, words: ReportWords, decimals: int) -> str:
    if found.value is None:
        return NOTHING
    value = words.decimal(found.value, decimals)
    if found.low is None or found.high is None:
        return value
    return f"{value} ({words.decimal(found.low, decimals)}–{words.decimal(found.high, decimals)})"


def _years(found: Range, words: ReportWords) -> str:
    """In years; an end that is none is never reached."""
    never = words.text("never")
    likely, low, high = (
        never if end is None else words.decimal(end) for end in (found.likely, found.low, found.high)
    )
    if found.likely is None and found.low is None:
        return never
    return words.text("{years} years", years=likely if low == high else f"{likely} ({low}–{high})")
