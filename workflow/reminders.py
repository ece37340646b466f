"""Reminders and escalations: what a definition says under `after`, by working time, once each.

Worked out from what is open, not kept in a list of its own: a pause of the server, a changed calendar or a
restored backup needs no repair. That it happens once is a key of the table `reminders`, written with the
event.
"""

import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, insert, select
from sqlalchemy.orm import Session

from watching.logs import note
from workflow.calendar import CALENDARS, WorkingCalendar
from workflow.clock import ClockImplausible, require_plausible, require_steady
from workflow.definition_errors import CalendarEnded
from workflow.definition_model import After, Definition
from workflow.due import pauses
from workflow.eventlog import Appender
from workflow.pinned import read_or_none
from workflow.store import Store
from workflow.tables import Reminder, Request, Task

EVENTS = {"remind": "task_reminded", "escalate": "task_escalated"}
TASKS = 500  # in one transaction: others wait for it
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Due:
    """A reminder that is due: the task, its request and state, which `after` of the state it is."""

    task_id: int
    request_id: int
    state: str
    place: int
    after: After


class Reminders:
    """Finds the tasks that have waited too long, and puts that into the log.

    `definition_of` gives the definition that a request is pinned to; `theirs` is the database's clock, which
    ours must not differ from.
    """

    def __init__(
        self,
        store: Store,
        *,
        definition_of: Callable[[Session, str], Definition],
        now: Callable[[], datetime],
        theirs: Callable[[Session], datetime] | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._store = store
        self._definition_of = definition_of
        self._now = now
        self._theirs = theirs
        self._random_bytes = random_bytes
        self._held = False

    def run(self) -> int:
        """Record what is due now; how many events that made. None under a clock that is behind the log,
        differs from the database's, or went forward by days: a reminder is told once, and can't be taken
        back.
        """
        with self._store.read() as session:
            if self._is_held(session):
                return 0
            tasks = sorted({one.task_id for one in self.due(session)})
        return sum(self._tell(tasks[start : start + TASKS]) for start in range(0, len(tasks), TASKS))

    def _is_held(self, session: Session) -> bool:
        """Whether the clock can't be trusted; told once, until it can."""
        now = self._now()
        try:
            require_plausible(session, now, theirs=self._theirs and self._theirs(session))
            require_steady(session, now)
        except ClockImplausible as problem:
            if not self._held:
                note(log, logging.WARNING, "reminders_held", error=problem)
            self._held = True
        else:
            self._held = False
        return self._held

    def _tell(self, tasks: Sequence[int]) -> int:
        """Record what is due of these tasks; how many events that made."""
        with self._store.write() as session:
            appender = Appender.lock(session, self._random_bytes)
            due = list(self.due(session, tasks))  # once more: the first look was without the lock
            if not due:
                return 0
            rows = [self._record(appender, one) for one in due]
            appender.write()
            session.execute(insert(Reminder.table()), rows)
        return sum(len(one.after.do) for one in due)

    def due(self, session: Session, tasks: Sequence[int] | None = None) -> Iterator[Due]:
        """What has waited its time and was not told yet, of all tasks or of these; nothing while a request is
        suspended."""
        now = self._now()
        told, open_tasks = _DONE, _OPEN
        if tasks is not None:
            told, open_tasks = _DONE.where(Task.id.in_(tasks)), _OPEN.where(Task.id.in_(tasks))
        done = {(row.task_id, row.place) for row in session.execute(told)}
        for row in session.execute(open_tasks):
            definition = read_or_none(session, self._definition_of, row.definition_sha256)
            if definition is None:
                continue  # told by whoever reads it
            calendar = CALENDARS[definition.calendar]
            waiting = [
                (place, after)
                for place, after in enumerate(definition.states[row.state].after)
                if (row.id, place) not in done
            ]
            if not waiting:
                continue
            try:
                waited = waited_for(session, row, calendar, now)
            except CalendarEnded as problem:
                note(log, logging.WARNING, "reminders_held", error=problem, request=row.request_id)
                continue
            for place, after in waiting:
                if waited >= calendar.length(after.wait):
                    yield Due(row.id, row.request_id, row.state, place, after)

    def _record(self, appender: Appender, due: Due) -> dict[str, object]:
        """Append the events of a reminder; gives the row that keeps it from being told again."""
        now = self._now()
        for name in due.after.do:
            seq = appender.append(
                EVENTS[name],
                at=now,
                request_id=due.request_id,
                facts={
                    "state": due.state,
                    "task": due.task_id,
                    "after": due.after.wait.text,
                    "channel": "system",
                },
            )
        return {"task_id": due.task_id, "place": due.place, "event_seq": seq, "told_at": now}


def waited_for(session: Session, task: Row[Any], calendar: WorkingCalendar, now: datetime) -> timedelta:
    """The working time that an open task has waited, less what it was suspended. Raises CalendarEnded."""
    return calendar.working_between(task.offered_at, now) - _suspended(session, task, calendar)


def _suspended(session: Session, task: Row[Any], calendar: WorkingCalendar) -> timedelta:
    """The working time of a task's ended suspensions."""
    if task.suspended_us:
        return sum(
            (
                calendar.working_between(*pause)
                for pause in pauses(session.connection(), task.request_id, task.id)
            ),
            timedelta(),
        )
    return timedelta()


_tasks, _requests = Task.table(), Request.table()
_OPEN: Select[Any] = (
    select(
        _tasks.c.id,
        _tasks.c.request_id,
        _tasks.c.state,
        _tasks.c.offered_at,
        _tasks.c.suspended_us,
        _requests.c.definition_sha256,
    )
    .join_from(_tasks, _requests, _tasks.c.request_id == _requests.c.id)
    .where(_tasks.c.closed_at.is_(None), _requests.c.suspended_at.is_(None))
    .order_by(_tasks.c.id)
)
_DONE = (
    select(Reminder.task_id, Reminder.place)
    .join(Task, Task.id == Reminder.task_id)
    .where(Task.closed_at.is_(None))
)
