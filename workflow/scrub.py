"""Whether the files that are stored are those that the rows name: every one is read again.

  (1) every stored file, some at a time: is its content what it is stored under? does a row name it?
  (2) every file that a row names, some at a time: is it stored?
  (3) every file that lies elsewhere than it belongs, where nobody reads it: whose is it?

The office may be at work. Few digests are in memory at a time, and no transaction is open while files are
read. What was stored within GRACE may be a step's that has not ended: it is not called unreferenced.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from documents.blobs import Blobs
from documents.errors import BlobError, BlobMissing
from workflow.references import CHUNK, COLUMNS, chunks, naming, next_referred_to, referred_to
from workflow.retention import unnamed
from workflow.store import Store
from workflow.tables import DocumentRow, Event, RenewalRow, SignatureRow

What = Literal["missing", "changed", "truncated", "unreadable", "unreferenced", "misplaced"]
GRACE = timedelta(hours=1)
HINTS = {
    "missing": "Restore the file from a backup: paraaf blobs restore FILE.tar",
    "changed": "Restore it from a backup, paraaf blobs restore FILE.tar, and have the disk looked at.",
    "truncated": "Restore it from a backup, paraaf blobs restore FILE.tar, and have the disk looked at.",
    "unreadable": "Look at the rights of the files, at the disk and at the connection, then look again.",
    "unreferenced": "Nobody needs it: paraaf blobs scrub --remove-unreferenced",
    "misplaced": "Unpacking puts no file back, `paraaf blobs restore FILE.tar` does. What is not missing any"
    " more is removed by `paraaf blobs scrub --remove-unreferenced`.",
}


@dataclass(frozen=True)
class Concerned:
    """A document whose file it is, now or before a signature was added."""

    request_id: int
    document: str
    revision: int


@dataclass(frozen=True)
class Finding:
    """A file that is not as it should be. `size` is what is there, in bytes, `expected` what was recorded;
    None where that is not known."""

    what: What
    sha256: str
    size: int | None = None
    expected: int | None = None
    concerned: tuple[Concerned, ...] = ()
    why: str = ""

    @property
    def message(self) -> str:
        """A sentence; it names nobody."""
        file = f"The file {self.sha256[:12]}…"
        match self.what:
            case "missing":
                said = f"{file} is not stored"
            case "changed":
                said = f"{file} has changed since it was stored"
            case "truncated":
                said = f"{file} is cut short: {self.size} of {self.expected} bytes"
            case "unreadable":
                said = f"{file} can't be read ({self.why.rstrip('.')})"
            case "unreferenced":
                said = f"{file} is stored, and nothing refers to it"
            case "misplaced":
                said = f"{file} lies among the stored files in a place where nobody reads it"
        of = ", ".join(f"request {one.request_id}, {one.document} {one.revision}" for one in self.concerned)
        return f"{said}: {of}." if of else f"{said}."


class Scrub:
    """One look at everything. The counts are of what was looked at so far."""

    def __init__(self, *, store: Store, blobs: Blobs, clock: Callable[[], datetime]) -> None:
        self.files = 0
        self.size = 0
        """Bytes read."""
        self.referred = 0
        """Files that rows name."""
        self._store = store
        self._blobs = blobs
        self._young = clock() - GRACE

    def findings(self) -> Iterator[Finding]:
        """Look at everything, and tell what is wrong as it is found. Raises StoreUnavailable, BlobError."""
        ages: dict[str, datetime] = {}
        for one in self._blobs.stored():  # (1)
            ages[one.sha256_hex] = one.stored_at
            if len(ages) == CHUNK:
                yield from self._stored(ages)
                ages = {}
        yield from self._stored(ages)
        yield from self._named()  # (2)
        for some in chunks(self._blobs.misplaced()):  # (3)
            with self._store.read() as session:
                told = [_told(session, Finding("misplaced", one.sha256_hex)) for one in some]
            yield from told

    def _stored(self, ages: dict[str, datetime]) -> Iterator[Finding]:
        broken = [found for digest in ages if (found := self._read(digest))]
        with self._store.read() as session:
            nobodys = set(unnamed(session, ages))
            named = referred_to(session, [found.sha256 for found in broken])
            told = [_told(session, found) for found in broken if found.sha256 in named]
        yield from told
        for digest in sorted(nobodys):
            if ages[digest] < self._young and self._blobs.exists(digest):
                yield Finding("unreferenced", digest)

    def _read(self, digest: str) -> Finding | None:
        """Read a stored file; what is wrong with it. What was removed meanwhile is no affair of this part."""
        self.files += 1
        try:
            content = self._blobs.content(digest)
        except BlobMissing:
            return None
        except BlobError as error:
            return Finding("unreadable", digest, why=str(error))
        self.size += content.size
        return None if content.sha256_hex == digest else Finding("changed", digest, size=content.size)

    def _named(self) -> Iterator[Finding]:
        after = ""
        while True:
            with self._store.read() as session:
                digests = next_referred_to(session, after)
            if not digests:
                return
            after = digests[-1]
            self.referred += len(digests)
            if missing := self._blobs.missing(digests):
                yield from self._still_missing(missing)

    def _still_missing(self, missing: list[str]) -> list[Finding]:
        """Those that rows name still, with what they say of them: the others were destroyed as due."""
        with self._store.read() as session:
            named = referred_to(session, missing)
            told = [_told(session, Finding("missing", digest)) for digest in missing if digest in named]
        gone = set(self._blobs.missing([found.sha256 for found in told]))  # one may have been stored anew
        return [found for found in told if found.sha256 in gone]


def _told(session: Session, found: Finding) -> Finding:
    """The same with the documents that are concerned; cut short, when it was longer when it was recorded."""
    rows = [
        row
        for column in COLUMNS
        for row in session.execute(
            naming(column, *_CONCERNED).where(column == found.sha256).order_by(_documents.c.id)
        )
    ]
    concerned = {Concerned(row.request_id, row.name, row.revision_no): None for row in rows}
    expected = _recorded_size(session, found.sha256)
    cut = found.what == "changed" and expected is not None and (found.size or 0) < expected
    return Finding(
        "truncated" if cut else found.what, found.sha256, found.size, expected, tuple(concerned), found.why
    )


def _recorded_size(session: Session, sha256: str) -> int | None:
    """How long a file was, by the event that recorded it."""
    made = select(_documents.c.created_seq).where(_documents.c.rendered_sha256 == sha256)
    signed = select(_signatures.c.event_seq).where(_signatures.c.signed_sha256 == sha256)
    renewed = select(_renewals.c.event_seq).where(_renewals.c.sha256 == sha256)
    query = select(Event.record).where(Event.seq.in_(made.union(signed, renewed))).order_by(Event.seq)
    for record in session.scalars(query):
        said = json.loads(record)
        if said.get("sha256") == sha256 and isinstance(said.get("bytes"), int):
            return int(said["bytes"])
    return None


_documents, _signatures, _renewals = DocumentRow.table(), SignatureRow.table(), RenewalRow.table()
_CONCERNED = (_documents.c.request_id, _documents.c.name, _documents.c.revision_no)
