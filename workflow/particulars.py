"""What stands beside a request that somebody sees: its task, when it is due, names, for whom they may act."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from wording import Sentence
from workflow.access import AUDITOR, People
from workflow.calendar import CALENDARS
from workflow.claims import Holders
from workflow.definition_errors import CalendarEnded
from workflow.definition_model import Definition
from workflow.errors import Reason
from workflow.judge import office_day
from workflow.moves import DONE_BY
from workflow.reading import RequestView
from workflow.tables import Person, Task

if TYPE_CHECKING:
    from workflow.jobs import Retry
    from workflow.office import Office

SUSPENDED = DONE_BY["suspend"]


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

    def named(self, reason: Reason) -> Reason:
        """The same reason, with names in the place of people's numbers."""
        said = reason.message
        values = {name: self.names.get(str(value), value) for name, value in said.values.items()}
        return replace(reason, message=Sentence(said.template, **values))


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
            work=_open_work(session, view, definition, now),
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


def _open_work(session: Session, view: RequestView, definition: Definition, now: datetime) -> OpenWork | None:
    tasks = Task.table()
    query = select(tasks, literal(view.requester_id).label("requester_id")).where(
        tasks.c.request_id == view.id, tasks.c.closed_at.is_(None)
    )
    row: Any = session.connection().execute(query).one_or_none()
    if row is None:
        return None
    return OpenWork(
        role=row.role,
        offered_at=row.offered_at,
        claimed_by=row.claimed_by,
        claimed_for=row.claimed_for,
        started_at=row.started_at,
        due_at=row.due_at,
        left=_left(definition, row.due_at, now),
        near=row.due_at is not None and row.near_at is not None and row.near_at <= now <= row.due_at,
        lapsed=Holders.load(session, [row]).lapsed(row, definition, office_day(definition, now)),
    )


def _left(definition: Definition, due: datetime | None, now: datetime) -> timedelta | None:
    """The working time until then, negative once it is over."""
    if due is None:
        return None
    try:
        return CALENDARS[definition.calendar].working_between(now, due)
    except CalendarEnded:
        return None
