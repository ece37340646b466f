"""Verify the event log from its first event to its head, streaming, and say what was tampered with and
where."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any, cast

from sqlalchemy import Table, select, true, type_coerce
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.types import NULLTYPE

from certs.trust import TrustStore
from signing.chains import PinnedChains
from workflow.anchorcheck import fault_of, require_form
from workflow.anchors import Anchor, kept
from workflow.canonical import encode
from workflow.clock import TOLERANCE
from workflow.errors import LogUnwritable
from workflow.eventlog import ERASED, GENESIS, SALT_BYTES, Head, body_digest
from workflow.logreplay import NOT_BY_PEOPLE
from workflow.rowcheck import COMPARED, MISSHAPEN, compare
from workflow.rowforms import Misshapen, misshapen, unreadable
from workflow.tables import AnchorRow, Base, Body, Event, LogHead

CHUNK = 2000
FINDINGS_MAX = 100
_decoder = json.JSONDecoder()


class Fault(StrEnum):
    """What can be wrong at an event."""

    CHANGED = "changed"
    """Its text, or a column beside it, is not what its hash covers."""
    REMOVED = "removed"
    """Sequences before it are missing."""
    UNCHAINED = "unchained"
    """It does not name the event before it: something was removed, inserted, reordered or rewritten."""
    CUT = "cut"
    """The log ends before its head, or at another event."""
    BEYOND_HEAD = "beyond-head"
    """It stands after the head of the log: it was not appended by Paraaf."""
    BODY_CHANGED = "body-changed"
    BODY_MISSING = "body-missing"
    BODY_UNCALLED = "body-uncalled"
    """It has a body that it says nothing of."""
    ERASED_UNTOLD = "erased-untold"
    """Its body was erased, and no later event of the request lists it."""
    UNREADABLE = "unreadable"
    """The database can't give it out."""
    BODY_DUE = "body-due"
    """A person did it, and it has no personal part that says who."""
    NOT_CANONICAL = "not-canonical"
    """Its text is not what Paraaf would have written for its values."""
    IMPOSSIBLE = "impossible"
    """It can't follow the request's events before it."""
    ROWS_DIFFER = "rows-differ"
    """A row of the tables is not what the events say."""
    CLOCK_BACK = "clock-back"
    """Its time is well before that of an event before it: the clock was set back. A warning."""
    ANCHOR = "anchor"
    """It is not the event that an anchor, or a head kept outside, names."""
    SET_BACK = "set-back"
    """An anchor kept outside names it, and the log ends before: the office was set back, or the log cut."""
    PROOF = "proof"
    """Its anchor's token or seal does not hold."""


_EVENTS, _BESIDE = (Event.table(), Body.table()), (LogHead.table(), AnchorRow.table())
_LOG_FAULTS = {
    "events": Fault.CHANGED,
    "bodies": Fault.BODY_CHANGED,
    "log_head": Fault.CUT,
    "anchors": Fault.ANCHOR,
}
_ROWS = tuple(Base.metadata.tables[name] for name in COMPARED if name not in _LOG_FAULTS)


@dataclass(frozen=True)
class Finding:
    """One fault at one sequence."""

    seq: int
    fault: Fault
    message: str


