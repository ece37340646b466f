"""docs/retention.md decides each column of each table that holds something of a request, as the code does."""

import re
from collections import Counter
from pathlib import Path

from workflow.destruction import DELETED, EMPTIED, ERASED, STAYS
from workflow.retention import CLEANED
from workflow.store import Store
from workflow.tables import Base

FOLDER = Path(__file__).resolve().parents[2] / "docs"
DOCS = (FOLDER / "retention.md").read_text(encoding="utf-8")
SECTION = DOCS.split("## What is destroyed, and what stays\n")[1].split("\n## ")[0]
OF_NO_REQUEST = set(
    re.findall(r"`([a-z_]+)`", SECTION.split("These tables are not of one request")[1].split("\n\n")[0])
)


def columns() -> dict[str, set[str]]:
    """The columns of every table, but for those that are not of one request."""
    tables = Base.metadata.tables
    return {name: set(table.columns.keys()) for name, table in tables.items() if name not in OF_NO_REQUEST}


def told(fate: str) -> Counter[tuple[str, str]]:
    """What the docs say is destroyed, or stays: (table, column)."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| (\w+) \| \S.* \|$", SECTION, re.MULTILINE)
    return Counter(
        (table, column)
        for table, names, theirs in rows
        for column in re.findall(r"`(\w+)`", names)
        if theirs == fate
    )


def destroyed() -> set[tuple[str, str]]:
    named = {(table, column) for table, values in EMPTIED.items() for column in values}
    named |= {(table, column) for table, names in ERASED.items() for column in names}
    return named | {(table, column) for table in DELETED for column in columns()[table]}


def test_the_docs_and_the_code_destroy_the_same() -> None:
    assert told("destroyed") == Counter(destroyed())


def test_the_docs_and_the_code_keep_the_same() -> None:
    assert told("stays") == Counter((table, column) for table, names in STAYS.items() for column in names)


def test_every_column_is_decided_once() -> None:
    decided = told("destroyed") + told("stays")
    assert decided == Counter((table, column) for table, names in columns().items() for column in names)


def test_tables_that_are_not_of_one_request_name_none() -> None:
    assert not [name for name in OF_NO_REQUEST if "request_id" in Base.metadata.tables[name].columns]
    assert set(OF_NO_REQUEST) <= set(Base.metadata.tables)


def test_the_docs_tell_the_statement_with_which_a_servers_owner_cleans() -> None:
    told = re.findall(r"VACUUM \(FULL, ANALYZE\)[^;]+", (FOLDER / "how-to/run-on-postgresql.md").read_text())
    assert [" ".join(one.split()) for one in told] == [Store("postgresql+psycopg://").cleaning(CLEANED)]
