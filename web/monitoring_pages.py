"""The monthly report of a unit, or of all: a page, its rows for a spreadsheet, a PDF, and the sealed ones.

All are cut out of what is kept of each month (throughput.monitor_kept), in which no hidden count is: so
no choice of months, unit, process, norm or goal tells what another one hides. Whoever looks after some units
reads their reports, each by itself; sums over units are told to those who look after all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from documents.words import mark
from throughput.charts.months import months as months_chart
from throughput.followed import Target
from throughput.monitor import Monitor, Month, Printed
from throughput.monitor_kept import KeptMonths
from throughput.monitor_reports import KeptReport, report_file, reports
from throughput.monitor_rows import rows
from throughput.origins import with_column
from throughput.reporting.monitoring import (
    about,
    chart,
    counts,
    ends,
    meaning,
    monitoring_pdf,
    verdict,
    within,
)
from throughput.reporting.words import ReportWords, report_words
from web import figures_asked
from web.asked import Asked
from web.choices import short_title
from web.csv_answer import csv_answer
from web.figures_known import require_known
from web.figures_parts import drawn
from web.languages import NAMES
from web.overseeing import Overseeing
from web.rates import Rate
from web.request_documents import attachment
from web.unreadable import CHOICE, PERCENT, Unreadable, wrong_months, wrong_texts
from workflow.staff import Reach
from workflow.words import process_words

MONTHS: Final = 12
"""So many are told of where nothing is said of when: the last ones."""
LISTS: Final = Rate("monitoring", 60, 600.0)
_LABELS = {
    "unit": mark("Unit"),
    "key": mark("Process"),
    "from": mark("First month"),
    "to": mark("Last month"),
    "norm": mark("Norm, in working time"),
    "goal": mark("Goal, in per cent"),
}
_GOAL = re.compile(r"[0-9]{1,2}|100", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """As in the address: "" leaves open."""

    unit: str
    key: str
    first: str
    last: str
    norm: str
    goal: str

    @classmethod
    def of(cls, asked: Asked, now: datetime, norms: Sequence[str]) -> "Wanted":
        """Read it; where no norm is said it is the office's first. Raises Unreadable."""
        wanted = cls(*(asked.text(name).strip() for name in _LABELS))
        wrong = dict(wrong_texts({_LABELS["unit"]: wanted.unit, _LABELS["key"]: wanted.key}))
        wrong |= wrong_months((_LABELS["from"], wanted.first), (_LABELS["to"], wanted.last), now)
        if wanted.norm not in {"", *norms}:
            wrong[_LABELS["norm"]] = CHOICE
        if wanted.goal and _GOAL.fullmatch(wanted.goal) is None:
            wrong[_LABELS["goal"]] = PERCENT
        if wrong:
            raise Unreadable(wrong, again="/figures/monitoring")
        return replace(wanted, norm=wanted.norm or norms[0])

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        names = {"first": "from", "last": "to"}
        return urlencode({names.get(name, name): value for name, value in vars(self).items() if value})


@dataclass(frozen=True)
class _Shown:
    """A report for one reader."""

    wanted: Wanted
    kept: KeptMonths
    report: Printed
    target: Target
    words: ReportWords
    reach: Reach


@dataclass(frozen=True)
class Choices:
    """What can be chosen: each as what stands in the address, and its words."""

    units: Sequence[tuple[str, str]]
    keys: Sequence[tuple[str, str]]
    months: Sequence[tuple[str, str]]
    norms: Sequence[tuple[str, str]]


