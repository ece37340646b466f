"""The comparison of the ways of signing, as a text table, as JSON and as CSV.

Three things are never mixed: people's minutes, the machine's milliseconds, and what the source claims.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from throughput.claims import CLAIMS, REQUESTS_PER_WEEK, open_requests, plausibility
from throughput.contrasts import OTHERS, Contrast, contrasts
from throughput.difference import Faster, Interval
from throughput.discreet import HiddenCount, hidden_counts, of_enough, without_few
from throughput.figures import read_cases, read_tasks, until_delivered
from throughput.grouped import WAYS, By
from throughput.measures import PROVIDER_STEPS, SYSTEM_STEPS, Reached, Spread, VariantMeasures, measure
from throughput.scope import Scope
from throughput.signs import NOTHING
from throughput.small_cells import HIDDEN
from throughput.spans import Wait
from throughput.steps import read_steps

COUNTS = ("started", "delivered", "open", "withdrawn", "returned", "signatures")
BY_PROGRAM = "by program"
_MORE, _BLANK = ("value", "low", "high"), ("", "", "")


WORDS = frozenset(
    (
        *("process", *WAYS, "source's verdict", "figure", "what may be said"),
        *("state", "from", "to", "criterion", "value", "returns most", "minutes", "paid back"),
    )
)
"""Columns that hold words; the others hold figures."""


@dataclass(frozen=True)
class Table:
    """One table of the comparison: `rows` of equal length, the first of them the heads; notes below it."""

    title: str
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Comparison:
    """The figures of each variant, and what may be said of the differences between them."""

    rows: Sequence[VariantMeasures]
    contrasts: Sequence[Contrast] = ()
    by: By = "variant"
    hidden: frozenset[HiddenCount] = frozenset()

    @classmethod
    def of(
        cls, session: Session, scope: Scope | None = None, *, now: datetime, by: By = "variant"
    ) -> "Comparison":
        """Compare variants of each process, or other groups, by what is kept; `now` ends what is open."""
        wanted = scope or Scope()
        every = read_cases(session, wanted, kinds=[Wait.TOUCH])
        cases, tasks = until_delivered(every, read_tasks(session, every, wanted, kinds=[Wait.TOUCH]))
        rows = measure(cases, tasks, read_steps(session, wanted, by), now=now, by=by)
        found = contrasts(cases, now=now, by=by)
        if by in ("variant", "definition") and wanted.unit is None:
            return cls(rows, found, by)
        kept = hidden_counts(rows)
        return cls([without_few(row, kept) for row in rows], list(filter(of_enough, found)), by, kept)

    def count(self, row: VariantMeasures, figure: str) -> int | None:
        """A count of a row by its name; None where it is hidden."""
        if (row.key, row.variant, figure) in self.hidden:
            return None
        return row.n if figure == "started" else int(getattr(row, figure))

    def n(self, key: str, group: str, n: int) -> int | None:
        """How many of a group something is about; None where that would tell what is hidden."""
        untold = {(key, group, figure) for figure in ("started", "delivered")} & self.hidden
        return None if untold or (self.hidden and group == OTHERS) else n

    def n_of_steps(self, key: str, group: str, n: int) -> int | None:
        """How often the machine did a step; None by month, which it would tell the requests of."""
        return None if self.by == "month" else self.n(key, group, n)


def tables(told: Comparison, panels: Sequence[Table] = ()) -> list[Table]:
    """The tables a person reads: flow, what differs and how sure, people, machine, and apart the claims.

    Of people the panels say more, where there are any.
    """
    rows = told.rows
    if not rows:
        return []
    measured = [
        _flow(told),
        *_differences(told),
        *(panels or [_people(told)]),
        _machine(rows),
        *_providers(rows),
    ]
    return [*(_headed(table, told.by) for table in measured), _claims()]


def _headed(table: Table, by: By) -> Table:
    """With the column of groups called by what they are."""
    heads, more = table.rows[:1], table.rows[1:]
    return replace(table, rows=[*([by if one == "variant" else one for one in row] for row in heads), *more])


def as_text(told: Comparison, panels: Sequence[Table] = ()) -> str:
    """The tables as text."""
    if not told.rows:
        return "No requests in this period.\n"
    return "\n".join(
        table.title
        + "\n"
        + (_grid(table.rows) if table.rows else "")
        + "".join(f"{note}\n" for note in table.notes)
        for table in tables(told, panels)
    )


def as_json(told: Comparison) -> dict[str, Any]:
    """The same figures with stable keys; seconds and milliseconds as the keys say."""
    return {
        "by": told.by,
        "measured": [_measured(told, row) for row in told.rows],
        "differences": [_difference(told, one) for one in told.contrasts],
        "claimed": [asdict(claim) | {"origin": "claimed"} for claim in CLAIMS],
        "plausibility": asdict(plausibility()) | {"possible": plausibility().possible, "origin": "claimed"},
    }


def _measured(told: Comparison, row: VariantMeasures) -> dict[str, Any]:
    """A row, its group called by what it is, and null for what is hidden."""
    shown = {told.by if name == "variant" else name: value for name, value in asdict(row).items()}
    names = {"n": "started", **{figure: figure for figure in COUNTS[1:]}}
    for name in ("lead_s", "touch_total_s", "system_total_ms"):
        if shown[name] is not None:
            shown[name]["n"] = told.n(row.key, row.variant, shown[name]["n"])
    for name, n_of in (
        ("touch_s", told.n),
        ("system_ms", told.n_of_steps),
        ("provider_ms", told.n_of_steps),
    ):
        for found in shown[name].values():
            found["n"] = n_of(row.key, row.variant, found["n"])
    return shown | {name: told.count(row, figure) for name, figure in names.items()}


def _difference(told: Comparison, one: Contrast) -> dict[str, Any]:
    found = one.found
    return {
        "key": one.key,
        "figure": one.figure,
        "unit": "s",
        "a": one.a,
        "b": one.b,
        "n_a": told.n(one.key, one.a, one.n_a),
        "n_b": told.n(one.key, one.b, one.n_b),
        "open_a": told.n(one.key, one.a, one.open_a),
        "open_b": told.n(one.key, one.b, one.open_b),
        "median_a": found.a,
        "median_b": found.b,
        "a_minus_b": found.value,
        "interval_low": found.interval.low,
        "interval_high": found.interval.high,
        "level": found.interval.level,
        "a_faster_low": found.faster.low,
        "a_faster_high": found.faster.high,
        "smallest_difference": one.smallest_s,
        "cases_needed": one.needed,
        "distinguishable": found.distinguishable,
        "origin": "measured",
    }


def as_csv(told: Comparison, more: Iterable[Sequence[str]] = ()) -> str:
    """One line per group and figure: key, variant (or month, …), figure, unit, n, median, p90, origin.

    `more` are lines of figures that have a value and its interval instead of a median and a p90.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["key", told.by, "figure", "unit", "n", "median", "p90", "origin", *_MORE])
    for row in told.rows:
        head = [row.key, row.variant]
        for figure in COUNTS:
            writer.writerow(
                [*head, figure, "requests", _shown(told, row, figure), "", "", row.origin, *_BLANK]
            )
        for figure, unit, found in _spreads(row):
            n_of = told.n_of_steps if figure.startswith("system.") else told.n
            n = n_of(row.key, row.variant, found.n) or HIDDEN
            ends = ("" if end is None else f"{end:.3f}" for end in (found.median, found.p90))
            values = (n, *ends, row.origin)
            writer.writerow([*head, figure, unit, *values, *_BLANK])
    writer.writerows(more)
    return out.getvalue()


