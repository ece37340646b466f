"""The reports of each month that an office seals by itself: each made once, kept, and never made anew.

A report tells of the twelve months up to its own, cut out of what is kept of them (throughput.monitor_kept):
it hides what the pages hide. It is due from the first working day after its month on, once all these months
are counted by the norms of today. A worker makes it, and what it makes reaches the level of its signing
profile or is not there: a try that fails is tried again, after ever longer waits, and what stands in the way
is shown to whoever looks after the office.

Each try is begun by moving the row's next time on: so two workers never make the same at once, and what a
worker that died had in hand is another's when that time has come.
"""

import asyncio
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, delete, insert, not_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from problem import Problem
from signing.errors import ProfileError
from signing.profile import Profile
from throughput.monitor import Monitor, Month
from throughput.monitor_kept import KeptMonths, not_counted
from throughput.monitor_settings import FILE, ReportsWanted, monitor_settings
from throughput.month_table import MonthTold
from throughput.reporting.monitoring import monitoring_pdf
from throughput.reporting.seal import SEAL_FIELD, Seal
from throughput.reporting.words import report_words
from workflow.calendar import CALENDARS
from workflow.chores import Chore
from workflow.faults import point
from workflow.invented import invented
from workflow.key_limits import take_one
from workflow.keys import OfficeKeys
from workflow.report_mail import tell_of_report
from workflow.staff import Reach
from workflow.store import Store
from workflow.tables import MonitoringReport

if TYPE_CHECKING:
    from signing.pades import Finished  # takes a second to import
    from signing.signers import Signer
    from signing.stamp import Appearance
    from workflow.office import Office

EVERY_TEN_MINUTES: Final = "5-59/10 * * * *"
"""Five minutes after the months are counted."""
ALL_UNITS: Final = ""
MONTHS: Final = 12
MADE_UP: Final = 3
"""Of so many months reports are made: of the last one, and of those before that were missed."""
FIRST_WAIT: Final = timedelta(minutes=10)
LONGEST_WAIT: Final = timedelta(hours=6)
CRASHED: Final = "report-crashed"
"""The code of a try that ended by no error of ours."""
_table = MonitoringReport.table()
_LISTED = [column for column in _table.c if column.name != "pdf"]


@dataclass(frozen=True)
class KeptReport:
    """A report that is made, or due; `unit` None: of all units. `code`: why its last try failed, or ""."""

    number: int
    month: Month
    unit: str | None
    language: str
    profile: str
    tries: int
    code: str
    made_at: datetime | None
    level: str | None
    sealed_by: str | None
    sha256: str | None

    @property
    def name(self) -> str:
        """What its file is called."""
        return "-".join(part for part in ("monitoring", self.unit, str(self.month), self.language) if part)


@dataclass(frozen=True)
class _Due:
    """The columns by which a report is known."""

    month: str
    unit: str
    language: str
    norms: str
    profile: str


def chore(office: "Office") -> Chore:
    """What a worker does so that the reports of each month are there."""
    return Chore("monthly-reports", EVERY_TEN_MINUTES, lambda: make_reports(office))


def make_reports(office: "Office") -> int:
    """Make the reports that are due; how many were made here. It ends with the first that could not be.

    Raises ProfileError for settings that can't be followed, and what stood in the way of a report.
    """
    wanted = monitor_settings(office.folder).reports
    drop_unwanted(office.store, wanted)
    if wanted is None:
        return 0
    kept, keys = KeptMonths.of(office.store, office.folder), office.keys()
    profile = sealing_profile(wanted, office.profiles)
    list_due(office.store, kept, wanted, office.clock())
    made = 0
    while (row := _begin(office.store, kept, office.clock())) is not None:
        try:
            made += _make(office, kept, row, profile, keys)
        except Exception as error:
            _note(office.store, row.id, error.code if isinstance(error, Problem) else CRASHED)
            raise
    return made


def sealing_profile(wanted: ReportsWanted, profiles: Mapping[str, Profile]) -> Profile:
    """The profile under which reports are sealed. Raises ProfileError where nobody is to be asked for it."""
    able = {one.name: one for one in profiles.values() if one.signs and one.kind != "person"}
    if wanted.profile not in able:
        raise ProfileError(
            f"{FILE}: 'reports.profile' is {wanted.profile[:100]!r}, under which the organisation seals"
            " nothing here.",
            hint=f"Write one of {', '.join(sorted(able))}.",
        )
    return able[wanted.profile]


