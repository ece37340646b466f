"""How long a slow authority is waited for: the time-out is for the whole answer, however it trickles in."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import aiohttp
import pytest
from aiohttp import web

from certs.authority import DevelopmentAuthority
from certs.errors import RevocationUnavailable
from certs.loopback import free_base_url
from certs.revocation import RevocationSource
from signing.authorities import TimestampAuthority
from signing.chains import PinnedChains
from signing.errors import TimestampError
from signing.timestamps import Timestamper
from tests.signing_samples import now

TIMEOUT_S, SLACK_S = 1.0, 5.0
TYPES = {"/tsa": "application/timestamp-reply", "/ocsp": "application/ocsp-response"}


@pytest.fixture
def own(tmp_path: Path) -> DevelopmentAuthority:
    """A PKI whose addresses nobody else answers at."""
    return DevelopmentAuthority.create(tmp_path / "pki", base_url=free_base_url(), now=now())


async def drip(request: web.Request) -> web.StreamResponse:
    """One byte every fifth of a second, for longer than anybody waits."""
    kind = TYPES.get(request.path, "application/pkix-crl")
    response = web.StreamResponse(headers={"Content-Type": kind})
    await response.prepare(request)
    for _ in range(60):
        await response.write(b"\x30")
        await asyncio.sleep(0.2)
    return response


async def bomb(request: web.Request) -> web.Response:
    """A small reply that grows to 20 MB."""
    headers = {"Content-Type": TYPES["/tsa"], "Content-Encoding": "gzip"}
    return web.Response(body=gzip.compress(bytes(20_000_000)), headers=headers)


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], url: str
) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    address = url.removeprefix("http://").split("/", 1)[0]
    host, port = address.split(":")
    await web.TCPSite(runner, host, int(port)).start()
    try:
        async with aiohttp.ClientSession() as http:
            yield http
    finally:
        await runner.cleanup()


def timestamper(authority: DevelopmentAuthority, http: aiohttp.ClientSession) -> Timestamper:
    return Timestamper(
        [TimestampAuthority("slow", authority.tsa_url)],
        http=http,
        chains=PinnedChains(authority.trust),
        clock=now,
        timeout_s=TIMEOUT_S,
    )


def test_a_trickling_timestamp_ends_with_the_time_out(own: DevelopmentAuthority) -> None:
    async def ask() -> float:
        async with serving(drip, own.tsa_url) as http:
            begun = monotonic()
            with pytest.raises(TimestampError, match="no reply within 1 s"):
                await timestamper(own, http).timestamp(bytes(32), "sha256")
            return monotonic() - begun

    assert asyncio.run(ask()) < TIMEOUT_S + SLACK_S


def test_a_compressed_reply_is_refused_unread(own: DevelopmentAuthority) -> None:
    async def ask() -> None:
        async with serving(bomb, own.tsa_url) as http:
            with pytest.raises(TimestampError, match="compressed"):
                await timestamper(own, http).timestamp(bytes(32), "sha256")

    asyncio.run(ask())


def test_trickling_revocation_answers_end_with_the_time_out(own: DevelopmentAuthority) -> None:
    """OCSP and the list after it: each has its time-out."""
    credential = own.person("e-9", "Bram Voorbeeld", now=now())

    async def ask() -> float:
        async with serving(drip, own.tsa_url) as http:
            source = RevocationSource(http, clock=now, timeout_s=TIMEOUT_S)
            begun = monotonic()
            with pytest.raises(RevocationUnavailable, match=r"took too long.*took too long"):
                await source.evidence(credential.certificate, own.issuing)
            return monotonic() - begun

    assert asyncio.run(ask()) < 2 * (TIMEOUT_S + SLACK_S)
