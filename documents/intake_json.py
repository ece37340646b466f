"""Rows of a JSON file: one object, a list of objects, or an object a line."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from documents.errors import FieldProblem
from documents.intake_file import Limits
from documents.intake_row import RawRow
from documents.kinds.kind import shown_name
from wording import Sentence

_BLANKS = " \t\r\n"
_BLANK_RUN = re.compile(f"[{_BLANKS}]*")
_NOT_AN_OBJECT = Sentence("A row is an object with named fields.")
_STOPPED = Sentence("This is not well-formed JSON from this line on; nothing from here on was read.")
_NOT_JSON = Sentence("This is not well-formed JSON.")
_TOO_DEEP = Sentence("The data is nested too deeply.")


def json_rows(text: str, limits: Limits) -> Iterator[RawRow]:
    """Read the rows of a text that begins with { or [; a row's line is where its object begins.

    Lines that hold an object each are independent; a list is read as far as it is well-formed. A null is as
    good as no field at all.
    """
    start = _after_blanks(text, 0)
    if text[start] == "[":
        yield from _list_rows(text, start + 1, _Decoder(limits))
    elif _is_one_a_line(text, _Decoder(limits)):
        for line, content in enumerate(text.split("\n"), start=1):
            if _stripped(content):
                yield _only_row(content, line, _Decoder(limits))
    else:
        yield _only_row(text[start:], _line_at(text, start), _Decoder(limits))


class _Decoder:
    """Python's JSON decoder, with numbers kept as written and repeated names noticed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._repeated: list[str] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=_number, parse_int=_number, parse_constant=float
        )

    def row_at(self, text: str, start: int, line: int) -> tuple[RawRow, int]:
        """Give the row whose value begins here, and where it ends. Raises ValueError or RecursionError."""
        self._repeated = []
        value, end = self._decoder.raw_decode(text, start)
        if not isinstance(value, dict):
            return RawRow.unreadable(line, "wrong-type", _NOT_AN_OBJECT), end
        if _holds_more_than(self._limits.values, value):
            sentence = Sentence("This row holds more than {most} values.", most=self._limits.values)
            return RawRow.unreadable(line, "row-too-large", sentence), end
        twice = Sentence("This field stands twice in one object.")
        problems = {FieldProblem(shown_name(name), "repeated-field", twice) for name in self._repeated}
        return RawRow(line, value, tuple(sorted(problems))), end

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names: dict[str, Any] = {}
        for name, value in pairs:
            if name in names:
                self._repeated.append(name)
            names[name] = value
        return {name: value for name, value in names.items() if value is not None}


def _holds_more_than(most: int, value: Any) -> bool:
    """Count names and items at every depth, and stop early."""
    count, open_values = 0, [value]
    while open_values:
        inner = open_values.pop()
        if isinstance(inner, dict | list):
            count += len(inner)
            if count > most:
                return True
            open_values.extend(inner.values() if isinstance(inner, dict) else inner)
    return False


def _number(written: str) -> int | Decimal:
    if len(written) <= 18 and written.lstrip("-").isdigit():
        return int(written)
    try:
        return Decimal(written)
    except InvalidOperation as error:
        raise ValueError("a number out of all bounds") from error


def _list_rows(text: str, position: int, decoder: _Decoder) -> Iterator[RawRow]:
    """Read the rows after an opening bracket, and what follows up to the end of the text."""
    line, counted = 1, 0  # counted: up to where line breaks have been counted
    position = _after_blanks(text, position)
    more = not text.startswith("]", position)
    while more:
        position = _after_blanks(text, position)
        line, counted = line + text.count("\n", counted, position), position
        try:
            row, position = decoder.row_at(text, position, line)
        except (ValueError, RecursionError) as error:
            yield _broken(_line_at(text, getattr(error, "pos", position)), error, _STOPPED)
            return
        yield row
        position = _after_blanks(text, position)
        more = text.startswith(",", position)
        position += more
    rest = _after_blanks(text, position + 1) if text.startswith("]", position) else position
    if rest < len(text) or not text.startswith("]", position):
        yield RawRow.unreadable(_line_at(text, rest), "json-syntax", _STOPPED)


def _is_one_a_line(text: str, decoder: _Decoder) -> bool:
    """Say whether the first line that is not blank is an object, or the second begins one."""
    lines = [line for line in map(_stripped, text.split("\n")) if line][:2]
    if len(lines) < 2:
        return False
    return lines[1].startswith("{") or not _only_row(lines[0], 1, decoder).problems


def _only_row(text: str, line: int, decoder: _Decoder) -> RawRow:
    try:
        row, end = decoder.row_at(text, _after_blanks(text, 0), line)
    except (ValueError, RecursionError) as error:
        return _broken(line + text.count("\n", 0, getattr(error, "pos", 0)), error, _NOT_JSON)
    if _stripped(text[end:]):
        return RawRow.unreadable(line, "json-syntax", Sentence("More text follows after the object."))
    return row


def _broken(line: int, error: Exception, sentence: Sentence) -> RawRow:
    deep = isinstance(error, RecursionError)
    return RawRow.unreadable(line, "json-syntax", _TOO_DEEP if deep else sentence)


def _line_at(text: str, position: int) -> int:
    return 1 + text.count("\n", 0, position)


def _stripped(text: str) -> str:
    return text.strip(_BLANKS)


def _after_blanks(text: str, position: int) -> int:
    match = _BLANK_RUN.match(text, position)
    return match.end() if match else position
