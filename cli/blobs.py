"""`paraaf blobs scrub`: reads every stored file again, and tells what is missing, changed or needless."""

import argparse
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import counted, print_json, printable

if TYPE_CHECKING:
    from workflow.office import Office
    from workflow.scrub import Finding

NAMED = 1_000  # findings that are named one by one; all are counted
_NEEDLESS = "unreferenced"


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf blobs`."""
    parser = subparsers.add_parser("blobs", description="The stored files: rendered and signed documents.")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    scrub = actions.add_parser(
        "scrub",
        description="Read every stored file again, and tell which are missing, changed or cut short, whose"
        " they are, and which nothing refers to. The office may be at work.",
        epilog="exit status: 0 every file is there, as it was stored; 1 one is not.",
    )
    scrub.add_argument(
        "--remove-unreferenced", action="store_true", dest="remove", help="remove what nothing refers to"
    )
    add_data_option(scrub)
    add_json_option(scrub)


def run(args: argparse.Namespace) -> int:
    """Look, tell, and remove when asked to; 1 when a file is not as it was stored."""
    with office_of(args) as office:
        result = _scrubbed(office, remove=args.remove)
    if args.json:
        print_json(result)
    else:
        _tell(result)
    return 0 if result["ok"] else 1


def _scrubbed(office: "Office", *, remove: bool) -> dict[str, Any]:
    from workflow.identity import require_some_named  # noqa: PLC0415 (help need not wait for it)
    from workflow.references import CHUNK  # noqa: PLC0415

    if remove:
        with office.store.read() as session:
            require_some_named(session)
    scrub, counts = office.scrub(), Counter[str]()
    named: list[dict[str, Any]] = []
    needless: list[str] = []
    removed = 0
    for found in scrub.findings():
        counts[found.what] += 1
        if len(named) < NAMED:
            named.append(_row(found))
        if remove and found.what == _NEEDLESS:
            needless.append(found.sha256)
            if len(needless) == CHUNK:
                removed += office.retention.remove_strays(needless)
                needless = []
    removed += office.retention.remove_strays(needless) if needless else 0
    return {
        "ok": not (counts.keys() - {_NEEDLESS}),
        "files": scrub.files,
        "bytes": scrub.size,
        "referred": scrub.referred,
        **{what: counts[what] for what in ("missing", "changed", "truncated", "unreadable", _NEEDLESS)},
        "removed": removed,
        "findings": named,
    }


def _row(found: "Finding") -> dict[str, Any]:
    from workflow.scrub import HINTS  # noqa: PLC0415

    return {
        "what": found.what,
        "sha256": found.sha256,
        "size": found.size,
        "expected": found.expected,
        "documents": [asdict(one) for one in found.concerned],
        "message": found.message,
        "hint": HINTS[found.what],
    }


def _tell(result: dict[str, Any]) -> None:
    for found in result["findings"]:
        print(f"{found['what']:<12}  {found['sha256']}  {printable(found['message'])}")
    wrong = sum(result[what] for what in ("missing", "changed", "truncated", "unreadable"))
    more = wrong + result[_NEEDLESS] - len(result["findings"])
    if more:
        print(f"… and {more} more.")
    print(
        f"{counted(result['files'], 'stored file')} read, {result['bytes'] / 1e6:.1f} MB;"
        f" {result['referred']} referred to; wrong: {wrong}; referred to by nothing: {result[_NEEDLESS]},"
        f" removed: {result['removed']}."
    )
