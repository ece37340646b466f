"""What all parts of the page of figures are made with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from throughput.charts.ageing import Done
from throughput.charts.model import Drawing
from throughput.charts.svg import both_widths
from throughput.charts.wording import Wording
from throughput.discreet import quantile
from throughput.overview_rows import InHand
from throughput.reporting.words import ReportWords
from throughput.told import Told
from web.figures_tables import Table, without_counts

Translate = Callable[[str], str]
Draw = Callable[[float], Drawing]
MARKS = (0.5, 0.85, 0.95)
FEWEST_POINTS = 6


@dataclass(frozen=True)
class Section:
    """A part of the page: `said` are its sentences."""

    name: str
    title: str
    said: Sequence[str]
    chart: Markup | None
    tables: Sequence[Table]


@dataclass(frozen=True)
class Names:
    """What is called how, for who reads the page."""

    state: Callable[[str], str]
    group: Callable[[str], str]
    states: Sequence[str]  # where requests are in hand, in the order of the process


def drawn(name: str, draw: Draw) -> Markup:
    """A chart in both widths; what charts draw is escaped there."""
    return Markup(both_widths(draw, name))  # noqa: S704 (texts are escaped by throughput.charts.svg)


@dataclass(frozen=True)
class Maker:
    """Makes parts of the page for who reads it: `counted`, if they may know how many requests there were."""

    told: Told
    names: Names
    wording: Wording
    say: Translate
    counted: bool
    words: ReportWords

    @property
    def origin(self) -> str:
        """What the figures are: measured, or simulated, where the past was invented."""
        return self.words.origin(self.words.figures)

    def shown(self, *sections: Section) -> list[Section]:
        """As who reads the page may see them."""
        if self.counted:
            return list(sections)
        return [replace(one, tables=[without_counts(table) for table in one.tables]) for one in sections]

    def ordered(self, states: Iterable[str]) -> list[str]:
        """In the order of the process; those that it does not have (any more) last."""
        places = {name: n for n, name in enumerate(self.names.states)}
        return sorted(states, key=lambda name: (places.get(name, len(places)), name))

    def age(self, one: InHand) -> float:
        """For how many seconds somebody has waited for it."""
        return max(0.0, (self.told.made_at - (one.requested_at or one.opened_at)).total_seconds())

    def marks(self) -> list[Done]:
        """By when so many were delivered."""
        lead = self.told.whole.lead
        found = [(share, quantile(lead, share)) for share in MARKS]
        return [Done(self.wording.percent(share, 0), at) for share, at in found if at is not None]
