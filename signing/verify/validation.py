"""Who signed, when, and may it be believed: pyHanko's blocks of ETSI EN 319 102-1, put together strictly.

Per signature: (1) the basic block at the validation time, (2) each timestamp by itself, (3) proof of
existence from archive timestamps where certificates have run out. Revocation answers are required
everywhere.
"""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.ades.report import AdESIndeterminate, AdESPassed, AdESSubIndic
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation.ades import (
    AdESBasicValidationResult,
    ades_basic_validation,
    ades_lta_validation,
    ades_past_signature_validation,
    ades_timestamp_validation,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import PdfSignatureValidationSpec, SignatureValidationSpec
from pyhanko_certvalidator.ltv.poe import POEManager, POEType
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy

from certs.der import DerError, node, oid, sequence, tlv
from signing.cms import OID_SIGNED_DATA
from signing.signed_data import load_certificate
from signing.verify.evidence import Evidence
from signing.verify.findings import Finding
from signing.verify.precedents import Plain, plain_signature
from signing.verify.report import iso
from signing.verify.strength import Means, ends_at
from signing.verify.trust import (
    FRESH_NOW,
    REVOCATION_MAY_PRECEDE_BY,
    UNCHECKED,
    Trust,
    ValidationData,
    certificate_of,
    for_issuers_alone,
    fresh_at,
    read_dss,
)
from signing.verify.words import mark

_OUT_OF_TIME = frozenset(
    {
        "OUT_OF_BOUNDS_NO_POE",
        "OUT_OF_BOUNDS_NOT_REVOKED",
        "REVOCATION_OUT_OF_BOUNDS_NO_POE",
        "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
        "CERTIFICATE_CHAIN_GENERAL_FAILURE",
        "REVOKED_CA_NO_POE",
        "NO_POE",
        "TRY_LATER",
    }
)
OK = "OK"
_NEAR = timedelta(seconds=10)  # more than the validator's tolerance
_Validate = Callable[[CertRevTrustPolicy], Coroutine[Any, Any, AdESBasicValidationResult[Any]]]
_REVOCABLE = frozenset({OK, "REVOKED_NO_POE", "TRY_LATER"})  # what else is amiss weighs as much
_LEAST_CURVE_BITS = 256  # the smallest curves of ETSI TS 119 312 are P-256, brainpoolP256r1 and FRP256v1
# a certificate that is made for certain purposes must be made for one of these. Source: RFC 5280, 4.2.1.12
_FOR_DOCUMENTS = frozenset(
    {
        "1.3.6.1.5.5.7.3.4",  # emailProtection
        "1.3.6.1.5.5.7.3.36",  # documentSigning, RFC 9336
        "1.2.840.113583.1.1.5",  # Adobe's authentic documents
        "1.3.6.1.4.1.311.10.3.12",  # Microsoft's document signing
        "2.5.29.37.0",  # any
    }
)


@dataclass(frozen=True)
class Judged:
    """The outcome for one signature or token. `sub_indication` is OK or a word of the standard."""

    sub_indication: str
    detail: str = ""
    path: tuple[asn1_x509.Certificate, ...] = ()  # signer first
    revoked_at: datetime | None = None
    aged: bool = False  # accepted on revocation answers that are past their next update
    failed: bool = False  # TOTAL-FAILED rather than INDETERMINATE
    weak: bool = False  # but for the age of its algorithms it would be OK
    outside: str = ""  # a text for a `day`, when the chain fails because the time judged at is beyond it
    outside_on: str = ""  # that day, ISO 8601

    @property
    def ok(self) -> bool:
        """Valid, trusted, not revoked."""
        return self.sub_indication == OK

    @property
    def unrooted(self) -> bool:
        """No chain leads to a trust anchor."""
        return self.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


@dataclass(frozen=True)
class Token:
    """One timestamp token: the time it states, and whether that may be believed."""

    stated_at: datetime
    judged: Judged

    @property
    def proven_at(self) -> datetime | None:
        """The time, when the token is good."""
        return self.stated_at if self.judged.ok else None


@dataclass(frozen=True)
class Stamp:
    """A moment that a good timestamp proves, and the validation data that it covers."""

    moment: datetime
    data: ValidationData

    @property
    def timing(self) -> ValidationTimingInfo:
        """For a validation at that moment."""
        return ValidationTimingInfo(
            validation_time=self.moment, best_signature_time=self.moment, point_in_time_validation=True
        )


class Validator:
    """Validates the signatures of one open file at one point in time.

    Its methods wait for nobody: when pyHanko must be asked, that is done in an event loop of its own, which
    most signatures don't need (`precedents`).
    """

    def __init__(
        self, trust: Trust, data: ValidationData, at: datetime, fetched: ValidationData | None = None
    ) -> None:
        self._trust = trust
        self._data = data
        self._beside = fetched or ValidationData()
        self.at = at
        self.lists = trust.lists
        self.evidence = Evidence(data, trust.answers, at, fetched)
        self._plain: dict[int, Plain | None] = {}  # by the identity of a SignedData
        self._timing = ValidationTimingInfo(
            validation_time=at, best_signature_time=at, point_in_time_validation=True
        )

    def _spec(self, revocation: CertRevTrustPolicy = FRESH_NOW) -> SignatureValidationSpec:
        return self._trust.spec(self._beside + self._data, revocation)

    def meet(self, enclosed: Sequence[cms.SignedData]) -> None:
        """Take note of the certificates in signatures and tokens: their issuers may be listed anchors."""
        if self.lists is None:
            return
        near = list(self._data.certificates)
        for signed in enclosed:
            with suppress(Exception):  # an odd one says so itself, when it is judged
                near += _enclosed_deep(signed)
        issuers = self._trust.issuers_of(near)
        octets = tuple(hashlib.sha256(each.dump()).digest() for each in issuers)
        self._beside += ValidationData(certificates=issuers, octets=(octets, (), ()))

    async def signature(
        self, embedded: EmbeddedPdfSignature, tokens: tuple[Token, ...], extra: ValidationData
    ) -> Judged:
        """Judge an approval or certification signature whose timestamp tokens have been judged before."""
        signed, digest = embedded.signed_data, embedded.compute_digest()

        plain = plain_signature(_without_padding(embedded.pkcs7_content), embedded.compute_digest)
        self._plain[id(signed)] = plain
        data = self._concerning(plain, extra)

        async def basic(revocation: CertRevTrustPolicy) -> AdESBasicValidationResult[Any]:
            spec = self._trust.spec(data, revocation)
            return await ades_basic_validation(signed, spec, timing_info=self._timing, raw_digest=digest)

        proven = min((token.proven_at for token in tokens if token.proven_at), default=None)
        judged = await self._judge("signature", basic, proven, plain, data)
        if judged.sub_indication == "CHAIN_CONSTRAINTS_FAILURE" and self.certificate(embedded).self_issued:
            # pyHanko refuses a certificate that vouches for itself before it looks for a chain
            return replace(judged, sub_indication="NO_CERTIFICATE_CHAIN_FOUND", detail="self-signed")
        return self._with_time(judged, [self.certificate(embedded)])

    def certificate(self, embedded: EmbeddedPdfSignature) -> asn1_x509.Certificate:
        """The signer's certificate, of a signature or document timestamp that was judged."""
        plain = self._plain.get(id(embedded.signed_data))
        return embedded.signer_cert if plain is None else certificate_of(plain.signed.signer_certificate())

    def heard(
        self,
        judged: Judged,
        extra: ValidationData,
        *,
        stamped_at: datetime | None,
        existed_at: datetime | None,
    ) -> Judged:
        """The judgment after all revocation answers at hand have been heard.

        `stamped_at` is the time that a timestamp made with the signature proves, `existed_at` the earliest
        time that anything proves. Revoked after that: no harm. Revoked before the signature was stamped: it
        was made with a revoked certificate. Neither: nothing proves when it was made.
        """
        revoked = self.evidence.revoked(judged.path, extra)
        signer = min(
            (moment for moment in (revoked.signer, judged.revoked_at) if moment is not None), default=None
        )
        if judged.sub_indication not in _REVOCABLE:
            return judged
        if signer is not None and (existed_at is None or signer <= existed_at):
            failed = stamped_at is not None and signer <= stamped_at
            word = "REVOKED" if failed else "REVOKED_NO_POE"
            return replace(judged, sub_indication=word, revoked_at=signer, failed=failed, aged=False)
        if revoked.issuer is not None and (existed_at is None or revoked.issuer <= existed_at):
            return replace(judged, sub_indication="REVOKED_CA_NO_POE", revoked_at=revoked.issuer, aged=False)
        if judged.sub_indication == "REVOKED_NO_POE" and signer is not None:
            return replace(judged, sub_indication=OK, detail="revoked after the proven time of signing")
        return judged

    async def tokens(self, signer: cms.SignerInfo, extra: ValidationData) -> tuple[Token, ...]:
        """Judge the timestamp tokens attached to a signature."""
        return tuple(
            [
                await self.token(
                    value["content"], lambda algorithm: _digest(algorithm, signer["signature"].native), extra
                )
                for value in find_cms_attribute_iter(signer["unsigned_attrs"], "signature_time_stamp_token")
            ]
        )

    async def token(
        self, token: cms.SignedData, imprint: Callable[[str], bytes], extra: ValidationData | None = None
    ) -> Token:
        """Judge one timestamp token, wherever it stands, against what its imprint must be."""
        stated_at = token["encap_content_info"]["content"].parsed["gen_time"].native

        plain = self._plain[id(token)] = _plain_token(token, imprint)
        data = self._concerning(plain, extra or ValidationData())

        async def validate(revocation: CertRevTrustPolicy) -> AdESBasicValidationResult[Any]:
            spec = self._trust.spec(data, revocation)
            return await ades_timestamp_validation(token, spec, imprint, timing_info=self._timing)

        judged = await self._judge("timestamp", validate, stated_at, plain, data)
        judged = self._with_time(judged, _enclosed(token))
        judged = _by_an_authority(judged, stated_at)
        if judged.ok and stated_at > self.at:
            judged = replace(
                judged, sub_indication="TIMESTAMP_ORDER_FAILURE", detail="the time lies in the future"
            )
        judged = self.heard(judged, extra or ValidationData(), stamped_at=None, existed_at=None)
        judged = self.listed(judged, stated_at, signing=False)
        return Token(stated_at, self.aged(judged, token["signer_infos"][0], None))

    def aged(self, judged: Judged, signer: cms.SignerInfo, existed_at: datetime | None) -> Judged:
        """The judgment after the age of its algorithms has had its say.

        They must have been good at the earliest time that anything proves, or else at the validation time.
        """
        if not (judged.ok or judged.weak or judged.sub_indication == "CRYPTO_CONSTRAINTS_FAILURE"):
            return judged
        ends = ends_at(Means.of(signer), judged.path)
        if ends <= (existed_at or self.at):
            told = f"good until {ends:%Y-%m-%d}"
            weak = judged.ok or judged.weak
            return replace(
                judged,
                sub_indication="CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
                weak=weak,
                failed=False,
                detail=told,
            )
        return replace(judged, sub_indication=OK, weak=False) if judged.weak else judged

    def listed(self, judged: Judged, moment: datetime, *, signing: bool) -> Judged:
        """The judgment after the trusted lists have had their say about the anchor at a moment: of who signs,
        or of who stamps.
        """
        if judged.ok and self._trust.withdrawn_at(judged.path, moment, signing=signing):
            told = f"not in good standing on {moment:%Y-%m-%d}"
            return replace(judged, sub_indication="NO_CERTIFICATE_CHAIN_FOUND_NO_POE", detail=told)
        return judged

    async def _judge(
        self,
        kind: str,
        validate: _Validate,
        proven: datetime | None,
        plain: Plain | None,
        data: ValidationData,
    ) -> Judged:
        """Strictly first, then with the revocation answers of the day of signing; then what is missing."""

        async def judged_by(policy: CertRevTrustPolicy) -> Judged:
            return await self._recalled(kind, validate, policy, plain, data)

        judged = await judged_by(FRESH_NOW)
        if judged.sub_indication == "TRY_LATER" and proven is not None:
            second = await judged_by(fresh_at(proven, self.at))
            if second.sub_indication != "TRY_LATER":
                judged = replace(second, aged=second.ok)
        if judged.sub_indication in ("CERTIFICATE_CHAIN_GENERAL_FAILURE", "TRY_LATER"):
            unchecked = await judged_by(UNCHECKED)
            if unchecked.ok and not _names_responder(unchecked.path[0]):
                return _strong_enough(await self._answered(judged_by, unchecked, proven, data))
            if unchecked.ok and judged.sub_indication != "TRY_LATER":
                return _unanswered(unchecked)
        return _strong_enough(judged)

    async def _answered(
        self,
        judged_by: Callable[[CertRevTrustPolicy], Coroutine[Any, Any, Judged]],
        unchecked: Judged,
        proven: datetime | None,
        data: ValidationData,
    ) -> Judged:
        """The judgment when the signer's certificate names no responder.

        Then pyHanko hears no OCSP answer about it, though one is at hand: about this certificate the answers
        are read here alone, about its issuers by both.
        """
        policies: list[tuple[CertRevTrustPolicy, datetime | None]] = [(FRESH_NOW, None)]
        if proven is not None:
            policies.append((fresh_at(proven, self.at), proven - REVOCATION_MAY_PRECEDE_BY))
        for policy, since in policies:
            judged = await judged_by(for_issuers_alone(policy))
            if judged.ok and self.evidence.good(judged.path, data, since):
                return replace(judged, aged=since is not None)
        return _unanswered(unchecked)

    async def _recalled(
        self,
        kind: str,
        validate: _Validate,
        policy: CertRevTrustPolicy,
        plain: Plain | None,
        data: ValidationData,
    ) -> Judged:
        """The judgment by one policy: that of a signature like this one, when there was one."""
        if plain is None or data.likeness is None:
            return _judged(asyncio.run(validate(policy)))
        timing = (self.at, self.at.tzinfo)
        key = (kind, plain.likeness, data.likeness, timing, self._alike(policy, data))
        judged: Judged | None = self._trust.precedents.get(key)
        if judged is None:
            judged = _judged(asyncio.run(validate(policy)))
            self._trust.precedents.put(key, judged)
        return judged

    def _concerning(self, plain: Plain | None, extra: ValidationData) -> ValidationData:
        """The validation data by which a signature is judged: for a plain one, those that can matter."""
        data = self._beside + self._data + extra
        if plain is None:
            return data
        enclosed = [load_certificate(each) for each in plain.signed.certificates]
        return data.concerning({*self._trust.serials, *(each.serial_number for each in enclosed)})

    def _alike(self, policy: CertRevTrustPolicy, data: ValidationData) -> Hashable:
        """What two policies must have alike to lead to the same judgment by the same answers.

        A freshness only says which of the answers at hand are fresh; so policies that call the same ones
        fresh are alike. Close to the limit, where the validator's tolerance counts, they aren't.
        """
        if policy.freshness is None:
            return policy
        limit = self.at - policy.freshness
        issued = [answer.issuance_date for answer in (*data.crls, *data.ocsps, *self._trust.crls)]
        if any(moment is None or abs(moment - limit) < _NEAR for moment in issued):
            return policy
        fresh = tuple(moment > limit for moment in issued if moment is not None)
        return (replace(policy, freshness=None), fresh)

    def _with_time(self, judged: Judged, certificates: Sequence[asn1_x509.Certificate]) -> Judged:
        """Say it when a chain fails for the time judged at: a certificate is outside its validity."""
        if judged.sub_indication != "CERTIFICATE_CHAIN_GENERAL_FAILURE":
            return judged
        begins = max(certificate.not_valid_before for certificate in certificates)
        ends = min(certificate.not_valid_after for certificate in certificates)
        if self.at < begins:
            return replace(
                judged,
                outside=mark("the certificate is not yet valid then: it begins on {day:day}"),
                outside_on=f"{begins:%Y-%m-%d}",
            )
        if self.at > ends:
            return replace(
                judged,
                outside=mark("the certificate has expired by then: it ended on {day:day}"),
                outside_on=f"{ends:%Y-%m-%d}",
            )
        return judged

    async def with_archive(self, embedded: EmbeddedPdfSignature, judged: Judged, archive: Token) -> Judged:
        """Second opinion for a signature that time has run out for, on the strength of later archive
        timestamps.
        """
        if judged.sub_indication not in _OUT_OF_TIME:
            return judged
        fresh = self._spec(fresh_at(archive.stated_at, self.at))
        policy = replace(
            self._spec(),
            ts_cert_validation_policy=fresh.ts_cert_validation_policy or fresh.cert_validation_policy,
        )
        embedded.compute_integrity_info(skip_diff=True)  # type: ignore[no-untyped-call]
        whole = PdfSignatureValidationSpec(policy, diff_policy=None)
        second = _judged(asyncio.run(ades_lta_validation(embedded, whole, timing_info=self._timing)))
        return second if second.ok else judged

    async def as_it_was(
        self, embedded: EmbeddedPdfSignature, judged: Judged, stamp: "Stamp", extra: ValidationData
    ) -> Judged:
        """Third opinion for a signature that time has run out for: valid at the moment when a good archive
        timestamp covered it, by the answers that it covered too.

        pyHanko slides back in time only as far as the answers at hand are stale; with fresh ones it stays in
        the present, where the certificate has expired. Source: ETSI EN 319 102-1, 5.6.2.4.
        """
        signed, digest = embedded.signed_data, embedded.compute_digest()

        async def basic(revocation: Any) -> AdESBasicValidationResult[Any]:
            return await ades_basic_validation(
                signed, self._then(stamp, revocation, extra), timing_info=stamp.timing, raw_digest=digest
            )

        return await self._at_its_time(judged, stamp, basic)

    def _then(self, stamp: "Stamp", revocation: Any, extra: ValidationData) -> SignatureValidationSpec:
        return _issued_by(stamp.moment, self._trust.spec(stamp.data + extra, revocation))

    async def _at_its_time(self, judged: Judged, stamp: "Stamp", validate: Callable[[Any], Any]) -> Judged:
        if judged.sub_indication not in _OUT_OF_TIME:
            return judged
        for revocation in (FRESH_NOW, fresh_at(stamp.moment, stamp.moment)):
            then = _strong_enough(_judged(asyncio.run(validate(revocation))))
            if then.ok:
                return replace(then, aged=True)
        return judged

    async def while_it_was_valid(
        self,
        embedded: EmbeddedPdfSignature,
        judged: Judged,
        proven_at: datetime | None,
        extra: ValidationData,
    ) -> Judged:
        """Fourth opinion, when the signer's certificate alone has run out since a timestamp proved the
        signature: valid at its end, by answers of about the proven time or later.

        Source: ETSI EN 319 102-1, 5.5.4 (OUT_OF_BOUNDS_NOT_REVOKED).
        """
        if judged.sub_indication not in _OUT_OF_TIME or proven_at is None:
            return judged
        ends = self.certificate(embedded).not_valid_after
        if not proven_at <= ends < self.at:
            return judged
        data = self._beside + self._data + extra
        result = asyncio.run(
            ades_basic_validation(
                embedded.signed_data,
                _issued_by(ends, self._trust.spec(data, fresh_at(proven_at, ends))),
                timing_info=Stamp(ends, self._data).timing,
                raw_digest=embedded.compute_digest(),
            )
        )
        then = _strong_enough(_judged(result))
        above = [certificate.not_valid_after for certificate in then.path[1:]]
        return replace(then, aged=True) if then.ok and min(above, default=ends) > self.at else judged

    async def stamped_then(
        self, token: cms.SignedData, value: bytes, judged: Judged, stamp: "Stamp", extra: ValidationData
    ) -> Judged:
        """Second opinion for the timestamp of a signature value that time has run out for: good at the moment
        when a good archive timestamp covered it, by the answers that it covered too.
        """

        def imprint(algorithm: str) -> bytes:
            return _digest(algorithm, value)

        async def validate(revocation: Any) -> AdESBasicValidationResult[Any]:
            return await ades_timestamp_validation(
                token, self._then(stamp, revocation, extra), imprint, timing_info=stamp.timing
            )

        then = await self._at_its_time(judged, stamp, validate)
        stated_at = token["encap_content_info"]["content"].parsed["gen_time"].native
        return self.listed(_by_an_authority(then, stated_at), stated_at, signing=False)

    async def past_token(
        self, embedded: EmbeddedPdfSignature, judged: Judged, later: EmbeddedPdfSignature, later_at: datetime
    ) -> Judged:
        """Second opinion for a document timestamp that time has run out for, proven to exist by a later
        one.
        """
        if judged.weak:
            return self.aged(judged, embedded.signer_info, later_at)
        if judged.sub_indication == "REVOKED_NO_POE":
            return self.heard(judged, ValidationData(), stamped_at=None, existed_at=later_at)
        if judged.sub_indication not in _OUT_OF_TIME:
            return judged
        proof = POEManager(current_dt_override=self.at)
        data = read_dss(HistoricalResolver(embedded.reader, later.signed_revision).root)
        for item in (*data.certificates, *data.crls, *data.ocsps, *_enclosed(embedded.signed_data)):
            proof.register(item, POEType.VALIDATION, later_at)
        proof.register(embedded.signer_info["signature"].native, POEType.VALIDATION, later_at)
        indication = asyncio.run(
            ades_past_signature_validation(
                embedded.signed_data,
                self._spec(),
                proof,
                current_time_sub_indic=_indication(judged.sub_indication),
                init_control_time=self.at,
            )
        )
        if indication is AdESPassed.OK:
            return self._past(embedded, replace(judged, sub_indication=OK, failed=False), later_at)
        stamp = Stamp(later_at, data)

        async def validate(revocation: Any) -> AdESBasicValidationResult[Any]:
            return await ades_timestamp_validation(
                embedded.signed_data,
                self._then(stamp, revocation, ValidationData()),
                embedded.compute_digest,
                timing_info=stamp.timing,
            )

        return self._past(embedded, await self._at_its_time(judged, stamp, validate), later_at)

    def _past(self, embedded: EmbeddedPdfSignature, judged: Judged, existed_at: datetime) -> Judged:
        """What else is asked of a document timestamp, also of one that time has run out for."""
        stated_at = embedded.signed_data["encap_content_info"]["content"].parsed["gen_time"].native
        judged = _by_an_authority(judged, stated_at, embedded.signer_cert)
        judged = self.heard(judged, ValidationData(), stamped_at=None, existed_at=existed_at)
        return self.aged(judged, embedded.signer_info, existed_at)


def _issued_by(moment: datetime, spec: SignatureValidationSpec) -> SignatureValidationSpec:
    """The policy with the answers only that had been issued by then: later ones tell nothing of certificates
    that have run out meanwhile, which lists leave out.
    """

    def known(answers: Sequence[Any]) -> list[Any]:
        return [each for each in answers if each.issuance_date is None or each.issuance_date <= moment]

    knowledge = spec.local_knowledge
    return replace(
        spec,
        local_knowledge=replace(
            knowledge,
            known_crls=known(knowledge.known_crls),
            known_ocsps=known(knowledge.known_ocsps),
        ),
    )


def _by_an_authority(
    judged: Judged, stated_at: datetime, certificate: asn1_x509.Certificate | None = None
) -> Judged:
    """The judgment after the timestamp authority's own certificate has had its say. Source: RFC 3161, 2.3."""
    certificate = certificate or (judged.path[0] if judged.path else None)
    if not judged.ok or certificate is None:
        return judged
    purposes = [purpose.native for purpose in certificate.extended_key_usage_value or ()]
    if purposes != ["time_stamping"] or "extended_key_usage" not in certificate.critical_extensions:
        detail = "its certificate is not for timestamps alone"
        return replace(judged, sub_indication="CHAIN_CONSTRAINTS_FAILURE", detail=detail)
    if stated_at < certificate.not_valid_before:
        detail = f"its certificate begins on {certificate.not_valid_before:%Y-%m-%d}"
        return replace(judged, sub_indication="TIMESTAMP_ORDER_FAILURE", detail=detail)
    return judged


def not_before_its_certificate(
    judged: Judged, certificate: asn1_x509.Certificate, proven_at: datetime | None
) -> Judged:
    """The judgment after the proven time of a signature has been held against its certificate's beginning."""
    begins = certificate.not_valid_before
    if not judged.ok or proven_at is None or proven_at >= begins:
        return judged
    detail = (
        f"the certificate begins on {begins:%Y-%m-%d %H:%M}, the timestamp says {proven_at:%Y-%m-%d %H:%M}"
    )
    return replace(judged, sub_indication="NOT_YET_VALID", detail=detail, failed=True)


def _names_responder(certificate: asn1_x509.Certificate) -> bool:
    """Whether a certificate says whom to ask about it by OCSP."""
    named = certificate.authority_information_access_value
    return named is not None and any(each["access_method"].native == "ocsp" for each in named)


def _unanswered(unchecked: Judged) -> Judged:
    """All is well but for a revocation answer."""
    return replace(unchecked, sub_indication="TRY_LATER", detail="no revocation answer at hand")


def _strong_enough(judged: Judged) -> Judged:
    """The judgment after the curves of all keys had their say: pyHanko weighs RSA keys and digests only."""
    weak = [certificate for certificate in judged.path if _on_weak_curve(certificate)]
    if not judged.ok or not weak:
        return judged
    detail = f"elliptic curve of less than {_LEAST_CURVE_BITS} bits: {weak[0].subject.human_friendly[:200]}"
    return replace(judged, sub_indication="CRYPTO_CONSTRAINTS_FAILURE", detail=detail)


def _on_weak_curve(certificate: asn1_x509.Certificate) -> bool:
    key = certificate.public_key
    return bool(key.algorithm == "ec" and key.bit_size < _LEAST_CURVE_BITS)


def _without_padding(contents: bytes) -> bytes:
    try:
        return contents[: node(contents).end]
    except DerError:
        return contents


def _plain_token(token: cms.SignedData, imprint: Callable[[str], bytes]) -> Plain | None:
    """A timestamp token as a plain signature, when its imprint is the right one too."""
    stated = token["encap_content_info"]["content"].parsed["message_imprint"]
    if imprint(stated["hash_algorithm"]["algorithm"].native) != stated["hashed_message"].native:
        return None
    der: bytes = token.dump()  # with the tag of its place in a ContentInfo, where it was read from one
    return plain_signature(sequence(oid(OID_SIGNED_DATA), der if der[0] == 0xA0 else tlv(0xA0, der)), None)


def for_documents(judged: Judged, certificate: asn1_x509.Certificate) -> Judged:
    """The judgment after the purpose of the signer's certificate has had its say, which is the last one."""
    if judged.ok and not made_for_documents(certificate):
        return replace(judged, sub_indication="CHAIN_CONSTRAINTS_FAILURE", detail="extended key usage")
    return judged


def made_for_documents(certificate: asn1_x509.Certificate) -> bool:
    """Whether a certificate with extended key usages has one that is for documents."""
    purposes = certificate.extended_key_usage_value
    return purposes is None or any(purpose.dotted in _FOR_DOCUMENTS for purpose in purposes)


def _enclosed(signed: cms.SignedData) -> list[asn1_x509.Certificate]:
    return [choice.chosen for choice in signed["certificates"] if choice.name == "certificate"]


def _enclosed_deep(signed: cms.SignedData) -> Iterator[asn1_x509.Certificate]:
    yield from _enclosed(signed)
    for signer in signed["signer_infos"]:
        for value in find_cms_attribute_iter(signer["unsigned_attrs"], "signature_time_stamp_token"):
            yield from _enclosed(value["content"])


def _indication(word: str) -> Any:
    return AdESIndeterminate[word]


def _digest(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data).digest()


def _judged(result: AdESBasicValidationResult[Any]) -> Judged:
    indication: AdESSubIndic = result.ades_subindic
    status = result.api_status
    path = getattr(status, "validation_path", None)
    details = getattr(status, "revocation_details", None)
    return Judged(
        sub_indication=indication.standard_name,
        detail=str(result.failure_msg or ""),
        path=tuple(reversed(list(path.iter_certs(include_root=True)))) if path is not None else (),
        revoked_at=details.revocation_date if details is not None else None,
        failed=indication.status.name == "FAILED",
    )


_FINDINGS = {
    "HASH_FAILURE": ("digest_differs", mark("the content differs from what was signed")),
    "SIG_CRYPTO_FAILURE": (
        "signature_value_wrong",
        mark("the signature value does not belong to what it signs"),
    ),
    "FORMAT_FAILURE": ("cms_unreadable", mark("the signature is not formed as the standard says")),
    "REVOKED": ("signer_revoked", mark("the certificate had been revoked when this was signed")),
    "NO_CERTIFICATE_CHAIN_FOUND": (
        "chain_unknown",
        mark("the certificate does not lead to anybody who is trusted here"),
    ),
    "NO_CERTIFICATE_CHAIN_FOUND_NO_POE": (
        "service_withdrawn",
        mark("its issuer's service was not in good standing on the trusted list"),
    ),
    "NO_SIGNING_CERTIFICATE_FOUND": ("chain_unknown", mark("the signer's certificate is missing")),
    "CERTIFICATE_CHAIN_GENERAL_FAILURE": ("chain_unknown", mark("the chain of certificates does not hold")),
    "TRY_LATER": ("revocation_unknown", mark("nothing at hand says whether the certificate was revoked")),
    "REVOKED_NO_POE": (
        "revoked_time_unproven",
        mark("the certificate was revoked, and nothing proves signing before that"),
    ),
    "REVOKED_CA_NO_POE": ("revoked_time_unproven", mark("an issuer's certificate was revoked")),
    "CHAIN_CONSTRAINTS_FAILURE": ("key_usage_wrong", mark("the certificate is not meant for this purpose")),
    "CRYPTO_CONSTRAINTS_FAILURE": (
        "algorithm_weak",
        mark("an algorithm or key is too weak to prove anything"),
    ),
    "CRYPTO_CONSTRAINTS_FAILURE_NO_POE": (
        "algorithm_weak",
        mark("an algorithm or key is too weak to prove anything"),
    ),
    "TIMESTAMP_ORDER_FAILURE": ("timestamp_order", mark("the timestamps contradict each other or the clock")),
    "NOT_YET_VALID": (
        "certificate_began_later",
        mark("the signature is older than the certificate it names"),
    ),
    **dict.fromkeys(
        (
            "OUT_OF_BOUNDS_NO_POE",
            "OUT_OF_BOUNDS_NOT_REVOKED",
            "REVOCATION_OUT_OF_BOUNDS_NO_POE",
            "EXPIRED",
            "NO_POE",
        ),
        ("expired", mark("the certificate is outside its validity, and nothing proves signing within it")),
    ),
}


def finding_of(judged: Judged) -> Finding | None:
    """The finding that a judgment amounts to; None when all is well."""
    if judged.ok:
        return None
    if judged.outside:
        values = {"day": judged.outside_on}
        return Finding("expired", judged.outside, judged.detail, "OUT_OF_BOUNDS_NO_POE", values)
    code, text = _FINDINGS.get(
        judged.sub_indication, ("not_validated", mark("the signature could not be validated"))
    )
    if judged.revoked_at is None:
        return Finding(code, text, judged.detail, judged.sub_indication)
    revoked = {"what": text, "revoked_at": iso(judged.revoked_at) or ""}
    told = mark("{what:word} (revoked {revoked_at:moment})")
    return Finding(code, told, judged.detail, judged.sub_indication, revoked)
