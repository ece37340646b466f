"""Hold the tables against what the log says, so many requests at a time: memory does not grow with the log.

Each stretch of requests has its events played again, by the index that leads from a request to them; then the
rows of those requests are compared. Who acted is known only while a body is not erased; without it, the rest
is still compared. Of a request that was destroyed, the rows must say no more than is kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, Table, and_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.definition_errors import DefinitionRefused
from workflow.definition_model import Definition, consent_sha256
from workflow.definition_reader import read
from workflow.destruction import remains
from workflow.due import DueTimes, due_times
from workflow.errors import LogUnwritable
from workflow.eventlog import utc_text
from workflow.judge import data_digest, office_day, rules_of
from workflow.keeping import due_day
from workflow.logreplay import Replay, Told, ToldDocument, ToldTask
from workflow.named import named
from workflow.open_tasks import BESIDE
from workflow.tables import (
    ArchiveRow,
    Body,
    DefinitionSource,
    Delivery,
    DocumentRow,
    Event,
    Hand,
    Hold,
    Incident,
    Reminder,
    RenewalRow,
    Request,
    ScanRow,
    SignatureRow,
    Task,
)

AT_ONCE = 500
"""Requests in memory at a time: some 5 kB each."""
MISSHAPEN = (TypeError, ValueError, AttributeError, KeyError, RecursionError)
"""What looking at values of any form raises where values of ours have another."""

Fate = Literal["compared", "derived", "not"]
COMPARED: Mapping[str, Mapping[Fate, tuple[str, ...]]] = MappingProxyType(
    {
        "requests": {
            "compared": (
                *(
                    "id",
                    "key",
                    "variant",
                    "definition_sha256",
                    "state",
                    "version",
                    "step_seq",
                    "requester_id",
                ),
                *("unit", "data_sha256", "suspended_at", "opened_at", "closed_at", "outcome", "destroyed_at"),
            ),
            "derived": ("data", "language"),
            "not": ("reference",),
        },
        "tasks": {
            "compared": (
                *("id", "request_id", "state", "offered_at", "claimed_by", "claimed_for", "claimed_at"),
                *("started_at", "closed_at", "done_by", "done_for"),
            ),
            "derived": ("role", "suspended_us", *BESIDE),
        },
        "reminders": {"compared": ("task_id", "event_seq", "told_at"), "derived": ("place",)},
        "hands": {"derived": ("request_id", "rule", "person_id", "state")},
        "definitions": {"compared": ("sha256_hex",), "derived": ("key", "variant", "version", "source")},
        "documents": {
            "compared": (
                *("request_id", "name", "revision_no", "number", "verification_code", "data_sha256"),
                *("rendered_sha256", "current_sha256", "level_reached", "created_seq"),
            ),
            "derived": ("id", "kind", "language", "issued_on"),
            "not": ("valid_until",),
        },
        "signatures": {
            "compared": (
                *("document_id", "field", "profile", "level_asked", "signer_id", "certificate_sha256"),
                *("source_sha256", "signed_sha256", "level_reached", "event_seq"),
            ),
            "not": (
                *("id", "signer_kind", "revision", "byte_range", "signed_attributes", "digest_algorithm"),
                *("prepared", "attempts", "value", "authorised", "counted_on"),
            ),
        },
        "renewals": {
            "compared": (
                *("document_id", "source_sha256", "sha256", "stamped_at", "holds_until", "event_seq"),
            ),
            "not": ("id",),
        },
        "scans": {"compared": ("document_id", "sha256", "pages", "event_seq"), "not": ("id",)},
        "archives": {"derived": ("document_id", "sha256", "stamped_at", "holds_until")},
        "deliveries": {
            "compared": ("request_id", "sha256", "channel"),
            "derived": ("document_id",),
            "not": ("id", "delivered_at"),
        },
        "incidents": {
            "compared": (
                *("request_id", "state", "step_seq", "step", "code", "opened_at", "resolved_at"),
                "resolved_by",
            ),
            "not": ("id", "message"),
        },
        "holds": {
            "compared": (
                *("id", "request_id", "reason", "placed_by", "placed_at", "released_by", "released_at"),
            ),
        },
        "events": {
            "compared": ("record", "hash"),
            "derived": ("seq", "request_id", "type", "recorded_at", "prev_hash"),
        },
        "bodies": {"compared": ("seq", "salt", "body"), "not": ("erased_at",)},
        "log_head": {"compared": ("seq", "hash"), "not": ("id",)},
        "anchors": {
            "compared": ("seq", "hash", "kind", "made_at", "statement", "proof"),
            "not": ("sha256_hex",),
        },
    }
)
"""Column by column: compared with what an event says; derived, and so compared with what follows from events,
definitions and other rows; or not compared. Tables that are not here are not compared at all; docs/events.md
tells why."""


@dataclass(frozen=True)
class Odd:
    """The event that a row should follow from, and what disagrees; or an event that can't be."""

    seq: int
    message: str
    kind: Literal["row", "impossible", "misshapen"] = "row"


