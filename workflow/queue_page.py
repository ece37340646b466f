"""The queue: the open tasks that a person can take, chosen, put in order and cut into pages by the database.

Each way to a task (a role, one's own request, what one holds) is a stretch of an index that is read in its
order, no further than a page needs; of these stretches the page is made, and only the page is read whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    bindparam,
    case,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.claims import Holders
from workflow.definition_model import Definition
from workflow.queue_filter import QueueFilter
from workflow.queue_form import MOST, Asker, Form, form_of
from workflow.queue_order import Order
from workflow.queue_rights import Right, rights_of
from workflow.reminders import EVENTS
from workflow.store import plan_once
from workflow.tables import Event, Person, Reminder, Request, Task

FORMS = 128
"""So many statements are kept. One more is made as quickly as before there were any."""
COUNTED = 100
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


def queue_page(
    session: Session, asker: Asker, wanted: QueueFilter, *, limit: int, counted: bool
) -> QueuePage:
    """A page of what the asker can take, and of what they hold.

    What four eyes bar them from is left out, and what the document names somebody else for who can take it.
    Of requests whose definition can't be read nothing can be done. What they hold is there, also when they
    may not do it any more: they give it back. Raises Refused for a place that is none.
    """
    if not asker.people.active(asker.actor):
        return QueuePage()
    rights = rights_of(asker.actor, asker.people, asker.today)
    form, values = form_of(session, asker, rights, wanted, limit + 1)
    if not form.ways:
        return QueuePage()
    order = form.order
    plan_once(session)
    rows: Sequence[Row[Any]] = session.connection().execute(_page(form), values).all()
    items = tuple(_items(session, asker, rights, rows[:limit]))
    after = order.cursor(rows[limit - 1]) if len(rows) > limit else None
    if after is None and wanted.after is None:
        return QueuePage(items, None, len(items))
    before = order.turned().cursor(rows[0]) if rows and wanted.after is not None else None
    if not counted:
        return QueuePage(items, after, None, before=before)
    whole = replace(form, order=_ANY)
    count = session.connection().execute(_counting(whole), values | {"most": COUNTED + 1}).scalar_one()
    return QueuePage(items, after, min(count, COUNTED), count > COUNTED, before)


def still_free(session: Session, items: Sequence[QueueItem]) -> list[QueueItem]:
    """Those of these free tasks that nobody has claimed, moved on or suspended since, in their order."""
    numbers = [item.request_id for item in items]
    there = {
        (row.request_id, row.offered_at)
        for row in session.connection().execute(_OPEN, {"numbers": numbers})
        if row.claimed_by is None and row.suspended_at is None
    }
    return [item for item in items if (item.request_id, item.offered_at) in there]


def _united(selections: Sequence[Select[Any]]) -> FromClause:
    """All of some selections, each with its own order and end."""
    parts = [one.subquery() for one in selections]
    return union_all(*(select(part) for part in parts)).subquery()


@lru_cache(maxsize=FORMS)
def _page(form: Form) -> Select[Any]:
    """The rows of a page, in order."""
    found = _united(form.selections())
    page = select(found.c.id).order_by(*form.order.by(found)).limit(MOST).subquery()
    numbers = range(len(form.takeable.reaches))
    return (
        select(
            *_OF_TASK,
            *_OF_REQUEST,
            _requesters.c.name.label("requester_name"),
            func.coalesce(_holders.c.name, "").label("holder_name"),
            _told().label("reminded_at"),
            _told(EVENTS["escalate"]).label("escalated_at"),
            case(*((form.takeable.by(number), literal(number)) for number in numbers), else_=null()).label(
                "right_no"
            ),
        )
        .join_from(page, _tasks, _tasks.c.id == page.c.id)
        .join(_requests, _tasks.c.request_id == _requests.c.id)
        .join(_requesters, _requesters.c.id == _requests.c.requester_id)
        .outerjoin(_holders, _holders.c.id == _tasks.c.claimed_by)
        .order_by(*form.order.by(_tasks))
    )


@lru_cache(maxsize=FORMS)
def _counting(form: Form) -> Select[Any]:
    """How many there are, no more than are asked for."""
    found = _united([one.order_by(None) for one in form.selections()])
    some = select(found.c.id).limit(MOST).subquery()
    return select(func.count()).select_from(some)


def _items(
    session: Session, asker: Asker, rights: Sequence[Right], rows: Sequence[Row[Any]]
) -> Iterator[QueueItem]:
    holders = Holders.load(session, rows)
    for row in rows:
        definition = asker.pinned.read[row.definition_sha256]
        right = None if row.right_no is None else rights[row.right_no]
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


_ANY = Order("age", descending=False, after=None)
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
# by number alone: for what nobody has claimed there is an index, too, of all that is free
_OPEN = select(
    *(_tasks.c[name] for name in ("request_id", "offered_at", "claimed_by", "suspended_at"))
).where(_tasks.c.request_id.in_(bindparam("numbers", expanding=True)), _tasks.c.closed_at.is_(None))
