"""Whatever happens to somebody's request, no log line holds what they are called or wrote."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from certs.serve_authority import AuthorityServer
from tests.databases import Database, only_postgresql, only_sqlite
from tests.marked_office import WORD, MarkedOffice
from tests.steps_office import Sample
from watching.logs import TextLines
from workflow import step_render
from workflow.commands import StepRef
from workflow.outcomes import Patience, StepOutcome
from workflow.tables import Person

pytestmark = pytest.mark.slow


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What a worker writes, from the lowest level on."""
    written, root = StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(TextLines())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


def quotes_the_request(*given: Any, **_: Any) -> Any:
    """Fail as a library might: with the value in the message, in its cause and in a note."""
    error = ValueError(f"can't do it for {_everything(given)}")
    error.add_note(_everything(given))
    raise error from RuntimeError(_everything(given))


def _everything(given: Any) -> str:
    works = [one for one in given if hasattr(one, "request")]
    assert works, given
    text = str(works[0].request.data)
    assert WORD in text
    return text


async def refused_by_the_database(sample: Sample) -> None:
    """A constraint objects to a row that names somebody, in the middle of a job."""
    requester = next(request.requester_id for request in sample.requests())

    async def step(_: Sequence[StepRef]) -> Sequence[StepOutcome]:
        with sample.office.store.write() as session:
            session.add(Person(id=requester, name=requester, unit="", active=True))
        return []

    await sample.office.jobs.run_worker(
        step, on_gave_up=lambda _: None, waiting=lambda _: [StepRef(1, "rendering", 1)], until_idle=True
    )


@contextmanager
def crashed(folder: Path, people: int, database: Database, lines: StringIO) -> Iterator[MarkedOffice]:
    """An office in which each request's first step ended with an exception, and a whole job with another."""
    marked = MarkedOffice(folder, people, database.environ)
    sample = marked.sample
    sample.office.jobs._patience = Patience(tries=2, first_wait_s=0.01, longest_wait_s=0.02, poll_s=0.02)
    marked.submit_all()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(step_render, "_draw", quotes_the_request)
        while sample.act():
            asyncio.run(sample.work())
    assert "step_crashed" in lines.getvalue()  # and was given up
    asyncio.run(refused_by_the_database(sample))
    assert "steps_crashed" in lines.getvalue()
    assert "IntegrityError" in lines.getvalue()
    yield marked
    sample.office.close()


@only_sqlite  # what follows a crash is told alike wherever the rows are
def test_success_refusal_and_failure_leave_no_word_of_anybody_in_the_log(
    tmp_path: Path, database: Database, lines: StringIO
) -> None:
    with crashed(tmp_path, 6, database, lines) as marked:
        brought_to_its_end(marked)
    assert WORD not in lines.getvalue()
    assert lines.getvalue().count("\n") > 100


@only_postgresql
def test_nor_does_what_a_server_says_of_a_row_that_it_refuses(
    tmp_path: Path, database: Database, lines: StringIO
) -> None:
    with crashed(tmp_path, 2, database, lines):
        assert WORD not in lines.getvalue()


def brought_to_its_end(marked: MarkedOffice) -> None:
    """Past authorities that are away, and that answer nonsense; then everybody leaves."""
    sample = marked.sample
    repair_all(sample)
    for faults in (("tsa-down",), ("tsa-garbage",), ("ocsp-down", "crl-down"), ()):
        with AuthorityServer(sample.office.authority.folder, faults=faults):
            asyncio.run(marked.work())
            repair_all(sample)
    with AuthorityServer(sample.office.authority.folder):
        asyncio.run(marked.work())
    assert {request.state for request in sample.requests()} == {"delivered", "withdrawn"}
    marked.leave()
    sample.office.retention.run(clock_is_right=True)


def repair_all(sample: Sample) -> None:
    """Somebody has every incident's step tried again."""
    for request in sample.requests():
        if any(incident.resolved_at is None for incident in sample.incidents(request.id)):
            sample.do("repair", "P020", request.id)
