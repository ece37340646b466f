"""The people of an office, as the HR register knows them, and the roles that their duties give."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from documents.register import Person as RegisteredPerson
from documents.register import Register
from workflow.destruction import NOBODY
from workflow.tables import (
    CommandKey,
    Draft,
    Grant,
    Hand,
    Hold,
    Incident,
    LogHead,
    Person,
    Request,
    Substitute,
    Task,
)

# A duty in the register → roles, and whether they hold for every unit or only for the person's own.
DUTY_ROLES: Mapping[str, tuple[tuple[str, bool], ...]] = MappingProxyType(
    {
        "manager": (("manager", False), ("leader", False)),
        "clerk": (("clerk", True),),
        "signer": (("signer", True),),
        "auditor": (("auditor", True),),
        "administrator": (("administrator", True),),
    }
)
EVERYBODY = ("employee", "author")
NAMING = (
    Request.requester_id,
    *(Task.claimed_by, Task.claimed_for, Task.done_by, Task.done_for),
    *(Hand.person_id, Draft.person_id, CommandKey.actor),
    *(Incident.resolved_by, Hold.placed_by, Hold.released_by),
)
"""Where a request names a person, beside the bodies of its events."""


def update_people(session: Session, register: Register) -> int:
    """Bring people and roles in line with the register; those it does not hold any more become inactive.

    Gives the number of active people. The register is the source: roles granted otherwise are replaced. It
    happens between two commands, under the lock that they take.
    """
    session.execute(select(LogHead.seq).with_for_update())
    known = {person.id: person for person in session.scalars(select(Person))}
    registered = register.people()
    for entry in registered:
        person = known.pop(entry.person_id, None)
        if person is None:
            session.add(Person(id=entry.person_id, name=entry.name, unit=entry.unit, active=True))
        else:
            person.name, person.unit, person.active = entry.name, entry.unit, True
    for gone in known.values():
        gone.active = False
    session.flush()
    session.execute(delete(Grant))
    session.add_all(_grants(registered))
    return len(registered)


def unneeded(session: Session, among: Collection[str] | None = None) -> list[str]:
    """The people who have left and whom no request names any more, of all or among some.

    Who works here stays, whether or not a request names them; who comes back is put in by the register.
    """
    people = Person.table()
    named = (column == people.c.id for column in NAMING)
    query = select(people.c.id).where(people.c.active.is_(False), people.c.id != NOBODY)
    if among is not None:
        query = query.where(people.c.id.in_(among))
    return list(
        session.scalars(query.where(*(~exists().where(each) for each in named)).order_by(people.c.id))
    )


def remove_unneeded(session: Session, some: Collection[str]) -> int:
    """Remove these people, as far as they are unneeded still; how many they were.

    The log's lock is held: nothing names anybody meanwhile. Each column that may name them has an index, by
    which the foreign keys look as well.
    """
    gone = unneeded(session, some)
    session.execute(delete(Grant).where(Grant.person_id.in_(gone)))
    swaps = or_(Substitute.principal_id.in_(gone), Substitute.substitute_id.in_(gone))
    session.execute(delete(Substitute).where(swaps))
    session.execute(delete(Person).where(Person.id.in_(gone)))
    return len(gone)


def _grants(people: Iterable[RegisteredPerson]) -> Iterator[Grant]:
    for person in people:
        for role in EVERYBODY:
            yield Grant(person_id=person.person_id, role=role, unit=person.unit)
        for duty, roles in DUTY_ROLES.items():
            if person.has_duty(duty):
                for role, everywhere in roles:
                    yield Grant(
                        person_id=person.person_id, role=role, unit=None if everywhere else person.unit
                    )
