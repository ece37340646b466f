"""The people of an office, for those who look after it: administrators and auditors, each of some units."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import ColumnElement, false, func, not_, or_, select
from sqlalchemy.orm import Session

from wording import Sentence
from workflow.access import ADMINISTRATOR, AUDITOR, People
from workflow.commands import Channel
from workflow.errors import SubstitutionRefused
from workflow.eventlog import Appender
from workflow.substitutes import Substitution, end_substitutions, name_substitute
from workflow.tables import Grant, PasswordRow, Person, Substitute

MAKES_NONE: Final = Sentence("Who stands in for an administrator makes nobody an administrator or auditor.")
IN_OWN_RIGHT: Final = Sentence("Ask an administrator who has the role in their own right.")


@dataclass(frozen=True)
class Reach:
    """Of which units somebody looks after the people: all of them, or these."""

    everywhere: bool
    units: frozenset[str]

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.units)

    def __contains__(self, unit: str) -> bool:
        return self.everywhere or unit in self.units

    def covers(self, unit: str | None) -> bool:
        """Whether a role in this unit (None: in all) reaches no further."""
        return self.everywhere or unit in self.units

    def of(self, column: ColumnElement[str]) -> ColumnElement[bool]:
        """The same, of a column."""
        if self.everywhere:
            return column.is_not(None)
        return column.in_(sorted(self.units)) if self.units else false()


@dataclass(frozen=True)
class StaffMember:
    """Somebody who works here; a role's unit is None where it holds for all."""

    id: str
    name: str
    unit: str
    roles: tuple[tuple[str, str | None], ...]
    has_password: bool


@dataclass(frozen=True)
class StandingIn:
    """Who stands in for whom, by number and name, in which role (None: in all), first and last day."""

    substitute_id: str
    substitute: str
    principal_id: str
    principal: str
    role: str | None
    first: date
    last: date


def reach_of(session: Session, person: str, today: date, *roles: str, in_own_right: bool = False) -> Reach:
    """Of which units somebody has one of these roles, in their own right, or as a substitute today.

    Auditors look for themselves: nobody stands in for one.
    """
    people = People.load(session, [person])
    if not people.active(person):
        return Reach(everywhere=False, units=frozenset())
    held = {unit for role, unit in people.grants.get(person, ()) if role in roles}
    for principal in () if in_own_right else people.principals_of(person, today):
        held |= {
            unit
            for role, unit in people.grants.get(principal, ())
            if role in roles and role != AUDITOR and people.stands_in(person, principal, role, today)
        }
    return Reach(None in held, frozenset(unit for unit in held if unit is not None))


def administers(session: Session, person: str, today: date) -> Reach:
    """Of which units somebody is an administrator."""
    return reach_of(session, person, today, ADMINISTRATOR)


def administers_in_own_right(session: Session, person: str, today: date) -> Reach:
    """Of which units somebody is an administrator, and does not only stand in for one."""
    return reach_of(session, person, today, ADMINISTRATOR, in_own_right=True)


def oversees(session: Session, person: str, today: date) -> Reach:
    """Of which units somebody may see who works there."""
    return reach_of(session, person, today, ADMINISTRATOR, AUDITOR)


def counts(session: Session, person: str, today: date) -> Reach:
    """Of which units somebody may know how many requests there were: who looks after all units, of all; else
    who reads each request. Of others the monthly report tells, which hides small counts (decision 50)."""
    reach = oversees(session, person, today)
    return reach if reach.everywhere else reach_of(session, person, today, AUDITOR)


def counts_all(session: Session, person: str, today: date) -> bool:
    """Whether they may know that of each unit that they look after."""
    reach = oversees(session, person, today)
    return reach.everywhere or reach.units <= reach_of(session, person, today, AUDITOR).units


def staff(
    session: Session,
    reach: Reach,
    *,
    search: str = "",
    after: str = "",
    only: str | None = None,
    limit: int | None,
) -> list[StaffMember]:
    """Who works in these units, by their numbers from `after` on; `search` is part of a name or a number, and
    `only` a whole one."""
    query = (
        select(Person, PasswordRow.person_id)
        .outerjoin(PasswordRow, PasswordRow.person_id == Person.id)
        .where(Person.active, reach.of(Person.table().c.unit), Person.id > after)
        .order_by(Person.id)
        .limit(limit)
    )
    if only is not None:
        query = query.where(Person.id == only)
    if search:
        part = search.lower()
        name, number = func.lower(Person.name), func.lower(Person.id)
        query = query.where(
            or_(name.contains(part, autoescape=True), number.startswith(part, autoescape=True))
        )
    found = session.execute(query).all()
    roles = _roles(session, [person.id for person, _ in found])
    return [
        StaffMember(one.id, one.name, one.unit, roles.get(one.id, ()), password is not None)
        for one, password in found
    ]


def standing_in(
    session: Session, today: date, *, of: str | None = None, reach: Reach | None = None
) -> list[StandingIn]:
    """Who stands in today or later: what concerns one person, or principals of these units."""
    principals, substitutes = Person.table().alias(), Person.table().alias()
    query = (
        select(
            Substitute.substitute_id,
            substitutes.c.name,
            Substitute.principal_id,
            principals.c.name,
            Substitute.role,
            Substitute.valid_from,
            Substitute.valid_until,
        )
        .join(principals, principals.c.id == Substitute.principal_id)
        .join(substitutes, substitutes.c.id == Substitute.substitute_id)
        .where(Substitute.valid_until >= today)
        .order_by(Substitute.valid_from, Substitute.id)
        .limit(500)
    )
    if of is not None:
        query = query.where(or_(Substitute.principal_id == of, Substitute.substitute_id == of))
    if reach is not None:
        query = query.where(reach.of(principals.c.unit))
    return [StandingIn(*row) for row in session.execute(query)]


