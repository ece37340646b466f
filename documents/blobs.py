"""Files kept by the digest of their content, and not acknowledged before they are on the disk.

Layout: FOLDER/<first hex digit>/<sha256>. Sixteen folders and not 256: a batch ends with an fsync of every
folder that it touched, and with 256 those are a third of its time.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from disk import open_file, read_file, read_note, sync, sync_with_parents, whole_file
from documents.errors import BlobCorrupt, BlobError, BlobMissing

_SHA256_HEX = re.compile("[0-9a-f]{64}")
_TEMPORARY = ".incoming-"
OWNER = "office"
"""The file among the others that names the office whose files they are."""


@dataclass(frozen=True)
class Stored:
    """A file as it is listed: the digest that it is stored under, and since when, by the store's clock."""

    sha256_hex: str
    stored_at: datetime


@dataclass(frozen=True)
class Misplaced:
    """A file with a digest for its name that lies elsewhere than files of that digest do, so nobody reads it.

    Such as one that was unpacked by hand. `place` is where, within the store.
    """

    sha256_hex: str
    place: str


@dataclass(frozen=True)
class Content:
    """A file as it is read: the digest of what is in it, and its bytes."""

    sha256_hex: str
    size: int


class Blobs(Protocol):
    """Files by the digest of their content; several processes may use one store."""

    def put(self, content: bytes) -> str:
        """Store content and give its sha256_hex; storing the same again changes nothing. Raises BlobError."""

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Store a batch and give the digests in the same order; all of it is kept on return, or BlobError.

        What was there already, and whole, counts as stored anew from now on; what has changed is replaced.
        """

    def get(self, sha256_hex: str) -> bytes:
        """Read content and check it against its digest. Raises BlobMissing, BlobCorrupt or BlobError."""

    def content(self, sha256_hex: str) -> Content:
        """Read a file piece by piece, and tell what is in it. Raises BlobMissing or BlobError."""

    def exists(self, sha256_hex: str) -> bool:
        """Say whether a file of this digest is there, without reading it."""

    def missing(self, digests: Iterable[str], *, patient: bool = True) -> list[str]:
        """Those that are not there, without reading any.

        Without `patient` each is asked for once and shortly: others wait. Raises BlobError.
        """

    def delete(self, sha256_hex: str) -> bool:
        """Destroy a file; False when it was not there. On return no copy of it is left. Raises BlobError."""

    def stored(self) -> Iterator[Stored]:
        """Every file, one at a time, in no order; what comes or goes meanwhile may be left out."""

    def misplaced(self) -> Iterator[Misplaced]:
        """Every file with a digest for its name that is not where it belongs. Raises BlobError."""

    def remove_misplaced(self, one: Misplaced) -> bool:
        """Destroy such a file; False when it was not there. Raises BlobError."""

    def require_writable(self) -> None:
        """Find out whether a file can be stored now, as far as nothing of that stays. Raises BlobError."""

    def lock_days(self) -> int:
        """For how many days a file can't be removed once it is stored; 0 for none. Raises BlobError."""

    def remove_leftovers(self, *, before: datetime) -> int:
        """Remove what a crash left half written, last written before an instant; give their number."""

    def owner(self, *, patient: bool = True) -> str:
        """The name of the office whose files these are, as is written beside them; "" where nothing is.

        Without `patient` it is asked once and shortly: others wait. Raises BlobError.
        """

    def claim(self, office: str, *, anew: bool = False) -> str:
        """Write down whose files these are, unless that is said already; what is said then, and kept.

        With `anew` it is written whoever was named before; "" names nobody. Raises BlobError.
        """


def is_whole(blobs: Blobs, sha256_hex: str) -> bool:
    """Whether a stored file is there, can be read, and is what it was; reads it."""
    try:
        return blobs.content(sha256_hex).sha256_hex == sha256_hex
    except BlobError:
        return False


def require_digest(text: str) -> str:
    """Give what is a file's name. Raises BlobMissing for what is no digest."""
    if not _SHA256_HEX.fullmatch(text):
        raise BlobMissing(
            "This is no SHA-256 digest in lower-case hex, so no file has it.",
            hint="Name the stored file by its digest.",
        )
    return text


