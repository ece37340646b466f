"""kill -9 of workers, and of the process that defers: every step is recorded, and once.

PARAAF_CAMPAIGN=2 kills workers in as many runs, each at other moments.
"""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import jobs_toy
import pytest
from jobs_toy import ROOT, Toy, born, url_of, wait_for

from tests.campaign import times
from tests.databases import Database
from workflow.faults import VARIABLE

SETTINGS = {"TOY_BODY": "0.004", "TOY_DEATHS": "100", "TOY_NOTE": "1"}
SUBMITTER = """
import sys; sys.path.insert(0, sys.argv[2])
from workflow.store import Store
import jobs_toy
toy = jobs_toy.Toy(Store(sys.argv[1]))
for first in range(1, 100_000, 5):
    toy.submit(5, first=first, together=first % 2 == 0)
"""

STEP_JOBS = "procrastinate_jobs WHERE task_name = 'paraaf.steps'"
"""Beside these the queue looks after itself, every five seconds: such a job may be there at any moment."""

pytestmark = pytest.mark.slow


@pytest.fixture
def toy(database: Database) -> Iterator[Toy]:
    toy = Toy(jobs_toy.make_store(database.url))
    yield toy
    toy.store.close()


def finish(toy: Toy) -> None:
    with born(toy, "until-idle", **SETTINGS) as last:
        assert last.wait(180) == 0


def assert_all_recorded_once(toy: Toy, count: int) -> None:
    assert toy.states() == {"end": count}
    assert toy.troubles() == {}
    assert toy.count("toy_done") == 3 * count  # its key admits each step once
    assert toy.count(STEP_JOBS) == 0


@pytest.mark.parametrize("seed", range(1, 1 + times(1)))
def test_killing_workers_at_any_moment_loses_nothing(toy: Toy, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    toy.submit(50)
    toy.submit(30, first=1000, together=False)
    kills = 0
    with ExitStack() as stack:
        running = [stack.enter_context(born(toy, **SETTINGS)) for _ in range(2)]
        while kills < 6 and toy.count("toy_done") < 220:
            goal = toy.count("toy_done") + chance.randint(1, 25)
            wait_for(lambda goal=goal: toy.count("toy_done") >= min(goal, 240))  # type: ignore[misc]
            victim = chance.randrange(2)
            running[victim].kill()
            running[victim].wait()
            kills += 1
            running[victim] = stack.enter_context(born(toy, **SETTINGS))
    assert kills >= 3
    finish(toy)
    assert_all_recorded_once(toy, 80)
    assert toy.count("toy_runs") >= 240


@pytest.mark.parametrize("point", ["job.taken", "job.run", "job.run:7"])
def test_a_worker_that_dies_with_a_job_in_hand_loses_nothing(toy: Toy, point: str) -> None:
    toy.submit(12)
    toy.submit(4, first=100, together=False)
    with born(toy, **SETTINGS, **{VARIABLE: point}) as process:
        assert process.wait(180) == -signal.SIGKILL
    assert toy.count(f"{STEP_JOBS} AND status = 'doing'") == 1
    finish(toy)
    assert_all_recorded_once(toy, 16)


@pytest.mark.parametrize("seed", [1])
def test_killing_the_process_that_defers_leaves_jobs_and_states_together(toy: Toy, seed: int) -> None:
    goal = 20 + 7 * seed
    command = [sys.executable, "-c", SUBMITTER, url_of(toy), str(Path(jobs_toy.__file__).parent)]
    submitter = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        wait_for(lambda: toy.count("toy") >= goal)
    finally:
        submitter.kill()
        submitter.wait()
    with toy.store.read() as session:
        assert toy.jobs.live(session) == set(toy.waiting(session))
    count = toy.count("toy")
    assert count % 5 == 0
    finish(toy)
    assert_all_recorded_once(toy, count)
