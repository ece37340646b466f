"""The people of an office, as the HR register knows them, and the roles that their duties give."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, delete, exists, insert, or_, select
from sqlalchemy.orm import Session

from documents.register import Person as RegisteredPerson
from documents.register import Register
from workflow.beginnings import forget_beginnings
from workflow.bulk_results import forget_results
from workflow.destruction import NOBODY
from workflow.duties import DUTY_ROLES
from workflow.eventlog import Appender
from workflow.kept_forms import forget_forms
from workflow.passwords import forget_people
from workflow.proofs import forget_proofs
from workflow.roles import kept_through
from workflow.sessions import end_sessions
from workflow.tables import (
    CommandKey,
    Draft,
    Grant,
    Hand,
    Hold,
    Incident,
    LogHead,
    MailChoice,
    MailRow,
    Opening,
    Person,
    Request,
    SigningRunItem,
    SigningRunRow,
    Substitute,
    Task,
)
from workflow.tokens import forget_tokens, revoke_all

LEAVERS_KEPT = timedelta(days=30)
"""So long people are kept after a register first left them out: it may have done so by mistake."""
EVERYBODY = ("employee", "author")
NAMING = (
    Request.requester_id,
    *(Task.claimed_by, Task.claimed_for, Task.done_by, Task.done_for),
    *(Hand.person_id, Draft.person_id, CommandKey.actor, Opening.person_id),
    *(Incident.resolved_by, Hold.placed_by, Hold.released_by),
)
"""Where a request names a person, beside the bodies of its events."""


@dataclass(frozen=True)
class Change:
    """How many people a register names, and what it changed: who joined (or came back), has another name,
    unit or role, or left; `before`: how many there were."""

    loaded: int
    joined: int
    changed: int
    left: int
    before: int


def update_people(session: Session, register: Register, *, now: datetime) -> Change:
    """Bring people and roles in line with the register; those it does not hold any more become inactive.

    The register is the source; beside it stays what administrators granted to those who still work here. It
    happens between two commands, under the lock that they take.
    """
    session.execute(select(LogHead.seq).with_for_update())
    known = {person.id: person for person in session.scalars(select(Person))}
    before = _standing(session)
    registered, new = register.people(), []
    for entry in registered:
        person = known.pop(entry.person_id, None)
        if person is None:
            new.append({"id": entry.person_id, "name": entry.name, "unit": entry.unit, "email": entry.email})
        else:
            person.name, person.unit = entry.name, entry.unit
            person.email = entry.email
            person.active, person.left_at = True, None
    for gone in known.values():
        if gone.active:
            gone.active, gone.left_at = False, now
    session.flush()
    _insert(session, Person.table(), new)
    forget_proofs(session, known)
    revoke_all(session, known, at=now)
    granted = kept_through(session)
    session.execute(delete(Grant))
    _insert(session, Grant.table(), _with_granted(registered, granted))
    after = _standing(session)
    end_sessions(session, {*known, *_with_others(before, after)})
    return Change(
        loaded=len(after),
        joined=len(after.keys() - before.keys()),
        changed=sum(after[who] != before[who] for who in after.keys() & before.keys()),
        left=len(before.keys() - after.keys()),
        before=len(before),
    )


_Standing = dict[str, tuple[str, str, str | None, frozenset[tuple[str, str | None]]]]
_Row = dict[str, Any]


def _insert(session: Session, table: Table, rows: Sequence[_Row]) -> None:
    """Rows of which none is looked at afterwards: as objects they take several times as long."""
    if rows:
        session.execute(insert(table), rows)


def _with_others(before: _Standing, after: _Standing) -> Iterator[str]:
    """Who has other roles than before, what their groups had added among them: they sign in anew."""
    for who, (*_, roles) in before.items():
        if who in after and roles != after[who][-1]:
            yield who


def _standing(session: Session) -> _Standing:
    """Everybody who works here, with name, unit, address and roles."""
    roles: dict[str, set[tuple[str, str | None]]] = {}
    for grant in session.execute(select(Grant.person_id, Grant.role, Grant.unit)):
        roles.setdefault(grant.person_id, set()).add((grant.role, grant.unit))
    people = session.execute(select(Person.id, Person.name, Person.unit, Person.email).where(Person.active))
    return {one.id: (one.name, one.unit, one.email, frozenset(roles.get(one.id, ()))) for one in people}


def name_of(session: Session, person: str) -> str | None:
    """The name of somebody by their id."""
    return session.scalar(select(Person.name).where(Person.id == person))


def unneeded(session: Session, left_by: datetime, among: Collection[str] | None = None) -> list[str]:
    """The people who left at `left_by` or earlier and whom no request names any more, of all or among some.

    Who works here stays, whether or not a request names them; who comes back is put in by the register.
    """
    people = Person.table()
    named = (column == people.c.id for column in NAMING)
    query = select(people.c.id).where(
        people.c.active.is_(False),
        people.c.id != NOBODY,
        or_(people.c.left_at.is_(None), people.c.left_at <= left_by),
    )
    if among is not None:
        query = query.where(people.c.id.in_(among))
    return list(
        session.scalars(query.where(*(~exists().where(each) for each in named)).order_by(people.c.id))
    )


def remove_unneeded(
    session: Session, log: Appender, left_by: datetime, some: Collection[str], *, at: datetime
) -> int:
    """Remove these people, as far as they are unneeded still, with passwords and tokens; how many they were.

    The log's lock is held: nothing names anybody meanwhile. Each column that may name them has an index, by
    which the foreign keys look as well.
    """
    gone = unneeded(session, left_by, some)
    session.execute(delete(Grant).where(Grant.person_id.in_(gone)))
    session.execute(delete(MailRow).where(MailRow.person_id.in_(gone)))
    session.execute(delete(MailChoice).where(MailChoice.person_id.in_(gone)))
    swaps = or_(Substitute.principal_id.in_(gone), Substitute.substitute_id.in_(gone))
    session.execute(delete(Substitute).where(swaps))
    forget_beginnings(session, gone)
    forget_results(session, gone)
    forget_forms(session, gone)
    runs = select(SigningRunRow.id).where(SigningRunRow.person_id.in_(gone))
    session.execute(delete(SigningRunItem).where(SigningRunItem.run_id.in_(runs)))
    session.execute(delete(SigningRunRow).where(SigningRunRow.person_id.in_(gone)))
    forget_people(session, log, gone, at=at)
    forget_tokens(session, log, gone, at=at)
    session.execute(delete(Person).where(Person.id.in_(gone)))
    return len(gone)


def _with_granted(people: Iterable[RegisteredPerson], granted: Iterable[Grant]) -> list[_Row]:
    """What the register gives, and what administrators granted beside it."""
    rows = {one: "register" for person in people for one in _roles(person)}
    for grant in granted:
        rows.setdefault((grant.person_id, grant.role, grant.unit), grant.source)
    return [
        {"person_id": who, "role": role, "unit": unit, "source": source}
        for (who, role, unit), source in rows.items()
    ]


def _roles(person: RegisteredPerson) -> Iterator[tuple[str, str, str | None]]:
    for role in EVERYBODY:
        yield person.person_id, role, person.unit
    for duty, roles in DUTY_ROLES.items():
        if person.has_duty(duty):
            for role, everywhere in roles:
                yield person.person_id, role, None if everywhere else person.unit
