"""What each way of signing costs a year, and when it has paid itself back.

Only from figures that somebody gave, in a file such as `costs.toml`: none are made up, and where one is
missing its name is told instead of a cost. Each is a range: low, likely, high.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any, Never

from throughput.capacity import WEEKS_A_YEAR
from throughput.errors import CostsUnusable
from throughput.estimates import Figure
from throughput.origins import Origin

FILE = "costs.toml"
_OF_ALL = ("currency", "hourly_rate", "baseline", "variants")
_OF_ONE = ("licence_per_year", "per_signature", "one_off", "signatures_per_request")


@dataclass(frozen=True)
class Range:
    """Between what a figure lies, and what is likely; an end is None where there is none."""

    low: float | None
    likely: float | None
    high: float | None


@dataclass(frozen=True)
class Sum:
    """Money, or what is counted: three numbers, the lowest first."""

    low: float
    likely: float
    high: float

    def __add__(self, other: "Sum") -> "Sum":
        """Both, each at its lowest, likely and highest."""
        return Sum(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def __sub__(self, other: "Sum") -> "Sum":
        """The difference; it is lowest where the other is highest."""
        return Sum(self.low - other.high, self.likely - other.likely, self.high - other.low)

    def __mul__(self, other: "Sum") -> "Sum":
        """The product, between the least and the largest of the ends'."""
        ends = [a * b for a, b in product((self.low, self.high), (other.low, other.high))]
        return Sum(min(ends), self.likely * other.likely, max(ends))

    def times(self, factor: float) -> "Sum":
        """So many times it; `factor` is not negative."""
        return Sum(self.low * factor, self.likely * factor, self.high * factor)


@dataclass(frozen=True)
class VariantPrices:
    """What was given for one way of signing; None is not given."""

    licence_per_year: Sum | None = None
    per_signature: Sum | None = None
    one_off: Sum | None = None
    signatures_per_request: Sum | None = None


@dataclass(frozen=True)
class Prices:
    """All that was given. `baseline` is the variant that the others pay themselves back against."""

    currency: str = ""
    hourly_rate: Sum | None = None
    baseline: str | None = None
    variants: Mapping[str, VariantPrices] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """What a request of a variant takes: minutes of handling, and signatures where they were counted."""

    variant: str
    handling_min: Figure
    signatures: float | None


@dataclass(frozen=True)
class Payback:
    """Against the baseline: what is saved a year, and how many years the one-off cost takes to come back.

    An end of `years` is None where so little is saved that it never does.
    """

    baseline: str
    saved_per_year: Sum
    years: Range


@dataclass(frozen=True)
class Cost:
    """The running cost of a variant a year, if all requests of its process went that way.

    `missing` names what was not given or is not known; the sums are None then.
    """

    variant: str
    currency: str
    per_week: float | None
    handling_origin: Origin
    handling_n: int
    labour: Sum | None = None
    signatures: Sum | None = None
    licence: Sum | None = None
    one_off: Sum | None = None
    missing: tuple[str, ...] = ()
    payback: Payback | None = None

    @property
    def running(self) -> Sum | None:
        """All that it costs a year; None where something is missing."""
        if self.labour is None or self.signatures is None or self.licence is None:
            return None
        return self.labour + self.signatures + self.licence


def costs(prices: Prices, work: Sequence[Work], *, per_week: float | None) -> list[Cost]:
    """The cost of each variant that figures were given for, or requests seen of; the baseline first."""
    known = {one.variant: one for one in work}
    names = sorted(known.keys() | prices.variants.keys(), key=lambda name: (name != prices.baseline, name))
    held = [(known.get(name, Work(name, Figure(0, None), None)), name) for name in names]
    found = [_cost(prices, one, prices.variants.get(name), per_week) for one, name in held]
    base = next((one for one in found if one.variant == prices.baseline), None)
    if base is None or base.running is None:
        return found
    return [one if one is base else _paid_back(one, base, prices, known, per_week) for one in found]


def _cost(prices: Prices, work: Work, given: VariantPrices | None, per_week: float | None) -> Cost:
    missing = tuple(_missing(prices, work, given, per_week))
    head = (work.variant, prices.currency, per_week, work.handling_min.origin, work.handling_min.n)
    if missing or given is None or per_week is None or prices.hourly_rate is None:
        return Cost(*head, missing=missing)
    hours = _minutes(work).times(per_week * WEEKS_A_YEAR / 60)
    return Cost(
        *head,
        labour=hours * prices.hourly_rate,
        signatures=_signatures(work, given).times(per_week * WEEKS_A_YEAR),
        licence=given.licence_per_year,
        one_off=given.one_off,
    )


