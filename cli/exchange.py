"""`paraaf exchange`: files that leave the office to be signed elsewhere or on paper, and come back."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from certs.hosts import AllowedHosts
from cli.files import read_input, require_room, write_whole
from cli.folder import add_data_option, add_json_option, add_person_option, office_of
from cli.printing import print_json, printable
from problem import Problem
from signing.foreign import require_size
from signing.scans import ScannedPage, matched, read_scan
from workflow.commands import Answer

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for
    from workflow.outside import By

_EPILOG = """give: the request waits for its file to go out (A2: state export; A0: printing). Who gave it out,
and who is to bring it back, may have it again, which records nothing.
take: the signed file is taken in only as the file that was given out, byte for byte, and the signatures of
the people whom the document names, at the profile's level; else it is refused, with every difference.
copy: writes again what is kept, for whoever may see the request: the sealed copy of a scan, the signed file
or the file that was given out. It records nothing and overwrites nothing.
scan: scans of what was signed on paper are matched by the codes on their pages, one file or many; each
document is kept as a sealed copy, which is no electronic signature of anybody.
exit status: 0 done, or done before with the same file; 1 refused, with every reason."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf exchange`."""
    parser = subparsers.add_parser(
        "exchange",
        description="Give a document out to be signed elsewhere or on paper, take what comes back.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="give|take|scan|copy")
    give = verbs.add_parser(
        "give", description="Write the document as it was drawn, and record that it went out."
    )
    give.add_argument("request", type=int, metavar="N", help="the request's number")
    give.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pdf", help="where it goes")
    give.add_argument("--force", action="store_true", help="overwrite FILE.pdf if it is there already")
    take = verbs.add_parser(
        "take", description="Take in a file that was signed elsewhere, if it is what it should be."
    )
    take.add_argument("request", type=int, metavar="N", help="the request's number")
    take.add_argument("file", type=Path, metavar="FILE.pdf", help="the signed file; - reads stdin")
    take.add_argument(
        "--online",
        action="append",
        default=[],
        metavar="HOST",
        help="ask this OCSP or CRL host whether certificates are revoked now; may be repeated",
    )
    scan = verbs.add_parser("scan", description="Keep scans of what was signed on paper, as sealed copies.")
    scan.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, and folders of files")
    copy = verbs.add_parser(
        "copy", description="Write what is kept: the sealed copy, the signed file or the file given out."
    )
    copy.add_argument("request", type=int, metavar="N", help="the request's number")
    copy.add_argument("-o", "--output", type=Path, required=True, metavar="FILE.pdf", help="where it goes")
    copy.add_argument(
        "--what",
        choices=("scan", "signed", "given"),
        help="which file (default: what came back last; before, what was given out)",
    )
    add_person_option(copy, "who wants it; whoever may see the request may have it")
    add_data_option(copy)
    add_json_option(copy)
    for one in (give, take, scan):
        add_person_option(one, "who does it")
        one.add_argument("--for", dest="principal", metavar="PRINCIPAL", help="as this person's substitute")
        one.add_argument("--key", metavar="K", help="idempotency key (default: one for this very file)")
        add_data_option(one)
        add_json_option(one)


def run(args: argparse.Namespace) -> int:
    """Give a file out, or take one in. Raises ForeignSignatureRefusedError, and what a command can meet."""
    if args.verb == "copy":
        return _copy(args)
    from workflow.outside import By  # noqa: PLC0415  as said above

    by = By(args.who, args.principal, args.key)
    if args.verb == "give":
        require_room(args.output, force=args.force)
    with office_of(args) as office:
        return {"give": _give, "take": _take, "scan": _scan}[args.verb](office, args, by)


def _give(office: "Office", args: argparse.Namespace, by: "By") -> int:
    """The file is there before the log says so: after a stop in between it is given again."""
    from workflow import outside_given  # noqa: PLC0415  as said above

    given = outside_given.given_out(office, args.request, by)
    write_whole(args.output, given.pdf, force=args.force, private=True)
    answer = outside_given.give(office, args.request, by).answer
    if args.json:
        print_json(
            {
                "output": str(args.output),
                "number": given.number,
                "sha256": given.sha256,
                "answer": asdict(answer) if answer else None,
            }
        )
    else:
        again = "" if answer and not answer.repeated else ", again"
        print(f"{printable(str(args.output))}: document {given.number} of request {args.request}{again}.")
        print(f"SHA-256 {given.sha256}")
    return 0


def _copy(args: argparse.Namespace) -> int:
    from workflow.kept_files import kept_file  # noqa: PLC0415  as said above

    require_room(args.output, force=False)
    with office_of(args) as office:
        kept = kept_file(office, args.request, args.who, args.what)
    write_whole(args.output, kept.pdf, force=False, private=True)
    if args.json:
        said = {"output": str(args.output), "number": kept.number, "sha256": kept.sha256}
        print_json({**said, "file": kept.file, "what": kept.what})
    else:
        named = f"document {kept.number} of request {args.request}"
        print(f"{printable(str(args.output))}: {named}, {kept.what}.")
        print(f"SHA-256 {kept.sha256}")
    return 0


def _take(office: "Office", args: argparse.Namespace, by: "By") -> int:
    from workflow import outside_signed  # noqa: PLC0415  as said above

    if args.file.is_file():
        require_size(args.file.stat().st_size)
    online = AllowedHosts.parse(args.online) if args.online else None
    answer = outside_signed.take_signed(office, args.request, read_input(args.file), by, online=online)
    _tell(answer, args)
    return 0


def _scan(office: "Office", args: argparse.Namespace, by: "By") -> int:
    """What is wrong with one file or document stops no other."""
    from certs.serve_authority import AuthorityServer  # noqa: PLC0415  help need not wait for aiohttp
    from workflow import outside_scans  # noqa: PLC0415  as said above

    pages: list[ScannedPage] = []
    problems: list[tuple[str, Problem]] = []
    for path in _files(args.paths):
        try:
            if path.is_file():
                require_size(path.stat().st_size)
            read = read_scan(read_input(path))
            pages += [replace(page, place=f"Page {at} of {path}") for at, page in enumerate(read, 1)]
        except Problem as problem:
            problems.append((str(path), problem))
    found, unmatched = matched(pages)
    problems += [("", problem) for problem in unmatched]
    answers: list[tuple[str, Answer]] = []
    with AuthorityServer(office.authority.folder):
        for scan in found:
            try:
                answers.append((scan.number, outside_scans.take_scan(office, scan, by)))
            except Problem as problem:
                problems.append((scan.number, problem))
    _tell_scans(answers, problems, as_json=args.json)
    return 1 if problems else 0


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files, and those in folders by their names; hidden ones are left out."""
    for path in paths:
        if path.is_dir():
            inside = sorted(path.iterdir())
            yield from (one for one in inside if one.is_file() and not one.name.startswith("."))
        else:
            yield path


def _tell_scans(
    answers: Sequence[tuple[str, Answer]], problems: Sequence[tuple[str, Problem]], *, as_json: bool
) -> None:
    if as_json:
        said = [{"of": of, "code": one.code, "message": str(one), "hint": one.hint} for of, one in problems]
        taken = [{"number": number, "answer": asdict(answer)} for number, answer in answers]
        print_json({"scans": taken, "problems": said})
        return
    for number, answer in answers:
        before = " before" if answer.repeated else ""
        print(f"Document {number}, request {answer.request_id}: a sealed copy of the scan is kept{before}.")
    for of, problem in problems:
        where = f"{of}: " if of else ""
        print(printable(f"paraaf: {where}{problem}"), file=sys.stderr)
        print(f"        {problem.hint}", file=sys.stderr)


def _tell(answer: Answer, args: argparse.Namespace) -> None:
    if args.json:
        print_json({"answer": asdict(answer)})
        return
    before = " before" if answer.repeated else ""
    print(
        f"Request {answer.request_id}: the signed file was taken in{before}. State {answer.state}, version"
        f" {answer.version}."
    )
