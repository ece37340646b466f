"""kill -9 at every passage of every point, on both databases: a request of each kind, killed once or twice.

A passage is the n-th point that the request's workers pass in all, from rendering to delivery. Where a
request's way has 25 passages, 25 requests are driven, each killed at another one; every further worker is a
new process. `make test` drives three of these and kills at every sixteenth; PARAAF_CAMPAIGN=16 at each, and
PARAAF_CAMPAIGN=32 then a second time, at a later passage.
"""

import multiprocessing
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized

import pytest
from sqlalchemy import text

from certs.serve_authority import AuthorityServer
from tests.campaign import times
from tests.databases import KINDS, fresh
from tests.steps_office import Sample
from tests.steps_worker import work_with_fuse

pytestmark = pytest.mark.slow
FULL = 16
MOST_PASSAGES = 80
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.steps_worker"])

WAYS: dict[str, Callable[[Sample], int]] = {
    "A1": lambda sample: sample.submit("A1"),
    "A1 temporary": lambda sample: sample.submit("A1", temporary=True),
    "A3": lambda sample: sample.submit("A3"),
    "A3 temporary": lambda sample: sample.submit("A3", temporary=True),
    "A4 temporary": lambda sample: sample.submit("A4", temporary=True),
    "plan": lambda sample: sample.submit_plan(),
}


ALL = [(kind, way) for kind in KINDS for way in WAYS]
USUAL = [("sqlite", "A3 temporary"), ("sqlite", "plan"), ("postgresql", "A1")]


@pytest.fixture(scope="module")
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("office")
    with fresh(request.param, folder, request) as database:
        sample = Sample.open(folder, database.environ)
        with AuthorityServer(sample.office.authority.folder):
            yield sample
        sample.office.close()


@dataclass
class Way:
    """One request on its way, and at which passages its workers are killed."""

    sample: Sample
    number: int
    kills: list[int]
    passed: "Synchronized[int]"

    def end(self) -> int:
        """Drive it to its end; how many of the kills happened."""
        killed = 0
        for _ in range(60):
            if self.sample.act([self.number]):
                continue
            if not self.sample.waiting(self.number):
                return killed
            if self._work() == -signal.SIGKILL:
                killed += 1
                self._bury()
        raise AssertionError(f"request {self.number} is in {self.sample.request(self.number).state}")

    def _work(self) -> int | None:
        url = self.sample.office.store.url.render_as_string(hide_password=False)
        words = (self.sample.office.folder, url, self.passed, self.kills)
        process = CONTEXT.Process(target=work_with_fuse, args=words)
        process.start()
        process.join(180)
        assert process.exitcode in (0, -signal.SIGKILL), process.exitcode
        return process.exitcode

    def _bury(self) -> None:
        """Take the dead worker for dead at once, instead of after its silence."""
        with self.sample.office.store.write() as session:
            session.execute(text("DELETE FROM procrastinate_workers"))


@pytest.mark.parametrize(("sample", "way"), ALL if times(1) > 1 else USUAL, indirect=["sample"])
def test_wherever_a_worker_is_killed_the_request_ends_signed_once(sample: Sample, way: str) -> None:
    stride = max(1, FULL // times(1))
    chance = random.Random(f"{way} {sample.office.store.url.get_backend_name()}")  # noqa: S311
    begin, passage, numbers, kills = WAYS[way], chance.randint(1, stride), [], 0
    while passage < MOST_PASSAGES:
        again = [passage + chance.randint(1, 12)] if times(1) > FULL else []
        number = begin(sample)
        happened = Way(sample, number, [passage, *again], CONTEXT.Value("i", 0)).end()
        if not happened:
            break
        kills += happened
        numbers.append(number)
        passage += stride
    assert passage > 15, "so few passages: this showed little"
    sample.require_finished(numbers)
    print(f"{way}, {sample.office.store.url.get_backend_name()}: {kills} kills, {len(numbers)} requests")
    assert kills >= len(numbers) > 0
