"""What the automatic steps share: the office's rooms, the cases in hand, and how a step's end is recorded."""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic_ns
from typing import Any, TypeVar

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from documents.blobs import Blobs
from documents.kinds import Kind
from documents.words import Words, words_in
from problem import Problem
from signing.pades import SigningDesk
from signing.profile import Level, Profile
from watching.meters import Meters
from workflow.commands import StepRef, StepResult
from workflow.definition_model import Definition, Document, State
from workflow.engine import Engine
from workflow.errors import WorkflowError
from workflow.judge import office_day
from workflow.keys import Keys
from workflow.outcomes import StepOutcome
from workflow.store import Store
from workflow.tables import DocumentRow, Incident, Request

WRITERS = 16
"""How many threads write a batch's files: measured, a batch of 50 takes a third of the time of one thread."""

_Out = TypeVar("_Out")


class ProfileMissing(WorkflowError):
    """A definition asks for a signing profile that is not there."""

    code = "workflow-profile-missing"


@dataclass(frozen=True)
class Workbench:
    """Everything a step may use; one for each worker process.

    `employer_of` gives a person's employer, where it is known. `writers` are threads that read and write:
    files, and what steps look up and record.
    `minimum` is the lowest level at which a kind of document may be signed, by kind; `unsigned` the kinds
    that need no signature.
    `verify_url` is what the verification code is put behind; `note` is printed on every page, or None.
    """

    store: Store
    engine: Engine
    blobs: Blobs
    desk: SigningDesk
    keys: Keys
    employer_of: Callable[[str], str | None]
    kinds: Mapping[str, Kind[Any]]
    profiles: Mapping[str, Profile]
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
    writers: Executor
    minimum: Mapping[str, Level] = field(default_factory=dict)
    unsigned: frozenset[str] = frozenset()
    meters: Meters = field(default_factory=Meters)
    verify_url: str | None = None
    note: str | None = None

    def today(self, definition: Definition) -> date:
        """The day of the definition's office."""
        return office_day(definition, self.clock())


@dataclass
class Work:
    """One step in hand: the request as it was read, and how long each part of the work took."""

    ref: StepRef
    request: Request
    definition: Definition
    profile: Profile
    document: DocumentRow | None = None  # the latest revision, None before the first is rendered
    repaired: frozenset[str] = frozenset()  # codes of the incidents after which a person had it tried again
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


def load(bench: Workbench, session: Session, refs: Sequence[StepRef]) -> tuple[list[Work], list[StepOutcome]]:
    """The steps among `refs` that still wait to be done, in their order; and those that can't even begin."""
    numbers = [ref.request_id for ref in refs]
    requests = {r.id: r for r in session.scalars(select(Request).where(Request.id.in_(numbers)))}
    documents = latest_documents(session, numbers)
    repaired = _repaired(session, numbers)
    works: list[Work] = []
    hopeless: list[StepOutcome] = []
    for ref in dict.fromkeys(refs):
        request = requests.get(ref.request_id)
        if request is None or (request.state, request.step_seq) != (ref.state, ref.step_seq):
            continue
        try:
            work = _work(bench, session, ref, request)
        except Problem as problem:
            message = f"{problem} {problem.hint}".strip()
            hopeless.append(StepOutcome.gave_up(ref, problem.code, message, plain=problem.impersonal_text))
            continue
        work.document = documents.get((request.id, work.named_document().name))
        work.repaired = frozenset(repaired.get((request.id, request.step_seq), ()))
        works.append(work)
    return works, hopeless


def _work(bench: Workbench, session: Session, ref: StepRef, request: Request) -> Work:
    definition = bench.engine.definition(session, request.definition_sha256)
    profile = bench.profiles.get(definition.signing)
    if profile is None:
        raise ProfileMissing(
            f"There is no signing profile {definition.signing!r}, which {definition.label} asks for.",
            hint="Put its file back, and repair the step.",
        )
    return Work(ref, request, definition, profile)


