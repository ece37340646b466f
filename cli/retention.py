"""`paraaf retention`: what will be destroyed, what is on hold, what was destroyed; and do what is due."""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import aligned, counted, minute, print_json

if TYPE_CHECKING:
    from workflow.keeping import Kept  # a second to import, which help and wrong calls need not wait for
    from workflow.office import Office
    from workflow.retention import Preview, Run

DAYS_MOST = 36_500
_WHY = "the clock has gone forward by days, or the office was restored"


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
        help="with --run: do not wait for a day after the clock has gone forward by days, or a restore",
    )
    parser.add_argument(
        "--clean",
        action="store_true",
        help="with --run: write a large SQLite file anew, so that no trace of what was destroyed is in it;"
        " nobody can work meanwhile, about 20 s per GB",
    )
    add_data_option(parser)
    add_json_option(parser)
    parser.set_defaults(wrong_call=parser.error)


def run(args: argparse.Namespace) -> int:
    """Show, or do it."""
    if (args.clock_is_right or args.clean) and not args.now:
        args.wrong_call("--clock-is-right and --clean go with --run")
    with office_of(args) as office:
        if args.now:
            office.settle()
            done = office.retention.run(clock_is_right=args.clock_is_right, whole=args.clean)
            late = done.unclean_since is not None and _is_late(office, done.unclean_since)
        else:
            preview = office.retention.preview(days=args.days)
        cleaning = office.retention.cleaning
    if args.now:
        told = {"run": asdict(done) | {"clean": done.clean}, "cleaning": cleaning}
        print_json(told) if args.json else print("\n".join(_done(done, cleaning)))
        return 1 if done.waits_until is not None or late else 0
    if args.json:
        print_json(_json(preview) | {"cleaning": cleaning})
    else:
        print("\n".join(_text(preview, args.days, cleaning)))
    return 0


def _days(text: str) -> int:
    """A number of days for argparse."""
    if not text.isdecimal() or not 0 <= int(text) <= DAYS_MOST:
        raise argparse.ArgumentTypeError(f"“{text}” is not a number of days from 0 to {DAYS_MOST}")
    return int(text)


def _is_late(office: "Office", since: datetime) -> bool:
    """Whether the files should be clean by now: at once, where nobody has to run anything for it."""
    retention = office.retention
    return retention.cleaning is None or office.clock() - since > retention.clean_within


def _unclean(since: datetime, cleaning: str | None) -> Iterator[str]:
    yield f"Since {minute(since)} UTC the database's files may hold traces of what was destroyed."
    if cleaning is None:
        yield "They go when nobody reads: a worker tries every hour, and so does paraaf retention --run."
    else:
        yield "They go when this is run, on a server by the tables' owner (docs/retention.md):"
        yield f"  {cleaning}"


def _done(done: "Run", cleaning: str | None) -> Iterator[str]:
    if done.waits_until is not None:
        until = minute(done.waits_until)
        yield f"Nothing is destroyed before {until} UTC: {_WHY}."
        yield "If the clock is right, and so are the holds, say so: paraaf retention --run --clock-is-right"
    else:
        yield (
            f"{counted(done.requests, 'request')} destroyed, {counted(done.files, 'file')} removed,"
            f" {counted(done.people, 'person').replace('persons', 'people')} removed."
        )
        if done.substitutions:
            yield f"{counted(done.substitutions, 'substitution')} forgotten."
    if done.unclean_since is not None:
        yield from _unclean(done.unclean_since, cleaning)


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


def _text(preview: "Preview", days: int, cleaning: str | None) -> Iterator[str]:
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
    held = [("hold", "request", "since (UTC)", "by", "would go on", "why")]
    held += [
        (
            str(hold.id),
            str(hold.request_id),
            minute(hold.placed_at),
            hold.placed_by,
            "" if hold.due_on is None else f"{hold.due_on}{' overdue' if hold.overdue else ''}",
            hold.reason,
        )
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
        yield f"\n{_WHY[0].upper()}{_WHY[1:]}: nothing is destroyed before {until} UTC."
    if preview.files_left:
        yield f"\n{counted(preview.files_left, 'file')} of destroyed requests still to be removed."
    if preview.unclean_since is not None:
        yield ""
        yield from _unclean(preview.unclean_since, cleaning)
