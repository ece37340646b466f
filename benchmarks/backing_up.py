"""How long a backup and a restore take: `python -m benchmarks.backing_up [REQUESTS] [FILES]`.

Requests are handed in through the engine, a hundred in a transaction. The stored files are random bytes of a
declaration's size, each named by a row, as many as an office has that keeps them for a few months.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from sqlalchemy import insert

from documents.blobs import BlobStore
from documents.register import SAMPLE
from workflow.backup import make_backup
from workflow.commands import Command, Submission
from workflow.office import REGISTER_FILE, Office
from workflow.people import update_people
from workflow.restore import restore
from workflow.store import Store
from workflow.tables import DocumentRow

REQUESTS, FILES = 100_000, 5_000
FILE_BYTES = 65_000
BATCH = 100


@contextmanager
def _office(folder: Path) -> Iterator[Office]:
    shutil.copyfile(SAMPLE, folder / REGISTER_FILE)
    office = Office.open(folder, environ={})
    assert office.register is not None
    with office.store.write() as session:
        update_people(session, office.register, now=office.clock())
    yield office
    office.close()


def _hand_in(office: Office, count: int) -> None:
    """So many requests, of all employees in turn."""
    register = office.register
    assert register is not None
    employees = [one.person_id for one in register.people() if not one.duties and one.contract == "permanent"]
    today = office.clock().date()
    data = {person: register.prefill(person, on=today) for person in employees}
    submission = Submission("employer-declaration", "A4", "nl", None)
    for start in range(0, count, BATCH):
        commands = [
            Command(
                "submit",
                (person := employees[number % len(employees)]),
                f"bench-{number}",
                data=data[person],
                submission=replace(submission, reference=f"bench-{number}"),
                channel="program",
            )
            for number in range(start, min(start + BATCH, count))
        ]
        refused = [
            answer for answer in office.engine.execute_batch(commands) if isinstance(answer, Exception)
        ]
        assert not refused, refused[0]


def _store(office: Office, count: int) -> None:
    """So many files, and the rows that name them."""
    today = office.clock().date()
    for start in range(0, count, BATCH):
        numbers = range(start + 1, min(start + BATCH, count) + 1)
        digests = office.blobs.put_many([os.urandom(FILE_BYTES) for _ in numbers])
        rows = [
            {
                "request_id": number,
                "name": "declaration",
                "kind": "employer_declaration",
                "revision_no": 1,
                "number": f"bench-{number}",
                "verification_code": f"bench-{number}",
                "language": "nl",
                "issued_on": today,
                "data_sha256": "0" * 64,
                "rendered_sha256": digest,
                "current_sha256": digest,
                "created_seq": number,
            }
            for number, digest in zip(numbers, digests, strict=True)
        ]
        with office.store.write() as session:
            session.execute(insert(DocumentRow.table()), rows)


def table(requests: int = REQUESTS, files: int = FILES) -> str:
    """The measurements as text."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folder = place / "office"
        folder.mkdir()
        with _office(folder) as office:
            _hand_in(office, requests)
            _store(office, files)
            begun = perf_counter()
            made = make_backup(
                place / "b.tar",
                store=office.store,
                blobs=office.blobs,
                folder=folder,
                now=office.clock,
                release="bench",
            )
            backup_s = perf_counter() - begun
        begun = perf_counter()
        store = Store.unopened(place / "again", {})
        restore(
            place / "b.tar",
            folder=place / "again",
            store=store,
            blobs=lambda to: BlobStore(to / "blobs"),
            now=datetime.now(UTC),
        )
        store.close()
        restore_s = perf_counter() - begun
    size = made.size / 1e6
    return "\n".join(
        [
            f"{requests} requests, {files} stored files, {size:.0f} MB; SQLite, files in the disk's cache",
            f"backup   {backup_s:6.1f} s  {size / backup_s:6.0f} MB/s",
            f"restore  {restore_s:6.1f} s  {size / restore_s:6.0f} MB/s",
        ]
    )


if __name__ == "__main__":
    print(table(*map(int, sys.argv[1:])))
