"""Several workers at once, killed and stopped at any moment: nothing is lost, nothing is signed twice."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.serve_authority import AuthorityServer
from tests.databases import Database
from tests.nursery import Born, born_worker
from tests.steps_office import QUICK, Sample, wait_for, worker
from workflow.tables import Event

pytestmark = pytest.mark.slow
STEPS = ("document_rendered", "document_signed", "document_delivered")


@pytest.fixture
def sample(tmp_path: Path, database: Database) -> Iterator[Sample]:
    sample = Sample.open(tmp_path, database.environ)
    with AuthorityServer(sample.office.authority.folder):
        yield sample
    sample.office.close()


def steps_done(sample: Sample) -> int:
    return len(sample.rows(Event, Event.type.in_(STEPS)))


def people_act(sample: Sample, requests: list[int], state: str) -> None:
    while {sample.request(number).state for number in requests} != {state}:
        assert sample.act(requests)


@pytest.mark.parametrize(("database", "seed"), [("sqlite", 1), ("postgresql", 2)], indirect=["database"])
def test_two_workers_killed_at_any_moment_sign_everything_once(sample: Sample, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    requests = [number for _ in range(2) for number in sample.submit_mixed()]
    people_act(sample, requests, "rendering")
    with ExitStack() as stack:

        def fresh() -> Born:
            return stack.enter_context(born_worker(sample))

        running = [fresh(), fresh()]
        kills = 0
        for phase in (1, 2, 3):  # rendering; sealing; sealing of second signatures
            start = steps_done(sample)
            while kills < 3 * phase and sample.jobs():
                goal = start + chance.randint(1, 15)
                wait_for(lambda goal=goal: steps_done(sample) >= goal or not sample.jobs())  # type: ignore[misc]
                start = steps_done(sample)
                time.sleep(chance.random() * 0.05)
                victim = chance.randrange(2)
                running[victim].kill()
                running[victim].wait()
                kills += 1
                running[victim] = fresh()
            wait_for(lambda: not sample.jobs())
            sample.require_sound(requests)
            sample.act(requests)
            running = [fresh(), fresh()]
        wait_for(lambda: not sample.jobs())
    assert kills >= 4
    sample.require_finished(requests)


STOPS = [("sqlite", "sign.intended"), ("postgresql", "sign.value-kept"), ("sqlite", "sign.finished")]


@pytest.mark.parametrize(("database", "at"), STOPS, indirect=["database"])
def test_a_worker_that_was_only_stopped_does_no_harm_when_it_goes_on(sample: Sample, at: str) -> None:
    """Stopped within the protocol, taken for dead, and woken when another has signed, or while it signs."""
    requests = sample.submit_mixed()
    people_act(sample, requests, "rendering")
    asyncio.run(sample.work())
    sample.act(requests)
    with worker(sample, stop_point=at, forever=True) as stopped:
        wait_for(lambda: os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None)
        time.sleep(QUICK.silent_s)
        asyncio.run(sample.work())  # up to 25 s, until PostgreSQL ends what the stopped one had begun
        before = {number: [row.value for row in sample.signatures(number)] for number in requests}
        os.kill(stopped.pid, signal.SIGCONT)
        sample.act(requests)
        wait_for(lambda: not sample.jobs())  # by the one that was stopped; its connections may be cut
    after = {number: [row.value for row in sample.signatures(number)] for number in requests}
    assert all(after[number][: len(values)] == values for number, values in before.items())
    sample.require_finished(requests)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_worker_clears_what_a_dead_one_left_half_written(sample: Sample) -> None:
    sample.submit_mixed()
    sample.office.blobs.put(b"anything")
    folder = next(path for path in sample.office.blobs.inner.folder.iterdir() if path.is_dir())
    old, new = folder / ".incoming-old", folder / ".incoming-new"
    for path in (old, new):
        path.write_bytes(b"half")
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    os.utime(old, (long_ago, long_ago))
    asyncio.run(sample.work())
    assert sample.leftovers() == [new]
