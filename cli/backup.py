"""`paraaf backup`: copies the whole office into one file, while it runs."""

import argparse
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cli.ending import orderly_end
from cli.folder import AUTHORITY, add_data_option, add_json_option, require_keys, require_office
from cli.printing import counted, print_json, printable

if TYPE_CHECKING:
    from documents.blobs import Blobs
    from workflow.store import Store

_EPILOG = """The file holds personal data and private keys, unencrypted: made for its owner alone. Encrypt
it before you take it away, and keep it no longer than the requests themselves may be kept.
exit status: 0 everything is in it; 1 something could not be copied, and is named."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf backup`."""
    parser = subparsers.add_parser(
        "backup",
        description="Copy the database, the stored files, the register and the development authority into one"
        " file, as of one moment. The office may be at work, or be one of an earlier release, before its"
        " upgrade.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE.tar", help="the file to write; must be new"
    )
    add_data_option(parser)
    add_json_option(parser)


@contextmanager
def _opened(folder: Path) -> "Iterator[tuple[Store, Blobs]]":
    """The database and the files of an office, of this release or of an earlier one that is to be upgraded.

    Raises NoOffice, and the Problem that says why they can't be opened, or do not belong together.
    """
    from certs.authority import DevelopmentAuthority  # noqa: PLC0415 (help need not wait for it)
    from documents.open_blobs import open_blobs  # noqa: PLC0415
    from workflow.identity import require_same  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415

    require_office(folder)
    require_keys(folder)
    root = DevelopmentAuthority.open(folder / AUTHORITY).root_sha256
    with closing(Store.open(folder, make=False, earlier=True)) as store:
        with store.read() as session:
            require_same(session, folder, root)
        yield store, open_blobs(folder, os.environ)


def run(args: argparse.Namespace) -> int:
    """Copy, and tell what the file holds."""
    from importlib.metadata import version  # noqa: PLC0415 (help need not wait for it)

    from workflow.backup import make_backup  # noqa: PLC0415

    with orderly_end(), _opened(args.data) as (store, blobs):
        made = make_backup(
            args.output,
            store=store,
            blobs=blobs,
            folder=args.data,
            now=lambda: datetime.now(UTC),
            release=version("paraaf"),
        )
    if args.json:
        print_json(
            {
                "file": str(args.output),
                "made_at": made.made_at,
                "head": str(made.head),
                "files": made.blobs,
                "bytes": made.size,
                "sha256": made.sha256,
                "destroyed": made.destroyed,
                "skipped": made.skipped,
                "faults": [{"sha256": one.sha256, "why": one.why} for one in made.faults],
            }
        )
    else:
        size = f"{made.size / 1e6:.1f} MB"
        print(f"{args.output}: {counted(made.blobs, 'stored file')}, {size}; head of the log {made.head}")
        print(f"  SHA-256 {made.sha256}: keep it elsewhere, for `paraaf restore --sha256`")
        if made.destroyed:
            print("  something was destroyed meanwhile that is still in it: make another in a quieter hour")
        for fault in made.faults:
            print(f"  not copied: {fault.sha256}: {fault.why}")
        for name in made.skipped:
            print(f"  left out: {printable(name)}: it is no file of the authority; put it elsewhere")
    return 1 if made.faults or made.skipped else 0
