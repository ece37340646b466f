"""People's passwords: kept as Argon2id, checked in constant time, told to nobody.

Checking one is three short transactions, none of which is open while it is hashed:

  (1) count the attempt (`throttle`)
  (2) read what is kept; hash what was typed, by something made up where nothing is kept
  (3) look again whether it is the same, and do what it was asked for

So whether somebody is unknown, has left, has no password or another one, the same is done and the same is
said. A password that somebody gave to another is good for one thing: choosing one's own with it.
"""

import json
import secrets
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from signing.secret import Secret
from wording import Sentence
from workflow import webhooks
from workflow.access import ADMINISTRATOR, reaches_further
from workflow.ceremonies import forget_ceremonies
from workflow.command_form import require_name
from workflow.devices import forget_devices, known_device
from workflow.errors import WorkflowError
from workflow.eventlog import Appender, erase_bodies_of_none
from workflow.identity_events import EVERY, ROLE_EVENTS
from workflow.proofs import forget_proofs
from workflow.saved_filters import forget_filters
from workflow.sessions import end_sessions
from workflow.store import Moment, Store
from workflow.tables import Body, CodeSecret, Event, Grant, PasskeyRow, PasswordRow, Person, RecoveryCode
from workflow.throttle import Throttle, by_token, forget_attempt, forget_attempts

SET, REMOVED = "password_set", "password_removed"
SHORTEST = 12
"""Characters."""
LONGEST_BYTES = 1024
"""Of UTF-8: nobody types more, and hashing takes as long as it takes."""
HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""Argon2id with 64 MiB, 3 passes, 4 lanes. Source: RFC 9106, 4, the second recommended option."""

_Done = TypeVar("_Done")


class NotAuthenticated(WorkflowError):
    """Somebody is not who they say: it is not their password, or they have none, or they do not work here."""

    code = "workflow-not-authenticated"

    def __init__(self) -> None:
        super().__init__(
            "This person has no such password.",
            hint="Type it again. Who has none, or has forgotten it, gets one by `paraaf people password`.",
        )


class PasswordGiven(WorkflowError):
    """The password was given by somebody else: it is good for choosing one's own, and for nothing else."""

    code = "workflow-password-given"

    def __init__(self) -> None:
        super().__init__(
            "This password was given by somebody else, who knows it: it shows nobody who you are.",
            hint="Choose your own: `paraaf people password WHO --as WHO`.",
        )


class PasswordRefused(WorkflowError):
    """A password can't be set, or removed, like this."""

    code = "workflow-password"


