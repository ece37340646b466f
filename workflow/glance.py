"""How the office is doing, at a glance: what a page asks each time it is opened, by few and quick queries."""

import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from watching.meters import authority_label
from workflow import keeping, readiness
from workflow.anchors import unanchored_since
from workflow.backup import last_backup, unsaved_since
from workflow.checkup import LITTLE_ROOM, NO_ROOM, UNANCHORED, UNSAVED
from workflow.claims import lapsed
from workflow.jobs import QueueFigures
from workflow.office import Office
from workflow.pinned import pinned
from workflow.retention import waiting_until
from workflow.staff import Reach
from workflow.tables import (
    AuthorityHealth,
    Incident,
    LogHead,
    MailRow,
    MonitoringReport,
    ProfileCheck,
    Request,
    RetentionRow,
    Task,
    WebhookMessage,
    WebhookRow,
)

COUNTED: Final = 1_000
"""Up to so many are counted."""


@dataclass(frozen=True)
class Waiting:
    """What waits for people in some units: `since` is the oldest incident's time, `lapsed` are requests whose
    task somebody holds who may not do it any more."""

    incidents: int
    since: datetime | None
    retries: int
    tasks: int
    past_due: int
    lapsed: tuple[int, ...]


@dataclass(frozen=True)
class Authority:
    """A timestamp authority as workers saw it; `failures` in a row."""

    name: str
    answered_at: datetime | None
    failures: int
    code: str


@dataclass(frozen=True)
class Glance:
    """The office's machinery. `wrong` are the codes of what is not ready, by what was looked at."""

    release: str
    revision: str
    database: str
    events: int
    free_bytes: int
    wrong: dict[str, str]
    workers: int
    queue: QueueFigures
    unfit: tuple[tuple[str, str], ...]
    """Signing profiles under which nobody can sign, and why: a code."""
    authorities: tuple[Authority, ...]
    unanchored_since: datetime | None
    saved_at: datetime | None
    unsaved: bool
    overdue: int
    waits_until: datetime | None
    mails_given_up: int
    webhooks: int
    webhooks_stopped: int
    messages_given_up: int
    reports_waiting: int
    """Monthly reports that were tried and are not made; why the last of them was not: a code."""
    reports_code: str
    now: datetime = field(repr=False)

    @property
    def room(self) -> str:
        """Whether there is room on the disk: "ok", "little" or "none"."""
        return "none" if self.free_bytes < NO_ROOM else "little" if self.free_bytes < LITTLE_ROOM else "ok"

    @property
    def unanchored(self) -> bool:
        """Whether the log has not been anchored for twice as long as a worker lets pass."""
        return self.unanchored_since is not None and self.now - self.unanchored_since > UNANCHORED


def waiting(office: Office, reach: Reach) -> Waiting:
    """What waits for people in these units."""
    incidents, requests, tasks = Incident.table(), Request.table(), Task.table()
    now = office.clock()
    open_tasks = select(tasks.c.id).where(tasks.c.closed_at.is_(None), reach.of(requests.c.unit))
    open_tasks = open_tasks.join_from(tasks, requests, requests.c.id == tasks.c.request_id)
    with office.store.read() as session:
        count, since = session.execute(
            select(func.count(), func.min(incidents.c.opened_at))
            .join_from(incidents, requests, requests.c.id == incidents.c.request_id)
            .where(incidents.c.resolved_at.is_(None), reach.of(requests.c.unit))
        ).one()
        held = lapsed(session, pinned(session, office.engine.definition), now)
        retried = {one.ref.request_id for one in office.jobs.retries(session)}
        late = open_tasks.where(tasks.c.due_at < now, tasks.c.suspended_at.is_(None))
        return Waiting(
            incidents=count,
            since=since,
            retries=len(_within(session, reach, retried)),
            tasks=_counted(session, open_tasks),
            past_due=_counted(session, late),
            lapsed=tuple(_within(session, reach, held)),
        )


def glance(office: Office) -> Glance:
    """How the machinery is doing."""
    now = office.clock()
    wrong = {one.name: one.code for one in readiness.checks(office) if not one.ok}
    with office.store.read() as session:
        reports, code = _reports(session)
        hooks = select(func.count()).select_from(WebhookRow)
        row = session.get(RetentionRow, 1)
        waits_until = None if row is None else waiting_until(row)
        saved, since = last_backup(office.folder), unsaved_since(session, office.folder)
        lost = WebhookMessage.next_at.is_(None) & WebhookMessage.taken_at.is_(None)
        unsent = MailRow.next_at.is_(None) & MailRow.sent_at.is_(None) & (MailRow.code != "")
        return Glance(
            release=version("paraaf"),
            revision=office.store.revision() or "",
            database=office.store.url.get_backend_name(),
            events=session.scalar(select(LogHead.seq)) or 0,
            free_bytes=shutil.disk_usage(office.folder).free,
            wrong=wrong,
            workers=office.jobs.workers(session).alive,
            queue=office.jobs.figures(session),
            unfit=tuple(_unfit(office, session)),
            authorities=tuple(_authorities(office, session)),
            unanchored_since=unanchored_since(session),
            saved_at=saved,
            unsaved=since is not None and now - since > UNSAVED,
            overdue=keeping.overdue(session, office.engine.definition, now),
            waits_until=waits_until if waits_until is not None and waits_until > now else None,
            mails_given_up=session.scalar(select(func.count()).select_from(MailRow).where(unsent)) or 0,
            webhooks=session.scalar(hooks) or 0,
            webhooks_stopped=session.scalar(hooks.where(WebhookRow.stopped_at.is_not(None))) or 0,
            messages_given_up=session.scalar(select(func.count()).select_from(WebhookMessage).where(lost))
            or 0,
            reports_waiting=reports,
            reports_code=code,
            now=now,
        )


def _counted(session: Session, query: Select[tuple[int]]) -> int:
    limited = query.limit(COUNTED + 1).subquery()
    return session.scalar(select(func.count()).select_from(limited)) or 0


def _within(session: Session, reach: Reach, numbers: Collection[int]) -> list[int]:
    requests = Request.table()
    found = sorted(numbers)[:COUNTED]
    query = select(requests.c.id).where(requests.c.id.in_(found), reach.of(requests.c.unit))
    return list(session.scalars(query.order_by(requests.c.id))) if found else []


def _reports(session: Session) -> tuple[int, str]:
    """How many monthly reports were tried and are not made yet, and why: the code of the one
    whose next try is the last."""
    one = MonitoringReport
    codes = session.scalars(
        select(one.code).where(one.pdf.is_(None), one.code != "").order_by(one.next_at)
    ).all()
    return len(codes), codes[-1] if codes else ""


def _unfit(office: Office, session: Session) -> list[tuple[str, str]]:
    offered = {one.signing for one in office.catalogue.offered}
    rows = session.scalars(select(ProfileCheck).where(ProfileCheck.code != "").order_by(ProfileCheck.profile))
    return [(row.profile, row.code) for row in rows if row.profile in offered]


def _authorities(office: Office, session: Session) -> list[Authority]:
    named = {authority_label(name) for profile in office.profiles.values() for name in profile.timestampers}
    table = AuthorityHealth
    rows = session.scalars(select(table).where(table.authority.in_(sorted(named))).order_by(table.authority))
    return [Authority(row.authority, row.answered_at, row.failures, row.code) for row in rows]
