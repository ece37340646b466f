"""`paraaf simulate`: what if requests were signed another way."""

import argparse
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import ChoiceNeeded
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, require_office
from cli.past_told import invented_json, invented_said
from cli.printing import NOTHING, aligned, print_json
from cli.reports import add_report_options, require_report_room, write_report
from cli.times import beginning, end

if TYPE_CHECKING:
    from throughput.fitted import Fitted
    from throughput.replications import Estimate
    from throughput.simulate import Outcome  # with numpy, which help need not wait for
    from workflow.invented import Invented

CLAIMED_FTE, CLAIMED_PER_WEEK = 2, 100
PROCESS = "employer-declaration"
"""The process of which the source tells."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf simulate`."""
    parser = subparsers.add_parser(
        "simulate",
        description="Send the same requests through an office that signs in one way or another. The figures"
        " follow from the assumptions, which are printed with them, each with where it comes from. Without"
        " --measured nothing is read of any office.",
    )
    parser.add_argument(
        "--measured",
        action="store_true",
        help="fit what can be from what was measured in the office: of variants with enough requests",
    )
    parser.add_argument(
        "--key", default=PROCESS, metavar="KEY", help=f"with --measured: of this process ({PROCESS})"
    )
    parser.add_argument(
        "--from",
        dest="first",
        type=beginning,
        metavar="D",
        help="and requests opened from this day or time on",
    )
    parser.add_argument(
        "--to", dest="last", type=end, metavar="D", help="and until this day, included, or time"
    )
    parser.add_argument(
        "--scenarios", type=Path, metavar="FILE.toml", help="a table for each; default: the source's minutes"
    )
    parser.add_argument("--within", type=float, default=5, metavar="N", help="office days to be in time (5)")
    parser.add_argument("--share", type=float, default=95, metavar="P", help="per cent that should be (95)")
    parser.add_argument(
        "--weeks", type=int, default=52, help="weeks that are counted, after 8 to warm up (52)"
    )
    parser.add_argument("--replications", type=int, default=40, metavar="R", help="how often (40)")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the luck: the same one gives the same figures"
    )
    add_report_options(parser)
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Simulate and tell."""
    from throughput.fitted import beside  # noqa: PLC0415  as above
    from throughput.simulate import clerks_needed, compare  # noqa: PLC0415

    require_report_room(args)
    for name, least in (("weeks", 1), ("replications", 2), ("within", 0), ("share", 0), ("seed", 0)):
        if not getattr(args, name) >= least:  # nor what is no number
            raise ChoiceNeeded(f"--{name} can't be {getattr(args, name)}.", hint=f"Give {least} or more.")
    given = {} if args.scenarios is None else _read(args.scenarios)
    measured, past = _fits(args) if args.measured else ([], None)
    fits = beside(measured, given)
    scenarios = [one.scenario for one in fits]
    how = {"weeks": args.weeks, "replications": args.replications, "seed": args.seed}
    outcomes = compare(
        scenarios,
        within_days=args.within,
        **how,
        redrawn={one.scenario.name: one.redrawn for one in fits if one.redrawn},
        inputs={one.scenario.name: one.inputs for one in fits},
    )
    needed = [
        clerks_needed(
            one.scenario,
            share=args.share / 100,
            within_days=args.within,
            redrawn=one.redrawn,
            most=20,
            **how,
        )
        for one in fits
    ]
    document = {
        "scenarios": [
            {**asdict(found), "clerks_needed": clerks} for found, clerks in zip(outcomes, needed, strict=True)
        ],
        **how,
        "within_days": args.within,
        "share": args.share / 100,
        **invented_json(past),
    }
    _write(outcomes, needed, document, args, past)
    if args.json:
        print_json(document)
    else:
        for sentence in invented_said(past):
            print(f"{sentence}\n")
        for line in _told(outcomes, needed, args):
            print(line)
    return 0


def _write(
    outcomes: Sequence["Outcome"],
    needed: Sequence[int | None],
    document: Mapping[str, Any],
    args: argparse.Namespace,
    past: "Invented | None",
) -> None:
    from throughput.reporting.simulation import Simulated, simulation_pdf  # noqa: PLC0415  as above

    told = Simulated(
        *(outcomes, needed, args.share / 100),
        **{name: getattr(args, name) for name in ("weeks", "replications", "seed", "measured")},
    )
    now = datetime.now(UTC)
    write_report(
        args,
        lambda words, seal: simulation_pdf(
            told, document, made_at=now, words=words, seal=seal, invented=past
        ),
    )


def _fits(args: argparse.Namespace) -> tuple[list["Fitted"], "Invented | None"]:
    """What the office's requests tell of each variant of which there are enough; what of it is invented."""
    from throughput.fitted import fitted  # noqa: PLC0415  as above
    from throughput.kept import Keeper  # noqa: PLC0415
    from throughput.measured import measure  # noqa: PLC0415
    from throughput.scope import Scope  # noqa: PLC0415
    from workflow.invented import invented  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415

    require_office(args.data)
    scope = Scope(key=args.key, since=args.first, before=args.last)
    with closing(Store.open(args.data, make=False)) as store:
        Keeper(store).catch_up()
        with store.read() as session:
            measured, past = measure(session, scope, now=datetime.now(UTC)), invented(session)
    fits = [fitted(one, replications=args.replications, seed=args.seed) for one in measured]
    return [one for one in fits if one.inputs.keys() - {"per_week"}], past


