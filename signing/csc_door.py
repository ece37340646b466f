"""The way in to a remote signing provider: its address, this application's access, and a person's.

Source: Cloud Signature Consortium API 1.0.4.0, clauses 7, 8 and 11.1; RFC 6749.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, TypeVar

import aiohttp

from signing.csc_address import checked_url
from signing.csc_answers import Answer, ServiceInfo, Unspecified, service_info
from signing.csc_errors import RemoteAnswerError, RemoteLoginError, RemoteSettingsError
from signing.csc_exchange import Call, Exchange
from signing.csc_oauth import Question, code_of
from signing.secret import Secret

_INFO_KEPT: Final = timedelta(hours=1)
_MARGIN: Final = timedelta(seconds=30)  # a token is renewed before it ends, not in the middle of a call

T = TypeVar("T")


@dataclass(frozen=True)
class CscService:
    """A remote signing provider as an organisation has set it: `url` is the API's base, up to csc/v1.

    `oauth_url` is the base of its OAuth 2.0 server where that is another host than the API's: a client's
    secret goes nowhere else. `hashes_a_call` is how many hashes one signHash may hold, `longest_url` how many
    characters the address of its page may have (web servers usually take 8 kB). Raises RemoteSettingsError
    for addresses that secrets can't be sent to.
    """

    name: str
    url: str
    client_id: str
    client_secret: Secret
    oauth_url: str = ""
    hashes_a_call: int = 100
    longest_url: int = 8000

    def __post_init__(self) -> None:
        checked_url(self.url, what=f"The address of {self.name}")
        if self.oauth_url:
            checked_url(self.oauth_url, what=f"The OAuth address of {self.name}")
        if self.hashes_a_call < 1:
            raise RemoteSettingsError(
                f"{self.name} may sign at least one hash a call.", hint="Set 1 or more."
            )


@dataclass(frozen=True)
class AccessToken:
    """What opens the provider's API, for this application or for a person who has logged in there."""

    text: Secret
    expires_at: datetime
    refresh: Secret | None = None


