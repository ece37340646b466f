"""The tables of the comparison's report."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from math import ceil
from typing import Literal

from throughput.claims import CLAIMS, plausibility
from throughput.compare import Comparison
from throughput.contrasts import OTHERS, Contrast, Figure
from throughput.discreet import ENDED_OTHERWISE, lacks_marks, marks, right_first_time, tells
from throughput.grouped import By
from throughput.measures import PROVIDER_STEPS, SYSTEM_STEPS, Reached, Spread, VariantMeasures
from throughput.reporting.amounts import difference, interval, medians, roughly, span
from throughput.reporting.table import Table
from throughput.reporting.telling import WORTH_SAYING, verdict
from throughput.reporting.words import NO_BREAK, NOTHING, ReportWords, mark
from throughput.small_cells import HIDDEN
from throughput.text_table import alike
from workflow.labels import STATES

Rows = Sequence[VariantMeasures]
_MOST_COLUMNS = 6
PROCESS, VARIANT, FIRST, SECOND = mark("Process"), mark("Variant"), mark("First"), mark("Second")
GROUPS: Mapping[By, str] = {
    "variant": VARIANT,
    "month": mark("Month"),
    "unit": mark("Unit"),
    "definition": mark("Definition"),
}
N, MEDIAN, P90 = mark("n"), mark("Median"), mark("90% within")
_VERDICTS: Mapping[str, str] = {
    "A0": mark("paper, as it was"),
    "A1": mark("good; legally medium"),
    "A2": mark("dropped: too many manual steps"),
    "A3": mark("best on most criteria"),
    "A4": mark("not studied; named as further research"),
}
"""What the source says, as in throughput.claims."""
_STEPS: Mapping[str, str] = {
    "render": mark("render"),
    "export": mark("export"),
    "prepare": mark("prepare"),
    "sign": mark("sign"),
    "timestamp": mark("timestamp"),
    "embed": mark("embed"),
    "scan": mark("read scan"),
    "seal": mark("seal"),
    "validate": mark("validate"),
    "store": mark("store"),
    "deliver": mark("deliver"),
    "authorise": mark("authorise"),
}


def flow(told: Comparison, words: ReportWords) -> Table:
    """How many there were, and what became of them; what is hidden prints so."""
    rows, name = told.rows, _name_of(told, words)
    heads = (PROCESS, GROUPS[told.by], mark("Started"), mark("Delivered"), mark("Open"), mark("Withdrawn"))
    more = (mark("Ended otherwise"), mark("Returned"), mark("Right first time"))
    cells = [
        [
            *(words.process(row.key), name(row.variant)),
            *(_count(told, row, one, words) for one in ("started", "delivered", "open", "withdrawn")),
            _otherwise(told, row, words),
            _count(told, row, "returned", words),
            NOTHING if (right := right_first_time(row)) is None else words.percent(right),
        ]
        for row in rows
    ]
    return Table(_heads((*heads, *more), words), cells, words=2, same=1)


def spreads(told: Comparison, rows: Rows, figure: Figure, words: ReportWords) -> Table:
    """Median and 90th percentile of those that people alone dealt with; of leads, by Kaplan and Meier."""
    cells = []
    for row in rows:
        found: Spread | Reached | None = row.lead_s if figure == "lead" else row.touch_total_s
        figures = [words.number(0), *[words.text("by program")] * 2]
        if not row.lead_driven_by_program:
            figures = _spread(told, row, found, words)
        cells.append([words.process(row.key), words.group(row.variant, told.by), *figures])
    return Table(_heads((PROCESS, GROUPS[told.by], N, MEDIAN, P90), words), cells, words=2)


def states(told: Comparison, rows: Rows, words: ReportWords) -> Table:
    """Handling by where a request was."""
    cells = [
        [
            words.process(row.key),
            short(row.variant, told.by, words),
            words.state(state),
            *_spread(told, row, found, words),
        ]
        for row in rows
        for state, found in sorted(row.touch_s.items(), key=lambda one: _place(one[0]))
    ]
    return Table(
        _heads((PROCESS, GROUPS[told.by], mark("Step"), N, MEDIAN, P90), words), cells, words=3, same=2
    )


def _place(state: str) -> tuple[int, str]:
    """In the order of a process; what is named otherwise comes last."""
    known = list(STATES)
    return (known.index(state) if state in STATES else len(known), state)


def differences(told: Comparison, found: Sequence[Contrast], words: ReportWords) -> Table:
    """Each pair, with the interval of its difference."""
    heads = (PROCESS, FIRST, SECOND, mark("n of the first"), mark("n of the second"))
    more = (mark("Median of the first"), mark("Median of the second"), mark("Difference"))
    cells = [
        [
            *(words.process(one.key), short(one.a, told.by, words), short(one.b, told.by, words)),
            *(_n(told, one, one.a, words), _n(told, one, one.b, words)),
            *medians(one.found, words),
            *(difference(one.found, words), interval(one.found, words), _chance(one, words)),
        ]
        for one in found
    ]
    return Table(_heads((*heads, *more, mark("95% interval"), mark("Chance")), words), cells, words=3)


def said(found: Sequence[Contrast], words: ReportWords, by: By = "variant") -> Table:
    """What may be said of each pair; of handling also what could be seen, and how many it would take."""
    handling = any(one.figure == "handling" for one in found)
    heads = (PROCESS, FIRST, SECOND, mark("What may be said"))
    more = (mark("Seen from"), mark("Needed")) if handling else ()
    cells = []
    for one in found:
        names = (short(name, by, words) for name in (one.a, one.b))
        row = [words.process(one.key), *names, verdict(one, words, by)]
        if handling:
            row += [
                span(one.smallest_s, words),
                _needed(one, words),
            ]
        cells.append(row)
    return Table(_heads((*heads, *more), words), cells, words=4)


def _needed(one: Contrast, words: ReportWords) -> str:
    """How many it would take; of more than anybody has, only that they are more."""
    if one.needed is None:
        return NOTHING
    if one.needed > WORTH_SAYING:
        return f">{NO_BREAK}{words.number(WORTH_SAYING)}"
    return words.number(roughly(one.needed))


def claims(words: ReportWords) -> Table:
    """The source's minutes."""
    cells = [
        [
            *(words.variant(one.variant), words.text(_VERDICTS.get(one.variant, one.verdict))),
            NOTHING
            if one.handling_min is None
            else f"{words.decimal(one.handling_min, 2)} {words.text('min')}",
        ]
        for one in CLAIMS
    ]
    heads = (VARIANT, mark("The source's verdict"), mark("Handling, as claimed"))
    return Table(_heads(heads, words), cells, words=2)


