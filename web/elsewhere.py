"""Signing in through the organisation: out to its provider, and back with a code.

The way out is a link, not a form: the policy of our pages lets a form lead nowhere else. What comes back is
bound to the browser that set out: its state is that of a ceremony, and good once.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from watching.logs import note
from web.asked import Door
from web.cookies import VISIT
from web.letting_in import TRIES, LettingIn, inside
from workflow.ceremonies import Ceremony, CeremonyOver, begin, new_token, take
from workflow.entrance import NotInRegister
from workflow.oidc import ElsewhereFailed, ElsewhereRefused, Provider

PATH = "/sign-in/elsewhere"
BACK = f"{PATH}/back"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SigningInElsewhere:
    """The addresses that lead there and back. `provider`: None where people sign in here alone."""

    door: Door
    provider: Provider | None

    def routes(self) -> list[Route]:
        """Their addresses."""
        if self.provider is None:
            return []
        return [
            Route(PATH, self._threaded(self._out), methods=["GET"]),
            Route(BACK, self._threaded(self._back), methods=["GET"]),
        ]

    def leaving(self, id_token: str) -> str:
        """Where somebody signs out there, too; "" where they don't."""
        if self.provider is None or not id_token or not self.provider.settings.sign_out_there:
            return ""
        return self.provider.leaving(id_token, back=f"{self.door.office.public_url}/sign-in")

    def _threaded(self, act: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            self.door.rates.require(request, TRIES)
            return await run_in_threadpool(self._told, request, act)

        return answered

    def _told(self, request: Request, act: Callable[[Request], Response]) -> Response:
        try:
            return act(request)
        except ElsewhereFailed as error:
            note(log, logging.WARNING, "sign_in_elsewhere_failed", error=error)
            return self._page(request, "failed", status=503)
        except ElsewhereRefused as error:
            note(log, logging.WARNING, "sign_in_elsewhere_refused", error=error)
            return self._page(request, "refused")
        except CeremonyOver:
            return self._page(request, "over")
        except NotInRegister as error:
            return self._page(request, "unknown", person=error.person)

    def _page(
        self,
        request: Request,
        wrong: str,
        *,
        status: int = 422,
        person: str = "",
    ) -> Response:
        return self.door.pages.answer(
            request,
            "elsewhere.html",
            status=status,
            wrong=wrong,
            person=person,
            name=self._provider.settings.name,
        )

    @property
    def _provider(self) -> Provider:
        if self.provider is None:
            raise HTTPException(404)
        return self.provider

    def _out(self, request: Request) -> Response:
        office, state = self.door.office, new_token()
        visit = LettingIn(self.door).held(request)
        begun = self._provider.begin(state)
        onward = inside(request.query_params.get("next", ""))
        data = {"nonce": begun.nonce, "verifier": begun.verifier, "next": onward}
        with office.store.write() as session:
            now = office.moment(session)
            begin(session, "elsewhere", bound_to=visit, now=now, data=data, token=state)
        answer = RedirectResponse(begun.address, status_code=303)
        self.door.cookies.set(answer, VISIT, visit)
        return answer

    def _back(self, request: Request) -> Response:
        said, office = request.query_params, self.door.office
        letting_in = LettingIn(self.door)
        visit = letting_in.visit(request)
        begun = self._begun(said.get("state", ""), visit.token)
        if "code" not in said:
            raise ElsewhereRefused("Nobody answered at the organisation's sign-in.", hint="Begin again.")
        vouched = self._provider.vouched(
            said["code"],
            nonce=begun.data["nonce"],
            verifier=begun.data["verifier"],
            issuer=said.get("iss", ""),
        )
        opened = office.entrance.by_word(vouched, self._provider.settings.duties, visit)
        return letting_in.welcome(request, opened, begun.data["next"])

    def _begun(self, state: str, held: str) -> Ceremony:
        """What was begun; with this it is over, whatever comes of it. Raises CeremonyOver."""
        office = self.door.office
        with office.store.write() as session:
            return take(session, "elsewhere", state, bound_to=held, now=office.moment(session))
