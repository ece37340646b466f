"""An office from a backup: nothing is taken that is not what its manifest says.

    (1) unpack everything into a folder of work, beside the data folder, or in it when that is there already:
        it may be a mount or a link, which nothing can replace; hold every file against its digest
    (2) see that the clock is not behind what the backup says; note in an SQLite database that destruction
        waits, and the office's new name, which office.json says, too; it becomes a file like the others
    (3) give the files their names: all at once beside, one after the other inside, the database last
    (4) load a dump into the empty database of a server, in one transaction, and note the same there
    (5) write the new name beside the stored files
    (6) in a server's database say of which release its tables are: before that nobody opens it

What fails leaves the folder as it was, and up to (4) the database. What fails later leaves tables on a
server, which nobody takes for an office, and says so: restore again, into another empty database. Killed in
(3) to (5), files are left, too, and no office: empty the folder first.

The restored office has a name of its own, so that neither takes the other's database or files for its own.

Where the database lives and only files were lost, they alone are taken, and none that was destroyed since.
"""

import hashlib
import json
import os
import secrets
import shutil
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Any

from certs.authority import DevelopmentAuthority
from disk import remove_left_behind, sync, sync_with_parents, work_folder
from documents.blobs import Blobs, is_whole
from documents.errors import BlobError
from documents.open_blobs import VARIABLE as PLACE
from problem import Problem
from workflow.backup import (
    AUTHORITY,
    BLOBS,
    DATABASE,
    FORMAT,
    LARGEST_MANIFEST,
    MANIFEST,
    Backup,
    Fault,
    Names,
    belongs,
)
from workflow.clock import require_later
from workflow.errors import WorkflowError
from workflow.eventlog import Appender, Head
from workflow.faults import BEFORE_THE_TABLES, point
from workflow.identity import name_anew, named, require_same, write_name
from workflow.own_blobs import OwnBlobs
from workflow.references import all_named, referred_to
from workflow.retention import begin_anew
from workflow.snapshot import RestoreRefused, load, require_kind, require_place
from workflow.store import FILE, VARIABLE, Store
from workflow.tables import OfficeRow

_FORMATS = (1, FORMAT)
_WORK = ".paraaf-restore-"
_LEFT = (
    "The database holds what was loaded already, and is no office:"
    " make a new, empty one before it is restored again."
)
_NOT_OURS = frozenset({"lost+found"})
"""What a new disk holds by itself."""
_CHUNK = 1024 * 1024
_BATCH = 50


class BackupUnusable(WorkflowError):
    """The file is no whole backup of this release's format, or not what its manifest says."""

    code = "workflow-backup-unusable"


class RestoreFailed(WorkflowError):
    """An office could not be restored to this folder, such as for want of room; nothing is left there."""

    code = "workflow-restore"


def restore(
    file: Path,
    *,
    folder: Path,
    store: Store,
    blobs: Callable[[Path], Blobs],
    now: datetime,
    sha256: str | None = None,
    same_storage: bool = False,
    clock_is_right: bool = False,
) -> Backup:
    """Make an office from a backup in `folder`, which must be empty or not there; gives what it held.

    `blobs` gives the store of files for a data folder, which holds none yet, or with `same_storage` those of
    this very office. `sha256` is the digest that the whole file must have. What a killed restore left is
    removed. `clock_is_right`: a person says so, whatever the backup says of the time. Raises BackupUnusable,
    RestoreRefused, RestoreFailed, ClockImplausible, BlobError, StoreUnavailable.
    """
    require_place(store, folder)
    with _making(folder) as (work, made, inside):
        files = blobs(made)
        if not same_storage:
            _require_unused(files)
        reading = _Reading(
            lambda name: (work if name.startswith(DATABASE) else made) / name,
            lambda some: files.put_many(list(some.values())),
            partial(require_kind, store),
        )
        held = reading.all_of(file, sha256)  # (1)
        if not clock_is_right:
            require_later(now, _newest(held))  # (2)
        copy = work / DATABASE / held.database
        office = None
        if store.embedded:
            copy.rename(made / FILE)
            with closing(Store.unopened(made, {})) as ours:
                office = _begun_anew(ours, now, clock_is_right=clock_is_right)
            _name_folder(made, office)
        _sync_tree(made)
        with _placed(made, folder, inside=inside):  # (3)
            if not store.embedded:
                point(BEFORE_THE_TABLES)
                revision = load(store, copy)  # (4)
                point("restore.loaded")
            with _telling_what_is_left(store):
                if not store.embedded:
                    office = _begun_anew(store, now, clock_is_right=clock_is_right)
                    point("restore.begun-anew")
                    _name_folder(folder, office)
                _name_files(blobs(folder), office)  # (5)
                if not store.embedded:
                    point("restore.named")
                    with store.write() as session:
                        store.complete(session, revision)  # (6)
    return held


