"""Requests that somebody has begun to fill in and not sent: there is no request yet, and no event of one.

Nobody else sees them. Each is there until it is sent or thrown away, or for thirty days after it was last
saved.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workflow.definition_model import Definition
from workflow.errors import Reason, Refused
from workflow.judge import KindOfDocument
from workflow.store import Store
from workflow.tables import Beginning

KEPT: Final = timedelta(days=30)


@dataclass(frozen=True)
class Begun:
    """What was filled in: whole sections, by name; half of it may be missing or malformed."""

    key: str
    variant: str
    language: str
    data: Mapping[str, Any]
    saved_at: datetime


@dataclass(frozen=True)
class Beginnings:
    """Those of an office."""

    store: Store
    kinds: Mapping[str, KindOfDocument]
    clock: Callable[[], datetime]

    def of(self, person: str) -> list[Begun]:
        """What somebody has begun, the newest first."""
        query = (
            select(Beginning)
            .where(Beginning.person_id == person, Beginning.saved_at > self.clock() - KEPT)
            .order_by(Beginning.saved_at.desc(), Beginning.key, Beginning.variant)
        )
        with self.store.read() as session:
            return [_begun(row) for row in session.scalars(query)]

    def find(self, person: str, definition: Definition) -> Begun | None:
        """What somebody has begun of this process."""
        with self.store.read() as session:
            row = session.get(Beginning, (person, definition.key, definition.variant))
            return None if row is None or row.saved_at <= self.clock() - KEPT else _begun(row)

    def keep(self, person: str, definition: Definition, language: str, data: Mapping[str, Any]) -> None:
        """Keep what somebody has filled in, in place of what they had before.

        Raises Refused for what must not be kept, not even in a draft.
        """
        edits = definition.states[definition.start].edits
        kinds = [self.kinds[document.kind] for document in definition.documents.values()]
        kept = {name: section for name, section in data.items() if name in edits}
        unfit = [one for kind in kinds for one in kind.unfit_to_keep(kept)]
        if unfit:
            raise Refused(Reason(one.rule, one.message, one.field) for one in unfit)
        row = Begun(definition.key, definition.variant, language, kept, self.clock())
        try:
            self._put(person, row)
        except IntegrityError:  # from another window, at the same moment
            self._put(person, row)

    def _put(self, person: str, begun: Begun) -> None:
        with self.store.write() as session:
            session.merge(Beginning(person_id=person, **{**vars(begun), "data": dict(begun.data)}))

    def drop(self, person: str, definition: Definition) -> None:
        """It was sent, or is not wanted any more."""
        table = Beginning.table()
        with self.store.write() as session:
            session.execute(
                delete(table).where(
                    table.c.person_id == person,
                    table.c.key == definition.key,
                    table.c.variant == definition.variant,
                )
            )


def are_old(session: Session, now: datetime) -> bool:
    """Whether some were left alone for so long that they go."""
    return session.execute(select(exists().where(Beginning.saved_at <= now - KEPT))).scalar_one()


def forget_old(session: Session, now: datetime) -> None:
    """Remove those that were left alone."""
    session.execute(delete(Beginning).where(Beginning.saved_at <= now - KEPT))


def forget_beginnings(session: Session, people: Collection[str]) -> None:
    """Remove those of these people."""
    session.execute(delete(Beginning).where(Beginning.person_id.in_(people)))


def _begun(row: Beginning) -> Begun:
    return Begun(row.key, row.variant, row.language, row.data, row.saved_at)
