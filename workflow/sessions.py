"""Who is signed in: a random token with the browser, its SHA-256 here; over when left alone, or within a day.

A session ends by signing out, an hour after it was last used, ten hours after it was opened, and at once when
the person no longer works here. What a person may do is asked anew at every command; a session only says who.
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from workflow.store import Store
from workflow.tables import Person, SessionRow

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=10)
_NOTED = timedelta(minutes=1)  # use is written down so often at most
_TOKEN_BYTES = 32

_sessions, _people = SessionRow.table(), Person.table()


@dataclass(frozen=True)
class SignedIn:
    """A person who is signed in, how they proved who they are, and when."""

    person_id: str
    name: str
    method: str
    opened_at: datetime


@dataclass(frozen=True)
class Sessions:
    """The sessions of an office."""

    store: Store
    clock: Callable[[], datetime]

    def open(self, person_id: str, method: str) -> str:
        """Begin one; gives its token, which is kept nowhere. Old ones are cleared away."""
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self.clock()
        with self.store.write() as session:
            session.execute(delete(SessionRow).where(_sessions.c.opened_at < now - LONGEST))
            session.add(
                SessionRow(
                    token_sha256=_digest(token),
                    person_id=person_id,
                    method=method,
                    opened_at=now,
                    seen_at=now,
                )
            )
        return token

    def of(self, token: str) -> SignedIn | None:
        """Who has this token; None for none, for one that is over, and for who has left."""
        digest, now = _digest(token), self.clock()
        query = (
            select(_sessions, _people.c.name)
            .join_from(_sessions, _people, _people.c.id == _sessions.c.person_id)
            .where(
                _sessions.c.token_sha256 == digest,
                _sessions.c.seen_at > now - IDLE,
                _sessions.c.opened_at > now - LONGEST,
                _people.c.active,
            )
        )
        with self.store.read() as session:
            row = session.connection().execute(query).first()
        if row is None:
            return None
        if now - row.seen_at > _NOTED:
            with self.store.write() as session:
                session.execute(
                    update(SessionRow).where(_sessions.c.token_sha256 == digest).values(seen_at=now)
                )
        return SignedIn(row.person_id, row.name, row.method, row.opened_at)

    def close(self, token: str) -> None:
        """End one."""
        with self.store.write() as session:
            session.execute(delete(SessionRow).where(_sessions.c.token_sha256 == _digest(token)))

    def close_all(self, person_id: str) -> None:
        """End all of a person's, as after a new password."""
        with self.store.write() as session:
            session.execute(delete(SessionRow).where(_sessions.c.person_id == person_id))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
