"""What a simulation assumes, fitted from what was measured, as far as enough was.

A request's way is cut in three: until it is offered to those who approve it (the clerks' queue); there; and
from then on until it is signed, and delivered. Lengths are the office's time, of what people did: where a
program drove a request, nothing is known of people.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from math import ceil, exp, sqrt
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import case, func, select
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from throughput.kept import Clocks
from throughput.scope import Scope
from throughput.simulate import DAY_MIN, SOURCE, WEEK_MIN, Input, Luck, Scenario, run
from workflow.definition_errors import DefinitionRefused
from workflow.definition_reader import read
from workflow.tables import DefinitionSource, TimingCase, TimingTask

LEAST = 30
"""Of fewer values no assumption is fitted."""
_US_PER_MIN = 60e6
_BUSY = 0.7
_CALIBRATING_WEEKS, _CALIBRATING_STEPS = 40, 12
_KINDS = ("queue", "desk", "touch", "suspended")
Lengths: TypeAlias = "array[float]"
"""Of doubles: a million requests have some ten million."""


def _none() -> Lengths:
    return array("d")


@dataclass
class Measured:
    """What was measured of the requests of one variant: minutes of the office's time, a value each."""

    variant: str
    per_week: float = 0
    requests: int = 0  # of all variants: that the same arrive is what makes them comparable
    before: Lengths = field(default_factory=_none)  # until it is at the queue, each time
    waited: Lengths = field(default_factory=_none)  # there, without what it was suspended
    worked: Lengths = field(default_factory=_none)
    suspended: Lengths = field(default_factory=_none)  # 0 mostly
    returned: Lengths = field(default_factory=_none)
    signer_wait: Lengths = field(default_factory=_none)
    signer: Lengths = field(default_factory=_none)
    posted: Lengths = field(default_factory=_none)
    paper: Lengths = field(default_factory=_none)
    provider_s: float = 0
    signatures: int = 0  # of which a provider was waited for

    def redrawn(self, random: np.random.Generator, arrivals: np.random.Generator) -> "Measured":
        """As it might have been measured: as many values, drawn from these with replacement.

        `arrivals` draws how many come, and nothing else: as many to each variant.
        """
        lists: dict[str, Any] = {
            name: array("d", random.choice(np.asarray(value), len(value)).tobytes())
            for name, value in vars(self).items()
            if isinstance(value, array) and value
        }
        rate = self.per_week * arrivals.poisson(self.requests) / max(1, self.requests)
        return replace(self, **lists, per_week=max(rate, self.per_week / 10))


@dataclass(frozen=True)
class Fitted:
    """A scenario, where each of its assumptions comes from, and itself as drawn anew for each replication."""

    scenario: Scenario
    inputs: Mapping[str, Input]
    redrawn: Sequence[Scenario]

    def changed(self, table: Mapping[str, Any]) -> "Fitted":
        """With other assumptions in the place of some. Raises ScenarioUnusable."""
        inputs = {name: one for name, one in self.inputs.items() if name not in table}
        redrawn = [replace(one, **table) for one in self.redrawn]
        return Fitted(replace(self.scenario, **table), inputs, redrawn)


def fitted(measured: Measured, *, replications: int, seed: int = 1) -> Fitted:
    """Fit what can be; the rest stays as the source or we assume it."""
    basis = next((one for one in SOURCE if one.name == measured.variant), Scenario(measured.variant))
    values, inputs = _values(measured)
    scenario = staffed(replace(basis, **values))
    if len(measured.waited) >= LEAST:
        scenario = _calibrated(scenario, float(np.mean(measured.waited)))
        inputs["clerk_share"] = Input("measured", len(measured.waited))
    random, arrivals = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    redrawn = []
    for _ in range(replications):
        anew = measured.redrawn(random, arrivals)
        drawn = replace(scenario, **_values(anew, like=values)[0])
        if "clerk_share" in inputs:  # it was measured, too: what their desk leaves of their day
            drawn = _calibrated(drawn, float(np.mean(anew.waited)), around=scenario.clerk_share)
        redrawn.append(drawn)
    return Fitted(scenario, inputs, redrawn)