@contextmanager
def _telling_what_is_left(store: Store) -> Iterator[None]:
    """Where a server's database is filled already, whatever fails says that it is, and what to do."""
    try:
        yield
    except Problem as problem:
        if not store.embedded:
            problem.hint = f"{problem.hint} {_LEFT}".lstrip()
        raise
    except OSError as error:
        if store.embedded:
            raise
        raise RestoreFailed(f"The office can't be restored: {error.strerror}.", hint=_LEFT) from error


def _newest(held: Backup) -> datetime:
    """The latest time that a backup says: when it was made, or its last event by a clock that was ahead."""
    said = (held.made_at, held.last_event_at)
    return max(datetime.fromisoformat(at) for at in said if at is not None)


def restore_files(
    file: Path, *, folder: Path, store: Store, blobs: Callable[[Path], Blobs], sha256: str | None = None
) -> tuple[Backup, int]:
    """Make the data folder anew of an office whose database, on a server, lives; how many files came back.

    As (1) and (3) of a restore. Of the stored files come back those that rows name still, and that are not
    there. Raises WrongOffice when the keys are another office's, StoreOutdated; else as `restore` does.
    """
    if store.embedded:
        raise RestoreRefused(
            "The database would lie in the data folder itself, so it is lost with it, or is there.",
            hint=f"Name the database that lives in {VARIABLE}, or restore all: without --files-only.",
        )
    store.require_latest()
    with _making(folder) as (_, made, inside):
        files = OwnBlobs(blobs(made), store)
        files.require_own(lost=True)
        needed = _Needed(store, files)
        reading = _Reading(
            lambda name: None if name.startswith(DATABASE) else made / name, needed, lambda _: None
        )
        held = reading.all_of(file, sha256)
        for digest, why in needed.refused.items():
            raise BlobError(
                f"The stored file {digest} can't be put back: {why}",
                hint="Look at what stands in its place; then restore again.",
            )
        root = DevelopmentAuthority.open(made / AUTHORITY).root_sha256
        with store.read() as session:
            require_same(session, made, root)
            _name_folder(made, named(session))
        _sync_tree(made)
        with _placed(made, folder, inside=inside):
            pass
    return held, len(needed.put)


def _begun_anew(store: Store, now: datetime, *, clock_is_right: bool) -> OfficeRow | None:
    """Have the destruction wait, and the office have a name of its own."""
    begin_anew(store, now=now, clock_is_right=clock_is_right)
    with store.write() as session:
        return name_anew(session)


def _name_folder(folder: Path, office: OfficeRow | None) -> None:
    if office is not None:
        write_name(folder, office.name, office.root_sha256)


def _name_files(files: Blobs, office: OfficeRow | None) -> None:
    """Say whose the stored files are now; with a database that names no office, nobody's until its worker."""
    if office is not None or files.owner():
        files.claim("" if office is None else office.name, anew=True)


@dataclass(frozen=True)
class PutBack:
    """Stored files that came back from a backup, and those that could not be put, with why.

    Of those that were asked for the ones that rows name no more, and the ones that are not in it; where none
    was, `absent` are the ones that are still missing or changed, as they are not in it.
    """

    put: list[str]
    unneeded: list[str]
    absent: list[str]
    refused: Mapping[str, str]


