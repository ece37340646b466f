"""The monthly report of a unit, or of the whole office: counts, the share that met the norm, the goal."""

from collections.abc import Mapping
from datetime import date, datetime

from throughput.charts.months import Months, MonthShare, months
from throughput.followed import Norm, Target
from throughput.monitor import ALL, Month, Printed, Range
from throughput.monitor_rows import document
from throughput.reporting.frame import CHART_WIDTH, Cover, Report
from throughput.reporting.seal import Seal
from throughput.reporting.table import Table
from throughput.reporting.words import NO_BREAK, NOTHING, ReportWords, mark
from throughput.small_cells import HIDDEN
from workflow.invented import Invented
from workflow.labels import OUTCOMES

TITLE = mark("Monitoring report")
_UNTIL: Mapping[str, str] = {
    "approved": mark("until it was approved"),
    "signed": mark("until it was signed"),
    "delivered": mark("until it was delivered"),
}
_CALENDARS: Mapping[str, str] = {"office-nl": mark("an office in the Netherlands")}


def monitoring_pdf(
    told: Printed,
    target: Target,
    *,
    made_at: datetime,
    words: ReportWords,
    seal: Seal | None = None,
    invented: Invented | None = None,
) -> bytes:
    """The report as PDF/A-3b with the figures of `--json` attached. Nothing hidden is in either."""
    words = words.of_past(invented)
    report = Report(Cover(words.text(TITLE), [about(told, words)], made_at, seal, invented), words)
    report.heading(words.text("Was the goal met? ({origin})"))
    report.lead(*verdict(told, target, words))
    report.chart(
        words.text("Share that met the norm, by month ({origin})"),
        months(chart(told, target, words), CHART_WIDTH),
    )
    report.heading(words.text("Requests by month ({origin})"))
    report.table(counts(told, words))
    if told.reasons:
        report.heading(words.text("How they ended ({origin})"))
        report.table(ends(told, words))
    report.heading(words.text("What the figures mean"))
    report.paragraph(*meaning(target, words))
    return report.finished(document(told, target), identifier=f"paraaf-monitor-{made_at:%Y%m%dT%H%M%SZ}")


def about(told: Printed, words: ReportWords) -> str:
    """Of whom, of what and of which months a report is."""
    return " · ".join(
        (
            told.unit or words.text("all units together"),
            words.process(told.key) if told.key else words.text("all processes"),
            _period(told, words),
        )
    )


def _period(told: Printed, words: ReportWords) -> str:
    first, last = (words.month(one.year, one.month) for one in (told.months[0], told.months[-1]))
    return first if first == last else words.text("{first} to {last}", first=first, last=last)


def verdict(told: Printed, target: Target, words: ReportWords) -> list[str]:
    """Whether the goal was met, by the mean of the months; and the share of all requests together."""
    norm = _norm(target, words)
    goal = words.percent(target.goal, _places(target.goal))
    if told.mean is None:
        return [
            words.text(
                "Whether the goal was met is not told: every month's share is hidden. {norm}", norm=norm
            )
        ]
    met = mark(
        "The goal was met: in the mean of the months {share} met the norm, {goal} was the goal. {norm}"
    )
    missed = mark(
        "The goal was not met: in the mean of the months {share} met the norm, {goal} was the goal. {norm}"
    )
    open_still = mark(
        "Whether the goal was met can't be told without telling what is hidden: in the mean of the months"
        " {share} met the norm, {goal} was the goal. {norm}"
    )
    found = met if told.mean.low >= target.goal else missed if told.mean.high < target.goal else open_still
    said = [words.text(found, share=_between(told.mean, words), goal=goal, norm=norm)]
    if not told.shares:
        said.append(
            words.text(
                "In each month counts are hidden. A month's share is given as what it may be by the other"
                " counts, from lowest to highest."
            )
        )
    elif len(told.shares) < len(told.months):
        said.append(
            words.text(
                "In {hidden} of the {count} months counts are hidden. Such a month's share is given as what"
                " it may be by the other counts, from lowest to highest.",
                hidden=words.number(len(told.months) - len(told.shares)),
                count=words.number(len(told.months)),
            )
        )
    if told.pooled is not None:
        pooled = _between(told.pooled, words)
        said.append(words.text("Of all requests together {share} met the norm.", share=pooled))
    return said


def _between(found: Range, words: ReportWords) -> str:
    low, high = found.ends(1)
    most = words.percent(high, 1)
    if low is None:
        return words.text("at most {share}", share=most)
    return most if low == high else words.text("{low} to {high}", low=words.percent(low, 1), high=most)


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


