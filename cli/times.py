"""Days and times as they are given on the command line: the office's, as its pages tell them."""

import argparse
from datetime import UTC, date, datetime, time, timedelta

from cli.errors import ChoiceNeeded
from workflow.calendar import ZONE


def beginning(text: str) -> datetime:
    """A day's first moment, or a time, for argparse; the office's when it names no zone."""
    return _moment(text, timedelta(0))


def end(text: str) -> datetime:
    """The moment after a day, or a time, for argparse; the office's when it names no zone."""
    return _moment(text, timedelta(days=1))


def _moment(text: str, after_day: timedelta) -> datetime:
    try:
        if len(text) <= len("2026-11-20"):
            day = date.fromisoformat(text) + after_day
            return datetime.combine(day, time(), ZONE).astimezone(UTC)
        parsed = datetime.fromisoformat(text)
        return (parsed.replace(tzinfo=ZONE) if parsed.tzinfo is None else parsed).astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"“{text}” is no day or time such as 2026-11-20 or 2026-11-20T14:00Z"
        ) from None


def require_order(first: datetime | None, last: datetime | None) -> None:
    """Refuse a period that ends before it begins: of what is in it, nothing, anything could be said.

    Raises ChoiceNeeded.
    """
    if first is not None and last is not None and last <= first:
        raise ChoiceNeeded("--to is before --from.", hint="Give the first day, then the last.")
