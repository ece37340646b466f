"""One signature or document timestamp of an open file: from the bytes to a SignatureReport.

Steps, in this order: (1) the range and its container, (2) the CMS, (3) coverage and later changes, (4)
timestamps, (5) signer and chain, (6) the level reached.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.general import find_cms_attribute_iter
from pyhanko.sign.validation.generic_cms import extract_self_reported_ts
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, extract_contents
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.verify.changes import Step
from signing.verify.comments import pages_shown_on
from signing.verify.container import check_cms, read_contents
from signing.verify.evidence import Evidence, Path
from signing.verify.findings import Finding, Weight
from signing.verify.limits import DETAIL_TOLD
from signing.verify.particulars import with_particulars
from signing.verify.pdfvalues import items_of, text_of
from signing.verify.qc_statements import qc_statements
from signing.verify.reader import RFC3161, FilledField, Opened, is_timestamp
from signing.verify.report import Indication, Role, SignatureReport, iso, told
from signing.verify.trust import Trust, ValidationData, adobe_revocation_data, read_dss
from signing.verify.validation import (
    Judged,
    Stamp,
    Token,
    Validator,
    finding_of,
    for_documents,
    not_before_its_certificate,
)
from signing.verify.words import Value, mark

CADES, PKCS7 = "/ETSI.CAdES.detached", "/adbe.pkcs7.detached"
CLAIMED_AHEAD = timedelta(minutes=5)  # a signature may say that it was made by so much later than it is now
CLOCKS_APART = timedelta(minutes=1)  # a timestamp may be older by so much than one that it covers
_PLACES = re.compile(r"page (\d+): -?\d+–[^;a-z]* pt")
_OBSOLETE = frozenset({"/adbe.pkcs7.sha1", "/adbe.x509.rsa_sha1"})


@dataclass
class Inspection:
    """What is known about one signature while it is being looked at."""

    entry: FilledField
    findings: list[Finding] = field(default_factory=list)
    embedded: EmbeddedPdfSignature | None = None
    is_timestamp: bool = False
    tokens: tuple[Token, ...] = ()
    judged: Judged | None = None
    archives: "tuple[Inspection, ...]" = ()  # good document timestamps behind this signature, oldest first
    data: ValidationData = field(default_factory=ValidationData)
    certificate: asn1_x509.Certificate | None = None  # the signer's

    def add(self, code: str, text: str, detail: str = "", **values: Value) -> None:
        """Note a finding."""
        self.findings.append(Finding(code, text, detail[:DETAIL_TOLD], values=values))

    @property
    def revision(self) -> int | None:
        """Number of the revision that this signature made, counted from 0."""
        return self.embedded.signed_revision if self.embedded is not None else None

    @property
    def archive(self) -> Token | None:
        """The newest good document timestamp behind this signature."""
        return self.archives[-1].time if self.archives else None

    @property
    def stamp(self) -> Stamp | None:
        """For a good document timestamp: its time, and the validation data that it covers."""
        if self.time is None or self.embedded is None:
            return None
        root = HistoricalResolver(self.embedded.reader, self.embedded.signed_revision).root
        return Stamp(self.time.stated_at, read_dss(root))

    @property
    def time(self) -> Token | None:
        """For a document timestamp: its own token."""
        return self.tokens[0] if self.is_timestamp and self.tokens else None


def begin(opened: Opened, entry: FilledField, trust: Trust) -> Inspection:
    """Steps 1 and 2: what can be said without asking who signed."""
    inspection = Inspection(entry, is_timestamp=is_timestamp(entry.subfilter))
    if not _format_supported(inspection):
        return inspection
    if entry.covered is None:
        inspection.add(
            "byte_range_odd",
            "what the signature covers is stated in a way that leaves bytes open",
            str(entry.byte_range[:8]),
        )
        return inspection
    container = read_contents(entry.covered.gap(opened.pdf))
    if isinstance(container, Finding):
        inspection.findings.append(container)
        return inspection
    inspection.findings += container.findings
    inspection.findings += check_cms(container.der, trust.known)
    _embed(opened, inspection, container.raw)
    return inspection


def _format_supported(inspection: Inspection) -> bool:
    entry = inspection.entry
    if entry.subfilter in _OBSOLETE:
        inspection.add(
            "format_obsolete",
            "a signature is present in an obsolete format ({format})",
            format=entry.subfilter[1:],
        )
        return False
    if entry.subfilter not in (CADES, PKCS7, RFC3161):
        text = mark("a signature is present in a format that is not supported (none named)")
        if entry.subfilter:
            text = mark("a signature is present in a format that is not supported ({format})")
        inspection.add("format_unsupported", text, format=(entry.subfilter or "")[1:])
        return False
    if (entry.type == "/DocTimeStamp") != inspection.is_timestamp:
        inspection.add(
            "timestamp_mistyped", "a timestamp is filed as a signature or the other way round", entry.type
        )
    if entry.subfilter == PKCS7:
        inspection.add("not_pades", "the signature follows the older PDF format, not PAdES")
    return True


def _embed(opened: Opened, inspection: Inspection, raw: bytes) -> None:
    entry = inspection.entry
    try:
        if extract_contents(entry.dictionary) != raw:
            inspection.add(
                "byte_range_odd",
                "the signature that the form shows is not the one that the covered bytes leave out",
            )
            return
        embedded = EmbeddedPdfSignature(opened.reader, entry.field, entry.name)
        content_type = embedded.signed_data["encap_content_info"]["content_type"].native
        if (content_type == "tst_info") != inspection.is_timestamp:
            inspection.add(
                "cms_unreadable", "the signature's content is not of the kind that its format says"
            )
            return
        inspection.embedded = embedded
        if entry.subfilter == CADES and not _names_certificate(embedded.signer_info):
            inspection.add("certificate_not_named", "what was signed does not say with which certificate")
    except Exception as error:  # noqa: BLE001 (whatever the parser stumbles over, the auditor gets a sentence)
        inspection.add(
            "cms_unreadable", "the signature cannot be read", f"{type(error).__name__}: {str(error)[:300]}"
        )


def check_coverage(inspection: Inspection, steps: Sequence[Step]) -> None:
    """Step 3: the signed revision is covered in full, and later revisions changed only what they may."""
    embedded = inspection.embedded
    if embedded is None:
        return
    if embedded.evaluate_signature_coverage() < SignatureCoverageLevel.ENTIRE_REVISION:
        inspection.add(
            "byte_range_odd", "the signature does not cover the whole of the document that it signs"
        )
    later = [step for step in steps if step.revision > embedded.signed_revision]
    for step in later:
        _check_step(inspection, embedded, step)


def _check_step(inspection: Inspection, embedded: EmbeddedPdfSignature, step: Step) -> None:
    where = f"revision {step.revision + 1}"
    if step.suspicious is not None:
        inspection.add(
            "changed_after_signing", "the document was changed after signing", f"{where}: {step.suspicious}"
        )
        return
    if step.comments and not _note_comments(inspection, embedded, step, where):
        return
    if step.added_visible:
        inspection.add(
            "visible_field_added",
            "something that shows on the page was added after signing",
            f"{where}: signature fields {', '.join(sorted(step.added_visible))}",
        )
    elif step.added_signed:
        inspection.add(
            "field_added",
            "a signature was added in a place that did not exist when this was signed",
            f"{where}: signature fields {', '.join(sorted(step.added_signed))}",
        )
    shown = step.stamped_visibly | step.redrawn
    if shown:
        inspection.add(
            "field_redrawn",
            "a signature field shows something else without having been signed",
            f"{where}: signature fields {', '.join(sorted(shown))}",
        )
    if step.metadata and not step.signs:
        inspection.add("changed_after_signing", "the document's metadata was changed after signing", where)
    elif step.metadata:
        inspection.add(
            "metadata_changed", "a later signer's program changed the title or other metadata", where
        )
    _check_permissions(inspection, embedded, step, where)


def _note_comments(inspection: Inspection, embedded: EmbeddedPdfSignature, step: Step, where: str) -> bool:
    """Whether comments may be added after this signature: after a certification with P=3, and no other."""
    told = f"{where}: {', '.join(dict.fromkeys(map(str, step.comments)))}"
    if not _certifies(inspection.entry) or embedded.docmdp_level is not MDPPerm.ANNOTATE:
        inspection.add("changed_after_signing", "the document was changed after signing", told)
        return False
    inspection.add(
        "commented_as_permitted", "comments were added after its author certified it, as that allows", told
    )
    if pages_shown_on(step.comments):
        inspection.add(
            "comment_shows", "a comment that was added may make the page read otherwise than certified", told
        )
    return True


def weigh_looks(inspection: Inspection, steps: Sequence[Step]) -> None:
    """Where comments were permitted, they are doubted already for what their pages look like."""
    if not any(finding.code == "comment_shows" for finding in inspection.findings):
        return
    later = [step for step in steps if step.revision > (inspection.revision or 0)]
    pages = frozenset(page for step in later for page in pages_shown_on(step.comments))
    inspection.findings = [each for each in inspection.findings if not _explained(each, pages)]


def _explained(finding: Finding, pages: frozenset[int]) -> bool:
    """Whether what looks otherwise lies on these pages (from 0), of which none was added or resized."""
    if finding.code != "page_looks_otherwise":
        return False
    told = finding.detail.split("; ")
    if len(finding.detail) >= DETAIL_TOLD:
        told.pop()  # it is cut off
    places = [_PLACES.fullmatch(each) for each in told]
    return all(place is not None and int(place.group(1)) - 1 in pages for place in places)


def _check_permissions(
    inspection: Inspection, embedded: EmbeddedPdfSignature, step: Step, where: str
) -> None:
    permission, lock = embedded.docmdp_level, embedded.fieldmdp
    touched = sorted(step.filled_fields | step.signed_fields)
    locked = [name for name in touched if lock is not None and lock.is_locked(name)]
    if locked:
        inspection.add(
            "locked_field_changed", "a field that the signer locked was changed", f"{where}: {locked}"
        )
    if permission is MDPPerm.NO_CHANGES and touched:
        inspection.add(
            "certification_violated",
            "the document was changed although its author allowed no change",
            f"{where}: {touched}",
        )
    elif step.filled_fields and permission is not None and _certifies(inspection.entry):
        inspection.add(
            "form_filled_as_permitted",
            "form fields were filled in after its author certified it, as that allows",
            f"{where}: {sorted(step.filled_fields)}",
        )
    elif step.filled_fields:
        inspection.add(
            "form_filled_after_signing",
            "form fields were filled in after signing",
            f"{where}: {sorted(step.filled_fields)}",
        )


def permitted_fields(inspection: Inspection, steps: Sequence[Step]) -> frozenset[str]:
    """Names of the fields that may look otherwise since a signature: later signatures', and those filled in
    where a certification allows that; none that is locked.
    """
    embedded = inspection.embedded
    if embedded is None or embedded.docmdp_level is MDPPerm.NO_CHANGES:
        return frozenset()
    later = [step for step in steps if step.revision > embedded.signed_revision]
    names = {name for step in later for name in step.signed_fields}
    if embedded.docmdp_level is not None and _certifies(inspection.entry):
        names |= {name for step in later for name in step.filled_fields}
    lock = embedded.fieldmdp
    return frozenset(name for name in names if lock is None or not lock.is_locked(name))


def _certifies(entry: FilledField) -> bool:
    references = items_of(entry.dictionary, "/Reference")
    return any(text_of(reference, "/TransformMethod") == "/DocMDP" for reference in references)


async def judge_timestamp(inspection: Inspection, validator: Validator) -> None:
    """Step 4 for a document timestamp."""
    embedded = inspection.embedded
    if embedded is None:
        return
    token = await validator.token(embedded.signed_data, embedded.compute_digest)
    inspection.tokens, inspection.judged = (token,), token.judged
    inspection.certificate = validator.certificate(embedded)


async def judge_signature(inspection: Inspection, validator: Validator) -> None:
    """Steps 4 and 5 for an approval or certification signature; `archives` must have been set before."""
    embedded = inspection.embedded
    if embedded is None:
        return
    inspection.data = adobe_revocation_data(embedded.signer_info)
    archive, data = inspection.archive, inspection.data
    tokens = await validator.tokens(embedded.signer_info, data)
    if archive is not None:  # a timestamp whose certificate ended, or was revoked, later than that was good
        tokens = await _covered(inspection, tokens, validator)
        tokens = tuple(
            replace(token, judged=_proven_by(archive, token.judged, signer, validator, data))
            for token, signer in zip(tokens, _token_signers(embedded.signer_info), strict=True)
        )
    inspection.tokens = tokens
    judged = await validator.signature(embedded, tokens, data)
    if archive is not None:
        judged = await validator.with_archive(embedded, judged, archive)
    for stamp in (each.stamp for each in inspection.archives if not judged.ok):
        judged = await validator.as_it_was(embedded, judged, stamp, data) if stamp else judged
    proven = [token.proven_at for token in tokens if token.proven_at]
    judged = await validator.while_it_was_valid(embedded, judged, min(proven, default=None), data)
    existed = [*proven, *([archive.proven_at] if archive and archive.proven_at else [])]
    earliest = min(existed, default=None)
    judged = validator.heard(judged, data, stamped_at=min(proven, default=None), existed_at=earliest)
    judged = validator.listed(judged, earliest or validator.at, signing=True)
    judged = validator.aged(judged, embedded.signer_info, earliest)
    inspection.certificate = validator.certificate(embedded)
    judged = not_before_its_certificate(judged, inspection.certificate, earliest)
    inspection.judged = for_documents(judged, inspection.certificate)


async def _covered(
    inspection: Inspection, tokens: tuple[Token, ...], validator: Validator
) -> tuple[Token, ...]:
    """The timestamps of a signature; those that time has run out for as when an archive covered them."""
    signer: cms.SignerInfo = inspection.embedded.signer_info if inspection.embedded else None
    covered = []
    for token, signed in zip(tokens, _token_contents(signer), strict=True):
        judged = token.judged
        for stamp in (each.stamp for each in inspection.archives if not judged.ok):
            if stamp is not None and not judged.ok:
                value = signer["signature"].native
                judged = await validator.stamped_then(signed, value, judged, stamp, inspection.data)
        covered.append(replace(token, judged=judged))
    return tuple(covered)


def _proven_by(
    archive: Token, judged: Judged, signer: cms.SignerInfo, validator: Validator, data: ValidationData
) -> Judged:
    """A timestamp of a signature, judged again with the proof that an archive timestamp gives of it."""
    heard = validator.heard(judged, data, stamped_at=None, existed_at=archive.proven_at)
    return validator.aged(heard, signer, archive.proven_at)


def _token_contents(signer: cms.SignerInfo) -> list[cms.SignedData]:
    found = find_cms_attribute_iter(signer["unsigned_attrs"], "signature_time_stamp_token")
    return [value["content"] for value in found]


def _token_signers(signer: cms.SignerInfo) -> list[cms.SignerInfo]:
    return [signed["signer_infos"][0] for signed in _token_contents(signer)]


def check_order(inspections: Sequence[Inspection]) -> None:
    """What covers a timestamp can't be older than it; `inspections` stand in the order of what they cover.

    A minute is the clocks' affair.
    """
    for earlier, later in combinations(inspections, 2):
        before = max((token.proven_at for token in earlier.tokens if token.proven_at), default=None)
        behind = min((token.proven_at for token in later.tokens if token.proven_at), default=None)
        if before is not None and behind is not None and behind < before - CLOCKS_APART:
            later.add(
                "timestamp_order",
                "its timestamp is older than another one that it covers",
                f"{behind:%Y-%m-%d %H:%M:%S} covers {before:%Y-%m-%d %H:%M:%S} UTC",
            )


def conclude(inspection: Inspection, validator: Validator) -> SignatureReport:
    """Step 6, and everything put into words."""
    embedded, judged, evidence = inspection.embedded, inspection.judged, validator.evidence
    report = SignatureReport(
        field=inspection.entry.name[:DETAIL_TOLD],
        role=Role.TIMESTAMP if inspection.is_timestamp else Role.APPROVAL,
        indication=Indication.INDETERMINATE,
        sub_indication=None,
        findings=(),
        format=inspection.entry.subfilter[1:] if inspection.entry.subfilter else None,
        revision=inspection.revision,
        signed_bytes_end=inspection.entry.covered.end if inspection.entry.covered else None,
        reason=text_of(inspection.entry.dictionary, "/Reason"),
        location=text_of(inspection.entry.dictionary, "/Location"),
    )
    if embedded is not None and judged is not None:
        _note_judgment(inspection, judged, evidence, validator.at)
        report = _describe(report, inspection, embedded, judged, evidence)
    indication, sub_indication = weigh(inspection.findings)
    report = replace(
        report, indication=indication, sub_indication=sub_indication, findings=told(inspection.findings)
    )
    if embedded is None or judged is None:
        return report
    chain = judged.path or (embedded.signer_cert,)
    return with_particulars(report, embedded.signer_info, chain, inspection.data, validator)


def weigh(findings: Iterable[Finding]) -> tuple[Indication, str | None]:
    """The indication that findings amount to, and the sub-indication of the first that decides it."""
    for weight, indication in (
        (Weight.FAILS, Indication.FAILED),
        (Weight.PREVENTS, Indication.INDETERMINATE),
    ):
        deciding = [finding for finding in findings if finding.weight is weight]
        if deciding:
            return indication, deciding[0].sub_indication
    return Indication.PASSED, None


def _was_to_last(inspection: Inspection, evidence: Evidence) -> bool:
    """Whether a document timestamp or answers in the store are there, which come after a signature's own."""
    path = inspection.judged.path if inspection.judged else ()
    answered = len(path) > 1 and evidence.answered_in_file(path[0], path[1], ValidationData()) is not None
    return inspection.archive is not None or answered


