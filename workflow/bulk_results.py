"""What came of it when somebody did the same with many requests: for their eyes, for a day.

What was done is done once, under the key that each command has; this is what was told of it, so that it can
be looked at again. The same form sent again, by the same person, is told under the same name.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from workflow.commands import Answer
from workflow.errors import NotFound, Refused, StaleVersion, WorkflowError
from workflow.kept_forms import KEPT, form_name, is_name
from workflow.many import Picked
from workflow.store import Moment, Store
from workflow.tables import BulkResult
from workflow.words import Story, story_of


@dataclass(frozen=True)
class Came:
    """What came of one, or would: `state` is where it went, `story` why it did not, by an error of `code`."""

    request: int
    state: str = ""
    code: str = ""
    story: Story | None = None

    @classmethod
    def of(cls, request: int, told: Answer | WorkflowError | None) -> Self:
        """What was told of a request; None for what could be done."""
        if isinstance(told, WorkflowError):
            code = Refused.code if isinstance(told, Refused) else told.code
            return cls(request, code=code, story=story_of(told))
        return cls(request, state="" if told is None else told.state)

    @property
    def is_gone(self) -> bool:
        """Whether there was no such request for who asked."""
        return self.code == NotFound.code

    @property
    def is_stale(self) -> bool:
        """Whether it had changed since it was looked at."""
        return self.code == StaleVersion.code

    @property
    def is_refused(self) -> bool:
        """Whether every sentence is a reason of its own."""
        return self.code == Refused.code


@dataclass(frozen=True)
class Results:
    """What was done, and what came of each, in the order in which they were chosen."""

    trigger: str
    came: tuple[Came, ...]


@dataclass(frozen=True)
class BulkResults:
    """Those of an office. `moment` is the time that all processes share."""

    store: Store
    moment: Moment

    def keep(self, name: str, actor: str, trigger: str, came: Sequence[Came]) -> None:
        """Keep what came of a form, under its name."""
        with suppress(IntegrityError):  # sent twice at the same moment: the other's are kept
            self._put(name, actor, trigger, came)

    def find(self, name: str, actor: str) -> Results | None:
        """What came of it, for who did it."""
        if not is_name(name):
            return None
        query = select(BulkResult).where(BulkResult.name == name, BulkResult.person_id == actor)
        with self.store.read() as session:
            fresh = BulkResult.done_at >= self.moment(session) - KEPT
            rows = session.scalars(query.where(fresh).order_by(BulkResult.place)).all()
            return Results(rows[0].trigger, tuple(map(_came, rows))) if rows else None

    def forget(self) -> None:
        """Forget what was done a day ago."""
        with self.store.write() as session:
            session.execute(delete(BulkResult).where(BulkResult.done_at < self.moment(session) - KEPT))

    def _put(self, name: str, actor: str, trigger: str, came: Sequence[Came]) -> None:
        with self.store.write() as session:
            session.execute(delete(BulkResult).where(BulkResult.name == name))
            rows = [
                {
                    "name": name,
                    "request_id": one.request,
                    "person_id": actor,
                    "place": place,
                    "trigger": trigger,
                    "state": one.state,
                    "code": one.code,
                    "story": None if one.story is None else one.story.kept(),
                    "done_at": self.moment(session),
                }
                for place, one in enumerate(came)
            ]
            session.execute(insert(BulkResult), rows)


def forget_results(session: Session, people: Collection[str]) -> None:
    """Remove those of these people."""
    session.execute(delete(BulkResult).where(BulkResult.person_id.in_(people)))


def name_of(actor: str, trigger: str, key: str, picked: Sequence[Picked]) -> str:
    """The name of what came of a form with this key, and of the question before it."""
    chosen = sorted((one.request, one.version, one.principal or "") for one in picked)
    return form_name(actor, trigger, key, chosen)


def _came(row: BulkResult) -> Came:
    story = None if row.story is None else Story.of_kept(row.story)
    return Came(row.request_id, row.state, row.code, story)
