"""pyHanko's own client of the CSC API, which shares no code with ours, signs at the development provider."""

import asyncio

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from pyhanko.sign.signers.csc_signer import (
    CSCAuthorizationInfo,
    CSCAuthorizationManager,
    CSCServiceSessionInfo,
    CSCSigner,
    fetch_certs_in_csc_credential,
)

from certs.authority import DevelopmentAuthority
from certs.csc_provider import PATH
from tests.csc_office import CLIENT_ID, CLIENT_SECRET, PIN, Office, an_office

DATA = [f"signed attributes {number}".encode() for number in range(3)]


class ByPin(CSCAuthorizationManager):
    """Authorises each batch with the PIN."""

    http: aiohttp.ClientSession

    async def authorize_signature(self, hash_b64s: list[str]) -> CSCAuthorizationInfo:
        url = self.csc_session_info.endpoint_url("credentials/authorize")
        request = self.format_csc_auth_request(num_signatures=len(hash_b64s), pin=PIN, hash_b64s=hash_b64s)
        async with self.http.post(url, headers=self.auth_headers, json=request) as answer:
            assert answer.status == 200
            return self.parse_csc_auth_response(await answer.json())


async def by_pyhanko(office: Office, http: aiohttp.ClientSession, credential_id: str) -> list[bytes]:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    async with http.post(f"{office.url}/oauth2/token", data=form) as answer:
        token = (await answer.json())["access_token"]
    session = CSCServiceSessionInfo(office.url, credential_id, token, PATH.rpartition("/")[2])
    by_pin = ByPin(session, await fetch_certs_in_csc_credential(http, session))
    by_pin.http = http
    assert (by_pin.credential_info.max_batch_size, len(by_pin.credential_info.chain)) == (200, 2)
    signer = CSCSigner(http, by_pin, batch_size=len(DATA))
    return await asyncio.gather(*(signer.async_sign_raw(one, "sha256") for one in DATA))


@pytest.mark.parametrize("credential_id", ["pin", "rsa"])
def test_pyhankos_client_signs_a_batch(authority: DevelopmentAuthority, credential_id: str) -> None:
    async def step() -> None:
        async with an_office(authority) as office, aiohttp.ClientSession() as http:
            values = await by_pyhanko(office, http, credential_id)
            key = (await office.client.credential(credential_id)).certificate.public_key()
            for one, value in zip(DATA, values, strict=True):
                if isinstance(key, rsa.RSAPublicKey):
                    key.verify(value, one, padding.PKCS1v15(), SHA256())
                else:
                    assert isinstance(key, ec.EllipticCurvePublicKey)
                    key.verify(value, one, ec.ECDSA(SHA256()))
            assert len(office.calls("signatures/signHash")) == 1

    asyncio.run(step())