def _shown(told: Comparison, row: VariantMeasures, figure: str) -> str:
    count = told.count(row, figure)
    return HIDDEN if count is None else str(count)


def _spreads(row: VariantMeasures) -> list[tuple[str, str, Spread | Reached]]:
    lead = "lead_driven_by_program" if row.lead_driven_by_program else "lead"
    found: list[tuple[str, str, Spread | Reached | None]] = [
        (lead, "s", row.lead_s),
        ("touch", "s", row.touch_total_s),
    ]
    found += [(f"touch.{state}", "s", figures) for state, figures in row.touch_s.items()]
    found += [(f"system.{step}", "ms", figures) for step, figures in row.system_ms.items()]
    found += [("system", "ms", row.system_total_ms)]
    return [(name, unit, figures) for name, unit, figures in found if figures is not None]


def _flow(told: Comparison) -> Table:
    table = [["process", "variant", "n", "delivered", "open", "returned", "right first time", "signatures"]]
    table += [
        [
            row.key,
            row.variant,
            *(_shown(told, row, figure) for figure in ("started", "delivered", "open", "returned")),
            NOTHING if row.first_time_right is None else f"{row.first_time_right:.0%}",
            _shown(told, row, "signatures"),
        ]
        for row in told.rows
    ]
    notes = [
        f"{HIDDEN}: so few that they would tell of a person, or needed to keep such from being reckoned."
    ]
    return Table("Requests (measured)", table, notes if told.hidden else ())


