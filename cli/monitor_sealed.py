"""`paraaf monitor --sealed`: the reports that an office seals by itself, listed, and saved as they are."""

import argparse
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import ChoiceNeeded
from cli.files import make_folder, require_room, write_whole
from cli.folder import require_office
from cli.printing import aligned, minute, print_json
from workflow.store import Store

if TYPE_CHECKING:
    from throughput.monitor_reports import KeptReport  # a second to import, which help need not wait for

_OTHERS = ("key", "norm", "until", "goal", "csv", "report", "profile", "who", "organisation")
_KEPT_OUT = re.compile(r"[^\w.-]+")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --sealed and --save."""
    group = parser.add_argument_group("reports that were sealed by themselves")
    group.add_argument("--sealed", action="store_true", help="list them; with --unit, --from and --to some")
    group.add_argument("--save", type=Path, metavar="DIR", help="and save those that are made in this folder")


def run(args: argparse.Namespace) -> int:
    """List them, and save those that are made. Raises CommandError."""
    for name in _OTHERS:
        if getattr(args, name) not in {None, False}:
            option = {"who": "as"}.get(name, name)
            raise ChoiceNeeded(
                f"--{option} goes with a report that is made now.", hint="A sealed one is what it is."
            )
    require_office(args.data)
    with closing(Store.open(args.data, make=False)) as store:
        found = _found(store, args)
        saved = {} if args.save is None else _save(store, found, args.save, force=args.force)
    if args.json:
        print_json({"reports": [_told(one, saved) for one in found]})
    elif found:
        for line in aligned([_HEADS, *(_line(one, saved) for one in found)]):
            print(line)
    else:
        print("There is none.")
    return 0


def _found(store: Store, args: argparse.Namespace) -> "Sequence[KeptReport]":
    from throughput.monitor_reports import reports  # noqa: PLC0415 (as above)
    from workflow.staff import Reach  # noqa: PLC0415

    with store.read() as session:
        every = reports(session, Reach(everywhere=True, units=frozenset()))
    units = sorted({one.unit for one in every if one.unit is not None})
    if args.unit is not None and args.unit not in units:
        raise ChoiceNeeded(
            f"There is no sealed report of the unit {args.unit!r}.",
            hint=f"Choose from: {', '.join(units)}." if units else "",
        )
    first, last = str(args.first or ""), str(args.last or "9")
    return [one for one in every if args.unit in {None, one.unit} and first <= str(one.month) <= last]


def _save(store: Store, found: "Sequence[KeptReport]", folder: Path, *, force: bool) -> dict[int, Path]:
    """Save those that are made, each as it was sealed; by number, where. All have room, or none is saved."""
    from throughput.monitor_reports import report_file  # noqa: PLC0415 (as above)
    from workflow.staff import Reach  # noqa: PLC0415

    make_folder(folder)
    saved = {one.number: folder / _file_name(one) for one in found if one.made_at is not None}
    for path in saved.values():
        require_room(path, force=force)
    for number, path in saved.items():
        with store.read() as session:
            kept = report_file(session, number, Reach(everywhere=True, units=frozenset()))
        if kept is not None:  # none goes that is made
            write_whole(path, kept[1], force=force)
    return saved


def _file_name(one: "KeptReport") -> str:
    """As the page has it; where that is no name of a file, with its number, which no other has."""
    plain = _KEPT_OUT.sub("-", one.name.replace(" ", "_"))
    return f"{plain}.pdf" if plain == one.name.replace(" ", "_") else f"{plain}-{one.number}.pdf"


_HEADS = ("month", "unit", "language", "made", "level", "sealed by", "")


def _line(one: "KeptReport", saved: dict[int, Path]) -> list[str | None]:
    why = f": {one.code}" if one.code else ""
    last = str(saved.get(one.number, "")) if one.made_at else f"not made yet, tries: {one.tries}{why}"
    made = minute(one.made_at)
    return [str(one.month), one.unit or "(all)", one.language, made, one.level, one.sealed_by, last]


def _told(one: "KeptReport", saved: dict[int, Path]) -> dict[str, Any]:
    told = vars(one) | {"month": str(one.month)}
    return told | {"file": str(saved[one.number]) if one.number in saved else None}
