"""How often requests go back, from where, and how much of the work is done for the second time."""

from dataclasses import dataclass

import numpy as np

from throughput.estimates import Figure, mean, part, share, weighed_share
from throughput.figures import Flags
from throughput.flows import Flow, Tasks, summed
from throughput.spans import Wait


@dataclass(frozen=True)
class StateReturns:
    """Of the tasks of a state that are over: the share that ended with a return."""

    state: str
    returned: int
    share: Figure


@dataclass(frozen=True)
class Rework:
    """Returns of one variant.

    `loops`: returns per delivered request; `first_time_right`: the share of delivered ones without any;
    `of_touch`: the share of what hands took of delivered requests that went into doing a step again, people's
    requests alone; `states`: those that return, the most often returning first.
    """

    key: str
    variant: str
    loops: Figure
    first_time_right: Figure
    of_touch: Figure
    states: tuple[StateReturns, ...]


def rework(group: Flow) -> Rework:
    """The figures of a group's returns."""
    returns, weight = group.returns[group.delivered], group.weight[group.delivered]
    tasks, timed = group.tasks, group.timed
    again = np.where(again_of(tasks), tasks.spent_s[Wait.TOUCH], 0.0)
    again_s = summed(again, tasks.request, len(group))
    return Rework(
        group.key,
        group.variant,
        mean(returns.astype(np.float64), weight),
        weighed_share(returns == 0, weight),
        part(again_s[timed], group.touch_s[timed], group.timed_weight),
        tuple(_states(tasks)),
    )


def again_of(tasks: Tasks) -> Flags:
    """Which tasks do a step again: after a return, in a state that it was in before or was returned to."""
    if not len(tasks.request):
        return np.zeros(0, np.bool_)
    first = np.searchsorted(tasks.request, tasks.request)  # the first task of the same request
    before = np.concatenate([[0], np.cumsum(tasks.returned)])
    after_return = before[:-1] > before[first]
    just_returned = np.concatenate([[False], tasks.returned[:-1]]) & (first < np.arange(len(first)))
    place = tasks.request * max(1, len(tasks.states)) + tasks.state
    new = np.zeros(len(place), np.bool_)
    new[np.unique(place, return_index=True)[1]] = True
    again: Flags = after_return & (~new | just_returned)
    return again


def _states(tasks: Tasks) -> list[StateReturns]:
    over = tasks.over
    ended = np.bincount(tasks.state[over], minlength=len(tasks.states))
    back = np.bincount(tasks.state[over & tasks.returned], minlength=len(tasks.states))
    found = [
        StateReturns(state, int(back[place]), share(int(back[place]), int(ended[place])))
        for place, state in enumerate(tasks.states)
        if back[place]
    ]
    return sorted(found, key=lambda one: (-(one.share.value or 0), one.state))
