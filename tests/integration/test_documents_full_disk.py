"""A disk that is full, for real, at each write of a batch: a clear error, no half file, and on it goes.

As root the disk is a tmpfs of a few sizes; else the kernel refuses files beyond a size (RLIMIT_FSIZE).
"""

import hashlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from documents.blobs import BlobStore
from documents.errors import BlobError

PAGE = 4096
BATCH = [bytes([number]) * (PAGE * 2) for number in range(10)]


@contextmanager
def little_room(folder: Path, pages: int) -> Iterator[Callable[[], None]]:
    """A folder with room for so many pages; what is given makes room."""
    if os.geteuid() == 0:
        options = f"size={pages * PAGE},mode=0700"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
        remount = ["mount", "-o", "remount,size=1m", folder]
        try:
            yield lambda: subprocess.run(remount, check=True) and None
        finally:
            subprocess.run(["umount", folder], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (pages * PAGE // len(BATCH), before[1]))
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("pages", range(1, 20))
def test_a_full_disk_leaves_no_half_file_and_needs_no_repair(tmp_path: Path, pages: int) -> None:
    """10 files of two pages each: the disk is full at another write for each size."""
    store = BlobStore(tmp_path / "blobs")
    store.folder.mkdir()
    with little_room(store.folder, pages) as make_room:
        with pytest.raises(BlobError, match="could not be stored") as caught:
            store.put_many(BATCH)
        assert "free space" in caught.value.hint
        files = [path for path in store.folder.rglob("*") if path.is_file()]
        assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in files)
        make_room()
        digests = store.put_many(BATCH)
        assert [store.get(digest) for digest in digests] == BATCH
        assert not list(store.folder.glob("?/.incoming-*"))