class Door:
    """Asks the provider's methods with the access that they need."""

    def __init__(
        self,
        service: CscService,
        *,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime],
        timeout_s: float,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.service = service
        self._clock = clock
        self._timeout_s = timeout_s
        self._exchange = Exchange(service.name, http=http, clock=clock, sleep=sleep)
        self._info: tuple[datetime, ServiceInfo] | None = None
        self._own: AccessToken | None = None
        self._logging_in = asyncio.Lock()

    async def info(self, *, until: float = 0.0) -> ServiceInfo:
        """Say what the provider can do; asked once an hour. Raises RemoteError."""
        if self._info is None or self._clock() - self._info[0] > _INFO_KEPT:
            call = Call(self._address("info"), repeatable=True)
            answer = await self._exchange.ask(call, until=until or self._until())
            self._info = self._clock(), self.read(answer, service_info)
        return self._info[1]

    async def ask(
        self,
        method: str,
        body: Mapping[str, object],
        access: AccessToken | None,
        *,
        signs: tuple[bytes, ...] = (),
        repeatable: bool = False,
        expects_nothing: bool = False,
        timeout_s: float = 0.0,
    ) -> Answer:
        """Ask a method of the API; with the application's own access, a refused token is renewed once.

        Ends within `timeout_s` (0 is the usual), getting access included. Raises RemoteError.
        """
        until = monotonic() + (timeout_s or self._timeout_s)
        token = access or await self._own_token(until)
        call = Call(
            self._address(method),
            body,
            token=token.text.reveal(),
            signs=signs,
            repeatable=repeatable,
            expects_nothing=expects_nothing,
        )
        try:
            return await self._exchange.ask(call, until=until)
        except RemoteLoginError:
            if access is not None:
                raise
        # Turned away at the door, so nothing was done: once more with a new token.
        self._own = None if self._own is token else self._own
        again = replace(call, token=(await self._own_token(until)).text.reveal())
        return await self._exchange.ask(again, until=until)

    async def _own_token(self, until: float) -> AccessToken:
        """The application's own access, by client credentials. Source: 8.3.3; RFC 6749, 4.4."""
        async with self._logging_in:
            if self._own is None or self._clock() >= self._own.expires_at - _MARGIN:
                self._own = await self._token({"grant_type": "client_credentials"}, until=until)
            return self._own

    async def redeem(self, question: Question, answered: Mapping[str, str]) -> AccessToken:
        """Turn the query with which the browser came back into what was granted on the provider's page."""
        form = {
            "grant_type": "authorization_code",
            "code": code_of(question, answered).reveal(),
            "redirect_uri": question.redirect_uri,
            "code_verifier": question.verifier.reveal(),
        }
        return await self._token(form, until=self._until())

    async def renewed(self, access: AccessToken) -> AccessToken:
        """Renew a person's access; raises RemoteLoginError when they have to log in again."""
        if access.refresh is None:
            raise RemoteLoginError(
                f"Nobody is logged in at {self.service.name} any more.",
                hint="The person logs in there again.",
            )
        form = {"grant_type": "refresh_token", "refresh_token": access.refresh.reveal()}
        return replace(await self._token(form, until=self._until()), refresh=access.refresh)

    async def end(self, access: AccessToken) -> None:
        """End a person's access, and what could renew it. Raises RemoteError."""
        form = {
            "token": (access.refresh or access.text).reveal(),
            "token_type_hint": "refresh_token" if access.refresh else "access_token",
            "client_id": self.service.client_id,
            "client_secret": self.service.client_secret.reveal(),
        }
        call = Call(f"{await self.oauth_url()}oauth2/revoke", form, form=True, expects_nothing=True)
        await self._exchange.ask(call, until=self._until())

    async def _token(self, form: dict[str, str], *, until: float) -> AccessToken:
        asked_at = self._clock()
        form |= {
            "client_id": self.service.client_id,
            "client_secret": self.service.client_secret.reveal(),
        }
        url = f"{await self.oauth_url(until=until)}oauth2/token"
        answer = await self._exchange.ask(Call(url, form, form=True), until=until)
        return self.read(answer, lambda told: _access_token(told, asked_at))

    async def oauth_url(self, *, until: float = 0.0) -> str:
        """Where the provider's OAuth 2.0 server is: as set, or as the provider says for its own host."""
        if self.service.oauth_url:
            return self.service.oauth_url.rstrip("/") + "/"
        told = (await self.info(until=until)).oauth_url
        if not told:
            raise self.wrong("no address of an OAuth server")
        name = self.service.name
        mine = checked_url(self.service.url, what=f"The address of {name}")
        theirs = checked_url(told, what=f"The OAuth address that {name} gives")
        if (mine.scheme, mine.netloc) != (theirs.scheme, theirs.netloc):
            raise RemoteSettingsError(
                f"{name} has its OAuth server at another host than its API.",
                hint="Set its OAuth address: the client's secret is sent nowhere else.",
            )
        return told

    def read(self, answer: Answer, reader: Callable[[Answer], T]) -> T:
        """Read what an answer holds; raises RemoteAnswerError when it is not as the specification has it."""
        try:
            return reader(answer)
        except Unspecified as error:
            raise self.wrong(str(error)) from None

    def wrong(self, what: str) -> RemoteAnswerError:
        """An error about an answer that is not as the specification has it."""
        return RemoteAnswerError(
            f"{self.service.name} gave an answer that the specification does not allow: {what}.",
            hint="Ask the provider which version of the CSC API it speaks: this is 1.0.4.0.",
        )

    def _until(self) -> float:
        return monotonic() + self._timeout_s

    def _address(self, method: str) -> str:
        return f"{self.service.url.rstrip('/')}/{method}"


def _access_token(answer: Answer, asked_at: datetime) -> AccessToken:
    if answer.text("token_type").lower() != "bearer":
        raise Unspecified("a token of another type")
    refresh = answer.optional("refresh_token")
    return AccessToken(
        Secret(answer.token("access_token")),
        asked_at + timedelta(seconds=answer.life_s("expires_in")),
        Secret(refresh) if refresh else None,
    )
