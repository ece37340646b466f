"""Who asks, and whether they may: before anything of the body is read.

An operation says in its OpenAPI entry which scope it needs, and that entry is what is enforced here: what is
told and what is done can't differ. A cookie is never looked at, so no other site can have a browser ask.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from web.api.errors import (
    BodyTooLarge,
    MediaTypeUnknown,
    Misshapen,
    ScopeMissing,
    TokenMissing,
    TokenUnfit,
    TooOften,
    wrong,
)
from web.rates import Rate, Rates
from workflow.digits import whole
from workflow.office import Office
from workflow.tokens import Bearer

SCHEME: Final = "token"
JSON: Final = "application/json"
LENGTH_MOST: Final = 2**63 - 1
USES = Rate("token", 600, 60.0)
"""How often one token may ask."""
FAILURES = Rate("tokens that are none", 30, 60.0)
"""How often one address may come without a token that can be used."""


@dataclass(frozen=True)
class Guard:
    """Looks at tokens."""

    office: Office
    rates: Rates

    async def require(self, request: Request, scope: str) -> Bearer:
        """Who asks. Raises TokenMissing, TokenUnfit, TooOften, ScopeMissing, StoreUnavailable."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            self._count_failure(request)
            raise TokenMissing
        bearer = await run_in_threadpool(self.office.tokens.bearer, token.strip())
        if bearer is None:
            self._count_failure(request)
            raise TokenUnfit
        left = self.rates.take(str(bearer.token), USES)
        request.state.rate = left
        if left.wait_s:
            raise TooOften(left.wait_s)
        if scope not in bearer.scopes:
            raise ScopeMissing(scope)
        return bearer

    def take(self, bearer: Bearer, rate: Rate) -> None:
        """Count what a token asks for that costs more. Raises TooOften."""
        left = self.rates.take(str(bearer.token), rate)
        if left.wait_s:
            raise TooOften(left.wait_s)

    def _count_failure(self, request: Request) -> None:
        self.rates.require(request, FAILURES)


class Operation(APIRoute):
    """An operation of the API, with what stands before it: token, scope, rate, parameters, media type."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Have what stands before it come first."""
        inner = super().get_route_handler()
        scope = _scope(self.openapi_extra or {})
        known = {one.alias for one in self.dependant.query_params}
        wanted = _media_types(self)

        async def handler(request: Request) -> Response:
            if scope is not None:
                request.state.bearer = await guard_of(request).require(request, scope)
            _require_known(request, known)
            if wanted:
                _require_media_type(request, wanted)
            return await inner(request)

        return handler


def needs(scope: str, **more: Any) -> dict[str, Any]:
    """An operation's OpenAPI entry: with a token of this scope."""
    return {"security": [{SCHEME: [scope]}], **more}


def for_anybody() -> dict[str, Any]:
    """An operation's OpenAPI entry: without a token."""
    return {"security": []}


def bearer_of(request: Request) -> Bearer:
    """Who asks; the operation has seen to it that there is one."""
    bearer: Bearer = request.state.bearer
    return bearer


def guard_of(request: Request) -> Guard:
    """What stands before the office that is asked."""
    guard: Guard = request.app.state.guard
    return guard


def office_of(request: Request) -> Office:
    """The office that is asked."""
    return guard_of(request).office


Caller = Annotated[Bearer, Depends(bearer_of)]
TheOffice = Annotated[Office, Depends(office_of)]
TheGuard = Annotated[Guard, Depends(guard_of)]


def _scope(entry: Mapping[str, Any]) -> str | None:
    """The scope in an operation's entry; None for one that anybody may use. ValueError where it says none."""
    security: Sequence[Mapping[str, Sequence[str]]] | None = entry.get("security")
    if security is None:
        raise ValueError("an operation that does not say who may use it")
    if not security:
        return None
    [[scope]] = [one[SCHEME] for one in security]
    return scope


def _media_types(route: APIRoute) -> tuple[str, ...]:
    """What an operation takes as its body; none for one without."""
    told: Mapping[str, Any] = (route.openapi_extra or {}).get("requestBody", {})
    return tuple(told.get("content", ())) or (() if route.body_field is None else (JSON,))


def _require_known(request: Request, known: set[str]) -> None:
    """Raises Misshapen for parameters that the operation does not have, or that come twice."""
    given = [name for name, _ in request.query_params.multi_items()]
    reasons = [
        wrong("There is no such parameter." if name not in known else "Send this once.", name[:60])
        for name in dict.fromkeys(given)
        if name not in known or given.count(name) > 1
    ]
    if reasons:
        raise Misshapen(reasons)


def _require_media_type(request: Request, wanted: Sequence[str]) -> None:
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said not in wanted:
        raise MediaTypeUnknown(" or ".join(wanted))
    if whole(request.headers.get("content-length", "0"), LENGTH_MOST) is None:
        raise BodyTooLarge
