"""By whose authority a person can take a task, as conditions of SQL: what workflow.judge says of a claim.

A right is the actor's own, or that of somebody for whom they stand in. Four eyes bar the actor and whose
right it is; whom the document names comes before all others who could.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, FromClause, and_, false, literal, or_, select, true

from workflow.access import People, StandIn, requester_role, working_roles
from workflow.definition_model import Definition
from workflow.judge import rules_of
from workflow.tables import Grant, Hand, Person, Request, Task

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

    def grants(self, people: People) -> Iterator[tuple[str, str | None]]:
        """The roles that it gives, each with the unit that it was granted for; None: all."""
        for role, unit in sorted(people.grants.get(self.person, ()), key=str):
            if self.covers(role):
                yield role, unit


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


class Takeable:
    """Which open tasks a person can take, by these rights and the definitions that can be read."""

    def __init__(
        self, actor: str, rights: Sequence[Right], people: People, definitions: Mapping[str, Definition]
    ) -> None:
        self._actor = actor
        self.rights = rights
        self._people = people
        self._definitions = definitions
        self._own = {sha256_hex: requester_role(one) for sha256_hex, one in definitions.items()}

    def roles(self) -> list[str]:
        """The roles in which these rights let somebody work on others' requests."""
        working = {role for one in self._definitions.values() for role in working_roles(one)}
        granted = {role for right in self.rights for role, _ in right.grants(self._people)}
        return sorted(working & granted)

    def in_role(self, role: str) -> ColumnElement[bool]:
        """Others' tasks of a role. It looks at the table of tasks alone, but for hands and whom it names."""
        return and_(_tasks.c.role == role, or_(*(self._granted(right, role) for right in self.rights)))

    def own(self) -> ColumnElement[bool]:
        """The tasks of these people's own requests."""
        persons = sorted({right.person for right in self.rights})
        given = or_(false(), *(self._as_requester(right) for right in self.rights))
        return and_(_requests.c.requester_id.in_(persons), given)

    def by(self, right: Right) -> ColumnElement[bool]:
        """What a right gives of tasks that are looked at with their requests."""
        working = (and_(_tasks.c.role == role, self._granted(right, role)) for role in self.roles())
        return or_(self._as_requester(right), *working)

    def _granted(self, right: Right, role: str) -> ColumnElement[bool]:
        units = [unit for granted, unit in right.grants(self._people) if granted == role]
        digests = [sha256_hex for sha256_hex, own in sorted(self._own.items()) if own != role]
        if not units:
            return false()
        return and_(
            _tasks.c.definition_sha256.in_(digests),
            true() if None in units else _tasks.c.unit.in_(units),
            *self._free_for(right, role),
        )

    def _as_requester(self, right: Right) -> ColumnElement[bool]:
        """To a requester what only they do, wherever they work by now.

        The role is compared as no index has it: the request is looked for, by its requester.
        """
        digests: dict[str, list[str]] = {}
        for sha256_hex, role in sorted(self._own.items()):
            if right.covers(role):
                digests.setdefault(role, []).append(sha256_hex)
        return or_(
            false(),
            *(
                and_(
                    _requests.c.requester_id == right.person,
                    _tasks.c.role.concat("") == role,
                    _tasks.c.definition_sha256.in_(some),
                    *self._free_for(right, role),
                )
                for role, some in digests.items()
            ),
        )

    def _free_for(self, right: Right, role: str) -> Iterator[ColumnElement[bool]]:
        """What keeps a task from somebody who has its role, where its state has any such rule."""
        states = [
            (definition, state)
            for definition in self._definitions.values()
            for state in definition.states.values()
            if state.role == role
        ]
        if any(rules_of(definition, state.name) for definition, state in states):
            yield ~_barred(literal(self._actor))
            if right.person != self._actor:
                yield ~_barred(literal(right.person))
        if any(state.named_in is not None for _, state in states):
            yield or_(_tasks.c.named.is_(None), _tasks.c.named == right.name, ~_is_borne())


def _barred(person: ColumnElement[str], hands: FromClause = _hands) -> ColumnElement[bool]:
    """Whether four eyes keep a person from a task: they had a hand in a rule's other state.

    Asked for one row as it comes, by its request, and never of all hands of a person, which are many: so it
    is no EXISTS, of which a server would make a join, and the person is compared as an index has none.
    """
    rules = (_tasks.c.state + "|" + hands.c.state, hands.c.state + "|" + _tasks.c.state)
    other = (
        select(hands.c.state)
        .where(hands.c.request_id == _tasks.c.request_id, hands.c.person_id.concat("") == person)
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