def put_back(file: Path, *, store: Store, blobs: Blobs, only: Collection[str] = ()) -> PutBack:
    """Bring stored files back from a backup: those, or `only` those of these digests, that rows name and
    that are missing or changed. The office may be at work. Without `only` every file that rows name is read.

    Raises BackupUnusable, StoreUnavailable, and BlobError when the storage is away.
    """
    needed = _Needed(store, blobs, only)
    if not only:
        beside = _Beside(store, blobs)

        def keep(some: Mapping[str, bytes]) -> None:
            needed(some)
            beside(some)

        _Reading(_nowhere, keep, lambda _: None).all_of(file, None)
        return PutBack(sorted(needed.put), [], beside.lacking(), needed.refused)
    _Reading(_nowhere, needed, lambda _: None).all_of(file, None)
    with store.read() as session:
        named = referred_to(session, only)
    asked = set(only)
    return PutBack(
        sorted(needed.put), sorted(asked - named), sorted(asked & named - needed.seen), needed.refused
    )


def examine(file: Path, sha256: str | None = None) -> Backup:
    """What a backup holds, once all of it is found to be what its manifest says. Raises BackupUnusable."""
    return _Reading(_nowhere, lambda _: None, lambda _: None).all_of(file, sha256)


def _nowhere(_name: str) -> None:
    """The place of a file that is read, and not written."""


class _Needed:
    """Takes out of a backup the stored files that rows of a living database name, and that are not whole."""

    def __init__(self, store: Store, blobs: Blobs, only: Collection[str] = ()) -> None:
        self.put: list[str] = []
        self.seen: set[str] = set()
        self.refused: dict[str, str] = {}
        self._store, self._blobs, self._only = store, blobs, frozenset(only)

    def __call__(self, some: Mapping[str, bytes]) -> None:
        """Put back what is needed of some files. Raises BlobError, StoreUnavailable."""
        asked = some.keys() & self._only if self._only else set(some)
        self.seen |= asked & self._only
        with self._store.read() as session:
            named = referred_to(session, asked)
            lacking = [digest for digest in named if not is_whole(self._blobs, digest)]
        if not lacking:
            return
        with self._store.write() as session:  # or it is destroyed between this question and the putting
            Appender.lock(session, secrets.token_bytes)
            still = sorted(referred_to(session, lacking))
            try:
                self.put += self._blobs.put_many([some[digest] for digest in still])
            except BlobError:
                self._blobs.require_writable()  # not the storage: one of these, and the others are put
                for digest in still:
                    self._put_one(digest, some[digest])

    def _put_one(self, digest: str, content: bytes) -> None:
        try:
            self.put.append(self._blobs.put(content))
        except BlobError as error:
            self.refused[digest] = str(error)


class _Beside:
    """Finds the stored files that rows name, and that are not whole, among those that a backup has not.

    A backup has its files in the order of their digests, and the rows are asked in it: nothing of what is
    whole has to be kept in memory.
    """

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store, self._blobs = store, blobs
        self._found: list[str] = []
        self._named = all_named(store)
        self._next = next(self._named, None)

    def __call__(self, some: Collection[str]) -> None:
        """Look at what belongs before and between the next files of the backup. Raises StoreUnavailable."""
        self._look_to(max(some), some)

    def lacking(self) -> list[str]:
        """Look at what comes after its last file; all that are not whole and that rows name still.

        Raises StoreUnavailable, and BlobError when the storage is away.
        """
        self._look_to(None, ())
        gone = set(self._blobs.missing(self._found))
        with self._store.read() as session:
            named = referred_to(session, self._found)
        return sorted(one for one in named if one in gone or not is_whole(self._blobs, one))

    def _look_to(self, last: str | None, had: Collection[str]) -> None:
        while self._next is not None and (last is None or self._next <= last):
            if self._next not in had and not is_whole(self._blobs, self._next):
                self._found.append(self._next)
            self._next = next(self._named, None)


def _require_unused(blobs: Blobs) -> None:
    """Refuse a place that holds files: what this office does not know, its scrub may remove."""
    if blobs.owner() or next(blobs.stored(), None) is not None:
        raise RestoreRefused(
            "There are stored files already where those of the restored office would go.",
            hint=f"Name another prefix in {PLACE}. Are they this very office's, and is the office that wrote"
            " them gone for good, say --same-storage.",
        )


