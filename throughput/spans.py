"""From a request's events to its spans: queue, desk, touch, suspended, system.

People's time is read from events; machine work carries its own durations, taken from a monotonic clock
when it ran. The two are never added up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from throughput.errors import LogOutOfOrder


class Wait(StrEnum):
    """What a piece of a person's task was."""

    QUEUE = "queue"  # offered → claimed
    DESK = "desk"  # claimed → started
    TOUCH = "touch"  # started → finished, less suspended
    SUSPENDED = "suspended"  # waiting for an outsider


@dataclass(frozen=True)
class Span:
    """One stretch of a task in one state; `seconds` from events, so by the wall clock."""

    state: str
    kind: Wait
    seconds: float
    channel: str  # "person", or "program" when the step was executed by a program


@dataclass
class Case:
    """What the log says of one request."""

    request: int
    key: str
    variant: str
    opened_at: datetime
    milestones: dict[str, datetime] = field(default_factory=dict)  # first occurrence
    spans: list[Span] = field(default_factory=list)
    system_us: dict[str, list[int]] = field(default_factory=dict)  # step → monotonic durations, µs
    provider_us: dict[str, list[int]] = field(default_factory=dict)  # as above: waits for a provider
    providers: set[str] = field(default_factory=set)
    documents_signed: int = 0
    returns: int = 0
    outcome: str | None = None
    channels: set[str] = field(default_factory=set)  # who moved it: "person", "program"

    def lead_s(self, start: str, end: str) -> float | None:
        """Seconds between two milestones; None while one of them is not reached."""
        if start not in self.milestones or end not in self.milestones:
            return None
        return (self.milestones[end] - self.milestones[start]).total_seconds()


@dataclass
class _Task:
    """An open task, while its events are read: every moment of it belongs to one kind.

    A task that is released waits in the queue again; what was done on it before was done.
    """

    state: str
    since: datetime
    kind: Wait = Wait.QUEUE
    suspended: bool = False
    spent: dict[Wait, timedelta] = field(default_factory=dict)

    def turn(self, at: datetime, *, kind: Wait | None = None, suspended: bool | None = None) -> None:
        """End the stretch that was running; another begins."""
        was = Wait.SUSPENDED if self.suspended else self.kind
        self.spent[was] = self.spent.get(was, timedelta()) + (at - self.since)
        self.since = at
        self.kind = kind or self.kind
        self.suspended = self.suspended if suspended is None else suspended

    def spans(self, end: datetime, channel: str) -> Iterator[Span]:
        """The task's life until `end`, in all by kind; a kind that it was never in has none."""
        self.turn(end)
        for kind in Wait:
            if kind in self.spent:
                yield Span(self.state, kind, self.spent[kind].total_seconds(), channel)


def case_so_far(records: Iterable[Mapping[str, Any]], *, now: datetime) -> Case | None:
    """What the log says of one request until now: a task that is open counts up to this moment.

    None without events. Raises LogOutOfOrder.
    """
    reader, last = _Reader(), 0
    for record in records:
        last = _later(record, last)
        reader.read(record)
    for number, task in reader.tasks.items():
        reader.cases[number].spans.extend(task.spans(now, "person"))
    return next(iter(reader.cases.values()), None)


def cases_of(records: Iterable[Mapping[str, Any]]) -> list[Case]:
    """Read event records (parsed, in sequence) into one `Case` per request.

    Raises LogOutOfOrder when a sequence number does not rise.
    """
    reader, last = _Reader(), 0
    for record in records:
        last = _later(record, last)
        if record.get("request") is not None:
            reader.read(record)
    return list(reader.cases.values())


def _later(record: Mapping[str, Any], last: int) -> int:
    """The sequence of a record, which has to be later than the last one's. Raises LogOutOfOrder."""
    seq: int = record["seq"]
    if seq <= last:
        raise LogOutOfOrder(
            f"Event {seq} came after event {last}.", hint="Give the events by their sequence."
        )
    return seq


class _Reader:
    def __init__(self) -> None:
        self.cases: dict[int, Case] = {}
        self.tasks: dict[int, _Task] = {}

    def read(self, record: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(record["at"])
        request = record["request"]
        case = self.cases.get(request)
        if case is None:
            case = self.cases[request] = Case(request, record["key"], record["variant"], at)
        durations_us = record.get("durations_us") or {}
        for step, microseconds in durations_us.items():
            case.system_us.setdefault(step, []).append(microseconds)
        if not durations_us or ("channel" in record and record["channel"] != "system"):
            case.channels.add(record.get("channel", "person"))  # also of who brings a file, which is judged
        if record.get("mark"):
            case.milestones.setdefault(record["mark"], _happened(record, at))
        self._count(case, record)
        self._move(case, record, at)

    @staticmethod
    def _count(case: Case, record: Mapping[str, Any]) -> None:
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
            case.outcome = record["outcome"]

    def _move(self, case: Case, record: Mapping[str, Any], at: datetime) -> None:
        task = self.tasks.get(case.request)
        match record["type"]:
            case "task_claimed" if task:
                task.turn(at, kind=Wait.DESK)
            case "task_released" if task:
                task.turn(at, kind=Wait.QUEUE)
            case "task_started" if task:
                task.turn(at, kind=Wait.TOUCH)
            case "request_suspended" if task:
                task.turn(at, suspended=True)
            case "request_resumed" if task:
                task.turn(at, suspended=False)
            case _ if "to" in record and (record["to"] != record.get("from") or record.get("trigger")):
                self._enter(case, record, at, task)

    def _enter(self, case: Case, record: Mapping[str, Any], at: datetime, task: _Task | None) -> None:
        if task is not None:
            case.spans.extend(task.spans(at, record.get("channel", "person")))
            del self.tasks[case.request]
        if record.get("task"):  # the state entered waits for a person
            self.tasks[case.request] = _Task(record["to"], at)


def _happened(record: Mapping[str, Any], at: datetime) -> datetime:
    """When a milestone was reached: on paper a person says on which day, and types it in later.

    A day counts to its end (UTC), so that paper is never made faster than it was, but not beyond the event.
    """
    day = record.get("posted_on") or record.get("signed_on")
    if day is None:
        return at
    return min(at, datetime.combine(date.fromisoformat(day), time.max, tzinfo=UTC))
