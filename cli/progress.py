"""How far a long run is, on standard error: one line on a terminal, else a line now and then."""

import time
from typing import TextIO

from signing.verify.report import Report, Verdict

_EVERY_S, _EVERY_S_IN_A_LOG = 0.5, 30.0


class Progress:
    """Counts, and tells them when it is time."""

    def __init__(self, out: TextIO, *, shown: bool, exceptions: int = 0) -> None:
        """`exceptions` are those of a run that is taken up."""
        self._out, self._shown = out, shown
        self._terminal = out.isatty()
        self._begun = self._told = time.monotonic()
        self._seen = self._done = 0
        self._exceptions = exceptions
        self._line = ""

    def note(self, report: Report, done: int | None) -> None:
        """One more; `done` counts those of a run that was taken up too."""
        self._seen += 1
        self._done = done or self._seen
        self._exceptions += report.verdict is not Verdict.AUTHENTIC
        now = time.monotonic()
        if self._shown and now - self._told >= (_EVERY_S if self._terminal else _EVERY_S_IN_A_LOG):
            self._told = now
            self._tell()

    def end(self) -> None:
        """Tell the last count."""
        if self._shown and self._seen:
            self._tell()
            if self._terminal:
                self._out.write("\n")
            self._shown = False

    def _tell(self) -> None:
        rate = self._seen / max(time.monotonic() - self._begun, 0.001)
        line = f"{self._done:,} files, {self._exceptions:,} to look at, {rate:,.0f} a second"
        if self._terminal:
            self._out.write("\r" + line.ljust(len(self._line)))
        else:
            self._out.write(line + "\n")
        self._out.flush()
        self._line = line
