"""Every kind of signer, for the tests that all of them have to pass: a new kind is a line in SIGNERS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import pytest

from certs.authority import DevelopmentAuthority
from signing.pkcs11 import open_signer
from signing.signers import Signer, SoftwareSigner
from tests.campaign import times
from tests.signing_samples import KEY_TYPES, now
from tests.softhsm import SoftToken


@dataclass(frozen=True)
class Holders:
    """What a signer of some kind may need: the development PKI, and by name any other fixture."""

    request: pytest.FixtureRequest
    authority: DevelopmentAuthority

    @property
    def token(self) -> SoftToken:
        token: SoftToken = self.request.getfixturevalue("soft_token")
        return token


def in_software(holders: Holders, key_type: str) -> Signer:
    return SoftwareSigner(holders.authority.person("e-7", "Zoë Voorbeeld", key_type=key_type, now=now()))


def in_a_token(holders: Holders, key_type: str) -> Signer:
    token = holders.token
    uri = token.uri(token.key_of_kind(key_type, holders.authority))
    return open_signer(uri, chain=token.chain_file(holders.authority))


SIGNERS: Mapping[str, Callable[[Holders, str], Signer]] = {
    "software": in_software,
    "pkcs11": in_a_token,
}
"""Makes a signer with a key of one of KEY_TYPES and a certificate of the development PKI."""

# A token takes seconds to make a long RSA key: in campaigns only.
SLOW = () if times(1) > 1 else (("pkcs11", "RSA-4096"),)
CASES = [case for case in product(SIGNERS, KEY_TYPES) if case not in SLOW]
