"""What an overview tells of: groups of requests, what is in hand, how it flowed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property

from throughput.kept_days import SumGroup
from throughput.lengths import bucket, durations_of
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
    returned: int = 0  # of those delivered, at least once
    by_program: int = 0
    still_open: list[float] = field(default_factory=list)  # seconds so far, of people's requests alone
    open: int = 0
    lead_ended: Counter[int] = field(default_factory=Counter)
    lead_left: Counter[int] = field(default_factory=Counter)
    handled: Counter[int] = field(default_factory=Counter)

    @cached_property
    def lead(self) -> Durations:
        """From requested to delivered, in seconds; what was not delivered counts as it is."""
        return durations_of(self.lead_ended, self.lead_left, self.still_open)

    @cached_property
    def touch(self) -> Durations:
        """People's hands on each delivered request, in seconds."""
        return durations_of(self.handled, {})

    def take_open(self, one: InHand, now: datetime) -> None:
        """Count one that has not ended; where it was delivered, its times are in the sums."""
        if one.delivered_at is not None:
            self.running += 1
            self.returned += one.returns > 0
            return
        self.open += 1
        if not one.by_program and one.requested_at is not None:
            self.still_open.append((now - one.requested_at).total_seconds())

    def add(self, other: "Compared") -> None:
        """Take in those of another group."""
        self.ended.update(other.ended)
        self.lead_ended.update(other.lead_ended)
        self.lead_left.update(other.lead_left)
        self.handled.update(other.handled)
        self.came += other.came
        self.running += other.running
        self.returned += other.returned
        self.by_program += other.by_program
        self.open += other.open
        self.still_open += other.still_open

    @property
    def delivered(self) -> int:
        """How many came to their end as asked, or run since they were delivered."""
        return self.ended["done"] + self.running

    @property
    def enough(self) -> bool:
        """Whether there are so many that their figures tell of nobody."""
        return self.came >= FEWEST and self.lead.ended >= FEWEST


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
