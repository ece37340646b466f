"""The way in: what somebody has to show before a session is opened for them.

A password opens one, or asks for a code first where its person has set up codes. Between the two nobody has
signed in: what is kept is that a password was right, for this visit, for minutes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from signing.secret import Secret
from workflow.ceremonies import begin, look, take
from workflow.devices import know_device, known_device
from workflow.one_time_codes import OneTimeCodes, has_codes
from workflow.passwords import Passwords
from workflow.sessions import open_session
from workflow.store import Moment, Store

WITH_CODE: Final = "+code"
"""Behind the method of a session for which a code was asked, too."""


@dataclass(frozen=True)
class Visit:
    """A browser in which somebody signs in: what it holds of this visit and of earlier ones, and its name."""

    token: str = field(repr=False)
    device: str = field(default="", repr=False)
    browser: str = ""


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

    def again(self, person: str, method: str, visit: Visit) -> Opened:
        """Open a session for somebody who was signed in; what they did has ended all of theirs."""
        with self.store.write() as session:
            return let_in(session, person, method, visit, self.moment(session))


def let_in(session: Session, person: str, method: str, visit: Visit, now: datetime) -> Opened:
    """Open a session for somebody who has shown who they are, in the transaction that is sure of it."""
    token = open_session(session, person, method, now, browser=visit.browser)
    return Opened(token, know_device(session, visit.device, person, now))
