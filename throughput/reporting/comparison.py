"""The comparison of the ways of signing as a report: what is different and how sure that is comes first."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain

from throughput.compare import Comparison
from throughput.compare_data import as_json
from throughput.contrasts import Figure
from throughput.difference import REPLICATES, RESAMPLED
from throughput.grouped import DIGITS, By, definition_name
from throughput.origins import Origin
from throughput.panels_data import as_json as panels_json
from throughput.reporting import capacity, given_tables, panel_tables
from throughput.reporting import comparison_tables as tables
from throughput.reporting.differences import forests
from throughput.reporting.frame import Cover, Report
from throughput.reporting.seal import Seal
from throughput.reporting.table import Table
from throughput.reporting.telling import FIGURES, claim, foremost, headlines
from throughput.reporting.words import NOTHING, ReportWords, mark
from throughput.scope import Scope
from throughput.seen import COUNTS_FOR
from throughput.small_cells import FEWEST
from throughput.whole import KeyCosts, Panels
from workflow.invented import Invented

_WHERE_FROM: Mapping[Origin, str] = {
    "measured": mark(
        "Measured: from the event log, which nobody can change unseen. Claimed: what the source study's"
        " respondents estimated. The two are never mixed, and nothing is simulated but what says so."
    ),
    "simulated": mark(
        "Simulated: from the event log of a sample office, whose past a program invented; nothing of it was"
        " measured. Claimed: what the source study's respondents estimated. The two are never mixed."
    ),
}
TITLES: Mapping[By, str] = {
    "variant": mark("Ways of signing compared"),
    "month": mark("Months compared"),
    "unit": mark("Units compared"),
    "definition": mark("Definitions compared"),
}


def comparison_pdf(
    told: Comparison,
    *,
    scope: Scope,
    made_at: datetime,
    words: ReportWords,
    panels: Panels | None = None,
    seal: Seal | None = None,
    invented: Invented | None = None,
) -> bytes:
    """The report as PDF/A-3b, with the figures of `--json` attached. `scope` says which requests it is of."""
    words = words.of_past(invented)
    report = Report(
        Cover(words.text(TITLES[told.by]), [_about(told, scope, words)], made_at, seal, invented), words
    )
    _Comparison(told, panels, report, words).write()
    figures = as_json(told) | {"panels": None if panels is None else panels_json(panels)}
    return report.finished(figures, identifier=f"paraaf-throughput-{made_at:%Y%m%dT%H%M%SZ}")


def _about(told: Comparison, scope: Scope, words: ReportWords) -> str:
    """Which requests, and of which time."""
    count = sum(row.n for row in told.rows)
    hidden = any(figure == "started" for _, _, figure in told.hidden)
    parts = [] if hidden else [words.counted("{count} request", "{count} requests", count)]
    keys = {row.key for row in told.rows} if scope.key is None else {scope.key}
    named = (
        (mark("process: {name}"), len(keys) == 1 and words.process(*keys)),
        (mark("unit: {name}"), scope.unit),
        (mark("variant: {name}"), scope.variant),
        (mark("definition: {name}"), scope.definition and _definition(told, scope.definition, words)),
    )
    parts += [words.text(text, name=name) for text, name in named if name]
    if scope.since:
        parts.append(words.text("opened from {moment} on", moment=words.moment(scope.since)))
    if scope.before:
        parts.append(words.text("opened before {moment}", moment=words.moment(scope.before)))
    if not scope.since and not scope.before:
        parts.append(words.text("of all times"))
    return " · ".join(parts)


def _definition(told: Comparison, digest: str, words: ReportWords) -> str:
    names = [row.variant for row in told.rows] if told.by in ("variant", "definition") else []
    if not names:
        return digest[:DIGITS]
    return words.group(
        names[0] if told.by == "definition" else definition_name(names[0], digest), "definition"
    )


class _Comparison:
    """Writes the pages of a comparison."""

    def __init__(self, told: Comparison, panels: Panels | None, report: Report, words: ReportWords) -> None:
        self._told, self._panels, self._report, self._words = told, panels, report, words
        keys = list(dict.fromkeys(row.key for row in told.rows))
        self._processes = [_Process(told, key, report, words) for key in keys]

    def write(self) -> None:
        """All of it, from the page for a board to the page for those who doubt."""
        report, words, rows = self._report, self._words, self._told.rows
        if not rows:
            report.lead(words.text("There are no requests in this period, so there is nothing to compare."))
            return
        report.heading(words.text("What is different, and how sure that is"))
        report.lead(*self._doubts(), *headlines(self._told, words), claim(words))
        alone = self._processes[0] if len(self._processes) == 1 else None
        first = list(chain(*foremost(self._told)))
        forests(self._report, self._words, self._told.by, first, named=alone is None)
        report.heading(words.text("Requests ({origin})"))
        report.table(self._alone(tables.flow(self._told, words)))
        if self._told.hidden:
            report.note(
                words.text(
                    "* stands for a count of two or fewer, which might tell of a person, and for as many"
                    " others as are needed so that it can't be reckoned from the sums. Of fewer than"
                    " {count} requests nothing is told of how long they took.",
                    count=FEWEST,
                )
            )
        for process in self._processes:
            if alone is None:
                report.title(words.process(process.key))
            if any(one not in first for one in process.contrasts):
                process.forests()
            process.write()
        if alone is None:
            report.title(words.text("All processes"))
        if self._panels is not None:
            self._measured(self._panels)
        capacity.claimed(report, words)
        if self._panels is not None:
            self._given(self._panels)
        self._method()
        self._quality()

    def _doubts(self) -> Iterator[str]:
        """That some log can't be right: whoever reads the first page alone has to know."""
        words, alone = self._words, len(self._processes) == 1
        found = [] if self._panels is None else [one for one in self._panels.little if not one.sound]
        named = [(one.key, tables.called(one.variant, self._told.by, words)) for one in found]
        if named:
            yield words.text(
                "Look again before you rely on this: the requests in hand of {groups} do not fit how many end"
                " and how long they take. The last pages say by how much, and what may be behind it.",
                groups=", ".join(name if alone else f"{words.process(key)} {name}" for key, name in named),
            )

    def _measured(self, panels: Panels) -> None:
        words, report = self._words, self._report
        report.heading(words.text("Rework and waiting ({origin})"))
        report.table(self._alone(panel_tables.rework(panels, words)))
        report.table(self._alone(panel_tables.waiting(panels, words)))
        report.note(
            words.text(
                "In brackets: 95% interval, where its ends are written unlike the figure. Certainty: how"
                " often it was the state with the most waiting when requests were drawn again. Old: waiting"
                " for longer than 85% of those that are over."
            )
        )
        capacity.measured(report, panels, words, self._alone)

    def _alone(self, table: Table) -> Table:
        """Without the column of processes where there is one process."""
        return table.without_first if len(self._processes) == 1 else table

    def _given(self, panels: Panels) -> None:
        """Costs, where prices were given, and the source's criteria."""
        words, report = self._words, self._report
        for number, held in enumerate(panels.costs if panels.prices_given else ()):
            if number == 0:
                report.heading(words.text("Cost a year (prices as given)"))
            table = given_tables.costs(held, words)
            if table.rows:
                report.paragraph(_priced(held, words), heads=True)
                report.table(table)
                report.note(
                    words.text(
                        "Likely, and in brackets from low to high. Minutes: where those of handling are from."
                    ),
                    words.text("What is paid back rests on the minutes of both variants.")
                    if given_tables.paid_back(held)
                    else words.text(
                        "When a variant has paid itself back is not told: the prices name none that the"
                        " others are held against, or what it costs is not known."
                    ),
                )
            for said in given_tables.without_cost(held.costs, words):
                report.note(said if table.rows else f"{words.process(held.key)}, {said}")
        if panels.score_card is not None:
            report.heading(words.text("The source's five criteria, and where each cell is from"))
            report.table(given_tables.score_card(panels.score_card, words))
            report.note(
                words.text(
                    "What a signature is worth in law is not for a program to say: of legal the card tells"
                    " the level that was reached. Claimed scores are the source's, with its own words."
                )
            )

    def _method(self) -> None:
        words, report = self._words, self._report
        report.heading(words.text("How this was computed"))
        report.paragraph(
            words.text(_WHERE_FROM[words.figures]),
            words.text(
                "People's time is that of requests in which people did every step of theirs. Lead time runs"
                " from requested to delivered by the clock, nights and weekends included. Handling is what"
                " people's hands took: from starting work on a task to finishing it, without what it was"
                " suspended."
            ),
            words.text(
                "Medians of lead times are those of Kaplan and Meier, in which an open request counts with"
                " what it has taken so far. To leave it out would make the slower variant look faster than"
                " it is."
            ),
            words.text(
                "Intervals of 95%: of the difference of medians, from {count} samples drawn again from the"
                " requests (bootstrap for censored data; B. Efron, Journal of the American Statistical"
                " Association 76, 1981). The same requests give the same intervals.",
                count=REPLICATES,
            ),
            words.text(
                "Of groups of more than {count} requests the interval is from as many draws of the estimate"
                " with Greenwood's variance instead.",
                count=RESAMPLED,
            ),
            words.text(
                "Each interval stands for itself: where many pairs are compared, one in twenty shows a"
                " difference by mere luck. That two ways differ does not say why: other requests, people or"
                " months may have come to the one than to the other."
            ),
        )

    def _quality(self) -> None:
        words, report = self._words, self._report
        report.heading(words.text("How good the data are ({origin})"))
        report.table(self._alone(tables.quality(self._told, words)))
        report.note(
            words.text(
                "Timed: delivered requests without a program's part. Not over: open, withdrawn or ended"
                " otherwise; their lead time is known to be longer than what they have taken, and no more."
            )
        )
        if self._panels is not None:
            report.heading(words.text("Whether the log can be right ({origin}; Little's law)"))
            report.table(self._alone(panel_tables.little(self._panels, words)))
            report.note(
                words.text(
                    "Requests in hand must be as many as end in a day times the days that they took, as long"
                    " as about as many are in hand at the end as at the beginning (J. D. C. Little,"
                    " Operations Research 9, 1961). It is checked over the whole weeks of the period, with"
                    " all that was in hand then, whenever it was asked for. Where that is off by more than"
                    " 10% and more than chance does, ends are missing or clocks are wrong."
                )
            )


