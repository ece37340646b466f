"""For tests only: the development provider answering wrongly on purpose.

Each name in `FAULTS` is one fault of the method that `at` names; everything else is right.
"""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from certs.csc_http import CscAnswers, CscPace
from certs.csc_people import CscCredential
from certs.csc_provider import DevelopmentProvider
from certs.errors import AuthorityError
from certs.keystore import Credential

FAULTS: Final[Mapping[str, str]] = {
    "down": "answers HTTP 500 with a page",
    "bad-gateway": "does what is asked, and answers HTTP 502 with a page",
    "unavailable": "answers HTTP 503 with Retry-After",
    "unavailable-silently": "answers HTTP 503 with a page and no Retry-After",
    "limited": "answers HTTP 429 with Retry-After",
    "limited-once": "answers HTTP 429 with Retry-After: 2 the first time",
    "hangs": "does what is asked, and never answers",
    "drips": "does what is asked, and sends a byte now and then",
    "resets": "does what is asked, and breaks the connection off before it answers",
    "resets-once": "does what is asked, and breaks the connection off the first time",
    "html": "answers HTTP 200 with a page",
    "html-as-json": "answers HTTP 200 with a page that says it is JSON",
    "truncated": "breaks the connection off within its answer",
    "half": "sends half a JSON object",
    "compressed": "compresses its answer, which was not asked for",
    "huge": "answers without end, as fast as it can",
    "deep": "answers with brackets without end",
    "redirects": "answers HTTP 302",
    "twice": "gives every field twice",
    "empty": "answers with an empty object",
    "wrong-types": "gives numbers for texts, and texts for the rest",
    "one-too-few": "leaves the last of every list out",
    "one-too-many": "gives the last of every list twice",
    "swapped": "gives every list in the other order",
    "not-base64": "gives lists of what is no Base64",
    "wrong-certificate": "tells of another certificate than the key's",
    "other-key": "signs with a key that is not the certificate's",
    "other-hash": "signs another digest",
    "sad-expired": "has let every SAD expire",
    "token-expired": "has let every access token expire, the first time",
    "skewed": "has a clock that is two hours ahead",
    "secrets-back": "refuses, and repeats everything that it was given",
}
_PAGE: Final = "<!doctype html><title>Sorry</title><p>Something went wrong."
_AFTER: Final = frozenset(("bad-gateway", "hangs", "drips", "resets"))


class UnsafeFaultyCsc(CscAnswers):
    """Answers that are wrong as `fault` names it, where the method `at` is asked."""

    def __init__(
        self, provider: DevelopmentProvider, *, fault: str, at: str, pace: CscPace | None = None
    ) -> None:
        super().__init__(provider, pace=pace)
        if fault not in FAULTS:
            raise AuthorityError(f"“{fault}” is no fault.", hint=f"One of {', '.join(FAULTS)}.")
        self._fault = fault
        self._at = at
        self._times = 0

    async def api(self, request: web.Request) -> web.StreamResponse:
        """Answer a method, wrongly when it is the one."""
        return await self._faulty(request.match_info["method"], request, super().api)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Answer oauth2/token, wrongly when that is the one."""
        return await self._faulty("oauth2/token", request, super().token)

    async def _faulty(self, method: str, request: web.Request, right: "_Handler") -> web.StreamResponse:
        if method != self._at:
            return await right(request)
        early = await self._instead(request)
        if early is not None:
            return early
        self._before()
        response = await right(request)
        self._times += 1
        if self._fault in _AFTER or (self._fault == "resets-once" and self._times == 1):
            return await self._broken(request)
        return await _twisted(self._fault, request, response)

    async def _instead(self, request: web.Request) -> web.StreamResponse | None:
        """What comes in place of doing anything."""
        if self._fault == "secrets-back":
            given = (await request.read()).decode() + str(dict(request.headers))
            return web.json_response({"error": given, "error_description": given}, status=400)
        if self._fault == "limited-once":
            self._times += 1
            return _refusal(429, "2") if self._times == 1 else None
        if self._fault == "huge":
            return await _flood(request)
        return _INSTEAD[self._fault]() if self._fault in _INSTEAD else None

    def _before(self) -> None:
        """What went wrong at the provider before it was asked."""
        if self._fault == "sad-expired":
            self.provider.activations.expire_all()
        if self._fault == "token-expired" and not self._times:
            self.provider.oauth.expire_all()

    async def _broken(self, request: web.Request) -> web.StreamResponse:
        """What comes after the work was done: everything but the answer."""
        if self._fault == "bad-gateway":
            return web.Response(status=502, text=_PAGE, content_type="text/html")
        if self._fault == "hangs":
            await asyncio.sleep(3600)
        if self._fault == "drips":
            dripping = web.StreamResponse(headers={"Content-Type": "application/json"})
            await dripping.prepare(request)
            while True:
                await dripping.write(b" ")
                await asyncio.sleep(0.05)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


class UnsafeFaultyProvider(DevelopmentProvider):
    """A provider whose keys and certificates do not belong together, or whose clock is wrong.

    `other` is the credential that it takes for every other.
    """

    def __init__(self, *, fault: str, other: Credential, clock: Callable[[], datetime], **more: Any) -> None:
        self._fault = fault
        self._other = other
        skew = timedelta(hours=2 if fault == "skewed" else 0)
        super().__init__(clock=lambda: clock() + skew, **more)

    def certificates_of(self, found: CscCredential) -> Credential:
        """Give the certificates of another key, when that is the fault."""
        return self._other if self._fault == "wrong-certificate" else super().certificates_of(found)

    def signature(self, found: CscCredential, digest: bytes, algorithm: str) -> bytes:
        """Sign with another key, or something else, when that is the fault."""
        if self._fault == "other-key":
            found = CscCredential(found.credential_id, found.user_id, self._other)
        if self._fault == "other-hash":
            digest = bytes((digest[0] ^ 1, *digest[1:]))
        return super().signature(found, digest, algorithm)


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _twisted(fault: str, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Change what a right answer says."""
    if not isinstance(response, web.Response) or response.status != 200:
        return response
    text = response.text or "{}"
    if fault == "truncated":
        return await _cut(request, text.encode())
    if fault == "compressed":
        packed = gzip.compress(text.encode())
        return web.Response(
            body=packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
        )
    return _json(_TWISTS[fault](json.loads(text))) if fault in _TWISTS else response


