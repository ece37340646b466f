"""What a person may see: the tasks that they can take, and one request with its history."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, not_, or_, select, union_all
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.access import People, StandIn, requester_role, working_roles
from workflow.cases import Case
from workflow.claims import Holders
from workflow.judge import rules_of
from workflow.named import NamedPeople
from workflow.pinned import Pinned
from workflow.reminders import EVENTS, due_at
from workflow.tables import Body, DocumentRow, Draft, Event, Hand, Hold, Incident, Reminder, Request, Task

SMALLEST_PAGE = 100


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


@dataclass(frozen=True)
class HistoryEntry:
    """One event of a request: `record` as hashed, `body` the personal part, None when erased or when there
    is none."""

    seq: int
    at: str
    type: str
    record: Mapping[str, Any]
    body: Mapping[str, Any] | None


@dataclass(frozen=True)
class DocumentView:
    """A document's present revision."""

    id: int
    name: str
    kind: str
    revision_no: int
    number: str
    current_sha256: str
    level_reached: str | None


@dataclass(frozen=True)
class IncidentView:
    """An unresolved incident."""

    state: str
    step: str
    code: str
    message: str
    opened_at: datetime


@dataclass(frozen=True)
class DraftView:
    """What a person has typed in the request's present state and not yet sent: whole sections, by name."""

    data: Mapping[str, Any]
    saved_at: datetime


@dataclass(frozen=True)
class RequestView:
    """A request as a person who may see it sees it. `possible`: what that person can do with it now; `draft`:
    their own draft, which nobody else sees; `holds` that nobody has released keep it from being destroyed."""

    id: int
    key: str
    variant: str
    definition_sha256: str
    state: str
    version: int
    requester_id: str
    unit: str
    language: str
    reference: str | None
    data: Mapping[str, Any]
    opened_at: datetime
    suspended_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    destroyed_at: datetime | None
    holds: tuple[int, ...]
    claimed_by: str | None
    possible: tuple[str, ...]
    draft: DraftView | None
    documents: tuple[DocumentView, ...]
    incident: IncidentView | None
    history: tuple[HistoryEntry, ...]


def queue(
    session: Session,
    actor: str,
    *,
    people: People,
    pinned: Pinned,
    today: date,
    limit: int,
) -> list[QueueItem]:
    """The open tasks that the actor can take, oldest first; those that four eyes bar them from are left
    out, and those for which the document names somebody else who can take them. Of requests whose definition
    can't be read nothing can be done. What the actor holds is there, also when they may not do it any more:
    they give it back."""
    if not people.active(actor):
        return []
    rights = [
        _Right(None, actor, None),
        *(
            _Right(principal, principal, swap)
            for principal in people.principals_of(actor, today)
            for swap in people.stand_ins[actor, principal]
            if swap.holds(None, today)
        ),
    ]
    own = {sha256_hex: requester_role(one) for sha256_hex, one in pinned.read.items()}
    given = [*_granted(rights, people, pinned, own), _own(rights, own)]
    wanted = [*given, _held(actor, own, given)]
    page = max(limit, SMALLEST_PAGE)
    items: list[QueueItem] = []
    for skip in count(step=page):  # a further page only where tasks of this one were left out
        rows = _open_tasks(session, wanted, skip, page)
        hands = _hands(session, [row.request_id for row in rows])
        named = NamedPeople.load(session, rows, pinned.read.__getitem__)
        holders = Holders.load(session, rows)
        for row in rows:
            definition = pinned.read[row.definition_sha256]
            rules = rules_of(definition, row.state)
            # named, and able to do it: when nobody is, whoever has the role may return it
            bearers = [
                person
                for person in named.bearers(row.request_id, row.role, row.unit)
                if not _barred(hands, row.request_id, rules, {person})
            ]
            giving = (
                right
                for right in rights
                if not _barred(hands, row.request_id, rules, {actor, right.person})
                and (not bearers or right.person in bearers)
                and right.gives(people, own, row)
            )
            right, mine = next(giving, None), row.claimed_by == actor
            if right is None and not mine:
                continue
            due = due_at(session, row, definition)
            lapsed = holders.lapsed(row, definition, today) and not (mine and right)
            item = _item(row, None if right is None else right.principal, due, lapsed=lapsed)
            if right is None and not people.sees(actor, definition, row.unit, row.requester_id, today):
                item = replace(item, requester_id="", reference=None)
            items.append(item)
        if len(rows) < page or len(items) >= limit:
            break
    return items[:limit]