@contextmanager
def _making(folder: Path) -> Iterator[tuple[Path, Path, bool]]:
    """A folder of work, in it the data folder in the making, and whether its place is there already.

    Raises RestoreRefused, and RestoreFailed for what the disk refuses in the block.
    """
    try:
        _require_empty(folder)
        inside = folder.exists()
        if not inside:
            folder.parent.mkdir(parents=True, exist_ok=True)
        with work_folder(folder if inside else folder.parent, _WORK) as work:
            made = work / "data"
            made.mkdir(mode=0o700)
            yield work, made, inside
    except OSError as error:
        raise RestoreFailed(
            f"The office can't be restored to {folder}: {error.strerror or error}.",
            hint="Choose a folder with room, that may be written.",
        ) from error


def _require_empty(folder: Path) -> None:
    if folder.is_symlink() and not folder.exists():
        raise RestoreRefused(
            f"{folder} is a link to a folder that is not there.", hint="Make that folder, or name another."
        )
    if not folder.exists():
        return
    if folder.is_dir():
        remove_left_behind(folder, _WORK)
    if not folder.is_dir() or any(path.name not in _NOT_OURS for path in folder.iterdir()):
        raise RestoreRefused(
            f"The folder {folder} is not empty.", hint="Name a folder with --data that is empty or not there."
        )


@contextmanager
def _placed(made: Path, folder: Path, *, inside: bool) -> Iterator[None]:
    """The files where they stay; taken away again when the block fails."""
    placed: list[Path] = []
    try:
        if inside:
            with suppress(PermissionError):  # of a mount it may be somebody else's: `paraaf check` tells
                folder.chmod(0o700)
            # the database last: by it a folder is an office
            for path in sorted(made.iterdir(), key=lambda path: path.name == FILE):
                path.rename(folder / path.name)
                placed.append(folder / path.name)
        else:
            made.rename(folder)
            placed.append(folder)
            sync_with_parents(folder.parent)  # it may be new itself
        sync(folder)
        yield
    except BaseException:
        for path in placed:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


