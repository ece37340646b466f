"""Whether this machine's clock can be right: the one place that knows.

The log knows a time that has been, a database server has a clock of its own, a certificate says when it may
be used: a clock that disagrees is wrong, or they are. One that went forward by days may be right, in an
office that was closed: what can't be undone waits for a day, so that somebody can notice.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError
from workflow.tables import Event

TOLERANCE = timedelta(minutes=5)
QUIET = timedelta(days=3)
"""How long nobody may have looked: an office may be switched off over a weekend. After more, the clock may
be wrong."""
WAIT = timedelta(days=1)
"""So long somebody can notice that the clock is wrong, before anything is destroyed by it."""


class ClockImplausible(WorkflowError):
    """This machine's clock can't be right, beside the log, the database's clock or a certificate."""

    code = "workflow-clock"
    impersonal = True


def require_plausible(session: Session, now: datetime, *, theirs: datetime | None = None) -> None:
    """Refuse a clock that is more than five minutes behind the last event, or away from the database's own.

    Events are ordered by their sequence, whatever the clock says; what goes by days and hours (due times,
    reminders, the end of keeping) must not go by a clock that is known to be wrong. Raises ClockImplausible.
    """
    last = last_event(session)
    if last is not None and last - now > TOLERANCE:
        raise ClockImplausible(
            f"It is {now:%Y-%m-%d %H:%M} UTC by this machine, and the last event was recorded at"
            f" {last:%Y-%m-%d %H:%M} UTC.",
            hint="Set the clock: due times, certificates and timestamps go by it.",
        )
    if theirs is not None and abs(theirs - now) > TOLERANCE:
        raise ClockImplausible(
            "This machine's clock and the database's differ by more than five minutes.",
            hint="Set the clocks by a time server.",
        )


def require_within(begin: datetime, end: datetime, now: datetime) -> None:
    """Refuse a clock by which a certificate of ours may not be used. Raises ClockImplausible."""
    if not begin <= now <= end:
        raise ClockImplausible(
            "A certificate of the authority is not valid at this machine's time.",
            hint="Set the clock, or renew the certificate.",
        )


def last_event(session: Session) -> datetime | None:
    """When the last event was recorded; None in an empty log."""
    at = session.scalar(select(Event.recorded_at).order_by(Event.seq.desc()).limit(1))
    return None if at is None else datetime.fromisoformat(at)


def went_forward(now: datetime, since: datetime) -> bool:
    """Whether the clock went forward by days since somebody last looked."""
    return now - since > QUIET


def waits_until(now: datetime, *, since: datetime, until: datetime | None) -> datetime | None:
    """Until when what can't be undone waits; None when it need not.

    `since` is when somebody last looked, `until` what they were told. A clock that went back, or has reached
    what it was waited for, is waited for no more.
    """
    if went_forward(now, since):
        return now + WAIT
    return None if until is None or now < since or until <= now else until
