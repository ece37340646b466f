"""Scans that come back of what was signed on paper: kept as copies under the organisation's seal."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from signing.outside_errors import ScanRefusedError
from signing.scans import SEALED_COPY, Scan, require_whole
from workflow.brought import Brought
from workflow.commands import Answer
from workflow.faults import point
from workflow.outside import By, answered, executed, key_of, scan_command, waiting_request
from workflow.references import require_stored
from workflow.sealed_copies import sealed_copy
from workflow.tables import DocumentRow, ScanRow
from workflow.workbench import timed

if TYPE_CHECKING:
    from workflow.office import Office


def take_scan(office: "Office", scan: Scan, by: By) -> Answer:
    """Keep the scan of a document that was signed on paper: as a copy under the organisation's seal.

    The scan says which document it is of. Raises ScanRefusedError, SigningError, KeyLimitReached, NotFound,
    NothingOutside, BlobError, and what a command can meet: KeyReused before anything is sealed. The
    authority's server has to run, for the seal.
    """
    digest = sha256(b"".join(page.jpeg for page in scan.pages)).hexdigest()
    request_id = _request_of(office, scan.number)
    before = answered(office, request_id, digest, by, "scan")
    if before is not None:
        return before
    waiting = waiting_request(office, request_id, by, ("scan",))
    if waiting.document.number != scan.number:
        raise ScanRefusedError(
            f"The scan is of document {scan.number}, and request {request_id} waits for one of"
            f" {waiting.document.number}, which was made since.",
            hint="Have that one signed, and scan it.",
        )
    require_whole(scan, office.blobs.get(waiting.document.rendered_sha256))
    key = key_of(by, waiting.trigger.name, request_id, digest)  # of what came: no two seals are the same
    office.engine.repeated(scan_command(by, waiting.trigger.name, request_id, key, digest))
    us = {"scan": scan.read_us}
    with timed(us, "seal"):
        sealed = asyncio.run(sealed_copy(office, waiting.view, waiting.definition, scan))
    point("exchange.judged")
    with timed(us, "store"):
        stored = office.blobs.put(sealed)
    point("exchange.stored")
    document = waiting.document
    brought = scanned(
        document.name, document.revision_no, len(scan.pages), stored, len(sealed), durations_us=us
    )

    def record(session: Session, seq: int) -> None:
        require_stored(office.blobs, [stored])
        row = {"document_id": document.id, "sha256": stored, "pages": len(scan.pages), "event_seq": seq}
        session.connection().execute(insert(ScanRow.table()), [row])
        point("exchange.written")

    command = waiting.command(by, replace(brought, record=record), facts={})
    command = replace(command, key=key, brought=replace(command.brought or brought, sha256=digest))
    return executed(office, command)


def _request_of(office: "Office", number: str) -> int:
    """The request whose document bears a number. Raises ScanRefusedError."""
    query = select(DocumentRow.request_id).where(DocumentRow.number == number)
    with office.store.read() as session:
        found = session.scalars(query.order_by(DocumentRow.id.desc()).limit(1)).one_or_none()
    if found is None:
        raise no_document(number)
    return found


def no_document(number: str) -> ScanRefusedError:
    """What is told of a scan of no document of this office, or of none for who brings it."""
    return ScanRefusedError(f"No document here has the number {number}.", hint="Is it another office's?")


def scanned(
    document: str,
    revision: int,
    pages: int,
    sha256_hex: str,
    size: int,
    *,
    durations_us: Mapping[str, int],
) -> Brought:
    """A document that was signed on paper, as a sealed copy; without its row."""
    facts = {
        "document": document,
        "revision": revision,
        "pages": pages,
        "text": SEALED_COPY,
        "sha256": sha256_hex,
        "bytes": size,
        "durations_us": dict(durations_us),
    }
    return Brought("scan", sha256_hex, facts, {})
