"""Roles that an administrator of the office gives, beside those of the HR register.

The register says who has which duty, and stays the source of it. What it does not know (somebody helps out
in another unit, or audits for a month) an administrator grants here, for one unit or, if they administer all,
for all of them; and ends it again. Nobody grants a role to themselves, or one that reaches further than their
own; and who stands in for an administrator makes nobody an administrator or auditor.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from documents.kinds.fields import NOTE_MAX, wrong_text
from wording import Sentence
from workflow import staff
from workflow.access import ADMINISTRATOR, AUDITOR
from workflow.duties import DUTY_ROLES
from workflow.errors import WorkflowError
from workflow.eventlog import Appender
from workflow.identity_events import ROLE_ENDED, ROLE_EVENTS, ROLE_GRANTED
from workflow.sessions import end_sessions
from workflow.tables import Body, Event, Grant, Person

SOURCE: Final = "office"
"""Of grants that an administrator made."""
ROLES: Final = tuple(dict.fromkeys(role for roles in DUTY_ROLES.values() for role, _ in roles))
"""What can be granted."""
OVERSEEING: Final = (ADMINISTRATOR, AUDITOR)
"""What is granted by who has the role of an administrator in their own right."""
HISTORY: Final = 50
Change = Callable[..., None]
"""`grant` or `end`."""


class RoleRefused(WorkflowError):
    """A role can't be granted, or ended, like this."""

    code = "workflow-grant"


@dataclass(frozen=True)
class Wanted:
    """Which role, of whom, in which unit (None: in all), and why it is granted or ended."""

    person: str
    role: str
    unit: str | None
    reason: str


@dataclass(frozen=True)
class HeldRole:
    """A role that somebody has, and who says so: the "register", their "groups" elsewhere, the "office"."""

    role: str
    unit: str | None
    source: str


@dataclass(frozen=True)
class RoleEvent:
    """A role that was granted or ended; `by` is the administrator's name."""

    at: datetime
    granted: bool
    role: str
    unit: str | None
    by: str
    reason: str


def grant(session: Session, wanted: Wanted, *, by: str, today: date, now: datetime) -> None:
    """Have somebody have a role from now on; said twice by the same for the same reason, it is done once.

    Raises RoleRefused.
    """
    log = Appender.lock(session, secrets.token_bytes)
    _require_may(session, wanted, by=by, today=today)
    if wanted.role not in ROLES:
        raise RoleRefused(Sentence("There is no such role."))
    own = staff.administers_in_own_right(session, by, today)
    if wanted.role in OVERSEEING and not own.covers(wanted.unit):
        raise RoleRefused(staff.MAKES_NONE, hint=staff.IN_OWN_RIGHT)
    if _row(session, wanted) is not None:
        if _was_said(session, ROLE_GRANTED, wanted, by):
            return
        raise RoleRefused(Sentence("They have this role there already."))
    session.add(Grant(person_id=wanted.person, role=wanted.role, unit=wanted.unit, source=SOURCE))
    session.flush()
    _tell(log, ROLE_GRANTED, wanted, by=by, now=now)


def grantable(session: Session, by: str, today: date) -> list[str]:
    """The roles that somebody who administers may grant at all."""
    own = staff.administers_in_own_right(session, by, today)
    return [role for role in ROLES if own or role not in OVERSEEING]


def end(session: Session, wanted: Wanted, *, by: str, today: date, now: datetime) -> None:
    """Have somebody have a role no more, and sign in anew; said twice, it is done once.

    Raises RoleRefused.
    """
    log = Appender.lock(session, secrets.token_bytes)
    _require_may(session, wanted, by=by, today=today)
    row = _row(session, wanted)
    if row is None and _was_said(session, ROLE_ENDED, wanted, by):
        return
    if row is None or row.source != SOURCE:
        raise RoleRefused(
            Sentence("An administrator ends what an administrator granted: this role comes from elsewhere."),
            hint=Sentence("Have the HR register corrected."),
        )
    session.execute(delete(Grant).where(Grant.id == row.id))
    end_sessions(session, [wanted.person])
    _tell(log, ROLE_ENDED, wanted, by=by, now=now)


def held(session: Session, person: str) -> list[HeldRole]:
    """What roles somebody has."""
    rows = session.scalars(select(Grant).where(Grant.person_id == person).order_by(Grant.role, Grant.unit))
    return [HeldRole(row.role, row.unit, row.source) for row in rows]


