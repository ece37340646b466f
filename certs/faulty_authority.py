"""For tests only: the development authority answering wrongly on purpose.

Reached through `AuthorityServer(folder, faults=[…])` or this module's own command line, never from `paraaf`.
Each name in `FAULTS` is one fault; several can be active at once, at most one a protocol.
"""

import asyncio
import secrets
import socket
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import der
from certs.authority import DevelopmentAuthority
from certs.authority_http import Answers, crl_response, ocsp_response, stamp_response
from certs.authority_revocation import OcspAnswerer, make_crl
from certs.authority_timestamps import StampMaker, StampRequest, granted, parse_request, rejection
from certs.errors import AuthorityError
from certs.keys import generate_key
from certs.loopback import free_base_url
from certs.serve_authority import command_line, serve

_GENERAL: Final[Mapping[str, str]] = {
    "down": "answers HTTP 503",
    "busy": "answers HTTP 429 and asks to be left alone for a second",
    "hangs": "never answers",
    "drips": "answers a byte now and then",
    "garbage": "answers something that is no DER",
    "html": "answers a page for people",
    "truncated": "answers half of what is right",
    "resets": "resets the connection",
    "loses": "does what it is asked, and closes the connection without an answer",
}
"""What can go wrong with any protocol."""

FAULTS: Final[Mapping[str, str]] = {
    **{f"{protocol}-{name}": what for protocol in ("tsa", "ocsp", "crl") for name, what in _GENERAL.items()},
    "tsa-rejects": "refuses with systemFailure",
    "tsa-wrong-imprint": "stamps another digest",
    "tsa-wrong-nonce": "answers with another nonce",
    "tsa-replays": "answers with an earlier token over the same digest",
    "tsa-no-nonce": "leaves the nonce out",
    "tsa-no-eku": "stamps with a certificate that is not made for it",
    "tsa-untrusted": "stamps with another PKI's timestamp authority",
    "tsa-expired": "stamps with an expired certificate",
    "tsa-revoked": "stamps with a revoked certificate",
    "tsa-wrong-time": "stamps tomorrow's time",
    "tsa-bad-signature": "signs with a key that is not the certificate's",
    "tsa-no-certificates": "leaves the certificates out although they were asked for",
    "ocsp-redirects": "answers HTTP 302",
    "ocsp-huge": "answers 3 MiB",
    "ocsp-try-later": "answers tryLater",
    "ocsp-unknown": "knows no certificate",
    "ocsp-stale": "answers with last month's answer",
    "ocsp-future": "answers with tomorrow's answer",
    "ocsp-wrong-nonce": "answers with another nonce",
    "ocsp-other-certificate": "answers about another certificate",
    "ocsp-expired": "signs with an expired certificate",
    "ocsp-no-eku": "signs with a certificate that is not made for it",
    "ocsp-untrusted": "signs with another PKI's responder",
    "ocsp-bad-signature": "signs with a signature that is off by one bit",
    "crl-stale": "gives last month's list",
    "crl-future": "gives tomorrow's list",
    "crl-bad-signature": "gives a list signed with a key that is not the issuer's",
    "crl-other-issuer": "gives the other issuer's list",
}
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_MONTH: Final = timedelta(days=30)
_SYSTEM_FAILURE: Final = 25


