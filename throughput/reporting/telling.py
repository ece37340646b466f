"""What figures say, in sentences: the difference, how sure it is, or that so few requests can't tell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from throughput.claims import plausibility
from throughput.compare import Comparison
from throughput.contrasts import Contrast, Figure
from throughput.difference import Difference
from throughput.grouped import By
from throughput.reporting.words import NO_BREAK, NOTHING, OPEN, ReportWords, mark

FIGURES: Mapping[Figure, str] = {
    "lead": mark("Lead time, from requested to delivered"),
    "handling": mark("Handling, by people's hands"),
}
_MOST_PROCESSES, _MOST_PAIRS = 3, 6
WORTH_SAYING = 100_000
"""Whoever needs more requests than this to show a difference may call it none."""
_FEW = 2
"""So many pairs that can't be told apart are told of one by one."""


def span(seconds: float | None, words: ReportWords, like: float | None = None) -> str:
    """A time, or that it is not known."""
    return NOTHING if seconds is None else words.time(seconds, like=like)


def difference(found: Difference, words: ReportWords) -> str:
    """The difference itself, in the unit in which its interval is told."""
    return words.signed(found.value, like=_longest(found))


def interval(found: Difference, words: ReportWords) -> str:
    """From the one end to the other, once if they are alike; an open end lies beyond what was seen."""
    ends = (found.interval.low, found.interval.high)
    low, high = (words.signed(end, OPEN, like=_longest(found)) for end in ends)
    return low if low == high else f"{low} … {high}".replace("… …", "…")


def _longest(found: Difference) -> float:
    told = (found.value, found.interval.low, found.interval.high)
    return max((abs(one) for one in told if one is not None), default=0.0)


def faster_and_slower(one: Contrast) -> tuple[str, str]:
    """Of a contrast that can be told: which variant is the faster, and which the slower."""
    a_is_faster = one.found.interval.high is not None and one.found.interval.high < 0
    return (one.a, one.b) if a_is_faster else (one.b, one.a)


def roughly(count: int) -> int:
    """A number of requests that is reckoned, in two digits."""
    return int(float(f"{count:.1e}"))


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


_NOT_TOLD: Mapping[Figure, str] = {
    "lead": mark(
        "Lead time (measured): so many requests can't tell {a} from {b}; with 95% certainty the difference in"
        " the median lies within {interval}."
    ),
    "handling": mark(
        "Handling (measured): so many requests can't tell {a} from {b}; with 95% certainty the difference in"
        " the median lies within {interval}."
    ),
}
_NOT_TOLD_BY: Mapping[Figure, str] = {
    "lead": mark(
        "Lead time (measured): {n_a} and {n_b} requests can't tell {a} from {b}; with 95% certainty the"
        " difference in the median lies within {interval}."
    ),
    "handling": mark(
        "Handling (measured): {n_a} and {n_b} requests can't tell {a} from {b}; with 95% certainty the"
        " difference in the median lies within {interval}."
    ),
}


