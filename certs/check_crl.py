"""Whether a CRL proves something about a certificate.

Only complete CRLs, signed by the certificate's own issuer, count: no indirect ones, no deltas, none for some
reasons only.
Source: RFC 5280.
"""

from datetime import datetime

from cryptography import x509

from certs.check_ocsp import CLOCK_SKEW, STRONG_HASHES, require_whole_octets
from certs.errors import UNREADABLE
from certs.evidence import RevocationEvidence, UnusableAnswer
from certs.keystore import asserted_usages


def check_crl(
    crl_der: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    now: datetime,
) -> RevocationEvidence:
    """Verify a CRL and say what it states of a certificate; raises UnusableAnswer when it proves nothing."""
    try:
        crl = x509.load_der_x509_crl(crl_der)
        _check_signature(crl, issuer)
        require_whole_octets(crl_der, crl.signature)
        _check_extensions(crl, certificate)
        this_update, next_update = _check_times(crl, now)
        entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
        if entry and any(extension.critical for extension in entry.extensions):
            raise UnusableAnswer("the list's entry has a critical extension")
    except UNREADABLE as error:
        raise UnusableAnswer(f"the list cannot be read ({error})") from error
    return RevocationEvidence(
        ocsp_der=None,
        crl_der=crl_der,
        this_update=this_update,
        next_update=next_update,
        status="revoked" if entry else "good",
        revoked_at=entry.revocation_date_utc if entry else None,
    )


def _check_signature(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    if crl.issuer != issuer.subject or "crl_sign" not in asserted_usages(issuer):
        raise UnusableAnswer("the list does not come from the certificate's issuer")
    algorithm = crl.signature_hash_algorithm
    if algorithm is not None and algorithm.name not in STRONG_HASHES:
        raise UnusableAnswer("the list is signed with a weak digest")
    if not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type] # any other key: a TypeError
        raise UnusableAnswer("the list's signature is wrong")


def _check_times(crl: x509.CertificateRevocationList, now: datetime) -> tuple[datetime, datetime]:
    this_update, next_update = crl.last_update_utc, crl.next_update_utc
    if this_update > now + CLOCK_SKEW:
        raise UnusableAnswer("the list comes from the future: check this machine's clock")
    if next_update is None or now > next_update:
        raise UnusableAnswer("the list is out of date")
    return this_update, next_update


def _check_extensions(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> None:
    for extension in crl.extensions:
        if isinstance(extension.value, x509.IssuingDistributionPoint):
            _check_scope(extension.value, certificate)
        elif extension.critical:
            raise UnusableAnswer(f"the list has the critical extension {extension.oid.dotted_string}")


def _check_scope(scope: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> None:
    """Require that the list covers the certificate, for all reasons (RFC 5280)."""
    is_authority = any(
        isinstance(extension.value, x509.BasicConstraints) and extension.value.ca
        for extension in certificate.extensions
    )
    wrong_kind = scope.only_contains_user_certs if is_authority else scope.only_contains_ca_certs
    if wrong_kind or scope.only_contains_attribute_certs or scope.only_some_reasons or scope.indirect_crl:
        raise UnusableAnswer("the list does not cover the certificate")
    if scope.full_name and not set(scope.full_name) & set(distribution_names(certificate)):
        raise UnusableAnswer("the list belongs to another distribution point")
    if scope.relative_name:
        raise UnusableAnswer("the list's distribution point cannot be compared")


def distribution_names(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    """Give the names of the lists that a certificate points to; those for some reasons only are left out."""
    return tuple(
        name
        for extension in certificate.extensions
        if isinstance(extension.value, x509.CRLDistributionPoints)
        for point in extension.value
        if not point.reasons and not point.crl_issuer
        for name in point.full_name or ()
    )
