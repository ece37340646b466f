"""What is said of people that the handling takes: as measured, for given requests, and as claimed."""

from collections.abc import Callable

from throughput.capacity import given_rate, kinds
from throughput.claims import REQUESTS_PER_WEEK, open_requests
from throughput.reporting import comparison_tables as tables
from throughput.reporting import panel_tables
from throughput.reporting.frame import Report
from throughput.reporting.table import Table
from throughput.reporting.telling import claim
from throughput.reporting.words import NOTHING, ReportWords
from throughput.whole import Panels


def measured(report: Report, panels: Panels, words: ReportWords, shaped: Callable[[Table], Table]) -> None:
    """By measured minutes, and apart from that by those that the source claims; each table `shaped`."""
    rate = given_rate(panels.capacity)
    of_people, of_source = kinds(panels.capacity)
    heading = words.text("Capacity ({origin})")
    note = words.text(
        "Handling alone, for as many requests as came. In brackets: 95% interval, where its ends are written"
        " unlike the figure."
    )
    if rate is not None:
        heading = words.text(
            "Capacity if {rate} requests a week came (given; the minutes are {origin})",
            rate=words.decimal(rate, 0 if rate == round(rate) else 1),
        )
        note = words.text(
            "Handling alone, for as many requests as were given, of each way as if all went that way. In"
            " brackets: 95% interval, where its ends are written unlike the figure."
        )
    for title, found in (
        (heading, of_people),
        (words.text("Capacity by the source's minutes (claimed, not {origin} here)"), of_source),
    ):
        if found:
            report.heading(title)
            report.table(shaped(panel_tables.capacity(found, panels.by, words)))
            report.note(note)
    if any(one.per_week is None for one in panels.capacity):
        report.note(
            words.text(
                "{nothing}: no number of requests was given, and a day's requests tell of no week.",
                nothing=NOTHING,
            )
        )


def claimed(report: Report, words: ReportWords) -> None:
    """What the source claims, and what a shorter lead changes instead."""
    report.heading(words.text("Capacity (claimed by the source study, not {origin} here)"))
    report.paragraph(claim(words), heads=True)
    report.table(tables.claims(words))
    report.table(tables.capacity(words))
    week, longer = (open_requests(per_week=REQUESTS_PER_WEEK, lead_weeks=weeks) for weeks in (1, 8.7))
    report.paragraph(
        words.text(
            "What a shorter lead time changes is how much is in hand: at {rate} requests a week, {week}"
            " are open when each takes a week, and {longer} when each takes {weeks} weeks.",
            rate=REQUESTS_PER_WEEK,
            week=words.decimal(week, 0),
            longer=words.decimal(longer, 0),
            weeks=words.decimal(8.7),
        )
    )
