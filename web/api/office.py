"""The office: who one is, processes, and the steps that wait."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from sqlalchemy import select

from web.api.described import BASE, OBJECT, errors
from web.api.guard import Caller, Operation, TheOffice, for_anybody, needs
from web.api.models import Links, MeTold, ReasonTold
from web.api.office_models import (
    DefinitionLine,
    DefinitionList,
    DefinitionShown,
    IncidentList,
    IncidentTold,
    Prefilled,
    RetryListed,
)
from workflow.definition_show import as_json
from workflow.incidents import listed, retried
from workflow.registered import prefilled
from workflow.tables import Grant, Person
from workflow.tokens import INCIDENTS, READ

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=["0" * 64])]

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
def show_definition(sha256: Digest, _: Caller, office: TheOffice) -> DefinitionShown:
    """Show the states of a process, their triggers, and where these lead: that with which a request began."""
    told = as_json(office.catalogue.by_hash(sha256))
    del told["file"]
    return DefinitionShown.model_validate(told)


@router.get("/definitions/{sha256}/prefill", openapi_extra=needs(READ), responses=errors(*OBJECT))
def show_prefilled(sha256: Digest, caller: Caller, office: TheOffice) -> Prefilled:
    """Tell what the office knows already for a request of one's own, and what stands in its way."""
    definition = office.catalogue.by_hash(sha256)
    [document, *_] = definition.documents.values()
    reasons = office.engine.why_not_begun(definition.key, definition.variant, caller.person)
    return Prefilled(
        data=prefilled(office.register, caller.person, document.kind, office.today(definition)),
        reasons=[ReasonTold.model_validate(one) for one in reasons],
    )


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
