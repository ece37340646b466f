"""The monthly report of a unit, or of the whole office: counts, the share that met the norm, the goal."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from throughput.charts.months import Months, MonthShare, months
from throughput.followed import Norm
from throughput.monitor import ALL, Month, Printed
from throughput.reporting.frame import CHART_WIDTH, Cover, Report, Table
from throughput.reporting.seal import Seal
from throughput.reporting.words import NOTHING, ReportWords, mark
from workflow.labels import OUTCOMES

TITLE = mark("Monitoring report")
HIDDEN = "*"
_UNTIL: Mapping[str, str] = {
    "approved": mark("until it was approved"),
    "signed": mark("until it was signed"),
    "delivered": mark("until it was delivered"),
}
_CALENDARS: Mapping[str, str] = {"office-nl": mark("an office in the Netherlands")}


@dataclass(frozen=True)
class Target:
    """What was to be met: the norm by a calendar, and by which share of requests."""

    norm: Norm
    calendar: str
    goal: float


def monitoring_pdf(
    told: Printed,
    target: Target,
    figures: Mapping[str, Any],
    *,
    key: str | None,
    made_at: datetime,
    words: ReportWords,
    seal: Seal | None = None,
) -> bytes:
    """The report as PDF/A-3b with `figures`, those of `--json`, attached. Nothing hidden is in either."""
    about = [
        " · ".join(
            (
                told.unit or words.text("all units together"),
                words.process(key) if key else words.text("all processes"),
                _period(told, words),
            )
        )
    ]
    report = Report(Cover(words.text(TITLE), about, made_at, seal), words)
    report.heading(words.text("Was the goal met?"))
    report.lead(*_verdict(told, target, words))
    report.chart(
        words.text("Share that met the norm, by month (measured)"),
        months(_chart(told, target, words), CHART_WIDTH),
    )
    report.heading(words.text("Requests by month (measured)"))
    report.table(_counts(told, words))
    if told.reasons:
        report.heading(words.text("How they ended (measured)"))
        report.table(_ends(told, words))
    report.heading(words.text("What the figures mean"))
    report.paragraph(*_meaning(target, words))
    return report.finished(figures, identifier=f"paraaf-monitor-{made_at:%Y%m%dT%H%M%SZ}")


def _period(told: Printed, words: ReportWords) -> str:
    first, last = (words.month(one.year, one.month) for one in (told.months[0], told.months[-1]))
    return first if first == last else words.text("{first} to {last}", first=first, last=last)


def _verdict(told: Printed, target: Target, words: ReportWords) -> list[str]:
    """Whether the goal was met, by the mean of the months; and the share of all requests together."""
    norm = _norm(target, words)
    goal = words.percent(target.goal, _places(target.goal))
    if told.mean is None:
        hidden = any(_hidden(told, month) for month in told.months)
        text = (
            mark(
                "Whether the goal was met is not told: it would tell a month whose counts are hidden. {norm}"
            )
            if hidden
            else mark("There is no request of which the goal tells. {norm}")
        )
        found = [words.text(text, norm=norm)]
    else:
        share = words.percent(told.mean, 0 if told.mean_is_rough else 1)
        if told.mean_is_rough:
            share = words.text("about {share}", share=share)
        text = (
            mark(
                "The goal was met: in the mean of the months {share} met the norm, {goal} was the goal."
                " {norm}"
            )
            if told.mean >= target.goal
            else mark(
                "The goal was not met: in the mean of the months {share} met the norm, {goal} was the goal."
                " {norm}"
            )
        )
        found = [words.text(text, share=share, goal=goal, norm=norm)]
    if told.pooled is not None:
        found.append(
            words.text("Of all requests together {share} met the norm.", share=words.percent(told.pooled, 1))
        )
    return found


def _norm(target: Target, words: ReportWords) -> str:
    return words.text(
        "The norm: no more than {within} of working time {until}.",
        within=within(target.norm, words),
        until=words.text(_UNTIL[target.norm.until]),
    )


def within(norm: Norm, words: ReportWords) -> str:
    """The norm's length: "5 working days"."""
    length, parts = norm.within, []
    if length.weeks:
        parts.append(words.counted("{count} working week", "{count} working weeks", length.weeks))
    if length.days:
        parts.append(words.counted("{count} working day", "{count} working days", length.days))
    if length.clock:
        parts.append(words.time(length.clock.total_seconds()))
    return " ".join(parts)


