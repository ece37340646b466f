"""Where an office's files are: in its data folder, or in the object storage that the settings name."""

from collections.abc import Mapping
from pathlib import Path

from documents.blobs import Blobs, BlobStore
from documents.errors import BlobsUnset

VARIABLE = "PARAAF_BLOBS"
LOCK_DAYS = "PARAAF_BLOBS_LOCK_DAYS"
"""The least retention, in days, that the bucket must give by itself."""


def open_blobs(folder: Path, environ: Mapping[str, str]) -> Blobs:
    """The store of a data folder's files. Raises BlobsUnset, BlobUnlocked, BlobError."""
    if not environ.get(VARIABLE):
        if environ.get(LOCK_DAYS):
            raise BlobsUnset(
                f"{LOCK_DAYS} is set, and {VARIABLE} not: a folder locks nothing.",
                hint=f"Set {VARIABLE} too, or leave {LOCK_DAYS} out.",
            )
        return BlobStore(folder / "blobs")
    from documents.object_storage import ObjectStorage  # noqa: PLC0415 (a library that few offices need)

    return ObjectStorage.open(environ)