class Passwords:
    """The passwords of an office's people. `moment` is the time that all processes share; `hasher` is HASHER
    unless another is given."""

    def __init__(self, store: Store, *, moment: Moment, hasher: PasswordHasher | None = None) -> None:
        self._store = store
        self._moment = moment
        self.hasher = hasher or HASHER
        self._throttle = Throttle(store, moment)
        self._made_up = _made_up(self.hasher)

    def check(
        self,
        person: str,
        password: Secret,
        then: Callable[[Session, datetime], _Done],
        *,
        given_too: bool = False,
        device: str = "",
        token: int | None = None,
    ) -> _Done:
        """See that it is this person's own password, and do `then` in the transaction that is sure of it.

        `given_too`: one that somebody gave them will do; `device`: what their browser holds of earlier
        sign-ins; `token`: the number of theirs that a program holds. Raises NotAuthenticated, PasswordGiven,
        Throttled, StoreUnavailable, Refused for no name.
        """
        require_name("person", person)
        with self._store.read() as session:
            known = known_device(session, device, person, self._moment(session))
        apart = known if token is None else by_token(token)
        whose = self._throttle.begin(person, apart=apart)  # (1)
        with self._store.read() as session:  # (2)
            kept = _known(session, person)
        if not self._fits(kept or self._made_up, password) or kept is None:
            raise NotAuthenticated
        anew = self.hasher.hash(_typed(password)) if self.hasher.check_needs_rehash(kept) else None
        with self._store.write() as session:  # (3)
            row = session.get(PasswordRow, person, with_for_update=True, populate_existing=True)
            if row is None or _known(session, person) != kept:
                raise NotAuthenticated
            if not (row.own or given_too):
                raise PasswordGiven
            if anew is not None:
                row.phc = anew
            forget_attempt(session, whose)
            return then(session, self._moment(session))

    def is_own(self, person: str, password: Secret, *, device: str = "") -> bool:
        """Whether they chose it themselves; false where somebody gave it to them. Raises what check does."""
        try:
            self.check(person, password, lambda _session, _now: None, device=device)
        except PasswordGiven:
            return False
        return True

    def has_one(self, person: str) -> bool:
        """Whether a person who works here has a password: for who may know that anyway."""
        with self._store.read() as session:
            return _known(session, person) is not None

    def set_at(self, person: str) -> datetime | None:
        """Since when somebody's password is theirs; None without one. For who may know that anyway."""
        with self._store.read() as session:
            return session.scalar(select(PasswordRow.set_at).where(PasswordRow.person_id == person))

    def set(
        self, person: str, password: Secret, *, by: str, present: Secret | None = None, device: str = ""
    ) -> None:
        """Give a person a password, in place of the one that they had. What they proved before is void, and
        they sign in anew.

        People set their own with their `present` one, if they have one; administrators give one to others.
        Raises PasswordRefused, and what check raises.
        """
        _require_fit(password)
        phc = self.hasher.hash(_typed(password))

        def put(session: Session, now: datetime) -> None:
            row = session.get(PasswordRow, person)
            if row is None:
                session.add(PasswordRow(person_id=person, phc=phc, own=by == person, set_at=now))
            else:
                row.phc, row.own, row.set_at = phc, by == person, now
            session.flush()

        self._change(SET, person, by, present, put, device=device)

    def remove(self, person: str, *, by: str, present: Secret | None = None) -> None:
        """Take a person's password away. What they proved before is void, and they
        sign in anew. Raises as set does."""

        def take(session: Session, _now: datetime) -> None:
            if session.get(PasswordRow, person) is None:
                raise PasswordRefused(
                    Sentence("{person} has no password.", person=person),
                    hint=Sentence("There is nothing to remove."),
                )
            session.execute(delete(PasswordRow).where(PasswordRow.person_id == person))

        self._change(REMOVED, person, by, present, take)

    def _change(
        self,
        kind: str,
        person: str,
        by: str,
        present: Secret | None,
        act: Callable[[Session, datetime], None],
        *,
        device: str = "",
    ) -> None:
        require_name("person", person)
        require_name("by", by)
        shown = None
        if by == person and self.has_one(person):
            if present is None:
                raise PasswordRefused(
                    Sentence("{person} has a password: only who knows it changes it.", person=person),
                    hint=Sentence(
                        "Give the present one too; who has forgotten it asks an administrator for another."
                    ),
                )
            shown = self.check(
                person, present, lambda session, _now: _known(session, person), given_too=True, device=device
            )
        with self._store.write() as session:
            log = Appender.lock(session, secrets.token_bytes)  # who changes one waits for whoever does
            now = self._moment(session)
            require_may(
                session,
                person,
                by,
                Sentence("{actor} sets no password for {person}.", actor=by, person=person),
                now=now,
            )
            if by == person and _known(session, person) != shown:
                raise PasswordRefused(
                    Sentence("Somebody else has just set or removed it."),
                    hint=Sentence("Look who, and try again."),
                )
            act(session, now)
            forget_proofs(session, [person])
            end_sessions(session, [person])
            forget_attempts(session, person)
            if by != person:
                forget_devices(session, [person])
            body = {"actor": by, "person": person}
            log.append(kind, at=now, request_id=None, facts={"channel": "person"}, body=body)
            log.write()

    def _fits(self, phc: str, password: Secret) -> bool:
        try:
            return self.hasher.verify(phc, _typed(password))
        except (VerificationError, InvalidHashError):
            return False


