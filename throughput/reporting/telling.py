"""What figures say, in sentences: the difference, how sure it is, or that so few requests can't tell."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from throughput.claims import plausibility
from throughput.compare import Comparison
from throughput.contrasts import Contrast, Figure
from throughput.difference import Interval
from throughput.grouped import By
from throughput.reporting.words import NOTHING, OPEN, ReportWords, mark
from throughput.small_cells import HIDDEN

FIGURES: Mapping[Figure, str] = {
    "lead": mark("Lead time, from requested to delivered"),
    "handling": mark("Handling, by people's hands"),
}
_MOST_PROCESSES, _MOST_PAIRS = 3, 6
_FEW = 2
"""So many pairs that can't be told apart are told of one by one."""


def span(seconds: float | None, words: ReportWords) -> str:
    """A time, or that it is not known."""
    return NOTHING if seconds is None else words.time(seconds)


def interval(found: Interval, words: ReportWords) -> str:
    """From the one end to the other, once if they are alike; an open end lies beyond what was seen."""
    low, high = words.signed(found.low, OPEN), words.signed(found.high, OPEN)
    return low if low == high else f"{low} … {high}".replace("… …", "…")


def faster_and_slower(one: Contrast) -> tuple[str, str]:
    """Of a contrast that can be told: which variant is the faster, and which the slower."""
    a_is_faster = one.found.interval.high is not None and one.found.interval.high < 0
    return (one.a, one.b) if a_is_faster else (one.b, one.a)


def verdict(one: Contrast, words: ReportWords, by: By = "variant") -> str:
    """What may be said of it, in a few words."""
    if not one.found.distinguishable:
        return words.text("not distinguishable at this n")
    name = faster_and_slower(one)[0]
    return words.text("{variant} is faster", variant=name if by == "variant" else words.group(name, by))


def foremost(told: Comparison) -> list[list[Contrast]]:
    """Of each of the largest processes the contrasts that are told first: all, where there are few pairs in
    all, else of the two groups with most requests.

    A pair is chosen by how many requests it has, not by what comes out.
    """
    found = told.contrasts
    keys = sorted(
        dict.fromkeys(one.key for one in found),
        key=lambda key: -max(_fewest(one) for one in found if one.key == key),
    )
    chosen = [[one for one in found if one.key == key] for key in keys[:_MOST_PROCESSES]]
    if len(_pairs(found)) <= _MOST_PAIRS:
        return chosen
    firsts = [max(of_key, key=_fewest) for of_key in chosen]
    return [
        [one for one in of_key if (one.a, one.b) == (first.a, first.b)]
        for of_key, first in zip(chosen, firsts, strict=True)
    ]


def headlines(told: Comparison, words: ReportWords) -> Iterator[str]:
    """What those say of lead and of handling, and how many of the others differ."""
    chosen = foremost(told)
    if not chosen:
        yield words.text(
            "There is nothing to compare: in no process are there two groups with enough requests that people"
            " alone dealt with."
        )
    for found in chosen:
        about = f"{words.process(found[0].key)} – " if len(chosen) > 1 else ""
        for figure in FIGURES:
            of_figure = [one for one in found if one.figure == figure]
            yield from (about + said for said in _apart_first(told, of_figure, words))
    shown = list(chain(*chosen))
    others = [one for one in told.contrasts if one not in shown]
    if others:
        yield words.text(
            "Of {count} other pairs {apart} differ; of so many about one in twenty does by chance alone. They"
            " are on the pages that follow.",
            count=words.number(len(_pairs(others))),
            apart=words.number(len(_pairs([one for one in others if one.found.distinguishable]))),
        )
    elif len(_pairs(shown)) > 1:
        yield words.text("Of so many pairs about one in twenty looks different by chance alone.")


def _apart_first(told: Comparison, found: Sequence[Contrast], words: ReportWords) -> Iterator[str]:
    """Each that differs; of several that can't be told apart, how many they are."""
    alike = [one for one in found if not one.found.distinguishable]
    few = alike if len(alike) <= _FEW else []
    yield from (_headline(told, one, words) for one in found if one.found.distinguishable)
    yield from (_headline(told, one, words) for one in few)
    if alike and not few:
        text = {
            "lead": mark("Lead time (measured): {count} pairs can't be told apart by so many requests."),
            "handling": mark("Handling (measured): {count} pairs can't be told apart by so many requests."),
        }[found[0].figure]
        yield words.text(text, count=words.number(len(alike)))


