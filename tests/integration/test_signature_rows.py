"""A row of a signature says what the event of that signature says, or verification finds it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from tests.databases import Database, intruder
from tests.steps_office import Sample
from workflow.logcheck import Fault, verify

pytestmark = pytest.mark.slow
COLUMNS = ("signer_id", "certificate_sha256", "level_reached", "signed_sha256")


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    sample = Sample.open(tmp_path, database.environ)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


def test_a_changed_column_is_found(sample: Sample) -> None:
    number = sample.submit("A3")
    asyncio.run(sample.run_until("delivered", number))
    [row] = sample.signatures(number)
    for column in COLUMNS:
        put = f"UPDATE signatures SET {column} = ? WHERE id = ?"  # noqa: S608 (of this list)
        with intruder(sample.office.store, guarded=False) as database:
            database.execute(put, ("other", row.id))
        with sample.office.store.read() as session:
            report = verify(session)
        assert {one.fault for one in report.findings} == {Fault.ROWS_DIFFER}, column
        with intruder(sample.office.store, guarded=False) as database:
            database.execute(put, (getattr(row, column), row.id))
    sample.require_sound([number])
