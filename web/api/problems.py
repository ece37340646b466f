"""What can't be done, as RFC 9457 has it: one form for everything, whoever refused it.

`type` leads to what is said of the code; `detail` and `hint` are for people, `code` and the `reasons` with
their fields for programs. Of what is the office's own matter only the kind is told: messages name its files.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from problem import Problem
from signing.verify.report import hidden
from web.api.errors import (
    ApiProblem,
    BodyTooLarge,
    Failed,
    KeyMissing,
    MethodUnknown,
    Misshapen,
    NothingHere,
    TooOften,
    Unreadable,
    VersionMissing,
    wrong,
)
from web.api.models import ProblemTold
from workflow.definition_errors import DefinitionUnknown
from workflow.errors import (
    AnswerUnreadable,
    ClaimedByAnother,
    Contended,
    KeyReused,
    NotFound,
    Reason,
    Refused,
    StaleVersion,
    StoreUnavailable,
)
from workflow.evidence import NotAnchoredYet, NothingToShow
from workflow.kept_files import NothingKept
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.throttle import Throttled

MEDIA_TYPE: Final = "application/problem+json"
PLACE: Final = "/api/v1/problems"
ROOMS: Final = ("web", "workflow", "signing", "documents", "certs")

# What else there is: 422 where it can't be done like this, 500 where it is the office's own matter.
_STATUS: tuple[tuple[type[Problem], int], ...] = (
    (NotFound, 404),
    (NothingKept, 404),
    (DefinitionUnknown, 404),
    (StaleVersion, 412),
    (ClaimedByAnother, 409),
    (NotAnchoredYet, 409),
    (NothingToShow, 409),
    (AnswerUnreadable, 409),
    (KeyReused, 422),  # draft-ietf-httpapi-idempotency-key-header, "Error Scenarios"
    (NotAuthenticated, 403),
    (PasswordGiven, 403),
    (Throttled, 429),
    (Contended, 503),
    (StoreUnavailable, 503),
)
# Where the hint names a command, and there is an address.
_HINTS: tuple[tuple[type[Problem], str], ...] = (
    (NotFound, f"{PLACE.rpartition('/')[0]}/requests lists those that they may see."),
    (DefinitionUnknown, f"{PLACE.rpartition('/')[0]}/definitions lists those that there are."),
)


def status_of(problem: Problem) -> int:
    """The status that goes with a problem."""
    if isinstance(problem, ApiProblem):
        return problem.status
    found = next((status for kind, status in _STATUS if isinstance(problem, kind)), None)
    return found or (500 if problem.impersonal else 422)


def as_json(problem: Problem) -> dict[str, Any]:
    """A problem in its form."""
    status = status_of(problem)
    told: dict[str, Any] = {
        "type": f"{PLACE}/{problem.code}",
        "title": title_of(type(problem)),
        "status": status,
        "detail": str(problem)
        if status < 500 or isinstance(problem, ApiProblem)
        else title_of(type(problem)),
        "code": problem.code,
        "hint": _hint(problem) if status < 500 or isinstance(problem, ApiProblem) else "",
        "reasons": [],
    }
    if isinstance(problem, Refused):
        told["reasons"] = [_reason(one) for one in problem.reasons]
    if isinstance(problem, ClaimedByAnother):
        told["holder"], told["since"] = problem.holder, problem.since.isoformat().replace("+00:00", "Z")
    if isinstance(problem, StaleVersion):
        told["version"] = problem.version
    return told


def told_in_part(problem: Problem) -> ProblemTold:
    """A problem as a part of an answer: of one of many."""
    return ProblemTold.model_validate(as_json(problem))


def answer_to(problem: Problem) -> Response:
    """The answer that tells of a problem, in ASCII: whatever was sent may be repeated in it."""
    headers: dict[str, str] = {}
    if isinstance(problem, ApiProblem):
        headers |= problem.headers
    elif isinstance(problem, Throttled):
        headers["Retry-After"] = str(problem.after_s)
    elif isinstance(problem, (Contended, StoreUnavailable)):
        headers["Retry-After"] = "5"
    elif isinstance(problem, StaleVersion):
        headers["ETag"] = f'"{problem.version}"'
    content = json.dumps(as_json(problem))
    return Response(content, status_of(problem), headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """What an exception is to whoever asked."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return _misshapen(error.errors())
    if isinstance(error, HTTPException):
        return _of_http(error)
    return Failed()


async def told(request: Request, error: Exception) -> Response:
    """An exception as its answer."""
    problem = problem_of(error)
    return answer_to(MethodUnknown(_allowed(request)) if isinstance(problem, MethodUnknown) else problem)


def kinds() -> Mapping[str, type[Problem]]:
    """Every kind of problem that may be told of, by its code."""
    found = {kind.code: kind for kind in _below(Problem) if kind.__module__.partition(".")[0] in ROOMS}
    return dict(sorted(found.items()))


def title_of(kind: type[Problem]) -> str:
    """What a kind of problem is, in a sentence."""
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split()).replace("`", "")


def _below(kind: type[Problem]) -> Iterator[type[Problem]]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _hint(problem: Problem) -> str:
    return next((hint for kind, hint in _HINTS if isinstance(problem, kind)), problem.hint)


def _reason(reason: Reason) -> dict[str, str]:
    return {"code": reason.code, "message": reason.message, "field": reason.field}


def _allowed(request: Request) -> list[str]:
    """The methods that an address takes."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    operations: Sequence[Route] = request.app.state.operations
    taken = [one.methods or () for one in operations if one.path_regex.fullmatch(path)]
    return sorted({method for methods in taken for method in methods})


def _of_http(error: HTTPException) -> Problem:
    headers = error.headers or {}
    if error.status_code == 413:
        return BodyTooLarge()
    if error.status_code == 405:
        return MethodUnknown([])
    if error.status_code == 429:
        return TooOften(int(headers.get("Retry-After", "1")))
    return Unreadable() if error.status_code == 400 else NothingHere()


def _misshapen(errors: Sequence[Mapping[str, Any]]) -> Problem:
    if any(error["type"] == "json_invalid" for error in errors):
        return Unreadable()
    headers = {str(error["loc"][-1]).lower() for error in errors if error["loc"][0] == "header"}
    if "idempotency-key" in headers:
        return KeyMissing()
    if "if-match" in headers:
        return VersionMissing()
    return Misshapen([wrong(_sentence(error), _field(error["loc"])) for error in errors[:100]])


def _sentence(error: Mapping[str, Any]) -> str:
    """What is wrong with a field, without what was sent in it."""
    said = {"missing": "Send this.", "extra_forbidden": "There is no such field."}.get(error["type"])
    return said or f"{str(error['msg']).rstrip('.')}."


def _field(place: Sequence[str | int]) -> str:
    """The dotted field; what somebody made up as its name is told without what nobody sees."""
    named = ".".join(str(part) for part in place[1:]) or str(place[0])
    return "".join("�" if hidden(one) else one for one in named)[:200]