def compare(session: Session) -> Iterator[Odd]:
    """Everything in which events do not follow from those before, or rows are not what the events made them.

    The events are those that the log's own check has read before, in the same transaction. Raises one of
    MISSHAPEN where rows hold values of other forms than ours.
    """
    definitions: dict[str, Definition] = {}
    yield from read_definitions(session, definitions)
    for within in _stretches(session):
        replay = Replay()
        yield from _play(session, replay, within)
        yield from _Rows(session, replay, definitions, within).differ()
    yield from _orphans(session)


@dataclass(frozen=True)
class _Within:
    """Numbers of requests, beyond `after` and up to `upto`; None: without end."""

    after: int | None
    upto: int | None

    def __call__(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        bounds = [] if self.after is None else [column > self.after]
        return and_(column.is_not(None), *bounds, *([] if self.upto is None else [column <= self.upto]))


def _stretches(session: Session) -> Iterator[_Within]:
    """All numbers there can be, cut where AT_ONCE requests of the log are full."""
    column, after = Event.table().c.request_id, None
    while True:
        query = select(column).where(_Within(after, None)(column)).distinct().order_by(column).limit(AT_ONCE)
        numbers = list(session.connection().execute(query).scalars())
        if len(numbers) < AT_ONCE:
            yield _Within(after, None)
            return
        yield _Within(after, numbers[-1])
        after = numbers[-1]


def _play(session: Session, replay: Replay, within: _Within) -> Iterator[Odd]:
    events, bodies = Event.table(), Body.table()
    query = (
        select(events.c.seq, events.c.request_id, events.c.type, events.c.record, bodies.c.body)
        .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
        .where(within(events.c.request_id))
        .order_by(events.c.request_id, events.c.seq)  # as its index has them, on both databases
    )
    for row in _read(session, query):
        try:
            wrong = replay.event(row.seq, row.request_id, row.type, json.loads(row.record), row.body)
        except MISSHAPEN:
            yield Odd(row.seq, "It is no event: its fields have other forms than events have.", "misshapen")
            continue
        if wrong:
            yield Odd(row.seq, wrong, "impossible")


def read_definitions(session: Session, found: dict[str, Definition]) -> Iterator[Odd]:
    """Put into `found`, by its digest, each definition that is the one of its digest; tell of the others."""
    for row in _read(session, select(DefinitionSource.table())):
        name = f"The definition {row.key} {row.variant}"
        if sha256(row.source.encode()).hexdigest() != row.sha256_hex:
            yield Odd(0, f"{name} is not the one of its digest.")
            continue
        try:
            definition = found[row.sha256_hex] = read(row.source, row.key)
        except DefinitionRefused:
            yield Odd(0, f"{name} can't be read.")
            continue
        if (row.key, row.variant, row.version) != (definition.key, definition.variant, definition.version):
            yield Odd(0, f"{name} is called otherwise than its text says.")


class _Rows:
    """The rows of some requests, and what their events say."""

    def __init__(
        self, session: Session, replay: Replay, definitions: Mapping[str, Definition], within: _Within
    ) -> None:
        self._session = session
        self._told = replay
        self._definitions = definitions
        self._within = within
        self._languages: dict[int, str] = {}
        self._units: dict[int, str] = {}
        self._named: dict[int, str | None] = {}
        self._documents: dict[int, Row[Any]] = {}

    def differ(self) -> Iterator[Odd]:
        """Everything in which they differ."""
        yield from self._requests_differ()
        yield from self._consents_differ()
        yield from self._destroyed_early()
        yield from self._remains()
        yield from self._tasks_differ()
        yield from self._reminders_differ()
        yield from self._hands_differ()
        yield from self._holds_differ()
        yield from self._documents_differ()
        yield from self._signatures_differ()
        yield from self._renewals_differ()
        yield from self._scans_differ()
        yield from self._archives_differ()
        yield from self._deliveries_differ()
        yield from self._incidents_differ()

    def _rows(self, table: Table) -> Iterator[Row[Any]]:
        column = table.c.id if table.name == "requests" else table.c.request_id
        return _read(self._session, select(table).where(self._within(column)))

    def _definition(self, request_id: int) -> Definition | None:
        told = self._told.requests.get(request_id)
        return None if told is None else self._definitions.get(told.definition)

    def _last_seq(self, request_id: int) -> int:
        told = self._told.requests.get(request_id)
        return 0 if told is None else told.last_seq

    def _requests_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.requests)
        for row in self._rows(Request.table()):
            told = missing.pop(row.id, None)
            if told is None:
                yield Odd(0, f"No event tells of request {row.id}.")
                continue
            self._languages[row.id], self._units[row.id] = row.language, row.unit
            self._named[row.id] = self._name_in(row)
            for name, ours, theirs in _of_request(row, told):
                if ours != theirs:
                    yield Odd(told.last_seq, f"The {name} of request {row.id} is not what its events say.")
        for number, told in missing.items():
            yield Odd(told.last_seq, f"Request {number} is gone.")

    def _consents_differ(self) -> Iterator[Odd]:
        """Texts that people accepted, and that are not those of their requests' definitions."""
        for number, told in self._told.requests.items():
            definition = self._definitions.get(told.definition)
            for seq, name, language, sha256_hex in told.consents if definition is not None else ():
                text = definition.consents.get(name, {}).get(language) if definition is not None else None
                if text is None or consent_sha256(text) != sha256_hex:
                    message = f"The text accepted for request {number} is not the one of its definition."
                    yield Odd(seq, message, "impossible")

    def _destroyed_early(self) -> Iterator[Odd]:
        """Requests that were destroyed before the day that their definition names."""
        for number, told in self._told.requests.items():
            definition = self._definitions.get(told.definition)
            if told.destroyed_at and definition is not None and _too_early(definition, told):
                yield Odd(told.last_seq, f"Request {number} was destroyed before its day.")

    def _remains(self) -> Iterator[Odd]:
        """Requests that were destroyed, and of which rows say more than is kept."""
        ids = [number for number, told in self._told.requests.items() if told.destroyed_at]
        for number, where in remains(self._session.connection(), ids):
            yield Odd(self._last_seq(number), f"Request {number} was destroyed, and {where} says more.")

    def _tasks_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.tasks)
        for row in self._rows(Task.table()):
            told = missing.pop(row.id, None)
            if told is None:
                yield Odd(0, f"No event offers task {row.id}.")
                continue
            people = (row.claimed_by, row.claimed_for, row.done_by, row.done_for)
            theirs = (told.claimed_by, told.claimed_for, told.done_by, told.done_for)
            if _task(row) != _told_task(told, self._role(told, row)) or (told.known and people != theirs):
                what = "its state, role, times, holder, or who did it"
                yield Odd(row.id, f"Task {row.id} is not what the events say: {what}.")
            elif self._beside(told, row) != tuple(getattr(row, name) for name in BESIDE):
                what = "when it is due, or what it repeats of its request"
                yield Odd(row.id, f"Task {row.id} does not follow from the events: {what}.")
        for number in missing:
            yield Odd(number, f"Task {number} is gone.")

    def _role(self, told: ToldTask, row: Row[Any]) -> object:
        """The role that its state asks for, and so who may do it; the row's own where that is not known."""
        definition = self._definitions.get(told.definition)
        if definition is None or told.state not in definition.states:
            return row.role
        return definition.states[told.state].role

    def _beside(self, told: ToldTask, row: Row[Any]) -> tuple[object, ...]:
        """What is kept beside a task while it is open; the row's own where that is not known."""
        if told.closed_at is not None:
            return (None,) * len(BESIDE)
        number, definition = told.request_id, self._definitions.get(told.definition)
        request, times = self._told.requests[number], DueTimes(row.due_at, row.near_at)
        if definition is not None and told.state in definition.states:
            pauses = [
                (datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in told.pauses
            ]
            times = due_times(definition, told.state, datetime.fromisoformat(told.offered_at), pauses)
        since = request.suspended_at
        return (
            self._units.get(number),
            told.definition,
            self._named.get(number),
            None if since is None else datetime.fromisoformat(since),
            times.due_at,
            times.near_at,
        )

    def _name_in(self, row: Row[Any]) -> str | None:
        """Whom a request's document names for the state that it is in."""
        definition = self._definition(row.id)
        state = None if definition is None else definition.states.get(row.state)
        return None if state is None else named(state, row.data)

    def _reminders_differ(self) -> Iterator[Odd]:
        table, tasks = Reminder.table(), Task.table()
        missing = {key: told for key, told in self._told.reminded.items() if key[0] in self._told.tasks}
        query = select(table).join_from(table, tasks, tasks.c.id == table.c.task_id)
        for row in _read(self._session, query.where(self._within(tasks.c.request_id))):
            after = self._after(row.task_id, row.place)
            told = missing.pop((row.task_id, after), None)
            if told != (row.event_seq, _time(row.told_at)):
                yield Odd(row.event_seq, f"A reminder of task {row.task_id} is not what the events say.")
        for (task, _), (seq, _) in missing.items():
            yield Odd(seq, f"The row of a reminder of task {task} is gone.")

    def _after(self, task_id: int, place: int) -> object:
        """The working time that the definition names at this place of the task's state; None: none."""
        told = self._told.tasks.get(task_id)
        definition = None if told is None else self._definitions.get(told.definition)
        if told is None or definition is None or told.state not in definition.states:
            return None
        named = definition.states[told.state].after
        return named[place].wait.text if 0 <= place < len(named) else None

    def _hands_differ(self) -> Iterator[Odd]:
        found: dict[int, set[tuple[str, str, str]]] = {}
        for row in self._rows(Hand.table()):
            found.setdefault(row.request_id, set()).add((row.rule, row.person_id, row.state))
        for number in found.keys() - self._told.requests.keys():
            yield Odd(0, f"There are hands on request {number}, of which no event tells.")
        for number, told in self._told.requests.items():
            definition = self._definitions.get(told.definition)
            if definition is None or not told.everybody_known or told.destroyed_at:
                continue
            due = {
                (rule, person, state)
                for state, person in told.acted
                if state in definition.states
                for rule, _ in rules_of(definition, state)
            }
            if due != found.get(number, set()):
                yield Odd(told.last_seq, f"The hands on request {number} are not those of its events.")

    def _holds_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.holds)
        for row in self._rows(Hold.table()):
            told = missing.pop(row.id, None)
            differs = told is None or (
                (row.request_id, _time(row.placed_at), _time(row.released_at))
                != (told.request_id, told.placed_at, told.released_at)
                or (self._known(row.request_id, told.placed) and (row.placed_by, row.reason) != told.placed)
                or (self._known(row.request_id, (told.released_by,)) and row.released_by != told.released_by)
            )
            if differs:
                number = row.request_id
                yield Odd(row.id, f"The hold {row.id} on request {number} is not what its events say.")
        for seq, told in missing.items():
            yield Odd(seq, f"A hold on request {told.request_id} is gone.")

    def _documents_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.rendered)
        for row in self._rows(DocumentRow.table()):
            self._documents[row.id] = row
            place = (row.request_id, row.name, row.revision_no)
            told = missing.pop(row.created_seq, None)
            if told is None or told.made != (*place, row.rendered_sha256):
                yield Odd(row.created_seq, f"The document {row.number} is not the one that was rendered.")
                continue
            for what, ours, theirs in (
                ("number or code", (row.number, row.verification_code), told.printed),
                ("data digest", (row.data_sha256,), (told.data_sha256,)),
            ):
                if self._known(row.request_id, theirs) and ours != theirs:
                    yield Odd(
                        row.created_seq, f"The {what} of document {row.number} is not the one recorded."
                    )
            if (row.current_sha256, row.level_reached) != self._told.files.get(place):
                message = f"The file or level of document {row.number} is not the one recorded."
                yield Odd(row.created_seq, message)
            if not self._as_defined(row, told):
                message = (
                    f"The kind, language or day of document {row.number} does not follow from its request."
                )
                yield Odd(row.created_seq, message)
        for seq, gone in missing.items():
            yield Odd(seq, f"A document of request {gone.made[0]} is gone.")

    def _as_defined(self, row: Row[Any], told: ToldDocument) -> bool:
        """Whether it is of the definition's kind, in the request's language, and dated as it was drawn."""
        definition = self._definition(row.request_id)
        if row.language != self._languages.get(row.request_id, row.language):
            return False
        if definition is None or row.name not in definition.documents:
            return True
        days = [office_day(definition, datetime.fromisoformat(at)) for at in told.drawn]
        drawn = isinstance(row.issued_on, date) and min(days) <= row.issued_on <= max(days)
        return drawn and row.kind == definition.documents[row.name].kind

    def _known(self, request_id: int, values: tuple[object, ...]) -> bool:
        """Whether the log still says this, and the rows have to."""
        told = self._told.requests.get(request_id)
        return None not in values and told is not None and not told.destroyed_at

    def _signatures_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.signed)
        made = SignatureRow.table().c.event_seq.is_not(None)
        for row, place in self._of_documents(SignatureRow.table(), made):
            told = missing.pop((row.event_seq, row.field), None)
            how = (row.field, row.profile, row.level_asked, row.level_reached)
            if told is None or told.made != (*place, *how, row.source_sha256, row.signed_sha256):
                yield Odd(row.event_seq, f"The signature in field {row.field!r} is not the one recorded.")
            elif self._known(told.request_id, told.by) and told.by != (row.signer_id, row.certificate_sha256):
                yield Odd(row.event_seq, f"The signer of field {row.field!r} is not the one recorded.")
        for seq, _ in missing:
            yield Odd(seq, "The row of this signature is gone.")

    def _renewals_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.renewed)
        for row, place in self._of_documents(RenewalRow.table()):
            told = missing.pop(row.event_seq, None)
            if told is None or told.made != (*place, row.source_sha256, *_archive(row)):
                yield Odd(row.event_seq, f"A renewal of request {row.request_id} is not the one recorded.")
        for seq in missing:
            yield Odd(seq, "The row of this renewal is gone.")

    def _scans_differ(self) -> Iterator[Odd]:
        missing = dict(self._told.scanned)
        for row, place in self._of_documents(ScanRow.table()):
            if missing.pop(row.event_seq, None) != (*place, row.sha256, row.pages):
                yield Odd(row.event_seq, f"A scan of request {row.request_id} is not the one recorded.")
        for seq in missing:
            yield Odd(seq, "The row of this scan is gone.")

    def _archives_differ(self) -> Iterator[Odd]:
        """Until when files hold: a renewal says it of the file that it made; of others only the file does."""
        # the last renewal of each document
        told = {
            (each.request_id, each.made[1], each.made[2]): each.made[4:]
            for each in self._told.renewed.values()
        }
        for row, place in self._of_documents(ArchiveRow.table()):
            renewed = told.pop(place, None)
            if row.sha256 != row.current_sha256 or (renewed is not None and renewed != _archive(row)):
                message = f"Until when the file of document {row.number} holds is not what its events say."
                yield Odd(self._last_seq(row.request_id), message)
        for number, _, _ in told:
            message = f"Until when a file of request {number} holds is not noted any more."
            yield Odd(self._last_seq(number), message)

    def _of_documents(
        self, table: Table, *where: ColumnElement[bool]
    ) -> Iterator[tuple[Row[Any], tuple[int, str, int]]]:
        """Rows of a table that refer to documents, with number and file of those; each with its place."""
        documents = DocumentRow.table()
        beside = [
            documents.c[name] for name in ("request_id", "name", "revision_no", "number", "current_sha256")
        ]
        query = (
            select(table, *beside)
            .join_from(table, documents, documents.c.id == table.c.document_id)
            .where(self._within(documents.c.request_id), *where)
        )
        for row in _read(self._session, query):
            yield row, (row.request_id, row.name, row.revision_no)

    def _deliveries_differ(self) -> Iterator[Odd]:
        found: dict[int, list[tuple[str, str]]] = {}
        for row in self._rows(Delivery.table()):
            found.setdefault(row.request_id, []).append((row.sha256, row.channel))
            document = self._documents.get(row.document_id)
            if document is None or document.request_id != row.request_id:
                message = f"What was delivered of request {row.request_id} is no document of it."
                yield Odd(self._last_seq(row.request_id), message)
        for number in sorted(found.keys() | self._told.requests.keys()):
            told = self._told.requests.get(number)
            if told is not None and told.destroyed_at:
                continue
            delivered = [] if told is None else told.delivered
            if sorted(found.get(number, []), key=repr) != sorted(delivered, key=repr):
                message = f"The deliveries of request {number} are not those of its events."
                yield Odd(self._last_seq(number), message)

    def _incidents_differ(self) -> Iterator[Odd]:
        found: dict[int, list[Row[Any]]] = {}
        for row in self._rows(Incident.table()):
            found.setdefault(row.request_id, []).append(row)
        for number in sorted(found.keys() | self._told.incidents.keys()):
            rows = sorted(found.get(number, []), key=lambda row: row.id)
            told = self._told.incidents.get(number, [])
            theirs = [
                (one.state, one.step_seq, one.step, one.code, one.opened_at, one.resolved_at) for one in told
            ]
            ours = [
                (row.state, row.step_seq, row.step, row.code, _time(row.opened_at), _time(row.resolved_at))
                for row in rows
            ]
            by_others = any(
                each.known and row.resolved_by != each.resolved_by
                for row, each in zip(rows, told, strict=False)
            )
            if ours != theirs or by_others:
                message = f"The incidents of request {number} are not those of its events."
                yield Odd(self._last_seq(number), message)


