"""A quick look that clears what differs from a file known to be authentic in nothing but its slots.

The whole validation judges a file. When it calls one authentic, that file's form is remembered (`seams`,
`shapes`). Another file of the same form has the same structure, so only what fills its slots is left to
judge, and that takes a fraction of the time: every digest, every signature value, every timestamp, the
chain and the revocation answers of every certificate. Whatever is unusual in the least is not cleared: then
the whole validation has the word. So the quick look can only be stricter, never milder: it knows no other
verdict than "authentic", and it says nothing of a form that the whole validation has not called authentic
under the same trust and at the same time.

Right after a form was remembered, the same file is looked at once more: unless the report is the same in
every field, the form is forgotten.
"""

import hashlib
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import combinations
from typing import Any, NamedTuple

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.x509 import ocsp

from certs import der
from certs.evidence import RevocationEvidence
from certs.trust import TrustStore
from certs.trusted_lists import TrustedLists
from signing.chains import Path, PinnedChains
from signing.signed_data import load_certificate
from signing.tokens import generalized_time
from signing.verify.container import well_formed
from signing.verify.evidence import said_when_issued
from signing.verify.findings import Finding
from signing.verify.inspection import (
    CLOCKS_APART,
    claims_later,
    described,
    made_aged,
    made_for_development,
    role_of,
)
from signing.verify.particulars import status_of
from signing.verify.qualified import Lists
from signing.verify.rawscan import only_white_space
from signing.verify.report import Report, RevocationStatus, Role, SignatureReport, Verdict, told
from signing.verify.seams import Beginning, Cut, Seamless, SignatureSlot, common_beginning, cut
from signing.verify.sentence import EMPTY
from signing.verify.shapes import Cms, Stamp, certificate_shape, check_value, cut_cms, cut_stamp
from signing.verify.store import IN_STORE
from signing.verify.strength import Means, Strength, ends_at, strength_of
from signing.verify.tail import accounted_for
from signing.verify.trust import REVOCATION_MAY_PRECEDE_BY, TrustMaterial
from signing.verify.validation import made_for_documents
from signing.verify.verdict import report_on, unused_lists

_MOST_FORMS = 1000  # of one office's papers there are dozens
_MOST_KEPT = 5000  # certificates and answers
_MOST_MEANS = 16  # digests and algorithms that one certificate signs by
_MOST_BEGINNINGS, _LONGEST_WAITING = 8, 1 << 20  # bytes
_MAY_BE_NOTED = frozenset({"development_certificate", "revocation_aged"})
_SIGNING, _STAMPING = "signing", "stamping"  # whose anchors: those of signers, or of timestamps
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_DATE = re.compile(rb"\(D:(\d{14})(?:Z|\+00'00'?)\)")


class _Unclear(Exception):
    """The whole validation has to look."""


class _Link(NamedTuple):
    """A certificate and its issuer; what answers about it name: its serial number, or the issuer."""

    certificate: bytes
    issuer: bytes
    about: tuple[int, bytes]


class _Signed(NamedTuple):
    slot: SignatureSlot
    cms: Cms
    token: Cms | None
    stamp: Stamp | None  # of the token, or of the document timestamp