def capacity(words: ReportWords) -> Table:
    """What handling comes to in a week and in people, by both divisors."""
    p = plausibility()
    saved = (p.saved_h_per_week, p.saved_fte_by_week, p.saved_fte_by_year)
    whole = (p.all_handling_h_per_week, p.all_handling_fte_by_week, p.all_handling_fte_by_year)
    heads = (
        mark("As claimed"),
        mark("Hours a week"),
        mark("FTE of 36 hours a week"),
        mark("FTE of 1,363 hours a year"),
    )
    rows = ((mark("All handling there is, at A0"), whole), (mark("Saved from A0 to A3"), saved))
    cells = [
        [words.text(name), words.decimal(hours), *(words.decimal(fte, 2) for fte in people)]
        for name, (hours, *people) in rows
    ]
    return Table(_heads(heads, words), cells)


def beside_each_other(rows: Rows) -> Iterator[Rows]:
    """So many groups as find room in columns, and as many each time: a cell that is too narrow is cut."""
    each = ceil(len(rows) / ceil(len(rows) / _MOST_COLUMNS))
    yield from (rows[first : first + each] for first in range(0, len(rows), each))


def machine(rows: Rows, words: ReportWords, by: By = "variant") -> Table:
    """The machine's own milliseconds of one process, a step in each row: variants beside each other."""
    heads = [words.text("Step"), *(short(row.variant, by, words) for row in rows)]
    steps = [step for step in SYSTEM_STEPS if any(step in row.system_ms for row in rows)]
    cells = [
        [words.text(_STEPS[step]), *(_ms(row.system_ms.get(step), words) for row in rows)] for step in steps
    ]
    cells.append(
        [words.text("In all, of a delivered request"), *(_ms(row.system_total_ms, words) for row in rows)]
    )
    cells.append([words.text("In all: 90% within"), *(_ms(row.system_total_ms, words, 1) for row in rows)])
    rates = [_rate(row, words) for row in rows]
    cells.append([words.text("Documents signed a second"), *rates])
    return Table(heads, cells)


def providers(rows: Rows, words: ReportWords, by: By = "variant") -> Table:
    """What was waited for elsewhere."""
    asked = [row for row in rows if row.provider_ms]
    heads = [
        *_heads((PROCESS, GROUPS[by], mark("Provider")), words),
        *(words.text(_STEPS[one]) for one in PROVIDER_STEPS),
    ]
    cells = [
        [
            *(words.process(row.key), short(row.variant, by, words), ", ".join(row.providers)),
            *(_ms(row.provider_ms.get(step), words) for step in PROVIDER_STEPS),
        ]
        for row in asked
    ]
    return Table(heads, cells, words=3)


