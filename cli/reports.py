"""What commands that write a report have in common: where to, in which language, under which seal."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import ChoiceNeeded
from cli.files import require_room, write_whole
from cli.folder import add_owner_options
from languages import LANGUAGES

if TYPE_CHECKING:
    from throughput.reporting.seal import Seal
    from throughput.reporting.words import ReportWords


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add --report and what goes with it."""
    group = parser.add_argument_group("a report to hand on")
    group.add_argument("--report", type=Path, metavar="FILE.pdf", help="also write it as a PDF")
    group.add_argument("--force", action="store_true", help="overwrite that PDF")
    group.add_argument("--language", choices=LANGUAGES, default="en", help="of the report (en)")
    group.add_argument(
        "--profile", metavar="NAME", help="seal it under this signing profile: ours, or of signing.toml"
    )
    add_owner_options(group)


def require_report_room(args: argparse.Namespace) -> None:
    """Refuse before anything is reckoned what could not be written. Raises CommandError."""
    if args.report is not None:
        require_room(args.report, force=args.force)
    elif args.profile is not None:
        raise ChoiceNeeded("--profile seals a report.", hint="Say where it goes with --report.")


def write_report(args: argparse.Namespace, make: "Callable[[ReportWords, Seal | None], bytes]") -> None:
    """Write the report, if one is asked for: sealed at the profile's level, or not at all.

    Raises CommandError, CertsProblem, SigningError.
    """
    if args.report is None:
        return
    from throughput.reporting.words import report_words  # noqa: PLC0415  help need not wait for it

    words = report_words(args.language)
    if args.profile is None:
        content = make(words, None)
    else:
        from cli.sign import sealed  # noqa: PLC0415  as above

        content = sealed(lambda seal: make(words, seal), args)
    write_whole(args.report, content, force=args.force)
