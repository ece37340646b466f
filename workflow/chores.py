"""What has to be done now and then beside the steps: each at its time, by whichever worker is free.

A chore works from the state of the database: one that was missed, or done twice, does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Chore:
    """Something to do again and again: `name` for queue and log, `cron` when (a sixth field: seconds)."""

    name: str
    cron: str
    run: Callable[[], object]
