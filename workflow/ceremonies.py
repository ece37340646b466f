"""What has begun and waits for one answer: a code after a password, a passkey, another office's word.

Who began holds a random token, the database its digest, with what the answer has to fit. It is bound to what
the browser held when it began (a session, or a visit's cookie): nobody answers in another's place. It is
good for minutes, and gone once it is answered, rightly or not.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import delete
from sqlalchemy.orm import Session

from wording import Sentence
from workflow.errors import WorkflowError
from workflow.tables import CeremonyRow

Kind = Literal[
    "code",
    "enrol-code",
    "passkey",
    "enrol-passkey",
    "prove-passkey",
    "show-passkey",
    "shown",
    "elsewhere",
    "provider",
]
FRESH = timedelta(minutes=10)
"""People look for their telephone."""


class CeremonyOver(WorkflowError):
    """What was begun is over: too old, answered before, or begun by another browser."""

    code = "workflow-ceremony-over"

    def __init__(self) -> None:
        super().__init__(
            Sentence("This took too long, or was answered before."), hint=Sentence("Begin again.")
        )


@dataclass(frozen=True)
class Ceremony:
    """What was begun, for whom, and what the answer has to fit."""

    person: str | None
    data: Mapping[str, Any] = field(repr=False)


def begin(
    session: Session,
    kind: Kind,
    *,
    bound_to: str,
    now: datetime,
    person: str | None = None,
    data: Mapping[str, Any] | None = None,
    token: str = "",
) -> str:
    """Begin; the token. What is over is removed. `bound_to` is what the browser holds."""
    session.execute(delete(CeremonyRow).where(CeremonyRow.made_at < now - FRESH))
    token = token or new_token()
    session.add(
        CeremonyRow(
            token_sha256=digest(token),
            kind=kind,
            bound_sha256=digest(bound_to),
            person_id=person,
            data=dict(data or {}),
            made_at=now,
        )
    )
    session.flush()
    return token


def new_token() -> str:
    """A token that nobody guesses, for who has to tell it before they begin."""
    return secrets.token_urlsafe(32)


def look(session: Session, kind: Kind, token: str, *, bound_to: str, now: datetime) -> Ceremony:
    """What was begun; it stays. Raises CeremonyOver."""
    row = session.get(CeremonyRow, digest(token))
    fits = row is not None and (row.kind, row.bound_sha256) == (kind, digest(bound_to))
    if row is None or not fits or not bound_to or abs(now - row.made_at) > FRESH:
        raise CeremonyOver
    return Ceremony(row.person_id, row.data)


def take(session: Session, kind: Kind, token: str, *, bound_to: str, now: datetime) -> Ceremony:
    """What was begun; it is over once this is committed, whatever comes of it. Raises CeremonyOver."""
    found = look(session, kind, token, bound_to=bound_to, now=now)
    table = CeremonyRow.table()
    gone = session.connection().execute(delete(table).where(table.c.token_sha256 == digest(token)))
    if gone.rowcount != 1:
        raise CeremonyOver  # of two answers at once one counts
    return found


def forget_ceremonies(session: Session, people: Collection[str]) -> None:
    """What these people have begun is over."""
    session.execute(delete(CeremonyRow).where(CeremonyRow.person_id.in_(people)))


def digest(token: str) -> str:
    """Under which a token is kept."""
    return sha256(token.encode(errors="replace")).hexdigest()
