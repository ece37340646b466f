"""`paraaf export`: the event log for others to look at."""

import argparse
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded
from cli.files import require_room, writing_whole
from cli.folder import add_data_option, add_json_option, require_office
from cli.past_told import warn_of_invented
from cli.printing import counted, print_json, utc
from cli.times import beginning, end, require_order

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from throughput.mining import Trace
    from throughput.scope import Scope
    from workflow.invented import Invented

WHAT = ("events", "xes", "ocel", "slices")
SQLITE = ".sqlite"
PIECE = 2**20
_EPILOG = """The file is lines of JSON: what it is, the anchors, then every event as it was hashed. Without
--with-bodies it names nobody; with it, it is for its owner alone to read. Verify it with
  paraaf log verify FILE --trust ROOT.pem
docs/auditing.md tells the format, and what a verification promises.
The others are for process mining: every request's activities, as XES (IEEE 1849), as OCEL 2.0 (SQLite
where FILE ends in .sqlite, else JSON), or as CSV with start and end (slices). People are pseudonyms there,
other ones in each export.
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
        "what",
        choices=WHAT,
        help="events: every event of the log, and its anchors; xes, ocel, slices: for process mining",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="where it goes")
    parser.add_argument(
        "--with-bodies", action="store_true", help="with who acted and what they wrote: personal data"
    )
    parser.add_argument("--key", metavar="KEY", help="not of events: only requests of this process")
    parser.add_argument(
        "--from",
        dest="first",
        type=beginning,
        metavar="D",
        help="not of events: only requests that began on this day or at this time, or later",
    )
    parser.add_argument(
        "--to",
        dest="last",
        type=end,
        metavar="D",
        help="and until this day, included, or before this time; each whole, whatever happened to it later",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE if it is there already")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file, whole and on the disk, and say what is in it."""
    if args.what != "events":
        return _mined(args)
    if _narrowed(args):
        raise ChoiceNeeded(
            "An export of events is whole, or nobody could verify it.",
            hint="Leave --key, --from and --to out.",
        )
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


def _mined(args: argparse.Namespace) -> int:
    """The requests for process mining."""
    from cli.throughput import catch_up  # noqa: PLC0415  as above
    from throughput.mining import Pseudonyms, traces  # noqa: PLC0415
    from workflow.invented import invented  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415

    if args.with_bodies:
        raise ChoiceNeeded(f"{args.what} never holds bodies.", hint="Leave --with-bodies out.")
    require_office(args.data)
    require_room(args.output, force=args.force)
    digest, told = sha256(), Counter[str]()
    names = Pseudonyms(secrets.token_bytes(32))
    with closing(Store.open(args.data, make=False)) as store, ExitStack() as stack:
        if _narrowed(args):
            catch_up(store)
        session = stack.enter_context(store.read())
        scope = _scope(session, args)

        def found() -> Iterator["Trace"]:
            told["requests"] = 0  # who reads twice counts once
            for trace in traces(session, names, scope):
                told["requests"] += 1
                yield trace

        past = invented(session)
        with writing_whole(args.output, force=args.force) as file:
            for piece in _pieces(args, found, past):
                file.write(piece)
                digest.update(piece)
        warn_of_invented(past)
    if args.json:
        period = {"key": args.key, "from": utc(args.first), "before": utc(args.last)}
        said = {"output": str(args.output), "requests": told["requests"], **period}
        print_json({**said, "sha256": digest.hexdigest()})
    else:
        print(f"{counted(told['requests'], 'request')} in {args.output}")
    return 0


def _narrowed(args: argparse.Namespace) -> bool:
    return any(one is not None for one in (args.key, args.first, args.last))


def _scope(session: "Session", args: argparse.Namespace) -> "Scope | None":
    """Which requests; None: all. Raises ChoiceNeeded for a process that there is not, nor ever was."""
    from cli.throughput import process  # noqa: PLC0415  as above
    from throughput.scope import Scope  # noqa: PLC0415

    if not _narrowed(args):
        return None
    require_order(args.first, args.last)
    return Scope(key=process(session, args.key), since=args.first, before=args.last)


def _pieces(
    args: argparse.Namespace, found: Callable[[], Iterator["Trace"]], past: "Invented | None"
) -> Iterator[bytes]:
    """The file's bytes, piece by piece."""
    from throughput.mined import pieces  # noqa: PLC0415  as above
    from throughput.ocel import as_sqlite  # noqa: PLC0415

    if args.what != "ocel" or args.output.suffix != SQLITE:
        yield from pieces(args.what, found, past)
        return
    with TemporaryDirectory() as folder:
        made = Path(folder) / "ocel.sqlite"
        as_sqlite(found, made)
        with made.open("rb") as file:
            yield from iter(partial(file.read, PIECE), b"")
