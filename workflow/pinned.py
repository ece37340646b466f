"""The definitions that requests are pinned to, each by itself: one that can't be read stops no other.

One of a later release may read by its form, and name what this release does not have: it counts as unread.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.calendar import CALENDARS, Duration
from workflow.definition_model import FACTS, REMINDERS, Definition
from workflow.errors import DefinitionMissing
from workflow.machine import GUARD_SECTIONS, STEPS
from workflow.tables import DefinitionSource

DefinitionOf = Callable[[Session, str], Definition]


@dataclass(frozen=True)
class Pinned:
    """Those that this release reads, by digest, and why it can't read the others."""

    read: dict[str, Definition] = field(default_factory=dict)
    unread: dict[str, DefinitionMissing] = field(default_factory=dict)


def pinned(session: Session, definition_of: DefinitionOf) -> Pinned:
    """All that requests of this database ever began with."""
    found = Pinned()
    for sha256_hex in session.scalars(select(DefinitionSource.sha256_hex)).all():
        try:
            found.read[sha256_hex] = definition_of(session, sha256_hex)
        except DefinitionMissing as error:
            found.unread[sha256_hex] = error
    return found


def read_or_none(session: Session, definition_of: DefinitionOf, sha256_hex: str) -> Definition | None:
    """A request's definition; None for one that this release can't read."""
    try:
        return definition_of(session, sha256_hex)
    except DefinitionMissing:
        return None


def lacking(definition: Definition, kinds: Collection[str]) -> list[str]:
    """What a definition names and this release does not have, beside signing profiles: those are files of the
    office, and a step that misses one waits for a repair."""
    return [
        f"{what} {name!r}"
        for what, names, known in _names(definition, kinds)
        for name in sorted(set(names) - set(known))
    ]


def _names(
    definition: Definition, kinds: Collection[str]
) -> Iterator[tuple[str, Collection[str], Collection[str]]]:
    """What is named, the names, and those that there are."""
    states = definition.states.values()
    triggers = [trigger for state in states for trigger in state.triggers.values()]
    branches = [branch for trigger in triggers for branch in trigger.branches]
    yield "calendar", [definition.calendar], CALENDARS
    yield "document kind", [document.kind for document in definition.documents.values()], kinds
    yield "step", [state.auto for state in states if state.auto is not None], STEPS
    yield "guard", [name for branch in branches for name in branch.when], GUARD_SECTIONS
    yield "fact", [name for trigger in triggers for name in trigger.record], FACTS
    yield "reminder", [word for state in states for after in state.after for word in after.do], REMINDERS


def unread(key: str, variant: str, sha256_hex: str) -> Definition:
    """What a request's row says of a definition that can't be read: enough to record that it waits."""
    return Definition(
        key=key,
        variant=variant,
        version=0,
        title="",
        status="dropped",
        start="",
        calendar="",
        keep=Duration(""),
        signing="",
        roles={},
        consents={},
        documents={},
        states={},
        source="",
        sha256_hex=sha256_hex,
        path="",
    )
