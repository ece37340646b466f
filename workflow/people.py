"""The people of an office, as the HR register knows them, and the roles that their duties give."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from documents.register import Person as RegisteredPerson
from documents.register import Register
from workflow.tables import Grant, Person

# A duty in the register → roles, and whether they hold for every unit or only for the person's own.
DUTY_ROLES: Mapping[str, tuple[tuple[str, bool], ...]] = MappingProxyType(
    {
        "manager": (("manager", False), ("leader", False)),
        "clerk": (("clerk", True),),
        "signer": (("signer", True),),
        "auditor": (("auditor", True),),
    }
)
EVERYBODY = ("employee", "author")


def update_people(session: Session, register: Register) -> int:
    """Bring people and roles in line with the register; those it does not hold any more become inactive.

    Gives the number of active people. The register is the source: roles granted otherwise are replaced.
    """
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
