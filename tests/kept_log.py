"""Timings kept of records that no engine wrote: the tables alone, in memory. And what they have to say."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from throughput.figures import TIMES, Cases, Tasks, microseconds, read_cases, read_tasks
from throughput.kept import take_in
from throughput.spans import Case, ClockOf, Wait
from workflow.tables import Base, DefinitionSource, TimingCase, TimingGroup, TimingStep, TimingSum, TimingTask


@contextmanager
def kept_of(
    records: Sequence[Mapping[str, Any]], *, cuts: Sequence[int] = (), clock_of: ClockOf = lambda _: None
) -> Iterator[Session]:
    """What is kept of the records, read in the steps that the cuts make."""
    engine = create_engine("sqlite://")
    kept = (DefinitionSource, TimingCase, TimingTask, TimingStep, TimingGroup, TimingSum)
    Base.metadata.create_all(engine, [row.table() for row in kept])
    places = [0, *sorted(cuts), len(records)]
    with Session(engine) as session:
        for first, last in pairwise(places):
            take_in(session, records[first:last], clock_of)
        yield session
    engine.dispose()


def require_columns(session: Session, said: Sequence[Case], *, now: datetime) -> None:
    """What is kept says of every request and task what the cases say, which were read of the whole log."""
    in_order = sorted(said, key=lambda case: case.request)
    cases = read_cases(session, working=True)
    _require_cases(cases, in_order)
    _require_tasks(read_tasks(session, cases), in_order, now)


def _require_cases(cases: Cases, said: Sequence[Case]) -> None:
    assert cases.request.tolist() == [case.request for case in said]
    for place, case in enumerate(said):
        words = {name: _word(cases, name, place) for name in ("key", "variant", "unit", "outcome")}
        assert words == {name: getattr(case, name) for name in words}
        moments = {"opened": case.opened_at, **case.milestones, "ended": case.ended_at}
        for name in TIMES:
            _same(getattr(cases, name)[place], _us(moments.get(name)))
        assert cases.is_open[place] == ("delivered" not in case.milestones and case.outcome is None)
        assert cases.by_program[place] == ("program" in case.channels)
        assert cases.returns[place] == case.returns
        assert cases.signatures[place] == case.documents_signed
        assert _word(cases, "providers", place) == "\n".join(sorted(case.providers))
        over = [task for task in case.tasks if task.ended_at is not None]
        assert cases.contacts[place] == len(over)
        for kind in Wait:
            _same(cases.spent[kind][place], sum(task.spent_us.get(kind, 0) for task in over) / 1e6)
            worked = [task.working_us.get(kind, 0) for task in over]
            _same(cases.working[kind][place], sum(one or 0 for one in worked) / 1e6)
        _same(cases.system_s[place], sum(map(sum, case.system_us.values())) / 1e6)
        _same(cases.provider_s[place], sum(map(sum, case.provider_us.values())) / 1e6)


def _require_tasks(tasks: Tasks, said: Sequence[Case], now: datetime) -> None:
    so_far = tasks.so_far(now)
    found = sorted(
        (
            *(int(tasks.case[n]), float(tasks.offered[n]), _word(tasks, "state", n)),
            *(bool(tasks.is_open[n]), bool(tasks.person[n]), bool(tasks.returned[n])),
            *(round(float(so_far[kind][n]) * 1e6) for kind in Wait),
        )
        for n in range(len(tasks))
    )
    expected = []
    for place, case in enumerate(said):
        for task in case.tasks:
            was_open = task.ended_at is None
            if was_open:
                task.turn(now, None)
            spent = (task.spent_us.get(kind, 0) for kind in Wait)
            about = (was_open, task.channel == "person", task.returned)
            expected.append((place, _us(task.offered_at), task.state, *about, *spent))
    assert found == sorted(expected)


def _word(columns: Cases | Tasks, name: str, place: int) -> str | None:
    words = getattr(columns, name)
    word: str | None = words.names[words.codes[place]]
    return word


def _us(moment: datetime | None) -> float:
    return np.nan if moment is None else float(microseconds(moment))


def _same(found: float, expected: float) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-12)
