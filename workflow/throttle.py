"""How often somebody may try to show who they are: growing waits after failures, shared by all processes.

The row of `attempts` is changed under its lock, in a short transaction of its own, before anything is looked
at: an attempt counts as failed until it has succeeded, so a hundred at once are no more than one after the
other. Names of nobody have rows too, in so few places that they fill no disk; which place is whose, nobody
can work out without the office's secret. What is told is the same.

All strangers who try to be somebody share that person's row. A browser that has signed them in before has a
row of its own (`devices`), and so has each of their tokens (`tokens`): strangers make nobody wait where they
always work, nor does a program that has a wrong password.
"""

import hmac
from datetime import timedelta
from math import ceil
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError
from workflow.office_secrets import office_secret
from workflow.store import Moment, Store
from workflow.tables import ApiToken, Attempts, Device, Person

FREE = 3
"""So many may fail before anybody has to wait: people mistype."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
"""Waits double up to this: 100 guesses a day at most, and a person who was locked out by others is let in."""
FORGOTTEN = timedelta(days=1)
"""Failures so long ago do not count any more."""
CODE: Final = "#"
"""Before the rows of codes: who knows a password has no more guesses at the code by typing it again."""
_APART = "!"
_STRANGERS = 4  # hex digits: places for what is nobody's number


class Throttled(WorkflowError):
    """Somebody tried too often in vain to show who they are: the next attempt waits `after_s` seconds."""

    code = "workflow-throttled"

    def __init__(self, after_s: int) -> None:
        super().__init__(
            f"There were too many attempts: the next one can be made in {after_s} s.",
            hint="Wait, then try again. Who has forgotten their password asks an administrator for one.",
        )
        self.after_s = after_s


class Throttle:
    """Counts attempts. `moment` is the time that all processes share."""

    def __init__(self, store: Store, moment: Moment) -> None:
        self._store = store
        self._moment = moment

    def begin(self, person: str, *, apart: str = "", kind: str = "") -> str:
        """Count an attempt to be this person, as a failed one; in whose row.

        `apart`: what is counted by itself, the digest of a browser that has signed them in before, or
        `by_token`; `kind`: CODE for a code. Raises Throttled, StoreUnavailable.
        """
        while not self._counted(whose := self._row_of(person, apart, kind)):
            pass  # they have just shown who they are, by another attempt, and the row is gone
        return whose

    def _counted(self, whose: str) -> bool:
        """Count an attempt in the row that there is; false where there is none any more."""
        table = Attempts.table()
        with self._store.write() as session:
            connection, here = session.connection(), table.c.whose == whose
            row = connection.execute(select(table).where(here).with_for_update()).first()
            if row is None:
                return False
            now = self._moment(session)  # after the lock: the wait for it is over
            until = min(row.blocked_until, now + LONGEST_WAIT)  # of a clock that was ahead
            if until > now:
                raise Throttled(ceil((until - now).total_seconds()))
            failures = 1 if now - row.last_at > FORGOTTEN else row.failures + 1
            counted = {"failures": failures, "last_at": now, "blocked_until": now + wait_after(failures)}
            connection.execute(update(table).where(here).values(**counted))
        return True

    def _row_of(self, person: str, apart: str = "", kind: str = "") -> str:
        """Whose row it is, made when it is not there."""
        people, secret = Person.table(), office_secret(self._store, "throttle")
        with self._store.read() as session:
            known = session.connection().execute(select(people.c.id).where(people.c.id == person)).first()
            now = self._moment(session)
        place = hmac.digest(secret, person.encode(errors="replace"), "sha256").hex()[:_STRANGERS]
        own = f"{_APART}{apart}" if apart else person
        whose = kind + (f"?{place}" if known is None else own)
        none = {"whose": whose, "failures": 0, "last_at": now, "blocked_until": now}
        self._store.have_row(Attempts.table(), none)
        return whose


def by_token(number: int) -> str:
    """What a program's attempts are counted under: it holds this token of the person."""
    return f"token-{number}"


def forget_attempt(session: Session, whose: str) -> None:
    """They have shown who they are: earlier failures in this row do not count. Those of strangers stay."""
    session.execute(delete(Attempts).where(Attempts.whose == whose))


def forget_attempts(session: Session, person: str) -> None:
    """They got another password, or are removed: nothing that failed before counts."""
    theirs = select(Device.token_sha256).where(Device.person_id == person)
    tokens = session.scalars(select(ApiToken.id).where(ApiToken.person_id == person))
    apart = [f"{_APART}{one}" for one in (*session.scalars(theirs), *map(by_token, tokens))]
    whose = [one for row in (person, *apart) for one in (row, CODE + row)]
    session.execute(delete(Attempts).where(Attempts.whose.in_(whose)))


def wait_after(failures: int) -> timedelta:
    """How long the next attempt has to wait after so many failures."""
    if failures <= FREE:
        return timedelta(0)
    doubled: int = 2 ** min(failures - FREE - 1, 20)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)
