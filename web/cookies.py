"""The cookies that there are: bound to this very host where pages come over https, out of scripts' reach but
for one that says nothing of anybody.
"""

from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

SESSION: Final = "paraaf"
VISIT: Final = "paraaf-visit"
DEVICE: Final = "paraaf-device"
DEVICE_S: Final = 90 * 24 * 3600
LANGUAGE: Final = "paraaf-language"
KEYS: Final = "paraaf-keys"
"""Whether single keys do something; static/keys.js reads it, too."""
KEYS_OFF: Final = "off"
A_YEAR_S: Final = 365 * 24 * 3600
_READ_BY_SCRIPTS: Final = frozenset({KEYS})
_BOUND: Final = "__Host-"


def chosen(request: Request, name: str) -> str:
    """What was chosen for pages in this browser, over https or not; never who somebody is."""
    return request.cookies.get(f"{_BOUND}{name}") or request.cookies.get(name, "")


def keys_are_off(request: Request) -> bool:
    """Whether who asks has turned single keys off."""
    return chosen(request, KEYS) == KEYS_OFF


@dataclass(frozen=True)
class Cookies:
    """Sets and reads them. `secure`: pages come over https.

    With `__Host-` before its name a browser takes a cookie only from this host itself, over https: no
    neighbour under the same domain plants one. Source: RFC 6265bis, 4.1.3.2.
    """

    secure: bool

    def get(self, request: Request, name: str) -> str:
        """What the browser holds; "" for nothing."""
        return request.cookies.get(self._name(name), "")[:200]

    def set(self, response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
        """Have the browser hold it for so long, or until it is closed."""
        response.set_cookie(
            self._name(name),
            value,
            path="/",
            max_age=seconds,
            secure=self.secure,
            httponly=name not in _READ_BY_SCRIPTS,
            samesite="lax",
        )

    def drop(self, response: Response, name: str) -> None:
        """Have the browser forget it."""
        response.delete_cookie(self._name(name), path="/", secure=self.secure, httponly=True, samesite="lax")

    def _name(self, name: str) -> str:
        return f"{_BOUND}{name}" if self.secure else name
