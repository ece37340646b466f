"""Permits to ask a timestamp authority, from a gate that counts for all who share the authority's limit."""

from typing import Protocol

from signing.errors import TimestampLimitError

SOMEBODY = "somebody"
"""The turn of all who do not say whose signature it is: together they are one."""


class Gate(Protocol):
    """Says whether an authority may be asked now."""

    async def take(self, authority: str, *, turn: str, count: int) -> float:
        """Take `count` permits at once: 0.0 when they are given, else the seconds after which to come back.

        Who comes back with the same `turn` has kept their place.
        """
        ...


class OpenGate:
    """A gate without limits."""

    async def take(self, authority: str, *, turn: str, count: int) -> float:  # noqa: ARG002  its interface
        """Let everybody in."""
        return 0.0


class Permits:
    """What one signature may ask: as many timestamps as it needs, taken at once from the authority asked.

    Taken one by one, signatures that need two would take each other's second.
    """

    def __init__(self, gate: Gate, *, turn: str = SOMEBODY, count: int = 1) -> None:
        self._gate = gate
        self._turn = turn
        self._needed = count
        self._at_hand: dict[str, int] = {}

    async def use(self, authority: str) -> None:
        """Use a permit to ask this authority. Raises TimestampLimitError."""
        if not self._at_hand.get(authority):
            wait_s = await self._gate.take(authority, turn=self._turn, count=max(1, self._needed))
            if wait_s > 0:
                raise TimestampLimitError(after_s=wait_s)
            self._at_hand[authority] = max(1, self._needed)
        self._at_hand[authority] -= 1

    def served(self) -> None:
        """A good timestamp was given: one less is needed."""
        self._needed -= 1
