"""A run of `paraaf verify` into a folder: taken up where it was stopped, its results written at the end.

run.json, run.spool   the run's terms and its reports so far; gone when the run has ended
results.jsonl         a report a line
results.csv           a line a signature
exceptions.csv        the same, of the files that are not authentic as issued
summary.pdf           for people
etsi/                 ETSI TS 119 102-2, a file each, numbered as in results.jsonl
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cli.errors import OutputRefused
from cli.files import make_folder, write_whole, writing_whole
from signing.verify.etsi import etsi_report
from signing.verify.output import CSV_COLUMNS, as_dict, csv_line, csv_row
from signing.verify.report import Report, Verdict, json_in_ascii
from signing.verify.sources import Source, Unjudged
from signing.verify.spool import SPOOL, TERMS, OtherRun, Spool
from signing.verify.words import ENGLISH, Words

RESULTS, TABLE, EXCEPTIONS, SUMMARY, ETSI = (
    "results.jsonl",
    "results.csv",
    "exceptions.csv",
    "summary.pdf",
    "etsi",
)
_FILES_A_FOLDER = 1000


def begin(folder: Path, terms: dict[str, Any]) -> Spool:
    """The folder's run, begun or taken up. Raises OutputRefused."""
    make_folder(folder)
    if (folder / RESULTS).exists() and not (folder / TERMS).exists():
        raise OutputRefused(f"{folder} holds the results of a run.", hint="Choose another folder.")
    try:
        return Spool.taken_up(folder, terms)
    except OtherRun as problem:
        raise OutputRefused(
            f"{folder} holds a run that was stopped, and can't be taken up: {problem}.",
            hint="Call it as it was called then, or choose another folder.",
        ) from problem
    except OSError as error:
        raise OutputRefused(
            f"{folder} can't be written: {error.strerror}.", hint="Choose another folder."
        ) from error


def left(found: Iterator[Source | Unjudged], spool: Spool) -> Iterator[Source | Unjudged]:
    """What is still to be judged; what was judged before must still be there. Raises OutputRefused."""
    try:
        spool.require_names(one.name for one in found)
    except OtherRun as problem:
        raise OutputRefused(
            f"The run can't be taken up: {problem}.", hint="Begin a new one, in another folder."
        ) from problem
    return found


def end(folder: Path, spool: Spool, summary: bytes, *, words: Words = ENGLISH, etsi: bool) -> None:
    """Write the results, and take away what the run needed to be taken up. Raises OutputRefused."""
    with writing_whole(folder / RESULTS, force=True) as file:
        for report in spool.reports():
            file.write((json_line(report, words) + "\n").encode("utf-8"))
    _table(folder / TABLE, spool, words, lambda _report: True)
    _table(folder / EXCEPTIONS, spool, words, lambda report: report.verdict is not Verdict.AUTHENTIC)
    if etsi:
        write_etsi(folder / ETSI, spool.reports())
    write_whole(folder / SUMMARY, summary, force=True)
    spool.close()
    (folder / TERMS).unlink(missing_ok=True)
    (folder / SPOOL).unlink(missing_ok=True)


def _table(path: Path, spool: Spool, words: Words, wanted: Callable[[Report], bool]) -> None:
    with writing_whole(path, force=True) as file:
        file.write(csv_line(CSV_COLUMNS).encode("utf-8"))
        for report in spool.reports():
            if wanted(report):
                for row in csv_row(report, words):
                    file.write(csv_line(row).encode("utf-8", "backslashreplace"))


def json_line(report: Report, words: Words = ENGLISH) -> str:
    """A report as one line of JSON."""
    return json_in_ascii(json.dumps(as_dict(report, words), ensure_ascii=False))


def write_etsi(folder: Path, reports: Iterator[Report]) -> None:
    """A file of XML for each report, numbered from 1, a thousand in a folder. Raises OutputRefused."""
    for number, report in enumerate(reports, start=1):
        part = folder / f"{(number - 1) // _FILES_A_FOLDER:03d}"
        if number % _FILES_A_FOLDER == 1:
            make_folder(part)
        write_whole(part / f"{number:06d}.xml", etsi_report(report), force=True)
