"""What was measured of requests' ways, for a simulation to be fitted from.

A way is cut in three: until it is offered to those who approve it (the clerks' queue); there; and from then
on until it is signed, and delivered. Lengths are the office's time, of what people did: where a program drove
a request, nothing is known of people. A wait that goes on still has taken so long so far; work is that which
is over, for what was begun and never ended is not being worked on.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from throughput.kept import Clocks
from throughput.ongoing import Lengths, doubles
from throughput.scenario import WEEK_MIN
from throughput.scope import Scope
from throughput.spans import Wait
from throughput.working import WorkClock
from workflow.definition_errors import DefinitionRefused
from workflow.definition_reader import read
from workflow.tables import DefinitionSource, TimingCase, TimingTask

LEAST = 30
"""Of fewer values that are over no assumption is fitted."""
_US_PER_MIN = 60e6


@dataclass
class Whole:
    """Requests' whole ways, in minutes of the office's time: what a simulation of them is held against."""

    begun: "array[float]" = field(default_factory=doubles)  # since the first of all
    lead: Lengths = field(default_factory=Lengths)  # of each of these, until it was delivered
    handled: "array[float]" = field(default_factory=doubles)  # by clerks, of each that was delivered
    until: float = 0  # when the last could come


@dataclass
class Measured:
    """What was measured of the requests of one variant: minutes of the office's time, a value each."""

    variant: str
    per_week: float = 0
    requests: int = 0  # of all variants: that the same arrive is what makes them comparable
    before: Lengths = field(default_factory=Lengths)  # until it is at the queue, each time
    waited: Lengths = field(default_factory=Lengths)  # there, without what it was suspended
    worked: Lengths = field(default_factory=Lengths)
    suspended: Lengths = field(default_factory=Lengths)  # 0 mostly; of those worked off
    returned: Lengths = field(default_factory=Lengths)  # 1 where it went back
    signer_wait: Lengths = field(default_factory=Lengths)
    signer: Lengths = field(default_factory=Lengths)
    posted: Lengths = field(default_factory=Lengths)
    paper: Lengths = field(default_factory=Lengths)
    provider_s: float = 0
    signatures: int = 0  # of which a provider was waited for
    whole: Whole = field(default_factory=Whole)

    def redrawn(self, random: np.random.Generator, arrivals: np.random.Generator) -> "Measured":
        """As it might have been measured: as many values, drawn from these with replacement.

        `arrivals` draws how many come, and nothing else: as many to each variant.
        """
        lists: dict[str, Any] = {
            name: value.redrawn(random) for name, value in vars(self).items() if isinstance(value, Lengths)
        }
        rate = self.per_week * arrivals.poisson(self.requests) / max(1, self.requests)
        return replace(self, **lists, per_week=max(rate, self.per_week / 10))


def measure(session: Session, scope: Scope, *, now: datetime) -> list[Measured]:
    """What the kept timings tell of each variant, by its name; what goes on does so until `now`."""
    began = session.scalar(select(func.min(TimingCase.table().c.opened_at)).where(*scope.conditions))
    reader = _Reader(session, now, began or now)
    found: dict[str, Measured] = {}
    for variant, rows in _requests(session, scope):
        one = found.setdefault(variant, Measured(variant))
        reader.take(one, rows)
    _machine(session, scope, found)
    _arrivals(session, scope, found, reader)
    return [found[variant] for variant in sorted(found)]


def _requests(session: Session, scope: Scope) -> Iterator[tuple[str, list[Row[Any]]]]:
    """The tasks, until it was delivered, of each request that people drove: approved, or going on."""
    cases, tasks = TimingCase.table(), TimingTask.table()
    going_on = and_(cases.c.ended_at.is_(None), cases.c.delivered_at.is_(None))
    columns = (cases.c.definition_sha256, cases.c.opened_at, cases.c.signed_at, cases.c.delivered_at)
    of_task = (tasks.c.state, tasks.c.offered_at, tasks.c.ended_at, tasks.c.since, tasks.c.kind)
    worked = (tasks.c[f"{kind}_working_us"] for kind in Wait)
    query = (
        select(tasks.c.request_id, cases.c.variant, going_on.label("going_on"), *columns)
        .add_columns(*of_task, tasks.c.suspended, tasks.c.returned, *worked)
        .join_from(tasks, cases, cases.c.request_id == tasks.c.request_id)
        .where(*scope.conditions, cases.c.by_program.is_(False))
        .where(or_(going_on, and_(cases.c.approved_at.is_not(None), tasks.c.ended_at.is_not(None))))
        .where(or_(cases.c.delivered_at.is_(None), tasks.c.offered_at < cases.c.delivered_at))
        .order_by(tasks.c.request_id, tasks.c.number)
    )
    result: Iterator[Row[Any]] = iter(session.execute(query.execution_options(yield_per=5000)))
    for _, several in groupby(result, key=lambda row: row.request_id):
        rows = list(several)
        yield rows[0].variant, rows


