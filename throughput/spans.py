"""From a request's events to its spans: queue, desk, touch, suspended, system.

People's time is read from events; machine work carries its own durations, taken from a monotonic clock
when it ran. The two are never added up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from throughput.errors import LogOutOfOrder
from throughput.working import WorkClock
from workflow.definition_model import DELIVERED

_MICROSECOND = timedelta(microseconds=1)
ClockOf = Callable[[str], WorkClock | None]
"""The working clock of the definition with this digest; None where working time is not known."""


class Wait(StrEnum):
    """What a piece of a person's task was."""

    QUEUE = "queue"  # offered → claimed
    DESK = "desk"  # claimed → started
    TOUCH = "touch"  # started → finished, less suspended
    SUSPENDED = "suspended"  # waiting for an outsider


@dataclass(frozen=True)
class Span:
    """What a task spent in one kind by the wall clock; `working_s` of it in the office's hours, if known."""

    state: str
    kind: Wait
    seconds: float
    channel: str  # "person", or "program" when the step was executed by a program
    working_s: float | None = None


class Stretch(NamedTuple):
    """One piece of a task without a break; `worked_us` of it in the office's hours, if known."""

    kind: Wait
    begun: datetime
    ended: datetime
    worked_us: int | None


@dataclass
class TaskTime:
    """A task while its events are read: every moment of it belongs to one kind.

    A task that is released waits in the queue again; what was done on it before was done.
    """

    number: int
    state: str
    offered_at: datetime
    since: datetime
    kind: Wait = Wait.QUEUE
    suspended: bool = False
    spent_us: dict[Wait, int] = field(default_factory=dict)
    working_us: dict[Wait, int | None] = field(default_factory=dict)
    ended_at: datetime | None = None
    channel: str = "person"
    trigger: str | None = None
    returned: bool = False

    def turn(
        self,
        at: datetime,
        clock: WorkClock | None,
        *,
        kind: Wait | None = None,
        suspended: bool | None = None,
    ) -> Stretch:
        """End the stretch that was running; another begins."""
        was = Wait.SUSPENDED if self.suspended else self.kind
        self.spent_us[was] = self.spent_us.get(was, 0) + (at - self.since) // _MICROSECOND
        worked, before = clock.between_us(self.since, at) if clock else None, self.working_us.get(was, 0)
        stretch = Stretch(was, self.since, at, worked)
        self.working_us[was] = None if worked is None or before is None else before + worked
        self.since = at
        self.kind = kind or self.kind
        self.suspended = self.suspended if suspended is None else suspended
        return stretch

    def spans(self) -> Iterator[Span]:
        """What it spent so far, in all by kind; a kind that it was never in has none."""
        for kind in Wait:
            if kind in self.spent_us:
                worked = self.working_us.get(kind)
                yield Span(
                    self.state,
                    kind,
                    self.spent_us[kind] / 1e6,
                    self.channel,
                    None if worked is None else worked / 1e6,
                )


@dataclass
class Case:
    """What the log says of one request."""

    request: int
    key: str
    variant: str
    opened_at: datetime
    definition: str = ""
    unit: str | None = None
    milestones: dict[str, datetime] = field(default_factory=dict)  # first occurrence
    tasks: list[TaskTime] = field(default_factory=list)  # of people; the last may be open
    system_us: dict[str, list[int]] = field(default_factory=dict)  # step → monotonic durations, µs
    provider_us: dict[str, list[int]] = field(default_factory=dict)  # as above: waits for a provider
    providers: set[str] = field(default_factory=set)
    documents_signed: int = 0
    returns: int = 0
    outcome: str | None = None
    ended_at: datetime | None = None
    channels: set[str] = field(
        default_factory=set
    )  # who moved it until it was delivered: "person", "program"

    @property
    def spans(self) -> list[Span]:
        """Of the tasks that are over, one after the other."""
        return [span for task in self.tasks if task.ended_at is not None for span in task.spans()]

    @property
    def open_task(self) -> TaskTime | None:
        """What waits for a person, or is with one."""
        return self.tasks[-1] if self.tasks and self.tasks[-1].ended_at is None else None

    def lead_s(self, start: str, end: str) -> float | None:
        """Seconds between two milestones; None while one of them is not reached."""
        if start not in self.milestones or end not in self.milestones:
            return None
        return (self.milestones[end] - self.milestones[start]).total_seconds()


