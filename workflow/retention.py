"""Destroy what is due: the rows first, then the blobs, then what is left of them in the database's files.

  (1) look at the clock: one that went forward by days is waited for
  (2) in one transaction: destroy a batch of requests, list their blobs
  (3) remove the blobs that are listed, and take them off the list
  (4) list the blobs that no row names, left by workers that died, once they are as old as the shortest term;
      remove the people who left some time ago and whom nothing names any more; forget who stood in for whom
  (5) clean the database's files, or see whether their owner has

A blob that can't be removed stops none of this, and is told at the end.

Killed anywhere, the next run goes on: a request is destroyed once, a listed blob is removed however often
that is tried, and the files are not called clean before they are.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, inspect, select, update
from sqlalchemy.orm import Session

from documents.blobs import Blobs, Misplaced, is_whole
from documents.errors import BlobError, BlobLocked
from watching.logs import note
from workflow import clock, destruction, keeping
from workflow.beginnings import are_old, forget_old
from workflow.eventlog import Appender
from workflow.faults import point
from workflow.judge import office_day
from workflow.keeping import Kept
from workflow.people import LEAVERS_KEPT, remove_unneeded, unneeded
from workflow.pinned import DefinitionOf, read_or_none
from workflow.references import chunks, referred_to
from workflow.removals import BLOBS, Removals
from workflow.store import Store
from workflow.substitutes import forget, forgettable
from workflow.tables import BlobRemoval, Event, Hold, Request, RetentionRow

PEOPLE_REMOVED = "people_removed"
STRAYS_REMOVED = "stray_files_removed"
AFTER_MIDNIGHT = "1 * * * *"
"""Every hour, and so soon after a day has begun anywhere, when its requests become due and nobody works."""
BATCH = 50  # requests in one transaction: others wait for it
MOST = 5_000  # requests in one run; the next takes up the rest
PEOPLE = 20  # removed in one transaction: others wait for it
LEFTOVER = timedelta(hours=1)
"""No blob is written for so long."""
OVERDUE = timedelta(days=1)
"""After so long somebody should know that something, or files of it, or traces, are still there."""
OVERDUE_LARGE = timedelta(days=31)
"""The same of traces in a SQLite file that is too large to be written anew while somebody works."""
BY_HAND = "paraaf retention --run --clean"
CLEANED = tuple(
    sorted(
        {
            *(*destruction.EMPTIED, *destruction.DELETED, *destruction.ERASED),
            *(
                "people",
                "grants",
                "substitutes",
                "passwords",
                "attempts",
                "sessions",
                "saved_filters",
                "beginnings",
                "api_tokens",
                "devices",
                "code_secrets",
                "recovery_codes",
                "passkeys",
                "ceremonies",
                "signing_runs",
            ),
        }
    )
)
"""The tables in which something is destroyed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What a run did. `waits_until`: nothing was destroyed, as the clock had gone forward by days, or after a
    restore; `unclean_since`: the database's files may hold traces of what was destroyed from then on."""

    requests: int = 0
    files: int = 0
    people: int = 0
    substitutions: int = 0
    waits_until: datetime | None = None
    unclean_since: datetime | None = None

    @property
    def clean(self) -> bool:
        """Whether nothing of what was destroyed is left in the database's files."""
        return self.unclean_since is None


@dataclass(frozen=True)
class HoldView:
    """A hold that nobody has released.

    `due_on` is the day on which the request would be destroyed, None while it has not ended, or while its
    definition can't be read; `overdue`: that day has come.
    """

    id: int
    request_id: int
    unit: str
    requester_id: str
    placed_by: str
    placed_at: datetime
    reason: str
    due_on: date | None
    overdue: bool

    def told_to(self, person: str) -> "HoldView":
        """As this person is told of it: who placed it and why is not for who asked for the document."""
        return replace(self, placed_by="", reason="") if person == self.requester_id else self


@dataclass(frozen=True)
class DestroyedView:
    """A request that was destroyed."""

    request_id: int
    key: str
    variant: str
    unit: str
    outcome: str | None
    destroyed_at: datetime


@dataclass(frozen=True)
class Preview:
    """What will be destroyed, what is held, what was destroyed, and what a run has left to do."""

    due: Sequence[Kept]
    holds: Sequence[HoldView]
    destroyed: Sequence[DestroyedView]
    waits_until: datetime | None
    files_left: int
    unclean_since: datetime | None


