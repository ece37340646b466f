"""The development authority's folder: private files, written whole or not at all, one writer at a time."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from certs.errors import AuthorityError, AuthorityMissing
from disk import sync, sync_with_parents


class AuthorityFolder:
    """A folder (0700) of files (0600).

    A file appears under its name only when all its bytes are on disk, so a reader never sees half of one, and
    whoever dies while writing leaves the old state. Making something that others may be making too goes under
    `lock()`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        """Make the folder when it is missing; raises AuthorityError when that is impossible."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
            sync_with_parents(self.path)
        except OSError as error:
            raise AuthorityError(
                f"{self.path} cannot be used as the development authority's folder: {error.strerror}.",
                hint="Name a folder that this user may write to.",
            ) from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Wait for, and hold, the folder's lock: among processes and among threads."""
        with self._opened_lock() as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield

    def read(self, name: str) -> bytes | None:
        """Give a file's bytes, or None when there is no such file."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AuthorityError(
                f"{self.path / name} cannot be read: {error.strerror}.",
                hint="Check its owner and permissions.",
            ) from error

    def read_json(self, name: str) -> dict[str, Any] | None:
        """Give a file's JSON object, or None when there is no such file."""
        data = self.read(name)
        if data is None:
            return None
        try:
            value = json.loads(data)
        except ValueError as error:
            raise AuthorityError(
                f"{self.path / name} is damaged.", hint="Restore `authority/` from a backup."
            ) from error
        if not isinstance(value, dict):
            raise AuthorityError(
                f"{self.path / name} is damaged.", hint="Restore `authority/` from a backup."
            )
        return value

    def stamp(self, name: str) -> tuple[int, int, int] | None:
        """Give what changes whenever a file is replaced, or None when there is no such file."""
        try:
            status = (self.path / name).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place: temporary name, fsync, rename, fsync of the folder, and of the one above."""
        target = self.path / name
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            try:
                _write_synced(temporary, data)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
            sync(target.parent)
            if target.parent != self.path:
                sync(self.path)  # which got the folder's own name now, or a moment ago by another process
        except OSError as error:
            raise AuthorityError(
                f"{target} cannot be written: {error.strerror}.", hint="Check the disk and the permissions."
            ) from error

    def write_json(self, name: str, value: dict[str, Any]) -> None:
        """Put a JSON object in place, as `write` does."""
        self.write(name, json.dumps(value, indent=2, sort_keys=True).encode() + b"\n")

    @contextmanager
    def _opened_lock(self) -> Iterator[int]:
        try:
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError as error:
            raise AuthorityMissing(
                f"There is no development authority in {self.path}.", hint="Create one, or name its folder."
            ) from error
        except OSError as error:
            raise AuthorityError(
                f"{self.path} cannot be locked: {error.strerror}.", hint="Check its owner and permissions."
            ) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _write_synced(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