def _of_request(row: Row[Any], told: Told) -> Iterable[tuple[str, object, object]]:
    """What is compared of a request: its name, the row's, the log's."""
    return (
        ("key", row.key, told.key),
        ("variant", row.variant, told.variant),
        ("state", row.state, told.state),
        ("version", row.version, told.version),
        ("step_seq", row.step_seq, told.step_seq),
        ("outcome", row.outcome, told.outcome),
        ("opened_at", _time(row.opened_at), told.opened_at),
        ("closed_at", _time(row.closed_at), told.entered_at if told.outcome else None),
        ("suspended_at", _time(row.suspended_at), told.suspended_at),
        ("unit", row.unit, row.unit if told.unit is None else told.unit),  # the first release told of none
        ("definition", row.definition_sha256, told.definition),
        ("destruction", _time(row.destroyed_at), told.destroyed_at),
        ("requester", row.requester_id, told.requester or row.requester_id),
        ("data digest", row.data_sha256, told.data_sha256 or row.data_sha256),
        ("data", "" if told.destroyed_at else _digest(row.data), row.data_sha256),
    )


def _archive(row: Row[Any]) -> tuple[object, ...]:
    return (row.sha256, _time(row.stamped_at), _time(row.holds_until))


def _task(row: Row[Any]) -> tuple[object, ...]:
    times = (row.offered_at, row.claimed_at, row.started_at, row.closed_at)
    return (row.request_id, row.state, row.role, row.suspended_us, *map(_time, times))


