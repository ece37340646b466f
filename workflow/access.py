"""Who may do what: roles by grant, substitutes by date, and what a person may see.

Everything is asked at the moment of the command; nothing is resolved in advance.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Self

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.orm import Session

from workflow.definition_model import Definition
from workflow.tables import Grant, Person, Substitute

AUDITOR = "auditor"
"""The role that reads everything and does nothing."""
ADMINISTRATOR = "administrator"
"""The role that has steps tried again and claims released, and sees incidents; but no request, and so
nobody's data."""


@dataclass(frozen=True)
class PersonFacts:
    """A person's name and unit, and whether they still work here."""

    id: str
    name: str
    unit: str
    active: bool


@dataclass(frozen=True)
class StandIn:
    """A substitution: in `role`, or in all when None; first and last day included."""

    role: str | None
    valid_from: date
    valid_until: date

    def holds(self, role: str | None, today: date) -> bool:
        """Whether it covers this role (None: any) today."""
        return self.valid_from <= today <= self.valid_until and (
            self.role is None or role is None or self.role == role
        )


@dataclass
class People:
    """Some people's grants and substitutions, as they are in this transaction."""

    facts: dict[str, PersonFacts] = field(default_factory=dict)
    grants: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)
    stand_ins: dict[tuple[str, str], list[StandIn]] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session, ids: Collection[str]) -> Self:
        """Read these people, those for whom they stand in, and everything granted to either."""
        people = cls()
        connection = session.connection()
        wanted = list(ids)
        for row in connection.execute(_SUBSTITUTIONS, {"people": wanted}):
            people.stand_ins.setdefault((row.substitute_id, row.principal_id), []).append(
                StandIn(row.role, row.valid_from, row.valid_until)
            )
        everyone = sorted({*wanted, *(principal for _, principal in people.stand_ins)})
        for row in connection.execute(_PERSONS, {"people": everyone}):
            people.facts[row.id] = PersonFacts(row.id, row.name, row.unit, row.active)
        for row in connection.execute(_GRANTS, {"people": everyone}):
            people.grants.setdefault(row.person_id, set()).add((row.role, row.unit))
        return people

    def active(self, person: str) -> bool:
        """Whether the person is known and still works here."""
        facts = self.facts.get(person)
        return facts is not None and facts.active

    def has_left(self, person: str) -> bool:
        """Whether the person was read, and no longer works here."""
        facts = self.facts.get(person)
        return facts is not None and not facts.active

    def has_name(self, person: str, name: str) -> bool:
        """Whether the person is known by exactly this name."""
        facts = self.facts.get(person)
        return facts is not None and facts.name == name

    def has_role(self, person: str, role: str, unit: str) -> bool:
        """Whether the role was granted to the person, for this unit or for all."""
        theirs = self.grants.get(person, ())
        return (role, unit) in theirs or (role, None) in theirs

    def works_as(self, person: str, role: str, definition: Definition, unit: str, requester: str) -> bool:
        """Whether the person has this role for a request; the requester's has its requester alone."""
        if role == requester_role(definition):
            return person == requester
        return self.has_role(person, role, unit)

    def stands_in(self, actor: str, principal: str, role: str | None, today: date) -> bool:
        """Whether the actor may act for the principal in this role (None: in any) today."""
        return any(swap.holds(role, today) for swap in self.stand_ins.get((actor, principal), ()))

    def holds_on(
        self,
        holder: str,
        principal: str,
        role: str,
        *,
        definition: Definition,
        unit: str,
        requester: str,
        today: date,
    ) -> bool:
        """Whether whoever claimed a task, for themselves or a principal, could do so today: both work here;
        the role is there, and the substitution."""
        return (
            self.active(holder)
            and self.active(principal)
            and self.works_as(principal, role, definition, unit, requester)
            and (holder == principal or self.stands_in(holder, principal, role, today))
        )

    def principals_of(self, actor: str, today: date) -> tuple[str, ...]:
        """The active people for whom the actor stands in today, in some role."""
        return tuple(
            sorted(
                principal
                for (substitute, principal), swaps in self.stand_ins.items()
                if substitute == actor
                and self.active(principal)
                and any(swap.holds(None, today) for swap in swaps)
            )
        )

    def administers(self, person: str, unit: str, today: date) -> bool:
        """Whether incidents of a unit are the person's to repair, in their own right or as a substitute."""
        if not self.active(person):
            return False
        return self.has_role(person, ADMINISTRATOR, unit) or any(
            self.has_role(principal, ADMINISTRATOR, unit)
            for principal in self.principals_of(person, today)
            if self.stands_in(person, principal, ADMINISTRATOR, today)
        )

    def sees(self, person: str, definition: Definition, unit: str, requester: str, today: date) -> bool:
        """Whether a request may be known to the person, in their own right or as a substitute."""
        if not self.active(person):
            return False
        return self._sees(person, None, definition, unit, requester) or any(
            self._sees(principal, swap, definition, unit, requester)
            for principal in self.principals_of(person, today)
            for swap in self.stand_ins[person, principal]
            if swap.holds(None, today)
        )

    def learns_why_held(
        self, person: str, definition: Definition, unit: str, requester: str, today: date
    ) -> bool:
        """Whether who put a request on hold, and why, is for the person: for who works with it or audits it,
        in their own right or as a substitute, and not for who asked for it."""
        roles = working_roles(definition)
        if person == requester:
            return False
        if any(self.has_role(person, role, unit) for role in (*roles, AUDITOR)):
            return True
        return any(
            self.has_role(principal, role, unit) and self.stands_in(person, principal, role, today)
            for principal in self.principals_of(person, today)
            for role in roles
            if principal != requester
        )

    def _sees(
        self, person: str, swap: StandIn | None, definition: Definition, unit: str, requester: str
    ) -> bool:
        """In their own right, or (`swap`) as far as the substitution reaches."""
        own = requester_role(definition)

        def reached(role: str) -> bool:
            return swap is None or swap.role in (None, role)

        if person == requester and reached(own):
            return True
        if swap is None and self.has_role(person, AUDITOR, unit):
            return True
        return any(
            reached(role) and self.has_role(person, role, unit) for role in definition.roles if role != own
        )


