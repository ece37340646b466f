"""Requests for certificates, as a certification authority takes them. Source: RFC 2986 (PKCS #10)."""

from collections.abc import Callable
from typing import Final

from asn1crypto import csr, keys
from asn1crypto import x509 as asn1_x509
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from signing.certificate_errors import CertificateRequestError
from signing.errors import SignerError
from signing.signers import mechanism_of

Sign = Callable[[bytes, str], bytes]
"""Data and a digest's name to a signature value; ECDSA values are DER."""

# Beside those of RFC 4514, by the names that authorities' forms use.
_NAMES: Final = {
    "serialNumber": NameOID.SERIAL_NUMBER,
    "givenName": NameOID.GIVEN_NAME,
    "surname": NameOID.SURNAME,
    "title": NameOID.TITLE,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
}
_USAGES: Final = frozenset(("digital_signature", "non_repudiation"))


def subject_of(text: str, *, organisation_identifier: str | None = None) -> x509.Name:
    """Read a subject such as `CN=Seal,O=Municipality,C=NL` (RFC 4514: the most particular first).

    `organisation_identifier` is that of ETSI EN 319 412-1, such as NTRNL-12345678.
    Raises CertificateRequestError for what is no name, or names nobody.
    """
    try:
        name = x509.Name.from_rfc4514_string(text, _NAMES)
        if organisation_identifier is not None:
            identifier = x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, organisation_identifier)
            name = x509.Name([*name.rdns, x509.RelativeDistinguishedName([identifier])])
    except ValueError as error:
        raise CertificateRequestError(
            f"The subject can't be read: {error}.",
            hint="Write it like “CN=Seal 2027,O=Example,C=NL”; a comma in a name is written \\,.",
        ) from error
    if not name.get_attributes_for_oid(NameOID.COMMON_NAME):
        raise CertificateRequestError("The subject has no common name.", hint="Begin it with CN=….")
    return name


def subject_words(name: x509.Name) -> str:
    """A name as `subject_of` reads it."""
    return name.rfc4514_string({oid: word for word, oid in _NAMES.items()})


def make_request(subject: x509.Name, public_key: PublicKeyTypes, sign: Sign) -> bytes:
    """A request in PEM for a certificate that signs documents (digitalSignature, nonRepudiation).

    Raises UnsupportedKeyError, what `sign` does, and SignerError when its value does not verify.
    """
    mechanism = mechanism_of(public_key)
    key_der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    usage = {"extn_id": "key_usage", "critical": True, "extn_value": set(_USAGES)}
    asked = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": asn1_x509.Name.load(subject.public_bytes()),
            "subject_pk_info": keys.PublicKeyInfo.load(key_der),
            "attributes": [{"type": "extension_request", "values": [[usage]]}],
        }
    )
    whole = csr.CertificationRequest(
        {
            "certification_request_info": asked,
            "signature_algorithm": SignedDigestAlgorithm.load(mechanism.signature_identifier),
            "signature": sign(asked.dump(), mechanism.digest_algorithm),
        }
    )
    request = x509.load_der_x509_csr(whole.dump())
    if not request.is_signature_valid:
        raise SignerError("The new key gave a value that does not verify.", hint="Make another one.")
    return request.public_bytes(Encoding.PEM)
