"""Whom a document names for a task: a state with `named_in` waits for that person, in their role."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from workflow.definition_model import Definition, State
from workflow.tables import Grant, Person


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
    """Who with a role bears a name; asked of the database once for each name, role and unit."""

    session: Session
    known: dict[tuple[str, str, str], frozenset[str]] = field(default_factory=dict)

    def of(
        self, definition: Definition, data: Mapping[str, Any], unit: str
    ) -> Iterator[tuple[State, str, Collection[str]]]:
        """The states that wait for somebody by name, and who with the role is called so and works here."""
        for state in definition.states.values():
            name = named(state, data)
            if name is not None and state.role is not None:
                yield state, name, self._called(name, state.role, unit)

    def _called(self, name: str, role: str, unit: str) -> frozenset[str]:
        key = (name, role, unit)
        if key not in self.known:
            persons, grants = Person.table(), Grant.table()
            query = (
                select(persons.c.id)
                .join_from(persons, grants, grants.c.person_id == persons.c.id)
                .where(persons.c.name == name, persons.c.active, grants.c.role == role)
                .where(or_(grants.c.unit.is_(None), grants.c.unit == unit))
            )
            self.known[key] = frozenset(self.session.connection().scalars(query))
        return self.known[key]
