"""What the database knows, as figures for Prometheus: read when they are asked for, kept a few seconds.

The queries are few and go by indexes: what is open is small, however much has ended; files are counted in the
indexes of their names. No label says who or where somebody works: units are left out, because a small one is
a person.
"""

import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time
from time import monotonic
from typing import Any

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from problem import Problem
from watching.meters import authority_label
from workflow import keeping
from workflow.anchors import unanchored_since
from workflow.backup import unsaved_since
from workflow.jobs import QueueFigures
from workflow.office import Office
from workflow.pinned import read_or_none
from workflow.tables import (
    AuthorityHealth,
    BlobRemoval,
    DocumentRow,
    Event,
    Incident,
    LogHead,
    RateLimit,
    Request,
    RetentionRow,
    SignatureRow,
    Task,
)

KEPT_S = 5.0


class Figures:
    """The figures of one office. May be asked by several threads."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._kept_at = float("-inf")

    def families(self) -> list[Metric]:
        """All figures, at most KEPT_S old. While the database does not answer, only that it does not."""
        with self._lock:
            if monotonic() - self._kept_at > KEPT_S:
                self._kept = self._read()
                self._kept_at = monotonic()
            return [_copy(family) for family in self._kept]

    def _read(self) -> list[Metric]:
        try:
            with self._office.store.read() as session:
                found = [*self._requests(session), *self._tasks(session), *self._queue(session)]
                found += [*self._incidents(session), *self._amounts(session), *self._limits(session)]
                found += [*self._authorities(session)]
                found += [*self._anchors(session), *self._destruction(session), *self._backup(session)]
        except Problem:
            found, up = [], 0
        else:
            up = 1
        return [_gauge("database_up", "Whether the database answers.", [((), up)]), *found]

    def _requests(self, session: Session) -> Iterator[Metric]:
        """How many requests are in each state, and since when the first of them is."""
        table, events = Request.table(), Event.table()
        place = (table.c.key, table.c.variant, table.c.state, table.c.definition_sha256)
        groups = session.execute(
            select(*place, func.count(), func.min(table.c.step_seq))
            .where(table.c.closed_at.is_(None))
            .group_by(*place)
        ).all()
        counts: Counter[tuple[str, ...]] = Counter()  # several versions of a process may say the same
        first: dict[tuple[str, ...], int] = {}
        for key, variant, state, sha256_hex, count, seq in groups:
            at = (key, variant, state, self._waits_for(session, sha256_hex, state))
            counts[at] += count
            first[at] = min(seq, first.get(at, seq))
        found = session.execute(
            select(events.c.seq, events.c.recorded_at).where(events.c.seq.in_(first.values()))
        )
        entered = {row.seq: row.recorded_at for row in found}
        labels = ["key", "variant", "state", "waits_for"]
        yield _gauge("open_requests", "Requests that have not ended.", counts.items(), labels)
        ages = [
            (at, self._age(datetime.fromisoformat(entered[seq])))
            for at, seq in first.items()
            if seq in entered
        ]
        said = "How long the request that came first into this state has been in it."
        yield _gauge("oldest_request_seconds", said, ages, labels)

    def _waits_for(self, session: Session, definition_sha256: str, state: str) -> str:
        """A role, or the name of an automatic step, as the requests' own definition says; "" without it."""
        definition = read_or_none(session, self._office.engine.definition, definition_sha256)
        found = None if definition is None else definition.states[state]
        return "" if found is None else found.role or found.auto or ""

    def _tasks(self, session: Session) -> Iterator[Metric]:
        table = Task.table()
        held = table.c.claimed_by.is_not(None)
        groups = session.execute(
            select(table.c.role, held, func.count(), func.min(table.c.offered_at))
            .where(table.c.closed_at.is_(None))
            .group_by(table.c.role, held)
        ).all()
        labels = ["role", "claimed"]
        rows = [((row[0], "yes" if row[1] else "no"), row[2], row[3]) for row in groups]
        yield _gauge("open_tasks", "Tasks that wait for people.", [row[:2] for row in rows], labels)
        ages = [(at, self._age(since)) for at, _, since in rows]
        yield _gauge("oldest_task_seconds", "How long the oldest of them has waited.", ages, labels)

    def _queue(self, session: Session) -> Iterator[Metric]:
        found: QueueFigures = self._office.jobs.figures(session)
        jobs = [(("waiting",), found.waiting), (("running",), found.running)]
        yield _gauge("jobs", "Jobs of automatic steps.", jobs, ["status"])
        yield _gauge("suspect_jobs", "Jobs at which workers died.", [((), found.suspects)])
        workers = self._office.jobs.workers(session)
        counts = [(("alive",), workers.alive), (("silent",), workers.silent)]
        yield _gauge("workers", "Workers by whether they show life.", counts, ["status"])
        silences = workers.silences_s
        for name, said, value in (
            ("newest", "How long ago the last worker showed its life.", min(silences, default=None)),
            ("oldest", "How long ago the most silent worker did.", max(silences, default=None)),
        ):
            rows = [] if value is None else [((), value)]
            yield _gauge(f"{name}_heartbeat_seconds", said, rows)

    def _incidents(self, session: Session) -> Iterator[Metric]:
        table = Incident.table()
        groups = session.execute(
            select(table.c.step, table.c.code, func.count(), func.min(table.c.opened_at))
            .where(table.c.resolved_at.is_(None))
            .group_by(table.c.step, table.c.code)
        ).all()
        labels = ["step", "code"]
        rows = [((row[0], row[1]), row[2]) for row in groups]
        yield _gauge("open_incidents", "Steps that wait for a repair.", rows, labels)
        ages = [((row[0], row[1]), self._age(row[3])) for row in groups]
        yield _gauge("oldest_incident_seconds", "How long the oldest of them has waited.", ages, labels)

    def _amounts(self, session: Session) -> Iterator[Metric]:
        def one(statement: Any) -> int:
            return int(session.execute(statement).scalar() or 0)

        rendered = one(select(func.count()).select_from(DocumentRow.table()))
        file = SignatureRow.table().c.signed_sha256  # of all columns, this one's index tells how many are set
        signed = one(select(func.count(file)).where(file.is_not(None)))
        kinds = [(("rendered",), rendered), (("signed",), signed)]
        yield _gauge("blobs", "Files that the database refers to.", kinds, ["kind"])
        size = self._office.store.size_bytes(session)
        yield _gauge("database_bytes", "The room that the database takes.", [((), size)])
        free = shutil.disk_usage(self._office.folder).free
        yield _gauge("disk_free_bytes", "Free room where the data folder is.", [((), free)])
        yield _gauge("last_event", "The last event's sequence.", [((), one(select(LogHead.seq)))])

    @staticmethod
    def _limits(session: Session) -> Iterator[Metric]:
        rows = session.execute(select(RateLimit.provider, RateLimit.places)).all()
        waiting: Counter[str] = Counter()
        for provider, places in rows:
            waiting[authority_label(provider)] += len({whose for _, whose in places})
        found = [((provider,), count) for provider, count in sorted(waiting.items())]
        yield _gauge("waiting_for_limit", "Signatures in turn at a provider's limit.", found, ["authority"])

    def _authorities(self, session: Session) -> Iterator[Metric]:
        now, profiles = self._office.store.now(session), self._office.profiles.values()
        named = sorted({authority_label(name) for one in profiles for name in one.timestampers})
        table = AuthorityHealth
        failures, rests = [], []
        for row in session.scalars(select(table).where(table.authority.in_(named)).order_by(table.authority)):
            left = 0.0 if row.cool_until is None else (row.cool_until - now).total_seconds()
            failures.append(((row.authority,), row.failures))
            rests.append(((row.authority,), max(0.0, left)))
        said = "Failures of a timestamp authority in a row, as all workers saw it."
        yield _gauge("timestamp_authority_failures_in_a_row", said, failures, ["authority"])
        said = "How long a timestamp authority is left alone yet."
        yield _gauge("timestamp_authority_rest_seconds", said, rests, ["authority"])

    def _anchors(self, session: Session) -> Iterator[Metric]:
        since = unanchored_since(session)
        said = "How long ago the log was anchored, if events came since."
        yield _gauge("unanchored_seconds", said, [((), 0.0 if since is None else self._age(since))])

    def _backup(self, session: Session) -> Iterator[Metric]:
        since = unsaved_since(session, self._office.folder)
        said = "How long ago the last backup of this data folder was made, or without one the office began."
        yield _gauge("unsaved_seconds", said, [] if since is None else [((), self._age(since))])

    def _destruction(self, session: Session) -> Iterator[Metric]:
        """What should have been destroyed: requests from the first moment of their day, in UTC, on."""
        now = self._office.clock()
        due = keeping.due(session, self._office.engine.definition, now)
        days = [datetime.combine(one.due_on, time(), UTC) for one in due]
        files = session.execute(select(func.count(), func.min(BlobRemoval.listed_at))).one()
        row = session.get(RetentionRow, 1)
        unclean = None if row is None else row.unclean_since
        waiting: list[tuple[str, int, datetime | None]] = [
            ("requests", len(days), min(days, default=None)),
            ("files", files[0], files[1]),
            ("database", int(unclean is not None), unclean),
        ]
        counts = [((what,), count) for what, count, _ in waiting]
        yield _gauge("waiting_destruction", "What should be destroyed by now.", counts, ["what"])
        ages = [((what,), 0.0 if since is None else self._age(since)) for what, _, since in waiting]
        yield _gauge("oldest_waiting_destruction_seconds", "Since when the first of it is.", ages, ["what"])

    def _age(self, since: datetime) -> float:
        """Seconds; a clock that went back makes nothing negative."""
        return max(0.0, (self._office.clock() - since).total_seconds())


def _gauge(
    name: str,
    said: str,
    rows: Iterable[tuple[Sequence[str], float]],
    labels: Sequence[str] = (),
) -> Metric:
    family = GaugeMetricFamily(f"paraaf_{name}", said, labels=labels)
    for values, figure in rows:
        family.add_metric(list(values), figure)
    return family


def _copy(family: Metric) -> Metric:
    """What is handed out may be changed by who gets it."""
    other = Metric(family.name, family.documentation, family.type, family.unit)
    other.samples = list(family.samples)
    return other
