"""A person's own page: where they have signed in, and with what they do."""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door


@dataclass(frozen=True)
class Account:
    """`/account`."""

    door: Door

    def routes(self) -> list[Route]:
        """Its addresses."""
        return [
            self.door.get("/account", self._page),
            self.door.post("/account/sessions/end", self._end),
            self.door.post("/account/sessions/end-others", self._end_others),
        ]

    def _page(self, asked: Asked) -> Response:
        office = self.door.office
        return self.door.answer(
            asked,
            "account.html",
            said=asked.text("said"),
            sessions=self.door.sessions.of(asked.me),
            has_password=office.passwords.has_one(asked.me.id),
            codes_left=office.one_time_codes.left(asked.me.id),
            has_passkeys=office.passkeys.site is not None,
            passkeys=office.passkeys.of(asked.me.id),
        )

    def _end(self, asked: Asked) -> Response:
        self.door.sessions.end_named(asked.me, asked.text("session"))
        return self.door.see("/account", said="ended")

    def _end_others(self, asked: Asked) -> Response:
        """End all others; this one goes on under another token, in case somebody else holds it as well."""
        self.door.sessions.end_others(asked.me)
        answer = self.door.see("/account", said="ended")
        self.door.renew(asked, answer, at_once=True)
        return answer
