"""How long each step of the machine took, and each wait for a provider, from the counts kept of them.

Counts are kept by day, process and variant, in classes of lengths (throughput.lengths): of all units and
definitions together, of the steps taken in a period, whenever their requests were opened.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from throughput.grouped import By
from throughput.lengths import median_and_p90
from throughput.measures import Spread, Steps
from throughput.monitor import Month
from throughput.scope import Scope
from workflow.tables import TimingStep

_MICROSECOND = timedelta(microseconds=1)


def read_steps(session: Session, scope: Scope, by: By = "variant") -> Steps:
    """Milliseconds by process and group, by part and step; empty where steps are not kept of such groups."""
    if by in ("unit", "definition") or scope.unit or scope.definition or _has_limits(scope):
        return {}
    table = TimingStep.table()
    group = table.c.day if by == "month" else table.c.variant
    places = (table.c.key, group.label("name"), table.c.part, table.c.step, table.c.bucket)
    query = select(*places, func.sum(table.c.n).label("n")).group_by(*places)
    for column, value in ((table.c.key, scope.key), (table.c.variant, scope.variant)):
        if value is not None:
            query = query.where(column == value)
    if scope.since is not None:
        query = query.where(table.c.day >= scope.since.date())
    if scope.before is not None:
        query = query.where(table.c.day <= (scope.before - _MICROSECOND).date())
    counts: defaultdict[tuple[str, str], defaultdict[tuple[str, str], Counter[int]]]
    counts = defaultdict(lambda: defaultdict(Counter))
    for row in session.execute(query):
        counts[row.key, _name(row.name, by)][row.part, row.step][row.bucket] += int(row.n)
    return {
        group: {step: _spread(lengths) for step, lengths in steps.items()} for group, steps in counts.items()
    }


def _has_limits(scope: Scope) -> bool:
    return scope.reach is not None and not scope.reach.everywhere


def _name(group: Any, by: By) -> str:
    return str(Month.of(group)) if by == "month" else str(group)


def _spread(counts: Mapping[int, int]) -> Spread:
    """In milliseconds, of the middles of the classes."""
    median, p90 = median_and_p90(counts)
    n = sum(counts.values())
    return Spread(n, 1000 * median, 1000 * p90, n - ceil(0.9 * n))
