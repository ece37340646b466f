"""The comparison as tables of text, for people."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from throughput.claims import CLAIMS, REQUESTS_PER_WEEK, open_requests, plausibility
from throughput.compare import Comparison
from throughput.difference import Difference, Faster
from throughput.discreet import marks, right_first_time, tells
from throughput.grouped import By
from throughput.measures import PROVIDER_STEPS, SYSTEM_STEPS, Reached, Spread, VariantMeasures
from throughput.origins import MEASURED, Origin
from throughput.seen import COUNTS_FOR
from throughput.signs import NOTHING
from throughput.small_cells import FEWEST, HIDDEN
from throughput.text_table import Table, alike, grid, length, like_of

BY_PROGRAM = "by program"
UNTOLD = f"{NOTHING}: of fewer than {FEWEST} nothing is told, and no p90 with fewer than {FEWEST} beyond it."


def tables(told: Comparison, panels: Sequence[Table] = (), origin: Origin = MEASURED) -> list[Table]:
    """The tables a person reads: flow, what differs and how sure, people, machine, and apart the claims.

    Of people the panels say more, where there are any. `origin`: of what is told of the office.
    """
    rows = told.rows
    if not rows:
        return []
    measured = [
        _flow(told, origin),
        *_differences(told, origin),
        *(panels or [_people(told, origin)]),
        _machine(rows, origin),
        *_providers(rows, origin),
    ]
    return [*(_headed(table, told.by) for table in measured), _claims(origin)]


def _headed(table: Table, by: By) -> Table:
    """With the column of groups called by what they are."""
    heads, more = table.rows[:1], table.rows[1:]
    return replace(table, rows=[*([by if one == "variant" else one for one in row] for row in heads), *more])


def as_text(told: Comparison, panels: Sequence[Table] = (), origin: Origin = MEASURED) -> str:
    """The tables as text."""
    if not told.rows:
        return "No requests in this period.\n"
    return "\n".join(
        table.title
        + "\n"
        + (grid(table.rows) if table.rows else "")
        + "".join(f"{note}\n" for note in table.notes)
        for table in tables(told, panels, origin)
    )


def _flow(told: Comparison, origin: Origin) -> Table:
    table = [["process", "variant", "n", "delivered", "open", "returned", "right first time", "signatures"]]
    table += [
        [
            row.key,
            row.variant,
            *(told.shown(row, figure) for figure in ("started", "delivered", "open", "returned")),
            NOTHING if (right := right_first_time(row)) is None else f"{right:.0%}",
            told.shown(row, "signatures"),
        ]
        for row in told.rows
    ]
    notes = [
        f"{HIDDEN}: so few that they would tell of a person, or needed to keep such from being reckoned."
    ]
    return Table(f"Requests ({origin})", table, notes if told.hidden else ())


def _people(told: Comparison, origin: Origin) -> Table:
    rows = told.rows
    table = [["process", "variant", "figure", "n", "median", "p90"]]
    for row in rows:
        table.append([row.key, row.variant, "lead", _by_people(told, row, row.lead_s), *_lead(row)])
        table.append([row.key, row.variant, "touch", _by_people(told, row, row.touch_total_s), *_touch(row)])
    notes = [
        "n: delivered requests in which people did every step of theirs; only these are timed. In the lead"
        f" those that are not delivered count with what they have taken (Kaplan–Meier); {NOTHING}: so"
        " many are not delivered yet.",
        COUNTS_FOR,
        UNTOLD,
    ]
    if any(row.lead_driven_by_program for row in rows):
        notes.append(f"{BY_PROGRAM}: in this row a program had a part in each, so there is no human time.")
    return Table(f"People ({origin}, from events)", table, notes)


def _by_people(told: Comparison, row: VariantMeasures, found: Spread | Reached | None) -> str:
    n = 0 if row.lead_driven_by_program or found is None else found.n
    return HIDDEN if told.n(row.key, row.variant, n) is None else str(n)


def _lead(row: VariantMeasures) -> list[str]:
    if row.lead_driven_by_program:
        return [BY_PROGRAM, BY_PROGRAM]
    return _marks(row.lead_s)


def _touch(row: VariantMeasures) -> list[str]:
    if row.touch_total_s is None and row.lead_driven_by_program:
        return [BY_PROGRAM] * 2
    return _marks(row.touch_total_s)


def _marks(found: Spread | Reached | None) -> list[str]:
    ends = marks(found)
    return [NOTHING if end is None else length(end, like=alike(*ends)) for end in ends]


def _differences(told: Comparison, origin: Origin) -> Iterator[Table]:
    """The differences and how sure they are; no tables when there is nothing to compare."""
    if not (found := told.contrasts):
        return
    keys = [["process", "figure", "A", "B"], *([one.key, one.figure, one.a, one.b] for one in found)]
    sizes = [["n A", "n B", "median A", "median B", "A − B", "95% interval", "P(A faster)"]]
    sizes += [
        [
            HIDDEN if told.n(one.key, one.a, one.n_a) is None else _n(one.n_a, one.open_a),
            HIDDEN if told.n(one.key, one.b, one.n_b) is None else _n(one.n_b, one.open_b),
            *_difference(one.found),
            _chance(one.found.faster),
        ]
        for one in found
    ]
    yield Table(
        f"Differences between {told.by}s ({origin}; requests of people alone)",
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
            NOTHING if one.smallest_s is None else length(one.smallest_s),
            NOTHING if one.needed is None else str(one.needed),
        ]
        for one in found
    ]
    yield Table(
        "What may be said of them",
        [key + words for key, words in zip(keys, said, strict=True)],
        [
            "seen from: the smallest difference of mean handling that so many requests show in four of five"
            " cases; n needed: requests of each to show the one that was found."
        ],
    )


def _n(n: int, still_open: int) -> str:
    return f"{n} ({still_open})" if still_open else str(n)


def _difference(found: Difference) -> list[str]:
    """Both medians, their difference and its interval, in one unit."""
    like = like_of(found)
    medians = (NOTHING if one is None else length(one, like=like) for one in (found.a, found.b))
    low, high = (_signed(end, like, "open") for end in (found.interval.low, found.interval.high))
    return [*medians, _signed(found.value, like, NOTHING), f"{low} … {high}"]


def _signed(seconds: float | None, like: float, unknown: str) -> str:
    if seconds is None:
        return unknown
    return ("−" if seconds < 0 else "+") + length(abs(seconds), like=like)


def _chance(faster: Faster) -> str:
    low, high = f"{faster.low:.0%}", f"{faster.high:.0%}"
    return low if low == high else f"{low}…{high}"


def _machine(rows: Sequence[VariantMeasures], origin: Origin) -> Table:
    steps = [step for step in SYSTEM_STEPS if any(step in row.system_ms for row in rows)]
    table = [["process", "variant", *steps, "in all", "p90", "signed/s"]]
    for row in rows:
        cells = [_ms(marks(row.system_ms.get(step))[0]) for step in steps]
        cells += map(_ms, marks(row.system_total_ms))
        rate = row.documents_per_s if row.system_total_ms and tells(row.system_total_ms.n) else None
        cells.append(NOTHING if rate is None else f"{rate:.0f}")
        table.append([row.key, row.variant, *cells])
    notes = [
        "in all, p90, signed/s: of delivered requests; our machine's own time, without waits for a provider.",
        UNTOLD,
        "each step: of the days of the period, all units together; from classes of lengths, so within 1%.",
    ]
    return Table(
        f"Machine ({origin}; milliseconds of a monotonic clock, median per step; one worker)", table, notes
    )


def _ms(found: float | None) -> str:
    return NOTHING if found is None else f"{found:.2f}"


def _providers(rows: Sequence[VariantMeasures], origin: Origin) -> Iterator[Table]:
    """What was waited for elsewhere; no table when nothing was."""
    asked = [row for row in rows if row.provider_ms]
    if not asked:
        return
    table = [["process", "variant", "provider", *PROVIDER_STEPS]]
    for row in asked:
        cells = [_ms(marks(row.provider_ms.get(step))[0]) for step in PROVIDER_STEPS]
        table.append([row.key, row.variant, ", ".join(row.providers), *cells])
    yield Table(
        f"Provider ({origin}; waits for its answers in milliseconds, median per signature; a batch shares"
        " them)",
        table,
    )


def _claims(origin: Origin) -> Table:
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
        f"All handling there is, by the claimed 10 min: {p.all_handling_h_per_week:.1f} h a week"
        f" = {p.all_handling_fte_by_week:.2f} or {p.all_handling_fte_by_year:.2f} FTE;"
        f" the source claims {p.claimed_fte:g} FTE saved. {verdict}",
        f"What lead time changes: {week:.0f} requests open at a week, {two_months:.0f} at 8.7 weeks.",
    ]
    return Table(f"Claimed by the source study (not {origin} here)", table, notes)