class _Form(NamedTuple):
    """What was said of a form's signatures, and of the form itself."""

    signatures: tuple[SignatureReport, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _File:
    """A file that was cut: its key is its form with the shapes of its signatures."""

    cut: Cut
    signed: tuple[_Signed, ...]
    beginning: Beginning | None

    @property
    def key(self) -> bytes:
        shapes = [part.shape for each in self.signed for part in (each.cms, each.token, each.stamp) if part]
        return hashlib.sha256(b"\0form\0".join([self.cut.form, *shapes])).digest()


@dataclass(frozen=True)
class _Certificate:
    """What is the same about a certificate in every file."""

    path: Path
    kind: tuple[Any, ...]  # its shape, and the certificates above it
    described: dict[str, Any]
    development: bool
    for_documents: bool
    role: Role
    key: Any
    sha256_hex: str
    links: tuple["_Link", ...]
    chain: tuple[asn1_x509.Certificate, ...]
    elsewhere: frozenset[bytes]  # of the path: what is not trusted, and has to come with each file
    strengths: dict[tuple[str, bytes], tuple[Strength, datetime]] = field(default_factory=dict)

    def strength(self, cms: Cms) -> tuple[Strength, datetime]:
        """Of a signature by this digest and algorithm, and from when on it proves nothing by itself."""
        means = (cms.digest_name, cms.algorithm)
        if means not in self.strengths:
            stated = Means(cms.digest_name, algos.SignedDigestAlgorithm.load(cms.algorithm))
            if len(self.strengths) >= _MOST_MEANS:
                self.strengths.clear()
            self.strengths[means] = (strength_of(stated, self.chain), ends_at(stated, self.chain))
        return self.strengths[means]


@dataclass(frozen=True)
class _Answer:
    """A revocation answer: about which serial number or of which issuer, and while its signers are valid."""

    der: bytes
    about: int | bytes
    is_list: bool = False
    since: datetime = _EVER
    until: datetime = _NEVER


class Quick:
    """Clears files for one trust and one validation time; remembers what the whole validation said."""

    def __init__(self, material: TrustMaterial, at: datetime, listed: Lists | None = None) -> None:
        """`listed` has the trusted lists of the material, which are indexed for the whole validation, too."""
        self._listed = listed or (Lists(material.lists) if material.lists is not None else None)
        known = material.lists or TrustedLists()
        signers = (*material.anchors, *known.signer_anchors)
        # as in the whole validation, who is listed for timestamps alone vouches for no signer
        stampers = (*signers, *known.timestamp_anchors)
        self._at = at
        self._chains = {_SIGNING: _chains(signers, material.intermediates)}
        self._chains[_STAMPING] = (
            _chains(stampers, material.intermediates) if known.timestamp_anchors else self._chains[_SIGNING]
        )
        self._named = frozenset(material.anchors)
        self._trusted = frozenset((*stampers, *material.intermediates))
        self._said = unused_lists(self._listed)
        self._lists = [_list(each) for each in material.crls]
        self._forms: dict[bytes, _Form] = {}
        self._forgotten: set[bytes] = set()
        self._kinds: set[tuple[Any, ...]] = set()
        self._certificates: dict[tuple[str, bytes], _Certificate] = {}
        self._answers: dict[tuple[bool, bytes], _Answer] = {}
        self._heard: dict[tuple[bytes, bytes, bytes], RevocationEvidence] = {}
        self._beginnings: list[Beginning] = []
        self._waiting: dict[bytes, bytes] = {}  # form → a file of it, whose beginning is not known yet

    def clear(self, pdf: bytes, name: str) -> Report | None:
        """The report on a file that is authentic beyond doubt; None when the whole validation has to look."""
        started = time.perf_counter_ns()
        if not self._forms:
            return None
        try:
            beginning = self._beginning(pdf)
            file = _read(pdf, beginning)
            key = file.key
            known = self._forms.get(key)
            if known is None:
                return None
            report, sha256_hex = self._judged(pdf, file, known, name)
            if beginning is None:
                self._compare_beginnings(key, pdf)
        except Exception:  # noqa: BLE001 (whatever it stumbles over, the whole validation has the word)
            return None
        took_us = (time.perf_counter_ns() - started) // 1000
        return replace(report, sha256_hex=sha256_hex, size=len(pdf), whole=False, duration_us=took_us)

    def learn(self, pdf: bytes, report: Report) -> None:
        """Remember the form of a file that the whole validation called authentic.

        Where it had pages drawn, those of the next file of this form need not be: what was added has the same
        objects in the same places, and so draws in the same fields, and nowhere else.
        """
        if report.verdict is not Verdict.AUTHENTIC or not report.signatures:
            return
        empty = [each for each in report.findings if each.code == EMPTY]  # fields are part of the form
        if report.findings != told([*empty, *self._said]):
            return
        codes = {finding.code for each in report.signatures for finding in each.findings}
        if not codes <= _MAY_BE_NOTED:
            return
        try:
            file = _read(pdf)
            key = file.key
            if key in self._forgotten:
                return
            parts = [part for each in file.signed for part in (each.cms, each.token) if part is not None]
            kinds = {self._certificate(part).kind for part in parts}
        except Exception:  # noqa: BLE001 (as above)
            return
        if len(self._forms) >= _MOST_FORMS:
            self._forms.clear()
        before = set(self._kinds)
        self._forms[key] = _Form(report.signatures, tuple(empty))
        self._kinds |= kinds
        again = self.clear(pdf, report.name)
        expected = replace(report, duration_us=0, whole=False, pages_compared=None)
        if again is None or replace(again, duration_us=0) != expected:
            del self._forms[key]
            self._forgotten.add(key)
            self._kinds = before

    def _beginning(self, pdf: bytes) -> Beginning | None:
        """The longest known one that the file begins with."""
        found = (each for each in self._beginnings if pdf.startswith(each.data))
        return max(found, key=lambda each: len(each.data), default=None)

    def _compare_beginnings(self, form: bytes, pdf: bytes) -> None:
        """Keep what this file and another one of its form begin with alike."""
        other = self._waiting.pop(form, None)
        if other is not None and other != pdf:
            found = common_beginning(other, pdf)
            if found is not None:
                self._beginnings = [*self._beginnings[1 - _MOST_BEGINNINGS :], found]
        elif len(pdf) <= _LONGEST_WAITING:
            if len(self._waiting) >= _MOST_BEGINNINGS:
                self._waiting.clear()
            self._waiting[form] = pdf

    def _judged(self, pdf: bytes, file: _File, known: "_Form", name: str) -> tuple[Report, str]:
        """The report, and the file's SHA-256."""
        digests, sha256_hex = _digests(pdf, file)
        signers = [self._signed_by(each, digest) for each, digest in zip(file.signed, digests, strict=True)]
        if any(each.stamp.at > self._at for each in file.signed if each.stamp):
            raise _Unclear("a timestamp from the future")
        _check_order(file, signers)
        stored = self._stored(file)
        reports = tuple(
            self._report(*each, stored)
            for each in zip(file.signed, signers, known.signatures, _earliest(file), strict=True)
        )
        if stored.unheard:
            raise _Unclear("an answer about nobody here")
        _check_tail(pdf, file, signers)
        report = report_on(name, self._at, reports, [*known.findings, *self._said], file.cut.revisions)
        if report.verdict is not Verdict.AUTHENTIC:
            raise _Unclear("it is not authentic after all")
        return report, sha256_hex

    def _signed_by(self, signed: _Signed, digest: bytes) -> list[_Certificate]:
        """Check the values of a signature and of its timestamp; the signer and the timestamp's signer."""
        cms, token, stamp = signed.cms, signed.token, signed.stamp
        found = []
        for each in (cms, token):
            if each is None:
                continue
            certificate = self._certificate(each)
            if certificate.kind not in self._kinds:
                raise _Unclear("a certificate of another kind")
            content = digest if each.content is None else hashlib.new(each.digest_name, each.content).digest()
            check_value(each, content, certificate.key)
            if certificate.strength(each)[1] <= self._at:
                raise _Unclear("an algorithm past its time, which only proof of existence keeps")
            found.append(certificate)
        if stamp is not None:
            imprint = digest if token is None else hashlib.new(stamp.digest_name, cms.value).digest()
            if stamp.imprint != imprint:
                raise _Unclear("a timestamp of something else")
        return found

    def _certificate(self, cms: Cms) -> _Certificate:
        """What is known of a signer; every certificate enclosed with it must lead to an anchor."""
        enclosed = self._enclosed(_SIGNING if cms.content is None else _STAMPING, cms.certificates)
        for known in enclosed.values():
            if not known.path.not_before <= self._at <= known.path.not_after:
                raise _Unclear("a certificate that is not valid now")
            if not known.elsewhere.issubset(cms.certificates):
                raise _Unclear("a certificate whose issuer came with another file")
        signer = enclosed[cms.signer]
        if cms.content is None and not signer.for_documents:
            raise _Unclear("a certificate that is not for documents")
        return signer

    def _enclosed(self, purpose: str, certificates: tuple[bytes, ...]) -> dict[bytes, _Certificate]:
        """What is known of certificates that lie together; each must lead to an anchor."""
        for each in certificates:
            key = purpose, each
            if key not in self._certificates:
                looked_at = self._looked_at(purpose, each, certificates)
                self._certificates = _bounded(self._certificates)
                self._certificates[key] = looked_at
        return {each: self._certificates[purpose, each] for each in certificates}

    def _looked_at(self, purpose: str, certificate: bytes, enclosed: tuple[bytes, ...]) -> _Certificate:
        well_formed(certificate)
        IN_STORE["/Certs"](certificate)
        path = self._chains[purpose].path(certificate, extra=enclosed, at=self._at, whose="a signer")
        above = path.certificates[1:]
        for each in above:
            certificate_shape(each)
        chain = [asn1_x509.Certificate.load(each) for each in path.certificates]
        return _Certificate(
            path=path,
            kind=(purpose, certificate_shape(certificate), above),
            described=described(chain[0]) | {"chain": tuple(each.subject.human_friendly for each in chain)},
            development=any("development" in each.subject.human_friendly.lower() for each in chain),
            for_documents=made_for_documents(chain[0]),
            role=role_of(chain[0]),
            key=load_certificate(certificate).public_key(),
            sha256_hex=hashlib.sha256(certificate).hexdigest(),
            links=tuple(_link(*each) for each in path.links),
            chain=tuple(chain),
            elsewhere=frozenset(above) - self._trusted,
        )

    def _report(
        self,
        signed: _Signed,
        signers: list[_Certificate],
        before: SignatureReport,
        proven: datetime | None,
        stored: "_Stored",
    ) -> SignatureReport:
        """The signature's report: what is the same in every file of the form, and what is this file's own.

        `proven` is the earliest time that anything in the file proves for it.
        """
        stamp, signer = signed.stamp, signers[0]
        in_file = before.level in ("B-LT", "B-LTA")
        newest, aged, status = self._answered(
            signer.links, stamp.at if stamp else None, stored, in_file=in_file
        )
        if status.issued_at is not None:
            age = (proven or self._at) - status.issued_at
            status = replace(status, age_s=round(age.total_seconds()))
        self._check_standing(signer, proven or self._at, signing=before.role is not Role.TIMESTAMP)
        for each in signers[1:]:
            if stamp is None:
                raise _Unclear("a timestamp without a time")
            self._check_standing(each, stamp.at, signing=False)
            self._answered(each.links, stamp.at, stored, in_file=in_file)
        notes = [made_aged()] if aged else []
        texts = signed.slot.texts
        claimed = signed.cms.stated_at or _date(texts.get(b"M"))
        if proven is None and claims_later(claimed, self._at):
            raise _Unclear("it says that it was signed later")
        report = replace(
            before,
            **signer.described,
            role=signer.role if before.role in (Role.SEAL, Role.APPROVAL) else before.role,
            findings=(*notes, *([made_for_development()] if signer.development else [])),
            development=signer.development,
            claimed_at=claimed,
            proven_at=proven,
            certificate_sha256=signer.sha256_hex,
            revocation_checked_at=newest,
            reason=_text(texts.get(b"Reason")),
            location=_text(texts.get(b"Location")),
            signed_bytes_end=signed.slot.covered.end,
            revocation=status,
            strength=signer.strength(signed.cms)[0],
        )
        if self._listed is None:
            return report
        return replace(report, qualified=status_of(report, signer.chain, self._listed, self._at))

    def _check_standing(self, certificate: _Certificate, moment: datetime, *, signing: bool) -> None:
        """An anchor by trusted lists alone must have been in good standing at the moment that counts."""
        if self._listed is None or certificate.path.certificates[-1] in self._named:
            return
        if not self._listed.standing(certificate.chain[-1], moment, signing=signing):
            raise _Unclear("an anchor that was not in good standing")

    def _answered(
        self, links: tuple[_Link, ...], proven: datetime | None, stored: "_Stored", *, in_file: bool
    ) -> tuple[datetime | None, bool, RevocationStatus]:
        """Require a good answer about each certificate of a path below its anchor, and none that isn't.

        Gives when the newest answer about the first certificate in the file was issued, whether an answer
        is past its next update, and the status of the first certificate, its age still left open.
        """
        newest: datetime | None = None
        status = RevocationStatus("unknown")
        aged = False
        for place, (certificate, issuer, about) in enumerate(links):
            here = [each for each in stored.answers if each.about in about]
            elsewhere = [each for each in self._lists if each.about in about]
            heard = [self._hear(each, certificate, issuer) for each in (*here, *elsewhere)]
            stored.unheard.difference_update(each.der for each in here)
            if any(each.status != "good" or each.this_update > self._at for each in heard):
                raise _Unclear("a certificate that an answer does not call good")
            current = [each for each in heard if each.next_update and self._at <= each.next_update]
            of_the_day = [
                each for each in heard if proven and each.this_update >= proven - REVOCATION_MAY_PRECEDE_BY
            ]
            if not (current or of_the_day) or (in_file and not here):
                raise _Unclear("an answer is missing or stale")
            aged = aged or not current
            if place == 0:
                newest = max((each.this_update for each in heard[: len(here)]), default=None)
                status = _status(heard, in_file=len(here))
        return newest, aged, status

    def _hear(self, answer: "_Answer", certificate: bytes, issuer: bytes) -> RevocationEvidence:
        key = (answer.der, certificate, issuer)
        if key not in self._heard:
            subject, by = load_certificate(certificate), load_certificate(issuer)
            evidence = said_when_issued(answer.der, subject, by, is_list=answer.is_list)
            self._heard = _bounded(self._heard)
            self._heard[key] = evidence
        return self._heard[key]

    def _stored(self, file: _File) -> "_Stored":
        """The store's answers; its certificates must all lead to an anchor."""
        enclosed = tuple(file.cut.stored.get(b"Certs", ()))
        self._enclosed(_STAMPING, enclosed)
        answers = [
            self._answer(each, is_list=name == b"CRLs")
            for name in (b"OCSPs", b"CRLs")
            for each in file.cut.stored.get(name, ())
        ]
        for answer in answers:
            if not answer.since <= self._at <= answer.until:
                raise _Unclear("a responder whose certificate is not valid now")
        return _Stored(answers, {each.der for each in answers})

    def _answer(self, answer_der: bytes, *, is_list: bool) -> "_Answer":
        key = is_list, answer_der
        if key not in self._answers:
            IN_STORE["/CRLs" if is_list else "/OCSPs"](answer_der)
            if der.node(answer_der).end != len(answer_der):
                raise _Unclear("something behind an answer")
            self._answers = _bounded(self._answers)
            self._answers[key] = _list(answer_der) if is_list else _response(answer_der)
        return self._answers[key]


@dataclass
class _Stored:
    """The answers in a file's store, and those of them that nobody has been asked about yet."""

    answers: "list[_Answer]"
    unheard: set[bytes]


def _chains(anchors: Iterable[bytes], intermediates: Iterable[bytes]) -> PinnedChains:
    trusted, others = (
        tuple(x509.load_der_x509_certificate(each) for each in dict.fromkeys(kind))
        for kind in (anchors, intermediates)
    )
    return PinnedChains(TrustStore(trusted, others))


def _link(certificate: bytes, issuer: bytes) -> _Link:
    loaded = load_certificate(certificate)
    return _Link(certificate, issuer, (loaded.serial_number, loaded.issuer.public_bytes()))


def _list(crl_der: bytes) -> _Answer:
    crl = x509.load_der_x509_crl(crl_der)
    return _Answer(crl_der, crl.issuer.public_bytes(), is_list=True)


def _response(answer_der: bytes) -> _Answer:
    response = ocsp.load_der_ocsp_response(answer_der)
    if len(list(response.responses)) != 1:
        raise _Unclear("an answer about several certificates")
    return _Answer(
        answer_der,
        response.serial_number,
        since=max((each.not_valid_before_utc for each in response.certificates), default=_EVER),
        until=min((each.not_valid_after_utc for each in response.certificates), default=_NEVER),
    )


def _read(pdf: bytes, beginning: Beginning | None = None) -> _File:
    found = None
    if beginning is not None:
        with suppress(Seamless):
            found = cut(pdf, beginning)
    if found is None:
        found, beginning = cut(pdf), None
    return _File(found, tuple(_signed(pdf, slot) for slot in found.signatures), beginning)


def _signed(pdf: bytes, slot: SignatureSlot) -> _Signed:
    digits = slot.covered.gap(pdf)[1:-1].decode("ascii")
    raw = bytes.fromhex(digits)
    if digits not in (plainly := raw.hex(), plainly.upper()):
        raise _Unclear("a container that is not written plainly")
    end = der.node(raw).end
    if raw[end:].strip(b"\0"):
        raise _Unclear("padding that is not empty")
    cms = cut_cms(raw[:end])
    if cms.content is not None:
        if cms.token is not None:
            raise _Unclear("a timestamp with a timestamp")
        return _Signed(slot, cms, None, cut_stamp(cms.content))
    token = cut_cms(cms.token) if cms.token else None
    if token is None:
        return _Signed(slot, cms, None, None)
    if token.content is None or token.token is not None:
        raise _Unclear("a timestamp that is none")
    return _Signed(slot, cms, token, cut_stamp(token.content))


def _digests(pdf: bytes, file: _File) -> tuple[list[bytes], str]:
    """The digest of what each signature covers, and the file's SHA-256: common beginnings are read once."""
    view, beginning = memoryview(pdf), file.beginning
    at = len(beginning.data) if beginning is not None else 0
    running = {
        name: beginning.running(name) if beginning is not None else hashlib.new(name)
        for name in {_digest_name(each) for each in file.signed} | {"sha256"}
    }
    found = []
    for each in file.signed:
        covered = each.slot.covered
        for state in running.values():
            state.update(view[at : covered.gap_start])
        at = covered.gap_start
        own = running[_digest_name(each)].copy()
        own.update(view[covered.gap_end : covered.end])
        found.append(own.digest())
    running["sha256"].update(view[at:])
    return found, running["sha256"].hexdigest()


def _digest_name(signed: _Signed) -> str:
    """What the document is digested with: the signature's own digest, or the imprint's."""
    return (
        signed.cms.digest_name
        if signed.cms.content is None or signed.stamp is None
        else signed.stamp.digest_name
    )


def _check_order(file: _File, signers: list[list[_Certificate]]) -> None:
    """No timestamp is older than one that it covers, nor than a certificate that it speaks for."""
    stamps = [each.stamp.at if each.stamp else None for each in file.signed]
    known = [moment for moment in stamps if moment is not None]
    if any(later < earlier - CLOCKS_APART for earlier, later in combinations(known, 2)):
        raise _Unclear("timestamps that contradict each other")
    for place, certificates in enumerate(signers):
        begins = max(each.path.not_before for each in certificates)
        if any(moment < begins for moment in stamps[place:] if moment is not None):
            raise _Unclear("a timestamp that is older than a certificate")


def _check_tail(pdf: bytes, file: _File, signers: list[list[_Certificate]]) -> None:
    """Validation data that nothing covers must be accounted for."""
    end = file.signed[-1].slot.covered.end
    paths = [each.path.certificates for certificates in signers for each in certificates]
    if not only_white_space(pdf[end:]) and not accounted_for(pdf, end, paths):
        raise _Unclear("validation data that are not accounted for")


def _earliest(file: _File) -> list[datetime | None]:
    """The earliest time that is proven: by a signature's own timestamp, or the newest one that covers it."""
    own = [each.stamp.at if each.stamp else None for each in file.signed]
    archives = [
        at if each.cms.content is not None else None for each, at in zip(file.signed, own, strict=True)
    ]
    found = []
    for place, at in enumerate(own):
        later = [moment for moment in archives[place + 1 :] if moment is not None]
        proven = [moment for moment in (at, *later[-1:]) if moment is not None]
        found.append(at if archives[place] else min(proven, default=None))
    return found


def _status(heard: list[RevocationEvidence], *, in_file: int) -> RevocationStatus:
    """What `Evidence.status` says where all answers say "good"; the first ones are the file's."""
    newest = max(range(len(heard)), key=lambda place: heard[place].this_update)
    answer = heard[newest]
    return RevocationStatus(
        status="good",
        kind="ocsp" if answer.ocsp_der is not None else "crl",
        source="file" if newest < in_file else "trust",
        issued_at=answer.this_update,
        next_update=answer.next_update,
    )


def _date(text: bytes | None) -> datetime | None:
    if text is None:
        return None
    found = _DATE.fullmatch(text)
    if found is None:
        raise _Unclear("a date that is not written plainly")
    return generalized_time(found.group(1) + b"Z")


def _text(text: bytes | None) -> str | None:
    if text is None:
        return None
    if text[:1] == b"(":
        return text[1:-1].decode("ascii")
    octets = bytes.fromhex(text[1:-1].decode("ascii"))
    if octets[:2] != b"\xfe\xff":
        raise _Unclear("a text in another encoding")
    return octets[2:].decode("utf-16-be")


def _bounded(kept: dict[Any, Any]) -> dict[Any, Any]:
    return {} if len(kept) >= _MOST_KEPT else kept