def _read(file: Path) -> dict[str, dict[str, float]]:
    """What a file says of each scenario."""
    from throughput.simulate import Scenario  # noqa: PLC0415  as above

    try:
        tables = tomllib.loads(read_input(file).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ChoiceNeeded(f"{file} is no TOML: {error}.") from None
    known = {field.name for field in fields(Scenario)} - {"name"}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ChoiceNeeded(
                f"{file}: {name} is no table.", hint=f"Write [{name}], and assumptions below it."
            )
        wrong = sorted(table.keys() - known) + [key for key, value in table.items() if not _number(value)]
        if wrong:
            raise ChoiceNeeded(
                f"{file}: [{name}] has {', '.join(wrong)}, which is no assumption, or no number.",
                hint=f"Choose from: {', '.join(sorted(known))}.",
            )
    if not tables:
        raise ChoiceNeeded(f"{file} holds no scenario.", hint="Write a table for each, such as [A0].")
    return tables


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _told(
    outcomes: Sequence["Outcome"], needed: Sequence[int | None], args: argparse.Namespace
) -> Iterator[str]:
    if any(one.origin == "measured" for found in outcomes for one in found.inputs.values()):
        yield "Simulated, from what was measured as far as it was."
        yield (
            "In brackets: where the mean lies with 95 % certainty; of what was measured, the median, and"
            " between what 95 % of the replications lie, with what the inputs leave open.\n"
        )
    else:
        why = ": too few requests that people drove" if args.measured else ""
        yield f"Simulated: nothing here was measured{why}."
        yield "In brackets: where the mean lies with 95 % certainty.\n"
    heads = [
        "",
        "lead median",
        "lead p90",
        "open",
        f"within {args.within:g} days",
        "clerks busy",
        "handling FTE",
    ]
    heads.append(f"clerks for {args.share:g} %")
    yield from aligned(
        [heads, *(_row(found, clerks) for found, clerks in zip(outcomes, needed, strict=True))]
    )
    yield "\nLead in office days of 8 hours; FTE of 36 hours a week."
    if None in needed:
        yield f"{NOTHING}: with no number of clerks surely; what takes so long is not in their hands."
    yield "\nFrom:\n"
    yield from aligned(
        [
            ["", *(one.scenario.name for one in outcomes)],
            *(
                [name.replace("_", " "), *(_input(one, name) for one in outcomes)]
                for name in outcomes[0].inputs
            ),
        ]
    )
    yield ""
    yield from _conclusions(outcomes)


def _row(found: "Outcome", clerks: int | None) -> list[str]:
    return [
        found.scenario.name,
        _estimate(found.lead_median_days, "{:.1f}"),
        _estimate(found.lead_p90_days, "{:.1f}"),
        _estimate(found.in_progress, "{:.0f}"),
        _estimate(found.within, "{:.1%}"),
        _estimate(found.busy, "{:.0%}"),
        _estimate(found.handling_fte, "{:.2f}"),
        NOTHING if clerks is None else str(clerks),
    ]


def _estimate(found: "Estimate", form: str) -> str:
    value, low, high = (form.format(number) for number in (found.value, found.low, found.high))
    return f"{value} ({low}–{high})"


def _input(found: "Outcome", name: str) -> str:
    """An assumption, and where it comes from."""
    return f"{round(getattr(found.scenario, name), 3):.4g} ({found.inputs[name]})"


def _conclusions(outcomes: Sequence["Outcome"]) -> Iterator[str]:
    """What may be said of the first against each other one."""
    first = outcomes[0]
    for one in outcomes:
        if one.overloaded:
            yield (
                f"{one.scenario.name}: in {one.overloaded} of {one.replications} replications the clerks have"
                " more work than time, and the queue grows without end. The figures are those of the others."
            )
    for other in outcomes[1:]:
        names = f"{first.scenario.name} to {other.scenario.name}"
        lead, waiting, work = (
            " to ".join(_estimate(getattr(one, part), form) for one in (first, other))
            for part, form in (
                ("lead_median_days", "{:.1f}"),
                ("in_progress", "{:.0f}"),
                ("handling_fte", "{:.2f}"),
            )
        )
        yield f"From {names}: median lead {lead} office days, open {waiting}, handling {work} FTE."
    whole, share = first.handling_fte, CLAIMED_PER_WEEK / first.scenario.per_week
    if whole.high * share < CLAIMED_FTE:
        yield (
            f"{CLAIMED_FTE} FTE, as the source claims, can't be saved of handling: at"
            f" {CLAIMED_PER_WEEK} a week all handling there is comes to {whole.value * share:.2f} FTE."
        )
