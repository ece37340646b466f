"""The queue as the application sees it: nothing is lost, nothing recorded twice, nothing goes in circles."""

import asyncio
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import jobs_toy
import pytest
from jobs_toy import QUICK, Toy, born, now, wait_for, worker
from sqlalchemy import JSON, text

from tests.databases import Database, fresh, intruder
from tests.postgresql import NOTHING
from workflow.commands import StepRef
from workflow.errors import StoreUnavailable
from workflow.jobs import Jobs, Retry
from workflow.outcomes import StepOutcome
from workflow.store import Store

STEP_JOBS = "procrastinate_jobs WHERE task_name = 'paraaf.steps'"
"""Beside these the queue looks after itself, every five seconds: such a job may be there at any moment."""


@pytest.fixture
def toy(database: Database) -> Iterator[Toy]:
    toy = Toy(jobs_toy.make_store(database.url))
    yield toy
    toy.store.close()


def work(toy: Toy, *, limit_s: float = 20, concurrency: int = 1) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(toy.work(concurrency=concurrency), limit_s)

    asyncio.run(bounded())


def job_rows(toy: Toy) -> list[tuple[str, int, int, str | None]]:
    with toy.store.read() as session:
        found = session.execute(
            text("SELECT status, priority, attempts, lock FROM procrastinate_jobs ORDER BY id")
        )
        return [tuple(row) for row in found]


def test_every_step_runs_and_no_job_is_left(toy: Toy) -> None:
    toy.submit(120)
    work(toy)
    assert toy.states() == {"end": 120}
    assert toy.count("toy_done") == 360
    assert toy.count(STEP_JOBS) == 0
    assert toy.count("procrastinate_workers") == 0


def test_without_a_commit_there_is_no_job(toy: Toy) -> None:
    with toy.store.write() as session:
        toy.jobs.defer(session, [StepRef(1, "one", 1)])
        assert toy.jobs.live(session) == {StepRef(1, "one", 1)}
        session.rollback()
    assert toy.count(STEP_JOBS) == 0


def test_many_steps_share_few_jobs(toy: Toy) -> None:
    refs = toy.submit(101)
    assert toy.count(STEP_JOBS) == 3
    with toy.store.read() as session:
        assert toy.jobs.live(session) == set(refs)
        made = text("SELECT args, lock FROM procrastinate_jobs ORDER BY id").columns(args=JSON)
        sizes = [(len(args["refs"]), lock) for args, lock in session.execute(made)]
    assert sizes == [(34, None), (34, None), (33, None)]


def test_after_the_job_table_is_emptied_everything_still_ends(toy: Toy) -> None:
    toy.submit(70)
    toy.submit(3, first=1000, together=False)
    with toy.store.write() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    assert toy.jobs.reconcile(toy.waiting) == 73
    assert toy.jobs.reconcile(toy.waiting) == 0
    with toy.store.write() as session:
        session.execute(text("DELETE FROM procrastinate_jobs"))
    work(toy)  # a worker that starts reconciles by itself
    assert toy.states() == {"end": 73}


