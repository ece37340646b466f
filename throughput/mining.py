"""The log for process mining: what happened in each request, by activity, as other tools read it.

An activity is a state of the process: a person's task, or an automatic step. People are pseudonyms, other
ones in each export; what they wrote, and what a request was about, is left out.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from throughput.kept import Clocks
from throughput.origins import MEASURED, Origin, happened
from throughput.scope import Scope
from throughput.spans import Case, TaskTime, Wait, begun, read
from workflow.invented import Invented, invented
from workflow.tables import Body, Event, TimingCase

Transition = Literal["schedule", "assign", "reassign", "start", "suspend", "resume", "complete", "withdraw"]
"""Of the lifecycle extension's standard model (IEEE 1849-2016)."""
_TURNS: Mapping[str, Transition] = {
    "task_claimed": "assign",
    "task_released": "reassign",
    "task_started": "start",
    "request_suspended": "suspend",
    "request_resumed": "resume",
}
_CHUNK = 2000


@dataclass(frozen=True)
class Pseudonyms:
    """Names for people that tell who is the same in one export, and nothing else: the key is thrown away."""

    key: bytes
    _known: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def of(self, person: str | None) -> str | None:
        """The pseudonym; None for nobody, and for whoever was erased."""
        if person is None:
            return None
        if person not in self._known:
            self._known[person] = "P-" + hmac.digest(self.key, person.encode(), "sha256").hex()[:12]
        return self._known[person]


class Moment(NamedTuple):
    """Something that happened to an activity."""

    activity: str
    transition: Transition
    at: datetime
    instance: int  # the event that offered the task, or that began the step
    resource: str | None
    channel: str
    trigger: str | None = None
    mark: str | None = None
    document: str | None = None  # its name in the definition, and its revision
    origin: Origin = MEASURED


class Slice(NamedTuple):
    """A piece of an activity without a break; of a machine's step `kind` is `system`."""

    activity: str
    instance: int
    kind: str
    begun: datetime
    ended: datetime
    working_s: float | None
    resource: str | None
    channel: str
    origin: Origin = MEASURED


@dataclass
class Trace:
    """One request: what happened, in order, and in which pieces the time went."""

    case: Case
    moments: list[Moment] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)


def traces(session: Session, pseudonyms: Pseudonyms, scope: Scope | None = None) -> Iterator[Trace]:
    """Every request's trace by its number, one at a time in memory.

    `scope`: of these requests alone, each whole, whatever happened to it later. Times have to be kept up to
    now (throughput.kept).
    """
    events, bodies, cases, clocks = Event.table(), Body.table(), TimingCase.table(), Clocks()
    past, wanted = invented(session), events.c.request_id.is_not(None)
    if scope is not None:
        wanted = events.c.request_id.in_(select(cases.c.request_id).where(*scope.conditions))
    rows = session.connection().execute(
        select(events.c.request_id, events.c.record, bodies.c.body)
        .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
        .where(wanted)
        .order_by(events.c.request_id, events.c.seq),
        execution_options={"stream_results": True, "yield_per": _CHUNK},
    )
    for _, own in groupby(rows, key=itemgetter(0)):
        teller: _Teller | None = None
        for _, told, kept in own:
            record = json.loads(told)
            if teller is None:
                teller = _Teller(Trace(begun(record)), clocks, session, past)
            body = json.loads(kept) if kept is not None else {}
            teller.take(record, pseudonyms.of(body.get("actor")))
        if teller is not None:
            yield teller.trace


@dataclass
class _Teller:
    """Reads one request's events."""

    trace: Trace
    clocks: Clocks
    session: Session
    past: Invented | None
    holder: str | None = None

    def take(self, record: Mapping[str, Any], actor: str | None) -> None:
        case, task = self.trace.case, self.trace.case.open_task
        stretch = read(case, record, lambda sha256: self.clocks.of(self.session, sha256))
        at = datetime.fromisoformat(record["at"])
        if stretch is not None and task is not None:
            self.trace.slices.append(
                Slice(
                    task.state,
                    task.number,
                    stretch.kind.value,
                    stretch.begun,
                    stretch.ended,
                    None if stretch.worked_us is None else stretch.worked_us / 1e6,
                    None if stretch.kind is Wait.QUEUE else self.holder or actor,
                    record.get("channel", "person"),
                    happened(stretch.begun, self.past),
                )
            )
        if (turn := _TURNS.get(record["type"])) and task is not None:
            self._tell(
                task.state, turn, at, task.number, by=None if turn == "reassign" else actor, said=record
            )
            self.holder = {"assign": actor, "start": actor, "reassign": None}.get(turn, self.holder)
        elif "to" in record:
            self._move(record, at, actor, task)

    def _move(
        self, record: Mapping[str, Any], at: datetime, actor: str | None, task: TaskTime | None
    ) -> None:
        if task is not None and task.ended_at is not None:
            end: Transition = "withdraw" if record["type"] == "request_withdrawn" else "complete"
            self._tell(task.state, end, at, task.number, by=actor, said=record)
            self.holder = None
        elif record["type"] == "request_submitted" and record.get("from"):
            self._tell(record["from"], "complete", at, record["seq"], by=actor, said=record)
        elif task is None and record.get("from") not in {None, record["to"]}:
            self._step(record, at)
        if record.get("task"):
            self._tell(record["to"], "schedule", at, record["seq"], by=None, said={})

    def _step(self, record: Mapping[str, Any], at: datetime) -> None:
        """A machine's work: it ended when it was told, and began as long before as it took."""
        since = at - timedelta(microseconds=sum((record.get("durations_us") or {}).values()))
        state, number, origin = record["from"], record["seq"], happened(since, self.past)
        self._tell(state, "start", since, number, by=None, said={"channel": "system"})
        self._tell(state, "complete", at, number, by=None, said=record)
        self.trace.slices.append(Slice(state, number, "system", since, at, None, None, "system", origin))

    def _tell(
        self,
        activity: str,
        transition: Transition,
        at: datetime,
        instance: int,
        *,
        by: str | None,
        said: Mapping[str, Any],
    ) -> None:
        self.trace.moments.append(
            Moment(
                activity,
                transition,
                at,
                instance,
                by,
                said.get("channel", "person"),
                said.get("trigger"),
                said.get("mark"),
                f"{said['document']} {said.get('revision', 1)}" if said.get("document") else None,
                happened(at, self.past),
            )
        )
