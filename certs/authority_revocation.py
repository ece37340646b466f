"""What the development authority says about revocation: OCSP answers and CRLs.

Source: RFC 6960 (OCSP), RFC 8954 (its nonce), RFC 5280 (CRLs).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.cert_id import issuer_hashes
from certs.errors import UNREADABLE
from certs.keys import PrivateKey
from certs.keystore import Credential

# Long for an OCSP answer: evidence embedded in a demo document can be judged offline for a week.
VALIDITY: Final = timedelta(days=7)
_LONGEST_NONCE: Final = 32  # RFC 8954
_CERT_ID_HASHES: Final = (SHA1, SHA256, SHA384, SHA512)


@dataclass(frozen=True)
class Revocation:
    """When and why a certificate was revoked."""

    at: datetime
    reason: x509.ReasonFlags


class OcspAnswerer:
    """Answers OCSP requests about one issuer's certificates, with a delegated responder's key."""

    def __init__(self, responder: Credential, issuer: x509.Certificate) -> None:
        self._responder = responder
        self._issuer_hashes = {
            algorithm.name: issuer_hashes(issuer, algorithm()) for algorithm in _CERT_ID_HASHES
        }

    def respond(
        self,
        request_der: bytes,
        now: datetime,
        *,
        is_issued: Callable[[int], bool],
        revocations: Mapping[int, Revocation],
    ) -> bytes:
        """Answer one OCSP request, in DER; anything that is none gets the status malformedRequest.

        A request asks about one certificate, as RFC 5019 has it for the lightweight profile.
        """
        try:
            request = ocsp.load_der_ocsp_request(request_der)
            nonce = _nonce(request)
            hashes = self._issuer_hashes.get(request.hash_algorithm.name)
            if request.serial_number <= 0:
                raise ValueError("a serial number is positive")
        except UNREADABLE:
            return _unsuccessful(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
        if hashes != (request.issuer_name_hash, request.issuer_key_hash):
            return _unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED)
        revocation = revocations.get(request.serial_number)
        good = ocsp.OCSPCertStatus.GOOD if is_issued(request.serial_number) else ocsp.OCSPCertStatus.UNKNOWN
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=request.issuer_name_hash,
            issuer_key_hash=request.issuer_key_hash,
            serial_number=request.serial_number,
            algorithm=request.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if revocation else good,
            this_update=now,
            next_update=now + VALIDITY,
            revocation_time=revocation.at if revocation else None,
            revocation_reason=revocation.reason if revocation else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self._responder.certificate)
        builder = builder.certificates([self._responder.certificate])
        if nonce is not None:
            builder = builder.add_extension(nonce, critical=False)
        return builder.sign(self._responder.private_key, SHA256()).public_bytes(Encoding.DER)


def make_crl(
    issuer: x509.Certificate, issuer_key: PrivateKey, now: datetime, revocations: Mapping[int, Revocation]
) -> bytes:
    """Write an issuer's CRL in DER, numbered by the time in milliseconds, so that later ones count higher."""
    key_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(now + VALIDITY)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_identifier), critical=False
        )
        .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
    )
    for serial, revocation in sorted(revocations.items()):
        builder = builder.add_revoked_certificate(_crl_entry(serial, revocation))
    return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.DER)


def _crl_entry(serial: int, revocation: Revocation) -> x509.RevokedCertificate:
    entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(revocation.at)
    if revocation.reason is not x509.ReasonFlags.unspecified:  # RFC 5280: then the extension is absent
        entry = entry.add_extension(x509.CRLReason(revocation.reason), critical=False)
    return entry.build()


def _nonce(request: ocsp.OCSPRequest) -> x509.OCSPNonce | None:
    try:
        nonce = request.extensions.get_extension_for_class(x509.OCSPNonce).value
    except x509.ExtensionNotFound:
        return None
    if not 1 <= len(nonce.nonce) <= _LONGEST_NONCE:
        raise ValueError("the nonce is empty or too long")
    return nonce


def _unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
