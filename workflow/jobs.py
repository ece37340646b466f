"""The queue of automatic steps. The only module, with its SQLite connector, that knows Procrastinate.

The state table is the truth: a request in an automatic state has to be worked on, and a job is no more than
the hint to do so. A step may run twice, its result is recorded once. So nothing here has to be exact, but
nothing may be lost:

- A job is deferred on the session's own connection: it exists if and only if the change of state is
  committed.
- A step that fails is tried again, later and later, until it is given up with an incident.
- The jobs of dead workers are taken up again. A job's priority is minus the number of workers that died at
  it: the worst come last. From the second death on it is a suspect: one suspect at a time, and alone in its
  worker.
- Every minute, requests that should have a job and have none get one.
"""

import asyncio
import logging
import math
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
    SyncPsycopgConnector,
)
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.types import JSONDict
from sqlalchemy import JSON, text
from sqlalchemy.orm import Session

from problem import Problem
from watching.logs import note, within
from watching.meters import Meters
from watching.spans import span
from workflow.chores import Chore
from workflow.commands import StepRef, StepTrouble
from workflow.errors import StoreUnavailable
from workflow.faults import point
from workflow.outcomes import Patience, StepOutcome, Verdict, crashed
from workflow.sqlite_connector import SqliteConnector
from workflow.store import Store
from workflow.tables import UtcTime

RunSteps = Callable[[Sequence[StepRef]], Awaitable[Sequence[StepOutcome]]]
OnGaveUp = Callable[[StepTrouble], None]
Waiting = Callable[[Session], Sequence[StepRef]]

CHUNK = 50
QUEUE = "steps"
STEPS = "paraaf.steps"
RECOVER = "paraaf.recover"
RECONCILE = "paraaf.reconcile"
SUSPECTS = "suspects"  # the lock that all suspects share
SUSPECT = 2  # deaths that make a suspect
UPKEEP_PRIORITY = 100
EVERY_FIVE_SECONDS = "* * * * * */5"
EVERY_MINUTE = "* * * * *"
KEEP_FAILED_HOURS = 7 * 24
IDLE_CHECK_S = 0.02
RESTART_S = (0.5, 30.0)  # shortest and longest wait of a worker whose database went away

LIVE = text(
    "SELECT args FROM procrastinate_jobs"  # noqa: S608  a constant of this module
    f" WHERE status IN ('todo', 'doing') AND task_name = '{STEPS}'"
).columns(args=JSON)

JOBS_BY_STATUS = text(
    "SELECT status, priority, count(*) AS jobs FROM procrastinate_jobs"  # noqa: S608  a constant of this module
    f" WHERE status IN ('todo', 'doing') AND task_name = '{STEPS}' GROUP BY status, priority"
)
HEARTBEATS = text("SELECT last_heartbeat FROM procrastinate_workers").columns(last_heartbeat=UtcTime)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueueFigures:
    """What the queue holds: jobs that wait and that run, suspects among them, and when workers were heard."""

    waiting: int
    running: int
    suspects: int
    heartbeats: tuple[datetime, ...]


