"""Legal holds on a request, for those who work with it: placed and released on its page."""

from dataclasses import dataclass, replace

from starlette.responses import Response
from starlette.routing import Route

from web.asked import Asked, Door
from web.step_up import surely
from workflow.command_form import REQUEST_ID_MAX
from workflow.digits import whole
from workflow.holds import OpenHold
from workflow.reading import RequestView


@dataclass(frozen=True)
class RequestHolds:
    """What keeps a request from being destroyed, and whether who looks at it may change that."""

    door: Door

    def routes(self) -> list[Route]:
        """Their addresses."""
        return [
            self.door.post("/requests/{n}/hold", self._hold),
            self.door.post("/requests/{n}/release-hold", self._release),
        ]

    def shown(self, view: RequestView, person: str) -> tuple[list[OpenHold], bool]:
        """The holds, and whether this person may place and release them; who placed them and why only where
        that is for them."""
        holds = self.door.office.holds
        found = holds.open(view.id)
        if not view.learns_why_held:
            found = [replace(one, placed_by="", reason="") for one in found]
        return found, holds.may(view.id, person)

    def _hold(self, asked: Asked) -> Response:
        number = self._seen(asked)
        self.door.office.holds.place(number, asked.me.id, asked.typed("reason").strip(), key=_key(asked))
        return self.door.see(f"/requests/{number}#holds")

    def _release(self, asked: Asked) -> Response:
        number = self._seen(asked)
        return surely(self.door, asked, lambda: self._released(asked, number))

    def _released(self, asked: Asked, number: int) -> Response:
        hold = asked.typed("hold")
        known = whole(hold, REQUEST_ID_MAX) or 0
        self.door.office.holds.release(
            number, asked.me.id, asked.typed("reason").strip(), hold_id=known, key=_key(asked)
        )
        return self.door.see(f"/requests/{number}#holds")

    def _seen(self, asked: Asked) -> int:
        """The request's number. Raises NotFound for who does not see it, also if they administer its unit."""
        number = asked.number("n")
        self.door.office.engine.show(number, asked.me.id)
        return number


def _key(asked: Asked) -> str:
    return f"hold:{asked.typed('key')[:60]}"
