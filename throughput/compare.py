"""The comparison of the ways of signing: what is told of each, and of the differences between them.

Three things are never mixed: people's minutes, the machine's milliseconds, and what the source claims.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from throughput.contrasts import OTHERS, Contrast, contrasts
from throughput.discreet import (
    OF_PEOPLE,
    HiddenCount,
    hidden_counts,
    hidden_of_people,
    of_enough,
    without_few,
)
from throughput.figures import read_cases, read_tasks, until_delivered
from throughput.grouped import By
from throughput.measures import VariantMeasures, measure
from throughput.scope import Scope
from throughput.small_cells import HIDDEN
from throughput.spans import Wait
from throughput.steps import read_steps


@dataclass(frozen=True)
class Comparison:
    """The figures of each variant, and what may be said of the differences between them."""

    rows: Sequence[VariantMeasures]
    contrasts: Sequence[Contrast] = ()
    by: By = "variant"
    hidden: frozenset[HiddenCount] = frozenset()

    @classmethod
    def of(
        cls, session: Session, scope: Scope | None = None, *, now: datetime, by: By = "variant"
    ) -> "Comparison":
        """Compare variants of each process, or other groups, by what is kept; `now` ends what is open."""
        wanted = scope or Scope()
        every = read_cases(session, wanted, kinds=[Wait.TOUCH])
        cases, tasks = until_delivered(every, read_tasks(session, every, wanted, kinds=[Wait.TOUCH]))
        rows = measure(cases, tasks, read_steps(session, wanted, by), now=now, by=by)
        found = list(filter(of_enough, contrasts(cases, now=now, by=by)))
        if by in ("variant", "definition") and wanted.unit is None:
            return cls(rows, found, by)
        kept = hidden_counts(rows) | hidden_of_people(found)
        return cls([without_few(row, kept) for row in rows], found, by, kept)

    def count(self, row: VariantMeasures, figure: str) -> int | None:
        """A count of a row by its name; None where it is hidden."""
        if (row.key, row.variant, figure) in self.hidden:
            return None
        return row.n if figure == "started" else int(getattr(row, figure))

    def n(self, key: str, group: str, n: int) -> int | None:
        """How many of a group something is about; None where that would tell what is hidden."""
        untold = {(key, group, figure) for figure in ("started", "delivered", OF_PEOPLE)} & self.hidden
        return None if untold or (self.hidden and group == OTHERS) else n

    def n_of_steps(self, key: str, group: str, n: int) -> int | None:
        """How often the machine did a step; None by month, which it would tell the requests of."""
        return None if self.by == "month" else self.n(key, group, n)

    def shown(self, row: VariantMeasures, figure: str) -> str:
        """A count as it is printed."""
        count = self.count(row, figure)
        return HIDDEN if count is None else str(count)
