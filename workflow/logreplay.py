"""What the log says of every request, beside what the tables say of it.

The events are played again, in memory; then the rows of requests, tasks, hands, definitions, documents,
signatures and incidents are held against them. Who acted is known only while a body is not erased; without
it, the rest is still compared. Of a request that was destroyed, the rows must say no more than is kept.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.definition_errors import DefinitionRefused
from workflow.definition_model import WITHDRAW, Definition
from workflow.definition_reader import read
from workflow.destruction import DESTROYED, remains
from workflow.errors import LogUnwritable
from workflow.eventlog import ERASED, utc_text
from workflow.holds import PLACED, RELEASED
from workflow.judge import data_digest, office_day, rules_of
from workflow.keeping import due_day
from workflow.tables import DefinitionSource, DocumentRow, Hand, Hold, Incident, Request, SignatureRow, Task

OF_KEEPING = frozenset({ERASED, DESTROYED, PLACED, RELEASED})
"""Events that say how long a request is kept, and nothing of where it is."""
# What is noted of a request without changing it: its version stays.
NOTES = OF_KEEPING | {"task_reminded", "task_escalated"}
NOT_BY_PEOPLE = NOTES - {PLACED, RELEASED} | {
    "document_rendered",
    "document_signed",
    "document_delivered",
    "step_failed",
    "incident_opened",
}
Disagreement = tuple[int, str]
"""The event that a row should follow from, and what disagrees."""


@dataclass(slots=True)
class _Told:
    """One request, as far as the events went."""

    definition: str
    opened_at: str = ""
    unit: object = None
    state: str = ""
    version: int = 0
    step_seq: int = 0
    last_seq: int = 0
    outcome: str | None = None
    requester: str | None = None
    data_sha256: str | None = None  # None: not known, because the body is erased
    task: int | None = None
    acted: set[tuple[str, str]] = field(default_factory=set)
    everybody_known: bool = True
    ended_at: str = ""
    holds: set[int] = field(default_factory=set)  # not released
    destroyed_at: str = ""


@dataclass(slots=True)
class _ToldTask:
    request_id: int
    state: str
    claimed_by: str | None = None
    claimed_for: str | None = None
    done_by: str | None = None
    done_for: str | None = None
    closed: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class _ToldDocument:
    """Where a document was rendered to and its digest; what is printed on it, None where that is erased."""

    made: tuple[int, object, object, object]
    printed: tuple[object, object]


@dataclass(frozen=True, slots=True)
class _ToldSignature:
    """The field, digest and level of a signature; who signed with which certificate, None where erased."""

    request_id: int
    made: tuple[object, object, object]
    by: tuple[object, object]


@dataclass(slots=True)
class _ToldIncident:
    state: str
    step_seq: int
    step: object
    code: object
    open: bool = True
    resolved_by: str | None = None
    known: bool = True


class Replay:
    """Takes the events in their order, then compares.

    Raises TypeError, ValueError, AttributeError or KeyError where values have other forms than ours.
    """

    def __init__(self) -> None:
        self._requests: dict[int, _Told] = {}
        self._tasks: dict[int, _ToldTask] = {}
        self._rendered: dict[int, _ToldDocument] = {}
        self._files: dict[tuple[int, object, object], tuple[object, object]] = {}  # digest, level
        self._signed: dict[int, _ToldSignature] = {}
        self._holds: dict[int, tuple[int, bool]] = {}
        self._incidents: dict[int, list[_ToldIncident]] = {}

    def event(self, seq: int, request_id: int, kind: str, said: Mapping[str, Any], body: str | None) -> str:
        """Take an event; gives what can't be after the ones before, or ""."""
        told = self._requests.get(request_id)
        if told is None:
            told = self._requests[request_id] = _Told(
                str(said.get("definition")), opened_at=str(said.get("at")), unit=said.get("unit")
            )
            told.state = str(said.get("from"))
        told.last_seq = seq
        if told.destroyed_at:
            return "The request was destroyed before."
        if kind in NOTES:
            return self._noted(told, seq, request_id, kind, said)
        told.version += 1
        here = said.get("from", said.get("state"))
        wrong = "" if here == told.state and told.outcome is None else f"The request was in {told.state!r}."
        who = None if body is None else _read_body(body)
        if kind not in NOT_BY_PEOPLE:
            self._person(told, kind, said, who)
        wrong = self._incident(told, request_id, kind, said, who) or wrong
        if "to" in said:
            self._moved(told, seq, request_id, said)
        self._document(seq, request_id, kind, said, who or {})
        return wrong

    def _noted(self, told: _Told, seq: int, request_id: int, kind: str, said: Mapping[str, Any]) -> str:
        if kind == PLACED:
            told.holds.add(seq)
            self._holds[seq] = (request_id, False)
        elif kind == RELEASED:
            hold = said.get("hold")
            if hold not in told.holds:
                return "There was no such hold to release."
            told.holds.discard(hold)
            self._holds[hold] = (request_id, True)
        elif kind == DESTROYED:
            told.destroyed_at = str(said.get("at"))
            if told.outcome is None:
                return "The request was destroyed before it had ended."
            if told.holds:
                return "The request was destroyed although it was on hold."
        return ""

    def _person(self, told: _Told, kind: str, said: Mapping[str, Any], who: dict[str, Any] | None) -> None:
        actor = principal = None
        if who is None:
            told.everybody_known = False
        else:
            actor, principal = who.get("actor"), who.get("on_behalf_of")
        if told.version == 1:
            told.requester = principal or actor
        if "to" in said:
            told.data_sha256 = None if who is None else who.get("data_sha256")
            if said.get("trigger") != WITHDRAW:
                told.acted |= {(told.state, str(one)) for one in (actor, principal) if one is not None}
        task = self._tasks.get(told.task) if told.task is not None else None
        if task is None:
            return
        task.known = task.known and who is not None
        if "to" in said:
            task.done_by, task.done_for = actor, principal
        elif kind == "task_claimed":
            task.claimed_by, task.claimed_for = actor, principal
        elif kind == "task_released":
            task.claimed_by = task.claimed_for = None

    def _incident(
        self,
        told: _Told,
        request_id: int,
        kind: str,
        said: Mapping[str, Any],
        who: dict[str, Any] | None,
    ) -> str:
        """Open or close an incident; gives what can't be, or ""."""
        last = self._incidents.get(request_id, [])[-1:]
        still_open = [incident for incident in last if incident.open]
        if kind == "incident_opened":
            incident = _ToldIncident(told.state, told.step_seq, said.get("step"), said.get("code"))
            self._incidents.setdefault(request_id, []).append(incident)
            return "It had an incident already." if still_open else ""
        if kind != "incident_resolved" and "to" not in said:
            return ""
        for incident in still_open:
            incident.open = False
            if kind == "incident_resolved":
                incident.known, incident.resolved_by = who is not None, (who or {}).get("actor")
        # the first release closed an incident with the step, and did not say so
        settled = said.get("code" if kind == "incident_resolved" else "incident")
        if settled is not None and settled not in {incident.code for incident in still_open}:
            return f"No incident {settled!r} was open."
        return ""

    def _moved(self, told: _Told, seq: int, request_id: int, said: Mapping[str, Any]) -> None:
        if told.task is not None:
            self._tasks[told.task].closed = True
        told.task = None
        told.state, told.step_seq, told.outcome = str(said["to"]), seq, said.get("outcome")
        told.ended_at = str(said.get("at"))
        if said.get("task") == seq:
            told.task = seq
            self._tasks[seq] = _ToldTask(request_id, told.state)

    def _document(
        self, seq: int, request_id: int, kind: str, said: Mapping[str, Any], who: Mapping[str, Any]
    ) -> None:
        if "document" not in said:
            return
        place, sha256_hex = (request_id, said["document"], said.get("revision")), said.get("sha256")
        _, level = self._files.get(place, (None, None))
        if kind == "document_rendered":
            printed = (who.get("number"), who.get("verification_code"))
            self._rendered[seq] = _ToldDocument((*place, sha256_hex), printed)
        elif kind == "document_signed":
            level = said.get("level_reached")
            by = (who.get("signer"), who.get("certificate_sha256"))
            self._signed[seq] = _ToldSignature(request_id, (said.get("field"), sha256_hex, level), by)
        self._files[place] = (sha256_hex, level)

    # --- comparing

    def disagreements(self, session: Session) -> Iterator[Disagreement]:
        """Everything in which the rows are not what the events made them."""
        definitions: dict[str, Definition] = {}
        for row in _rows(session, DefinitionSource):
            if sha256(row.source.encode()).hexdigest() != row.sha256_hex:
                yield 0, f"The definition {row.key} {row.variant} is not the one of its digest."
                continue
            try:
                definitions[row.sha256_hex] = read(row.source, row.key)
            except DefinitionRefused:
                yield 0, f"The definition {row.key} {row.variant} can't be read."
        yield from self._requests_differ(session)
        yield from self._holds_differ(session)
        yield from self._destroyed_early(definitions)
        yield from self._remains(session)
        yield from self._tasks_differ(session)
        yield from self._hands_differ(session, definitions)
        yield from self._documents_differ(session)
        yield from self._signatures_differ(session)
        yield from self._incidents_differ(session)

    def _requests_differ(self, session: Session) -> Iterator[Disagreement]:
        missing = dict(self._requests)
        for row in _rows(session, Request):
            told = missing.pop(row.id, None)
            if told is None:
                yield 0, f"No event tells of request {row.id}."
                continue
            for name, ours, theirs in (
                ("state", row.state, told.state),
                ("version", row.version, told.version),
                ("step_seq", row.step_seq, told.step_seq),
                ("outcome", row.outcome, told.outcome),
                ("opened_at", utc_text(row.opened_at), told.opened_at),
                (
                    "closed_at",
                    row.closed_at and utc_text(row.closed_at),
                    told.ended_at if told.outcome else None,
                ),
                ("unit", row.unit, told.unit),
                ("definition", row.definition_sha256, told.definition),
                ("destruction", row.destroyed_at is not None, bool(told.destroyed_at)),
                ("requester", row.requester_id, told.requester or row.requester_id),
                ("data digest", row.data_sha256, told.data_sha256 or row.data_sha256),
                ("data", "" if told.destroyed_at else _digest(row.data), row.data_sha256),
            ):
                if ours != theirs:
                    yield told.last_seq, f"The {name} of request {row.id} is not what its events say."
        for number, told in missing.items():
            yield told.last_seq, f"Request {number} is gone."

    def _tasks_differ(self, session: Session) -> Iterator[Disagreement]:
        missing = dict(self._tasks)
        for row in _rows(session, Task):
            told = missing.pop(row.id, None)
            if told is None:
                yield 0, f"No event offers task {row.id}."
                continue
            ours: tuple[object, ...] = (row.request_id, row.state, row.closed_at is not None)
            theirs: tuple[object, ...] = (told.request_id, told.state, told.closed)
            if told.known:
                ours += (row.claimed_by, row.claimed_for, row.done_by, row.done_for)
                theirs += (told.claimed_by, told.claimed_for, told.done_by, told.done_for)
            if ours != theirs:
                yield (
                    row.id,
                    f"Task {row.id} is not what the events say: its state, its holder, or who did it.",
                )
        for number in missing:
            yield number, f"Task {number} is gone."

    def _hands_differ(
        self, session: Session, definitions: Mapping[str, Definition]
    ) -> Iterator[Disagreement]:
        found: dict[int, set[tuple[str, str, str]]] = {}
        for row in _rows(session, Hand):
            found.setdefault(row.request_id, set()).add((row.rule, row.person_id, row.state))
        for number, told in self._requests.items():
            definition = definitions.get(told.definition)
            if definition is None or not told.everybody_known or told.destroyed_at:
                continue
            due = {
                (rule, person, state)
                for state, person in told.acted
                if state in definition.states
                for rule, _ in rules_of(definition, state)
            }
            if due != found.get(number, set()):
                yield told.last_seq, f"The hands on request {number} are not those of its events."

    def _holds_differ(self, session: Session) -> Iterator[Disagreement]:
        missing = dict(self._holds)
        for row in _rows(session, Hold):
            if missing.pop(row.id, None) != (row.request_id, row.released_at is not None):
                yield row.id, f"The hold {row.id} on request {row.request_id} is not what its events say."
        for seq, (number, _) in missing.items():
            yield seq, f"A hold on request {number} is gone."

    def _destroyed_early(self, definitions: Mapping[str, Definition]) -> Iterator[Disagreement]:
        """Requests that were destroyed before the day that their definition names."""
        for number, told in self._requests.items():
            definition = definitions.get(told.definition)
            if told.destroyed_at and definition is not None and _too_early(definition, told):
                yield told.last_seq, f"Request {number} was destroyed before its day."

    def _remains(self, session: Session) -> Iterator[Disagreement]:
        """Requests that were destroyed, and of which rows say more than is kept."""
        ids = [number for number, told in self._requests.items() if told.destroyed_at]
        for number, where in remains(session.connection(), ids):
            yield self._requests[number].last_seq, f"Request {number} was destroyed, and {where} says more."

    def _documents_differ(self, session: Session) -> Iterator[Disagreement]:
        missing = dict(self._rendered)
        for row in _rows(session, DocumentRow):
            place = (row.request_id, row.name, row.revision_no)
            told = missing.pop(row.created_seq, None)
            if told is None or told.made != (*place, row.rendered_sha256):
                yield row.created_seq, f"The document {row.number} is not the one that was rendered."
            elif self._known(row.request_id, told.printed) and told.printed != (
                row.number,
                row.verification_code,
            ):
                yield row.created_seq, f"The number or code of document {row.number} is not the one printed."
            elif (row.current_sha256, row.level_reached) != self._files.get(place):
                yield row.created_seq, f"The file or level of document {row.number} is not the one recorded."
        for seq, gone in missing.items():
            yield seq, f"A document of request {gone.made[0]} is gone."

    def _known(self, request_id: int, values: tuple[object, ...]) -> bool:
        """Whether the log still says this, and the rows have to."""
        return None not in values and not self._requests[request_id].destroyed_at

    def _signatures_differ(self, session: Session) -> Iterator[Disagreement]:
        missing = dict(self._signed)
        for row in _rows(session, SignatureRow):
            if row.event_seq is not None:
                made = (row.field, row.signed_sha256, row.level_reached)
                told = missing.pop(row.event_seq, None)
                if told is None or told.made != made:
                    yield row.event_seq, f"The signature in field {row.field!r} is not the one recorded."
                elif self._known(told.request_id, told.by) and told.by != (
                    row.signer_id,
                    row.certificate_sha256,
                ):
                    yield row.event_seq, f"The signer of field {row.field!r} is not the one recorded."
        for seq in missing:
            yield seq, "The row of this signature is gone."

    def _incidents_differ(self, session: Session) -> Iterator[Disagreement]:
        found: dict[int, list[Row[Any]]] = {}
        for row in _rows(session, Incident):
            found.setdefault(row.request_id, []).append(row)
        for number in sorted(found.keys() | self._incidents.keys()):
            rows = sorted(found.get(number, []), key=lambda row: row.id)
            told = self._incidents.get(number, [])
            theirs = [(each.state, each.step_seq, each.step, each.code, each.open) for each in told]
            ours = [(row.state, row.step_seq, row.step, row.code, row.resolved_at is None) for row in rows]
            by_others = any(
                each.known and row.resolved_by != each.resolved_by
                for row, each in zip(rows, told, strict=False)
            )
            if ours != theirs or by_others:
                request = self._requests.get(number)
                last_seq = 0 if request is None else request.last_seq
                yield last_seq, f"The incidents of request {number} are not those of its events."


def _read_body(body: str) -> dict[str, Any]:
    """A body's values; raises TypeError or ValueError for anything but an object."""
    said = json.loads(body)
    if not isinstance(said, dict):
        raise TypeError("a body that is no object")
    return said


def _rows(session: Session, table: Any) -> Iterator[Row[Any]]:
    query = select(table.table())
    yield from session.connection().execute(
        query, execution_options={"stream_results": True, "yield_per": 500}
    )


def _too_early(definition: Definition, told: _Told) -> bool:
    try:
        ended, destroyed = map(datetime.fromisoformat, (told.ended_at, told.destroyed_at))
    except ValueError:
        return True
    return office_day(definition, destroyed) < due_day(definition, ended)


def _digest(data: object) -> str:
    try:
        return data_digest(data) if isinstance(data, dict) else ""
    except LogUnwritable:
        return ""
