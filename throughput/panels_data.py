"""The panels for other programs: as JSON with stable keys, and as lines of CSV."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from throughput.bottleneck import Bottleneck
from throughput.capacity import Capacity
from throughput.costs import Cost
from throughput.estimates import Figure
from throughput.grouped import By
from throughput.little import Little
from throughput.panels import Times
from throughput.whole import Panels


def as_json(told: Panels) -> dict[str, Any]:
    """Seconds, minutes and shares as the keys say; a figure has n, value, low, high (95 %) and origin."""
    card = told.score_card
    by_name = {
        "handling": [asdict(one) for one in told.handling],
        "leads": [asdict(one) for one in told.leads],
        "capacity": [asdict(one) for one in told.capacity],
        "rework": [asdict(one) for one in told.rework],
        "bottlenecks": [_bottleneck(one) for one in told.bottlenecks],
        "little": [_little(one) for one in told.little],
    }
    return {
        **{panel: [_called(one, told.by) for one in held] for panel, held in by_name.items()},
        "costs": [
            {"key": held.key, "per_week": held.per_week}
            | {
                "variants": [
                    asdict(one) | {"running": one.running and asdict(one.running)} for one in held.costs
                ]
            }
            for held in told.costs
        ],
        "score_card": None if card is None else asdict(card),
    }


def _called(entry: dict[str, Any], by: By) -> dict[str, Any]:
    """With the name of what it is of under the word for that."""
    return {by if key == "variant" else key: value for key, value in entry.items()}


def _bottleneck(one: Bottleneck) -> dict[str, Any]:
    said = {"bottleneck": one.state, "sure": one.sure, "ageing": one.ageing, "growing": one.growing}
    return asdict(one) | said


def _little(one: Little) -> dict[str, Any]:
    return asdict(one) | {
        "told": one.told,
        "in_hand_last": one.in_hand_last,
        "misses_by": one.misses_by,
        "steady": one.steady,
        "sound": one.sound,
    }


def csv_rows(told: Panels) -> Iterator[list[str]]:
    """Lines for `throughput.compare_data.as_csv`: each figure of a variant, and what it costs a year."""
    for key, variant, name, unit, figure in _figures(told):
        if figure.value is not None:
            yield [key, variant, name, unit, *_ends(figure, figure.origin)]
    for room in told.capacity:
        yield from _capacity_rows(room)
    for held in told.costs:
        for cost in held.costs:
            yield from ([held.key, cost.variant, *rest] for rest in _cost_rows(cost))


def _figures(told: Panels) -> Iterator[tuple[str, str, str, str, Figure]]:
    for one in told.handling:
        head = (one.key, one.variant)
        yield from ((*head, *rest) for rest in _times("handling", one.touch_s))
        yield (*head, "handling.mean", "s", one.touch_mean_s)
        for held in one.by_state:
            yield from ((*head, *rest) for rest in _times(f"handling.{held.state}", held.touch_s))
    for leads in told.leads:
        head = (leads.key, leads.variant)
        for lead in leads.leads:
            yield from ((*head, *rest) for rest in _times(f"lead.{lead.begin}.{lead.end}", lead.taken_s))
        yield (*head, "efficiency", "share", leads.efficiency)
        yield (*head, "efficiency.median", "share", leads.efficiency_median)
    for back in told.rework:
        head = (back.key, back.variant)
        yield (*head, "returns", "per request", back.loops)
        yield (*head, "first_time_right", "share", back.first_time_right)
        yield (*head, "rework", "share of handling", back.of_touch)
    for neck in told.bottlenecks:
        for state in neck.states:
            yield (neck.key, neck.variant, f"waiting.{state.state}", "share of lead", state.of_lead)


def _capacity_rows(room: Capacity) -> Iterator[list[str]]:
    given = room.per_week_origin == "given"
    origin = f"given, minutes {room.handling_min.origin}" if given else room.handling_min.origin
    for name, unit, figure in (
        ("capacity", "h/week", room.hours_per_week),
        ("capacity.by_week", "fte", room.fte_by_week),
        ("capacity.by_year", "fte", room.fte_by_year),
    ):
        if figure.value is not None:
            yield [room.key, room.variant, name, unit, *_ends(figure, origin)]


def _ends(figure: Figure, origin: str) -> list[str]:
    ends = ["" if end is None else f"{end:.6g}" for end in (figure.value, figure.low, figure.high)]
    return [str(figure.n), "", "", origin, *ends]


def _cost_rows(cost: Cost) -> Iterator[list[str]]:
    """Likely, and from low to high; no end where it is never paid back, and no line without prices."""
    money, back = cost.currency or "money", cost.payback
    minutes = f"given, minutes {cost.handling_origin}", str(cost.handling_n)
    for name, unit, found, (origin, n) in (
        ("labour", f"{money}/year", cost.labour, minutes),
        ("signatures", f"{money}/year", cost.signatures, ("given", "")),
        ("licence", f"{money}/year", cost.licence, ("given", "")),
        ("running", f"{money}/year", cost.running, minutes),
        ("one_off", money, cost.one_off, ("given", "")),
        ("saved", f"{money}/year", None if back is None else back.saved_per_year, minutes),
        ("payback", "years", None if back is None else back.years, minutes),
    ):
        if found is not None:
            ends = (found.likely, found.low, found.high)
            told = ["" if end is None else f"{end:.6g}" for end in ends]
            yield [f"cost.{name}", unit, n, "", "", origin, *told]


def _times(name: str, found: Times) -> Iterator[tuple[str, str, Figure]]:
    yield f"{name}.median", "s", found.median
    yield f"{name}.p90", "s", found.p90
