"""The working set of one transaction: rows loaded by few queries, changed in memory, written by few
statements.

A batch of a hundred commands and a single one take the same way. Rows are read after the log's write lock
was taken, so nobody changes them meanwhile; every write still names the version it started from.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    null,
    select,
    tuple_,
)
from sqlalchemy.engine import Connection, Row
from sqlalchemy.orm import Session

from workflow import ledger_rows as rows
from workflow.brought import Brought
from workflow.cases import Case, OpenIncident, OpenTask
from workflow.commands import Answer, Command, StepRef
from workflow.definition_model import DELIVERED, Definition
from workflow.errors import DefinitionMissing
from workflow.eventlog import Appender
from workflow.machine import looks_back
from workflow.named import Bearers
from workflow.pinned import unread
from workflow.proofs import Shown
from workflow.tables import Body, CommandKey, Event, Hand, Incident, ProofRow, Request, Task


class Ledger:
    """Loads, holds and writes cases. `definitions` gives a definition by its SHA-256."""

    def __init__(
        self, session: Session, log: Appender, definitions: Callable[[Session, str], Definition]
    ) -> None:
        self.session = session
        self.log = log
        self._definitions = definitions
        self.cases: dict[int, Case] = {}
        self.answers: dict[tuple[str, str], tuple[str, Answer | None]] = {}
        """(actor, idempotency key) → digest of the command, and the answer; None for none to be read."""
        self._known_keys: set[tuple[str, str]] = set()
        self.references: dict[tuple[str, str, str], int] = {}
        self.bearers = Bearers(session)
        self.incidents: dict[int, OpenIncident] = {}
        self.refs: dict[int, StepRef] = {}
        self.shown: dict[tuple[str, int], Shown] = {}
        """(digest of a proof, request) → what is kept of it."""
        self._used_proofs: list[dict[str, Any]] = []
        self._new_keys: list[dict[str, Any]] = []
        self._drafts: dict[tuple[int, str, str], dict[str, Any]] = {}
        self._left: set[tuple[int, str]] = set()
        self._opened_incidents: list[dict[str, Any]] = []
        self._resolved_incidents: list[dict[str, Any]] = []
        self._brought: list[tuple[Brought, int]] = []
        self._next_request: int | None = None

    # --- reading

    def load(self, request_ids: Collection[int], *, unread_too: bool = False) -> None:
        """Read these requests with their open task and hands; numbers that don't exist are left out.

        Raises DefinitionMissing, but with `unread_too`: then a definition that can't be read has no states,
        and no request's data is read, which may be what can't be. It is not written unless it is changed.
        """
        wanted = [number for number in request_ids if number not in self.cases]
        if not wanted:
            return
        connection = self.session.connection()
        self._load_requests(connection, wanted, unread_too=unread_too)
        for row in connection.execute(_HANDS, {"ids": wanted}):
            self.cases[row.request_id].hands[row.rule, row.person_id] = row.state
        asking = [n for n in wanted if n in self.cases and looks_back(self.cases[n].definition)]
        for number in connection.scalars(_DELIVERED, {"ids": asking}) if asking else ():
            self.cases[number].delivered = True

    def load_keys(self, keys: Collection[tuple[str, str]]) -> None:
        """Read what was answered before under these idempotency keys of these actors."""
        wanted = set(keys) - self._known_keys
        if not wanted:
            return
        self._known_keys |= wanted
        for row in self.session.connection().execute(_ANSWERS, {"ids": list(wanted)}):
            self.answers[row.actor, row.key] = (row.body_sha256, _answer(row.answer))

    def load_proofs(self, digests: Collection[str]) -> None:
        """Read what is kept of these proofs, by their digests."""
        for row in self.session.connection().execute(_PROOFS, {"ids": list(digests)}):
            shown = Shown(row.person_id, row.version, row.method, row.made_at)
            self.shown[row.token_sha256, row.request_id] = shown

    def load_references(self, wanted: Collection[tuple[str, str, str]]) -> None:
        """Read which of these (key, requester, reference) are taken."""
        table = Request.table()
        columns = (table.c.key, table.c.requester_id, table.c.reference)
        found = self.session.connection().execute(
            select(table.c.id, *columns).where(tuple_(*columns).in_(list(wanted)))
        )
        for row in found:
            self.references[row.key, row.requester_id, row.reference] = row.id

    def load_reports(self, request_ids: Collection[int]) -> None:
        """Read the days that people reported on these requests before."""
        for row in self.session.connection().execute(_REPORTS, {"ids": list(request_ids)}):
            if row.request_id in self.cases and '"signed_on"' in row.record:
                self.cases[row.request_id].report(json.loads(row.record))

    def load_incidents(self, request_ids: Collection[int]) -> None:
        """Read the unresolved incidents of these requests."""
        table = Incident.table()
        found = self.session.connection().execute(
            select(table.c.id, table.c.request_id, table.c.state, table.c.step_seq, table.c.code).where(
                table.c.request_id.in_(list(request_ids)), table.c.resolved_at.is_(None)
            )
        )
        for row in found:
            self.incidents[row.request_id] = OpenIncident(row.id, row.state, row.step_seq, row.code)

    def _load_requests(self, connection: Connection, wanted: Sequence[int], *, unread_too: bool) -> None:
        query = _REQUESTS_WITHOUT_DATA if unread_too else _REQUESTS
        for row in connection.execute(query, {"ids": wanted}).all():
            self.cases[row.id] = self._case(row, self._definition(row, unread_too=unread_too))

    def _definition(self, row: Row[Any], *, unread_too: bool) -> Definition:
        try:
            return self._definitions(self.session, row.definition_sha256)
        except DefinitionMissing:
            if not unread_too:
                raise
            return unread(row.key, row.variant, row.definition_sha256)

    @staticmethod
    def _case(row: Row[Any], definition: Definition) -> Case:
        task = None if row.task_id is None else OpenTask(*_task_values(row))
        return Case(
            id=row.id,
            definition=definition,
            state=row.state,
            version=row.version,
            step_seq=row.step_seq,
            requester_id=row.requester_id,
            unit=row.unit,
            language=row.language,
            reference=row.reference,
            data=row.data or {},
            data_sha256=row.data_sha256,
            suspended_at=row.suspended_at,
            opened_at=row.opened_at,
            closed_at=row.closed_at,
            outcome=row.outcome,
            task=task,
            stored_version=row.version,
            stored_task=None if task is None else replace(task),
            stored_data_sha256=row.data_sha256,
        )

    # --- changing

    def _next_request_id(self) -> int:
        if self._next_request is None:
            highest = self.session.connection().execute(select(func.max(Request.table().c.id))).scalar()
            self._next_request = (highest or 0) + 1
        self._next_request += 1
        return self._next_request - 1

    def add(self, case: Case) -> None:
        """Take a new request in, and number it; the log's lock makes sure that a number is given once."""
        case.id = self._next_request_id()
        self.cases[case.id] = case
        if case.reference is not None:
            self.references[case.definition.key, case.requester_id, case.reference] = case.id

    def remember(self, command: Command, body_sha256: str, answer: Answer, at: datetime) -> None:
        """Keep the first answer under the actor's idempotency key."""
        self.answers[command.actor, command.key] = (body_sha256, replace(answer, repeated=True))
        kept = {
            "request_id": answer.request_id,
            "version": answer.version,
            "state": answer.state,
            "event_seq": answer.event_seq,
        }
        self._new_keys.append(
            {
                "actor": command.actor,
                "key": command.key,
                "request_id": answer.request_id,
                "body_sha256": body_sha256,
                "answer": kept,
                "recorded_at": at,
            }
        )

    def use_proof(self, sha256_hex: str, request_id: int) -> None:
        """A proof was good for this request, and is for nothing else any more."""
        del self.shown[sha256_hex, request_id]
        self._used_proofs.append({"b_token": sha256_hex, "b_request": request_id})

    def save_draft(self, case: Case, command: Command, at: datetime) -> None:
        """Keep what a person has typed, in place of their earlier draft of this state."""
        self._drafts[case.id, case.state, command.actor] = {
            "request_id": case.id,
            "state": case.state,
            "person_id": command.actor,
            "data": dict(command.data),
            "remark": command.remark,
            "saved_at": at,
        }

    def bring(self, brought: Brought, seq: int) -> None:
        """The rows of a file that went out or came back are written with the event."""
        self._brought.append((brought, seq))

    def drop_drafts(self, case: Case) -> None:
        """The request leaves its state: nobody's draft of it is of use."""
        self._left.add((case.id, case.state))
        self._drafts = {key: draft for key, draft in self._drafts.items() if key[:2] != (case.id, case.state)}

    def open_incident(self, case: Case, step: str, code: str, message: str, at: datetime) -> None:
        """A step of this request waits for a person."""
        self._opened_incidents.append(
            {
                "request_id": case.id,
                "state": case.state,
                "step_seq": case.step_seq,
                "step": step,
                "code": code,
                "message": message,
                "opened_at": at,
            }
        )

    def resolve_incident(self, incident: OpenIncident, case: Case, person: str | None, at: datetime) -> None:
        """A person says that the step may be tried again; or nobody had to, and the step has ended."""
        self.incidents.pop(case.id, None)
        self._resolved_incidents.append({"b_id": incident.id, "b_at": at, "b_by": person})

    # --- writing

    def write(self) -> None:
        """Write everything. Raises Raced, or SQLAlchemy's IntegrityError when a constraint objects."""
        connection = self.session.connection()
        cases = [case for case in self.cases.values() if case.version != case.stored_version]
        rows.write_definitions(connection, {case.definition for case in cases if case.stored_version is None})
        rows.write_requests(connection, cases)
        self.log.write()
        rows.write_tasks(connection, cases)
        rows.write_hands(connection, cases)
        rows.write_drafts(connection, self._left, self._drafts)
        rows.resolve_incidents(connection, self._resolved_incidents)
        rows.insert_rows(connection, Incident.table(), self._opened_incidents)
        rows.insert_rows(connection, CommandKey.table(), self._new_keys)
        rows.remove_proofs(connection, self._used_proofs)
        for brought, seq in self._brought:
            brought.record(self.session, seq)


