"""How OCSP names certificates: by digests of names and keys.

Source: RFC 6960, CertID and ResponderID.
"""

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certs import der


def issuer_hashes(issuer: x509.Certificate, algorithm: HashAlgorithm) -> tuple[bytes, bytes]:
    """Give the issuerNameHash and the issuerKeyHash under which an issuer's certificates are asked about."""
    return _digest(algorithm, issuer.subject.public_bytes()), _digest(algorithm, _key_bits(issuer))


def responder_key_hash(certificate: x509.Certificate) -> bytes:
    """Give the key hash by which a responder may call itself; it is always SHA-1."""
    return _digest(SHA1(), _key_bits(certificate))  # noqa: S303 (names a key, protects nothing)


def _key_bits(certificate: x509.Certificate) -> bytes:
    """A public key's bits, without algorithm, tag, length and the count of unused bits."""
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return der.content(spki, der.children(spki, der.only(spki))[1])[1:]


def _digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    hasher = Hash(algorithm)
    hasher.update(data)
    return hasher.finalize()
