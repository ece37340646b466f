"""`paraaf simulate`: what if requests were signed another way."""

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import ChoiceNeeded
from cli.files import read_input
from cli.folder import add_data_option, add_json_option, require_office
from cli.pace import Pace
from cli.past_told import invented_said
from cli.printing import print_json
from cli.reports import add_report_options, require_report_room, write_report
from cli.simulation import finite, told
from cli.times import beginning, end, require_order

if TYPE_CHECKING:
    from throughput.fitted import Fitted
    from throughput.measured import Measured
    from throughput.reporting.simulation import Simulated
    from throughput.reproduced import Reproduced
    from throughput.simulate import Outcome  # with numpy, which help need not wait for
    from workflow.invented import Invented

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
    require_report_room(args)
    for name, least in (("weeks", 1), ("replications", 2), ("within", 0), ("share", 0), ("seed", 0)):
        if not getattr(args, name) >= least:  # nor what is no number
            raise ChoiceNeeded(f"--{name} can't be {getattr(args, name)}.", hint=f"Give {least} or more.")
    if args.share > 100:
        raise ChoiceNeeded(f"--share can't be {args.share}.", hint="Give 100 or less: it is per cent.")
    given = {} if args.scenarios is None else _read(args.scenarios)
    with Pace() as pace:
        document, found, past = _simulated(args, given, pace)
    _write(document, found, args, past)
    if args.json:
        from throughput import origins  # noqa: PLC0415  as above

        print_json(origins.document(document, past))
    else:
        for sentence in invented_said(past):
            print(f"{sentence}\n")
        for line in told(found, args):
            print(line)
    return 0


def _simulated(
    args: argparse.Namespace, given: Mapping[str, Mapping[str, float]], pace: Pace
) -> tuple[dict[str, Any], "Simulated", "Invented | None"]:
    from throughput.fitted import beside  # noqa: PLC0415  as above
    from throughput.origins import labelled  # noqa: PLC0415
    from throughput.reporting.simulation import Simulated  # noqa: PLC0415
    from throughput.simulate import clerks_needed, compare  # noqa: PLC0415

    asked = {"weeks": args.weeks, "replications": args.replications, "seed": args.seed}
    how: dict[str, Any] = {**asked, "within_days": args.within, "tell": pace.tell}
    measured, past = _fits(args, pace) if args.measured else ([], None)
    fits = beside([fit for _, fit in measured], given)
    outcomes = compare(
        [one.scenario for one in fits],
        **how,
        redrawn={one.scenario.name: one.redrawn for one in fits if one.redrawn},
        inputs={one.scenario.name: one.inputs for one in fits},
    )
    needed = [
        clerks_needed(one.scenario, share=args.share / 100, redrawn=one.redrawn, most=20, **how)
        for one in fits
    ]
    held = labelled([_held(one, fit, outcomes, given, how) for one, fit in measured], past)
    outcomes = labelled(outcomes, past)
    document = {
        "scenarios": [
            {**finite(asdict(one)), "clerks_needed": clerks}
            for one, clerks in zip(outcomes, needed, strict=True)
        ],
        "reproduced": [_reproduced(one) for one in held],
        **asked,
        "within_days": args.within,
        "share": args.share / 100,
    }
    found = Simulated(
        *(outcomes, needed, args.share / 100, args.weeks, args.replications, args.seed),
        measured=args.measured,
        reproduced=held,
    )
    return document, found, past


def _held(
    measured: "Measured",
    fit: "Fitted",
    outcomes: Sequence["Outcome"],
    given: Mapping[str, Mapping[str, float]],
    how: Mapping[str, Any],
) -> "Reproduced":
    """What was fitted, held against what was measured: without what a file says in its place."""
    from throughput.reproduced import reproduced  # noqa: PLC0415  as above
    from throughput.simulate import compare  # noqa: PLC0415

    name = fit.scenario.name
    if given.get(name):
        [found] = compare([fit.scenario], **how, redrawn={name: fit.redrawn})
    else:
        found = next(one for one in outcomes if one.scenario.name == name)
    return reproduced(measured, found)


def _reproduced(held: "Reproduced") -> dict[str, Any]:
    return {
        "variant": held.variant,
        "figures": [
            {
                "figure": one.figure,
                "measured": asdict(one.measured),
                "simulated": finite(asdict(one.simulated)) | {"origin": "simulated"},
                "fits": one.fits,
            }
            for one in held.checks
        ],
    }


def _write(
    document: Mapping[str, Any], found: "Simulated", args: argparse.Namespace, past: "Invented | None"
) -> None:
    from throughput.reporting.simulation import simulation_pdf  # noqa: PLC0415  as above

    now = datetime.now(UTC)
    write_report(
        args,
        lambda words, seal: simulation_pdf(
            found, document, made_at=now, words=words, seal=seal, invented=past
        ),
    )


def _fits(
    args: argparse.Namespace, pace: Pace
) -> tuple[list[tuple["Measured", "Fitted"]], "Invented | None"]:
    """What the office's requests tell of each variant of which there are enough; what of it is invented."""
    from cli.throughput import process  # noqa: PLC0415  as above
    from throughput.fitted import fitted  # noqa: PLC0415
    from throughput.kept import Keeper  # noqa: PLC0415
    from throughput.measured import measure  # noqa: PLC0415
    from throughput.scope import Scope  # noqa: PLC0415
    from workflow.invented import invented  # noqa: PLC0415
    from workflow.store import Store  # noqa: PLC0415

    require_office(args.data)
    require_order(args.first, args.last)
    with closing(Store.open(args.data, make=False)) as store:
        Keeper(store).catch_up(lambda done: pace.tell(f"{done:,} events read"))
        with store.read() as session:
            scope = Scope(key=process(session, args.key), since=args.first, before=args.last)
            measured, past = measure(session, scope, now=datetime.now(UTC)), invented(session)
    how: dict[str, Any] = {"replications": args.replications, "seed": args.seed, "tell": pace.tell}
    fits = [(one, fitted(one, **how)) for one in measured]
    return [(one, fit) for one, fit in fits if fit.inputs.keys() - {"per_week"}], past


def _read(file: Path) -> dict[str, dict[str, float]]:
    """What a file says of each scenario."""
    from throughput.scenario import Scenario  # noqa: PLC0415  as above

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
