"""Ask for current revocation answers on behalf of a file, when the caller allowed it and named whom to ask.

Only for chains that lead to a trusted anchor already: nobody is asked before there is trust, and what a
stranger writes into a certificate moves nothing. Issuers' certificates (caIssuers) are never fetched: a chain
that leads to an anchor needs none, one that doesn't is not asked for.

This runs where the file is read, within its fence: that bounds memory and processor time, which hostile
answers are after as hostile files are, and keeps them out of the parent. The fence holds back nobody who runs
code of his own, and so could not be what keeps a file from calling somebody; `certs.fenced_fetch` is.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from asn1crypto import cms, ocsp
from asn1crypto import x509 as asn1_x509
from asn1crypto.crl import CertificateList
from cryptography import x509
from pyhanko.sign.general import extract_certificate_info, find_cms_attribute_iter
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from certs.errors import UNREADABLE, CertificateRevoked, RevocationUnavailable
from certs.evidence import RevocationEvidence
from certs.fenced_fetch import FencedFetcher
from certs.revocation import RevocationSource
from signing.verify.paths import NoPath, valid_path
from signing.verify.trust import UNCHECKED, Trust, ValidationData

_MOST_CERTIFICATES = 20  # of signers and timestamp authorities of one file


@dataclass(frozen=True)
class Fetched:
    """Answers that were had, and why others were not."""

    data: ValidationData
    unanswered: tuple[str, ...] = ()
    until: datetime | None = None  # when the last one was had: what is issued later is of the future


class Online:
    """Asks within one process, and keeps answers for five minutes: many files have the same signers."""

    def __init__(self, fetcher: FencedFetcher, *, clock: Callable[[], datetime]) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._source = RevocationSource(fetcher, clock=clock)

    async def fetch(
        self, enclosed: Sequence[cms.SignedData], trust: Trust, data: ValidationData, *, at: datetime
    ) -> Fetched:
        """Current answers for who made these signatures and tokens, and who is between them and an anchor."""
        self._fetcher.begin()
        fetched, unanswered = ValidationData(), list[str]()
        seen: set[bytes] = set()
        for certificate, data_near in _makers(enclosed, data)[:_MOST_CERTIFICATES]:
            try:
                path = await valid_path(certificate, trust, data_near, at=at, revocation=UNCHECKED)
            except NoPath:
                continue  # no trust, nobody is asked
            for subject, issuer in pairwise(path):
                if subject.sha256 in seen or subject.ocsp_no_check_value is not None:
                    continue
                seen.add(subject.sha256)
                try:
                    fetched += _as_data(await self._ask(subject, issuer))
                except (RevocationUnavailable, *UNREADABLE) as error:
                    unanswered.append(str(error))
        return Fetched(fetched, tuple(unanswered), self._clock())

    async def _ask(self, subject: asn1_x509.Certificate, issuer: asn1_x509.Certificate) -> RevocationEvidence:
        try:
            return await self._source.evidence(
                x509.load_der_x509_certificate(subject.dump()), x509.load_der_x509_certificate(issuer.dump())
            )
        except CertificateRevoked as revoked:
            if revoked.evidence is None:
                raise RevocationUnavailable(str(revoked)) from revoked
            return revoked.evidence


def _makers(
    enclosed: Sequence[cms.SignedData], data: ValidationData
) -> list[tuple[asn1_x509.Certificate, ValidationData]]:
    """Who made each signature and token, with the certificates that came with it."""
    found = []
    for signed in enclosed:
        with suppress(Exception):  # an odd one says so itself, when it is judged
            for each in (signed, *_tokens(signed)):
                info = extract_certificate_info(each)
                near = data + ValidationData(certificates=tuple(info.other_certs))
                found.append((info.signer_cert, near))
    return found


def _tokens(signed: cms.SignedData) -> Iterator[cms.SignedData]:
    for signer in signed["signer_infos"]:
        for value in find_cms_attribute_iter(signer["unsigned_attrs"], "signature_time_stamp_token"):
            yield value["content"]


def _as_data(evidence: RevocationEvidence) -> ValidationData:
    if evidence.ocsp_der is not None:
        return ValidationData(
            ocsps=tuple(OCSPContainer.load_multi(ocsp.OCSPResponse.load(evidence.ocsp_der)))
        )
    return ValidationData(crls=(CRLContainer(CertificateList.load(evidence.crl_der)),))