def _barred(
    hands: Mapping[tuple[int, str, str], str],
    request_id: int,
    rules: Iterable[tuple[str, str]],
    persons: Collection[str],
) -> bool:
    """Whether four eyes keep one of these people from a task: they had a hand in a rule's other state."""
    return any(hands.get((request_id, rule, person)) == other for rule, other in rules for person in persons)


@dataclass(frozen=True)
class _Right:
    """By whose authority a task is seen: the actor's own (principal None), or as somebody's substitute."""

    principal: str | None
    person: str
    swap: StandIn | None

    def covers(self, role: str) -> bool:
        return self.swap is None or self.swap.role in (None, role)

    def roles(self, people: People) -> Iterator[tuple[str, str | None]]:
        for role, unit in sorted(people.grants.get(self.person, ()), key=str):
            if self.covers(role):
                yield role, unit

    def gives(self, people: People, own: Mapping[str, str], row: Row[Any]) -> bool:
        """Whether it gives a task: to its requester what only they do, wherever they work by now."""
        if own[row.definition_sha256] == row.role:
            return row.requester_id == self.person and self.covers(row.role)
        return any(role == row.role and unit in (None, row.unit) for role, unit in self.roles(people))


def _granted(
    rights: Iterable[_Right], people: People, pinned: Pinned, own: Mapping[str, str]
) -> Iterator[ColumnElement[bool]]:
    """The tasks of others' requests that these rights give, as `_Right.gives` does: those of each role."""
    tasks, requests = Task.table(), Request.table()
    working = {role for one in pinned.read.values() for role in working_roles(one)}
    units: dict[str, set[str | None]] = {}
    for role, unit in (grant for right in rights for grant in right.roles(people)):
        if role in working:
            units.setdefault(role, set()).add(unit)
    for role, some in sorted(units.items()):
        yield and_(
            tasks.c.role == role,
            requests.c.definition_sha256.in_([one for one in sorted(own) if own[one] != role]),
            *([] if None in some else [requests.c.unit.in_(sorted(filter(None, some)))]),
        )


def _own(rights: Iterable[_Right], own: Mapping[str, str]) -> ColumnElement[bool]:
    """The tasks of their own requests that these rights give; none that `_granted` gives."""
    requester, role = Request.table().c.requester_id, Task.table().c.role
    theirs = [
        and_(
            requester == right.person,
            role == _own_role({one: role for one, role in own.items() if right.covers(role)}),
        )
        for right in rights
    ]
    return and_(requester.in_(sorted({right.person for right in rights})), or_(false(), *theirs))


def _held(actor: str, own: Mapping[str, str], given: Iterable[ColumnElement[bool]]) -> ColumnElement[bool]:
    """The tasks that the actor holds, and no right of theirs gives any more."""
    return and_(
        Task.table().c.claimed_by == actor,
        Request.table().c.definition_sha256.in_(sorted(own)),
        not_(or_(false(), *given)),
    )


def _own_role(own: Mapping[str, str]) -> ColumnElement[str]:
    """The requester's role, by the request's own definition, offered or not; "" by any other.

    Compared with a task's role, it is the request that is looked for first, by its requester.
    """
    digests: dict[str, list[str]] = {}
    for sha256_hex, role in sorted(own.items()):
        digests.setdefault(role, []).append(sha256_hex)
    begun = Request.table().c.definition_sha256
    return (
        case(*((begun.in_(some), role) for role, some in digests.items()), else_="") if own else literal("")
    )


def _open_tasks(
    session: Session, wanted: Sequence[ColumnElement[bool]], skip: int, limit: int
) -> list[Row[Any]]:
    """The open tasks that fulfil one of these conditions, of which none fulfils two."""
    tasks, requests, reminders = Task.table(), Request.table(), Reminder.table()
    # each by its own index, in its order, and no more than is needed; only the page is read whole
    found = [
        select(tasks.c.id, tasks.c.offered_at)
        .join_from(tasks, requests, tasks.c.request_id == requests.c.id)
        .where(tasks.c.closed_at.is_(None), condition)
        .order_by(tasks.c.offered_at, tasks.c.id)
        .limit(skip + limit)
        .subquery()
        for condition in wanted
    ]
    page = (
        union_all(*(select(one.c.id, one.c.offered_at) for one in found))
        .order_by("offered_at", "id")
        .offset(skip)
        .limit(limit)
        .subquery()
    )
    query = (
        select(
            tasks.c.id,
            tasks.c.suspended_us,
            tasks.c.request_id,
            requests.c.version,
            requests.c.key,
            requests.c.variant,
            requests.c.definition_sha256,
            tasks.c.state,
            tasks.c.role,
            requests.c.requester_id,
            requests.c.unit,
            requests.c.reference,
            tasks.c.offered_at,
            tasks.c.claimed_by,
            tasks.c.claimed_for,
            tasks.c.started_at,
            requests.c.suspended_at,
            select(func.max(reminders.c.told_at))
            .where(reminders.c.task_id == tasks.c.id)
            .scalar_subquery()
            .label("reminded_at"),
            select(func.max(reminders.c.told_at))
            .join_from(reminders, Event.table(), Event.table().c.seq == reminders.c.event_seq)
            .where(reminders.c.task_id == tasks.c.id, Event.table().c.type == EVENTS["escalate"])
            .scalar_subquery()
            .label("escalated_at"),
        )
        .join_from(page, tasks, tasks.c.id == page.c.id)
        .join(requests, tasks.c.request_id == requests.c.id)
        .order_by(tasks.c.offered_at, tasks.c.id)
    )
    return list(session.connection().execute(query))


