"""What asks which stored files the rows name finds them by indexes, however many rows there are."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from tests.databases import Database, add_lone_document, as_owner
from workflow import references
from workflow.references import COLUMNS, next_referred_to, referred_to
from workflow.scrub import _recorded_size
from workflow.store import Store
from workflow.tables import DocumentRow, SignatureRow

ROWS = 3_000  # enough that reading all of them costs more than looking up a few


def add_many(session: Session) -> None:
    """Documents of request 1, each with a signature; every one names three files of its own or four."""
    document = session.execute(select(DocumentRow.table())).one()._asdict()
    signature = {
        **dict.fromkeys(("field", "profile", "level_asked", "signer_kind", "signer_id"), "x"),
        **dict.fromkeys(("certificate_sha256", "digest_algorithm"), ""),
        **dict.fromkeys(("revision", "signed_attributes"), b""),
        "byte_range": [],
        "prepared": {},
        "attempts": 0,
    }
    numbers = range(2, ROWS + 1)
    documents = [
        document
        | {"id": n, "revision_no": n, "verification_code": str(n)}
        | {"rendered_sha256": f"r{n}", "current_sha256": f"c{n}"}
        for n in numbers
    ]
    signatures = [
        signature | {"document_id": n, "source_sha256": f"s{n}", "signed_sha256": f"t{n}"} for n in numbers
    ]
    session.execute(insert(DocumentRow.table()), documents)
    session.execute(insert(SignatureRow.table()), signatures)


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Iterator[Store]:
    with closing(Store.open(tmp_path, database.environ)) as store:
        with store.write() as session:
            add_lone_document(session)
            add_many(session)
        if not store.embedded:
            as_owner(store, "ANALYZE")
        yield store


def plans(store: Store, ask: Callable[[Session], Any]) -> list[str]:
    """How the database finds the answer to each statement."""
    asked: list[tuple[str, Any]] = []
    explain = "EXPLAIN QUERY PLAN " if store.embedded else "EXPLAIN "
    with store.read() as session:
        connection = session.connection()

        def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
            asked.append((statement, values))

        event.listen(connection, "before_cursor_execute", note)
        ask(session)
        event.remove(connection, "before_cursor_execute", note)
        return [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, values))
            for statement, values in asked
        ]


FEW = ["r7", "c8", "s9", "t10", "nothing"]


@pytest.mark.parametrize(
    ("ask", "columns"),
    [
        (lambda session: referred_to(session, FEW), [column.name for column in COLUMNS]),
        (lambda session: next_referred_to(session, "s5"), [column.name for column in COLUMNS]),
        (lambda session: _recorded_size(session, "t10"), ["rendered_sha256", "signed_sha256"]),
    ],
)
def test_no_table_of_files_is_read_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Session], Any], columns: list[str]
) -> None:
    monkeypatch.setattr(references, "CHUNK", 20)
    for plan in plans(store, ask):
        for column in columns:
            assert f"_{column}" in plan, plan
        for table in ("documents", "signatures"):
            assert f"Seq Scan on {table}" not in plan, plan
            assert f"SCAN {table}\n" not in plan + "\n", plan


def test_the_next_are_those_after_one_in_order_whatever_names_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "CHUNK", 700)
    found, after = [], ""
    with store.read() as session:
        while some := next_referred_to(session, after):
            found += some
            after = some[-1]
        assert found == sorted(referred_to(session))
    assert len(found) == 4 * (ROWS - 1) + 1
