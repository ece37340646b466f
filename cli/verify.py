"""`paraaf verify`: judge signed PDFs, offline."""

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from certs.errors import CertsProblem, TrustError
from certs.hosts import AllowedHosts
from certs.trust import TrustStore, load_trust
from certs.trusted_lists import load_trusted_lists
from cli.errors import (
    ChoiceNeeded,
    CommandError,
    DiskRefused,
    InputUnreadable,
    OutputRefused,
    RegisterUnasked,
)
from cli.files import require_room, write_whole
from cli.folder import (
    DATABASE_VARIABLE,
    NOT_NAMED,
    add_data_option,
    add_trust_option,
    has_office,
    is_of_an_office,
    require_office,
)
from cli.printing import counted
from cli.progress import Progress
from cli.sign import add_key_options, signed_bytes
from cli.verify_into import SUMMARY, begin, end, json_line, left
from languages import LANGUAGES
from problem import Problem
from signing.errors import SigningError
from signing.verify.bulk import verify_sources
from signing.verify.output import CSV_COLUMNS, csv_line, csv_row, json_array, printable, text_of_report
from signing.verify.report import Indication, Report, Verdict, exit_status, json_in_ascii
from signing.verify.sources import listed, sources
from signing.verify.spool import TERMS, Spool
from signing.verify.summary import HEADINGS, summary_pdf
from signing.verify.trust import TrustMaterial
from signing.verify.verdict import with_register, without_register
from signing.verify.words import Words, words_in

if TYPE_CHECKING:
    from workflow.issued import IssuedRegister
    from workflow.store import Store