class _Digesting:
    """A file that is read from its beginning to its end, and the digest of that."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        content = self._file.read(size)
        self._digest.update(content)
        return content

    def hexdigest(self) -> str:
        """Of the whole file: what nobody asked for is read, too."""
        while self.read(_CHUNK):
            pass
        return self._digest.hexdigest()


class _Reading:
    """The members of a backup, each into its place, or only held against its digest where it has none."""

    def __init__(
        self,
        place: Callable[[str], Path | None],
        keep: Callable[[Mapping[str, bytes]], object],
        require_kind: Callable[[str], None],
    ) -> None:
        """`keep` takes stored files by their digests, some at a time."""
        self._place = place
        self._keep = keep
        self._require_kind = require_kind
        self._waiting: dict[str, bytes] = {}
        self._names = Names()
        self._files: dict[str, dict[str, Any]] = {}
        self._skipped: list[str] = []
        self._size = 0

    def all_of(self, file: Path, sha256: str | None) -> Backup:
        """What the backup holds; raises BackupUnusable, RestoreRefused, BlobError, OSError."""
        try:
            raw = file.open("rb")
        except OSError as error:
            raise BackupUnusable(
                f"{file} can't be read: {error.strerror}.", hint="Look at its path and its rights."
            ) from error
        try:
            with raw:
                whole = _Digesting(raw)
                with tarfile.open(fileobj=whole, mode="r|") as tar:  # type: ignore[call-overload]
                    said = self._taken(tar)
                digest = whole.hexdigest()
                if sha256 is not None and digest != sha256:
                    raise ValueError(f"its SHA-256 is {digest}, not the one that was kept")
                return self._agreed(said, digest)
        except _MISSHAPEN as error:
            raise BackupUnusable(
                f"{file} is no whole backup: {error}.",
                hint="Take another backup; this one was cut short or changed.",
            ) from error

    def _taken(self, tar: tarfile.TarFile) -> dict[str, Any]:
        """Every member into its place, and the manifest; raises ValueError for what does not belong."""
        said: dict[str, Any] | None = None
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # it would keep one for each of a million files
            if said is not None or not member.isreg() or not _is_readable(member.name):
                raise ValueError(f"it holds {member.name[:80]!r}, which does not belong there")
            if member.issparse():  # kilobytes that would be unpacked to any size
                raise ValueError(f"it holds {member.name[:80]!r} with holes, which no backup writes")
            content = tar.extractfile(member)
            if content is None:
                raise ValueError(f"{member.name!r} can't be read")
            if member.name == MANIFEST:
                said = json.loads(content.read(LARGEST_MANIFEST))
            elif member.name.startswith(BLOBS):
                self._blob(member.name.removeprefix(BLOBS), content.read())
            else:
                self._file(member.name, content, member.size)
            self._size += member.size if said is None else 0
        self._put_waiting()
        if said is None:
            raise ValueError("its manifest is missing")
        return said

    def _blob(self, name: str, content: bytes) -> None:
        self._names.add(name)
        if hashlib.sha256(content).hexdigest() != name:
            raise ValueError(f"the stored file {name} has changed")
        self._waiting[name] = content
        if len(self._waiting) == _BATCH:
            self._put_waiting()

    def _put_waiting(self) -> None:
        if self._waiting:
            self._keep(self._waiting)
        self._waiting = {}

    def _file(self, name: str, content: IO[bytes], size: int) -> None:
        if name in self._files:
            raise ValueError(f"it holds {name!r} twice")
        if name.startswith(DATABASE):
            self._require_kind(name.removeprefix(DATABASE))
        ours = belongs(name)
        if not ours:
            self._skipped.append(name)
        path = self._place(name) if ours else None
        digest = _digest(content) if path is None else _written(path, content)
        self._files[name] = {"bytes": size, "sha256": digest}

    def _agreed(self, said: dict[str, Any], sha256: str) -> Backup:
        """What the manifest says, when it is what was found; raises ValueError, KeyError, TypeError."""
        if said["format"] not in _FORMATS:
            raise ValueError(f"its format is {said['format']!r}, and this release reads {_FORMATS}")
        blobs = said["blobs"] if said["format"] == FORMAT else _listed(said["blobs"])
        if (self._files, self._names.said) != (said["files"], blobs):
            raise ValueError("it does not hold what its manifest says")
        (database,) = (name for name in self._files if name.startswith(DATABASE))
        return Backup(
            head=Head(int(said["head"]["seq"]), _shown(said["head"]["hash"])),
            made_at=_time(said["made_at"]),
            release=_shown(said["release"]),
            database=database.removeprefix(DATABASE),
            blobs=self._names.count,
            size=self._size,
            faults=tuple(Fault(str(one["sha256"]), str(one["why"])) for one in said["faults"]),
            destroyed=int(said["destroyed"]) if said["format"] == FORMAT else 0,
            sha256=sha256,
            skipped=(*map(str, said.get("skipped", ())), *self._skipped),
            last_event_at=None if said.get("last_event_at") is None else _time(said["last_event_at"]),
        )


def _is_readable(name: str) -> bool:
    """Whether a backup of some release may hold this: earlier ones saved whatever lay in the authority's
    folder, which is held against its digest, and gets no place."""
    return belongs(name) or name.startswith(f"{AUTHORITY}/")


def _time(said: object) -> str:
    """A time as the manifest says it; raises ValueError for what is none."""
    text = _shown(said)
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("its manifest says a time without its offset")
    return text


# What a file that is no backup, or none of ours, may raise while it is read.
_MISSHAPEN = (tarfile.TarError, ValueError, KeyError, TypeError, RecursionError, OverflowError)


def _shown(text: object) -> str:
    """A text that may be printed as it is; raises ValueError for what could move a reader's cursor."""
    if not isinstance(text, str) or not text.isprintable():
        raise ValueError("its manifest holds what can't be shown")
    return text


def _listed(names: list[str]) -> dict[str, Any]:
    """What format 2 says of the names that format 1 lists."""
    said = Names()
    for name in names:
        said.add(name)
    return said.said


def _digest(content: IO[bytes]) -> str:
    """What a file's content is, which is not kept."""
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


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
