"""What is on the disk, and not only on its way there: fsync of files, of folders, of the names above."""

import os
from collections.abc import Iterator
from pathlib import Path


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


def _own_parents(folder: Path) -> Iterator[Path]:
    """The folders above on the same disk that may be opened; others were not made by us."""
    device = folder.stat().st_dev
    for parent in folder.absolute().parents:
        if parent.stat().st_dev != device or not os.access(parent, os.R_OK):
            return
        yield parent