class MonitoringPages(Overseeing):
    """The pages under /figures/monitoring."""

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/figures/monitoring", self._page),
            self.door.get("/figures/monitoring.csv", self._csv),
            self.door.get("/figures/monitoring.pdf", self._pdf),
            self.door.get("/figures/monitoring/reports/{report}.pdf", self._sealed),
        ]

    def _page(self, asked: Asked) -> Response:
        shown = self._shown(asked)
        told, target, words = shown.report, shown.target, shown.words
        return self.answer(
            asked,
            "monitoring.html",
            wanted=shown.wanted,
            about=about(told, words) if told.months else "",
            verdict=verdict(told, target, words) if told.months else [],
            chart=_drawn(told, target, words),
            tables=[counts(told, words), ends(told, words)] if told.months else [],
            meaning=meaning(target, words),
            choices=self._choices(asked, shown),
            origin=words.origin(words.figures),
            whole_office=shown.reach.everywhere,
            goal=round(100 * target.goal),
            why=_figures_of(shown.wanted, told),
            sealed=self._reports(shown),
            by_itself=shown.kept.settings.reports is not None,
            month=lambda one: words.month(one.year, one.month),
            spoken=NAMES,
        )

    def _csv(self, asked: Asked) -> Response:
        shown = self._shown(asked)
        self.door.rates.require(asked.request, LISTS)
        head, *lines = with_column(rows(shown.report), self.door.past())
        return csv_answer(self.door.past.named(f"{_name(shown.report)}.csv"), head, lines)

    def _pdf(self, asked: Asked) -> Response:
        shown = self._shown(asked)
        if not shown.report.months:
            raise HTTPException(404)
        self.door.rates.require(asked.request, LISTS)
        now, past = self.door.office.clock(), self.door.past()
        pdf = monitoring_pdf(shown.report, shown.target, made_at=now, words=shown.words, invented=past)
        return attachment(pdf, "application/pdf", self.door.past.named(f"{_name(shown.report)}.pdf"))

    def _sealed(self, asked: Asked) -> Response:
        """A report that was made by itself, as it was sealed."""
        reach, number = self.reach(asked), asked.number("report")
        with self.door.office.store.read() as session:
            found = report_file(session, number, reach)
        if found is None:
            raise HTTPException(404)
        report, pdf = found
        return attachment(pdf, "application/pdf", f"{report.name}.pdf")

    def _reports(self, shown: _Shown) -> list[KeptReport]:
        """Those of the unit that is shown."""
        with self.door.office.store.read() as session:
            return reports(session, shown.reach, [shown.wanted.unit or None])

    def _shown(self, asked: Asked) -> _Shown:
        reach, office = self.reach(asked), self.door.office
        kept = KeptMonths.of(office.store, office.folder)
        norms = [str(norm.within) for norm in kept.settings.norms]
        wanted = Wanted.of(asked, office.clock(), norms)
        if not reach.everywhere:
            wanted = replace(wanted, unit=wanted.unit or min(reach.units))
        require_known(office, asked.me.id, reach, unit=wanted.unit, key=wanted.key)
        place = norms.index(wanted.norm)
        goal = int(wanted.goal) / 100 if wanted.goal else kept.settings.goal
        found = [month for month in kept.tables if _is_in(month, wanted)]
        if not (wanted.first or wanted.last):
            found = found[-MONTHS:]
        monitor = Monitor({month: kept.tables[month] for month in found}, kept.tables)
        report = monitor.report(wanted.unit or None, wanted.key or None, place)
        target = kept.settings.target(place, goal)
        words = report_words(asked.language).of_past(self.door.past())
        return _Shown(wanted, kept, report, target, words, reach)

    def _choices(self, asked: Asked, shown: _Shown) -> Choices:
        titles = process_words(asked.language)
        everywhere = Monitor(shown.kept.tables).units
        units = everywhere if shown.reach.everywhere else sorted(shown.reach.units)
        kinds = {one.key: short_title(titles.title(one)) for one in self.door.office.engine.catalogue}
        words, chosen = shown.words, {shown.wanted.first, shown.wanted.last} - {""}
        offered = sorted({*map(str, shown.kept.tables), *chosen}, reverse=True)
        return Choices(
            [(one, one) for one in units],
            sorted(kinds.items(), key=lambda one: one[1].casefold()),
            [(one, words.month(*map(int, one.split("-")))) for one in offered],
            [(str(one.within), within(one, words)) for one in shown.kept.settings.norms],
        )


def _is_in(month: Month, wanted: Wanted) -> bool:
    return (wanted.first or "0") <= str(month) <= (wanted.last or "9")


def _drawn(told: Printed, target: Target, words: ReportWords) -> Markup | None:
    if not told.months:
        return None
    return drawn("months", lambda width: months_chart(chart(told, target, words), width))


def _figures_of(wanted: Wanted, told: Printed) -> str:
    """The address of figures of the same requests, behind the question mark."""
    first, last = (str(one) for one in (told.months[0], told.months[-1])) if told.months else ("", "")
    return figures_asked.Wanted(key=wanted.key, unit=wanted.unit, first=first, last=last).query()


def _name(told: Printed) -> str:
    parts = ["monitoring", told.unit, told.key, *map(str, (*told.months[:1], *told.months[-1:]))]
    return "-".join(part for part in parts if part)
