"""An office from a backup: nothing is taken that is not what its manifest says."""

import hashlib
import json
import os
import re
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from disk import sync, sync_with_parents
from documents.blobs import Blobs
from workflow.backup import BLOBS, DATABASE, FORMAT, MANIFEST, Backup, Fault
from workflow.errors import WorkflowError
from workflow.eventlog import Head
from workflow.snapshot import RestoreRefused, load, require_place
from workflow.store import Store

_MEMBER = re.compile(
    r"database/[a-z0-9.]{1,40}|blobs/[0-9a-f]{64}|hr_register\.csv|manifest\.json"
    r"|authority/(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}/)?[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}"
)
_LARGEST_MANIFEST = 256 * 1024 * 1024
_CHUNK = 1024 * 1024
_BATCH = 50


class BackupUnusable(WorkflowError):
    """The file is no whole backup of this release's format, or not what its manifest says."""

    code = "workflow-backup-unusable"


class RestoreFailed(WorkflowError):
    """An office could not be restored to this folder, such as for want of room; nothing is left there."""

    code = "workflow-restore"


def restore(file: Path, *, folder: Path, store: Store, blobs: Callable[[Path], Blobs]) -> Backup:
    """Make an office from a backup in `folder`, which must be empty or not there; gives what it held.

    (1) Everything is unpacked beside the folder and held against its digests; (2) an SQLite database becomes
    a file of the folder, a dump is loaded into the empty database of `store`; (3) the folder gets its name.
    `blobs` gives the store of files for a data folder. Raises BackupUnusable, RestoreRefused, RestoreFailed,
    StoreUnavailable.
    """
    _require_empty(folder)
    require_place(store, folder)
    try:
        return _restored(file, folder, store, blobs)
    except OSError as error:
        raise RestoreFailed(
            f"The office can't be restored to {folder}: {error.strerror}.",
            hint="Choose a folder with room, that may be written.",
        ) from error


def _restored(file: Path, folder: Path, store: Store, blobs: Callable[[Path], Blobs]) -> Backup:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".restore-") as place:
        made = Path(place) / "data"
        made.mkdir(mode=0o700)
        held = _unpacked(file, made, blobs(made))  # (1)
        copy = made / DATABASE / held.database
        load(store, copy, made)  # (2)
        copy.unlink(missing_ok=True)
        copy.parent.rmdir()
        _sync_tree(made)
        with suppress(FileNotFoundError):
            folder.rmdir()
        made.rename(folder)  # (3)
        sync_with_parents(folder.parent)  # it may be new itself
    return held


def _require_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RestoreRefused(
            f"The folder {folder} is not empty.", hint="Name a folder with --data that is empty or not there."
        )


def _unpacked(file: Path, folder: Path, blobs: Blobs) -> Backup:
    try:
        raw = file.open("rb")
    except OSError as error:
        raise BackupUnusable(
            f"{file} can't be read: {error.strerror}.", hint="Look at its path and its rights."
        ) from error
    try:
        with raw, tarfile.open(fileobj=raw, mode="r|") as tar:
            return _taken(tar, folder, blobs)
    except (tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise BackupUnusable(
            f"{file} is no whole backup: {error}.",
            hint="Take another backup; this one was cut short or changed.",
        ) from error


def _taken(tar: tarfile.TarFile, folder: Path, blobs: Blobs) -> Backup:
    """Every member into its place; raises ValueError for what does not belong, or is not what was said."""
    found: dict[str, dict[str, Any]] = {}
    waiting: list[bytes] = []
    said: dict[str, Any] | None = None
    for member in tar:
        if said is not None or not member.isreg() or not _MEMBER.fullmatch(member.name):
            raise ValueError(f"it holds {member.name[:80]!r}, which does not belong there")
        if member.name in found:
            raise ValueError(f"it holds {member.name!r} twice")
        content = tar.extractfile(member)
        if content is None:
            raise ValueError(f"{member.name!r} can't be read")
        if member.name == MANIFEST:
            said = json.loads(content.read(_LARGEST_MANIFEST))
            continue
        if member.name.startswith(BLOBS):
            waiting.append(content.read())
            sha256 = hashlib.sha256(waiting[-1]).hexdigest()
            if sha256 != member.name.removeprefix(BLOBS):
                raise ValueError(f"the stored file {member.name!r} has changed")
            if len(waiting) == _BATCH:
                blobs.put_many(waiting)
                waiting = []
        else:
            sha256 = _written(folder / member.name, content)
        found[member.name] = {"bytes": member.size, "sha256": sha256}
    if waiting:
        blobs.put_many(waiting)
    if said is None:
        raise ValueError("its manifest is missing")
    return _agreed(said, found)


def _agreed(said: dict[str, Any], found: dict[str, dict[str, Any]]) -> Backup:
    if said["format"] != FORMAT:
        raise ValueError(f"its format is {said['format']!r}, and this release reads {FORMAT}")
    blobs = {name for name in found if name.startswith(BLOBS)}
    files = {name: what for name, what in found.items() if name not in blobs}
    if files != said["files"] or blobs != {f"{BLOBS}{digest}" for digest in said["blobs"]}:
        raise ValueError("it does not hold what its manifest says")
    (database,) = (name for name in files if name.startswith(DATABASE))
    return Backup(
        head=Head(int(said["head"]["seq"]), str(said["head"]["hash"])),
        made_at=str(said["made_at"]),
        release=str(said["release"]),
        database=database.removeprefix(DATABASE),
        blobs=len(blobs),
        size=sum(what["bytes"] for what in found.values()),
        faults=tuple(Fault(str(one["sha256"]), str(one["why"])) for one in said["faults"]),
    )


def _written(path: Path, content: IO[bytes]) -> str:
    """Write a file for its owner alone, and give its digest."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _sync_tree(folder: Path) -> None:
    """Have the names of all files on the disk; their contents are there already."""
    for each in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync(each)
