"""Revocation answers at hand, each believed for what its own signature proves and for nothing else.

A validator stops at the first answer that suits it. Here all of them are heard, wherever they come from, and
one that says "revoked" outweighs any number that don't.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509 import ocsp
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from certs.check_crl import check_crl
from certs.check_ocsp import check_ocsp
from certs.evidence import RevocationEvidence, UnusableAnswer
from signing.verify.report import RevocationStatus
from signing.verify.trust import ValidationData

WITHOUT_NEXT = timedelta(days=30)  # between an answer's state and its signing, when it names no next update
Path = tuple[asn1_x509.Certificate, ...]  # signer first, anchor last


@dataclass(frozen=True)
class Revoked:
    """When the certificates of a path were revoked, as far as any answer says so."""

    signer: datetime | None
    issuer: datetime | None  # the first of those between signer and anchor


class Evidence:
    """Every answer in one file, the lists that came with the anchors, and what was fetched."""

    def __init__(
        self,
        data: ValidationData,
        elsewhere: Sequence[CRLContainer],
        at: datetime,
        fetched: ValidationData | None = None,
    ) -> None:
        self._data = data
        self._elsewhere = ValidationData(crls=tuple(elsewhere))
        self._fetched = fetched or ValidationData()
        self._at = at
        self._heard: dict[tuple[int, bytes, bytes], RevocationEvidence | None] = {}

    def revoked(self, path: Path, extra: ValidationData) -> Revoked:
        """Revocations up to the validation time of the certificates in a path."""
        everything = self._data + extra + self._elsewhere + self._fetched
        moments = [
            min((moment for moment in self._revocations(*link, everything)), default=None)
            for link in pairwise(path)
        ]
        return Revoked(
            signer=moments[0] if moments else None,
            issuer=min((moment for moment in moments[1:] if moment is not None), default=None),
        )

    def _revocations(
        self, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate, data: ValidationData
    ) -> list[datetime]:
        return [
            answer.revoked_at
            for answer in self._answers(certificate, issuer, data)
            if answer.revoked_at is not None and answer.revoked_at <= self._at
        ]

    def answered_in_file(
        self, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate, extra: ValidationData
    ) -> datetime | None:
        """When the newest good answer about a certificate that the file carries was issued."""
        answers = self._answers(certificate, issuer, self._data + extra)
        return max((answer.this_update for answer in answers), default=None)

    def status(self, path: Path, extra: ValidationData, moment: datetime) -> RevocationStatus:
        """The status of the first certificate of a path: a revocation outweighs, then the newest answer."""
        if len(path) < 2:
            return RevocationStatus("unknown")
        sources = {"file": self._data + extra, "trust": self._elsewhere, "online": self._fetched}
        answers = [
            (answer, source)
            for source, data in sources.items()
            for answer in self._answers(path[0], path[1], data)
        ]
        revoked = [
            each for each in answers if each[0].revoked_at is not None and each[0].revoked_at <= self._at
        ]
        if not answers:
            return RevocationStatus("unknown")
        answer, source = (
            min(revoked, key=lambda each: (each[0].revoked_at, each[0].this_update))
            if revoked
            else max(answers, key=lambda each: each[0].this_update)
        )
        return RevocationStatus(
            status="revoked" if revoked else "good",
            revoked_at=answer.revoked_at if revoked else None,
            kind="ocsp" if answer.ocsp_der is not None else "crl",
            source=source,
            issued_at=answer.this_update,
            next_update=answer.next_update,
            age_s=round((moment - answer.this_update).total_seconds()),
        )

    def _answers(
        self, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate, data: ValidationData
    ) -> list[RevocationEvidence]:
        heard = [self._hear(item, certificate, issuer) for item in _concerned(data, certificate, issuer)]
        return [answer for answer in heard if answer is not None]

    def _hear(
        self, item: Any, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate
    ) -> RevocationEvidence | None:
        key = (id(item), certificate.sha256, issuer.sha256)
        if key not in self._heard:
            self._heard[key] = _believed(item, certificate, issuer)
        return self._heard[key]


def _concerned(
    data: ValidationData, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate
) -> Iterable[Any]:
    for answer in data.ocsps:
        single = answer.extract_single_response()
        if single is not None and single["cert_id"]["serial_number"].native == certificate.serial_number:
            yield answer
    for crl in data.crls:
        if crl.crl_data.issuer.dump() == issuer.subject.dump():
            yield crl


def _believed(
    item: Any, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate
) -> RevocationEvidence | None:
    """What an answer says, judged at its own time of issue; None when it proves nothing."""
    try:
        subject = x509.load_der_x509_certificate(certificate.dump())
        by = x509.load_der_x509_certificate(issuer.dump())
        if isinstance(item, OCSPContainer):
            der = item.ocsp_response_data.dump()
            issued = ocsp.load_der_ocsp_response(der).produced_at_utc
            return check_ocsp(der, subject, by, nonce=None, now=issued, max_age=WITHOUT_NEXT)
        der = item.crl_data.dump()
        return check_crl(der, subject, by, now=x509.load_der_x509_crl(der).last_update_utc)
    except (UnusableAnswer, ValueError, TypeError):
        return None
