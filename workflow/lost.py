"""A worker's database that is lost and found: one line for each in the log, in place of the libraries' many.

Whatever a library says of a lost connection is the first sign of it, and says nothing more: the queue's own
tasks end for it one by one, and the pool tells every vain try.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from watching.logs import note
from workflow.errors import WorkflowError
from workflow.unavailable import unavailable

LIBRARIES = (
    "psycopg.pool",
    "procrastinate.worker",
    "procrastinate.worker.worker",
    "procrastinate.utils",
    "asyncio",
)
"""The loggers that tell of it; asyncio's tells how tasks ended that nobody waited for."""
DISCARDED = "discarding"
"""How the pool's message begins that a connection was of no use any more."""

OLD_NEWS_S = 5.0

log = logging.getLogger(__name__)


class Link(logging.Filter):
    """Whether the database is there, as far as a worker knows; a filter of what libraries say of it."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds."""
        super().__init__()
        self._clock = clock
        self._lost = False
        self._back_at: float | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Listen to the libraries for as long as the block runs."""
        loggers = [logging.getLogger(name) for name in LIBRARIES]
        for each in loggers:
            each.addFilter(self)
        try:
            yield
        finally:
            for each in loggers:
                each.removeFilter(self)

    def lost(self, error: WorkflowError) -> None:
        """It does not answer: told once, with the reason."""
        if not self._lost:
            self._lost = True
            note(log, logging.ERROR, "database_lost", error=error)

    def found(self) -> None:
        """It answers: told if it did not."""
        if self._lost:
            self._lost, self._back_at = False, self._clock()
            note(log, logging.WARNING, "database_back")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a library's line is about something else."""
        if record.name == "psycopg.pool" and str(record.msg).startswith(DISCARDED):
            return False
        error = _cause(record)
        if error is None:
            return True
        # a PoolTimeout says how long was waited, and not for what
        if not isinstance(error, PoolTimeout) and not self._is_old_news():
            self.lost(unavailable(error))
        return False

    def _is_old_news(self) -> bool:
        """Whether a library may be telling of a try that began before the database was back."""
        return self._back_at is not None and self._clock() - self._back_at < OLD_NEWS_S


def _cause(record: logging.LogRecord) -> OperationalError | None:
    """The driver's error that a line is about; None when it is about something else."""
    given = record.args if isinstance(record.args, tuple) else ()
    raised = record.exc_info[1] if record.exc_info else None
    for error in (*given, raised):
        for each in (error, getattr(error, "__cause__", None)):
            if isinstance(each, OperationalError):
                return each
    return None