def _missing(
    prices: Prices, work: Work, given: VariantPrices | None, per_week: float | None
) -> Iterable[str]:
    place, said = f"variants.{work.variant}", given or VariantPrices()
    if prices.hourly_rate is None:
        yield "hourly_rate"
    for name in ("licence_per_year", "per_signature", "one_off"):
        if getattr(said, name) is None:
            yield f"{place}.{name}"
    counted = work.signatures is not None or said.signatures_per_request is not None
    if not counted and said.per_signature is not None and said.per_signature.high > 0:
        yield f"{place}.signatures_per_request"
    if work.handling_min.value is None:
        yield "handling minutes"
    if per_week is None:
        yield "--per-week"


def _minutes(work: Work) -> Sum:
    found = work.handling_min
    likely = found.value or 0.0
    low, high = (likely if end is None else end for end in (found.low, found.high))
    return Sum(max(0.0, low), likely, high)


def _signatures(work: Work, given: VariantPrices) -> Sum:
    """What the signatures of a request cost: as many as were given, else as were counted."""
    each = given.per_signature or Sum(0, 0, 0)
    number = given.signatures_per_request or Sum(*[work.signatures or 0.0] * 3)
    return each * number


def _paid_back(
    one: Cost, base: Cost, prices: Prices, known: Mapping[str, Work], per_week: float | None
) -> Cost:
    if one.running is None or one.one_off is None or prices.hourly_rate is None or per_week is None:
        return one
    if base.signatures is None or one.signatures is None or base.licence is None or one.licence is None:
        return one
    # The rate is the same on both sides, so it is multiplied with what is saved, not with each.
    saved_min = _minutes(known[base.variant]) - _minutes(known[one.variant])
    labour = saved_min.times(per_week * WEEKS_A_YEAR / 60) * prices.hourly_rate
    saved = labour + (base.signatures - one.signatures) + (base.licence - one.licence)
    years = Range(
        _years(one.one_off.low, saved.high),
        _years(one.one_off.likely, saved.likely),
        _years(one.one_off.high, saved.low),
    )
    return replace(one, payback=Payback(base.variant, saved, years))


def _years(one_off: float, saved: float) -> float | None:
    return one_off / saved if saved > 0 else None


def read_prices(file: Path) -> Prices:
    """Read a file of costs. Raises CostsUnusable, which names the key."""
    try:
        held = tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        hint = "Look at its path and its rights."
        raise CostsUnusable(f"{file} can't be read: {error.strerror}.", hint=hint) from None
    except (ValueError, RecursionError) as error:
        raise CostsUnusable(f"{file} can't be read as TOML: {error}.", hint="Mend the line named.") from None
    _refuse_unknown(held, _OF_ALL, str(file))
    currency, baseline = held.get("currency", ""), held.get("baseline")
    if not isinstance(currency, str) or not isinstance(baseline, str | None):
        _refuse(f"{file}: currency and baseline", "a text, such as EUR and A0")
    tables = held.get("variants", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        _refuse(f"{file}: variants", "tables, such as [variants.A3]")
    variants = {name: _variant(table, f"{file}: variants.{name}") for name, table in tables.items()}
    return Prices(currency, _sum(held, "hourly_rate", str(file)), baseline, variants)


def _variant(table: Mapping[str, Any], place: str) -> VariantPrices:
    _refuse_unknown(table, _OF_ONE, place)
    return VariantPrices(**{name: _sum(table, name, place) for name in _OF_ONE})


def _sum(table: Mapping[str, Any], name: str, place: str) -> Sum | None:
    """A number, or low, likely and high; None where nothing stands."""
    if name not in table:
        return None
    said = table[name] if isinstance(table[name], list) else [table[name]] * 3
    fine = all(isinstance(one, int | float) and not isinstance(one, bool) and isfinite(one) for one in said)
    if len(said) != 3 or not fine or not 0 <= said[0] <= said[1] <= said[2]:
        _refuse(f"{place}: {name}", "a number that is not negative, or three that rise: low, likely, high")
    return Sum(*map(float, said))


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    if wrong := sorted(table.keys() - set(known)):
        raise CostsUnusable(
            f"{place}: {', '.join(wrong)} is not known.", hint=f"Choose from: {', '.join(known)}."
        )


def _refuse(what: str, wanted: str) -> Never:
    raise CostsUnusable(f"{what} will not do.", hint=f"Write {wanted}.")
