"""`paraaf monitor`: the monthly report of a unit, or of the whole office."""

import argparse
import csv
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli import monitor_sealed
from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, require_office
from cli.past_told import invented_said, warn_of_invented
from cli.printing import aligned, print_json
from cli.reports import add_report_options, require_report_room, write_report
from workflow.calendar import CALENDARS, Duration, parse_working_duration
from workflow.definition_errors import DurationInvalid
from workflow.invented import Invented, invented
from workflow.store import Store

if TYPE_CHECKING:
    from throughput.followed import Target
    from throughput.monitor import (
        Month,
        Printed,
        Range,
    )  # with a solver, which help and wrong calls need not wait for


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf monitor`."""
    parser = subparsers.add_parser(
        "monitor",
        description="Per month: what began, how it ended, what was in hand in its last week, and how many met"
        " the norm. Counts of two or fewer print as *, and so do those from which they could be reckoned.",
    )
    parser.add_argument(
        "--from", dest="first", type=_month, metavar="YYYY-MM", help="the first month; default: that of --to"
    )
    parser.add_argument(
        "--to",
        dest="last",
        type=_month,
        metavar="YYYY-MM",
        help="the last one; default: the last that is over",
    )
    parser.add_argument("--unit", help="this unit alone; else all together")
    parser.add_argument("--key", help="only this process")
    parser.add_argument(
        "--norm",
        type=_norm,
        metavar="D",
        help="working time allowed, such as P5D; default: the first of monitoring.toml, else P5D",
    )
    parser.add_argument(
        "--until",
        choices=("approved", "signed", "delivered"),
        help="and until when; default: as monitoring.toml says, else delivered",
    )
    parser.add_argument(
        "--goal",
        type=_percent,
        metavar="P",
        help="per cent that should meet it; default: as monitoring.toml says, else 85",
    )
    form = parser.add_mutually_exclusive_group()
    add_json_option(form)
    form.add_argument("--csv", action="store_true", help="one line a month, for a spreadsheet")
    add_report_options(parser)
    monitor_sealed.add_options(parser)
    add_data_option(parser)


def run(args: argparse.Namespace) -> int:
    """Bring what is kept up to the log, count, print; or list what was sealed."""
    if args.sealed:
        return monitor_sealed.run(args)
    if args.save is not None:
        raise ChoiceNeeded("--save is for reports that were sealed.", hint="Say --sealed, too.")
    from cli.throughput import process  # noqa: PLC0415 (as above)
    from throughput.followed import Norm, Target  # noqa: PLC0415
    from throughput.kept import Keeper  # noqa: PLC0415
    from throughput.monitor import Monitor, Month, months  # noqa: PLC0415
    from throughput.monitor_kept import months_told, since_first  # noqa: PLC0415
    from throughput.monitor_settings import monitor_settings  # noqa: PLC0415

    require_report_room(args)
    require_office(args.data)
    settings = monitor_settings(args.data)
    first = settings.norms[0]
    norm = Norm(args.norm or first.within, args.until or first.until)
    # with the office's other norms, so that a report of one of them hides what the pages hide
    if norm not in settings.norms:
        settings = replace(settings, norms=(norm,))
    zone = ZoneInfo(CALENDARS[settings.calendar].zone)
    over = Month.of(datetime.now(zone).date()).before
    last = args.last or max(over, args.first or over, key=str)  # the running one, where it is asked for
    period = months(args.first or last, last)
    if str(last) > str(over.next):
        raise ChoiceNeeded(f"{last} has not begun.", hint=f"Choose up to {over.next}.")
    with closing(Store.open(args.data, make=False)) as store:
        Keeper(store).catch_up()
        with store.read() as session:
            key = process(session, args.key)
            period = since_first(session, settings, period)
            tables = months_told(session, settings, period, datetime.now(UTC))
            past = invented(session)
    units = Monitor(tables).units  # of all months: in which of them a unit had none is not told
    if args.unit is not None and args.unit not in units:
        raise ChoiceNeeded(
            f"There was no request of the unit {args.unit!r}.",
            hint=f"Choose from: {', '.join(units)}." if units else "",
        )
    monitor = Monitor({month: tables[month] for month in period}, tables)
    report = monitor.report(args.unit, key, settings.norms.index(norm))
    goal = settings.goal if args.goal is None else round(args.goal / 100, 9)  # 97.4 / 100 is 0.974000…01
    target = Target(norm, settings.calendar, goal)
    _write(report, target, args, past)
    _tell(report, target, args, past)
    return 0


def _write(report: "Printed", target: "Target", args: argparse.Namespace, past: Invented | None) -> None:
    from throughput.reporting.monitoring import monitoring_pdf  # noqa: PLC0415 (as above)

    now = datetime.now(UTC)
    write_report(
        args,
        lambda words, seal: monitoring_pdf(
            report, target, made_at=now, words=words, seal=seal, invented=past
        ),
    )


def _tell(report: "Printed", target: "Target", args: argparse.Namespace, past: Invented | None) -> None:
    from throughput import origins  # noqa: PLC0415 (as above)
    from throughput.monitor_rows import document, rows  # noqa: PLC0415

    if args.json:
        print_json(origins.document(document(report, target), past))
    elif args.csv:
        warn_of_invented(past)
        csv.writer(sys.stdout, lineterminator="\n").writerows(origins.with_column(rows(report), past))
    else:
        for sentence in invented_said(past):
            print(f"{sentence}\n")
        about = (report.unit or "All units", args.key or "all processes")
        print(f"{', '.join(about)}, {report.months[0]} to {report.months[-1]}\n")
        for line in aligned(list(rows(report))):
            print(line)
        print(f"\n{_figure(report, target)}")


def _figure(report: "Printed", target: "Target") -> str:
    norm, goal = target.norm, target.goal
    asked = f"within {norm.within} of working time until {norm.until}; goal: {100 * goal:g}%"
    if report.mean is None:
        return f"Target ({asked}): not told, as every month's share is hidden."
    verdict = "met" if report.mean.low >= goal else "not met" if report.mean.high < goal else "not told"
    told = f"{_between(report.mean)}, the mean of the months"
    if hidden := len(report.months) - len(report.shares):
        told += f", with all that the shares of {hidden} of {len(report.months)} that are hidden may be"
    said = f"Target ({asked}): {told}: {verdict}."
    return said if report.pooled is None else f"{said} All together: {_between(report.pooled)}."


def _between(found: "Range") -> str:
    low, high = found.ends(2)
    if low is None:
        return f"at most {high:.2%}"
    return f"{low:.2%}" if low == high else f"{low:.2%} to {high:.2%}"


def _month(text: str) -> "Month":
    from throughput.monitor import Month  # noqa: PLC0415 (as above)

    try:
        return Month.of(datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date())
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no month such as 2026-05") from None


def _norm(text: str) -> Duration:
    try:
        return parse_working_duration(text)
    except DurationInvalid as error:
        raise argparse.ArgumentTypeError(f"{error} {error.hint}") from None


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"“{text}” is no percentage from 0 to 100")
    return value
