"""Rows of a CSV or JSON file become checked requests; every bad row is reported, and the good ones are taken.

CSV: a first line of field names ("income.gross_yearly", or a Dutch name that the kind knows), parted by
semicolon, comma or tab, decimal comma or point, UTF-8 with or without a byte order mark. JSON: an object, a
list of objects, or an object a line. Two more fields belong to the row: `person_id` (what the row leaves
open comes from the HR register) and `reference` (the sender's own number). No message repeats what was
typed, but for the reference of a row that shares its line with others.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import ValidationError

from documents.errors import FieldProblem, IntakeRefused, KindProblems, PersonUnknown
from documents.intake_csv import csv_rows
from documents.intake_file import DEFAULT_LIMITS, Limits, read_file, text_of
from documents.intake_json import json_rows
from documents.intake_row import RawRow
from documents.kinds import Evidence, Kind, StageName, kind_named, merged
from documents.kinds.fields import Line, Section
from documents.kinds.kind import field_problems
from documents.register import Register
from wording import Sentence

__all__ = ["DEFAULT_LIMITS", "Intake", "Limits", "Row", "RowProblem", "read_bytes", "read_rows"]

_NOBODY_NAMED = Sentence(
    "This row names nobody, so nothing comes from the HR register: give it a person_id, or every field."
)
_UNKNOWN = Sentence("The HR register holds no person of this id.")


@dataclass(frozen=True)
class Row:
    """A row that makes a document: its canonical data, and how a repeat of it is known.

    `submission_key` is the same whenever the same row is read again, from CSV or JSON, whatever the
    register says by then. With a reference it depends on that alone: the same key with another
    `content_sha256` must be refused by whoever keeps the keys. `warnings` are rules that will need a
    reason; `row` and `place` are those of RowProblem.
    """

    line: int
    data: dict[str, Any]
    submission_key: str
    content_sha256: str
    reference: str | None = None
    person_id: str | None = None
    warnings: tuple[FieldProblem, ...] = ()
    row: int = 0
    place: str = ""

    def problem(self, field: str, rule: str, message: str) -> "RowProblem":
        """Say that something of this row is refused after all."""
        return RowProblem(self.line, self.row, field, rule, message, self.place)


@dataclass(frozen=True, order=True)
class RowProblem:
    """One field of one row that breaks a rule; `field` is "" when the row as a whole does.

    `row` counts the file's rows from 1 (0: the file as a whole); `place` says where it is: by its line, and
    by its number and reference where several rows begin on that line.
    """

    line: int
    row: int
    field: str
    rule: str
    message: str
    place: str

    def __str__(self) -> str:
        return (
            f"{self.place}, {self.field}: {self.message}" if self.field else f"{self.place}: {self.message}"
        )


@dataclass(frozen=True)
class Intake:
    """What a file held: the good rows, and every problem of the others, both by line."""

    rows: tuple[Row, ...]
    problems: tuple[RowProblem, ...]


def read_rows(
    path: Path,
    kind: str,
    *,
    on: date,
    register: Register | None = None,
    stage: StageName = "request",
    limits: Limits = DEFAULT_LIMITS,
) -> Intake:
    """Read a file of requests for documents of one kind, to be made on a day.

    With a register, rows that name a person are filled from it and compared with it. Raises IntakeRefused
    when the file as a whole can't be read, and UnknownKind.
    """
    return read_bytes(read_file(path, limits), kind, on=on, register=register, stage=stage, limits=limits)


def read_bytes(
    content: bytes,
    kind: str,
    *,
    on: date,
    register: Register | None = None,
    stage: StageName = "request",
    limits: Limits = DEFAULT_LIMITS,
) -> Intake:
    """Read the content of a file as read_rows does."""
    reader = _RowReader(kind_named(kind), register, stage, on)
    text = text_of(content, limits)
    is_json = text.lstrip()[:1] in {"{", "["}
    raw_rows = json_rows(text, limits) if is_json else csv_rows(text, reader.kind, limits)
    raws = list(islice(raw_rows, limits.rows + 1))
    if len(raws) > limits.rows:
        raise IntakeRefused(
            f"The file has more than {limits.rows} rows.", hint="Split it into smaller files."
        )
    on_line = Counter(raw.line for raw in raws)
    for number, raw in enumerate(raws, start=1):
        reader.take(raw, number, _place(raw, number, alone=on_line[raw.line] == 1))
    if not (reader.rows or reader.problems):
        raise IntakeRefused("The file holds no rows.", hint="Give at least one row or object.")
    return Intake(tuple(reader.rows), tuple(sorted(reader.problems, key=_order)))


def _place(raw: RawRow, number: int, *, alone: bool) -> str:
    if alone:
        return f"line {raw.line}"
    try:
        reference = _Head.model_validate({"reference": raw.data.get("reference")}).reference
    except ValidationError:  # a reference that is refused is not printed either
        reference = None
    return f"line {raw.line}, row {number}" + (f" (reference {reference})" if reference else "")


class _Head(Section):
    reference: Line | None = None
    person_id: Line | None = None


@dataclass
class _RowReader:
    """Takes raw rows one by one, and remembers which submissions it has seen."""

    kind: Kind[Any]
    register: Register | None
    stage: StageName
    on: date
    rows: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)
    seen: dict[str, Row] = field(default_factory=dict)

    def take(self, raw: RawRow, number: int, place: str) -> None:
        """Check a row: it ends up in `rows`, or its problems in `problems`."""
        try:
            row = replace(self._row(raw), row=number, place=place)
        except KindProblems as error:
            found = [*self._nobody_named(raw, error.problems), *error.problems]
            self.problems += [RowProblem(raw.line, number, p.field, p.rule, p.message, place) for p in found]
            return
        earlier = self.seen.setdefault(row.submission_key, row)
        if earlier is row:
            self.rows.append(row)
        else:
            self.problems.append(_repetition(row, earlier))

    def _row(self, raw: RawRow) -> Row:
        """(1) Part the row's own fields from the document's, (2) fill up, (3) check, (4) key."""
        if raw.problems:
            raise KindProblems(self.kind.name, raw.problems)
        given = {name: value for name, value in raw.data.items() if name not in _Head.model_fields}
        head = self._head(
            {name: value for name, value in raw.data.items() if name in _Head.model_fields}
        )  # (1)
        data, evidence = self._prefilled(head.person_id, given)  # (2)
        model = self.kind.parse(data, self.stage, evidence)  # (3)
        canonical = self.kind.json_of(model)
        content = _digest(
            {"kind": self.kind.name, "person_id": head.person_id, "data": _restricted(canonical, given)}
        )
        key = content if head.reference is None else _digest([self.kind.name, head.reference])  # (4)
        return Row(
            line=raw.line,
            data=canonical,
            submission_key=key,
            content_sha256=content,
            reference=head.reference,
            person_id=head.person_id,
            warnings=self.kind.check(model, self.stage, evidence),
        )

    def _nobody_named(self, raw: RawRow, found: Iterable[FieldProblem]) -> Iterator[FieldProblem]:
        """What is missing may only be missing because the row names nobody."""
        lacks = any(problem.rule == "missing" and problem.field != "person_id" for problem in found)
        if lacks and self.register is not None and raw.data.get("person_id") is None:
            yield FieldProblem("person_id", "person-missing", _NOBODY_NAMED)

    def _head(self, own: Mapping[str, Any]) -> _Head:
        try:
            return _Head.model_validate(own)
        except ValidationError as error:
            raise KindProblems(self.kind.name, field_problems(error)) from None

    def _prefilled(self, person_id: str | None, given: dict[str, Any]) -> tuple[dict[str, Any], Evidence]:
        if person_id is None or self.register is None:
            return given, Evidence(issued_on=self.on)
        try:
            known = self.register.prefill(person_id, on=self.on, kind=self.kind.name)
            return merged(known, given), self.register.evidence(person_id, on=self.on)
        except PersonUnknown as error:
            problem = FieldProblem("person_id", "person-unknown", _UNKNOWN)
            raise KindProblems(self.kind.name, [problem]) from error


def _order(problem: RowProblem) -> tuple[int, int, bool, RowProblem]:
    """By row; that it names nobody explains what else it lacks."""
    return problem.line, problem.row, problem.rule != "person-missing", problem


def _repetition(row: Row, earlier: Row) -> RowProblem:
    what, number = ("line", earlier.line) if earlier.line != row.line else ("row", earlier.row)
    if row.content_sha256 == earlier.content_sha256:
        sentence = f"This row says the same as {what} {number}; it is taken once."
        return row.problem("", "row-repeated", sentence)
    sentence = (
        f"{what.capitalize()} {number} has the same reference with other content; that {what} is taken."
    )
    return row.problem("reference", "reference-reused", sentence)


def _restricted(canonical: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of what the row itself gave, without what came from the register."""
    return {
        name: _restricted(canonical[name], value) if isinstance(value, Mapping) else canonical[name]
        for name, value in given.items()
        if name in canonical
    }


def _digest(content: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
