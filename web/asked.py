"""What somebody who has signed in asks for, and the door that all of them come through.

Behind it a page is a plain function from what was asked to an answer, run in a thread: it may wait for the
database. Before it stand the session, the token against forged forms, and how much may be sent. What the
office refuses becomes a page here, in one place.
"""

import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from problem import Problem
from watching.logs import note
from web.bodies import SMALL, Bodies
from web.cookies import DEVICE, SESSION, Cookies, keys_are_off
from web.languages import language_of
from web.navigation import links_for
from web.pages import Pages
from web.past import Past
from web.problems import status_of, waits_of
from web.rates import Rates
from workflow.command_form import REQUEST_ID_MAX
from workflow.digits import whole
from workflow.errors import Refused
from workflow.office import Office
from workflow.people import name_of
from workflow.sessions import Member, Sessions, lasting
from workflow.words import process_words

log = logging.getLogger(__name__)

FIELDS_MOST: Final = 3_000
FILES_MOST: Final = 4
VERSION_MOST: Final = 10**9 - 1
_TOKEN = Markup('<input type="hidden" name="csrf" value="{}">')
_UNSAFE = frozenset({"cross-site", "same-site"})

Act = Callable[["Asked"], Response]
AsyncAct = Callable[["Asked"], Awaitable[Response]]


@dataclass(frozen=True)
class Me(Member):
    """Who asks; `csrf` goes into each of their forms and stays for as long as they are signed in; `device` is
    what their browser holds of earlier sign-ins."""

    csrf: str = field(repr=False)
    device: str = field(repr=False)


