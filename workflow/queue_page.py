"""The queue: the open tasks that a person can take, chosen, put in order and cut into pages by the database.

Each way to a task (a role, one's own request, what one holds) is a stretch of an index that is read in its
order, no further than a page needs; of these stretches the page is made, and only the page is read whole.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.access import People
from workflow.calendar import CALENDARS, WorkingCalendar
from workflow.claims import Holders
from workflow.definition_errors import CalendarEnded
from workflow.definition_model import Definition
from workflow.pinned import Pinned
from workflow.queue_filter import QueueFilter
from workflow.queue_order import KEYS, Order
from workflow.queue_rights import Takeable, as_it_comes, rights_of
from workflow.reminders import EVENTS
from workflow.search import finding
from workflow.tables import Event, Person, Reminder, Request, Task

_OfCalendar = Callable[[WorkingCalendar], ColumnElement[bool]]
COUNTED = 1_000
"""Up to so many are counted: nobody works through more."""


@dataclass(frozen=True)
class QueueItem:
    """An open task that a person can take, or holds; `on_behalf_of` is set when only as a substitute.

    Of a request that they don't see any more it holds no requester ("") and no reference.
    """

    request_id: int
    version: int
    key: str
    variant: str
    state: str
    role: str
    requester_id: str
    unit: str
    reference: str | None
    offered_at: datetime
    claimed_by: str | None
    claimed_for: str | None
    started_at: datetime | None
    suspended_at: datetime | None
    on_behalf_of: str | None
    due_at: datetime | None = None
    reminded_at: datetime | None = None
    """When it was last reminded of, or escalated."""
    escalated_at: datetime | None = None
    lapsed: bool = False
    """Whoever holds it may not do it any more: they release it, or somebody else does."""
    near_at: datetime | None = None
    """From then on little of its working time is left."""
    claimed_at: datetime | None = None
    requester_name: str = ""
    holder_name: str = ""
    """What `claimed_by` is called."""


@dataclass(frozen=True)
class QueuePage:
    """Some of a queue. `after`: what the next page's filter has as its `after`; None: this is the last.
    `before`: the same for the page before, of the sort the other way round; None: this is the first.

    `count`: how many the filter finds on all pages; with `more`, there are more than these COUNTED. None: it
    was not asked.
    """

    items: tuple[QueueItem, ...] = ()
    after: str | None = None
    count: int | None = 0
    more: bool = False
    before: str | None = None


@dataclass(frozen=True)
class Asker:
    """Who asks for a queue, when, and what is known of them: `today` is the office's day."""

    actor: str
    people: People
    pinned: Pinned
    now: datetime
    today: date


def queue_page(
    session: Session, asker: Asker, wanted: QueueFilter, *, limit: int, counted: bool
) -> QueuePage:
    """A page of what the asker can take, and of what they hold.

    What four eyes bar them from is left out, and what the document names somebody else for who can take it.
    Of requests whose definition can't be read nothing can be done. What they hold is there, also when they
    may not do it any more: they give it back. Raises Refused for a place that is none.
    """
    order = Order.of(wanted)
    if not asker.people.active(asker.actor):
        return QueuePage()
    ways = _Ways(session, asker, wanted, order)
    rows = _rows(session, ways, limit + 1)
    items = tuple(_items(session, asker, ways.takeable, rows[:limit]))
    after = order.cursor(rows[limit - 1]) if len(rows) > limit else None
    if after is None and wanted.after is None:
        return QueuePage(items, None, len(items))
    before = order.turned().cursor(rows[0]) if rows and wanted.after is not None else None
    count = _count(session, asker, wanted) if counted else None
    told = None if count is None else min(count, COUNTED)
    return QueuePage(items, after, told, (count or 0) > COUNTED, before)


def still_free(session: Session, items: Sequence[QueueItem]) -> list[QueueItem]:
    """Those of these free tasks that nobody has claimed, moved on or suspended since, in their order."""
    numbers = [item.request_id for item in items]
    query = select(_tasks.c.request_id, _tasks.c.offered_at).where(
        _tasks.c.request_id.in_(numbers),
        _tasks.c.closed_at.is_(None),
        _tasks.c.claimed_by.is_(None),
        _tasks.c.suspended_at.is_(None),
    )
    there = {tuple(row) for row in session.connection().execute(query)}
    return [item for item in items if (item.request_id, item.offered_at) in there]