@dataclass(frozen=True)
class Saying:
    """How a report, or a page, says it: what a group is called, and its requests where they are told."""

    words: ReportWords
    name: Callable[[str], str]
    n: Callable[[Contrast, str, int], str | None]

    def all_of(self, found: Sequence[Contrast]) -> Iterator[str]:
        """Of lead, then of handling: each that differs; of several that can't be told apart, how many."""
        for figure in FIGURES:
            of_figure = [one for one in found if one.figure == figure]
            alike = [one for one in of_figure if not one.found.distinguishable]
            few = alike if len(alike) <= _FEW else []
            yield from (self._told_apart(one) for one in of_figure if one.found.distinguishable)
            yield from (self._not_told_apart(one) for one in few)
            if alike and not few:
                text = {
                    "lead": mark(
                        "Lead time (measured): {count} pairs can't be told apart by so many requests."
                    ),
                    "handling": mark(
                        "Handling (measured): {count} pairs can't be told apart by so many requests."
                    ),
                }[figure]
                yield self.words.text(text, count=self.words.number(len(alike)))

    def _told_apart(self, one: Contrast) -> str:
        words, like = self.words, _longest(one.found)
        faster, slower = faster_and_slower(one)
        low, high = one.found.interval.low, one.found.interval.high
        if faster == one.b:
            least, most = low, high
        else:
            least, most = None if high is None else -high, None if low is None else -low
        values = {"faster": self.name(faster), "slower": self.name(slower)}
        first = span(least, words, like)
        if one.found.value is None or most is None:
            text = {
                "lead": mark(
                    "Lead time (measured): {faster} is faster than {slower}, with 95% certainty by {least} or"
                    " more in the median."
                ),
                "handling": mark(
                    "Handling (measured): {faster} takes less of people's time than {slower}, with 95%"
                    " certainty {least} or more in the median."
                ),
            }[one.figure]
            return words.text(text, **values, least=first) + self._seen_in(one, faster)
        text = {
            "lead": mark(
                "Lead time (measured): {faster} is faster than {slower}, in the median by {difference}; with"
                " 95% certainty by {range}."
            ),
            "handling": mark(
                "Handling (measured): {faster} takes less of people's time than {slower}, in the median"
                " {difference} less; with 95% certainty {range}."
            ),
        }[one.figure]
        said = words.text(
            text,
            **values,
            difference=words.time(abs(one.found.value), like=like),
            range=_range(first, words.time(most, like=like), words),
        )
        return said + self._seen_in(one, faster)

    def _not_told_apart(self, one: Contrast) -> str:
        words, values = self.words, {"a": self.name(one.a), "b": self.name(one.b)}
        if one.found.interval.low is None or one.found.interval.high is None:
            text = mark(
                "Lead time (measured): {a} and {b} can't be told apart yet: too many requests are still open."
            )
            return words.text(text, **values) + self._seen_in(one, one.a)
        values["interval"] = interval(one.found, words)
        n_a, n_b = self.n(one, one.a, one.n_a), self.n(one, one.b, one.n_b)
        if n_a is None or n_b is None:
            said = words.text(_NOT_TOLD[one.figure], **values)
        else:
            said = words.text(_NOT_TOLD_BY[one.figure], **values, n_a=n_a, n_b=n_b)
        if one.needed is None or not _fewest(one) < one.needed <= WORTH_SAYING:
            return said
        more = words.text(
            "To show the difference that was measured, about {needed} of each would be needed.",
            needed=words.number(roughly(one.needed)),
        )
        return f"{said} {more}"

    def _seen_in(self, one: Contrast, first: str) -> str:
        """How many requests that is told of; nothing where that is not for who reads it."""
        a, b = self.n(one, one.a, one.n_a), self.n(one, one.b, one.n_b)
        if a is None or b is None:
            return ""
        n_first, n_second = (a, b) if first == one.a else (b, a)
        return " " + self.words.text(
            "Requests: {n_first} and {n_second}.", n_first=n_first, n_second=n_second
        )


def _range(low: str, high: str, words: ReportWords) -> str:
    """From the one length to the other; their unit once where it is the same."""
    if low == high:
        return low
    number, space, unit = low.rpartition(NO_BREAK)
    return words.text("{low} to {high}", low=number if high.endswith(space + unit) else low, high=high)


def headlines(told: Comparison, words: ReportWords) -> Iterator[str]:
    """What those say of lead and of handling, and how many of the others differ."""
    chosen = foremost(told)
    if not chosen:
        yield words.text(
            "There is nothing to compare: in no process are there two groups with enough requests that people"
            " alone dealt with."
        )
    saying = Saying(
        words,
        lambda group: words.way(group, told.by),
        lambda one, group, n: None if told.n(one.key, group, n) is None else words.number(n),
    )
    for found in chosen:
        about = f"{words.process(found[0].key)} – " if len(chosen) > 1 else ""
        yield from (about + said for said in saying.all_of(found))
    shown = list(chain(*chosen))
    others = [one for one in told.contrasts if one not in shown]
    if others:
        yield words.text(
            "Of {count} other pairs {apart} differ; of so many about one in twenty does by chance alone. They"
            " are on the pages that follow.",
            count=words.number(len(_pairs(others))),
            apart=words.number(len(_pairs([one for one in others if one.found.distinguishable]))),
        )
    else:
        yield from by_chance(shown, words)


def by_chance(found: Sequence[Contrast], words: ReportWords) -> Iterator[str]:
    """What to keep in mind where there are several pairs."""
    if len(_pairs(found)) > 1:
        yield words.text("Of so many pairs about one in twenty looks different by chance alone.")


def _pairs(found: Iterable[Contrast]) -> set[tuple[str, str, str]]:
    return {(one.key, one.a, one.b) for one in found}


def _fewest(one: Contrast) -> int:
    return min(one.n_a, one.n_b)


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
