"""The definitions that requests are pinned to, each by itself: one that can't be read stops no other."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflow.calendar import Duration
from workflow.definition_model import Definition
from workflow.errors import DefinitionMissing
from workflow.tables import DefinitionSource

DefinitionOf = Callable[[Session, str], Definition]


@dataclass(frozen=True)
class Pinned:
    """Those that this release reads, by digest, and the digests of those that it can't."""

    read: dict[str, Definition] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def pinned(session: Session, definition_of: DefinitionOf) -> Pinned:
    """All that requests of this database ever began with."""
    found = Pinned()
    for sha256_hex in session.scalars(select(DefinitionSource.sha256_hex)).all():
        definition = read_or_none(session, definition_of, sha256_hex)
        if definition is None:
            found.unread.append(sha256_hex)
        else:
            found.read[sha256_hex] = definition
    return found


def read_or_none(session: Session, definition_of: DefinitionOf, sha256_hex: str) -> Definition | None:
    """A request's definition; None for one that this release can't read."""
    try:
        return definition_of(session, sha256_hex)
    except DefinitionMissing:
        return None


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
