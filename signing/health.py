"""How timestamp authorities are, known to all who ask them: one that fails is left alone for a while."""

from typing import Protocol

from problem import Problem


class Health(Protocol):
    """Remembers how each authority did. Nothing here waits for more than a moment, and nothing raises."""

    async def rest_s(self, authority: str) -> float:
        """The seconds for which an authority is to be left alone; 0.0 when it may be asked now.

        Of an authority that has failed one caller at a time is told so: it finds out for all.
        """
        ...

    def answered(self, authority: str) -> None:
        """It gave a good timestamp: whatever was before is over."""
        ...

    def failed(self, authority: str, trouble: Problem, *, took_s: float, asks_for_s: float = 0.0) -> None:
        """It gave none, after so many seconds; it may have asked to be left alone for some."""
        ...


class NoHealth:
    """Remembers nothing: every authority is asked every time."""

    async def rest_s(self, authority: str) -> float:  # noqa: ARG002  its interface
        """Leave none alone."""
        return 0.0

    def answered(self, authority: str) -> None:
        """Forget it."""

    def failed(self, authority: str, trouble: Problem, *, took_s: float, asks_for_s: float = 0.0) -> None:
        """Forget it."""
