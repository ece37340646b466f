"""A monthly report as rows for a spreadsheet, and as a document for other programs."""

from collections.abc import Iterator, Mapping
from typing import Any

from throughput.followed import Target
from throughput.monitor import ALL, Month, Printed, Range
from throughput.signs import NOTHING
from throughput.small_cells import HIDDEN

PERIOD = "period"


def rows(report: Printed) -> Iterator[list[str]]:
    """The heads, a line a month, and the period."""
    yield [
        *("month", "started", *(f"ended: {reason}" for reason in report.reasons), "ended", "in hand"),
        *("tasks per request", "met", "missed", "share", "share at least", "share at most"),
    ]
    places: tuple[Month | str, ...] = (*report.months, ALL)
    for place in places:
        met, missed = report.met[place], report.missed[place]
        yield [
            PERIOD if place == ALL else str(place),
            _shown(report.started[place]),
            *(_shown(report.ended[place, reason]) for reason in (*report.reasons, ALL)),
            NOTHING if place == ALL else _shown(report.in_progress.get(place)),
            _ratio(report.contacts[place]) if report.tells_contacts(place) else HIDDEN,
            _shown(met),
            _shown(missed),
            HIDDEN if met is None or missed is None else _share(met, missed),
            *_ends(report, place),
        ]


def document(report: Printed, target: Target) -> Mapping[str, Any]:
    """What `--json` prints, and what is attached to the PDF."""
    return {
        "unit": report.unit,
        "key": report.key,
        "norm": str(target.norm.within),
        "until": target.norm.until,
        "goal": target.goal,
        "months": [{"month": str(month), **_line(report, month)} for month in report.months],
        "period": _line(report, ALL),
        "mean": _range(report.mean),
        "months_told": len(report.shares),
        "pooled": _range(report.pooled),
        "origin": "measured",
    }


def _range(found: Range | None) -> dict[str, float] | None:
    return None if found is None else {"low": found.low, "high": found.high}


def _line(report: Printed, place: Month | str) -> dict[str, object]:
    return {
        "started": report.started[place],
        "ended": {reason: report.ended[place, reason] for reason in report.reasons},
        "ended_in_all": report.ended[place, ALL],
        "in_hand": report.in_progress.get(place),
        "tasks_per_request": None if (tasks := report.contacts[place]) is None else round(tasks, 1),
        "met": report.met[place],
        "missed": report.missed[place],
        "share": _range(report.between(place)),
    }


def _shown(count: int | None) -> str:
    return HIDDEN if count is None else str(count)


def _ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def _ends(report: Printed, place: Month | str) -> tuple[str, str]:
    """Between what the share is, by what is printed."""
    found = report.between(place)
    if found is None:
        return (NOTHING, NOTHING) if report.is_empty(place) else (HIDDEN, HIDDEN)
    low, high = found.ends(1)
    return HIDDEN if low is None else f"{low:.1%}", f"{high:.1%}"


def _share(met: int, missed: int) -> str:
    return f"{met / (met + missed):.1%}" if met + missed else NOTHING
