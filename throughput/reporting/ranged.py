"""Figures with what they lie between, as a report writes them: "16.2 (16.0–16.4)"."""

from collections.abc import Callable
from math import isfinite
from typing import Protocol

from throughput.discreet import few
from throughput.estimates import Figure
from throughput.reporting.words import NOTHING, OPEN, ReportWords


class Ranged(Protocol):
    """A figure and its ends, each None where it is not known, or infinite. No figure is less than nothing."""

    @property
    def value(self) -> float | None:
        """The figure itself."""

    @property
    def low(self) -> float | None:
        """The lower end."""

    @property
    def high(self) -> float | None:
        """The upper end."""


def ranged(found: Ranged, words: ReportWords, decimals: int = 1) -> str:
    """A number, in brackets its ends where they differ in so many decimals."""
    nothing, least = words.decimal(0.0, decimals), words.decimal(0.1**decimals, decimals)

    def written(value: float) -> str:
        told = words.decimal(value, decimals)
        return f"<{least}" if value > 0 and told == nothing else told

    return _with_ends(found, words, written)


def shares(found: Ranged, words: ReportWords, decimals: int = 0) -> str:
    """A share in per cent, in the same way; its sign stands once behind both ends."""
    return _with_ends(found, words, lambda share: words.decimal(100 * share, decimals), words.per_cent)


def between(likely: str, low: str, high: str, sign: str = "") -> str:
    """A value and its ends; the value alone where they are written alike."""
    return f"{likely}{sign}" if low == likely == high else f"{likely}{sign} ({low}–{high}{sign})"


def _with_ends(found: Ranged, words: ReportWords, written: Callable[[float], str], sign: str = "") -> str:
    if found.value is None or (isinstance(found, Figure) and few(found)):
        return NOTHING
    if not isfinite(found.value):
        begun = found.low is not None and isfinite(found.low)
        return (
            words.text("without end (from {low})", low=written(found.low or 0.0))
            if begun
            else words.text("without end")
        )
    value = written(found.value)
    if found.low is None and found.high is None:
        return value + sign
    low, high = (
        OPEN if end is None or not isfinite(end) else written(max(0.0, end))
        for end in (found.low, found.high)
    )
    return between(value, low, high, sign)
