"""What stands beside a request that somebody sees: its task, when it is due, names, for whom they may act."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.access import AUDITOR, People
from workflow.calendar import CALENDARS
from workflow.claims import Holders
from workflow.definition_errors import CalendarEnded
from workflow.definition_model import Definition
from workflow.judge import office_day
from workflow.reading import RequestView
from workflow.reminders import due_at
from workflow.tables import Person, Request, Task

if TYPE_CHECKING:
    from workflow.jobs import Retry
    from workflow.office import Office

_NEAR = 4  # due is near in the last quarter of the time that there is


@dataclass(frozen=True)
class OpenWork:
    """The task that a request waits in. `left` is the working time until it is due, negative once it is over.

    `near`: little of the time that there is is left. `lapsed`: whoever holds it may not do it any more.
    """

    role: str
    offered_at: datetime
    claimed_by: str | None
    claimed_for: str | None
    started_at: datetime | None
    due_at: datetime | None
    left: timedelta | None
    near: bool
    lapsed: bool

    @property
    def over(self) -> bool:
        """Whether it should have been done by now."""
        return self.left is not None and self.left < timedelta()


@dataclass(frozen=True)
class Particulars:
    """`names` are of everybody who had to do with the request; `principals` those for whom this person stands
    in today; `audits`: they read everything of its unit."""

    definition: Definition
    work: OpenWork | None
    names: Mapping[str, str]
    principals: tuple[str, ...]
    audits: bool
    retry: "Retry | None"

    def name(self, person: str | None) -> str:
        """Somebody by name; by their number when nobody knows it any more."""
        return self.names.get(person or "", person or "")


def particulars(office: "Office", view: RequestView, who: str) -> Particulars:
    """Read them, for somebody who was shown the request."""
    now = office.clock()
    with office.store.read() as session:
        definition = office.engine.definition(session, view.definition_sha256)
        today = office_day(definition, now)
        people = People.load(session, [who])
        principals = people.principals_of(who, today)
        wanted = {*_named(view), *principals, who}
        rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(sorted(wanted))))
        return Particulars(
            definition=definition,
            work=_open_work(session, view.id, definition, now),
            names={row.id: row.name for row in rows},
            principals=principals,
            audits=people.has_role(who, AUDITOR, view.unit),
            retry=next((one for one in office.jobs.retries(session) if one.ref.request_id == view.id), None)
            if definition.states[view.state].auto
            else None,
        )


def _named(view: RequestView) -> Iterator[str]:
    yield from (view.requester_id, view.claimed_by or "")
    for entry in view.history:
        body = entry.body or {}
        yield from (str(body[name]) for name in ("actor", "on_behalf_of") if body.get(name))


def _open_work(session: Session, request_id: int, definition: Definition, now: datetime) -> OpenWork | None:
    tasks, requests = Task.table(), Request.table()
    query = (
        select(tasks, requests.c.unit, requests.c.requester_id)
        .join_from(tasks, requests, tasks.c.request_id == requests.c.id)
        .where(tasks.c.request_id == request_id, tasks.c.closed_at.is_(None))
    )
    row = session.connection().execute(query).one_or_none()
    if row is None:
        return None
    due = due_at(session, row, definition)
    left, near = _left(definition, row.state, due, now)
    return OpenWork(
        role=row.role,
        offered_at=row.offered_at,
        claimed_by=row.claimed_by,
        claimed_for=row.claimed_for,
        started_at=row.started_at,
        due_at=due,
        left=left,
        near=near,
        lapsed=Holders.load(session, [row]).lapsed(row, definition, office_day(definition, now)),
    )


def _left(
    definition: Definition, state: str, due: datetime | None, now: datetime
) -> tuple[timedelta | None, bool]:
    """The working time that is left, and whether that is little of what there was."""
    duration, calendar = definition.states[state].due, CALENDARS[definition.calendar]
    if due is None or duration is None:
        return None, False
    try:
        left = calendar.working_between(now, due)
    except CalendarEnded:
        return None, False
    return left, timedelta() <= left < calendar.length(duration) / _NEAR
