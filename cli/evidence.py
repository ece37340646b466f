"""`paraaf evidence`: a package of everything that proves one request, and its check on any machine."""

import argparse
import asyncio
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, ClassVar

from cli.errors import ChoiceNeeded, InputUnreadable, OutputRefused
from cli.files import require_room, writing_whole
from cli.folder import add_data_option, add_json_option, add_trust_option, office_of
from cli.printing import counted, minute, print_json, printable

if TYPE_CHECKING:
    from workflow.evidence_check import PackageReport

_EPILOG = """The package holds personal data: the documents, and with --with-bodies who acted and what they
wrote. It is for its owner alone to read. README.txt in it tells how to check it with OpenSSL and Poppler.
exit status of --check: 0 it holds; 1 it does not; 2 nothing was found wrong, but not everything could be
judged (without --trust nobody vouches for it), or the file is no package, or the call is wrong."""


class PackageUnreadable(InputUnreadable):
    """A file is no evidence package, or can't be read: nothing was found out."""

    code: ClassVar[str] = "command-package"
    status: ClassVar[int] = 2


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf evidence`."""
    parser = subparsers.add_parser(
        "evidence",
        usage="paraaf evidence N -o FILE.zip [OPTION…]\n"
        "       paraaf evidence --check FILE.zip [--trust FILE|DIR]…",
        description="Write what proves one request into one file: its signed documents, their verification,\n"
        "the events up to an anchored one, certificates, revocation answers. Or check such a file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("request", nargs="?", type=int, metavar="N", help="the request's number")
    what.add_argument("--check", type=Path, metavar="FILE.zip", help="check a package, away from the office")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.zip", help="where the package goes")
    parser.add_argument(
        "--as", dest="who", metavar="WHO", help="who asks, who has to be allowed to see the request"
    )
    parser.add_argument(
        "--anchor",
        action="store_true",
        help="have the log's head timestamped first, when no anchor is over the request's last event yet",
    )
    parser.add_argument("--with-bodies", action="store_true", help="with who acted and what they wrote")
    parser.add_argument("--force", action="store_true", help="overwrite FILE.zip if it is there already")
    add_trust_option(
        parser, "with --check: root certificates to trust (PEM or DER), from elsewhere; may be repeated"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Make it, or check it."""
    if args.check is not None:
        return _check(args)
    if args.output is None:
        raise ChoiceNeeded("It has to be said where the package goes.", hint="Add -o FILE.zip.")
    require_room(args.output, force=args.force)
    return _make(args)


# --- making


def _make(args: argparse.Namespace) -> int:
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415  help need not wait for aiohttp
    from workflow.evidence import NotAnchoredYet  # noqa: PLC0415
    from workflow.evidence_handed_out import hand_out  # noqa: PLC0415

    with (
        office_of(args) as office,
        AuthorityServer(office.authority.folder),
        _draft(args.output) as draft,
    ):
        if args.who is not None:
            office.engine.show(args.request, args.who)  # raises NotFound for who may not see it
        try:
            report = hand_out(office, args.request, draft, with_bodies=args.with_bodies)
        except NotAnchoredYet:
            if not args.anchor:
                raise
            asyncio.run(office.anchor())
            report = hand_out(office, args.request, draft, with_bodies=args.with_bodies)
        with writing_whole(args.output, force=args.force, private=True) as file:
            shutil.copyfileobj(draft, file)
    said = report.as_dict() | {"output": str(args.output), "with_bodies": args.with_bodies}
    if args.json:
        print_json(said)
    else:
        many = counted(len(report.documents), "document")
        print(f"{many} and {counted(report.events, 'event')} in {args.output}, of request {args.request}")
        print("\n".join(_text(report)))
    return 0


def _draft(output: Path) -> IO[bytes]:
    """A file without a name, beside the one that it will be. Raises OutputRefused."""
    try:
        return TemporaryFile(dir=output.parent)
    except OSError as error:
        raise OutputRefused(
            f"{output} can't be written: {error.strerror}.",
            hint="Choose a folder that is there and may be written.",
        ) from error


# --- checking


def _check(args: argparse.Namespace) -> int:
    from certs.errors import TrustError  # noqa: PLC0415
    from certs.trust import load_trust  # noqa: PLC0415
    from workflow.evidence_check import check_package  # noqa: PLC0415

    try:
        trust = load_trust(args.trust)
    except TrustError as error:  # not 1: that would say that the package does not hold
        raise PackageUnreadable(str(error), hint=error.hint) from error
    try:
        report = check_package(args.check, trust, now=datetime.now(UTC))
    except ValueError as error:
        raise PackageUnreadable(
            f"{args.check} is no evidence package that can be read: {error}.",
            hint="Name the file that `paraaf evidence N -o FILE` wrote.",
        ) from error
    if args.json:
        print_json(report.as_dict())
    else:
        print("\n".join(_text(report)))
        if not report.vouched:
            print("paraaf evidence: nothing is trusted; name the root with --trust.", file=sys.stderr)
    return report.status


def _text(report: "PackageReport") -> list[str]:
    lines = [f"{one.name}: {one.indication.value}: {one.sentence}" for one in report.documents]
    anchor: Any = report.anchor
    if anchor is not None:
        how = "timestamped" if anchor.kind == "timestamp" else "sealed"
        events = f"{counted(report.events, 'event')} up to {anchor.seq}"
        lines.append(f"{events}, {how} {minute(anchor.at)} UTC by {anchor.by}")
    if report.sealed_by:
        lines.append(f"sealed by {report.sealed_by}")
    lines += [f"{one.member or 'package'}: {one.fault}: {one.message}" for one in report.findings]
    verdict = {0: "The evidence holds.", 1: "The evidence does not hold."}
    lines.append(verdict.get(report.status, "Nothing is wrong, but not everything could be judged."))
    return [printable(line) for line in lines]
