"""Every kind of signer, for the tests that all of them have to pass: a new kind is a line in SIGNERS."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from certs.authority import ORGANISATION, DevelopmentAuthority
from certs.keystore import Credential
from signing.csc import CscClient, CscService, CscSigner, RemoteCredential, hash_to_sign
from signing.opening import open_signer
from signing.organisation import KeyInFile, KeyInToken
from signing.signers import Signer
from tests.campaign import times
from tests.csc_office import PIN
from tests.own_signers import PASSPHRASE, write_key
from tests.signing_samples import KEY_TYPES, now
from tests.softhsm import SoftToken

NAMES = {"person": "Zoë Employer", "seal": ORGANISATION}
"""Who holds the key: as the certificate of the development PKI names them, before its mark."""


@dataclass(frozen=True)
class Case:
    """One of SIGNERS with a key of one of KEY_TYPES, a person's or the organisation's."""

    kind: str
    key_type: str = "P-256"
    holder: str = "person"

    def __str__(self) -> str:
        return f"{self.kind}-{self.holder}-{self.key_type}"


@dataclass(frozen=True)
class Holders:
    """What a signer of some kind may need: the PKI, a folder for key files; a token, and a provider."""

    authority: DevelopmentAuthority
    folder: Path
    token: Callable[[], SoftToken]
    provider: Callable[[], CscService]

    def open(self, case: Case) -> Signer:
        """The signer as an office opens it; call it outside of an event loop."""
        return SIGNERS[case.kind](self, case)

    def credential(self, case: Case) -> Credential:
        if case.holder == "seal":
            return self.authority.seal(key_type=case.key_type, now=now())
        return persons_key(self.authority, case.key_type)


def persons_key(authority: DevelopmentAuthority, key_type: str) -> Credential:
    return authority.person(f"employer-{key_type}", NAMES["person"], key_type=key_type, now=now())


def in_a_pem_file(holders: Holders, case: Case) -> Signer:
    write_key(holders.folder, str(case), holders.credential(case))
    key, passphrase = (holders.folder / f"{case}.{ending}" for ending in ("pem", "pass"))
    return open_signer(KeyInFile(key, None, passphrase))


def in_a_pkcs12_file(holders: Holders, case: Case) -> Signer:
    found = holders.credential(case)
    key, passphrase = (holders.folder / f"{case}.{ending}" for ending in ("p12", "pass"))
    key.write_bytes(
        serialize_key_and_certificates(
            b"key", found.private_key, found.certificate, found.chain, BestAvailableEncryption(PASSPHRASE)
        )
    )
    passphrase.write_bytes(PASSPHRASE + b"\n")
    return open_signer(KeyInFile(key, None, passphrase))


def in_a_token(holders: Holders, case: Case) -> Signer:
    token = holders.token()
    label = token.key_of_kind(case.key_type, holders.authority, holder=NAMES[case.holder])
    return open_signer(KeyInToken(token.uri(label), token.chain_file(holders.authority), None))


def at_a_provider(holders: Holders, case: Case) -> Signer:
    return asyncio.run(SignerAtProvider.of(holders.provider(), case.key_type))


SIGNERS: Mapping[str, Callable[[Holders, Case], Signer]] = {
    "pem": in_a_pem_file,
    "pkcs12": in_a_pkcs12_file,
    "pkcs11": in_a_token,
    "csc": at_a_provider,
}
"""Makes a signer with a key and a certificate of the development PKI."""

CANT = {
    Case(
        "csc", "Ed25519"
    ): "signatures/signHash takes a hash, and Ed25519 in CMS signs the attributes (RFC 8419)",
    Case(
        "csc", holder="seal"
    ): "a person authorises at a provider; signing.toml is refused with a seal there",
}
"""What a kind of signer can't do, and why; the tests show that it is refused."""

# A token takes seconds to make a long RSA key: in campaigns only.
SLOW = () if times(1) > 1 else (Case("pkcs11", "RSA-4096"),)
CASES = [
    case
    for case in (
        *(Case(kind, key_type) for kind in ("pkcs11", "csc") for key_type in KEY_TYPES),
        *(Case(kind) for kind in ("pem", "pkcs12")),  # the other kinds of key in files: `witness_files`
        *(Case(kind, holder="seal") for kind in SIGNERS),
    )
    if case not in (*SLOW, *CANT)
]


class SignerAtProvider:
    """A key at a remote provider whose owner types their PIN at every signature; our client does the rest."""

    def __init__(self, service: CscService, credential: RemoteCredential) -> None:
        self._service = service
        self._credential = credential

    @classmethod
    async def of(cls, service: CscService, credential_id: str) -> "SignerAtProvider":
        async with CscClient.open(service, clock=now) as client:
            return cls(service, await client.credential(credential_id))

    @property
    def certificate(self) -> x509.Certificate:
        return self._credential.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return self._credential.chain

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        hashes = [hash_to_sign(signed_attributes, digest_algorithm)]
        async with CscClient.open(self._service, clock=now) as client:
            word = await client.authorise(
                self._credential.credential_id, hashes, digest=digest_algorithm, pin=PIN
            )
            return await CscSigner(client, self._credential, word).sign(signed_attributes, digest_algorithm)
