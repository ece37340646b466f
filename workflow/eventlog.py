"""The event log: append, chain, erase the personal part. Verification is in logcheck.

Each event is a line of canonical JSON (RFC 8785) that holds its sequence, the digest of the event before it
and the digest of its salted body. Who acted, and what they wrote, is in the body alone: it can be erased,
and the chain still verifies.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

from sqlalchemy import ColumnElement, bindparam, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from workflow.canonical import encode
from workflow.errors import Contended, LogRefused, LogUnwritable
from workflow.store import refuses_row
from workflow.tables import Body, Event, LogHead

ERASED = "personal_data_erased"
GENESIS = "0" * 64  # what the first event names as the one before it
SALT_BYTES = 16
OWN_FIELDS = frozenset({"seq", "at", "type", "request", "body", "prev"})


@dataclass(frozen=True)
class Head:
    """The last event's sequence and hash; kept outside, it proves that nothing before it was rewritten."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class Appender:
    """Adds events at the end of the log, in one transaction, and holds the log's write lock until it ends.

    `append` gives out sequences and chains in memory; `write` puts everything into the database at once.
    """

    def __init__(self, session: Session, head: Head, random_bytes: Callable[[int], bytes]) -> None:
        self._session = session
        self._start = head
        self.head = head
        self._random_bytes = random_bytes
        self._events: list[dict[str, Any]] = []
        self._bodies: list[dict[str, Any]] = []

    @classmethod
    def lock(cls, session: Session, random_bytes: Callable[[int], bytes]) -> Self:
        """Take the write lock: nobody else appends until this transaction ends."""
        row = session.connection().execute(_LOCK).one()
        return cls(session, Head(row.seq, row.hash), random_bytes)

    def append(
        self,
        kind: str,
        *,
        at: datetime,
        request_id: int | None,
        facts: Mapping[str, Any],
        body: Mapping[str, Any] | None = None,
    ) -> int:
        """Add an event of type `kind`; returns its sequence.

        `facts` are hashed and stay for ever, so they name nobody; `body` is the personal part. Raises
        LogUnwritable.
        """
        if not OWN_FIELDS.isdisjoint(facts):
            taken = ", ".join(sorted(OWN_FIELDS & facts.keys()))
            raise LogUnwritable(f"An event's facts can't be named {taken}.", hint="Give them other names.")
        seq, said_at = self.head.seq + 1, utc_text(at)
        own = {"seq": seq, "at": said_at, "type": kind, "prev": self.head.hash}
        record: dict[str, Any] = {**facts, **own}
        if request_id is not None:
            record["request"] = request_id
        if body is not None:
            record["body"] = self._keep_body(seq, encode(body))
        text = encode(record)
        digest = sha256(text.encode()).hexdigest()
        self._events.append(
            {
                "seq": seq,
                "request_id": request_id,
                "type": kind,
                "recorded_at": said_at,
                "record": text,
                "prev_hash": self.head.hash,
                "hash": digest,
            }
        )
        self.head = Head(seq, digest)
        return seq

    def write(self) -> None:
        """Write the events added so far.

        Raises Contended when the log is longer than it was at the lock, LogRefused when the database takes no
        event: then the whole transaction has to fail, for what isn't in the log has not happened.
        """
        if not self._events:
            return
        connection = self._session.connection()
        try:
            connection.execute(insert(Event.table()), self._events)
            if self._bodies:
                connection.execute(insert(Body.table()), self._bodies)
        except DBAPIError as error:
            if not refuses_row(error):  # the disk, the connection, the database itself: the store tells
                raise
            raise LogRefused(
                f"The event log does not take what was to be recorded, so nothing was done: {error.orig}.",
                hint="Run `paraaf log verify`, and look at the rights in the database; then try again.",
            ) from error
        there = {"b_was": self._start.seq, "b_seq": self.head.seq, "b_hash": self.head.hash}
        moved = connection.execute(_ADVANCE, there)
        if moved.rowcount != 1:
            raise Contended("The event log was written by somebody else.", hint="Try again.")
        self._start = self.head
        self._events = []
        self._bodies = []

    def _keep_body(self, seq: int, text: str) -> str:
        salt = self._random_bytes(SALT_BYTES)
        self._bodies.append({"seq": seq, "salt": salt, "body": text, "erased_at": None})
        return body_digest(salt, text)


def body_digest(salt: bytes, body: str) -> str:
    """What an event says of its body: SHA-256 over the salt and the canonical JSON, in hex."""
    return sha256(salt + body.encode()).hexdigest()


def utc_text(moment: datetime) -> str:
    """An aware time as the log writes it: UTC, ISO 8601, microseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def erase_bodies(appender: Appender, session: Session, request_id: int, *, at: datetime) -> int:
    """Erase the personal part of a request's events, and say so in the log; returns how many were erased.

    The event lists their sequences. The chain, the kinds of events and their times stay.
    """
    events = Event.table()
    theirs = Body.table().c.seq.in_(select(events.c.seq).where(events.c.request_id == request_id))
    erased = _erase(session, theirs, at)
    appender.append(ERASED, at=at, request_id=request_id, facts={"erased": erased})
    return len(erased)


def erase_bodies_of_none(appender: Appender, session: Session, seqs: Collection[int], *, at: datetime) -> int:
    """The same with these events, which belong to no request; of none that is not erased nothing is said."""
    erased = _erase(session, Body.table().c.seq.in_(seqs), at)
    if erased:
        appender.append(ERASED, at=at, request_id=None, facts={"erased": erased})
    return len(erased)


def _erase(session: Session, which: ColumnElement[bool], at: datetime) -> list[int]:
    bodies, connection = Body.table(), session.connection()
    there = (which, bodies.c.body.is_not(None))
    erased = list(connection.execute(select(bodies.c.seq).where(*there).order_by(bodies.c.seq)).scalars())
    connection.execute(update(bodies).where(*there).values(salt=None, body=None, erased_at=at))
    return erased


_head = LogHead.table()
_LOCK = select(_head.c.seq, _head.c.hash).with_for_update()
_ADVANCE = (
    update(_head)
    .where(_head.c.seq == bindparam("b_was"))
    .values(seq=bindparam("b_seq"), hash=bindparam("b_hash"))
)
