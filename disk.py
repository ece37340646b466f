"""What is on the disk, and not only on its way there: fsync, names that are given last, folders of work.

And reading what may be something else than a file: a pipe would be waited for without end.
"""

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from time import monotonic, sleep
from typing import IO

# What a file system without hard links answers: exFAT, FAT, many network mounts.
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS})
_LOOK_AGAIN_S = 0.02
NOTE_BYTES_MAX = 64 * 1024
"""No note that an office writes beside its files is nearly as long."""


def open_file(path: Path) -> BufferedReader:
    """Open a file to read, and no pipe, device or folder, which may never end. Raises OSError."""
    # O_NONBLOCK: else whoever opens a pipe waits for somebody who writes into it
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise OSError(errno.EINVAL, "it is no file, but a pipe, a device or a folder", str(path))


def read_file(path: Path) -> bytes:
    """The whole of a file, as it is opened here. Raises OSError."""
    with open_file(path) as file:
        return file.read()


def read_note(path: Path) -> str:
    """A short text that an office has written. Raises OSError, and ValueError for bytes that are no text."""
    with open_file(path) as file:
        content = file.read(NOTE_BYTES_MAX + 1)
    if len(content) > NOTE_BYTES_MAX:
        raise OSError(errno.EFBIG, "it is far longer than it can be", str(path))
    return content.decode("utf-8")


def sync(path: Path) -> None:
    """Have a file's content, or a folder's names, on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_with_parents(folder: Path) -> None:
    """Have a folder's names on the disk, and its own name, and those of the folders above. Raises OSError.

    Also where it was there already: another process may have made it a moment ago, and not synced it.
    """
    for each in (folder, *_own_parents(folder)):
        sync(each)


@contextmanager
def whole_file(
    path: Path,
    *,
    mode: int = 0o600,
    owner: tuple[int, int] | None = None,
    replace: bool = False,
    prefix: str | None = None,
) -> Iterator[IO[bytes]]:
    """A file to write to bit by bit, that gets its name when it is whole and on the disk, or is gone.

    Until it is whole it is its owner's alone, and its name begins with a dot and `prefix`, by default the
    name that it will have. `owner`: a user's and a group's number, whose it becomes as far as we may give it.
    Raises OSError: FileExistsError when there is a file of the name, unless it may be replaced.
    """
    handle, name = tempfile.mkstemp(prefix=f".{prefix or path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if owner is not None:
                _give_to(file.fileno(), owner)
            if mode != 0o600:  # as it was made
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        _name(Path(name), path, replace=replace)
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _give_to(descriptor: int, owner: tuple[int, int]) -> None:
    user, group = owner
    for user_then in (user, -1):  # not everybody may give it to another user, but to a group of theirs
        with suppress(PermissionError):
            os.fchown(descriptor, user_then, group)
            return


@contextmanager
def locked_folder(folder: Path, *, patience_s: float) -> Iterator[None]:
    """Keep out whoever locks the same folder, on this machine; a disk without locks keeps nobody out.

    Raises OSError: BlockingIOError when somebody had it for all of `patience_s`.
    """
    until = monotonic() + patience_s
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() > until:
                    raise
                sleep(_LOOK_AGAIN_S)
            except OSError as error:
                if error.errno not in _NOT_LOCKED:
                    raise
                break
            else:
                break
        yield
    finally:
        os.close(lock)


def give_name(partial: Path, path: Path, *, replace: bool = False) -> None:
    """Give a file that is written its name on the same disk; content and name are on the disk on return.

    Raises OSError: FileExistsError when there is a file of the name, unless it may be replaced.
    """
    sync(partial)
    _name(partial, path, replace=replace)


def _name(partial: Path, path: Path, *, replace: bool) -> None:
    if replace:
        partial.replace(path)
    else:
        _take_name(partial, path)
    sync(path.parent)


def _take_name(partial: Path, path: Path) -> None:
    try:
        path.hardlink_to(partial)  # unlike a rename, this never replaces a file
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        # the name is taken by an empty file, that nobody else replaces; killed here, the empty file stays
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        partial.replace(path)
    else:
        partial.unlink()


@contextmanager
def work_folder(place: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `place` for its owner alone, that is removed at the end with all that is in it.

    Those of the same prefix that killed processes left there are removed first. Whoever lives holds a lock on
    theirs; a disk without locks has nothing removed. Raises OSError.
    """
    remove_left_behind(place, prefix)
    folder, lock = _locked_folder(place, prefix)
    try:
        yield folder
    finally:
        try:
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
        finally:
            os.close(lock)


def remove_left_behind(place: Path, prefix: str) -> int:
    """Remove the work folders of processes that were killed; how many there were. Raises OSError."""
    removed = 0
    for folder in place.glob(f"{prefix}*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):  # it is being removed; it is somebody else's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)
            removed += 1
        except OSError as error:
            if error.errno not in _NOT_LOCKED:
                raise
        finally:
            os.close(lock)
    return removed


# Somebody else has it; or there are no locks.
_NOT_LOCKED = frozenset({errno.EWOULDBLOCK, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})


def _locked_folder(place: Path, prefix: str) -> tuple[Path, int]:
    """A new folder and its lock; before it had that, another process may have taken it for left behind."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NOT_LOCKED:
                os.close(lock)
                raise
        with suppress(FileNotFoundError):
            if os.path.samestat(folder.stat(), os.fstat(lock)):
                return folder, lock
        os.close(lock)


def _own_parents(folder: Path) -> Iterator[Path]:
    """The folders above on the same disk that may be opened; others were not made by us."""
    device = folder.stat().st_dev
    for parent in folder.absolute().parents:
        if parent.stat().st_dev != device or not os.access(parent, os.R_OK):
            return
        yield parent
