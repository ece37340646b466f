"""How long requests take, and where their time goes."""

from dataclasses import dataclass

from documents.words import mark
from throughput.charts.lead import Bin, Leads, bins_of, curve_of, leads
from throughput.charts.spans import Part, Spans, Spent, spans
from throughput.discreet import quantile
from throughput.small_cells import FEWEST
from throughput.spans import Wait
from throughput.survival import Durations
from throughput.told import rounded
from web.figures_parts import Maker, Section, drawn
from web.figures_tables import Cell, Count, Seconds, Table, Words

_KINDS = (
    (Wait.QUEUE, mark("Waiting")),
    (Wait.DESK, mark("On a desk")),
    (Wait.TOUCH, mark("Being worked on")),
    (Wait.SUSPENDED, mark("Waiting for others")),
)
_LEADS = mark("How long requests take")
_STAGES = (
    ("requested-approved", mark("from asked to approved")),
    ("approved-signed", mark("from approved to signed")),
    ("signed-delivered", mark("from signed to delivered")),
    ("requested-delivered", mark("from asked to delivered")),
)


@dataclass(frozen=True)
class TimesParts(Maker):
    """Of requests and tasks that are done, and of what is not yet."""

    def all(self) -> list[Section]:
        """In the order of the page."""
        return self.shown(self.leads() if self.counted else self._ways(), self.spans())

    def _ways(self) -> Section:
        """Each part of the way alone: who may not know how many there were sees no bins."""
        return Section("distribution", self.say(_LEADS), [], None, [self._stages()])

    def leads(self) -> Section:
        """How long requests took, and by when which share was done."""
        say, lead = self.say, self.told.whole.lead
        bins = self._bins(lead)
        chart = Leads(
            title=say(_LEADS),
            desc=say(
                mark(
                    "How many requests took how long from asked to delivered, and which share was"
                    " delivered by when."
                )
            ),
            nothing=self._too_few(),
            wording=self.wording,
            bins=bins,
            unit=say(mark("requests")),
            ended=say(mark("delivered")),
            still_open=say(mark("not delivered, or not yet")),
            share=say(mark("Delivered by then")),
            curve=self._curve(lead) if bins else (),
            done=self.marks(),
        )
        rows: list[list[Cell]] = [
            [Seconds(one.low), Seconds(one.high), Count(one.ended), Count(one.open)] for one in bins
        ]
        columns = [
            ("from_s", say(mark("From"))),
            ("below_s", say(mark("Below"))),
            ("delivered", say(mark("Delivered"))),
            ("not_delivered", say(mark("Not delivered, or not yet"))),
        ]
        said = say(
            mark(
                "Requests that were not delivered count with what they have taken so far"
                " (Kaplan–Meier); left out, they would make us look faster than we are."
            )
        )
        return Section(
            "distribution",
            say(_LEADS),
            [said] if bins else [],
            drawn("leads", lambda width: leads(chart, width)),
            [
                Table("distribution", say(mark("Requests by how long they took")), columns, rows),
                self._stages(),
            ],
        )

    def _too_few(self) -> str:
        return self.say(
            mark(
                "Fewer than five requests were delivered: too few to tell of. Choose a longer"
                " time, or wait for more."
            )
        )

    def _bins(self, lead: Durations) -> list[Bin]:
        if lead.ended < FEWEST:
            return []
        found = bins_of(lead, self.wording)
        return [Bin(one.low, one.high, rounded(one.ended), rounded(one.open)) for one in found]

    def _curve(self, lead: Durations) -> list[tuple[float, float]]:
        """In steps of five requests or more."""
        step, kept, last = max(0.01, FEWEST / len(lead)), [], 0.0
        for time, share in curve_of(lead):
            if share >= last + step - 1e-9:
                kept.append((time, share))
                last = share
        return kept

    def _stages(self) -> Table:
        say, stages = self.say, self.told.stages
        rows: list[list[Cell]] = [
            [
                Words(say(name)),
                Count(len(stages[key])),
                Seconds(quantile(stages[key], 0.5)),
                Seconds(quantile(stages[key], 0.9)),
            ]
            for key, name in _STAGES
            if key in stages and stages[key].ended >= FEWEST
        ]
        columns = [
            ("way", say(mark("Way"))),
            ("n", say(mark("Requests"))),
            ("median_s", say(mark("Median"))),
            ("p90_s", say(mark("Nine of ten within"))),
        ]
        return Table("stages", say(mark("Each part of the way")), columns, rows)

    def spans(self) -> Section:
        """Where the time of tasks goes."""
        say = self.say
        spent = {one.state: one for one in self.told.spent if one.n >= FEWEST}
        states = self.ordered(spent)
        chart = Spans(
            title=say(mark("Where the time goes")),
            desc=say(
                mark(
                    "A bar for each state: how long a task waits there, lies on a desk, is worked"
                    " on, and waits for others, on average."
                )
            ),
            nothing=say(mark("Fewer than five tasks were done in each state: too few to tell of.")),
            wording=self.wording,
            parts=[Part(say(name), hatched=kind is Wait.SUSPENDED) for kind, name in _KINDS],
            rows=[
                Spent(self.names.state(name), [spent[name].seconds.get(kind, 0.0) for kind, _ in _KINDS])
                for name in states
            ],
        )
        rows: list[list[Cell]] = [
            [
                Words(self.names.state(name)),
                Count(spent[name].n),
                *(Seconds(spent[name].seconds.get(kind, 0.0)) for kind, _ in _KINDS),
            ]
            for name in states
        ]
        columns = [("state", say(mark("State"))), ("n", say(mark("Tasks")))]
        columns += [(f"{kind}_s", say(name)) for kind, name in _KINDS]
        table = Table("spans", say(mark("Mean time of a task in each state")), columns, rows)
        said = say(
            mark(
                "Mean times of people's tasks that are done, by the wall clock; what a program"
                " did in people's place is left out."
            )
        )
        return Section(
            "spans",
            say(mark("Where the time goes")),
            [said] if rows else [],
            drawn("spans", lambda width: spans(chart, width)),
            [table],
        )
