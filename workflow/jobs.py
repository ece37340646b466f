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
- Every minute, requests that should have a job and have none get one, and one that sleeps by a wrong clock
  is woken.
- What comes every few seconds or hours comes by the clock as it is, also when it was set back or forward.
"""

import asyncio
import logging
import math
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from types import NoneType
from typing import Any

from procrastinate import (
    App,
    BaseRetryStrategy,
    JobContext,
    PsycopgConnector,
    RetryDecision,
    SyncPsycopgConnector,
)
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.periodic import PeriodicDeferrer, PeriodicRegistry, PeriodicTask
from procrastinate.tasks import Task
from procrastinate.types import JSONDict
from procrastinate.worker import Worker
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import RaiseException
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import JSON, text
from sqlalchemy.orm import Session

from problem import Problem
from watching.logs import note, within
from watching.meters import Meters
from watching.spans import span
from workflow.chores import Chore
from workflow.clock import TOLERANCE
from workflow.commands import StepRef, StepTrouble
from workflow.errors import Raced, StoreUnavailable
from workflow.faults import point
from workflow.lost import Link
from workflow.outcomes import Patience, StepOutcome, Verdict, crashed
from workflow.sqlite_connector import SqliteConnector
from workflow.store import PATIENCE, PIN, Store, require_one
from workflow.tables import UtcTime
from workflow.unavailable import unavailable

RunSteps = Callable[[Sequence[StepRef]], Awaitable[Sequence[StepOutcome]]]
OnGaveUp = Callable[[StepTrouble], None]
Waiting = Callable[[Session], Sequence[StepRef]]

CHUNK = 50
QUEUE = "steps"
CHORES = "chores"  # a queue of their own: whatever they take, they take no step's place
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
CHORE_POLL_S = 1.0  # nobody waits for a chore
RESTART_S = (0.5, 30.0)  # shortest and longest wait of a worker whose database went away
STEADY_S = 60.0  # a worker that had its database for so long begins with the shortest wait again
FORGOTTEN = 3  # times as long as it takes to count as dead
ASKED_AGAIN_S = 10.0  # whether the office is still the one that work began with
LOOK_AGAIN_S = 1.0  # who waits for SQLite's write lock tries again every 0.1 s
NOBODY = 0  # a worker's number that is never given
OPENED_WITHIN_S = 10.0  # for so long a server may take to answer a worker that begins

LIVE = text(
    "SELECT args FROM procrastinate_jobs"  # noqa: S608  a constant of this module
    f" WHERE status IN ('todo', 'doing') AND task_name = '{STEPS}'"
).columns(args=JSON)

JOBS_BY_STATUS = text(
    "SELECT status, priority, count(*) AS jobs FROM procrastinate_jobs"  # noqa: S608  a constant of this module
    f" WHERE status IN ('todo', 'doing') AND task_name = '{STEPS}' GROUP BY status, priority"
)
LATER = text(
    "SELECT id, priority, attempts, args, scheduled_at FROM procrastinate_jobs"  # noqa: S608  a constant of this module
    f" WHERE status = 'todo' AND task_name = '{STEPS}' AND scheduled_at IS NOT NULL ORDER BY scheduled_at, id"
).columns(args=JSON, scheduled_at=UtcTime)
LONG = text(
    "SELECT id, args, scheduled_at FROM procrastinate_jobs"  # noqa: S608  a constant of this module
    f" WHERE status = 'todo' AND task_name = '{STEPS}' AND scheduled_at > :latest"
).columns(args=JSON, scheduled_at=UtcTime)
# one that is running has no time to wait for any more; what a worker takes meanwhile is tried anyway
AT_ONCE = text("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE id = :id AND status = 'todo'")
HEARTBEATS = text("SELECT last_heartbeat FROM procrastinate_workers").columns(last_heartbeat=UtcTime)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueueFigures:
    """What the queue holds: jobs that wait and that run, and the suspects among them."""

    waiting: int
    running: int
    suspects: int


@dataclass(frozen=True)
class Retry:
    """A step that is tried again at a time: why, after how many tries that failed."""

    ref: StepRef
    code: str
    tries: int
    next_at: datetime


@dataclass(frozen=True)
class Workers:
    """How long ago each worker showed its life, in seconds, and after how many it counts as dead."""

    silences_s: tuple[float, ...]
    limit_s: float

    @property
    def alive(self) -> int:
        """How many have shown their life lately."""
        return sum(silence_s <= self.limit_s for silence_s in self.silences_s)

    @property
    def silent(self) -> int:
        """How many have not, and were not forgotten yet."""
        return len(self.silences_s) - self.alive


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
        self._ahead = timedelta(0)
        self._random = random
        self._patience = patience or Patience()
        self.meters = meters or Meters()
        self.link = Link()
        # never opened: it words the queries, the session's connection runs them
        self._deferrer = App(connector=self._sqlite() or SyncPsycopgConnector())

    def defer(self, session: Session, refs: Sequence[StepRef]) -> None:
        """Have the steps run once the session's transaction is committed, and not at all when it isn't.

        One step gets a job of its own, several share one, up to 50. Raises StoreUnavailable.
        """
        if refs:
            driver = session.connection().connection.driver_connection
            with _told(self._store.file):
                self._deferrer.job_manager.batch_defer_jobs(_jobs_for(refs), connection=driver)

    def now(self) -> datetime:
        """The time by the clock that jobs are taken by: on SQLite this machine's own.

        Else the server's own, as far as it was ahead when it was last looked at.
        """
        return self._now() + self._ahead

    def set_clock(self) -> None:
        """Find out how far a server's clock is ahead of this machine's. Raises StoreUnavailable."""
        if not self._store.embedded:
            with self._store.read() as session:
                self._ahead = self._store.now(session) - self._now()

    def live(self, session: Session) -> set[StepRef]:
        """Every step that has a job, waiting or running."""
        found = session.execute(LIVE).scalars()
        return {StepRef(*ref) for args in found for ref in args["refs"]}

    def figures(self, session: Session) -> QueueFigures:
        """How many jobs of steps there are."""
        rows = session.execute(JOBS_BY_STATUS).all()
        return QueueFigures(
            waiting=sum(row.jobs for row in rows if row.status == "todo"),
            running=sum(row.jobs for row in rows if row.status == "doing"),
            suspects=sum(row.jobs for row in rows if -row.priority >= SUSPECT),
        )

    def retries(self, session: Session) -> list[Retry]:
        """Every step that failed and is tried again, or has to wait for its turn; the next one first."""
        return [retry for _, retry in _retries(session)]

    def try_now(self, session: Session, requests: Collection[int]) -> list[int]:
        """Have the retries of these requests' steps due at once; whose were.

        No event tells of it: no request moves, and a job is no more than a hint.
        """
        found = [(number, retry.ref.request_id) for number, retry in _retries(session)]
        return [
            request
            for number, request in found
            if request in requests and session.connection().execute(AT_ONCE, {"id": number}).rowcount
        ]

    def workers(self, session: Session) -> Workers:
        """Which workers there are, by the clock that their heartbeats are written by.

        That is the server's own; on SQLite this machine's, as the connector is given it.
        """
        now = self._now() if self._store.embedded else self._store.now(session)
        beats = session.execute(HEARTBEATS).scalars()
        # a heartbeat from the future is no sign of life: the clock was ahead when it was written
        silences = tuple(abs((now - beat).total_seconds()) for beat in beats)
        return Workers(silences, self._patience.silent_s)

    def reconcile(self, waiting: Waiting) -> int:
        """Give a job to every step of `waiting(session)` that has none; how many got one.

        `waiting` lists the requests in automatic states, without those that have an open incident. A job that
        is to wait for longer than any may is due at once: the clock was ahead when it was made. Raises
        StoreUnavailable.
        """
        self.set_clock()
        self._wake()
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

    def _wake(self) -> None:
        """Have the steps due at once that would sleep until a time which a wrong clock made."""
        with self._store.read() as session:
            asleep = list(self._asleep(session))
        if not asleep:
            return
        with self._store.write() as session:
            woken = sum(session.connection().execute(AT_ONCE, {"id": number}).rowcount for number in asleep)
        note(log, logging.WARNING, "steps_woken", count=woken)

    def _asleep(self, session: Session) -> Iterator[int]:
        """The jobs whose time is further ahead than they were told to wait, or any is."""
        now, longest_s = self.now(), self._patience.longest_wait_s
        latest = now + timedelta(seconds=longest_s) + TOLERANCE
        when = latest.isoformat(timespec="microseconds")  # SQLite compares the text
        for row in session.execute(LONG, {"latest": when}):
            wait = timedelta(seconds=row.args.get("wait_s", longest_s))
            if row.scheduled_at - now > wait + TOLERANCE:
                yield row.id

    async def run_worker(
        self,
        run_steps: RunSteps,
        *,
        on_gave_up: OnGaveUp,
        waiting: Waiting,
        chores: Sequence[Chore] = (),
        require_there: Callable[[], None] = lambda: None,
        until_idle: bool = False,
        concurrency: int = 1,
    ) -> None:
        """Work steps off until SIGTERM, SIGINT or cancellation; with `until_idle`, until no job is left.

        `run_steps` may be given a step that is recorded already, and answers that it is done; it must not
        wait in the event loop. `on_gave_up` may be called twice for a step, in a thread, and has a
        transaction of its own. `chores` are done beside the steps, one at a time: when the worker begins,
        and then at their times. `require_there` is called, in a thread, before any work and every few
        seconds: what it raises ends the worker. A worker that is told to stop finishes what is in hand; a
        second signal ends the process. When the database goes away the worker waits for it to come back,
        longer and longer; with `until_idle` it raises StoreUnavailable.
        """
        stop = asyncio.Event()
        pause = _Pause(clock=monotonic)
        with _stopped_by_signals(stop), within(worker=worker_name()), _life(), self.link.watched():
            while not stop.is_set():
                try:
                    desk = _Desk(
                        self._app(),
                        run_steps=run_steps,
                        on_gave_up=on_gave_up,
                        patience=self._patience,
                        now=self.now,
                        random=self._random,
                    )
                    upkeep = _Upkeep(self, desk.app, waiting, self._patience)
                    beside = _Chores(chores, desk.app, self._patience)
                    await self._work(
                        desk,
                        upkeep,
                        beside,
                        stop,
                        pause,
                        require_there=require_there,
                        until_idle=until_idle,
                        concurrency=concurrency,
                    )
                    wait_s = pause.next_s()
                except (StoreUnavailable, Raced) as error:
                    if until_idle and not isinstance(error, Raced):
                        raise
                    wait_s = pause.next_s()
                    self.link.lost(error)
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait_s)

    async def _work(
        self,
        desk: "_Desk",
        upkeep: "_Upkeep",
        chores: "_Chores",
        stop: asyncio.Event,
        pause: "_Pause",
        *,
        require_there: Callable[[], None],
        until_idle: bool,
        concurrency: int,
    ) -> None:
        """One life of a worker, from opening the database to losing it or a job, or to the stop."""
        ticks = _Ticks(PeriodicRegistry())  # type: ignore[no-untyped-call]  # it has no annotation
        _register(desk, upkeep, chores, ticks)
        await asyncio.to_thread(require_there)
        with _told(self._store.file):
            async with desk.app.open_async():
                pause.opened()
                await upkeep.recover(0)
                await upkeep.reconcile(0)
                await chores.ask_for_all()
                worker = Worker(
                    desk.app,
                    queues=[QUEUE],
                    concurrency=concurrency,
                    fetch_job_polling_interval=self._patience.poll_s,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=self._patience.heartbeat_s,
                    # who waits for the write lock is not forgotten: its jobs would count as a dead worker's
                    stalled_worker_timeout=FORGOTTEN * self._patience.silent_s,
                )
                ends = [stop.wait(), desk.app.unwritten.wait(), chores.run(worker), ticks.worker()]
                ends.append(_asked_again(require_there))
                running = worker.run()  # type: ignore[no-untyped-call]  # it has no annotation
                await _run_until(running, *ends, *([self._idle(chores, stop)] if until_idle else []))

    async def _idle(self, chores: "_Chores", stop: asyncio.Event) -> None:
        """Ask for the stop when no step has a job any more, and every chore that was asked for is done."""
        while chores.busy or self._any_live():
            await asyncio.sleep(IDLE_CHECK_S)
        stop.set()

    def _any_live(self) -> bool:
        with self._store.read() as session:
            return session.execute(LIVE).first() is not None

    def _sqlite(self) -> SqliteConnector | None:
        if self._store.url.get_backend_name() != "sqlite":
            return None
        return SqliteConnector(self._store.url.database or "", now=self._now)

    def _app(self) -> "_App":
        url = self._store.url
        conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
        patience = {name: value for name, value in PATIENCE.items() if name not in url.query}
        # whoever is stopped while the queue's transaction is open must not hold the others for ever
        limit = f"-c idle_in_transaction_session_timeout={self._store.idle_ms}"
        options = f"{url.query.get('options', '')} {limit}".strip()
        kwargs = {**patience, "options": options}
        server = PsycopgConnector(conninfo=conninfo, kwargs=kwargs, pool_factory=_Pool)
        return _App(self._sqlite() or server)


class _App(App):
    """Procrastinate's, which tells when what became of a job could not be written: its worker must end.

    Procrastinate forgets the job, and the database has it in the hands of a worker that shows its life: it
    would run for ever, and nothing else that needs its lock.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector=connector)
        self.unwritten = asyncio.Event()
        self.job_manager = _Manager(connector, self.unwritten)


