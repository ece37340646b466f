"""Every chart of small and of large data, with labels as long as languages make them, and hostile ones."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np

from languages import WRITING
from throughput.charts.ageing import Ageing, Done, Open, Waiting, ageing
from throughput.charts.control import Control, control
from throughput.charts.flow import Band, Flow, flow
from throughput.charts.forest import Estimate, Forest, forest
from throughput.charts.lead import Leads, bins_of, curve_of, leads
from throughput.charts.load import Load, load
from throughput.charts.model import Drawing
from throughput.charts.months import Months, MonthShare, months
from throughput.charts.spans import Part, Spans, Spent, spans
from throughput.charts.wording import Unit, Wording
from throughput.survival import Durations, Survival

DAY = 86_400.0
HOSTILE = "</svg><script>alert(1)</script>&amp;\"' onload=x"


WORDING = Wording.of(
    WRITING["nl"],
    [
        Unit(1, "seconden", "s"),
        Unit(60, "minuten", "min"),
        Unit(3600, "uren", "u"),
        Unit(DAY, "dagen", "d"),
    ],
    ["ma", "di", "wo", "do", "vr", "za", "zo"],
)
ABOUT: Mapping[str, Any] = {
    "title": f"Doorlooptijd {HOSTILE}",
    "desc": "Hoe lang aanvragen duurden, van aangevraagd tot afgeleverd.",
    "nothing": "Er zijn geen aanvragen in deze periode. Kies een langere periode.",
    "wording": WORDING,
}
STATES = (
    "Wacht op de leidinggevende",
    "Beoordelen door het team Werk en Inkomensvoorzieningen",
    "Til underskrift hos arbejdsmarkedsforvaltningens sagsbehandlingsafdeling",
    "Klargjøring til utsendelse",
    HOSTILE,
)


def flow_of(days: int, states: int, scale: int = 1) -> Flow:
    rng = np.random.default_rng(days)
    names = [f"{STATES[number % len(STATES)]}" for number in range(states)]
    bands = [
        Band(name, (scale * rng.integers(8 - number, 14, days)).tolist()) for number, name in enumerate(names)
    ]
    ended = np.cumsum(scale * rng.integers(0, 4, days)).tolist()
    return Flow(
        **ABOUT,
        days=[date(2024, 11, 3) + timedelta(number) for number in range(days)],
        bands=[*bands, Band("Afgehandeld sinds het begin van de periode", ended, done=True)],
        unit="aanvragen aan het eind van de dag",
        in_hand="in behandeling",
        others="Alle andere",
    )


def ageing_of(count: int) -> Ageing:
    rng = np.random.default_rng(count)
    sizes = (count, count // 2, count // 10, 0, 1)
    return Ageing(
        **ABOUT,
        states=[
            Waiting(name, [Open(float(age), f"A-{n}") for n, age in enumerate(rng.lognormal(12.5, 1, size))])
            for name, size in zip(STATES, sizes, strict=True)
        ],
        done=[Done("50\u00a0%", 5 * DAY), Done("85\u00a0%", 14 * DAY), Done("95\u00a0%", 15 * DAY)],
    )


def leads_of(durations: Durations) -> Leads:
    survival = Survival.of(durations)
    done = [(share, survival.quantile(share)) for share in (0.5, 0.85, 0.95)] if len(durations) else []
    return Leads(
        **ABOUT,
        bins=bins_of(durations, WORDING),
        unit="aanvragen",
        ended="afgerond",
        still_open="nog open",
        share="Aandeel afgerond, open aanvragen meegeteld (Kaplan–Meier)",
        curve=curve_of(durations) if len(durations) else (),
        done=[Done(f"{share * 100:.0f}\u00a0%", time) for share, time in done if time is not None],
    )


def durations_of(
    count: int, *, spread: float = 0.8, middle: float = 12.5, open_share: float = 0.2
) -> Durations:
    rng = np.random.default_rng(count)
    return Durations.of(rng.lognormal(middle, spread, count), rng.random(count) > open_share)


def spans_of(rows: list[tuple[str, tuple[float, ...]]]) -> Spans:
    parts = [
        Part("wachtrij"),
        Part("op het bureau"),
        Part("in behandeling"),
        Part("opgeschort", hatched=True),
    ]
    return Spans(**ABOUT, parts=parts, rows=[Spent(name, seconds) for name, seconds in rows])


def forest_of(rows: list[Estimate], **more: Any) -> Forest:
    given = {"less": "eerstgenoemde sneller", "more": "laatstgenoemde sneller"} | more
    return Forest(**ABOUT, rows=rows, **given)


def control_of(seconds: Any) -> Control:
    return Control(
        **ABOUT,
        days=[date(2025, 1, 1) + timedelta(number * 400 // len(seconds)) for number in range(len(seconds))],
        seconds=seconds,
        value="doorlooptijd",
        ranges="verschil met de vorige",
        mean="gemiddelde",
        upper="bovengrens",
        lower="ondergrens",
        signals=(
            "buiten de natuurlijke grenzen",
            "drie van vier dichter bij een grens dan bij het gemiddelde",
            "acht of meer aan één kant van het gemiddelde",
        ),
        together=lambda count: (
            f"Een streepje staat voor {WORDING.count(count)} aanvragen: kortste, middelste en langste."
        ),
    )


def leads_in_order(count: int) -> Any:
    seconds = np.random.default_rng(count).lognormal(11.5, 0.3, count)
    seconds[count // 2 : count // 2 + 12] *= 1.7
    seconds[-4:-3] *= 4
    return seconds


def load_of(busy: float) -> Load:
    rng = np.random.default_rng(1)
    counts = [
        [int(rng.poisson(busy * (9 <= hour <= 17 and day < 5) + busy / 50)) for hour in range(24)]
        for day in range(7)
    ]
    return Load(**ABOUT, counts=counts, total="totaal")


def months_of(count: int) -> Months:
    rng = np.random.default_rng(count)
    found = []
    for number in range(count):
        day = date(2023 + (number + 6) // 12, (number + 6) % 12 + 1, 1)
        share = None if number % 7 == 3 or number % 11 == 5 else min(1.0, float(rng.normal(0.87, 0.06)))
        high = share if share is None or number % 3 else min(1.0, share + 0.04)
        found.append(MonthShare(day, share, high, hidden=number % 7 == 3))
    return Months(
        **ABOUT,
        months=found,
        goal=0.85,
        goal_name="streefwaarde",
        hidden="niet getoond (twee of minder)",
        no_case="geen aanvraag afgehandeld",
        met="streefwaarde gehaald",
        missed="niet gehaald",
        unsure="zoveel kan het zijn",
        unclear="streefwaarde gehaald of niet: verborgen",
    )


ROWS = [
    Estimate("A0 tegen A3", -3 * DAY, -4.2 * DAY, -1.8 * DAY, "−3,0 d (−4,2 … −1,8)"),
    Estimate(
        "A1 tegen A3", -0.4 * DAY, -1.4 * DAY, 0.8 * DAY, "−0,4 d (−1,4 … 0,8), kan toeval zijn", sure=False
    ),
    Estimate(HOSTILE, None, -DAY, None, "meer dan −1,0 d", sure=False),
    Estimate("A1 tegen A2", None, None, None, "nog niet te zeggen", sure=False),
]
ORIGINS = (("measured", "gemeten"), ("simulated", "gesimuleerd"), ("claimed", "beweerd"))
SIMULATED = [
    Estimate("A0", 9 * DAY, 8 * DAY, 10.5 * DAY, "9,0 d (8,0 … 10,5)"),
    Estimate("A0", 8.6 * DAY, 8.4 * DAY, 8.8 * DAY, "8,6 d (8,4 … 8,8)", origin="simulated"),
    Estimate("A0", 20 * DAY, 20 * DAY, 20 * DAY, "20 d", origin="claimed"),
]
SPENT = [
    (STATES[0], (3 * DAY, DAY / 2, 600.0, 0.0)),
    (STATES[1], (1.2 * DAY, 0.3 * DAY, 1800.0, 2 * DAY)),
    (STATES[2], (0.1 * DAY, 300.0, 120.0, 0.0)),
    (STATES[3], (0.0, 0.0, 0.0, 0.0)),
    (HOSTILE, (0.0, 0.0, 40.0, 0.0)),
]
MANY = [
    Estimate(f"Eenheid {n}", (n - 15) * DAY, (n - 18) * DAY, (n - 12) * DAY, f"{n - 15} d") for n in range(30)
]
UNIT = "Enhet for arbeids- og inkluderingsoppfølging, Nedre Romerike arbeids- og velferdsforvaltning"

CHARTS: Mapping[str, tuple[Callable[[Any, float], Drawing], Callable[[], Any]]] = {
    "flow": (flow, lambda: flow_of(20, 3)),
    "flow-year": (flow, lambda: flow_of(420, 5)),
    "flow-years": (flow, lambda: flow_of(1100, 8, 500)),
    "flow-day": (flow, lambda: flow_of(1, 3)),
    "flow-none": (flow, lambda: replace(flow_of(1, 1), days=(), bands=())),
    "ageing-few": (ageing, lambda: ageing_of(10)),
    "ageing": (ageing, lambda: ageing_of(60)),
    "ageing-many": (ageing, lambda: ageing_of(100_000)),
    "ageing-one": (ageing, lambda: Ageing(**ABOUT, states=[Waiting(STATES[1], [Open(5 * 3600.0)])])),
    "ageing-none": (ageing, lambda: Ageing(**ABOUT, states=[Waiting(STATES[1], ())])),
    "leads": (leads, lambda: leads_of(durations_of(1000))),
    "leads-few": (leads, lambda: leads_of(durations_of(7))),
    "leads-one": (leads, lambda: leads_of(durations_of(1))),
    "leads-none": (leads, lambda: leads_of(Durations.of([]))),
    "leads-equal": (leads, lambda: leads_of(Durations.of([3600.0] * 20))),
    "leads-open": (leads, lambda: leads_of(Durations.of([3600.0, 7200.0], [False, False]))),
    "leads-nought": (leads, lambda: leads_of(Durations.of([0.0] * 3))),
    "leads-tail": (leads, lambda: leads_of(durations_of(5000, spread=1.6))),
    "leads-minutes": (leads, lambda: leads_of(durations_of(300, spread=0.4, middle=7, open_share=0))),
    "leads-many": (leads, lambda: leads_of(durations_of(1_000_000))),
    "spans": (spans, lambda: spans_of(SPENT)),
    "spans-none": (spans, lambda: spans_of([(STATES[0], (0.0, 0.0, 0.0, 0.0))])),
    "forest": (forest, lambda: forest_of(ROWS)),
    "forest-aside": (forest, lambda: forest_of([Estimate(UNIT, 2 * DAY, DAY, 3 * DAY, "2,0 d (1,0 … 3,0)")])),
    "forest-many": (forest, lambda: forest_of(MANY)),
    "forest-none": (forest, lambda: forest_of([])),
    "forest-nought": (forest, lambda: forest_of([Estimate("A0 tegen A1", 0.0, 0.0, 0.0, "0 d", sure=False)])),
    "simulated": (forest, lambda: forest_of(SIMULATED, zero=False, origins=ORIGINS)),
    "control": (control, lambda: control_of(leads_in_order(90))),
    "control-few": (control, lambda: control_of(leads_in_order(24))),
    "control-one": (control, lambda: control_of([DAY])),
    "control-equal": (control, lambda: control_of([7200.0] * 12)),
    "control-many": (control, lambda: control_of(leads_in_order(1000))),
    "control-most": (control, lambda: control_of(leads_in_order(1_000_000))),
    "load": (load, lambda: load_of(8)),
    "load-large": (load, lambda: load_of(18_000)),
    "load-largest": (load, lambda: load_of(400_000)),
    "load-none": (load, lambda: Load(**ABOUT, counts=[[0] * 24] * 7, total="totaal")),
    "months": (months, lambda: months_of(12)),
    "months-one": (months, lambda: months_of(1)),
    "months-many": (months, lambda: months_of(36)),
    "months-none": (months, lambda: months_of(0)),
}


@cache
def drawing_of(name: str, width: float) -> Drawing:
    """One of the charts."""
    draw, data = CHARTS[name]
    return draw(data(), width)
