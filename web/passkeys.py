"""Signing in with a passkey: what the browser is asked, and what becomes of its answer."""

import json
import logging
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watching.logs import note
from web.asked import Door, form_of
from web.letting_in import TRIES, LettingIn, inside, text_of
from workflow.ceremonies import CeremonyOver
from workflow.entrance import Visit
from workflow.passkeys import PasskeyRefused

PATH = "/sign-in/passkey"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SigningInByPasskey:
    """The addresses for it, where there can be any."""

    door: Door

    def routes(self) -> list[Route]:
        """Their addresses."""
        if self.door.office.passkeys.site is None:
            return []
        return [
            Route(f"{PATH}/begin", self._begin, methods=["POST"]),
            Route(PATH, self._answered, methods=["POST"]),
        ]

    async def _begin(self, request: Request) -> Response:
        self.door.rates.require(request, TRIES)
        async with form_of(request) as form:
            LettingIn(self.door).require_visit(request, form)
        visit = LettingIn(self.door).visit(request)
        return await run_in_threadpool(self._challenge, visit)

    def _challenge(self, visit: Visit) -> Response:
        asked = self.door.office.passkeys.begin(bound_to=visit.token)
        return JSONResponse({"token": asked.token, "options": json.loads(asked.options)})

    async def _answered(self, request: Request) -> Response:
        self.door.rates.require(request, TRIES)
        async with form_of(request) as form:
            LettingIn(self.door).require_visit(request, form)
            token, answer = text_of(form, "token"), text_of(form, "answer")
            onward = inside(text_of(form, "next"))
        return await run_in_threadpool(self._let_in, request, token, answer, onward)

    def _let_in(self, request: Request, token: str, answer: str, onward: str) -> Response:
        letting_in = LettingIn(self.door)
        try:
            opened = self.door.office.entrance.by_passkey(
                self.door.office.passkeys, token, answer, letting_in.visit(request)
            )
        except (PasskeyRefused, CeremonyOver) as error:
            note(log, logging.WARNING, "passkey_refused", error=error)
            return self.door.see("/sign-in", said="passkey")
        return letting_in.welcome(request, opened, onward)
