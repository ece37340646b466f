"""The way in: what somebody has to show before a session is opened for them.

A password opens one, or asks for a code first where its person has set up codes. Between the two nobody has
signed in: what is kept is that a password was right, for this visit, for minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from signing.secret import Secret
from wording import Sentence
from workflow.ceremonies import begin, look, take
from workflow.devices import know_device, known_device
from workflow.errors import WorkflowError
from workflow.group_roles import METHOD, grant_by_groups
from workflow.one_time_codes import OneTimeCodes, has_codes
from workflow.passwords import Passwords
from workflow.sessions import end_others, open_session
from workflow.store import Moment, Store
from workflow.tables import Person

if TYPE_CHECKING:
    from workflow.passkeys import Passkeys  # pages alone need it

WITH_CODE: Final = "+code"
"""Behind the method of a session for which a code was asked, too."""


class NotInRegister(WorkflowError):
    """The organisation vouches for somebody whom this office's HR register does not know."""

    code = "workflow-not-in-register"

    def __init__(self, person: str) -> None:
        super().__init__(
            Sentence("The HR register of this office knows nobody with the number {person}.", person=person),
            hint=Sentence.for_both(
                "Whoever looks after it loads a register that names you: `paraaf people --register`.",
                "Ask your HR department, or whoever looks after this office.",
            ),
        )
        self.person = person


@dataclass(frozen=True)
class Visit:
    """A browser in which somebody signs in: what it holds of this visit and of earlier ones, and its name."""

    token: str = field(repr=False)
    device: str = field(default="", repr=False)
    browser: str = ""


@dataclass(frozen=True)
class Vouched:
    """Whom the provider vouches for: the number that it knows them by, and their groups."""

    person: str
    groups: frozenset[str]
    id_token: str = field(repr=False)


@dataclass(frozen=True)
class Opened:
    """Somebody has signed in: what their browser holds from now on."""

    session: str = field(repr=False)
    device: str = field(repr=False)


@dataclass(frozen=True)
class CodeAsked:
    """The password is right, and a code has to follow."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class Entrance:
    """Lets people in."""

    store: Store
    moment: Moment
    passwords: Passwords
    codes: OneTimeCodes

    def known_as(self, person: str, visit: Visit) -> str:
        """Of whom failures are counted here: of a browser known to this person, or of all strangers."""
        with self.store.read() as session:
            return known_device(session, visit.device, person, self.moment(session)) or person

    def by_password(
        self, person: str, password: Secret, visit: Visit, *, method: str = "password"
    ) -> Opened | CodeAsked:
        """Let somebody in by their password. Raises what Passwords.check raises."""

        def then(session: Session, now: datetime) -> Opened | CodeAsked:
            if not has_codes(session, person):
                return let_in(session, person, method, visit, now)
            data = {"method": method}
            return CodeAsked(begin(session, "code", bound_to=visit.token, now=now, person=person, data=data))

        return self.passwords.check(person, password, then, device=visit.device)

    def by_code(self, token: str, code: str, visit: Visit) -> Opened:
        """Let somebody in whose password was right. Raises CeremonyOver, what OneTimeCodes.check raises."""
        with self.store.read() as session:
            begun = look(session, "code", token, bound_to=visit.token, now=self.moment(session))
        person = begun.person or ""

        def then(session: Session, now: datetime) -> Opened:
            take(session, "code", token, bound_to=visit.token, now=now)
            return let_in(session, person, begun.data["method"] + WITH_CODE, visit, now)

        return self.codes.check(person, code, then, device=visit.device)

    def by_passkey(self, passkeys: "Passkeys", token: str, answer: str, visit: Visit) -> Opened:
        """Let somebody in by a passkey of theirs. Raises what Passkeys.check raises."""

        def then(session: Session, now: datetime, person: str, _begun: object) -> Opened:
            return let_in(session, person, "passkey", visit, now)

        return passkeys.check(token, answer, then, bound_to=visit.token)

    def by_word(self, vouched: Vouched, duties: Mapping[str, tuple[str, ...]], visit: Visit) -> Opened:
        """Let somebody in whom their organisation vouches for. Raises NotInRegister."""
        with self.store.write() as session:
            person = session.get(Person, vouched.person)
            if person is None or not person.active:
                raise NotInRegister(vouched.person)
            opened = let_in(
                session, person.id, METHOD, visit, self.moment(session), id_token=vouched.id_token
            )
            if grant_by_groups(session, person, vouched.groups, duties):
                end_others(session, person.id, opened.session)
        return opened

    def again(self, person: str, method: str, visit: Visit) -> Opened:
        """Open a session for somebody who was signed in; what they did has ended all of theirs."""
        with self.store.write() as session:
            return let_in(session, person, method, visit, self.moment(session))


def let_in(
    session: Session, person: str, method: str, visit: Visit, now: datetime, *, id_token: str = ""
) -> Opened:
    """Open a session for somebody who has shown who they are, in the transaction that is sure of it."""
    token = open_session(session, person, method, now, browser=visit.browser, id_token=id_token)
    return Opened(token, know_device(session, visit.device, person, now))
