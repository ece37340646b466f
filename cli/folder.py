"""Which data folder a command works on, and how it is opened."""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import NoOffice
from cli.loading import uncollected

if TYPE_CHECKING:
    from workflow.office import Office

VARIABLE = "PARAAF_DATA"
NOT_NAMED = Path("data")
"""The data folder when none is named: one of the folder in which the command is typed. It is this very
object, by which it is told from one that somebody named so."""
REGISTER_FILE = "hr_register.csv"
"""As workflow.office has it, which takes a second to import."""
DATABASE_FILE, DATABASE_VARIABLE = "paraaf.sqlite3", "PARAAF_DATABASE"
"""As workflow.store has them, which takes half a second to import."""
OFFICE_FILE = "office.json"
"""As workflow.identity has it: it says whose folder this is."""
AUTHORITY = "authority"
"""The development authority's folder, as workflow.office has it: its files hold private keys."""
TRUST_FILE = Path("trust") / "development-root.pem"
"""Its root certificate, without the key: to be handed out."""


def add_data_option(parser: argparse._ActionsContainer) -> None:
    """Add --data DIR, which every command that touches requests has."""
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ[VARIABLE]) if VARIABLE in os.environ else NOT_NAMED,
        metavar="DIR",
        help="the data folder (default: ./data, or PARAAF_DATA)",
    )


def add_trust_option(parser: argparse._ActionsContainer, meaning: str, *, metavar: str = "FILE|DIR") -> None:
    """Add --trust, which may be repeated; `meaning` says what the certificates are trusted for."""
    parser.add_argument("--trust", action="append", type=Path, default=[], metavar=metavar, help=meaning)


def add_owner_options(parser: argparse._ActionsContainer) -> None:
    """Add what says whose key of the data folder signs."""
    parser.add_argument("--as", dest="who", metavar="WHO", help="which person signs")
    parser.add_argument(
        "--organisation", metavar="NAME", help="in whose name to seal; one of the register's employers"
    )


def add_json_option(parser: argparse._ActionsContainer) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_person_option(parser: argparse.ArgumentParser, help: str) -> None:  # noqa: A002 (argparse's word)
    """Add --as WHO."""
    parser.add_argument("--as", dest="who", metavar="WHO", required=True, help=help)


def has_office(folder: Path) -> bool:
    """Whether a database is named, which an empty variable does not, or the folder holds one.

    Raises NoOffice for one that can't be looked into.
    """
    return bool(os.environ.get(DATABASE_VARIABLE)) or _found(folder, (folder / DATABASE_FILE).exists)


def require_office(folder: Path) -> None:
    """Refuse a folder without an office: a mistyped one is not taken for an empty one.

    Raises NoOffice, and WrongOffice for that of an office whose database is elsewhere.
    """
    if has_office(folder):
        return
    require_its_database(folder)
    if _found(folder, (folder / AUTHORITY).is_dir):
        raise NoOffice(
            f"The folder {folder} holds keys of an office, and no database.",
            hint=f"Name its database in {DATABASE_VARIABLE}. Was a restore into this folder cut off, empty"
            " it, and restore again.",
        )
    raise NoOffice(
        f"There is no office in the folder {folder} yet.",
        hint="Name it with --data, or begin with `paraaf demo` or `paraaf people --register FILE`.",
    )


def is_of_an_office(folder: Path) -> bool:
    """Whether a folder says whose it is, wherever the database may be. Raises NoOffice."""
    return _found(folder, (folder / OFFICE_FILE).exists)


def require_its_database(folder: Path) -> None:
    """Refuse the folder of an office whose database is elsewhere, and is not named. Raises WrongOffice."""
    if is_of_an_office(folder):
        from workflow.identity import require_database  # noqa: PLC0415 (half a second to import)

        require_database(folder, os.environ)


def _found(folder: Path, look: Callable[[], bool]) -> bool:
    """What a look into a data folder finds. Raises NoOffice when it can't be looked into."""
    try:
        return look()
    except OSError as error:
        raise NoOffice(
            f"The folder {folder} can't be looked into: {error.strerror}.",
            hint="Run this as the user whom the office's folder belongs to.",
        ) from error


def require_keys(folder: Path) -> None:
    """Refuse a folder without keys: no command but those that make an office makes any. Raises NoOffice."""
    if not _found(folder, (folder / AUTHORITY).is_dir):
        raise NoOffice(
            f"The folder {folder} holds no keys of an office.",
            hint="Name the office's folder with --data or PARAAF_DATA. A further host needs a copy of its"
            " authority/; a new office begins with `paraaf people --register FILE`.",
        )


@contextmanager
def office_of(args: argparse.Namespace, *, make: bool = False) -> Iterator["Office"]:
    """The office of the data folder, closed at the end.

    With `make` it is made when it is not there yet. Raises NoOffice, or the Problem that says why it can't be
    opened.
    """
    # The office takes a second to import, and wrong calls and help don't need it.
    with uncollected():
        from workflow.office import Office  # noqa: PLC0415

    if not make:
        require_office(args.data)
        require_keys(args.data)
    office = Office.open(args.data, make=make)
    try:
        yield office
    finally:
        office.close()
