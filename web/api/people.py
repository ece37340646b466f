"""People, their roles, and who stands in for whom."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select

from web.api.described import BODY, errors
from web.api.errors import DutyMissing, Misshapen, wrong
from web.api.guard import Caller, Operation, TheOffice, needs
from web.api.office_models import (
    PersonList,
    PersonTold,
    RoleTold,
    SubstituteList,
    SubstituteSent,
    SubstituteTold,
)
from workflow import staff
from workflow.command_form import NAME_LONGEST
from workflow.substitutes import Substitution
from workflow.tables import Person, Substitute
from workflow.tokens import PEOPLE, STAND_IN

router = APIRouter(route_class=Operation)

_Person = Annotated[str, Query(min_length=1, max_length=NAME_LONGEST, examples=["P020"])]


@router.get("/people", openapi_extra=needs(PEOPLE), responses=errors())
def list_people(caller: Caller, office: TheOffice) -> PersonList:
    """List those who work in the units that the person administers, with their roles."""
    with office.store.read() as session:
        reach = staff.administers(session, caller.person, office.newest_day)
        if not reach:
            raise DutyMissing("This is for administrators.", hint="Ask one, or the HR register.")
        return PersonList(
            people=[
                PersonTold(
                    id=one.id,
                    name=one.name,
                    unit=one.unit,
                    roles=[RoleTold(role=role, unit=unit) for role, unit in one.roles],
                )
                for one in staff.staff(session, reach, limit=None)
            ]
        )


@router.get("/substitutes", openapi_extra=needs(PEOPLE), responses=errors())
def list_substitutes(caller: Caller, office: TheOffice) -> SubstituteList:
    """List who stands in for whom: oneself, and those whom one administers."""
    with office.store.read() as session:
        reach = staff.administers(session, caller.person, office.newest_day)
        rows = session.scalars(select(Substitute).order_by(Substitute.valid_from, Substitute.id)).all()
        named = select(Person).where(Person.id.in_({row.principal_id for row in rows}))
        theirs = {one.id: one.unit for one in session.scalars(named)}
        return SubstituteList(
            substitutes=[
                SubstituteTold(
                    who=row.substitute_id,
                    principal=row.principal_id,
                    role=row.role,
                    first_day=row.valid_from,
                    last_day=row.valid_until,
                )
                for row in rows
                if caller.person in (row.substitute_id, row.principal_id)
                or theirs.get(row.principal_id, "") in reach
            ]
        )


@router.put("/substitutes", openapi_extra=needs(STAND_IN), responses=errors(*BODY))
def name_substitute(sent: SubstituteSent, caller: Caller, office: TheOffice) -> SubstituteTold:
    """Let somebody stand in for oneself, or for somebody of a unit that one administers.

    What was said before is said once: this needs no idempotency key.
    """
    wanted = Substitution(
        sent.who,
        sent.principal,
        sent.role,
        _day(sent.first_day, "first_day"),
        _day(sent.last_day, "last_day"),
    )
    today, now = office.newest_day, office.clock()
    with office.store.write() as session:
        staff.name_for(session, wanted, by=caller.person, today=today, now=now, channel="program")
    return _told(wanted)


@router.delete("/substitutes", openapi_extra=needs(STAND_IN), responses=errors())
def end_substitutes(
    who: _Person,
    principal: _Person,
    caller: Caller,
    office: TheOffice,
    role: Annotated[
        str | None, Query(min_length=1, max_length=NAME_LONGEST, description="In this role alone.")
    ] = None,
) -> SubstituteList:
    """Have somebody stand in no more, from today on; gives what was ended, with the last day that is left."""
    today, now = office.newest_day, office.clock()
    with office.store.write() as session:
        ended = staff.end_for(
            session, who, principal, role, by=caller.person, today=today, now=now, channel="program"
        )
    return SubstituteList(substitutes=[_told(one) for one in ended])


def _told(one: Substitution) -> SubstituteTold:
    return SubstituteTold(
        who=one.substitute_id,
        principal=one.principal_id,
        role=one.role,
        first_day=one.first,
        last_day=one.last,
    )


def _day(text: str, field: str) -> date:
    """The day. Raises Misshapen for one that no calendar has."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misshapen([wrong("There is no such day.", field)]) from None
