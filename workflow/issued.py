"""The register of what was issued: which document of which request a file is, and who signed it there.

It is asked by a file's SHA-256, then by those of the file's beginnings, then by the number that it says it
has: each an indexed look-up. Who signed is taken from the log's own event of the signature. Of a destroyed
request only what its destruction record holds is told.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from signing.scans import SEAL_FIELD
from signing.verify.register import Expected, RegisterWord, Standing
from signing.verify.report import Report
from workflow.access import AUDITOR, People
from workflow.calendar import CALENDARS
from workflow.codes import as_printed
from workflow.definition_errors import DefinitionRefused
from workflow.definition_model import Definition
from workflow.definition_reader import read
from workflow.destruction import DESTROYED
from workflow.evidence import delivered_digests
from workflow.judge import office_day
from workflow.store import Store
from workflow.tables import Body, DefinitionSource, DocumentRow, Event, Request, ScanRow, SignatureRow

_documents, _requests, _signatures = DocumentRow.table(), Request.table(), SignatureRow.table()
_scans = ScanRow.table()
_events, _bodies, _definitions = Event.table(), Body.table(), DefinitionSource.table()
_DONE = "done"
_is_signed = _documents.c.level_reached.is_not(None)
_UNKNOWN = RegisterWord(Standing.UNKNOWN)
_SEAL_OF_A_COPY = (Expected(SEAL_FIELD, "seal", None),)  # in whose name is in the file alone


@dataclass(frozen=True)
class Printed:
    """What the code that is printed on a document leads to: what the paper shows, and what became of it.

    `level` is None where it bears no electronic signature; `replaced` by a later one; `withdrawn`: how its
    request ended, when not as it should.
    """

    kind: str
    number: str
    issued_on: date
    valid_until: date | None
    level: str | None
    replaced: bool
    withdrawn: str | None


@dataclass(frozen=True)
class _Found:
    """A document by bytes that it has or had."""

    document: Any  # the row
    event_seq: int  # that made these bytes
    signed: bool
    current: bool
    copy: bool = False
    """The kept scan of what was signed on paper."""


@dataclass
class IssuedRegister:
    """The register, as `seen_by` may know it; None is who may read the database anyway."""

    store: Store
    clock: Callable[[], datetime]
    seen_by: str | None = None
    _read: dict[str, Definition] = field(default_factory=dict)

    def word(self, report: Report) -> RegisterWord:
        """What the register says of a file that was looked at; in one transaction, which only reads.

        Raises StoreUnavailable.
        """
        with self.store.read() as session:
            return self._word(session, report)

    def public_word(self, report: Report) -> RegisterWord:
        """The same for whoever has the file; where it has but a number of ours, not what became of that."""
        word = self.word(report)
        if word.standing is Standing.CLAIMED:
            return replace(word, replaced_by=None, withdrawn=None)
        return word

    def by_digest(self, sha256_hex: str) -> RegisterWord:
        """What the register says of the file of this SHA-256. Raises StoreUnavailable."""
        with self.store.read() as session:
            found = _by_digests(session, [sha256_hex]).get(sha256_hex)
            return _UNKNOWN if found is None else self._told(session, found)

    def by_code(self, code: str) -> Printed | None:
        """What a printed code leads to, however it was typed; None where nothing was handed over under it.

        Raises StoreUnavailable.
        """
        wanted = as_printed(code)
        if wanted is None:
            return None
        with self.store.read() as session:
            query = select(_documents).where(_documents.c.verification_code == wanted)
            row = session.connection().execute(query).first()
            if row is None:
                return None
            request = (
                session.connection().execute(select(_requests).where(_requests.c.id == row.request_id)).one()
            )
            delivered = delivered_digests(session, row.request_id)
            if request.destroyed_at is not None or not (delivered or request.outcome == _DONE):
                return None
            unsigned = self._is_unsigned(session, request)
            return Printed(
                kind=row.kind,
                number=row.number,
                issued_on=row.issued_on,
                valid_until=row.valid_until,
                level=row.level_reached,
                replaced=_replaced_by(session, row, delivered, unsigned=unsigned) is not None,
                withdrawn=None if request.outcome in (None, _DONE) else request.outcome,
            )

    def _word(self, session: Session, report: Report) -> RegisterWord:
        if report.sha256_hex is None:
            return _UNKNOWN
        found = _by_digests(session, [report.sha256_hex]).get(report.sha256_hex)
        if found is not None:
            return self._told(session, found)
        traces = report.traces
        if traces is None:
            return _UNKNOWN
        beginnings = _by_digests(session, [sha256 for _, sha256 in traces.beginnings])
        for length, sha256 in traces.beginnings:  # the longest first
            if sha256 in beginnings:
                told = self._told(session, beginnings[sha256], by_all=True)
                if told.standing is Standing.HIDDEN:
                    return told
                more = (report.size or length) - length
                return replace(told, standing=Standing.EXTENDED, of=told.standing.value, added_bytes=more)
        return self._by_number(session, traces.numbers)

    def _by_number(self, session: Session, numbers: Iterable[str]) -> RegisterWord:
        query = _newest(_documents.c.number.in_(list(numbers)), _documents.c.number != "")
        row = session.connection().execute(query.limit(1)).first()
        if row is None:
            return _UNKNOWN
        found = _Found(row, row.created_seq, signed=row.level_reached is not None, current=True)
        told = self._told(session, found)
        if told.standing in (Standing.HIDDEN, Standing.DESTROYED):
            return _UNKNOWN  # a number alone tells nobody anything
        return replace(told, standing=Standing.CLAIMED, recorded_at=None, tied=False)

    def _told(self, session: Session, found: _Found, *, by_all: bool = False) -> RegisterWord:
        """What is known of a document; `by_all`: all its signers are expected, not those of that stage."""
        row = found.document
        request = (
            session.connection().execute(select(_requests).where(_requests.c.id == row.request_id)).one()
        )
        if not self._may_see(session, request):
            return RegisterWord(Standing.HIDDEN)
        if request.destroyed_at is not None:
            return _destroyed(session, row)
        delivered = delivered_digests(session, row.request_id)
        unsigned = self._is_unsigned(session, request)
        was_delivered = row.current_sha256 in delivered
        replaced_by = _replaced_by(session, row, delivered, unsigned=unsigned)
        standing = Standing.UNSIGNED
        if found.signed or (unsigned and was_delivered):
            standing = Standing.ISSUED if found.current and replaced_by is None else Standing.EARLIER
        if found.copy:
            standing = Standing.COPY
        none_later = standing is Standing.ISSUED or (found.copy and replaced_by is None)
        now = replaced_by if replaced_by is not None else row
        return RegisterWord(
            standing,
            request=request.id,
            document=row.name,
            kind=row.kind,
            number=row.number,
            revision=row.revision_no,
            recorded_at=_recorded_at(session, found.event_seq),
            replaced_by=None if none_later else now.current_sha256,
            unsigned=unsigned,
            withdrawn=None if request.outcome in (None, _DONE) else request.outcome,
            tied=True,
            expected=_SEAL_OF_A_COPY
            if found.copy
            else _signers(session, row.id, None if found.current or by_all else found.event_seq),
        )

    def _is_unsigned(self, session: Session, request: Any) -> bool:
        """Whether nobody signs what its process makes."""
        definition = self._definition(session, request.definition_sha256)
        return definition is not None and definition.is_unsigned

    def _may_see(self, session: Session, request: Any) -> bool:
        if self.seen_by is None:
            return True
        definition = self._definition(session, request.definition_sha256)
        people = People.load(session, [self.seen_by])
        if definition is None:  # whose roles nobody knows
            audits = people.has_role(self.seen_by, AUDITOR, request.unit)
            return people.active(self.seen_by) and (audits or self.seen_by == request.requester_id)
        today = office_day(definition, self.clock())
        return people.sees(self.seen_by, definition, request.unit, request.requester_id, today)

    def _definition(self, session: Session, sha256_hex: str) -> Definition | None:
        """None for one that this release can't read, or whose calendar it does not have."""
        if sha256_hex not in self._read:
            query = select(_definitions).where(_definitions.c.sha256_hex == sha256_hex)
            row = session.connection().execute(query).one()
            try:
                found = read(row.source, f"{row.key} {row.variant} v{row.version}")
            except DefinitionRefused:
                return None
            if found.calendar not in CALENDARS:
                return None
            self._read[sha256_hex] = found
        return self._read[sha256_hex]


