"""Documents that go out, to be signed elsewhere or on paper."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workflow.brought import Brought
from workflow.commands import Answer
from workflow.outside import By, answered, executed, newest_document, waiting_request
from workflow.tables import DocumentRow
from workflow.workbench import timed

if TYPE_CHECKING:
    from workflow.office import Office


@dataclass(frozen=True)
class Given:
    """A document that goes out: its file, and what came of the command; None where it had gone out before."""

    number: str
    pdf: bytes
    sha256: str
    answer: Answer | None
    durations_us: Mapping[str, int] = field(default_factory=dict)
    """Microseconds by a monotonic clock, by step: so for every file that goes out or comes back."""


def given_out(office: "Office", request_id: int, by: By) -> Given:
    """The file of the document as it was drawn, which goes out; nothing is recorded yet.

    Whoever gave it out, and whoever may bring it back, may have it again. Raises NotFound, Refused,
    NothingOutside, KeyReused, BlobError.
    """
    if (before := _given_before(office, request_id, by)) is not None:
        return before
    return _given(office, waiting_request(office, request_id, by, ("given", "signed", "scan")).document)


def give(office: "Office", request_id: int, by: By) -> Given:
    """Record that the document goes out; its digest is in the event.

    Raises as `given_out`, and what a command can meet.
    """
    if (before := _given_before(office, request_id, by)) is not None:
        return before
    waiting = waiting_request(office, request_id, by, ("given", "signed", "scan"))
    given = _given(office, waiting.document)
    if waiting.trigger.file != "given":
        return given
    document = waiting.document
    brought = exported(
        document.name, document.revision_no, given.sha256, len(given.pdf), durations_us=given.durations_us
    )
    answer = executed(office, waiting.command(by, brought, facts={}))
    return replace(given, answer=answer)


def exported(
    document: str, revision: int, sha256_hex: str, size: int, *, durations_us: Mapping[str, int]
) -> Brought:
    """A document that goes out; no row changes."""
    facts = {
        "document": document,
        "revision": revision,
        "sha256": sha256_hex,
        "bytes": size,
        "durations_us": dict(durations_us),
    }
    return Brought("given", sha256_hex, facts, {})


def _given_before(office: "Office", request_id: int, by: By) -> Given | None:
    """What the same person gave out before, with the first answer; None when they have not given this out.

    They may not go on with the request any more, but have to see it. Raises NotFound, Refused, KeyReused.
    """
    office.engine.show(request_id, by.actor)
    with office.store.read() as session:
        document = newest_document(session, request_id)
    if document is None:
        return None
    answer = answered(office, request_id, document.rendered_sha256, by, "given")
    return None if answer is None else replace(_given(office, document), answer=answer)


def _given(office: "Office", document: DocumentRow) -> Given:
    digest, us = document.rendered_sha256, dict[str, int]()
    with timed(us, "export"):  # read, and held to its digest
        pdf = office.blobs.get(digest)
    return Given(document.number, pdf, digest, None, us)