def name_for(
    session: Session,
    wanted: Substitution,
    *,
    by: str,
    today: date,
    now: datetime,
    channel: Channel = "person",
) -> None:
    """Let somebody stand in, as `by` says: an administrator names others, as nobody grants themselves a role,
    and for no role that reaches further than their own. What was said before is said once.

    Raises SubstitutionRefused.
    """
    Appender.lock(session, secrets.token_bytes)  # of two at once, one says it
    _require_may_name(session, wanted, by=by, today=today)
    if by == wanted.substitute_id != wanted.principal_id:
        raise SubstitutionRefused(
            Sentence("Nobody names themselves to stand in for somebody else."),
            hint=Sentence("They name you, or another administrator does."),
        )
    if not _is_named(session, wanted):
        name_substitute(session, wanted, now=now, by=by, channel=channel)


def end_for(
    session: Session,
    substitute: str,
    principal: str,
    role: str | None,
    *,
    by: str,
    today: date,
    now: datetime,
    channel: Channel = "person",
) -> list[Substitution]:
    """Have somebody stand in no more from today on, as `by` says; what was ended, as `end_substitutions`.

    Raises SubstitutionRefused.
    """
    _require_may(session, by, principal, role, today)
    return end_substitutions(
        session, substitute, principal, role, today=today, now=now, by=by, channel=channel
    )


def roles_beyond(session: Session, people: Collection[str], reach: Reach) -> dict[str, frozenset[str]]:
    """The roles of these people that reach further, and in which somebody can stand in for them."""
    if reach.everywhere:
        return {}
    unit = Grant.table().c.unit
    query = select(Grant.person_id, Grant.role).where(
        Grant.person_id.in_(people), Grant.role != AUDITOR, or_(unit.is_(None), not_(reach.of(unit)))
    )
    found: dict[str, set[str]] = {}
    for person, role in session.execute(query):
        found.setdefault(person, set()).add(role)
    return {person: frozenset(roles) for person, roles in found.items()}


def _is_named(session: Session, wanted: Substitution) -> bool:
    query = select(Substitute.id).where(
        Substitute.substitute_id == wanted.substitute_id,
        Substitute.principal_id == wanted.principal_id,
        Substitute.role.is_(None) if wanted.role is None else Substitute.role == wanted.role,
        Substitute.valid_from == wanted.first,
        Substitute.valid_until == wanted.last,
    )
    return session.scalars(query).first() is not None


def _require_may_name(session: Session, wanted: Substitution, *, by: str, today: date) -> None:
    """Raises SubstitutionRefused: also where who stands in for an administrator would make one who lasts, and
    where a unit's administrator would give away what the principal gets later.
    """
    principal = wanted.principal_id
    _require_may(session, by, principal, wanted.role, today)
    if by == principal:
        return
    if not administers(session, by, today).everywhere:
        _require_present_role(session, wanted)
    if wanted.role not in (None, ADMINISTRATOR):
        return
    own = administers_in_own_right(session, by, today)
    if ADMINISTRATOR in roles_beyond(session, [principal], own).get(principal, ()):
        raise SubstitutionRefused(MAKES_NONE, hint=IN_OWN_RIGHT)


def _require_present_role(session: Session, wanted: Substitution) -> None:
    """Raises SubstitutionRefused unless it is for one role that the principal has now: what they get later
    may reach further."""
    if wanted.role is None:
        raise SubstitutionRefused(
            Sentence("For all that somebody may do, later too, others stand in by their own word alone."),
            hint=Sentence(
                "Choose one role. For all of them an administrator of all units names somebody, too."
            ),
        )
    query = select(Grant.id).where(Grant.person_id == wanted.principal_id, Grant.role == wanted.role)
    if session.scalars(query.limit(1)).first() is None:
        raise SubstitutionRefused(
            Sentence(
                "{person} does not have the role '{role:duty}'.", person=wanted.principal_id, role=wanted.role
            ),
            hint=Sentence("Choose one of their roles."),
        )


def _require_may(session: Session, by: str, principal: str, role: str | None, today: date) -> None:
    """Raises SubstitutionRefused unless it is their own affair, or that of their unit's administrator: who
    stands in for a role (None: for each of theirs) that reaches further is not for them to say.
    """
    if by == principal:
        return
    person, reach = session.get(Person, principal), administers(session, by, today)
    if person is None or person.unit not in reach:
        raise SubstitutionRefused(
            Sentence(
                "Who stands in for somebody is said by themselves, or by an administrator of their unit."
            ),
            hint=Sentence("Ask one of them."),
        )
    beyond = roles_beyond(session, [principal], reach).get(principal, frozenset())
    if role is None and beyond:
        raise SubstitutionRefused(
            Sentence("Not all roles of {person} keep to units that you administer.", person=principal),
            hint=Sentence(
                "Choose one role that does. For the others they say it themselves, or an administrator of all"
                " units does."
            ),
        )
    if role in beyond:
        raise SubstitutionRefused(
            Sentence(
                "The role '{role:duty}' of {person} reaches beyond the units that you administer.",
                person=principal,
                role=role or "",
            ),
            hint=Sentence("They say it themselves, or an administrator of all units does."),
        )


def _roles(session: Session, people: Collection[str]) -> dict[str, tuple[tuple[str, str | None], ...]]:
    query = (
        select(Grant.person_id, Grant.role, Grant.unit)
        .where(Grant.person_id.in_(people))
        .order_by(Grant.role)
    )
    found: dict[str, list[tuple[str, str | None]]] = {}
    for person, role, unit in session.execute(query):
        found.setdefault(person, []).append((role, unit))
    return {person: tuple(roles) for person, roles in found.items()}