class BlobStore:
    """Content-addressed files in one folder, which is made on the first put.

    Several processes may use one folder. What put returned survives a power cut, if the disk keeps its word.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._durable: set[Path] = set()

    def put(self, content: bytes) -> str:
        """Store content and give its sha256_hex; storing the same again changes nothing. Raises BlobError."""
        return self.put_many([content])[0]

    def put_many(self, contents: Sequence[bytes]) -> list[str]:
        """Store a batch and give the digests in the same order; all of it is on the disk, or BlobError.

        (1) Write every new file under a temporary name, (2) fsync each, (3) rename each, (4) fsync each
        touched folder once. A file that was there already is read, and replaced if it has changed;
        else it counts as stored anew from now on.
        """
        digests = [hashlib.sha256(content).hexdigest() for content in contents]
        fresh = dict(zip(digests, contents, strict=True))
        temporary: dict[str, Path] = {}
        try:
            self._make_folders({self.path(digest).parent for digest in fresh})
            for digest, content in fresh.items():
                if not self._is_stored_anew(digest):
                    temporary[digest] = _write_temporary(self.path(digest).parent, content)  # (1)
            for path in temporary.values():
                sync(path)  # (2)
            for digest, path in temporary.items():
                path.replace(self.path(digest))  # (3)
            # also where nothing is new: another process may have renamed it a moment ago, and not synced yet
            for folder in {self.path(digest).parent for digest in fresh}:
                sync(folder)  # (4)
        except OSError as error:
            _remove(temporary.values())
            raise BlobError(
                f"A file could not be stored: {error.strerror or 'the disk refused'}.",
                hint="Look at the free space and the rights of the data folder, then repeat the step.",
            ) from error
        return digests

    def get(self, sha256_hex: str) -> bytes:
        """Read content and check it against its digest. Raises BlobMissing, BlobCorrupt or BlobError."""
        content = self._read(self.path(sha256_hex))
        if hashlib.sha256(content).hexdigest() != sha256_hex:
            raise BlobCorrupt(
                f"The stored file {sha256_hex[:12]}… has changed since it was stored.",
                hint="Restore it, `paraaf blobs restore FILE.tar`, and have the disk looked at.",
            )
        return content

    def content(self, sha256_hex: str) -> Content:
        """Read a file piece by piece, and tell what is in it. Raises BlobMissing or BlobError."""
        path = self.path(sha256_hex)
        try:
            with open_file(path) as file:
                return Content(hashlib.file_digest(file, "sha256").hexdigest(), file.tell())
        except OSError as error:
            raise _unread(path, error) from error

    def exists(self, sha256_hex: str) -> bool:
        """Say whether a file of this digest is there, without reading it."""
        return self.path(sha256_hex).is_file()

    def missing(self, digests: Iterable[str], *, patient: bool = True) -> list[str]:
        """Those that are not there, without reading any."""
        del patient
        return [digest for digest in digests if not self.exists(digest)]

    def path(self, sha256_hex: str) -> Path:
        """Give the place of a file, there or not. Raises BlobMissing for what is no digest."""
        return self.folder / require_digest(sha256_hex)[0] / sha256_hex

    def delete(self, sha256_hex: str) -> bool:
        """Destroy a file; False when it was not there. On return the removal is on the disk."""
        return _destroyed(self.path(sha256_hex))

    def stored(self) -> Iterator[Stored]:
        """Every file, one at a time, in no order; what comes or goes meanwhile may be left out."""
        for path in self.folder.glob("?/*"):
            if _SHA256_HEX.fullmatch(path.name) and path == self.path(path.name):
                with suppress(FileNotFoundError):  # it is being removed
                    yield Stored(path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def misplaced(self) -> Iterator[Misplaced]:
        """Every file with a digest for its name that is not where it belongs."""
        for path in self.folder.rglob("*"):
            if _SHA256_HEX.fullmatch(path.name) and path != self.path(path.name) and not path.is_dir():
                yield Misplaced(path.name, path.relative_to(self.folder).as_posix())

    def remove_misplaced(self, one: Misplaced) -> bool:
        """Destroy such a file; False when it was not there. On return the removal is on the disk."""
        return _destroyed(self.folder / one.place)

    def require_writable(self) -> None:
        """Find out whether a file can be stored now: one is written, and removed. Raises BlobError.

        No folder is made: of what is not there yet, the one above is asked for its rights. One file is
        written, and the sixteen folders are asked for theirs: this may be done every few seconds.
        """
        self._require_no_loose_link()
        for folder in self.folder.glob("?"):
            _require_rights(folder)
        try:
            if self.folder.exists():
                _write_temporary(self.folder, b"paraaf").unlink()
            else:
                _require_rights(next(one for one in self.folder.absolute().parents if one.exists()))
        except OSError as error:
            raise BlobError(
                f"A file could not be stored: {error.strerror or 'the disk refused'}.",
                hint="Look at the free space and the rights of the data folder.",
            ) from error

    def lock_days(self) -> int:
        """For how many days a file can't be removed once it is stored: a folder locks nothing."""
        return 0

    def remove_leftovers(self, *, before: datetime) -> int:
        """Remove temporary files that a crash left, last written before an instant; give their number."""
        places = (f"{_TEMPORARY}*", f"?/{_TEMPORARY}*")
        stale = [path for place in places for path in self.folder.glob(place) if _is_older(path, before)]
        _remove(stale)
        for folder in {path.parent for path in stale}:
            sync(folder)  # what they hold may have been promised to be gone
        return len(stale)

    def owner(self, *, patient: bool = True) -> str:
        """The name of the office whose files these are, as is written beside them; "" where nothing is."""
        del patient
        self._require_no_loose_link()
        try:
            return read_note(self.folder / OWNER).strip()
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise _unsaid(self.folder / OWNER, error) from error

    def claim(self, office: str, *, anew: bool = False) -> str:
        """Write down whose files these are, unless that is said already; what is said then is on the disk."""
        self._require_no_loose_link()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):  # of two who write at once the second finds the first's
                self._write_owner(office, replace=anew)
            if not self.owner():  # nobody was named anew
                self._write_owner(office, replace=True)
            sync_with_parents(self.folder)
        except OSError as error:
            raise _unsaid(self.folder / OWNER, error) from error
        return self.owner()

    def _write_owner(self, office: str, *, replace: bool) -> None:
        with whole_file(self.folder / OWNER, replace=replace, prefix=_TEMPORARY[1:]) as file:
            file.write(f"{office}\n".encode())

    def _is_stored_anew(self, digest: str) -> bool:
        """Whether a whole file is there; its time is then now, so that no sweep takes it for forgotten."""
        path = self.path(digest)
        try:
            whole = hashlib.sha256(read_file(path)).hexdigest() == digest
            if whole:
                os.utime(path)
        except FileNotFoundError:
            return False
        return whole

    def _read(self, path: Path) -> bytes:
        try:
            return read_file(path)
        except OSError as error:
            raise _unread(path, error) from error

    def _require_no_loose_link(self) -> None:
        """Refuse a link to a folder that is not there. Raises BlobError."""
        if self.folder.is_symlink() and not self.folder.exists():
            raise BlobError(
                f"{self.folder} is a link to {self.folder.readlink()}, which is not there.",
                hint="Mount the disk that the files are on, or mend the link.",
            )

    def _make_folders(self, folders: Iterable[Path]) -> None:
        """Make the folders, and have the names of all of them on the disk, up to its root.

        Also of those that are there: another process may have made one a moment ago, and not synced it.
        """
        self._require_no_loose_link()
        for folder in set(folders) - self._durable:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_with_parents(self.folder)
            self._durable.add(folder)


