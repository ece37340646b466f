"""Whether single keys do something on pages: everybody can turn that off, without JavaScript too.

The choice is in a cookie that scripts can read; it says nothing of who they are.
Source: WCAG 2.2, 2.1.4 (character key shortcuts).
"""

from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from web.cookies import A_YEAR_S, KEYS, KEYS_OFF
from web.letting_in import inside


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
            self.door.cookies.set(answer, KEYS, KEYS_OFF, seconds=A_YEAR_S)
        else:
            self.door.cookies.drop(answer, KEYS)
        return answer
