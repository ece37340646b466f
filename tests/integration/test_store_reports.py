"""A monthly report that was sealed stays as it is, whoever asks the database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert

from tests.databases import Database, Refusal, intruder, only_postgresql, only_sqlite
from workflow.store import Store
from workflow.tables import MonitoringReport

DUE = {"unit": "", "language": "nl", "norms": "", "profile": "seal", "tries": 0, "code": ""}
SEALED = {"level": "B-LT", "sealed_by": "the office", "sha256": "0", "pdf": b"%PDF"}
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    """With report 1, which is sealed, and 2, which is due."""
    store = Store.open(tmp_path, database.environ)
    with store.write() as session:
        rows = [
            {"id": 1, "month": "2026-09", "next_at": AT, **DUE, **SEALED, "made_at": AT},
            {"id": 2, "month": "2026-10", "next_at": AT, **DUE},
        ]
        for row in rows:
            session.execute(insert(MonitoringReport), [row])
    yield store
    store.close()


def run(store: Store, statement: str) -> None:
    with intruder(store, guarded=True) as other:
        other.execute(statement)


def kept(store: Store) -> list[tuple[object, ...]]:
    with intruder(store, guarded=True) as other:
        found = other.execute("SELECT id, month, pdf FROM monitoring_reports ORDER BY id").fetchall()
    return [tuple(row) for row in found]


def refused(store: Store, statement: str) -> None:
    before = kept(store)
    with pytest.raises(Refusal):
        run(store, statement)
    assert kept(store) == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM monitoring_reports",
        "UPDATE monitoring_reports SET pdf = x'00' WHERE id = 1",
        "UPDATE monitoring_reports SET month = '2025-09' WHERE id = 1",
        "UPDATE monitoring_reports SET pdf = NULL, made_at = NULL, level = NULL, sealed_by = NULL,"
        " sha256 = NULL WHERE id = 1",
        "UPDATE monitoring_reports SET id = 1 WHERE id = 2",
    ],
)
def test_no_statement_gets_rid_of_a_sealed_report(store: Store, statement: str) -> None:
    refused(store, statement)


@only_sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE OR REPLACE monitoring_reports SET month = '2026-09' WHERE id = 2",
        "REPLACE INTO monitoring_reports SELECT * FROM monitoring_reports WHERE id = 1",
        "REPLACE INTO monitoring_reports (month, unit, language, norms, profile, tries, next_at, code)"
        " VALUES ('2026-09', '', 'nl', '', '', 0, '2026-11-02', '')",
    ],
)
def test_a_file_does_not_replace_it(store: Store, statement: str) -> None:
    refused(store, statement)


@only_postgresql
def test_a_server_does_not_truncate_it(store: Store) -> None:
    refused(store, "TRUNCATE monitoring_reports")


def test_one_that_is_due_may_go(store: Store) -> None:
    run(store, "DELETE FROM monitoring_reports WHERE id = 2")
    assert len(kept(store)) == 1