def _places(share: float) -> int:
    return 0 if round(share, 2) == share else 1


def _hidden(told: Printed, month: Month) -> bool:
    return told.met[month] is None or told.missed[month] is None


def _chart(told: Printed, target: Target, words: ReportWords) -> Months:
    return Months(
        title=words.text("Share that met the norm, by month"),
        desc=words.text("A bar for each month, and the goal as a line."),
        nothing="",
        wording=words.charts,
        months=[_share(told, month) for month in told.months],
        goal=target.goal,
        goal_name=words.text("goal"),
        hidden=words.text("hidden: few requests"),
        no_case=words.text("none ended"),
        met=words.text("goal met"),
        missed=words.text("goal not met"),
    )


def _share(told: Printed, month: Month) -> MonthShare:
    met, missed = told.met[month], told.missed[month]
    on = date(month.year, month.month, 1)
    if met is None or missed is None:
        return MonthShare(on, None, hidden=True)
    return MonthShare(on, met / (met + missed) if met + missed else None)


def _counts(told: Printed, words: ReportWords) -> Table:
    heads = (mark("Month"), mark("Started"), mark("Ended"), mark("In hand in the last week"))
    more = (mark("Tasks per request"), mark("Met"), mark("Missed"), mark("Share"))
    rows = []
    for place in _places_of(told):
        met, missed = told.met[place], told.missed[place]
        contacts = told.contacts[place]
        rows.append(
            [
                _place(place, words),
                _shown(told.started[place], words),
                _shown(told.ended[place, ALL], words),
                NOTHING if place == ALL else _shown(told.in_progress[place], words),
                HIDDEN if told.ended[place, ALL] is None else _ratio(contacts, words),
                *(_shown(met, words), _shown(missed, words)),
                HIDDEN if met is None or missed is None else _part(met, missed, words),
            ]
        )
    return Table([words.text(head) for head in (*heads, *more)], rows)


def _ends(told: Printed, words: ReportWords) -> Table:
    heads = [words.text("Month"), *(_end(reason, words) for reason in told.reasons), words.text("All")]
    rows = [
        [_place(place, words), *(_shown(told.ended[place, reason], words) for reason in (*told.reasons, ALL))]
        for place in _places_of(told)
    ]
    return Table(heads, rows)


def _places_of(told: Printed) -> tuple[Month | str, ...]:
    return (*told.months, ALL)


def _end(reason: str, words: ReportWords) -> str:
    return words.of_processes.text(OUTCOMES[reason]) if reason in OUTCOMES else reason.replace("_", " ")


def _place(place: Month | str, words: ReportWords) -> str:
    return words.text("Period") if isinstance(place, str) else words.month(place.year, place.month)


def _shown(count: int | None, words: ReportWords) -> str:
    return HIDDEN if count is None else words.number(count)


def _ratio(value: float | None, words: ReportWords) -> str:
    return NOTHING if value is None else words.decimal(value)


def _part(met: int, missed: int, words: ReportWords) -> str:
    return words.percent(met / (met + missed), 1) if met + missed else NOTHING


def _meaning(target: Target, words: ReportWords) -> list[str]:
    calendar = words.text(_CALENDARS[target.calendar]) if target.calendar in _CALENDARS else target.calendar
    return [
        words.text(
            "* stands for a count of two or fewer, which might tell of a person, and for as many other"
            " counts as are needed so that it can't be reckoned from the sums, in the reports of all units"
            " together."
        ),
        words.text(
            "{norm} Working time is that of {calendar}: its opening hours, without weekends and holidays."
            " What a request waited for somebody outside counts, too. Only requests that were done count"
            " towards the norm.",
            norm=_norm(target, words),
            calendar=calendar,
        ),
        words.text(
            "The goal is held against the mean of the months, in which each month counts alike. The share"
            " of all requests together, in which a busy month counts more, stands beside it."
        ),
        words.text(
            "In hand in the last week: open at some time in the month's last seven days. Tasks per request:"
            " how many pieces of work a request took that ended in the month. Months are the office's."
        ),
    ]
