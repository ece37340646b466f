"""The source's five criteria for each way of signing; every cell says what it says, and from where.

What the source scored is claimed, and given in its own words beside ours. What nobody knows is "not known":
no cell is filled in because it stands empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import Any, Literal

from throughput.capacity import CLAIMS_KEY, Capacity, claimed_min
from throughput.claims import CLAIMS
from throughput.costs import Cost, Payback, Sum
from throughput.discreet import few
from throughput.estimates import Figure
from throughput.levels import LevelReached
from throughput.origins import Origin

Score = Literal["low", "medium", "good", "high"]


class Criterion(StrEnum):
    """What the source scored ways of signing on."""

    LABOUR = "labour"
    EASE = "ease"
    FINANCIAL = "financial"
    LEGAL = "legal"
    TECHNICAL = "technical"


THEIR_WORDS: Mapping[Score, str] = {"low": "Laag", "medium": "Gemiddeld", "good": "Goed", "high": "Hoog"}
CLAIMED_SCORES: Mapping[Criterion, Mapping[str, Score]] = {
    Criterion.LABOUR: {"A1": "medium", "A2": "low", "A3": "high"},
    Criterion.EASE: {"A1": "good", "A2": "low", "A3": "high"},
    Criterion.FINANCIAL: {"A1": "high", "A2": "medium", "A3": "medium"},
    Criterion.LEGAL: {"A1": "medium", "A2": "high", "A3": "high"},
    Criterion.TECHNICAL: {"A1": "high", "A2": "low", "A3": "high"},
}
"""The source's table 1; it scored neither paper (A0) nor the organisation's seal (A4)."""


@dataclass(frozen=True)
class Simulated:
    """What a simulation says of a variant: its handling in FTE, at so many requests a week."""

    variant: str
    fte: Figure
    per_week: float

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "list[Simulated]":
        """From what `paraaf simulate --json` prints. KeyError, TypeError, ValueError: it is not."""
        found = []
        for one in document["scenarios"]:
            ends = [float(one["handling_fte"][name]) for name in ("value", "low", "high")]
            per_week = float(one["scenario"]["per_week"])
            if one["origin"] != "simulated" or not all(map(isfinite, (*ends, per_week))):
                raise ValueError("no simulation")
            value, low, high = ends
            figure = Figure(0, value, low, high, "simulated")
            found.append(cls(str(one["scenario"]["name"]), figure, per_week))
        return found


@dataclass(frozen=True)
class Statement:
    """One thing that is said in a cell; the first that is there is what it says.

    `score`: the source's; `minutes`: of handling a request; `fte`: of handling, simulated at
    `per_week` requests; `running`: cost a year, from prices that were given and minutes of `minutes_from`;
    `level`: a level that signatures reached.
    """

    source: Origin
    n: int = 0  # requests, or signatures; 0 where nothing was counted
    score: Score | None = None
    minutes: Figure | None = None
    fte: Figure | None = None
    per_week: float | None = None
    running: Sum | None = None
    minutes_from: Origin | None = None
    payback: Payback | None = None
    currency: str = ""
    level: LevelReached | None = None


@dataclass(frozen=True)
class Cell:
    """What is said of a variant by one criterion; nothing: not known."""

    criterion: Criterion
    variant: str
    said: tuple[Statement, ...]

    @property
    def known(self) -> bool:
        """Whether anything is said."""
        return bool(self.said)


@dataclass(frozen=True)
class ScoreCard:
    """Cells by criterion and variant, in the order of both."""

    key: str
    variants: tuple[str, ...]
    cells: tuple[Cell, ...]

    def cell(self, criterion: Criterion, variant: str) -> Cell:
        """One of them."""
        return next(one for one in self.cells if (one.criterion, one.variant) == (criterion, variant))


@dataclass(frozen=True)
class Known:
    """What is known beside the source's scores, of the process that it studied."""

    capacities: Sequence[Capacity] = ()
    costs: Sequence[Cost] = ()
    levels: Mapping[str, Sequence[LevelReached]] = field(default_factory=dict)  # by variant
    simulated: Sequence[Simulated] = ()


def score_card(known: Known) -> ScoreCard:
    """The card of the variants that the source names, and of those that were measured beside them."""
    named = [claim.variant for claim in CLAIMS]
    variants = (*named, *sorted({one.variant for one in known.capacities} - set(named)))
    cells = [
        Cell(criterion, variant, tuple(_said(criterion, variant, known)))
        for criterion in Criterion
        for variant in variants
    ]
    return ScoreCard(CLAIMS_KEY, variants, tuple(cells))


def _said(criterion: Criterion, variant: str, known: Known) -> list[Statement]:
    said: list[Statement] = []
    if criterion is Criterion.LABOUR:
        said = _labour(variant, known)
    elif criterion is Criterion.FINANCIAL:
        said = [_running(cost) for cost in known.costs if cost.variant == variant and cost.running]
    elif criterion is Criterion.LEGAL:
        said = [Statement("measured", one.n, level=one) for one in known.levels.get(variant, ())]
    if (score := CLAIMED_SCORES[criterion].get(variant)) is not None:
        said.append(Statement("claimed", score=score))
    return said


def _labour(variant: str, known: Known) -> list[Statement]:
    measured = [
        Statement("measured", one.handling_min.n, minutes=one.handling_min)
        for one in known.capacities
        if one.variant == variant and one.handling_min.origin == "measured" and not few(one.handling_min)
    ]
    simulated = [
        Statement("simulated", fte=one.fte, per_week=one.per_week)
        for one in known.simulated
        if one.variant == variant
    ]
    minutes = claimed_min(CLAIMS_KEY, variant)
    claimed = [] if minutes.value is None else [Statement("claimed", minutes=minutes)]
    return measured + simulated + claimed


def _running(cost: Cost) -> Statement:
    return Statement(
        "given",
        cost.handling_n,
        running=cost.running,
        minutes_from=cost.handling_origin,
        payback=cost.payback,
        currency=cost.currency,
    )