class _Ways:
    """The ways to the tasks that a filter finds, of which no two lead to the same."""

    def __init__(self, session: Session, asker: Asker, wanted: QueueFilter, order: Order) -> None:
        self._asker = asker
        self._wanted = wanted
        self._order = order
        self._definitions = {
            sha256_hex: one
            for sha256_hex, one in asker.pinned.read.items()
            if wanted.kind in {None, one.key} and wanted.variant in {None, one.variant}
        }
        self._found = () if wanted.text is None else finding(session, wanted.text, open_only=True)
        rights = rights_of(asker.actor, asker.people, asker.today)
        self.takeable = Takeable(asker.actor, rights, asker.people, self._definitions)

    def selections(self, limit: int) -> list[Select[Any]]:
        """One a way: number and keys of its first tasks, no more than are asked for."""
        order, holder = self._order, self._wanted.holder
        found: list[Select[Any]] = []
        if self._wanted.assignee != "mine":
            for role in self.takeable.roles():
                for where, by in order.stretches():
                    query = _open(*where, self.takeable.in_role(role), self._not_mine(), *self._chosen())
                    found.append(query.order_by(*by).limit(limit))
            few = [self.takeable.own(), self._not_mine(), *self._chosen(), *order.beyond()]
            found.append(_open(*few, with_request=True).order_by(*order.by(_tasks)).limit(limit))
        if self._wanted.assignee in {None, "mine"} and holder in {None, self._asker.actor}:
            mine = [self._mine(), *self._chosen(), *order.beyond()]
            found.append(_open(*mine, with_request=True).order_by(*order.by(_tasks)).limit(limit))
        return found

    @property
    def order(self) -> Order:
        """The order in which they are read."""
        return self._order

    def _not_mine(self) -> ColumnElement[bool]:
        return or_(_tasks.c.claimed_by.is_(None), _tasks.c.claimed_by != self._asker.actor)

    def _mine(self) -> ColumnElement[bool]:
        """What the actor holds. Who may not do it any more finds it by nothing that names a requester."""
        mine = and_(
            _tasks.c.claimed_by == self._asker.actor,
            as_it_comes(_tasks.c.definition_sha256).in_(sorted(self._definitions)),
        )
        if self._wanted.text is None:
            return mine
        return and_(mine, or_(false(), *(self.takeable.by(right) for right in self.takeable.rights)))

    def _chosen(self) -> Iterator[ColumnElement[bool]]:
        wanted, tasks = self._wanted, _tasks.c
        for column, value in (
            (tasks.state, wanted.state),
            (tasks.unit, wanted.unit),
            (tasks.claimed_by, wanted.holder),
        ):
            if value is not None:
                yield column == value
        if wanted.assignee == "free":
            yield tasks.claimed_by.is_(None)
        elif wanted.assignee == "others":
            yield tasks.claimed_by.is_not(None)
        if wanted.suspended is not None:
            yield tasks.suspended_at.is_not(None) if wanted.suspended else tasks.suspended_at.is_(None)
        yield from self._timely()
        if wanted.text is not None:
            yield tasks.request_id.in_(self._found)

    def _timely(self) -> Iterator[ColumnElement[bool]]:
        wanted, tasks, now = self._wanted, _tasks.c, self._asker.now
        if wanted.due is not None or wanted.due_within is not None:
            yield tasks.suspended_at.is_(None)
        if wanted.due == "past":
            yield tasks.due_at < now
        elif wanted.due == "near":
            yield tasks.near_at <= now
        within, since, before = wanted.due_within, wanted.offered_after, wanted.offered_before
        if within is not None:
            yield self._by_calendar(lambda calendar: _due_within(calendar, now, within))
        if since is not None:
            yield self._by_calendar(lambda calendar: tasks.offered_at >= _begin(since, calendar))
        if before is not None:
            yield self._by_calendar(lambda calendar: tasks.offered_at < _begin(before, calendar))

    def _by_calendar(self, condition: _OfCalendar) -> ColumnElement[bool]:
        """A condition that each definition's own calendar gives."""
        digests: dict[str, list[str]] = {}
        for sha256_hex, one in sorted(self._definitions.items()):
            digests.setdefault(one.calendar, []).append(sha256_hex)
        if len(digests) == 1:
            return condition(CALENDARS[next(iter(digests))])
        return or_(
            false(),
            *(
                and_(as_it_comes(_tasks.c.definition_sha256).in_(some), condition(CALENDARS[name]))
                for name, some in digests.items()
            ),
        )


def _open(*where: ColumnElement[bool], with_request: bool = False) -> Select[Any]:
    """Number and keys of open tasks."""
    query = select(_tasks.c.id, *(_tasks.c[key] for key in KEYS))
    if with_request:
        query = query.join_from(_tasks, _requests, _tasks.c.request_id == _requests.c.id)
        where = (_requests.c.closed_at.is_(None), *where)
    return query.where(_tasks.c.closed_at.is_(None), *where)


