"""The development provider over HTTP: which address answers what, how late, and how often.

Source: Cloud Signature Consortium API 1.0.4.0, clauses 7, 8.3 and 10.
"""

import asyncio
import json
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from time import monotonic
from typing import Any, Final

from aiohttp import web

from certs.csc_authorization import Question, basic
from certs.csc_provider import METHODS, PATH, DevelopmentProvider
from certs.csc_refusal import Asked, Refusal

LARGEST_REQUEST: Final = 256 * 1024
LONGEST_LINE: Final = 64 * 1024
"""Of an address: a person may be asked for hundreds of hashes at once."""

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Development provider</title>
<h1>Development provider</h1>
<p>For development only: nothing that is authorised here is anybody's signature.</p>
{said}<form method="post">{what}
<p><label>Account <input name="user_id" autocomplete="off"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="off"></label></p>
<p><button name="decision" value="yes">Authorise</button>
<button name="decision" value="no">Refuse</button></p></form></html>
"""


@dataclass(frozen=True)
class CscPace:
    """How slow the provider is, and how many calls it takes in a span of time (0 is any number)."""

    latency_s: float = 0.0
    most: int = 0
    span_s: float = 60.0


class CscAnswers:
    """What the provider answers to each kind of request; one that it refuses gets the error object."""

    def __init__(
        self,
        provider: DevelopmentProvider,
        *,
        pace: CscPace | None = None,
        monotonic_s: Callable[[], float] = monotonic,
    ) -> None:
        self.provider = provider
        self._pace = pace or CscPace()
        self._monotonic_s = monotonic_s
        self._recent: deque[float] = deque()

    async def api(self, request: web.Request) -> web.StreamResponse:
        """Answer a method of the API: a POST with a JSON object."""
        method = request.match_info["method"]
        try:
            await self._keep_pace()
            answer = self._called(method, request, await _json_object(request))
        except Refusal as refusal:
            return _refused(refusal)
        return web.Response(status=204) if answer is None else web.json_response(answer)

    def _called(self, method: str, request: web.Request, body: dict[str, Any]) -> dict[str, Any] | None:
        asked = Asked(body)
        if method == "info":
            return self.provider.info(asked, base_url=base_url_of(request))
        header = request.headers.get("Authorization", "")
        if method == "auth/login" and asked.has("refresh_token"):
            return self.provider.oauth.login_again(asked.text("refresh_token"))
        if method == "auth/login":
            return self.provider.oauth.login(*basic(header), remember=asked.flag("rememberMe"))
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal("Malformed authorization header")
        access = self.provider.oauth.access(token)
        if method == "auth/revoke":
            self.provider.oauth.end(asked.text("token"), access.client_id)
            return None
        if method not in METHODS:
            raise Refusal("The method is not implemented", error="server_error", status=501)
        return METHODS[method](self.provider, access, asked)

    async def token(self, request: web.Request) -> web.StreamResponse:
        """Answer oauth2/token: a form, as OAuth 2.0 has it."""
        try:
            await self._keep_pace()
            answer = self.provider.oauth.token(*await _form(request))
        except Refusal as refusal:
            return _refused(refusal)
        return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def revoke(self, request: web.Request) -> web.StreamResponse:
        """Answer oauth2/revoke."""
        try:
            await self._keep_pace()
            self.provider.oauth.revoke(*await _form(request))
        except Refusal as refusal:
            return _refused(refusal)
        return web.Response(status=204)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Show a person what an application asks, and take their answer back to it."""
        try:
            question = self.provider.oauth.question(request.query)
            if request.method == "GET":
                return _page(question)
            form = {key: str(value) for key, value in (await request.post()).items()}
            if form.get("decision") != "yes":
                raise web.HTTPFound(question.back(error="access_denied"))
            raise web.HTTPFound(self._granted(question, form))
        except Refusal as refusal:
            if refusal.redirect:
                raise web.HTTPFound(refusal.redirect) from refusal
            return web.Response(status=refusal.status, text=refusal.description)

    def _granted(self, question: Question, form: dict[str, str]) -> str:
        return self.provider.oauth.grant(question, form.get("user_id", ""), form.get("password", ""))

    async def telephone(self, request: web.Request) -> web.StreamResponse:
        """Show the code that would have gone to a person's telephone."""
        return web.Response(text=self.provider.otp_of(request.match_info["credential"]))

    async def _keep_pace(self) -> None:
        """Wait as long as the provider takes; raises Refusal with status 429 for a call too many."""
        if self._pace.most:
            now = self._monotonic_s()
            while self._recent and self._recent[0] <= now - self._pace.span_s:
                self._recent.popleft()
            if len(self._recent) >= self._pace.most:
                raise _TooMany(self._recent[0] + self._pace.span_s - now)
            self._recent.append(now)
        if self._pace.latency_s:
            await asyncio.sleep(self._pace.latency_s)


class _TooMany(Refusal):
    """A call more than the provider takes."""

    def __init__(self, after_s: float) -> None:
        super().__init__("Too many requests", error="temporarily_unavailable", status=429)
        self.after_s = after_s


def base_url_of(request: web.Request) -> str:
    """Say at which address the provider was asked."""
    return f"{request.scheme}://{request.host}"


def provider_app(answers: CscAnswers) -> web.Application:
    """Build the web application that serves `answers`; its runner needs `max_line_size=LONGEST_LINE`."""
    app = web.Application(client_max_size=LARGEST_REQUEST)
    app.router.add_post(PATH + "/{method:.+}", answers.api)
    app.router.add_get("/oauth2/authorize", answers.page)
    app.router.add_post("/oauth2/authorize", answers.page)
    app.router.add_post("/oauth2/token", answers.token)
    app.router.add_post("/oauth2/revoke", answers.revoke)
    app.router.add_get("/telephone/{credential}", answers.telephone)
    return app


async def _json_object(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refusal("The request is malformed")
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise Refusal("The request is malformed") from error
    if not isinstance(body, dict):
        raise Refusal("The request is malformed")
    return body


async def _form(request: web.Request) -> tuple[dict[str, str], str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise Refusal("The request is malformed")
    fields = await request.post()
    form = {key: value for key, value in fields.items() if isinstance(value, str)}
    return form, request.headers.get("Authorization", "")


def _refused(refusal: Refusal) -> web.Response:
    headers = (
        {"Retry-After": str(max(1, math.ceil(refusal.after_s)))} if isinstance(refusal, _TooMany) else {}
    )
    return web.json_response(refusal.body, status=refusal.status, headers=headers)


def _page(question: Question) -> web.Response:
    said = f"<p>{escape(question.description)}</p>" if question.description else ""
    what = "<p>The application asks to see your keys.</p>"
    if question.credential is not None:
        listed = "".join(f"<li><code>{one.hex()}</code></li>" for one in question.hashes)
        what = (
            f"<p>The application asks for {question.count} signatures with"
            f" {escape(question.credential.credential_id)}, over:</p><ol>{listed}</ol>"
        )
    return web.Response(text=_PAGE.format(said=said, what=what), content_type="text/html")
