"""No audit, no action: what can't be written into the log does not happen, and is told as what it is."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
)

from problem import Problem
from tests.integration.engine_office import Office
from workflow.commands import StepTrouble
from workflow.errors import LogRefused, StoreUnavailable
from workflow.eventlog import Appender, erase_bodies
from workflow.tables import Base

Failing = Callable[[Office], AbstractContextManager[None]]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """One request waits for the manager, one for a step, one for the signer."""
    office = Office.open(tmp_path)
    office.to_sign()
    office.fire("approve", "clerk", office.to_review())
    office.submit()
    yield office
    office.store.close()


def contents(office: Office) -> dict[str, list[str]]:
    """Everything in the tables."""
    with office.store.read() as session:
        connection = session.connection()
        return {
            name: sorted(map(str, connection.execute(select(table)).all()))
            for name, table in Base.metadata.tables.items()
        }


@contextmanager
def refusing(office: Office, table: str) -> Iterator[None]:
    """The database takes no row of this table."""
    with office.store.write() as session:
        session.execute(
            text(
                f"CREATE TRIGGER refused BEFORE INSERT ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'not taken today'); END"
            )
        )
    yield
    with office.store.write() as session:
        session.execute(text("DROP TRIGGER refused"))


def without_events(office: Office) -> AbstractContextManager[None]:
    return refusing(office, "events")


def without_bodies(office: Office) -> AbstractContextManager[None]:
    return refusing(office, "bodies")


@contextmanager
def without_disk(office: Office) -> Iterator[None]:
    """Writing any further byte to the database's side file fails, as on a disk that gives errors."""
    assert office.store.file is not None
    size = Path(f"{office.store.file}-wal").stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


FAILURES: dict[str, tuple[Failing, type[Problem], str]] = {
    "event refused": (without_events, LogRefused, "so nothing was done: not taken today"),
    "body refused": (without_bodies, LogRefused, "so nothing was done: not taken today"),
    "disk error": (without_disk, StoreUnavailable, "disk I/O error"),
}


def submit(office: Office) -> None:
    office.submit()


def approve(office: Office) -> None:
    office.fire("approve", "manager", 3)


def several(office: Office) -> None:
    office.engine.execute_batch([office.submission() for _ in range(3)])


def finish_a_step(office: Office) -> None:
    with office.store.write() as session:
        office.engine.finish_step(session, office.deferred[0], "rendered", record={}, body={"signer": "x"})


def open_an_incident(office: Office) -> None:
    with office.store.write() as session:
        office.engine.report_trouble(session, [StepTrouble(office.deferred[0], "disk", "No room.")])


def erase(office: Office) -> None:
    with office.store.write() as session:
        log = Appender.lock(session, bytes)
        erase_bodies(log, session, 1, at=office.now)
        log.write()


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("act", [submit, approve, several, finish_a_step, open_an_incident, erase])
def test_nothing_happens_without_its_event(
    office: Office, act: Callable[[Office], None], failure: str
) -> None:
    if act is erase and failure == "body refused":
        act(office)  # an erasure has no personal part
        return
    failing, kind, told = FAILURES[failure]
    before, waiting = contents(office), list(office.deferred)
    with failing(office), pytest.raises(kind) as caught:
        act(office)
    assert told in str(caught.value)
    assert caught.value.hint
    assert contents(office) == before
    assert office.report().ok
    office.deferred = waiting
    act(office)  # and once the log takes events again, it is done
    assert contents(office) != before
    assert office.report().ok or act is finish_a_step  # which left its document out here


class _Said(Exception):
    """What a driver says, with PostgreSQL's code for it."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("as it is said")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("kind", "sqlstate", "told"),
    [
        (InternalError, "25P03", StoreUnavailable),  # idle in the transaction for too long
        (DatabaseError, None, StoreUnavailable),  # SQLite: the disk image is malformed
        (OperationalError, "57P01", StoreUnavailable),  # the server is stopped
        (ProgrammingError, "P0001", LogRefused),
        (InternalError, "P0001", LogRefused),
        (ProgrammingError, "42501", LogRefused),
        (IntegrityError, "23505", LogRefused),
    ],
)
def test_only_a_refusal_is_told_as_one(
    office: Office,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[DBAPIError],
    sqlstate: str | None,
    told: type[Problem],
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise kind("INSERT", None, _Said(sqlstate))

    def write() -> None:
        with office.store.write() as session:
            log = Appender.lock(session, bytes)
            log.append("noted", at=office.now, request_id=None, facts={})
            monkeypatch.setattr(session.connection(), "execute", broken)
            log.write()

    with pytest.raises(told):
        write()
