"""Whether something has changed, when the work comes, and what the machine does."""

from dataclasses import dataclass

from documents.words import mark
from throughput.charts.control import Control, control
from throughput.charts.load import Load, load
from throughput.measures import SYSTEM_STEPS
from throughput.overview_rows import MachineStep
from throughput.small_cells import FEWEST
from web.figures_parts import FEWEST_POINTS, Maker, Section, drawn
from web.figures_tables import Cell, Count, Day, Number, Seconds, Share, Table, Words

FEWEST_BY_HOUR = 50
_STEPS = {
    "render": mark("Making the document"),
    "export": mark("Making the PDF"),
    "prepare": mark("Preparing the signature"),
    "sign": mark("Signing"),
    "timestamp": mark("Having it timestamped"),
    "embed": mark("Putting the signature in"),
    "scan": mark("Reading the scan"),
    "seal": mark("Sealing"),
    "validate": mark("Checking the signature"),
    "store": mark("Storing"),
    "deliver": mark("Delivering"),
    "authorise": mark("Having it authorised"),
}
_ORDER = (*SYSTEM_STEPS[:3], "authorise", *SYSTEM_STEPS[3:])


def _place(one: MachineStep) -> tuple[int, str]:
    """In the order of the work: a provider's part of a step before our own."""
    return (_ORDER.index(one.step) if one.step in _ORDER else len(_ORDER), one.part)


@dataclass(frozen=True)
class SteadyParts(Maker):
    """What is looked at to see whether all is as ever."""

    def all(self) -> list[Section]:
        """In the order of the page."""
        if not self.counted:  # all of it is about how many there were, or when each was delivered
            return []
        return [self.control(), self.load(), *([self.machine()] if self.told.machine else [])]

    def control(self) -> Section:
        """Whether something has changed, or is only as unsteady as ever."""
        say = self.say
        passed = self.told.passed if len(self.told.passed) >= FEWEST_POINTS else []
        chart = Control(
            title=say(mark("Has something changed?")),
            desc=say(
                mark(
                    "The median lead of what was delivered in each week or month, with the limits"
                    " within which it moves by itself."
                )
            ),
            nothing=say(
                mark(
                    "This takes six weeks or months with five deliveries or more in each. Choose a"
                    " longer time, or wait for more."
                )
            ),
            wording=self.wording,
            days=[one.first for one in passed],
            seconds=[one.median_s for one in passed],
            value=say(mark("median lead")),
            ranges=say(mark("difference from the one before")),
            mean=say(mark("mean")),
            upper=say(mark("upper limit")),
            lower=say(mark("lower limit")),
            signals=(
                say(mark("beyond a limit")),
                say(mark("near a limit, three of four")),
                say(mark("eight on one side of the mean")),
            ),
            together=lambda count: say(mark("{count} share a mark")).format(count=count),
        )
        rows: list[list[Cell]] = [[Day(one.first), Count(one.n), Seconds(one.median_s)] for one in passed]
        columns = [
            ("from", say(mark("From"))),
            ("delivered", say(mark("Delivered"))),
            ("median_lead_s", say(mark("Median lead"))),
        ]
        table = Table("control", say(mark("Median lead of what was delivered")), columns, rows)
        said = say(
            mark(
                "Within the limits nothing has changed, however much it goes up and down; what"
                " is marked is worth a question. By Wheeler's rules."
            )
        )
        return Section(
            "control",
            say(mark("Has something changed?")),
            [said] if passed else [],
            drawn("control", lambda width: control(chart, width)),
            [table],
        )

    def load(self) -> Section:
        """When in the week requests come."""
        say, counts = self.say, self.told.load
        total = sum(map(sum, counts))
        shares = (
            [[100 * n / total for n in day] for day in counts]
            if total >= FEWEST_BY_HOUR
            else [[0.0] * 24] * 7
        )
        chart = Load(
            title=say(mark("When requests come")),
            desc=say(mark("Of a hundred requests, how many come in each hour of the week.")),
            nothing=say(mark("This takes fifty requests or more. Choose a longer time, or wait for more.")),
            wording=self.wording,
            counts=shares,
            total=say(mark("in all")),
        )
        rows: list[list[Cell]] = [
            [Words(name), *(Share(value / 100) for value in day)]
            for name, day in zip(self.wording.weekdays, shares, strict=True)
        ]
        columns = [("weekday", say(mark("Day"))), *((f"h{hour:02}", str(hour)) for hour in range(24))]
        table = Table(
            "load",
            say(mark("Share of requests by hour of the week")),
            columns,
            rows if any(map(any, shares)) else [],
        )
        said = say(mark("Of a hundred requests, so many come in each hour of the week."))
        return Section(
            "load",
            say(mark("When requests come")),
            [said] if total >= FEWEST_BY_HOUR else [],
            drawn("load", lambda width: load(chart, width)),
            [table],
        )

    def machine(self) -> Section:
        """The machine's milliseconds, apart from people's minutes."""
        say = self.say
        rows: list[list[Cell]] = [
            [Words(self._step(one)), Count(one.n), Number(one.median_ms if one.n >= FEWEST else None, 2)]
            for one in sorted(self.told.machine, key=_place)
        ]
        columns = [
            ("step", say(mark("Step"))),
            ("n", say(mark("Times"))),
            ("median_ms", say(mark("Median, milliseconds"))),
        ]
        said = say(
            mark(
                "The machine's own time, by a clock that only runs forward ({origin}). It is never"
                " added to people's time. Of all units together; medians are within 1%."
            )
        ).format(origin=self.origin)
        return Section(
            "machine",
            say(mark("The machine")),
            [said],
            None,
            [Table("machine", say(mark("Steps of the machine")), columns, rows)],
        )

    def _step(self, one: MachineStep) -> str:
        name = self.say(_STEPS.get(one.step, one.step))
        return name if one.part == "system" else self.say(mark("{step} (at the provider)")).format(step=name)
