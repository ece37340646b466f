"""People are erased: nothing that they wrote or are called is left in any byte of the data folder, or of the
database server's files.

Of a server: tables, indexes, statistics, write-ahead log, messages, once the owner has run the statement that
`paraaf retention` tells. 25 people on each database in a normal run; PARAAF_CAMPAIGN=40 makes it 1,000.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select, update

from certs.serve_authority import AuthorityServer
from tests.campaign import times
from tests.databases import KINDS, as_owner, fresh
from tests.marked_office import (
    WORD,
    MarkedOffice,
    found_in,
    found_in_files,
    found_in_tables,
    uncompressed,
)
from tests.postgresql import OWNER, Server
from throughput.compare import Comparison
from throughput.events import records_since
from throughput.kept import Keeper
from throughput.measures import VariantMeasures
from workflow.backup import make_backup
from workflow.logcheck import verify
from workflow.office import Office
from workflow.retention import Run
from workflow.store import Store
from workflow.tables import Person, Request, ScanRow, TimingState

pytestmark = pytest.mark.slow
PEOPLE = times(25)


@dataclass(frozen=True)
class Erased:
    """An office before and after the end of keeping."""

    office: Office
    server: Server | None
    run: Run
    before: dict[str, int]
    before_in_statistics: int
    figures: list[VariantMeasures]
    blobs: int

    def found(self) -> dict[str, int]:
        """Where a marker is in any file: of the data folder, and of the server."""
        return found(self.office, self.server)


@pytest.fixture(scope="module", params=KINDS)
def erased(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    """Everybody's request came to its end, they left, and the term has passed; the files are clean."""
    folder = tmp_path_factory.mktemp("office")
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    with fresh(request.param, folder, request) as database:
        if server is not None:
            with closing(Store(database.url)) as store:
                uncompressed(store)
        marked = MarkedOffice(folder, PEOPLE, database.environ)
        office = marked.sample.office
        marked.submit_all()
        with AuthorityServer(office.authority.folder):
            asyncio.run(marked.work())
        assert {request.outcome for request in marked.sample.requests()} == {"done", "withdrawn"}
        if server is not None:
            as_owner(office.store, "ANALYZE")
        logged = {} if server is None else found_in_files(server.files_of(database.url.database or ""))
        before, blobs = logged | found(office, server), len(list((folder / "blobs").glob("?/*")))
        sampled, figures = in_statistics(office), figures_of(office)
        marked.leave()
        later = office.clock() + timedelta(days=100)
        office = replace(office, clock=lambda: later)
        run = office.retention.run(clock_is_right=True)
        if (statement := office.retention.cleaning) is not None:
            assert run.unclean_since == later
            wait_for_readers(office.store)
            as_owner(office.store, statement)
            assert office.retention.run() == Run()
        yield Erased(office, server, run, before, sampled, figures, blobs)
        office.close()


def wait_for_readers(store: Store) -> None:
    """Until nobody else sees an earlier moment, as the server's own analysing of so many rows does: what was
    deleted since would be taken along, and the files not called clean."""
    owners = store.url.set(drivername="postgresql", username=OWNER)
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid()"
    with psycopg.connect(owners.render_as_string(hide_password=False), autocommit=True) as own:
        for _ in range(600):
            if own.execute(query).fetchone() == (0,):
                return
            time.sleep(0.1)
    raise AssertionError("somebody reads for a minute")


def found(office: Office, server: Server | None) -> dict[str, int]:
    """The same; the server has written everything into its tables, and needs its write-ahead log no more."""
    counts = found_in(office.folder)
    if server is not None:
        server.settle()
        counts |= found_in_files(server.files_of(office.store.url.database or ""))
    return counts


def in_statistics(office: Office) -> int:
    """How many columns' samples of values hold a marker, as the server's administrator sees them."""
    if office.store.embedded:
        return 0
    owners = office.store.url.set(drivername="postgresql", username=OWNER)
    with psycopg.connect(owners.render_as_string(hide_password=False)) as own:
        query = "SELECT count(*) FROM pg_stats WHERE pg_stats::text ILIKE %s"
        [(count,)] = own.execute(query, [f"%{WORD}%"]).fetchall()
    return int(count)


def figures_of(office: Office) -> Sequence[VariantMeasures]:
    """As they are told, and as they would be if what is kept were read anew."""
    Keeper(office.store).catch_up()
    with office.store.read() as session:
        told = Comparison.of(session, now=office.clock()).rows
    with office.store.write() as session:
        session.execute(update(TimingState).values(rules=0))
    Keeper(office.store).catch_up()
    with office.store.read() as session:
        assert Comparison.of(session, now=office.clock()).rows == told
    return told


def test_the_markers_were_there_and_are_found(erased: Erased) -> None:
    parts = {"sqlite3": ("paraaf.sqlite3",), "postgresql": ("/base/", "/pg_wal/")}
    kind = "sqlite3" if erased.server is None else "postgresql"
    for part in parts[kind]:
        assert sum(count for name, count in erased.before.items() if part in name) > 5 * PEOPLE, part
    assert [name for name in erased.before if name.endswith("/hr_register.csv")]
    files = [name for name in erased.before if "/blobs/" in name]
    with erased.office.store.read() as session:
        scans = session.scalar(select(func.count()).select_from(ScanRow))
    assert scans
    # in streams of PDFs, deflated; scans are pictures
    assert len(files) + scans == erased.blobs > PEOPLE / 2
    assert erased.before_in_statistics > 2 or erased.server is None


def test_nothing_of_anybody_is_left_in_any_file(erased: Erased) -> None:
    done = Run(requests=PEOPLE, files=erased.blobs, people=PEOPLE, substitutions=1)
    assert replace(erased.run, unclean_since=None) == done
    assert not found_in_tables(erased.office.store)
    assert not in_statistics(erased.office)
    assert not erased.found()
    assert not list((erased.office.folder / "blobs").glob("?/*"))


def test_a_backup_made_later_holds_nothing_of_anybody(erased: Erased, tmp_path: Path) -> None:
    office, out = erased.office, tmp_path / "backup.tar"
    made = make_backup(
        out, store=office.store, blobs=office.blobs, folder=office.folder, now=office.clock, release="test"
    )
    assert (made.blobs, made.faults) == (0, ())
    assert not found_in(tmp_path)


def test_the_log_verifies_and_agrees_with_the_rows(erased: Erased) -> None:
    with erased.office.store.read() as session:
        report = verify(session)
    assert report.ok, report.findings
    # the one that is left tells that somebody who works here has a password
    assert report.erased == report.bodies - 1 > 5 * PEOPLE


def test_the_figures_are_the_same(erased: Erased) -> None:
    assert figures_of(erased.office) == erased.figures
    assert sum(row.n for row in erased.figures) == PEOPLE


def test_who_left_is_gone_and_who_works_here_is_not(erased: Erased) -> None:
    with erased.office.store.read() as session:
        people = session.scalars(select(Person.id).where(Person.id != "")).all()
        destroyed = session.scalars(select(Request.destroyed_at)).all()
    assert sorted(people) == ["P001", "P002", "P004", "P020"]
    assert None not in destroyed


def test_another_run_finds_nothing_to_do(erased: Erased) -> None:
    head = records_of(erased.office)
    assert erased.office.retention.run() == Run()
    assert records_of(erased.office) == head


def records_of(office: Office) -> int:
    with office.store.read() as session:
        return len(list(records_since(session)))
