"""What is different, and how sure: groups of requests beside each other, in sentences, charts and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from documents.words import mark
from throughput.capacity import WEEKS_A_YEAR
from throughput.charts.forest import Estimate, Forest, forest
from throughput.claims import HOURS_PER_FTE_WEEK, PRODUCTIVE_HOURS_PER_YEAR
from throughput.contrasts import OTHERS, Contrast, Figure
from throughput.discreet import part_told, quantile
from throughput.overview_rows import Compared
from throughput.reporting.amounts import difference
from throughput.reporting.telling import Saying, by_chance
from throughput.seen import COUNTS_FOR
from throughput.small_cells import FEWEST
from throughput.text_table import like_of
from web.figures_parts import Maker, Section, drawn
from web.figures_tables import Cell, Count, Number, Seconds, Share, Shares, Table, Words

WITHIN: Final = 0.01
"""Lengths are known so far, and a difference of two as far as that of both."""
_EDGE = mark(
    "At the edge of what can be told: {pairs}. A report of the same requests reckons with each of them, and"
    " not with lengths within 1%: it may say otherwise."
)


@dataclass(frozen=True)
class Beside(Maker):
    """Makes the panels of lead, handling and capacity, which are never mixed."""

    def verdicts(self) -> list[str]:
        """The sentences that come first: those of the report."""
        saying = Saying(self.words, self._name, self._n)
        found = self.told.contrasts
        return [*saying.all_of(found), *by_chance(found, self.words), *self._at_the_edge(found)]

    def _at_the_edge(self, found: Sequence[Contrast]) -> list[str]:
        """What a report of the same requests may tell apart where this does not, or the other way round."""
        pairs = dict.fromkeys((one.a, one.b) for one in found if _ends_at_nothing(one))
        if not pairs:
            return []
        named = ", ".join(f"{self._name(a)} – {self._name(b)}" for a, b in pairs)
        return [self.say(_EDGE).format(pairs=named)]

    def _name(self, group: str) -> str:
        """Within a sentence."""
        if group == OTHERS or self.told.by == "variant":
            return self.words.way(group, self.told.by)
        return self.names.group(group)

    def _n(self, _one: Contrast, _group: str, n: int) -> str | None:
        return Count(n).written(self.wording) if self.counted else None

    def all(self) -> list[Section]:
        """The three panels; that of capacity is all about how many requests there are."""
        found = self.shown(self._lead(), self._handling())
        return [*found, self._capacity()] if self.counted else found

    def _lead(self) -> Section:
        say = self.say
        rows: list[list[Cell]] = [
            [
                Words(self.names.group(one.label)),
                Count(one.came),
                Count(one.delivered),
                Number(one.open),
                Count(one.ended.total() - one.ended["done"]),
                Seconds(quantile(one.lead, 0.5)),
                Seconds(quantile(one.lead, 0.9)),
            ]
            for one in self.told.groups
        ]
        columns = [
            ("group", say(mark("Which"))),
            ("came", say(mark("Asked for"))),
            ("delivered", say(mark("Delivered"))),
            ("open", say(mark("In hand"))),
            ("ended_otherwise", say(mark("Ended otherwise"))),
            ("median_s", say(mark("Median"))),
            ("p90_s", say(mark("Nine of ten within"))),
        ]
        table = Table("lead", say(mark("Lead, from asked to delivered")), columns, rows)
        return Section(
            "lead",
            say(mark("Lead: from asked to delivered")),
            [
                say(
                    mark("How long people wait for what they asked for, by the wall clock ({origin}).")
                ).format(origin=self.origin)
            ],
            self._forest("lead"),
            [table, *self._differences("lead")],
        )

    def _handling(self) -> Section:
        say = self.say
        rows = [self._handled(one) for one in self.told.groups]
        columns = [
            ("group", say(mark("Which"))),
            ("n", say(mark("Requests"))),
            ("median_s", say(mark("Median"))),
            ("p90_s", say(mark("Nine of ten within"))),
            ("right_first_time", say(mark("Right the first time"))),
        ]
        table = Table("handling", say(mark("Handling, of each delivered request")), columns, rows)
        return Section(
            "handling",
            say(mark("Handling: people's hands on it")),
            [
                say(mark("How long people work on a request in all, from begun to done ({origin}).")).format(
                    origin=self.origin
                ),
                self.words.text(COUNTS_FOR),
            ],
            self._forest("handling"),
            [table, *self._differences("handling")],
        )

    def _handled(self, one: Compared) -> list[Cell]:
        right = part_told(one.right_first_time, one.delivered - one.returned, one.returned)
        return [
            Words(self.names.group(one.label)),
            Count(len(one.touch)),
            Seconds(quantile(one.touch, 0.5)),
            Seconds(quantile(one.touch, 0.9)),
            Share(None) if right is None else Share(right.value, over=right.over),
        ]

    def _capacity(self) -> Section:
        say = self.say
        rows: list[list[Cell]] = []
        for one in self.told.groups:
            weeks = self.told.weeks_of(one)
            if len(one.touch) < FEWEST or not weeks:
                continue
            a_week = one.came / weeks
            hours = a_week * one.touch.mean / 3600
            rows.append(
                [
                    Words(self.names.group(one.label)),
                    Number(a_week, 0),
                    Number(hours, 1),
                    Number(hours / HOURS_PER_FTE_WEEK, 2),
                    Number(hours * WEEKS_A_YEAR / PRODUCTIVE_HOURS_PER_YEAR, 2),
                ]
            )
        columns = [
            ("group", say(mark("Which"))),
            ("per_week", say(mark("Requests a week"))),
            ("hours_per_week", say(mark("Hours of handling a week"))),
            ("fte_by_week", say(mark("FTE of 36 hours a week"))),
            ("fte_by_year", say(mark("FTE of 1,363 hours a year"))),
        ]
        said = say(
            mark(
                "What people's hands do in a week: handling times requests, both {origin}. Waiting takes no"
                " capacity, so a shorter lead frees none."
            )
        ).format(origin=self.origin)
        table = Table("capacity", say(mark("Capacity that handling takes")), columns, rows)
        return Section("capacity", say(mark("Capacity")), [said] if rows else [], None, [table])

    def _of(self, figure: Figure) -> list[Contrast]:
        return [one for one in self.told.contrasts if one.figure == figure]

    def _forest(self, figure: Figure) -> Markup | None:
        say, found = self.say, self._of(figure)
        rows = [
            Estimate(
                self._pair(one),
                one.found.value,
                one.found.interval.low,
                one.found.interval.high,
                say(mark("not known yet")) if one.found.value is None else difference(one.found, self.words),
                sure=one.found.distinguishable,
            )
            for one in found
        ]
        if not rows:
            return None
        chart = Forest(
            title=say(mark("Differences of medians, with 95% intervals")),
            desc=say(
                mark(
                    "For each pair the difference of the medians; where the line leaves out zero there is a"
                    " difference."
                )
            ),
            nothing="",
            wording=self.wording,
            rows=rows,
            less=say(mark("the first is faster")),
            more=say(mark("the second is faster")),
        )
        return drawn(f"forest-{figure}", lambda width: forest(chart, width))

    def _pair(self, one: Contrast) -> str:
        return f"{self.names.group(one.a)} − {self._paired(one.b)}"

    def _paired(self, group: str) -> str:
        """Behind another."""
        return self._name(group) if group == OTHERS else self.names.group(group)

    def _differences(self, figure: Figure) -> Sequence[Table]:
        say = self.say
        rows: list[list[Cell]] = [
            [
                Words(self.names.group(one.a)),
                Words(self.names.group(one.b)),
                Count(one.n_a),
                Count(one.n_b),
                *(
                    Seconds(seconds, like_of(one.found))
                    for seconds in (one.found.value, one.found.interval.low, one.found.interval.high)
                ),
                Shares(one.found.faster.low, one.found.faster.high),
            ]
            for one in self._of(figure)
        ]
        columns = [
            ("a", say(mark("First"))),
            ("b", say(mark("Second"))),
            ("n_a", say(mark("Requests of the first"))),
            ("n_b", say(mark("Requests of the second"))),
            ("first_less_second_s", say(mark("First less second"))),
            ("low_s", say(mark("At least"))),
            ("high_s", say(mark("At most"))),
            ("first_faster", say(mark("First is done sooner"))),
        ]
        caption = say(mark("Differences of medians, with 95% intervals"))
        return [Table(f"{figure}-differences", caption, columns, rows)] if rows else []


def _ends_at_nothing(one: Contrast) -> bool:
    """Whether an end of the interval is as near to no difference as lengths are known."""
    ends = [abs(end) for end in (one.found.interval.low, one.found.interval.high) if end is not None]
    if one.found.a is None or one.found.b is None or not ends:
        return False
    return min(ends) <= WITHIN * (one.found.a + one.found.b)
