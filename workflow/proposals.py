"""What is proposed to who fills in a document: where it is signed, and whom its reader may ask."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from documents.register import Register
from workflow.access import People
from workflow.people import name_of
from workflow.pinned import DefinitionOf, read_or_none
from workflow.reading import RequestView
from workflow.tables import Request, Task

LOOKED_AT: Final = 5
"""So many of the last tasks that somebody did are looked at for what they wrote."""
_PLACE, _NAME, _PHONE = "signing.place", "signing.contact_name", "signing.contact_phone"


def proposed(
    session: Session,
    view: RequestView,
    person: str,
    names: Mapping[str, tuple[str, ...]],
    register: Register | None,
    *,
    definition_of: DefinitionOf,
    today: date,
) -> dict[str, Any]:
    """By dotted name, what a clerk would write: the employer's town, the contact of their last document or
    else themselves, and who has to be named where only one can be.

    What the document has no such field for is proposed too. Of a document that they may not see any more
    nothing is: colleagues may have written in it since.
    """
    people = People.load(session, [person])

    def sees(request: Request) -> bool:
        definition = read_or_none(session, definition_of, request.definition_sha256)
        return definition is not None and people.sees(
            person, definition, request.unit, request.requester_id, today
        )

    contact = _last_contact(session, person, view.state, sees) or _themselves(session, person, register)
    town = (view.data.get("employer") or {}).get("town")
    only = {field: some[0] for field, some in names.items() if len(some) == 1}
    found = {_PLACE: town, **contact, **only}
    return {name: value for name, value in found.items() if value}


def _last_contact(
    session: Session, person: str, state: str, sees: Callable[[Request], bool]
) -> dict[str, Any]:
    """Whom they named last in such a state, in what they see."""
    last = (
        select(Task.request_id)
        .where(Task.done_by == person, Task.state == state)
        .order_by(Task.id.desc())
        .limit(LOOKED_AT)
    )
    for number in session.scalars(last):
        request = session.get(Request, number)
        signing = ((request.data if request is not None else None) or {}).get("signing") or {}
        if request is not None and signing.get("contact_phone") and sees(request):
            return {_NAME: signing.get("contact_name"), _PHONE: signing["contact_phone"]}
    return {}


def _themselves(session: Session, person: str, register: Register | None) -> dict[str, Any]:
    known = register.person(person) if register is not None and register.knows(person) else None
    return {_NAME: name_of(session, person), _PHONE: None if known is None else known.phone}
