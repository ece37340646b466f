"""Tokens, by which a program uses the API in a person's name: made, revoked, looked at.

A token is `paraaf_`, 43 letters and digits made at random, and 6 that are a checksum of those: so a scanner
of sources and logs finds one that was lost there, and what was mistyped is told without a look into the
database. Only its SHA-256 is kept. What it may be used for is never more than its scopes, nor more than the
person may do at that moment.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from zlib import crc32

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signing.secret import Secret
from workflow.access import ADMINISTRATOR
from workflow.command_form import require_name
from workflow.errors import WorkflowError
from workflow.eventlog import Appender, erase_bodies_of_none
from workflow.passwords import Passwords
from workflow.store import Moment, Store
from workflow.tables import ApiToken, Body, Event, Grant, Person

MADE, REVOKED = "token_made", "token_revoked"
PREFIX = "paraaf_"
RANDOM, CHECKSUM = 43, 6  # letters and digits: 256 bits, and 32
LONGEST = timedelta(days=366)
USUAL = timedelta(days=90)
KEPT = timedelta(days=90)
"""So long one that has ended can be listed still."""
MOST = 20
"""Tokens of a person that can be used."""
NAME_LONGEST = 60

READ, WRITE, SIGN = "requests:read", "requests:write", "requests:sign"
DOCUMENTS, VERIFY = "documents:read", "verify"
PEOPLE, STAND_IN = "people:read", "people:write"
INCIDENTS, LOG = "incidents:read", "log:read"
SCOPES = MappingProxyType(
    {
        READ: "see requests, their history and the queue",
        WRITE: "hand requests in, and do what moves them, but for consents",
        SIGN: "show who one is by one's password, and accept the texts that a process asks for",
        DOCUMENTS: "have documents and evidence packages",
        VERIFY: "have PDFs judged, and ask the register of what was issued",
        PEOPLE: "see people, their roles and substitutes, as far as one administers them",
        STAND_IN: "say who stands in for whom, as far as one may",
        INCIDENTS: "see the steps that wait, as far as one sees or administers their requests",
        LOG: "have the log and its check, what is kept, what webhooks were told, where one oversees it",
    }
)
"""What a token may be used for, in the order in which they are told."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_table = ApiToken.table()


class TokenRefused(WorkflowError):
    """A token can't be made, or revoked, like this."""

    code = "workflow-token"


@dataclass(frozen=True)
class Bearer:
    """Who a token speaks for, and what it may be used for."""

    token: int
    person: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(frozen=True)
class ListedToken:
    """A token as it is told of: never the token itself."""

    id: int
    person: str
    name: str
    scopes: tuple[str, ...]
    made_at: datetime
    expires_at: datetime
    last_used_on: date | None
    revoked_at: datetime | None


def is_formed(token: str) -> bool:
    """Whether this may be a token: its form, and its checksum."""
    core = token.removeprefix(PREFIX)
    formed = token.startswith(PREFIX) and len(core) == RANDOM + CHECKSUM and set(core) <= set(_DIGITS)
    return formed and core[RANDOM:] == _checksum(core[:RANDOM])


class Tokens:
    """The tokens of an office's people. `moment` is the time that all processes share."""

    def __init__(self, store: Store, *, moment: Moment, passwords: Passwords) -> None:
        self._store = store
        self._moment = moment
        self._passwords = passwords

    def make(
        self, person: str, name: str, scopes: Iterable[str], *, password: Secret, kept: timedelta = USUAL
    ) -> tuple[str, ListedToken]:
        """Make a token for oneself, with one's own password; it is told this once.

        Raises TokenRefused, and what Passwords.check raises.
        """
        asked = _require_fit(name, scopes, kept)
        self._passwords.check(person, password, lambda _session, _now: None)
        core = "".join(secrets.choice(_DIGITS) for _ in range(RANDOM))
        token = f"{PREFIX}{core}{_checksum(core)}"
        with self._store.write() as session:
            log = Appender.lock(session, secrets.token_bytes)
            now = self._moment(session)
            session.execute(delete(ApiToken).where(ApiToken.expires_at < now - KEPT))
            row = ApiToken(
                token_sha256=_digest(token),
                person_id=person,
                name=name,
                scopes=" ".join(asked),
                made_at=now,
                expires_at=now + kept,
            )
            self._require_room(session, person, now)
            session.add(row)
            session.flush()
            _tell(log, MADE, row, by=person, at=now)
            log.write()
            return token, _listed(row)

    def revoke(self, number: int, *, by: str) -> ListedToken:
        """Have a token end now: one's own, or of somebody whom one administers. Raises TokenRefused.

        Nobody else learns whether there is one of this number.
        """
        require_name("by", by)
        with self._store.write() as session:
            log = Appender.lock(session, secrets.token_bytes)
            row = session.get(ApiToken, number)
            if row is None or not _may_revoke(session, row.person_id, by):
                raise TokenRefused(
                    f"There is no token {number} that {by} may revoke.",
                    hint="`paraaf tokens list` has their numbers. People revoke their own, and administrators"
                    " those of others in their unit.",
                )
            if row.revoked_at is None:
                row.revoked_at = self._moment(session)
                session.flush()
                _tell(log, REVOKED, row, by=by, at=row.revoked_at)
                log.write()
            return _listed(row)

    def listed(self, person: str | None = None) -> list[ListedToken]:
        """The tokens of a person, or of everybody, the last one first."""
        query = select(ApiToken).order_by(ApiToken.id.desc())
        if person is not None:
            query = query.where(ApiToken.person_id == person)
        with self._store.read() as session:
            return [_listed(row) for row in session.scalars(query)]

    def usable(self, person: str) -> list[ListedToken]:
        """Those of a person that are good still."""
        with self._store.read() as session:
            now = self._moment(session)
        return [one for one in self.listed(person) if one.revoked_at is None and one.expires_at > now]

    def bearer(self, token: str) -> Bearer | None:
        """Who a token speaks for now; None for one that is not, has ended, or whose person has left.

        Raises StoreUnavailable.
        """
        if not is_formed(token):
            return None
        with self._store.read() as session:
            now = self._moment(session)
            query = (
                select(ApiToken)
                .join(Person, Person.id == ApiToken.person_id)
                .where(
                    ApiToken.token_sha256 == _digest(token),
                    ApiToken.revoked_at.is_(None),
                    ApiToken.expires_at > now,
                    Person.active,
                )
            )
            row = session.scalar(query)
            if row is None:
                return None
            found = Bearer(row.id, row.person_id, row.name, frozenset(row.scopes.split()), row.expires_at)
            used = row.last_used_on
        if used != now.date():
            self._note_use(found.token, now.date())
        return found

    def _note_use(self, number: int, day: date) -> None:
        """Keep the day, once a day: the hour of each use would be a time sheet."""
        with self._store.write() as session:
            row = session.get(ApiToken, number)
            if row is not None:
                row.last_used_on = day

    @staticmethod
    def _require_room(session: Session, person: str, now: datetime) -> None:
        usable = select(ApiToken.id).where(
            ApiToken.person_id == person, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
        )
        if len(session.scalars(usable).all()) >= MOST:
            raise TokenRefused(
                f"{person} has {MOST} tokens already.", hint="Revoke those that nobody uses any more."
            )