def _priced(held: KeyCosts, words: ReportWords) -> str:
    """Of which requests, in which money; costs are told only where there is a rate of requests."""
    currency = held.costs[0].currency
    return words.text(
        "{process}: if all requests went that way, at {rate} a week; in {currency}.",
        process=words.process(held.key),
        rate=words.decimal(held.per_week or 0.0),
        currency=currency or words.text("money"),
    )


class _Process:
    """Writes what is told of one process."""

    def __init__(self, told: Comparison, key: str, report: Report, words: ReportWords) -> None:
        self.key, self._told = key, told
        self.contrasts = [one for one in told.contrasts if one.key == key]
        self._rows = [row for row in told.rows if row.key == key]
        self._report, self._words, self._by = report, words, told.by

    def write(self) -> None:
        """People's lead time, their handling, and apart from them the machine."""
        self._panel("lead")
        self._panel("handling")
        self._machine()

    def forests(self) -> None:
        """The differences as charts."""
        forests(self._report, self._words, self._by, self.contrasts)

    def _panel(self, figure: Figure) -> None:
        words, report, rows = self._words, self._report, self._rows
        found = [one for one in self.contrasts if one.figure == figure]
        report.heading(words.text("{figure} ({origin})", figure=words.text(FIGURES[figure])))
        report.table(tables.spreads(self._told, rows, figure, words).without_first)
        if any(row.lead_driven_by_program for row in rows):
            report.note(
                words.text(
                    "By program: a program had a part in each of these requests, so there is no human time."
                )
            )
        if figure == "handling":
            report.note(words.text(COUNTS_FOR))
        if figure == "handling" and any(row.touch_s for row in rows):
            report.table(tables.states(self._told, rows, words).without_first)
        if tables.untold(rows, figure):
            report.note(self._untold())
        if not found:
            report.note(
                words.text("There are no two groups with enough requests of people alone to compare.")
            )
            return
        report.table(tables.differences(self._told, found, words).without_first)
        if any(one.open_a or one.open_b for one in found):
            report.note(
                words.text(
                    "In brackets behind n: how many of them are open or withdrawn, and count with what they"
                    " have taken so far."
                )
            )
        report.note(words.text("Chance: that of two requests, one of each, that of the first takes less."))
        report.table(tables.said(found, words, self._by).without_first)
        if figure == "handling":
            report.note(
                words.text(
                    "Seen from: the smallest difference of mean handling that so many requests show in four"
                    " of five cases. Needed: requests of each to show the difference that was"
                    " found."
                )
            )

    def _untold(self) -> str:
        return self._words.text(
            "{nothing}: of fewer than {count} nothing is told, nor within what 90% are where fewer than"
            " {count} lie beyond.",
            nothing=NOTHING,
            count=FEWEST,
        )

    def _machine(self) -> None:
        words, report = self._words, self._report
        rows = [row for row in self._rows if row.system_ms]
        if not rows:
            return
        report.heading(words.text("Machine ({origin}; milliseconds of a monotonic clock)"))
        for some in tables.beside_each_other(rows):
            report.table(tables.machine(some, words, self._by))
        report.note(
            words.text(
                "Medians per step, of one worker, of the days of the period and all units together; kept in"
                " classes of lengths, so within 1%. They are the machine's own, without waits for a"
                " provider, and are never added to people's time."
            )
        )
        if any(row.provider_ms for row in rows):
            report.heading(words.text("Providers ({origin}; milliseconds waited for their answers)"))
            report.table(tables.providers(rows, words, self._by).without_first)
            report.note(words.text("Medians per signature; the signatures of a batch share its waits."))
        if any(tables.too_few(row) for row in rows):
            report.note(self._untold())
