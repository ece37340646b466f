"""Renew archive timestamps before their proof ends: which files, by when, and doing it.

A stored file of B-LTA proves what it proves as long as its newest archive timestamp does. In time it gets
another one, appended: the bytes before stay. Only files of requests that have ended are renewed, since before
that somebody may still sign them.

  (1) read the file; it has to pass our own validation, and the storage and the database have to answer
  (2) have it timestamped; the new file has to begin with the old one, byte for byte, and to pass as well
  (3) store it
  (4) one transaction: the event, the renewal, and the file that the document now is

Killed anywhere, the next run goes on: until (4) nothing has happened but a file that no row names, and of
several that renew the same file one records it.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from documents.blobs import Blobs
from documents.errors import BlobCorrupt, BlobError, BlobMissing
from problem import Problem
from watching.logs import note
from workflow.errors import StoreUnavailable, WorkflowError
from workflow.eventlog import Appender, utc_text
from workflow.faults import point
from workflow.references import require_stored
from workflow.store import Store
from workflow.tables import ArchiveRow, DocumentRow, RenewalRow, Request

if TYPE_CHECKING:
    from certs.trust import TrustStore
    from signing.chains import PinnedChains
    from signing.pades import Renewed, SigningDesk  # a second to import, which verification need not wait for
    from signing.profile import Profile
    from signing.verify.trust import Trust

RENEWED = "document_renewed"
WITHIN = timedelta(days=90)
"""So long before its proof ends a file is renewed: time for an authority that is away, and for people."""
EVERY_HOUR = "21 * * * *"
MOST = 1_000  # files in one run; the next takes up the rest
AT_ONCE = 500  # documents looked up at a time
LOOKS = 20_000  # files that a worker looks into in one run: a minute, after an upgrade of an old office
_ARCHIVED = "B-LTA"

log = logging.getLogger(__name__)


class RenewalRefused(WorkflowError):
    """A stored file does not pass our own validation, before its renewal or after: nothing was recorded."""

    code: ClassVar[str] = "workflow-renewal-refused"


@dataclass(frozen=True)
class ArchivedFile:
    """The file of a document of a request that has ended; when its newest archive timestamp was made, and
    until when that proves anything."""

    request_id: int
    document_id: int
    document: str
    revision: int
    sha256: str
    stamped_at: datetime
    holds_until: datetime

    @property
    def seen(self) -> dict[str, Any]:
        """What `archives` keeps of it, and `renewals` of one that was renewed."""
        return {
            "document_id": self.document_id,
            "sha256": self.sha256,
            "stamped_at": self.stamped_at,
            "holds_until": self.holds_until,
        }


@dataclass(frozen=True)
class Trouble:
    """A file that can't be renewed, or of which nobody can tell by when it has to be; and why."""

    request_id: int
    document: str
    revision: int
    code: str
    message: str
    hint: str


@dataclass(frozen=True)
class Overview:
    """What is to be renewed, the first to end first; what is in the way; how many files hold longer, and how
    many are never renewed, by level: they carry no archive timestamp."""

    due: Sequence[ArchivedFile]
    troubles: Sequence[Trouble]
    later: int
    not_archived: dict[str, int]


@dataclass(frozen=True)
class Run:
    """What a run did: the files that were renewed, as they are now; what was in the way; how many are left.

    `waits`: no timestamp authority answered, or nobody who says whether it is revoked; the rest was left.
    """

    renewed: Sequence[ArchivedFile]
    troubles: Sequence[Trouble]
    left: int
    waits: Problem | None = None


