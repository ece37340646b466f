"""By which names the office is asked for: its own, and numbers of machines, by which trials and probes ask.

So nothing that somebody makes up stands in an address of ours, and no site that points a name of its own at
this machine reads what it answers. Source: RFC 9110, 7.2 and 15.5.20.
"""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from workflow.elsewhere_settings import is_loopback

_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
MISDIRECTED: Final = (
    "This office answers to the address in PARAAF_PUBLIC_URL. A proxy before it has to pass the Host on.\n"
)


class KnownHosts:
    """Refuses what is no host: 400; and what is asked of a name that is not the office's: 421."""

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._ours = urlsplit(public_url).hostname

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is asked of us."""
        status = self._refused(Headers(scope=scope).getlist("host")) if scope["type"] == "http" else 0
        if status:
            await PlainTextResponse(MISDIRECTED, status)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refused(self, said: list[str]) -> int:
        if not said:  # HTTP/1.0
            return 0
        found = _HOST.fullmatch(said[0])
        if len(said) > 1 or found is None:
            return 400
        name = found["name"].strip("[]").lower().rstrip(".")
        return 0 if name == self._ours or is_loopback(name) or _is_number(name) else 421


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
