"""What the database itself refuses to lose of a signature, whoever asks, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from tests.databases import Database, Refusal, add_lone_document, intruder
from workflow.store import Store
from workflow.tables import SignatureRow

EMPTIED = "signer_id='', certificate_sha256='', revision=x'', signed_attributes=x'', prepared='{}', value=x''"
FINISHED = "signed_sha256='f', level_reached='B-LT', event_seq=1"


@dataclass
class Rows:
    """A document with three signatures: finished, with a value, and in the making; ids 1, 2 and 3."""

    store: Store

    def run(self, *statements: str) -> None:
        with intruder(self.store, guarded=True) as other:
            for statement in statements:
                other.execute(statement)

    def all(self) -> list[tuple[object, ...]]:
        with intruder(self.store, guarded=True) as other:
            found = other.execute("SELECT * FROM signatures ORDER BY id").fetchall()
        return [tuple(row) for row in found]


@pytest.fixture
def rows(tmp_path: Path, database: Database) -> Iterator[Rows]:
    store = Store.open(tmp_path, database.environ)
    with store.write() as session:
        add_lone_document(session)
        for number, field in enumerate(("finished", "valued", "making"), 1):
            session.execute(insert(SignatureRow).values(_row(number, field)))
        session.execute(update(SignatureRow).where(SignatureRow.id < 3).values(value=b"value"))
        session.execute(
            update(SignatureRow)
            .where(SignatureRow.id == 1)
            .values(signed_sha256="f", level_reached="B-LT", event_seq=1)
        )
    yield Rows(store)
    store.close()


def _row(number: int, field: str) -> dict[str, object]:
    return {
        "id": number,
        "document_id": 1,
        "field": field,
        "profile": "approver",
        "level_asked": "B-LT",
        "signer_kind": "person",
        "signer_id": "P001",
        "certificate_sha256": "c",
        "source_sha256": "0",
        "revision": b"revision",
        "byte_range": [0, 1, 2, 3],
        "signed_attributes": b"attributes",
        "digest_algorithm": "sha256",
        "prepared": {"version": 1},
        "attempts": 1,
    }


CHANGES = [
    "value=x'00'",
    "value=NULL",
    "value=x''",
    "signed_attributes=x'00'",
    "signer_id='P002'",
    "signer_id=''",
    "certificate_sha256='x'",
    "revision=x'00'",
    "prepared='{}'",
    "byte_range='[1]'",
    "source_sha256='x'",
    "level_asked='B-B'",
    "attempts=2",
    "field='other'",
    "id=9",
    EMPTIED + ", attempts=2",
    EMPTIED.replace("value=x''", "value=NULL"),
    EMPTIED.replace("value=x''", "value=x'00'"),
]


@pytest.mark.parametrize("change", [*CHANGES, FINISHED.replace("'f'", "'x'"), "event_seq=NULL"])
def test_a_finished_signature_stays(rows: Rows, change: str) -> None:
    refused(rows, f"UPDATE signatures SET {change} WHERE id = 1")  # noqa: S608


@pytest.mark.parametrize("change", [*CHANGES, FINISHED + ", value=x'00'"])
def test_a_committed_value_stays_and_so_does_what_it_was_made_over(rows: Rows, change: str) -> None:
    refused(rows, f"UPDATE signatures SET {change} WHERE id = 2")  # noqa: S608


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM signatures WHERE id = 1",
        "DELETE FROM signatures WHERE id = 2",
        "DELETE FROM signatures",
        "UPDATE signatures SET field = 'finished' WHERE id = 3",
        "INSERT INTO signatures SELECT * FROM signatures WHERE id = 1"
        " ON CONFLICT (id) DO UPDATE SET value = x'00'",
    ],
)
def test_no_statement_gets_rid_of_a_committed_value(rows: Rows, statement: str) -> None:
    refused(rows, statement)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE OR REPLACE signatures SET field = 'finished' WHERE id = 3",
        "UPDATE OR REPLACE signatures SET id = 2 WHERE id = 3",
        "REPLACE INTO signatures SELECT * FROM signatures WHERE id = 1",
        "INSERT OR REPLACE INTO signatures (document_id, field, profile, level_asked, signer_kind, signer_id,"
        " certificate_sha256, source_sha256, revision, byte_range, signed_attributes, digest_algorithm,"
        " prepared, attempts) VALUES (1, 'valued', '', '', '', '', '', '', x'', '[]', x'', '', '{}', 0)",
    ],
)
def test_sqlite_does_not_replace_it(rows: Rows, statement: str) -> None:
    refused(rows, statement)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("statement", ["TRUNCATE signatures", "TRUNCATE documents CASCADE"])
def test_postgresql_does_not_truncate_it(rows: Rows, statement: str) -> None:
    refused(rows, statement)


def refused(rows: Rows, statement: str) -> None:
    before = rows.all()
    with pytest.raises(Refusal):
        rows.run(statement)
    assert rows.all() == before


@pytest.mark.parametrize("number", [1, 2])
def test_what_is_personal_is_emptied_all_at_once(rows: Rows, number: int) -> None:
    rows.run(f"UPDATE signatures SET {EMPTIED} WHERE id = {number}")  # noqa: S608
    with rows.store.write() as session:  # the same by the tables' own names, and again
        nothing = {"signer_id": "", "certificate_sha256": "", "revision": b"", "signed_attributes": b""}
        emptied = update(SignatureRow).where(SignatureRow.id == number)
        session.execute(emptied.values(**nothing, prepared={}, value=b""))
    assert "P001" not in str(rows.all()[number - 1])
    refused(rows, f"UPDATE signatures SET signer_id = 'P001' WHERE id = {number}")  # noqa: S608
    refused(rows, f"DELETE FROM signatures WHERE id = {number}")  # noqa: S608


def test_a_signature_in_the_making_may_be_replaced_and_finished(rows: Rows) -> None:
    rows.run("UPDATE signatures SET attempts = 2, signer_id = 'P002' WHERE id = 3")
    rows.run("UPDATE signatures SET value = x'01' WHERE id = 3")
    rows.run(f"UPDATE signatures SET {FINISHED} WHERE id = 3")  # noqa: S608
    with rows.store.write() as session, pytest.raises(IntegrityError):
        session.execute(update(SignatureRow).where(SignatureRow.id == 3).values(attempts=3))


def test_one_without_a_value_may_be_deleted(rows: Rows) -> None:
    rows.run("DELETE FROM signatures WHERE id = 3")
    assert len(rows.all()) == 2
