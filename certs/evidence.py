"""The evidence that a certificate is, or is not, revoked."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class RevocationEvidence:
    """A verified answer about one certificate: an OCSP response or a CRL, in DER, exactly one of the two.

    Times are aware and UTC. `next_update` is None when an OCSP responder always has newer information
    (RFC 6960).
    """

    ocsp_der: bytes | None = field(repr=False)
    crl_der: bytes | None = field(repr=False)
    this_update: datetime
    next_update: datetime | None
    status: Literal["good", "revoked"]
    revoked_at: datetime | None = None


class UnusableAnswer(Exception):
    """An OCSP answer or a CRL proves nothing about the certificate; the message says why."""
