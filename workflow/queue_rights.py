"""By whose authority a person can take a task, as conditions of SQL: what workflow.judge says of a claim.

A right is the actor's own, or that of somebody for whom they stand in. Four eyes bar the actor and whose
right it is; whom the document names comes before all others who could.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Text,
    and_,
    bindparam,
    false,
    or_,
    select,
    true,
)

from workflow.access import People, StandIn, requester_role, working_roles
from workflow.definition_model import Definition
from workflow.judge import rules_of
from workflow.tables import Grant, Hand, Person, Request, Task

Units = Literal["all", "one", "several"]
_tasks, _requests, _hands = Task.table(), Request.table(), Hand.table()


@dataclass(frozen=True)
class Right:
    """The actor's own (principal None), or as somebody's substitute; `name` is what the person is called."""

    principal: str | None
    person: str
    name: str
    swap: StandIn | None

    def covers(self, role: str) -> bool:
        """Whether it reaches so far."""
        return self.swap is None or self.swap.role in (None, role)

    def units(self, people: People) -> dict[str, list[str]]:
        """The roles that it gives, each with the units that it was granted for; none: for all."""
        found: dict[str, list[str | None]] = {}
        for role, unit in sorted(people.grants.get(self.person, ()), key=str):
            if self.covers(role):
                found.setdefault(role, []).append(unit)
        return {
            role: [] if None in units else [unit for unit in units if unit is not None]
            for role, units in found.items()
        }


def rights_of(actor: str, people: People, today: date) -> list[Right]:
    """The actor's own right, then those of whom they stand in for today."""

    def right(principal: str | None, swap: StandIn | None) -> Right:
        person = principal or actor
        return Right(principal, person, people.facts[person].name, swap)

    return [
        right(None, None),
        *(
            right(principal, swap)
            for principal in people.principals_of(actor, today)
            for swap in people.stand_ins[actor, principal]
            if swap.holds(None, today)
        ),
    ]


@dataclass(frozen=True)
class Bound:
    """A role: in which definitions, by their digests, it looks after others' requests, and in which it is the
    requester's; whether four eyes keep anybody from a task of it, and whether a document names somebody."""

    role: str
    working: tuple[str, ...]
    own: tuple[str, ...]
    barred: bool
    named: bool


@lru_cache(maxsize=64)
def _bound(definitions: tuple[Definition, ...]) -> tuple[Bound, ...]:
    """The roles of these definitions."""
    working = {role for one in definitions for role in working_roles(one)}
    return tuple(
        _bound_role(role, definitions)
        for role in sorted(working | {requester_role(one) for one in definitions})
    )


def _bound_role(role: str, definitions: tuple[Definition, ...]) -> Bound:
    states = [(one, state) for one in definitions for state in one.states.values() if state.role == role]
    own = {one.sha256_hex for one in definitions if requester_role(one) == role}
    others = {one.sha256_hex for one in definitions} - own
    return Bound(
        role,
        working=tuple(sorted(others)) if any(role in working_roles(one) for one in definitions) else (),
        own=tuple(sorted(own)),
        barred=any(rules_of(definition, state.name) for definition, state in states),
        named=any(state.named_in is not None for _, state in states),
    )


@dataclass(frozen=True)
class _Reach:
    """How far a right reaches: of each role that it gives whether that is for all units, for one or several;
    and the requesters' roles. `number` is its place among the rights, `own` says that it is the actor's."""

    number: int
    own: bool
    roles: tuple[tuple[str, Units], ...]
    requesters: frozenset[str]

    @property
    def person(self) -> BindParameter[Any]:
        """Whose right it is."""
        return bindparam(f"person_{self.number}", type_=Text())

    def units(self, role: str) -> ColumnElement[bool] | None:
        """The tasks of its units; None where the role is not its. One unit's are a stretch of an index, in
        order; those of several are not."""
        place = next((place for place, (one, _) in enumerate(self.roles) if one == role), None)
        if place is None:
            return None
        name, how_many = f"units_{self.number}_{place}", self.roles[place][1]
        if how_many == "all":
            return true()
        if how_many == "one":
            return _tasks.c.unit == bindparam(name)
        return as_it_comes(_tasks.c.unit).in_(bindparam(name, expanding=True))