def require_may(session: Session, person: str, by: str, what_not: Sentence, *, now: datetime) -> None:
    """Raises PasswordRefused unless both work here, and it is their own or the other's to administer: who
    has a role in more units than the other administers, or stands in for somebody who has, does not get into
    their hands.

    `what_not` says what is refused.
    """
    found = {one.id: one for one in session.scalars(select(Person).where(Person.id.in_([person, by])))}
    for who in (person, by):
        if who not in found or not found[who].active:
            raise PasswordRefused(
                Sentence("{person} does not work here.", person=who),
                hint="`paraaf people` lists who does.",
            )
    granted = select(Grant.unit).where(Grant.person_id == by, Grant.role == ADMINISTRATOR)
    units = set(session.scalars(granted))
    reached = units & {None, found[person].unit}
    if person != by and (not reached or reaches_further(session, person, units, now)):
        raise PasswordRefused(
            what_not,
            hint=Sentence("People set their own, and administrators those of others in their unit."),
        )


def forget_people(session: Session, log: Appender, gone: list[str], *, at: datetime) -> None:
    """Remove what is kept of people who are removed, and erase the bodies of the events that tell of it."""
    if not gone:
        return
    for person in gone:
        forget_attempts(session, person)
    forget_devices(session, gone)
    forget_ceremonies(session, gone)
    forget_proofs(session, gone)
    end_sessions(session, gone)
    forget_filters(session, gone)
    for table in (PasswordRow, CodeSecret, RecoveryCode, PasskeyRow):
        session.execute(delete(table).where(table.person_id.in_(gone)))
    erase_bodies_of_none(log, session, list(_telling(session, set(gone))), at=at)


def _telling(session: Session, people: set[str]) -> Iterator[int]:
    kinds = (SET, REMOVED, *EVERY, *ROLE_EVENTS, webhooks.ADDED, webhooks.REMOVED)
    query = (
        select(Event.seq, Body.body)
        .join(Body, Body.seq == Event.seq)
        .where(Event.request_id.is_(None), Event.type.in_(kinds), Body.body.is_not(None))
    )
    for seq, body in session.execute(query):
        said = json.loads(body or "{}")
        if people & {said.get("actor"), said.get("person")}:
            yield seq


def _kept(person: str) -> Select[str]:
    return (
        select(PasswordRow.phc)
        .join(Person, Person.id == PasswordRow.person_id)
        .where(PasswordRow.person_id == person, Person.active)
    )


def _known(session: Session, person: str) -> str | None:
    """What is kept of the password of somebody who works here; None for none."""
    return session.scalar(_kept(person))


def _typed(password: Secret) -> bytes:
    """What is hashed: an accent is the same however it was typed. Cut where nobody types any more."""
    text = unicodedata.normalize("NFC", password.reveal())
    return text.encode("utf-8", errors="replace")[: LONGEST_BYTES + 1]


def _require_fit(password: Secret) -> None:
    """Raises PasswordRefused."""
    text = password.reveal()
    is_text = text == text.encode(errors="replace").decode()  # half a character can't be typed again
    is_long = len(text) >= SHORTEST and len(set(text)) >= SHORTEST // 3
    if not (is_text and is_long) or len(_typed(password)) > LONGEST_BYTES:
        raise PasswordRefused(
            Sentence("This is no password that is kept."),
            hint=Sentence(
                "Choose at least {least} characters, of which not all are the same, and at most {most}"
                " bytes: a few words.",
                least=SHORTEST,
                most=LONGEST_BYTES,
            ),
        )


def _made_up(hasher: PasswordHasher) -> str:
    """What is kept of nobody, in the form of what is kept, so that hashing takes as long. Nothing fits it."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (hasher.salt_len, hasher.hash_len)
    )
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${digest}"
