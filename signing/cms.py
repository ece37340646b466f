"""The CMS object of a signature, assembled from a DER template for each signer.

Everything but the document's digest, the signature value and the timestamp token is the same in every
signature of a signer, so it is encoded once. Sources: RFC 5652 (SignedData), RFC 5035
(signing-certificate-v2), ETSI EN 319 142-1 (no signing-time attribute: the
claimed time stands in the signature dictionary's /M).
"""

import hashlib
from functools import lru_cache

from cryptography import x509

from certs import der
from signing.signers import Mechanism

OID_DATA = "1.2.840.113549.1.7.1"
OID_SIGNED_DATA = "1.2.840.113549.1.7.2"
OID_CONTENT_TYPE = "1.2.840.113549.1.9.3"
OID_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
OID_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
OID_SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
_CONTEXT_0, _CONTEXT_1, _DIRECTORY_NAME = 0xA0, 0xA1, 0xA4


class CmsTemplate:
    """Makes a signer's signed attributes and CMS objects; immutable, one for each (path, mechanism).

    `certificates` are DER, the signer's first, up to and including the root: without the root an archived
    signature lacks a proof of existence for it.
    """

    def __init__(self, certificates: tuple[bytes, ...], mechanism: Mechanism) -> None:
        self.mechanism = mechanism
        certificate = x509.load_der_x509_certificate(certificates[0])
        issuer = certificate.issuer.public_bytes()
        serial = der.integer(certificate.serial_number)
        self._fixed_attributes = (
            der.sequence(der.oid(OID_CONTENT_TYPE), der.set_of(der.oid(OID_DATA))),
            _signing_certificate_v2(certificates[0], issuer, serial),
        )
        self._before_signer_info = (
            der.integer(1)
            + der.set_of(mechanism.digest_identifier)
            + der.sequence(der.oid(OID_DATA))
            + der.tlv(_CONTEXT_0, *sorted(set(certificates)))
        )
        self._before_attributes = der.integer(1) + der.sequence(issuer, serial) + mechanism.digest_identifier

    def signed_attributes(self, document_digest: bytes) -> bytes:
        """Return the DER of the SET OF attributes that the key signs."""
        digest = der.sequence(der.oid(OID_MESSAGE_DIGEST), der.set_of(der.octets(document_digest)))
        return der.set_of(*self._fixed_attributes, digest)

    def content_info(self, signed_attributes: bytes, value: bytes, *, timestamp_token: bytes | None) -> bytes:
        """Return the CMS object, with the signature timestamp as an unsigned attribute when there is one."""
        unsigned = b""
        if timestamp_token is not None:
            attribute = der.sequence(der.oid(OID_SIGNATURE_TIMESTAMP), der.set_of(timestamp_token))
            unsigned = der.tlv(_CONTEXT_1, attribute)
        signer_info = der.sequence(
            self._before_attributes,
            # signed as a SET OF, stored under an implicit context tag: RFC 5652, 5.4
            bytes((_CONTEXT_0,)) + signed_attributes[1:],
            self.mechanism.signature_identifier,
            der.octets(value),
            unsigned,
        )
        signed_data = der.sequence(self._before_signer_info, der.set_of(signer_info))
        return der.sequence(der.oid(OID_SIGNED_DATA), der.tlv(_CONTEXT_0, signed_data))

    def longest(self, longest_token: int) -> int:
        """Return the size in bytes of the largest CMS object, given that of the largest token (0: none)."""
        digest = bytes(hashlib.new(self.mechanism.digest_algorithm).digest_size)
        token = bytes(longest_token) if longest_token else None
        value = bytes(self.mechanism.longest_value)
        return len(self.content_info(self.signed_attributes(digest), value, timestamp_token=token))


@lru_cache(maxsize=1024)
def template_for(certificates: tuple[bytes, ...], mechanism: Mechanism) -> CmsTemplate:
    """Return a signer's template, made on first use and kept."""
    return CmsTemplate(certificates, mechanism)


def _signing_certificate_v2(cert_der: bytes, issuer: bytes, serial: bytes) -> bytes:
    """The attribute that ties the signature to one certificate; SHA-256 is the default and so not written."""
    names = der.sequence(der.tlv(_DIRECTORY_NAME, issuer))
    ess_cert_id = der.sequence(der.octets(hashlib.sha256(cert_der).digest()), der.sequence(names, serial))
    value = der.sequence(der.sequence(ess_cert_id))
    return der.sequence(der.oid(OID_SIGNING_CERTIFICATE_V2), der.set_of(value))
