"""The office: who one is, people and substitutes, processes, and the steps that wait."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from web.api.described import BASE, OBJECT, errors
from web.api.errors import DutyMissing
from web.api.guard import Caller, Operation, TheOffice, for_anybody, needs
from web.api.models import Links, MeTold
from web.api.office_models import (
    DefinitionLine,
    DefinitionList,
    DefinitionShown,
    IncidentList,
    IncidentTold,
    PersonList,
    PersonTold,
    RetryListed,
    RoleTold,
    SubstituteList,
    SubstituteTold,
)
from workflow.access import ADMINISTRATOR
from workflow.definition_show import as_json
from workflow.incidents import listed, retried
from workflow.tables import Grant, Person, Substitute
from workflow.tokens import INCIDENTS, PEOPLE, READ, Bearer

router = APIRouter(route_class=Operation)


@router.get("/", openapi_extra=for_anybody(), responses=errors(anybody=True))
def list_links() -> Links:
    """Tell where to begin; and where it is told how the office goes, which is not under this address."""
    return Links(
        openapi=f"{BASE}/openapi.json",
        docs=f"{BASE}/docs",
        problems=f"{BASE}/problems",
        me=f"{BASE}/me",
        requests=f"{BASE}/requests",
        queue=f"{BASE}/queue",
        definitions=f"{BASE}/definitions",
        alive="/healthz",
        ready="/readyz",
    )


@router.get("/me", openapi_extra=needs(READ), responses=errors())
def show_me(caller: Caller, office: TheOffice) -> MeTold:
    """Tell whom the token speaks for, and what it is for."""
    with office.store.read() as session:
        person = session.get_one(Person, caller.person)
        roles = set(session.scalars(select(Grant.role).where(Grant.person_id == caller.person)))
        return MeTold(
            id=person.id,
            name=person.name,
            unit=person.unit,
            roles=sorted(roles),
            token=caller.name,
            scopes=sorted(caller.scopes),
            expires_at=caller.expires_at,
        )


@router.get("/people", openapi_extra=needs(PEOPLE), responses=errors())
def list_people(caller: Caller, office: TheOffice) -> PersonList:
    """List those who work in the units that the person administers, with their roles."""
    with office.store.read() as session:
        everywhere, units = _administered(session, caller)
        if not (everywhere or units):
            raise DutyMissing("This is for administrators.", hint="Ask one, or the HR register.")
        query = select(Person).where(Person.active).order_by(Person.id)
        if not everywhere:
            query = query.where(Person.unit.in_(units))
        people = session.scalars(query).all()
        roles = _roles(session, [one.id for one in people])
        return PersonList(
            people=[
                PersonTold(id=one.id, name=one.name, unit=one.unit, roles=roles.get(one.id, []))
                for one in people
            ]
        )


@router.get("/substitutes", openapi_extra=needs(PEOPLE), responses=errors())
def list_substitutes(caller: Caller, office: TheOffice) -> SubstituteList:
    """List who stands in for whom: oneself, and those whom one administers."""
    with office.store.read() as session:
        everywhere, units = _administered(session, caller)
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
                if everywhere
                or caller.person in (row.substitute_id, row.principal_id)
                or theirs.get(row.principal_id) in units
            ]
        )


@router.get("/definitions", openapi_extra=needs(READ), responses=errors())
def list_definitions(_: Caller, office: TheOffice) -> DefinitionList:
    """List the processes, with the ways of signing and the versions of each."""
    return DefinitionList(
        definitions=[
            DefinitionLine(
                key=one.key,
                variant=one.variant,
                version=one.version,
                title=one.title,
                status=one.status,
                sha256=one.sha256_hex,
            )
            for one in office.catalogue
        ]
    )


@router.get(
    "/definitions/{sha256}",
    openapi_extra=needs(READ),
    responses=errors(*OBJECT),
)
def show_definition(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=["0" * 64])], _: Caller, office: TheOffice
) -> DefinitionShown:
    """Show the states of a process, their triggers, and where these lead: that with which a request began."""
    told = as_json(office.catalogue.by_hash(sha256))
    del told["file"]
    return DefinitionShown.model_validate(told)


@router.get("/incidents", openapi_extra=needs(INCIDENTS), responses=errors())
def list_incidents(
    caller: Caller,
    office: TheOffice,
    which: Annotated[Literal["open", "all"], Query(description="Those that are over, too.")] = "open",
) -> IncidentList:
    """List the steps that were given up, of requests that the person sees or administers.

    `repair` by POST /requests/{number}/commands, with `If-Match: *` where the request is not seen.
    """
    with office.store.read() as session:
        now, definition_of = office.clock(), office.engine.definition
        found = listed(
            session,
            definition_of=definition_of,
            now=now,
            with_resolved=which == "all",
            seen_by=caller.person,
        )
        waiting = retried(
            session,
            office.jobs.retries(session),
            definition_of=definition_of,
            now=now,
            seen_by=caller.person,
        )
    return IncidentList(
        incidents=[IncidentTold.model_validate(one) for one in found],
        retries=[RetryListed.model_validate(one) for one in waiting],
    )


def _administered(session: Session, caller: Bearer) -> tuple[bool, set[str]]:
    """Whether the person administers every unit; and which ones."""
    query = select(Grant.unit).where(Grant.person_id == caller.person, Grant.role == ADMINISTRATOR)
    units = set(session.scalars(query))
    return None in units, {unit for unit in units if unit is not None}


def _roles(session: Session, people: Sequence[str]) -> dict[str, list[RoleTold]]:
    found: dict[str, list[RoleTold]] = {}
    for row in session.scalars(select(Grant).where(Grant.person_id.in_(people)).order_by(Grant.role)):
        found.setdefault(row.person_id, []).append(RoleTold(role=row.role, unit=row.unit))
    return found