def _destroyed(path: Path) -> bool:
    """Remove a file for good; False when it was not there. Raises BlobError."""
    try:
        try:
            path.unlink()
            was_there = True
        except FileNotFoundError:
            was_there = False
        # also where it is gone: another process may have removed it, and been killed before this
        with suppress(FileNotFoundError):
            sync(path.parent)
    except OSError as error:
        raise BlobError(
            f"The stored file {path.name[:12]}… could not be removed: {error.strerror}.",
            hint="Look at the rights of the data folder, then repeat the step.",
        ) from error
    return was_there


def _unsaid(path: Path, error: OSError | ValueError) -> BlobError:
    why = error.strerror if isinstance(error, OSError) else "it is no text"
    return BlobError(
        f"{path}, which says whose files these are, can't be read or written: {why}.",
        hint="Look at the rights of the data folder and at the disk.",
    )


def _unread(path: Path, error: OSError) -> BlobError:
    if isinstance(error, FileNotFoundError):
        return BlobMissing(
            f"No file {path.name[:12]}… is stored.",
            hint="Is its request not destroyed, restore it from a backup: `paraaf blobs restore FILE.tar`. Or"
            " the data folder is not the right one.",
        )
    return BlobError(
        f"The stored file {path.name[:12]}… could not be read: {error.strerror}.",
        hint="Look at the rights of the data folder and at the disk.",
    )


def _require_rights(folder: Path) -> None:
    """Refuse a folder in which no file can be made. Raises BlobError."""
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise BlobError(
            f"A file could not be stored in {folder}: its disk is read-only, its owner is somebody else, or"
            " it is no folder.",
            hint="Look at how the disk is mounted, and run this as the user to whom the data folder belongs.",
        )


def _write_temporary(folder: Path, content: bytes) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, 0o400)
    except OSError:
        _remove([Path(name)])
        raise
    return Path(name)


def _is_older(path: Path, instant: datetime) -> bool:
    try:
        return path.stat().st_mtime < instant.timestamp()
    except FileNotFoundError:  # its writer has just given it its name
        return False


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
