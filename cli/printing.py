"""What commands print: aligned tables for people, one JSON document for programs."""

import io
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

NOTHING = "–"


def print_json(document: Any, *, indent: int | None = 2) -> None:
    """Print one JSON document; times in UTC, ISO 8601; in ASCII where standard output takes no more."""
    text = json.dumps(document, ensure_ascii=False, indent=indent, default=_plain)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=indent, default=_plain)
    print(text)


def escape_what_cant_be_shown() -> None:
    """Have characters that a terminal's encoding lacks printed as escapes, whatever people are called."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def utc(moment: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC, ending in Z."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def minute(moment: datetime | None) -> str:
    """A time as people read it, in UTC, to the minute."""
    return NOTHING if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def second(moment: datetime) -> str:
    """The same to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Text without control characters: what somebody typed must not move the reader's cursor."""
    return "".join(character if character.isprintable() else "�" for character in text)


def counted(count: int, noun: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def holds_named(numbers: Sequence[int]) -> str:
    """`hold 3`, `holds 3, 8`; nothing for none."""
    listed = ", ".join(map(str, numbers))
    return f"hold{'s' if len(numbers) > 1 else ''} {listed}" if numbers else ""


def aligned(rows: Sequence[Sequence[str | None]], *, indent: str = "") -> Iterator[str]:
    """Lines of a table, columns as wide as their longest cell; None is printed as a dash."""
    cells = [[NOTHING if cell is None else printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield indent + line.rstrip()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return utc(value) or ""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a JSON document")
