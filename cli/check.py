"""`paraaf check`: whether the office can do its work, and what to do when it can't."""

import argparse
import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from cli.errors import EvidenceUnreadable
from cli.folder import add_data_option, add_json_option, require_keys, require_office
from cli.outside import kept_outside
from cli.printing import print_json, printable
from problem import Problem
from workflow.findings import Finding

if TYPE_CHECKING:
    from workflow.office import Office

_SIGNS = {"ok": "   ok", "warning": " warn", "wrong": "WRONG"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf check`."""
    parser = subparsers.add_parser(
        "check",
        description="Look at the data folder, the database, the clock, keys and certificates, calendars and"
        " workers; sign a sample under each signing profile; ask each timestamp authority, and the provider"
        " by which people sign in. --deep also reads every page of the database, every event and every stored"
        " file. Nothing is changed, but that a timestamp authority which was left alone after it failed, and"
        " answers, is in use again.",
        epilog="exit status: 0 all is well, warnings aside; 1 something is wrong, or with --strict not well.",
    )
    parser.add_argument("--deep", action="store_true", help="read everything; takes its time")
    parser.add_argument("--strict", action="store_true", help="exit status 1 for warnings, too")
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Look at everything, tell what was found; 1 when something is wrong."""
    found = []
    for one in _all_findings(args):
        found.append(one)
        if not args.json:
            _tell(one)
    wrong = sum(one.state == "wrong" for one in found)
    warnings = sum(one.state == "warning" for one in found)
    if args.json:
        rows = [
            {"area": one.area, "state": one.state, "message": one.message, "hint": one.hint} for one in found
        ]
        print_json({"ok": not wrong, "warnings": warnings, "findings": rows})
    else:
        print(_verdict(wrong, warnings))
    return 1 if wrong or (args.strict and warnings) else 0


def _verdict(wrong: int, warnings: int) -> str:
    if wrong:
        return f"Wrong: {wrong}. Warnings: {warnings}." if warnings else f"Wrong: {wrong}."
    return f"The office can work, with warnings: {warnings}." if warnings else "The office can work."


def _all_findings(args: argparse.Namespace) -> Iterator[Finding]:
    """What can be found; when the office can't be opened, that, and whatever needs no open office."""
    from certs.errors import AuthorityServerError  # noqa: PLC0415
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415 (help need not wait for aiohttp)
    from workflow import checkup, variables  # noqa: PLC0415
    from workflow.office import Office  # noqa: PLC0415 (a second to import)

    require_office(args.data)
    require_keys(args.data)
    yield from variables.unknown(os.environ)
    try:
        office = Office.open(args.data, make=False)
    except Problem as problem:
        yield from checkup.unopened(args.data, problem)
        return
    with closing(office), ExitStack() as served:
        yield checkup.authority(office)
        try:
            served.enter_context(AuthorityServer(office.authority.folder))
        except AuthorityServerError as problem:
            yield Finding("authority", "wrong", str(problem), problem.hint)
        yield from _findings(office, deep=args.deep)


def _findings(office: "Office", *, deep: bool) -> Iterator[Finding]:
    from workflow import checkup, preflight  # noqa: PLC0415
    from workflow.elsewhere_check import sign_in_elsewhere  # noqa: PLC0415

    yield from checkup.quick(office)
    yield from sign_in_elsewhere(office)
    yield from asyncio.run(preflight.look_at_all(office))
    if deep:
        outside = []
        try:
            outside = kept_outside(office.trust)
        except EvidenceUnreadable as problem:
            yield Finding("log", "wrong", str(problem), problem.hint)
        yield from checkup.deep(office, anchored=[one.head for one in outside])


def _tell(one: Finding) -> None:
    print(f"{_SIGNS[one.state]}  {one.area:<12}  {printable(one.message)}")
    if one.hint:
        print(f"{'':<21}{printable(one.hint)}")
