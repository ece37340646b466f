"""The development provider in a process of its own: from its file to a signature, over loopback."""

import asyncio
import stat
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from certs.authority import DevelopmentAuthority
from certs.csc_http import CscPace
from certs.csc_sandbox import CLIENT_ID, FILE, Sandbox, SandboxPerson
from certs.errors import AuthorityError, AuthorityServerError
from certs.keystore import common_name
from certs.serve_csc import CscServer
from signing.csc import CscClient, CscService, Secret
from signing.csc_errors import RemoteLimitError
from tests.csc_office import hashes

BRAM = SandboxPerson("e-9", "Bram Voorbeeld", "password", "4711")


def test_from_the_file_to_a_signature(authority: DevelopmentAuthority) -> None:
    async def sign(server: CscServer, secret: str) -> None:
        service = CscService("sandbox", server.url, CLIENT_ID, Secret(secret))
        async with CscClient.open(service, clock=lambda: datetime.now(UTC)) as client:
            assert await client.credential_ids(user_id="e-9") == (
                "e-9-code",
                "e-9-device",
                "e-9-page",
                "e-9-pin",
            )
            by_pin = await client.authorise("e-9-pin", hashes(3), pin="4711")
            assert common_name(by_pin.credential.certificate) == "Bram Voorbeeld (development)"
            assert len(await client.sign_hashes(by_pin, hashes(3))) == 3
            await client.send_code("e-9-code")
            telephone = f"{server.sandbox.base_url}/telephone/e-9-code"
            async with aiohttp.ClientSession() as http, http.get(telephone) as shown:
                code = await shown.text()
            with pytest.raises(RemoteLimitError):  # the ninth call, of eight a minute
                await client.authorise("e-9-code", hashes(1), pin="4711", otp=code)

    Sandbox.create(authority, people=[BRAM])
    file = authority.folder / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with CscServer(authority.folder, pace=CscPace(most=8)) as server:
        asyncio.run(sign(server, server.sandbox.client_secret))
        with pytest.raises(AuthorityServerError, match="did not start"):
            CscServer(authority.folder).start()


def test_a_folder_without_a_provider_and_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(AuthorityError, match="no development provider"):
        Sandbox.open(tmp_path)
    (tmp_path / FILE).write_text('{"people": []}')
    with pytest.raises(AuthorityError, match="is damaged"):
        Sandbox.open(tmp_path)
