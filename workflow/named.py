"""Whom a document names for a task: a state with `named_in` waits for that person, in their role."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from workflow.access import People
from workflow.definition_model import Definition, State
from workflow.tables import Grant, Person, Request


def named(state: State, data: Mapping[str, Any]) -> str | None:
    """The name that the document's data give for a state; None when they give none: anybody with the role."""
    if state.named_in is None:
        return None
    value: Any = data
    for step in state.named_in.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) and value else None


@dataclass
class Bearers:
    """Whether anybody with a role bears a name; asked of the database once for each name, role and unit."""

    session: Session
    known: dict[tuple[str, str, str], bool] = field(default_factory=dict)

    def missing(
        self, definition: Definition, data: Mapping[str, Any], unit: str
    ) -> Iterator[tuple[State, str]]:
        """The states whose named person is nobody: no active person with the role is called so."""
        for state in definition.states.values():
            name = named(state, data)
            if name is not None and state.role is not None and not self._any(name, state.role, unit):
                yield state, name

    def _any(self, name: str, role: str, unit: str) -> bool:
        key = (name, role, unit)
        if key not in self.known:
            persons, grants = Person.table(), Grant.table()
            query = (
                select(persons.c.id)
                .join_from(persons, grants, grants.c.person_id == persons.c.id)
                .where(persons.c.name == name, persons.c.active, grants.c.role == role)
                .where(or_(grants.c.unit.is_(None), grants.c.unit == unit))
                .limit(1)
            )
            self.known[key] = self.session.connection().execute(query).first() is not None
        return self.known[key]


@dataclass(frozen=True)
class NamedPeople:
    """The names that the documents of some open tasks give, by request, and the people who bear them."""

    names: Mapping[int, str]
    people: People

    @classmethod
    def load(
        cls, session: Session, tasks: Sequence[Row[Any]], definition_of: Callable[[str], Definition]
    ) -> "NamedPeople":
        """Read the data of those tasks whose state asks for a name. Rows have request_id, state and
        definition_sha256."""
        states = {row.request_id: definition_of(row.definition_sha256).states[row.state] for row in tasks}
        asking = [number for number, state in states.items() if state.named_in is not None]
        if not asking:
            return cls({}, People())
        connection, requests, persons = session.connection(), Request.table(), Person.table()
        found = connection.execute(select(requests.c.id, requests.c.data).where(requests.c.id.in_(asking)))
        names = {row.id: name for row in found if (name := named(states[row.id], row.data)) is not None}
        bearers = connection.scalars(select(persons.c.id).where(persons.c.name.in_(set(names.values()))))
        return cls(names, People.load(session, bearers.all()))

    def bearers(self, request_id: int, role: str, unit: str) -> Iterable[str]:
        """The active people with the role who bear the name that the request's document gives."""
        name = self.names.get(request_id)
        for facts in self.people.facts.values():
            if facts.active and facts.name == name and self.people.has_role(facts.id, role, unit):
                yield facts.id