class Retention:
    """Keeps requests as long as their definitions say, and destroys them on their day.

    `theirs` is the database's clock, which ours must not differ from.
    """

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        definition_of: DefinitionOf,
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
        theirs: Callable[[Session], datetime] | None = None,
        leavers_kept: timedelta = LEAVERS_KEPT,
    ) -> None:
        self._leavers_kept = leavers_kept
        self._store = store
        self._blobs = blobs
        self._definition_of = definition_of
        self._clock = clock
        self._theirs = theirs
        self._random_bytes = random_bytes

    def run(self, *, clock_is_right: bool = False, whole: bool = False) -> Run:
        """Destroy what is due; `clock_is_right` when a person has looked at the clock, `whole` to clean a
        large SQLite file as well, while nobody can work.

        Several may run at once. Raises StoreUnavailable, ClockImplausible when the database's clock is
        another and no person says that ours is right, and BlobError when a blob can't be removed: at the end,
        when all the rest is done.
        """
        waits_until = self._look(clock_is_right=clock_is_right)  # (1)
        removals = self._removals()
        files, requests, people, substitutions = removals.remove(), 0, 0, 0
        while waits_until is None and requests < MOST:
            batch = self._destroy_batch()  # (2)
            files += removals.remove()  # (3)
            requests += batch
            if batch < BATCH:
                break
        if waits_until is None:
            try:
                self._list_strays()  # (4)
                files += self.remove_misplaced()
            except BlobError as error:
                removals.refuse(error)
            files += removals.remove()
            people = self._remove_people()
            substitutions = self._forget_substitutions()
            self._forget_beginnings()
        unclean_since = self._clean(whole=whole)  # (5)
        if removals.refused is not None:
            raise removals.refused
        return Run(requests, files, people, substitutions, waits_until, unclean_since)

    @property
    def cleaning(self) -> str | None:
        """What somebody has to run to clean the database's files: the owner of a server's tables a statement,
        for a large SQLite file a command; None where a run does it itself."""
        return self._store.cleaning(CLEANED) or (None if self._store.is_small else BY_HAND)

    @property
    def clean_within(self) -> timedelta:
        """After so long somebody should know that the files are not clean."""
        return OVERDUE_LARGE if self.cleaning == BY_HAND else OVERDUE

    def preview(self, *, days: int) -> Preview:
        """What will be destroyed within so many days, and what was in as many."""
        now = self._clock()
        with self._store.read() as session:
            row = session.get(RetentionRow, 1)
            listed = session.scalar(select(func.count()).select_from(BlobRemoval)) or 0
            return Preview(
                due=sorted(
                    keeping.due(session, self._definition_of, now, days=days),
                    key=lambda one: (one.due_on, one.request_id),
                ),
                holds=list(self._holds(session, now)),
                destroyed=list(_destroyed(session, since=now - timedelta(days=days))),
                waits_until=None if row is None else waiting_until(row),
                files_left=listed,
                unclean_since=None if row is None else row.unclean_since,
            )

    def _holds(self, session: Session, now: datetime) -> Iterator[HoldView]:
        query = select(Hold, Request).join(Request, Request.id == Hold.request_id)
        for hold, request in session.execute(query.where(Hold.released_at.is_(None)).order_by(Hold.id)):
            definition = read_or_none(session, self._definition_of, request.definition_sha256)
            due_on, overdue = None, False
            if definition is not None and request.closed_at is not None:
                due_on = keeping.due_day(definition, request.closed_at)
                overdue = due_on <= office_day(definition, now)
            yield HoldView(
                hold.id,
                request.id,
                request.unit,
                request.requester_id,
                hold.placed_by,
                hold.placed_at,
                hold.reason,
                due_on,
                overdue,
            )

    def _look(self, *, clock_is_right: bool) -> datetime | None:
        """Note that somebody looked now; until when nothing may be destroyed, None when it may."""
        with self._store.write() as session:
            # of several that look for the first time, one writes
            head = Appender.lock(session, self._random_bytes).head
            now, row = self._clock(), session.get(RetentionRow, 1)
            if self._theirs is not None and not clock_is_right:
                clock.require_alike(now, self._theirs(session))
            if row is None:
                row = RetentionRow(id=1, looked_at=clock.last_event(session) or now)
                session.add(row)
            last = clock.Looked(row.looked_at, row.waits_until, row.steady_at)
            found = clock.looked_now(now, last)
            waited = max(filter(None, (found.waits_until, row.restored_until)), default=now)
            if clock_is_right:
                found = clock.Looked(now)
                if waited > now:
                    _tell_ended(now, last.looked_at, waited, head.seq)
            if found.waits_until is not None and found.waits_until != last.waits_until:
                times = (
                    f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (now, last.looked_at, found.waits_until)
                )
                ours, since, until = times
                note(log, logging.WARNING, "destruction_waits", clock=ours, since=since, until=until)
            row.looked_at, row.waits_until, row.steady_at = (
                found.looked_at,
                found.waits_until,
                found.steady_at,
            )
            if clock_is_right:
                row.believed_seq, row.restored_until = head.seq, None
            elif row.restored_until is not None:
                if found.waits_until is None and row.restored_until <= now:
                    row.restored_until = None  # not by a clock that may be ahead: it would be over at once
                else:
                    row.restored_until = clock.no_longer(now, row.restored_until)
            session.flush()
            return waiting_until(row)

    def _destroy_batch(self) -> int:
        point("destroy.begun")
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)  # before it is read what is due, or on hold
            now = self._clock()
            due = keeping.due(session, self._definition_of, now, limit=BATCH)
            if due:
                destruction.destroy(session, log, due, at=now)
                self._make_unclean(session, log, now)
                point("destroy.written")
        if due:
            point("destroy.recorded")
        return len(due)

    def _removals(self) -> Removals:
        return Removals(self._store, self._blobs, self._random_bytes)

    def _list_strays(self) -> int:
        now = self._clock()
        with self._store.read() as session:
            before = keeping.shortest_before(session, self._definition_of, now)
        if before is None:
            return 0
        old = (one.sha256_hex for one in self._blobs.stored() if one.stored_at < before)
        return sum(self._list_unnamed(some) for some in chunks(old))

    def remove_strays(self, digests: Collection[str]) -> int:
        """Remove those of these files that no row names, and say so in the log; returns how many went.

        What is listed already goes with them. Raises StoreUnavailable, and BlobError when a blob can't be
        removed; the others are.
        """
        if not self._list_unnamed(digests):
            return 0
        removals = self._removals()
        removed = removals.remove()
        if removals.refused is not None:
            raise removals.refused
        return removed

    def remove_misplaced(self) -> int:
        """Remove what lies elsewhere among the files than it belongs, and say so in the log; how many went.

        One that a row names stays as long as it is not whole where it belongs. Raises StoreUnavailable, and
        BlobError when one can't be removed.
        """
        return sum(self._remove_misplaced(some) for some in chunks(self._blobs.misplaced()))

    def _remove_misplaced(self, some: Sequence[Misplaced]) -> int:
        with self._store.read() as session:
            named = referred_to(session, {one.sha256_hex for one in some})
        lacking = {digest for digest in named if not is_whole(self._blobs, digest)}
        needless = [one for one in some if one.sha256_hex not in lacking]
        starts = range(0, len(needless), BLOBS)
        return sum(self._remove_needless(needless[start : start + BLOBS]) for start in starts)

    def _remove_needless(self, some: Sequence[Misplaced]) -> int:
        """Remove, and tell in the same transaction what went: what a lock keeps is not told every hour."""
        gone: list[str] = []
        refused: BlobError | None = None
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)
            for one in some:
                try:
                    gone += [one.sha256_hex] if self._blobs.remove_misplaced(one) else []
                except BlobError as error:
                    refused = error
                    if not isinstance(error, BlobLocked):
                        break  # it may have taken long, and others wait
            if gone:
                facts = {"files": sorted(set(gone)), "channel": "system"}
                log.append(STRAYS_REMOVED, at=self._clock(), request_id=None, facts=facts)
                log.write()
        if refused is not None:
            raise refused
        return len(gone)

    def _list_unnamed(self, digests: Collection[str]) -> int:
        with self._store.read() as session:  # nobody has to wait while so much is read
            strays = unnamed(session, digests)
        if not strays:
            return 0
        now = self._clock()
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)
            strays = unnamed(session, strays)  # another may have listed them meanwhile
            if strays:
                facts = {"files": strays, "channel": "system"}
                log.append(STRAYS_REMOVED, at=now, request_id=None, facts=facts)
                log.write()
                session.add_all(BlobRemoval(sha256=sha256_hex, listed_at=now) for sha256_hex in strays)
                session.flush()
        return len(strays)

    def _remove_people(self) -> int:
        with self._store.read() as session:  # nobody has to wait while so much is read
            leavers = unneeded(session, self._clock() - self._leavers_kept)
        starts = range(0, len(leavers), PEOPLE)
        return sum(self._remove_leavers(leavers[start : start + PEOPLE]) for start in starts)

    def _remove_leavers(self, some: Collection[str]) -> int:
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)
            now = self._clock()
            people = remove_unneeded(session, log, now - self._leavers_kept, some, at=now)
            if people:
                facts = {"people": people, "channel": "system"}
                log.append(PEOPLE_REMOVED, at=now, request_id=None, facts=facts)
                log.write()
                self._make_unclean(session, log, now)
        return people

    def _forget_substitutions(self) -> int:
        with self._store.read() as session:
            ended = keeping.longest_ended(session, self._definition_of, self._clock()) or date.min
            if not forgettable(session, ended):
                return 0
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)
            now = self._clock()
            forgotten = forget(session, log, forgettable(session, ended), at=now)
            if forgotten:
                self._make_unclean(session, log, now)
        return forgotten

    def _forget_beginnings(self) -> None:
        with self._store.read() as session:
            if not are_old(session, self._clock()):
                return
        with self._store.write() as session:
            log = Appender.lock(session, self._random_bytes)
            now = self._clock()
            forget_old(session, now)
            self._make_unclean(session, log, now)

    def _make_unclean(self, session: Session, log: Appender, at: datetime) -> None:
        """Note that the database's files hold traces, since when, and how they stand now."""
        # locked, or another says meanwhile that all is clean
        row = session.get_one(RetentionRow, 1, with_for_update=True)
        row.unclean_since = row.unclean_since or at
        row.unclean_seq, row.unclean_mark = log.head.seq, self._store.mark(session, CLEANED)
        session.flush()

    def _clean(self, *, whole: bool) -> datetime | None:
        """Clean the database's files; since when they are not, None when they are."""
        with self._store.read() as session:
            row = session.get(RetentionRow, 1)
        if row is None or row.unclean_since is None:
            return None
        self._blobs.remove_leftovers(before=self._clock() - LEFTOVER)
        if row.unclean_mark is None:  # an earlier release destroyed it
            with self._store.write() as session:
                self._make_unclean(session, Appender.lock(session, self._random_bytes), row.unclean_since)
            return self._clean(whole=whole)
        if not self._store.clean(row.unclean_mark, whole=whole):
            return row.unclean_since
        point("destroy.cleaned")
        with self._store.write() as session:  # what another run destroyed meanwhile has a later event
            said = (RetentionRow.id == 1, RetentionRow.unclean_seq == row.unclean_seq)
            nothing = {"unclean_since": None, "unclean_seq": None, "unclean_mark": None}
            session.execute(update(RetentionRow).where(*said).values(**nothing))
        return None


