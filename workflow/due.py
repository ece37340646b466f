"""When an open task is due, and from when on that is near: by its state's `due`, in working time.

It is kept with the task: worked out when it is offered, and put off when a suspension ends.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, bindparam, select
from sqlalchemy.engine import Connection

from workflow.calendar import CALENDARS
from workflow.definition_errors import CalendarEnded
from workflow.definition_model import Definition
from workflow.tables import Event

NEAR = 4
"""Near is the last quarter of the working time that there is."""
Pause = tuple[datetime, datetime]


@dataclass(frozen=True)
class DueTimes:
    """None where nothing is due, or where the calendar does not reach so far."""

    due_at: datetime | None = None
    near_at: datetime | None = None


def due_times(
    definition: Definition, state: str, offered_at: datetime, pauses: Iterable[Pause] = ()
) -> DueTimes:
    """When a task is due that was offered then and suspended for these pauses, which have ended."""
    duration, calendar = definition.states[state].due, CALENDARS.get(definition.calendar)
    if duration is None or calendar is None:
        return DueTimes()
    try:
        away = sum((calendar.working_between(*pause) for pause in pauses), timedelta())
    except CalendarEnded:
        return DueTimes()
    length = calendar.length(duration)
    return DueTimes(
        _reached(lambda: calendar.after_working(offered_at, length + away)),
        _reached(lambda: calendar.after_working(offered_at, length - length / NEAR + away)),
    )


def put_off(definition: Definition, times: DueTimes, pause: Pause) -> DueTimes:
    """When it is due after one more pause: as `due_times` would say of all of them."""
    calendar = CALENDARS[definition.calendar]
    try:
        away = calendar.working_between(*pause)
    except CalendarEnded:
        return DueTimes()
    if not away:
        return times

    def later(moment: datetime | None) -> datetime | None:
        return None if moment is None else _reached(lambda: calendar.after_working(moment, away))

    return DueTimes(later(times.due_at), later(times.near_at))


def pauses(connection: Connection, request_id: int, task_id: int) -> Iterator[Pause]:
    """When a task was suspended, and when it went on; a task's number is the event that offered it."""
    begun: datetime | None = None
    for row in connection.execute(_PAUSES, {"request": request_id, "task": task_id}):
        at = datetime.fromisoformat(row.recorded_at)
        if row.type == "request_suspended":
            begun = at
        elif begun is not None:
            yield begun, at
            begun = None


def _reached(moment: Callable[[], datetime]) -> datetime | None:
    try:
        return moment()
    except CalendarEnded:
        return None


_events = Event.table()
_PAUSES: Select[tuple[str, str]] = (
    select(_events.c.type, _events.c.recorded_at)
    .where(
        _events.c.request_id == bindparam("request"),
        _events.c.seq > bindparam("task"),
        _events.c.type.in_(("request_suspended", "request_resumed")),
    )
    .order_by(_events.c.seq)
)