def _note_judgment(inspection: Inspection, judged: Judged, evidence: Evidence, at: datetime) -> None:
    finding = finding_of(judged)
    if finding is not None:
        inspection.findings.append(_made_later(inspection, finding, at) or finding)
    if any(each.judged.unrooted for each in inspection.tokens) or judged.unrooted:
        # said already: without its root, an intermediate certificate can't be placed either
        inspection.findings = [each for each in inspection.findings if each.code != "certificate_unplaced"]
    if judged.aged:
        inspection.findings.append(made_aged())
    if inspection.is_timestamp:
        return
    _note_claim(inspection, at)
    if not inspection.tokens and inspection.entry.subfilter == CADES and _was_to_last(inspection, evidence):
        inspection.add(
            "signature_timestamp_missing", "it is made to last, but no timestamp of its own says when"
        )
    for token in inspection.tokens:
        if not token.judged.ok:
            text = mark("its timestamp cannot be relied on here")
            if token.judged.failed:
                text = mark("its timestamp does not hold")
            told = f"{token.judged.sub_indication} {token.judged.detail}".strip()
            inspection.add("timestamp_invalid", text, told)


def _note_claim(inspection: Inspection, at: datetime) -> None:
    """Nothing proves when it was signed, and it says: after the time as of which it is judged."""
    claimed = _claimed(inspection.embedded) if inspection.embedded else None
    proven = any(token and token.proven_at for token in (*inspection.tokens, inspection.archive))
    if (
        proven
        or not claims_later(claimed, at)
        or "not_yet_signed" in {one.code for one in inspection.findings}
    ):
        return
    inspection.add(
        "claimed_later", "it says that it was signed later, on {claimed:moment}", claimed=iso(claimed) or ""
    )


