"""Revocation answers at hand, each believed for what its own signature proves and for nothing else.

A validator stops at the first answer that suits it. Here all of them are heard, wherever they come from, and
one that says "revoked" outweighs any number that don't.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509 import ocsp
from pyhanko_certvalidator.revinfo.archival import OCSPContainer

from certs.check_crl import check_crl
from certs.check_ocsp import check_ocsp
from certs.evidence import RevocationEvidence, UnusableAnswer
from signing.verify.precedents import Recalled
from signing.verify.report import RevocationStatus
from signing.verify.trust import ValidationData, serial_answered

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
        elsewhere: ValidationData,
        at: datetime,
        fetched: ValidationData | None = None,
    ) -> None:
        self._data = data
        self._elsewhere = elsewhere
        self._fetched = fetched or ValidationData()
        self._at = at
        self._heard: dict[tuple[Hashable, bytes, bytes], Heard | None] = {}
        self._about: dict[int | None, list[tuple[OCSPContainer, bytes | None]]] = {}
        for answer, octets in _with_octets(data, _OCSPS):
            self._about.setdefault(serial_answered(answer), []).append((answer, octets))

    def revoked(self, path: Path, extra: ValidationData) -> Revoked:
        """Revocations up to the validation time of the certificates in a path."""
        moments = [
            min((moment for moment in self._revocations(*link, extra)), default=None)
            for link in pairwise(path)
        ]
        return Revoked(
            signer=moments[0] if moments else None,
            issuer=min((moment for moment in moments[1:] if moment is not None), default=None),
        )

    def _revocations(
        self, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate, extra: ValidationData
    ) -> list[datetime]:
        return [
            answer.revoked_at
            for answer in self._answers(
                certificate, issuer, (self._data, extra, self._elsewhere, self._fetched)
            )
            if answer.revoked_at is not None and answer.revoked_at <= self._at
        ]

    def good(self, path: Path, data: ValidationData, since: datetime | None) -> bool:
        """Whether each certificate below the anchor is called good by an answer that is current, or was
        issued at `since` or later.
        """
        places = (data, self._elsewhere, self._fetched)
        links = list(pairwise(path))
        return bool(links) and all(
            any(self._counts(answer, since) for answer in self._answers(*link, places)) for link in links
        )

    def _counts(self, answer: "Heard", since: datetime | None) -> bool:
        if answer.revoked_at is not None or answer.this_update > self._at:
            return False
        current = answer.next_update is not None and self._at <= answer.next_update
        return current or (since is not None and answer.this_update >= since)

    def answered_in_file(
        self, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate, extra: ValidationData
    ) -> datetime | None:
        """When the newest good answer about a certificate that the file carries was issued."""
        answers = self._answers(certificate, issuer, (self._data, extra))
        return max((answer.this_update for answer in answers), default=None)

    def status(self, path: Path, extra: ValidationData, moment: datetime) -> RevocationStatus:
        """The status of the first certificate of a path: a revocation outweighs, then the newest answer."""
        if len(path) < 2:
            return RevocationStatus("unknown")
        sources = {"file": (self._data, extra), "trust": (self._elsewhere,), "online": (self._fetched,)}
        answers = [
            (answer, source)
            for source, places in sources.items()
            for answer in self._answers(path[0], path[1], places)
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
            kind=answer.kind,
            source=source,
            issued_at=answer.this_update,
            next_update=answer.next_update,
            age_s=round((moment - answer.this_update).total_seconds()),
        )

    def _answers(
        self,
        certificate: asn1_x509.Certificate,
        issuer: asn1_x509.Certificate,
        places: Sequence[ValidationData],
    ) -> list["Heard"]:
        concerned = self._concerned(certificate, issuer, places)
        heard = [self._hear(item, octets, certificate, issuer) for item, octets in concerned]
        return [answer for answer in heard if answer is not None]

    def _concerned(
        self,
        certificate: asn1_x509.Certificate,
        issuer: asn1_x509.Certificate,
        places: Sequence[ValidationData],
    ) -> Iterator[tuple[Any, bytes | None]]:
        serial = certificate.serial_number
        for data in places:
            if data is self._data:
                yield from self._about.get(serial, ())
                continue
            for answer, octets in _with_octets(data, _OCSPS):
                if serial_answered(answer) == serial:
                    yield answer, octets
        named = issuer.subject.dump()
        for data in places:
            for crl, octets in _with_octets(data, _CRLS):
                if crl.crl_data.issuer.dump() == named:
                    yield crl, octets

    def _hear(
        self,
        item: Any,
        octets: bytes | None,
        certificate: asn1_x509.Certificate,
        issuer: asn1_x509.Certificate,
    ) -> "Heard | None":
        key = (octets or id(item), certificate.sha256, issuer.sha256)
        if key not in self._heard:
            known = _BELIEVED.get(key) if octets else None
            if known is None:
                known = (_believed(item, certificate, issuer),)
                if octets:
                    _BELIEVED.put(key, known)
            self._heard[key] = known[0]
        return self._heard[key]


@dataclass(frozen=True)
class Heard:
    """What an answer that is believed says."""

    kind: str  # "ocsp" or "crl"
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None


_CRLS, _OCSPS = 1, 2
# By SHA-256 of the answer and of both certificates, on which alone it depends what the answer proves.
_BELIEVED: Recalled[tuple[Heard | None]] = Recalled(4096)


def _with_octets(data: ValidationData, kind: int) -> Iterator[tuple[Any, bytes | None]]:
    """The answers of one kind, each with the SHA-256 of its DER when that is known."""
    items = data.crls if kind == _CRLS else data.ocsps
    octets = data.octets[kind] if data.octets is not None else (None,) * len(items)
    yield from zip(items, octets, strict=True)


def said_when_issued(
    answer: bytes, subject: x509.Certificate, issuer: x509.Certificate, *, is_list: bool
) -> RevocationEvidence:
    """What a list or an OCSP answer (DER) says of a certificate, judged at its own time of issue.

    Raises UnusableAnswer, ValueError.
    """
    if is_list:
        return check_crl(answer, subject, issuer, now=x509.load_der_x509_crl(answer).last_update_utc)
    issued = ocsp.load_der_ocsp_response(answer).produced_at_utc
    return check_ocsp(answer, subject, issuer, nonce=None, now=issued, max_age=WITHOUT_NEXT)


def _believed(item: Any, certificate: asn1_x509.Certificate, issuer: asn1_x509.Certificate) -> Heard | None:
    """What an answer says, judged at its own time of issue; None when it proves nothing."""
    try:
        subject = x509.load_der_x509_certificate(certificate.dump())
        by = x509.load_der_x509_certificate(issuer.dump())
        is_list = not isinstance(item, OCSPContainer)
        der = (item.crl_data if is_list else item.ocsp_response_data).dump()
        found = said_when_issued(der, subject, by, is_list=is_list)
    except (UnusableAnswer, ValueError, TypeError):
        return None
    kind = "crl" if found.ocsp_der is None else "ocsp"
    return Heard(kind, found.this_update, found.next_update, found.revoked_at)
