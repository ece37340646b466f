"""What was told of a month stays as it is, whoever asks the database; the first to count a month is right."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.databases import Database, Refusal, intruder, only_postgresql, only_sqlite
from workflow.store import Store
from workflow.tables import MonitoringMonth

TOLD = {"month": "2026-09", "norms": "P10D", "told": '{"kept": 1}'}


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    """With a month that was told, and the one before it."""
    store = Store.open(tmp_path, database.environ)
    for row in (TOLD, TOLD | {"month": "2026-08"}):
        store.have_row(MonitoringMonth.table(), row)
    yield store
    store.close()


def kept(store: Store) -> list[tuple[str, str, str]]:
    row = MonitoringMonth
    with store.read() as session:
        query = select(row.month, row.norms, row.told).order_by(row.month)
        return [(one.month, one.norms, one.told) for one in session.execute(query)]


def refused(store: Store, statement: str) -> None:
    before = kept(store)
    with pytest.raises(Refusal), intruder(store, guarded=True) as other:
        other.execute(statement)
    assert kept(store) == before


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM monitoring_months",
        "DELETE FROM monitoring_months WHERE month = '2026-08'",
        "UPDATE monitoring_months SET told = '{}'",
        "UPDATE monitoring_months SET norms = 'P5D' WHERE month = '2026-09'",
        "INSERT INTO monitoring_months (month, norms, told) VALUES ('2026-09', 'P10D', '{}')"
        " ON CONFLICT (month, norms) DO UPDATE SET told = '{}'",
    ],
)
def test_no_statement_changes_what_was_told(store: Store, statement: str) -> None:
    refused(store, statement)


@only_sqlite
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE OR REPLACE monitoring_months SET month = '2026-09' WHERE month = '2026-08'",
        "REPLACE INTO monitoring_months (month, norms, told) VALUES ('2026-09', 'P10D', '{}')",
        "REPLACE INTO monitoring_months (rowid, month, norms, told) VALUES (1, '2026-07', 'P10D', '{}')",
    ],
)
def test_a_file_does_not_replace_it(store: Store, statement: str) -> None:
    refused(store, statement)


@only_postgresql
def test_a_server_does_not_truncate_it(store: Store) -> None:
    refused(store, "TRUNCATE monitoring_months")


def test_who_counts_it_again_changes_nothing_and_other_months_and_norms_are_told(store: Store) -> None:
    before = kept(store)
    store.have_row(MonitoringMonth.table(), TOLD | {"told": "{}"})
    assert kept(store) == before
    for more in ({"month": "2026-10"}, {"norms": "P5D"}):
        store.have_row(MonitoringMonth.table(), TOLD | more)
    assert len(kept(store)) == len(before) + 2
