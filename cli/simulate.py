"""`paraaf simulate`: what if requests were signed another way."""

import argparse
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded
from cli.files import read_input
from cli.printing import NOTHING, aligned, print_json

if TYPE_CHECKING:
    from throughput.simulate import Estimate, Outcome, Scenario  # with numpy, which help need not wait for

CLAIMED_FTE = 2


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf simulate`."""
    parser = subparsers.add_parser(
        "simulate",
        description="Send the same requests through an office that signs in one way or another. Nothing is"
        " read of any office: the figures follow from the assumptions, which are printed with them.",
    )
    parser.add_argument(
        "--scenarios", type=Path, metavar="FILE.toml", help="a table for each; default: the source's minutes"
    )
    parser.add_argument("--within", type=float, default=5, metavar="N", help="office days to be in time (5)")
    parser.add_argument("--share", type=float, default=95, metavar="P", help="per cent that should be (95)")
    parser.add_argument(
        "--weeks", type=int, default=52, help="weeks that are counted, after 8 to warm up (52)"
    )
    parser.add_argument("--replications", type=int, default=20, metavar="R", help="how often (20)")
    parser.add_argument(
        "--seed", type=int, default=1, help="of the luck: the same one gives the same figures"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Simulate and tell."""
    from throughput.simulate import SOURCE, clerks_needed, compare  # noqa: PLC0415  as above

    for name, least in (("weeks", 1), ("replications", 2), ("within", 0), ("share", 0), ("seed", 0)):
        if getattr(args, name) < least:
            raise ChoiceNeeded(f"--{name} can't be {getattr(args, name)}.", hint=f"Give {least} or more.")
    scenarios = SOURCE if args.scenarios is None else _read(args.scenarios)
    how = {"weeks": args.weeks, "replications": args.replications, "seed": args.seed}
    outcomes = compare(scenarios, within_days=args.within, **how)
    needed = [
        clerks_needed(one, share=args.share / 100, within_days=args.within, most=20, **how)
        for one in scenarios
    ]
    if args.json:
        print_json(
            {
                "scenarios": [
                    {**asdict(found), "clerks_needed": clerks}
                    for found, clerks in zip(outcomes, needed, strict=True)
                ],
                **how,
                "within_days": args.within,
                "share": args.share / 100,
            }
        )
    else:
        for line in _told(outcomes, needed, args):
            print(line)
    return 0


def _read(file: Path) -> list["Scenario"]:
    from throughput.simulate import Scenario  # noqa: PLC0415  as above

    try:
        tables = tomllib.loads(read_input(file).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ChoiceNeeded(f"{file} is no TOML: {error}.") from None
    known = {field.name for field in fields(Scenario)} - {"name"}
    scenarios = []
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
        scenarios.append(Scenario(name, **table))
    if not scenarios:
        raise ChoiceNeeded(f"{file} holds no scenario.", hint="Write a table for each, such as [A0].")
    return scenarios


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _told(
    outcomes: Sequence["Outcome"], needed: Sequence[int | None], args: argparse.Namespace
) -> Iterator[str]:
    yield "Simulated: nothing here was measured. In brackets: where the mean lies with 95 % certainty.\n"
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
    yield "\nLead in office days of 8 hours; FTE of 36 hours a week.\n\nAssumed:\n"
    names = list(asdict(outcomes[0].scenario))
    yield from aligned(
        [
            [name.replace("_", " "), *(_plain(getattr(one.scenario, name)) for one in outcomes)]
            for name in names
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
        _estimate(found.within, "{:.0%}"),
        _estimate(found.busy, "{:.0%}"),
        _estimate(found.handling_fte, "{:.2f}"),
        NOTHING if clerks is None else str(clerks),
    ]


def _estimate(found: "Estimate", form: str) -> str:
    value, low, high = (form.format(number) for number in (found.value, found.low, found.high))
    return f"{value} ({low}–{high})"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _conclusions(outcomes: Sequence["Outcome"]) -> Iterator[str]:
    """What may be said of the first against each other one."""
    first = outcomes[0]
    for other in outcomes[1:]:
        saved = first.handling_fte.value - other.handling_fte.value
        yield (
            f"{first.scenario.name} against {other.scenario.name}: median lead"
            f" {first.lead_median_days.value - other.lead_median_days.value:+.1f} office days,"
            f" {first.in_progress.value - other.in_progress.value:+.0f} open, handling {saved:+.2f} FTE."
        )
    whole = first.handling_fte
    if whole.high < CLAIMED_FTE:
        yield (
            f"{CLAIMED_FTE} FTE, as the source claims, can't be saved of handling: at"
            f" {first.scenario.per_week:g} a week all handling there is comes to {whole.value:.2f} FTE."
        )
