"""What a statement of a queue is made of: its form, without the values.

To put such a statement together takes longer than the database takes to answer it. So it is made once for
all who ask alike; and since a form has no values, none of another person's can be in it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    false,
    or_,
    select,
)
from sqlalchemy.orm import Session

from workflow.access import People
from workflow.calendar import CALENDARS, WorkingCalendar
from workflow.definition_errors import CalendarEnded
from workflow.pinned import Pinned
from workflow.queue_filter import Assignee, Due, QueueFilter
from workflow.queue_order import KEYS, Order
from workflow.queue_rights import Right, Takeable, as_it_comes
from workflow.search import few_found, found_by, values_of
from workflow.tables import Request, Task

Values = dict[str, Any]
_ASKED = ("state", "unit", "holder", "due_within", "offered_after", "offered_before")


@dataclass(frozen=True)
class Asker:
    """Who asks for a queue, when, and what is known of them: `today` is the office's day."""

    actor: str
    people: People
    pinned: Pinned
    now: datetime
    today: date


@dataclass(frozen=True)
class Form:
    """What a statement is made of, and nothing of its values: it is made once, for all who ask alike.

    It gives the ways to the tasks that a filter finds, of which no two lead to the same.
    """

    takeable: Takeable
    digests: tuple[str, ...]
    calendars: tuple[tuple[str, ...], ...]
    """The digests of the definitions of each calendar."""
    order: Order
    assignee: Assignee | None
    holds: bool
    """Whether what the actor holds is looked for, too."""
    suspended: bool | None
    due: Due | None
    asked: frozenset[str]
    """What else is asked, by the filter's names."""
    found: Literal["few", "many"] | None
    """How many requests a text finds."""

    @property
    def ways(self) -> bool:
        """Whether there is any: of what the actor and somebody else hold, there is none."""
        return self.holds or self.assignee != "mine"

    def selections(self) -> list[Select[Any]]:
        """One a way: number and keys of its first tasks, no more than are asked for."""
        found: list[Select[Any]] = []
        if self.assignee != "mine":
            for role in self.takeable.roles():
                found += self._in_role(role)
            found.append(self._few(self.takeable.own(), _not_mine()))
        if self.holds:
            found.append(self._few(self._mine()))
        return found

    def _in_role(self, role: str) -> Iterator[Select[Any]]:
        """Others' tasks of a role, in the order of an index; where few are found, those by their numbers."""
        if self.found == "few":
            yield self._few(self.takeable.in_role(role, as_they_come=True), _not_mine())
            return
        for where, by in self.order.stretches(due=self._is_timely):
            # What is asked comes first: SQLite goes by the order, and most rows are done with by that.
            query = _open(*where, *self._chosen(), self.takeable.in_role(role), _not_mine())
            yield query.order_by(*by).limit(MOST)

    def _few(self, *where: ColumnElement[bool]) -> Select[Any]:
        """Tasks that are few, and put in order when they are there."""
        query = _open(*where, *self._chosen(), *self.order.beyond(), with_request=True)
        return query.order_by(*self.order.by(_tasks)).limit(MOST)

    def _mine(self) -> ColumnElement[bool]:
        """What the actor holds. Who may not do it any more finds it by nothing that names a requester."""
        mine = and_(_tasks.c.claimed_by == _ACTOR, as_it_comes(_tasks.c.definition_sha256).in_(self.digests))
        if self.found is None:
            return mine
        rights = range(len(self.takeable.reaches))
        return and_(mine, or_(false(), *(self.takeable.by(number) for number in rights)))

    def _chosen(self) -> Iterator[ColumnElement[bool]]:
        tasks = _tasks.c
        for name, column in (("state", tasks.state), ("unit", tasks.unit), ("holder", tasks.claimed_by)):
            if name in self.asked:
                yield column == bindparam(name)
        if self.assignee == "free":
            yield tasks.claimed_by.is_(None)
        elif self.assignee == "others":
            yield tasks.claimed_by.is_not(None)
        if self.suspended is not None:
            yield tasks.suspended_at.is_not(None) if self.suspended else tasks.suspended_at.is_(None)
        yield from self._timely()
        if self.found == "few":
            yield tasks.request_id.in_(bindparam("found", expanding=True))
        elif self.found is not None:
            yield tasks.request_id.in_(found_by(open_only=True))

    @property
    def _is_timely(self) -> bool:
        """Whether only what is due some time is asked for."""
        return self.due is not None or "due_within" in self.asked

    def _timely(self) -> Iterator[ColumnElement[bool]]:
        tasks = _tasks.c
        if self._is_timely:
            yield tasks.suspended_at.is_(None)
        if self.due == "past":
            yield tasks.due_at < bindparam("now")
        elif self.due == "near":
            yield tasks.near_at <= bindparam("now")
        if "due_within" in self.asked:
            yield self._by_calendar(lambda place: tasks.due_at <= bindparam(f"due_within_{place}"))
        if "offered_after" in self.asked:
            yield self._by_calendar(lambda place: tasks.offered_at >= bindparam(f"offered_after_{place}"))
        if "offered_before" in self.asked:
            yield self._by_calendar(lambda place: tasks.offered_at < bindparam(f"offered_before_{place}"))

    def _by_calendar(self, condition: Callable[[int], ColumnElement[bool]]) -> ColumnElement[bool]:
        """A condition that each definition's own calendar gives."""
        if len(self.calendars) == 1:
            return condition(0)
        return or_(
            false(),
            *(
                and_(as_it_comes(_tasks.c.definition_sha256).in_(digests), condition(place))
                for place, digests in enumerate(self.calendars)
            ),
        )


