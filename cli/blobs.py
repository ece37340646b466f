"""`paraaf blobs scrub`: reads every stored file again, and tells what is missing, changed or needless."""

import argparse
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.ending import orderly_end
from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import counted, print_json, printable
from cli.restore import digest

if TYPE_CHECKING:
    from workflow.office import Office
    from workflow.scrub import Finding

NAMED = 1_000  # findings that are named one by one; all are counted
_NEEDLESS, _MISPLACED = "unreferenced", "misplaced"


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
    scrub.set_defaults(do=_scrub)
    back = actions.add_parser(
        "restore",
        description="Bring stored files that are missing or changed back from a backup: all that documents"
        " refer to, or those named. Nothing that was destroyed comes back. The office may be at work.",
        epilog="exit status: 0 done; 1 a file is still missing or changed, or was named, and is not in the"
        " backup; one that was named is no document's; or one could not be put.",
    )
    back.add_argument("file", type=Path, metavar="FILE.tar", help="a file that `paraaf backup` wrote")
    back.add_argument("only", nargs="*", type=digest, metavar="SHA256", help="a stored file's digest")
    back.set_defaults(do=_restore)
    for action in (scrub, back):
        add_data_option(action)
        add_json_option(action)


def run(args: argparse.Namespace) -> int:
    """Look at the stored files, or bring some back."""
    done: int = args.do(args)
    return done


def _restore(args: argparse.Namespace) -> int:
    """Bring back, and tell."""
    from workflow.restore import put_back  # noqa: PLC0415 (help need not wait for it)

    with orderly_end(), office_of(args) as office:
        office.settle()
        office.blobs.require_own(lost=True)
        done = put_back(args.file, store=office.store, blobs=office.blobs, only=args.only)
    if args.json:
        print_json(
            {"restored": done.put, "unneeded": done.unneeded, "absent": done.absent, "refused": done.refused}
        )
    else:
        for sha256 in done.put:
            print(f"restored      {sha256}")
        for sha256 in done.absent:
            print(f"not in it     {sha256}")
        for sha256 in done.unneeded:
            print(f"no document's {sha256}")
        for sha256, why in done.refused.items():
            print(f"not put       {sha256}: {why}")
        print(
            f"{counted(len(done.put), 'stored file')} restored. Steps that wait: `paraaf incidents --repair`."
        )
        if done.absent and not args.only:
            print(f"{_still_lacking(len(done.absent))}, and not in this backup: try a later one.")
    return 1 if done.absent or done.unneeded or done.refused else 0


def _still_lacking(count: int) -> str:
    return f"{counted(count, 'stored file')} {'is' if count == 1 else 'are'} still missing or changed"


def _scrub(args: argparse.Namespace) -> int:
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
        office.settle()
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
    removed += office.retention.remove_misplaced() if remove else 0
    return {
        "ok": not (counts.keys() - {_NEEDLESS, _MISPLACED}),
        "files": scrub.files,
        "bytes": scrub.size,
        "referred": scrub.referred,
        **{
            what: counts[what]
            for what in ("missing", "changed", "truncated", "unreadable", _NEEDLESS, _MISPLACED)
        },
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
    more = wrong + result[_NEEDLESS] + result[_MISPLACED] - len(result["findings"])
    if more:
        print(f"… and {more} more.")
    print(
        f"{counted(result['files'], 'stored file')} read, {result['bytes'] / 1e6:.1f} MB;"
        f" {result['referred']} referred to; wrong: {wrong}; referred to by nothing: {result[_NEEDLESS]},"
        f" out of place: {result[_MISPLACED]}, removed: {result['removed']}."
    )
