"""`paraaf log`: verify the event log or an export of it, hold it against definitions, anchor its head."""

import argparse
import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from audit import verify_log
from cli import log_conformance
from cli.folder import add_data_option, add_json_option, add_trust_option, office_of
from cli.outside import kept_outside, trust_of, unreadable
from cli.printing import counted, minute, print_json, utc
from workflow.logcheck import Fault, LogReport, verify
from workflow.store import Store

if TYPE_CHECKING:
    from workflow.anchors import Kind

_EPILOG = """Keep an anchor, or the head that is printed, outside: --anchor with it shows later that nothing
up to it was rewritten, not even by somebody who rewrote the whole log with its anchors.
exit status: 0 nothing is wrong; 1 something is; 2 nothing could be found out: a file can't be read, is no
export, no certificate or no anchor, or the call is wrong."""

_SET_BACK = "A later state was anchored: this office was set back, or the end of its log cut off."
_ADVICE = "After a restore, see docs/how-to/back-up-and-restore.md."


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `paraaf log verify`, `paraaf log conformance` and `paraaf log anchor`."""
    parser = subparsers.add_parser(
        "log", description="Verify the event log, hold it against definitions, or anchor its head."
    )
    verbs = parser.add_subparsers(dest="what", metavar="verify|conformance|anchor", required=True)
    _add_verify(verbs)
    log_conformance.add_parser(verbs)
    seal = verbs.add_parser(
        "anchor",
        description="Have the log's head timestamped or sealed now; a worker does so once a day by itself.",
    )
    kind = seal.add_mutually_exclusive_group()
    kind.add_argument("--timestamp", action="store_true", help="by a timestamp authority (the default)")
    kind.add_argument("--seal", action="store_true", help="by the organisation's seal: its time is our word")
    add_data_option(seal)
    add_json_option(seal)


def _add_verify(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = verbs.add_parser(
        "verify",
        description="Check every event, its personal part, the chain, its head and its anchors: of the"
        " office's log with its tables, or of an EXPORT, offline and by other code than wrote it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "export", nargs="?", type=Path, metavar="EXPORT", help="a file of `paraaf export events`"
    )
    add_trust_option(
        parser,
        "root certificates to trust for an EXPORT's anchors (PEM or DER); may be repeated",
        metavar="FILE",
    )
    parser.add_argument(
        "--anchor",
        action="append",
        type=anchor,
        default=[],
        metavar="FILE|FOLDER|SEQ:HASH",
        help="an anchor's file, a folder of them, or a head, that was kept outside; may be repeated. Without"
        " EXPORT, those in the folder PARAAF_ANCHORS are taken too",
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Do it; verification gives 1 when something is wrong."""
    if args.what == "anchor":
        return _anchor(args)
    if args.what == "conformance":
        return log_conformance.run(args)
    return _verify_office(args) if args.export is None else _verify_export(args)


def anchor(text: str) -> str:
    """A head as verification prints it, or a file or folder that is there."""
    if re.fullmatch("[0-9]+:[0-9A-Fa-f]{64}", text) or (text and Path(text).exists()):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is neither a file or folder nor a head such as 120:9f86d0…")


def _anchor(args: argparse.Namespace) -> int:
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415  verification need not wait for aiohttp

    kind: Kind = "seal" if args.seal else "timestamp"
    with office_of(args) as office, AuthorityServer(office.authority.folder):
        made = asyncio.run(office.anchor(kind))
        folder = office.anchor_folder
    said = {
        "kind": made.kind,
        "head": str(made.head),
        "made_at": utc(made.made_at),
        "sha256": made.sha256_hex,
        "file": None if folder is None else str(folder / made.file_name),
    }
    if args.json:
        print_json(said)
    else:
        word = {"seal": "Sealed", "timestamp": "Timestamped"}[made.kind]
        print(f"{word} at {minute(made.made_at)} UTC: head {made.head}")
        if said["file"]:
            print(f"Written to {said['file']}")
    return 0


def _verify_export(args: argparse.Namespace) -> int:
    try:
        report = verify_log.verify_file(args.export, trust=args.trust, anchors=args.anchor)
    except verify_log.Unusable as error:
        raise unreadable(error) from error
    as_json = verify_log.as_json(report)
    if args.json:
        print_json(as_json)
    else:
        print(verify_log.as_text(report))
    return 0 if report.ok else 1


def _verify_office(args: argparse.Namespace) -> int:
    trust = trust_of(args.data)
    outside = kept_outside(trust, args.anchor)
    store = Store.open(args.data, make=False)
    try:
        with store.read() as session:
            report = verify(session, anchors=[one.head for one in outside], trust=trust)
    finally:
        store.close()
    if args.json:
        print_json(report.as_dict())
    else:
        print(_text(report))
    return 0 if report.ok else 1


def _text(report: LogReport) -> str:
    erased = f", {report.erased} of them erased" if report.erased else ""
    events = counted(report.checked, "event")
    lines = [f"{events}, {report.bodies} with a personal part{erased}; head {report.head}"]
    lines += [f"event {one.seq}: {one.fault}: {one.message}" for one in report.findings]
    if report.more:
        lines.append(f"… and {report.more} findings more")
    if report.ok:
        lines += [_anchored(report), "Nothing is wrong."]
    elif report.set_back:
        lines += [_SET_BACK, _ADVICE]
    elif all(one.fault == Fault.ROWS_DIFFER for one in report.findings):
        first = report.first_bad_seq
        lines.append(f"The log itself is whole; the tables are not what it says, from event {first} on.")
    else:
        lines.append(f"The log was tampered with, from event {report.first_bad_seq} on.")
    return "\n".join(lines)


def _anchored(report: LogReport) -> str:
    many = counted(report.anchors, "anchor")
    if not report.anchors:
        return "Not anchored: here the log only agrees with itself."
    if report.anchored_to is None:
        return f"{many}, not judged: there is no root to trust in this data folder."
    if report.anchored_to == report.head.seq:
        return f"{many}, over everything."
    first, last = report.anchored_to + 1, report.head.seq
    return f"{many}; not anchored yet: {f'events {first}–{last}' if last > first else f'event {last}'}."