def _replaced_by(session: Session, row: Any, delivered: Set[str], *, unsigned: bool) -> Any | None:
    """The later revision of a document, if there is one that counts."""
    later = _newest(
        _documents.c.request_id == row.request_id,
        _documents.c.name == row.name,
        _documents.c.revision_no > row.revision_no,
    ).limit(1)
    if row.current_sha256 in delivered:  # a revision begun may be given up
        later = later.where(_documents.c.current_sha256.in_(delivered) if unsigned else _is_signed)
    return session.connection().execute(later).first()


def _newest(*conditions: Any) -> Select[Any]:
    return (
        select(_documents)
        .where(*conditions)
        .order_by(_documents.c.revision_no.desc(), _documents.c.id.desc())
    )


def _by_digests(session: Session, digests: list[str]) -> Mapping[str, _Found]:
    """The documents that these bytes are, or once were."""
    found: dict[str, _Found] = {}
    if not digests:
        return found
    connection = session.connection()
    signed = (
        select(_signatures.c.signed_sha256, _signatures.c.event_seq, *_documents.c)
        .join_from(_signatures, _documents, _documents.c.id == _signatures.c.document_id)
        .where(_signatures.c.signed_sha256.in_(digests))
    )
    for row in connection.execute(signed):
        current = row.signed_sha256 == row.current_sha256
        found[row.signed_sha256] = _Found(row, row.event_seq or row.created_seq, signed=True, current=current)
    scans = select(_scans.c.sha256.label("scan_sha256"), _scans.c.event_seq, *_documents.c).join_from(
        _scans, _documents, _documents.c.id == _scans.c.document_id
    )
    for row in connection.execute(scans.where(_scans.c.sha256.in_(digests))):
        found[row.scan_sha256] = _Found(row, row.event_seq, signed=False, current=True, copy=True)
    drawn = select(_documents).where(
        or_(_documents.c.current_sha256.in_(digests), _documents.c.rendered_sha256.in_(digests))
    )
    for row in connection.execute(drawn):
        if row.current_sha256 in digests:  # also what was made of it since without another signature
            is_signed = row.level_reached is not None
            made = _last_signed(session, row.id) if is_signed else None
            known = _Found(row, made or row.created_seq, signed=is_signed, current=True)
            found.setdefault(row.current_sha256, known)
        if row.rendered_sha256 in digests:
            found.setdefault(row.rendered_sha256, _Found(row, row.created_seq, signed=False, current=False))
    return found


