"""Who has opened a document, as it is now: asked for before they sign, where the profile says so.

Whoever gives somebody the file says so with `note_opening`; the engine looks before it lets them lead on to a
signature. It is of the file's very digest: what was changed or signed by another since is opened anew.
"""

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signing.organisation import Organisation
from wording import Sentence
from workflow.cases import Case
from workflow.commands import Command
from workflow.definition_model import Branch
from workflow.errors import Reason
from workflow.leading import document_signed_in, leading_to_signature
from workflow.tables import DocumentRow, Opening, Request

if TYPE_CHECKING:
    from workflow.office import Office

UNOPENED = "unopened"


def note_opening(office: "Office", request_id: int, name: str, sha256: str, who: str) -> None:
    """Keep that somebody was given a document, by its name and its file's digest: once, and where its
    profile asks for it.
    """
    row = _unnoted(office, request_id, name, sha256, who)
    if row is None:
        return
    opening = Opening(
        document_id=row.id,
        sha256=row.current_sha256,
        person_id=who,
        request_id=request_id,
        opened_at=office.clock(),
    )
    try:
        with office.store.write() as session:
            session.add(opening)
    except IntegrityError:  # opened twice at once
        return


def has_to_open(office: "Office", request_id: int, name: str, sha256: str, who: str) -> bool:
    """Whether it counts for somebody, here and now, that they are given a document: it did not happen yet."""
    return _unnoted(office, request_id, name, sha256, who) is not None


def _unnoted(office: "Office", request_id: int, name: str, sha256: str, who: str) -> DocumentRow | None:
    """The document whose opening is asked for and was not kept yet."""
    with office.store.read() as session:
        request = session.get_one(Request, request_id)
        definition = office.engine.definition(session, request.definition_sha256)
        profile = office.profiles.get(definition.signing)
        if profile is None or not profile.opened_first:
            return None
        row = _last(session, request_id, name)
        if row is None or row.current_sha256 != sha256 or is_opened(session, row, who):
            return None
        return row


def is_opened(session: Session, document: DocumentRow, who: str) -> bool:
    """Whether somebody has opened a document, as it is now."""
    return session.get(Opening, (document.id, document.current_sha256, who)) is not None


def why_not_opened(
    session: Session, case: Case, command: Command, _branch: Branch, *, signing: Organisation
) -> Reason | None:
    """Why a command can't lead to a signature yet: whoever gives it has not opened the document."""
    profile = signing.profiles.get(case.definition.signing)
    if profile is None or not profile.opened_first:
        return None
    state = leading_to_signature(case.definition, case.state).get(command.trigger)
    document = None if state is None else document_signed_in(case.definition, state)
    row = None if document is None else _last(session, case.id, document)
    if row is None or is_opened(session, row, command.actor):
        return None
    return Reason(
        "unopened",  # UNOPENED; written out, as docs/errors.md is held to
        Sentence.for_both(
            "Open the document first, as it is now: on its page, or with `paraaf show N -o FILE.pdf`.",
            "Open the document first, as it is now.",
        ),
        "trigger",
    )


def _last(session: Session, request_id: int, name: str) -> DocumentRow | None:
    query = select(DocumentRow).where(DocumentRow.request_id == request_id, DocumentRow.name == name)
    return session.scalars(query.order_by(DocumentRow.revision_no.desc()).limit(1)).one_or_none()
