"""Files that commands read and write: whole or not at all, and nothing overwritten unasked."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cli.errors import InputUnreadable, OutputRefused
from disk import whole_file


def read_input(path: Path) -> bytes:
    """Read a file; `-` is standard input. Raises InputUnreadable."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputUnreadable(
            f"{path} can't be read: {error.strerror}.", hint="Look at its path and its rights."
        ) from error


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder with these rights; one that is there stays as it is. Raises OutputRefused."""
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise OutputRefused(
            f"The folder {folder} can't be made: {error.strerror}.",
            hint="Choose another, in a place that may be written.",
        ) from error


def require_room(path: Path, *, force: bool) -> None:
    """Refuse a path that can't be written to before any work is done for it. Raises OutputRefused."""
    if not path.parent.is_dir():
        raise OutputRefused(
            f"{path} can't be written: there is no folder {path.parent}.", hint="Make it, or choose another."
        )
    if not force and path.exists():
        raise OutputRefused(
            f"{path} is there already.", hint="Choose another name, or say --force to overwrite it."
        )


def write_whole(path: Path, content: bytes, *, force: bool, private: bool = False) -> None:
    """Write a file under a temporary name, then give it its own: a reader sees all of it or nothing.

    `private`: for its owner alone, whatever the umask allows.
    Raises OutputRefused, and then leaves nothing behind.
    """
    with writing_whole(path, force=force, private=private) as file:
        file.write(content)


@contextmanager
def writing_whole(path: Path, *, force: bool, private: bool = False) -> Iterator[IO[bytes]]:
    """A file to write to bit by bit, that gets its name at the end, on the disk, or is gone.

    `private`: for its owner alone, whatever the umask allows. Raises OutputRefused.
    """
    mode = 0o600 if private else 0o666 & ~_umask()
    try:
        with whole_file(path, mode=mode, replace=force) as file:
            yield file
    except FileExistsError as error:
        raise OutputRefused(
            f"{path} has appeared meanwhile.", hint="Choose another name, or say --force to overwrite it."
        ) from error
    except OSError as error:
        raise _refused(path, error) from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _refused(path: Path, error: OSError) -> OutputRefused:
    return OutputRefused(
        f"{path} can't be written: {error.strerror}.",
        hint="Choose a folder that is there and may be written.",
    )