class Jobs:
    """Puts steps into the queue, and works them off. Opens nothing before `run_worker`."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
        patience: Patience | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._store = store
        self._now = now
        self._random = random
        self._patience = patience or Patience()
        self.meters = meters or Meters()
        # never opened: it words the queries, the session's connection runs them
        self._deferrer = App(connector=self._sqlite() or SyncPsycopgConnector())

    def defer(self, session: Session, refs: Sequence[StepRef]) -> None:
        """Have the steps run once the session's transaction is committed, and not at all when it isn't.

        One step gets a job of its own, several share one, up to 50. Raises StoreUnavailable.
        """
        if refs:
            driver = session.connection().connection.driver_connection
            with _told():
                self._deferrer.job_manager.batch_defer_jobs(_jobs_for(refs), connection=driver)

    def live(self, session: Session) -> set[StepRef]:
        """Every step that has a job, waiting or running."""
        found = session.execute(LIVE).scalars()
        return {StepRef(*ref) for args in found for ref in args["refs"]}

    def figures(self, session: Session) -> QueueFigures:
        """How many jobs of steps there are, and which workers there are."""
        rows = session.execute(JOBS_BY_STATUS).all()
        beats = session.execute(HEARTBEATS).scalars()
        return QueueFigures(
            waiting=sum(row.jobs for row in rows if row.status == "todo"),
            running=sum(row.jobs for row in rows if row.status == "doing"),
            suspects=sum(row.jobs for row in rows if -row.priority >= SUSPECT),
            heartbeats=tuple(beats),
        )

    @property
    def silent_s(self) -> float:
        """After how long a silence a worker counts as dead."""
        return self._patience.silent_s

    def reconcile(self, waiting: Waiting) -> int:
        """Give a job to every step of `waiting(session)` that has none; how many got one.

        `waiting` lists the requests in automatic states, without those that have an open incident. Raises
        StoreUnavailable.
        """
        with self._store.read() as session:
            if not set(waiting(session)) - self.live(session):
                return 0
        with self._store.write() as session:
            live = self.live(session)
            missing = [ref for ref in waiting(session) if ref not in live]
            self.defer(session, missing)
        if missing:
            self.meters.reconciled.inc(len(missing))
            note(log, logging.WARNING, "steps_reconciled", count=len(missing))
        return len(missing)

    async def run_worker(
        self,
        run_steps: RunSteps,
        *,
        on_gave_up: OnGaveUp,
        waiting: Waiting,
        chores: Sequence[Chore] = (),
        until_idle: bool = False,
        concurrency: int = 1,
    ) -> None:
        """Work steps off until SIGTERM, SIGINT or cancellation; with `until_idle`, until no job is left.

        `run_steps` may be given a step that is recorded already, and answers that it is done. `on_gave_up`
        may be called twice for a step, and has a transaction of its own. `chores` are done when the worker
        begins, and then at their times. A worker that is told to stop
        finishes what is in hand; a second signal ends the process. When the database goes away the worker
        waits for it to come back; with `until_idle` it raises StoreUnavailable.
        """
        stop = asyncio.Event()
        shortest_s, longest_s = RESTART_S
        wait_s = shortest_s
        with _stopped_by_signals(stop), within(worker=worker_name()), _life():
            while not stop.is_set():
                try:
                    desk = _Desk(
                        self._app(),
                        run_steps=run_steps,
                        on_gave_up=on_gave_up,
                        patience=self._patience,
                        now=self._now,
                        random=self._random,
                    )
                    upkeep = _Upkeep(self, desk.app, waiting, self._patience, chores)
                    await self._work(desk, upkeep, stop, until_idle=until_idle, concurrency=concurrency)
                    wait_s = shortest_s
                except StoreUnavailable as error:
                    if until_idle:
                        raise
                    note(log, logging.ERROR, "database_lost", error=error, wait_s=wait_s)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait_s)
                wait_s = min(longest_s, 2 * wait_s)

    async def _work(
        self, desk: "_Desk", upkeep: "_Upkeep", stop: asyncio.Event, *, until_idle: bool, concurrency: int
    ) -> None:
        """One life of a worker, from opening the database to losing it or to the stop."""
        _register(desk, upkeep)
        with _told():
            async with desk.app.open_async():
                await upkeep.recover(0)
                await upkeep.reconcile(0)
                for chore in upkeep.chores:
                    await upkeep.do(chore)
                ends = [stop.wait()] + ([self._idle(stop)] if until_idle else [])
                running = desk.app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=concurrency,
                    fetch_job_polling_interval=self._patience.poll_s,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=self._patience.heartbeat_s,
                    stalled_worker_timeout=self._patience.silent_s,
                )
                await _run_until(running, *ends)

    async def _idle(self, stop: asyncio.Event) -> None:
        """Ask for the stop when no step has a job any more."""
        while True:
            with self._store.read() as session:
                if session.execute(LIVE).first() is None:
                    break
            await asyncio.sleep(IDLE_CHECK_S)
        stop.set()

    def _sqlite(self) -> SqliteConnector | None:
        if self._store.url.get_backend_name() != "sqlite":
            return None
        return SqliteConnector(self._store.url.database or "", now=self._now)

    def _app(self) -> App:
        conninfo = self._store.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return App(connector=self._sqlite() or PsycopgConnector(conninfo=conninfo))


class _TryAgain(Exception):
    """Not an error: how a task asks Procrastinate for another try."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"again in {wait_s:.1f} s")
        self.wait_s = wait_s