def _made_later(inspection: Inspection, finding: Finding, at: datetime) -> Finding | None:
    """What is to be said in place of a missing answer when the signature says that it was made after `at`."""
    embedded = inspection.embedded
    if embedded is None or finding.code != "revocation_unknown":
        return None
    made_at = min((token.stated_at for token in inspection.tokens), default=None) or _claimed(embedded)
    if made_at is None or made_at <= at:
        return None
    text = mark("it is judged as of a time before it was signed, which it says was {made_at:moment}")
    values = {"made_at": iso(made_at) or ""}
    return Finding("not_yet_signed", text, finding.detail, finding.sub_indication, values)


def _describe(
    report: SignatureReport,
    inspection: Inspection,
    embedded: EmbeddedPdfSignature,
    judged: Judged,
    evidence: Evidence,
) -> SignatureReport:
    certificate, signer = inspection.certificate or embedded.signer_cert, embedded.signer_info
    chain = judged.path or (certificate,)
    development = any("development" in link.subject.human_friendly.lower() for link in chain)
    if development:
        inspection.findings.append(made_for_development())
    proven = [
        token.proven_at for token in (*inspection.tokens, inspection.archive) if token and token.proven_at
    ]
    return replace(
        report,
        **described(certificate),
        role=_role(inspection, certificate),
        level=None if inspection.is_timestamp else _level(inspection, embedded, judged, evidence),
        development=development,
        claimed_at=_claimed(embedded),
        proven_at=min(proven, default=None),
        digest_algorithm=embedded.md_algorithm,
        signature_algorithm=signer["signature_algorithm"]["algorithm"].native,
        certificate_sha256=certificate.sha256.hex(),
        chain=tuple(link.subject.human_friendly for link in judged.path),
        revocation_checked_at=_answer(inspection, chain, evidence),
    )


