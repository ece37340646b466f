"""Times, differences of times and numbers of requests, as reports and pages write them in sentences."""

from throughput.difference import Difference
from throughput.reporting.words import NOTHING, OPEN, ReportWords
from throughput.text_table import like_of


def span(seconds: float | None, words: ReportWords, like: float | None = None) -> str:
    """A time, or that it is not known."""
    return NOTHING if seconds is None else words.time(seconds, like=like)


def difference(found: Difference, words: ReportWords, like: float | None = None) -> str:
    """The difference itself, in the unit in which the medians are told, or that of `like`."""
    return words.signed(found.value, like=like_of(found) if like is None else like)


def medians(found: Difference, words: ReportWords) -> list[str]:
    """Of both, in the same unit."""
    return [span(median, words, like_of(found)) for median in (found.a, found.b)]


def interval(found: Difference, words: ReportWords, like: float | None = None) -> str:
    """From the one end to the other, once if they are alike; an open end lies beyond what was seen."""
    ends = (found.interval.low, found.interval.high)
    like = like_of(found) if like is None else like
    low, high = (words.signed(end, OPEN, like=like) for end in ends)
    return low if low == high else f"{low} … {high}".replace("… …", "…")


def roughly(count: int) -> int:
    """A number of requests that is reckoned, in two digits."""
    return int(float(f"{count:.1e}"))