def chart(told: Printed, target: Target, words: ReportWords) -> Months:
    """The share of each month, beside the goal."""
    return Months(
        title=words.text("Share that met the norm, by month"),
        desc=words.text("A bar for each month, and the goal as a line."),
        nothing="",
        wording=words.charts,
        months=[_share(told, month) for month in told.months],
        goal=target.goal,
        goal_name=words.text("goal"),
        hidden=words.text("hidden: few, or tells of few"),
        unsure=words.text("left open: counts are hidden"),
        unclear=words.text("goal met or not: left open"),
        no_case=words.text("none ended"),
        met=words.text("goal met"),
        missed=words.text("goal not met"),
    )


def _share(told: Printed, month: Month) -> MonthShare:
    on, found = date(month.year, month.month, 1), told.between(month)
    if found is None:
        return MonthShare(on, None, None, hidden=not told.is_empty(month))
    return MonthShare(on, found.low, found.high)


def counts(told: Printed, words: ReportWords) -> Table:
    """What began, what ended and what was in hand, by month."""
    heads = (mark("Month"), mark("Started"), mark("Ended"), mark("In hand in the last week"))
    more = (mark("Tasks per request"), mark("Met"), mark("Missed"), mark("Share"))
    rows = []
    for place in _places_of(told):
        contacts = told.contacts[place]
        rows.append(
            [
                _place(place, words),
                _shown(told.started[place], words),
                _shown(told.ended[place, ALL], words),
                NOTHING if place == ALL else _shown(told.in_progress.get(place), words),
                _ratio(contacts, words) if told.tells_contacts(place) else HIDDEN,
                *(_shown(told.met[place], words), _shown(told.missed[place], words)),
                _part(told, place, words),
            ]
        )
    return Table([words.text(head) for head in (*heads, *more)], rows, total=True)


def ends(told: Printed, words: ReportWords) -> Table:
    """How they ended, by month."""
    heads = [words.text("Month"), *(_end(reason, words) for reason in told.reasons), words.text("All")]
    rows = [
        [_place(place, words), *(_shown(told.ended[place, reason], words) for reason in (*told.reasons, ALL))]
        for place in _places_of(told)
    ]
    return Table(heads, rows, total=True)


def _places_of(told: Printed) -> tuple[Month | str, ...]:
    return (*told.months, ALL)


def _end(reason: str, words: ReportWords) -> str:
    return words.of_processes.text(OUTCOMES[reason]) if reason in OUTCOMES else reason.replace("_", " ")


def _place(place: Month | str, words: ReportWords) -> str:
    """On one line: a month that is broken makes a table twice as high."""
    told = words.text("Period") if isinstance(place, str) else words.month(place.year, place.month)
    return told.replace(" ", NO_BREAK)


def _shown(count: int | None, words: ReportWords) -> str:
    return HIDDEN if count is None else words.number(count)


def _ratio(value: float | None, words: ReportWords) -> str:
    return NOTHING if value is None else words.decimal(value)


def _part(told: Printed, place: Month | str, words: ReportWords) -> str:
    """The share, or from what to what it may be, whatever the hidden counts are."""
    found = told.between(place)
    if found is None:
        return NOTHING if told.is_empty(place) else HIDDEN
    low, high = found.ends(1)
    told_high = words.percent(high, 1)
    if low is None:
        return words.text("at most {share}", share=told_high)
    return told_high if low == high else f"{words.decimal(100 * low)}–{told_high}"


def meaning(target: Target, words: ReportWords) -> list[str]:
    """How it is to be read."""
    calendar = words.text(_CALENDARS[target.calendar]) if target.calendar in _CALENDARS else target.calendar
    return [
        words.text(
            "* stands for a count of two or fewer, which might tell of a person, and for as many other"
            " counts as are needed so that it can't be reckoned from the sums, in the reports of all units"
            " and processes together. What is hidden in one of them is so in all; a sum of months of which"
            " one is hidden is hidden, too."
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
        )
        + " "
        + words.text(
            "Both are of all requests, the hidden ones too, and told as closely as the printed counts tell"
            " them: so is each month's share."
        ),
        words.text("A request that goes on after it was delivered, as a plan does, was done by then."),
        words.text(
            "In hand in the last week: open at some time in the month's last seven days. Tasks per request:"
            " how many pieces of work a request took that was done in the month. Months are the office's."
        ),
    ]
