"""The development authority's certificates: what each kind of them says.

Source: RFC 5280; RFC 3161 for the timestamp authority.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from certs.errors import AuthorityError
from certs.keys import PrivateKey

MARK: Final = "development"
ORGANISATION: Final = "Paraaf development authority"
_COMMON_NAME_LIMIT: Final = 64  # ub-common-name of RFC 5280
_KEY_USAGES: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Contents:
    """What a certificate is to say; the issuer, the key and the serial number come with the issuing."""

    subject: x509.Name
    not_before: datetime
    not_after: datetime
    key_usage: frozenset[str] | None
    eku: tuple[ObjectIdentifier, ...] = ()
    path_length: int | None = None  # of an authority; None with key_cert_sign absent means "no authority"
    no_revocation_check: bool = False
    ocsp_url: str | None = None
    issuer_url: str | None = None
    crl_url: str | None = None

    @property
    def is_authority(self) -> bool:
        """Whether the certificate may issue others."""
        return self.key_usage is not None and "key_cert_sign" in self.key_usage


def marked_name(
    common_name: str, *, organisation: str = ORGANISATION, user_id: str | None = None
) -> x509.Name:
    """Build a subject whose common name and organisation both say "development".

    Raises AuthorityError when a part is empty or too long for a certificate.
    """
    attributes = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, _marked(organisation)),
        x509.NameAttribute(NameOID.COMMON_NAME, _marked(common_name)),
    ]
    if user_id is not None:
        attributes.insert(1, x509.NameAttribute(NameOID.USER_ID, user_id))
    return x509.Name(attributes)


def sign_certificate(
    contents: Contents,
    public_key: CertificatePublicKeyTypes,
    *,
    issuer: x509.Certificate | None,
    issuer_key: PrivateKey,
) -> x509.Certificate:
    """Issue a certificate with a random 159-bit serial number; without an issuer it is self-signed."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(contents.subject)
        .issuer_name(issuer.subject if issuer else contents.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(contents.not_before)
        .not_valid_after(contents.not_after)
    )
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(public_key)
    extensions = [*_constraints(contents), (key_identifier, False), *_urls(contents)]
    if issuer:
        above = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        extensions.append((x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer_key, SHA256())


def _constraints(contents: Contents) -> Iterable[tuple[x509.ExtensionType, bool]]:
    yield x509.BasicConstraints(ca=contents.is_authority, path_length=contents.path_length), True
    if contents.key_usage is not None:
        yield x509.KeyUsage(**{usage: usage in contents.key_usage for usage in _KEY_USAGES}), True
    if contents.eku:
        # RFC 3161: a timestamp authority has this one usage, and it is critical.
        yield x509.ExtendedKeyUsage(contents.eku), ExtendedKeyUsageOID.TIME_STAMPING in contents.eku
    if contents.no_revocation_check:
        yield x509.OCSPNoCheck(), False


def _urls(contents: Contents) -> Iterable[tuple[x509.ExtensionType, bool]]:
    accesses = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method, url in (
            (AuthorityInformationAccessOID.OCSP, contents.ocsp_url),
            (AuthorityInformationAccessOID.CA_ISSUERS, contents.issuer_url),
        )
        if url
    ]
    if accesses:
        yield x509.AuthorityInformationAccess(accesses), False
    if contents.crl_url:
        names = [x509.UniformResourceIdentifier(contents.crl_url)]
        yield x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)]), False


def _marked(text: str) -> str:
    marked = text if MARK in text.lower() else f"{text} ({MARK})"
    if not text.strip() or len(marked) > _COMMON_NAME_LIMIT:
        longest = _COMMON_NAME_LIMIT - len(f" ({MARK})")
        raise AuthorityError(
            f"“{text}” cannot stand in a certificate.", hint=f"A name has 1 to {longest} characters."
        )
    return marked
