"""Whether single keys do something on pages: everybody can turn that off, without JavaScript too.

The choice is in a cookie that scripts can read; it says nothing of who they are.
Source: WCAG 2.2, 2.1.4 (character key shortcuts).
"""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from web.cookies import KEYS, KEYS_OFF
from web.pages import A_YEAR_S
from web.signing_in import inside


@dataclass(frozen=True)
class Keys:
    """The setting."""

    door: Door

    def routes(self) -> list[Route]:
        """Its address."""
        return [self.door.post("/keys", self._choose)]

    def _choose(self, asked: Asked) -> Response:
        answer = self.door.see(inside(asked.text("back")) or "/")
        if asked.text("keys") == KEYS_OFF:
            # not httponly: static/keys.js reads it
            answer.set_cookie(
                KEYS, KEYS_OFF, max_age=A_YEAR_S, secure=self.door.cookies.secure, samesite="lax"
            )
        else:
            answer.delete_cookie(KEYS, secure=self.door.cookies.secure, samesite="lax")
        return answer
