"""What stands around every answer of the API: how often may be asked still, and what nobody foresaw."""

import logging
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from watching.logs import note
from web.api.errors import Failed
from web.api.guard import USES
from web.api.problems import answer_to
from web.rates import Left

POLICY: Final = f'"{USES.name}";q={USES.count};w={USES.seconds:g}'
"""As draft-ietf-httpapi-ratelimit-headers (from its version 08 on) has it: a quota, and its window."""

log = logging.getLogger(__name__)


class Answers:
    """Tells in every answer how often its token may ask; makes an answer of what nobody foresaw."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and tell."""
        state = scope.setdefault("state", {})
        begun = False

        async def telling(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                left: Left | None = state.get("rate")
                if left is not None:
                    headers = MutableHeaders(scope=message)
                    headers["RateLimit-Policy"] = POLICY
                    headers["RateLimit"] = f'"{USES.name}";r={left.left};t={left.full_in_s}'
            await send(message)

        try:
            await self._app(scope, receive, telling)
        except Exception as error:
            if begun:
                raise
            note(log, logging.ERROR, "api_failed", error=error)
            await answer_to(Failed())(scope, receive, telling)
