"""kill -9 of the worker at every named point, in batches and alone: all is signed in the end, and once.

`make test` drives three requests at each point, PARAAF_CAMPAIGN=2 seven, of all variants.
"""

import asyncio
import signal
import time
from collections.abc import Iterator

import pytest

from certs.serve_authority import AuthorityServer
from tests.campaign import times
from tests.databases import fresh
from tests.nursery import born_worker
from tests.steps_office import QUICK, Sample
from workflow.faults import POINTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        sample = Sample.open(folder, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            yield sample
        sample.office.close()


def kill_at(sample: Sample, point: str) -> None:
    with born_worker(sample, point) as process:
        assert process.wait(180) == -signal.SIGKILL, f"{point} was not reached"
    time.sleep(QUICK.silent_s)  # then the next worker takes it for dead


def finish(sample: Sample) -> None:
    asyncio.run(sample.work())


def is_of_render(point: str) -> bool:
    return point.startswith("render")


# Every point on SQLite; on PostgreSQL those where what is committed decides.
CASES = [("sqlite", point) for point in sorted(POINTS)] + [
    ("postgresql", point) for point in ("job.run", "sign.intended", "sign.value-kept")
]


@pytest.mark.parametrize(("sample", "point"), CASES, indirect=["sample"])
def test_a_worker_killed_at_a_point_leaves_nothing_undone_and_nothing_done_twice(
    sample: Sample, point: str
) -> None:
    """Each point kills twice: in a batch, then later on."""
    all_variants = times(1) > 1
    requests = sample.submit_mixed() if all_variants else sample.submit_few(sorted(POINTS).index(point))
    while {sample.request(number).state for number in requests} != {"rendering"}:
        assert sample.act(requests)
    if is_of_render(point):
        kill_at(sample, point)
        kill_at(sample, f"{point}:{3 if all_variants else 2}")  # by now the batch has been taken apart
    finish(sample)
    sample.require_sound(requests)
    assert sample.act(requests) == len(requests)  # everybody signs
    if not is_of_render(point):
        kill_at(sample, point)
    finish(sample)
    assert sample.act(requests) == (3 if all_variants else 1)  # managers of temporary contracts countersign
    if not is_of_render(point):
        kill_at(sample, f"{point}:2" if point.startswith("job") else point)
    finish(sample)
    sample.require_finished(requests)
    assert not sample.leftovers()
