"""Days and times as they are given on the command line."""

import argparse
from datetime import UTC, date, datetime, timedelta

from cli.errors import ChoiceNeeded


def beginning(text: str) -> datetime:
    """A day's first moment, or a time, for argparse; UTC when it names no zone."""
    return _moment(text, timedelta(0))


def end(text: str) -> datetime:
    """The moment after a day, or a time, for argparse; UTC when it names no zone."""
    return _moment(text, timedelta(days=1))


def _moment(text: str, after_day: timedelta) -> datetime:
    try:
        if len(text) <= len("2026-11-20"):
            first = date.fromisoformat(text)
            return datetime(first.year, first.month, first.day, tzinfo=UTC) + after_day
        parsed = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"“{text}” is no day or time such as 2026-11-20 or 2026-11-20T14:00Z"
        ) from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def require_order(first: datetime | None, last: datetime | None) -> None:
    """Refuse a period that ends before it begins: of what is in it, nothing, anything could be said.

    Raises ChoiceNeeded.
    """
    if first is not None and last is not None and last <= first:
        raise ChoiceNeeded("--to is before --from.", hint="Give the first day, then the last.")
