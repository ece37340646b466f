"""Rows of a CSV file: separator found, names of columns understood, cells put at their place."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from typing import Any

from documents.errors import FieldProblem, IntakeRefused
from documents.intake_file import Limits
from documents.intake_row import OWN_FIELDS, RawRow
from documents.kinds import Kind
from documents.kinds.kind import shown_name
from documents.kinds.paths import is_field, is_place
from wording import Sentence

SEPARATORS = ";,\t"
_SEPARATOR_LINE = re.compile(r"sep=([;,\t])(?:\r\n|\r|\n|\Z)", re.IGNORECASE)  # Excel writes it for itself


def csv_rows(text: str, kind: Kind[Any], limits: Limits) -> Iterator[RawRow]:
    """Read the rows below the first line, one after the other.

    A row's line is the one that it begins on; a quoted cell may hold line breaks. Reading stops at a
    quotation mark that is not closed, because what follows could be part of a cell. Raises IntakeRefused
    for the first line.
    """
    written = _SEPARATOR_LINE.match(text)
    skipped, text = (1, text[written.end() :]) if written else (0, text)
    separator = _separator(text, written[1] if written else SEPARATORS, kind)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = _columns(next(reader), kind, limits)
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row = _broken_row(line, error)
            yield row
            if row.last:
                return
            continue
        if any(cell.strip() for cell in cells):
            yield _row(line, columns, cells, limits)


def _separator(text: str, candidates: str, kind: Kind[Any]) -> str:
    """Find the separator under which the first line names most fields."""
    best, most = "", 0
    for separator in candidates:
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [])
        except csv.Error:
            continue
        known = sum(_is_known(_path(name, kind), kind) for name in names)
        if known > most:
            best, most = separator, known
    if not best:
        raise IntakeRefused(
            "The first line names no field of this kind of document.",
            hint="Begin with a line like person_id;employee.function, parted by semicolon, comma or tab.",
            line=1,
        )
    return best


def _path(name: str, kind: Kind[Any]) -> str:
    plain = " ".join(name.split()).lower()
    return OWN_FIELDS.get(plain) or kind.aliases.get(plain, plain)


def _is_known(path: str, kind: Kind[Any]) -> bool:
    return path in OWN_FIELDS.values() or is_field(kind.model, path)


def _columns(names: list[str], kind: Kind[Any], limits: Limits) -> list[str]:
    while names and not names[-1].strip():
        names = names[:-1]  # a separator too many at the end, as spreadsheets write
    if len(names) > limits.values:
        raise _refused_header(f"The first line has more than {limits.values} columns.")
    paths = [_path(name, kind) for name in names]
    unknown = [
        shown_name(name.strip()) for name, path in zip(names, paths, strict=True) if not _is_known(path, kind)
    ]
    if unknown:
        raise _refused_header(f"The first line names fields that there are not: {', '.join(unknown[:10])}.")
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise _refused_header(f"The first line names fields twice: {', '.join(twice[:10])}.")
    return paths


def _refused_header(message: str) -> IntakeRefused:
    return IntakeRefused(message, hint="Correct the first line and submit the file again.", line=1)


def _broken_row(line: int, error: csv.Error) -> RawRow:
    """Only text after a closing quotation mark leaves the next line sound; csv tells it in words."""
    if "expected after" in str(error):
        sentence = Sentence(
            "A quotation mark stands inside a cell; write it twice, and put the cell in quotation marks."
        )
        return RawRow.unreadable(line, "csv-quotation", sentence)
    sentence = Sentence(
        "A quotation mark that opens in this row is not closed, or its cell is far too long; "
        "nothing from here on was read."
    )
    return RawRow.unreadable(line, "csv-quotation", sentence, last=True)


def _row(line: int, columns: list[str], cells: list[str], limits: Limits) -> RawRow:
    while len(cells) > len(columns) and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) != len(columns):
        sentence = Sentence(
            "This row has {cells} cells and the first line {columns}; "
            "a cell that holds the separator stands in quotation marks.",
            cells=len(cells),
            columns=len(columns),
        )
        return RawRow.unreadable(line, "row-width", sentence)
    filled = {path: cell for path, cell in zip(columns, cells, strict=True) if cell.strip()}
    long = [path for path, cell in filled.items() if len(cell) > limits.cell_characters]
    if long:
        sentence = Sentence("This cell is longer than {longest} characters.", longest=limits.cell_characters)
        return RawRow(line, {}, tuple(FieldProblem(path, "cell-too-long", sentence) for path in long))
    return RawRow(line, _nested(filled))


def _nested(cells: Mapping[str, str]) -> dict[str, Any]:
    """Make {"a.b": x, "c.1.d": y} into {"a": {"b": x}, "c": [{"d": y}]}; a gap stays an empty place."""
    nested: dict[str, Any] = {}
    for path, cell in cells.items():
        *parents, name = path.split(".")
        inner = nested
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[name] = cell
    return {name: _listed(value) for name, value in nested.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(content) for name, content in value.items()}
    if not all(is_place(name) for name in inner):
        return inner
    places = {int(name): content for name, content in inner.items()}
    return [places.get(place, {}) for place in range(1, max(places) + 1)]
