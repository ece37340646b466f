"""Sign at a remote signing provider: a person authorises a batch of hashes there, and they are signed there.

The provider keeps the key; what goes to it are digests, and what authorises their signing is a person's PIN
and code, or their word on the provider's own page. `CscClient.authorise` and `redeem` give an `Authorisation`
over exactly the hashes that were shown to the person; `sign_hashes` has them signed, in as few calls as the
provider allows, and checks every value against the certificate before it is given out.

Nothing is signed twice unnoticed. A call whose answer was lost is not repeated: its hashes are reported as
perhaps signed, and are signed again only when somebody says so. Source: Cloud Signature Consortium,
"Architectures and protocols for remote signature applications" 1.0.4.0.
"""

import asyncio
import base64
import hashlib
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import aiohttp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes as digests
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from signing.csc_answers import Answer, Factor, RemoteCredential, Unspecified, remote_credential
from signing.csc_door import AccessToken, CscService, Door
from signing.csc_errors import (
    RemoteAuthorisationError,
    RemoteCodeError,
    RemoteCountError,
    RemoteCredentialError,
    RemoteError,
    RemotePinError,
    RemoteUncertainError,
    RemoteValueError,
)
from signing.csc_oauth import Question, code_of, new_question
from signing.errors import UnsupportedKeyError
from signing.secret import Secret
from signing.signers import DIGEST_OIDS
from watching.logs import note
from watching.meters import authority_label
from watching.spans import span

__all__ = [
    "AccessToken",
    "Authorisation",
    "CscClient",
    "CscService",
    "CscSigner",
    "Factor",
    "Question",
    "RemoteCredential",
    "Secret",
    "code_of",
    "hash_to_sign",
    "new_question",
]

log = logging.getLogger(__name__)

_RSA: Final = "1.2.840.113549.1.1.1"
_RSA_OIDS: Final = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_ECDSA_OIDS: Final = {
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
_DIGESTS: Final[Mapping[str, digests.HashAlgorithm]] = {
    "sha256": digests.SHA256(),
    "sha384": digests.SHA384(),
    "sha512": digests.SHA512(),
}
_CREDENTIAL_KEPT: Final = timedelta(minutes=5)
_MOST_PAGES: Final = 100
_ADDRESS_BESIDE_HASHES: Final = 1000  # characters: two addresses, state and proof key, a description
_EXTEND: Final = "credentials/extendTransaction"
_AGAIN: Final = "the key is then used once more over the same bytes."


@dataclass
class Authorisation:
    """A person's word for signatures over `hashes`, with one key, before `expires_at`.

    `left` more may be made under it; `values` are those made, checked; `uncertain` are hashes that may have
    been signed without us having the value, `repeated` those that were signed again after that. Lives in
    memory only: what it holds authorises signatures.
    """

    credential: RemoteCredential
    hashes: tuple[bytes, ...] = field(repr=False)
    digest: str
    expires_at: datetime
    left: int
    sad: Secret = field(repr=False)
    access: AccessToken | None = field(default=None, repr=False)
    values: dict[bytes, bytes] = field(default_factory=dict, repr=False)
    uncertain: set[bytes] = field(default_factory=set, repr=False)
    repeated: set[bytes] = field(default_factory=set, repr=False)
    calls: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False, compare=False)


