"""Copies of the database that an upgrade makes first, and their end: they hold what is destroyed as due."""

import secrets
from datetime import datetime, timedelta
from pathlib import Path

from disk import sync
from workflow.errors import StoreUnavailable
from workflow.snapshot import copy_name, snapshot
from workflow.store import Store

FOLDER = "before-upgrade"
KEPT = timedelta(days=7)
"""Long enough to see whether the new release works, short beside any term of keeping."""


def copy_before_upgrade(store: Store, folder: Path, revision: str, *, now: datetime) -> Path:
    """Copy the database into the data folder, for its owner alone; an upgrade changes no stored file.

    The copy gets its name when it is whole and on the disk; without room there is none. Raises
    StoreUnavailable.
    """
    place = folder / FOLDER
    copy = place / f"{now:%Y%m%dT%H%M%SZ}-{revision}-{copy_name(store)}"
    partial = copy.with_name(f".{copy.name}.{secrets.token_hex(4)}")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with snapshot(store, partial):
                partial.chmod(0o600)
            sync(partial)
            partial.replace(copy)
        finally:
            partial.unlink(missing_ok=True)
        for path in (place, folder):
            sync(path)
    except OSError as error:
        raise StoreUnavailable(
            f"The database can't be copied to {copy}: {error.strerror}.",
            hint="Make room in the data folder; the tables were not changed.",
        ) from error
    return copy


def remove_old_copies(folder: Path, *, now: datetime) -> int:
    """Remove the copies that are older than a week; how many there were."""
    old = [path for path in (folder / FOLDER).glob("*") if path.stat().st_mtime < (now - KEPT).timestamp()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
