"""The application: every address, and what stands before all of them."""

import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import DataError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from watching.logs import note
from web.account import Account
from web.account_codes import AccountCodes
from web.account_passkeys import AccountPasskeys
from web.api.app import api
from web.api.described import BASE as API
from web.api.problems import answer_to, problem_of
from web.asked import Door
from web.bodies import Bodies, BodyLimit
from web.bulk import Bulk
from web.cookies import SESSION, Cookies
from web.edit_request import EditRequest
from web.elsewhere import BACK, SigningInElsewhere
from web.figures_pages import FiguresPages
from web.folder import SigningFolder
from web.folder_runs import FolderRuns
from web.headers import SecurityHeaders
from web.hosts import KnownHosts
from web.keys import Keys
from web.mail_page import MailPage
from web.monitoring_pages import MonitoringPages
from web.navigation import home_of
from web.new_requests import NewRequests
from web.office_pages import OfficePages
from web.pages import Pages
from web.passkeys import SigningInByPasskey
from web.past import Past
from web.problems import waits_of
from web.queue import Queue
from web.rates import Rates
from web.recipient import RecipientsCheck
from web.request_page import RequestPage
from web.requests import Requests
from web.signing_in import Samples, SigningIn
from web.standing_in import StandingInPages
from web.step_up import ShowingAnew
from web.themed import KEPT, Themed
from web.unreadable import Unreadable
from workflow.errors import StoreUnavailable
from workflow.office import Office
from workflow.oidc import Provider

STATIC = Path(__file__).parent / "static"

log = logging.getLogger(__name__)


class Desk:
    """The office, and what its pages are made with. `samples`: as whom a sample office can be tried."""

    def __init__(self, office: Office, *, samples: Samples | None = None) -> None:
        self.office = office
        self.secure = office.verify_url is not None and office.verify_url.startswith("https:")
        self.samples = samples
        cookies = Cookies(secure=self.secure)
        self.themed, past = Themed(office.theme), Past(office.store)
        self.door = Door(
            office=office,
            pages=Pages(trial=signs_for_trial(office), cookies=cookies, themed=self.themed, past=past),
            rates=Rates(),
            sessions=office.sessions,
            cookies=cookies,
            bodies=Bodies(),
            past=past,
        )
        self.provider = (
            None
            if office.elsewhere is None
            else Provider(office.elsewhere, back=f"{office.public_url}{BACK}", clock=office.clock)
        )

    def app(self, *, beside: Sequence[BaseRoute] = ()) -> ASGIApp:
        """The application; `beside` are addresses that others serve under it."""
        door, requests = self.door, RequestPage(self.door)
        elsewhere = SigningInElsewhere(door, self.provider)
        made = Starlette(
            routes=[
                Route("/", self._home),
                *RecipientsCheck(self.office, door.pages, door.rates, door.bodies).routes(),
                *elsewhere.routes(),
                *SigningIn(door, self.samples, elsewhere).routes(),
                *Account(door).routes(),
                *AccountCodes(door).routes(),
                *AccountPasskeys(door).routes(),
                *ShowingAnew(door).routes(),
                *SigningInByPasskey(door).routes(),
                *Keys(door).routes(),
                *Queue(door).routes(),
                *Bulk(door).routes(),
                *Requests(door).routes(),
                *NewRequests(door).routes(),
                *EditRequest(door).routes(),
                *requests.routes(),
                *SigningFolder(door, requests.documents, FolderRuns(door)).routes(),
                Mount(API, api(door)),
                *StandingInPages(door).routes(),
                *OfficePages(door).routes(),
                *MonitoringPages(door).routes(),  # before those that take any name
                *FiguresPages(door).routes(),
                *MailPage(door).routes(),
                *self.themed.routes(),
                Mount("/static", _Kept(directory=STATIC)),
                *beside,
            ],
            middleware=[
                Middleware(SecurityHeaders, secure=self.secure),
                Middleware(KnownHosts, public_url=self.office.public_url),
                Middleware(BodyLimit, bodies=door.bodies),
            ],
            exception_handlers={
                HTTPException: self._refused,
                StoreUnavailable: self._waits,
                DataError: self._is_no_text,
                Exception: self._failed,
            },
        )
        made.router.redirect_slashes = False  # it would lead to wherever the Host says
        return made

    async def _home(self, request: Request) -> Response:
        """Where one begins: whoever has signed in at their work."""
        token = self.door.cookies.get(request, SESSION)
        member = await run_in_threadpool(self.door.sessions.find, token) if token else None
        return RedirectResponse("/sign-in" if member is None else home_of(member), status_code=303)

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 (it is registered for these)
        if request.url.path.startswith(f"{API}/"):  # with what no route has, such as a line's end
            return answer_to(problem_of(error))
        told = error if isinstance(error, Unreadable) else None
        answer = self.door.pages.answer(
            request, "error.html", status=error.status_code, code=error.status_code, unreadable=told
        )
        answer.headers.update(error.headers or {})
        return answer

    async def _waits(self, request: Request, error: Exception) -> Response:
        """The database does not even say who asks."""
        assert isinstance(error, StoreUnavailable)  # noqa: S101 (it is registered for these)
        note(log, logging.ERROR, "page_failed", error=error)
        answer = self.door.pages.answer(request, "error.html", status=503, code=503, unreadable=None)
        answer.headers.update(waits_of(error))
        return answer

    async def _is_no_text(self, request: Request, error: Exception) -> Response:
        """PostgreSQL has no text with NUL in it: whoever sends one has sent what is none."""
        assert isinstance(error, DataError)  # noqa: S101 (it is registered for these)
        if "NUL (0x00)" not in str(error.orig):
            raise error
        return await self._refused(request, HTTPException(400))

    async def _failed(self, request: Request, error: Exception) -> Response:
        note(log, logging.ERROR, "page_failed", error=error)
        return self.door.pages.answer(request, "error.html", status=500, code=500, unreadable=None)


def signs_for_trial(office: Office) -> bool:
    """Whether a process that is offered signs with keys of the development authority."""
    used = [office.profiles[one.signing] for one in office.catalogue if one.status == "active"]
    return any(office.signing.uses_development_keys(one) and not office.signing.forgets(one) for one in used)


class _Kept(StaticFiles):
    """Files whose address changes with their content."""

    def file_response(self, *args: object, **more: object) -> Response:
        """The file, to be kept by who asks."""
        answer = super().file_response(*args, **more)  # type: ignore[arg-type]
        answer.headers["Cache-Control"] = KEPT
        return answer
