"""Claims that have lapsed: whoever holds the task could not take it today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.access import People
from workflow.definition_model import Definition
from workflow.judge import office_day
from workflow.pinned import Pinned
from workflow.tables import Request, Task


@dataclass(frozen=True)
class Holders:
    """Those who hold some tasks, and those for whom they do."""

    people: People

    @classmethod
    def load(cls, session: Session, tasks: Iterable[Row[Any]]) -> Self:
        """Read them. Rows have claimed_by and claimed_for."""
        ids = {who for task in tasks for who in (task.claimed_by, task.claimed_for) if who is not None}
        return cls(People.load(session, sorted(ids)) if ids else People())

    def lapsed(self, task: Row[Any], definition: Definition, today: date) -> bool:
        """Whether somebody holds a task who may not do it any more. The row has role, unit and requester_id,
        too."""
        holder = task.claimed_by
        return holder is not None and not self.people.holds_on(
            holder,
            task.claimed_for or holder,
            task.role,
            definition=definition,
            unit=task.unit,
            requester=task.requester_id,
            today=today,
        )


def lapsed(session: Session, pinned: Pinned, now: datetime) -> list[int]:
    """The requests whose open task waits for a claim to be released that has lapsed."""
    tasks, requests = Task.table(), Request.table()
    query = (
        select(
            requests.c.id,
            requests.c.definition_sha256,
            requests.c.unit,
            requests.c.requester_id,
            tasks.c.role,
            tasks.c.claimed_by,
            tasks.c.claimed_for,
        )
        .join_from(tasks, requests, tasks.c.request_id == requests.c.id)
        .where(tasks.c.closed_at.is_(None), tasks.c.claimed_by.is_not(None))
        .where(requests.c.definition_sha256.in_(sorted(pinned.read)))
        .order_by(requests.c.id)
    )
    held: list[Row[Any]] = list(session.connection().execute(query))
    holders = Holders.load(session, held)
    return [
        row.id
        for row in held
        if holders.lapsed(row, definition := pinned.read[row.definition_sha256], office_day(definition, now))
    ]