def revoke_all(session: Session, people: Collection[str], *, at: datetime) -> None:
    """End the tokens of people who have left: whoever comes back makes others."""
    session.execute(
        _table.update()
        .where(_table.c.person_id.in_(people), _table.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )


def forget_tokens(session: Session, log: Appender, gone: Collection[str], *, at: datetime) -> None:
    """Remove the tokens of people who are removed, and erase the bodies of the events that tell of them."""
    if gone:
        session.execute(delete(ApiToken).where(ApiToken.person_id.in_(gone)))
        erase_bodies_of_none(log, session, list(_telling(session, set(gone))), at=at)


def _telling(session: Session, people: set[str]) -> Iterator[int]:
    query = (
        select(Event.seq, Body.body)
        .join(Body, Body.seq == Event.seq)
        .where(Event.request_id.is_(None), Event.type.in_((MADE, REVOKED)), Body.body.is_not(None))
    )
    for seq, body in session.execute(query):
        said = json.loads(body or "{}")
        if people & {said.get("actor"), said.get("person")}:
            yield seq


def _require_fit(name: str, scopes: Iterable[str], kept: timedelta) -> list[str]:
    """The scopes in their order. Raises TokenRefused."""
    wanted = set(scopes)
    if not (name.isprintable() and len(name.strip()) > 0 and len(name) <= NAME_LONGEST):
        raise TokenRefused(
            f"A token has a name of 1 to {NAME_LONGEST} characters that show.",
            hint="Name it for the program that uses it.",
        )
    if not wanted or not wanted <= SCOPES.keys():
        raise TokenRefused(
            "A token is for one scope or more, each of those that there are.",
            hint=f"Scopes are: {', '.join(SCOPES)}.",
        )
    if not timedelta(days=1) <= kept <= LONGEST:
        raise TokenRefused(
            f"A token ends after 1 to {LONGEST.days} days.", hint="Make another one before it ends."
        )
    return [scope for scope in SCOPES if scope in wanted]


def _may_revoke(session: Session, person: str, by: str) -> bool:
    who = session.get(Person, by)
    if who is None or not who.active:
        return False
    whose = session.get_one(Person, person)
    granted = select(Grant.unit).where(Grant.person_id == by, Grant.role == ADMINISTRATOR)
    return by == person or bool(set(session.scalars(granted)) & {None, whose.unit})


def _tell(log: Appender, kind: str, row: ApiToken, *, by: str, at: datetime) -> None:
    """Whose it is, its name and its scopes are in the body: the name may tell of somebody."""
    log.append(
        kind,
        at=at,
        request_id=None,
        facts={"channel": "person", "token": row.id},
        body={"actor": by, "person": row.person_id, "name": row.name, "scopes": row.scopes.split()},
    )


def _listed(row: ApiToken) -> ListedToken:
    return ListedToken(
        id=row.id,
        person=row.person_id,
        name=row.name,
        scopes=tuple(row.scopes.split()),
        made_at=row.made_at,
        expires_at=row.expires_at,
        last_used_on=row.last_used_on,
        revoked_at=row.revoked_at,
    )


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _checksum(core: str) -> str:
    number, digits = crc32(core.encode()), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits.rjust(CHECKSUM, _DIGITS[0])