def history(session: Session, person: str) -> list[RoleEvent]:
    """What was granted to somebody here, and ended: the newest first."""
    told = list(islice(_told_of(session, person), HISTORY))
    actors = {said["actor"] for _, _, said in told}
    called = select(Person.id, Person.name).where(Person.id.in_(actors))
    names = {row.id: row.name for row in session.execute(called)}
    return [
        RoleEvent(
            at=datetime.fromisoformat(at),
            granted=kind == ROLE_GRANTED,
            role=said["role"],
            unit=said.get("unit"),
            by=names.get(said["actor"], said["actor"]),
            reason=said["remark"],
        )
        for at, kind, said in told
    ]


def _told_of(session: Session, person: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What events tell of somebody's roles, the newest first: when, of which type, and their body."""
    query = (
        select(Event.recorded_at, Event.type, Body.body)
        .join(Body, Body.seq == Event.seq)
        .where(Event.request_id.is_(None), Event.type.in_(ROLE_EVENTS), Body.body.is_not(None))
        .order_by(Event.seq.desc())
    )
    for at, kind, body in session.execute(query):
        if (said := json.loads(body or "{}")).get("person") == person:
            yield at, kind, said


def _was_said(session: Session, kind: str, wanted: Wanted, by: str) -> bool:
    """Whether just this is the last that was said of this role of theirs: a form was sent twice."""
    last = next(
        (
            (told, said["actor"], said["remark"])
            for _, told, said in _told_of(session, wanted.person)
            if (said["role"], said.get("unit")) == (wanted.role, wanted.unit)
        ),
        None,
    )
    return last == (kind, by, wanted.reason)


def kept_through(session: Session) -> list[Grant]:
    """What was granted here to people who work here, to be put back once the register was loaded."""
    people = Person.table()
    query = (
        select(Grant)
        .join(people, people.c.id == Grant.person_id)
        .where(Grant.source == SOURCE, people.c.active)
    )
    return [
        Grant(person_id=row.person_id, role=row.role, unit=row.unit, source=SOURCE)
        for row in session.scalars(query)
    ]


def _require_may(session: Session, wanted: Wanted, *, by: str, today: date) -> None:
    """Raises RoleRefused."""
    reach, person = staff.administers(session, by, today), session.get(Person, wanted.person)
    if person is None or not person.active or person.unit not in reach:
        raise RoleRefused(
            Sentence("Nobody of this number works in a unit that you administer."),
            hint=Sentence("Ask an administrator of their unit."),
        )
    if by == wanted.person:
        raise RoleRefused(
            Sentence("Nobody grants or ends a role of their own."),
            hint=Sentence("Ask another administrator."),
        )
    if not reach.covers(wanted.unit):
        raise RoleRefused(
            Sentence("A role reaches no further than the administrator who grants it."),
            hint=Sentence("Choose a unit that you administer, or ask an administrator of all units."),
        )
    if not wanted.reason.strip():
        raise RoleRefused(Sentence("Say why."))
    if message := wrong_text(wanted.reason, longest=NOTE_MAX, lines=True):
        raise RoleRefused(message)
    if wanted.unit is not None and not _is_unit(session, wanted.unit):
        raise RoleRefused(Sentence("Nobody works in a unit of this name."))


def _is_unit(session: Session, unit: str) -> bool:
    query = select(Person.id).where(Person.unit == unit, Person.active)
    return session.scalar(query.limit(1)) is not None


def units(session: Session, reach: staff.Reach) -> list[str]:
    """The units in which somebody works, of these."""
    people = Person.table()
    query = select(people.c.unit).where(people.c.active, people.c.unit != "", reach.of(people.c.unit))
    return list(session.scalars(query.distinct().order_by(people.c.unit)))


def _row(session: Session, wanted: Wanted) -> Grant | None:
    where = Grant.unit.is_(None) if wanted.unit is None else Grant.unit == wanted.unit
    query = select(Grant).where(Grant.person_id == wanted.person, Grant.role == wanted.role, where)
    return session.scalars(query).one_or_none()


def _tell(log: Appender, kind: str, wanted: Wanted, *, by: str, now: datetime) -> None:
    """Who has which role is in the body: it may tell of a reorganisation, or of somebody's illness."""
    body = {"actor": by, "person": wanted.person, "role": wanted.role, "remark": wanted.reason}
    if wanted.unit is not None:
        body["unit"] = wanted.unit
    log.append(kind, at=now, request_id=None, facts={"channel": "person"}, body=body)
    log.write()
