"""Files of a request that were given out or came back, for whoever may see the request: as they are kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from signing.scans import SEALED_COPY
from workflow.brought import EVENTS
from workflow.definition_model import OutsideFile
from workflow.errors import WorkflowError
from workflow.tables import DocumentRow, Event, ScanRow

if TYPE_CHECKING:
    from workflow.office import Office

_WORDS: Final[Mapping[OutsideFile, str]] = {
    "given": "the file that was given out",
    "signed": "the signed file",
    "scan": SEALED_COPY,
}

_WANTED: Final[Mapping[OutsideFile, str]] = {
    "given": "file that was given out",
    "signed": "file that came back signed",
    "scan": "kept scan",
}

_LATEST_FIRST: Final[tuple[OutsideFile, ...]] = ("scan", "signed", "given")


class NothingKept(WorkflowError):
    """The request has no such file: none went out, none came back, or it was destroyed."""

    code: ClassVar[str] = "workflow-outside-nothing-kept"


@dataclass(frozen=True)
class KeptFile:
    """A file as it is kept: of which document it is, and what it is, in words too."""

    number: str
    file: OutsideFile
    sha256: str
    pdf: bytes

    @property
    def what(self) -> str:
        """What it is; of a sealed copy, that it is no signature."""
        return _WORDS[self.file]


def kept_file(office: "Office", request_id: int, who: str, file: OutsideFile | None = None) -> KeptFile:
    """The newest file of this kind; without `file` the last that came back or, before, went out.

    Raises NotFound for who may not see the request, Refused for a name that nobody has, NothingKept,
    BlobError.
    """
    office.engine.show(request_id, who)  # who may see it, may have its documents
    with office.store.read() as session:
        found = {each: digest for each, digest in _kept(session, request_id).items() if file in (None, each)}
    for each in _LATEST_FIRST:
        if each in found:
            number, sha256 = found[each]
            return KeptFile(number, each, sha256, office.blobs.get(sha256))
    what = "file that was given out or came back" if file is None else _WANTED[file]
    raise NothingKept(
        f"Request {request_id} has no {what}.", hint=f"See `paraaf show {request_id} --as {who}`."
    )


def kept_kinds(session: Session, request_id: int) -> list[OutsideFile]:
    """Which files of a request there are, whoever asks, in the order in which they came about."""
    found = _kept(session, request_id)
    return [each for each in reversed(_LATEST_FIRST) if each in found]


def _kept(session: Session, request_id: int) -> dict[OutsideFile, tuple[str, str]]:
    """Number and SHA-256 of the newest of each kind; of a destroyed request nothing."""
    told = select(Event.type, Event.record).where(
        Event.request_id == request_id, Event.type.in_(EVENTS.values())
    )
    happened = {(row.type, json.loads(row.record)["sha256"]) for row in session.execute(told)}
    came_back_signed = any(kind == EVENTS["signed"] for kind, _ in happened)
    documents = select(DocumentRow).where(DocumentRow.request_id == request_id, DocumentRow.number != "")
    found: dict[OutsideFile, tuple[str, str]] = {}
    for document in session.scalars(documents.order_by(DocumentRow.id)):
        scan = select(ScanRow.sha256).where(ScanRow.document_id == document.id)
        if (sha256 := session.scalars(scan).one_or_none()) is not None:
            found["scan"] = document.number, sha256
        if came_back_signed and document.level_reached is not None:
            found["signed"] = document.number, document.current_sha256
        if (EVENTS["given"], document.rendered_sha256) in happened:
            found["given"] = document.number, document.rendered_sha256
    return found
