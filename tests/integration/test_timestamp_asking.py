"""How a timestamp authority is asked: as whom, and what its password never gets into."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from certs.authority import DevelopmentAuthority
from certs.loopback import free_base_url
from signing.authorities import TimestampAuthority
from signing.chains import PinnedChains
from signing.errors import TimestampError
from signing.timestamps import Timestamper
from signing.tokens import Token
from tests.signing_samples import now

DIGEST = sha256(b"a signature value").digest()
PASSWORD = "geheim é : woord"


@asynccontextmanager
async def asking(authority: DevelopmentAuthority) -> AsyncIterator[str]:
    """The address of an authority that stamps for "gemeente" alone."""
    right = base64.b64encode(f"gemeente:{PASSWORD}".encode()).decode()

    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Basic {right}":
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        told = authority.timestamp(await request.read(), now())
        return web.Response(body=told, content_type="application/timestamp-reply")

    app, url = web.Application(), free_base_url()
    app.router.add_post("/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2])).start()
    try:
        yield f"{url}/"
    finally:
        await runner.cleanup()


async def stamped(authority: DevelopmentAuthority, one: TimestampAuthority) -> Token:
    async with asking(authority) as url, aiohttp.ClientSession() as http:
        asked = replace(one, url=url)
        timestamper = Timestamper([asked], http=http, chains=PinnedChains(authority.trust), clock=now)
        return await timestamper.timestamp(DIGEST, "sha256")


def test_an_authority_is_told_user_and_password(authority: DevelopmentAuthority, tmp_path: Path) -> None:
    file = tmp_path / "tsa.pass"
    file.write_text(f"{PASSWORD}\nand what stands below\n", encoding="utf-8")
    one = TimestampAuthority("tsa", "", user="gemeente", password_file=file)
    assert asyncio.run(stamped(authority, one)).token_der


@pytest.mark.parametrize(
    ("password", "words"),
    [("another\n", "HTTP status 401"), ("\n", "first line .* is empty"), (None, "can't be read")],
)
def test_a_password_that_does_not_do_is_told_and_never_shown(
    authority: DevelopmentAuthority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    password: str | None,
    words: str,
) -> None:
    file = tmp_path / "tsa.pass"
    if password is not None:
        file.write_text(password, encoding="utf-8")
    one = TimestampAuthority("tsa", "", user="gemeente", password_file=file)
    with caplog.at_level("DEBUG"), pytest.raises(TimestampError, match=words) as failed:
        asyncio.run(stamped(authority, one))
    told = f"{failed.value!r} {failed.value.__cause__!r} {one!r} {caplog.text}"
    assert "another" not in told
    assert base64.b64encode(b"gemeente:another").decode() not in told
