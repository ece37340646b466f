"""Setting up passkeys, and removing them."""

from dataclasses import dataclass
from datetime import timedelta

from starlette.responses import Response
from starlette.routing import Route

from signing.secret import Secret
from web.asked import Asked, Door
from web.cookies import DEVICE, SESSION
from web.step_up import surely
from workflow.ceremonies import CeremonyOver
from workflow.passkeys import PasskeyRefused
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.throttle import Throttled

JUST_IN = timedelta(minutes=10)
"""So long who has no password may set one up after they have signed in."""


@dataclass(frozen=True)
class AccountPasskeys:
    """`/account/passkeys`."""

    door: Door

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.get("/account/passkeys/new", self._form),
            self.door.post("/account/passkeys/new", self._begin),
            self.door.get("/account/passkeys", self._page),
            self.door.post("/account/passkeys", self._add),
            self.door.post("/account/passkeys/remove", self._remove),
        ]

    def _form(self, asked: Asked) -> Response:
        return self._shown(asked)

    def _shown(self, asked: Asked, *, status: int = 200, wrong: str = "", after_s: int = 0) -> Response:
        return self.door.answer(
            asked,
            "account_passkey_new.html",
            status=status,
            wrong=wrong,
            after_s=after_s,
            name=asked.text("name"),
            asks_password=self.door.office.passwords.has_one(asked.me.id),
            just_in=self._is_just_in(asked),
        )

    def _begin(self, asked: Asked) -> Response:
        """Who holds a session alone sets up none: it shows anew who they are, or is new itself."""
        office, me = self.door.office, asked.me.id
        try:
            if office.passwords.has_one(me):
                password, device = Secret(asked.text("password")), self._cookie(asked, DEVICE)
                office.passwords.check(me, password, lambda _session, _now: None, device=device)
            elif not self._is_just_in(asked):
                return self._shown(asked, status=422)
            token = office.passkeys.begin_adding(
                me, asked.text("name"), bound_to=self._cookie(asked, SESSION)
            )
        except (NotAuthenticated, PasswordGiven):
            return self._shown(asked, status=422, wrong="password")
        except Throttled as error:
            return self._shown(asked, status=429, wrong="throttled", after_s=error.after_s)
        return self.door.see("/account/passkeys", token=token)

    def _page(self, asked: Asked) -> Response:
        try:
            challenge = self.door.office.passkeys.adding(
                asked.me.id, asked.text("token"), bound_to=self._cookie(asked, SESSION)
            )
        except CeremonyOver:
            return self.door.see("/account", said="over")
        return self.door.answer(asked, "account_passkey.html", challenge=challenge)

    def _add(self, asked: Asked) -> Response:
        try:
            self.door.office.passkeys.add(
                asked.me.id,
                asked.text("token"),
                asked.text("answer"),
                bound_to=self._cookie(asked, SESSION),
            )
        except CeremonyOver:
            return self.door.see("/account", said="over")
        except PasskeyRefused:
            return self.door.see("/account", said="passkey-refused")
        answer = self.door.see("/account", said="passkey-added")
        self.door.renew(asked, answer, at_once=True)
        return answer

    def _remove(self, asked: Asked) -> Response:
        """Who finds a session open takes nobody's passkey away, nor ends their other sessions so."""
        return surely(self.door, asked, lambda: self._removed(asked))

    def _removed(self, asked: Asked) -> Response:
        me = asked.me.id
        self.door.office.passkeys.remove(me, by=me, key=asked.typed("key"))
        self.door.sessions.end_others(asked.me)  # they may have been opened by it
        answer = self.door.see("/account", said="passkey-removed")
        self.door.renew(asked, answer, at_once=True)
        return answer

    def _is_just_in(self, asked: Asked) -> bool:
        office = self.door.office
        with office.store.read() as session:
            return office.moment(session) - asked.me.opened_at <= JUST_IN

    def _cookie(self, asked: Asked, name: str) -> str:
        return self.door.cookies.get(asked.request, name)
