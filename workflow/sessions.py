"""Who has signed in: a random token in their browser, its digest here, and how long that counts.

A session ends when it is left alone for an hour, after ten hours in any case, when its person signs out, gets
another password, other roles, or leaves. What the person may do is looked up each time: a role taken away
counts at once.

Who has just shown anew who they are goes on under another token. Its first part stays, by which their forms
are known; the earlier token counts until the other is used: an answer may get lost, as of what is sent twice.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from workflow.access import People
from workflow.group_roles import drop_grants
from workflow.store import Moment, Store
from workflow.tables import SessionRow

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=10)
"""A working day: who signs in each morning is not put out in the afternoon."""
SEEN_EACH = timedelta(minutes=1)
"""That somebody is there is written down no more often than this."""
_NAMED = 16  # digits of the digest


@dataclass(frozen=True)
class Member:
    """Somebody who has signed in: `roles` are those that they, or people they stand in for today, have in any
    unit; `session` is the digest under which it is kept."""

    id: str
    name: str
    unit: str
    roles: frozenset[str]
    method: str
    opened_at: datetime
    session: str = field(repr=False)


@dataclass(frozen=True)
class OpenSession:
    """A session as its owner sees it. `name` tells it from their others, and opens nothing."""

    name: str
    method: str
    browser: str
    opened_at: datetime
    seen_at: datetime
    is_this: bool


@dataclass(frozen=True)
class Sessions:
    """The sessions of an office. `moment` is the time that all processes share, `today` the office's day."""

    store: Store
    moment: Moment
    today: Callable[[], date]

    def find(self, token: str) -> Member | None:
        """Who has signed in with this token; None for nobody, or nobody any more. Raises StoreUnavailable."""
        digest = _digest(token)
        with self.store.read() as session:
            row = session.get(SessionRow, digest)
            if row is None:
                return None
            now = self.moment(session)
            if _is_over(row, now):
                return None
            member = self._member(session, row)
            replaced, stale = row.replaces, now - row.seen_at >= SEEN_EACH
        if member is not None and (replaced or stale):
            with self.store.write() as session:
                here = SessionRow.token_sha256 == digest
                session.execute(update(SessionRow).where(here).values(seen_at=now, replaces=None))
                session.execute(delete(SessionRow).where(SessionRow.token_sha256 == replaced))
        return member

    def goes_on(self, member: Member) -> bool:
        """Whether somebody is still signed in by the token by which they asked; nothing is noted of it."""
        with self.store.read() as session:
            row = session.get(SessionRow, member.session)
            is_open = row is not None and not _is_over(row, self.moment(session))
            return is_open and People.load(session, [member.id]).active(member.id)

    def end(self, token: str) -> str:
        """End it, if there is one; the identity token with which its person signs out elsewhere, or ""."""
        with self.store.write() as session:
            row = session.get(SessionRow, _digest(token))
            kept = row.id_token if row is not None else ""
            if row is not None:
                _forget_unused(session, row.person_id)
                session.delete(row)
                session.flush()
            drop_grants(session)
        return kept

    def tidy(self) -> None:
        """Remove the sessions that are over, and roles that went with them."""
        with self.store.write() as session:
            _remove_over(session, self.moment(session))
            drop_grants(session)

    def of(self, member: Member) -> list[OpenSession]:
        """Where somebody has signed in, the newest first."""
        with self.store.read() as session:
            now = self.moment(session)
            rows = session.scalars(
                select(SessionRow)
                .where(SessionRow.person_id == member.id, SessionRow.replaces.is_(None))
                .order_by(SessionRow.opened_at.desc(), SessionRow.token_sha256)
            )
            return [
                OpenSession(
                    row.token_sha256[:_NAMED],
                    row.method,
                    row.browser,
                    row.opened_at,
                    row.seen_at,
                    is_this=row.token_sha256 == member.session,
                )
                for row in rows
                if not _is_over(row, now)
            ]

    def end_named(self, member: Member, name: str) -> None:
        """End one of somebody's sessions, by the name that their list gives it."""
        with self.store.write() as session:
            for row in session.scalars(select(SessionRow).where(SessionRow.person_id == member.id)):
                if row.token_sha256[:_NAMED] == name:
                    _forget_unused(session, member.id)
                    session.delete(row)
            session.flush()
            drop_grants(session)

    def end_others(self, member: Member) -> None:
        """End all of somebody's sessions but this one."""
        with self.store.write() as session:
            _end_others(session, member.id, member.session)

    def renew(self, token: str, *, at_once: bool = False) -> str | None:
        """The same session by another token, for who has just shown anew who they are; the earlier is worth
        nothing once the other is used, or `at_once`. None where it has ended meanwhile."""
        digest, renewed = _digest(token), f"{lasting(token)}.{secrets.token_urlsafe(32)}"
        with self.store.write() as session:
            row = session.get(SessionRow, digest)
            if row is None:
                return None
            columns = {one.key: getattr(row, one.key) for one in SessionRow.table().columns}
            if at_once:
                _forget_unused(session, row.person_id)
                session.delete(row)
                session.flush()
            new = {"token_sha256": _digest(renewed), "replaces": None if at_once else digest}
            session.add(SessionRow(**{**columns, **new}))
        return renewed

    def _member(self, session: Session, row: SessionRow) -> Member | None:
        people, today = People.load(session, [row.person_id]), self.today()
        if not people.active(row.person_id):
            return None
        facts = people.facts[row.person_id]
        own = {role for role, _ in people.grants.get(row.person_id, ())}
        lent = {
            role
            for principal in people.principals_of(row.person_id, today)
            for role, _ in people.grants.get(principal, ())
            if people.stands_in(row.person_id, principal, role, today)
        }
        return Member(
            facts.id,
            facts.name,
            facts.unit,
            frozenset(own | lent),
            row.method,
            row.opened_at,
            row.token_sha256,
        )