def due_from(month: Month, calendar: str) -> date:
    """The first working day after a month."""
    day = date(month.next.year, month.next.month, 1)
    while not CALENDARS[calendar].is_working_day(day):
        day += timedelta(days=1)
    return day


def drop_unwanted(store: Store, wanted: ReportsWanted | None) -> None:
    """Have no row of a report that waits, and that nobody wants any more."""
    unwanted: ColumnElement[bool] = _table.c.pdf.is_(None)
    if wanted is not None:
        kept = [_table.c.language.in_(wanted.languages)]
        if wanted.units is not None:
            kept.append(_table.c.unit.in_([ALL_UNITS, *wanted.units]))
        unwanted &= not_(and_(*kept))
    with store.read() as session:
        if session.connection().execute(select(_table.c.id).where(unwanted).limit(1)).first() is None:
            return
    with store.write() as session:
        session.connection().execute(delete(_table).where(unwanted))


def list_due(store: Store, kept: KeptMonths, wanted: ReportsWanted, now: datetime) -> None:
    """Have a row of each report that is due by now."""
    calendar = kept.settings.calendar
    today = now.astimezone(ZoneInfo(CALENDARS[calendar].zone)).date()
    due = [month for month in _whole(store, kept, now) if today >= due_from(month, calendar)][-MADE_UP:]
    for month in due:
        units = Monitor(_window(kept, month)).units
        with store.read() as session:
            there = _there(session, month)
        for unit in (ALL_UNITS, *(one for one in units if wanted.units is None or one in wanted.units)):
            for language in wanted.languages:
                if (unit, language) not in there:
                    _add(store, _Due(str(month), unit, language, kept.settings.name, wanted.profile), now)


def reports(session: Session, reach: Reach, units: Collection[str | None] | None = None) -> list[KeptReport]:
    """Those of the units that somebody looks after, the newest first; of these units alone, if they are given
    (None among them: of all together)."""
    query = select(*_LISTED).order_by(_table.c.month.desc(), _table.c.unit, _table.c.language)
    if units is not None:
        query = query.where(_table.c.unit.in_([unit or ALL_UNITS for unit in units]))
    found = map(_kept, session.connection().execute(query))
    return [one for one in found if reach.covers(one.unit)]


def report_file(session: Session, number: int, reach: Reach) -> tuple[KeptReport, bytes] | None:
    """A report that is made, with its file; None of what somebody may not see, too."""
    query = select(*_LISTED, _table.c.pdf).where(_table.c.id == number, _table.c.pdf.is_not(None))
    row = session.connection().execute(query).one_or_none()
    if row is None or not reach.covers(row.unit or None):
        return None
    return _kept(row), row.pdf


def _window(kept: KeptMonths, month: Month) -> Mapping[Month, MonthTold]:
    """The months that a report tells of."""
    return {one: table for one, table in kept.tables.items() if _tells_of(month, one)}


def _whole(store: Store, kept: KeptMonths, now: datetime) -> list[Month]:
    """The months that reports are made of; none until all are counted, from the oldest on."""
    with store.read() as session:
        return [] if not_counted(session, kept.settings, now) else list(kept.tables)


def _tells_of(month: Month, other: Month) -> bool:
    """Whether the report of a month tells of another one."""
    return 0 <= 12 * (month.year - other.year) + month.month - other.month < MONTHS


def _there(session: Session, month: Month) -> set[tuple[str, str]]:
    query = select(_table.c.unit, _table.c.language).where(_table.c.month == str(month))
    return {(row.unit, row.language) for row in session.connection().execute(query)}


def _add(store: Store, due: _Due, now: datetime) -> None:
    row = vars(due) | {"tries": 0, "next_at": now, "code": ""}
    try:
        with store.write() as session:
            session.connection().execute(insert(_table), [row])
    except IntegrityError:
        pass  # another worker has just listed it