@dataclass(frozen=True)
class LogReport:
    """What verification found: `checked` events, `erased` bodies (told in the log), faults in order of
    sequence."""

    checked: int
    bodies: int
    erased: int
    head: Head
    findings: tuple[Finding, ...]
    more: int = 0
    """Findings beyond the first hundred, and clocks that went back beyond the first hundred."""
    anchors: int = 0
    """Anchors in the database."""
    anchored_to: int | None = None
    """The last event under one of them that holds, 0 without any; None where nothing is trusted."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return self.first_bad_seq is None

    @property
    def set_back(self) -> bool:
        """Whether all that is wrong is that a later state was anchored: the office was set back."""
        wrong = {finding.fault for finding in self.findings} - {Fault.CLOCK_BACK}
        return wrong == {Fault.SET_BACK} and not self.more

    @property
    def first_bad_seq(self) -> int | None:
        """The lowest sequence at which something is wrong."""
        bad = (finding.seq for finding in self.findings if finding.fault is not Fault.CLOCK_BACK)
        return min(bad, default=None)

    def as_dict(self) -> dict[str, Any]:
        """Stable keys for JSON."""
        return {
            "ok": self.ok,
            "checked": self.checked,
            "bodies": self.bodies,
            "erased": self.erased,
            "head": str(self.head),
            "anchors": self.anchors,
            "anchored_to": self.anchored_to,
            "first_bad_seq": self.first_bad_seq,
            "set_back": self.set_back,
            "findings": [asdict(one) for one in self.findings],
            "more": self.more,
        }


def verify(
    session: Session, *, anchors: Iterable[Head] = (), trust: TrustStore | None = None, rows: bool = True
) -> LogReport:
    """Check every event, its body, the chain, the head and the anchors; `rows`: hold the tables against them.

    A log whose every event was rewritten together with its head is consistent in itself: only anchors show
    that, those in the database and `anchors`, heads that were kept outside. Without `trust` the proofs of
    those in the database are not looked at. Never raises for what it finds.
    """
    check = _Check()
    check.look_at_forms(session)
    check.expect(session, anchors)
    if _read_all(session, check):
        check.prove(None if trust is None else PinnedChains(trust))
        check.end(_head(session))
        if rows and not check.broken:  # of a log that is not whole, nothing can be said
            check.compare(session)
    else:
        check.name_unreadable(session, _EVENTS)
        check.find(check.seq + 1, Fault.UNREADABLE, "It can't be read; nothing after it was checked.")
    return check.report()


def _head(session: Session) -> Head | None:
    """The head of the log; None when it is gone, or is none."""
    table = LogHead.table()
    try:
        head = session.connection().execute(select(table.c.seq, table.c.hash)).one_or_none()
    except OperationalError as error:
        _require_value(session, error)
        return None
    return Head(head.seq, head.hash) if head is not None and isinstance(head.seq, int) else None


def _require_value(session: Session, error: OperationalError) -> None:
    """Go on where a value in a file can't be given out; that a server is away says nothing of the log."""
    if error.connection_invalidated or session.connection().dialect.name != "sqlite":
        raise error


def _read_all(session: Session, check: "_Check") -> bool:
    """Show every event to the check; False when one can't be read, with those before it checked."""
    for chunk in (CHUNK, 1):  # an unreadable row spoils its chunk, which is then read again row by row
        try:
            for row in _rows(session, check.seq if check.checked else None, chunk):
                check.row(row)
        except OperationalError as error:
            if error.connection_invalidated:  # the database went away: that says nothing of the log
                raise
            continue
        return True
    return False


_Row = tuple[int, int | None, str, str, str, str, str, int | None, bytes | None, str | None, object]


def _rows(session: Session, after: int | None, chunk: int) -> Iterator[_Row]:
    """Events with their bodies, as they are stored: a forged value must be found, not raise."""
    events, bodies = Event.table(), Body.table()
    query = (
        select(
            events.c.seq,
            events.c.request_id,
            events.c.type,
            events.c.recorded_at,
            events.c.record,
            events.c.prev_hash,
            events.c.hash,
            bodies.c.seq,
            type_coerce(bodies.c.salt, NULLTYPE),
            bodies.c.body,
            type_coerce(bodies.c.erased_at, NULLTYPE),
        )
        .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
        .where(true() if after is None else events.c.seq > after)
        .order_by(events.c.seq)
    )
    result = session.connection().execute(
        query, execution_options={"stream_results": True, "yield_per": chunk}
    )
    for rows in result.partitions():
        yield from cast(Sequence[_Row], rows)


