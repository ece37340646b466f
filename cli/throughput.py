"""`paraaf throughput`: what the event log says of the ways of signing."""

import argparse
import json
import sys
from collections.abc import Set
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cli.errors import ChoiceNeeded
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, require_office
from cli.past_told import invented_said, warn_of_invented
from cli.printing import print_json, utc
from cli.reports import add_report_options, require_report_room, write_report
from cli.times import beginning, end, require_order
from throughput import panels_data, said
from throughput.compare import Comparison
from throughput.compare_data import as_csv, as_json
from throughput.compare_text import as_text
from throughput.costs import FILE, read_prices
from throughput.grouped import WAYS
from throughput.kept import Keeper
from throughput.origins import document, figures, labelled
from throughput.reporting.comparison import comparison_pdf
from throughput.scope import Scope
from throughput.score_card import Simulated
from throughput.whole import Given, Panels, read_panels
from workflow.definition import load_folder
from workflow.invented import Invented, invented
from workflow.names import known_names
from workflow.store import Store
from workflow.tables import TimingCase

FAR_BEHIND = 50_000
"""Of more events than this to read it is told how far that is: some seconds."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf throughput`."""
    parser = subparsers.add_parser(
        "throughput",
        description="Per variant: how many requests, how long people and the machine took, how often it was"
        " right the first time. What a program did in people's place is not counted as human time.",
    )
    parser.add_argument("--key", help="only this process")
    parser.add_argument("--variant", help="only this variant")
    parser.add_argument("--unit", help="only requests of this unit's employees")
    parser.add_argument(
        "--definition", metavar="DIGEST", help="only requests that began with this definition"
    )
    parser.add_argument(
        "--by", choices=WAYS, default="variant", help="what is compared (default: the variants)"
    )
    parser.add_argument(
        "--from", dest="first", type=beginning, metavar="D", help="requests opened from this day or time on"
    )
    parser.add_argument(
        "--to", dest="last", type=end, metavar="D", help="requests opened until this day, included, or time"
    )
    form = parser.add_mutually_exclusive_group()
    add_json_option(form)
    form.add_argument("--csv", action="store_true", help="one line a figure, for a spreadsheet")
    parser.add_argument(
        "--per-week",
        type=float,
        metavar="N",
        help="requests a week, for capacity and cost (default: as they came)",
    )
    parser.add_argument(
        "--costs", type=Path, metavar="FILE", help="prices (default: costs.toml in the data folder, if there)"
    )
    parser.add_argument(
        "--simulated",
        type=Path,
        metavar="FILE.json",
        help="what `paraaf simulate --json` printed: the score card tells it, as simulated",
    )
    add_report_options(parser)
    add_data_option(parser)


def run(args: argparse.Namespace) -> int:
    """Bring what is kept up to the log, compare, tell."""
    require_report_room(args)
    require_office(args.data)
    now, given = datetime.now(UTC), _given(args)
    with closing(Store.open(args.data, make=False)) as store:
        catch_up(store)
        with store.read() as session:
            scope = _scope(session, args)
            past = invented(session)
            told = labelled(Comparison.of(session, scope, now=now, by=args.by), past)
            panels = labelled(read_panels(session, scope, given, now=now, by=args.by), past)
    write_report(
        args,
        lambda words, seal: comparison_pdf(
            told, scope=scope, made_at=now, words=words, panels=panels, seal=seal, invented=past
        ),
    )
    _tell(told, panels, scope, args, past)
    return 0


def _given(args: argparse.Namespace) -> Given:
    """What stands in options and in the file of costs. Raises ChoiceNeeded, CostsUnusable."""
    if args.per_week is not None and not 0 < args.per_week < 1e9:
        raise ChoiceNeeded(f"--per-week can't be {args.per_week:g}.", hint="Give a number above 0.")
    file = args.costs if args.costs is not None else args.data / FILE
    prices = read_prices(file) if args.costs is not None or file.is_file() else None
    return Given(args.per_week, prices, [] if args.simulated is None else _simulated(args.simulated))


def _simulated(file: Path) -> list[Simulated]:
    try:
        return Simulated.of(json.loads(read_input(file)))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise ChoiceNeeded(
            f"{file} is not what a simulation printed.", hint="Write it with `paraaf simulate --json`."
        ) from None


def catch_up(store: Store) -> None:
    """Read what came since the last time; told on standard error where that takes its time."""
    keeper = Keeper(store)
    behind = keeper.backlog()
    if behind <= FAR_BEHIND:
        keeper.catch_up()
        return

    def tell(done: int) -> None:
        if done % FAR_BEHIND < keeper.at_once:
            print(f"paraaf: {done:,} of {behind:,} events read", file=sys.stderr, flush=True)

    keeper.catch_up(tell)


def _scope(session: Session, args: argparse.Namespace) -> Scope:
    """What was asked for. Raises ChoiceNeeded for what there is not, nor ever was."""
    require_order(args.first, args.last)
    defined = load_folder(names=known_names()).all
    chosen: dict[str, Any] = {
        "key": process(session, args.key),
        "variant": _one_of(
            session, "variant", args.variant, "There is no variant", {one.variant for one in defined}
        ),
        "unit": _one_of(session, "unit", args.unit, "There was no request of the unit"),
        "definition": _one_of(
            session, "definition_sha256", args.definition, "No request began with the definition"
        ),
    }
    return Scope(**chosen, since=args.first, before=args.last)


def process(session: Session, key: str | None) -> str | None:
    """The process that is asked for. Raises ChoiceNeeded for one that there is not, nor ever was."""
    defined = {one.key for one in load_folder(names=known_names()).all}
    return _one_of(session, "key", key, "There is no process", defined)


def _one_of(
    session: Session, name: str, asked: str | None, words: str, defined: Set[str] = frozenset()
) -> str | None:
    """What is asked for; a digest by its first digits, too, and by the name that reports call it. Raises
    ChoiceNeeded.
    """
    if asked is None:
        return None
    found = session.scalars(select(TimingCase.table().c[name]).distinct())
    there = sorted({one for one in found if one is not None} | defined)
    digest = name == "definition_sha256"
    digits = asked.rpartition(" · ")[2]
    alike = [one for one in there if one == asked or (digest and one.startswith(digits))]
    if len(alike) != 1:
        raise ChoiceNeeded(f"{words} {asked!r}.", hint=f"Choose from: {', '.join(there)}." if there else "")
    return alike[0]


def _tell(
    told: Comparison,
    panels: Panels | None,
    scope: Scope,
    args: argparse.Namespace,
    past: Invented | None,
) -> None:
    if args.json:
        period = {name: getattr(scope, name) for name in ("key", "variant", "unit", "definition")}
        period |= {"from": utc(scope.since), "before": utc(scope.before)}
        people = None if panels is None else panels_data.as_json(panels)
        print_json(document({"period": period, **as_json(told), "panels": people}, past))
    elif args.csv:
        warn_of_invented(past)
        print(as_csv(told, [] if panels is None else panels_data.csv_rows(panels), past), end="")
    else:
        for sentence in invented_said(past):
            print(f"{sentence}\n")
        origin = figures(past)
        print(as_text(told, [] if panels is None else said.tables(panels, origin), origin), end="")
        if args.report is not None:
            print(f"\nWritten: {args.report}")