def _lists(answer: dict[str, Any], change: Callable[[list[Any]], list[Any]]) -> str:
    return json.dumps({key: change(one) if isinstance(one, list) else one for key, one in answer.items()})


def _twice(answer: dict[str, Any]) -> str:
    inside = json.dumps(answer)[1:-1]
    return f"{{{inside},{inside}}}"


def _half(answer: dict[str, Any]) -> str:
    text = json.dumps(answer)
    return text[: len(text) // 2]


_TWISTS: Final[Mapping[str, Callable[[dict[str, Any]], str]]] = {
    "half": _half,
    "twice": _twice,
    "empty": lambda _answer: "{}",
    "wrong-types": lambda answer: json.dumps(
        {key: 1 if isinstance(one, str) else str(one) for key, one in answer.items()}
    ),
    "one-too-few": lambda answer: _lists(answer, lambda found: found[:-1]),
    "one-too-many": lambda answer: _lists(answer, lambda found: [*found, found[-1]]),
    "swapped": lambda answer: _lists(answer, lambda found: found[::-1]),
    "not-base64": lambda answer: _lists(answer, lambda found: ["no Base64!"] * len(found)),
}


def _json(text: str | bytes) -> web.Response:
    body = text.encode() if isinstance(text, str) else text
    return web.Response(body=body, content_type="application/json")


def _page(status: int) -> web.Response:
    return web.Response(status=status, text=_PAGE, content_type="text/html")


def _refusal(status: int, after: str) -> web.Response:
    body = {"error": "temporarily_unavailable", "error_description": "Try again later"}
    return web.json_response(body, status=status, headers={"Retry-After": after})


_INSTEAD: Final[Mapping[str, Callable[[], web.Response]]] = {
    "down": lambda: _page(500),
    "unavailable": lambda: _refusal(503, "30"),
    "unavailable-silently": lambda: _page(503),
    "limited": lambda: _refusal(429, "30"),
    "html": lambda: _page(200),
    "html-as-json": lambda: _json(_PAGE),
    "redirects": lambda: web.Response(status=302, headers={"Location": "/logo.png"}),
    "deep": lambda: _json(b"[" * 100_000),
}


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise a whole answer, and break off within it."""
    cut = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return cut


async def _flood(request: web.Request) -> web.StreamResponse:
    """Send until nobody takes it any more."""
    flood = web.StreamResponse(headers={"Content-Type": "application/json"})
    await flood.prepare(request)
    while True:
        await flood.write(b"0," * 32 * 1024)
