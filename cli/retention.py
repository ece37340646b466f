"""`paraaf retention`: what will be destroyed, what is on hold, what was destroyed; and do what is due."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import aligned, counted, minute, print_json

if TYPE_CHECKING:
    from workflow.keeping import Kept  # a second to import, which help and wrong calls need not wait for
    from workflow.retention import Preview, Run

DAYS_MOST = 36_500


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf retention`."""
    parser = subparsers.add_parser(
        "retention",
        description="What will be destroyed in the coming days, what is on hold, and what was destroyed in as"
        " many days before. A worker destroys what is due by itself; --run does it now.",
    )
    parser.add_argument("--days", type=_days, default=7, metavar="N", help="so many days (default: 7)")
    parser.add_argument("--run", action="store_true", dest="now", help="destroy what is due now")
    parser.add_argument(
        "--clock-is-right",
        action="store_true",
        help="with --run: do not wait for a day after the clock has gone forward by days",
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Show, or do it."""
    with office_of(args) as office:
        if args.now:
            done = office.retention.run(clock_is_right=args.clock_is_right)
        else:
            preview = office.retention.preview(days=args.days)
    if args.now:
        print_json({"run": asdict(done)}) if args.json else print("\n".join(_done(done)))
        return 0 if done.waits_until is None and done.clean else 1
    if args.json:
        print_json(_json(preview))
    else:
        print("\n".join(_text(preview, args.days)))
    return 0


def _days(text: str) -> int:
    """A number of days for argparse."""
    if not text.isdecimal() or not 0 <= int(text) <= DAYS_MOST:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of days from 0 to {DAYS_MOST}")
    return int(text)


def _done(done: "Run") -> Iterator[str]:
    if done.waits_until is not None:
        until = minute(done.waits_until)
        yield f"Nothing is destroyed before {until} UTC: the clock has gone forward by days."
        yield "If it is right, say so: paraaf retention --run --clock-is-right"
    else:
        yield (
            f"{counted(done.requests, 'request')} destroyed, {counted(done.files, 'file')} removed,"
            f" {counted(done.people, 'person').replace('persons', 'people')} removed."
        )
    if not done.clean:
        yield "The database's files may still hold what was destroyed. SQLite: somebody reads; run it again."
        yield "PostgreSQL: only the tables' owner can vacuum them; have the owner run it (docs/retention.md)."


def _kept(one: "Kept") -> Mapping[str, Any]:
    return {
        "request_id": one.request_id,
        "key": one.definition.key,
        "variant": one.definition.variant,
        "unit": one.unit,
        "outcome": one.outcome,
        "keep": str(one.definition.keep),
        "ended_on": one.ended_on,
        "due_on": one.due_on,
    }


def _json(preview: "Preview") -> dict[str, Any]:
    return {
        "due": [_kept(one) for one in preview.due],
        "holds": [asdict(hold) for hold in preview.holds],
        "destroyed": [asdict(one) for one in preview.destroyed],
        "waits_until": preview.waits_until,
        "files_left": preview.files_left,
        "unclean_since": preview.unclean_since,
    }


def _text(preview: "Preview", days: int) -> Iterator[str]:
    yield f"To be destroyed within {counted(days, 'day')}"
    rows = [("request", "process", "unit", "ended", "kept", "destroyed on")]
    rows += [
        (
            str(one.request_id),
            f"{one.definition.key} {one.definition.variant}",
            one.unit,
            f"{one.ended_on}, {one.outcome}",
            str(one.definition.keep),
            str(one.due_on),
        )
        for one in preview.due
    ]
    yield from aligned(rows, indent="  ") if preview.due else ["  nothing"]
    yield "\nOn hold"
    held = [("hold", "request", "since (UTC)", "by", "why")]
    held += [
        (str(hold.id), str(hold.request_id), minute(hold.placed_at), hold.placed_by, hold.reason)
        for hold in preview.holds
    ]
    yield from aligned(held, indent="  ") if preview.holds else ["  nothing"]
    yield f"\nDestroyed in the last {counted(days, 'day')}"
    gone = [("request", "process", "unit", "destroyed (UTC)")]
    gone += [
        (str(one.request_id), f"{one.key} {one.variant}", one.unit, minute(one.destroyed_at))
        for one in preview.destroyed
    ]
    yield from aligned(gone, indent="  ") if preview.destroyed else ["  nothing"]
    if preview.waits_until is not None:
        until = minute(preview.waits_until)
        yield f"\nThe clock has gone forward by days: nothing is destroyed before {until} UTC."
    if preview.files_left:
        yield f"\n{counted(preview.files_left, 'file')} of destroyed requests still to be removed."
    if preview.unclean_since is not None:
        yield "\nThe database's files may still hold what was destroyed; the next run cleans them."
