"""Which office this is: the database and the data folder each say so, and must say the same.

One wrong variable would otherwise sign with another office's keys, or take its files for nobody's. The
database keeps the office's name, made at random, and the fingerprint of its root certificate; the folder
keeps both in office.json, and the stored files the name (own_blobs). A restored office is another one: it
gets a name of its own. Whatever is there is compared whenever an office is opened; what is missing is
written down by those who make an office or do its work, and by nobody else.
"""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from disk import read_note, whole_file
from workflow.errors import StoreUnavailable, WorkflowError
from workflow.eventlog import Appender
from workflow.references import next_referred_to
from workflow.store import VARIABLE, Store
from workflow.tables import OfficeRow

FILE = "office.json"


class WrongOffice(WorkflowError):
    """The database, the data folder and the keys do not belong together."""

    code = "workflow-wrong-office"


def require_database(folder: Path, environ: Mapping[str, str]) -> None:
    """Refuse to begin a database of its own in the folder of an office that has one elsewhere.

    Raises WrongOffice, StoreUnavailable.
    """
    file = Store.unopened(folder, environ).file
    if _said(folder) is not None and file is not None and not file.exists():
        raise WrongOffice(
            f"The folder {folder} is that of an office whose database is not {file}.",
            hint=f"Name its database in {VARIABLE}.",
        )


def require_unmade(store: Store, keys: Path) -> None:
    """Refuse to make keys for an office that has some elsewhere. Raises WrongOffice, StoreUnavailable."""
    with store.read() as session:
        row = session.get(OfficeRow, 1)
    if row is not None and not keys.is_dir():
        raise WrongOffice(
            f"The database is of an office whose keys are not in {keys}.",
            hint="A further host needs a copy of the office's authority/; new keys would be nobody's.",
        )


def require_same(session: Session, folder: Path, root_sha256: str) -> None:
    """Refuse what does not belong together. Tables of an earlier release say nothing. Raises WrongOffice."""
    row, said = named(session), _said(folder)
    if row is not None and row.root_sha256 != root_sha256:
        raise WrongOffice(
            f"The keys in {folder} are another office's than the database's: their root certificate is"
            f" {root_sha256[:16]}…, the database knows {row.root_sha256[:16]}….",
            hint=f"See that PARAAF_DATA, or --data, and {VARIABLE} name the same office.",
        )
    if said is not None and (row is None or row.name != said):
        known = "of no office yet" if row is None else f"of the office {row.name}"
        raise WrongOffice(
            f"The folder {folder} is that of the office {said}, the database is {known}.",
            hint=f"See that PARAAF_DATA, or --data, and {VARIABLE} name the same office. Was its database put"
            f" back to before an upgrade, or restored from a backup, remove {FILE}.",
        )


def require_some_named(session: Session) -> None:
    """Refuse to call stored files nobody's in a database that names none at all. Raises WrongOffice."""
    if not next_referred_to(session, ""):
        raise WrongOffice(
            "This database refers to no file at all: it may not be the one that these files belong to.",
            hint=f"See that PARAAF_DATA, or --data, and {VARIABLE} name the same office. What was left of"
            " destroyed requests is removed by workers.",
        )


def settle(store: Store, folder: Path, root_sha256: str, *, now: datetime) -> None:
    """Write down what is missing in the database or in the folder. Raises WrongOffice, StoreUnavailable."""
    with store.write() as session:
        if session.get(OfficeRow, 1) is None:
            Appender.lock(session, secrets.token_bytes)  # of several that settle at once, one writes
        require_same(session, folder, root_sha256)
        row = session.get(OfficeRow, 1)
        if row is None:
            row = OfficeRow(id=1, name=secrets.token_hex(8), root_sha256=root_sha256, since=now)
            session.add(row)
            session.flush()
        name = row.name
    if _said(folder) is None:
        try:
            write_name(folder, name, root_sha256)  # of two who write at once both write the same
        except OSError as error:
            raise StoreUnavailable(
                f"{folder / FILE} can't be written: {error.strerror}.",
                hint="See that the data folder has room, and that this user may write there.",
            ) from error


class Begun:
    """The office that work began with; while it goes on, a restore or somebody's hand may bring another."""

    def __init__(self, store: Store, folder: Path, root_sha256: str) -> None:
        self._store = store
        self._folder = folder
        self._root_sha256 = root_sha256
        self._file = _inode(store)
        self._name = self._named()

    def require_there(self) -> None:
        """Refuse to go on in any other office's database or folder. Raises WrongOffice, StoreUnavailable."""
        if _inode(self._store) != self._file:
            raise WrongOffice(
                f"The database {self._store.file} was removed or replaced while work went on in it.",
                hint="Stop every worker before a database is moved or restored; then start them again.",
            )
        if self._named() != self._name:
            raise WrongOffice(
                "The database became another office's while work went on in it.",
                hint="Stop every worker before a database is restored; then start them again.",
            )

    def _named(self) -> str | None:
        with self._store.read() as session:
            require_same(session, self._folder, self._root_sha256)
            row = named(session)
            return None if row is None else row.name


def _inode(store: Store) -> tuple[int, int] | None:
    """Which file a SQLite database is; None for a server's, and for one that is gone."""
    try:
        found = store.file and store.file.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def write_name(folder: Path, name: str, root_sha256: str) -> None:
    """Write down in a data folder which office's it is; on the disk on return. Raises OSError."""
    with whole_file(folder / FILE, replace=True) as file:
        file.write((json.dumps({"office": name, "root_sha256": root_sha256}) + "\n").encode())


def name_anew(session: Session) -> OfficeRow | None:
    """Give a restored office a name of its own: the one that it was copied from may live.

    None for tables of an earlier release, and an office that had no name yet: a worker gives it one.
    """
    row = named(session)
    if row is not None:
        row.name = secrets.token_hex(8)
        session.flush()
    return row


def named(session: Session) -> OfficeRow | None:
    """What the database says of its office; None where it says nothing, as one of an earlier release does."""
    knows = inspect(session.connection()).has_table(OfficeRow.__tablename__)
    return session.get(OfficeRow, 1) if knows else None


def _said(folder: Path) -> str | None:
    try:
        said = json.loads(read_note(folder / FILE))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise WrongOffice(
            f"{folder / FILE} can't be read: {why}.", hint="Restore it; it names the office of this folder."
        ) from error
    if not isinstance(said, dict) or not isinstance(said.get("office"), str):
        raise WrongOffice(
            f"{folder / FILE} does not name an office.",
            hint="Restore it; it names the office of this folder.",
        )
    return str(said["office"])
