"""People are erased: nothing that they wrote or are called is left in any byte of the data folder.

25 people in a normal run; PARAAF_CAMPAIGN=40 makes it 1,000.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from certs.serve_authority import AuthorityServer
from tests.campaign import times
from tests.marked_office import MarkedOffice, found_in
from throughput.events import records_since
from throughput.measures import VariantMeasures, measure
from throughput.spans import cases_of
from workflow.backup import make_backup
from workflow.logcheck import verify
from workflow.office import Office
from workflow.retention import Run
from workflow.tables import Person, Request

pytestmark = pytest.mark.slow
PEOPLE = times(25)


@dataclass(frozen=True)
class Erased:
    """An office before and after the end of keeping."""

    office: Office
    run: Run
    before: dict[str, int]
    figures: list[VariantMeasures]
    blobs: int


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Erased]:
    """Everybody's request came to its end, they left, and the term has passed."""
    folder = tmp_path_factory.mktemp("office")
    marked = MarkedOffice(folder, PEOPLE)
    marked.submit_all()
    with AuthorityServer(marked.sample.office.authority.folder):
        asyncio.run(marked.work())
    assert {request.outcome for request in marked.sample.requests()} == {"done", "withdrawn"}
    before, blobs = found_in(folder), len(list((folder / "blobs").glob("?/*")))
    figures = figures_of(marked.sample.office)
    marked.leave()
    later = marked.sample.office.clock() + timedelta(days=100)
    office = replace(marked.sample.office, clock=lambda: later)
    run = office.retention.run(clock_is_right=True)
    yield Erased(office, run, before, figures, blobs)
    office.close()


def figures_of(office: Office) -> list[VariantMeasures]:
    with office.store.read() as session:
        return measure(cases_of(records_since(session)))


def test_the_markers_were_there_and_are_found(erased: Erased) -> None:
    assert erased.before["paraaf.sqlite3"] + erased.before["paraaf.sqlite3-wal"] > 10 * PEOPLE
    assert erased.before["hr_register.csv"]
    files = [name for name in erased.before if name.startswith("blobs/")]
    assert len(files) == erased.blobs > PEOPLE / 2  # in streams of PDFs, deflated


def test_nothing_of_anybody_is_left_in_any_file(erased: Erased) -> None:
    assert erased.run == Run(requests=PEOPLE, files=erased.blobs, people=PEOPLE)
    assert not found_in(erased.office.folder)
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
    assert report.erased == report.bodies > 5 * PEOPLE


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
