"""Every column of the tables that verification compares is changed once, and found; the list says which are.

The office is a real one: documents are rendered, signed and delivered, a step has failed and was repaired, a
request is on hold, laid by, reminded of, returned; a file was renewed; its log is anchored.
Values of another form are tried in turn; PARAAF_CAMPAIGN=2 has every one tried in every column, in 12 s.
"""

import asyncio
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import JSON, Connection, Date, DateTime, Integer, LargeBinary, Text, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from certs.trust import TrustStore
from signing.scans import Scan, ScannedPage
from tests.databases import intruder
from tests.renewal_office import Clock, answering, new_stamper
from tests.steps_office import CLERK, MANAGER, SIGNER, Sample
from workflow import outside_given, outside_scans, rowcheck
from workflow.commands import StepTrouble
from workflow.logcheck import Fault, LogReport, verify
from workflow.outside import By
from workflow.reminders import Reminders
from workflow.rowcheck import COMPARED
from workflow.store import FILE, Store
from workflow.tables import Base, Request, RetentionRow

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
SECTION = DOCS.split("## What is compared\n")[1].split("\n## ")[0]
TABLES = Base.metadata.tables


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrustStore]:
    """The database file of an office where everything has happened, and what it trusts."""
    folder = tmp_path_factory.mktemp("office")
    sample = Sample.open(folder)
    office = sample.office
    clock, keys = Clock(), office.authority.folder
    new_stamper(keys, clock, days=30)
    with answering(keys, clock):
        done, held, waiting, returned = (sample.submit(variant) for variant in ("A3", "A1", "A1", "A1"))
        asyncio.run(sample.run_until("delivered", done))
    new_stamper(keys, clock, days=3000)
    with answering(keys, clock):
        assert len(office.renewals.run().renewed) == 1
        office.holds.place(held, MANAGER, "A claim.")
        office.holds.release(held, MANAGER, "Settled.")
        office.holds.place(held, MANAGER, "Another.")
        sample.act([held])
        sample.act([held])
        with office.store.write() as session:
            office.engine.report_trouble(session, [StepTrouble(sample.waiting(held)[0], "disk", "No room.")])
        sample.do("repair", CLERK, held)
        for verb in ("claim", "start", "suspend", "resume"):
            sample.do(verb, MANAGER, waiting, remark="For the works council.")
        sample.do("return", MANAGER, returned, remark="Look.")
        sample.do("claim", MANAGER, sample.submit("A1"))
        sample.do("suspend", MANAGER, 5, remark="For the works council.")
        scan_one(sample)
        asyncio.run(office.anchor("seal"))
    later = office.clock() + timedelta(days=20)
    with office.store.write() as session:  # somebody has looked at the clock all the while
        session.merge(RetentionRow(id=1, looked_at=later))
    Reminders(office.store, definition_of=office.engine.definition, now=lambda: later).run()
    trust = office.authority.trust
    office.close()
    with closing(Store(f"sqlite:///{folder / FILE}")) as store:
        assert report(store, trust).ok
    with closing(sqlite3.connect(folder / FILE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / FILE, trust


def scan_one(sample: Sample) -> None:
    """One on paper, with the sealed copy of its scan."""
    number = sample.submit("A0")
    asyncio.run(sample.run_until("printing", number))
    outside_given.give(sample.office, number, By(CLERK))
    sample.do("signed", SIGNER, number, facts={"signed_by": "S.", "signed_on": f"{sample.today}"})
    sample.do("stamped", CLERK, number)
    [document] = sample.documents(number)
    count = len(PdfDocument(sample.office.blobs.get(document.current_sha256)))
    pages = tuple(ScannedPage(b"", page, count, ()) for page in range(1, count + 1))
    outside_scans.take_scan(sample.office, Scan(document.number, pages), By(CLERK))


@pytest.fixture
def trust(made: tuple[Path, TrustStore]) -> TrustStore:
    return made[1]


def report(store: Store, trust: TrustStore) -> LogReport:
    with store.read() as session:
        return verify(session, trust=trust)


def columns(*fates: str) -> list[tuple[str, str]]:
    return [
        (table, column)
        for table, named in COMPARED.items()
        for fate, its_columns in named.items()
        if fate in fates
        for column in its_columns
    ]


def other(column: Any) -> str:
    """Another value of its type, in SQL."""
    name = column.name
    if isinstance(column.type, Integer) or "INT" in str(column.type).upper():
        return f"coalesce({name}, 0) + 1000"
    kind = column.type.impl if hasattr(column.type, "impl") else column.type
    if isinstance(kind, DateTime):
        return "'2020-01-01 00:00:00.000000'"
    if isinstance(kind, Date):
        return "'2020-01-01'"
    if isinstance(kind, LargeBinary):
        return "x'00'"
    if isinstance(kind, JSON):
        return """'{"x":1}'"""
    return f"coalesce({name}, '') || 'x'"


@pytest.fixture
def changed(made: tuple[Path, TrustStore], tmp_path: Path) -> Callable[[str, str], LogReport]:
    """Changes one row's column in a copy of the database; gives the report."""

    def change(table: str, column: str) -> LogReport:
        copyfile(made[0], tmp_path / FILE)
        with closing(Store(f"sqlite:///{tmp_path / FILE}")) as store:
            with intruder(store, guarded=False) as database:
                database.execute("PRAGMA ignore_check_constraints = ON")
                of = "event_seq IS NOT NULL AND" if table == "signatures" else ""
                row = f"SELECT rowid FROM {table} WHERE {of} ({column} IS NOT NULL OR true)"  # noqa: S608
                row = f"{row} ORDER BY {column} IS NULL, rowid LIMIT 1"
                value = other(TABLES[table].columns[column])
                statement = f"UPDATE {table} SET {column} = {value} WHERE rowid = ({row})"  # noqa: S608
                assert database.execute(statement).rowcount == 1
            return report(store, made[1])

    return change


@pytest.mark.parametrize("table", COMPARED)
def test_a_changed_column_is_found(changed: Callable[[str, str], LogReport], table: str) -> None:
    missed = [
        column for of, column in columns("compared", "derived") if of == table and changed(of, column).ok
    ]
    assert not missed


def test_what_the_list_calls_not_compared_is_not(changed: Callable[[str, str], LogReport]) -> None:
    assert not [place for place in columns("not") if not changed(*place).ok]


def test_a_row_more_or_less_is_found(made: tuple[Path, TrustStore], tmp_path: Path) -> None:
    missed = []
    for table in set(COMPARED) - {"log_head", "anchors", "definitions"}:
        copyfile(made[0], tmp_path / FILE)
        with closing(Store(f"sqlite:///{tmp_path / FILE}")) as store:
            with intruder(store, guarded=False) as database:
                database.execute(f"DELETE FROM {table}")  # noqa: S608  our tables
            if report(store, made[1]).ok:
                missed.append(table)
    assert not missed


def test_the_list_decides_every_column_once() -> None:
    told = columns("compared", "derived", "not")
    assert len(told) == len(set(told))
    assert set(told) == {(name, column.name) for name in COMPARED for column in TABLES[name].columns}


def test_the_docs_have_the_list() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (.*) \| (.*) \|$", SECTION, re.MULTILINE)
    told = {
        table: {
            fate: set(re.findall(r"`(\w+)`", cell))
            for fate, cell in zip(("compared", "derived", "not"), cells, strict=True)
        }
        for table, *cells in rows
    }
    assert told == {
        table: {fate: set(named.get(fate, ())) for fate in ("compared", "derived", "not")}
        for table, named in COMPARED.items()
    }


def test_the_docs_name_the_tables_that_are_not_compared() -> None:
    rest = set(re.findall(r"`(\w+)`", SECTION.split("Not compared at all:")[1].split("\n\n")[0]))
    assert rest == set(TABLES) - set(COMPARED)


def test_requests_are_compared_a_few_at_a_time(
    made: tuple[Path, TrustStore], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Stretches of two: each request is in one, and what is found is the same."""
    monkeypatch.setattr(rowcheck, "AT_ONCE", 2)
    played: list[list[int]] = []
    differ = rowcheck._Rows.differ

    def noted(rows: Any) -> Any:
        played.append(sorted(rows._told.requests))
        return differ(rows)

    monkeypatch.setattr(rowcheck._Rows, "differ", noted)
    copyfile(made[0], tmp_path / FILE)
    with closing(Store(f"sqlite:///{tmp_path / FILE}")) as store:
        assert report(store, made[1]).ok
        assert played == [[1, 2], [3, 4], [5, 6], []]
        with intruder(store, guarded=False) as database:
            database.execute("UPDATE tasks SET role = 'signer' WHERE request_id = 4")
            database.execute("DELETE FROM requests WHERE id = 3")
        found = report(store, made[1]).findings
    assert {one.fault for one in found} == {Fault.ROWS_DIFFER}
    assert "Request 3 is gone." in {one.message for one in found}
    assert [one for one in found if "Task" in one.message]


def test_a_row_of_a_request_that_the_log_does_not_know_is_found(
    made: tuple[Path, TrustStore], tmp_path: Path
) -> None:
    copyfile(made[0], tmp_path / FILE)
    with closing(Store(f"sqlite:///{tmp_path / FILE}")) as store:
        with intruder(store, guarded=False) as database:
            names = [column.name for column in Request.table().columns]
            rest = ", ".join(names[1:])
            database.execute(
                f"INSERT INTO requests ({', '.join(names)})"  # noqa: S608  our own names
                f" SELECT id + 1000000, {rest} FROM requests WHERE id = 1"
            )
        assert {one.message for one in report(store, made[1]).findings} >= {
            "No event tells of request 1000001."
        }


@pytest.mark.parametrize(
    ("table", "column", "told"),
    [
        ("signatures", "document_id", "A signature is of no document."),
        ("reminders", "task_id", "A reminder is of no task."),
        ("renewals", "document_id", "A renewal is of no document."),
        ("scans", "document_id", "A scan is of no document."),
        ("archives", "document_id", "An archive timestamp is of no document."),
        ("bodies", "seq", "A personal part is of no event."),
        ("hands", "request_id", "There are hands on request 1000001, of which no event tells."),
    ],
)
def test_a_row_more_of_a_row_that_is_not_there_is_found(
    made: tuple[Path, TrustStore], tmp_path: Path, table: str, column: str, told: str
) -> None:
    copyfile(made[0], tmp_path / FILE)
    with closing(Store(f"sqlite:///{tmp_path / FILE}")) as store:
        with intruder(store, guarded=False) as database:
            names = [each.name for each in TABLES[table].columns if each.name != "id"]
            values = [f"{name} + 1000000" if name == column else name for name in names]
            database.execute(
                f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608  our own names
                f" SELECT {', '.join(values)} FROM {table} LIMIT 1"
            )
        assert told in {one.message for one in report(store, made[1]).findings}


WRONG = {
    "text": "'2026-02-31 00:00:00.000000'",
    "bytes": "x'00ff'",
    "nothing": "NULL",
    "number": "9223372036854775807",
    "fraction": "1e300",
    "no text": "CAST(x'ff' AS TEXT)",
}
FITS = {
    "text": Text,
    "bytes": LargeBinary,
    "number": Integer | Text,
    "fraction": Text,
}  # a number is kept as a text
TURNS = 1 if float(os.environ.get("PARAAF_CAMPAIGN", "1")) > 1 else 6


@pytest.fixture(scope="module")
def loose(made: tuple[Path, TrustStore], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A copy of the database that keeps anything: no triggers, no NOT NULL, no checks, no foreign keys."""
    file = tmp_path_factory.mktemp("loose") / FILE
    copyfile(made[0], file)
    with closing(sqlite3.connect(file)) as database, database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (trigger,) in triggers:
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL, ', ', ')")
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        yield connection
    engine.dispose()


def misfits() -> Iterator[tuple[str, str, str]]:
    """Table, column and a wrong value for it; of the six, one in turn for each column."""
    for turn, (table, name) in enumerate(columns("compared", "derived", "not")):
        column = TABLES[table].columns[name]
        kind = getattr(column.type, "impl", column.type)
        for number, (wrong, value) in enumerate(WRONG.items()):
            fits = column.nullable if wrong == "nothing" else isinstance(kind, FITS.get(wrong, ()))
            always = wrong == "text" and name.endswith("seq")  # which ended verification once
            if not fits and (always or (turn + number) % TURNS == 0):
                yield table, name, value


def test_a_value_of_another_form_is_named_and_raises_nothing(loose: Connection) -> None:
    """In every column of every table that is compared, one at a time."""
    unnamed, tried = [], 0
    for table, name, value in misfits():
        row = f"SELECT rowid FROM {table} ORDER BY {name} IS NULL, rowid LIMIT 1"  # noqa: S608
        row = loose.exec_driver_sql(row).scalar_one()
        try:
            loose.exec_driver_sql(f"UPDATE {table} SET {name} = {value} WHERE rowid = {row}")  # noqa: S608
        except IntegrityError:  # a row's own number is one, even here
            loose.rollback()
            continue
        tried += 1
        with Session(loose) as session:
            found = verify(session)
        loose.rollback()
        named = f"The column {name} of row {row} of {table} "
        if found.ok or not [one for one in found.findings if one.message.startswith(named)]:
            unnamed.append((table, name, value))
    assert unnamed == []
    assert tried > 60