class Renewals:
    """Keeps the archive timestamps of stored files in force."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        open_desk: Callable[[], "AbstractAsyncContextManager[SigningDesk]"],
        profile: "Profile",
        trust: "TrustStore",
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._open_desk = open_desk
        self._profile = profile
        self._trust = trust
        self._clock = clock
        self._random_bytes = random_bytes

    def overview(self, *, within: timedelta = WITHIN) -> Overview:
        """What has to be renewed within this time. Looks into files that nobody has looked into yet."""
        troubles = self._look()
        with self._store.read() as session:
            due = _due(session, before=self._clock() + within)
            levels: dict[str, int] = dict(session.execute(_BY_LEVEL).all())
        archived = levels.pop(_ARCHIVED, 0)
        return Overview(due, troubles, archived - len(due) - len(troubles), levels)

    def run(self, *, within: timedelta = WITHIN, looks: int | None = None) -> Run:
        """Renew what has to be within this time, the first to end first.

        What is in the way of one file does not stop the others; that no authority answers stops all, and so
        does a database or a storage that is away. At most `looks` files are looked into for the first time.
        """
        troubles = list(self._look(looks, stops=True))
        with self._store.read() as session:
            due = _due(session, before=self._clock() + within)
        renewed: list[ArchivedFile] = []
        waits = asyncio.run(self._renew_all(due[:MOST], renewed, troubles)) if due else None
        return Run(renewed, troubles, len(due) - len(renewed), waits)

    def run_when_due(self) -> None:
        """What a worker does every hour. Raises what an authority that does not answer is told by."""
        from signing.errors import TimestampLimitError, TimestampRestError  # noqa: PLC0415  see above

        done = self.run(looks=LOOKS)
        for trouble in done.troubles:
            note(log, logging.WARNING, "renewal_failed", request=trouble.request_id, code=trouble.code)
        at_limit = isinstance(done.waits, TimestampLimitError)
        if done.waits is not None and (not at_limit or isinstance(done.waits, TimestampRestError)):
            raise done.waits  # of an authority's limit the next run has its turn

    # --- until when files hold

    def misnoted(self) -> Iterator[ArchivedFile]:
        """What is noted of files and is not what they say themselves; reads every file that is archived.

        A file that is not there, or was changed, is another check's: see workflow.scrub.
        """
        from signing.chains import PinnedChains  # noqa: PLC0415  see above
        from signing.errors import SigningError  # noqa: PLC0415

        chains, last = PinnedChains(self._trust), 0
        while True:
            with self._store.read() as session:
                page = session.execute(
                    _NOTED.where(DocumentRow.id > last).order_by(DocumentRow.id).limit(AT_ONCE)
                ).all()
            if not page:
                return
            last = page[-1].id
            for row in page:
                noted = _archived(row)
                try:
                    if self._seen(row, chains) != noted:
                        yield noted
                except SigningError:
                    yield noted
                except BlobError:
                    continue

    def _look(self, most: int | None = None, *, stops: bool = False) -> list[Trouble]:
        """Note until when files hold that nobody has looked into yet; tells which can't be looked into.

        With `stops` no further than to a storage that is away.
        """
        from signing.chains import PinnedChains  # noqa: PLC0415  see above

        chains, last = PinnedChains(self._trust), 0
        troubles: list[Trouble] = []
        while True:
            with self._store.read() as session:
                unseen = session.execute(
                    _CURRENT.where(
                        DocumentRow.level_reached == _ARCHIVED,
                        DocumentRow.id > last,
                        ~exists().where(
                            ArchiveRow.document_id == DocumentRow.id,
                            ArchiveRow.sha256 == DocumentRow.current_sha256,
                        ),
                    )
                    .order_by(DocumentRow.id)
                    .limit(AT_ONCE)
                ).all()
            if not unseen or (most is not None and most <= 0):
                return troubles
            last, most = unseen[-1].id, None if most is None else most - len(unseen)
            seen, away = [], False
            for row in unseen:
                try:
                    seen.append(self._seen(row, chains))
                except Problem as problem:
                    troubles.append(_trouble(row.request_id, row.name, row.revision_no, problem))
                    if away := stops and self._is_away(problem):
                        break
            with self._store.write() as session:
                Appender.lock(session, self._random_bytes)  # another may have looked at the same files
                _note_seen(session, _still_current(session, seen))
            if away:
                return troubles

    def _seen(self, row: Any, chains: "PinnedChains") -> ArchivedFile:
        """One file. Raises BlobError, SigningError."""
        from signing.renewal import newest_archive  # noqa: PLC0415  see above

        found = newest_archive(self._blobs.get(row.current_sha256), chains)
        return ArchivedFile(
            *(row.request_id, row.id, row.name, row.revision_no, row.current_sha256),
            stamped_at=found.stamped_at,
            holds_until=found.holds_until,
        )

    # --- renewing

    async def _renew_all(
        self, due: Sequence[ArchivedFile], renewed: list[ArchivedFile], troubles: list[Trouble]
    ) -> Problem | None:
        """One after the other; gives what an authority that does not answer is told by, and then stops.

        Also once the database or the storage is away: what was timestamped for nothing counts as well.
        """
        from signing.errors import RevocationUnavailableError, TimestampError  # noqa: PLC0415  see above
        from signing.verify.trust import Trust, TrustMaterial  # noqa: PLC0415

        trust = Trust(TrustMaterial.of(self._trust))
        async with self._open_desk() as desk:
            for file in due:
                try:
                    if (new := await self._renew(desk, trust, file)) is not None:
                        renewed.append(new)
                except (TimestampError, RevocationUnavailableError) as problem:
                    return problem
                except _Unstored as error:  # the next would be timestamped for nothing, too
                    troubles.append(_trouble(file.request_id, file.document, file.revision, error.problem))
                    break
                except Problem as problem:
                    troubles.append(_trouble(file.request_id, file.document, file.revision, problem))
                    if self._is_away(problem):
                        break
        return None

    async def _renew(self, desk: "SigningDesk", trust: "Trust", file: ArchivedFile) -> ArchivedFile | None:
        """One file as it is now; None when somebody else was faster."""
        point("renew.begun")
        # (1) the file as it is
        old = await asyncio.to_thread(self._blobs.get, file.sha256)
        await asyncio.to_thread(self._require_passed, old, trust, "before its renewal")
        if not await asyncio.to_thread(self._can_record, file):
            return None
        # (2) one more archive timestamp
        turn = f"renew:{file.document_id}"
        new = await desk.renew(old, profile=self._profile, turn=turn)
        point("renew.stamped")
        if not new.pdf.startswith(old) or len(new.pdf) == len(old):
            raise RenewalRefused("The renewed file does not begin with the old one.", hint="Report it.")
        await asyncio.to_thread(self._require_passed, new.pdf, trust, "after its renewal")
        # (3) durable before a row names it
        try:
            (sha256,) = await asyncio.to_thread(self._blobs.put_many, [new.pdf])
        except BlobError as problem:
            raise _Unstored(problem) from problem
        point("renew.stored")
        # (4) recorded once
        return await asyncio.to_thread(self._record, file, new, sha256)

    def _is_away(self, problem: Problem) -> bool:
        """Whether every other file would run into this too: a storage is asked, since it may be this file."""
        if isinstance(problem, BlobError) and not isinstance(problem, BlobMissing | BlobCorrupt):
            try:
                self._blobs.require_writable()
            except BlobError:
                return True
        return isinstance(problem, StoreUnavailable)

    def _can_record(self, file: ArchivedFile) -> bool:
        """Find out, before an authority is asked, that a file could be stored and that nobody was faster.

        Raises BlobError, StoreUnavailable.
        """
        self._blobs.require_writable()
        with self._store.read() as session:
            return _still_current(session, [file]) != []

    def _require_passed(self, pdf: bytes, trust: "Trust", when: str) -> None:
        from signing.verify.verdict import verify_pdf  # noqa: PLC0415  see above

        report = verify_pdf(pdf, trust=trust, now=self._clock())
        if not report.passed:
            raise RenewalRefused(
                f"The file does not pass our own validation {when}: {report.sub_indication}.",
                hint="Verify the stored file (`paraaf show`, `paraaf verify`): it stays as it is.",
            )

    def _record(self, file: ArchivedFile, new: "Renewed", sha256: str) -> ArchivedFile | None:
        with self._store.write() as session:
            events = Appender.lock(session, self._random_bytes)  # whoever destroys, or renews too, waits
            row = session.execute(_CURRENT.where(DocumentRow.id == file.document_id)).one_or_none()
            if row is None or row.current_sha256 != file.sha256:
                return None  # destroyed, or renewed, meanwhile: the file that was stored is swept some day
            require_stored(self._blobs, [sha256])
            renewed = ArchivedFile(
                *(file.request_id, file.document_id, file.document, file.revision, sha256),
                stamped_at=new.archive.stamped_at,
                holds_until=new.archive.holds_until,
            )
            seq = events.append(
                RENEWED,
                at=self._clock(),
                request_id=file.request_id,
                facts=_facts(row, file, renewed, len(new.pdf)),
            )
            events.write()
            session.execute(
                insert(RenewalRow).values(**renewed.seen, source_sha256=file.sha256, event_seq=seq)
            )
            session.execute(
                update(DocumentRow).where(DocumentRow.id == file.document_id).values(current_sha256=sha256)
            )
            _note_seen(session, [renewed])
            point("renew.written")
        point("renew.recorded")
        return renewed


class _Unstored(Exception):
    """A new file that could not be stored, after an authority had timestamped it."""

    def __init__(self, problem: BlobError) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _facts(row: Any, file: ArchivedFile, renewed: ArchivedFile, size: int) -> dict[str, Any]:
    return {
        "channel": "system",
        "key": row.key,
        "variant": row.variant,
        "definition": row.definition_sha256,
        "document": file.document,
        "revision": file.revision,
        "renewed": file.sha256,
        "sha256": renewed.sha256,
        "bytes": size,
        "stamped_at": utc_text(renewed.stamped_at),
        "holds_until": utc_text(renewed.holds_until),
    }


def _still_current(session: Session, seen: Sequence[ArchivedFile]) -> list[ArchivedFile]:
    """Those that nobody has renewed since they were read: what is noted is said of the document's file."""
    ids = [file.document_id for file in seen]
    query = select(DocumentRow.id, DocumentRow.current_sha256).where(DocumentRow.id.in_(ids))
    current: dict[int, str] = dict(session.execute(query).all())
    return [file for file in seen if current.get(file.document_id) == file.sha256]