def _item(row: Row[Any], on_behalf_of: str | None, due: datetime | None, *, lapsed: bool) -> QueueItem:
    values = row._asdict()
    for name in ("id", "suspended_us", "definition_sha256"):
        del values[name]
    return QueueItem(**values, on_behalf_of=on_behalf_of, due_at=due, lapsed=lapsed)


def _hands(session: Session, request_ids: list[int]) -> dict[tuple[int, str, str], str]:
    table = Hand.table()
    found = session.connection().execute(select(table).where(table.c.request_id.in_(request_ids)))
    return {(row.request_id, row.rule, row.person_id): row.state for row in found}


def view(session: Session, case: Case, possible: Iterable[str], actor: str) -> RequestView:
    """A request with its documents, its incident, its history and the actor's draft.

    Whether it may be seen was asked before.
    """
    task = case.task
    return RequestView(
        id=case.id,
        key=case.definition.key,
        variant=case.definition.variant,
        definition_sha256=case.definition.sha256_hex,
        state=case.state,
        version=case.version,
        requester_id=case.requester_id,
        unit=case.unit,
        language=case.language,
        reference=case.reference,
        data=case.data,
        opened_at=case.opened_at,
        suspended_at=case.suspended_at,
        closed_at=case.closed_at,
        outcome=case.outcome,
        destroyed_at=session.scalars(select(Request.destroyed_at).where(Request.id == case.id)).one(),
        holds=_holds(session, case.id),
        claimed_by=None if task is None else task.claimed_by,
        possible=tuple(possible),
        draft=_draft(session, case, actor),
        documents=_documents(session, case.id),
        incident=_incident(session, case.id),
        history=tuple(history(session, case.id)),
    )


def history(session: Session, request_id: int) -> Iterator[HistoryEntry]:
    """The events of a request, in their order."""
    events, bodies = Event.table(), Body.table()
    query = (
        select(events.c.seq, events.c.recorded_at, events.c.type, events.c.record, bodies.c.body)
        .outerjoin_from(events, bodies, events.c.seq == bodies.c.seq)
        .where(events.c.request_id == request_id)
        .order_by(events.c.seq)
    )
    for seq, at, kind, record, body in session.connection().execute(query):
        yield HistoryEntry(seq, at, kind, json.loads(record), None if body is None else json.loads(body))


def _documents(session: Session, request_id: int) -> tuple[DocumentView, ...]:
    table = DocumentRow.table()
    query = select(table).where(table.c.request_id == request_id).order_by(table.c.name, table.c.revision_no)
    newest = {row.name: row for row in session.connection().execute(query)}
    return tuple(
        DocumentView(
            row.id,
            row.name,
            row.kind,
            row.revision_no,
            row.number,
            row.current_sha256,
            row.level_reached,
        )
        for row in newest.values()
    )


def _holds(session: Session, request_id: int) -> tuple[int, ...]:
    query = select(Hold.id).where(Hold.request_id == request_id, Hold.released_at.is_(None))
    return tuple(session.scalars(query.order_by(Hold.id)))


def _draft(session: Session, case: Case, person: str) -> DraftView | None:
    draft = session.get(Draft, (case.id, case.state, person))
    return None if draft is None else DraftView(draft.data, draft.saved_at)


def _incident(session: Session, request_id: int) -> IncidentView | None:
    table = Incident.table()
    row = (
        session.connection()
        .execute(select(table).where(table.c.request_id == request_id, table.c.resolved_at.is_(None)))
        .one_or_none()
    )
    return None if row is None else IncidentView(row.state, row.step, row.code, row.message, row.opened_at)
