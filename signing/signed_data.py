"""Read a CMS SignedData of exactly one signer strictly, and verify its signature.

Used on timestamp tokens before they are kept and on finished files. Source: RFC 5652.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from certs import der
from certs.der import DerError
from signing.cms import OID_CONTENT_TYPE, OID_MESSAGE_DIGEST, OID_SIGNED_DATA, OID_SIGNING_CERTIFICATE_V2

# With longer ones one check takes a second; as audit/verify_log.py has it, which shares no code.
_RSA_BITS_MAX, _EXPONENT_BITS_MAX = 8192, 64
_CONTEXT_0, _CONTEXT_1 = 0xA0, 0xA1
_OID_SIGNING_CERTIFICATE_V1 = "1.2.840.113549.1.9.16.2.12"
_RSA_PKCS1, _RSA_PSS, _ED25519 = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.3.101.112"

# SHA-1 and older are not accepted anywhere.
_DIGESTS: dict[bytes, tuple[str, hashes.HashAlgorithm]] = {
    der.oid("2.16.840.1.101.3.4.2.1"): ("sha256", hashes.SHA256()),
    der.oid("2.16.840.1.101.3.4.2.2"): ("sha384", hashes.SHA384()),
    der.oid("2.16.840.1.101.3.4.2.3"): ("sha512", hashes.SHA512()),
}
_SIGNATURE_DIGESTS: dict[bytes, str] = {
    der.oid("1.2.840.10045.4.3.2"): "sha256",
    der.oid("1.2.840.10045.4.3.3"): "sha384",
    der.oid("1.2.840.10045.4.3.4"): "sha512",
    der.oid("1.2.840.113549.1.1.11"): "sha256",
    der.oid("1.2.840.113549.1.1.12"): "sha384",
    der.oid("1.2.840.113549.1.1.13"): "sha512",
}


@dataclass(frozen=True)
class SignedData:
    """The parts of a SignedData that are judged.

    `signed_attributes` is the DER SET OF as it was signed; `attributes` and `unsigned` map an attribute's
    OID (DER) to its single value (DER). `content` is None for a detached signature.
    """

    content_type: bytes
    content: bytes | None
    certificates: tuple[bytes, ...]
    issuer: bytes
    serial: bytes
    digest: bytes
    signature_algorithm: bytes
    signed_attributes: bytes
    attributes: Mapping[bytes, bytes]
    unsigned: Mapping[bytes, bytes]
    value: bytes

    @property
    def digest_name(self) -> str:
        """The digest algorithm's name for hashlib; raises DerError when it is not an accepted one."""
        try:
            return _DIGESTS[self.digest][0]
        except KeyError:
            raise DerError("the digest algorithm is not an accepted one") from None

    def signer_certificate(self) -> bytes:
        """Return the embedded certificate that the signer's identifier names; raises DerError."""
        for cert_der in self.certificates:
            certificate = load_certificate(cert_der)
            if (certificate.issuer.public_bytes(), der.integer(certificate.serial_number)) == (
                self.issuer,
                self.serial,
            ):
                return cert_der
        raise DerError("the signer's certificate is not embedded")


@lru_cache(maxsize=4096)
def load_certificate(cert_der: bytes) -> x509.Certificate:
    """Parse a certificate, remembering the last few thousand.

    Raises DerError, also for a key that was made to keep whoever uses it busy.
    """
    try:
        certificate = x509.load_der_x509_certificate(cert_der)
    except ValueError as error:
        raise DerError(f"unreadable certificate: {error}") from error
    _require_usual(certificate)
    return certificate


def _require_usual(certificate: x509.Certificate) -> None:
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):
        return  # nothing can be verified with it
    if not isinstance(key, rsa.RSAPublicKey):
        return
    exponent_bits = key.public_numbers().e.bit_length()
    if key.key_size > _RSA_BITS_MAX or exponent_bits > _EXPONENT_BITS_MAX:
        raise DerError(
            "a certificate has a key with numbers far longer than any in use: "
            f"{key.key_size} bits, with an exponent of {exponent_bits} "
            f"(at most {_RSA_BITS_MAX} and {_EXPONENT_BITS_MAX})"
        )


