"""Requests side by side as columns: what all figures of one way of signing are reckoned from.

Moments are microseconds since 1970 (UTC), NaN where there is none; lengths are seconds by the wall clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from throughput.spans import Case, TaskTime, Wait
from throughput.survival import Numbers

MILESTONES = ("requested", "approved", "signed", "delivered")
DAY_US = 86_400e6
WEEK_US = 7 * DAY_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


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
class Group:
    """The requests of one variant of a process, as they stand at `now_us`."""

    key: str
    variant: str
    now_us: float
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


def summed(values: Numbers, place: Places, size: int) -> Numbers:
    """The sum of the values of each place from 0 to below `size`."""
    return np.bincount(place, values, minlength=size).astype(np.float64)


def groups_of(cases: Iterable[Case], *, now: datetime) -> list[Group]:
    """The cases by process and variant, sorted; open tasks count up to `now`."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.key, case.variant), []).append(case)
    return [_group(key, variant, held, now) for (key, variant), held in sorted(found.items())]


def _group(key: str, variant: str, cases: list[Case], now: datetime) -> Group:
    return Group(
        key=key,
        variant=variant,
        now_us=_us(now),
        opened_us=np.array([_us(case.opened_at) for case in cases]),
        milestones_us={
            name: np.array([_us(case.milestones.get(name)) for case in cases]) for name in MILESTONES
        },
        ended_us=np.array([_us(case.ended_at) for case in cases]),
        withdrawn=np.array([case.outcome == "withdrawn" for case in cases]),
        by_program=np.array(["program" in case.channels for case in cases]),
        returns=np.array([case.returns for case in cases]),
        signatures=np.array([case.documents_signed for case in cases]),
        tasks=_tasks([(place, task) for place, case in enumerate(cases) for task in case.tasks], now),
    )


def _tasks(held: list[tuple[int, TaskTime]], now: datetime) -> Tasks:
    states = tuple(sorted({task.state for _, task in held}))
    number = {name: place for place, name in enumerate(states)}
    return Tasks(
        request=np.array([place for place, _ in held], np.int64),
        states=states,
        state=np.array([number[task.state] for _, task in held], np.int64),
        offered_us=np.array([_us(task.offered_at) for _, task in held], np.float64),
        ended_us=np.array([_us(task.ended_at) for _, task in held], np.float64),
        spent_s={kind: np.array([_spent(task, kind, now) for _, task in held], np.float64) for kind in Wait},
        by_person=np.array([task.channel == "person" for _, task in held], np.bool_),
        returned=np.array([task.returned for _, task in held], np.bool_),
    )


def _spent(task: TaskTime, kind: Wait, now: datetime) -> float:
    running = Wait.SUSPENDED if task.suspended else task.kind
    more = (now - task.since).total_seconds() if task.ended_at is None and kind is running else 0.0
    return task.spent_us.get(kind, 0) / 1e6 + max(0.0, more)


def _us(at: datetime | None) -> float:
    return float("nan") if at is None else float((at - _EPOCH) // timedelta(microseconds=1))