class _Manager(JobManager):
    """Procrastinate's, which sets `unwritten` when the end of a job, or its return, could not be written."""

    def __init__(self, connector: BaseConnector, unwritten: asyncio.Event) -> None:
        super().__init__(connector)
        self._unwritten = unwritten

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        with self._told():
            await super().finish_job(job, status, delete_job)

    async def retry_job(self, job: Job, *args: Any, **kwargs: Any) -> None:
        with self._told():
            await super().retry_job(job, *args, **kwargs)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ConnectorException as error:
            if not isinstance(
                error.__cause__, NoneType | RaiseException
            ):  # else somebody else has written it
                self._unwritten.set()
            raise


class _Pool(AsyncConnectionPool):
    """A worker's connections to a server that may be away: it is waited for, but not for half a minute."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, configure=self._pin)

    @staticmethod
    async def _pin(connection: AsyncConnection[Any]) -> None:
        """See the schema of our tables alone, as every other connection does. Raises StoreUnavailable."""
        found = await (await connection.execute(PIN)).fetchone()
        await connection.commit()
        require_one(found[0] if found else 0)

    async def open(self, wait: bool = False, timeout: float | None = None) -> None:
        """As the pool's own. Raises PoolTimeout."""
        await super().open(wait, OPENED_WITHIN_S if timeout is None else timeout)


