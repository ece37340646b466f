"""The tables of what rests on more than the log: costs by prices that were given, the five criteria."""

from collections.abc import Iterator, Mapping, Sequence

from throughput.costs import Cost, Range, Sum
from throughput.reporting.comparison_tables import VARIANT
from throughput.reporting.panel_tables import origin
from throughput.reporting.ranged import between, ranged
from throughput.reporting.table import Table
from throughput.reporting.words import NOTHING, ReportWords, mark
from throughput.score_card import THEIR_WORDS, Criterion, Score, ScoreCard, Statement
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
_MISSING: Mapping[str, str] = {
    "hourly_rate": mark("the hourly rate"),
    "licence_per_year": mark("the licence a year"),
    "per_signature": mark("the price of a signature"),
    "one_off": mark("the one-off cost"),
    "signatures_per_request": mark("the signatures a request"),
    "handling minutes": mark("the minutes of handling"),
    "--per-week": mark("the requests a week"),
}
"""What throughput.costs calls what is missing, the last part of it."""


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
    minutes = (origin(one.handling_origin, one.handling_n, words) for one in known)
    if paid_back(told):
        rows.append([words.text("Paid back"), *(_paid(one, words) for one in known)])
    rows.append([words.text("Minutes"), *minutes])
    return Table(["", *(words.variant(one.variant) for one in known)], rows if known else [])


def paid_back(told: KeyCosts) -> bool:
    """Whether there is a variant that the others are held against."""
    return any(one.payback is not None for one in told.costs)


def without_cost(found: Sequence[Cost], words: ReportWords) -> Iterator[str]:
    """Of which variants no cost is told, and what is missing for it."""
    for one in found:
        if one.missing:
            names = (name.rpartition(".")[2] for name in one.missing)
            yield words.text(
                "{variant}: no cost is told, for want of {missing}.",
                variant=words.variant(one.variant),
                missing=", ".join(words.text(_MISSING.get(name, name)) for name in names),
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
    return Table([words.text(head) for head in heads], rows, words=4, same=2)


def _said(said: Statement, words: ReportWords) -> str:
    if said.score is not None:
        return _scored(said.score, words)
    if said.minutes is not None:
        value = said.minutes.value or 0.0
        claimed = said.minutes.origin == "claimed"  # as it was claimed
        decimals = (
            next(many for many in range(3) if many == 2 or round(value, many) == value) if claimed else 1
        )
        minutes = ranged(said.minutes, words, decimals)
        return words.text("{minutes} min a request", minutes=minutes)
    if said.fte is not None:
        rate = words.decimal(said.per_week or 0, 0)
        return words.text(
            "{fte} FTE of handling, at {rate} a week", fte=ranged(said.fte, words, 2), rate=rate
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


def _scored(score: Score, words: ReportWords) -> str:
    """Ours, and the source's own word where its language is another."""
    ours, theirs = words.text(_SCORES[score]), THEIR_WORDS[score]
    if ours.casefold() == theirs.casefold():
        return ours
    return words.text("{ours} (“{theirs}”)", ours=ours, theirs=theirs)


def _from(said: Statement, words: ReportWords) -> str:
    source = origin(said.source, 0 if said.minutes_from else said.n, words)
    if said.minutes_from is None:
        return source
    return words.text(
        "{source}; minutes {origin}", source=source, origin=origin(said.minutes_from, said.n, words)
    )


def _sum(found: Sum | None, words: ReportWords) -> str:
    """Whole units of money, from low to high."""
    if found is None:
        return NOTHING
    likely, low, high = (words.decimal(one, 0) for one in (found.likely, found.low, found.high))
    return between(likely, low, high)


def _paid(one: Cost, words: ReportWords) -> str:
    if one.payback is None:
        return words.text("the others are held against it")
    return _years(one.payback.years, words)


def _years(found: Range, words: ReportWords) -> str:
    """In years; an end that is none is never reached."""
    if found.low is None:
        return words.text("never")
    least = words.decimal(found.low)
    if found.likely is None:
        return words.text("likely never, at best after {years} years", years=least)
    likely = words.decimal(found.likely)
    if found.high is None:
        return words.text("{years} years, at best after {least}, at worst never", years=likely, least=least)
    return words.text("{years} years", years=between(likely, least, words.decimal(found.high)))
