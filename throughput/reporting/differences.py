"""Differences of groups as charts in the comparison's report."""

from collections.abc import Sequence

from throughput.charts.forest import Estimate, Forest, forest
from throughput.contrasts import Contrast
from throughput.grouped import By
from throughput.reporting.amounts import difference, interval
from throughput.reporting.comparison_tables import short
from throughput.reporting.frame import CHART_WIDTH, Report
from throughput.reporting.table import safe
from throughput.reporting.telling import FIGURES
from throughput.reporting.words import ReportWords


def forests(
    report: Report, words: ReportWords, by: By, contrasts: Sequence[Contrast], named: bool = False
) -> None:
    """Differences as charts; `named`: each with its process."""
    for figure, title in FIGURES.items():
        found = [one for one in contrasts if one.figure == figure]
        if not found:
            continue
        chart = Forest(
            title=words.text(title),
            desc=words.text("Each difference with its 95% interval."),
            nothing="",
            wording=words.charts,
            rows=[_drawn(one, by, words, named) for one in found],
            less=words.text("the first is faster"),
            more=words.text("the second is faster"),
        )
        heading = words.text("{figure}: differences of medians ({origin})", figure=chart.title)
        report.chart(heading, forest(chart, CHART_WIDTH))
    if contrasts:
        report.note(
            words.text(
                "A filled dot: there is a difference. A hollow one: chance alone may be behind it. An arrow:"
                " the interval ends beyond what was seen."
            )
        )


def _drawn(one: Contrast, by: By, words: ReportWords, named: bool) -> Estimate:
    of, found = f"{words.process(one.key)}: " if named else "", one.found
    return Estimate(
        name=safe(f"{of}{short(one.a, by, words)} – {short(one.b, by, words)}", 80),
        value=found.value,
        low=found.interval.low,
        high=found.interval.high,
        said=f"{difference(found, words)} ({interval(found, words)})",
        sure=found.distinguishable,
    )