def latest_documents(session: Session, request_ids: Sequence[int]) -> dict[tuple[int, str], DocumentRow]:
    """The last revision of each document: (request, name) → row."""
    last = (
        select(DocumentRow.request_id, DocumentRow.name, func.max(DocumentRow.revision_no))
        .where(DocumentRow.request_id.in_(request_ids))
        .group_by(DocumentRow.request_id, DocumentRow.name)
    )
    key = tuple_(DocumentRow.request_id, DocumentRow.name, DocumentRow.revision_no)
    chosen = select(DocumentRow).where(DocumentRow.request_id.in_(request_ids), key.in_(last))
    return {(document.request_id, document.name): document for document in session.scalars(chosen)}


def _repaired(session: Session, request_ids: Sequence[int]) -> dict[tuple[int, int], set[str]]:
    """The codes of incidents that a person has ended: (request, event that began the step) → codes."""
    table = Incident.table()
    query = select(table.c.request_id, table.c.step_seq, table.c.code)
    found: dict[tuple[int, int], set[str]] = {}
    for row in session.execute(
        query.where(table.c.request_id.in_(request_ids), table.c.resolved_at.is_not(None))
    ):
        found.setdefault((row.request_id, row.step_seq), set()).add(row.code)
    return found


def still_current(session: Session, works: Sequence[Work]) -> set[StepRef]:
    """The steps among these that still wait to be done, and do so until this transaction ends.

    On a database that locks rows the requests are locked, in the order in which the engine does.
    """
    rows = session.execute(
        select(Request.id, Request.state, Request.step_seq)
        .where(Request.id.in_([work.ref.request_id for work in works]))
        .order_by(Request.id)
        .with_for_update(key_share=True)
    )
    return {StepRef(*row) for row in rows}


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


def charge(works: Sequence[Work], part: str, begun_ns: int) -> None:
    """Charge each of a batch with its share of the time since `begun_ns` (monotonic)."""
    share = (monotonic_ns() - begun_ns) // 1000 // max(1, len(works))
    for work in works:
        work.us[part] = work.us.get(part, 0) + share


async def store_all(bench: Workbench, works: Sequence[Work], contents: Sequence[bytes]) -> list[str]:
    """Put the files of a batch on the disk; each step is charged its share of the time."""
    begun, loop = monotonic_ns(), asyncio.get_running_loop()
    size = max(1, math.ceil(len(contents) / WRITERS))
    # side by side: a disk that is asked for many flushes at once does them in one go
    parts = await asyncio.gather(
        *(
            loop.run_in_executor(bench.writers, bench.blobs.put_many, contents[start : start + size])
            for start in range(0, len(contents), size)
        )
    )
    charge(works, "store", begun)
    return [digest for part in parts for digest in part]


async def read_all(bench: Workbench, digests: Sequence[str]) -> dict[str, bytes | BaseException]:
    """The stored files of a batch, by digest, several at once; of one that can't be read, why not.

    In threads: a storage takes its time, and a worker whose event loop waits shows no life.
    """
    loop, asked = asyncio.get_running_loop(), list(dict.fromkeys(digests))
    told = await asyncio.gather(
        *(loop.run_in_executor(bench.writers, bench.blobs.get, digest) for digest in asked),
        return_exceptions=True,
    )
    return dict(zip(asked, told, strict=True))


def found(read: Mapping[str, bytes | BaseException], sha256_hex: str) -> bytes:
    """One of the files that were read. Raises why it could not be."""
    content = read[sha256_hex]
    if isinstance(content, BaseException):
        raise content
    return content


async def written(bench: Workbench, write: Callable[..., _Out], *arguments: Any) -> _Out:
    """What `write(*arguments)` gives, which holds a transaction: done in a thread.

    It may wait for a lock or a server, and a worker whose event loop waits shows no life.
    """
    told = copy_context()  # whose job it is, for the log
    return await asyncio.get_running_loop().run_in_executor(bench.writers, told.run, write, *arguments)


def result(work: Work, trigger: str, *, body: Mapping[str, Any], **facts: Any) -> StepResult:
    """How the step ended, with its timings."""
    return StepResult(work.ref, trigger, {**facts, "durations_us": dict(work.us)}, body)


def record(bench: Workbench, session: Session, results: Sequence[StepResult]) -> list[int | None]:
    """Record how steps ended, as the engine does."""
    return bench.engine.finish_steps(session, results)
