"""Reports kept on disk while a run goes on: the summary needs no more memory for many files than for few.

A spool is a file of lines, a report each, in the order of the run. One that is kept in a folder can be taken
up again after the run was stopped: its terms (validation time, trust, which files) must be the same then.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from disk import whole_file
from signing.verify.report import Report
from signing.verify.transport import packed, unpacked

TERMS = "run.json"
SPOOL = "run.spool"
_SYNC_EVERY = 200  # reports


class OtherRun(Exception):
    """The folder holds a run under other terms, or over other files; the message says what differs."""


class Spool:
    """The reports of a run, written and read again."""

    def __init__(self, file: IO[bytes], *, done: int = 0, names: "hashlib._Hash | None" = None) -> None:
        self._file = file
        self._names = names or hashlib.sha256()
        self.done = done
        """Reports that are there."""

    @classmethod
    def taken_up(cls, folder: Path, terms: Mapping[str, Any]) -> "Spool":
        """The run of a folder, begun when there is none. Raises OtherRun, OSError."""
        there = folder / TERMS
        wanted = json.dumps(terms, sort_keys=True)
        try:
            if there.read_text(encoding="utf-8") != wanted:
                raise OtherRun(_difference(json.loads(there.read_text(encoding="utf-8")), terms))
        except FileNotFoundError:
            try:
                with whole_file(there, mode=0o644) as file_of_terms:
                    file_of_terms.write(wanted.encode())
            except FileExistsError as error:
                raise OtherRun("another process has just begun one there") from error
        except ValueError as error:
            raise OtherRun(f"{there} can't be read") from error
        file = (folder / SPOOL).open("a+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise OtherRun("it is still going on, in another process") from error
        file.seek(0)
        names, done, end = hashlib.sha256(), 0, 0
        for line in file:
            try:
                report = unpacked(line)
            except ValueError:
                break  # cut off when the run was stopped: the file is judged again
            if not line.endswith(b"\n"):
                break  # cut off just before its end: the next one would stand on the same line
            end += len(line)
            done += 1
            _note(names, report.name)
        file.truncate(end)
        file.seek(end)
        return cls(file, done=done, names=names)

    def write(self, report: Report) -> None:
        """Append one."""
        self._file.write(packed(report) + b"\n")
        self.done += 1
        _note(self._names, report.name)
        if self.done % _SYNC_EVERY == 0:
            self._file.flush()
            with suppress(OSError):
                os.fsync(self._file.fileno())

    def require_names(self, names: Iterator[str]) -> None:
        """Require that the run's first reports are about these; takes as many as there are.

        Raises OtherRun.
        """
        found = hashlib.sha256()
        for _ in range(self.done):
            name = next(names, None)
            if name is None:
                raise OtherRun("there are fewer files than when the run began")
            _note(found, name)
        if found.digest() != self._names.digest():
            raise OtherRun("there are other files than when the run began")

    def reports(self) -> Iterator[Report]:
        """All of them, from the first on."""
        self._file.flush()
        self._file.seek(0)
        for line in self._file:
            yield unpacked(line)
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _note(names: "hashlib._Hash", name: str) -> None:
    names.update(name.encode("utf-8", "surrogateescape") + b"\0")


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            return f"its {key.replace('_', ' ')} was {before.get(key)!s:.80}, now it is {now.get(key)!s:.80}"
    return "its terms differ"
