"""Norms by which an office follows its requests, its goal, the reports it seals: `monitoring.toml`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from languages import LANGUAGES
from signing.checked_toml import CheckedTable, read_toml
from throughput.followed import Milestone, Norm, Target
from workflow.calendar import CALENDARS, parse_working_duration
from workflow.definition_errors import DurationInvalid

FILE: Final = "monitoring.toml"
NORMS_AT_MOST: Final = 4
_MILESTONES: tuple[Milestone, ...] = ("approved", "signed", "delivered")


@dataclass(frozen=True)
class ReportsWanted:
    """Which reports are sealed each month: under which signing profile, in which languages.

    `units`: of these, each by itself; None: of each that there is. One of all units together is always made.
    """

    profile: str
    languages: tuple[str, ...] = ("en",)
    units: tuple[str, ...] | None = None


@dataclass(frozen=True)
class MonitorSettings:
    """The norms, from the strictest on, their calendar, and the share of requests that should meet one.

    What is hidden is decided for all norms together: whoever reads them all learns no more than of one.
    """

    norms: tuple[Norm, ...] = (Norm(parse_working_duration("P5D")),)
    goal: float = 0.85
    calendar: str = "office-nl"
    reports: ReportsWanted | None = None
    """None: no report is made by itself."""

    @property
    def name(self) -> str:
        """What tells these norms from others: what was counted by others is not theirs."""
        return " ".join([self.calendar, self.norms[0].until, *(str(norm.within) for norm in self.norms)])

    def target(self, place: int, goal: float) -> Target:
        """One of the norms, with a goal."""
        return Target(self.norms[place], self.calendar, goal)


def monitor_settings(folder: Path) -> MonitorSettings:
    """Read the file, or take what counts without it. Raises ProfileError."""
    file = folder / FILE
    if not file.exists():
        return MonitorSettings()
    table = CheckedTable(str(file), read_toml(file))
    chosen: Milestone | None = table.choice("until", _MILESTONES)
    until: Milestone = chosen or "delivered"
    calendar = table.choice("calendar", tuple(sorted(CALENDARS))) or MonitorSettings.calendar
    norms = [_norm(table, said, until) for said in table.texts("norms")] or list(MonitorSettings.norms)
    if len(norms) > NORMS_AT_MOST:
        table.refuse("norms", f"names {len(norms)} norms", f"Name {NORMS_AT_MOST} at most.")
    lengths = [norm.most_us(calendar) for norm in norms]
    if lengths != sorted(set(lengths)):
        table.refuse("norms", "has no order", "Begin with the shortest, and name each once.")
    goal = table.take("goal", int, "a whole number of per cent", 85)
    if not 0 <= goal <= 100:
        table.refuse("goal", f"is {goal}", "Write a number from 0 to 100.")
    reports = _reports(CheckedTable(str(file), table.take("reports", dict, "a table", {}), place="reports"))
    table.finish()
    return MonitorSettings(tuple(norms), goal / 100, calendar, reports)


def _reports(table: CheckedTable) -> ReportsWanted | None:
    """What [reports] says; None where it is not there, or empty."""
    if table.is_empty:
        return None
    profile = table.take("profile", str, "a text", "")
    if not profile:
        table.refuse("profile", "is missing", "Write profile = … with the name of a signing profile.")
    languages = table.texts("languages", of=LANGUAGES) or ReportsWanted.languages
    units = table.texts("units", mend="Use the names of units.") or None
    table.finish()
    return ReportsWanted(profile, languages, units)


def _norm(table: CheckedTable, said: str, until: Milestone) -> Norm:
    try:
        return Norm(parse_working_duration(said), until)
    except DurationInvalid:
        table.refuse("norms", f"contains {said[:100]!r}", "Write working time, such as P5D or PT8H.")
