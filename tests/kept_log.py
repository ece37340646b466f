"""Timings kept of records that no engine wrote: the tables alone, in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from throughput.kept import take_in
from throughput.spans import ClockOf
from workflow.tables import Base, TimingCase, TimingStep, TimingTask


@contextmanager
def kept_of(
    records: Sequence[Mapping[str, Any]], *, cuts: Sequence[int] = (), clock_of: ClockOf = lambda _: None
) -> Iterator[Session]:
    """What is kept of the records, read in the steps that the cuts make."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine, [row.table() for row in (TimingCase, TimingTask, TimingStep)])
    places = [0, *sorted(cuts), len(records)]
    with Session(engine) as session:
        for first, last in pairwise(places):
            take_in(session, records[first:last], clock_of)
        yield session
    engine.dispose()
