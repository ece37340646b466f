"""`paraaf submit`: hand in requests from CSV and JSON files; bad rows are told, good ones taken.

A row is known again by its content, which its idempotency key is made of: a repeat of a file creates nothing
twice. A reference of a requester stands for one content only.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from cli.errors import ChoiceNeeded
from cli.folder import add_data_option, add_json_option, office_of
from cli.printing import counted, print_json, printable
from documents.errors import IntakeRefused
from documents.intake import Row, RowProblem, read_rows
from workflow.commands import Answer, Command, Submission
from workflow.definition import Definition
from workflow.errors import KeyReused, Refused, WorkflowError
from workflow.open_warnings import as_json, how_to_settle
from workflow.tables import CommandKey, Request

if TYPE_CHECKING:
    from workflow.office import Office  # a second to import, which help and wrong calls need not wait for

KEY, VARIANT = "employer-declaration", "A3"
LANGUAGES = ("nl", "en", "da", "nb")
BATCH = 100  # requests in one transaction

_EPILOG = """Rows: docs/bad-input.md lists what is refused, and with which words.
exit status: 0 every row was taken or was there already; 1 at least one was refused."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `paraaf submit`."""
    parser = subparsers.add_parser(
        "submit",
        description="Hand in a request for every row of CSV and JSON files. Good rows are taken, bad ones"
        " told with their line. What a row leaves open comes from the HR register.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a CSV or JSON file")
    parser.add_argument("--key", default=KEY, help=f"the process (default: {KEY})")
    parser.add_argument(
        "--variant", help=f"the way of signing (default: {VARIANT}, or the only one that the process has)"
    )
    parser.add_argument(
        "--language", default="nl", choices=LANGUAGES, help="the documents' language (default: nl)"
    )
    parser.add_argument(
        "--as", dest="who", metavar="WHO", help="whose request it is, for rows without a person_id"
    )
    add_data_option(parser)
    add_json_option(parser)


def run(args: argparse.Namespace) -> int:
    """Hand in every file; 0 when nothing was refused, else 1."""
    with office_of(args) as office:
        desk = _Desk(office, _definition(office, args), args.language, args.who)
        handed_in = [desk.take(file) for file in args.files]
    if args.json:
        print_json(_json(handed_in))
    else:
        for one in handed_in:
            print("\n".join(_text(one)))
    return 1 if any(one.problems for one in handed_in) else 0


@dataclass(frozen=True)
class Taken:
    """A row that has a request: `repeated` when it had one before."""

    line: int
    row: int
    place: str
    request: int
    reference: str | None
    repeated: bool
    warnings: tuple[Mapping[str, Any], ...]
    """Rules that will need a reason: field, rule, message."""


@dataclass
class HandedIn:
    """What became of one file."""

    file: Path
    taken: list[Taken] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    unread: bool = False
    """The file can't be read as rows: none was looked at."""


