"""What a report holds of a file and of each signature, as lines of a label and a value for a reader, in
their language.

Everything that JSON has and a person can judge by is here. The words of a file or a certificate are its own:
what draws these lines has to take control characters out, and to keep each in its place.
"""

from collections.abc import Iterator

from signing.verify.findings import Finding
from signing.verify.qualified import IN_WORDS
from signing.verify.report import Report, RevocationStatus, Role, SignatureReport
from signing.verify.strength import Strength
from signing.verify.words import ENGLISH, Words, mark

Line = tuple[str, str]
_ROLES = {
    Role.APPROVAL: mark("Signature"),
    Role.CERTIFICATION: mark("Certification"),
    Role.SEAL: mark("Seal"),
    Role.TIMESTAMP: mark("Timestamp"),
}
_STATUSES = {
    "good": mark("good"),
    "revoked": mark("revoked since {at}"),
    "unknown": mark("unknown"),
}
_ANSWERS = {
    ("ocsp", "file"): mark("an OCSP answer in the file"),
    ("ocsp", "trust"): mark("an OCSP answer from what is trusted"),
    ("ocsp", "online"): mark("an OCSP answer asked for online"),
    ("crl", "file"): mark("a revocation list in the file"),
    ("crl", "trust"): mark("a revocation list from what is trusted"),
    ("crl", "online"): mark("a revocation list asked for online"),
}


def about_file(report: Report, words: Words = ENGLISH) -> Iterator[Line]:
    """Of the file as a whole; its sentence, name and digest are told elsewhere."""
    if report.size is not None:
        size = words.counted("{count} byte", "{count} bytes", report.size)
        if report.revisions is not None:
            size += ", " + words.counted("{count} revision", "{count} revisions", report.revisions)
        yield words.text("File"), size
        yield (
            words.text("Validation"),
            words.text(mark("whole") if report.whole else mark("cleared by the quick look")),
        )
    if report.pages_compared is not None:
        yield (
            words.text("Pages"),
            words.counted(
                "{count} page drawn as signed and as now, and compared",
                "{count} pages drawn as signed and as now, and compared",
                report.pages_compared,
            ),
        )
    for finding in report.findings:
        yield words.text("Found"), _found(finding, words)


def heading(signature: SignatureReport, words: Words = ENGLISH) -> str:
    """Which one it is, and what became of it."""
    name = f" “{signature.field}”" if signature.field else ""
    sub = f" · {signature.sub_indication}" if signature.sub_indication else ""
    return f"{words.text(_ROLES[signature.role])}{name}: {signature.indication.value}{sub}"


def about_signature(signature: SignatureReport, report: Report, words: Words = ENGLISH) -> Iterator[Line]:
    """Of one signature or document timestamp; what is not known has no line."""
    if signature.signer:
        by = signature.signer
        if signature.organisation and signature.organisation != by:
            by += f", {signature.organisation}"
        yield words.text("Made by"), by
    written = signature.format or words.text("no format named")
    if signature.role is Role.TIMESTAMP:
        yield words.text("Format"), written
    else:
        reached = signature.level or words.text("none reached")
        yield words.text("Level"), f"{reached} ({written})"
    if signature.proven_at is not None:
        yield words.text("Proven time"), words.moment(signature.proven_at, seconds=True)
    if signature.claimed_at is not None:
        yield words.text("Claimed time"), words.moment(signature.claimed_at, seconds=True)
    yield from _covered(signature, report, words)
    yield from _algorithms(signature, words)
    if signature.certificate_sha256:
        yield words.text("Certificate"), f"SHA-256 {signature.certificate_sha256}"
    for place, name in enumerate(signature.chain):
        yield "" if place else words.text("Trusted by way of"), name
    if signature.revocation is not None:
        yield words.text("Revocation"), _revocation(signature.revocation, words)
    yield words.text("Qualified"), _qualified(signature, words)
    if signature.reason:
        yield words.text("Reason given"), f"“{signature.reason}”"
    if signature.location:
        yield words.text("Place given"), f"“{signature.location}”"
    for finding in signature.findings:
        yield words.text("Found"), _found(finding, words)


def _covered(signature: SignatureReport, report: Report, words: Words) -> Iterator[Line]:
    if signature.signed_bytes_end is None:
        return
    text = mark("all bytes but its own up to {end}")
    if report.size is not None:
        text = mark("all bytes but its own up to {end} of {size}")
    told = words.text(text, end=signature.signed_bytes_end, size=report.size or 0)
    if signature.revision is not None and report.revisions is not None:
        which = words.text(
            "revision {revision} of {revisions}", revision=signature.revision, revisions=report.revisions
        )
        told += f"; {which}"
    yield words.text("Covers"), told


def _algorithms(signature: SignatureReport, words: Words) -> Iterator[Line]:
    named = [name for name in (signature.signature_algorithm, signature.digest_algorithm) if name]
    if named:
        yield words.text("Algorithms"), f"{', '.join(named)}{_strength(signature.strength, words)}"


def _strength(strength: Strength | None, words: Words) -> str:
    if strength is None:
        return ""
    told = ""
    if strength.key:
        told += "; " + words.text("key {key}", key=strength.key)
    if strength.good_until is not None:
        told += "; " + words.text("good until {year}", year=str(strength.good_until))
    return told


def _revocation(status: RevocationStatus, words: Words) -> str:
    text = _STATUSES.get(status.status, status.status)
    if status.status == "revoked" and status.revoked_at is None:
        text = mark("revoked")
    at = "" if status.revoked_at is None else words.moment(status.revoked_at, seconds=True)
    told = words.text(text, at=at)
    if status.kind is not None:
        answer = _ANSWERS.get((status.kind, status.source or ""), f"{status.kind} {status.source or ''}")
        told += f"; {words.text(answer).rstrip()}"
    if status.issued_at is not None:
        issued_at = words.moment(status.issued_at, seconds=True)
        told += ", " + words.text("of {at}", at=issued_at)
    return told


def _qualified(signature: SignatureReport, words: Words) -> str:
    status = signature.qualified
    by = f", {status.service}" if status.service else ""
    why = f" ({status.detail(words)})" if status.why else ""
    return f"{words.text(IN_WORDS[status.qualified])}{by}{why}"


def _found(finding: Finding, words: Words) -> str:
    return f"{finding.told(words)}{f' ({finding.detail})' if finding.detail else ''} [{finding.code}]"
