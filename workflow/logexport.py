"""Export the event log for an auditor: lines of JSON, every record as it stands, one row at a time in memory.

The format is in docs/auditing.md; audit/verify_log.py reads it without any of this code.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, null, select
from sqlalchemy.orm import Session

from workflow.anchors import Anchor, kept
from workflow.canonical import encode
from workflow.eventlog import GENESIS, Head, utc_text
from workflow.tables import Body, Event, LogHead

FORM = "events/1"
CHUNK = 1000


@dataclass(frozen=True)
class Export:
    """What an export will hold: everything up to `head`, with these anchors."""

    session: Session
    head: Head
    events: int
    anchors: tuple[Anchor, ...]
    with_bodies: bool

    @classmethod
    def begin(cls, session: Session, *, with_bodies: bool) -> "Export":
        """Look at the log as it is now, in a reading transaction that stays open while the lines are read.

        What is appended meanwhile is left out.
        """
        # the anchors before the head: then none is over an event after it, even where each query sees its own
        # moment
        anchors = tuple(kept(session))
        heads, events = LogHead.table(), Event.table()
        found = session.connection().execute(select(heads.c.seq, heads.c.hash)).one_or_none()
        head = Head(0, GENESIS) if found is None else Head(found.seq, found.hash)
        count = select(func.count()).select_from(events).where(events.c.seq <= head.seq)
        return cls(session, head, session.connection().execute(count).scalar() or 0, anchors, with_bodies)

    def lines(self, *, now: datetime) -> Iterator[bytes]:
        """The export, line by line: what it is, the anchors, the events, each with its body if asked."""
        about = {
            "format": FORM,
            "made_at": utc_text(now),
            "events": self.events,
            "head": {"seq": self.head.seq, "hash": self.head.hash},
            "anchors": len(self.anchors),
            "bodies": self.with_bodies,
        }
        yield encode({"paraaf": about}).encode() + b"\n"
        for anchor in self.anchors:
            yield anchor.line
        for row in self._rows():
            yield event_line(row.record)
            if row.body_seq is not None:
                yield body_line(row)

    def _rows(self) -> Iterator[Any]:
        events, bodies = Event.table(), Body.table()
        query = select(events.c.record, null().label("body_seq")).where(events.c.seq <= self.head.seq)
        if self.with_bodies:
            query = (
                select(events.c.record, bodies.c.seq.label("body_seq"), bodies.c.salt, bodies.c.body)
                .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
                .where(events.c.seq <= self.head.seq)
            )
        result = self.session.connection().execute(
            query.order_by(events.c.seq), execution_options={"stream_results": True, "yield_per": CHUNK}
        )
        for rows in result.partitions():
            yield from cast(Sequence[Any], rows)


def event_line(record: object) -> bytes:
    """An event as exports hold it: its record as it stands."""
    return b'{"event":' + _on_one_line(record).encode("utf-8", "replace") + b"}\n"


def body_line(row: Any) -> bytes:
    """A body as exports hold it, of a row of `body_seq`, `salt` and `body`."""
    return encode({"body": _body(row)}).encode() + b"\n"


def _on_one_line(record: object) -> str:
    """The record as it stands; what could be taken for several lines goes out as text, to be found."""
    if isinstance(record, str) and record.startswith("{") and "\n" not in record:
        return record
    return json.dumps(str(record))


def _body(row: Any) -> dict[str, Any]:
    if row.body is None or row.salt is None:
        return {"seq": row.body_seq, "erased": True}
    return {"seq": row.body_seq, "salt": row.salt.hex(), "text": row.body}
