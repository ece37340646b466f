"""`paraaf upgrade`: brings a database's tables to this release."""

import argparse
import os
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cli.ending import orderly_end
from cli.errors import NoOffice
from cli.folder import AUTHORITY, NOT_NAMED, add_data_option, add_json_option, require_office
from cli.printing import print_json
from workflow.copies import copy_before_upgrade, remove_old_copies
from workflow.store import Store
from workflow.upgrade import OWNER, Upgraded, upgrade


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf upgrade`."""
    parser = subparsers.add_parser(
        "upgrade",
        description="Bring a database's tables to this release, and give the application role its rights"
        " (PARAAF_DATABASE_OWNER, PARAAF_DATABASE_ROLE). Stop workers first. The database is copied into the"
        " data folder before its tables are changed. Repeated, it changes nothing.",
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Upgrade and tell."""
    if not os.environ.get(OWNER):
        require_office(args.data)
    with orderly_end():
        done = upgrade(args.data, before_upgrade=partial(_copy_first, args.data))
    if args.json:
        print_json({"before": done.before, "after": done.after, "role": done.role})
    else:
        print(_text(done))
    return 0


def _copy_first(folder: Path, store: Store, revision: str) -> None:
    """Copy the database before its tables are changed; what this raises leaves them as they are."""
    if not store.embedded and folder == NOT_NAMED and not (folder / AUTHORITY).is_dir():
        raise NoOffice(
            "The database is copied into the data folder first, and none is named.",
            hint="Name that of a worker, which removes the copy after a week, with PARAAF_DATA or --data.",
        )
    remove_old_copies(folder, now=datetime.now(UTC))
    copy = copy_before_upgrade(store, folder, revision, now=datetime.now(UTC))
    print(f"The database was copied to {copy} before its tables were changed.", file=sys.stderr)


def _text(done: Upgraded) -> str:
    if done.before is None:
        told = f"The tables were made, at {done.after}."
    elif done.before == done.after:
        told = f"The tables are at {done.after} already."
    else:
        told = f"The tables were brought from {done.before} to {done.after}."
    return told if done.role is None else f"{told}\nThe role {done.role} has its rights."
