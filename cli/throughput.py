"""`paraaf throughput`: what the event log says of the ways of signing."""

import argparse
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cli.errors import ChoiceNeeded
from cli.files import require_room, write_whole
from cli.folder import add_data_option, add_json_option, require_office
from cli.printing import print_json, utc
from cli.times import beginning, end
from throughput.compare import Comparison, as_csv, as_json, as_text
from throughput.events import records_since
from throughput.report import report_pdf
from throughput.spans import Case, cases_of
from workflow.definition import load_folder
from workflow.names import known_names
from workflow.store import Store


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf throughput`."""
    parser = subparsers.add_parser(
        "throughput",
        description="Per variant: how many requests, how long people and the machine took, how often it was"
        " right the first time. What a program did in people's place is not counted as human time.",
    )
    parser.add_argument("--key", help="only this process")
    parser.add_argument(
        "--from", dest="first", type=beginning, metavar="D", help="requests opened from this day or time on"
    )
    parser.add_argument(
        "--to", dest="last", type=end, metavar="D", help="requests opened until this day, included, or time"
    )
    form = parser.add_mutually_exclusive_group()
    add_json_option(form)
    form.add_argument("--csv", action="store_true", help="one line a figure, for a spreadsheet")
    parser.add_argument("--report", type=Path, metavar="FILE.pdf", help="also write it as a PDF")
    parser.add_argument("--force", action="store_true", help="overwrite that PDF")
    add_data_option(parser)


def run(args: argparse.Namespace) -> int:
    """Read the log, compare, tell."""
    if args.report is not None:
        require_room(args.report, force=args.force)
    require_office(args.data)
    with closing(Store.open(args.data, make=False)) as store, store.read() as session:
        every = cases_of(records_since(session))
    _require_key(args.key, {case.key for case in every})
    cases = [case for case in every if _asked(case, args)]
    told = Comparison.of(cases, now=datetime.now(UTC))
    if args.report is not None:
        content = report_pdf(told, period=_period(args, len(cases)), made_at=datetime.now(UTC))
        write_whole(args.report, content, force=args.force)
    _tell(told, args)
    return 0


def _require_key(key: str | None, in_log: set[str]) -> None:
    """Refuse a process that there is not, nor ever was. Raises ChoiceNeeded."""
    known = in_log | {definition.key for definition in load_folder(names=known_names()).all}
    if key is not None and key not in known:
        raise ChoiceNeeded(f"There is no process {key!r}.", hint=f"Choose from: {', '.join(sorted(known))}.")


def _asked(case: Case, args: argparse.Namespace) -> bool:
    return (
        (args.key is None or case.key == args.key)
        and (args.first is None or case.opened_at >= args.first)
        and (args.last is None or case.opened_at < args.last)
    )


def _period(args: argparse.Namespace, count: int) -> str:
    parts = [f"{count} requests"]
    parts += [f"of {args.key}"] if args.key else []
    parts += [f"opened from {args.first:%Y-%m-%d %H:%M} UTC"] if args.first else []
    parts += [f"before {args.last:%Y-%m-%d %H:%M} UTC"] if args.last else []
    return " ".join(parts)


def _tell(told: Comparison, args: argparse.Namespace) -> None:
    if args.json:
        period = {"key": args.key, "from": utc(args.first), "before": utc(args.last)}
        print_json({"period": period, **as_json(told)})
    elif args.csv:
        print(as_csv(told.rows), end="")
    else:
        print(as_text(told), end="")
        if args.report is not None:
            print(f"\nWritten: {args.report}")
