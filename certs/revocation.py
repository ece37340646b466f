"""Where the evidence comes from that a certificate is not revoked: OCSP first, else a CRL."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from certs.check_crl import check_crl, distribution_names
from certs.check_ocsp import check_ocsp, make_ocsp_request
from certs.errors import CertificateRevoked, RevocationUnavailable
from certs.evidence import RevocationEvidence, UnusableAnswer
from certs.keystore import common_name, is_issued_by

__all__ = ["RevocationEvidence", "RevocationSource"]

LARGEST_ANSWER: Final = 2 * 1024 * 1024
_MOST_KEPT: Final = 4096
_OCSP_HEADERS: Final = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}

_SILENT = (
    "Trying again won't help: ask the certificate's issuer for its current revocation list, and put that file"
    " (.crl) among those you trust."
)

_Key = tuple[bytes, int]


class Fetch(Protocol):
    """Sends a request that may come from a stranger's certificate; raises UnusableAnswer."""

    async def __call__(self, url: str, *, data: bytes | None, headers: dict[str, str]) -> bytes:
        """The body of the answer; `data` is posted."""


class RevocationSource:
    """Asks the addresses in a certificate, verifies the answer and keeps it for a while.

    Made for certificates that the organisation itself signs with: the addresses are followed as they stand
    (http and https, no redirects, at most 2 MiB, a time-out). Where none gives a valid answer, `crls` are
    looked at: lists in DER that were given as files. Belongs to one event loop, like its session. For the
    certificates of strangers `http` is a `Fetch` that knows whom it may ask (`certs.fenced_fetch`).
    """

    def __init__(
        self,
        http: aiohttp.ClientSession | Fetch,
        *,
        clock: Callable[[], datetime],
        timeout_s: float = 10.0,
        max_age_s: float = 300.0,
        crls: Sequence[bytes] = (),
    ) -> None:
        self._crls = tuple(crls)
        self._fetch: Fetch = (
            _OverSession(http, timeout_s) if isinstance(http, aiohttp.ClientSession) else http
        )
        self._clock = clock
        self._max_age = timedelta(seconds=max_age_s)
        self._kept: dict[_Key, tuple[datetime, RevocationEvidence]] = {}
        self._asking: dict[_Key, asyncio.Task[RevocationEvidence]] = {}

    async def evidence(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationEvidence:
        """Give evidence that a certificate is not revoked, at most `max_age_s` old and never out of date.

        OCSP is asked first; a valid CRL is as good. Those who ask at the same time share one request.
        Raises CertificateRevoked, with the evidence; RevocationUnavailable when no source's answer is valid.
        """
        key = issuer.public_bytes(Encoding.DER), certificate.serial_number
        kept = self._kept_evidence(key)
        if kept:
            return kept
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(certificate, issuer))
            self._asking[key] = asking
            asking.add_done_callback(lambda done: self._finish(key, done))
        # Shielded: one impatient caller must not take the answer away from the others.
        return await asyncio.shield(asking)

    def _kept_evidence(self, key: _Key) -> RevocationEvidence | None:
        kept_at, evidence = self._kept.get(key, (None, None))
        if kept_at is None or evidence is None:
            return None
        now = self._clock()
        out_of_date = now > (evidence.next_update or evidence.this_update + self._max_age)
        return None if out_of_date or not timedelta() <= now - kept_at < self._max_age else evidence

    def _finish(self, key: _Key, done: asyncio.Task[RevocationEvidence]) -> None:
        self._asking.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._kept.pop(key, None)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = self._clock(), done.result()

    async def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> RevocationEvidence:
        evidence = await self._first_valid(certificate, issuer)
        if evidence.status == "revoked":
            when = (
                f"{evidence.revoked_at:%Y-%m-%d %H:%M:%S} UTC" if evidence.revoked_at else "an unknown time"
            )
            raise CertificateRevoked(
                f"The certificate of {common_name(certificate)} was revoked at {when}.",
                hint="Sign with another certificate.",
                evidence=evidence,
            )
        return evidence

    async def _first_valid(
        self, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> RevocationEvidence:
        if not is_issued_by(certificate, issuer):
            raise RevocationUnavailable(
                f"{common_name(issuer)} did not issue the certificate of {common_name(certificate)}.",
                hint="Check the chain that stands with the key.",
            )
        reasons = []
        for url, ask in [
            *((url, self._ask_ocsp) for url in _ocsp_urls(certificate)),
            *((url, self._ask_crl) for url in _crl_urls(certificate)),
        ]:
            try:
                return await ask(url, certificate, issuer)
            except UnusableAnswer as reason:
                reasons.append(f"{url}: {reason}")
        silent = not reasons
        for crl_der in self._crls:
            try:
                return check_crl(crl_der, certificate, issuer, now=self._clock())
            except UnusableAnswer as reason:
                reasons.append(f"a revocation list that was given: {reason}")
        if silent:
            reasons.insert(0, "it names neither OCSP nor a CRL")
        raise RevocationUnavailable(
            f"Nobody says whether the certificate of {common_name(certificate)} is revoked: "
            f"{'; '.join(reasons)}.",
            hint=_SILENT if silent else "Try again later; if it stays so, ask the certificate's issuer.",
        )

    async def _ask_ocsp(
        self, url: str, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> RevocationEvidence:
        request_der, nonce = make_ocsp_request(certificate, issuer)
        answer_der = await self._fetch(url, data=request_der, headers=_OCSP_HEADERS)
        return check_ocsp(
            answer_der, certificate, issuer, now=self._clock(), nonce=nonce, max_age=self._max_age
        )

    async def _ask_crl(
        self, url: str, certificate: x509.Certificate, issuer: x509.Certificate
    ) -> RevocationEvidence:
        crl_der = await self._fetch(url, data=None, headers={})
        return check_crl(crl_der, certificate, issuer, now=self._clock())


class _OverSession:
    """Fetches over a session, from addresses in certificates of one's own."""

    def __init__(self, http: aiohttp.ClientSession, timeout_s: float) -> None:
        self._http = http
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def __call__(self, url: str, *, data: bytes | None, headers: dict[str, str]) -> bytes:
        # identity: a compressed answer could be small on the wire and huge in memory
        headers = {**headers, "Accept-Encoding": "identity"}
        method = "GET" if data is None else "POST"
        try:
            async with self._http.request(
                method, url, data=data, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                if response.status != 200:
                    raise UnusableAnswer(f"it answered with HTTP status {response.status}")
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise UnusableAnswer("it answered with compressed data")
                return await read_limited(response.content)
        except TimeoutError as error:
            raise UnusableAnswer("it took too long") from error
        except (aiohttp.ClientError, OSError) as error:
            raise UnusableAnswer(f"it cannot be reached ({error})") from error


async def read_limited(stream: aiohttp.StreamReader) -> bytes:
    """Read an answer to its end; raises UnusableAnswer when that is further than 2 MiB away."""
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise UnusableAnswer(f"its answer is larger than {LARGEST_ANSWER} bytes")
    return bytes(body)


def _ocsp_urls(certificate: x509.Certificate) -> Iterator[str]:
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            for access in extension.value:
                if access.access_method == AuthorityInformationAccessOID.OCSP:
                    yield from _http_urls(access.access_location)


def _crl_urls(certificate: x509.Certificate) -> Iterator[str]:
    for name in distribution_names(certificate):
        yield from _http_urls(name)


def _http_urls(name: x509.GeneralName) -> Iterator[str]:
    if isinstance(name, x509.UniformResourceIdentifier) and name.value.startswith(("http://", "https://")):
        yield name.value