@dataclass(frozen=True)
class _Task:
    """A task's row with what it took so far, in the office's minutes."""

    row: Row[Any]
    spent: dict[Wait, float]

    @property
    def over(self) -> bool:
        return self.row.ended_at is not None

    @property
    def waited(self) -> float:
        """Until it was worked off, without what it was suspended."""
        return self.spent[Wait.QUEUE] + self.spent[Wait.DESK] + self.spent[Wait.TOUCH]


@dataclass
class _Reader:
    """Reads requests; which states approve, their definitions say."""

    session: Session
    now: datetime
    began: datetime
    clocks: Clocks = field(default_factory=Clocks)
    desks: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    def take(self, found: Measured, rows: Sequence[Row[Any]]) -> None:
        """Take in the tasks of one request; what its calendar does not tell of is left out."""
        first = rows[0]
        approving, theirs = self._desk(first.definition_sha256)
        tasks = [self._task(row) for row in rows]
        if not approving or any(task is None for task in tasks):
            return
        known = [task for task in tasks if task is not None]
        self._whole(found.whole, first, known, theirs)
        visits = [number for number, task in enumerate(known) if task.row.state in approving]
        since: datetime = first.opened_at
        for number in visits:
            task = known[number]
            self._add(found.before, first, since, task.row.offered_at)
            _visit(found, task, back=number != visits[-1] or task.row.returned)
            since = task.row.ended_at
        last = known[visits[-1]] if visits else None
        if last is None or (last.over and last.row.returned):
            if first.going_on:
                self._add(found.before, first, since, None)
        elif last.over:
            self._approved(found, first, since, known[visits[-1] + 1 :], theirs)

    def _whole(self, whole: Whole, first: Row[Any], tasks: Sequence[_Task], theirs: frozenset[str]) -> None:
        """From when it was opened until it was delivered; who ended otherwise came to no such end."""
        delivered_at: datetime | None = first.delivered_at
        begun = self._between(first, self.began, first.opened_at)
        taken = self._between(first, first.opened_at, delivered_at or self.now)
        if begun is None or taken is None or (delivered_at is None and not first.going_on):
            return
        whole.begun.append(begun / _US_PER_MIN)
        whole.lead.add(taken / _US_PER_MIN, over=delivered_at is not None)
        if delivered_at is not None:
            whole.handled.append(sum(task.spent[Wait.TOUCH] for task in tasks if task.row.state in theirs))

    def _approved(
        self,
        found: Measured,
        first: Row[Any],
        since: datetime,
        after: Sequence[_Task],
        theirs: frozenset[str],
    ) -> None:
        """What came once it was approved for good; `theirs`: the states that clerks look after."""
        signed_at, delivered_at = first.signed_at, first.delivered_at
        paper = sum(task.spent[Wait.TOUCH] for task in after if task.row.state in theirs)
        if not first.going_on:
            found.paper.add(paper)
        signed = signed_at is not None and signed_at >= since
        if signed or (signed_at is None and first.going_on):
            touched = sum(task.spent[Wait.TOUCH] for task in after if task.row.state not in theirs)
            self._add(found.signer_wait, first, since, signed_at, less=touched)
            if signed:
                found.signer.add(touched)
        if delivered_at is not None and delivered_at >= since:
            self._add(found.posted, first, max(since, signed_at or since), delivered_at)
        elif signed and first.going_on:
            self._add(found.posted, first, signed_at, None)

    def _task(self, row: Row[Any]) -> _Task | None:
        """What a task took so far; None where its calendar does not tell."""
        worked = {kind: getattr(row, f"{kind}_working_us") for kind in Wait}
        if row.ended_at is None:
            kind = Wait.SUSPENDED if row.suspended else Wait(row.kind)
            running = self._between(row, row.since, self.now)
            worked[kind] = None if running is None or worked[kind] is None else worked[kind] + running
        if any(us is None for us in worked.values()):
            return None
        return _Task(row, {kind: us / _US_PER_MIN for kind, us in worked.items()})

    def _add(
        self, lengths: Lengths, first: Row[Any], since: datetime, until: datetime | None, *, less: float = 0
    ) -> None:
        """From then until then; None: it goes on."""
        taken = self._between(first, since, self.now if until is None else until)
        if taken is not None:
            lengths.add(max(0.0, taken / _US_PER_MIN - less), over=until is not None)

    def _between(self, row: Row[Any], since: datetime, until: datetime) -> int | None:
        clock = self.clocks.of(self.session, row.definition_sha256)
        return clock.between_us(since, max(since, until)) if clock else None

    def clock_of_most(self, scope: Scope) -> WorkClock | None:
        """The clock by which most requests of a scope go."""
        definition = TimingCase.table().c.definition_sha256
        counted = select(definition).where(*scope.conditions).group_by(definition)
        sha256 = self.session.scalar(counted.order_by(func.count().desc(), definition).limit(1))
        return None if sha256 is None else self.clocks.of(self.session, sha256)

    def _desk(self, sha256: str) -> tuple[frozenset[str], frozenset[str]]:
        """The states in which a definition has requests approved, and all that the same people look after."""
        if sha256 not in self.desks:
            query = select(DefinitionSource.source).where(DefinitionSource.sha256_hex == sha256)
            try:
                definition = read(self.session.scalar(query) or "", sha256)
            except DefinitionRefused:
                self.desks[sha256] = frozenset(), frozenset()
            else:
                states, approving = definition.states, frozenset(definition.approving)
                roles = {states[name].role for name in approving}
                self.desks[sha256] = approving, frozenset(n for n in states if states[n].role in roles)
        return self.desks[sha256]


