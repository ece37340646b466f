"""Anchors: the head of the event log, timestamped by an authority or sealed by the organisation.

The log only agrees with itself: whoever can write to the database can rewrite all of it. An anchor fixes
everything up to one head at one time, by a key that the database does not hold. What is sealed or timestamped
is a short statement in canonical JSON; audit/verify_log.py reads it without any of this code.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from disk import whole_file
from workflow.canonical import encode
from workflow.clock import TOLERANCE
from workflow.errors import AnchorNotKept, NothingToAnchor
from workflow.eventlog import Head, utc_text
from workflow.tables import AnchorRow, Event, LogHead

if TYPE_CHECKING:
    from signing.pades import SigningDesk  # takes a second to import, which verification need not wait for
    from signing.profile import Profile
    from signing.signers import Signer

Kind = Literal["timestamp", "seal"]
FORM = "event-log-head/1"
EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Statement:
    """What an anchor says: at this time the log, whose first event has the hash `first`, had this head."""

    head: Head
    first: str
    at: datetime

    @classmethod
    def of(cls, session: Session, *, at: datetime) -> Self:
        """The statement about the log as it is now; raises NothingToAnchor."""
        heads, events = LogHead.table(), Event.table()
        connection = session.connection()
        head = connection.execute(select(heads.c.seq, heads.c.hash)).one_or_none()
        first = connection.execute(select(events.c.hash).where(events.c.seq == 1)).scalar()
        if head is None or first is None:
            raise NothingToAnchor(
                "The event log is empty: there is nothing to anchor.", hint="Wait for the first request."
            )
        return cls(Head(head.seq, head.hash), first, at)

    @cached_property
    def text(self) -> str:
        """Canonical JSON; `paraaf` keeps it from being taken for anything else that was ever signed."""
        return encode(
            {
                "paraaf": FORM,
                "seq": self.head.seq,
                "hash": self.head.hash,
                "first": self.first,
                "at": utc_text(self.at),
            }
        )


@dataclass(frozen=True)
class Anchor:
    """A statement with its proof: a timestamp token or a detached CMS signature, in DER."""

    kind: Kind
    head: Head
    made_at: datetime
    statement: str
    proof: bytes

    @property
    def sha256_hex(self) -> str:
        """Digest of the proof: what the anchor is known by."""
        return sha256(self.proof).hexdigest()

    @property
    def line(self) -> bytes:
        """The anchor as exports and the folder for anchors hold it: one line of JSON."""
        said = {
            "kind": self.kind,
            "proof": base64.b64encode(self.proof).decode(),
            "statement": self.statement,
        }
        return encode({"anchor": said}).encode() + b"\n"

    @property
    def file_name(self) -> str:
        """Its name in the folder for anchors; sorts by sequence."""
        return f"anchor-{self.head.seq:012d}-{self.kind}-{self.sha256_hex[:12]}.json"


async def timestamped(statement: Statement, desk: "SigningDesk", profile: "Profile") -> Anchor:
    """Have a statement timestamped by the profile's authorities; raises TimestampError."""
    token = await desk.timestamp(statement.text.encode(), profile=profile)
    return Anchor("timestamp", statement.head, token.gen_time, statement.text, token.token_der)


async def sealed(statement: Statement, desk: "SigningDesk", profile: "Profile", signer: "Signer") -> Anchor:
    """Have a statement sealed by the organisation; raises SigningError."""
    signature = await desk.seal(statement.text.encode(), signer=signer, profile=profile)
    return Anchor("seal", statement.head, statement.at, statement.text, signature)


def is_due(session: Session, *, now: datetime) -> bool:
    """Whether the head has moved, and the last anchor, or without one the first event, is a day old.

    By state and not by the hour: a missed tick, or an office that stood still, is made up for by the next
    look. A last anchor whose time is still to come (the clock has been set back since) is due too.
    """
    since = unanchored_since(session)
    return since is not None and not -TOLERANCE <= now - since <= EVERY


def unanchored_since(session: Session) -> datetime | None:
    """Since when the log has had events that no anchor covers: its last anchor, or its first event.

    None while the last anchor covers all of them.
    """
    anchors, heads, events = AnchorRow.table(), LogHead.table(), Event.table()
    connection = session.connection()
    head = connection.execute(select(heads.c.seq)).scalar() or 0
    newest = select(anchors.c.seq, anchors.c.made_at).order_by(anchors.c.seq.desc(), anchors.c.made_at.desc())
    last = connection.execute(newest.limit(1)).one_or_none()
    if last is not None:
        made_at: datetime = last.made_at
        return None if last.seq >= head else made_at
    begun = connection.execute(select(events.c.recorded_at).where(events.c.seq == 1)).scalar()
    return None if begun is None else datetime.fromisoformat(begun)


def keep(session: Session, anchor: Anchor) -> None:
    """Add an anchor to the database, which takes it only when its event is there."""
    session.connection().execute(
        insert(AnchorRow.table()).values(
            sha256_hex=anchor.sha256_hex,
            seq=anchor.head.seq,
            hash=anchor.head.hash,
            kind=anchor.kind,
            made_at=anchor.made_at,
            statement=anchor.statement,
            proof=anchor.proof,
        )
    )


def kept(session: Session) -> Iterator[Anchor]:
    """Every anchor of the database, in the order of what they cover."""
    table = AnchorRow.table()
    for row in session.connection().execute(select(table).order_by(table.c.seq, table.c.made_at)):
        yield Anchor(row.kind, Head(row.seq, row.hash), row.made_at, row.statement, row.proof)


def write_missing(session: Session, folder: Path) -> int:
    """Write every anchor that the folder has no file of; how many. Files that are there are never touched.

    So what could not be written once is written later. Raises AnchorNotKept.
    """
    written = 0
    try:
        there = {
            path.name for path in folder.iterdir()
        }  # a folder that is not there is an error: it may be a lost mount
        for anchor in kept(session):
            if anchor.file_name not in there:
                path = folder / anchor.file_name
                with whole_file(path, mode=0o444, replace=True, prefix="anchor-new") as file:
                    file.write(anchor.line)
                written += 1
    except OSError as error:
        raise AnchorNotKept(
            f"An anchor could not be written into {folder}: {error.strerror}.",
            hint="See that the folder is there and may be written; until then it is tried again and again.",
        ) from error
    return written