LISTS_VARIABLE = "PARAAF_TRUSTED_LISTS"
ONLINE_VARIABLE = "PARAAF_VERIFY_ONLINE"
_Unasked = tuple[str, str]
"""The folder of an office whose register is not asked, and why not."""
_EPILOG = """exit status: 0 all passed; 1 at least one failed; 2 none failed, but at least one is
indeterminate, unreadable or without a signature (or the call itself was wrong)"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command line."""
    parser = subparsers.add_parser(
        "verify",
        description="Judge every signature and timestamp in PDF files. Nobody is asked but --online hosts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="a file, a folder with PDFs, or a zip archive"
    )
    parser.add_argument(
        "--list", type=Path, metavar="FILE", help="judge the files that this one names too, a path a line"
    )
    add_trust_option(parser, "certificates to trust and revocation lists (PEM or DER); may be repeated")
    parser.add_argument(
        "--trusted-lists",
        type=Path,
        default=Path(os.environ[LISTS_VARIABLE]) if os.environ.get(LISTS_VARIABLE) else None,
        metavar="DIR",
        help="a local copy of the EU trusted lists (*.xml), with the certificates of those who sign the first"
        f" of them (default: {LISTS_VARIABLE})",
    )
    parser.add_argument(
        "--list-signer",
        action="append",
        type=Path,
        default=[],
        metavar="FILE|DIR",
        help="certificates that may sign the list of the lists, beside those in the folder; may be repeated",
    )
    parser.add_argument(
        "--online",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="ask this host for current revocation answers, for chains that are trusted; may be repeated"
        f" (default: {ONLINE_VARIABLE}, else nobody is asked)",
    )
    parser.add_argument("--at", type=moment, metavar="TIME", help="validation time, ISO 8601 (default: now)")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="give every file the whole validation; else those that differ from an authentic one only"
        " in what a signer fills in are cleared by a quick look",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document")
    form.add_argument("--jsonl", action="store_true", help="a JSON document a line, as they are ready")
    form.add_argument("--csv", action="store_true", help="one line a signature, for a spreadsheet")
    parser.add_argument("--exceptions", action="store_true", help="tell only of files that are not authentic")
    parser.add_argument("--report", type=Path, metavar="FILE.pdf", help="also write a readable summary")
    parser.add_argument(
        "--language",
        choices=LANGUAGES,
        default="en",
        help="tell reports in this language: sentences and findings, in every form; the summary as a whole"
        " (default: en)",
    )
    parser.add_argument(
        "--etsi", action="store_true", help="with --into: also ETSI TS 119 102-2 XML, a file each"
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="DIR",
        help="write the results and a summary into this folder; called again, a run that was stopped goes on",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE.pdf if it is there already")
    parser.add_argument(
        "--progress", action="store_true", help="tell how far it is on standard error, as on a terminal"
    )
    seal = parser.add_argument_group("a signed summary")
    seal.add_argument(
        "--sign-with", dest="profile", metavar="PROFILE", help="sign the summary under this signing profile"
    )
    add_key_options(seal)
    office = parser.add_argument_group("the office's register")
    add_data_option(office)
    office.add_argument(
        "--no-register",
        action="store_true",
        help="don't ask the register of the office in the data folder what was issued",
    )
    office.add_argument(
        "--seen-by",
        metavar="WHO",
        help="tell of the register only what this person may see (default: whoever may read the data folder)",
    )
    parser.add_argument(
        "--jobs",
        type=positive,
        default=os.cpu_count() or 1,
        metavar="N",
        help="files at once (default: all cores)",
    )


def run(args: argparse.Namespace) -> int:
    """Judge, tell, and return the exit status."""
    now = datetime.now(UTC)
    try:
        return _judge(args, now)
    except (TrustError, CommandError, SigningError, CertsProblem) as problem:
        return _untold(problem)
    except KeyboardInterrupt:
        if args.into is not None and (args.into / TERMS).exists():
            print(f"\nparaaf verify: stopped; the same call goes on with {args.into}.", file=sys.stderr)
        raise
    except BrokenPipeError:
        raise
    except OSError as error:  # of the reports' file, as a rule; a file that can't be judged is a finding
        return _untold(DiskRefused.of(error))


def _untold(problem: Problem) -> int:
    """Say why there is no result; not 1, which would say that a file failed."""
    print(f"paraaf verify: {problem} {problem.hint}".rstrip(), file=sys.stderr)
    return 2


def _judge(args: argparse.Namespace, now: datetime) -> int:
    _require_consistent(args)
    trust, online = _trust(args, now), _online(args)
    _require_report_room(args)
    _require_signable(args, now)
    found = sources(chain(args.paths, _listed(args.list)))
    with _register(args) as (register, unasked), _spool(args, trust, register) as (spool, at):
        if args.into is not None:
            found = left(found, spool)
        reports = verify_sources(
            found,
            trust,
            jobs=args.jobs,
            at=at,
            now=now,
            quick=not _whole(args),
            online=online,
            traces=register is not None,
        )
        if register is not None:
            reports = _by_register(reports, register)
        if unasked is not None:
            reports = (without_register(report, *unasked) for report in reports)
        noted = _Noted(args, spool, reports)
        for text in _teller(args)(noted, words_in(args.language)):
            print(_encodable(text, as_json=args.json or args.jsonl), end="", flush=True)
        for _ in noted:  # what wasn't told is judged all the same
            pass
        seen = noted.seen
        if args.into is not None:
            judged = Counter((report.indication, report.verdict) for report in spool.reports())
            seen = {indication for indication, _ in judged}
        if not args.trust and trust.lists is None and Indication.INDETERMINATE in seen:
            told = "nothing is trusted; name the certificate to trust with --trust."
            print(f"paraaf verify: {told}", file=sys.stderr)
        if args.report is not None or args.into is not None:
            _write_summary(args, spool, trust, now)
        if args.into is not None and not (args.json or args.jsonl or args.csv):
            print(_encodable(_outcome(judged, args.into), as_json=False))
    return exit_status(seen)


class _Noted:
    """Reports as they come: kept for the summary, counted, and told of on standard error."""

    def __init__(self, args: argparse.Namespace, spool: Spool, reports: Iterator[Report]) -> None:
        self.seen: set[Indication] = set()
        self._keep = args.report is not None or args.into is not None
        self._spool, self._reports = spool, reports
        self._exceptions = args.exceptions
        self._progress = Progress(
            sys.stderr,
            shown=args.progress or (args.into and sys.stderr.isatty()),
            exceptions=sum(report.verdict is not Verdict.AUTHENTIC for report in spool.reports()),
        )

    def __iter__(self) -> Iterator[Report]:
        return self

    def __next__(self) -> Report:
        for report in self._reports:
            self.seen.add(report.indication)
            if self._keep:
                self._spool.write(report)
            self._progress.note(report, self._spool.done if self._keep else None)
            if not self._exceptions or report.verdict is not Verdict.AUTHENTIC:
                return report
        self._progress.end()
        raise StopIteration


def _outcome(judged: Counter[tuple[Indication, Verdict]], folder: Path) -> str:
    """What became of a run into a folder, the verdicts in the order of the summary."""
    of = Counter[Verdict]()
    for (_, verdict), count in judged.items():
        of[verdict] += count
    words = [f"{of[verdict]:,} {verdict.value.replace('_', ' ')}" for verdict in HEADINGS if of[verdict]]
    told = f": {', '.join(words)}" if words else ""
    return f"{counted(of.total(), 'file')}{told}. Summary: {folder / SUMMARY}"


def _require_consistent(args: argparse.Namespace) -> None:
    if not args.paths and args.list is None:
        raise ChoiceNeeded("There is nothing to judge.", hint="Name files, folders or archives, or a --list.")
    if args.etsi and args.into is None:
        raise ChoiceNeeded("--etsi writes into a folder.", hint="Name it with --into.")
    if args.profile is not None and args.report is None and args.into is None:
        raise ChoiceNeeded("--sign-with signs a summary.", hint="Ask for one with --report or --into.")
    if args.list_signer and args.trusted_lists is None:
        raise ChoiceNeeded("--list-signer signs trusted lists.", hint="Name their folder: --trusted-lists.")


def _whole(args: argparse.Namespace) -> bool:
    """Whether every file gets the whole validation: asked for, or because a report tells of it."""
    return bool(args.whole or args.report or args.etsi)


def _require_signable(args: argparse.Namespace, now: datetime) -> None:
    """Sign a summary of nothing, and throw it away: files are judged for hours before theirs is signed.

    So a mistyped profile, a wrong passphrase or a timestamp authority that does not answer is told at once.
    Raises CommandError, CertsProblem, SigningError.
    """
    if args.profile is not None:
        signed_bytes(summary_pdf(lambda: (), made_at=now), args)


def _listed(path: Path | None) -> Iterator[Path]:
    if path is None:
        return
    if str(path) == "-":
        yield from listed(sys.stdin)
        return
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as lines:
            yield from listed(lines)
    except OSError as error:
        raise InputUnreadable(
            f"{path} can't be read: {error.strerror}.", hint="Name a file with a path a line."
        ) from error


@contextmanager
def _register(args: argparse.Namespace) -> Iterator[tuple["IssuedRegister | None", _Unasked | None]]:
    """The register of the office, where there is one and it is to be asked.

    An office that is merely in the folder in which the command is typed may be one that this release can't
    open: then its folder and the reason are given instead. Raises RegisterUnasked for one that was named.
    """
    if args.no_register:
        if args.seen_by is not None:
            raise ChoiceNeeded("--seen-by is about the register.", hint="Leave --no-register out.")
        yield None, None
        return
    if args.seen_by is not None:
        require_office(args.data)
    if not (has_office(args.data) or is_of_an_office(args.data)):
        _require_unnamed(args)
        yield None, None
        return
    # the workflow takes a second to import, and who verifies elsewhere doesn't need it
    from cli.queue import require_known  # noqa: PLC0415
    from workflow.errors import WorkflowError  # noqa: PLC0415
    from workflow.issued import IssuedRegister  # noqa: PLC0415

    try:
        store, unasked = _store(args)
        if store is None:
            yield None, unasked
            return
        try:
            if args.seen_by is not None:
                require_known(store, args.seen_by)
            yield IssuedRegister(store, clock=lambda: datetime.now(UTC), seen_by=args.seen_by), None
        finally:
            store.close()
    except WorkflowError as problem:
        raise RegisterUnasked(
            f"The office's register can't be asked: {problem}",
            hint=f"{problem.hint} Or say --no-register, to judge the files by themselves.".lstrip(),
        ) from problem


def _require_unnamed(args: argparse.Namespace) -> None:
    """Refuse a folder that was named and holds no office: mistyped, its register would be silent.

    With --sign-with it may be a folder of development keys alone. Raises RegisterUnasked.
    """
    if args.data is not NOT_NAMED and args.profile is None:
        raise RegisterUnasked(
            f"There is no office in the folder {args.data} whose register could be asked.",
            hint="Name the office's folder, or say --no-register, to judge the files by themselves.",
        )


def _store(args: argparse.Namespace) -> tuple["Store | None", _Unasked | None]:
    """The office's database; where nobody named that office and it can't be opened, what is told of that.

    Raises WorkflowError.
    """
    from workflow.errors import WorkflowError  # noqa: PLC0415  see above
    from workflow.store import Store  # noqa: PLC0415

    named = args.data is not NOT_NAMED or args.seen_by is not None or DATABASE_VARIABLE in os.environ
    try:
        return Store.open(args.data, make=False), None
    except WorkflowError as problem:
        if named:
            raise
        return None, (str(args.data), str(problem))


def _by_register(reports: Iterator[Report], register: "IssuedRegister") -> Iterator[Report]:
    """The reports, with what the register says of each file."""
    for report in reports:
        yield with_register(report, register.word(report))


@contextmanager
def _spool(
    args: argparse.Namespace, trust: TrustStore, register: "IssuedRegister | None" = None
) -> Iterator[tuple[Spool, datetime | None]]:
    """Where the reports are kept, and the validation time: that of a run which is taken up, its own."""
    if args.into is None:
        with tempfile.TemporaryFile() as file:
            yield Spool(file), args.at
        return
    terms = {
        "paths": [str(path) for path in args.paths],
        "list": None if args.list is None else str(args.list),
        "at": None if args.at is None else args.at.isoformat(),
        "trust": TrustMaterial.of(trust).sha256_hex,
        "trusted_lists": None if args.trusted_lists is None else str(args.trusted_lists),
        "list_signers": [str(path) for path in args.list_signer],
        "whole": _whole(args),
        "online": sorted(_hosts(args)),
        "register": register is not None,
        "seen_by": args.seen_by,
    }
    spool = begin(args.into, terms)
    try:
        yield spool, args.at or next((report.validation_time for report in spool.reports()), None)
    finally:
        spool.close()


def _write_summary(args: argparse.Namespace, spool: Spool, trust: TrustStore, now: datetime) -> None:
    words = words_in(args.language)
    pdf = summary_pdf(spool.reports, made_at=now, trust=trust, words=words)
    if args.profile is not None:
        pdf = signed_bytes(pdf, args)
    if args.report is not None:
        write_whole(args.report, pdf, force=args.force)
    if args.into is not None:
        end(args.into, spool, pdf, words=words, etsi=args.etsi)


def _trust(args: argparse.Namespace, now: datetime) -> TrustStore:
    """What is trusted, with a word about every trusted list that can't be used. Raises TrustError."""
    trust = load_trust(args.trust)
    if args.trusted_lists is None:
        return trust
    lists = load_trusted_lists(args.trusted_lists, args.list_signer, now=now)
    for unused in lists.unused:
        told = _encodable(
            f"paraaf verify: trusted list {printable(unused.name)} is not used: ", as_json=False
        )
        print(f"{told}{_encodable(printable(unused.why), as_json=False)}.", file=sys.stderr)
    return replace(trust, lists=lists)


def _online(args: argparse.Namespace) -> AllowedHosts | None:
    """Whom to ask: the call's hosts, else the office's; None asks nobody. Raises TrustError."""
    hosts = _hosts(args)
    return AllowedHosts.parse(hosts) if hosts else None


def _hosts(args: argparse.Namespace) -> list[str]:
    office = [entry for entry in os.environ.get(ONLINE_VARIABLE, "").split(",") if entry.strip()]
    return args.online or office


def _encodable(text: str, *, as_json: bool) -> str:
    """The text in characters that standard output can take, whatever files and signers are called."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json_in_ascii(text) if as_json else text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _require_report_room(args: argparse.Namespace) -> None:
    """Refuse a summary that would take the place of a file, or of one that is to be judged.

    Raises OutputRefused.
    """
    if args.report is None:
        return
    try:
        if any(_is_among(args.report, path) for path in (*args.paths, *args.trust)):
            raise OutputRefused(
                f"{args.report} is among the files to be read.", hint="Choose another name for the summary."
            )
        require_room(args.report, force=args.force)
    except OSError as error:
        raise OutputRefused(
            f"{args.report} can't be written: {error.strerror}.", hint="Choose another name."
        ) from error


def _is_among(report: Path, path: Path) -> bool:
    try:
        return report.samefile(path) or (path.is_dir() and report.resolve().is_relative_to(path.resolve()))
    except OSError:  # one of them isn't there
        return False


def _teller(args: argparse.Namespace) -> Callable[[Iterator[Report], Words], Iterator[str]]:
    if args.json:
        return json_array
    if args.jsonl:
        return _lines
    if args.into is not None and not args.csv:
        return _nothing
    return _csv if args.csv else _text


def _csv(reports: Iterator[Report], words: Words) -> Iterator[str]:
    yield csv_line(CSV_COLUMNS)
    for report in reports:
        yield from (csv_line(row) for row in csv_row(report, words))


def _lines(reports: Iterator[Report], words: Words) -> Iterator[str]:
    for report in reports:
        yield json_line(report, words) + "\n"


def _nothing(_reports: Iterator[Report], _words: Words) -> Iterator[str]:
    """A run into a folder tells its results there."""
    yield from ()


def _text(reports: Iterator[Report], words: Words) -> Iterator[str]:
    for report in reports:
        yield text_of_report(report, words)


def moment(text: str) -> datetime:
    """An ISO 8601 time for argparse; without an offset it is UTC, a date alone is its first moment."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"“{text}” is not an ISO 8601 time such as 2026-11-20T14:00:00Z"
        ) from error
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def positive(text: str) -> int:
    """A whole number of at least 1 for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"“{text}” is not a whole number of at least 1")
    return int(text)
