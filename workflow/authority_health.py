"""How timestamp authorities are, known to all workers together: one row an authority, `authority_health`.

An authority that fails is left alone for as long as a step waits after its first failure, after each further
failure in a row twice as long, up to its `cool_down`; or as long as it asks for. Failures of those who were
asking at the same time are one. Then one caller of each process tries it, and its first good answer ends it.

- **Off the hot path.** Who asks goes by what this process knows. That is exchanged with the rows in a thread:
  at once when something has changed, else at most once a second, and a success is written once a minute.
- **Without the database** a process goes by itself; the first exchange that works brings all together again.
- **No clock of a host** counts: the rows' times are the database's, what is left of a rest is counted from
  when it was read.
- **No secret.** Of an address that stands in a profile the row has host and port alone; what was said of a
  trouble names nobody.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from problem import Problem
from signing.authorities import COOL_DOWN, LONGEST_COOL_DOWN
from watching.logs import note
from watching.meters import authority_label
from workflow.outcomes import Patience
from workflow.store import Store
from workflow.tables import AuthorityHealth

EXCHANGED_EVERY_S = 1.0
ANSWER_KEPT_S = 60.0
"""So old is the time of an authority's last answer at most, while it is asked."""
WAITED_S = 0.5
"""So long somebody who asks waits for an exchange at most: a database may be slow, or away."""
SHORTEST_S = 0.01
CLOSED_S = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rests:
    """How long authorities are left alone after failures in a row: from `first` on, doubling."""

    first: timedelta
    longest: timedelta

    @classmethod
    def of(cls, patience: Patience) -> "Rests":
        """As patient with an authority as the queue is with a step."""
        return cls(timedelta(seconds=patience.first_wait_s), timedelta(seconds=patience.longest_wait_s))

    def after(self, failures: int, cool_down: timedelta) -> timedelta:
        """The rest after so many failures in a row."""
        doubled: int = 2 ** min(failures - 1, 32)
        return min(cool_down, self.longest, self.first * doubled)


@dataclass
class _Known:
    """What this process knows of an authority; times of its monotonic clock."""

    failures: int = 0
    rests_until: float = 0.0
    failed_at: float = float("-inf")
    kept_at: float = float("-inf")
    changes: int = 0
    """Counts what happened here: what was read of the row before does not count then."""


@dataclass(frozen=True)
class _Happened:
    """An answer, or with a `code` a failure, at this time of the monotonic clock."""

    authority: str
    at: float
    began_at: float
    code: str = ""
    message: str = ""
    asks_for: timedelta = timedelta(0)


@dataclass(frozen=True)
class _Row:
    failures: int
    left_s: float