def case_so_far(records: Iterable[Mapping[str, Any]], *, now: datetime) -> Case | None:
    """What the log says of one request until now: a task that is open counts up to this moment.

    None without events. Raises LogOutOfOrder.
    """
    cases = cases_of(records)
    if not cases:
        return None
    if (task := cases[0].open_task) is not None:
        task.turn(now, None)
        task.ended_at = now
    return cases[0]


def cases_of(records: Iterable[Mapping[str, Any]], clock_of: ClockOf = lambda _: None) -> list[Case]:
    """Read event records (parsed, in sequence) into one `Case` per request.

    Raises LogOutOfOrder when a sequence number does not rise.
    """
    cases: dict[int, Case] = {}
    last = 0
    for record in records:
        last = _later(record, last)
        request = record.get("request")
        if request is None:
            continue
        if request not in cases:
            cases[request] = begun(record)
        read(cases[request], record, clock_of)
    return list(cases.values())


def begun(record: Mapping[str, Any]) -> Case:
    """The case that a request's first event begins; the event itself is yet to be `read`."""
    return Case(
        record["request"],
        record["key"],
        record["variant"],
        datetime.fromisoformat(record["at"]),
        record.get("definition", ""),
        record.get("unit"),
    )


def read(case: Case, record: Mapping[str, Any], clock_of: ClockOf) -> Stretch | None:
    """Take in the case's next event. Gives the stretch of a task that it ended, if there was one."""
    at = datetime.fromisoformat(record["at"])
    durations_us = record.get("durations_us") or {}
    for step, microseconds in durations_us.items():
        case.system_us.setdefault(step, []).append(microseconds)
    of_people = not durations_us or ("channel" in record and record["channel"] != "system")
    if of_people and DELIVERED not in case.milestones:
        case.channels.add(record.get("channel", "person"))  # also of who brings a file, which is judged
    if record.get("mark"):
        case.milestones.setdefault(record["mark"], _happened(record, at))
    _count(case, record, at)
    return _move(case, record, at, clock_of(case.definition))


def _later(record: Mapping[str, Any], last: int) -> int:
    """The sequence of a record, which has to be later than the last one's. Raises LogOutOfOrder."""
    seq: int = record["seq"]
    if seq <= last:
        raise LogOutOfOrder(
            f"Event {seq} came after event {last}.", hint="Give the events by their sequence."
        )
    return seq


def _count(case: Case, record: Mapping[str, Any], at: datetime) -> None:
    match record["type"]:
        case "request_returned":
            case.returns += 1
        case "document_signed":
            case.documents_signed += 1
            if provider := record.get("provider"):
                case.providers.add(provider)
            for part, microseconds in record.get("provider_us", {}).items():
                case.provider_us.setdefault(part, []).append(microseconds)
        case "document_imported":  # of a file that was signed elsewhere: a signature a field
            case.documents_signed += len(record["fields"])
    if record.get("outcome"):
        case.outcome, case.ended_at = record["outcome"], at


def _move(case: Case, record: Mapping[str, Any], at: datetime, clock: WorkClock | None) -> Stretch | None:
    task = case.open_task
    moves = "to" in record and (record["to"] != record.get("from") or record.get("trigger"))
    stretch = None
    match record["type"]:
        case "task_claimed" if task:
            stretch = task.turn(at, clock, kind=Wait.DESK)
        case "task_released" if task:
            stretch = task.turn(at, clock, kind=Wait.QUEUE)
        case "task_started" if task:
            stretch = task.turn(at, clock, kind=Wait.TOUCH)
        case "request_suspended" if task:
            stretch = task.turn(at, clock, suspended=True)
        case "request_resumed" if task:
            stretch = task.turn(at, clock, suspended=False)
        case _ if moves and task:
            stretch = task.turn(at, clock)
            task.ended_at, task.channel = at, record.get("channel", "person")
            task.trigger, task.returned = record.get("trigger"), record["type"] == "request_returned"
    if moves and record.get("task"):  # the state entered waits for a person
        case.tasks.append(TaskTime(record["seq"], record["to"], at, at))
    return stretch


def _happened(record: Mapping[str, Any], at: datetime) -> datetime:
    """When a milestone was reached: on paper a person says on which day, and types it in later.

    A day counts to its end (UTC), so that paper is never made faster than it was, but not beyond the event.
    """
    day = record.get("posted_on") or record.get("signed_on")
    if day is None:
        return at
    return min(at, datetime.combine(date.fromisoformat(day), time.max, tzinfo=UTC))
