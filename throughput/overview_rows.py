"""What an overview tells of: groups of requests, what is in hand, how it flowed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from throughput.kept_days import SumGroup, Way
from throughput.lengths import bucket, durations_of, seconds_of, seconds_of_wide
from throughput.seen import weights
from throughput.small_cells import FEWEST
from throughput.spans import Wait
from throughput.survival import Durations

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class InHand:
    """A request that has not ended; a plan may have been delivered, and run."""

    request: int
    group: SumGroup
    state: str
    opened_at: datetime
    requested_at: datetime | None
    approved_at: datetime | None
    signed_at: datetime | None
    delivered_at: datetime | None
    returns: int
    by_program: bool


@dataclass
class Ways:
    """How long requests took from one milestone to another; `left`: until they left without reaching it."""

    ended: Counter[int] = field(default_factory=Counter)
    left: Counter[int] = field(default_factory=Counter)
    still_open: list[float] = field(default_factory=list)

    def take_open(self, one: InHand, way: tuple[str, str], now: datetime) -> None:
        """Take in one that is neither delivered nor ended, if it has passed the first of the two."""
        begun, reached = (getattr(one, f"{name}_at") for name in way)
        if begun is None:
            return
        if reached is None:
            self.still_open.append(max(0.0, (now - begun).total_seconds()))
        else:
            self.ended[bucket(max(0, (reached - begun) // _MICROSECOND))] += 1

    @property
    def durations(self) -> Durations:
        """In seconds."""
        return durations_of(self.ended, self.left, self.still_open)


@dataclass
class Compared:
    """Requests that are told of together, opened in the period: those of a variant, a month, a unit, …"""

    label: str
    came: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    running: int = 0  # delivered, and not ended
    done: Counter[Way] = field(default_factory=Counter)  # those delivered
    left: Counter[int] = field(default_factory=Counter)  # delivered or ended, by the wide class of the way
    by_program: Counter[int] = field(default_factory=Counter)  # of these
    still_open: list[float] = field(default_factory=list)  # seconds so far, of people's requests alone
    opened_for: list[float] = field(default_factory=list)  # seconds since those in hand were opened
    of_people: list[float] = field(default_factory=list)  # of these
    lead_ended: Counter[int] = field(default_factory=Counter)
    lead_left: Counter[int] = field(default_factory=Counter)
    handled: Counter[tuple[int, int]] = field(default_factory=Counter)  # by the way's wide class, too

    @property
    def open(self) -> int:
        """How many are in hand."""
        return len(self.opened_for)

    @property
    def returned(self) -> int:
        """How many of those delivered went back at least once."""
        return sum(n for way, n in self.done.items() if way.returned)

    @cached_property
    def lead(self) -> Durations:
        """From requested to delivered, in seconds; what was not delivered counts as it is."""
        return durations_of(self.lead_ended, self.lead_left, self.still_open)

    @cached_property
    def touch(self) -> Durations:
        """People's hands on each delivered request, in seconds, as each counts (throughput.seen)."""
        weight = _weights(self.left - self.by_program, self.of_people)
        counts = list(self.handled.values())
        taken = seconds_of([length for _, length in self.handled])
        counting = [weight.get(way, 1.0) for way, _ in self.handled]
        return Durations.of(np.repeat(taken, counts), weight=np.repeat(counting, counts))

    @property
    def right_first_time(self) -> float | None:
        """The share of those delivered that never went back, as each counts; None of none."""
        weight = _weights(self.left, self.opened_for)
        whole = sum(n * weight[way.length] for way, n in self.done.items())
        right = sum(n * weight[way.length] for way, n in self.done.items() if not way.returned)
        return right / whole if whole else None

    def take_open(self, one: InHand, now: datetime) -> None:
        """Count one that has not ended; where it was delivered, its times are in the sums."""
        if one.delivered_at is not None:
            self.running += 1
            self._leaves(Way.of(one.opened_at, one.delivered_at, one.returns), 1, delivered=True)
            return
        self.opened_for.append(max(0.0, (now - one.opened_at).total_seconds()))
        if one.by_program:
            return
        self.of_people.append(self.opened_for[-1])
        if one.requested_at is not None:
            self.still_open.append((now - one.requested_at).total_seconds())

    def take_left(self, outcome: str, way: Way, n: int) -> None:
        """Count so many that ended."""
        self.ended[outcome] += n
        self._leaves(way, n, delivered=outcome == "done")

    def _leaves(self, way: Way, n: int, *, delivered: bool) -> None:
        self.left[way.length] += n
        if delivered:
            self.done[way] += n

    def add(self, other: "Compared") -> None:
        """Take in those of another group."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, Counter):
                mine.update(theirs)
            elif one.name != "label":
                setattr(self, one.name, mine + theirs)

    @property
    def delivered(self) -> int:
        """How many came to their end as asked, or run since they were delivered."""
        return self.ended["done"] + self.running

    @property
    def enough(self) -> bool:
        """Whether there are so many that their figures tell of nobody."""
        return self.came >= FEWEST and self.lead.ended >= FEWEST


def _weights(left: Mapping[int, int], still_open: Sequence[float]) -> dict[int, float]:
    """What those that left weigh, by the wide class of their way."""
    lengths = np.concatenate([seconds_of_wide(list(left)), still_open])
    gone = np.arange(len(lengths)) < len(left)
    found = weights(lengths, gone, [*left.values(), *[1] * len(still_open)])
    return dict(zip(left, found.tolist(), strict=False))


@dataclass(frozen=True)
class Flowed:
    """How many requests were in each state at the end of each day, and how many had ended since the first."""

    days: Sequence[date]
    states: Mapping[str, Sequence[int]]
    ended: Sequence[int]


@dataclass(frozen=True)
class Spent:
    """Mean seconds of a person's task in a state, by kind, of `n` tasks."""

    state: str
    n: int
    seconds: Mapping[Wait, float]


@dataclass(frozen=True)
class Passed:
    """The requests that were delivered in a period of days: how many, and the median of their leads."""

    first: date
    n: int
    median_s: float


@dataclass(frozen=True)
class MachineStep:
    """A step of the machine, or a wait for a provider: how often, and its median in milliseconds."""

    part: str
    step: str
    n: int
    median_ms: float
