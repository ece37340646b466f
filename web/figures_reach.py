"""Who may know how many requests figures are of, and what is told to who may not.

Auditors read each request of their units, and whoever looks after all units may take the log home: nothing is
hidden from them. Who administers some units reads no request; of how many there were the monthly report tells
them, which hides small counts. So they are told times here, not counts, and those of one unit and process, of
requests that began in the months of which that report tells how many began (decision 50).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from throughput.monitor import Month
from throughput.monitor_kept import KeptMonths
from throughput.month_table import MonthTold
from throughput.scope import Scope
from throughput.small_cells import FEWEST
from throughput.told import Told
from web.figures_asked import Wanted
from workflow import staff
from workflow.access import AUDITOR
from workflow.office import Office
from workflow.staff import Reach

Kept = Mapping[Month, MonthTold]


@dataclass(frozen=True)
class Reading:
    """What somebody is told of, as they wanted it or as near as they may; `counted`: with how many."""

    wanted: Wanted
    scope: Scope
    counted: bool

    def of(self, found: Told) -> Told:
        """The same figures as they may be told.

        Who may not know how many there were finds no group of few, which would tell that it is not of none;
        and what is in hand of all ways of signing alone, for that is how the office tells it.
        """
        if self.counted:
            return found
        groups = [one for one in found.groups if one.delivered >= FEWEST]
        narrowed = self.scope.variant is not None or self.scope.definition is not None
        return replace(found, groups=groups, in_hand=() if narrowed else found.in_hand)


def reading(office: Office, person: str, reach: Reach, wanted: Wanted) -> Reading:
    """What of it they may read, who look after the units within reach. Raises ProfileError."""
    if reach.everywhere:
        return Reading(wanted, wanted.scope(reach), counted=True)
    with office.store.read() as session:
        counted = staff.counts(session, person, office.newest_day).units
    if ({wanted.unit} if wanted.unit else reach.units) <= counted:
        return Reading(wanted, wanted.scope(reach), counted=True)
    unit = wanted.unit or min(reach.units - counted)
    kept = KeptMonths.of(office.store, office.folder).tables
    key = wanted.key or _told_most(kept, unit, [one.key for one in office.engine.catalogue])
    told = replace(wanted, unit=unit, key=key)
    return Reading(told, replace(told.scope(reach), months=_months(kept, told)), counted=False)


def listed_unit(office: Office, person: str, reach: Reach, scope: Scope) -> str | None:
    """Of which unit the list of requests shows the same ones as figures of a scope are about; "": of all.

    None where it shows others: their own, or their team's, beside those that they audit, or of every version.
    """
    with office.store.read() as session:
        audited = staff.reach_of(session, person, office.newest_day, AUDITOR)
    only = min(reach.units) if len(reach.units) == 1 and not reach.everywhere else ""
    unit = scope.unit or only
    if scope.definition is not None or not (audited.everywhere or unit in audited.units):
        return None
    return unit


def _months(kept: Kept, wanted: Wanted) -> tuple[date, ...]:
    """Those of which the monthly report tells how many began."""
    return tuple(
        date(month.year, month.month, 1)
        for month, table in kept.items()
        if (wanted.first or "0") <= str(month) <= (wanted.last or "9")
        and table.shown("started", wanted.unit, wanted.key) is not None
    )


def _told_most(kept: Kept, unit: str, keys: list[str]) -> str:
    """The process of which most began, as far as that is told."""
    return max(
        sorted(set(keys)),
        key=lambda key: sum(table.shown("started", unit, key) or 0 for table in kept.values()),
    )
