"""The goes of signing folders that are on their way, or were of late."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from workflow.signing_run import SigningRun

KEPT: Final = 10
"""Goes of a person that are over, and still told of."""


@dataclass
class SigningRuns:
    """The goes that are on their way or were of late, each seen by its person alone."""

    _all: dict[str, SigningRun] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, run: SigningRun) -> None:
        """Keep it; of its person's older ones that are over, and of those never begun, the last few."""
        with self._lock:
            idle = [one for one in self._all.values() if one.actor == run.actor and one.idle]
            for old in idle[: max(0, len(idle) - KEPT)]:
                del self._all[old.id]
            self._all[run.id] = run

    def find(self, number: str, actor: str) -> SigningRun | None:
        """A person's go by its id."""
        run = self._all.get(number)
        return run if run is not None and run.actor == actor else None

    def of(self, actor: str) -> list[SigningRun]:
        """Those of a person that have been begun, and of which there is more to be told."""
        with self._lock:
            return [
                one
                for one in self._all.values()
                if one.actor == actor and one.stage != "chosen" and not one.settled
            ]

    def asked_by(self, query: Mapping[str, str], actor: str, session: str) -> SigningRun | None:
        """The go whose question a query from a provider's page answers, in the sign-in that asked it."""
        with self._lock:
            mine = [one for one in self._all.values() if one.actor == actor]
        return next((one for one in mine if one.is_answered_by(query, session)), None)
