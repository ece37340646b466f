"""The documents of a request as files, for whoever may see the request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import select

from workflow.errors import WorkflowError
from workflow.tables import DocumentRow

if TYPE_CHECKING:
    from workflow.office import Office


class DocumentNotThere(WorkflowError):
    """The request has no document of this name: not yet, or not any more."""

    code: ClassVar[str] = "workflow-document-not-there"
    impersonal: ClassVar[bool] = True


@dataclass(frozen=True)
class RequestFile:
    """The present revision of a document: `sha256` of its file now, `drawn_sha256` as it was before anybody
    signed it."""

    request_id: int
    name: str
    kind: str
    number: str
    sha256: str
    drawn_sha256: str
    level: str | None


def request_file(office: "Office", request_id: int, name: str, who: str) -> RequestFile:
    """A document by its name in the process.

    Raises NotFound for who may not see the request, Refused for a name that nobody has, DocumentNotThere.
    """
    view = office.engine.show(request_id, who)
    shown = next((one for one in view.documents if one.name == name and one.number), None)
    if shown is None:
        raise DocumentNotThere(
            f"Request {request_id} has no such document.", hint="It is made once the request is approved."
        )
    with office.store.read() as session:
        drawn = session.scalars(select(DocumentRow.rendered_sha256).where(DocumentRow.id == shown.id)).one()
    return RequestFile(
        request_id, name, shown.kind, shown.number, shown.current_sha256, drawn, shown.level_reached
    )