def begin_anew(store: Store, *, now: datetime, clock_is_right: bool = False) -> None:
    """After a restore: have nothing destroyed for a day, unless a person says that it may.

    Holds may be missing that were placed since the backup. A copy holds no traces of what was destroyed. The
    tables may be those of an earlier release, which has one column for all that waits, or none: one without
    any destruction has nothing to wait for. When somebody last looked at the clock stays as it is. With
    `clock_is_right` the times of the events are not compared with it any more.
    """
    table = RetentionRow.table()
    with store.write() as session:
        connection = session.connection()
        if not inspect(connection).has_table(table.name):
            return
        there = {column["name"] for column in inspect(connection).get_columns(table.name)}
        waits = "restored_until" if "restored_until" in there else "waits_until"
        said: dict[str, Any] = {waits: now + clock.WAIT}
        nothing = dict.fromkeys(there.intersection(("unclean_since", "unclean_seq", "unclean_mark")))
        if clock_is_right and "believed_seq" in there:
            said["believed_seq"] = session.scalar(select(func.max(Event.seq)))
        if not connection.execute(update(table).where(table.c.id == 1).values(said | nothing)).rowcount:
            first = {"id": 1, "looked_at": clock.last_event(session) or now}
            connection.execute(insert(table).values(first | said))