def test_a_step_is_tried_again_and_again_with_growing_waits(
    toy: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    toy.patience = replace(QUICK, first_wait_s=0.1, longest_wait_s=5)
    toy.__post_init__()
    toy.note_runs, toy.flaky = True, {1: 3}
    toy.submit(1)
    work(toy)
    with toy.store.read() as session:
        at = session.execute(text("SELECT at FROM toy_runs WHERE state = 'one' ORDER BY at")).scalars().all()
    waited = [after - before for before, after in pairwise(at)]
    meant = [one.__dict__["paraaf_fields"]["wait_s"] for one in caplog.records if one.msg == "step_retried"]
    for wait, told, full in zip(waited, meant, (0.1, 0.2, 0.4), strict=True):
        assert full / 2 <= told <= full
        assert wait >= full / 2  # how much later depends on how busy the machine is
    assert toy.states() == {"end": 1}
    assert toy.troubles() == {}


def test_a_retry_is_listed_and_can_be_brought_forward(toy: Toy) -> None:
    toy.patience = replace(QUICK, first_wait_s=600)
    toy.__post_init__()
    toy.flaky = {1: 1}
    refs = toy.submit(3)  # one chunk; the others need not wait

    def retries() -> list[tuple[StepRef, str, int]]:
        with toy.store.read() as session:
            return [(one.ref, one.code, one.tries) for one in toy.jobs.retries(session)]

    async def body() -> None:
        working = asyncio.create_task(toy.work(until_idle=False))
        while not retries():
            await asyncio.sleep(0.02)
        assert retries() == [(refs[0], "toy-flaky", 1)]
        with toy.store.write() as session:
            assert toy.jobs.try_now(session, {2, 3}) == []
            assert toy.jobs.try_now(session, {1, 2}) == [1]
        while toy.states() != {"end": 3}:
            await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(asyncio.wait_for(body(), 180))
    assert retries() == []


@pytest.mark.parametrize(("ahead", "wait_s"), [(timedelta(days=30), 0.0), (timedelta(hours=2), 3600.0)])
def test_a_retry_that_a_wrong_clock_put_off_is_due_once_it_is_set_right(
    toy: Toy, ahead: timedelta, wait_s: float
) -> None:
    refs = toy.submit(1)
    moment = now() + ahead

    async def fails(refs: "list[StepRef]") -> list[StepOutcome]:
        return [StepOutcome.retry(ref, "toy-flaky", "Not now.", after_s=wait_s) for ref in refs]

    def asleep() -> list[StepRef]:
        with toy.store.read() as session:
            return [one.ref for one in toy.jobs.retries(session)]

    async def body() -> None:
        wrong = Jobs(toy.store, now=lambda: moment, random=lambda: 0.0, patience=QUICK)
        working = asyncio.create_task(
            wrong.run_worker(fails, on_gave_up=toy.on_gave_up, waiting=toy.waiting)  # type: ignore[arg-type]
        )
        while not asleep():
            assert not working.done()
            await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(toy.store, "now", lambda _: moment)  # a server's own was wrong
        asyncio.run(asyncio.wait_for(body(), 180))
        wrong = Jobs(toy.store, now=lambda: moment, random=lambda: 0.0, patience=QUICK)
        assert wrong.reconcile(toy.waiting) == 0
    assert asleep() == refs, "by the clock that made it, it waits as it should"
    assert toy.jobs.reconcile(toy.waiting) == 0
    assert asleep() == []


@pytest.mark.parametrize("ahead", [timedelta(minutes=-4), timedelta(minutes=4)])
def test_a_retry_waits_as_long_as_it_is_to_by_the_clock_that_jobs_are_taken_by(
    toy: Toy, ahead: timedelta
) -> None:
    """On a server its own, which this machine's may differ from; and what came of a step may be unwritten."""
    patience = replace(QUICK, first_wait_s=600, longest_wait_s=600)
    jobs = Jobs(toy.store, now=lambda: now() + ahead, random=lambda: 0.0, patience=patience)

    async def fails(refs: "list[StepRef]") -> list[StepOutcome]:
        fates = {1: StepOutcome.retry, 2: StepOutcome.gave_up}
        return [fates[ref.request_id](ref, "toy-flaky", "Not now.") for ref in refs]

    def cant_be_written(_: object) -> None:
        raise StoreUnavailable("toy")

    def retries() -> list[Retry]:
        with toy.store.read() as session:
            return jobs.retries(session)

    async def body() -> None:
        working = asyncio.create_task(
            jobs.run_worker(fails, on_gave_up=cant_be_written, waiting=toy.waiting)  # type: ignore[arg-type]
        )
        while len(retries()) < 2:
            assert not working.done()
            await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    toy.submit(2, together=False)
    asyncio.run(asyncio.wait_for(body(), 180))
    assert jobs.reconcile(toy.waiting) == 0
    found = {one.ref.request_id: (one.code, one.tries) for one in retries()}
    assert found == {
        1: ("toy-flaky", 1),
        2: ("toy-flaky", 1),
    }  # why it failed, whatever became of its incident
    taken_by = now() + ahead if toy.store.embedded else now()
    due_s = patience.wait_s(1, random=lambda: 0.0)
    waits_s = [(one.next_at - taken_by).total_seconds() for one in retries()]
    assert waits_s == pytest.approx([due_s, due_s], abs=60)


@pytest.mark.parametrize("deaths", [0, 2])
def test_a_retry_counts_its_tries_and_keeps_its_deaths(toy: Toy, deaths: int) -> None:
    toy.submit(1)
    lock = "suspects" if deaths else "request:1"
    with toy.store.write() as session:
        left = {"priority": -deaths, "attempts": deaths, "lock": lock}
        session.execute(
            text("UPDATE procrastinate_jobs SET priority = :priority, attempts = :attempts, lock = :lock"),
            left,
        )
    found: list[tuple[int, str, int]] = []

    async def fails_twice(refs: "list[StepRef]") -> list[StepOutcome]:
        query = text("SELECT priority, lock, args FROM procrastinate_jobs WHERE task_name = 'paraaf.steps'")
        with toy.store.read() as session:
            row = session.execute(query.columns(args=JSON)).one()
        found.append((row.priority, row.lock, row.args["tried"]))
        if len(found) <= 2:
            return [StepOutcome.retry(ref, "toy-flaky", "Not now.") for ref in refs]
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(
            fails_twice, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True
        )

    asyncio.run(body())
    assert found[:3] == [(-deaths, lock, 0), (-deaths, lock, deaths + 1), (-deaths, lock, deaths + 2)]


def test_the_outcome_can_ask_for_a_longer_wait(toy: Toy) -> None:
    calls: list[float] = []

    async def limited(refs: "list[StepRef]") -> list[StepOutcome]:
        calls.append(time.monotonic())
        if len(calls) == 1:
            return [StepOutcome.retry(ref, "toy-limit", "Too many.", after_s=0.5) for ref in refs]
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(limited, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True)

    toy.submit(1)
    asyncio.run(body())
    assert calls[1] - calls[0] >= 0.5


@pytest.mark.parametrize("count", [1, 3])
def test_waiting_for_a_turn_is_no_try(toy: Toy, count: int) -> None:
    toy.patience = replace(QUICK, tries=1)  # the first failure would end it
    toy.__post_init__()
    calls: list[float] = []

    async def in_turn(refs: "list[StepRef]") -> list[StepOutcome]:
        calls.append(time.monotonic())
        if len(calls) <= 4:
            return [StepOutcome.wait(ref, "toy-limit", "Not yet.", after_s=0.3) for ref in refs]
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(in_turn, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True)

    toy.submit(count)
    asyncio.run(body())
    assert toy.states() == {"end": count}
    assert toy.troubles() == {}
    assert calls[1] - calls[0] >= 0.3
    assert toy.count(STEP_JOBS) == 0


def test_a_suspect_that_waits_for_its_turn_stays_one(toy: Toy) -> None:
    toy.submit(1)
    with toy.store.write() as session:
        session.execute(text("UPDATE procrastinate_jobs SET priority = -2, attempts = 3, lock = 'suspects'"))
    found: list[tuple[int, str, int]] = []  # after two deaths, and one failure

    async def in_turn(refs: "list[StepRef]") -> list[StepOutcome]:
        query = text("SELECT priority, lock, args FROM procrastinate_jobs WHERE task_name = 'paraaf.steps'")
        with toy.store.read() as session:
            row = session.execute(query.columns(args=JSON)).one()
        found.append((row.priority, row.lock, row.args["tried"]))
        if len(found) == 1:
            return [StepOutcome.wait(ref, "toy-limit", "Not yet.", after_s=0.1) for ref in refs]
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(in_turn, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True)

    asyncio.run(body())
    assert found[:2] == [(-2, "suspects", 0), (-2, "suspects", 3)]
    assert toy.states() == {"end": 1}


def test_bad_steps_are_given_up_and_good_ones_of_their_chunk_are_not(toy: Toy) -> None:
    toy.bad, toy.flaky, toy.note_runs = frozenset({7}), {8: 2}, True
    toy.submit(20)
    work(toy)
    assert toy.states() == {"end": 19, "one": 1}
    assert toy.troubles() == {7: "toy-bad: It never works."}
    assert toy.count(STEP_JOBS) == 0
    with toy.store.read() as session:
        runs = session.execute(text("SELECT count(*) FROM toy_runs WHERE id = 7")).scalar_one()
    assert runs == QUICK.tries


def test_a_final_failure_is_not_tried_again(toy: Toy) -> None:
    calls = 0

    async def refuse(refs: "list[StepRef]") -> list[StepOutcome]:
        nonlocal calls
        calls += 1
        return [StepOutcome.gave_up(ref, "toy-refused", "Never.") for ref in refs]

    async def body() -> None:
        await toy.jobs.run_worker(refuse, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True)

    toy.submit(1)
    asyncio.run(body())
    assert calls == 1
    assert toy.troubles() == {1: "toy-refused: Never."}


def test_an_exception_in_the_steps_is_a_try_not_an_end(toy: Toy) -> None:
    async def crash(refs: "list[StepRef]") -> list[StepOutcome]:
        if any(ref.request_id == 3 for ref in refs):
            raise ZeroDivisionError("toy")
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(crash, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True)

    toy.submit(5)
    asyncio.run(body())
    assert toy.states() == {"end": 4, "one": 1}
    assert toy.troubles() == {3: "step-crashed: ZeroDivisionError: toy"}


def test_an_incident_that_cant_be_written_is_tried_again(toy: Toy) -> None:
    told = 0

    def fails_once(trouble: object) -> None:
        nonlocal told
        told += 1
        if told == 1:
            raise StoreUnavailable("toy")

    async def body() -> None:
        async def refuse(refs: "list[StepRef]") -> list[StepOutcome]:
            return [StepOutcome.gave_up(ref, "toy-refused", "Never.") for ref in refs]

        await toy.jobs.run_worker(refuse, on_gave_up=fails_once, waiting=lambda _: [], until_idle=True)

    toy.submit(1)
    asyncio.run(body())
    assert told == 2
    assert toy.count(STEP_JOBS) == 0


def test_steps_of_one_request_never_run_side_by_side(toy: Toy) -> None:
    inside: dict[int, int] = {}
    most = 0

    async def watched(refs: "list[StepRef]") -> list[StepOutcome]:
        nonlocal most
        (ref,) = refs
        inside[ref.request_id] = inside.get(ref.request_id, 0) + 1
        assert inside[ref.request_id] == 1
        most = max(most, sum(inside.values()))
        await asyncio.sleep(0.03)
        inside[ref.request_id] -= 1
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(
            watched, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True, concurrency=6
        )

    refs = toy.submit(4, together=False)
    with toy.store.write() as session:
        for ref in refs:
            toy.jobs.defer(session, [ref])  # a second job for each
    asyncio.run(body())
    assert most > 1
    assert toy.states() == {"end": 4}
    assert toy.troubles() == {}


@pytest.mark.slow
def test_two_worker_processes_share_the_work(toy: Toy) -> None:
    toy.submit(60, together=False)
    settings = {"TOY_BODY": "0.01"}
    with born(toy, "until-idle", **settings) as one, born(toy, "until-idle", **settings) as two:
        assert one.wait(180) == 0
        assert two.wait(180) == 0
    assert toy.states() == {"end": 60}
    with toy.store.read() as session:
        shares = session.execute(text("SELECT count(*) FROM toy_done GROUP BY worker")).scalars().all()
    assert len(shares) == 2
    assert min(shares) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_told_to_stop_finishes_the_step_in_hand(toy: Toy, number: int) -> None:
    toy.submit(3)
    with worker(toy, TOY_BODY="0.4", TOY_NOTE="1") as process:
        wait_for(lambda: toy.count("toy_runs") >= 1)
        process.send_signal(number)
        assert process.wait(180) == 0
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
    assert toy.states() == {"two": 3}  # the chunk in hand was finished, the next not begun
    assert toy.count("procrastinate_workers") == 0
    assert {status for status, *_ in job_rows(toy)} == {"todo"}


@pytest.mark.slow
def test_a_second_signal_ends_the_process_at_once(toy: Toy) -> None:
    toy.submit(1)
    with worker(toy, TOY_BODY="30", TOY_NOTE="1") as process:
        wait_for(lambda: toy.count("toy_runs") >= 1)
        process.terminate()
        time.sleep(0.3)
        assert process.poll() is None
        process.terminate()
        assert process.wait(5) == -signal.SIGTERM
    work(toy)
    assert toy.states() == {"end": 1}


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", ["1", "4"])
def test_a_poisonous_step_takes_no_good_one_with_it(toy: Toy, concurrency: str) -> None:
    toy.submit(12)
    toy.submit(3, first=100, together=False)
    deaths = 0
    while deaths < 8:
        with born(toy, "until-idle", TOY_POISON="5", TOY_CONCURRENCY=concurrency) as process:
            if process.wait(180) == 0:
                break
            deaths += 1
    assert toy.states() == {"end": 14, "one": 1}
    said = f"worker-died: {QUICK.deaths} workers died at this step."
    assert toy.troubles() == {5: said}
    assert deaths == QUICK.deaths
    assert toy.count(STEP_JOBS) == 0


def test_stalled_jobs_come_back_last_and_suspects_alone(toy: Toy) -> None:
    toy.submit(5, together=False)
    deaths = {1: 1, 2: 0, 4: 1, 5: 2}
    with toy.store.write() as session:
        for number, before in deaths.items():  # what is left of a dead worker
            session.execute(
                text(
                    "UPDATE procrastinate_jobs SET status = 'doing', priority = :priority, attempts = :before"
                    " WHERE id = :id"
                ),
                {"id": number, "priority": -before, "before": before},
            )
    runs: list[tuple[int, float, float]] = []

    async def watched(refs: "list[StepRef]") -> list[StepOutcome]:
        begin = time.monotonic()
        await asyncio.sleep(0.03)
        runs.append((refs[0].request_id, begin, time.monotonic()))
        return await toy.run_steps(refs)

    async def body() -> None:
        await toy.jobs.run_worker(
            watched, on_gave_up=toy.on_gave_up, waiting=toy.waiting, until_idle=True, concurrency=4
        )

    asyncio.run(body())
    assert toy.states() == {"end": 4, "one": 1}
    assert toy.troubles() == {5: "worker-died: 3 workers died at this step."}
    first = {number: runs.index(next(run for run in runs if run[0] == number)) for number in (1, 2, 3, 4)}
    assert first[3] < first[2] < first[1] < first[4]
    for suspect in (1, 4):
        number, begin, end = runs[first[suspect]]
        beside = [run for run in runs if run[1] < end and run[2] > begin]
        assert beside == [(number, begin, end)]


def test_a_worker_survives_the_loss_of_its_database(toy: Toy, request: pytest.FixtureRequest) -> None:
    """The server is killed and started again; with SQLite, the table goes away and comes back."""

    def rename(old: str, new: str) -> None:
        with intruder(toy.store, guarded=True) as owner:
            owner.execute(f"ALTER TABLE {old} RENAME TO {new}")

    def lose() -> None:
        if toy.store.embedded:
            rename("procrastinate_jobs", "away")
        else:
            request.getfixturevalue("postgresql").stop(signal.SIGQUIT)

    def find() -> None:
        if toy.store.embedded:
            rename("away", "procrastinate_jobs")
        else:
            request.getfixturevalue("postgresql").start()

    async def body() -> None:
        working = asyncio.create_task(toy.work(until_idle=False))
        await asyncio.sleep(0.3)
        lose()
        await asyncio.sleep(0.3)
        assert not working.done()
        find()
        toy.submit(2)
        for _ in range(1000):
            await asyncio.sleep(0.02)
            if toy.states() == {"end": 2}:
                break
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    asyncio.run(body())
    assert toy.states() == {"end": 2}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_worker_until_idle_tells_of_a_missing_database(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with fresh(kind, tmp_path, request, template=NOTHING) as empty:
        if kind == "sqlite":
            (tmp_path / "paraaf.sqlite3").unlink()
        toy = Toy(Store(empty.url))
        with pytest.raises(StoreUnavailable):
            work(toy)
        toy.store.close()