def reaches_further(session: Session, person: str, than: Collection[str | None], now: datetime) -> bool:
    """Whether somebody has a role in more than these units (None: all of them), or stands in for somebody who
    has, now or later: their password opens it all."""
    if None in than:
        return False
    last_possible = (now - timedelta(days=1)).date()  # where the day is the earliest, it is yesterday's
    spoken_for = select(Substitute.principal_id).where(
        Substitute.substitute_id == person, Substitute.valid_until >= last_possible
    )
    of_theirs = or_(Grant.person_id == person, Grant.person_id.in_(spoken_for))
    return not set(session.scalars(select(Grant.unit).where(of_theirs))) <= set(than)


def requester_role(definition: Definition) -> str:
    """The role of the start state: in that role a person acts only on requests of their own."""
    role = definition.states[definition.start].role
    if role is None:
        raise ValueError(f"{definition.label} starts in a state without a role")
    return role


def working_roles(definition: Definition) -> tuple[str, ...]:
    """The roles that look after other people's requests: administrators, and all but the requester's."""
    own = requester_role(definition)
    return (ADMINISTRATOR, *(role for role in definition.roles if role != own))


def four_eyes_rules(definition: Definition, state: str) -> Iterable[tuple[str, str]]:
    """The four-eyes rules that bind a state: (name of the rule, the other state)."""
    for other in definition.states.values():
        if other.name in definition.states[state].not_by or state in other.not_by:
            yield "|".join(sorted((state, other.name))), other.name


_some_people: BindParameter[Any] = bindparam("people", expanding=True)
_swaps, _persons, _grants = Substitute.table(), Person.table(), Grant.table()
_SUBSTITUTIONS = select(_swaps).where(_swaps.c.substitute_id.in_(_some_people))
_PERSONS = select(_persons.c.id, _persons.c.name, _persons.c.unit, _persons.c.active).where(
    _persons.c.id.in_(_some_people)
)
_GRANTS = select(_grants.c.person_id, _grants.c.role, _grants.c.unit).where(
    _grants.c.person_id.in_(_some_people)
)
