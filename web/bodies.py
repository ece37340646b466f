"""How much may be sent: counted as it comes, whatever its headers say; and no form in odd characters."""

import re
from dataclasses import dataclass, field
from typing import Final

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1024 * 1024
SMALL = 64 * 1024
"""Bytes of a form without files."""
_PLAIN: Final = frozenset({b"utf-8", b"utf8", b"us-ascii"})


@dataclass
class Bodies:
    """How many bytes which address takes: little, unless it says otherwise."""

    _allowed: list[tuple[re.Pattern[str], int]] = field(default_factory=list)

    def allow(self, path: str, most: int) -> None:
        """Have the addresses of this pattern (of a route) take so much."""
        if most != SMALL:
            self._allowed.append((compile_path(path)[0], most))

    def most(self, path: str) -> int:
        """How much an address takes."""
        return next((most for pattern, most in self._allowed if pattern.fullmatch(path)), SMALL)


class BodyLimit:
    """Refuses a body that is longer than its address takes: 413; and a form that asks to be read by another
    codec than UTF-8, some of which take minutes for a megabyte: 415.
    """

    def __init__(self, app: ASGIApp, *, bodies: Bodies) -> None:
        self._app = app
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what fits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most, come = self._bodies.most(scope["path"]), 0
        odd = _has_odd_characters(scope)

        async def counted() -> Message:
            nonlocal come
            if odd:
                raise HTTPException(415)
            message = await receive()
            come += len(message.get("body", b""))
            if come > most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)


def _has_odd_characters(scope: Scope) -> bool:
    """Whether a form says that its fields are in other characters than UTF-8: no browser does.

    Source: RFC 7578, 5.1.
    """
    kind, options = parse_options_header(Headers(scope=scope).get("content-type", ""))
    return kind == b"multipart/form-data" and options.get(b"charset", b"utf-8").lower() not in _PLAIN