class _Again(BaseRetryStrategy):
    """No job of ours ever fails for good: a step ends by its outcome, the queue's own faults pass."""

    def __init__(self, *, now: Callable[[], datetime], longest_wait_s: float) -> None:
        self._now = now
        self._longest_wait_s = longest_wait_s

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:  # noqa: ARG002  its interface
        wait_s = exception.wait_s if isinstance(exception, _TryAgain) else self._longest_wait_s
        return RetryDecision(retry_at=self._now() + timedelta(seconds=wait_s))


class _Desk:
    """Where the steps of a job are run, and where it is decided what becomes of each."""

    def __init__(
        self,
        app: App,
        *,
        run_steps: RunSteps,
        on_gave_up: OnGaveUp,
        patience: Patience,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self.app = app
        self.again = _Again(now=now, longest_wait_s=patience.longest_wait_s)
        self._run_steps = run_steps
        self._on_gave_up = on_gave_up
        self._patience = patience
        self._now = now
        self._random = random
        self._room = _Room()

    async def steps(self, context: JobContext, refs: list[list[Any]], tried: int) -> None:
        """The task: run the steps, and see what becomes of each.

        `tried` counts the tries before this job was made. A chunk at which a worker died is taken apart
        first: then the one to blame can be told from the others.
        """
        job, deaths = context.job, -context.job.priority
        due = [StepRef(*ref) for ref in refs]
        with within(job=job.id), span("job", job=job.id or 0, count=len(due)):
            note(log, logging.DEBUG, "job_taken", count=len(due), deaths=deaths)
            await self._run(job, due, deaths=deaths, tried=tried)
            note(log, logging.DEBUG, "job_done", count=len(due))

    async def _run(self, job: Job, due: Sequence[StepRef], *, deaths: int, tried: int) -> None:
        if deaths >= self._patience.deaths:
            said = f"{deaths} workers died at this step."
            for ref in due:
                self._give_up(StepTrouble(ref, "worker-died", said, said), tries=deaths)
        elif deaths and len(due) > 1:
            tries = tried + job.attempts
            await self._defer([_job(ref, tried=tries, priority=job.priority) for ref in due])
        else:
            async with self._room.entered(alone=deaths >= SUSPECT):
                point("job.taken")
                outcomes = await self._outcomes(due)
                point("job.run")
            # attempts counts the deaths too
            await self._settle(job, outcomes, tries=tried + job.attempts - deaths + 1)

    async def _outcomes(self, due: Sequence[StepRef]) -> list[StepOutcome]:
        """One outcome for every step, whatever `run_steps` does."""
        try:
            told = {outcome.ref: outcome for outcome in await self._run_steps(due)}
            fault = plain = "The step ended without an outcome."
        except Exception as error:  # noqa: BLE001 (a fault in one step must not end the worker)
            note(log, logging.ERROR, "steps_crashed", error=error, count=len(due))
            told, fault = {}, f"{type(error).__name__}: {error}"
            plain = error.impersonal_text if isinstance(error, Problem) else crashed(error)
        return [told.get(ref) or StepOutcome.retry(ref, "step-crashed", fault, plain=plain) for ref in due]

    async def _settle(self, job: Job, outcomes: Sequence[StepOutcome], *, tries: int) -> None:
        """Give up what is over, have the rest run again: out of a chunk, each in a job of its own."""
        again: list[Job] = []
        for outcome in outcomes:
            if outcome.verdict is Verdict.DONE:
                continue
            if outcome.verdict is Verdict.WAIT:
                again.append(self._waits(job, outcome, tried=tries - 1 - job.priority))
                continue
            if outcome.verdict is Verdict.GAVE_UP or tries >= self._patience.tries:
                self._give_up(outcome.trouble, tries=tries)
                continue
            wait_s = max(outcome.after_s, self._patience.wait_s(tries, random=self._random))
            _tell(logging.WARNING, "step_retried", outcome, tries=tries, wait_s=round(wait_s, 1))
            if len(outcomes) == 1:
                raise _TryAgain(wait_s)
            due = self._now() + timedelta(seconds=wait_s)
            again.append(_job(outcome.ref, tried=tries, scheduled_at=due))
        await self._defer(again)

    def _waits(self, job: Job, outcome: StepOutcome, *, tried: int) -> Job:
        """A job for the time when the step's turn has come: a new one, because this was no try.

        `tried` counts the deaths too, as a job's attempts do.
        """
        _tell(logging.INFO, "step_waits", outcome, wait_s=round(outcome.after_s, 1))
        due = self._now() + timedelta(seconds=outcome.after_s)
        later = _job(outcome.ref, tried=tried, priority=job.priority, scheduled_at=due)
        return later.evolve(lock=SUSPECTS) if job.lock == SUSPECTS else later

    def _give_up(self, trouble: StepTrouble, *, tries: int) -> None:
        ref = trouble.ref
        self._on_gave_up(trouble)
        note(
            log,
            logging.ERROR,
            "step_given_up",
            request=ref.request_id,
            state=ref.state,
            step_seq=ref.step_seq,
            code=trouble.code,
            tries=tries,
        )

    async def _defer(self, jobs: list[Job]) -> None:
        if jobs:
            await self.app.job_manager.batch_defer_jobs_async(jobs)


class _Upkeep:
    """What keeps the queue whole. Without locks: an upkeep job that dies must not stop the next."""

    def __init__(
        self, jobs: Jobs, app: App, waiting: Waiting, patience: Patience, chores: Sequence[Chore]
    ) -> None:
        self.chores = chores
        self._jobs = jobs
        self._manager = app.job_manager
        self._waiting = waiting
        self._patience = patience

    async def recover(self, timestamp: int) -> None:  # noqa: ARG002  Procrastinate's argument
        """Put the jobs of dead workers back into the queue, each in its own try."""
        for job in await self._manager.get_stalled_jobs(seconds_since_heartbeat=self._patience.silent_s):
            try:
                await self._put_back(job)
            except ConnectorException as error:
                note(log, logging.WARNING, "job_recovered_by_another", error=error, job=job.id)

    async def _put_back(self, job: Job) -> None:
        if job.task_name != STEPS:  # the next tick does its work
            await self._manager.finish_job(job, Status.FAILED, delete_job=True)
            return
        deaths = 1 - job.priority
        lock = SUSPECTS if deaths >= SUSPECT else None
        await self._manager.retry_job(job, priority=-deaths, lock=lock)
        self._jobs.meters.recovered.inc()
        note(log, logging.WARNING, "job_recovered", job=job.id, deaths=deaths)

    async def reconcile(self, timestamp: int) -> None:  # noqa: ARG002  Procrastinate's argument
        """Give jobs to steps without one; forget jobs that ended badly long ago."""
        await asyncio.to_thread(self._jobs.reconcile, self._waiting)
        await self._manager.delete_old_jobs(
            KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )

    async def do(self, chore: Chore) -> None:
        """Do a chore; one that fails is told of, and tried at its next time."""
        try:
            await asyncio.to_thread(chore.run)
        except Exception as error:  # noqa: BLE001 (a chore must not end the worker)
            note(log, logging.ERROR, "chore_failed", error=error, chore=chore.name)


class _Room:
    """Entered by many, or by one alone."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._inside = 0
        self._reserved = False

    @asynccontextmanager
    async def entered(self, *, alone: bool) -> AsyncIterator[None]:
        """Wait until there is room; one who wants to be alone keeps others out while waiting."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._reserved)
            self._reserved = alone
            if alone:
                await self._changed.wait_for(lambda: self._inside == 0)
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                if alone:
                    self._reserved = False
                self._changed.notify_all()


def worker_name() -> str:
    """How this worker is told from others in the log: its host's name and its process."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def _life() -> Iterator[None]:
    """Log when a worker begins and ends."""
    note(log, logging.INFO, "worker_started")
    try:
        yield
    finally:
        note(log, logging.INFO, "worker_stopped")


def _tell(level: int, event: str, outcome: StepOutcome, **more: Any) -> None:
    ref = outcome.ref
    note(
        log,
        level,
        event,
        request=ref.request_id,
        state=ref.state,
        step_seq=ref.step_seq,
        code=outcome.code,
        **more,
    )


def _register(desk: _Desk, upkeep: _Upkeep) -> None:
    """Name the tasks of one worker's life. Importing does not: there is no queue before there is a store."""
    desk.app.task(name=STEPS, queue=QUEUE, pass_context=True, retry=desk.again)(desk.steps)
    for name, work, cron in (
        (RECOVER, upkeep.recover, EVERY_FIVE_SECONDS),
        (RECONCILE, upkeep.reconcile, EVERY_MINUTE),
        *((f"paraaf.{chore.name}", _at_its_time(upkeep, chore), chore.cron) for chore in upkeep.chores),
    ):
        task = desk.app.task(name=name, queue=QUEUE, priority=UPKEEP_PRIORITY)(work)
        desk.app.periodic(cron=cron)(task)


def _at_its_time(upkeep: _Upkeep, chore: Chore) -> Callable[[int], Awaitable[None]]:
    async def work(timestamp: int) -> None:  # noqa: ARG001  Procrastinate's argument
        await upkeep.do(chore)

    return work


def _jobs_for(refs: Sequence[StepRef]) -> list[Job]:
    """A single step's own job, or as few chunks as may be, of nearly the same size."""
    if len(refs) == 1:
        return [_job(refs[0])]
    chunks = math.ceil(len(refs) / CHUNK)
    size = math.ceil(len(refs) / chunks)
    return [_new_job(refs[start : start + size]) for start in range(0, len(refs), size)]


def _job(ref: StepRef, *, tried: int = 0, priority: int = 0, scheduled_at: datetime | None = None) -> Job:
    # one job of a request at a time: two would do the same work
    return _new_job(
        [ref], lock=f"request:{ref.request_id}", tried=tried, priority=priority, scheduled_at=scheduled_at
    )


def _new_job(refs: Sequence[StepRef], *, tried: int = 0, lock: str | None = None, **more: Any) -> Job:
    args: JSONDict = {"refs": [[ref.request_id, ref.state, ref.step_seq] for ref in refs], "tried": tried}
    return Job(task_name=STEPS, queue=QUEUE, queueing_lock=None, lock=lock, task_kwargs=args, **more)


async def _run_until(worker: Awaitable[None], *ends: Awaitable[object]) -> None:
    """Run the worker until one of the ends comes, then let it finish what is in hand.

    It may also end by itself: when its heartbeat failed, without a word; when fetching failed, with
    ConnectorException.
    """
    running = asyncio.ensure_future(worker)
    ending = [asyncio.ensure_future(end) for end in ends]
    try:
        done, _ = await asyncio.wait([running, *ending], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (running, *ending):
            task.cancel()  # cancelled, a worker stops when its jobs are done
        await asyncio.gather(running, *ending, return_exceptions=True)
    for task in done:
        task.result()


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """Let the first SIGTERM or SIGINT ask for the stop; a second one does what it does without us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def stopped() -> None:
        stop.set()
        for number in signals:
            loop.remove_signal_handler(number)

    for number in signals:
        loop.add_signal_handler(number, stopped)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@contextmanager
def _told() -> Iterator[None]:
    """Turn the queue's database errors into ours."""
    try:
        yield
    except ConnectorException as error:
        raise StoreUnavailable(
            f"The job queue's database does not answer as it should: {error.__cause__ or error}.",
            hint="See that its disk is there and has room, and that no other program holds it.",
        ) from error


def workers_alive(session: Session, *, now: datetime, silent_s: float = Patience().silent_s) -> int:
    """How many workers have given a sign of life lately."""
    beats = session.execute(HEARTBEATS).scalars()
    return sum(now - beat < timedelta(seconds=silent_s) for beat in beats)
