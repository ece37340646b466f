"""Signing in and out, and choosing one's password.

Before anybody has signed in, forms carry a token that goes with a cookie of this visit: nobody is signed in
by another site's form, as somebody else. Who signs in gets a new session, whatever the browser held before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signing.secret import Secret
from web.asked import Asked, Door, form_of
from web.cookies import DEVICE, SESSION
from web.elsewhere import SigningInElsewhere
from web.languages import language_of
from web.letting_in import AS_ONE, TRIES, LettingIn, inside, text_of
from web.step_up import surely
from workflow.ceremonies import CeremonyOver
from workflow.entrance import CodeAsked
from workflow.errors import Refused
from workflow.one_time_codes import CodesRefused, CodeWrong
from workflow.passwords import NotAuthenticated, PasswordGiven, PasswordRefused
from workflow.throttle import Throttled
from workflow.words import process_words

_CHANGED = "/account?said=password"
"""Where somebody comes who has another password: to what else signs them in, which stays."""


@dataclass(frozen=True)
class SamplePerson:
    """Somebody made up, as whom a sample office may be tried: `duties` are roles."""

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
    elsewhere: SigningInElsewhere

    @property
    def _letting_in(self) -> LettingIn:
        return LettingIn(self.door)

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            Route("/sign-in", self._form, methods=["GET"]),
            Route("/sign-in", self._password, methods=["POST"]),
            Route("/sign-in/code", self._code, methods=["POST"]),
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
        return self._letting_in.page(
            request,
            "sign_in.html",
            status=status,
            onward=onward or inside(request.query_params.get("next", "")),
            said=request.query_params.get("said", ""),
            wrong=wrong,
            after_s=after_s,
            person=person,
            words=process_words(language_of(request)),
            samples=self.samples.people() if self.samples is not None else (),
            passwords=self._takes_passwords,
            passkeys=self.door.office.passkeys.site is not None,
            elsewhere=self.elsewhere.provider.settings.name if self.elsewhere.provider else "",
        )

    @property
    def _takes_passwords(self) -> bool:
        provider = self.elsewhere.provider
        return provider is None or provider.settings.passwords

    def _require_taken(self, request: Request) -> None:
        """Raises HTTPException: 404 where nobody signs in by a password, 429 for who asks too often."""
        if not self._takes_passwords:
            raise HTTPException(404)
        self.door.rates.require(request, TRIES)

    async def _password(self, request: Request) -> Response:
        self._require_taken(request)
        async with form_of(request) as form:
            self._letting_in.require_visit(request, form)
            person, password = text_of(form, "person").strip()[:100], text_of(form, "password")
            onward = inside(text_of(form, "next"))
            return await run_in_threadpool(
                self._let_in, request, person, Secret(password), onward, "password"
            )

    async def _sample(self, request: Request) -> Response:
        """As a sample person, by the password that the sample office has for them."""
        self._require_taken(request)
        async with form_of(request) as form:
            self._letting_in.require_visit(request, form)
            person, onward = text_of(form, "person")[:100], inside(text_of(form, "next"))
        password = self.samples.password(person) if self.samples is not None else None
        if password is None:
            raise HTTPException(404)
        return await run_in_threadpool(self._let_in, request, person, password, onward, "sample")

    def _let_in(self, request: Request, person: str, password: Secret, onward: str, method: str) -> Response:
        entrance, visit = self.door.office.entrance, self._letting_in.visit(request)
        try:
            about = entrance.known_as(person, visit)
            self._require_rare(request, about)
            came = entrance.by_password(person, password, visit, method=method)
        except (NotAuthenticated, Refused):
            wrong = "sample" if method == "sample" else "password"
            return self._page(request, status=422, wrong=wrong, person=person, onward=onward)
        except PasswordGiven:
            return self._own_page(request, person, onward)
        except Throttled as error:
            return self._page(
                request, status=429, wrong="throttled", after_s=error.after_s, person=person, onward=onward
            )
        self.door.rates.forget(request, AS_ONE, about)
        if isinstance(came, CodeAsked):
            return self._code_page(request, came.token, onward)
        return self._letting_in.welcome(request, came, onward)

    def _require_rare(self, request: Request, about: str) -> None:
        """Raises Throttled, where this address has tried to be them too often: nothing is counted then."""
        wait_s = self.door.rates.wait_of(request, AS_ONE, about)
        if wait_s:
            raise Throttled(wait_s)

    def _code_page(
        self,
        request: Request,
        token: str,
        onward: str,
        *,
        status: int = 200,
        wrong: str = "",
        after_s: int = 0,
    ) -> Response:
        """Where somebody whose password is right types a code."""
        return self._letting_in.page(
            request,
            "sign_in_code.html",
            status=status,
            token=token,
            onward=onward,
            wrong=wrong,
            after_s=after_s,
        )

    async def _code(self, request: Request) -> Response:
        self.door.rates.require(request, TRIES)
        async with form_of(request) as form:
            self._letting_in.require_visit(request, form)
            token, code = text_of(form, "token"), text_of(form, "code")[:40]
            onward = inside(text_of(form, "next"))
        return await run_in_threadpool(self._coded, request, token, code, onward)

    def _coded(self, request: Request, token: str, code: str, onward: str) -> Response:
        try:
            opened = self.door.office.entrance.by_code(token, code, self._letting_in.visit(request))
        except CeremonyOver:
            return self._page(request, status=422, wrong="over", onward=onward)
        except (CodeWrong, CodesRefused):
            return self._code_page(request, token, onward, status=422, wrong="code")
        except Throttled as error:
            return self._code_page(
                request, token, onward, status=429, wrong="throttled", after_s=error.after_s
            )
        return self._letting_in.welcome(request, opened, onward)

    def _own_page(
        self, request: Request, person: str, onward: str, *, status: int = 200, wrong: str = ""
    ) -> Response:
        """Where somebody whose password was given to them chooses their own."""
        return self._letting_in.page(
            request, "own_password.html", status=status, person=person, onward=onward, wrong=wrong
        )

    async def _own(self, request: Request) -> Response:
        self._require_taken(request)
        async with form_of(request) as form:
            self._letting_in.require_visit(request, form)
            person, onward = text_of(form, "person").strip()[:100], inside(text_of(form, "next"))
            present, new = text_of(form, "password"), text_of(form, "new")
            if new != text_of(form, "again"):
                return self._own_page(request, person, onward, status=422, wrong="differ")
        return await run_in_threadpool(self._chosen, request, person, Secret(present), Secret(new), onward)

    def _chosen(self, request: Request, person: str, present: Secret, new: Secret, onward: str) -> Response:
        """In place of one that was given to them, alone: another is changed by who has signed in."""
        visit, passwords = self._letting_in.visit(request), self.door.office.passwords
        try:
            self._require_rare(request, self.door.office.entrance.known_as(person, visit))
            if passwords.is_own(person, present, device=visit.device):
                raise NotAuthenticated
            passwords.set(person, new, by=person, present=present, device=visit.device)
        except (NotAuthenticated, Refused):
            return self._own_page(request, person, onward, status=422, wrong="password")
        except PasswordRefused:
            return self._own_page(request, person, onward, status=422, wrong="new")
        except Throttled as error:
            return self._page(
                request, status=429, wrong="throttled", after_s=error.after_s, person=person, onward=onward
            )
        if self.door.office.passkeys.of(person):  # which stay: some may not be theirs
            onward = _CHANGED
        return self._let_in(request, person, new, onward, "password")

    def _out(self, asked: Asked) -> Response:
        id_token = self.door.sessions.end(self.door.cookies.get(asked.request, SESSION))
        onward = self.elsewhere.leaving(id_token)
        answer = (
            self.door.pages.answer(asked.request, "leaving.html", onward=onward)
            if onward
            else self.door.see("/sign-in", said="out")
        )
        self.door.cookies.drop(answer, SESSION)
        answer.headers["Clear-Site-Data"] = '"cache"'  # pages of documents that were drawn here
        return answer

    def _change_form(self, asked: Asked) -> Response:
        return self._change_page(asked)

    def _change_page(self, asked: Asked, *, status: int = 200, wrong: str = "", after_s: int = 0) -> Response:
        return self.door.answer(
            asked,
            "password.html",
            status=status,
            wrong=wrong,
            after_s=after_s,
            tokens=self.door.office.tokens.usable(asked.me.id),
            ends_tokens=asked.typed("tokens") == "end",
        )

    def _change(self, asked: Asked) -> Response:
        """Set one's own; all sessions end with it, and a new one begins here. Programs' tokens end where they
        say so. Who has none yet shows otherwise that it is they."""
        if self.door.office.passwords.has_one(asked.me.id):
            return self._changed(asked)
        return surely(self.door, asked, lambda: self._changed(asked))

    def _changed(self, asked: Asked) -> Response:
        new, person = asked.text("new"), asked.me.id
        if new != asked.text("again"):
            return self._change_page(asked, status=422, wrong="differ")
        try:
            self.door.office.passwords.set(
                person,
                Secret(new),
                by=person,
                present=Secret(asked.text("password")),
                device=self.door.cookies.get(asked.request, DEVICE),
            )
        except NotAuthenticated:
            return self._change_page(asked, status=422, wrong="password")
        except PasswordRefused:
            return self._change_page(asked, status=422, wrong="new")
        except Throttled as error:
            return self._change_page(asked, status=429, wrong="throttled", after_s=error.after_s)
        if asked.typed("tokens") == "end":
            tokens = self.door.office.tokens
            for one in tokens.usable(person):
                tokens.revoke(one.id, by=person)
        return self._letting_in.welcome(asked.request, self._letting_in.anew(asked), _CHANGED)