def _values(
    found: Measured, like: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], dict[str, Input]]:
    """The assumptions that enough was measured for; `like`: those alone that are in it."""
    told: dict[str, tuple[float, int]] = {}
    if found.requests >= LEAST:
        told["per_week"] = found.per_week, found.requests
    for name, spread_name, lengths in (
        ("manager_median_min", "manager_variation", found.before),
        ("signer_wait_min", "signer_variation", found.signer_wait),
    ):
        if len(lengths) >= LEAST:
            median, variation = _lognormal(lengths)
            told |= {name: (median, len(lengths)), spread_name: (variation, len(lengths))}
    if "signer_wait_min" in told:  # it holds the rounds of signing
        told["signing_every_days"] = 0.0, len(found.signer_wait)
    visits = len(found.worked)
    if visits >= LEAST:
        mean, spread = float(np.mean(found.worked)), float(np.std(found.worked))
        if mean > 0:
            told |= {"handling_min": (mean, visits), "variation": (spread / mean, visits)}
        suspended = np.asarray(found.suspended)
        away = suspended[suspended > 0]
        told["return_rate"] = float(np.mean(found.returned)), visits
        if len(away) >= LEAST:
            told["suspended_share"] = len(away) / visits, visits
            told["suspended_days"] = float(np.mean(away)) / DAY_MIN, len(away)
    for name, lengths, unit in (
        ("signer_min", found.signer, 1.0),
        ("paper_min", found.paper, 1.0),
        ("post_days", found.posted, DAY_MIN),
    ):
        if len(lengths) >= LEAST:
            told[name] = float(np.mean(lengths)) / unit, len(lengths)
    if found.signatures >= LEAST:
        told["provider_s"] = found.provider_s, found.signatures
    if like is not None:
        told = {name: value for name, value in told.items() if name in like}
    return (
        {name: value for name, (value, _) in told.items()},
        {name: Input("measured", n) for name, (_, n) in told.items()},
    )


def _lognormal(lengths: Lengths) -> tuple[float, float]:
    """The median and the deviation over the mean of lengths, as lognormal ones, by their quartiles."""
    low, middle, high = (max(float(one), 1e-3) for one in np.quantile(lengths, (0.25, 0.5, 0.75)))
    spread = float(np.log(high / low)) / 1.349  # the normal law's distance between quartiles
    return middle, min(sqrt(exp(min(spread, 3.0) ** 2) - 1), 50.0)


def beside(fits: Sequence[Fitted], tables: Mapping[str, Mapping[str, Any]]) -> list[Fitted]:
    """What was measured, and beside it what was not: the scenarios of `tables`, or the source's without any.

    As many requests come to each; what `tables` say holds. Raises ScenarioUnusable.
    """
    others = [Scenario(name) for name in tables] if tables else list(SOURCE)
    every = {one.name: Fitted(one, {}, ()) for one in others}
    rate = next((one.inputs["per_week"] for one in fits if "per_week" in one.inputs), None)
    if rate is not None:
        per_week = fits[0].scenario.per_week
        every = {
            name: Fitted(staffed(replace(one.scenario, per_week=per_week)), {"per_week": rate}, ())
            for name, one in every.items()
        }
    every |= {one.scenario.name: one for one in fits}
    return [one.changed(tables.get(name, {})) for name, one in every.items()]


def staffed(scenario: Scenario) -> Scenario:
    """With so many clerks as the work takes: how many there are is not measured."""
    whole = replace(scenario, clerks=1, clerk_share=1.0).load
    return replace(scenario, clerks=max(scenario.clerks, ceil(whole / (_BUSY * 0.9))), clerk_share=_BUSY)


def _calibrated(scenario: Scenario, at_desk_min: float, *, around: float | None = None) -> Scenario:
    """With that share of the clerks' day for this work by which requests stay at their queue as measured.

    `around`: near this one, and with less pains.
    """
    least = min(replace(scenario, clerk_share=1.0).load / 0.98, 1.0)
    low, high, steps, many = least, 1.0, _CALIBRATING_STEPS, 2
    if around is not None:
        low, high = max(least, around * 0.6), max(least, min(1.0, around * 1.6))
        steps, many = 6, 1
    requests = ceil(scenario.per_week * _CALIBRATING_WEEKS * 1.2)
    lucks = [Luck.of(requests, 10_000 + number) for number in range(many)]
    window = (5 * WEEK_MIN, _CALIBRATING_WEEKS * WEEK_MIN)
    for _ in range(steps):
        middle = (low + high) / 2
        tried = replace(scenario, clerk_share=middle)
        stay = float(np.mean([run(tried, luck, window).at_desk_min for luck in lucks]))
        low, high = (middle, high) if stay > at_desk_min else (low, middle)
    return replace(scenario, clerk_share=(low + high) / 2)


