"""Which requests a person may see: listed newest first, chosen in SQL by the rules of access.People.sees.

Each way to them (one's own, those of units, all) is an index that is read from its end, no further than a
page needs.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, select, union
from sqlalchemy.orm import Session

from workflow.access import AUDITOR, People, StandIn, requester_role
from workflow.definition_model import Definition
from workflow.pinned import Pinned
from workflow.search import few_found, found_by, values_of
from workflow.tables import Request


@dataclass(frozen=True)
class RequestFilter:
    """What is looked for; None leaves it open.

    For paging, `below`: only requests with a smaller number; `above`: those with the next larger ones.
    `text` is a request's number, or the beginning of its reference or of its requester's id or name.
    """

    state: str | None = None
    key: str | None = None
    variant: str | None = None
    unit: str | None = None
    reference: str | None = None
    closed: bool | None = None
    below: int | None = None
    text: str | None = None
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


@dataclass
class _Sight:
    """Which requests of some definitions somebody sees: all, those of units, those of these requesters."""

    everything: bool = False
    units: set[str] = field(default_factory=set)
    requesters: set[str] = field(default_factory=set)

    def see(self, unit: str | None) -> None:
        """Those of one unit more, or (None) all."""
        if unit is None:
            self.everything = True
        else:
            self.units.add(unit)

    def ways(self) -> Iterator[ColumnElement[bool]]:
        """Each way to them, as an index has them."""
        if self.everything:
            yield _requests.c.id > 0
            return
        for unit in sorted(self.units):
            yield _requests.c.unit == unit
        for requester in sorted(self.requesters):
            yield _requests.c.requester_id == requester


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
    sights = {
        sha256_hex: _sight(people, actor, definition, today_of(definition))
        for sha256_hex, definition in pinned.read.items()
    }
    sights |= dict.fromkeys(pinned.unread, _own_or_audited(people, actor))
    chosen = list(_chosen(session, wanted))
    rising = wanted.above is not None
    ways = [
        select(_requests.c.id).where(way, of, *chosen).order_by(_numbers(_requests, rising)).limit(limit)
        for sight, of in _alike(sights)
        for way in sight.ways()
    ]
    if not ways:
        return []
    found = union(*(select(way.subquery()) for way in ways)).subquery()
    page = select(found.c.id).order_by(_numbers(found, rising)).limit(limit).subquery()
    query: Select[Any] = (
        select(*(_requests.c[name] for name in RequestLine.__dataclass_fields__))
        .join_from(page, _requests, _requests.c.id == page.c.id)
        .order_by(_requests.c.id.desc())
    )
    return [RequestLine(**row._asdict()) for row in session.connection().execute(query)]


def _alike(sights: dict[str, _Sight]) -> Iterator[tuple[_Sight, ColumnElement[bool]]]:
    """Each sight once, with the definitions of which it is."""
    different: list[_Sight] = []
    for sight in sights.values():
        if sight not in different:
            different.append(sight)
    for sight in different:
        same = sorted(sha256_hex for sha256_hex, other in sights.items() if other == sight)
        yield sight, _requests.c.definition_sha256.in_(same)


def _chosen(session: Session, wanted: RequestFilter) -> Iterator[ColumnElement[bool]]:
    for name in ("state", "key", "variant", "unit", "reference"):
        if (value := getattr(wanted, name)) is not None:
            yield _requests.c[name] == value
    if wanted.closed is not None:
        yield _requests.c.closed_at.is_not(None) if wanted.closed else _requests.c.closed_at.is_(None)
    if wanted.below is not None:
        yield _requests.c.id < wanted.below
    if wanted.above is not None:
        yield _requests.c.id > wanted.above
    if wanted.requester is not None:
        yield _requests.c.requester_id == wanted.requester
    if wanted.numbers is not None:
        yield _requests.c.id.in_(wanted.numbers)
    if wanted.text is not None:
        few = few_found(session, wanted.text, open_only=False)
        all_found = found_by(open_only=False).params(values_of(wanted.text))
        yield _requests.c.id.in_(all_found if few is None else few)


def _numbers(table: FromClause, rising: bool) -> ColumnElement[int]:
    number: ColumnElement[int] = table.c.id
    return number if rising else number.desc()


def _own_or_audited(people: People, actor: str) -> _Sight:
    sight = _Sight(requesters={actor})
    for role, unit in people.grants.get(actor, ()):
        if role == AUDITOR:
            sight.see(unit)
    return sight


def _sight(people: People, actor: str, definition: Definition, today: date) -> _Sight:
    """Which requests of one definition the actor sees, in their own right and as a substitute."""
    sight = _Sight()
    rights: list[tuple[str, StandIn | None]] = [(actor, None)]
    rights += [
        (principal, swap)
        for principal in people.principals_of(actor, today)
        for swap in people.stand_ins[actor, principal]
        if swap.holds(None, today)
    ]
    for right in rights:
        _add(sight, people, definition, *right)
    return sight


def _add(sight: _Sight, people: People, definition: Definition, person: str, swap: StandIn | None) -> None:
    own = requester_role(definition)
    if swap is None or swap.role in (None, own):
        sight.requesters.add(person)
    for role, unit in people.grants.get(person, ()):
        audits = swap is None and role == AUDITOR
        works = role in definition.roles and role != own and (swap is None or swap.role in (None, role))
        if audits or works:
            sight.see(unit)


_requests = Request.table()
