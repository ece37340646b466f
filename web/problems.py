"""Which status of HTTP goes with what the office refuses."""

from collections.abc import Mapping

from problem import Problem
from signing.errors import ProfileError
from workflow.errors import ClaimedByAnother, Contended, KeyReused, NotFound, StaleVersion, StoreUnavailable
from workflow.evidence import NothingToShow
from workflow.kept_files import NothingKept
from workflow.request_files import DocumentNotThere
from workflow.throttle import Throttled

_STATUS: tuple[tuple[type[Problem], int], ...] = (
    (NotFound, 404),
    (DocumentNotThere, 404),
    (NothingKept, 404),
    (NothingToShow, 404),
    (StaleVersion, 409),
    (ClaimedByAnother, 409),
    (KeyReused, 409),
    (Throttled, 429),
    (ProfileError, 503),
    (Contended, 503),
    (StoreUnavailable, 503),
)


def status_of(problem: Problem) -> int:
    """The status: 422 for what can't be done like this, 503 for what is the office's own matter."""
    for kind, status in _STATUS:
        if isinstance(problem, kind):
            return status
    return 503 if problem.impersonal else 422


def waits_of(problem: Problem) -> Mapping[str, str]:
    """How long to wait, where that is known, as a header."""
    if isinstance(problem, Throttled):
        return {"Retry-After": str(problem.after_s)}
    return {"Retry-After": "5"} if isinstance(problem, (Contended, StoreUnavailable)) else {}
