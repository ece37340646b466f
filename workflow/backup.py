"""A copy of the whole office in one file, made while it runs.

The database is copied as of one moment, then every file that it refers to at that moment: a file is on the
disk before a row names it, so none can be missing, but for one that was destroyed as due meanwhile. The
manifest comes last and says what belongs into the file: a backup that was cut short has none.

    database/…            the copy: an SQLite file, or what pg_dump writes
    blobs/SHA256          the stored files
    authority/…           the development authority, with its private keys
    hr_register.csv
    manifest.json         what must be there, with digests; the log's head; the release

The file holds personal data and keys: it is made for its owner alone, and whoever takes it away encrypts it.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from disk import sync
from documents.blobs import Blobs
from documents.errors import BlobError
from workflow.errors import WorkflowError
from workflow.eventlog import Head, utc_text
from workflow.references import referred_to
from workflow.snapshot import copy_name, snapshot
from workflow.store import Store
from workflow.tables import LogHead

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database/"
BLOBS = "blobs/"
# Beside the database and the blobs: what a data folder holds.
AUTHORITY = "authority"
REGISTER = "hr_register.csv"
_NOT_KEPT = frozenset({"lock"})


class BackupFailed(WorkflowError):
    """A backup could not be written; none is left behind."""

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
    the same.
    """

    head: Head
    made_at: str
    release: str
    database: str
    blobs: int
    size: int
    faults: tuple[Fault, ...] = ()


@dataclass
class _Writing:
    """A tar file in the making, and what its manifest will say."""

    tar: tarfile.TarFile
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    size: int = 0

    def add(self, name: str, content: bytes) -> None:
        self._put(name, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            self._put(name, file, size, digest)

    def _put(self, name: str, content: IO[bytes], size: int, sha256: str) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        self.tar.addfile(info, content)
        self.members[name] = {"bytes": size, "sha256": sha256}
        self.size += size


def make_backup(
    out: Path, *, store: Store, blobs: Blobs, folder: Path, now: Callable[[], datetime], release: str
) -> Backup:
    """Write a backup of an office to the file `out`, which must not be there yet.

    The office may be at work. On return the file is on the disk, whole. Raises BackupFailed,
    StoreUnavailable.
    """
    try:
        with (
            _whole_file(out) as file,
            tempfile.TemporaryDirectory(dir=out.parent, prefix=".backup-") as place,
        ):
            tar = tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 (closed below)
            writing = _Writing(tar)
            made_at = utc_text(now())
            copy = Path(place) / copy_name(store)
            with snapshot(store, copy) as session:
                head, digests = _head(session), sorted(referred_to(session))
            writing.add_file(f"{DATABASE}{copy.name}", copy)
            copy.unlink()
            for digest in digests:
                _add_blob(writing, blobs, digest, store)
            for name, path in _other_files(folder):
                writing.add_file(name, path)
            made = Backup(
                head, made_at, release, copy.name, len(digests), writing.size, tuple(writing.faults)
            )
            writing.add(MANIFEST, _manifest(made, writing))
            tar.close()
    except OSError as error:
        raise BackupFailed(
            f"The backup {out} can't be written: {error.strerror or error}.",
            hint="Choose a folder with room, that may be written, and a name that is not taken.",
        ) from error
    return made


def _head(session: Session) -> Head:
    row = session.execute(select(LogHead.seq, LogHead.hash)).one()
    return Head(row.seq, row.hash)


def _add_blob(writing: _Writing, blobs: Blobs, digest: str, store: Store) -> None:
    try:
        writing.add(f"{BLOBS}{digest}", blobs.get(digest))
    except BlobError as error:
        with store.read() as session:
            if referred_to(session, [digest]):  # else it was destroyed as due since the copy
                writing.faults.append(Fault(digest, str(error)))


def _other_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """What lies in the data folder beside the database and the blobs."""
    register = folder / REGISTER
    if register.is_file():
        yield REGISTER, register
    for path in sorted((folder / AUTHORITY).rglob("*")):
        if path.is_file() and path.name not in _NOT_KEPT and not path.name.startswith("."):
            yield f"{AUTHORITY}/{path.relative_to(folder / AUTHORITY).as_posix()}", path


def _manifest(made: Backup, writing: _Writing) -> bytes:
    # a blob's name is its digest: the names are enough
    said = {
        "format": FORMAT,
        "made_at": made.made_at,
        "release": made.release,
        "head": {"seq": made.head.seq, "hash": made.head.hash},
        "faults": [{"sha256": fault.sha256, "why": fault.why} for fault in made.faults],
        "blobs": [name.removeprefix(BLOBS) for name in writing.members if name.startswith(BLOBS)],
        "files": {name: what for name, what in writing.members.items() if not name.startswith(BLOBS)},
    }
    return json.dumps(said, indent=1).encode()


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when it is whole and on the disk, and replaces nothing."""
    if path.exists():
        raise FileExistsError(17, "there is a file of this name", str(path))
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(name)  # unlike a rename, this never replaces a file
        sync(path.parent)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