class UnsafeFaultyAnswers(Answers):
    """Answers that are wrong in the ways that `faults` name; the rest is right."""

    def __init__(
        self, authority: DevelopmentAuthority, *, clock: Callable[[], datetime], faults: Iterable[str]
    ) -> None:
        super().__init__(authority, clock=clock)
        self._faults = _one_per_protocol(faults)
        now = clock()
        self._stamp_maker = _stamp_maker(authority, self._faults.get("tsa"), now)
        self._ocsp_answerer = _ocsp_answerer(authority, self._faults.get("ocsp"), now)

    async def tsa(self, body: bytes) -> web.Response:
        """Answer a TimeStampReq wrongly."""
        fault = self._faults.get("tsa")
        if fault == "tsa-rejects":
            return stamp_response(rejection(_SYSTEM_FAILURE, "Refused on purpose."))
        if fault is None or fault in _EVERYWHERE:
            return await self._general(fault, super().tsa(body))
        shift = {"tsa-wrong-time": _DAY, "tsa-replays": -_HOUR}.get(fault, timedelta())
        now = self.clock() + shift
        return stamp_response(granted(self._stamp_maker.token(_twist_stamp(parse_request(body), fault), now)))

    async def ocsp(self, body: bytes) -> web.Response:
        """Answer an OCSPRequest wrongly."""
        fault = self._faults.get("ocsp")
        if fault == "ocsp-redirects":
            return web.Response(status=302, headers={"Location": "/ca/root.crt"})
        if fault == "ocsp-huge":
            return ocsp_response(bytes(3 * 1024 * 1024))
        if fault == "ocsp-try-later":
            status = ocsp.OCSPResponseStatus.TRY_LATER
            return ocsp_response(
                ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
            )
        if fault is None or fault in _EVERYWHERE:
            return await self._general(fault, super().ocsp(body))
        return ocsp_response(self._twisted_ocsp(body, fault))

    async def crl(self, issuer: Literal["issuing", "root"]) -> web.Response:
        """Give a wrong CRL."""
        fault, now = self._faults.get("crl"), self.clock()
        other: Literal["issuing", "root"] = "root" if issuer == "issuing" else "issuing"
        if fault in ("crl-stale", "crl-future"):
            shift = -_MONTH if fault == "crl-stale" else _DAY
            return crl_response(self.authority.crl(issuer, now + shift))
        if fault == "crl-other-issuer":
            return crl_response(self.authority.crl(other, now))
        if fault == "crl-bad-signature":
            certificate = self.authority.root if issuer == "root" else self.authority.issuing
            return crl_response(make_crl(certificate, generate_key("P-256"), now, {}))
        return await self._general(fault, super().crl(issuer))

    def _twisted_ocsp(self, body: bytes, fault: str) -> bytes:
        shift = {"ocsp-stale": -_MONTH, "ocsp-future": _DAY}.get(fault, timedelta())
        answer_der = self._ocsp_answerer.respond(
            _twist_request(body, fault),
            self.clock() + shift,
            is_issued=lambda _serial: fault != "ocsp-unknown",
            revocations={},
        )
        if fault == "ocsp-bad-signature":
            signature = ocsp.load_der_ocsp_response(answer_der).signature
            return answer_der.replace(signature, signature[:-1] + bytes((signature[-1] ^ 0x01,)))
        return answer_der

    async def _general(self, fault: str | None, right: Awaitable[web.Response]) -> web.Response:
        """Answer as any protocol can go wrong."""
        response = await right
        right_der = response.body if isinstance(response.body, bytes) else b""
        match fault and fault.partition("-")[2]:
            case "down":
                response = web.Response(status=503)
            case "busy":
                response = web.Response(status=429, headers={"Retry-After": "1"})
            case "hangs":
                await asyncio.sleep(3600)
            case "drips":
                response = web.Response(body=_drip(right_der), content_type=response.content_type)
            case "garbage":
                response.body = b"This is not what was asked for."
            case "html":
                page = "<html><body>Closed for the day.</body></html>"
                response = web.Response(text=page, content_type="text/html")
            case "truncated":
                response.body = right_der[: len(right_der) // 2]
            case "resets":
                response = _Cut(with_reset=True)
            case "loses":
                response = _Cut(with_reset=False)
        return response


async def _drip(answer: bytes) -> AsyncIterator[bytes]:
    """A byte every fifth of a second, for longer than anybody waits."""
    for index in range(len(answer)):
        yield answer[index : index + 1]
        await asyncio.sleep(0.2)


class _Cut(web.Response):
    """No answer: the connection ends instead."""

    def __init__(self, *, with_reset: bool) -> None:
        super().__init__()
        self._with_reset = with_reset

    async def prepare(self, request: web.BaseRequest) -> None:
        """End the connection. Raises ConnectionResetError, as when the other side had done it."""
        if request.transport is not None:
            if self._with_reset:  # what is closed without lingering is reset
                end: socket.socket = request.transport.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            request.transport.abort()
        raise ConnectionResetError


_EVERYWHERE: Final = frozenset(name for name in FAULTS if name.partition("-")[2] in _GENERAL)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the authority in the folder that the command line names, with the faults that it names."""
    parser = command_line("Serve a development authority that answers wrongly, for tests.")
    parser.add_argument("faults", nargs="+", metavar="FAULT", choices=sorted(FAULTS))
    options = parser.parse_args(arguments)
    return serve(
        options.folder,
        options.base_url,
        make_answers=lambda authority: UnsafeFaultyAnswers(
            authority, clock=lambda: datetime.now(UTC), faults=options.faults
        ),
        until_stdin_closes=options.until_stdin_closes,
    )


def _one_per_protocol(faults: Iterable[str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for fault in faults:
        protocol = fault.partition("-")[0]
        if fault not in FAULTS or protocol in chosen:
            raise AuthorityError(
                f"“{fault}” is no fault, or the second of {protocol}.", hint=f"One of {', '.join(FAULTS)}."
            )
        chosen[protocol] = fault
    return chosen


def _stamp_maker(authority: DevelopmentAuthority, fault: str | None, now: datetime) -> StampMaker:
    usages, eku = frozenset({"digital_signature"}), (ExtendedKeyUsageOID.TIME_STAMPING,)
    if fault == "tsa-no-eku":
        return authority.stamp_maker_for(authority.issue("No timestamps", now=now, key_usage=usages))
    if fault == "tsa-expired":
        until = now - _DAY
        expired = authority.issue(
            "Expired TSA", now=now, not_before=now - _MONTH, not_after=until, key_usage=usages, eku=eku
        )
        return authority.stamp_maker_for(expired)
    if fault == "tsa-revoked":
        revoked = authority.issue("Revoked TSA", now=now, key_usage=usages, eku=eku)
        authority.revoke(revoked.certificate.serial_number, at=now)
        return authority.stamp_maker_for(revoked)
    if fault == "tsa-untrusted":
        return _other_authority(now).stamp_maker
    if fault == "tsa-bad-signature":
        wrong_key = generate_key("P-256")
        if isinstance(wrong_key, EllipticCurvePrivateKey):
            return StampMaker(wrong_key, authority.tsa, (authority.issuing,))
    return authority.stamp_maker


def _ocsp_answerer(authority: DevelopmentAuthority, fault: str | None, now: datetime) -> OcspAnswerer:
    responder = authority.ocsp_credential
    if fault == "ocsp-no-eku":
        responder = authority.issue("No OCSP", now=now, key_usage=frozenset({"digital_signature"}))
    if fault == "ocsp-expired":
        responder = authority.issue(
            "Expired OCSP",
            now=now,
            not_before=now - _MONTH,
            not_after=now - _DAY,
            key_usage=frozenset({"digital_signature"}),
            eku=(ExtendedKeyUsageOID.OCSP_SIGNING,),
        )
    if fault == "ocsp-untrusted":
        responder = _other_authority(now).ocsp_credential
    return OcspAnswerer(responder, authority.issuing)


def _other_authority(now: datetime) -> DevelopmentAuthority:
    """Make another PKI whose folder is gone: its keys stay loaded."""
    with tempfile.TemporaryDirectory() as folder:
        other = DevelopmentAuthority.create(Path(folder), base_url=free_base_url(), now=now)
        other.stamp_maker  # noqa: B018 (loads the key)
        other.ocsp_credential  # noqa: B018 (loads the key)
        return other


def _twist_stamp(request: StampRequest, fault: str) -> StampRequest:
    if fault == "tsa-wrong-imprint":
        imprint = bytearray(request.message_imprint)
        imprint[-1] ^= 0x01
        return replace(request, message_imprint=bytes(imprint))
    if fault in ("tsa-wrong-nonce", "tsa-replays"):
        return replace(request, nonce=der.integer(secrets.randbits(64)))
    if fault == "tsa-no-nonce":
        return replace(request, nonce=b"")
    if fault == "tsa-no-certificates":
        return replace(request, wants_certificates=False)
    return request


def _twist_request(request_der: bytes, fault: str) -> bytes:
    """Change what is asked, so that a right answer is the wrong one."""
    request = ocsp.load_der_ocsp_request(request_der)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        request.issuer_name_hash,
        request.issuer_key_hash,
        request.serial_number + (fault == "ocsp-other-certificate"),
        request.hash_algorithm,
    )
    for extension in request.extensions:
        wrong = fault == "ocsp-wrong-nonce" and isinstance(extension.value, x509.OCSPNonce)
        value = x509.OCSPNonce(secrets.token_bytes(32)) if wrong else extension.value
        builder = builder.add_extension(value, critical=extension.critical)
    return builder.build().public_bytes(Encoding.DER)


if __name__ == "__main__":
    sys.exit(main())
