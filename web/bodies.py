"""How much may be sent: counted as it comes, whatever its headers say."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1024 * 1024
SMALL = 64 * 1024
"""Bytes of a form without files."""
MOST: Mapping[str, int] = {"/verify/file": 32 * MIB + SMALL}
"""Bytes, by the addresses that take more."""


class BodyLimit:
    """Refuses a body that is longer than its address takes: 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what fits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, come = MOST.get(scope["path"], SMALL), 0

        async def counted() -> Message:
            nonlocal come
            message = await receive()
            come += len(message.get("body", b""))
            if come > most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
