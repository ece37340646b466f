"""What is in hand: how it came to be so much, and how old it is."""

from collections import Counter
from dataclasses import dataclass

from documents.words import mark
from throughput.charts.ageing import Ageing, Open, Waiting, ageing
from throughput.charts.flow import Band, Flow, flow
from throughput.overview_rows import InHand
from throughput.told import rounded
from web.figures_parts import Maker, Section, drawn
from web.figures_tables import Cell, Count, Day, Number, RequestNumber, Seconds, Table, Words
from web.requests import Looked

OLDEST = 20
"""So many of the oldest requests in hand are named."""


@dataclass(frozen=True)
class InHandParts(Maker):
    """What came in and went out, and what is there now."""

    seen: frozenset[int]
    """Of the oldest requests in hand, those that who reads may see."""
    listed_unit: str | None
    """Of which unit ("": all) the list of requests shows them the same ones; None where it shows others."""

    def all(self) -> list[Section]:
        """In the order of the page. Who may not know of single requests is told how many there are now,
        whichever way they are signed.
        """
        if self.counted:
            return [self.flow(), self.ageing()]
        scope = self.told.scope
        return [self.now()] if scope.variant is None and scope.definition is None else []

    def now(self) -> Section:
        """How much is in hand in each state; of few, and of none, that they are few."""
        say, counts = self.say, Counter(one.state for one in self.told.in_hand)
        states = self.ordered({*self.names.states, *counts})
        rows: list[list[Cell]] = [[Words(self.names.state(name)), Count(counts[name])] for name in states]
        columns = [("state", say(mark("State"))), ("n", say(mark("Requests")))]
        table = Table("in-hand", say(mark("What is in hand, by state")), columns, rows)
        said = say(mark("What is in hand now, whenever it was asked for."))
        return Section("in-hand", say(mark("In hand now")), [said] if rows else [], None, [table])

    def flow(self) -> Section:
        """How many requests were where at the end of each day."""
        say, flowed = self.say, self.told.flow
        states = self.ordered(flowed.states)
        ended = [rounded(count) for count in flowed.ended]
        bands = [Band(self.names.state(name), flowed.states[name]) for name in states]
        bands.append(Band(say(mark("Ended")), ended, done=True))
        chart = Flow(
            title=say(mark("Requests in each state")),
            desc=say(
                mark("How many requests were in each state at the end of each day, one band upon the other.")
            ),
            nothing=say(mark("There was no request in these days.")),
            wording=self.wording,
            days=flowed.days,
            bands=bands if any(map(any, flowed.states.values())) or any(ended) else (),
            unit=say(mark("requests")),
            in_hand=say(mark("In hand")),
            others=say(mark("All others")),
        )
        rows: list[list[Cell]] = [
            [Day(day), *(Number(flowed.states[name][n]) for name in states), Count(flowed.ended[n])]
            for n, day in enumerate(flowed.days)
        ]
        columns = [("day", say(mark("Day"))), *((name, self.names.state(name)) for name in states)]
        table = Table(
            "flow",
            say(mark("Requests in each state at the end of the day")),
            [*columns, ("ended", say(mark("Ended since the first day")))],
            rows,
        )
        said = [
            say(
                mark(
                    "A band that grows thicker is work that piles up: more comes into that state than goes"
                    " out."
                )
            ),
            say(mark("What was asked for before these months and was not over then counts, too.")),
        ]
        return Section(
            "flow", say(mark("Flow")), said, drawn("flow", lambda width: flow(chart, width)), [table]
        )

    def ageing(self) -> Section:
        """How old is what is in hand, beside how long others took."""
        say, told = self.say, self.told
        by_state: dict[str, list[InHand]] = {}
        for one in told.in_hand:
            by_state.setdefault(one.state, []).append(one)
        states = self.ordered(by_state)
        chart = Ageing(
            title=say(mark("Age of what is in hand")),
            desc=say(mark("A dot for each request in hand, by its age, in the row of its state.")),
            nothing=say(mark("Nothing is in hand: every request has ended.")),
            wording=self.wording,
            states=[
                Waiting(
                    self.names.state(name), [Open(self.age(one), self._who(one)) for one in by_state[name]]
                )
                for name in states
            ],
            done=self.marks(),
        )
        rows: list[list[Cell]] = [
            [
                Words(self.names.state(name), self._list(name)),
                Number(len(by_state[name])),
                Seconds(self.age(by_state[name][len(by_state[name]) // 2])),
                Seconds(self.age(by_state[name][0])),
            ]
            for name in states
        ]
        columns = [
            ("state", say(mark("State"))),
            ("n", say(mark("Requests"))),
            ("median_s", say(mark("Median age"))),
            ("oldest_s", say(mark("Oldest"))),
        ]
        tables = [Table("ageing", say(mark("What is in hand, by state")), columns, rows)]
        if self.seen:
            tables.append(self._oldest())
        said = say(
            mark(
                "What is in hand now, whenever it was asked for; the upright lines say by when"
                " so many of those that ended were done."
            )
        )
        return Section(
            "ageing",
            say(mark("Age of what is in hand")),
            [said] if told.in_hand else [],
            drawn("ageing", lambda width: ageing(chart, width)),
            tables,
        )

    def _oldest(self) -> Table:
        say = self.say
        rows: list[list[Cell]] = [
            [RequestNumber(one.request), Words(self.names.state(one.state)), Seconds(self.age(one))]
            for one in self.told.in_hand[:OLDEST]
            if one.request in self.seen
        ]
        columns = [
            ("request", say(mark("Request"))),
            ("state", say(mark("State"))),
            ("age_s", say(mark("Age"))),
        ]
        return Table("oldest", say(mark("The oldest requests in hand")), columns, rows)

    def _list(self, state: str) -> str:
        """The address of the list of those in a state; "" where there is none of the same."""
        if self.listed_unit is None:
            return ""
        key, variant = self.told.scope.key or "", self.told.scope.variant or ""
        return Looked(key=key, variant=variant, state=state, unit=self.listed_unit, open="yes").address()

    def _who(self, one: InHand) -> str:
        age = self.wording.time(self.age(one))
        return f"{one.request}: {age}" if one.request in self.seen else age
