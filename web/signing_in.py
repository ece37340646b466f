"""Signing in and out, and choosing one's password.

Before anybody has signed in, forms carry a token that goes with a cookie of this visit: nobody is signed in
by another site's form, as somebody else. Who signs in gets a new session, whatever the browser held before.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from signing.secret import Secret
from web.asked import Asked, Door, form_of, form_token, require_same_site
from web.cookies import SESSION, VISIT
from web.navigation import home_of
from web.rates import Rate
from workflow.errors import Refused
from workflow.passwords import NotAuthenticated, PasswordGiven, PasswordRefused
from workflow.sessions import open_session
from workflow.throttle import Throttled

TRIES: Final = Rate("sign-in", 60, 600.0)
"""Of one address: a whole office may be behind it. Each person's own failures are counted apart."""


@dataclass(frozen=True)
class SamplePerson:
    """Somebody made up, as whom a sample office may be tried: `duties` in English."""

    id: str
    name: str
    duties: tuple[str, ...]


class Samples(Protocol):
    """The people of a sample office, and their passwords; no other office has any."""

    def people(self) -> Sequence[SamplePerson]:
        """Those as whom one can try it."""

    def password(self, person: str) -> Secret | None:
        """One's password; None for who is not among them."""


@dataclass(frozen=True)
class SigningIn:
    """The pages at which people sign in and out."""

    door: Door
    samples: Samples | None

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            Route("/sign-in", self._form, methods=["GET"]),
            Route("/sign-in", self._password, methods=["POST"]),
            Route("/sign-in/own", self._own, methods=["POST"]),
            Route("/sign-in/sample", self._sample, methods=["POST"]),
            self.door.post("/sign-out", self._out),
            self.door.get("/password", self._change_form),
            self.door.post("/password", self._change),
        ]

    async def _form(self, request: Request) -> Response:
        return self._page(request)

    def _page(
        self,
        request: Request,
        *,
        status: int = 200,
        wrong: str = "",
        after_s: int = 0,
        person: str = "",
        onward: str = "",
    ) -> Response:
        visit = self.door.cookies.get(request, VISIT) or secrets.token_urlsafe(24)
        answer = self.door.pages.answer(
            request,
            "sign_in.html",
            status=status,
            visit_token=form_token(visit),
            onward=onward or inside(request.query_params.get("next", "")),
            said=request.query_params.get("said", ""),
            wrong=wrong,
            after_s=after_s,
            person=person,
            samples=self.samples.people() if self.samples is not None else (),
        )
        self.door.cookies.set(answer, VISIT, visit)
        if after_s:
            answer.headers["Retry-After"] = str(after_s)
        return answer

    async def _password(self, request: Request) -> Response:
        self.door.rates.require(request, TRIES)
        async with form_of(request) as form:
            self._require_visit(request, form)
            person, password = _text(form, "person").strip()[:100], _text(form, "password")
            onward = inside(_text(form, "next"))
            return await run_in_threadpool(
                self._let_in, request, person, Secret(password), onward, "password"
            )

    async def _sample(self, request: Request) -> Response:
        """As a sample person, by the password that the sample office has for them."""
        self.door.rates.require(request, TRIES)
        async with form_of(request) as form:
            self._require_visit(request, form)
            person, onward = _text(form, "person")[:100], inside(_text(form, "next"))
        password = self.samples.password(person) if self.samples is not None else None
        if password is None:
            raise HTTPException(404)
        return await run_in_threadpool(self._let_in, request, person, password, onward, "sample")

    def _let_in(self, request: Request, person: str, password: Secret, onward: str, method: str) -> Response:
        passwords = self.door.office.passwords
        try:
            token = passwords.check(
                person, password, lambda session, now: open_session(session, person, method, now)
            )
        except (NotAuthenticated, Refused):
            return self._page(request, status=422, wrong="password", person=person, onward=onward)
        except PasswordGiven:
            return self._own_page(request, person, onward)
        except Throttled as error:
            return self._page(
                request, status=429, wrong="throttled", after_s=error.after_s, person=person, onward=onward
            )
        held = self.door.cookies.get(request, SESSION)
        if held:
            self.door.sessions.end(held)  # who was signed in here before is not any more
        member = self.door.sessions.find(token)
        answer = RedirectResponse(onward or (home_of(member) if member else "/"), status_code=303)
        self.door.cookies.set(answer, SESSION, token)
        self.door.cookies.drop(answer, VISIT)
        return answer

    def _own_page(
        self, request: Request, person: str, onward: str, *, status: int = 200, wrong: str = ""
    ) -> Response:
        """Where somebody whose password was given to them chooses their own."""
        visit = self.door.cookies.get(request, VISIT)
        return self.door.pages.answer(
            request,
            "own_password.html",
            status=status,
            visit_token=form_token(visit),
            person=person,
            onward=onward,
            wrong=wrong,
        )

    async def _own(self, request: Request) -> Response:
        self.door.rates.require(request, TRIES)
        async with form_of(request) as form:
            self._require_visit(request, form)
            person, onward = _text(form, "person").strip()[:100], inside(_text(form, "next"))
            present, new = _text(form, "password"), _text(form, "new")
            if new != _text(form, "again"):
                return self._own_page(request, person, onward, status=422, wrong="differ")
        return await run_in_threadpool(self._chosen, request, person, Secret(present), Secret(new), onward)

    def _chosen(self, request: Request, person: str, present: Secret, new: Secret, onward: str) -> Response:
        try:
            self.door.office.passwords.set(person, new, by=person, present=present)
        except (NotAuthenticated, Refused):
            return self._own_page(request, person, onward, status=422, wrong="password")
        except PasswordRefused:
            return self._own_page(request, person, onward, status=422, wrong="new")
        except Throttled as error:
            return self._page(
                request, status=429, wrong="throttled", after_s=error.after_s, person=person, onward=onward
            )
        return self._let_in(request, person, new, onward, "password")

    def _out(self, asked: Asked) -> Response:
        self.door.sessions.end(self.door.cookies.get(asked.request, SESSION))
        answer = self.door.see("/sign-in", said="out")
        self.door.cookies.drop(answer, SESSION)
        return answer

    def _change_form(self, asked: Asked) -> Response:
        return self.door.answer(asked, "password.html", wrong="", after_s=0)

    def _change(self, asked: Asked) -> Response:
        """Set one's own; all sessions end with it, and a new one begins here."""
        new, person = asked.text("new"), asked.me.id
        if new != asked.text("again"):
            return self.door.answer(asked, "password.html", status=422, wrong="differ", after_s=0)
        try:
            self.door.office.passwords.set(
                person, Secret(new), by=person, present=Secret(asked.text("password"))
            )
        except NotAuthenticated:
            return self.door.answer(asked, "password.html", status=422, wrong="password", after_s=0)
        except PasswordRefused:
            return self.door.answer(asked, "password.html", status=422, wrong="new", after_s=0)
        except Throttled as error:
            return self.door.answer(
                asked, "password.html", status=429, wrong="throttled", after_s=error.after_s
            )
        return self._let_in(asked.request, person, Secret(new), "", "password")

    def _require_visit(self, request: Request, form: FormData) -> None:
        require_same_site(request)
        visit, sent = self.door.cookies.get(request, VISIT), _text(form, "csrf")
        if not visit or not hmac.compare_digest(sent.encode(), form_token(visit).encode()):
            raise HTTPException(403)


def inside(path: str) -> str:
    """The address, where it is one of this office's own pages; else ""."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return ""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return (
        path if ours and not (parts.scheme or parts.netloc) and "\\" not in path and len(path) < 500 else ""
    )


def _text(form: FormData, field: str) -> str:
    value = form.get(field)
    return value if isinstance(value, str) else ""
