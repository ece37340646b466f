"""What a person may see of one request: its data, documents and history, and what they can do with it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.cases import Case
from workflow.holds import PLACED, RELEASED
from workflow.tables import Body, DocumentRow, Draft, Event, Hold, Incident, Request


@dataclass(frozen=True)
class HistoryEntry:
    """One event of a request: `record` as hashed, `body` the personal part, None when erased or when there
    is none."""

    seq: int
    at: str
    type: str
    record: Mapping[str, Any]
    body: Mapping[str, Any] | None


@dataclass(frozen=True)
class DocumentView:
    """A document's present revision."""

    id: int
    name: str
    kind: str
    revision_no: int
    number: str
    current_sha256: str
    level_reached: str | None


@dataclass(frozen=True)
class IncidentView:
    """An unresolved incident."""

    state: str
    step: str
    code: str
    message: str
    opened_at: datetime


@dataclass(frozen=True)
class DraftView:
    """What a person has typed in the request's present state and not yet sent: whole sections, by name,
    and what they mean to say with them."""

    data: Mapping[str, Any]
    remark: str | None
    saved_at: datetime


@dataclass(frozen=True)
class RequestView:
    """A request as a person who may see it sees it. `possible`: what that person can do with it now; `draft`:
    their own draft, which nobody else sees; `holds` that nobody has released keep it from being destroyed;
    `learns_why_held`: who placed them and why is for that person."""

    id: int
    key: str
    variant: str
    definition_sha256: str
    state: str
    version: int
    requester_id: str
    unit: str
    language: str
    reference: str | None
    data: Mapping[str, Any]
    opened_at: datetime
    suspended_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    destroyed_at: datetime | None
    holds: tuple[int, ...]
    learns_why_held: bool
    claimed_by: str | None
    possible: tuple[str, ...]
    draft: DraftView | None
    documents: tuple[DocumentView, ...]
    incident: IncidentView | None
    history: tuple[HistoryEntry, ...]


def view(
    session: Session, case: Case, possible: Iterable[str], actor: str, *, learns_why_held: bool
) -> RequestView:
    """A request with its documents, its incident, its history and the actor's draft.

    Whether it may be seen was asked before, and whether they learn why it is on hold.
    """
    task = case.task
    return RequestView(
        id=case.id,
        key=case.definition.key,
        variant=case.definition.variant,
        definition_sha256=case.definition.sha256_hex,
        state=case.state,
        version=case.version,
        requester_id=case.requester_id,
        unit=case.unit,
        language=case.language,
        reference=case.reference,
        data=case.data,
        opened_at=case.opened_at,
        suspended_at=case.suspended_at,
        closed_at=case.closed_at,
        outcome=case.outcome,
        destroyed_at=session.scalars(select(Request.destroyed_at).where(Request.id == case.id)).one(),
        holds=_holds(session, case.id),
        learns_why_held=learns_why_held,
        claimed_by=None if task is None else task.claimed_by,
        possible=tuple(possible),
        draft=_draft(session, case, actor),
        documents=_documents(session, case.id),
        incident=_incident(session, case.id),
        history=tuple(
            entry if learns_why_held or entry.type not in (PLACED, RELEASED) else replace(entry, body=None)
            for entry in history(session, case.id)
        ),
    )


def history(session: Session, request_id: int) -> Iterator[HistoryEntry]:
    """The events of a request, in their order."""
    events, bodies = Event.table(), Body.table()
    query = (
        select(events.c.seq, events.c.recorded_at, events.c.type, events.c.record, bodies.c.body)
        .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
        .where(events.c.request_id == request_id)
        .order_by(events.c.seq)
    )
    for seq, at, kind, record, body in session.connection().execute(query):
        yield HistoryEntry(seq, at, kind, json.loads(record), None if body is None else json.loads(body))


def _documents(session: Session, request_id: int) -> tuple[DocumentView, ...]:
    table = DocumentRow.table()
    query = select(table).where(table.c.request_id == request_id).order_by(table.c.name, table.c.revision_no)
    newest = {row.name: row for row in session.connection().execute(query)}
    return tuple(
        DocumentView(
            row.id,
            row.name,
            row.kind,
            row.revision_no,
            row.number,
            row.current_sha256,
            row.level_reached,
        )
        for row in newest.values()
    )


def _holds(session: Session, request_id: int) -> tuple[int, ...]:
    query = select(Hold.id).where(Hold.request_id == request_id, Hold.released_at.is_(None))
    return tuple(session.scalars(query.order_by(Hold.id)))


def _draft(session: Session, case: Case, person: str) -> DraftView | None:
    draft = session.get(Draft, (case.id, case.state, person))
    return None if draft is None else DraftView(draft.data, draft.remark, draft.saved_at)


def _incident(session: Session, request_id: int) -> IncidentView | None:
    table = Incident.table()
    row = (
        session.connection()
        .execute(select(table).where(table.c.request_id == request_id, table.c.resolved_at.is_(None)))
        .one_or_none()
    )
    return None if row is None else IncidentView(row.state, row.step, row.code, row.message, row.opened_at)
