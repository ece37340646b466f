"""A file that somebody sent, up to its text: size and encoding, before anything is read into it."""

import stat
from dataclasses import dataclass
from pathlib import Path

from documents.errors import IntakeRefused


@dataclass(frozen=True)
class Limits:
    """What a file may have at most. A file over a limit is refused as a whole; for a cell, its row is."""

    file_bytes: int = 20_000_000
    rows: int = 10_000
    values: int = 1_000  # of one row: columns of a table, or names and items of an object
    cell_characters: int = 10_000


DEFAULT_LIMITS = Limits()

_SAVE_AS_UTF8 = "Save the file as UTF-8 (in Excel: CSV UTF-8) and submit it again."
_NOT_TEXT = {  # the first bytes of files that people take for a table
    b"PK\x03\x04": "This is an Excel workbook or a ZIP file, not text.",
    b"%PDF": "This is a PDF, not a table.",
    b"\x1f\x8b": "This is a compressed file, not text.",
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook, not text.",
}
_TAR = b"ustar"  # not at the beginning: of the first name's header
_OTHER_MARKS = {  # byte order marks; UTF-32's begins with UTF-16's, so it comes first
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def read_file(path: Path, limits: Limits) -> bytes:
    """Read a regular file that is not over the limit. Raises IntakeRefused."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise IntakeRefused("This is no file.", hint="Give the path of a CSV or JSON file.")
        with path.open("rb") as file:
            content = file.read(limits.file_bytes + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "the path is not one"
        raise IntakeRefused(
            f"The file can't be read: {reason}.", hint="Look at its path and its rights."
        ) from error
    return content


def text_of(content: bytes, limits: Limits) -> str:
    """Decode UTF-8, with or without a byte order mark. Raises IntakeRefused that names the line."""
    if len(content) > limits.file_bytes:
        raise IntakeRefused(
            f"The file is larger than {limits.file_bytes // 1_000_000} MB.",
            hint="Split it into smaller files.",
        )
    _refuse_other_formats(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\x00" in content:
            raise IntakeRefused(
                "This is no text: it has bytes that no text has.", hint="Submit a CSV or JSON file."
            ) from error
        line = content.count(b"\n", 0, error.start) + 1
        raise IntakeRefused(
            f"Line {line} is not UTF-8; the file seems to be in an older encoding such as Windows-1252.",
            hint=_SAVE_AS_UTF8,
            line=line,
        ) from error
    if not text.strip():
        raise IntakeRefused("The file is empty.", hint="Give a first line of field names, and rows below it.")
    return text


def _refuse_other_formats(content: bytes) -> None:
    for start, sentence in _NOT_TEXT.items():
        if content.startswith(start):
            raise IntakeRefused(sentence, hint="Save the table as CSV UTF-8 and submit that.")
    if content[257:262] == _TAR:
        raise IntakeRefused(
            "This is an archive (tar), not a table.", hint="Submit the CSV or JSON file itself."
        )
    encoding = next((name for mark, name in _OTHER_MARKS.items() if content.startswith(mark)), None)
    if encoding is None and b"\x00" in content[:4]:
        encoding = "UTF-16"
    if encoding is not None:
        raise IntakeRefused(f"Line 1 is not UTF-8; the file is in {encoding}.", hint=_SAVE_AS_UTF8, line=1)
