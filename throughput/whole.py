"""All that is said of ways of signing beside each other: three panels, and what they rest on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

import numpy as np
from sqlalchemy.orm import Session

from throughput.bottleneck import Bottleneck, bottleneck
from throughput.capacity import CLAIMS_KEY, Capacity, arrivals_per_week, capacity, claimed_min, handling_min
from throughput.claims import CLAIMS
from throughput.costs import Cost, Prices, Work, costs
from throughput.estimates import mean
from throughput.figures import read_cases, read_tasks
from throughput.flows import Flow, flows_of
from throughput.grouped import DIGITS, By, digest_in
from throughput.levels import Levels, levels
from throughput.little import Little
from throughput.little_weeks import little_weeks
from throughput.overview import Overview, began
from throughput.panels import Handling, Leads, handling, leads
from throughput.rework import Rework, rework
from throughput.scope import Scope
from throughput.score_card import Known, ScoreCard, Simulated, score_card


@dataclass(frozen=True)
class KeyCosts:
    """What each way of signing the requests of one process costs a year."""

    key: str
    per_week: float | None  # requests of the process, whichever way they went
    costs: tuple[Cost, ...]


@dataclass(frozen=True)
class Panels:
    """An entry a variant, or a definition, in each; `costs`: one a process, none without prices."""

    handling: tuple[Handling, ...]
    leads: tuple[Leads, ...]
    capacity: tuple[Capacity, ...]
    rework: tuple[Rework, ...]
    bottlenecks: tuple[Bottleneck, ...]
    little: tuple[Little, ...]
    by: By  # what each entry is of: a variant, or a definition
    costs: tuple[KeyCosts, ...]
    prices_given: bool
    score_card: ScoreCard | None  # of the process that the source studied; None without its requests


@dataclass(frozen=True)
class Given:
    """What somebody gave beside the requests."""

    per_week: float | None = None
    prices: Prices | None = None
    simulated: Sequence[Simulated] = ()


def read_panels(
    session: Session, scope: Scope, given: Given, *, now: datetime, by: By = "variant"
) -> Panels | None:
    """The panels of what is kept of the requests in a scope.

    None by month, by unit and of one unit: so many figures of few people would tell of a person, and which of
    them to hide is settled for the comparison alone (throughput.discreet).
    """
    if by not in ("variant", "definition") or scope.unit is not None:
        return None
    cases = read_cases(session, scope)
    weeks = {key: scope.weeks(at, now) for key, at in began(session, scope).items()}
    groups = flows_of(
        cases, read_tasks(session, cases, scope), now=now, before=scope.before, by=by, weeks=weeks
    )
    checks = [_checked(session, replace(scope, key=key), now, groups, by) for key in weeks]
    return panels(groups, reached=levels(session, scope), given=given, by=by, checks=chain(*checks))


def _checked(
    session: Session, scope: Scope, now: datetime, groups: Sequence[Flow], by: By
) -> Iterator[Little]:
    """The log of one process, of the groups that are told of and by their names."""
    names = {digest_in(group.variant): group.variant for group in groups if group.key == scope.key}
    checks = little_weeks(Overview(session, scope, now), by) if names else []
    found = {one.variant[:DIGITS] if by == "definition" else one.variant: one for one in checks}
    yield from (replace(found[label], variant=name) for label, name in names.items() if label in found)


def panels(
    groups: Sequence[Flow],
    *,
    reached: Levels,
    given: Given,
    by: By = "variant",
    checks: Iterable[Little] = (),
) -> Panels:
    """Reckon all of it; `reached`: the levels of their signatures, `checks`: of the log. Costs and criteria
    are variants'."""
    capacities = tuple(capacity(group, per_week=given.per_week) for group in groups)
    keys = sorted({group.key for group in groups}) if by == "variant" else []
    by_key = [] if given.prices is None else [_costs(key, groups, given) for key in keys]
    return Panels(
        handling=tuple(handling(group) for group in groups),
        leads=tuple(leads(group) for group in groups),
        capacity=capacities,
        rework=tuple(rework(group) for group in groups),
        bottlenecks=tuple(bottleneck(group) for group in groups),
        little=tuple(checks),
        by=by,
        costs=tuple(by_key),
        prices_given=given.prices is not None,
        score_card=_card(capacities, by_key, reached, given) if CLAIMS_KEY in keys else None,
    )


def _costs(key: str, groups: Sequence[Flow], given: Given) -> KeyCosts:
    """Of all variants for the same requests: as many as came in all, unless a number was given."""
    mine = [group for group in groups if group.key == key]
    rate = given.per_week if given.per_week is not None else arrivals_per_week(*mine)
    work = {claim.variant: Work(claim.variant, claimed_min(key, claim.variant), None) for claim in CLAIMS}
    work = {name: one for name, one in work.items() if one.handling_min.value is not None}
    work |= {group.variant: _work(group) for group in mine}
    prices = _of_process(given.prices or Prices(), key, groups)
    named = [
        one for name, one in work.items() if name in prices.variants or any(g.variant == name for g in mine)
    ]
    return KeyCosts(key, rate, tuple(costs(prices, named, per_week=rate)))


def _of_process(prices: Prices, key: str, groups: Sequence[Flow]) -> Prices:
    """Without those of ways by which requests of other processes are signed, and none of this one."""
    ways = {(group.key, group.variant) for group in groups} | {(CLAIMS_KEY, one.variant) for one in CLAIMS}
    others = {way for of, way in ways if of != key} - {way for of, way in ways if of == key}
    return replace(prices, variants={way: one for way, one in prices.variants.items() if way not in others})


def _work(group: Flow) -> Work:
    delivered = group.delivered
    signed = mean(group.signatures[delivered].astype(np.float64), group.weight[delivered]).value
    return Work(group.variant, handling_min(group), signed)


def _card(
    capacities: Sequence[Capacity], by_key: Sequence[KeyCosts], reached: Levels, given: Given
) -> ScoreCard:
    found = [one for held in by_key if held.key == CLAIMS_KEY for one in held.costs]
    mine_reached = {variant: some for (key, variant), some in reached.items() if key == CLAIMS_KEY}
    mine = [one for one in capacities if one.key == CLAIMS_KEY]
    return score_card(Known(mine, found, mine_reached, given.simulated))