def _people(told: Comparison) -> Table:
    rows = told.rows
    table = [["process", "variant", "n", "lead median", "lead p90", "touch median", "touch p90"]]
    table += [[row.key, row.variant, _by_people(told, row), *_lead(row), *_touch(row)] for row in rows]
    notes = [
        "n: delivered requests in which people did every step of theirs; only these are timed. In the lead"
        f" those that are not delivered count with what they have taken (Kaplan–Meier); {NOTHING}: so"
        " many are not delivered yet."
    ]
    if any(row.lead_driven_by_program for row in rows):
        notes.append(f"{BY_PROGRAM}: in this row a program had a part in each, so there is no human time.")
    return Table("People (measured from events)", table, notes)


def _by_people(told: Comparison, row: VariantMeasures) -> str:
    n = 0 if row.lead_driven_by_program or row.lead_s is None else row.lead_s.n
    return HIDDEN if told.n(row.key, row.variant, n) is None else str(n)


def _lead(row: VariantMeasures) -> list[str]:
    if row.lead_driven_by_program:
        return [BY_PROGRAM, BY_PROGRAM]
    ends = (None, None) if row.lead_s is None else (row.lead_s.median, row.lead_s.p90)
    return [NOTHING if end is None else length(end) for end in ends]


def _touch(row: VariantMeasures) -> list[str]:
    if row.touch_total_s is None:
        return [BY_PROGRAM if row.lead_driven_by_program else NOTHING] * 2
    return [length(row.touch_total_s.median), length(row.touch_total_s.p90)]


def _differences(told: Comparison) -> Iterator[Table]:
    """The differences and how sure they are; no tables when there is nothing to compare."""
    if not (found := told.contrasts):
        return
    keys = [["process", "figure", "A", "B"], *([one.key, one.figure, one.a, one.b] for one in found)]
    sizes = [["n A", "n B", "median A", "median B", "A − B", "95 % interval", "P(A faster)"]]
    sizes += [
        [
            HIDDEN if told.n(one.key, one.a, one.n_a) is None else _n(one.n_a, one.open_a),
            HIDDEN if told.n(one.key, one.b, one.n_b) is None else _n(one.n_b, one.open_b),
            *(_signed(one.found.a, plus=""), _signed(one.found.b, plus=""), _signed(one.found.value)),
            *(_interval(one.found.interval), _chance(one.found.faster)),
        ]
        for one in found
    ]
    yield Table(
        f"Differences between {told.by}s (measured; requests of people alone)",
        [key + size for key, size in zip(keys, sizes, strict=True)],
        [
            "n (open): open and withdrawn requests count with what they have taken so far (Kaplan–Meier); an"
            " interval that is open ends beyond what was seen."
        ],
    )
    said = [["what may be said", "seen from", "n needed"]]
    said += [
        [
            one.verdict,
            _signed(one.smallest_s, plus=""),
            NOTHING if one.needed is None else str(one.needed),
        ]
        for one in found
    ]
    yield Table(
        "What may be said of them",
        [key + words for key, words in zip(keys, said, strict=True)],
        [
            "seen from: the smallest difference of mean handling that so many requests show in four of five"
            " cases; n needed: requests of each to show the one that was measured."
        ],
    )


def _n(n: int, still_open: int) -> str:
    return f"{n} ({still_open})" if still_open else str(n)


def _signed(seconds: float | None, *, plus: str = "+", unknown: str = NOTHING) -> str:
    if seconds is None:
        return unknown
    return ("−" if seconds < 0 else plus) + length(abs(seconds))