def _pairs(found: Iterable[Contrast]) -> set[tuple[str, str, str]]:
    return {(one.key, one.a, one.b) for one in found}


def _fewest(one: Contrast) -> int:
    return min(one.n_a, one.n_b)


def _headline(told: Comparison, one: Contrast, words: ReportWords) -> str:
    return (_told_apart if one.found.distinguishable else _not_told_apart)(told, one, words)


def _told_apart(told: Comparison, one: Contrast, words: ReportWords) -> str:
    faster, slower = faster_and_slower(one)
    low, high = one.found.interval.low, one.found.interval.high
    if faster == one.b:
        least, most = low, high
    else:
        least, most = None if high is None else -high, None if low is None else -low
    values = {"faster": words.way(faster, told.by), "slower": words.way(slower, told.by)}
    if one.found.value is None or most is None:
        text = {
            "lead": mark(
                "Lead time (measured): {faster} is faster than {slower}, with 95% certainty by {least} or"
                " more in the median."
            ),
            "handling": mark(
                "Handling (measured): {faster} takes less of people's time than {slower}, with 95% certainty"
                " {least} or more in the median."
            ),
        }[one.figure]
        return words.text(text, **values, least=span(least, words))
    text = {
        "lead": mark(
            "Lead time (measured): {faster} is faster than {slower}, in the median by {difference}; with 95%"
            " certainty by {range}."
        ),
        "handling": mark(
            "Handling (measured): {faster} takes less of people's time than {slower}, in the median"
            " {difference} less; with 95% certainty {range}."
        ),
    }[one.figure]
    ends = span(least, words), words.time(most)
    return words.text(
        text,
        **values,
        difference=words.time(abs(one.found.value)),
        range=ends[0] if ends[0] == ends[1] else words.text("{low} to {high}", low=ends[0], high=ends[1]),
    )


def _not_told_apart(told: Comparison, one: Contrast, words: ReportWords) -> str:
    text = {
        "lead": mark(
            "Lead time (measured): {n_a} and {n_b} requests can't tell {a} from {b}; with 95% certainty the"
            " difference in the median lies within {interval}."
        ),
        "handling": mark(
            "Handling (measured): {n_a} and {n_b} requests can't tell {a} from {b}; with 95% certainty the"
            " difference in the median lies within {interval}."
        ),
    }[one.figure]
    said = words.text(
        text,
        n_a=_shown(told.n(one.key, one.a, one.n_a), words),
        n_b=_shown(told.n(one.key, one.b, one.n_b), words),
        a=words.way(one.a, told.by),
        b=words.way(one.b, told.by),
        interval=interval(one.found.interval, words),
    )
    if one.needed is None or one.needed <= _fewest(one):
        return said
    more = words.text(
        "To show the difference that was measured, {needed} of each would be needed.", needed=one.needed
    )
    return f"{said} {more}"


def _shown(count: int | None, words: ReportWords) -> str:
    return HIDDEN if count is None else words.number(count)


def claim(words: ReportWords) -> str:
    """The source's saving, held against all the handling there is."""
    p = plausibility()
    text = (
        mark(
            "The source study claims a saving of {claimed} FTE. By the minutes that it claims, all handling"
            " at {rate} requests a week comes to {whole} FTE of 36 hours a week, so that the claim is"
            " possible; {saved} is saved."
        )
        if p.possible
        else mark(
            "The source study claims a saving of {claimed} FTE. That cannot come from handling: by the"
            " minutes that it claims, all handling at {rate} requests a week comes to {whole} FTE of 36 hours"
            " a week, of which {saved} is saved."
        )
    )
    return words.text(
        text,
        claimed=words.decimal(p.claimed_fte, 0),
        rate=p.requests_per_week,
        whole=words.decimal(p.all_handling_fte_by_week, 2),
        saved=words.decimal(p.saved_fte_by_week, 2),
    )
