"""What all ways of signing in have in common: the visit before it, and the session after it."""

import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from web.asked import Asked, Door, form_token, require_same_site
from web.cookies import DEVICE, DEVICE_S, SESSION, VISIT
from web.navigation import home_of
from web.rates import Rate
from workflow.entrance import Opened, Visit

TRIES: Final = Rate("sign-in", 60, 600.0)
"""Of one address: a whole office may be behind it. Each person's own failures are counted apart."""
AS_ONE: Final = Rate("sign-in-as", 6, 900.0)
"""Of one address as one person: nobody makes somebody wait for long from a single place."""
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "CrOS", "Linux")
_ODD: Final = re.compile(r"[^\x20-\x7e]")


@dataclass(frozen=True)
class LettingIn:
    """Begins visits, and opens sessions."""

    door: Door

    def visit(self, request: Request) -> Visit:
        """The browser in which somebody signs in."""
        return Visit(
            self.door.cookies.get(request, VISIT),
            self.door.cookies.get(request, DEVICE),
            browser_of(request),
        )

    def held(self, request: Request) -> str:
        """What the browser holds of this visit, or is to hold from now on."""
        return self.door.cookies.get(request, VISIT) or secrets.token_urlsafe(24)

    def page(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page for somebody who has not signed in: its forms go with a cookie of this visit."""
        visit = self.held(request)
        answer = self.door.pages.answer(
            request, template, status=status, visit_token=form_token(visit), **context
        )
        self.door.cookies.set(answer, VISIT, visit)
        if context.get("after_s"):
            answer.headers["Retry-After"] = str(context["after_s"])
        return answer

    def require_visit(self, request: Request, form: FormData) -> None:
        """Raises HTTPException 403 for a form that is not of this visit."""
        require_same_site(request)
        visit, sent = self.door.cookies.get(request, VISIT), text_of(form, "csrf")
        if not visit or not hmac.compare_digest(sent.encode(), form_token(visit).encode()):
            raise HTTPException(403)

    def welcome(self, request: Request, opened: Opened, onward: str) -> Response:
        """Lead somebody who has just been let in to where they were going; what was held before is over."""
        held = self.door.cookies.get(request, SESSION)
        if held:
            self.door.sessions.end(held)  # who was signed in here before is not any more
        member = self.door.sessions.find(opened.session)
        answer = RedirectResponse(onward or (home_of(member) if member else "/"), status_code=303)
        self.give(answer, opened)
        self.door.cookies.drop(answer, VISIT)
        return answer

    def give(self, answer: Response, opened: Opened) -> None:
        """Have the browser hold the session, and be known by it."""
        self.door.cookies.set(answer, SESSION, opened.session)
        self.door.cookies.set(answer, DEVICE, opened.device, seconds=DEVICE_S)

    def anew(self, asked: Asked) -> Opened:
        """Open a session in place of those that have just ended by what its person did."""
        return self.door.office.entrance.again(asked.me.id, asked.me.method, self.visit(asked.request))


def browser_of(request: Request) -> str:
    """Which browser it is, in few words, as it says itself; "" where it says nothing that we know."""
    said = _ODD.sub("", request.headers.get("user-agent", ""))[:300]
    name = next((name for word, name in _BROWSERS if f"{word}/" in said or f"{word}iOS/" in said), "")
    system = next((one for one in _SYSTEMS if one in said), "")
    return ", ".join(one for one in (name, system) if one)


def inside(path: str) -> str:
    """The address, where it is one of this office's own pages; else ""."""
    try:
        parts = urlsplit(path)
    except ValueError:
        return ""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return (
        path if ours and not (parts.scheme or parts.netloc) and "\\" not in path and len(path) < 500 else ""
    )


def text_of(form: FormData, field: str) -> str:
    """What a field says; "" for nothing, or a file."""
    value = form.get(field)
    return value if isinstance(value, str) else ""
