"""Rows of a CSV or JSON file become checked requests; every bad row is reported, and the good ones are taken.

CSV: a first line of field names ("income.gross_yearly", or a Dutch name that the kind knows), parted by
semicolon, comma or tab, decimal comma or point, UTF-8 with or without a byte order mark. JSON: an object, a
list of objects, or an object a line. Two more fields belong to the row: `person_id` (what the row leaves
open comes from the HR register) and `reference` (the sender's own number). No message repeats what was
typed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
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

__all__ = ["DEFAULT_LIMITS", "Intake", "Limits", "Row", "RowProblem", "read_bytes", "read_rows"]


@dataclass(frozen=True)
class Row:
    """A row that makes a document: its canonical data, and how a repeat of it is known.

    `submission_key` is the same whenever the same row is read again, from CSV or JSON, whatever the
    register says by then. With a reference it depends on that alone: the same key with another
    `content_sha256` must be refused by whoever keeps the keys. `warnings` are rules that will need a
    reason.
    """

    line: int
    data: dict[str, Any]
    submission_key: str
    content_sha256: str
    reference: str | None = None
    person_id: str | None = None
    warnings: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True, order=True)
class RowProblem:
    """One field of one row that breaks a rule; `field` is "" when the row as a whole does."""

    line: int
    field: str
    rule: str
    message: str

    def __str__(self) -> str:
        return (
            f"line {self.line}, {self.field}: {self.message}"
            if self.field
            else f"line {self.line}: {self.message}"
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
    for count, raw in enumerate(raw_rows, start=1):
        if count > limits.rows:
            raise IntakeRefused(
                f"The file has more than {limits.rows} rows.", hint="Split it into smaller files."
            )
        reader.take(raw)
    if not (reader.rows or reader.problems):
        raise IntakeRefused("The file holds no rows.", hint="Give at least one row or object.")
    return Intake(tuple(reader.rows), tuple(sorted(reader.problems)))


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

    def take(self, raw: RawRow) -> None:
        """Check a row: it ends up in `rows`, or its problems in `problems`."""
        try:
            row = self._row(raw)
        except KindProblems as error:
            self.problems += [RowProblem(raw.line, p.field, p.rule, p.message) for p in error.problems]
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
            problem = FieldProblem("person_id", "person-unknown", str(error))
            raise KindProblems(self.kind.name, [problem]) from error


def _repetition(row: Row, earlier: Row) -> RowProblem:
    if row.content_sha256 == earlier.content_sha256:
        sentence = f"This row says the same as line {earlier.line}; it is taken once."
        return RowProblem(row.line, "", "row-repeated", sentence)
    sentence = f"Line {earlier.line} has the same reference with other content; that line is taken."
    return RowProblem(row.line, "reference", "reference-reused", sentence)


def _restricted(canonical: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The canonical form of what the row itself gave, without what came from the register."""
    return {
        name: _restricted(canonical[name], value) if isinstance(value, Mapping) else canonical[name]
        for name, value in given.items()
        if name in canonical
    }


def _digest(content: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
