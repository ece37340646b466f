"""kill -9 of PostgreSQL itself while people decide and two workers sign: what was acknowledged is there.

Five kills in `make test`; PARAAF_CAMPAIGN=5 makes it 25.
"""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from certs.serve_authority import AuthorityServer
from tests.campaign import times
from tests.databases import fresh
from tests.postgresql import Server
from tests.steps_office import Sample, wait_for, worker
from workflow.errors import WorkflowError
from workflow.tables import Event, Request

pytestmark = pytest.mark.slow


@pytest.fixture
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sample]:
    with fresh("postgresql", tmp_path, request) as database:
        sample = Sample.open(tmp_path, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            yield sample
        sample.office.close()


def people_act(sample: Sample, acknowledged: dict[int, int], until: float) -> None:
    """Submit and decide until a moment; what was answered is acknowledged: request → version."""
    while time.monotonic() < until:
        with suppress(WorkflowError):  # the server is away, or another was faster
            number = sample.submit("A4")
            acknowledged[number] = max(1, acknowledged.get(number, 0))
            for request in sample.requests():
                if request.closed_at is None and sample.act([request.id]):
                    acknowledged[request.id] = max(request.version + 1, acknowledged.get(request.id, 0))


def require_acknowledged(sample: Sample, acknowledged: dict[int, int]) -> None:
    versions = {request.id: request.version for request in sample.rows(Request)}
    lost = {number: seen for number, seen in acknowledged.items() if versions.get(number, 0) < seen}
    assert not lost, lost


def at_work(sample: Sample) -> int:
    """How many workers have shown their life."""
    with sample.office.store.read() as session:
        return int(session.execute(text("SELECT count(*) FROM procrastinate_workers")).scalar_one())


def test_what_was_acknowledged_outlives_the_server(
    sample: Sample, postgresql: Server, request: pytest.FixtureRequest
) -> None:
    chance = random.Random(20261125)  # noqa: S311
    acknowledged: dict[int, int] = {}
    busy = 0  # times between two kills in which something was acknowledged
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(worker(sample, forever=True))
        wait_for(lambda: at_work(sample) == 2)  # one that finds no server when it opens the office ends
        for _ in range(times(5)):
            before = dict(acknowledged)
            people_act(sample, acknowledged, time.monotonic() + 0.5 + chance.random())
            busy += acknowledged != before
            postgresql.stop(signal.SIGKILL)
            postgresql.start()
            require_acknowledged(sample, acknowledged)
        wait_for(lambda: not sample.waiting())
        while sample.act():
            wait_for(lambda: not sample.waiting())
        wait_for(lambda: sample.jobs() == 0)  # a job ends a moment after the step that it was for
    assert busy > times(5) / 2
    assert len(acknowledged) >= times(5)
    require_acknowledged(sample, acknowledged)
    sample.require_finished(acknowledged)
    print(f"{times(5)} kills, {len(acknowledged)} requests, {len(sample.rows(Event))} events")