def described(certificate: asn1_x509.Certificate) -> dict[str, Any]:
    """What a report says of a signer by the certificate alone."""
    subject, stated = certificate.subject.native, qc_statements(certificate)
    return {
        "signer": _words(subject.get("common_name")) or certificate.subject.human_friendly[:DETAIL_TOLD],
        "organisation": _words(subject.get("organization_name")),
        "qc": stated if stated.said else None,
    }


def made_aged() -> Finding:
    """Accepted on the answers of the day of signing."""
    return Finding("revocation_aged", "the revocation answers are those of the day of signing")


def claims_later(claimed: datetime | None, at: datetime) -> bool:
    """Whether a signature says that it was made after the time as of which it is judged."""
    return claimed is not None and claimed > at + CLAIMED_AHEAD


def made_for_development() -> Finding:
    """The certificate's chain calls itself a development one."""
    told = mark("the certificate is a development one and proves nothing outside a test")
    return Finding("development_certificate", told)


def _words(value: Any) -> str | None:
    if isinstance(value, list):
        value = " ".join(str(part) for part in value)
    return str(value)[:500] if isinstance(value, str) else None


def _claimed(embedded: EmbeddedPdfSignature) -> datetime | None:
    claimed = extract_self_reported_ts(embedded.signer_info) or embedded.self_reported_timestamp
    if claimed is None or claimed.tzinfo is None:
        return None
    return claimed.astimezone(UTC)