def _told_task(told: ToldTask, role: object) -> tuple[object, ...]:
    times = (told.offered_at, told.claimed_at, told.started_at, told.closed_at)
    return (told.request_id, told.state, role, told.suspended_us, *times)


def _orphans(session: Session) -> Iterator[Odd]:
    """Rows of rows that are not there, and so of no request."""
    documents = DocumentRow.table()
    for table, what in (
        (SignatureRow.table(), "A signature is"),
        (RenewalRow.table(), "A renewal is"),
        (ScanRow.table(), "A scan is"),
        (ArchiveRow.table(), "An archive timestamp is"),
    ):
        lone = select(table).outerjoin_from(table, documents, documents.c.id == table.c.document_id)
        for row in session.connection().execute(lone.where(documents.c.id.is_(None))):
            yield Odd(getattr(row, "event_seq", 0) or 0, f"{what} of no document.")
    bodies, events = Body.table(), Event.table()
    lost = select(bodies.c.seq).outerjoin_from(bodies, events, events.c.seq == bodies.c.seq)
    for seq in session.connection().execute(lost.where(events.c.seq.is_(None))).scalars():
        yield Odd(seq, "A personal part is of no event.")
    reminders, tasks = Reminder.table(), Task.table()
    told = select(reminders.c.event_seq).outerjoin_from(reminders, tasks, tasks.c.id == reminders.c.task_id)
    for seq in session.connection().execute(told.where(tasks.c.id.is_(None))).scalars():
        yield Odd(seq, "A reminder is of no task.")


def _read(session: Session, query: Select[Any]) -> Iterator[Row[Any]]:
    yield from session.connection().execute(
        query, execution_options={"stream_results": True, "yield_per": AT_ONCE}
    )


def _time(moment: datetime | None) -> str | None:
    """A column's time as the log writes it."""
    return None if moment is None else utc_text(moment)


def _too_early(definition: Definition, told: Told) -> bool:
    try:
        ended, destroyed = map(datetime.fromisoformat, (told.entered_at, str(told.destroyed_at)))
    except ValueError:
        return True
    return office_day(definition, destroyed) < due_day(definition, ended)


def _digest(data: object) -> str:
    try:
        return data_digest(data) if isinstance(data, dict) else ""
    except LogUnwritable:
        return ""
