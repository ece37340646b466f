"""Who signs: the protocol that every key holder keeps, and the one that holds its key in software."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from certs import der
from certs.keys import PrivateKey
from certs.keystore import Credential
from signing.errors import SignerError, UnsupportedKeyError

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
# NIST hash algorithm identifiers; their parameters are absent: RFC 5754, 2.
DIGEST_OIDS = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
_ECDSA_OIDS = {
    "sha256": "1.2.840.10045.4.3.2",
    "sha384": "1.2.840.10045.4.3.3",
    "sha512": "1.2.840.10045.4.3.4",
}
_RSA_OIDS = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_ED25519_OID = "1.3.101.112"


class Signer(Protocol):
    """Somebody with a certificate and the use of its key: in software, in a device, or far away."""

    @property
    def certificate(self) -> x509.Certificate:
        """The signing certificate."""

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates above it, issuer first, up to the root where that is known."""

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        """Sign the DER of the signed attributes and return the raw signature value; raises SignerError."""


class SoftwareSigner:
    """Signs with a private key in memory, loaded once and kept."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._key = credential.private_key

    @property
    def certificate(self) -> x509.Certificate:
        """The signing certificate."""
        return self._credential.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        """The certificates above it."""
        return self._credential.chain

    async def sign(self, signed_attributes: bytes, digest_algorithm: str) -> bytes:
        """Sign; ECDSA values are DER, RSA is PKCS #1 v1.5, Ed25519 is the pure form (RFC 8419)."""
        try:
            return sign_with_key(self._key, signed_attributes, digest_algorithm)
        except (ValueError, TypeError, KeyError) as error:
            raise SignerError(f"The key of {self._credential.name} refused to sign: {error}") from error


def sign_with_key(key: PrivateKey, data: bytes, digest_algorithm: str) -> bytes:
    """Sign with a key in memory, as `SoftwareSigner.sign`. Raises ValueError, TypeError, KeyError."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(_HASHES[digest_algorithm]))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), _HASHES[digest_algorithm])
    return key.sign(data)


@dataclass(frozen=True)
class Mechanism:
    """How a key signs: digest, both algorithm identifiers in DER, longest signature value in bytes."""

    digest_algorithm: str
    digest_identifier: bytes
    signature_identifier: bytes
    longest_value: int


@lru_cache(maxsize=1024)
def mechanism_for(certificate: x509.Certificate, digest: str | None = None) -> Mechanism:
    """Choose the mechanism for a certificate's key; `digest` None takes the key's own.

    Raises UnsupportedKeyError for keys outside RSA 2048 to 4096, P-256, P-384 and Ed25519, and for a digest
    that the key can't go with.
    """
    return mechanism_of(certificate.public_key(), digest)


def mechanism_of(key: object, digest: str | None = None) -> Mechanism:
    """As `mechanism_for`, for a public key that has no certificate yet."""
    if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 4096:
        chosen = digest or "sha256"
        signature = der.sequence(der.oid(_RSA_OIDS[chosen]), der.tlv(der.NULL))
        return _mechanism(chosen, signature, (key.key_size + 7) // 8)
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in ("secp256r1", "secp384r1"):
        chosen = digest or ("sha256" if key.key_size == 256 else "sha384")
        # SEQUENCE of two INTEGERs of at most one octet more than the curve's size
        return _mechanism(chosen, der.sequence(der.oid(_ECDSA_OIDS[chosen])), 2 * (key.key_size // 8 + 3) + 3)
    if isinstance(key, ed25519.Ed25519PublicKey):
        if digest not in (None, "sha512"):
            raise UnsupportedKeyError(
                f"Ed25519 signs over SHA-512 only, and the profile asks for {digest}.",
                hint="Remove `digest` from the profile, or use another key.",
            )
        return _mechanism("sha512", der.sequence(der.oid(_ED25519_OID)), 64)
    raise UnsupportedKeyError(
        "The signing key is of a kind or size that is not supported.",
        hint="Use RSA of 2048 to 4096 bits, P-256, P-384 or Ed25519.",
    )


def _mechanism(digest: str, signature_identifier: bytes, longest_value: int) -> Mechanism:
    identifier = der.sequence(der.oid(DIGEST_OIDS[digest]))
    return Mechanism(digest, identifier, signature_identifier, longest_value)