def _tell_ended(now: datetime, since: datetime, until: datetime, seq: int) -> None:
    """Put on record that a person ended the wait: what is destroyed by it does not come back."""
    ours, looked, waited = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (now, since, until))
    note(
        log,
        logging.WARNING,
        "destruction_wait_ended",
        clock=ours,
        since=looked,
        until=waited,
        event_seq=seq,
    )


def waiting_until(row: RetentionRow) -> datetime | None:
    """Until when nothing is destroyed, for whichever reason."""
    return max((one for one in (row.waits_until, row.restored_until) if one is not None), default=None)


def unnamed(session: Session, digests: Collection[str]) -> list[str]:
    """Those that no row names, and that are not listed for removal."""
    listed = session.scalars(select(BlobRemoval.sha256).where(BlobRemoval.sha256.in_(digests)))
    return sorted(set(digests).difference(referred_to(session, digests), listed))


def _destroyed(session: Session, *, since: datetime) -> Iterator[DestroyedView]:
    rows = session.scalars(select(Request).where(Request.destroyed_at >= since))
    for row in sorted(rows, key=lambda row: (row.destroyed_at and row.destroyed_at.date(), row.id)):
        if row.destroyed_at is not None:
            yield DestroyedView(row.id, row.key, row.variant, row.unit, row.outcome, row.destroyed_at)
