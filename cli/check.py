"""`paraaf check`: whether the office can do its work, and what to do when it can't."""

import argparse
import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.errors import EvidenceUnreadable
from cli.folder import add_data_option, add_json_option, office_of
from cli.outside import kept_outside
from cli.printing import print_json, printable

if TYPE_CHECKING:
    from workflow.checkup import Finding
    from workflow.office import Office

_SIGNS = {"ok": "   ok", "warning": " warn", "wrong": "WRONG"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf check`."""
    parser = subparsers.add_parser(
        "check",
        description="Look at the data folder, the database, the clock, keys and certificates, calendars and"
        " workers, and seal a sample with a timestamp. --deep also reads every page of the database, every"
        " event and every stored file. Nothing is changed.",
        epilog="exit status: 0 all is well, warnings aside; 1 something is wrong.",
    )
    parser.add_argument("--deep", action="store_true", help="read everything; takes its time")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Look at everything, tell what was found; 1 when something is wrong."""
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415 (help need not wait for aiohttp)

    with office_of(args) as office, AuthorityServer(office.authority.folder):
        found = []
        for one in _findings(office, deep=args.deep):
            found.append(one)
            if not args.json:
                _tell(one)
    wrong = sum(one.state == "wrong" for one in found)
    if args.json:
        rows = [
            {"area": one.area, "state": one.state, "message": one.message, "hint": one.hint} for one in found
        ]
        print_json({"ok": not wrong, "findings": rows})
    else:
        print(f"Wrong: {wrong}." if wrong else "The office can work.")
    return 1 if wrong else 0


def _findings(office: "Office", *, deep: bool) -> "Iterator[Finding]":
    from workflow import checkup  # noqa: PLC0415

    yield from checkup.quick(office)
    yield asyncio.run(checkup.trial(office))
    if deep:
        outside = []
        try:
            outside = kept_outside(office.authority.trust)
        except EvidenceUnreadable as problem:
            yield checkup.Finding("log", "wrong", str(problem), problem.hint)
        yield from checkup.deep(office, anchored=[one.head for one in outside])


def _tell(one: "Finding") -> None:
    print(f"{_SIGNS[one.state]}  {one.area:<12}  {printable(one.message)}")
    if one.hint:
        print(f"{'':<21}{printable(one.hint)}")