@dataclass(frozen=True)
class Asked:
    """What was asked, by whom. The form is empty for what only looks."""

    request: Request
    me: Me
    form: FormData

    @cached_property
    def language(self) -> str:
        """The language of the answer."""
        return language_of(self.request)

    def text(self, name: str, default: str = "") -> str:
        """What was said under a name, in the form or else in the address."""
        value = self.form.get(name, self.request.query_params.get(name))
        return value if isinstance(value, str) else default

    def typed(self, name: str) -> str:
        """What was typed into a form: a link that somebody sent fills in none."""
        value = self.form.get(name)
        return value if isinstance(value, str) else ""

    def many(self, name: str) -> list[str]:
        """All that was said under a name, in the form or else in the address."""
        said = self.form.getlist(name) or self.request.query_params.getlist(name)
        return [one for one in said if isinstance(one, str)]

    def number(self, name: str) -> int:
        """A number in the path. Raises HTTPException 404 for what is none."""
        number = whole(self.request.path_params.get(name), REQUEST_ID_MAX)
        if number is None:
            raise HTTPException(404)
        return number

    def version(self) -> int | None:
        """Which version of a request the form was about; None where it says none."""
        return whole(self.text("version"), VERSION_MOST)

    @staticmethod
    def new_key() -> str:
        """An idempotency key for a form: sent twice, it is done once."""
        return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Door:
    """What pages for people of the office are made with."""

    office: Office
    pages: Pages
    rates: Rates
    sessions: Sessions
    cookies: Cookies
    bodies: Bodies
    past: Past

    def get(self, path: str, act: Act) -> Route:
        """An address that shows something."""
        return Route(path, self._shown(_threaded(act)), methods=["GET"])

    def stream(self, path: str, act: AsyncAct) -> Route:
        """An address that shows something as it comes; `act` runs in the loop, and waits for no disk."""
        return Route(path, self._shown(act), methods=["GET"])

    def post(self, path: str, act: Act, *, most: int = SMALL) -> Route:
        """An address that does something; `most` bytes may be sent to it."""
        return self.post_async(path, _threaded(act), most=most)

    def post_async(self, path: str, act: AsyncAct, *, most: int = SMALL) -> Route:
        """The same, for what is done in the loop."""
        self.bodies.allow(path, most)

        async def answered(request: Request) -> Response:
            me = await run_in_threadpool(self._who, request)
            if me is None:
                return self.pages.answer(request, "signed_out.html", status=401)
            async with request.form(max_files=FILES_MOST, max_fields=FIELDS_MOST) as form:
                _require_own_form(request, form, me)
                return await self._told(Asked(request, me, form), act)

        return Route(path, answered, methods=["POST"])

    def answer(self, asked: Asked, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page for who asks."""
        return self.pages.answer(
            asked.request,
            template,
            status=status,
            me=asked.me,
            links=links_for(asked.me),
            here=_room(asked.request),
            address=_here(asked.request),
            keys_off=keys_are_off(asked.request),
            words=process_words(asked.language).knowing(cache(self._name_of)),
            form_token=lambda: _TOKEN.format(asked.me.csrf),
            **context,
        )

    @staticmethod
    def see(path: str, **query: str) -> Response:
        """Look at another address, by GET."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)

    def renew(self, asked: Asked, answer: Response, *, at_once: bool = False) -> None:
        """Have the browser of who has just shown anew who they are hold another token of their session."""
        renewed = self.sessions.renew(self.cookies.get(asked.request, SESSION), at_once=at_once)
        if renewed is not None:
            self.cookies.set(answer, SESSION, renewed)

    def _shown(self, act: AsyncAct) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            me = await run_in_threadpool(self._who, request)
            if me is None:
                return self.see("/sign-in", next=_here(request))
            return await self._told(Asked(request, me, FormData()), act)

        return answered

    async def _told(self, asked: Asked, act: AsyncAct) -> Response:
        if any("\0" in str(value) for value in asked.request.path_params.values()):
            raise HTTPException(404)  # before a stream of it begins
        try:
            return await act(asked)
        except Problem as problem:
            return await run_in_threadpool(self._refused, asked, problem)

    def _refused(self, asked: Asked, problem: Problem) -> Response:
        status = status_of(problem)
        if status >= 500:  # not what who asks did
            note(log, logging.WARNING, "page_failed", error=problem)
        answer = self.answer(
            asked,
            "problem.html",
            status=status,
            problem=problem,
            reasons=problem.reasons if isinstance(problem, Refused) else (),
        )
        answer.headers.update(waits_of(problem))
        return answer

    def _name_of(self, person: str) -> str | None:
        """The name of who holds what was asked for, by their id."""
        try:
            with self.office.store.read() as session:
                return name_of(session, person)
        except Problem:  # then the sentence has the id
            return None

    def _who(self, request: Request) -> Me | None:
        token = self.cookies.get(request, SESSION)
        member = self.sessions.find(token) if token else None
        if member is None:
            return None
        own = {one.name: getattr(member, one.name) for one in fields(member)}
        return Me(**own, csrf=form_token(lasting(token)), device=self.cookies.get(request, DEVICE))


def form_token(secret: str) -> str:
    """What goes into forms of whoever holds a secret: it shows that the form is ours, and not the secret."""
    return sha256(b"form:" + secret.encode(errors="replace")).hexdigest()


def require_same_site(request: Request) -> None:
    """Raises HTTPException 403 for what another site had the browser send, where the browser says so."""
    if request.headers.get("sec-fetch-site") in _UNSAFE:
        raise HTTPException(403)


def _require_own_form(request: Request, form: FormData, me: Me) -> None:
    require_same_site(request)
    sent = form.get("csrf")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), me.csrf.encode()):
        raise HTTPException(403)


def _here(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def _room(request: Request) -> str:
    """The first part of the path: which room it is in."""
    return "/" + request.url.path.split("/")[1]


def _threaded(act: Act) -> AsyncAct:
    async def threaded(asked: Asked) -> Response:
        return await run_in_threadpool(act, asked)

    return threaded


@asynccontextmanager
async def form_of(request: Request) -> AsyncIterator[FormData]:
    """The form of somebody who has not signed in: without files."""
    async with request.form(max_files=0, max_fields=20) as form:
        yield form