def form_of(
    session: Session, asker: Asker, rights: Sequence[Right], wanted: QueueFilter, limit: int
) -> tuple[Form, Values]:
    """The form of what somebody asks for by these rights, and its values. Raises Refused for a place that is
    none."""
    order, of_place = Order.of(wanted)
    definitions = [
        one
        for _, one in sorted(asker.pinned.read.items())
        if wanted.kind in {None, one.key} and wanted.variant in {None, one.variant}
    ]
    takeable, of_rights = Takeable.of(asker.actor, rights, asker.people, definitions)
    by_calendar: dict[str, list[str]] = {}
    for one in definitions:
        by_calendar.setdefault(one.calendar, []).append(one.sha256_hex)
    found, of_text = _found(session, wanted.text)
    form = Form(
        takeable,
        tuple(one.sha256_hex for one in definitions),
        tuple(tuple(digests) for digests in by_calendar.values()),
        order,
        wanted.assignee,
        holds=wanted.assignee in {None, "mine"} and wanted.holder in {None, asker.actor},
        suspended=wanted.suspended,
        due=wanted.due,
        asked=frozenset(name for name in _ASKED if getattr(wanted, name) is not None),
        found=found,
    )
    own = {"now": asker.now, "most": limit, "state": wanted.state, "unit": wanted.unit}
    own |= {"holder": wanted.holder}
    return form, {**own, **of_place, **of_rights, **of_text, **dict(_times(wanted, asker.now, by_calendar))}


def _found(session: Session, text: str | None) -> tuple[Literal["few", "many"] | None, Values]:
    if text is None:
        return None, {}
    few = few_found(session, text, open_only=True)
    return ("many", values_of(text)) if few is None else ("few", {"found": few})


def _times(wanted: QueueFilter, now: datetime, calendars: Iterable[str]) -> Iterator[tuple[str, datetime]]:
    """When what is asked begins and ends, by each calendar."""
    within, since, before = wanted.due_within, wanted.offered_after, wanted.offered_before
    for place, name in enumerate(calendars):
        calendar = CALENDARS[name]
        if within is not None:
            yield f"due_within_{place}", _after_working(calendar, now, within)
        if since is not None:
            yield f"offered_after_{place}", _begin(since, calendar)
        if before is not None:
            yield f"offered_before_{place}", _begin(before, calendar)


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


def _after_working(calendar: WorkingCalendar, now: datetime, hours: int) -> datetime:
    try:
        return calendar.after_working(now, timedelta(hours=hours))
    except CalendarEnded:  # as all are that are due at all
        return datetime.max.replace(tzinfo=UTC)


def _not_mine() -> ColumnElement[bool]:
    return or_(_tasks.c.claimed_by.is_(None), _tasks.c.claimed_by != _ACTOR)


_tasks, _requests = Task.table(), Request.table()
_ACTOR: BindParameter[Any] = bindparam("actor", type_=Text())
MOST: BindParameter[Any] = bindparam("most", type_=Integer())