def _role(inspection: Inspection, certificate: asn1_x509.Certificate) -> Role:
    if inspection.is_timestamp:
        return Role.TIMESTAMP
    if _certifies(inspection.entry):
        return Role.CERTIFICATION
    return role_of(certificate)


def role_of(certificate: asn1_x509.Certificate) -> Role:
    """Signature or seal: what the certificate says that it is for, or else whose it is."""
    types = qc_statements(certificate).types
    if types in (("eseal",), ("esign",)):
        return Role.SEAL if types == ("eseal",) else Role.APPROVAL
    return Role.SEAL if _of_organisation(certificate) else Role.APPROVAL


def _of_organisation(certificate: asn1_x509.Certificate) -> bool:
    """Whether the subject is a legal person: an organisation identifier, or the organisation's own name."""
    subject = certificate.subject.native
    if "organization_identifier" in subject:
        return True
    name, organisation = str(subject.get("common_name", "")), str(subject.get("organization_name", ""))
    return bool(organisation) and name.startswith(organisation)


def _level(
    inspection: Inspection, embedded: EmbeddedPdfSignature, judged: Judged, evidence: Evidence
) -> str | None:
    """The PAdES baseline level that this signature reached, by what is in the file and holds."""
    if inspection.entry.subfilter != CADES or not _names_certificate(embedded.signer_info):
        return None
    good = [token for token in inspection.tokens if token.judged.ok]
    if not good and inspection.archive is None:
        return "B-B"
    paths = [judged.path, *(token.judged.path for token in good)]
    if not all(path and _answered(path, evidence, inspection.data) for path in paths):
        return "B-T"
    return "B-LTA" if inspection.archive is not None else "B-LT"


def _answer(inspection: Inspection, chain: Path, evidence: Evidence) -> datetime | None:
    return evidence.answered_in_file(chain[0], chain[1], inspection.data) if len(chain) > 1 else None


def _answered(path: Path, evidence: Evidence, data: ValidationData) -> bool:
    return all(
        evidence.answered_in_file(certificate, issuer, data) is not None
        or certificate.ocsp_no_check_value is not None
        for certificate, issuer in pairwise(path)
    )


def _names_certificate(signer: cms.SignerInfo) -> bool:
    attributes = signer["signed_attrs"]
    return any(
        True
        for name in ("signing_certificate_v2", "signing_certificate")
        for _ in find_cms_attribute_iter(attributes, name)
    )
