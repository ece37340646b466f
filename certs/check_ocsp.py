"""Whether an OCSP answer proves something about a certificate.

Source: RFC 6960; RFC 5019, 2.1.1 for the request.
"""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs.cert_id import issuer_hashes, responder_key_hash
from certs.errors import UNREADABLE
from certs.evidence import RevocationEvidence, UnusableAnswer
from certs.keystore import is_issued_by

CLOCK_SKEW: Final = timedelta(minutes=1)
STRONG_HASHES: Final = frozenset({"sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"})
_NONCE_BYTES: Final = 32


def make_ocsp_request(certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[bytes, bytes]:
    """Ask about one certificate; gives the request in DER and its nonce."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    # every responder knows SHA-1 (RFC 5019, 2.1.1)
    request = (
        ocsp.OCSPRequestBuilder()
        .add_certificate(certificate, issuer, SHA1())  # noqa: S303 (names the issuer, protects nothing)
        .add_extension(x509.OCSPNonce(nonce), critical=False)
        .build()
    )
    return request.public_bytes(Encoding.DER), nonce


def check_ocsp(
    answer_der: bytes,
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    now: datetime,
    nonce: bytes | None,
    max_age: timedelta,
) -> RevocationEvidence:
    """Verify an OCSP answer and say what it states.

    Steps: (1) a successful, readable answer; (2) about this certificate; (3) signed by the issuer, or by a
    responder whom the issuer delegated; (4) current; (5) with our nonce, when it carries one; (6) with a
    status.
    An answer without nextUpdate counts for `max_age`. Raises UnusableAnswer when a step fails.
    """
    try:
        response = ocsp.load_der_ocsp_response(answer_der)  # (1)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise UnusableAnswer(f"the responder answered {response.response_status.name.lower()}")
        single = _find_single(response, certificate, issuer)  # (2)
        _check_signature(answer_der, response, issuer, now)  # (3)
        _check_times(response, single, now, max_age)  # (4)
        _check_extensions(response, nonce)  # (5)
    except UNREADABLE as error:
        raise UnusableAnswer(f"the answer cannot be read ({error})") from error
    return _evidence(answer_der, single)  # (6)


def _find_single(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    for single in response.responses:
        if single.serial_number == certificate.serial_number and (
            (single.issuer_name_hash, single.issuer_key_hash) == issuer_hashes(issuer, single.hash_algorithm)
        ):
            return single
    raise UnusableAnswer("the answer is about another certificate")


def _check_signature(
    answer_der: bytes, response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime
) -> None:
    signers = [found for found in (issuer, *response.certificates) if _is_responder(response, found)]
    if not signers:
        raise UnusableAnswer("the answer does not carry its responder's certificate")
    for signer in signers:
        if signer != issuer:
            _check_delegation(signer, issuer, now)
        if _is_signed_by(response, signer):
            require_whole_octets(answer_der, response.signature)
            return
    raise UnusableAnswer("the answer's signature is wrong")


def _check_delegation(responder: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
    """Require what makes a certificate a delegated responder of `issuer` (RFC 6960)."""
    if not is_issued_by(responder, issuer) or not _is_strong(responder.signature_hash_algorithm):
        raise UnusableAnswer("the responder's certificate does not come from the certificate's issuer")
    require_whole_octets(responder.public_bytes(Encoding.DER), responder.signature)
    if not responder.not_valid_before_utc <= now <= responder.not_valid_after_utc:
        raise UnusableAnswer("the responder's certificate is not valid now")
    if ExtendedKeyUsageOID.OCSP_SIGNING not in _extended_usages(responder):
        raise UnusableAnswer("the responder's certificate is not made for signing OCSP answers")
    if not _has(responder, x509.OCSPNoCheck):
        raise UnusableAnswer("the responder's certificate would itself need a revocation check")


def require_whole_octets(signed_der: bytes, signature: bytes) -> None:
    """Require that a signature stands in a BIT STRING without unused bits; raises UnusableAnswer.

    cryptography verifies it with any count of unused bits that happen to be zero; others refuse that.
    """
    if b"\x00" + signature not in signed_der:
        raise UnusableAnswer("a signature does not fill its octets")


def _is_responder(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return certificate.subject == response.responder_name
    return response.responder_key_hash == responder_key_hash(certificate)


def _is_signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    algorithm, key = response.signature_hash_algorithm, signer.public_key()
    signature, data = response.signature, response.tbs_response_bytes
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        elif algorithm is None or not _is_strong(algorithm):
            raise UnusableAnswer("the answer is signed with a weak digest")
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, data, ECDSA(algorithm))
        elif isinstance(key, RSAPublicKey):
            key.verify(signature, data, PKCS1v15(), algorithm)
        else:
            raise UnusableAnswer("the answer is signed with an unsupported kind of key")
    except InvalidSignature:
        return False
    return True


def _check_times(
    response: ocsp.OCSPResponse, single: ocsp.OCSPSingleResponse, now: datetime, max_age: timedelta
) -> None:
    if max(response.produced_at_utc, single.this_update_utc) > now + CLOCK_SKEW:
        raise UnusableAnswer("the answer comes from the future: check this machine's clock")
    if now > (single.next_update_utc or single.this_update_utc + max_age):
        raise UnusableAnswer("the answer is out of date")


def _check_extensions(response: ocsp.OCSPResponse, nonce: bytes | None) -> None:
    for extension in response.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            if nonce is not None and extension.value.nonce != nonce:
                raise UnusableAnswer("the answer carries another nonce than the request")
        elif extension.critical:
            raise UnusableAnswer(
                f"the answer has the unknown critical extension {extension.oid.dotted_string}"
            )


def _evidence(answer_der: bytes, single: ocsp.OCSPSingleResponse) -> RevocationEvidence:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        raise UnusableAnswer("the responder does not know the certificate")
    revoked = single.certificate_status is ocsp.OCSPCertStatus.REVOKED
    return RevocationEvidence(
        ocsp_der=answer_der,
        crl_der=None,
        this_update=single.this_update_utc,
        next_update=single.next_update_utc,
        status="revoked" if revoked else "good",
        revoked_at=single.revocation_time_utc if revoked else None,
    )


def _extended_usages(certificate: x509.Certificate) -> Iterator[x509.ObjectIdentifier]:
    if _has(certificate, x509.ExtendedKeyUsage):
        yield from certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value


def _has(certificate: x509.Certificate, extension: type[x509.ExtensionType]) -> bool:
    return any(isinstance(found.value, extension) for found in certificate.extensions)


def _is_strong(algorithm: HashAlgorithm | None) -> bool:
    return algorithm is None or algorithm.name in STRONG_HASHES
