"""What the automatic steps share: the office's rooms, the cases in hand, and how a step's end is recorded."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic_ns
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from documents.blobs import BlobStore
from documents.kinds import Kind
from documents.words import Words, words_in
from problem import Problem
from signing.pades import SigningDesk
from signing.profile import Profile
from workflow.calendar import CALENDARS
from workflow.commands import StepRef, StepResult
from workflow.definition_model import Definition, Document, State
from workflow.engine import Engine
from workflow.keys import Keys
from workflow.outcomes import StepOutcome
from workflow.store import Store
from workflow.tables import DocumentRow, Request

FAILED = "failed"
"""The trigger of an automatic state that cannot be done: back to a person, with the reason."""


@dataclass(frozen=True)
class Workbench:
    """Everything a step may use; one for each worker process.

    `verify_url` is what the verification code is put behind; `note` is printed on every page, or None.
    """

    store: Store
    engine: Engine
    blobs: BlobStore
    desk: SigningDesk
    keys: Keys
    kinds: Mapping[str, Kind[Any]]
    profiles: Mapping[str, Profile]
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
    verify_url: str | None = None
    note: str | None = None

    def today(self, definition: Definition) -> date:
        """The day of the definition's office."""
        return self.clock().astimezone(ZoneInfo(CALENDARS[definition.calendar].zone)).date()


@dataclass
class Work:
    """One step in hand: the request as it was read, and how long each part of the work took."""

    ref: StepRef
    request: Request
    definition: Definition
    profile: Profile
    document: DocumentRow | None  # the latest revision, None before the first is rendered
    us: dict[str, int] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """The automatic state."""
        return self.definition.states[self.ref.state]

    @property
    def words(self) -> Words:
        """The words of the request's language."""
        return words_in(self.request.language)

    def named_document(self) -> Document:
        """The definition's document that the state works on: the one with its field, else the only one."""
        documents = self.definition.documents.values()
        return next((d for d in documents if self.state.field in d.signatures), next(iter(documents)))


@contextmanager
def timed(us: dict[str, int], part: str) -> Iterator[None]:
    """Add what the block takes, by the monotonic clock, to a part's microseconds."""
    begun = monotonic_ns()
    try:
        yield
    finally:
        us[part] = us.get(part, 0) + (monotonic_ns() - begun) // 1000


def load(bench: Workbench, session: Session, refs: Sequence[StepRef]) -> list[Work]:
    """The steps among `refs` that still wait to be done, in the order of `refs`."""
    numbers = [ref.request_id for ref in refs]
    requests = {r.id: r for r in session.scalars(select(Request).where(Request.id.in_(numbers)))}
    documents = latest_documents(session, numbers)
    found = []
    for ref in refs:
        request = requests.get(ref.request_id)
        if request is None or (request.state, request.step_seq) != (ref.state, ref.step_seq):
            continue
        definition = bench.engine.definition(session, request.definition_sha256)
        profile = bench.profiles[definition.signing]
        found.append(Work(ref, request, definition, profile, documents.get(request.id)))
    return found


def latest_documents(session: Session, request_ids: Sequence[int]) -> dict[int, DocumentRow]:
    """The last revision of each request's document."""
    last = (
        select(DocumentRow.request_id, func.max(DocumentRow.revision_no))
        .where(DocumentRow.request_id.in_(request_ids))
        .group_by(DocumentRow.request_id)
    )
    chosen = select(DocumentRow).where(tuple_(DocumentRow.request_id, DocumentRow.revision_no).in_(last))
    return {document.request_id: document for document in session.scalars(chosen)}


def share_time(works: Sequence[Work], parts: Sequence[Mapping[str, int]], wall_us: int) -> None:
    """Charge each of a batch with its part of the time that the batch took.

    What ran at the same time (waiting for a timestamp) would count many times over; scaled to the wall, the
    parts of all documents add up to the time that the machine really needed for them.
    """
    measured = sum(sum(part.values()) for part in parts)
    scale = min(1.0, wall_us / measured) if measured else 1.0
    for work, part in zip(works, parts, strict=True):
        for name, microseconds in part.items():
            work.us[name] = work.us.get(name, 0) + round(microseconds * scale)


def store_all(bench: Workbench, works: Sequence[Work], contents: Sequence[bytes]) -> list[str]:
    """Put the files of a batch on the disk; each step is charged its share of the time."""
    begun = monotonic_ns()
    digests = bench.blobs.put_many(contents)
    share = (monotonic_ns() - begun) // 1000 // max(1, len(works))
    for work in works:
        work.us["store"] = work.us.get("store", 0) + share
    return digests


def result(work: Work, trigger: str, *, body: Mapping[str, Any], **record: Any) -> StepResult:
    """How the step ended, with its timings."""
    return StepResult(work.ref, trigger, {**record, "durations_us": dict(work.us)}, body)


def refused(bench: Workbench, work: Work, problem: Problem) -> StepOutcome:
    """A step that will not work by itself: back to a person where the definition says so, or given up."""
    if FAILED not in work.state.triggers:
        return StepOutcome.gave_up(work.ref, problem.code, str(problem))
    message = f"{problem} {problem.hint}".strip()
    with bench.store.write() as session:
        bench.engine.finish_step(
            session, work.ref, FAILED, record={"code": problem.code}, body={"message": message}
        )
    return StepOutcome.done(work.ref)