def _begin(day: date, calendar: WorkingCalendar) -> datetime:
    """When a day begins where the calendar is."""
    return datetime.combine(day, time(), ZoneInfo(calendar.zone))


def _due_within(calendar: WorkingCalendar, now: datetime, hours: int) -> ColumnElement[bool]:
    try:
        return _tasks.c.due_at <= calendar.after_working(now, timedelta(hours=hours))
    except CalendarEnded:  # as all are that are due at all
        return _tasks.c.due_at.is_not(None)


def _united(selections: Sequence[Select[Any]]) -> FromClause:
    """All of some selections, each with its own order and end."""
    parts = [one.subquery() for one in selections]
    return union_all(*(select(part) for part in parts)).subquery()


def _rows(session: Session, ways: _Ways, limit: int) -> list[Row[Any]]:
    """The rows of a page, in order."""
    selections = ways.selections(limit)
    if not selections:
        return []
    found = _united(selections)
    page = select(found.c.id).order_by(*ways.order.by(found)).limit(limit).subquery()
    by_right = [(ways.takeable.by(right), literal(no)) for no, right in enumerate(ways.takeable.rights)]
    query = (
        select(
            *_OF_TASK,
            *_OF_REQUEST,
            _requesters.c.name.label("requester_name"),
            func.coalesce(_holders.c.name, "").label("holder_name"),
            _told().label("reminded_at"),
            _told(EVENTS["escalate"]).label("escalated_at"),
            case(*by_right, else_=null()).label("right_no"),
        )
        .join_from(page, _tasks, _tasks.c.id == page.c.id)
        .join(_requests, _tasks.c.request_id == _requests.c.id)
        .join(_requesters, _requesters.c.id == _requests.c.requester_id)
        .outerjoin(_holders, _holders.c.id == _tasks.c.claimed_by)
        .order_by(*ways.order.by(_tasks))
    )
    return list(session.connection().execute(query))


def _count(session: Session, asker: Asker, wanted: QueueFilter) -> int:
    """How many there are on all pages, no further than one more than COUNTED."""
    whole = replace(wanted, after=None, sort="age")
    selections = _Ways(session, asker, whole, Order.of(whole)).selections(COUNTED + 1)
    found = _united([one.order_by(None) for one in selections])
    some = select(found.c.id).limit(COUNTED + 1).subquery()
    return session.connection().execute(select(func.count()).select_from(some)).scalar_one()


def _items(
    session: Session, asker: Asker, takeable: Takeable, rows: Sequence[Row[Any]]
) -> Iterator[QueueItem]:
    holders = Holders.load(session, rows)
    for row in rows:
        definition = asker.pinned.read[row.definition_sha256]
        right = None if row.right_no is None else takeable.rights[row.right_no]
        mine = row.claimed_by == asker.actor
        lapsed = holders.lapsed(row, definition, asker.today) and not (mine and right)
        item = _item(row, None if right is None else right.principal, lapsed=lapsed)
        if right is None and not _sees(asker, definition, row):
            item = replace(item, requester_id="", requester_name="", reference=None)
        yield item


def _sees(asker: Asker, definition: Definition, row: Row[Any]) -> bool:
    return asker.people.sees(asker.actor, definition, row.unit, row.requester_id, asker.today)


def _item(row: Row[Any], on_behalf_of: str | None, *, lapsed: bool) -> QueueItem:
    values = row._asdict()
    for name in ("id", "definition_sha256", "right_no"):
        del values[name]
    return QueueItem(**values, on_behalf_of=on_behalf_of, lapsed=lapsed)


def _told(kind: str | None = None) -> ColumnElement[datetime | None]:
    """When a task was last reminded of, or (`kind`) told of by such an event."""
    reminders, events = Reminder.table(), Event.table()
    query = select(func.max(reminders.c.told_at)).where(reminders.c.task_id == _tasks.c.id)
    if kind is not None:
        query = query.join_from(reminders, events, events.c.seq == reminders.c.event_seq)
        query = query.where(events.c.type == kind)
    return query.correlate(_tasks).scalar_subquery()


_tasks, _requests = Task.table(), Request.table()
_requesters, _holders = Person.table().alias("requesters"), Person.table().alias("holders")
_OF_TASK = [
    _tasks.c[name]
    for name in (
        *("id", "request_id", "definition_sha256", "state", "role", "offered_at", "claimed_by"),
        *("claimed_for", "claimed_at", "started_at", "due_at", "near_at"),
    )
]
_OF_REQUEST = [
    _requests.c[name]
    for name in ("version", "key", "variant", "requester_id", "unit", "reference", "suspended_at")
]
