"""`paraaf restore`: makes an office from a backup."""

import argparse
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from cli.folder import add_data_option, add_json_option
from cli.printing import counted, print_json

if TYPE_CHECKING:
    from workflow.store import Store


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf restore`."""
    parser = subparsers.add_parser(
        "restore",
        description="Make an office from a backup, in a data folder that is empty or not there (and with"
        " PARAAF_DATABASE, in an empty database; as PARAAF_DATABASE_OWNER, when there is one, and then"
        " PARAAF_DATABASE_ROLE gets its rights). Every file is held against its digest, and the event log is"
        " verified. What was done after the backup was made is not in it.",
        epilog="exit status: 0 the office is whole; 1 it is not, or nothing was restored.",
    )
    parser.add_argument("file", type=Path, metavar="FILE.tar", help="a file that `paraaf backup` wrote")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Restore, verify the log, and tell."""
    from documents.open_blobs import open_blobs  # noqa: PLC0415 (help need not wait for it)
    from workflow.logcheck import verify  # noqa: PLC0415
    from workflow.restore import restore  # noqa: PLC0415
    from workflow.upgrade import give_rights, owners_store, require_role  # noqa: PLC0415

    with closing(owners_store(args.data)) as empty:
        require_role(empty)
        held = restore(
            args.file, folder=args.data, store=empty, blobs=lambda folder: open_blobs(folder, os.environ)
        )
    with closing(_opened(args.data)) as store:
        role = give_rights(store)
        with store.read() as session:
            log = verify(session, anchors=[held.head])
    if args.json:
        print_json(
            {
                "made_at": held.made_at,
                "release": held.release,
                "head": str(held.head),
                "files": held.blobs,
                "log_ok": log.ok,
                "role": role,
                "missing": [{"sha256": one.sha256, "why": one.why} for one in held.faults],
            }
        )
    else:
        print(
            f"Restored to {args.data}: the office as of {held.made_at}, {counted(held.blobs, 'stored file')}."
        )
        for fault in held.faults:
            print(f"  was not in the backup: {fault.sha256}: {fault.why}")
        if role:
            print(f"The role {role} has its rights.")
        verdict = "holds" if log.ok else "does NOT hold: see `paraaf log verify`"
        print(f"The event log {verdict}; its head is {log.head}, as in the backup.")
    return 0 if log.ok and not held.faults else 1


def _opened(folder: Path) -> "Store":
    """The restored database, as its owner. Raises StoreOutdated, which says what is left to do."""
    from workflow.errors import StoreOutdated  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415
    from workflow.upgrade import owners_variable  # noqa: PLC0415

    try:
        return Store.open(folder, variable=owners_variable(), make=False)
    except StoreOutdated as outdated:
        raise StoreOutdated(
            f"The office was restored to {folder}, and its log is not verified yet. {outdated}",
            hint=f"{outdated.hint} Then `paraaf log verify`.",
        ) from outdated
