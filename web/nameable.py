"""Who could be named in a field of a document, for a later state that waits for them."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from workflow.definition_model import Definition
from workflow.judge import rules_of
from workflow.tables import Grant, Hand, Person

SUGGESTED: Final = 200


def nameable(
    session: Session, definition: Definition, unit: str, *, request_id: int | None = None, requester: str = ""
) -> Mapping[str, tuple[str, ...]]:
    """By field: the names of who has the role for the unit, without those whom four eyes keep from it.

    Of a request that has not begun, `requester` says who will have had a hand in its first state.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, state in definition.states.items():
        if state.named_in is not None and state.role is not None:
            rules = rules_of(definition, name)
            unfit = [_had_a_hand(request_id, rules)] if rules and request_id is not None else []
            if any(other == definition.start for _rule, other in rules):
                unfit.append(Person.table().c.id == requester)
            found[state.named_in] = _names(session, state.role, unit, unfit)
    return found


def _had_a_hand(request_id: int, rules: Sequence[tuple[str, str]]) -> ColumnElement[bool]:
    hands = Hand.table()
    barring = [and_(hands.c.rule == rule, hands.c.state == other) for rule, other in rules]
    barred = select(hands.c.person_id).where(hands.c.request_id == request_id, or_(*barring))
    return Person.table().c.id.in_(barred)


def _names(session: Session, role: str, unit: str, unfit: Sequence[ColumnElement[bool]]) -> tuple[str, ...]:
    persons, grants = Person.table(), Grant.table()
    return tuple(
        session.scalars(
            select(persons.c.name)
            .join_from(persons, grants, grants.c.person_id == persons.c.id)
            .where(persons.c.active, grants.c.role == role)
            .where(or_(grants.c.unit.is_(None), grants.c.unit == unit))
            .where(*(~one for one in unfit))
            .distinct()
            .order_by(persons.c.name)
            .limit(SUGGESTED)
        )
    )