class _Pause:
    """How long a worker waits before it opens the database again: twice as long each time.

    After a minute with an open database (by the monotonic `clock`, in seconds) the next wait is the shortest.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._opened_at: float | None = None
        self._next_s = RESTART_S[0]

    def opened(self) -> None:
        """The database is open from now on."""
        self._opened_at = self._clock()

    def next_s(self) -> float:
        """The wait that is to come, in seconds; the database counts as closed from now on."""
        shortest_s, longest_s = RESTART_S
        if self._opened_at is not None and self._clock() - self._opened_at >= STEADY_S:
            self._next_s = shortest_s
        self._opened_at = None
        wait_s, self._next_s = self._next_s, min(longest_s, 2 * self._next_s)
        return wait_s


class _Again(BaseRetryStrategy):
    """No job of ours ever fails for good: a step ends by its outcome, the queue's own faults pass."""

    def __init__(
        self, *, now: Callable[[], datetime], random: Callable[[], float], patience: Patience
    ) -> None:
        self._now = now
        self._random = random
        self._patience = patience

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision:  # noqa: ARG002  its interface
        wait_s = self._patience.wait_s(job.attempts + 1, random=self._random)
        return RetryDecision(retry_at=self._now() + timedelta(seconds=wait_s))


class _Desk:
    """Where the steps of a job are run, and where it is decided what becomes of each."""

    def __init__(
        self,
        app: _App,
        *,
        run_steps: RunSteps,
        on_gave_up: OnGaveUp,
        patience: Patience,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self.app = app
        self.again = _Again(now=now, random=random, patience=patience)
        self._run_steps = run_steps
        self._on_gave_up = on_gave_up
        self._patience = patience
        self._now = now
        self._random = random
        self._room = _Room()

    async def steps(
        self,
        context: JobContext,
        refs: list[list[Any]],
        tried: int,
        code: str = "",  # noqa: ARG002  for `retries`
        wait_s: float = 0.0,  # noqa: ARG002  for `reconcile`
    ) -> None:
        """The task: run the steps, and see what becomes of each.

        `tried` counts the tries before this job was made, `code` is why the last one failed, `wait_s` how
        long it was to wait. A chunk at which
        a worker died is taken apart first: then the one to blame can be told from the others.
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
            hopeless = [StepOutcome.gave_up(ref, "worker-died", said, plain=said) for ref in due]
            await self._settle(job, hopeless, tries=deaths)
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
        """Give up what is over, have the rest run again: out of a chunk, each in a job of its own.

        One whose incident can't be written comes back too, and keeps no other from its own. When it is the
        database that does not answer, the others do not wait for it one by one: they come back as well.
        """
        again: list[Job] = []
        away = False
        for outcome in outcomes:
            if outcome.verdict is Verdict.DONE:
                continue
            if outcome.verdict is Verdict.WAIT:  # for its turn: this was no try
                _tell(logging.INFO, "step_waits", outcome, wait_s=round(outcome.after_s, 1))
                again.append(self._later(job, outcome, tries=tries - 1, wait_s=outcome.after_s))
                continue
            if (outcome.verdict is Verdict.GAVE_UP or tries >= self._patience.tries) and not away:
                try:
                    await self._give_up(outcome.trouble, tries=tries)
                except Exception as error:  # noqa: BLE001 (told, and tried again as this step's own)
                    away = isinstance(error, StoreUnavailable)
                    _tell(logging.ERROR, "step_not_given_up", outcome, error=error, tries=tries)
                else:
                    continue
            wait_s = max(outcome.after_s, self._patience.wait_s(tries, random=self._random))
            _tell(logging.WARNING, "step_retried", outcome, tries=tries, wait_s=round(wait_s, 1))
            again.append(self._later(job, outcome, tries=tries, wait_s=wait_s))
        await self._defer(again)

    def _later(self, job: Job, outcome: StepOutcome, *, tries: int, wait_s: float) -> Job:
        """A new job for the step, which says why it waits; a suspect's stays one.

        Its `tried` counts the deaths too, as a job's attempts do.
        """
        later = _job(
            outcome.ref,
            tried=tries - job.priority,
            code=outcome.code,
            wait_s=wait_s,
            priority=job.priority,
            scheduled_at=self._now() + timedelta(seconds=wait_s),
        )
        return later.evolve(lock=SUSPECTS) if job.lock == SUSPECTS else later

    async def _give_up(self, trouble: StepTrouble, *, tries: int) -> None:
        ref = trouble.ref
        await asyncio.to_thread(self._on_gave_up, trouble)  # it may wait for a lock
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

    def __init__(self, jobs: Jobs, app: App, waiting: Waiting, patience: Patience) -> None:
        self._jobs = jobs
        self._manager = app.job_manager
        self._waiting = waiting
        self._patience = patience

    async def recover(self, timestamp: int) -> None:  # noqa: ARG002  Procrastinate's argument
        """Put the jobs of dead workers back into the queue, each in its own try.

        Two looks: on SQLite nobody can show life while somebody holds the write lock. So who finds a silent
        worker waits for that lock too, and a moment longer: whoever is alive has shown it by then.
        """
        await asyncio.to_thread(self._jobs.set_clock)
        stalled = await self._stalled()
        self._jobs.link.found()
        if not stalled:
            return
        await self._manager.update_heartbeat(NOBODY)
        await asyncio.sleep(min(LOOK_AGAIN_S, self._patience.heartbeat_s))
        for job in await self._stalled():
            try:
                await self._put_back(job)
            except ConnectorException as error:
                note(log, logging.WARNING, "job_recovered_by_another", error=error, job=job.id)

    async def _stalled(self) -> list[Job]:
        return list(await self._manager.get_stalled_jobs(seconds_since_heartbeat=self._patience.silent_s))

    async def _put_back(self, job: Job) -> None:
        if job.task_name != STEPS:  # the next tick does its work
            await self._manager.finish_job(job, Status.FAILED, delete_job=True)
            return
        deaths = 1 - job.priority
        lock = SUSPECTS if deaths >= SUSPECT else None
        await self._manager.retry_job(job, retry_at=self._jobs.now(), priority=-deaths, lock=lock)
        self._jobs.meters.recovered.inc()
        note(log, logging.WARNING, "job_recovered", job=job.id, deaths=deaths)

    async def reconcile(self, timestamp: int) -> None:  # noqa: ARG002  Procrastinate's argument
        """Give jobs to steps without one; forget jobs that ended badly long ago."""
        await asyncio.to_thread(self._jobs.reconcile, self._waiting)
        await self._manager.delete_old_jobs(
            KEEP_FAILED_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )


class _Chores:
    """Does the chores one at a time, beside the steps. Each is a job, for whichever worker comes to it.

    Over all workers one job of a chore runs (`lock`) and one waits (`queueing_lock`) at most.
    """

    def __init__(self, chores: Sequence[Chore], app: App, patience: Patience) -> None:
        self.busy = bool(chores)
        self._by_task = {f"paraaf.{chore.name}": chore for chore in chores}
        self._app = app
        self._patience = patience

    def register(self, ticks: "_Ticks") -> None:
        """Have each asked for at its times."""
        for name, chore in self._by_task.items():
            task = self._app.task(
                name=name, queue=CHORES, lock=name, queueing_lock=name, priority=UPKEEP_PRIORITY
            )(self._not_a_step)
            ticks.add(task, chore.cron)

    async def ask_for_all(self) -> None:
        """Have each done soon: its time may have passed while no worker was there."""
        for name in self._by_task:
            job = Job(task_name=name, queue=CHORES, lock=name, queueing_lock=name, priority=UPKEEP_PRIORITY)
            with suppress(AlreadyEnqueued):
                await self._app.job_manager.defer_job_async(job)

    async def run(self, worker: Worker) -> None:
        """Do what is asked for, as this worker; never returns. Cancelled, it finishes the chore in hand."""
        while True:
            job = await self._next(worker) if self._by_task else None
            if job is None:
                await asyncio.sleep(self._patience.poll_s if self.busy else CHORE_POLL_S)
                continue
            in_hand = asyncio.ensure_future(self._do(job))
            try:
                await asyncio.shield(in_hand)
            except asyncio.CancelledError:
                await in_hand
                raise

    async def _next(self, worker: Worker) -> Job | None:
        if worker.worker_id is None:  # not there yet, or not any more
            return None
        job = await self._app.job_manager.fetch_job([CHORES], worker.worker_id)
        self.busy = job is not None
        return job

    async def _do(self, job: Job) -> None:
        """Do a chore; one that fails is told of, and tried at its next time."""
        chore = self._by_task.get(job.task_name)
        if chore is not None:  # else one of another release, whose workers ask for it themselves
            try:
                await asyncio.to_thread(chore.run)
            except StoreUnavailable as error:  # which is told once, for all that want the database
                note(log, logging.INFO, "chore_failed", error=error, chore=chore.name)
            except Exception as error:  # noqa: BLE001 (a chore must not end the worker)
                note(log, logging.ERROR, "chore_failed", error=error, chore=chore.name)
        with suppress(ConnectorException):  # this worker was taken for dead, or the next query fails too
            await self._app.job_manager.finish_job(job, Status.SUCCEEDED, delete_job=True)

    async def _not_a_step(self, timestamp: int) -> None:
        """Nothing: jobs of this name are done by `run`."""


class _Ticks(PeriodicDeferrer):
    """Asks for periodic work: of the times that have passed for the last one alone, once.

    Procrastinate's own asks for every time that has passed, which are half a million after a month; and for
    none before the last that it knows, which a clock that was ahead put into the future. It is not given to
    the worker, whose own has nothing to do.
    """

    def add(self, task: Task[Any, Any, Any], cron: str) -> None:
        """Have a task asked for at the times of `cron`."""
        self.registry.register_task(task=task, cron=cron, periodic_id="", configure_kwargs={})

    def get_timestamps(
        self, periodic_task: PeriodicTask[Any, Any, Any], since: int | None, until: float
    ) -> Iterator[int]:
        """The last time of the task before `until`, unless that is `since`, which was asked for already. In
        seconds since 1970.
        """
        if since is None:  # this worker has just begun
            yield from super().get_timestamps(periodic_task, None, until)
            return
        periodic_task.croniter.set_current(start_time=until)
        last = round(periodic_task.croniter.get_prev(ret_type=float))
        if last != since:
            yield last


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
                await self._emptied()
            self._inside += 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= 1
                if alone:
                    self._reserved = False
                self._changed.notify_all()

    async def _emptied(self) -> None:
        """Wait for the last to leave; who is cancelled while waiting gives the room back."""
        try:
            await self._changed.wait_for(lambda: self._inside == 0)
        except BaseException:
            self._reserved = False
            self._changed.notify_all()
            raise


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


def _register(desk: _Desk, upkeep: _Upkeep, chores: _Chores, ticks: _Ticks) -> None:
    """Name the tasks of one worker's life. Importing does not: there is no queue before there is a store."""
    desk.app.task(name=STEPS, queue=QUEUE, pass_context=True, retry=desk.again)(desk.steps)
    for name, work, cron in (
        (RECOVER, upkeep.recover, EVERY_FIVE_SECONDS),
        (RECONCILE, upkeep.reconcile, EVERY_MINUTE),
    ):
        task = desk.app.task(name=name, queue=QUEUE, priority=UPKEEP_PRIORITY)(work)
        ticks.add(task, cron)
    chores.register(ticks)


def _retries(session: Session) -> Iterator[tuple[int, Retry]]:
    for row in session.execute(LATER):
        deaths = -row.priority
        # Without a code it was put back: after a worker died at it, or since the queue itself could not write
        # what came of it. Any other fault comes back with the code of what the step ran into.
        if code := row.args.get("code", "" if deaths else StoreUnavailable.code):
            tries = row.args["tried"] + row.attempts - deaths
            for ref in row.args["refs"]:
                yield row.id, Retry(StepRef(*ref), code, tries, row.scheduled_at)


def _jobs_for(refs: Sequence[StepRef]) -> list[Job]:
    """A single step's own job, or as few chunks as may be, of nearly the same size."""
    if len(refs) == 1:
        return [_job(refs[0])]
    chunks = math.ceil(len(refs) / CHUNK)
    size = math.ceil(len(refs) / chunks)
    return [_new_job(refs[start : start + size]) for start in range(0, len(refs), size)]


def _job(ref: StepRef, **more: Any) -> Job:
    # one job of a request at a time: two would do the same work
    return _new_job([ref], lock=f"request:{ref.request_id}", **more)


def _new_job(
    refs: Sequence[StepRef],
    *,
    tried: int = 0,
    code: str = "",
    wait_s: float = 0.0,
    lock: str | None = None,
    **more: Any,
) -> Job:
    args: JSONDict = {"refs": [[ref.request_id, ref.state, ref.step_seq] for ref in refs], "tried": tried}
    if code:
        args["code"] = code
    if wait_s:
        args["wait_s"] = wait_s
    return Job(task_name=STEPS, queue=QUEUE, queueing_lock=None, lock=lock, task_kwargs=args, **more)


async def _asked_again(require: Callable[[], None]) -> None:
    """Ask every few seconds; never returns, but raises what asking does."""
    while True:
        await asyncio.sleep(ASKED_AGAIN_S)
        await asyncio.to_thread(require)


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
def _told(file: Path | None) -> Iterator[None]:
    """Turn the queue's database errors into ours; `file` is the SQLite file, if it is one."""
    try:
        yield
    except (ConnectorException, OperationalError) as error:  # a pool's own errors come unwrapped
        raise unavailable(error.__cause__ or error, file) from error
