"""Setting up codes that are asked for after one's password, and removing them."""

from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from documents.qr import qr_svg_path
from signing.secret import Secret
from web.asked import Asked, Door, form_token
from web.cookies import DEVICE, SESSION
from web.letting_in import LettingIn
from workflow.ceremonies import CeremonyOver
from workflow.one_time_codes import CodesRefused, CodeWrong, Enrolment
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.sessions import lasting
from workflow.throttle import Throttled

_WRONG = (NotAuthenticated, PasswordGiven, CodeWrong, CodesRefused, Throttled)


@dataclass(frozen=True)
class AccountCodes:
    """`/account/codes`."""

    door: Door

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.post("/account/codes/begin", self._begin),
            self.door.get("/account/codes", self._begun),
            self.door.post("/account/codes", self._confirm),
            self.door.get("/account/codes/remove", self._remove_page),
            self.door.post("/account/codes/remove", self._remove),
        ]

    def _begin(self, asked: Asked) -> Response:
        begun = self.door.office.one_time_codes.begin(asked.me.id, bound_to=self._held(asked))
        return self.door.see("/account/codes", token=begun.token)

    def _begun(self, asked: Asked) -> Response:
        codes = self.door.office.one_time_codes
        try:
            enrolment = codes.resume(asked.me.id, asked.text("token"), bound_to=self._held(asked))
        except CeremonyOver:
            return self.door.see("/account", said="over")
        return self._page(asked, enrolment)

    def _page(self, asked: Asked, enrolment: Enrolment, *, status: int = 200, **told: Any) -> Response:
        path, modules = qr_svg_path(enrolment.uri)
        secret = enrolment.secret
        return self.door.answer(
            asked,
            "account_codes.html",
            status=status,
            token=enrolment.token,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            uri=enrolment.uri,
            qr=path,
            modules=modules,
            **{"wrong": "", "after_s": 0, **told},
        )

    def _confirm(self, asked: Asked) -> Response:
        codes, held, token = self.door.office.one_time_codes, self._held(asked), asked.text("token")
        password, code = Secret(asked.text("password")), asked.text("code")[:40]
        try:
            recovery = codes.confirm(
                asked.me.id, token, code, password, bound_to=held, device=self._device(asked)
            )
        except CeremonyOver:
            return self.door.see("/account", said="over")
        except _WRONG as error:
            enrolment = codes.resume(asked.me.id, token, bound_to=held)
            return self._page(asked, enrolment, **_told(error))
        opened = LettingIn(self.door).anew(asked)
        me = replace(asked.me, csrf=form_token(lasting(opened.session)))
        answer = self.door.answer(replace(asked, me=me), "account_recovery.html", codes=recovery)
        LettingIn(self.door).give(answer, opened)
        return answer

    def _remove_page(self, asked: Asked) -> Response:
        return self.door.answer(asked, "account_codes_remove.html", wrong="", after_s=0)

    def _remove(self, asked: Asked) -> Response:
        me, password = asked.me.id, Secret(asked.text("password"))
        try:
            self.door.office.one_time_codes.remove(me, by=me, present=password, device=self._device(asked))
        except _WRONG as error:
            return self.door.answer(asked, "account_codes_remove.html", **_told(error))
        letting_in = LettingIn(self.door)
        answer = self.door.see("/account", said="codes-removed")
        letting_in.give(answer, letting_in.anew(asked))
        return answer

    def _held(self, asked: Asked) -> str:
        return self.door.cookies.get(asked.request, SESSION)

    def _device(self, asked: Asked) -> str:
        return self.door.cookies.get(asked.request, DEVICE)


def _told(error: Exception) -> dict[str, Any]:
    """What the page says of what was wrong."""
    if isinstance(error, Throttled):
        return {"status": 429, "wrong": "throttled", "after_s": error.after_s}
    wrong = "code" if isinstance(error, (CodeWrong, CodesRefused)) else "password"
    return {"status": 422, "wrong": wrong, "after_s": 0}
