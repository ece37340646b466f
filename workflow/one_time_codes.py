"""Codes from an application on somebody's telephone, asked after their password: a new one each half minute.

The secret from which both sides make them is kept enciphered, by a key that is not in the database: whoever
has only that can make no codes. A code counts once, and for half a minute before and after its own, as clocks
differ. Who loses the telephone has recovery codes, each good once, kept as passwords are.
Source: RFC 6238; RFC 4226 for the digits.
"""

import hmac
import secrets
from base64 import b32decode, b32encode, b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from signing.secret import Secret
from wording import Sentence
from workflow.ceremonies import begin, look, take
from workflow.devices import known_device
from workflow.errors import WorkflowError
from workflow.identity_events import CODES_REMOVED, CODES_SET_UP, RECOVERY_CODE_USED, tell
from workflow.passwords import Passwords, require_may
from workflow.sessions import end_sessions
from workflow.store import Moment, Store
from workflow.tables import CodeSecret, Person, RecoveryCode
from workflow.throttle import CODE, Throttle, forget_attempt

DIGITS: Final = 6
STEP_S: Final = 30
SECRET_BYTES: Final = 20
AROUND: Final = 1
"""So many codes before and after the present one count, too."""
RECOVERY_CODES: Final = 10
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is taken for another
_RECOVERY: Final = 11  # letters after the place: 55 bits
_NONCE: Final = 12

_Done = TypeVar("_Done")


class CodeWrong(WorkflowError):
    """The code is not the one of this moment, or was used before."""

    code = "workflow-code-wrong"

    def __init__(self) -> None:
        super().__init__(
            Sentence("This code does not count: it is not the one of this moment, or it was used before."),
            hint=Sentence("Wait for the next one, and see that the telephone's clock is right."),
        )


class CodesRefused(WorkflowError):
    """Codes can't be set up, or removed, like this."""

    code = "workflow-codes"


