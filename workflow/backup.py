"""A copy of the whole office in one file, made while it runs.

The database is copied as of one moment, then every file that it refers to at that moment: a file is on the
disk before a row names it, so none can be missing, but for one that was destroyed as due meanwhile. Then it
is begun anew, so that nothing of what was destroyed is in it. The manifest comes last and says what belongs
into the file: a backup that was cut short has none.

    database/…            the copy: an SQLite file, or what pg_dump writes
    blobs/SHA256          the stored files, in order
    authority/…           the development authority, with its private keys
    hr_register.csv
    manifest.json         what must be there, with digests; the log's head; the release

The file holds personal data and keys: it is made for its owner alone, and whoever takes it away encrypts it.
The digests find what a disk or a line has changed. Who changes a file on purpose changes the manifest with
it: against that stands the digest of the whole file, kept elsewhere.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from disk import give_name, read_note, whole_file, work_folder
from documents.blobs import Blobs
from documents.errors import BlobError
from workflow.clock import last_event
from workflow.destruction import DESTROYED
from workflow.errors import WorkflowError
from workflow.eventlog import ERASED, Head, utc_text
from workflow.own_blobs import OwnBlobs
from workflow.references import ever_referred_to, referred_to
from workflow.retention import PEOPLE_REMOVED
from workflow.snapshot import copy_name, snapshot
from workflow.store import Store, revisions
from workflow.tables import Event, LogHead, OfficeRow

FORMAT = 2
"""One digest over the names of the stored files; format 1 listed them."""
MANIFEST = "manifest.json"
LARGEST_MANIFEST = 256 * 1024 * 1024
DATABASE = "database/"
BLOBS = "blobs/"
# Beside the database and the blobs: what a data folder holds.
AUTHORITY = "authority"
REGISTER = "hr_register.csv"
_NOT_KEPT = frozenset({"lock"})
_AUTHORITY_FILE = re.compile(
    r"authority/(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}/)?[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}"
)
_MEMBER = re.compile(r"database/[a-z0-9.]{1,40}|blobs/[0-9a-f]{64}|hr_register\.csv|manifest\.json")
_WORK, _TAR = ".paraaf-backup-", "backup.tar"
DESTROYS_FROM = "0005"
"""The tables of earlier revisions have no word for what was destroyed; nothing was."""
TABLES_FROM = MappingProxyType({"renewals": "0011", "scans": "0017"})
"""Tables that name stored files, and the revision from which there are such."""
LAST = "last-backup.json"
"""In the data folder: when its last backup was made, and its digest."""
TRIES = 3
"""How often a backup is made while something is destroyed; what was destroyed during the last is told."""


def belongs(name: str) -> bool:
    """Whether a file of this name is an office's: what a backup takes, and what is restored.

    The authority's files lie in its folder, or in one folder in it, under plain names.
    """
    return bool(_MEMBER.fullmatch(name) or _AUTHORITY_FILE.fullmatch(name))


class BackupFailed(WorkflowError):
    """A backup could not be written, and none is left behind; or it was made, and could not be noted."""

    code = "workflow-backup"


@dataclass(frozen=True)
class Fault:
    """A stored file that could not be copied: its digest, and why."""

    sha256: str
    why: str


@dataclass(frozen=True)
class Backup:
    """What a backup holds: the log's head at its moment, when that was, how many files and bytes.

    `faults` are stored files that are damaged or missing in the office itself: the rest is saved all
    the same. `destroyed`: how often something was destroyed meanwhile that is still in it. `sha256` is of the
    whole file. `skipped` are the names of what lies among the authority's files, and is none of them: it is
    not saved, and nothing of that kind is restored. `last_event_at`: when the head was recorded; earlier
    releases did not say it.
    """

    head: Head
    made_at: str
    release: str
    database: str
    blobs: int
    size: int
    faults: tuple[Fault, ...] = ()
    destroyed: int = 0
    sha256: str = ""
    skipped: tuple[str, ...] = ()
    last_event_at: str | None = None


class Names:
    """The digest over the names of the stored files, which come in order, each once."""

    def __init__(self) -> None:
        self.count = 0
        self.last = ""
        self._digest = hashlib.sha256()

    def add(self, sha256: str) -> None:
        """The next name; raises ValueError unless it is later than the one before."""
        if sha256 <= self.last:
            raise ValueError(f"it holds {BLOBS}{sha256} twice, or out of order")
        self._digest.update(f"{sha256}\n".encode())
        self.last = sha256
        self.count += 1

    @property
    def said(self) -> dict[str, Any]:
        """As the manifest says it."""
        return {"count": self.count, "sha256": self._digest.hexdigest()}


class _Hashed:
    """A file that is written to from its beginning to its end, and the digest of that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        return self._file.write(content)

    def tell(self) -> int:
        return self._file.tell()

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


