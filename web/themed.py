"""The office's own name, logo and colours on its pages: what its theme adds to the neutral look."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from workflow.theme import Theme

KEPT: Final = "public, max-age=31536000, immutable"
"""For what has another address once it is changed."""


@dataclass(frozen=True)
class Themed:
    """What templates say of the theme: `name`, and the addresses of its style and its logo, "" for none."""

    theme: Theme

    @property
    def name(self) -> str:
        """What the office calls itself."""
        return self.theme.name

    @cached_property
    def style(self) -> str:
        """The address of its colours."""
        return _address("theme.css", self._css) if self.theme.accent else ""

    @cached_property
    def logo(self) -> str:
        """The address of its logo."""
        logo = self.theme.logo
        return _address(f"logo.{logo.ending}", logo.content) if logo else ""

    def routes(self) -> list[Route]:
        """Their addresses, of those that there are."""
        found = []
        if self.style:
            found.append(Route(self.style.partition("?")[0], self._styled))
        if self.logo:
            found.append(Route(self.logo.partition("?")[0], self._pictured))
        return found

    async def _styled(self, _request: Request) -> Response:
        return Response(self._css, media_type="text/css", headers={"Cache-Control": KEPT})

    async def _pictured(self, _request: Request) -> Response:
        logo = self.theme.logo
        assert logo is not None  # noqa: S101 (it has an address)
        # opened by itself, it is a picture still
        headers = {"Cache-Control": KEPT, "Content-Security-Policy": "sandbox"}
        return Response(logo.content, media_type=logo.media_type, headers=headers)

    @cached_property
    def _css(self) -> bytes:
        accent = self.theme.accent
        dark = f"@media (prefers-color-scheme: dark) {{ :root {{ --accent: {accent['dark']}; }} }}"
        return f":root {{ --accent: {accent['light']}; }}\n{dark}\n".encode()


def _address(name: str, content: bytes) -> str:
    return f"/static/{name}?{hashlib.sha256(content).hexdigest()[:12]}"
