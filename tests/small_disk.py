"""A disk of a size to the page: a tmpfs, which only root can mount."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PAGE = 4096


@contextmanager
def small_disk(folder: Path, pages: int) -> Iterator[Callable[[], None]]:
    """Have a folder be a disk of so many pages; what is given makes it large."""
    assert os.geteuid() == 0, "a small disk is mounted, which needs root"
    options = f"size={pages * PAGE},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=256m", folder], check=True) and None
    finally:
        subprocess.run(["umount", folder], check=True)


def pages_used(folder: Path) -> int:
    """How many pages of a disk are taken."""
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize // PAGE
