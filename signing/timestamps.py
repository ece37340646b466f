"""Ask RFC 3161 authorities for timestamps, in order, and keep only tokens that stand every check."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from time import monotonic

import aiohttp

from certs import der
from certs.check_ocsp import CLOCK_SKEW
from certs.der import DerError
from certs.revocation import RevocationSource
from signing.authorities import TimestampAuthority
from signing.chains import PinnedChains
from signing.errors import (
    CertificateRevokedError,
    RevocationUnavailableError,
    TimestampError,
    TimestampLimitError,
    TimestampRestError,
)
from signing.health import Health, NoHealth
from signing.longterm import collect
from signing.permits import SOMEBODY, Gate, OpenGate, Permits
from signing.signers import DIGEST_OIDS
from signing.tokens import Token, check_token
from watching.logs import note
from watching.meters import Meters, authority_label
from watching.spans import span

log = logging.getLogger(__name__)

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_LONGEST_REPLY = 256 * 1024
# With these an authority may say when it wants to be asked again. Source: RFC 6585, 4; RFC 9110, 15.6.4.
_BUSY = (429, 503)
# A later token of the same authority may be a little longer: another serial number, another chain.
_MARGIN, _SPARE = 1.25, 1024
# Room for a token with three certificates of RSA-4096 keys, about 2 kB each, and its own signature.
_UNSEEN = 8192
_TRUE = b"\x01\x01\xff"


class Timestamper:
    """A list of authorities tried in order, over a session that somebody else keeps open.

    Remembers each authority's last good token: its size and its chain are known before the next signature.
    """

    def __init__(
        self,
        authorities: Sequence[TimestampAuthority],
        *,
        http: aiohttp.ClientSession,
        chains: PinnedChains,
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        timeout_s: float = 10.0,
        clock_tolerance: timedelta = CLOCK_SKEW,
        in_flight: asyncio.Semaphore | None = None,
        gate: Gate | None = None,
        health: Health | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._authorities = tuple(authorities)
        self._health = health or NoHealth()
        self._gate = gate or OpenGate()
        self._meters = meters or Meters()
        self._http = http
        self._chains = chains
        self._clock = clock
        self._random_bytes = random_bytes
        # Of the whole exchange: an authority that sends a byte now and then must not be waited for endlessly.
        # Counted from one's turn: waiting for that is no failure of the authority.
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._tolerance = min(clock_tolerance, CLOCK_SKEW)  # answers about its time allow no more
        self._in_flight = in_flight or asyncio.Semaphore(64)
        self._last: dict[str, Token] = {}
        self._asking = asyncio.Lock()

    async def timestamp(
        self,
        digest: bytes,
        digest_algorithm: str,
        *,
        revocation: RevocationSource | None = None,
        permits: Permits | None = None,
        first: Collection[bytes] = (),
    ) -> Token:
        """Return the first good token over this digest; raises TimestampError with each one's failure.

        With `revocation` only an authority counts that is shown not to be revoked. Those whose certificate
        was seen and has its SHA-256 among `first` are asked before the others. Raises TimestampLimitError
        when none is left but such as may not be asked yet, and TimestampRestError when none was asked.
        """
        permits = permits or Permits(self._gate)
        said, limits_s, rests_s, failed = [], [], [], False
        for authority in self._in_turn(first):
            try:
                if (rest_s := await self._health.rest_s(authority.name)) > 0:
                    raise TimestampRestError(after_s=rest_s)
                await permits.use(authority.name)
                token = await self._timed(authority, digest, digest_algorithm, revocation)
            except TimestampRestError as error:
                rests_s.append(error.after_s)
                said.append(f"{authority.name}: {error}")
                continue
            except TimestampLimitError as error:
                self._meters.authority_limited(authority.name)
                limits_s.append(error.after_s)
                said.append(f"{authority.name}: {error}")
                continue
            except (TimestampError, CertificateRevokedError, RevocationUnavailableError) as error:
                failed = True
                said.append(f"{authority.name}: {error}")
                self._last.pop(authority.name, None)
                continue
            permits.served()
            self._last[authority.name] = token
            return token
        told = f"No timestamp could be had. {' '.join(said)}"
        if limits_s:
            raise TimestampLimitError(told, after_s=min([*limits_s, *rests_s]))
        if rests_s and not failed:
            raise TimestampRestError(told, after_s=min(rests_s))
        raise TimestampError(
            told, hint="It is tried again later; `paraaf check` tells which authority does not answer."
        )

    def _in_turn(self, first: Collection[bytes]) -> list[TimestampAuthority]:
        """The authorities in their order, but for those that come first."""

        def comes_later(authority: TimestampAuthority) -> bool:
            seen = self._last.get(authority.name)
            return seen is None or sha256(seen.path.certificates[0]).digest() not in first

        return sorted(self._authorities, key=comes_later)

    async def _timed(
        self,
        authority: TimestampAuthority,
        digest: bytes,
        digest_algorithm: str,
        revocation: RevocationSource | None,
    ) -> Token:
        """Ask one authority; what it does is counted and logged."""
        label = authority_label(authority.name)
        begun = monotonic()
        try:
            async with self._in_flight:
                begun = monotonic()  # waiting for one's turn is no fault of the authority
                with span("timestamp", authority=label):
                    token = await self._ask(authority, digest, digest_algorithm)
                took_s = monotonic() - begun
            if revocation is not None:
                await collect([token.path], revocation)
        except (TimestampError, CertificateRevokedError, RevocationUnavailableError) as error:
            self._meters.authority_failed(authority.name)
            asks_for_s = error.asks_for_s if isinstance(error, TimestampError) else 0.0
            took_s = monotonic() - begun
            self._health.failed(authority.name, error, took_s=took_s, asks_for_s=asks_for_s)
            took_ms = round(took_s * 1000)
            note(log, logging.WARNING, "timestamp_failed", error=error, authority=label, duration_ms=took_ms)
            raise
        self._health.answered(authority.name)
        self._meters.authority_answered(authority.name, at=self._clock().timestamp(), seconds=took_s)
        note(log, logging.DEBUG, "timestamp_given", authority=label, duration_ms=round(took_s * 1000))
        return token

    async def known(
        self, *, revocation: RevocationSource | None = None, turn: str = SOMEBODY
    ) -> tuple[Token, ...]:
        """Return the last good token of each authority; asks for one over nothing when there is none yet."""
        async with self._asking:  # those who come at the same time share one question
            if revocation is not None:
                for name, token in tuple(self._last.items()):
                    if not await _is_unrevoked(token, revocation):
                        self._last.pop(name, None)
            if not self._last:
                await self.timestamp(
                    sha256(b"").digest(),
                    "sha256",
                    revocation=revocation,
                    permits=Permits(self._gate, turn=turn),
                )
        return tuple(self._last.values())

    @property
    def room_bytes(self) -> int:
        """How much room to keep for the next token: by those seen; more while an authority is unseen."""
        longest = max((len(token.token_der) for token in self._last.values()), default=0)
        unseen = len(self._last) < len(self._authorities)
        return max(int(longest * _MARGIN) + _SPARE, _UNSEEN if unseen else 0)

    async def _ask(self, authority: TimestampAuthority, digest: bytes, digest_algorithm: str) -> Token:
        nonce = int.from_bytes(self._random_bytes(8), "big")
        asked_at = self._clock()
        reply = await self._post(authority, timestamp_request(digest, digest_algorithm, nonce))
        return check_token(
            token_of(reply),
            digest_of=lambda name: digest if name == digest_algorithm else b"",
            chains=self._chains,
            nonce=nonce,
            earliest=asked_at - self._tolerance,
            latest=self._clock() + self._tolerance,
        )

    async def _post(self, authority: TimestampAuthority, request: bytes) -> bytes:
        # identity: a compressed reply could be small on the wire and huge in memory
        headers = {"Content-Type": _QUERY, "Accept": _REPLY, "Accept-Encoding": "identity"}
        headers |= authority.authorization()
        try:
            async with self._http.post(
                authority.url,
                data=request,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if response.status != 200 or response.content_type != _REPLY:
                    raise TimestampError(
                        f"answered with HTTP status {response.status} and type {response.content_type}.",
                        asks_for_s=self._asks_for_s(response) if response.status in _BUSY else 0.0,
                    )
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise TimestampError("answered with compressed data.")
                reply = await response.content.read(_LONGEST_REPLY)
                while len(reply) < _LONGEST_REPLY and (more := await response.content.read(_LONGEST_REPLY)):
                    reply += more
                return reply
        except TimeoutError as error:
            raise TimestampError(f"gave no reply within {self._timeout.total:g} s.") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TimestampError(f"can't be reached: {error or type(error).__name__}.") from error

    def _asks_for_s(self, response: aiohttp.ClientResponse) -> float:
        """After how many seconds an authority wants to be asked again. Source: RFC 9110, 10.2.3."""
        said = response.headers.get("Retry-After", "").strip()
        if said.isascii() and said.isdigit():
            return float(said[:9])
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return 0.0
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - self._clock()).total_seconds())


async def _is_unrevoked(token: Token, revocation: RevocationSource) -> bool:
    try:
        await collect([token.path], revocation)
    except (CertificateRevokedError, RevocationUnavailableError):
        return False
    return True


def timestamp_request(digest: bytes, digest_algorithm: str, nonce: int) -> bytes:
    """Encode a request that asks for the authority's certificates too. Source: RFC 3161, 2.4.1."""
    imprint = der.sequence(der.sequence(der.oid(DIGEST_OIDS[digest_algorithm])), der.octets(digest))
    return der.sequence(der.integer(1), imprint, der.integer(nonce), _TRUE)


def token_of(reply: bytes) -> bytes:
    """Return the token inside a granted reply; raises TimestampError. Source: RFC 3161, 2.4.2."""
    try:
        parts = der.children(reply, der.only(reply))
        status_info = der.children(reply, der.expect(parts, 0, der.SEQUENCE))
        status = der.number(reply, der.expect(status_info, 0, der.INTEGER))
        if status not in (0, 1):  # granted, granted with modifications
            raise TimestampError(f"refused the request with status {status}.")
        return der.whole(reply, der.expect(parts, 1, der.SEQUENCE))
    except DerError as error:
        raise TimestampError(f"gave an unreadable reply: {error}.") from error