@dataclass
class _Check:
    """What is known of the log so far, while its rows go by."""

    anchors: dict[int, set[str]] = field(default_factory=dict)  # sequence → hashes that it should have
    outside: set[int] = field(default_factory=set)  # sequences of anchors that were kept outside
    kept: list[Anchor] = field(default_factory=list)
    anchored_to: int | None = None
    first: str = ""  # hash of the first event
    seq: int = 0
    hash: str = GENESIS
    checked: int = 0
    bodies: int = 0
    erased: int = 0
    findings: list[Finding] = field(default_factory=list)
    went_back: list[Finding] = field(default_factory=list)
    more: int = 0
    broken: bool = False  # something is wrong, and not only the clock, or that the office was set back
    latest: str = ""
    # request, None for events of none → erased and not yet told of
    untold: dict[int | None, list[int]] = field(default_factory=dict)

    def row(self, row: _Row) -> None:
        """Look at an event, whatever its row holds: what is no event is a finding."""
        try:
            self.event(*row)
        except MISSHAPEN:
            self.find(row[0], Fault.CHANGED, "It is no event: its fields have other forms than events have.")
            self.seq, self.hash = row[0], str(row[6])

    def event(  # noqa: PLR0917  one row, in the order of _rows
        self,
        seq: int,
        request_id: int | None,
        kind: str,
        recorded_at: str,
        record: str,
        prev_hash: str,
        digest: str,
        body_seq: int | None,
        salt: bytes | None,
        body: str | None,
        erased_at: object,
    ) -> None:
        self.checked += 1
        if seq != self.seq + 1:
            gap = seq - self.seq - 1
            missing = "1 event before it is missing." if gap == 1 else f"{gap} events before it are missing."
            self.find(seq, Fault.REMOVED, missing)
        if prev_hash != self.hash:
            self.find(seq, Fault.UNCHAINED, f"It does not follow event {self.seq} as that stands now.")
        said = self.said(record, digest)
        if said is None or not (
            said.get("seq") == seq
            and said.get("request") == request_id
            and said.get("type") == kind
            and said.get("prev") == prev_hash
            and said.get("at") == recorded_at
        ):
            self.find(seq, Fault.CHANGED, "It is not what its hash covers.")
        elif (told := said.get("body")) is not None or body_seq is not None:
            self.body(seq, request_id, told, body_seq, salt, body, erased_at)
        elif kind not in NOT_BY_PEOPLE and request_id is not None:
            self.find(seq, Fault.BODY_DUE, "A person did it, and nothing says who.")
        if said is not None:
            self.written(seq, record, said, recorded_at)
        if kind == ERASED and said is not None:
            self.told(request_id, said.get("erased"))
        if self.anchors and self.anchors.get(seq, {digest}) != {digest}:
            self.find(seq, Fault.ANCHOR, "It is not the event that an anchor names.")
        if self.checked == 1:
            self.first = digest
        self.seq, self.hash = seq, digest

    @staticmethod
    def said(record: str, digest: str) -> dict[str, Any] | None:
        """The record as values; None when it is not what the hash covers, or no record."""
        if not isinstance(record, str) or sha256(record.encode()).hexdigest() != digest:
            return None
        try:
            values, end = _decoder.raw_decode(record)
        except ValueError:
            return None
        return values if isinstance(values, dict) and end == len(record) else None

    def body(  # noqa: PLR0917
        self,
        seq: int,
        request_id: int | None,
        told: object,
        body_seq: int | None,
        salt: bytes | None,
        body: str | None,
        erased_at: object,
    ) -> None:
        self.bodies += 1
        if body_seq is None:
            self.find(seq, Fault.BODY_MISSING, "Its body is gone, and was not erased.")
        elif told is None:
            self.find(seq, Fault.BODY_UNCALLED, "It has a body that it says nothing of.")
        elif salt is not None and body is not None:
            # the digest alone would let salt and text move their border
            fits = isinstance(salt, bytes) and len(salt) == SALT_BYTES and isinstance(body, str)
            if not fits or body_digest(salt, body) != told:
                self.find(seq, Fault.BODY_CHANGED, "Its body is not the one that it names.")
        elif erased_at is None:
            self.find(seq, Fault.BODY_MISSING, "Its body is empty, and was not erased.")
        else:
            self.untold.setdefault(request_id, []).append(seq)

    def written(self, seq: int, record: str, said: Mapping[str, Any], at: str) -> None:
        """Look at how a record is written, and at its time."""
        if not _is_canonical(said, record):
            self.find(seq, Fault.NOT_CANONICAL, "Its text is not in canonical form, or repeats a name.")
        if at >= self.latest:
            self.latest = at
        elif _went_back(self.latest, at):
            self.find(seq, Fault.CLOCK_BACK, "Its time is before that of an earlier event.")
            self.latest = at

    def look_at_forms(self, session: Session) -> None:
        """Name the values in the tables of the log that are of another form than their columns."""
        for value in misshapen(session.connection(), (*_EVENTS, *_BESIDE)):
            self.misshapen(value)
        self.name_unreadable(session, _BESIDE)

    def name_unreadable(self, session: Session, tables: Sequence[Table]) -> None:
        """Name the texts in these tables that can't be read."""
        for value in unreadable(session.connection(), tables):
            self.misshapen(value)

    def misshapen(self, value: Misshapen) -> None:
        """A value that its column can't have; a row of the log has the number of its event."""
        fault = _LOG_FAULTS.get(value.table, Fault.ROWS_DIFFER)
        self.find(value.row if value.table in {"events", "bodies"} else 0, fault, value.message)

    def expect(self, session: Session, outside: Iterable[Head]) -> None:
        """Learn which hashes the anchors ask for: those in the database, and heads kept outside."""
        try:
            for anchor in kept(session):
                require_form(anchor)
                self.kept.append(anchor)
        except (*MISSHAPEN, OperationalError) as error:
            if isinstance(error, OperationalError):
                _require_value(session, error)
            self.find(0, Fault.ANCHOR, "An anchor has another form than anchors have; more were not read.")
        for head in outside:
            self.outside.add(head.seq)
            self.anchors.setdefault(head.seq, set()).add(head.hash)
        for anchor in self.kept:
            self.anchors.setdefault(anchor.head.seq, set()).add(anchor.head.hash)

    def prove(self, chains: PinnedChains | None) -> None:
        """Hold the anchors in the database against their own proofs."""
        held = [0]
        for anchor in self.kept:
            wrong = fault_of(anchor, first=self.first, chains=chains)
            if wrong is not None:
                self.find(anchor.head.seq, Fault.PROOF, wrong)
            elif self.anchors[anchor.head.seq] == {anchor.head.hash}:
                held.append(anchor.head.seq)
        if chains is not None:
            self.anchored_to = max(held)

    def compare(self, session: Session) -> None:
        """Hold the tables against what the events say."""
        for value in misshapen(session.connection(), _ROWS):
            self.misshapen(value)
        faults = {
            "row": Fault.ROWS_DIFFER,
            "impossible": Fault.IMPOSSIBLE,
            "misshapen": Fault.CHANGED,
        }
        try:
            for odd in compare(session):
                self.find(odd.seq, faults[odd.kind], odd.message)
        except MISSHAPEN:
            message = (
                "A row of the tables has another form than rows have; what comes after was not compared."
            )
            self.find(self.seq, Fault.ROWS_DIFFER, message)
        except OperationalError as error:
            _require_value(session, error)
            self.name_unreadable(session, _ROWS)
            self.find(self.seq, Fault.UNREADABLE, "A row can't be read; what comes after was not compared.")

    def told(self, request_id: int | None, listed: object) -> None:
        """An event says which bodies of this request, or of none, were erased."""
        waiting = self.untold.pop(request_id, [])
        self.erased += len(waiting)
        left = [seq for seq in waiting if not isinstance(listed, list) or seq not in listed]
        if left:
            self.erased -= len(left)
            self.untold[request_id] = left

    def end(self, head: Head | None) -> None:
        """The last row has gone by: compare with the head and with anchors beyond the end."""
        for seqs in self.untold.values():
            for seq in seqs:
                self.find(seq, Fault.ERASED_UNTOLD, "Its body was erased, and no later event says so.")
        if head is None:
            self.find(self.seq, Fault.CUT, "The head of the log is gone, or is none.")
        elif head.seq > self.seq:
            self.find(self.seq + 1, Fault.CUT, f"The log ends here; its head is event {head.seq}.")
        elif head.seq < self.seq:
            self.find(head.seq + 1, Fault.BEYOND_HEAD, f"The head of the log is event {head.seq}.")
        elif head.hash != self.hash:
            self.find(head.seq, Fault.CUT, "The head of the log names another event of this sequence.")
        for seq in self.anchors:
            if seq > self.seq:
                fault = Fault.SET_BACK if seq in self.outside else Fault.ANCHOR
                self.find(seq, fault, "An anchor names this event, and it is not there.")

    def find(self, seq: int, fault: Fault, message: str) -> None:
        """Keep a finding; a clock that went back never takes the place of something that is wrong.

        A row may hold anything for the sequence of its event.
        """
        seq = seq if isinstance(seq, int) else 0
        clock = fault is Fault.CLOCK_BACK
        self.broken = self.broken or fault not in (Fault.CLOCK_BACK, Fault.SET_BACK)
        kept = self.went_back if clock else self.findings
        if len(kept) < FINDINGS_MAX:
            kept.append(Finding(seq, fault, message))
        else:
            self.more += 1

    def report(self) -> LogReport:
        return LogReport(
            checked=self.checked,
            bodies=self.bodies,
            erased=self.erased,
            head=Head(self.seq, self.hash),
            findings=tuple(sorted(self.findings + self.went_back, key=lambda finding: finding.seq)),
            more=self.more,
            anchors=len(self.kept),
            anchored_to=self.anchored_to,
        )


def _is_canonical(said: Mapping[str, Any], record: str) -> bool:
    try:
        return encode(said) == record
    except LogUnwritable:
        return False


def _went_back(latest: str, at: str) -> bool:
    try:
        return datetime.fromisoformat(latest) - datetime.fromisoformat(at) > TOLERANCE
    except (ValueError, TypeError):
        return True
