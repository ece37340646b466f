"""Judge the revocation answers that a document carries: offline, each with the certificate it is about.

The same answers come back in thousands of documents, so each is verified once and only its times are looked
at again.
"""

from datetime import datetime, timedelta
from functools import lru_cache

from cryptography.x509 import ocsp

from certs.check_crl import check_crl
from certs.check_ocsp import CLOCK_SKEW, check_ocsp
from certs.evidence import RevocationEvidence, UnusableAnswer
from signing.chains import Path
from signing.longterm import LongTermData
from signing.signed_data import load_certificate

_MOST_KEPT = 8192
# How long an answer without nextUpdate counts: such a responder always has newer information (RFC 6960, 2.4).
_MAX_AGE = timedelta(minutes=15)


class CarriedAnswers:
    """Verifies carried OCSP responses and CRLs, remembering those that proved a certificate good."""

    def __init__(self) -> None:
        self._good: dict[tuple[bytes, bytes, bytes], RevocationEvidence] = {}

    def missing(self, path: Path, data: LongTermData, at: datetime) -> bytes | None:
        """Return the first certificate on the path without a good answer that holds at `at`, or None."""
        for subject, issuer in path.links:
            serial = load_certificate(subject).serial_number
            candidates = [(each, False) for each in data.ocsps if serial in _serials(each)]
            candidates += [(each, True) for each in data.crls]
            if not any(self._proves(each, subject, issuer, at, is_crl) for each, is_crl in candidates):
                return subject
        return None

    def _proves(self, answer: bytes, subject: bytes, issuer: bytes, at: datetime, is_crl: bool) -> bool:
        key = answer, subject, issuer
        kept = self._good.get(key)
        if kept is not None:
            ends = kept.next_update or kept.this_update + _MAX_AGE
            return kept.this_update <= at + CLOCK_SKEW and at <= ends
        found = _checked(answer, subject, issuer, at, is_crl)
        if found is None or found.status != "good":
            return False
        if len(self._good) >= _MOST_KEPT:
            self._good.pop(next(iter(self._good)))
        self._good[key] = found
        return True


@lru_cache(maxsize=_MOST_KEPT)
def _serials(ocsp_der: bytes) -> frozenset[int]:
    """The serial numbers that an OCSP response speaks of: a quick look before the thorough one."""
    try:
        response = ocsp.load_der_ocsp_response(ocsp_der)
        return frozenset(single.serial_number for single in response.responses)
    except ValueError:
        return frozenset()


def _checked(
    answer: bytes, subject: bytes, issuer: bytes, at: datetime, is_crl: bool
) -> RevocationEvidence | None:
    certificate, issuing = load_certificate(subject), load_certificate(issuer)
    try:
        if is_crl:
            return check_crl(answer, certificate, issuing, now=at)
        return check_ocsp(answer, certificate, issuing, now=at, nonce=None, max_age=_MAX_AGE)
    except UnusableAnswer:
        return None