class SharedHealth:
    """What the signing desk is told of authorities' health; belongs to one event loop.

    With `heed` false nobody is told to leave an authority alone, and what comes of asking it is kept.
    """

    def __init__(
        self, store: Store, cool_downs: Mapping[str, timedelta], *, rests: Rests, heed: bool = True
    ) -> None:
        self._store = store
        self._cool_downs = dict(cool_downs)
        self._rests = rests
        self._heed = heed
        self._known: dict[str, _Known] = {}
        self._happened: list[_Happened] = []
        self._exchanged_at = float("-inf")
        self._exchanging: asyncio.Task[None] | None = None
        self._away = False

    async def rest_s(self, authority: str) -> float:
        """The seconds for which to leave an authority alone."""
        if not self._heed:
            return 0.0
        await self._look()
        known = self._of(authority)
        left_s = known.rests_until - monotonic()
        if left_s > 0:
            return max(left_s, SHORTEST_S)
        if known.failures:  # this one tries it, the others go on as if it rested still
            known.rests_until = monotonic() + self._rest(authority, known.failures).total_seconds()
        return 0.0

    def answered(self, authority: str) -> None:
        """End its rest; kept when that is news, or the time of its last answer is old."""
        known, now = self._of(authority), monotonic()
        is_news = known.failures > 0 or now - known.kept_at >= ANSWER_KEPT_S
        known.failures, known.rests_until = 0, 0.0
        if is_news:
            known.kept_at = now
            self._keep(_Happened(authority_label(authority), now, now))

    def failed(self, authority: str, trouble: Problem, *, took_s: float, asks_for_s: float = 0.0) -> None:
        """Begin its rest, or a longer one; a failure that began before the last one is the same."""
        known, now = self._of(authority), monotonic()
        if now - took_s <= known.failed_at and known.failures:
            return
        known.failures += 1
        known.failed_at = now
        asks_for = min(timedelta(seconds=asks_for_s), LONGEST_COOL_DOWN)
        rest = max(self._rest(authority, known.failures), asks_for)
        known.rests_until = now + rest.total_seconds()
        known.kept_at = float("-inf")
        label, said = authority_label(authority), trouble.impersonal_text
        self._keep(_Happened(label, now, now - took_s, trouble.code, said, asks_for))

    async def close(self) -> None:
        """Have kept what happened, if the database lets it."""
        if self._exchanging is not None:
            await asyncio.wait({self._exchanging}, timeout=CLOSED_S)

    def _of(self, authority: str) -> _Known:
        return self._known.setdefault(authority_label(authority), _Known())

    def _rest(self, authority: str, failures: int) -> timedelta:
        return self._rests.after(failures, self._cool_downs.get(authority_label(authority), COOL_DOWN))

    def _keep(self, happened: _Happened) -> None:
        self._known[happened.authority].changes += 1
        self._happened.append(happened)
        self._begin()

    # --- the exchange with the rows

    async def _look(self) -> None:
        """Have what this process knows at most a second old, if that can be had in a moment."""
        if monotonic() - self._exchanged_at >= EXCHANGED_EVERY_S:
            self._begin()
        left_s = self._exchanged_at + WAITED_S - monotonic()
        if self._exchanging is not None and not self._exchanging.done() and left_s > 0:
            await asyncio.wait({self._exchanging}, timeout=left_s)

    def _begin(self) -> None:
        if self._exchanging is None or self._exchanging.done():
            self._exchanged_at = monotonic()
            self._exchanging = asyncio.create_task(self._exchange())

    async def _exchange(self) -> None:
        """Write what happened, and read how the authorities are; again while something happens."""
        while True:
            happened, self._happened = self._happened, []
            changes = {label: known.changes for label, known in self._known.items()}
            try:
                rows = await asyncio.to_thread(self._exchange_rows, happened)
            except Exception as error:  # noqa: BLE001 (told; no timestamp waits for what is kept about it)
                self._note_away(error)
                return
            self._away = False
            self._learn(rows, changes)
            if not self._happened:
                return

    def _learn(self, rows: Mapping[str, _Row], changes: Mapping[str, int]) -> None:
        for label, row in rows.items():
            known = self._known.setdefault(label, _Known())
            if known.changes != changes.get(label, 0):
                continue  # something happened here meanwhile, which will be written, and read again
            known.rests_until = (
                max(monotonic() + row.left_s, known.rests_until if known.failures else 0.0)
                if row.failures
                else 0.0
            )
            known.failures = row.failures

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            note(log, logging.WARNING, "authority_health_not_kept", error=error)
        self._away = True

    # --- in a thread

    def _exchange_rows(self, happened: Sequence[_Happened]) -> Mapping[str, _Row]:
        """Raises StoreUnavailable, Raced."""
        if not happened:
            with self._store.read() as session:
                return _rows(session, self._store.now(session))
        for label in {one.authority for one in happened}:
            empty = {"authority": label, "failures": 0, "code": "", "message": ""}
            self._store.have_row(AuthorityHealth.table(), empty)
        with self._store.write() as session:
            clocks: dict[str, tuple[datetime, float]] = {}
            for one in sorted(happened, key=lambda one: one.authority):  # locks in one order
                self._write(session, one, clocks)
            return _rows(session, self._store.now(session))

    def _write(self, session: Session, one: _Happened, clocks: dict[str, tuple[datetime, float]]) -> None:
        """`clocks` are the database's and this process's as an authority's row was locked: what happened here
        keeps its order, however close it was."""
        table = AuthorityHealth.table()
        here = table.c.authority == one.authority
        row = session.execute(select(table).where(here).with_for_update()).one()
        if one.authority not in clocks:
            clocks[one.authority] = (self._store.now(session), monotonic())  # the wait for the lock is over
        now, mono = clocks[one.authority]
        at, began = (now - timedelta(seconds=mono - then) for then in (one.at, one.began_at))
        last = None if row.failed_at is None else min(row.failed_at, now)  # a clock may have gone back
        if not one.code:
            if last is None or last < at or row.failed_at > now:
                values: dict[str, Any] = {"answered_at": at, "failures": 0, "cool_until": None}
                session.execute(update(table).where(here).values(values))
            return
        if row.failures and last is not None and began <= last:
            return  # another worker's failure at the same time
        rest = max(self._rest(one.authority, row.failures + 1), one.asks_for)
        values = {
            "failed_at": at,
            "failures": row.failures + 1,
            "cool_until": at + rest,
            "code": one.code,
            "message": one.message,
        }
        session.execute(update(table).where(here).values(values))


def _rows(session: Session, now: datetime) -> Mapping[str, _Row]:
    found = {}
    for row in session.scalars(select(AuthorityHealth)):
        left = timedelta(0) if row.cool_until is None else row.cool_until - now
        left = min(max(left, timedelta(0)), LONGEST_COOL_DOWN)
        found[row.authority] = _Row(row.failures, left.total_seconds())
    return found


def health_of(session: Session, authority: str) -> AuthorityHealth | None:
    """What is known of an authority; None when no worker has asked it."""
    return session.get(AuthorityHealth, authority_label(authority))
