"""Whom and what the development provider knows: applications, people, and the keys it keeps for them."""

from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from certs.keystore import Credential

Mode = Literal["explicit", "implicit", "oauth2code"]

SHA2_OIDS: Final = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
RSA_OID: Final = "1.2.840.113549.1.1.1"
"""PKCS #1 v1.5 over the digest that `hashAlgo` names."""
RSA_OIDS: Final = {
    "1.2.840.113549.1.1.11": "sha256",
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
}
ECDSA_OIDS: Final = {
    "1.2.840.10045.4.3.2": "sha256",
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
}
ED25519_OID: Final = "1.3.101.112"
"""Signs messages, not hashes (RFC 8032): told of such a key, and refused at signatures/signHash."""


@dataclass(frozen=True)
class CscApplication:
    """A signature application that may use the provider: an OAuth 2.0 client."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] = ()


@dataclass(frozen=True)
class CscPerson:
    """Somebody with an account at the provider; the password is for the provider's own page."""

    user_id: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class CscCredential:
    """A key that the provider keeps for a person, and what its use takes.

    `pin` "" asks for none; with `otp` a code is sent first; `bound` ties each authorisation to the hashes
    (the specification's SCAL 2); `multisign` is the most signatures of one authorisation.
    """

    credential_id: str
    user_id: str
    key: Credential = field(repr=False)
    mode: Mode = "explicit"
    pin: str = field(default="", repr=False)
    otp: bool = False
    bound: bool = True
    multisign: int = 200
    enabled: bool = True

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The OIDs of the signature algorithms that the key can do."""
        if isinstance(self.key.private_key, RSAPrivateKey):
            return (RSA_OID, *RSA_OIDS)
        if isinstance(self.key.private_key, Ed25519PrivateKey):
            return (ED25519_OID,)
        return tuple(ECDSA_OIDS)