@dataclass(frozen=True)
class _Desk:
    """Takes files in, for one process, variant and language."""

    office: "Office"
    definition: Definition
    language: str
    who: str | None

    def take(self, file: Path) -> HandedIn:
        """Read a file and hand in its good rows."""
        outcome = HandedIn(file)
        [document] = self.definition.documents.values()
        try:
            intake = read_rows(
                file, document.kind, on=self.office.today(self.definition), register=self.office.register
            )
        except IntakeRefused as refused:
            outcome.unread = True
            message, place = f"{refused} {refused.hint}", f"line {refused.line}"
            outcome.problems.append(RowProblem(refused.line, 0, "", refused.code, message, place))
            return outcome
        outcome.problems += intake.problems
        for start in range(0, len(intake.rows), BATCH):
            self._hand_in(intake.rows[start : start + BATCH], outcome)
        outcome.problems.sort()
        return outcome

    def _hand_in(self, rows: Sequence[Row], outcome: HandedIn) -> None:
        references = self._references(rows)
        commands: list[tuple[Row, Command]] = []
        for row in rows:
            requester = row.person_id or self.who
            known = references.get((requester, row.reference))
            if requester is None:
                sentence = "Whose request is this? Give the row a person_id, or say --as."
                outcome.problems.append(row.problem("person_id", "requester-missing", sentence))
            elif known is not None and known[1] != _key_of(row):
                sentence = f"This reference is request {known[0]} already, with other content."
                outcome.problems.append(row.problem("reference", "reference-reused", sentence))
            else:
                commands.append((row, self._command(row, requester)))
        answers = self.office.engine.execute_batch([command for _, command in commands])
        for (row, command), answer in zip(commands, answers, strict=True):
            if isinstance(answer, KeyReused):
                self._known_again(row, command, outcome)
            elif isinstance(answer, WorkflowError):
                outcome.problems += _problems(row, answer)
            else:
                outcome.taken.append(_taken(row, answer))

    def _command(self, row: Row, requester: str) -> Command:
        submission = Submission(
            self.definition.key, self.definition.variant, self.language, reference=row.reference
        )
        # a section without anything in it is no part of what is submitted
        data = {name: section for name, section in row.data.items() if section != {}}
        return Command("submit", requester, key=_key_of(row), data=data, submission=submission)

    def _references(self, rows: Sequence[Row]) -> dict[tuple[str | None, str | None], tuple[int, str]]:
        """Of the rows' references those that their requester has used: (requester, reference) → the request's
        number, and the key it was made under. Nobody is told the number of somebody else's."""
        wanted = [row.reference for row in rows if row.reference is not None]
        query = (
            select(Request.requester_id, Request.reference, Request.id, CommandKey.key)
            .join(CommandKey, CommandKey.request_id == Request.id)
            .where(
                Request.key == self.definition.key,
                Request.reference.in_(wanted),
                Request.requester_id.in_({row.person_id or self.who for row in rows} - {None}),
                CommandKey.key.startswith("submit:"),
            )
        )
        with self.office.store.read() as session:
            return {
                (requester, reference): (number, key)
                for requester, reference, number, key in session.execute(query)
            }

    def _known_again(self, row: Row, command: Command, outcome: HandedIn) -> None:
        """The same row made a request before, though the register or the month was another one then."""
        with self.office.store.read() as session:
            found = session.get_one(CommandKey, (command.actor, command.key))
            request = session.get_one(Request, found.request_id)
            same = (request.key, request.variant, request.requester_id) == (
                self.definition.key,
                self.definition.variant,
                command.actor,
            )
            other_language = request.language if request.language != self.language else None
        if same and other_language is None:
            outcome.taken.append(_taken(row, Answer(request.id, 0, request.state, 0, repeated=True)))
            return
        how = (
            f"in another language ({other_language})"
            if same
            else f"({request.variant}, {request.requester_id})"
        )
        sentence = (
            f"This was handed in before, as request {request.id} {how}; nothing was changed."
            " To ask for it once more, give the row a reference of its own."
        )
        outcome.problems.append(row.problem("", "submitted-before", sentence))


def _definition(office: "Office", args: argparse.Namespace) -> Definition:
    """The process asked for. Raises DefinitionUnknown, ChoiceNeeded."""
    variants = [one.variant for one in office.catalogue.offered if one.key == args.key]
    variant = args.variant or (variants[0] if len(variants) == 1 else VARIANT)
    definition = office.catalogue.get(args.key, variant)
    if len(definition.documents) != 1:
        raise ChoiceNeeded(
            f"A request of {definition.label} has several documents, and a row can only hold one.",
            hint="Hand it in another way.",
        )
    return definition


def _key_of(row: Row) -> str:
    return f"submit:{row.submission_key}:{row.content_sha256}"


def _taken(row: Row, answer: Answer) -> Taken:
    warnings = tuple(as_json(warning) for warning in row.warnings)
    return Taken(row.line, row.row, row.place, answer.request_id, row.reference, answer.repeated, warnings)


def _problems(row: Row, error: WorkflowError) -> Iterator[RowProblem]:
    if isinstance(error, Refused):
        for reason in error.reasons:
            yield row.problem(reason.field, reason.code, reason.message)
    else:
        yield row.problem("", error.code, f"{error} {error.hint}".rstrip())


def _json(handed_in: Sequence[HandedIn]) -> dict[str, Any]:
    return {
        "files": [
            {
                "file": str(one.file),
                "taken": [asdict(taken) for taken in one.taken],
                "problems": [asdict(problem) for problem in one.problems],
            }
            for one in handed_in
        ]
    }


def _text(one: HandedIn) -> Iterator[str]:
    new = [taken for taken in one.taken if not taken.repeated]
    again = [taken for taken in one.taken if taken.repeated]
    refused = len({problem.row for problem in one.problems})
    said = ["refused"] if one.unread else [f"{counted(len(new), 'new request')}{_numbers(new)}"]
    if again:
        said.append(f"{len(again)} already there{_numbers(again)}")
    if refused and not one.unread:
        said.append(f"{counted(refused, 'row')} refused")
    yield f"{one.file}: {', '.join(said)}"
    for problem in one.problems:
        yield f"  {printable(str(problem) if problem.line else problem.message)}"
    for taken in new:
        for warning in taken.warnings:
            said_of = f"{warning['field']}: {warning['message']} {how_to_settle(warning['rule'])}"
            yield f"  {taken.place}, request {taken.request}, {printable(said_of)}"


def _numbers(rows: Sequence[Taken]) -> str:
    """The requests' numbers, as ranges: ` (3–7, 9)`."""
    ranges: list[list[int]] = []
    for number in sorted(taken.request for taken in rows):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        elif not ranges or number != ranges[-1][1]:
            ranges.append([number, number])
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in ranges]
    return f" ({', '.join(shown)})" if shown else ""
