"""An invented past for the sample office: months of requests, driven through the real engine by a set clock.

Everything is as if it had happened: documents are rendered, signed and stamped, each by the clock of its
moment; those whose term is over are destroyed in the end. What is not real are the people, and when they did
it; the log says so with its first event (workflow.invented), and so does whatever tells of these times.
"""

import asyncio
import heapq
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

from argon2 import PasswordHasher
from sqlalchemy import select

from certs.authority_thread import answering
from cli.past_acts import DECLARATION, PAPER, PLAN, Act, Done, Hands, Life, Standing, Story
from cli.sample_exchange import scanned_in
from cli.sample_papers import declaration_of
from cli.sample_people import SamplePasswords
from documents.register import Person, Register
from signing.scans import matched, read_scan
from workflow import invented, outside_given, outside_scans
from workflow.calendar import CALENDARS
from workflow.commands import Answer, StepRef
from workflow.errors import WorkflowError
from workflow.office import AUTHORITY, Office
from workflow.outcomes import Verdict
from workflow.outside import By
from workflow.passwords import Passwords
from workflow.people import update_people
from workflow.steps import Steps
from workflow.tables import Request

MONTHS, MONTHS_MOST = 6, 12
PER_MONTH, CLICK = 45, "A1"
WAYS = (
    (DECLARATION, PAPER, 6),
    (DECLARATION, CLICK, 27),
    (DECLARATION, "A3", 33),
    (DECLARATION, "A4", 24),
    (PLAN, "standard", 10),
)
"""Of a hundred requests so many are of each way."""
SLOW_UNIT, SLOW = "Inspection", 1.5
PACES = 1.7, 0.75
"""How long things wait at the beginning of the past and at its end, beside the mean: the office learns."""
A_MONTH = timedelta(days=30.4)
_QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For passwords that a file tells anyway; whoever signs in with one has it hashed as all are."""


@dataclass
class SetClock:
    """A clock that is set, and never goes back."""

    at: datetime

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.at

    def go(self, at: datetime) -> None:
        """It is so late now, if it was not later."""
        self.at = max(self.at, at)


@dataclass(frozen=True)
class Told:
    """What the past comes to."""

    requests: int
    since: datetime


def invent(folder: Path, *, until: datetime, months: int, per_month: int = PER_MONTH, seed: int = 1) -> Told:
    """Give the office that is to be in a folder a past of so many whole months, and of this one so far.

    Raises PastTaken for one that has any; the folder holds the register.
    """
    if (folder / AUTHORITY).exists():  # its certificates began when it did
        raise invented.PastTaken
    begins = _month_before(until, months)
    clock = SetClock(begins)
    with closing(Office.open(folder, clock=clock, jobs=False)) as office:
        office.store.hurry()
        invented.begin(office.store, at=begins, until=until)
        assert office.register is not None  # noqa: S101 (the sample register was put into the folder)
        with office.store.write() as session:
            update_people(session, office.register, now=clock())
        with answering(office.authority.folder, clock):
            past = _Past(office, clock, until, Random(seed))  # noqa: S311 (the same each time)
            asyncio.run(past.happen(round((until - begins) / A_MONTH * per_month)))
        return Told(past.requests, begins)


def _month_before(until: datetime, months: int) -> datetime:
    """The first morning of the month that came so many months before."""
    year, month = divmod(12 * until.year + until.month - 1 - months, 12)
    return datetime(year, month + 1, 1, 6, tzinfo=UTC)


class _Past:
    def __init__(self, office: Office, clock: SetClock, until: datetime, luck: Random) -> None:
        self.office, self.clock, self.until, self.luck = office, clock, until, luck
        self.begins = clock()
        self.requests = 0
        self._next: list[tuple[datetime, int, Story, Act]] = []
        self._turn = count()
        passwords = Passwords(office.store, moment=office.moment, hasher=_QUICK)
        assert office.register is not None  # noqa: S101 (as above)
        self.hands = Hands(
            office.register,
            CALENDARS[next(iter(office.catalogue)).calendar],
            office.catalogue.get,
            SamplePasswords(office.folder, passwords).prove,
            self._give,
            self._scan,
            luck,
        )
        states = [state for one in office.catalogue for state in one.states.values()]
        self._automatic = {one.name for one in states if one.auto is not None}
        self._ends = {one.name for one in states if one.end is not None}
        self._people = [one for one in office.register.people() if self._asks(office.register, one)]

        self._permanent = [one for one in self._people if one.contract == "permanent"]

    def _asks(self, register: Register, person: Person) -> bool:
        """Whether it is somebody who may ask: without duties, with a manager who has theirs."""
        manager = person.manager_id
        able = manager is not None and register.person(manager).has_duty("manager") and not person.duties
        return able and declaration_of(register, person, self.hands.day(self.begins)) is not None

    async def happen(self, requests: int) -> None:
        """Have so many requests come in, and do what people and the worker did; then destroy what is due."""
        for at in self._arrivals(requests):
            self._hear(self._life(at).told(at))
        self.requests = len(self._next)
        async with self.office.steps() as steps:
            while self._next and self._next[0][0] <= self.until:
                at, _, story, act = heapq.heappop(self._next)
                self.clock.go(at)
                self._hear(story, await self._done(steps, act))
        self.clock.go(self.until)
        self.office.retention.run()

    def _hear(self, story: Story, standing: Standing | None = None) -> None:
        """What a request does next, if anything."""
        try:
            act = next(story) if standing is None else story.send(standing)
        except StopIteration:
            return
        heapq.heappush(self._next, (act.at, next(self._turn), story, act))

    async def _done(self, steps: Steps, act: Act) -> Standing:
        """Do it, and what is automatic after it."""
        answer = self._executed(act.done())
        number, state, version = answer.request_id, answer.state, answer.version
        seq = answer.event_seq
        while state in self._automatic:  # a worker does it within seconds
            self.clock.go(self.clock() + timedelta(seconds=self.luck.uniform(0.5, 2)))
            for outcome in await steps.run([StepRef(number, state, seq)]):
                if outcome.verdict is not Verdict.DONE:
                    raise WorkflowError(f"A step of the past could not be done: {outcome.message}")
            state, seq, version = self._stands(number)
        return Standing(number, state, version, state not in self._ends)

    def _executed(self, done: Done) -> Answer:
        if isinstance(done, Answer):
            return done
        for found in self.office.engine.execute_batch(done):
            if isinstance(found, WorkflowError):
                raise found
            answer = found
        return answer

    def _stands(self, number: int) -> tuple[str, int, int]:
        """A request's state, the event that led to it, and its version."""
        table = Request.table()
        query = select(table.c.state, table.c.step_seq, table.c.version).where(table.c.id == number)
        with self.office.store.read() as session:
            state, seq, version = session.connection().execute(query).one()
        return state, seq, version

    # --- what comes

    def _arrivals(self, requests: int) -> Iterator[datetime]:
        """So many times within the office's days, more of them on its mornings and on Mondays."""
        days = [opening for opening, _ in self.hands.calendar.openings(self.begins, until=self.until)]
        weights = [(1.3, 1.1, 1, 1, 0.8)[one.weekday()] for one in days]
        for day in self.luck.choices(days, weights, k=requests):
            at = day + timedelta(hours=self.luck.triangular(0, 8, 2))
            if at < self.until:
                yield at.replace(microsecond=0)

    def _life(self, at: datetime) -> Life:
        key, variant, _ = self.luck.choices(WAYS, [share for *_, share in WAYS])[0]
        # who consents by a click has a password: so it is signers alone, and no manager
        person = self.luck.choice(self._permanent if variant == CLICK else self._people)
        so_far = (at - self.begins) / (self.until - self.begins)
        pace = (PACES[0] + (PACES[1] - PACES[0]) * so_far) * (SLOW if person.unit == SLOW_UNIT else 1)
        return Life(self.hands, person, key, variant, pace)

    # --- paper

    def _give(self, number: int, who: str) -> Answer:
        answer = outside_given.give(self.office, number, By(who)).answer
        assert answer is not None  # noqa: S101 (it goes out once)
        return answer

    def _scan(self, number: int, who: str) -> Answer:
        by = By(who)
        [scan], _ = matched(read_scan(scanned_in(outside_given.given_out(self.office, number, by).pdf)))
        with ThreadPoolExecutor(1) as aside:  # it has a loop of its own
            return aside.submit(outside_scans.take_scan, self.office, scan, by).result()
