"""Requests side by side as columns: what all figures of one way of signing are reckoned from.

Moments are microseconds since 1970 (UTC), NaN where there is none; lengths are seconds by the wall clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from throughput.figures import Cases, Flags, Numbers, microseconds, until_delivered
from throughput.figures import Tasks as ReadTasks
from throughput.grouped import By, Group, grouped
from throughput.seen import of_requests
from throughput.spans import Wait

MILESTONES = ("requested", "approved", "signed", "delivered")
DAY_US = 86_400e6
WEEK_US = 7 * DAY_US
Places = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Tasks:
    """People's tasks of a group, those of a request together and in the order in which they were offered."""

    request: Places  # which request of the group, from 0
    states: tuple[str, ...]
    state: Places  # which of `states`
    offered_us: Numbers
    ended_us: Numbers  # NaN while it is open
    spent_s: dict[Wait, Numbers]  # an open one: so far
    by_person: Flags  # it was ended by a person, and not by a program
    returned: Flags  # it ended with a return

    @property
    def over(self) -> Flags:
        """Which have ended."""
        return ~np.isnan(self.ended_us)

    @property
    def waited_s(self) -> Numbers:
        """What nobody worked on it: in the queue, on the desk, and until an outsider answered."""
        return self.spent_s[Wait.QUEUE] + self.spent_s[Wait.DESK] + self.spent_s[Wait.SUSPENDED]


@dataclass(frozen=True)
class Flow:
    """The requests of one group of a process, such as a variant, as they stand at `now_us`."""

    key: str
    variant: str  # or the definition's digest, its first digits
    now_us: float
    weeks: float  # in which requests were opened that are in it
    until_us: float  # until when they were
    opened_us: Numbers
    milestones_us: dict[str, Numbers]  # the first time that each was reached
    ended_us: Numbers
    withdrawn: Flags
    by_program: Flags  # a program had a part in what people do
    returns: Places
    signatures: Places
    tasks: Tasks

    def __len__(self) -> int:
        """How many requests."""
        return len(self.opened_us)

    @property
    def delivered(self) -> Flags:
        """Which came to their end as asked."""
        return ~np.isnan(self.milestones_us["delivered"])

    @property
    def open(self) -> Flags:
        """Which go on: neither delivered nor ended otherwise."""
        return ~self.delivered & np.isnan(self.ended_us)

    @property
    def left_us(self) -> Numbers:
        """When each was delivered, or ended otherwise; NaN while it goes on."""
        return np.where(self.delivered, self.milestones_us["delivered"], self.ended_us)

    @cached_property
    def touch_s(self) -> Numbers:
        """What hands took of each request so far."""
        return summed(self.tasks.spent_s[Wait.TOUCH], self.tasks.request, len(self))

    @property
    def timed(self) -> Flags:
        """Which tell of people's handling: delivered, touched, and no program had a part."""
        return self.delivered & ~self.by_program & (self.touch_s > 0)

    @cached_property
    def weight(self) -> Numbers:
        """What each counts for among all that are told of once they are delivered."""
        return of_requests(self.opened_us, self.left_us, self.now_us)

    @cached_property
    def timed_weight(self) -> Numbers:
        """What each of those counts for that tell of people's handling: among people's requests."""
        people = ~self.by_program
        found = of_requests(self.opened_us[people], self.left_us[people], self.now_us)
        return found[self.timed[people]]


def summed(values: Numbers, place: Places, size: int) -> Numbers:
    """The sum of the values of each place from 0 to below `size`."""
    return np.bincount(place, values, minlength=size).astype(np.float64)


def flows_of(
    cases: Cases,
    tasks: ReadTasks,
    *,
    now: datetime,
    before: datetime | None = None,
    by: By = "variant",
    weeks: Mapping[str, float] | None = None,
) -> list[Flow]:
    """What was read, by process and variant or definition, sorted; open tasks count up to `now`.

    Of a request that was delivered, what led to that. `before`: requests opened from then on were not
    asked for. `weeks`: in which those of each process came; without, since the first of all.
    """
    cases, tasks = until_delivered(cases, tasks)
    ordered = replace(tasks, spent=tasks.so_far(now))[np.lexsort((tasks.offered, tasks.case))]
    now_us = float(microseconds(now))
    until_us = now_us if before is None else min(now_us, float(microseconds(before)))
    groups = grouped(cases, by)
    which = np.zeros(len(cases), np.int32)
    for number, group in enumerate(groups):
        which[group.places] = number
    of_tasks = which[ordered.case]
    since_first = (until_us - float(cases.opened.min())) / WEEK_US if len(cases) else 0.0
    return [
        replace(
            _flow(cases, group, ordered[of_tasks == number], now_us, until_us),
            weeks=since_first if weeks is None else weeks.get(group.key, 0.0),
        )
        for number, group in enumerate(groups)
    ]


def _flow(cases: Cases, group: Group, tasks: ReadTasks, now_us: float, until_us: float) -> Flow:
    held = group.places
    return Flow(
        key=group.key,
        variant=group.name,
        now_us=now_us,
        weeks=0.0,
        until_us=until_us,
        opened_us=cases.opened[held],
        milestones_us={name: getattr(cases, name)[held] for name in MILESTONES},
        ended_us=cases.ended[held],
        withdrawn=cases.outcome.are("withdrawn")[held],
        by_program=cases.by_program[held],
        returns=cases.returns[held],
        signatures=cases.signatures[held],
        tasks=_tasks(tasks, held),
    )


def _tasks(tasks: ReadTasks, held: Places) -> Tasks:
    codes, state = np.unique(tasks.state.codes, return_inverse=True)
    return Tasks(
        request=np.searchsorted(held, tasks.case),
        states=tuple(tasks.state.names[code] or "" for code in codes),
        state=state,
        offered_us=tasks.offered,
        ended_us=tasks.ended,
        spent_s=dict(tasks.spent),
        by_person=tasks.person,
        returned=tasks.returned,
    )