class CscClient:
    """Talks with one provider over a session that somebody keeps open; its methods may run concurrently.

    Every call ends within `timeout_s`, waiting for a busy provider included; only a key whose owner confirms
    on a device of theirs (mode `implicit`) is waited for `confirm_s`.
    """

    def __init__(
        self,
        service: CscService,
        *,
        http: aiohttp.ClientSession,
        clock: Callable[[], datetime],
        timeout_s: float = 10.0,
        confirm_s: float = 120.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.service = service
        self._clock = clock
        self._timeout_s = timeout_s
        self._confirm_s = confirm_s
        self._door = Door(service, http=http, clock=clock, timeout_s=timeout_s, sleep=sleep)
        self._uncertain: set[bytes] = set()
        self._credentials: dict[str, tuple[datetime, RemoteCredential]] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, service: CscService, *, clock: Callable[[], datetime], timeout_s: float = 10.0
    ) -> AsyncIterator["CscClient"]:
        """Open a client with its own session, closed at the end.

        Every call has a connection of its own: over a kept one that the server has just closed, a call that
        never arrived would seem lost.
        """
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
            yield cls(service, http=http, clock=clock, timeout_s=timeout_s)

    # What the provider is and has

    async def credential_ids(
        self, *, user_id: str = "", access: AccessToken | None = None
    ) -> tuple[str, ...]:
        """List the keys of a person: of `user_id` for this application, or of whose `access` it is."""
        found: list[str] = []
        page: str | None = None
        for _ in range(_MOST_PAGES):
            body = {"userID": user_id or None, "pageToken": page}
            answer = await self._door.ask("credentials/list", body, access, repeatable=True)
            ids, page = self._door.read(
                answer, lambda it: (it.texts("credentialIDs"), it.optional("nextPageToken"))
            )
            found += ids
            if not page:
                return tuple(found)
        raise self._door.wrong("a list of keys without end")

    async def credential(
        self, credential_id: str, *, access: AccessToken | None = None, fresh: bool = False
    ) -> RemoteCredential:
        """Tell about a key, its certificates, and what its use takes; kept for five minutes."""
        kept = self._credentials.get(credential_id)
        if kept is not None and not fresh and self._clock() - kept[0] <= _CREDENTIAL_KEPT:
            return kept[1]
        body = {"credentialID": credential_id, "certificates": "chain", "certInfo": True, "authInfo": True}
        answer = await self._door.ask("credentials/info", body, access, repeatable=True)
        found = self._door.read(answer, lambda it: remote_credential(credential_id, it))
        self._credentials[credential_id] = self._clock(), found
        return found

    # Authorisation

    async def send_code(self, credential_id: str, *, access: AccessToken | None = None) -> None:
        """Have a one-time code sent to the key's owner. Raises RemoteError."""
        await self._door.ask(
            "credentials/sendOTP", {"credentialID": credential_id}, access, expects_nothing=True
        )

    async def authorise(
        self,
        credential_id: str,
        hashes: Sequence[bytes],
        *,
        digest: str = "sha256",
        pin: str | Secret | None = None,
        otp: str | Secret | None = None,
        description: str = "",
        access: AccessToken | None = None,
    ) -> Authorisation:
        """Have signatures over these hashes authorised by PIN, one-time code, or a device of the owner's.

        Raises RemoteCountError when one authorisation does not reach for so many, RemotePinError and
        RemoteCodeError for a missing or wrong one, RemoteCredentialError for a key that may not be used, or
        whose owner is asked on the provider's page (`ask_on_page`). Nothing is signed.
        """
        found = await self.credential(credential_id, access=access)
        wanted = self._require_hashes(found, hashes, digest)
        if found.mode == "oauth2code":
            raise RemoteCredentialError(
                f"This key's owner authorises its use on the page of {self.service.name}.",
                hint="Send them to that page.",
            )
        given_pin = _factor(found, found.pin, pin, RemotePinError, "PIN")
        given_otp = _factor(found, found.otp, otp, RemoteCodeError, "one-time code")
        asked_at = self._clock()
        answer = await self._door.ask(
            "credentials/authorize",
            {
                "credentialID": credential_id,
                "numSignatures": len(wanted),
                "hash": [_base64(one) for one in wanted],
                "PIN": given_pin,
                "OTP": given_otp,
                "description": description or None,
            },
            access,
            timeout_s=self._confirm_s if found.mode == "implicit" else self._timeout_s,
        )
        sad, life_s = self._door.read(answer, lambda it: (Secret(it.text("SAD")), it.life_s("expiresIn")))
        # From when it was asked: the provider's time began no earlier.
        until = asked_at + timedelta(seconds=life_s)
        return Authorisation(found, wanted, digest, until, len(wanted), sad, access)

    async def ask_on_page(
        self,
        credential_id: str,
        hashes: Sequence[bytes],
        *,
        redirect_uri: str,
        digest: str = "sha256",
        access: AccessToken | None = None,
    ) -> Question:
        """Make the question to the key's owner on the provider's page; `page_url` says where that is."""
        found = await self.credential(credential_id, access=access)
        wanted = self._require_hashes(found, hashes, digest)
        return new_question(
            "credential", redirect_uri, credential_id=credential_id, hashes=wanted, digest=digest
        )

    def most_on_a_page(self, digest: str) -> int:
        """How many hashes of this algorithm the address of the provider's page holds, beside all else."""
        a_hash = len(_base64(bytes(_DIGESTS[digest].digest_size))) + 1
        return max(1, (self.service.longest_url - _ADDRESS_BESIDE_HASHES) // a_hash)

    async def page_url(self, question: Question, *, language: str = "", description: str = "") -> str:
        """Say where a person answers the question.

        Raises RemoteCountError for more hashes than an address can hold: they stand in it one by one.
        """
        url = question.url(
            await self._door.oauth_url(),
            client_id=self.service.client_id,
            language=language,
            description=description,
        )
        too_long = len(url) - self.service.longest_url
        if too_long > 0 and question.hashes:
            a_hash = len(_base64(question.hashes[0])) + 1
            most = max(0, len(question.hashes) - math.ceil(too_long / a_hash))
            raise RemoteCountError(
                f"The page of {self.service.name} can be asked for about {most} signatures at a time.",
                hint="Authorise fewer at a time.",
                most=most,
            )
        return url

    async def redeem(
        self, question: Question, answered: Mapping[str, str], *, access: AccessToken | None = None
    ) -> Authorisation:
        """Turn the query with which the browser came back into the authorisation.

        Raises RemoteDeniedError, RemoteAuthorisationError when it came too late or was redeemed before.
        """
        found = await self.credential(question.credential_id, access=access)
        granted = await self._door.redeem(question, answered)
        return Authorisation(
            found,
            question.hashes,
            question.digest,
            granted.expires_at,
            len(question.hashes),
            granted.text,
            access,
        )

    async def log_in(self, question: Question, answered: Mapping[str, str]) -> AccessToken:
        """Turn the answer to a question of scope `service` into a person's access to the API."""
        return await self._door.redeem(question, answered)

    async def renewed(self, access: AccessToken) -> AccessToken:
        """Renew a person's access; raises RemoteLoginError when they have to log in again."""
        return await self._door.renewed(access)

    async def log_out(self, access: AccessToken) -> None:
        """End a person's access, and what could renew it. Raises RemoteError."""
        await self._door.end(access)

    # Signing

    async def sign_hashes(
        self, authorisation: Authorisation, hashes: Sequence[bytes], *, again: bool = False
    ) -> list[bytes]:
        """Have hashes signed, and return the values in their order: ECDSA in DER, RSA PKCS #1 v1.5.

        Every value is checked against the certificate. What this authorisation has signed before is not
        signed again. Of an error, `signed` holds what was signed before it. Raises RemoteUncertainError when
        an answer was lost, and for hashes whose answer was lost before: `again` has those signed once more.
        """
        wanted = tuple(dict.fromkeys(hashes))
        async with authorisation.turn:
            before = set(authorisation.values)
            self._require_authorised(authorisation, wanted, again=again)
            missing = [one for one in wanted if one not in authorisation.values]
            try:
                for batch in _batches(missing, self.service.hashes_a_call):
                    await self._sign_batch(authorisation, batch)
            except RemoteError as error:
                error.signed = {
                    one: authorisation.values[one]
                    for one in wanted
                    if one in authorisation.values and one not in before
                }
                raise
        return [authorisation.values[one] for one in hashes]

    async def _sign_batch(self, authorisation: Authorisation, batch: tuple[bytes, ...]) -> None:
        """(1) a SAD for this call; (2) the call, and every value checked; only then are they known."""
        found = authorisation.credential
        algorithm = _algorithm(found, authorisation.digest)
        # (1) one call a SAD, where the provider has a way to go on: clauses 9 and 11.7
        if authorisation.calls and _EXTEND in (await self._door.info()).methods:
            await self._extend(authorisation, batch)
        self._require_time(authorisation)
        # (2) the call
        body: dict[str, object] = {
            "credentialID": found.credential_id,
            "SAD": authorisation.sad.reveal(),
            "hash": [_base64(one) for one in batch],
            "signAlgo": algorithm,
        }
        if algorithm == _RSA:
            body["hashAlgo"] = DIGEST_OIDS[authorisation.digest]
        with self._noted(authorisation, batch):
            answer = await self._door.ask("signatures/signHash", body, authorisation.access, signs=batch)
            values = self._values(answer, batch)
            for digest, value in zip(batch, values, strict=True):
                self._require_value(found, authorisation.digest, digest, value, batch)
        authorisation.values.update(zip(batch, values, strict=True))

    @contextmanager
    def _noted(self, authorisation: Authorisation, batch: tuple[bytes, ...]) -> Iterator[None]:
        """Log a signing call, and remember what it used and what it may have signed.

        Whatever ends the block, if only the end of this process's work: the hashes are in doubt until the
        values are there, or until it is sure that nothing was signed.
        """
        begun, name = monotonic(), authority_label(self.service.name)
        repeats = self._uncertain.intersection(batch)
        in_doubt_before = authorisation.uncertain.intersection(batch)
        if repeats:
            authorisation.repeated |= repeats
            note(log, logging.WARNING, "remote_signing_repeated", authority=name, count=len(repeats))
        self._uncertain.update(batch)
        authorisation.uncertain.update(batch)
        authorisation.left -= len(batch)
        authorisation.calls += 1
        try:
            with span("remote_signing", authority=name, count=len(batch)):
                yield
        except RemoteError as error:
            if not isinstance(error, RemoteUncertainError):
                self._uncertain -= set(batch) - repeats
                authorisation.uncertain -= set(batch) - in_doubt_before
                authorisation.left += len(batch)
                authorisation.calls -= 1
            note(
                log,
                logging.WARNING,
                "remote_signing_failed",
                error=error,
                authority=name,
                count=len(batch),
                duration_ms=_since_ms(begun),
            )
            raise
        self._uncertain.difference_update(batch)
        authorisation.uncertain.difference_update(batch)
        took_ms = _since_ms(begun)
        note(log, logging.DEBUG, "remote_signed", authority=name, count=len(batch), duration_ms=took_ms)

    def _values(self, answer: Answer, batch: tuple[bytes, ...]) -> tuple[bytes, ...]:
        try:
            values = answer.blobs("signatures")
            if len(values) != len(batch):
                raise Unspecified(f"{len(values)} signatures for {len(batch)} hashes")
        except Unspecified as error:
            raise RemoteUncertainError(
                f"{self.service.name} signed, and answered what can't be used: {error}.",
                hint=f"Authorise the signatures again: {_AGAIN}",
                hashes=batch,
            ) from None
        return values

    def _require_value(
        self,
        found: RemoteCredential,
        algorithm: str,
        digest: bytes,
        value: bytes,
        batch: tuple[bytes, ...],
    ) -> None:
        """Check a raw value over a digest against the key's certificate; raises RemoteValueError."""
        key, prehashed = found.certificate.public_key(), Prehashed(_DIGESTS[algorithm])
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(value, digest, padding.PKCS1v15(), prehashed)
                return
            if isinstance(key, ec.EllipticCurvePublicKey):
                key.verify(value, digest, ec.ECDSA(prehashed))
                return
        except (InvalidSignature, ValueError):
            pass
        raise RemoteValueError(
            f"{self.service.name} gave a value that does not verify with the key's certificate.",
            hint="Nothing of this call is used. Have the provider look at the key.",
            hashes=batch,
        )

    async def _extend(self, authorisation: Authorisation, batch: tuple[bytes, ...]) -> None:
        """Get a new SAD for the next call of a transaction. Source: 11.7."""
        self._require_time(authorisation)
        asked_at = self._clock()
        answer = await self._door.ask(
            _EXTEND,
            {
                "credentialID": authorisation.credential.credential_id,
                "hash": [_base64(one) for one in batch],
                "SAD": authorisation.sad.reveal(),
            },
            authorisation.access,
        )
        sad, life_s = self._door.read(answer, lambda it: (Secret(it.text("SAD")), it.life_s("expiresIn")))
        authorisation.sad = sad
        authorisation.expires_at = asked_at + timedelta(seconds=life_s)

    def _require_authorised(
        self, authorisation: Authorisation, wanted: tuple[bytes, ...], *, again: bool
    ) -> None:
        if not set(wanted) <= set(authorisation.hashes):
            raise RemoteAuthorisationError(
                "The authorisation is not over these hashes.", hint="Have exactly these authorised."
            )
        doubtful = tuple(one for one in wanted if one in authorisation.uncertain)
        if doubtful and not again:
            raise RemoteUncertainError(
                f"{self.service.name} may have made {len(doubtful)} of these signatures before.",
                hint=f"Ask the provider, or have them signed again: {_AGAIN}",
                hashes=doubtful,
            )
        missing = sum(one not in authorisation.values for one in wanted)
        if missing > authorisation.left:
            raise RemoteAuthorisationError(
                f"The authorisation has {authorisation.left} signatures left, and {missing} are asked.",
                hint="Authorise the signatures again.",
            )

    def _require_time(self, authorisation: Authorisation) -> None:
        if self._clock() >= authorisation.expires_at:
            raise RemoteAuthorisationError(
                f"The authorisation at {self.service.name} has expired.",
                hint="Authorise the signatures again.",
            )

    def _require_hashes(
        self, found: RemoteCredential, hashes: Sequence[bytes], digest: str
    ) -> tuple[bytes, ...]:
        wanted = tuple(dict.fromkeys(hashes))
        size = _DIGESTS[digest].digest_size if digest in _DIGESTS else 0
        if not wanted or any(len(one) != size for one in wanted):
            raise RemoteAuthorisationError(
                f"What is to be authorised are no digests of {digest}.", hint="Prepare the signatures again."
            )
        if not found.enabled or found.status != "valid":
            raise RemoteCredentialError(
                f"The key at {self.service.name} may not be used now.",
                hint="Its owner enables it, or has its certificate renewed, at the provider.",
            )
        _algorithm(found, digest)
        if len(wanted) > found.multisign:
            raise RemoteCountError(
                f"One authorisation at {self.service.name} is for at most {found.multisign} signatures,"
                f" and {len(wanted)} are asked.",
                hint="Authorise fewer at a time.",
                most=found.multisign,
            )
        return wanted


class CscSigner:
    """Signs with a key at a remote signing provider, under a person's authorisation.

    Without an authorisation it can be prepared for, and refuses to sign.
    """

    def __init__(
        self, client: CscClient, credential: RemoteCredential, authorisation: Authorisation | None = None
    ) -> None:
        self._client = client
        self._credential = credential
        self._authorisation = authorisation

    @property
    def certificate(self) -> x509.Certificate:
        """The signing certificate."""
        return self._credential.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates above it, as the provider gives them."""
        return self._credential.chain

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        """Have the hash of the signed attributes signed; raises RemoteError (a SignerError).

        What `sign_hashes` had signed of the same authorisation before is taken from there.
        """
        if self._authorisation is None or self._authorisation.digest != digest_algorithm:
            raise RemoteAuthorisationError(
                "There is no authorisation for this signature.", hint="Have its hash authorised first."
            )
        digest = hash_to_sign(signed_attributes, digest_algorithm)
        [value] = await self._client.sign_hashes(self._authorisation, [digest])
        return value


def hash_to_sign(signed_attributes: bytes, digest_algorithm: str) -> bytes:
    """Give the hash that a provider signs for prepared signed attributes (their DER, a SET OF)."""
    return hashlib.new(digest_algorithm, signed_attributes).digest()


def _algorithm(found: RemoteCredential, digest: str) -> str:
    """Choose the signature algorithm among those that the key can do; raises UnsupportedKeyError.

    One that names its digest is better than one that leaves it to `hashAlgo`.
    """
    key = found.certificate.public_key()
    wished: tuple[str, ...] = ()
    if isinstance(key, rsa.RSAPublicKey):
        wished = (_RSA_OIDS[digest], _RSA)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        wished = (_ECDSA_OIDS[digest],)
    for algorithm in wished:
        if algorithm in found.algorithms:
            return algorithm
    raise UnsupportedKeyError(
        "The remote key does not sign as it is signed here.",
        hint="Use a key that does RSA PKCS #1 v1.5 or ECDSA over SHA-2.",
    )


def _factor(
    found: RemoteCredential,
    factor: Factor,
    given: str | Secret | None,
    problem: type[RemotePinError | RemoteCodeError],
    what: str,
) -> str | None:
    """Give what is to be sent for a PIN or a code: nothing where none may be. Source: 11.6."""
    text = given.reveal() if isinstance(given, Secret) else given
    if not factor.is_possible or found.mode != "explicit":
        return None
    if not text and factor.is_needed:
        raise problem(f"This key asks for its {what}.", hint="Type it.")
    if text and factor.numeric and not (text.isascii() and text.isdigit()):
        raise problem(f"The {what} of this key is of digits only.", hint="Type it again.")
    return text or None


def _since_ms(begun: float) -> int:
    return round((monotonic() - begun) * 1000)


def _batches(hashes: Sequence[bytes], size: int) -> Iterator[tuple[bytes, ...]]:
    for start in range(0, len(hashes), size):
        yield tuple(hashes[start : start + size])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
