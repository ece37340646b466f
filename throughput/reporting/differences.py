"""Differences of groups as charts in the comparison's report."""

from collections.abc import Sequence

from throughput.charts.forest import Estimate, Forest, forest
from throughput.contrasts import Contrast
from throughput.grouped import By
from throughput.reporting.amounts import difference, interval
from throughput.reporting.comparison_tables import called
from throughput.reporting.frame import CHART_WIDTH, Report
from throughput.reporting.table import safe
from throughput.reporting.telling import FIGURES
from throughput.reporting.words import ReportWords
from throughput.text_table import like_of

_TOO_SMALL = 20
"""A difference of a tenth of the axis's unit is told in it."""


def forests(
    report: Report, words: ReportWords, by: By, contrasts: Sequence[Contrast], named: bool = False
) -> None:
    """Differences as charts; `named`: each with its process."""
    for figure, title in FIGURES.items():
        found = [one for one in contrasts if one.figure == figure]
        if not found:
            continue
        like = _like_axis(found, words)
        chart = Forest(
            title=words.text(title),
            desc=words.text("Each difference with its 95% interval."),
            nothing="",
            wording=words.charts,
            rows=[_drawn(one, by, words, named, like) for one in found],
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


def _like_axis(contrasts: Sequence[Contrast], words: ReportWords) -> float:
    """A time that is told in the unit of the axis of such a chart."""
    each = ((one.found.value, one.found.interval.low, one.found.interval.high) for one in contrasts)
    ends = [0.0, *(end for some in each for end in some if end is not None)]
    return 2 * words.charts.unit_for(max(ends) - min(ends)).seconds


def _drawn(one: Contrast, by: By, words: ReportWords, named: bool, like: float) -> Estimate:
    of, found = f"{words.process(one.key)}: " if named else "", one.found
    if found.value is not None and abs(found.value) < like / _TOO_SMALL:
        like = like_of(found)
    return Estimate(
        name=safe(f"{of}{called(one.a, by, words)} – {called(one.b, by, words)}", 80),
        value=found.value,
        low=found.interval.low,
        high=found.interval.high,
        said=f"{difference(found, words, like)} ({interval(found, words, like)})",
        sure=found.distinguishable,
    )