@dataclass
class _Writing:
    """A tar file in the making, and what its manifest will say."""

    tar: tarfile.TarFile
    names: Names = field(default_factory=Names)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    size: int = 0

    def add_blob(self, sha256: str, content: bytes) -> None:
        self._put(f"{BLOBS}{sha256}", io.BytesIO(content), len(content))
        self.names.add(sha256)

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            self._put(name, file, size)
        self.files[name] = {"bytes": size, "sha256": digest}

    def end(self, made: Backup) -> None:
        """Write the manifest; a name of a blob is its digest, so one digest over the names is enough."""
        said = {
            "format": FORMAT,
            "made_at": made.made_at,
            "release": made.release,
            "head": {"seq": made.head.seq, "hash": made.head.hash},
            "last_event_at": made.last_event_at,
            "faults": [{"sha256": fault.sha256, "why": fault.why} for fault in made.faults],
            "destroyed": made.destroyed,
            "skipped": made.skipped,
            "blobs": self.names.said,
            "files": self.files,
        }
        content = json.dumps(said, indent=1).encode()
        if len(content) > LARGEST_MANIFEST:
            raise BackupFailed(
                f"More is damaged or missing than a backup can say: {len(made.faults)} stored files.",
                hint="See that the stored files are where the office looks for them.",
            )
        self._put(MANIFEST, io.BytesIO(content), len(content))
        self.tar.close()

    def _put(self, name: str, content: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self.tar.addfile(info, content)
        self.tar.members.clear()  # type: ignore[attr-defined]  # it would keep one for each of a million files
        self.size += size


def make_backup(
    out: Path, *, store: Store, blobs: Blobs, folder: Path, now: Callable[[], datetime], release: str
) -> Backup:
    """Write a backup of an office to the file `out`, which must not be there yet.

    The office may be at work, or its tables those of an earlier release, before an upgrade. On return the
    file is on the disk, whole. What killed backups left beside it is removed. Raises BackupFailed,
    BlobsForeign when the stored files are another office's, StoreUnavailable.
    """
    if store.revision() == revisions()[-1]:
        OwnBlobs(blobs, store).require_there()
    if out.resolve().is_relative_to(folder.resolve()):
        raise BackupFailed(
            f"The backup {out} would lie in the data folder {folder}, and be lost with it.",
            hint="Name a file elsewhere, best on another disk.",
        )
    try:
        if out.exists():
            raise FileExistsError(17, "there is a file of this name", str(out))
        with work_folder(out.parent, _WORK) as work:
            for _ in range(TRIES):
                made = _written(work, utc_text(now()), release, store=store, blobs=blobs, folder=folder)
                if not made.destroyed:
                    break
            give_name(work / _TAR, out)
    except OSError as error:
        raise BackupFailed(
            f"The backup {out} can't be written: {error.strerror or error}.",
            hint="Choose a folder with room, that may be written, and a name that is not taken.",
        ) from error
    if not made.faults:  # else what it lacks is not saved
        _note(folder, made)
    return made


def _note(folder: Path, made: Backup) -> None:
    try:
        with whole_file(folder / LAST, replace=True) as file:
            said = {"made_at": made.made_at, "head": str(made.head), "sha256": made.sha256}
            file.write((json.dumps(said) + "\n").encode())
    except OSError as error:
        raise BackupFailed(
            f"The backup was made, and could not be noted in {folder / LAST}: {error.strerror or error}.",
            hint="Give this user its rights there: else `paraaf check` says that none was made.",
        ) from error


def last_backup(folder: Path) -> datetime | None:
    """When the last backup of this data folder was made; None where none is noted.

    What can't be read is no note: then it is not known that one was made, until the next is.
    """
    try:
        return datetime.fromisoformat(json.loads(read_note(folder / LAST))["made_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def unsaved_since(session: Session, folder: Path) -> datetime | None:
    """When the last backup of this data folder was made, or without one the office began; None when that is
    not known."""
    return last_backup(folder) or session.scalar(select(OfficeRow.since))


def _written(work: Path, made_at: str, release: str, *, store: Store, blobs: Blobs, folder: Path) -> Backup:
    """The backup under another name: what it holds, and how much of that was destroyed meanwhile."""
    copy = work / copy_name(store)
    revision = store.revision()
    early = store.behind(revision, DESTROYS_FROM)
    without = {table for table, since in TABLES_FROM.items() if store.behind(revision, since)}
    with os.fdopen(os.open(work / _TAR, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        hashed = _Hashed(file)
        writing = _Writing(tarfile.open(fileobj=hashed, mode="w", format=tarfile.PAX_FORMAT))  # type: ignore[call-overload]  # noqa: SIM115 (closed by its end)
        with snapshot(store, copy) as session:
            head, last = _head(session), last_event(session)
            digests = sorted(ever_referred_to(session) if early else referred_to(session, without=without))
        writing.add_file(f"{DATABASE}{copy.name}", copy)
        copy.unlink()
        for digest in digests:
            try:
                writing.add_blob(digest, blobs.get(digest))
            except BlobError as error:
                if early or _is_needed(store, digest, without=without):
                    writing.faults.append(Fault(digest, str(error)))
        skipped = []
        for name, path in _other_files(folder):
            if belongs(name) and path.is_file():
                writing.add_file(name, path)
            else:
                skipped.append(name)
        made = Backup(
            head,
            made_at,
            release,
            copy.name,
            writing.names.count,
            writing.size,
            tuple(writing.faults),
            _destroyed_since(store, head),
            skipped=tuple(skipped),
            last_event_at=None if last is None else utc_text(last),
        )
        writing.end(made)
    return replace(made, sha256=hashed.hexdigest())


def _head(session: Session) -> Head:
    row = session.execute(select(LogHead.seq, LogHead.hash)).one()
    return Head(row.seq, row.hash)


def _destroyed_since(store: Store, head: Head) -> int:
    """How often something was destroyed after an event."""
    with store.read() as session:
        later = Event.seq > head.seq, Event.type.in_((DESTROYED, ERASED, PEOPLE_REMOVED))
        return session.execute(select(func.count()).select_from(Event).where(*later)).scalar_one()


def _is_needed(store: Store, digest: str, *, without: Collection[str]) -> bool:
    """Whether a row still names a stored file; else it was destroyed as due since the copy."""
    with store.read() as session:
        return bool(referred_to(session, [digest], without=without))


def _other_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """What lies in the data folder beside the database and the blobs; a link to a folder is one of them."""
    register = folder / REGISTER
    if register.is_file():
        yield REGISTER, register
    for path in sorted((folder / AUTHORITY).rglob("*")):
        is_folder = path.is_dir() and not path.is_symlink()
        if not is_folder and path.name not in _NOT_KEPT and not path.name.startswith("."):
            yield f"{AUTHORITY}/{path.relative_to(folder / AUTHORITY).as_posix()}", path
