"""What figures say, in sentences: the difference, how sure it is, or that so few requests can't tell."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from throughput.claims import plausibility
from throughput.compare import Comparison
from throughput.contrasts import OTHERS, Contrast, Figure
from throughput.grouped import By
from throughput.reporting.amounts import interval, roughly, span
from throughput.reporting.words import NO_BREAK, ReportWords, mark
from throughput.text_table import like_of

FIGURES: Mapping[Figure, str] = {
    "lead": mark("Lead time, from requested to delivered"),
    "handling": mark("Handling, by people's hands"),
}
_MOST_PROCESSES, _MOST_PAIRS = 3, 6
_SHORT = 32
"""So many letters fit on one line of a phone."""
WORTH_SAYING = 100_000
"""Whoever needs more requests than this to show a difference may call it none."""


def faster_and_slower(one: Contrast) -> tuple[str, str]:
    """Of a contrast that can be told: which variant is the faster, and which the slower."""
    a_is_faster = one.found.interval.high is not None and one.found.interval.high < 0
    return (one.a, one.b) if a_is_faster else (one.b, one.a)


def verdict(one: Contrast, words: ReportWords, by: By = "variant") -> str:
    """What may be said of it, in a few words."""
    if not one.found.distinguishable:
        return words.text("not distinguishable at this n")
    faster, slower = faster_and_slower(one)
    is_plain = by not in ("month", "unit")
    if faster == OTHERS:
        return words.text("{variant} is slower", variant=slower if is_plain else words.group(slower, by))
    return words.text("{variant} is faster", variant=faster if is_plain else words.group(faster, by))


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
        "Lead time ({origin}): so many requests can't tell {a} from {b}; with 95% certainty the difference in"
        " the median lies within {interval}."
    ),
    "handling": mark(
        "Handling ({origin}): so many requests can't tell {a} from {b}; with 95% certainty the difference in"
        " the median lies within {interval}."
    ),
}
_NOT_TOLD_BY: Mapping[Figure, str] = {
    "lead": mark(
        "Lead time ({origin}): {n_a} and {n_b} requests can't tell {a} from {b}; with 95% certainty the"
        " difference in the median lies within {interval}."
    ),
    "handling": mark(
        "Handling ({origin}): {n_a} and {n_b} requests can't tell {a} from {b}; with 95% certainty the"
        " difference in the median lies within {interval}."
    ),
}


_FASTER: Mapping[Figure, str] = {
    "lead": mark(
        "Lead time ({origin}), in the median and in brackets with 95% certainty: {name} is faster than"
        " {others}."
    ),
    "handling": mark(
        "Handling ({origin}), in the median and in brackets with 95% certainty: {name} takes less of people's"
        " time than {others}."
    ),
}
_SLOWER: Mapping[Figure, str] = {
    "lead": mark(
        "Lead time ({origin}), in the median and in brackets with 95% certainty: {name} is slower than"
        " {others}."
    ),
    "handling": mark(
        "Handling ({origin}), in the median and in brackets with 95% certainty: {name} takes more of people's"
        " time than {others}."
    ),
}
_ALIKE: Mapping[Figure, str] = {
    "lead": mark("Not told apart by so many requests, in lead time ({origin}): {lead}."),
    "handling": mark("Not told apart by so many requests, in handling ({origin}): {handling}."),
}
_ALIKE_IN_BOTH = mark("Not told apart by so many requests, in lead time and in handling ({origin}): {lead}.")
_ALIKE_IN_EACH = mark(
    "Not told apart by so many requests ({origin}): in lead time {lead}; in handling {handling}."
)


@dataclass(frozen=True)
class Saying:
    """How a report, or a page, says it: what a group is called, and its requests where they are told."""

    words: ReportWords
    name: Callable[[str], str]
    n: Callable[[Contrast, str, int], str | None]

    def all_of(self, found: Sequence[Contrast]) -> Iterator[str]:
        """What differs, in lead and then in handling; last what can't be told apart, of several in one go."""
        for figure in FIGURES:
            apart = [one for one in found if one.figure == figure and one.found.distinguishable]
            for name, several in _around(apart):
                yield (
                    self._told_apart(several[0])
                    if len(several) == 1 and faster_and_slower(several[0])[0] != OTHERS
                    else self._one_and_others(name, several)
                )
        alike = [one for one in found if not one.found.distinguishable]
        if len(_pairs(alike)) > 1:
            yield self._alike(alike)
        else:
            yield from map(self._not_told_apart, alike)

    def _one_and_others(self, name: str, found: Sequence[Contrast]) -> str:
        """Of several that one is faster than, or slower."""
        words, is_faster = self.words, faster_and_slower(found[0])[0] == name
        others = [one.b if one.a == name else one.a for one in found]
        said = words.text(
            (_FASTER if is_faster else _SLOWER)[found[0].figure],
            name=self.name(name),
            others="; ".join(self._by_how_much(one, other) for one, other in zip(found, others, strict=True)),
        )
        n_name, *n_others = (
            self.n(one, group, one.n_a if group == one.a else one.n_b)
            for one, group in ((found[0], name), *zip(found, others, strict=True))
        )
        if n_name is None or None in n_others:
            return said
        requests = words.text(
            "Requests: {n_first} against {others}.", n_first=n_name, others="; ".join(map(str, n_others))
        )
        return f"{said} {_together(requests)}"

    def _by_how_much(self, one: Contrast, other: str) -> str:
        words, like = self.words, like_of(one.found)
        least, most = _ends(one)
        if one.found.value is None or most is None:
            return words.text(
                "{name} by {least} or more", name=self.name(other), least=span(least, words, like)
            )
        return words.text(
            "{name} by {difference} ({range})",
            name=self.name(other),
            difference=words.time(abs(one.found.value), like=like),
            range=_range(span(least, words, like), words.time(most, like=like), words),
        )

    def _alike(self, found: Sequence[Contrast]) -> str:
        """Which can't be told apart, and how many requests would show what difference was found."""
        words = self.words
        lead, handling = (self._all_pairs([one for one in found if one.figure == f]) for f in FIGURES)
        if not lead or not handling:
            text = _ALIKE["handling" if handling else "lead"]
        else:
            text = _ALIKE_IN_BOTH if lead == handling else _ALIKE_IN_EACH
        said = words.text(text, lead=lead, handling=handling)
        needed = [roughly(one.needed) for one in found if one.needed is not None and _is_worth_saying(one)]
        if not needed:
            return f"{said} {self._seen_from(found)}".rstrip()
        least, most = words.number(min(needed)), words.number(max(needed))
        more = words.text(
            "To show the differences in handling that were found, about {needed} requests of each would be"
            " needed.",
            needed=least if least == most else words.text("{low} to {high}", low=least, high=most),
        )
        return f"{said} {more}"

    def _seen_from(self, found: Sequence[Contrast]) -> str:
        """Which difference so many would have shown: of handling, to who may know how many they are."""
        smallest = [
            one.smallest_s
            for one in found
            if one.smallest_s is not None
            and None not in (self.n(one, one.a, one.n_a), self.n(one, one.b, one.n_b))
        ]
        if not smallest:
            return ""
        return self.words.text(
            "A difference of {smallest} or more in mean handling would most likely have been seen.",
            smallest=self.words.time(max(smallest)),
        )

    def _all_pairs(self, found: Sequence[Contrast]) -> str:
        """Each two of them; all of them once where each is in a pair with each other one."""
        names = dict.fromkeys(name for one in found for name in (one.a, one.b))
        if len(found) > 1 and 2 * len(found) == len(names) * (len(names) - 1):
            return ", ".join(map(self.name, names))
        if len(found) > _MOST_PAIRS:
            return self.words.text("{count} pairs", count=len(found))
        if len(found) > 1 and {one.b for one in found} == {OTHERS}:
            each = ", ".join(self.name(one.a) for one in found)
            return self.words.text("{names}, each from {others}", names=each, others=self.name(OTHERS))
        return ", ".join(f"{self.name(one.a)} – {self.name(one.b)}" for one in found)

    def _told_apart(self, one: Contrast) -> str:
        words, like = self.words, like_of(one.found)
        faster, slower = faster_and_slower(one)
        least, most = _ends(one)
        values = {"faster": self.name(faster), "slower": self.name(slower)}
        first = span(least, words, like)
        if one.found.value is None or most is None:
            text = {
                "lead": mark(
                    "Lead time ({origin}): {faster} is faster than {slower}, with 95% certainty by {least} or"
                    " more in the median."
                ),
                "handling": mark(
                    "Handling ({origin}): {faster} takes less of people's time than {slower}, with 95%"
                    " certainty {least} or more in the median."
                ),
            }[one.figure]
            return words.text(text, **values, least=first) + self._seen_in(one, faster)
        text = {
            "lead": mark(
                "Lead time ({origin}): {faster} is faster than {slower}, in the median by {difference}; with"
                " 95% certainty by {range}."
            ),
            "handling": mark(
                "Handling ({origin}): {faster} takes less of people's time than {slower}, in the median"
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
                "Lead time ({origin}): {a} and {b} can't be told apart yet: too many requests are still open."
            )
            return words.text(text, **values) + self._seen_in(one, one.a)
        values["interval"] = interval(one.found, words)
        n_a, n_b = self.n(one, one.a, one.n_a), self.n(one, one.b, one.n_b)
        if n_a is None or n_b is None:
            said = words.text(_NOT_TOLD[one.figure], **values)
        else:
            said = words.text(_NOT_TOLD_BY[one.figure], **values, n_a=n_a, n_b=n_b)
        if one.needed is None or not _is_worth_saying(one):
            return said
        more = words.text(
            "To show the difference that was found, about {needed} of each would be needed.",
            needed=words.number(roughly(one.needed)),
        )
        return f"{said} {more}"

    def _seen_in(self, one: Contrast, first: str) -> str:
        """How many requests that is told of; nothing where that is not for who reads it."""
        a, b = self.n(one, one.a, one.n_a), self.n(one, one.b, one.n_b)
        if a is None or b is None:
            return ""
        n_first, n_second = (a, b) if first == one.a else (b, a)
        return " " + _together(
            self.words.text("Requests: {n_first} and {n_second}.", n_first=n_first, n_second=n_second)
        )


def _together(text: str) -> str:
    """The same on one line; a longer text with no lone word or number on its first and its last line."""
    if len(text) <= _SHORT:
        return text.replace(" ", NO_BREAK)
    *most, last = text.replace(" ", NO_BREAK, 1).split(" ")
    return f"{' '.join(most)}{NO_BREAK}{last}"


def _ends(one: Contrast) -> tuple[float | None, float | None]:
    """Of one that can be told: the least and the most by which the faster is faster."""
    low, high = one.found.interval.low, one.found.interval.high
    if faster_and_slower(one)[0] == one.b:
        return low, high
    return None if high is None else -high, None if low is None else -low


def _around(found: Sequence[Contrast]) -> Iterator[tuple[str, list[Contrast]]]:
    """All that differ, in as few groups as may be: each of one that is faster than others, or slower.

    All others of one are not those of another: nothing is said of them, each is said to be slower than they.
    """
    left = list(found)
    while left:
        groups: dict[tuple[int, str], list[Contrast]] = {}
        for one in left:
            for place, name in enumerate(faster_and_slower(one)):
                if name != OTHERS:
                    groups.setdefault((place, name), []).append(one)
        (_, name), most = max(groups.items(), key=lambda group: len(group[1]))
        yield name, most
        left = [one for one in left if one not in most]


def _is_worth_saying(one: Contrast) -> bool:
    """Whether it would take more requests than there are, and not more than anybody has."""
    return one.needed is not None and _fewest(one) < one.needed <= WORTH_SAYING


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