def parse_signed_data(data: bytes) -> SignedData:
    """Read a ContentInfo with a SignedData of one signer; raises DerError."""
    content_info = der.children(data, der.only(data))
    if der.whole(data, der.expect(content_info, 0, der.OID)) != der.oid(OID_SIGNED_DATA):
        raise DerError("not a SignedData")
    wrapped = der.children(data, der.expect(content_info, 1, _CONTEXT_0))
    parts = der.children(data, der.expect(wrapped, 0, der.SEQUENCE))
    content_type, content = _encapsulated(data, der.expect(parts, 2, der.SEQUENCE))
    certificates: tuple[bytes, ...] = ()
    if len(parts) > 3 and parts[3].tag == _CONTEXT_0:
        certificates = tuple(
            der.whole(data, found) for found in der.children(data, parts[3]) if found.tag == der.SEQUENCE
        )
    signer_infos = der.children(data, der.expect(parts, len(parts) - 1, der.SET))
    if len(signer_infos) != 1:
        raise DerError(f"{len(signer_infos)} signers where one is expected")
    return _signer_info(data, signer_infos[0], content_type, content, certificates)


def _encapsulated(data: bytes, encap: der.Node) -> tuple[bytes, bytes | None]:
    parts = der.children(data, encap)
    content_type = der.whole(data, der.expect(parts, 0, der.OID))
    if len(parts) == 1:
        return content_type, None
    inner = der.children(data, der.expect(parts, 1, _CONTEXT_0))
    return content_type, der.content(data, der.expect(inner, 0, der.OCTET_STRING))


def _signer_info(
    data: bytes, info: der.Node, content_type: bytes, content: bytes | None, certificates: tuple[bytes, ...]
) -> SignedData:
    parts = der.children(data, info)
    identifier = der.children(data, der.expect(parts, 1, der.SEQUENCE))
    digest = der.children(data, der.expect(parts, 2, der.SEQUENCE))
    attributes = der.expect(parts, 3, _CONTEXT_0)
    unsigned = _attributes(data, parts[6]) if len(parts) > 6 and parts[6].tag == _CONTEXT_1 else {}
    return SignedData(
        content_type=content_type,
        content=content,
        certificates=certificates,
        issuer=der.whole(data, der.expect(identifier, 0, der.SEQUENCE)),
        serial=der.whole(data, der.expect(identifier, 1, der.INTEGER)),
        digest=der.whole(data, der.expect(digest, 0, der.OID)),
        signature_algorithm=der.whole(data, der.expect(parts, 4, der.SEQUENCE)),
        # stored under an implicit context tag, signed as a SET OF: RFC 5652, 5.4
        signed_attributes=bytes((der.SET,)) + data[attributes.start + 1 : attributes.end],
        attributes=_attributes(data, attributes),
        unsigned=unsigned,
        value=der.content(data, der.expect(parts, 5, der.OCTET_STRING)),
    )


def _attributes(data: bytes, container: der.Node) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for attribute in der.children(data, container):
        parts = der.children(data, attribute)
        name = der.whole(data, der.expect(parts, 0, der.OID))
        values = der.children(data, der.expect(parts, 1, der.SET))
        if name in found or len(values) != 1:
            raise DerError("an attribute is repeated or has not exactly one value")
        found[name] = der.whole(data, values[0])
    return found


def verify_signed_data(signed: SignedData, cert_der: bytes, content_digest: bytes) -> None:
    """Check the signature, and that it covers this content and names this certificate; raises DerError.

    Covers: content-type and message-digest attributes, the signature value over the attributes, and the
    ESS signing-certificate attribute's hash of the certificate.
    """
    if signed.attributes.get(der.oid(OID_CONTENT_TYPE)) != signed.content_type:
        raise DerError("the content-type attribute is missing or wrong")
    if signed.attributes.get(der.oid(OID_MESSAGE_DIGEST)) != der.octets(content_digest):
        raise DerError("the message digest is not that of the content")
    _check_ess(signed, cert_der)
    verify_value(
        load_certificate(cert_der).public_key(),
        signed.signature_algorithm,
        signed.digest,
        signed.signed_attributes,
        signed.value,
    )