@dataclass(frozen=True)
class Takeable:
    """Which open tasks a person can take, by their rights and the definitions that can be read.

    It holds nothing that is this person's alone: who they are, their units and those of whom they stand in
    for are the values of its conditions. So a statement of one serves all who have the same roles.
    """

    bound: tuple[Bound, ...]
    reaches: tuple[_Reach, ...]

    @classmethod
    def of(
        cls, actor: str, rights: Sequence[Right], people: People, definitions: Collection[Definition]
    ) -> tuple["Takeable", dict[str, Any]]:
        """What somebody can take, and the values that its conditions ask for."""
        bound = _bound(tuple(definitions))
        values: dict[str, Any] = {"actor": actor, "persons": sorted({right.person for right in rights})}
        reaches = []
        for number, right in enumerate(rights):
            values |= {f"person_{number}": right.person, f"name_{number}": right.name}
            roles: list[tuple[str, Units]] = []
            for place, (role, units) in enumerate(right.units(people).items()):
                values[f"units_{number}_{place}"] = units[0] if len(units) == 1 else units
                roles.append((role, ("all", "one")[len(units)] if len(units) < 2 else "several"))
            requesters = frozenset(one.role for one in bound if one.own and right.covers(one.role))
            reaches.append(_Reach(number, right.person == actor, tuple(roles), requesters))
        return cls(bound, tuple(reaches)), values

    def roles(self) -> list[str]:
        """The roles in which these rights let somebody work on others' requests."""
        granted = {role for reach in self.reaches for role, _ in reach.roles}
        return [one.role for one in self.bound if one.working and one.role in granted]

    def in_role(self, role: str, *, as_they_come: bool = False) -> ColumnElement[bool]:
        """Others' tasks of a role; searched for, or such as are found otherwise.

        It looks at the table of tasks alone, but for hands and whom it names.
        """
        its_role = as_it_comes(_tasks.c.role) if as_they_come else _tasks.c.role
        return and_(its_role == role, or_(*(self._granted(reach, role) for reach in self.reaches)))

    def own(self) -> ColumnElement[bool]:
        """The tasks of these people's own requests."""
        given = or_(false(), *(self._as_requester(reach) for reach in self.reaches))
        return and_(_requests.c.requester_id.in_(bindparam("persons", expanding=True)), given)

    def by(self, number: int) -> ColumnElement[bool]:
        """What a right gives of tasks that are looked at with their requests."""
        reach = self.reaches[number]
        working = (and_(_tasks.c.role == role, self._granted(reach, role)) for role in self.roles())
        return or_(self._as_requester(reach), *working)

    def _granted(self, reach: _Reach, role: str) -> ColumnElement[bool]:
        bound = next(one for one in self.bound if one.role == role)
        of_units = reach.units(role)
        if of_units is None:
            return false()
        return and_(
            as_it_comes(_tasks.c.definition_sha256).in_(bound.working), of_units, *_free_for(reach, bound)
        )

    def _as_requester(self, reach: _Reach) -> ColumnElement[bool]:
        """To a requester what only they do, wherever they work by now.

        It is the request that is looked for, by its requester.
        """
        return or_(
            false(),
            *(
                and_(
                    _requests.c.requester_id == reach.person,
                    as_it_comes(_tasks.c.role) == one.role,
                    as_it_comes(_tasks.c.definition_sha256).in_(one.own),
                    *_free_for(reach, one),
                )
                for one in self.bound
                if one.role in reach.requesters
            ),
        )


def _free_for(reach: _Reach, bound: Bound) -> Iterator[ColumnElement[bool]]:
    """What keeps a task from somebody who has its role, where its state has any such rule."""
    if bound.barred:
        yield ~_barred(bindparam("actor", type_=Text()))
        if not reach.own:
            yield ~_barred(reach.person)
    if bound.named:
        name: BindParameter[Any] = bindparam(f"name_{reach.number}")
        yield or_(_tasks.c.named.is_(None), _tasks.c.named == name, ~_is_borne())


def as_it_comes(column: ColumnElement[str]) -> ColumnElement[str]:
    """A column whose values are looked at in each row, and that no index is searched by: the rows come from
    another one, in its order, or by what is fewer."""
    return column.concat("")


def _barred(person: ColumnElement[str], hands: FromClause = _hands) -> ColumnElement[bool]:
    """Whether four eyes keep a person from a task: they had a hand in a rule's other state.

    Asked for one row as it comes, by its request, and never of all hands of a person, which are many: so it
    is no EXISTS, of which a server would make a join.
    """
    rules = (_tasks.c.state + "|" + hands.c.state, hands.c.state + "|" + _tasks.c.state)
    other = (
        select(hands.c.state)
        .where(hands.c.request_id == _tasks.c.request_id, as_it_comes(hands.c.person_id) == person)
        .where(hands.c.state != _tasks.c.state, hands.c.rule.in_(rules))
        .limit(1)
        .correlate_except(hands)
        .scalar_subquery()
    )
    return other.is_not(None)


def _is_borne() -> ColumnElement[bool]:
    """Whether anybody bears the name that the document gives, and could do it: else anybody with the role may
    return it."""
    people, grants = Person.table().alias("bearers"), Grant.table().alias("theirs")
    bearer = (
        select(people.c.id)
        .join_from(people, grants, grants.c.person_id == people.c.id)
        .where(people.c.name == _tasks.c.named, people.c.active, grants.c.role == _tasks.c.role)
        .where(or_(grants.c.unit.is_(None), grants.c.unit == _tasks.c.unit))
        .where(~_barred(people.c.id, Hand.table().alias("their_hands")))
        .limit(1)
        .correlate_except(people, grants)
        .scalar_subquery()
    )
    return bearer.is_not(None)
