"""`paraaf verify`: judge signed PDFs, offline."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from certs.errors import TrustError
from certs.fenced_fetch import AllowedHosts
from certs.trust import TrustStore, load_trust
from certs.trusted_lists import load_trusted_lists
from cli.errors import OutputRefused
from cli.files import require_room, write_whole
from signing.verify.bulk import verify_paths
from signing.verify.output import CSV_COLUMNS, csv_line, csv_row, json_array, printable, text_of_report
from signing.verify.report import Indication, Report, exit_status, json_in_ascii
from signing.verify.summary import summary_pdf

LISTS_VARIABLE = "PARAAF_TRUSTED_LISTS"
ONLINE_VARIABLE = "PARAAF_VERIFY_ONLINE"
_EPILOG = """exit status: 0 all passed; 1 at least one failed; 2 none failed, but at least one is
indeterminate, unreadable or without a signature (or the call itself was wrong)"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command line."""
    parser = subparsers.add_parser(
        "verify",
        description="Judge every signature and timestamp in PDF files. Nobody is asked but --online hosts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder with PDFs")
    parser.add_argument(
        "--trust",
        action="append",
        type=Path,
        default=[],
        metavar="FILE|DIR",
        help="certificates to trust and revocation lists (PEM or DER); may be repeated",
    )
    parser.add_argument(
        "--trusted-lists",
        type=Path,
        default=Path(os.environ[LISTS_VARIABLE]) if os.environ.get(LISTS_VARIABLE) else None,
        metavar="DIR",
        help="a local copy of the EU trusted lists (*.xml), with the certificates of those who sign the first"
        f" of them (default: {LISTS_VARIABLE})",
    )
    parser.add_argument(
        "--list-signer",
        action="append",
        type=Path,
        default=[],
        metavar="FILE|DIR",
        help="certificates that may sign the list of the lists, beside those in the folder; may be repeated",
    )
    parser.add_argument(
        "--online",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="ask this host for current revocation answers, for chains that are trusted; may be repeated"
        f" (default: {ONLINE_VARIABLE}, else nobody is asked)",
    )
    parser.add_argument("--at", type=moment, metavar="TIME", help="validation time, ISO 8601 (default: now)")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="give every file the whole validation; else those that differ from an authentic one only"
        " in what a signer fills in are cleared by a quick look",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--csv", action="store_true", help="one line a signature, for a spreadsheet")
    parser.add_argument("--report", type=Path, metavar="FILE.pdf", help="also write a readable summary")
    parser.add_argument("--force", action="store_true", help="overwrite FILE.pdf if it is there already")
    parser.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="files at once (default: all cores)",
    )


def run(args: argparse.Namespace) -> int:
    """Judge, tell, and return the exit status."""
    now = datetime.now(UTC)
    try:
        trust = _trust(args, now)
        online = _online(args)
        _require_report_room(args)
    except (TrustError, OutputRefused) as problem:  # not 1: that would say that a file failed
        print(f"paraaf verify: {problem} {problem.hint}".rstrip(), file=sys.stderr)
        return 2
    reports = verify_paths(
        args.paths,
        trust,
        jobs=args.jobs,
        at=args.at,
        now=now,
        quick=not (args.whole or args.report),
        online=online,
    )
    seen: set[Indication] = set()
    kept: list[Report] = []  # only for the summary: memory stays flat without one

    def noted() -> Iterator[Report]:
        for report in reports:
            seen.add(report.indication)
            if args.report:
                kept.append(report)
            yield report

    for text in _teller(args)(noted()):
        print(_encodable(text, as_json=args.json), end="", flush=True)
    if not args.trust and trust.lists is None and Indication.INDETERMINATE in seen:
        print(
            "paraaf verify: nothing is trusted; name the certificate to trust with --trust.", file=sys.stderr
        )
    status = exit_status(seen)
    return status if _summarised(args, kept, now) else status or 2


def _trust(args: argparse.Namespace, now: datetime) -> TrustStore:
    """What is trusted, with a word about every trusted list that can't be used. Raises TrustError."""
    trust = load_trust(args.trust)
    if args.trusted_lists is None:
        return trust
    lists = load_trusted_lists(args.trusted_lists, args.list_signer, now=now)
    for unused in lists.unused:
        told = _encodable(
            f"paraaf verify: trusted list {printable(unused.name)} is not used: ", as_json=False
        )
        print(f"{told}{_encodable(printable(unused.why), as_json=False)}.", file=sys.stderr)
    return replace(trust, lists=lists)


def _online(args: argparse.Namespace) -> AllowedHosts | None:
    """Whom to ask: the call's hosts, else the office's; None asks nobody. Raises TrustError."""
    office = [entry for entry in os.environ.get(ONLINE_VARIABLE, "").split(",") if entry.strip()]
    return AllowedHosts.parse(args.online or office) if args.online or office else None


def _encodable(text: str, *, as_json: bool) -> str:
    """The text in characters that standard output can take, whatever files and signers are called."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json_in_ascii(text) if as_json else text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _require_report_room(args: argparse.Namespace) -> None:
    """Refuse a summary that would take the place of a file, or of one that is to be judged.

    Raises OutputRefused.
    """
    if args.report is None:
        return
    try:
        if any(_is_among(args.report, path) for path in (*args.paths, *args.trust)):
            raise OutputRefused(
                f"{args.report} is among the files to be read.", hint="Choose another name for the summary."
            )
        require_room(args.report, force=args.force)
    except OSError as error:
        raise OutputRefused(
            f"{args.report} can't be written: {error.strerror}.", hint="Choose another name."
        ) from error


def _is_among(report: Path, path: Path) -> bool:
    try:
        return report.samefile(path) or (path.is_dir() and report.resolve().is_relative_to(path.resolve()))
    except OSError:  # one of them isn't there
        return False


def _summarised(args: argparse.Namespace, reports: list[Report], now: datetime) -> bool:
    """Write the summary where one is asked for; False, and a word about it, when that can't be done."""
    if args.report is None:
        return True
    try:
        write_whole(args.report, summary_pdf(reports, made_at=now), force=args.force)
    except OutputRefused as problem:
        print(f"paraaf verify: {problem} {problem.hint}".rstrip(), file=sys.stderr)
        return False
    return True


def _teller(args: argparse.Namespace) -> Callable[[Iterator[Report]], Iterator[str]]:
    if args.json:
        return json_array
    return _csv if args.csv else _text


def _csv(reports: Iterator[Report]) -> Iterator[str]:
    yield csv_line(CSV_COLUMNS)
    for report in reports:
        yield from (csv_line(row) for row in csv_row(report))


def _text(reports: Iterator[Report]) -> Iterator[str]:
    for report in reports:
        yield text_of_report(report)


def moment(text: str) -> datetime:
    """An ISO 8601 time for argparse; without an offset it is UTC, a date alone is its first moment."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"“{text}” is not an ISO 8601 time such as 2026-11-20T14:00:00Z"
        ) from error
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def positive(text: str) -> int:
    """A whole number of at least 1 for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number of at least 1")
    return int(text)
