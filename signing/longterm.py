"""Long-term validation data: the certificates and revocation answers that a document carries with it.

Source: ETSI EN 319 142-1 (document security store).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from certs.errors import CertificateRevoked, RevocationUnavailable
from certs.evidence import RevocationEvidence
from certs.revocation import RevocationSource
from signing.chains import Path
from signing.errors import CertificateRevokedError, RevocationUnavailableError
from signing.signed_data import load_certificate


@dataclass(frozen=True)
class LongTermData:
    """Certificates, OCSP responses and CRLs in DER, each once."""

    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()


async def collect(paths: Iterable[Path], revocation: RevocationSource) -> LongTermData:
    """Gather the evidence that nothing on these paths is revoked; the roots are embedded too.

    Only these paths' answers are taken: no other signer's. Raises CertificateRevokedError,
    RevocationUnavailableError.
    """
    certificates: dict[bytes, None] = {}
    ocsps: dict[bytes, None] = {}
    crls: dict[bytes, None] = {}
    for path in paths:
        certificates.update(dict.fromkeys(path.certificates))
        for subject, issuer in path.links:
            found = await _evidence(subject, issuer, revocation)
            if found.ocsp_der is not None:
                ocsps[found.ocsp_der] = None
                certificates.update(dict.fromkeys(ocsp_certificates(found.ocsp_der)))
            if found.crl_der is not None:
                crls[found.crl_der] = None
    return LongTermData(tuple(certificates), tuple(ocsps), tuple(crls))


async def _evidence(subject: bytes, issuer: bytes, revocation: RevocationSource) -> RevocationEvidence:
    try:
        return await revocation.evidence(load_certificate(subject), load_certificate(issuer))
    except CertificateRevoked as error:
        raise CertificateRevokedError(str(error), hint=error.hint) from error
    except RevocationUnavailable as error:
        raise RevocationUnavailableError(str(error), hint=error.hint) from error


@lru_cache(maxsize=1024)
def ocsp_certificates(ocsp_der: bytes) -> tuple[bytes, ...]:
    """Return the certificates inside an OCSP response: those of a delegated responder."""
    response = ocsp.load_der_ocsp_response(ocsp_der)
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in response.certificates)