def _begin(store: Store, kept: KeptMonths, now: datetime) -> Row[Any] | None:
    """Take one that is due now, and whose months are counted, for as long as its next wait."""
    waits = select(_table.c.id, _table.c.tries).where(_table.c.pdf.is_(None), _table.c.next_at <= now)
    waits = waits.where(_table.c.month.in_([str(month) for month in _whole(store, kept, now)]))
    with store.write() as session:
        connection = session.connection()
        row = connection.execute(
            waits.order_by(_table.c.next_at, _table.c.id).limit(1).with_for_update(skip_locked=True)
        ).one_or_none()
        if row is None:
            return None
        wait = min(FIRST_WAIT * 2 ** min(row.tries, 10), LONGEST_WAIT)
        values = {"tries": row.tries + 1, "next_at": now + wait}
        connection.execute(update(_table).where(_table.c.id == row.id).values(**values))
        return connection.execute(select(*_LISTED).where(_table.c.id == row.id)).one()


def _make(office: "Office", kept: KeptMonths, row: Row[Any], profile: Profile, keys: OfficeKeys) -> bool:
    """Draw it, seal it and keep it; whether it is this one that is kept."""
    point("report.begun")
    settings, words = kept.settings, report_words(row.language)
    report = Monitor(_window(kept, Month.read(row.month)), kept.tables).report(row.unit or None)
    target = settings.target(0, settings.goal)
    signer = office.own_seal(profile, keys)
    made_at, seal = office.clock(), Seal.of(signer.certificate, profile)
    with office.store.read() as session:
        past = invented(session)
    drawn = monitoring_pdf(report, target, made_at=made_at, words=words, seal=seal, invented=past)
    if (limit := keys.limit_of(signer)) is not None:
        take_one(office.store, limit, office.clock(), CALENDARS[settings.calendar].zone)
    stamp = seal.stamp(row.language, made_at)
    finished = asyncio.run(_sealed(office, drawn, signer, profile, stamp))
    point("report.sealed")
    values = {
        "made_at": made_at,
        "level": str(finished.level_reached),
        "sealed_by": seal.name,
        "sha256": hashlib.sha256(finished.pdf).hexdigest(),
        "pdf": finished.pdf,
        "norms": settings.name,
        "profile": profile.name,
        "code": "",
    }
    is_ours = _keep(office, row, values)
    point("report.kept")
    return is_ours


def _keep(office: "Office", row: Row[Any], values: Mapping[str, Any]) -> bool:
    """Keep what was made, where nothing is yet: whoever was stopped for long comes too late.

    Mail tells of the first that is made of a month and unit, in whichever language.
    """
    of_both = _table.c.month == row.month, _table.c.unit == row.unit
    alike = select(_table.c.id, _table.c.language, _table.c.made_at).where(*of_both).order_by(_table.c.id)
    with office.store.write() as session:
        connection = session.connection()
        found = {one.language: one for one in connection.execute(alike.with_for_update())}
        own = found.get(row.language)
        if own is None or own.made_at is not None:
            return False
        connection.execute(update(_table).where(_table.c.id == own.id).values(**values))
        if office.mail is not None and all(one.made_at is None for one in found.values()):
            tell_of_report(session, own.id, row.unit or None, today=office.newest_day, now=office.clock())
    return True


async def _sealed(
    office: "Office", pdf: bytes, signer: "Signer", profile: Profile, stamp: "Appearance"
) -> "Finished":
    """Seal it at the profile's level. Raises SigningError for less."""
    from signing.pades import sign_pdf  # noqa: PLC0415  where it signs: it takes long to import

    async with office.desk() as desk:
        return await sign_pdf(
            desk,
            pdf,
            signer=signer,
            profile=profile,
            claimed_at=office.clock(),
            field=SEAL_FIELD,
            appearance=stamp,
        )


def _note(store: Store, number: int, code: str) -> None:
    """Keep why a try failed, for whoever looks after the office."""
    with store.write() as session:
        here = _table.c.id == number, _table.c.pdf.is_(None)
        session.connection().execute(update(_table).where(*here).values(code=code))


def _kept(row: Any) -> KeptReport:
    return KeptReport(
        row.id,
        Month.read(row.month),
        row.unit or None,
        *(row.language, row.profile, row.tries, row.code),
        *(row.made_at, row.level, row.sealed_by, row.sha256),
    )