@dataclass(frozen=True)
class Enrolment:
    """What an application on a telephone needs to make somebody's codes; it counts once a code shows it."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    """In base 32, as people type it."""
    uri: str = field(repr=False)


@dataclass(frozen=True)
class OneTimeCodes:
    """The codes of an office's people. `key` enciphers their secrets; `issuer` is told to applications."""

    store: Store
    passwords: Passwords
    moment: Moment
    key: bytes = field(repr=False)
    issuer: str = "Paraaf"

    def left(self, person: str) -> int | None:
        """How many recovery codes somebody has left; None where they are asked for no codes."""
        with self.store.read() as session:
            if session.get(CodeSecret, person) is None:
                return None
            counted = select(func.count()).where(RecoveryCode.person_id == person)
            return session.scalar(counted) or 0

    def begin(self, person: str, *, bound_to: str) -> Enrolment:
        """Make a secret, which counts once a code is typed that it made."""
        secret = secrets.token_bytes(SECRET_BYTES)
        data = {"secret": b64encode(self._encipher(person, secret)).decode()}
        with self.store.write() as session:
            now = self.moment(session)
            token = begin(session, "enrol-code", bound_to=bound_to, now=now, person=person, data=data)
        return self._enrolment(person, token, secret)

    def resume(self, person: str, token: str, *, bound_to: str) -> Enrolment:
        """The same once more, for who mistyped the code. Raises CeremonyOver."""
        with self.store.read() as session:
            begun = look(session, "enrol-code", token, bound_to=bound_to, now=self.moment(session))
        return self._enrolment(person, token, self._decipher(person, b64decode(begun.data["secret"])))

    def confirm(
        self, person: str, token: str, code: str, password: Secret, *, bound_to: str, device: str = ""
    ) -> list[str]:
        """Ask this person for codes from now on; their recovery codes, which are told this once. All of their
        sessions end.

        Raises CodeWrong, CeremonyOver, what Passwords.check raises.
        """
        enrolment = self.resume(person, token, bound_to=bound_to)
        with self.store.read() as session:
            step = _step_of(b32decode(enrolment.secret), code, self.moment(session))
        if step is None:
            raise CodeWrong
        recovery = [_recovery_code(place) for place in range(RECOVERY_CODES)]
        hashed = [self.passwords.hasher.hash(one) for one in recovery]

        def keep(session: Session, now: datetime) -> None:
            take(session, "enrol-code", token, bound_to=bound_to, now=now)
            _remove(session, person)
            enciphered = self._encipher(person, b32decode(enrolment.secret))
            session.add(CodeSecret(person_id=person, secret=enciphered, last_step=step, set_at=now))
            session.add_all(
                RecoveryCode(person_id=person, place=place, phc=phc) for place, phc in enumerate(hashed)
            )
            session.flush()
            end_sessions(session, [person])
            tell(session, CODES_SET_UP, person=person, by=person, at=now)

        self.passwords.check(person, password, keep, device=device)
        return ["-".join(one[at : at + 4] for at in range(0, len(one), 4)) for one in recovery]

    def check(
        self, person: str, code: str, then: Callable[[Session, datetime], _Done], *, device: str = ""
    ) -> _Done:
        """See that it is this person's code, used for the first time, and do `then` in the same transaction.

        Raises CodeWrong, Throttled, StoreUnavailable.
        """
        with self.store.read() as session:
            known = known_device(session, device, person, self.moment(session))
        whose = Throttle(self.store, self.moment).begin(person, apart=known, kind=CODE)
        typed = "".join(code.upper().split()).replace("-", "")
        use = self._recovered if len(typed) == 1 + _RECOVERY else self._counted
        used = use(person, typed)
        with self.store.write() as session:
            now = self.moment(session)
            active = select(Person.id).where(Person.id == person, Person.active)
            if used is None or session.scalar(active) is None or not used(session, now):
                raise CodeWrong
            forget_attempt(session, whose)
            return then(session, now)

    def remove(self, person: str, *, by: str, present: Secret | None = None, device: str = "") -> None:
        """Ask this person for codes no more; they sign in anew.

        People show it with their password, administrators remove those of others. Raises CodesRefused,
        PasswordRefused, what Passwords.check raises.
        """
        if by == person:
            if present is None:
                raise CodesRefused(
                    Sentence("The password is missing."),
                    hint=Sentence("Give it: only who knows it removes them."),
                )
            self.passwords.check(person, present, lambda _session, _now: None, device=device)
        with self.store.write() as session:
            require_may(
                session,
                person,
                by,
                Sentence("{actor} removes no codes of {person}.", actor=by, person=person),
                now=self.moment(session),
            )
            if session.get(CodeSecret, person) is None:
                raise CodesRefused(
                    Sentence("{person} is asked for no codes.", person=person),
                    hint=Sentence("There is nothing to remove."),
                )
            _remove(session, person)
            end_sessions(session, [person])
            tell(session, CODES_REMOVED, person=person, by=by, at=self.moment(session))

    def _counted(self, person: str, typed: str) -> Callable[[Session, datetime], bool] | None:
        """A code of this moment: how it is used up; None where it is none."""
        with self.store.read() as session:
            row, now = session.get(CodeSecret, person), self.moment(session)
        if row is None:
            return None
        kept, step = row.secret, _step_of(self._decipher(person, row.secret), typed, now)
        if step is None:
            return None

        def use(session: Session, _now: datetime) -> bool:
            table = CodeSecret.table()
            here = (table.c.person_id == person, table.c.secret == kept, table.c.last_step < step)
            return (
                session.connection().execute(update(table).where(*here).values(last_step=step)).rowcount == 1
            )

        return use

    def _recovered(self, person: str, typed: str) -> Callable[[Session, datetime], bool] | None:
        """A recovery code: how it is used up; None where it is none."""
        place = int(typed[0]) if typed[0] in "0123456789" else -1
        with self.store.read() as session:
            row = session.get(RecoveryCode, (person, place))
        if row is None or not self._fits(row.phc, typed):
            return None

        def use(session: Session, now: datetime) -> bool:
            table = RecoveryCode.table()
            here = (table.c.person_id == person, table.c.place == place, table.c.phc == row.phc)
            gone = session.connection().execute(delete(table).where(*here)).rowcount == 1
            if gone:
                tell(session, RECOVERY_CODE_USED, person=person, by=person, at=now)
            return gone

        return use

    def _fits(self, phc: str, typed: str) -> bool:
        try:
            return self.passwords.hasher.verify(phc, typed)
        except (VerificationError, InvalidHashError):
            return False

    def _enrolment(self, person: str, token: str, secret: bytes) -> Enrolment:
        uri = _totp(secret).get_provisioning_uri(person, self.issuer)
        return Enrolment(token, b32encode(secret).decode(), uri)

    def _encipher(self, person: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self.key).encrypt(nonce, secret, person.encode())

    def _decipher(self, person: str, kept: bytes) -> bytes:
        """Raises CodesRefused, where it was enciphered for another person or by another office's key."""
        try:
            return AESGCM(self.key).decrypt(kept[:_NONCE], kept[_NONCE:], person.encode())
        except InvalidTag as error:
            raise CodesRefused(
                Sentence("The secret of these codes was not enciphered by this office."),
                hint=Sentence.for_both(
                    "An administrator removes them (`paraaf people remove-codes`), then set them up anew.",
                    "An administrator removes them, then set them up anew.",
                ),
            ) from error


def has_codes(session: Session, person: str) -> bool:
    """Whether this person is asked for a code after their password."""
    return session.get(CodeSecret, person) is not None


def _remove(session: Session, person: str) -> None:
    for table in (CodeSecret, RecoveryCode):
        session.execute(delete(table).where(table.person_id == person))


def _step_of(secret: bytes, typed: str, now: datetime) -> int | None:
    """The step whose code this is, of those around now; None for none."""
    code, present, found = "".join(typed.split()), int(now.timestamp()) // STEP_S, None
    for step in range(present - AROUND, present + AROUND + 1):
        made = _totp(secret).generate(step * STEP_S)
        if hmac.compare_digest(made, code.encode(errors="replace")):
            found = step
    return found


def _totp(secret: bytes) -> TOTP:
    # SHA-1 is what applications know; its weakness is of collisions, and here is none to find
    return TOTP(secret, DIGITS, SHA1(), STEP_S)  # noqa: S303


def _recovery_code(place: int) -> str:
    return str(place) + "".join(secrets.choice(_LETTERS) for _ in range(_RECOVERY))
