"""`paraaf export`: the event log for others to look at."""

import argparse
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cli.files import require_room, writing_whole
from cli.folder import add_data_option, add_json_option, require_office
from cli.printing import counted, print_json

# XES, OCEL and slices for process mining come with the room that makes them.
WHAT = ("events",)
_EPILOG = """The file is lines of JSON: what it is, the anchors, then every event as it was hashed. Without
--with-bodies it names nobody; with it, it is for its owner alone to read. Verify it with
  paraaf log verify FILE --trust ROOT.pem
docs/auditing.md tells the format, and what a verification promises.
exit status: 0 the file is there, whole and on the disk; 1 it is not."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf export`."""
    parser = subparsers.add_parser(
        "export",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Write the event log and its anchors into a file that can be verified anywhere, with\n"
        "`paraaf log verify FILE` or with audit/verify_log.py alone. The office may go on meanwhile.",
    )
    parser.add_argument(
        "what", choices=WHAT, help="what to export; events: every event of the log, and its anchors"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where it goes")
    parser.add_argument(
        "--with-bodies", action="store_true", help="with who acted and what they wrote: personal data"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there already")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file, whole and on the disk, and say what is in it."""
    from workflow.logexport import Export  # noqa: PLC0415  help need not wait for SQLAlchemy
    from workflow.store import Store  # noqa: PLC0415

    require_office(args.data)
    require_room(args.output, force=args.force)
    digest = sha256()
    store = Store.open(args.data, make=False)
    try:
        with (
            store.read() as session,
            writing_whole(args.output, force=args.force, private=args.with_bodies) as file,
        ):
            export = Export.begin(session, with_bodies=args.with_bodies)
            for line in export.lines(now=datetime.now(UTC)):
                file.write(line)
                digest.update(line)
    finally:
        store.close()
    said = {
        "output": str(args.output),
        "events": export.events,
        "anchors": len(export.anchors),
        "head": str(export.head),
        "with_bodies": args.with_bodies,
        "sha256": digest.hexdigest(),
    }
    if args.json:
        print_json(said)
    else:
        held = f"{counted(export.events, 'event')} and {counted(len(export.anchors), 'anchor')}"
        print(f"{held} in {args.output}; head {export.head}")
    return 0
