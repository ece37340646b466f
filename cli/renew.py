"""`paraaf renew`: which stored files need a new archive timestamp by when; and put it there."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import aligned, counted, minute, print_json

if TYPE_CHECKING:
    from workflow.renewals import Overview, Run, Trouble  # a second to import, which help need not wait for

DAYS, DAYS_MOST = 90, 36_500
_NO_ARCHIVE = "they carry no archive timestamp, and prove something until their certificates end"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf renew`."""
    parser = subparsers.add_parser(
        "renew",
        description="Which stored files of B-LTA need a new archive timestamp, because the newest one that"
        " they carry soon proves nothing any more. A worker looks every hour, and renews them 90 days before;"
        " --run does it now.",
    )
    parser.add_argument(
        "--within",
        type=_days,
        default=DAYS,
        metavar="DAYS",
        help=f"those whose proof ends within so many days (default: {DAYS})",
    )
    parser.add_argument("--run", action="store_true", dest="now", help="renew them now")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Show, or do it; 1 when something is in the way."""
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415  help need not wait for aiohttp

    within = timedelta(days=args.within)
    with office_of(args) as office:
        if args.now:
            office.settle()
            with AuthorityServer(office.authority.folder):
                done = office.renewals_by_hand.run(within=within)
        else:
            overview = office.renewals.overview(within=within)
    if args.now:
        print_json({"run": _json(done)}) if args.json else print("\n".join(_done(done)))
        return 1 if done.troubles or done.waits is not None else 0
    print_json(asdict(overview)) if args.json else print("\n".join(_text(overview, args.within)))
    return 1 if overview.troubles else 0


def _days(text: str) -> int:
    """A number of days for argparse."""
    if not text.isdecimal() or not 0 <= int(text) <= DAYS_MOST:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of days from 0 to {DAYS_MOST}")
    return int(text)


def _json(done: "Run") -> dict[str, Any]:
    waits = done.waits
    return {
        "renewed": [asdict(file) for file in done.renewed],
        "troubles": [asdict(trouble) for trouble in done.troubles],
        "left": done.left,
        "waits": None if waits is None else {"code": waits.code, "message": str(waits), "hint": waits.hint},
    }


def _done(done: "Run") -> Iterator[str]:
    yield f"{counted(len(done.renewed), 'file')} renewed."
    for file in done.renewed:
        yield (
            f"  request {file.request_id}, {file.document} {file.revision}:"
            f" now holds until {minute(file.holds_until)} UTC"
        )
    yield from _troubles(done.troubles)
    if done.waits is not None:
        yield f"\n{counted(done.left, 'file')} left, as no authority answers: {done.waits}"
        yield f"  {done.waits.hint}"
    elif done.left > len(done.troubles):
        yield f"\n{counted(done.left, 'file')} left for the next run."


def _text(overview: "Overview", days: int) -> Iterator[str]:
    yield f"To be renewed: their proof ends within {counted(days, 'day')}"
    rows = [("request", "document", "timestamp of (UTC)", "holds until (UTC)", "SHA-256")]
    rows += [
        (
            str(file.request_id),
            f"{file.document} {file.revision}",
            minute(file.stamped_at),
            minute(file.holds_until),
            f"{file.sha256[:12]}…",
        )
        for file in overview.due
    ]
    yield from aligned(rows, indent="  ") if overview.due else ["  nothing"]
    yield from _troubles(overview.troubles)
    yield f"\nTheir proof holds longer: {counted(overview.later, 'file')}."
    for level, count in sorted(overview.not_archived.items()):
        yield f"Never renewed: {counted(count, 'file')} of {level}, for {_NO_ARCHIVE}."


def _troubles(troubles: "Sequence[Trouble]") -> Iterator[str]:
    if troubles:
        yield "\nCan't be renewed"
    for trouble in troubles:
        yield f"  request {trouble.request_id}, {trouble.document} {trouble.revision}: {trouble.message}"
        yield f"    {trouble.hint}"
