"""Where requests wait: the state that holds them longest, and how sure that is.

Waiting is queue, desk and suspended. What is open counts with what it has waited so far: where requests are
stuck is where they are not over.
"""

from dataclasses import dataclass

import numpy as np

from throughput.estimates import Figure, part
from throughput.figures import Flags
from throughput.flows import WEEK_US, Flow, Tasks, summed
from throughput.survival import Numbers

DRAWS = 2000
_FEW = 300  # requests that are drawn themselves
SEED = 1
SURE = 0.95
_AGEING = 0.85  # a task is old when so many of those that are over took less


@dataclass(frozen=True)
class StateWait:
    """One state: `of_lead`, the share that waiting there is of all requests' time, until its end or now.

    `first`: how often it was the state with the most waiting when requests were drawn again. `open` tasks
    wait now; `old` of them for longer than 85 % of those took that are over. `inflow`: tasks that came over
    tasks that went in the last four weeks: above 1 the queue grows; None where none went.
    """

    state: str
    tasks: int
    of_lead: Figure
    first: float
    open: int
    old: int
    inflow: float | None


@dataclass(frozen=True)
class Bottleneck:
    """The states of a variant, the most waiting first; none where no person had a task."""

    key: str
    variant: str
    n: int
    states: tuple[StateWait, ...]

    @property
    def state(self) -> str | None:
        """Where they wait longest in all; None where they don't wait."""
        return self.states[0].state if self.states and self.states[0].of_lead.value else None

    @property
    def sure(self) -> bool:
        """Whether chance is no likely reason for it."""
        return self.state is not None and self.states[0].first >= SURE

    @property
    def ageing(self) -> str | None:
        """Where most tasks are old now; None where none is."""
        oldest = max(self.states, key=lambda one: one.old, default=None)
        return oldest.state if oldest is not None and oldest.old else None

    @property
    def growing(self) -> tuple[str, ...]:
        """The states to which clearly more comes than goes."""
        return tuple(one.state for one in self.states if one.inflow is not None and one.inflow > 1.2)


def bottleneck(group: Flow) -> Bottleneck:
    """Look for it among people's states; requests of programs are left out."""
    people = ~group.by_program
    waited = waiting(group)[people]
    lead = (np.nan_to_num(group.left_us, nan=group.now_us) - group.opened_us)[people] / 1e6
    lead = np.clip(lead, 0, None)
    first = _first(waited)
    states = [
        _state(group, place, part(waited[:, place], lead), float(first[place]))
        for place in range(len(group.tasks.states))
    ]
    ordered = sorted(states, key=lambda one: (-(one.of_lead.value or 0), one.state))
    return Bottleneck(group.key, group.variant, int(people.sum()), tuple(ordered))


def waiting(group: Flow) -> Numbers:
    """Seconds that each request waited in each state: (requests, states)."""
    tasks, width = group.tasks, len(group.tasks.states)
    place = tasks.request * width + tasks.state
    return summed(tasks.waited_s, place, len(group) * width).reshape(len(group), width)


def _first(waited: Numbers) -> Numbers:
    """How often each state has the largest sum, by the bootstrap over requests.

    Sums over requests drawn again are normal but for little from some hundreds of requests on (the central
    limit theorem), with the covariance of the sums; few requests are drawn themselves.
    """
    n, width = waited.shape
    if not n or not width:
        return np.zeros(width)
    rng = np.random.default_rng(SEED)
    if n <= _FEW:
        sums = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS) @ waited
    else:
        spread = n * np.atleast_2d(np.cov(waited, rowvar=False, ddof=0))
        sums = rng.multivariate_normal(waited.sum(axis=0), spread, size=DRAWS, method="eigh")
    return np.bincount(sums.argmax(axis=1), minlength=width) / DRAWS


def _state(group: Flow, place: int, of_lead: Figure, first: float) -> StateWait:
    tasks = group.tasks
    here = (tasks.state == place) & ~group.by_program[tasks.request]
    still_open = here & ~tasks.over & group.open[tasks.request]
    return StateWait(
        state=tasks.states[place],
        tasks=int(here.sum()),
        of_lead=of_lead,
        first=first,
        open=int(still_open.sum()),
        old=_old(tasks, here & tasks.over, still_open, group.now_us),
        inflow=_inflow(tasks, here, group.now_us),
    )


def _old(tasks: Tasks, done: Flags, still_open: Flags, now_us: float) -> int:
    if not done.any():
        return 0
    usual = float(np.quantile(tasks.ended_us[done] - tasks.offered_us[done], _AGEING))
    return int((now_us - tasks.offered_us[still_open] > usual).sum())


def _inflow(tasks: Tasks, here: Flags, now_us: float) -> float | None:
    since = now_us - 4 * WEEK_US
    came = int((tasks.offered_us[here] >= since).sum())
    went = int((tasks.ended_us[here] >= since).sum())
    return came / went if went else None
