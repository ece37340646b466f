"""A past that was invented for trials: the log itself says so, with its first event.

No office that anybody works in has one: it is begun in an empty log only. Whatever tells of times asks here,
so that no figure of such an office is told without saying what it is.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError
from workflow.eventlog import Appender, utc_text
from workflow.store import Store
from workflow.tables import Event

BEGUN = "invented_past_begun"


class PastTaken(WorkflowError):
    """This office has a past already: none is invented for it."""

    code = "workflow-past-taken"
    impersonal = True


@dataclass(frozen=True)
class Invented:
    """An invented past: what is recorded before `until` happened to nobody."""

    until: datetime


def begin(store: Store, *, at: datetime, until: datetime) -> None:
    """Say, as the log's first event, that what follows is invented. Raises PastTaken."""
    with store.write() as session:
        log = Appender.lock(session, secrets.token_bytes)
        if log.head.seq:
            raise PastTaken(
                "This office's log has events already: a past can't be invented before them.",
                hint="Name a folder, and a database, that hold no office yet.",
            )
        facts = {"channel": "program", "until": utc_text(until)}
        log.append(BEGUN, at=at, request_id=None, facts=facts)
        log.write()


def invented(session: Session) -> Invented | None:
    """The office's invented past; None for one that has none."""
    first = session.execute(select(Event.type, Event.record).where(Event.seq == 1)).one_or_none()
    if first is None or first.type != BEGUN:
        return None
    return Invented(datetime.fromisoformat(json.loads(first.record)["until"]))