def _interval(interval: Interval) -> str:
    return f"{_signed(interval.low, unknown='open')} … {_signed(interval.high, unknown='open')}"


def _chance(faster: Faster) -> str:
    low, high = f"{faster.low:.0%}", f"{faster.high:.0%}"
    return low if low == high else f"{low}…{high}"


def _machine(rows: Sequence[VariantMeasures]) -> Table:
    steps = [step for step in SYSTEM_STEPS if any(step in row.system_ms for row in rows)]
    table = [["process", "variant", *steps, "in all", "p90", "signed/s"]]
    for row in rows:
        cells = [f"{row.system_ms[step].median:.2f}" if step in row.system_ms else NOTHING for step in steps]
        total = row.system_total_ms
        cells += [f"{total.median:.2f}", f"{total.p90:.2f}"] if total else [NOTHING] * 2
        cells.append(NOTHING if row.documents_per_s is None else f"{row.documents_per_s:.0f}")
        table.append([row.key, row.variant, *cells])
    notes = [
        "in all, p90, signed/s: of delivered requests; our machine's own time, without waits for a provider.",
        "each step: of the days of the period, all units together; from classes of lengths, so within 1 %.",
    ]
    return Table(
        "Machine (measured by monotonic clock; milliseconds, median per step; one worker)", table, notes
    )


def _providers(rows: Sequence[VariantMeasures]) -> Iterator[Table]:
    """What was waited for elsewhere; no table when nothing was."""
    asked = [row for row in rows if row.provider_ms]
    if not asked:
        return
    table = [["process", "variant", "provider", *PROVIDER_STEPS]]
    for row in asked:
        cells = [
            f"{row.provider_ms[step].median:.2f}" if step in row.provider_ms else NOTHING
            for step in PROVIDER_STEPS
        ]
        table.append([row.key, row.variant, ", ".join(row.providers), *cells])
    yield Table(
        "Provider (measured waits for its answers; milliseconds, median per signature; a batch shares them)",
        table,
    )


def _claims() -> Table:
    """The source's minutes and the check of its saving; nothing here was measured."""
    table = [["variant", "handling min", "source's verdict"]]
    table += [
        [c.variant, NOTHING if c.handling_min is None else f"{c.handling_min:g}", c.verdict] for c in CLAIMS
    ]
    p = plausibility()
    week = open_requests(per_week=REQUESTS_PER_WEEK, lead_weeks=1)
    two_months = open_requests(per_week=REQUESTS_PER_WEEK, lead_weeks=8.7)
    verdict = (
        "The claim is possible." if p.possible else "Handling time alone cannot yield the claimed saving."
    )
    notes = [
        f"(10 − 6.1) min × {p.requests_per_week} a week = {p.saved_h_per_week:.1f} h a week"
        f" = {p.saved_fte_by_week:.2f} FTE of 36 h, {p.saved_fte_by_year:.2f} FTE of 1,363 h a year.",
        f"All handling there is: {p.all_handling_h_per_week:.1f} h a week"
        f" = {p.all_handling_fte_by_week:.2f} or {p.all_handling_fte_by_year:.2f} FTE;"
        f" the source claims {p.claimed_fte:g} FTE saved. {verdict}",
        f"What lead time changes: {week:.0f} requests open at a week, {two_months:.0f} at 8.7 weeks.",
    ]
    return Table("Claimed by the source study (not measured here)", table, notes)


def length(seconds: float, *, like: float | None = None) -> str:
    """Seconds as people say them; in the unit in which they would say `like`."""
    size = seconds if like is None else like
    if size < 90:
        return f"{seconds:.1f} s"
    if size < 5400:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h" if size < 172800 else f"{seconds / 86400:.1f} d"


def _grid(table: Sequence[Sequence[str]]) -> str:
    """Columns aligned: words left, the rest right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    words = {i for i, name in enumerate(table[0]) if name in WORDS}
    lines = []
    for number, row in enumerate(table):
        cells = (
            c.ljust(w) if i in words else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  " + "  ".join(cells).rstrip())
        if number == 0:
            lines.append("  " + "  ".join("-" * w for w in widths))
    return "\n".join(lines) + "\n"
