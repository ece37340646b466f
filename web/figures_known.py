"""Of what figures may be asked: a unit or process that there is not leads nowhere, as one unseen.

A process, variant or definition that is offered is everybody's to know. That there were requests by another
one is told to those who may know how many there were in a unit (decision 50), of that unit alone.
"""

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from workflow import staff
from workflow.office import Office
from workflow.staff import Reach
from workflow.tables import Person, TimingGroup


def require_known(
    office: Office,
    person: str,
    reach: Reach,
    *,
    unit: str = "",
    key: str = "",
    variant: str = "",
    definition: str = "",
) -> None:
    """Raises HTTPException 404 for a unit out of reach or that there is not, and for a process, a variant or
    a definition (its digest) of which this person can't know. "" asks for none."""
    groups, offered = TimingGroup.table().c, list(office.catalogue)
    asked = (
        (key, groups.key, {one.key for one in offered}),
        (variant, groups.variant, {one.variant for one in offered}),
        (definition, groups.definition_sha256, {one.sha256_hex for one in offered}),
    )
    with office.store.read() as session:
        if unit and not _is_unit(session, reach, unit):
            raise HTTPException(404)
        counted = staff.counts(session, person, office.newest_day)
        for said, column, known in asked:
            if said and said not in known and not _was_asked_for(session, counted, column == said):
                raise HTTPException(404)


def _is_unit(session: Session, reach: Reach, unit: str) -> bool:
    if not reach.everywhere:
        return unit in reach.units
    groups = TimingGroup.table().c
    there = or_(exists().where(groups.unit == unit), exists().where(Person.unit == unit))
    return session.execute(select(there)).scalar_one()


def _was_asked_for(session: Session, counted: Reach, condition: ColumnElement[bool]) -> bool:
    """Whether there was such a request, also one of no unit for who may know of all."""
    units = () if counted.everywhere else (counted.of(TimingGroup.table().c.unit),)
    return session.execute(select(exists().where(condition, *units))).scalar_one()