def _visit(found: Measured, task: _Task, *, back: bool) -> None:
    """A time at the clerks' queue: worked off once it waits for an outsider, or has ended."""
    on_hold = not task.over and task.row.suspended
    worked_off = task.over or on_hold
    found.waited.add(task.waited, over=worked_off)
    if worked_off:
        found.worked.add(task.spent[Wait.TOUCH])
    away = task.spent[Wait.SUSPENDED]
    if worked_off or away:
        found.suspended.add(max(away, 1e-3) if on_hold else away, over=not on_hold)
    if task.over:
        found.returned.add(back)


def _machine(session: Session, scope: Scope, found: dict[str, Measured]) -> None:
    """How long a provider was waited for, a signature: whoever drove the request."""
    cases = TimingCase.table()
    signatures = func.sum(case((cases.c.provider_us > 0, cases.c.signatures), else_=0))
    query = (
        select(cases.c.variant, func.sum(cases.c.provider_us).label("us"), signatures.label("n"))
        .where(*scope.conditions)
        .group_by(cases.c.variant)
    )
    for row in session.execute(query):
        one = found.setdefault(row.variant, Measured(row.variant))
        if row.n:
            one.signatures, one.provider_s = int(row.n), float(row.us) / 1e6 / int(row.n)


def _arrivals(session: Session, scope: Scope, found: dict[str, Measured], reader: _Reader) -> None:
    """How many came in a week of the office, of all variants together; by the calendar of most of them."""
    cases = TimingCase.table()
    first, last, count = session.execute(
        select(func.min(cases.c.opened_at), func.max(cases.c.opened_at), func.count()).where(
            *scope.conditions
        )
    ).one()
    clock = reader.clock_of_most(scope)
    length = None if clock is None else clock.between_us(first, last)
    if not length or count < LEAST:
        return
    until = clock.between_us(first, min(scope.before or reader.now, reader.now)) if clock else None
    for one in found.values():
        one.whole.until = (until or 0) / _US_PER_MIN
        one.requests = count
        one.per_week = (count - 1) / (length / _US_PER_MIN / WEEK_MIN)
