"""Which requests a person may see: listed newest first, chosen in SQL by the rules of access.People.sees."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session

from workflow.access import AUDITOR, People, StandIn, requester_role
from workflow.definition_model import Definition
from workflow.pinned import Pinned
from workflow.tables import Request


@dataclass(frozen=True)
class RequestFilter:
    """What is looked for; None leaves it open.

    For paging, `below`: only requests with a smaller number; `above`: those with the next larger ones.
    """

    state: str | None = None
    key: str | None = None
    variant: str | None = None
    unit: str | None = None
    reference: str | None = None
    closed: bool | None = None
    below: int | None = None
    above: int | None = None
    requester: str | None = None
    numbers: tuple[int, ...] | None = None


@dataclass(frozen=True)
class RequestLine:
    """A request in a list: without its data."""

    id: int
    key: str
    variant: str
    state: str
    version: int
    requester_id: str
    unit: str
    reference: str | None
    opened_at: datetime
    suspended_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    destroyed_at: datetime | None


def requests(
    session: Session,
    actor: str,
    wanted: RequestFilter,
    *,
    people: People,
    pinned: Pinned,
    today_of: Callable[[Definition], date],
    limit: int,
) -> list[RequestLine]:
    """The requests that the actor may see, newest first.

    Where the definition can't be read nobody knows its roles: the requester sees it, and an auditor.
    """
    if not people.active(actor):
        return []
    table = Request.table()
    connection = session.connection()
    seen = [
        and_(table.c.definition_sha256 == sha256_hex, _sight(people, actor, definition, today_of(definition)))
        for sha256_hex, definition in pinned.read.items()
    ]
    if pinned.unread:
        sight = or_(table.c.requester_id == actor, *_audited(people, actor))
        seen.append(and_(table.c.definition_sha256.in_(list(pinned.unread)), sight))
    query = (
        select(*(table.c[name] for name in RequestLine.__dataclass_fields__))
        .where(or_(false(), *seen), *_chosen(wanted))
        .order_by(table.c.id.desc() if wanted.above is None else table.c.id)
        .limit(limit)
    )
    lines = [RequestLine(**row._asdict()) for row in connection.execute(query)]
    return lines if wanted.above is None else lines[::-1]


def _chosen(wanted: RequestFilter) -> Iterator[ColumnElement[bool]]:
    table = Request.table()
    for name in ("state", "key", "variant", "unit", "reference"):
        if (value := getattr(wanted, name)) is not None:
            yield table.c[name] == value
    if wanted.closed is not None:
        yield table.c.closed_at.is_not(None) if wanted.closed else table.c.closed_at.is_(None)
    if wanted.below is not None:
        yield table.c.id < wanted.below
    if wanted.above is not None:
        yield table.c.id > wanted.above
    if wanted.requester is not None:
        yield table.c.requester_id == wanted.requester
    if wanted.numbers is not None:
        yield table.c.id.in_(wanted.numbers)


def _audited(people: People, actor: str) -> Iterator[ColumnElement[bool]]:
    table = Request.table()
    for role, unit in sorted(people.grants.get(actor, ()), key=str):
        if role == AUDITOR:
            yield table.c.unit == unit if unit is not None else table.c.unit.is_not(None)


def _sight(people: People, actor: str, definition: Definition, today: date) -> ColumnElement[bool]:
    """Which requests of one definition the actor sees, in their own right and as a substitute."""
    rights: list[tuple[str, StandIn | None]] = [(actor, None)]
    rights += [
        (principal, swap)
        for principal in people.principals_of(actor, today)
        for swap in people.stand_ins[actor, principal]
        if swap.holds(None, today)
    ]
    return or_(false(), *(one for right in rights for one in _by_right(people, definition, *right)))


def _by_right(
    people: People, definition: Definition, person: str, swap: StandIn | None
) -> Iterable[ColumnElement[bool]]:
    table = Request.table()
    own = requester_role(definition)
    if swap is None or swap.role in (None, own):
        yield table.c.requester_id == person
    for role, unit in sorted(people.grants.get(person, ()), key=str):
        audits = swap is None and role == AUDITOR
        works = role in definition.roles and role != own and (swap is None or swap.role in (None, role))
        if audits or works:
            yield table.c.unit == unit if unit is not None else table.c.unit.is_not(None)