def _destroyed(session: Session, row: Any) -> RegisterWord:
    """What the destruction record holds of a document: its name, its kind, and that it was these bytes."""
    query = select(_events.c.record).where(
        _events.c.request_id == row.request_id, _events.c.type == DESTROYED
    )
    record = json.loads(session.connection().execute(query).scalars().one())
    return RegisterWord(
        Standing.DESTROYED,
        request=row.request_id,
        document=row.name,
        kind=row.kind,
        revision=row.revision_no,
        destroyed_on=str(record["at"])[:10],
    )


def _last_signed(session: Session, document: int) -> int | None:
    query = select(func.max(_signatures.c.event_seq)).where(_signatures.c.document_id == document)
    return session.connection().execute(query).scalar()


def _recorded_at(session: Session, seq: int) -> str | None:
    found = session.connection().execute(select(_events.c.recorded_at).where(_events.c.seq == seq))
    return found.scalar_one_or_none()


def _signers(session: Session, document: int, until: int | None) -> tuple[Expected, ...]:
    """Who signed a document, up to an event: fields, and certificates as the log has them."""
    query = (
        select(_signatures.c.field, _signatures.c.signer_kind, _bodies.c.body)
        .join_from(_signatures, _bodies, _bodies.c.seq == _signatures.c.event_seq, isouter=True)
        .where(_signatures.c.document_id == document, _signatures.c.event_seq.is_not(None))
        .order_by(_signatures.c.event_seq)
    )
    if until is not None:
        query = query.where(_signatures.c.event_seq <= until)
    return tuple(
        Expected(row.field, row.signer_kind, _certificate(row.body, row.field))
        for row in session.connection().execute(query)
    )


def _certificate(body: str | None, field: str) -> str | None:
    """The certificate of a field's signature, as its event has it: of a file from outside, one a field."""
    said = json.loads(body) if body else {}
    one: str | None = said.get("certificate_sha256") or said.get("certificates", {}).get(field)
    return one