def _check_ess(signed: SignedData, cert_der: bytes) -> None:
    value = signed.attributes.get(der.oid(OID_SIGNING_CERTIFICATE_V2))
    version_1 = value is None
    if version_1:
        # Many timestamp authorities still write the SHA-1 form: RFC 3161 names it, RFC 5816 adds the other.
        value = signed.attributes.get(der.oid(_OID_SIGNING_CERTIFICATE_V1))
    if value is None:
        raise DerError("the signing-certificate attribute is missing")
    certs = der.children(value, der.expect(der.children(value, der.only(value)), 0, der.SEQUENCE))
    ess = der.children(value, der.expect(certs, 0, der.SEQUENCE))
    algorithm, at = ("sha1" if version_1 else "sha256"), 0
    if not version_1 and ess and ess[0].tag == der.SEQUENCE:
        name = der.whole(value, der.expect(der.children(value, ess[0]), 0, der.OID))
        if name not in _DIGESTS:
            raise DerError("the signing-certificate attribute's digest is not an accepted one")
        algorithm, at = _DIGESTS[name][0], 1
    digest = hashlib.new(algorithm, cert_der, usedforsecurity=not version_1).digest()
    if der.content(value, der.expect(ess, at, der.OCTET_STRING)) != digest:
        raise DerError("the signing-certificate attribute names another certificate")


def verify_value(public_key: object, algorithm: bytes, digest: bytes, data: bytes, value: bytes) -> None:
    """Check a raw signature value under a CMS signature AlgorithmIdentifier (DER); raises DerError."""
    parts = der.children(algorithm, der.only(algorithm))
    name = der.whole(algorithm, der.expect(parts, 0, der.OID))
    try:
        if isinstance(public_key, ed25519.Ed25519PublicKey) and name == der.oid(_ED25519):
            public_key.verify(value, data)
        elif isinstance(public_key, ec.EllipticCurvePublicKey) and name in _SIGNATURE_DIGESTS:
            public_key.verify(value, data, ec.ECDSA(_hash_of(name, digest)))
        elif isinstance(public_key, rsa.RSAPublicKey):
            scheme, algorithm_used = _rsa_scheme(algorithm, parts, name, digest)
            public_key.verify(value, data, scheme, algorithm_used)
        else:
            raise DerError("the signature algorithm does not go with the key")
    except InvalidSignature as error:
        raise DerError("the signature value does not verify") from error
    except (UnsupportedAlgorithm, ValueError) as error:
        if isinstance(error, DerError):
            raise
        raise DerError(f"the signature can't be checked: {error}") from error


def _hash_of(name: bytes, digest: bytes) -> hashes.HashAlgorithm:
    """The signature algorithm's hash, which must be the signer's digest algorithm too."""
    digest_name, algorithm = _DIGESTS.get(digest, ("", None))
    if algorithm is None or _SIGNATURE_DIGESTS.get(name) != digest_name:
        raise DerError("digest and signature algorithm disagree, or are not accepted ones")
    return algorithm


def _rsa_scheme(
    algorithm: bytes, parts: list[der.Node], name: bytes, digest: bytes
) -> tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]:
    if name == der.oid(_RSA_PSS):
        # PSS parameters [0] hash: RFC 4055, 3.1; the salt's length is found from the signature itself
        params = der.children(algorithm, der.expect(parts, 1, der.SEQUENCE))
        explicit = der.children(algorithm, der.expect(params, 0, _CONTEXT_0))
        chosen = der.children(algorithm, der.expect(explicit, 0, der.SEQUENCE))
        name = der.whole(algorithm, der.expect(chosen, 0, der.OID))
        if name not in _DIGESTS:
            raise DerError("the PSS digest is not an accepted one")
        pss_hash = _DIGESTS[name][1]
        return padding.PSS(padding.MGF1(pss_hash), padding.PSS.AUTO), pss_hash
    if name == der.oid(_RSA_PKCS1):
        if digest not in _DIGESTS:
            raise DerError("the digest algorithm is not an accepted one")
        return padding.PKCS1v15(), _DIGESTS[digest][1]
    return padding.PKCS1v15(), _hash_of(name, digest)
