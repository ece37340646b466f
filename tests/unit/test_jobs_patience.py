"""How long the queue waits, how it cuts work into jobs, and who may know its engine."""

import ast
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from procrastinate import App
from procrastinate.periodic import PeriodicRegistry

from workflow.commands import StepRef, StepTrouble
from workflow.jobs import CHUNK, STEADY_S, _jobs_for, _Pause, _Room, _Ticks
from workflow.outcomes import Patience, StepOutcome, Verdict
from workflow.sqlite_connector import SqliteConnector

ROOT = Path(__file__).resolve().parents[2]
REF = StepRef(7, "sealing", 12)
KNOWS_THE_ENGINE = {"workflow/jobs.py", "workflow/sqlite_connector.py"}


def test_waits_double_up_to_the_longest() -> None:
    patience = Patience(first_wait_s=1, longest_wait_s=10)
    waits = [patience.wait_s(tried, random=lambda: 0.0) for tried in range(1, 7)]
    assert waits == [1, 2, 4, 8, 10, 10]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_shortened_by_at_most_half(tried: int, chance: float) -> None:
    patience = Patience()
    full = patience.wait_s(tried, random=lambda: 0.0)
    assert full / 2 <= patience.wait_s(tried, random=lambda: chance) <= full <= patience.longest_wait_s


def test_the_standard_patience_outlasts_an_outage_of_a_quarter_of_an_hour() -> None:
    patience = Patience()
    shortest = sum(patience.wait_s(tried, random=lambda: 1.0) for tried in range(1, patience.tries))
    assert shortest >= 15 * 60
    assert patience.silent_s >= 3 * patience.heartbeat_s  # a late heartbeat is no death


@given(st.integers(1, 400))
def test_steps_are_cut_into_few_chunks_of_like_size(count: int) -> None:
    refs = [StepRef(number, "rendering", number) for number in range(count)]
    jobs = _jobs_for(refs)
    sizes = [len(job.task_kwargs["refs"]) for job in jobs]  # type: ignore[arg-type]
    assert sum(sizes) == count
    assert max(sizes) <= CHUNK
    assert len(jobs) == -(-count // CHUNK)
    assert [StepRef(*ref) for job in jobs for ref in job.task_kwargs["refs"]] == refs  # type: ignore[union-attr]


def test_only_a_single_step_has_its_requests_lock() -> None:
    (job,) = _jobs_for([REF])
    assert job.lock == "request:7"
    (chunk,) = _jobs_for([REF, StepRef(8, "sealing", 13)])
    assert chunk.lock is None
    assert chunk.queueing_lock is None  # would make a later retry of it fail


TICKS = [  # the time that was asked for last, the time now, what is asked for
    (None, 3_601.0, [3_600]),
    (None, 5_000.0, []),  # the worker has just begun, and asks for all in another way
    (3_600, 7_199.5, []),
    (3_600, 7_200.5, [7_200]),
    (3_600, 8_000.0, [7_200]),  # the machine slept
    (3_600, 3_600 * 720 + 30.0, [3_600 * 720]),  # the clock went forward by a month, and not each hour of it
    (3_600 * 720, 7_000.0, [3_600]),  # it was set right
]


@pytest.mark.parametrize(("since", "now", "asked"), TICKS)
def test_periodic_work_goes_by_the_clock_as_it_is(since: int | None, now: float, asked: list[int]) -> None:
    ticks = _Ticks(PeriodicRegistry())  # type: ignore[no-untyped-call]
    task: Any = App(connector=SqliteConnector("", now=lambda: datetime.now(UTC))).task(name="hourly")(print)
    ticks.add(task, "0 * * * *")
    if since is not None:
        ticks.last_defers["hourly", ""] = since
    assert [at for _, at in ticks.get_previous_tasks(at=now)] == asked
    assert list(ticks.get_previous_tasks(at=now)) == []


def test_an_outcome_says_what_the_incident_will_say() -> None:
    outcome = StepOutcome.gave_up(REF, "signing-refused", "The key is gone.")
    assert outcome.verdict is Verdict.GAVE_UP
    assert outcome.trouble == StepTrouble(REF, "signing-refused", "The key is gone.")


def test_one_module_and_its_connector_know_the_engine() -> None:
    def knows(path: Path) -> bool:
        source = path.read_text(encoding="utf-8")
        nodes = ast.walk(ast.parse(source)) if "procrastinate" in source else ()
        names = [
            name
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            )
        ]
        return any(name.split(".")[0] == "procrastinate" for name in names)

    rooms = {path.parent for path in ROOT.glob("*/__init__.py")} - {ROOT / "tests"}
    assert {"workflow", "watching", "audit", "benchmarks"} <= {room.name for room in rooms}
    found = {str(p.relative_to(ROOT)) for room in rooms for p in room.rglob("*.py") if knows(p)}
    assert found == KNOWS_THE_ENGINE


def test_procrastinate_is_held_to_a_minor_version() -> None:
    pinned = (ROOT / "constraints.txt").read_text().splitlines()
    assert any(line.startswith("procrastinate==3.10.") for line in pinned)


def test_a_worker_waits_longer_each_time_and_shortly_after_a_steady_life() -> None:
    at = 0.0
    pause = _Pause(clock=lambda: at)
    assert [pause.next_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    pause.opened()
    at += STEADY_S / 2
    assert pause.next_s() == 30  # it was no steady life
    pause.opened()
    at += STEADY_S
    assert [pause.next_s(), pause.next_s()] == [0.5, 1]
    at += 10 * STEADY_S  # a long time away is no steady life either
    assert pause.next_s() == 2


def test_who_is_cancelled_while_waiting_to_be_alone_gives_the_room_back() -> None:
    async def body() -> None:
        room = _Room()

        async def alone() -> None:
            async with room.entered(alone=True):
                pass

        async with room.entered(alone=False):
            waiting = asyncio.create_task(alone())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            async with asyncio.timeout(5), room.entered(alone=False):
                pass
        async with asyncio.timeout(5), room.entered(alone=True):
            pass

    asyncio.run(body())
