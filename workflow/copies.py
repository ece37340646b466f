"""Copies of the database that an upgrade makes first, and their end: they hold what is destroyed as due."""

import re
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from disk import give_name, remove_left_behind, sync, work_folder
from workflow.errors import StoreUnavailable
from workflow.snapshot import copy_name, snapshot
from workflow.store import Store
from workflow.tables import LogHead

FOLDER = "before-upgrade"
KEPT = timedelta(days=7)
"""Long enough to see whether the new release works, short beside any term of keeping."""
_COPYING = ".copying-"
# With what SQLite writes beside a copy that somebody opened.
_OURS = re.compile(r"\d{8}T\d{6}Z-\w+-paraaf\.(?:sqlite3(?:-wal|-shm|-journal)?|dump)")


def copy_before_upgrade(store: Store, folder: Path, revision: str, *, now: datetime) -> Path:
    """Copy the database into the data folder, for its owner alone; an upgrade changes no stored file.

    The copy gets its name when it is whole, on the disk, and found to hold the revision and the log's head;
    without room there is none. Raises StoreUnavailable.
    """
    place = folder / FOLDER
    copy = place / f"{now:%Y%m%dT%H%M%SZ}-{revision}-{copy_name(store)}"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with work_folder(place, _COPYING) as work:
            partial = work / copy.name
            with snapshot(store, partial) as session:
                partial.chmod(0o600)
                _require_office(session, revision)
            give_name(partial, copy, replace=True)
        for path in (place, folder):
            sync(path)
    except OSError as error:
        raise StoreUnavailable(
            f"The database can't be copied to {copy}: {error.strerror}.",
            hint="Make room in the data folder; the tables were not changed.",
        ) from error
    return copy


def _require_office(session: Session, revision: str) -> None:
    """Find in the copy what an office can't be without. Raises StoreUnavailable."""
    found = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    head = session.execute(select(LogHead.seq)).scalar_one_or_none()
    if found != revision or head is None:
        raise StoreUnavailable(
            f"The copy of the database is not of the one at {revision}: it is at {found}.",
            hint="Stop the workers, and see that nobody else upgrades; the tables were not changed.",
        )


def remove_old_copies(folder: Path, *, now: datetime) -> int:
    """Remove the copies that are older than a week, and what a killed upgrade left of one; how many.

    What somebody else put there stays. Raises StoreUnavailable when one can't be removed; the others are.
    """
    place = folder / FOLDER
    removed, refused = 0, None
    try:
        removed = remove_left_behind(place, _COPYING)
        for path in place.glob("*"):
            if _OURS.fullmatch(path.name) and path.is_file() and _is_old(path, now):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    refused = error
                else:
                    removed += 1
    except OSError as error:
        refused = error
    if refused is not None:
        raise StoreUnavailable(
            f"An old copy of the database can't be removed from {place}: {refused.strerror}.",
            hint="Remove it: it holds what is destroyed since. No table was changed.",
        ) from refused
    return removed


def _is_old(path: Path, now: datetime) -> bool:
    return path.stat().st_mtime < (now - KEPT).timestamp()
