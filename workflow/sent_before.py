"""What somebody sent before: by the very same form, or the same by another."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from workflow.command_form import require_form
from workflow.commands import Command
from workflow.store import Store
from workflow.tables import CommandKey, Request


@dataclass(frozen=True)
class Sent:
    """The request that it made, and when. `changed`: the form said something else then."""

    request: int
    at: datetime
    changed: bool = False


def sent_before(store: Store, command: Command) -> Sent | None:
    """What this person sent by this form with something else in it, or else the same by another form, whose
    request is open; None where they did not, or it is the same form with the same in it.

    Raises Refused for what is no command.
    """
    digest = require_form(command)
    same = (
        select(CommandKey.request_id, CommandKey.recorded_at)
        .join(Request, Request.id == CommandKey.request_id)
        .where(*_open(command.actor), CommandKey.actor == command.actor, CommandKey.body_sha256 == digest)
        .order_by(Request.id.desc())
        .limit(1)
    )
    with store.read() as session:
        own = session.get(CommandKey, (command.actor, command.key))
        if own is not None:
            return Sent(own.request_id, own.recorded_at, changed=True) if own.body_sha256 != digest else None
        row = session.execute(same).first()
        return None if row is None else Sent(row.request_id, row.recorded_at)


def open_one(store: Store, person: str, key: str) -> Sent | None:
    """The newest request of a process that somebody began and that is open."""
    query = select(Request.id, Request.opened_at).where(*_open(person), Request.key == key)
    with store.read() as session:
        row = session.execute(query.order_by(Request.id.desc()).limit(1)).first()
        return None if row is None else Sent(row.id, row.opened_at)


def _open(person: str) -> tuple[ColumnElement[bool], ...]:
    return Request.requester_id == person, Request.closed_at.is_(None)
