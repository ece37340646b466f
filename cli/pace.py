"""How far a command is that takes its time: a line on a terminal's standard error, and nothing elsewhere."""

import sys
import time
from types import TracebackType

_PATIENCE_S, _EVERY_S = 1.5, 0.25


class Pace:
    """Tells what is being done once it has taken longer than a moment; leaves no trace when it is over."""

    def __init__(self) -> None:
        """Begin to count."""
        self._begun = self._told = time.monotonic()
        self._shown = 0

    def __enter__(self) -> "Pace":
        """Nothing is told yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._shown:
            self._write("")

    def tell(self, doing: str) -> None:
        """What is being done now."""
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._begun >= _PATIENCE_S and now - self._told >= _EVERY_S:
            self._told = now
            self._write(f"paraaf: {doing}")

    def _write(self, line: str) -> None:
        print("\r" + line.ljust(self._shown) + ("" if line else "\r"), end="", file=sys.stderr, flush=True)
        self._shown = len(line)
