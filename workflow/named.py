"""Whom a document names for a task: a state with `named_in` waits for that person, in their role."""

from collections.abc import Iterator, Mapping
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
