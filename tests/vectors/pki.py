"""Certificates that the development PKI would never issue, and revocation answers that it would never give.

An authority here is a branch: somebody's key and certificate that issue others, answer and revoke, whether
they may or not. Nothing of it is known to the development PKI's own lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from certs.authority_certificates import Contents, marked_name, sign_certificate
from certs.authority_revocation import Revocation, make_crl
from certs.keys import generate_key
from certs.keystore import DOCUMENT_USAGES, Credential

AUTHORITY_USAGES = frozenset({"key_cert_sign", "crl_sign"})
TIME_STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
OCSP_SIGNING = (ExtendedKeyUsageOID.OCSP_SIGNING,)
_RESPONDER = "http://127.0.0.1:9/ocsp"  # nobody listens there, and nobody asks
_YEAR = timedelta(days=365)
_OTHER_KEYS = {
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "brainpoolP256r1": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "P-192": lambda: ec.generate_private_key(ec.SECP192R1()),
    "RSA-1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 (that is what it is for)
    "Ed448": ed448.Ed448PrivateKey.generate,
}


def any_key(key_type: str) -> Any:
    """A key of a kind that we sign with, or of another; those that take long to make are made once."""
    return _slow_key(key_type) if key_type.startswith("RSA") else _made(key_type)


@cache
def _slow_key(key_type: str) -> Any:
    return _made(key_type)


def _made(key_type: str) -> Any:
    return _OTHER_KEYS[key_type]() if key_type in _OTHER_KEYS else generate_key(key_type)


@dataclass(frozen=True)
class Branch:
    """An authority with its key; `since` is when it began."""

    authority: Credential
    since: datetime

    @classmethod
    def root(cls, name: str | x509.Name, since: datetime, *, path_length: int | None = None) -> "Branch":
        """A new self-signed authority."""
        return cls(_issued(None, name, "P-256", since, since + 10 * _YEAR, path_length=path_length), since)

    def below(self, name: str | x509.Name, *, path_length: int | None = None, **more: Any) -> "Branch":
        """An authority that this one vouches for."""
        return Branch(
            self.issue(
                name,
                usages=AUTHORITY_USAGES,
                path_length=path_length,
                **{"ends": self.since + 9 * _YEAR, **more},
            ),
            self.since,
        )

    def issue(
        self,
        name: str | x509.Name,
        *,
        key_type: str = "P-256",
        begins: datetime | None = None,
        ends: datetime | None = None,
        usages: frozenset[str] | None = DOCUMENT_USAGES,
        eku: tuple[ObjectIdentifier, ...] = (),
        path_length: int | None = None,
        no_check: bool = False,
        critical_purpose: bool = True,
        names_responder: bool = True,
    ) -> Credential:
        """A certificate and its key; without `critical_purpose` a timestamp authority's isn't critical."""
        begins = begins or self.since
        return _issued(
            self.authority,
            name,
            key_type,
            begins,
            ends or begins + 2 * _YEAR,
            usages=usages,
            eku=eku,
            path_length=path_length,
            no_check=no_check,
            critical_purpose=critical_purpose,
            names_responder=names_responder and not no_check,
        )

    def crl(
        self, at: datetime, revoked: Mapping[int, datetime] | None = None, *, reason: str = "key_compromise"
    ) -> bytes:
        """A revocation list, good for a week from `at`."""
        entries = {
            serial: Revocation(moment, x509.ReasonFlags[reason]) for serial, moment in (revoked or {}).items()
        }
        return make_crl(self.authority.certificate, self.authority.private_key, at, entries)

    def responder(self, *, no_check: bool = True) -> Credential:
        """A certificate for answering OCSP requests."""
        usages = frozenset({"digital_signature"})
        return self.issue("Answers", usages=usages, eku=OCSP_SIGNING, no_check=no_check)

    def answer(
        self,
        certificate: x509.Certificate,
        at: datetime,
        *,
        revoked_at: datetime | None = None,
        unknown: bool = False,
        responder: Credential | None = None,
        about: x509.Certificate | None = None,
        days: int = 7,
    ) -> bytes:
        """An OCSP answer about a certificate, given by a responder of this authority's or by any other."""
        by = responder or self.responder()
        status = ocsp.OCSPCertStatus.UNKNOWN if unknown else ocsp.OCSPCertStatus.GOOD
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=certificate,
            issuer=about or self.authority.certificate,
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else status,
            this_update=at,
            next_update=at + timedelta(days=days),
            revocation_time=revoked_at,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked_at else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, by.certificate)
        builder = builder.certificates([by.certificate])
        assert not isinstance(by.private_key, ed448.Ed448PrivateKey)
        return builder.sign(by.private_key, SHA256()).public_bytes(Encoding.DER)


def _issued(
    issuer: Credential | None,
    name: str | x509.Name,
    key_type: str,
    begins: datetime,
    ends: datetime,
    *,
    usages: frozenset[str] | None = AUTHORITY_USAGES,
    eku: tuple[ObjectIdentifier, ...] = (),
    path_length: int | None = None,
    no_check: bool = False,
    critical_purpose: bool = True,
    names_responder: bool = True,
) -> Credential:
    key = any_key(key_type)
    subject = marked_name(name) if isinstance(name, str) else name
    contents = Contents(
        subject,
        begins,
        ends,
        key_usage=usages,
        eku=eku,
        path_length=path_length,
        no_revocation_check=no_check,
        ocsp_url=_RESPONDER if names_responder else None,
    )
    certificate = sign_certificate(
        contents,
        key.public_key(),
        issuer=issuer.certificate if issuer else None,
        issuer_key=issuer.private_key if issuer else key,
    )
    if not critical_purpose:
        certificate = _uncritical(certificate, issuer.private_key if issuer else key)
    chain = (issuer.certificate, *issuer.chain) if issuer else ()
    return Credential(str(name), certificate, chain, key)


def _uncritical(certificate: x509.Certificate, issuer_key: Any) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(certificate.subject)
        .issuer_name(certificate.issuer)
        .public_key(certificate.public_key())
        .serial_number(certificate.serial_number)
        .not_valid_before(certificate.not_valid_before_utc)
        .not_valid_after(certificate.not_valid_after_utc)
    )
    for extension in certificate.extensions:
        purpose = isinstance(extension.value, x509.ExtendedKeyUsage)
        builder = builder.add_extension(extension.value, critical=extension.critical and not purpose)
    return builder.sign(issuer_key, SHA256())
