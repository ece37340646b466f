"""Whether this machine's clock can be right: the log knows a time that has been."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.errors import WorkflowError
from workflow.tables import Event

TOLERANCE = timedelta(minutes=5)


class ClockBehind(WorkflowError):
    """This machine's clock is behind the last event of the log: one of the two times is wrong."""

    code = "workflow-clock-behind"
    impersonal = True


def require_plausible(session: Session, now: datetime) -> None:
    """Refuse a clock that is more than five minutes behind the last event. Raises ClockBehind.

    Events are ordered by their sequence, whatever the clock says; what goes by days and hours (due times,
    reminders, the end of keeping) must not go by a clock that is known to be wrong.
    """
    last = session.scalar(select(Event.recorded_at).order_by(Event.seq.desc()).limit(1))
    if last is not None and datetime.fromisoformat(last) - now > TOLERANCE:
        raise ClockBehind(
            f"It is {now:%Y-%m-%d %H:%M} UTC by this machine, and the last event was recorded at {last}.",
            hint="Set the clock: due times, certificates and timestamps go by it.",
        )
