"""`paraaf log`: verify the event log."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from cli.folder import add_data_option, add_json_option
from workflow.eventlog import Head
from workflow.logcheck import LogReport, verify
from workflow.store import Store

_EPILOG = """Keep the head that is printed, outside: --anchor with it shows later that nothing up to it was
rewritten, not even by somebody who rewrote the whole log.
exit status: 0 nothing is wrong; 1 something is."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare `paraaf log verify`."""
    parser = subparsers.add_parser(
        "log",
        description="Check every event, its personal part, the chain and its head.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["verify"], help="what to do with it")
    add_data_option(parser)
    parser.add_argument(
        "--anchor",
        action="append",
        type=anchor,
        default=[],
        metavar="SEQ:HASH",
        help="a head that was kept outside; may be repeated",
    )
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Verify and tell; 1 when something is wrong."""
    store = Store.open(args.data, make=False)
    try:
        with store.read() as session:
            report = verify(session, anchors=args.anchor)
    finally:
        store.close()
    print(json.dumps(_json(report), ensure_ascii=False, indent=2) if args.json else _text(report))
    return 0 if report.ok else 1


def anchor(text: str) -> Head:
    """Read SEQ:HASH, as verification prints it."""
    seq, _, digest = text.partition(":")
    if not seq.isascii() or not seq.isdecimal() or len(digest) != 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a head such as 120:9f86d0…")
    return Head(int(seq), digest.lower())


def _text(report: LogReport) -> str:
    erased = f", {report.erased} of them erased" if report.erased else ""
    lines = [f"{report.checked} events, {report.bodies} with a personal part{erased}; head {report.head}"]
    lines += [f"event {one.seq}: {one.fault}: {one.message}" for one in report.findings]
    if report.more:
        lines.append(f"… and {report.more} findings more")
    lines.append(
        "Nothing is wrong."
        if report.ok
        else f"The log was tampered with, from event {report.first_bad_seq} on."
    )
    return "\n".join(lines)


def _json(report: LogReport) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "checked": report.checked,
        "bodies": report.bodies,
        "erased": report.erased,
        "head": str(report.head),
        "first_bad_seq": report.first_bad_seq,
        "findings": [asdict(one) for one in report.findings],
        "more": report.more,
    }