def _answer(recorded: str | None) -> Answer | None:
    """What was answered; None for what can't be read."""
    try:
        return None if recorded is None else Answer.recorded(json.loads(recorded))
    except ValueError:  # it is no JSON
        return None


_task_values = attrgetter(*(f"task_{name}" for name in rows.TASK_FIELDS))
_some: BindParameter[Any] = bindparam("ids", expanding=True)
_requests, _tasks, _hands, _keys = Request.table(), Task.table(), Hand.table(), CommandKey.table()


def _requests_with(*columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(*columns, *(column.label(f"task_{column.name}") for column in _tasks.c))
        .outerjoin_from(
            _requests, _tasks, and_(_tasks.c.request_id == _requests.c.id, _tasks.c.closed_at.is_(None))
        )
        .where(_requests.c.id.in_(_some))
    )


_REQUESTS = _requests_with(*_requests.c)
_REQUESTS_WITHOUT_DATA = _requests_with(
    *(column for column in _requests.c if column is not _requests.c.data), null().label("data")
)
_HANDS = select(_hands).where(_hands.c.request_id.in_(_some))
# as text: the driver would stop at one that is no JSON, and with it all the others of the batch
_ANSWERS = select(
    _keys.c.actor, _keys.c.key, _keys.c.body_sha256, cast(_keys.c.answer, Text).label("answer")
).where(tuple_(_keys.c.actor, _keys.c.key).in_(_some))
_proofs = ProofRow.table()
_PROOFS = select(_proofs).where(_proofs.c.token_sha256.in_(_some))
_events, _bodies = Event.table(), Body.table()
_REPORTS = select(_events.c.request_id, _events.c.record).where(_events.c.request_id.in_(_some))
# records are canonical: no space in them, and a text has its quotes escaped
_DELIVERED = select(_events.c.request_id).where(
    _events.c.request_id.in_(_some), _events.c.record.contains(f'"mark":"{DELIVERED}"')
)