def open_session(
    session: Session, person: str, method: str, now: datetime, *, browser: str = "", id_token: str = ""
) -> str:
    """Open a session for somebody who has just shown who they are; what is over is removed. The token.

    `browser` says in few words which one holds it; `id_token` goes along when they sign out elsewhere.
    """
    _remove_over(session, now)
    token = f"{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}"
    session.add(
        SessionRow(
            token_sha256=_digest(token),
            person_id=person,
            method=method,
            opened_at=now,
            seen_at=now,
            browser=browser,
            id_token=id_token,
        )
    )
    session.flush()
    return token


def end_sessions(session: Session, people: Collection[str]) -> None:
    """These people have to sign in anew."""
    session.execute(delete(SessionRow).where(SessionRow.person_id.in_(people)))
    drop_grants(session)


def end_others(session: Session, person: str, token: str) -> None:
    """Only the session with this token goes on, of somebody's."""
    _end_others(session, person, _digest(token))


def _end_others(session: Session, person: str, digest: str) -> None:
    others = (SessionRow.person_id == person, SessionRow.token_sha256 != digest)
    session.execute(delete(SessionRow).where(*others))
    drop_grants(session)


def lasting(token: str) -> str:
    """The part of a token that stays for as long as its person is signed in; by itself it opens nothing."""
    return token.partition(".")[0]


def _forget_unused(session: Session, person: str) -> None:
    """Tokens that were given, and whose answer was lost, go with what they were to replace."""
    unused = (SessionRow.person_id == person, SessionRow.replaces.is_not(None))
    session.execute(delete(SessionRow).where(*unused))


def _remove_over(session: Session, now: datetime) -> None:
    over = or_(SessionRow.seen_at < now - IDLE, SessionRow.opened_at < now - LONGEST)
    session.execute(delete(SessionRow).where(over))


def _is_over(row: SessionRow, now: datetime) -> bool:
    return now - row.seen_at >= IDLE or now - row.opened_at >= LONGEST


def _digest(token: str) -> str:
    return sha256(token.encode(errors="replace")).hexdigest()
