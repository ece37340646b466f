"""A past that was invented for trials: the log itself says so, with its first event.

No office that anybody works in has one: it is begun in an empty log only. Whatever tells of times asks here,
so that no figure of such an office is told without saying what it is.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError
from workflow.eventlog import Appender, utc_text
from workflow.store import Store
from workflow.tables import Event

BEGUN = "invented_past_begun"


class PastTaken(WorkflowError):
    """This office has begun already: no past is invented for it."""

    code: ClassVar[str] = "workflow-past-taken"
    impersonal: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__(
            "This office has begun already: no past is invented for it.",
            hint="Name a folder with --data, and a database, that hold no office yet.",
        )


@dataclass(frozen=True)
class Invented:
    """An invented past: what is recorded before `until` happened to nobody."""

    until: datetime

    @property
    def told(self) -> str:
        """Until when, to other programs."""
        return utc_text(self.until)


def begin(store: Store, *, at: datetime, until: datetime) -> None:
    """Say, as the log's first event, that what follows is invented. Raises PastTaken."""
    with store.write() as session:
        log = Appender.lock(session, secrets.token_bytes)
        if log.head.seq:
            raise PastTaken
        facts = {"channel": "program", "until": utc_text(until)}
        log.append(BEGUN, at=at, request_id=None, facts=facts)
        log.write()


@dataclass(frozen=True)
class Beginning:
    """How a log begins."""

    invented: Invented | None


def beginning(session: Session) -> Beginning | None:
    """How the log begins; None for one that has not begun."""
    first = session.execute(select(Event.type, Event.record).where(Event.seq == 1)).one_or_none()
    if first is None:
        return None
    if first.type != BEGUN:
        return Beginning(None)
    return Beginning(Invented(datetime.fromisoformat(json.loads(first.record)["until"])))


def invented(session: Session) -> Invented | None:
    """The office's invented past; None for one that has none."""
    found = beginning(session)
    return None if found is None else found.invented