def measure(session: Session, scope: Scope) -> list[Measured]:
    """What the kept timings tell of each variant, by its name."""
    reader = _Reader(session)
    found: dict[str, Measured] = {}
    for variant, rows in _requests(session, scope):
        one = found.setdefault(variant, Measured(variant))
        reader.take(one, rows)
    _machine(session, scope, found)
    _arrivals(session, scope, found, reader)
    return [found[variant] for variant in sorted(found)]


def _requests(session: Session, scope: Scope) -> Iterator[tuple[str, list[Row[Any]]]]:
    """The finished tasks of each request that people drove and approved, in their order."""
    cases, tasks = TimingCase.table(), TimingTask.table()
    columns = (cases.c.variant, cases.c.definition_sha256, cases.c.opened_at, cases.c.signed_at)
    worked = (tasks.c[f"{kind}_working_us"] for kind in _KINDS)
    query = (
        select(
            *(tasks.c.request_id, *columns, cases.c.delivered_at),
            *(tasks.c.state, tasks.c.offered_at, tasks.c.ended_at, *worked),
        )
        .join_from(tasks, cases, cases.c.request_id == tasks.c.request_id)
        .where(*scope.conditions, cases.c.by_program.is_(False), cases.c.approved_at.is_not(None))
        .where(tasks.c.ended_at.is_not(None))
        .order_by(tasks.c.request_id, tasks.c.number)
    )
    result = session.execute(query.execution_options(yield_per=5000))
    for _, several in groupby(result, key=lambda row: row.request_id):
        rows = list(several)
        yield rows[0].variant, rows


@dataclass
class _Reader:
    """Reads requests; which states approve, their definitions say."""

    session: Session
    clocks: Clocks = field(default_factory=Clocks)
    desks: dict[str, tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    def take(self, found: Measured, rows: Sequence[Row[Any]]) -> None:
        """Take in the tasks of one request; what its calendar does not tell of is left out."""
        first = rows[0]
        approving, theirs = self._desk(first.definition_sha256)
        visits = [number for number, row in enumerate(rows) if row.state in approving]
        if not visits or any(row.touch_working_us is None for row in rows):
            return
        since: datetime = first.opened_at
        for number in visits:
            row = rows[number]
            self._add(found.before, first, since, row.offered_at)
            queue, desk, touch, away = (getattr(row, f"{kind}_working_us") / _US_PER_MIN for kind in _KINDS)
            found.waited.append(queue + desk + touch)
            found.worked.append(touch)
            found.suspended.append(away)
            found.returned.append(number != visits[-1])
            since = row.ended_at
        after = rows[visits[-1] + 1 :]
        found.paper.append(sum(row.touch_working_us for row in after if row.state in theirs) / _US_PER_MIN)
        self._after(found, first, since, [row for row in after if row.state not in theirs])

    def _after(self, found: Measured, first: Row[Any], since: datetime, others: Sequence[Row[Any]]) -> None:
        """What came once it was approved for good; `others`: tasks that are not clerks'."""
        signed_at, delivered_at = first.signed_at, first.delivered_at
        if signed_at is not None and signed_at >= since:
            touched = sum(row.touch_working_us for row in others) / _US_PER_MIN
            until = _none()
            self._add(until, first, since, signed_at)
            found.signer_wait.extend(max(0.0, length - touched) for length in until)
            found.signer.append(touched)
        if delivered_at is not None and delivered_at >= since:
            self._add(found.posted, first, max(since, signed_at or since), delivered_at)

    def _add(self, lengths: Lengths, first: Row[Any], since: datetime, until: datetime) -> None:
        clock = self.clocks.of(self.session, first.definition_sha256)
        taken = clock.between_us(since, max(since, until)) if clock else None
        if taken is not None:
            lengths.append(taken / _US_PER_MIN)

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
    """How many came in a week of the office, of all variants together."""
    cases = TimingCase.table()
    first, last, count = session.execute(
        select(func.min(cases.c.opened_at), func.max(cases.c.opened_at), func.count()).where(
            *scope.conditions
        )
    ).one()
    sha256 = session.scalar(select(cases.c.definition_sha256).where(*scope.conditions).limit(1))
    clock = None if sha256 is None else reader.clocks.of(session, sha256)
    length = None if clock is None else clock.between_us(first, last)
    if not length or count < LEAST:
        return
    for one in found.values():
        one.requests = count
        one.per_week = (count - 1) / (length / _US_PER_MIN / WEEK_MIN)
