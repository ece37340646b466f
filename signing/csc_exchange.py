"""One call to a remote signing provider and its answer: bounded in time and size, and never ambiguous.

Either the answer is as the specification has it, or an error says whether the provider may have signed. What
is sent again is only what was certainly not done. Source: Cloud Signature Consortium API 1.0.4.0, clause 10.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Final, NoReturn

import aiohttp

from signing.csc_answers import Answer, Unspecified
from signing.csc_errors import (
    RemoteAnswerError,
    RemoteAuthorisationError,
    RemoteCodeError,
    RemoteCountError,
    RemoteCredentialError,
    RemoteDeniedError,
    RemoteError,
    RemoteLimitError,
    RemoteLoginError,
    RemotePinError,
    RemoteRefusedError,
    RemoteSettingsError,
    RemoteUnavailableError,
    RemoteUncertainError,
)

LARGEST_ANSWER: Final = 1024 * 1024
_JSON: Final = "application/json"
_FIRST_WAIT_S: Final = 0.5
_LATER: Final = "It is tried again later; ask the provider if it stays so."
_AUTHORISE_AGAIN: Final = "Authorise the signatures again."


@dataclass(frozen=True)
class Call:
    """What is asked of the provider: a JSON object, or a form where OAuth 2.0 wants one.

    `signs` marks the one call that uses a key; `repeatable` what changes nothing at the provider.
    """

    url: str
    body: Mapping[str, object] = field(default_factory=dict, repr=False)
    form: bool = False
    token: str = field(default="", repr=False)
    signs: tuple[bytes, ...] = field(default=(), repr=False)
    repeatable: bool = False
    expects_nothing: bool = False


@dataclass(frozen=True)
class _Reply:
    status: int
    content_type: str
    retry_after: str
    body: bytes = field(repr=False)


class _Again(Exception):
    """The provider did nothing, and may be asked again after so many seconds; None leaves it to the asker."""

    def __init__(self, after_s: float | None, *, busy: bool) -> None:
        super().__init__()
        self.after_s = after_s
        self.busy = busy


class Exchange:
    """Asks one provider; `name` is what its errors call it."""

    def __init__(
        self,
        name: str,
        *,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._name = name
        self._http = http
        self._clock = clock
        self._sleep = sleep

    async def ask(self, call: Call, *, until: float) -> Answer:
        """Ask, and wait for the answer no longer than `until`, a reading of the monotonic clock.

        A provider that says it is busy is asked again as soon as it allows, when that is in time. Raises
        RemoteError.
        """
        doubtful, tries = False, 0
        while True:
            try:
                return self._judged(call, await self._sent(call, until))
            except _Again as again:
                # A gateway may say it over work that is being done: a refusal after it is looked at twice.
                doubtful = doubtful or again.busy
                wait_s = _FIRST_WAIT_S * 2**tries if again.after_s is None else again.after_s
                if wait_s >= until - monotonic():
                    raise RemoteLimitError(f"{self._name} takes no more calls now.", after_s=wait_s) from None
                await self._sleep(wait_s)
                tries += 1
            except (RemoteAuthorisationError, RemoteCountError):
                if doubtful and call.signs:
                    self._uncertain(call, "said that it was busy, and then that it had signed already")
                raise

    async def _sent(self, call: Call, until: float) -> _Reply:
        """Send, and read the whole reply; raises what says whether the call may have reached the provider."""
        tries = 2 if call.repeatable else 1
        while True:
            try:
                return await self._posted(call, max(until - monotonic(), 0.001))
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                # No connection: nothing was sent.
                raise self._unavailable(f"can't be reached ({type(error).__name__})") from None
            except aiohttp.ServerDisconnectedError:
                tries -= 1
                if not tries:
                    self._lost(call, "closed the connection without an answer")
            except TimeoutError:
                self._lost(call, "gave no answer in time")
            except aiohttp.InvalidURL:
                raise RemoteSettingsError(
                    f"The address of {self._name} is none.",
                    hint="Write it like https://provider.example/csc/v1.",
                ) from None
            except (aiohttp.ClientError, OSError, ValueError) as error:
                # Not `from error`: its text may hold the request's headers.
                self._lost(call, f"broke its answer off ({type(error).__name__})")

    async def _posted(self, call: Call, timeout_s: float) -> _Reply:
        # identity: a compressed answer could be small on the wire and huge in memory
        headers = {"Accept": _JSON, "Accept-Encoding": "identity"}
        if call.token:
            headers["Authorization"] = f"Bearer {call.token}"
        fields = {key: value for key, value in call.body.items() if value is not None}
        async with self._http.post(
            call.url,
            data=fields if call.form else None,
            json=None if call.form else fields,
            headers=headers,
            # Half of the time for the connection: then it is known that nothing was sent.
            timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=timeout_s / 2),
            allow_redirects=False,
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(64 * 1024):
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    break
            plain = response.headers.get("Content-Encoding", "identity") == "identity"
            return _Reply(
                response.status,
                response.content_type if plain and "Content-Type" in response.headers else "",
                response.headers.get("Retry-After", ""),
                bytes(body),
            )

    def _judged(self, call: Call, reply: _Reply) -> Answer:
        """Give the answer of a call that succeeded; raises RemoteError, and _Again for a busy provider."""
        try:
            if reply.status == (204 if call.expects_nothing else 200):
                return Answer({}) if call.expects_nothing else _answer(reply)
            if reply.status in (429, 503):
                self._busy(call, reply)
            if 400 <= reply.status < 500 and reply.status != 408:
                raise self._refusal(_answer(reply), reply.status)
        except Unspecified as error:
            if call.signs and reply.status < 400:
                self._uncertain(call, f"answered what can't be used: {error}")
            raise RemoteAnswerError(
                f"{self._name} answered with HTTP status {reply.status} and {error}.", hint=_LATER
            ) from None
        if reply.status >= 500 or reply.status == 408:
            self._lost(call, f"answered with HTTP status {reply.status}")
        if call.signs:
            self._uncertain(call, f"answered with HTTP status {reply.status}")
        raise RemoteAnswerError(
            f"{self._name} answered with HTTP status {reply.status}.",
            hint="Check the provider's address: redirects are not followed.",
        )

    def _busy(self, call: Call, reply: _Reply) -> NoReturn:
        after_s = retry_after_s(reply.retry_after, now=self._clock())
        if reply.status == 429 or after_s is not None or call.repeatable:
            raise _Again(after_s, busy=reply.status == 503)
        self._lost(call, f"answered with HTTP status {reply.status}")

    def _refusal(self, answer: Answer, status: int) -> RemoteError:
        """Turn the specification's error object into an error of ours, without repeating what is in it."""
        word, said = answer.text("error"), answer.optional("error_description")
        for is_meant, make in _REFUSALS:
            if is_meant(word, said):
                return make(self._name)
        known = word if word in _WORDS else "a word that the specification does not know"
        return RemoteRefusedError(
            f"{self._name} refused with HTTP status {status}: {known}.",
            hint="Ask the provider what it misses; the call is of the CSC API 1.0.4.0.",
        )

    def _lost(self, call: Call, what: str) -> NoReturn:
        if call.signs:
            self._uncertain(call, what)
        raise self._unavailable(what)

    def _uncertain(self, call: Call, what: str) -> NoReturn:
        raise RemoteUncertainError(
            f"{self._name} {what}: it may have made {len(call.signs)} signatures.",
            hint="Ask the provider, or authorise the signatures again: the key is then used once more over"
            " the same bytes.",
            hashes=call.signs,
        )

    def _unavailable(self, what: str) -> RemoteUnavailableError:
        return RemoteUnavailableError(f"{self._name} {what}; nothing was signed.", hint=_LATER)


