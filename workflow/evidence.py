"""What the office has to show for one request: its documents, signed or delivered without a signature, and
the run of events that proves when they were recorded.

In the log every event names the hash of the one before it. So the events from the request's first one to an
anchored one prove, with that anchor, that each of them stood there when the anchor was made: no other part of
the log is needed. Records name nobody, so other requests' events may be in the run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from documents.blobs import Blobs
from workflow.anchors import Anchor
from workflow.errors import NotFound, WorkflowError
from workflow.eventlog import Head
from workflow.logexport import CHUNK, body_line, event_line
from workflow.tables import AnchorRow, Body, Delivery, DocumentRow, Event, RenewalRow, Request


class NothingToShow(WorkflowError):
    """The request has no document that was signed or delivered: there is nothing to give evidence of."""

    code: ClassVar[str] = "workflow-evidence-nothing"


class NotAnchoredYet(WorkflowError):
    """No anchor is over the request's last event yet: nothing outside of the log speaks for it."""

    code: ClassVar[str] = "workflow-evidence-unanchored"


@dataclass(frozen=True)
class Run:
    """The events from the request's first one to the first anchored one at or after its last."""

    request_id: int
    first: int
    last_of_request: int
    anchor: Anchor

    def event_lines(self, session: Session) -> Iterator[bytes]:
        """Every record of the run, as exports hold it, one row at a time in memory."""
        events = Event.table()
        query = (
            select(events.c.record)
            .where(events.c.seq >= self.first, events.c.seq <= self.anchor.head.seq)
            .order_by(events.c.seq)
        )
        streamed = {"stream_results": True, "yield_per": CHUNK}
        for row in session.connection().execute(query, execution_options=streamed):
            yield event_line(row.record)

    def body_lines(self, session: Session) -> Iterator[bytes]:
        """The personal parts of the request's own events."""
        events, bodies = Event.table(), Body.table()
        query = (
            select(bodies.c.seq.label("body_seq"), bodies.c.salt, bodies.c.body)
            .join_from(events, bodies, events.c.seq == bodies.c.seq)
            .where(events.c.request_id == self.request_id, events.c.seq <= self.anchor.head.seq)
            .order_by(events.c.seq)
        )
        for row in session.connection().execute(query):
            yield body_line(row)


@dataclass(frozen=True)
class SignedDocument:
    """A document of the request as the office keeps it."""

    name: str
    revision: int
    number: str
    sha256: str
    delivered: bool
    pdf: bytes

    @property
    def stem(self) -> str:
        """Its name among files: by its name in the definition, which names nobody."""
        return f"{self.name}-{self.revision}"


@dataclass(frozen=True)
class Evidence:
    """Everything that is to be shown for one request."""

    request: Request
    run: Run
    documents: tuple[SignedDocument, ...]


def gather(session: Session, blobs: Blobs, request_id: int) -> Evidence:
    """Look all of it up; raises NotFound, NothingToShow, NotAnchoredYet, BlobError."""
    request = session.get(Request, request_id)
    if request is None:
        raise NotFound(request_id)
    documents = tuple(_documents(session, blobs, request_id))
    if not documents:
        raise NothingToShow(
            f"Request {request_id} has no document that was signed, or delivered without a signature"
            + (": it was destroyed." if request.destroyed_at else "."),
            hint="Evidence is of what was signed or delivered; the event log alone is written out with"
            " `paraaf export`.",
        )
    return Evidence(request, run_of(session, request_id), documents)


def run_of(session: Session, request_id: int) -> Run:
    """The run of events for a request; raises NotFound, NotAnchoredYet."""
    events, anchors = Event.table(), AnchorRow.table()
    connection = session.connection()
    own = select(func.min(events.c.seq), func.max(events.c.seq)).where(events.c.request_id == request_id)
    first, last = connection.execute(own).one()
    if first is None:
        raise NotFound(request_id)
    # over one event a timestamp before a seal, whose time is only said
    order = (anchors.c.seq, anchors.c.kind.desc(), anchors.c.made_at)
    found = connection.execute(select(anchors).where(anchors.c.seq >= last).order_by(*order).limit(1))
    row: Any = found.one_or_none()
    if row is None:
        raise NotAnchoredYet(
            f"No anchor is over event {last}, the last of request {request_id}.",
            hint="Say --anchor to have the log's head timestamped now, or wait for the worker's next anchor.",
        )
    return Run(
        request_id,
        first,
        last,
        Anchor(row.kind, Head(row.seq, row.hash), row.made_at, row.statement, row.proof),
    )


def _documents(session: Session, blobs: Blobs, request_id: int) -> Iterator[SignedDocument]:
    """The newest revision of each document that is signed, or was delivered without a signature."""
    query = select(DocumentRow).where(DocumentRow.request_id == request_id)
    rows = session.scalars(query.order_by(DocumentRow.name, DocumentRow.revision_no))
    delivered = delivered_digests(session, request_id)
    newest: dict[str, DocumentRow] = {}
    for row in rows:
        there = newest.get(row.name)
        ready = row.level_reached is not None or row.current_sha256 in delivered
        if ready or there is None or there.current_sha256 not in delivered:
            newest[row.name] = row
    for row in newest.values():
        if row.level_reached is not None or row.current_sha256 in delivered:  # some need no signature
            sha256 = row.current_sha256
            pdf = blobs.get(sha256)
            yield SignedDocument(row.name, row.revision_no, row.number, sha256, sha256 in delivered, pdf)


def delivered_digests(session: Session, request_id: int) -> set[str]:
    """The digests of what was handed over, and of what became of it: a renewed file is that file and more."""
    delivered = set(session.scalars(select(Delivery.sha256).where(Delivery.request_id == request_id)))
    renewals = (
        select(RenewalRow.source_sha256, RenewalRow.sha256)
        .join(DocumentRow, DocumentRow.id == RenewalRow.document_id)
        .where(DocumentRow.request_id == request_id)
        .order_by(RenewalRow.event_seq)
    )
    for source, sha256 in session.execute(renewals):
        if source in delivered:
            delivered.add(sha256)
    return delivered
