"""Where tests keep their files: in memory where there is room for them, else where everybody does.

Nothing that they ask differs by it, and a commit, a file that is kept, a folder that goes need not wait for a
disk.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  a tmpfs on every Debian
ROOM_BYTES = 4 * 1024**3


def place() -> Path:
    """A folder for folders."""
    return MEMORY if _is_roomy() else Path(tempfile.gettempdir())


def _is_roomy() -> bool:
    if not os.access(MEMORY, os.W_OK):
        return False
    runs_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    return runs_programs and shutil.disk_usage(MEMORY).free > ROOM_BYTES


def move_in() -> None:
    """Have this process, and what it starts, make temporary files there, unless somebody named a place."""
    if "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = str(place())
        tempfile.tempdir = None
