"""What is told of each month that is over: counted once, kept, and never decided anew.

Pages, lists and reports are cut out of what is kept here. A hidden count is not in it. Months are counted in
their order, for each hides what would tell a count of those before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from throughput.followed import followed
from throughput.kept import Keeper
from throughput.monitor import MONTHS_AT_MOST, Month, before, counting
from throughput.monitor_settings import MonitorSettings, monitor_settings
from throughput.month_table import MonthTold, month_told
from workflow.calendar import CALENDARS
from workflow.chores import Chore
from workflow.store import Store
from workflow.tables import MonitoringMonth, TimingCase

EVERY_TEN_MINUTES: Final = "*/10 * * * *"
SETTLED: Final = timedelta(hours=1)
"""So long after its end a month is counted: whatever was under way when it ended is in the log by then."""


def chore(store: Store, folder: Path, clock: Callable[[], datetime]) -> Chore:
    """What a worker does so that every month that is over is there to be read."""
    return Chore(
        "monitoring", EVERY_TEN_MINUTES, lambda: keep_months(store, monitor_settings(folder), clock())
    )


def keep_months(store: Store, settings: MonitorSettings, now: datetime) -> int:
    """Count the months that are over and not kept yet; how many that were. Several may do it at once."""
    Keeper(store).catch_up()
    with store.read() as session:
        missing = not_counted(session, settings, now)
    for month in missing:
        with store.read() as session:
            told = _counted(session, settings, month, months_kept(session, settings))
        row = {"month": str(month), "norms": settings.name, "told": told.to_json()}
        store.have_row(MonitoringMonth.table(), row)
    return len(missing)


def months_told(
    session: Session, settings: MonitorSettings, period: Sequence[Month], now: datetime
) -> dict[Month, MonthTold]:
    """What is kept, and what else there is of the period: counted as a worker would, and not kept."""
    tables = dict(months_kept(session, settings))
    missing = [month for month in not_counted(session, settings, now) if str(month) <= str(period[-1])]
    for month in (*missing, *period):
        if month not in tables:
            tables[month] = _counted(session, settings, month, tables)
    return tables


def _counted(
    session: Session, settings: MonitorSettings, month: Month, tables: Mapping[Month, MonthTold]
) -> MonthTold:
    """A month as it may be told, after those that are told already."""
    counted = counting(
        lambda one: followed(session, settings.norms, calendar=settings.calendar, since=one, until=one),
        month,
        _zone(settings),
    )
    return month_told(counted, len(settings.norms), before=before(tables, month))


def months_kept(session: Session, settings: MonitorSettings) -> Mapping[Month, MonthTold]:
    """Those that are told by these norms, in their order."""
    query = (
        select(MonitoringMonth.month, MonitoringMonth.told)
        .where(MonitoringMonth.norms == settings.name)
        .order_by(MonitoringMonth.month.desc())
        .limit(MONTHS_AT_MOST)
    )
    rows = session.execute(query).all()
    return {Month.read(row.month): MonthTold.from_json(row.told) for row in reversed(rows)}


def since_first(session: Session, settings: MonitorSettings, period: Sequence[Month]) -> tuple[Month, ...]:
    """A period from the month of the office's first request on; all of it where it was over before that."""
    kept, opened = months_kept(session, settings), _first_opened(session, settings)
    first = min([*kept, *([] if opened is None else [opened])], key=str, default=period[0])
    return tuple(month for month in period if str(month) >= str(first)) or tuple(period)


def _first_opened(session: Session, settings: MonitorSettings) -> Month | None:
    first = session.scalar(select(func.min(TimingCase.opened_at)))
    return None if first is None else Month.of(first.astimezone(_zone(settings)).date())


def not_counted(session: Session, settings: MonitorSettings, now: datetime) -> list[Month]:
    """The months that are over and newer than those that are kept, in their order."""
    begun = _first_opened(session, settings)
    if begun is None:
        return []
    zone = _zone(settings)
    month = Month.of((now - SETTLED).astimezone(zone).date()).before
    kept = set(session.scalars(select(MonitoringMonth.month).where(MonitoringMonth.norms == settings.name)))
    found = []
    for _ in range(MONTHS_AT_MOST):
        if (month.year, month.month) < (begun.year, begun.month) or str(month) in kept:
            break
        found.append(month)
        month = month.before
    return found[::-1]


def _zone(settings: MonitorSettings) -> ZoneInfo:
    return ZoneInfo(CALENDARS[settings.calendar].zone)


@dataclass(frozen=True)
class KeptMonths:
    """The months that pages tell of, as an office keeps them."""

    settings: MonitorSettings
    tables: Mapping[Month, MonthTold]

    @classmethod
    def of(cls, store: Store, folder: Path) -> "KeptMonths":
        """Read them. Raises ProfileError."""
        settings = monitor_settings(folder)
        with store.read() as session:
            return cls(settings, months_kept(session, settings))
