"""Whether this machine's clock can be right: the one place that knows.

The log knows a time that has been, a database server has a clock of its own, a certificate says when it may
be used: a clock that disagrees is wrong, or they are. One that went forward by days may be right, in an
office that was closed: what can't be undone waits for a day, so that somebody can notice.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from watching.logs import note
from workflow.errors import WorkflowError
from workflow.tables import Event, RetentionRow

log = logging.getLogger(__name__)

TOLERANCE = timedelta(minutes=5)
QUIET = timedelta(days=3)
"""How long nobody may have looked: an office may be switched off over a weekend. After more, the clock may
be wrong."""
RECENT = 1_000
"""So many events are looked through for the latest time: a command under a wrong clock must not hide it."""
WAIT = timedelta(days=1)
"""So long somebody can notice that the clock is wrong, before anything is destroyed by it."""


class ClockImplausible(WorkflowError):
    """This machine's clock can't be right, beside the log, the database's clock or a certificate."""

    code = "workflow-clock"
    impersonal = True


def require_plausible(session: Session, now: datetime, *, theirs: datetime | None = None) -> None:
    """Refuse a clock that is more than five minutes behind the log, or away from the database's own.

    Events are ordered by their sequence, whatever the clock says; what goes by days and hours (due times,
    reminders, the end of keeping) must not go by a clock that is known to be wrong. Raises ClockImplausible.
    """
    latest = latest_event(session)
    if latest is not None and latest - now > TOLERANCE:
        raise ClockImplausible(
            f"It is {now:%Y-%m-%d %H:%M} UTC by this machine, and an event was recorded at"
            f" {latest:%Y-%m-%d %H:%M} UTC.",
            hint="Set the clock: due times, certificates and timestamps go by it. If it is right now, and was"
            " ahead then, say so: `paraaf retention --run --clock-is-right`. After a restore"
            " place the holds first: it ends the day in which nothing is destroyed.",
        )
    if theirs is not None:
        require_alike(now, theirs)


def require_alike(now: datetime, theirs: datetime) -> None:
    """Refuse a clock that is more than five minutes away from the database's. Raises ClockImplausible."""
    if abs(theirs - now) > TOLERANCE:
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


def latest_event(session: Session) -> datetime | None:
    """The greatest time of the last events, in whichever order they came; None for none.

    Of those before a person said that the clock is right nothing is asked.
    """
    believed = select(RetentionRow.believed_seq).scalar_subquery()
    recent = (
        select(Event.recorded_at)
        .where(Event.seq > func.coalesce(believed, 0))
        .order_by(Event.seq.desc())
        .limit(RECENT)
        .subquery()
    )
    at = session.scalar(select(func.max(recent.c.recorded_at)))
    return None if at is None else datetime.fromisoformat(at)


class Watch:
    """Notices that the clock is behind what the log says, and says so once, until it is right again."""

    def __init__(self) -> None:
        self._latest: datetime | None = None
        self._is_behind = False

    def look(self, session: Session, now: datetime) -> None:
        """Compare the clock with the log, which is read the first time, and while it is behind."""
        if self._latest is None or self._latest - now > TOLERANCE:
            self._latest = latest_event(session) or now
        is_behind = self._latest - now > TOLERANCE
        if is_behind and not self._is_behind:
            ours, since = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (now, self._latest))
            note(log, logging.WARNING, "clock_behind", clock=ours, since=since)
        self._is_behind = is_behind
        self._latest = max(self._latest, now)


@dataclass(frozen=True)
class Looked:
    """What was found when somebody last looked at the clock.

    `waits_until`: it had gone forward by days, and so long nothing is done that can't be undone; `steady_at`:
    when somebody looked last before it went forward, None where that is not known.
    """

    looked_at: datetime
    waits_until: datetime | None = None
    steady_at: datetime | None = None


def looked_now(now: datetime, last: Looked) -> Looked:
    """What is found by a look now, beside the last one.

    The wait ends at its time, whatever smaller steps the clock makes meanwhile: two hosts never agree to the
    millisecond. It ends earlier only when the clock is plainly where it was, no further from the look before
    it went forward than any look may be from the one before; what was looked at meanwhile counts for nothing.
    A clock that goes forward by days once more is waited for anew; one that was set back by more than a day
    is waited for a day from then on, wherever it was before.
    """
    if last.steady_at is not None and -TOLERANCE <= now - last.steady_at <= QUIET:
        return Looked(now)
    if went_forward(now, last.looked_at):
        return Looked(now, now + WAIT, last.looked_at if last.waits_until is None else last.steady_at)
    if last.waits_until is None or last.waits_until <= now:
        return Looked(now)
    return Looked(now, no_longer(now, last.waits_until), last.steady_at)


def no_longer(now: datetime, until: datetime) -> datetime:
    """The end of a wait that was begun by a clock which was ahead, and has been set back by more than a day:
    a day from now, and not that clock's.
    """
    return now + WAIT if until - now > 2 * WAIT else until


def went_forward(now: datetime, since: datetime) -> bool:
    """Whether the clock went forward by days since somebody last looked."""
    return now - since > QUIET


def require_steady(session: Session, now: datetime) -> None:
    """Refuse a clock that went forward by days, for a day, unless a person says that it is right.

    Retention looks at it every hour, and keeps what it found. Raises ClockImplausible.
    """
    row = session.get(RetentionRow, 1)
    since = last_event(session) if row is None else row.looked_at
    if since is None:
        return
    last = Looked(since) if row is None else Looked(since, row.waits_until, row.steady_at)
    until = looked_now(now, last).waits_until
    if until is not None:
        raise ClockImplausible(
            f"It is {now:%Y-%m-%d %H:%M} UTC by this machine, which went forward by days: nothing is done"
            f" before {until:%Y-%m-%d %H:%M} UTC that can't be undone.",
            hint="Set it, if it is wrong. If it is right, and so are the holds after a restore, say so:"
            " `paraaf retention --run --clock-is-right`.",
        )


def require_later(now: datetime, since: datetime) -> None:
    """Refuse a clock that is behind what a backup says, when its office is restored. Raises ClockImplausible.

    What waits after that would wait by a wrong time: as soon as the clock was set, it would wait no more.
    """
    if since - now > TOLERANCE:
        raise ClockImplausible(
            f"It is {now:%Y-%m-%d %H:%M} UTC by this machine, and the backup is of"
            f" {since:%Y-%m-%d %H:%M} UTC.",
            hint="Set the clock, and restore again. If it is right now, and was ahead when the backup was"
            " made, say so: `paraaf restore --clock-is-right`.",
        )