def _note_seen(session: Session, seen: Sequence[ArchivedFile]) -> None:
    if not seen:
        return
    session.execute(delete(ArchiveRow).where(ArchiveRow.document_id.in_([file.document_id for file in seen])))
    session.execute(insert(ArchiveRow), [file.seen for file in seen])


def ends_of(session: Session, *, before: datetime) -> list[datetime]:
    """Until when the files hold that hold no longer than this, the first to end first; looks into no file."""
    return [file.holds_until for file in _due(session, before=before)]


def _due(session: Session, *, before: datetime) -> list[ArchivedFile]:
    query = _NOTED.where(ArchiveRow.holds_until <= before).order_by(ArchiveRow.holds_until, DocumentRow.id)
    return [_archived(row) for row in session.execute(query)]


def _archived(row: Any) -> ArchivedFile:
    return ArchivedFile(
        *(row.request_id, row.id, row.name, row.revision_no, row.current_sha256),
        stamped_at=row.stamped_at,
        holds_until=row.holds_until,
    )


def _trouble(request_id: int, document: str, revision: int, problem: Problem) -> Trouble:
    return Trouble(request_id, document, revision, problem.code, str(problem), problem.hint)


def _ended(query: Any) -> Any:
    """Of requests that have ended and are not destroyed, the newest revision of each document."""
    newer = DocumentRow.__table__.alias("newer")
    return (
        query.select_from(DocumentRow)
        .join(Request, Request.id == DocumentRow.request_id)
        .where(
            Request.closed_at.is_not(None),
            Request.destroyed_at.is_(None),
            ~exists().where(
                newer.c.request_id == DocumentRow.request_id,
                newer.c.name == DocumentRow.name,
                newer.c.revision_no > DocumentRow.revision_no,
            ),
        )
    )


_CURRENT = _ended(
    select(
        DocumentRow.id,
        DocumentRow.request_id,
        DocumentRow.name,
        DocumentRow.revision_no,
        DocumentRow.current_sha256,
        Request.key,
        Request.variant,
        Request.definition_sha256,
    )
)
_NOTED = (
    _CURRENT.add_columns(ArchiveRow.stamped_at, ArchiveRow.holds_until)
    .join(ArchiveRow, ArchiveRow.document_id == DocumentRow.id)
    .where(ArchiveRow.sha256 == DocumentRow.current_sha256)
)
_BY_LEVEL = (
    _ended(select(DocumentRow.level_reached, func.count()))
    .where(DocumentRow.level_reached.is_not(None))
    .group_by(DocumentRow.level_reached)
)
