"""What goes out to others, by mail and to webhooks: each row is tried until it was taken, or is given up.

What is being sent is put off first, in a transaction of its own: two workers send nothing twice at the same
time, and one that dies leaves it to the next. It may still go out twice. A row has `tries`, `next_at` (null:
it is tried no more), `code` (why it was not taken) and a time at which it was, under a name of its own.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.orm import Session

from workflow.store import Store

JITTER: Final = 0.1
"""By so much of itself a wait may be longer: what failed together is not tried together again."""


@dataclass(frozen=True)
class Outbox:
    """One channel: its rows, how long is waited after each try in vain, and for how long a try puts off."""

    row: type[Any]
    taken_at: str
    waits: Sequence[timedelta]
    put_off: timedelta
    chance: Callable[[], float] = random.random

    def due(
        self, store: Store, *also: ColumnElement[bool], now: datetime, most: int
    ) -> list[tuple[int, ...]]:
        """The keys of what is due, the longest due first, put off so that nobody else sends it meanwhile."""
        table: Table = self.row.table()
        due = select(self.row).where(self.row.next_at <= now, *also)
        in_order = due.order_by(self.row.next_at, *table.primary_key).limit(most)
        with store.read() as session:
            if session.scalars(due.limit(1)).first() is None:
                return []
        with store.write() as session:
            rows = session.scalars(in_order.with_for_update(of=self.row, skip_locked=True)).all()
            for row in rows:
                row.next_at = now + self.put_off
            return [tuple(getattr(row, column.name) for column in table.primary_key) for row in rows]

    def record(
        self, session: Session, key: tuple[int, ...], code: str, *, now: datetime, ends: bool = False
    ) -> Any:
        """What came of a try: `code` is why it was not taken, "" where it was; `ends`: it is tried no more.

        The row; None where it has gone meanwhile.
        """
        row = session.get(self.row, key)
        if row is None:
            return None
        wait = self.waits[row.tries] if row.tries < len(self.waits) else None
        row.tries += 1
        row.code = code
        again = code and not ends and wait is not None
        row.next_at = now + wait * (1 + JITTER * self.chance()) if again and wait is not None else None
        setattr(row, self.taken_at, None if code else now)
        return row

    def given_up(self) -> ColumnElement[bool]:
        """Whether a row was given up, for a query."""
        taken = getattr(self.row, self.taken_at)
        found: ColumnElement[bool] = self.row.next_at.is_(None) & taken.is_(None) & (self.row.code != "")
        return found
