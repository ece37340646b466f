"""How long a request is kept: from the day on which it ended, so long as its definition says.

Days are the office's, by the time zone of the definition's calendar; months are calendar months. A request is
due from the first moment of its day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from workflow.calendar import CALENDARS, later_by
from workflow.definition_model import Definition
from workflow.judge import office_day
from workflow.pinned import DefinitionOf, pinned
from workflow.tables import Hold, Request

SHOWN_DAYS = 30
"""What is due in so many days is shown, and what was destroyed in as many."""


@dataclass(frozen=True)
class Kept:
    """A request that has ended and is kept: since `ended_on`, to be destroyed on `due_on`, days of the
    office."""

    request_id: int
    definition: Definition
    unit: str
    outcome: str
    ended_on: date
    due_on: date


def due_day(definition: Definition, closed_at: datetime) -> date:
    """The day on which a request of this definition that ended then is destroyed."""
    return later_by(office_day(definition, closed_at), definition.keep)


def due(
    session: Session, definition_of: DefinitionOf, now: datetime, *, days: int = 0, limit: int | None = None
) -> list[Kept]:
    """The requests that are due now, or within so many days, without those on hold: first ended, first.

    Requests of a definition that can't be read have no term to be due by.
    """
    requests = Request.table()
    found: list[tuple[datetime, Kept]] = []
    for sha256_hex, definition in pinned(session, definition_of).read.items():
        query = (
            select(requests.c.id, requests.c.unit, requests.c.outcome, requests.c.closed_at)
            .where(*_due(definition, sha256_hex, now, days))
            .order_by(requests.c.closed_at, requests.c.id)
            .limit(limit)
        )
        for number, unit, outcome, closed_at in session.execute(query):
            ended_on, due_on = office_day(definition, closed_at), due_day(definition, closed_at)
            found.append((closed_at, Kept(number, definition, unit, outcome, ended_on, due_on)))
    found.sort(key=lambda pair: (pair[0], pair[1].request_id))
    return [kept for _, kept in found[:limit]]


def overdue(session: Session, definition_of: DefinitionOf, now: datetime) -> int:
    """How many requests were due a day ago and are still there, without those on hold, and
    those of a definition that can't be read.
    """
    count = select(func.count()).select_from(Request.table())
    read = pinned(session, definition_of).read
    queries = (count.where(*_due(definition, one, now, -1)) for one, definition in read.items())
    return sum(session.execute(query).scalar_one() for query in queries)


def _due(definition: Definition, sha256_hex: str, now: datetime, days: int) -> Iterator[ColumnElement[bool]]:
    """What a request of one definition meets that is due within so many days, and not on hold."""
    requests = Request.table()
    yield requests.c.definition_sha256 == sha256_hex
    yield requests.c.closed_at < ended_before(definition, office_day(definition, now) + timedelta(days=days))
    yield requests.c.destroyed_at.is_(None)
    yield ~on_hold(requests.c.id)


def on_hold(request_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a request has a hold that nobody has released."""
    return exists().where(Hold.request_id == request_id, Hold.released_at.is_(None))


def shortest_before(session: Session, definition_of: DefinitionOf, now: datetime) -> datetime | None:
    """The moment before which something has ended that is due now by the shortest term that can be read.

    None while no request was ever begun.
    """
    definitions = pinned(session, definition_of).read.values()
    return max((ended_before(one, office_day(one, now)) for one in definitions), default=None)


def longest_ended(session: Session, definition_of: DefinitionOf, now: datetime) -> date | None:
    """The last day that lies back so far now that what ended on it is due by the longest term there is.

    None while no request was ever begun, and while a term can't be read: it may be the longest.
    """
    found = pinned(session, definition_of)
    if found.unread:
        return None
    return min((_last_due(one, office_day(one, now)) for one in found.read.values()), default=None)


def ended_before(definition: Definition, day: date) -> datetime:
    """The moment before which a request has ended that is due on this day or earlier."""
    zone = ZoneInfo(CALENDARS[definition.calendar].zone)
    after = date.fromordinal(_last_due(definition, day).toordinal() + 1)
    return datetime.combine(after, time.min, zone).astimezone(UTC)


def _last_due(definition: Definition, day: date) -> date:
    """The last day of an end that is due on this day or earlier."""
    low, high = date.min.toordinal(), day.toordinal()
    while low < high:  # a later end is never due earlier, so the last day that is due can be halved out
        middle = (low + high + 1) // 2
        if later_by(date.fromordinal(middle), definition.keep) <= day:
            low = middle
        else:
            high = middle - 1
    return date.fromordinal(low)
