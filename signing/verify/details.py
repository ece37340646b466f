"""What a report holds of a file and of each signature, as lines of a label and a value for a reader.

Everything that JSON has and a person can judge by is here. The words of a file or a certificate are its own:
what draws these lines has to take control characters out, and to keep each in its place.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from signing.verify.qualified import IN_WORDS
from signing.verify.report import Report, RevocationStatus, Role, SignatureReport
from signing.verify.strength import Strength

Line = tuple[str, str]
_ROLES = {"approval": "Signature", "certification": "Certification", "seal": "Seal", "timestamp": "Timestamp"}
_ANSWERS = {"ocsp": "an OCSP answer", "crl": "a revocation list"}
_SOURCES = {"file": "in the file", "trust": "from what is trusted", "online": "asked for online"}


def about_file(report: Report) -> Iterator[Line]:
    """Of the file as a whole; its sentence, name and digest are told elsewhere."""
    if report.size is not None:
        parts = "" if report.revisions is None else f", {counted(report.revisions, 'revision')}"
        yield "File", f"{report.size:,} bytes{parts}"
        yield "Validation", "whole" if report.whole else "cleared by the quick look"
    if report.pages_compared is not None:
        yield "Pages", f"{counted(report.pages_compared, 'page')} drawn as signed and as now, and compared"
    for finding in report.findings:
        yield "Found", _found(finding.code, finding.message, finding.detail)


def heading(signature: SignatureReport) -> str:
    """Which one it is, and what became of it."""
    name = f" “{signature.field}”" if signature.field else ""
    sub = f" · {signature.sub_indication}" if signature.sub_indication else ""
    return f"{_ROLES[signature.role.value]}{name}: {signature.indication.value}{sub}"


def about_signature(signature: SignatureReport, report: Report) -> Iterator[Line]:
    """Of one signature or document timestamp; what is not known has no line."""
    if signature.signer:
        by = signature.signer
        if signature.organisation and signature.organisation != by:
            by += f", {signature.organisation}"
        yield "Made by", by
    written = signature.format or "no format named"
    if signature.role is Role.TIMESTAMP:
        yield "Format", written
    else:
        yield "Level", f"{signature.level or 'none reached'} ({written})"
    if signature.proven_at is not None:
        yield "Proven time", _time(signature.proven_at)
    if signature.claimed_at is not None:
        yield "Claimed time", _time(signature.claimed_at)
    yield from _covered(signature, report)
    yield from _algorithms(signature)
    if signature.certificate_sha256:
        yield "Certificate", f"SHA-256 {signature.certificate_sha256}"
    for place, name in enumerate(signature.chain):
        yield "" if place else "Trusted by way of", name
    if signature.revocation is not None:
        yield "Revocation", _revocation(signature.revocation)
    yield "Qualified", _qualified(signature)
    if signature.reason:
        yield "Reason given", f"“{signature.reason}”"
    if signature.location:
        yield "Place given", f"“{signature.location}”"
    for finding in signature.findings:
        yield "Found", _found(finding.code, finding.message, finding.detail)


def _covered(signature: SignatureReport, report: Report) -> Iterator[Line]:
    if signature.signed_bytes_end is None:
        return
    told = f"all bytes but its own up to {signature.signed_bytes_end:,}"
    if report.size is not None:
        told += f" of {report.size:,}"
    if signature.revision is not None and report.revisions is not None:
        told += f"; revision {signature.revision} of {report.revisions}"
    yield "Covers", told


def _algorithms(signature: SignatureReport) -> Iterator[Line]:
    named = [name for name in (signature.signature_algorithm, signature.digest_algorithm) if name]
    if named:
        yield "Algorithms", f"{', '.join(named)}{_strength(signature.strength)}"


def _strength(strength: Strength | None) -> str:
    if strength is None:
        return ""
    key = f"; key {strength.key}" if strength.key else ""
    until = f"; good until {strength.good_until}" if strength.good_until is not None else ""
    return key + until


def _revocation(status: RevocationStatus) -> str:
    told = status.status
    if status.revoked_at is not None:
        told += f" since {_time(status.revoked_at)}"
    if status.kind is not None:
        told += f"; {_ANSWERS.get(status.kind, status.kind)}"
        told += f" {_SOURCES.get(status.source, status.source)}" if status.source else ""
    if status.issued_at is not None:
        told += f", of {_time(status.issued_at)}"
    return told


def _qualified(signature: SignatureReport) -> str:
    status = signature.qualified
    by = f", {status.service}" if status.service else ""
    why = f" ({status.why})" if status.why else ""
    return f"{IN_WORDS[status.qualified]}{by}{why}"


def _found(code: str, message: str, detail: str) -> str:
    return f"{message}{f' ({detail})' if detail else ''} [{code}]"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
