"""Two of the three panels: what hands took of a request, and how long it took from milestone to milestone.

They are never mixed: a request that waits for a week may be ten minutes' work. The third is
throughput.capacity. Requests in which a program did people's part tell nothing of people, and are left out.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from throughput.estimates import Figure, mean, part, quantile
from throughput.figures import Flags
from throughput.flows import MILESTONES, Flow
from throughput.spans import Wait
from throughput.survival import Durations, Numbers


@dataclass(frozen=True)
class Counts:
    """How many requests: each that was started is closed, open or withdrawn."""

    started: int
    closed: int
    open: int
    withdrawn: int

    @classmethod
    def of(cls, closed: Flags, still_open: Flags) -> "Counts":
        """Count them; what is neither closed nor open ended another way."""
        started, done, going = len(closed), int(closed.sum()), int(still_open.sum())
        return cls(started, done, going, started - done - going)


@dataclass(frozen=True)
class Times:
    """How long: seconds, with what is open counted as open. `beyond`: how many lie beyond the second."""

    n: int
    median: Figure
    p90: Figure
    beyond: int

    @classmethod
    def of(cls, durations: Durations) -> "Times":
        """The median and the ninth decile."""
        p90 = quantile(durations, 0.9)
        beyond = 0 if p90.value is None else durations.beyond(p90.value)
        return cls(len(durations), quantile(durations, 0.5), p90, beyond)


@dataclass(frozen=True)
class StateHandling:
    """What hands took of each task of a state that is over, in seconds."""

    state: str
    touch_s: Times


@dataclass(frozen=True)
class Handling:
    """What people's hands took, in seconds: of each delivered request, and of each task by its state."""

    key: str
    variant: str
    counts: Counts
    by_program: int  # left out of what follows
    touch_s: Times
    touch_mean_s: Figure
    by_state: tuple[StateHandling, ...]


@dataclass(frozen=True)
class Lead:
    """From one milestone to a later one, in seconds by the wall clock.

    Of the counts, `withdrawn` are those that ended without reaching it.
    """

    begin: str
    end: str
    counts: Counts
    taken_s: Times


@dataclass(frozen=True)
class Leads:
    """The leads of a variant, and what part of the whole one hands took.

    `efficiency`: touch over lead of all requests together; `efficiency_median`: of the request in the middle.
    """

    key: str
    variant: str
    counts: Counts
    by_program: int  # left out of what follows
    leads: tuple[Lead, ...]
    efficiency: Figure
    efficiency_median: Figure

    def between(self, begin: str, end: str) -> Lead | None:
        """One of them; None where it is not told."""
        return next((one for one in self.leads if (one.begin, one.end) == (begin, end)), None)


def counts(group: Flow) -> Counts:
    """Of all requests: closed are those that were delivered, or ended otherwise than withdrawn."""
    return Counts.of(~group.open & ~(group.withdrawn & ~group.delivered), group.open)


def handling(group: Flow) -> Handling:
    """The panel of handling."""
    touch, weight = group.touch_s[group.timed], group.timed_weight
    return Handling(
        group.key,
        group.variant,
        counts(group),
        int(group.by_program.sum()),
        Times.of(Durations.of(touch, weight=weight)),
        mean(touch, weight),
        tuple(_by_state(group)),
    )


def _by_state(group: Flow) -> list[StateHandling]:
    tasks = group.tasks
    touch = tasks.spent_s[Wait.TOUCH]
    told = tasks.over & tasks.by_person & ~group.by_program[tasks.request] & (touch > 0)
    found = []
    for place, state in enumerate(tasks.states):
        values = touch[told & (tasks.state == place)]
        if len(values):
            found.append(StateHandling(state, Times.of(Durations.of(values))))
    return found


def leads(group: Flow) -> Leads:
    """The panel of leads, each pair of milestones that its requests pass."""
    people = ~group.by_program
    pairs = [_lead(group, people, *pair) for pair in combinations(MILESTONES, 2)]
    begun, end = (group.milestones_us[name][group.timed] for name in ("requested", "delivered"))
    taken = (end - begun) / 1e6
    touch, told = group.touch_s[group.timed], taken > 0  # none of these where nothing was requested
    touch, taken, weight = touch[told], taken[told], group.timed_weight[told]
    return Leads(
        group.key,
        group.variant,
        counts(group),
        int(group.by_program.sum()),
        tuple(one for one in pairs if one is not None),
        part(touch, taken, weight),
        quantile(Durations.of(touch / taken, weight=weight)),
    )


def _lead(group: Flow, people: Flags, begin: str, end: str) -> Lead | None:
    """None where none has begun, or where requests are delivered without ever passing the milestone."""
    asked = people & ~np.isnan(group.milestones_us[begin])
    reached = asked & ~np.isnan(group.milestones_us[end])
    if not asked.any() or (not reached.any() and (asked & group.delivered).any()):
        return None
    durations = between(group, begin, end, among=asked)
    return Lead(
        begin, end, Counts.of(reached[asked], group.open[asked] & ~reached[asked]), Times.of(durations)
    )


def between(group: Flow, begin: str, end: str, *, among: Flags) -> Durations:
    """Seconds from one milestone to another; until it left otherwise, or until now, where it did neither."""
    start, reached = group.milestones_us[begin][among], group.milestones_us[end][among]
    over = ~np.isnan(reached)
    until: Numbers = np.where(over, reached, np.nan_to_num(group.left_us[among], nan=group.now_us))
    # On paper a day counts to its end, so a milestone can lie behind the next one: no time, then.
    return Durations.of(np.clip(until - start, 0, None) / 1e6, over)
