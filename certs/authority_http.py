"""The development authority over HTTP: which address gives what.

Source: the HTTP parts of RFC 3161, RFC 6960 and RFC 5280.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Literal

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs.authority import DevelopmentAuthority

LARGEST_REQUEST: Final = 64 * 1024
_CRL_KEPT: Final = timedelta(seconds=60)


class Answers:
    """What the authority answers to each kind of request; a malformed one gets its protocol's own refusal."""

    def __init__(self, authority: DevelopmentAuthority, *, clock: Callable[[], datetime]) -> None:
        self.authority = authority
        self.clock = clock
        self._crls: dict[str, tuple[object, datetime, bytes]] = {}

    async def tsa(self, body: bytes) -> web.Response:
        """Answer a TimeStampReq."""
        return stamp_response(self.authority.timestamp(body, self.clock()))

    async def ocsp(self, body: bytes) -> web.Response:
        """Answer an OCSPRequest."""
        return ocsp_response(self.authority.ocsp(body, self.clock()))

    async def crl(self, issuer: Literal["issuing", "root"]) -> web.Response:
        """Give an issuer's CRL: made anew every minute and whenever something was revoked."""
        now, revocations = self.clock(), self.authority.revocations()
        seen, made_at, crl_der = self._crls.get(issuer, (None, now, b""))
        if seen is not revocations or not timedelta() <= now - made_at < _CRL_KEPT:
            crl_der = self.authority.crl(issuer, now)
            self._crls[issuer] = revocations, now, crl_der
        return crl_response(crl_der)

    async def certificate(self, issuer: Literal["issuing", "root"]) -> web.Response:
        """Give an issuer's certificate."""
        found: x509.Certificate = self.authority.root if issuer == "root" else self.authority.issuing
        return web.Response(body=found.public_bytes(Encoding.DER), content_type="application/pkix-cert")


def stamp_response(der: bytes) -> web.Response:
    """Wrap a TimeStampResp."""
    return web.Response(body=der, content_type="application/timestamp-reply")


def ocsp_response(der: bytes) -> web.Response:
    """Wrap an OCSPResponse."""
    return web.Response(body=der, content_type="application/ocsp-response")


def crl_response(der: bytes) -> web.Response:
    """Wrap a CRL."""
    return web.Response(body=der, content_type="application/pkix-crl")


def authority_app(answers: Answers) -> web.Application:
    """Build the web application that serves `answers`."""

    async def tsa(request: web.Request) -> web.Response:
        return await answers.tsa(await request.read())

    async def ocsp(request: web.Request) -> web.Response:
        return await answers.ocsp(await request.read())

    async def issuing_crl(_request: web.Request) -> web.Response:
        return await answers.crl("issuing")

    async def root_crl(_request: web.Request) -> web.Response:
        return await answers.crl("root")

    async def issuing_certificate(_request: web.Request) -> web.Response:
        return await answers.certificate("issuing")

    async def root_certificate(_request: web.Request) -> web.Response:
        return await answers.certificate("root")

    app = web.Application(client_max_size=LARGEST_REQUEST)
    app.router.add_post("/tsa", tsa)
    app.router.add_post("/ocsp", ocsp)
    app.router.add_get("/crl/issuing.crl", issuing_crl)
    app.router.add_get("/crl/root.crl", root_crl)
    app.router.add_get("/ca/issuing.crt", issuing_certificate)
    app.router.add_get("/ca/root.crt", root_certificate)
    return app
