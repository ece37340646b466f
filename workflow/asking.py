"""How a person gives their word for signatures with their key at a provider: asked by whoever sees them.

What the provider wants is worked out here; a terminal and a page only show it, and bring what is answered.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from problem import Problem
from signing.csc import Authorisation, CscClient, Factor, Question, RemoteCredential
from signing.csc_errors import RemoteCodeError, RemotePinError


@dataclass(frozen=True)
class OnPage:
    """The person answers on the provider's own page; the answer is the query that the browser brings back."""

    url: str
    question: Question


@dataclass(frozen=True)
class Typed:
    """The person types what their key asks for; `wrong` is what was wrong with what they typed before, `sent`
    that a code has been sent to them."""

    key: RemoteCredential
    count: int
    wrong: Problem | None = None
    sent: bool = False

    @property
    def pin(self) -> Factor:
        """Whether a PIN is asked for."""
        return self.key.pin

    @property
    def otp(self) -> Factor:
        """Whether a one-time code is."""
        return self.key.otp


@dataclass(frozen=True)
class OnDevice:
    """The person confirms on a device of theirs; there is nothing to answer here."""


Asking = OnPage | Typed | OnDevice


@dataclass(frozen=True)
class Given:
    """What was typed; `send`: they want a code sent, and type nothing yet."""

    pin: str = field(default="", repr=False)
    otp: str = field(default="", repr=False)
    send: bool = False


Answered = Given | Mapping[str, str]
Ask = Callable[[Asking], Awaitable[Answered]]
"""Shows what is asked, and gives the answer: a Given, but for a page; raises when there is none."""


@dataclass(frozen=True)
class PersonsWord:
    """Asks for it as the key wants: the word that `authorising` waits for.

    `describe` says what the signatures are for, by their number, on the provider's own page.
    """

    ask: Ask
    describe: Callable[[int], str]
    redirect_uri: str
    language: str = ""

    async def __call__(
        self, client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
    ) -> Authorisation:
        """Ask, and have it authorised. Raises RemoteError, and what `ask` raises."""
        if key.mode == "oauth2code":
            return await self._on_page(client, key, hashes, digest)

        async def authorised(given: Given) -> Authorisation:
            return await client.authorise(
                key.credential_id,
                hashes,
                digest=digest,
                pin=given.pin or None,
                otp=given.otp or None,
                description=self.describe(len(hashes)),
            )

        if key.mode == "implicit" or not (key.pin.is_possible or key.otp.is_possible):
            await self.ask(OnDevice())
            return await authorised(Given())
        return await self._typed(client, Typed(key, len(hashes)), authorised)

    async def _on_page(
        self, client: CscClient, key: RemoteCredential, hashes: Sequence[bytes], digest: str
    ) -> Authorisation:
        question = await client.ask_on_page(
            key.credential_id, hashes, redirect_uri=self.redirect_uri, digest=digest
        )
        url = await client.page_url(question, language=self.language, description=self.describe(len(hashes)))
        query = await self.ask(OnPage(url, question))
        return await client.redeem(question, {} if isinstance(query, Given) else query)

    async def _typed(
        self,
        client: CscClient,
        asking: Typed,
        authorised: Callable[[Given], Awaitable[Authorisation]],
    ) -> Authorisation:
        """By PIN and code; what was wrong is asked anew, and nothing is tried that was not typed."""
        while True:
            given = await self.ask(asking)
            if not isinstance(given, Given):
                continue
            if given.send and asking.otp.online:
                await client.send_code(asking.key.credential_id)
                asking = replace(asking, sent=True, wrong=None)
                continue
            try:
                return await authorised(given)
            except (RemotePinError, RemoteCodeError) as error:
                asking = replace(asking, wrong=error)
