"""The comparison for other programs: as JSON with stable keys, and as lines of CSV."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from typing import Any

from signing.verify.output import harmless
from throughput.claims import CLAIMS, plausibility
from throughput.compare import Comparison
from throughput.contrasts import Contrast
from throughput.measures import Reached, Spread, VariantMeasures
from throughput.origins import COLUMN, MEASURED, figures
from throughput.small_cells import HIDDEN
from workflow.invented import Invented

COUNTS = ("started", "delivered", "open", "withdrawn", "returned", "signatures")
_MORE, _BLANK = ("value", "low", "high"), ("", "", "")
_NAMES, _ORIGIN = 4, 7  # columns of words, before those of figures; where these are from


def as_json(told: Comparison) -> dict[str, Any]:
    """The same figures with stable keys; seconds and milliseconds as the keys say."""
    return {
        "by": told.by,
        "groups": [_group(told, row) for row in told.rows],
        "differences": [_difference(told, one) for one in told.contrasts],
        "claimed": [asdict(claim) | {"origin": "claimed"} for claim in CLAIMS],
        "plausibility": asdict(plausibility()) | {"possible": plausibility().possible, "origin": "claimed"},
    }


def _group(told: Comparison, row: VariantMeasures) -> dict[str, Any]:
    """A row, its group called by what it is, and null for what is hidden."""
    shown = {told.by if name == "variant" else name: value for name, value in asdict(row).items()}
    names = {"n": "started", **{figure: figure for figure in COUNTS[1:]}}
    for name in ("lead_s", "touch_total_s", "system_total_ms"):
        if shown[name] is not None:
            _tell_n(shown[name], told.n(row.key, row.variant, shown[name]["n"]))
    for name, n_of in (
        ("touch_s", told.n),
        ("system_ms", told.n_of_steps),
        ("provider_ms", told.n_of_steps),
    ):
        for found in shown[name].values():
            _tell_n(found, n_of(row.key, row.variant, found["n"]))
    return shown | {name: told.count(row, figure) for name, figure in names.items()}


def _tell_n(found: dict[str, Any], n: int | None) -> None:
    """How many lie beyond a mark would tell of those that are open."""
    found["n"] = n
    del found["beyond"]


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


def as_csv(told: Comparison, more: Iterable[Sequence[str]] = (), past: Invented | None = None) -> str:
    """One line per group and figure: key, variant (or month, …), figure, unit, n, median, p90, origin.

    `more` are lines of figures that have a value and its interval instead of a median and a p90. Names are
    told so that no spreadsheet runs them. Of a past that was invented nothing is called measured.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["key", told.by, "figure", "unit", "n", "median", "p90", COLUMN, *_MORE])
    for line in chain(_lines(told), more):
        names, numbers, origin = line[:_NAMES], line[_NAMES:_ORIGIN], line[_ORIGIN]
        of_past = origin.replace(MEASURED, figures(past))
        writer.writerow([*map(harmless, names), *numbers, of_past, *line[_ORIGIN + 1 :]])
    return out.getvalue()


def _lines(told: Comparison) -> Iterator[Sequence[str]]:
    for row in told.rows:
        head = [row.key, row.variant]
        for figure in COUNTS:
            yield [*head, figure, "requests", told.shown(row, figure), "", "", row.origin, *_BLANK]
        for figure, unit, found in _spreads(row):
            n_of = told.n_of_steps if figure.startswith("system.") else told.n
            n = n_of(row.key, row.variant, found.n) or HIDDEN
            ends = ("" if end is None else f"{end:.3f}" for end in (found.median, found.p90))
            yield [*head, figure, unit, str(n), *ends, row.origin, *_BLANK]


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