def quality(told: Comparison, words: ReportWords) -> Table:
    """How many requests the figures rest on, and how many of them are not over."""
    heads = (
        PROCESS,
        GROUPS[told.by],
        mark("Started"),
        mark("Timed"),
        mark("Not over"),
        mark("Share not over"),
    )
    name, cells = _name_of(told, words), []
    for row in told.rows:
        timed = NOTHING
        if row.lead_s is not None and not row.lead_driven_by_program:
            n = told.n(row.key, row.variant, row.lead_s.n)
            timed = HIDDEN if n is None else words.number(n)
        whole, over = told.count(row, "started"), told.count(row, "delivered")
        rest = [HIDDEN, HIDDEN]
        if whole is not None and over is not None:
            rest = [words.number(whole - over), words.percent((whole - over) / whole)]
        cells.append(
            [
                *(words.process(row.key), name(row.variant), _count(told, row, "started", words)),
                timed,
                *rest,
            ]
        )
    return Table(_heads(heads, words), cells, words=2, same=1)


def short(name: str, by: By, words: ReportWords) -> str:
    """A group by its short name: a variant by that alone, a month in a few letters; a definition unbroken."""
    if by == "month":
        return words.charts.month(date(int(name[:4]), int(name[5:]), 1))
    if by == "unit" or name == OTHERS:
        return words.group(name, by)
    return name.replace(" ", NO_BREAK) if by == "definition" else name


def called(name: str, by: By, words: ReportWords) -> str:
    """The same where there is room: a definition as on pages."""
    return words.group(name, by) if by == "definition" else short(name, by, words)


def _name_of(told: Comparison, words: ReportWords) -> Callable[[str], str]:
    """What a group is called: shortly where there is a column of processes beside it."""
    if len({row.key for row in told.rows}) == 1:
        return lambda name: words.group(name, told.by)
    return lambda name: short(name, told.by, words)


def _heads(texts: Iterable[str], words: ReportWords) -> list[str]:
    return [words.text(text) for text in texts]


def _count(told: Comparison, row: VariantMeasures, figure: str, words: ReportWords) -> str:
    count = told.count(row, figure)
    return HIDDEN if count is None else words.number(count)


def _otherwise(told: Comparison, row: VariantMeasures, words: ReportWords) -> str:
    if (row.key, row.variant, ENDED_OTHERWISE) in told.hidden:
        return HIDDEN
    return words.number(row.n - row.delivered - row.open - row.withdrawn)


def _spread(
    told: Comparison, row: VariantMeasures, found: Spread | Reached | None, words: ReportWords
) -> list[str]:
    if found is None:
        return [NOTHING] * 3
    n, ends = told.n(row.key, row.variant, found.n), marks(found)
    return [
        HIDDEN if n is None else words.number(n),
        *(span(end, words, alike(*ends)) for end in ends),
    ]


def _n(told: Comparison, one: Contrast, group: str, words: ReportWords) -> str:
    """How many there are of A or B, and how many of them are open; hidden where it would tell too much."""
    count, still_open = (one.n_a, one.open_a) if group == one.a else (one.n_b, one.open_b)
    n = told.n(one.key, group, count)
    if n is None:
        return HIDDEN
    return f"{words.number(n)} ({words.number(still_open)})" if still_open else words.number(n)


def _chance(one: Contrast, words: ReportWords) -> str:
    low, high = (words.decimal(100 * end, 0) for end in (one.found.faster.low, one.found.faster.high))
    return f"{low if low == high else f'{low}–{high}'}{words.per_cent}"


def _ms(found: Spread | None, words: ReportWords, part: Literal[0, 1] = 0) -> str:
    """The median, or p90, where so many tell it: a median of two is a chance."""
    told = marks(found)[part]
    return NOTHING if told is None else words.decimal(told, 2)


def _rate(row: VariantMeasures, words: ReportWords) -> str:
    few = row.system_total_ms is None or not tells(row.system_total_ms.n)
    return NOTHING if few or row.documents_per_s is None else words.decimal(row.documents_per_s, 0)


def too_few(row: VariantMeasures) -> bool:
    """Whether there are times of the machine, or of a provider, that are too few to be told."""
    total = row.system_total_ms
    steps = (*row.system_ms.values(), *row.provider_ms.values())
    return any(not tells(one.n) for one in steps) or lacks_marks(total)


def untold(rows: Rows, figure: Figure) -> bool:
    """Whether a median or a p90 of people's time is not told, for there are so few."""
    found = [*(row.lead_s if figure == "lead" else row.touch_total_s for row in rows)]
    states = (one for row in rows for one in row.touch_s.values()) if figure == "handling" else ()
    return any(map(lacks_marks, (*found, *states)))