def _answer(reply: _Reply) -> Answer:
    if len(reply.body) > LARGEST_ANSWER:
        raise Unspecified("more than 1 MiB")
    if reply.content_type != _JSON:
        raise Unspecified("another type than JSON")
    return Answer.read(reply.body)


def retry_after_s(header: str, *, now: datetime) -> float | None:
    """Read Retry-After: seconds, or a date; None for anything else. Source: RFC 9110, 10.2.3."""
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


_WORDS: Final = frozenset(
    {
        "invalid_request",
        "unauthorized_client",
        "access_denied",
        "unsupported_response_type",
        "unsupported_grant_type",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
    }
)


def _word(*words: str) -> Callable[[str, str], bool]:
    return lambda word, _said: word in words


def _said(*texts: str) -> Callable[[str, str], bool]:
    return lambda _word, said: said.rstrip(".") in texts


# First what the word says, then what only the description does: clause 11's tables share one word for much.
_REFUSALS: Final[tuple[tuple[Callable[[str, str], bool], Callable[[str], RemoteError]], ...]] = (
    (
        _word("invalid_pin"),
        lambda name: RemotePinError(
            f"{name} says that the PIN is wrong.", hint="Type it again; after a few tries it is locked."
        ),
    ),
    (
        _said("PIN locked", "Credential locked"),
        lambda name: RemotePinError(
            f"{name} has locked the PIN.", hint="The key's owner has it unlocked at the provider."
        ),
    ),
    (
        _said("Missing (or invalid type) string parameter PIN", "Invalid parameter PIN"),
        lambda name: RemotePinError(f"{name} asks for the PIN of the key.", hint="Type it."),
    ),
    (
        _word("invalid_otp"),
        lambda name: RemoteCodeError(
            f"{name} says that the one-time code is wrong.", hint="Have a new code sent, and type that."
        ),
    ),
    (
        _said("Missing (or invalid type) string parameter OTP", "Invalid parameter OTP"),
        lambda name: RemoteCodeError(f"{name} asks for a one-time code.", hint="Have one sent, and type it."),
    ),
    (
        _word(
            "invalid_token", "expired_token", "invalid_client", "unauthorized_client", "authentication_error"
        ),
        lambda name: RemoteLoginError(
            f"{name} does not let this application in.",
            hint="Check its client id and secret; a person logs in at the provider again.",
        ),
    ),
    (
        _word("invalid_grant"),
        lambda name: RemoteAuthorisationError(
            f"{name} no longer takes the answer of its page.", hint=_AUTHORISE_AGAIN
        ),
    ),
    (
        _word("access_denied"),
        lambda name: RemoteDeniedError(f"{name} says no to the person.", hint=_AUTHORISE_AGAIN),
    ),
    (
        _word("server_error", "temporarily_unavailable"),
        lambda name: RemoteUnavailableError(f"{name} can't do it now; nothing was signed.", hint=_LATER),
    ),
    (
        _said("SAD expired"),
        lambda name: RemoteAuthorisationError(
            f"The authorisation at {name} has expired.", hint=_AUTHORISE_AGAIN
        ),
    ),
    (
        _said("Invalid parameter SAD", "Hash is not authorized by the SAD"),
        lambda name: RemoteAuthorisationError(
            f"{name} does not take the authorisation: it is used up, or over something else.",
            hint=_AUTHORISE_AGAIN,
        ),
    ),
    (
        _said("Numbers of signatures is too high"),
        lambda name: RemoteCountError(
            f"{name} does not sign so many at once.", hint="Authorise fewer signatures at a time."
        ),
    ),
    (
        _said("Invalid parameter credentialID", "The credential identified by credentialID is disabled"),
        lambda name: RemoteCredentialError(
            f"{name} has no such key in use.", hint="Check the key's id, and whose it is."
        ),
    ),
    (
        lambda _word, said: said.startswith("Signing certificate ") and said.rstrip(".").endswith("expired"),
        lambda name: RemoteCredentialError(
            f"{name} says that the key's certificate has expired.", hint="Have it renewed at the provider."
        ),
    ),
)
