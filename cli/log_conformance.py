"""`paraaf log conformance`: which requests deviated from the definition that they began with."""

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit import verify_log
from cli.errors import EvidenceUnreadable
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, require_office
from cli.outside import unreadable
from cli.printing import counted, print_json, printable
from cli.times import beginning, end, require_order

if TYPE_CHECKING:
    from workflow.conformance_report import Asked, Conformance  # with SQLAlchemy, which help can do without
    from workflow.definition_model import Definition

_EPILOG = """The log alone is read, not the tables. Whether it is as it was written, `paraaf log verify`
tells. An EXPORT is held against the definitions of this release and those that --definitions
names; with bodies, who acted is looked at, too.
exit status: 0 none deviated; 1 some did; 2 nothing could be found out: the EXPORT can't be read, or does not
verify, or the call is wrong."""


def add_parser(verbs: Any) -> None:
    """Add `paraaf log conformance`."""
    parser = verbs.add_parser(
        "conformance",
        description="Play every request again by the log alone, and hold each event against the definition"
        " that the request began with: states, triggers, milestones, outcomes, four eyes, automatic steps.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "export", nargs="?", type=Path, metavar="EXPORT", help="a file of `paraaf export events`"
    )
    parser.add_argument(
        "--definitions",
        type=Path,
        metavar="FILE|FOLDER",
        help="with EXPORT: definitions that requests may have begun with, beside ours",
    )
    parser.add_argument("--key", help="only this process")
    parser.add_argument(
        "--from", dest="first", type=beginning, metavar="D", help="requests opened from this day or time on"
    )
    parser.add_argument(
        "--to", dest="last", type=end, metavar="D", help="requests opened until this day, included, or time"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Tell each deviation; 1 when there is one."""
    from workflow.conformance_report import Asked  # noqa: PLC0415  as above

    require_order(args.first, args.last)
    asked = Asked(args.key, args.first, args.last)
    found = _of_office(args, asked) if args.export is None else _of_export(args, asked)
    if args.json:
        print_json(found.as_dict())
    else:
        print(_text(found))
    return 0 if found.ok else 1


def _of_office(args: argparse.Namespace, asked: "Asked") -> "Conformance":
    from cli.throughput import process  # noqa: PLC0415  as above
    from workflow.conformance_report import of_office  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415

    require_office(args.data)
    with closing(Store.open(args.data, make=False)) as store, store.read() as session:
        process(session, args.key)
        return of_office(session, asked)


def _of_export(args: argparse.Namespace, asked: "Asked") -> "Conformance":
    from workflow.conformance_report import of_export  # noqa: PLC0415  as above

    try:
        report = verify_log.verify_file(args.export, trust=[], anchors=[])
    except verify_log.Unusable as error:
        raise unreadable(error) from error
    if not report.ok:
        raise EvidenceUnreadable(
            f"{args.export} is not as it was written, from event {report.first_bad_seq} on.",
            hint=f"Run: paraaf log verify {args.export}",
        )
    known = {one.sha256_hex: one for one in _definitions(args.definitions)}
    return of_export(args.export, known, asked)


def _definitions(named: Path | None) -> Iterator["Definition"]:
    """Ours, and those that are named: as they are read, for rules that bind new ones bound no earlier one."""
    from workflow.definition import load_folder, read  # noqa: PLC0415  as above
    from workflow.names import known_names  # noqa: PLC0415

    yield from load_folder(known_names()).all
    if named is not None:
        for file in sorted(named.glob("*.toml")) if named.is_dir() else [named]:
            yield read(read_input(file).decode("utf-8", "replace"), str(file))


def _text(found: "Conformance") -> str:
    lines = [
        f"request {one.request}, event {one.seq}: {one.rule}: {printable(one.message)}"
        for one in found.deviations
    ]
    if found.more:
        lines.append(f"… and {found.more} more")
    if not found.requests:
        return "There is no such request: nothing was held against a definition."
    held = f"{counted(found.requests, 'request')} with {counted(found.events, 'event')}"
    began = "it" if found.deviating < 2 else "they"
    lines.append(f"{held}: {found.deviating or 'none'} deviated from the definition that {began} began with.")
    return "\n".join(lines)
