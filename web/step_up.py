"""Who consents on a page shows anew that it is they: by their password, or where scripts run by a passkey.

So does who does to the office what can't be undone or gives power, unless they have within minutes: then a
page stands between, which sends on what was typed (`surely`).

A passkey is asked for in the page's own form, which its answer goes along with (static/passkeys.js).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from signing.secret import Secret
from web.asked import Asked, Door
from workflow.ceremonies import CeremonyOver
from workflow.office import Office
from workflow.passkeys import Challenge, PasskeyRefused
from workflow.passwords import NotAuthenticated, PasswordGiven
from workflow.proofs import Proof
from workflow.reauthentication import (
    ask_for_passkey,
    has_shown,
    prove_by_passkey,
    prove_by_password,
    show_by_passkey,
    show_by_password,
)
from workflow.throttle import Throttled

NOT_SHOWN: Final = (NotAuthenticated, PasswordGiven, PasskeyRefused, CeremonyOver)
"""What they showed is not what shows that it is they."""


def challenge(office: Office, asked: Asked, seen: Mapping[int, int]) -> Response:
    """What the browser is asked, so that a passkey proves it for what they have seen.

    Raises PasskeyRefused, Refused.
    """
    return _told(ask_for_passkey(office.passkeys, asked.me.id, seen, bound_to=asked.me.csrf))


def proof_of(office: Office, asked: Asked, seen: Mapping[int, int]) -> Proof | None:
    """What their form proves for what they have seen; None where it shows nothing.

    Raises what NOT_SHOWN names, Throttled, Refused.
    """
    me, password, token = asked.me, asked.typed("password"), asked.typed("passkey")
    if password:
        return prove_by_password(office.passwords, me.id, Secret(password), seen, device=me.device)
    if token:
        answer = asked.typed("answer")
        return prove_by_passkey(office.passkeys, me.id, token, answer, bound_to=me.csrf)
    return None


ASKED_AT: Final = "/account/passkey"
"""Where a browser is told what to ask a passkey, before it shows anew who holds it."""
_SHOWN_BY: Final = frozenset({"csrf", "password", "passkey", "answer"})


@dataclass(frozen=True)
class ShowingAnew:
    """Where the page that stands between asks for a passkey."""

    door: Door

    def routes(self) -> list[Route]:
        """Its address."""
        return [self.door.post(ASKED_AT, self._passkey)]

    def _passkey(self, asked: Asked) -> Response:
        passkeys, me = self.door.office.passkeys, asked.me
        made = passkeys.begin(bound_to=me.csrf, kind="show-passkey", person=me.id)
        return _told(made)


def surely(door: Door, asked: Asked, act: Callable[[], Response]) -> Response:
    """Do it where who asks has shown within minutes that it is they; else have them show it first."""
    office, me = door.office, asked.me
    with office.store.read() as session:
        recent = has_shown(session, bound_to=me.csrf, opened_at=me.opened_at, now=office.moment(session))
    if recent:
        return act()
    try:
        if not _shows(office, asked):
            return _between(door, asked, status=403)
    except NOT_SHOWN:
        return _between(door, asked, status=422, wrong="password")
    except Throttled as error:
        answer = _between(door, asked, status=429, wrong="throttled", after_s=error.after_s)
        answer.headers["Retry-After"] = str(error.after_s)
        return answer
    answer = act()
    door.renew(asked, answer)
    return answer


def _shows(office: Office, asked: Asked) -> bool:
    """Whether their form shows that it is they. Raises what NOT_SHOWN names, Throttled."""
    me, token = asked.me, asked.typed("passkey")
    password = asked.typed("password") if office.passwords.has_one(me.id) else ""
    if password:
        show_by_password(office.passwords, me.id, Secret(password), bound_to=me.csrf, device=me.device)
    elif token:
        show_by_passkey(office.passkeys, me.id, token, asked.typed("answer"), bound_to=me.csrf)
    return bool(password or token)


def _between(door: Door, asked: Asked, *, status: int, wrong: str = "", after_s: int = 0) -> Response:
    """The page that asks for it; what was typed goes along in its form."""
    sent = [
        (name, value)
        for name, value in asked.form.multi_items()
        if isinstance(value, str) and name not in _SHOWN_BY
    ]
    return door.answer(
        asked,
        "showing_anew.html",
        status=status,
        wrong=wrong,
        after_s=after_s,
        sent=sent,
        path=asked.request.url.path,
        begin=ASKED_AT,
        has_password=door.office.passwords.has_one(asked.me.id),
        has_passkey=bool(door.office.passkeys.of(asked.me.id)),
    )


def _told(made: Challenge) -> Response:
    return JSONResponse({"token": made.token, "options": json.loads(made.options)})
